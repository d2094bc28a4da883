//! What people decided about which points are one box, where what was seen does not say it or says it wrongly.

use std::collections::BTreeSet;

use rusqlite::Connection;

/// Which points of a facility are one box, and which are not, as people decided. Points are named as runs named them or
/// as the store keeps them; a pair stands in one list only, that of the last decision about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Decisions {
    /// Pairs of names that are one box.
    pub together: Vec<(String, String)>,
    /// Pairs of names that are two boxes. They win where two boxes have several names.
    pub apart: Vec<(String, String)>,
}

impl Decisions {
    /// Whether a box with some of these names and one with others are one; `None` where nobody decided it.
    pub(super) fn are_one(&self, one: &BTreeSet<&str>, other: &BTreeSet<&str>) -> Option<bool> {
        let between = |pairs: &[(String, String)]| {
            pairs.iter().any(|(a, b)| {
                let (a, b) = (&**a, &**b);
                one.contains(a) && other.contains(b) || one.contains(b) && other.contains(a)
            })
        };
        if between(&self.apart) { Some(false) } else { between(&self.together).then_some(true) }
    }
}

/// What was decided about the points of a facility.
#[expect(clippy::unnecessary_wraps, reason = "no table holds decisions in this format")]
pub(super) fn decisions(
    _connection: &Connection,
    _facility: Option<&str>,
) -> rusqlite::Result<Decisions> {
    Ok(Decisions::default())
}
