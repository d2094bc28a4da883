//! Rows that are one box, all seen from inside or all from outside alone.

use std::collections::BTreeSet;

use super::{
    decision::Decisions,
    state::{Known, Past, Trace},
};
use crate::correlate::{
    Point,
    join::{self, Claims},
};

/// Rows that are one box.
pub(super) struct Group {
    /// The rows.
    pub rows: Vec<Known>,
    /// All that is known of it.
    pub point: Point,
    /// What it claims.
    pub claims: Claims,
    /// The place of the last run that saw any of them.
    last: u64,
}

/// Rows that show the same addresses, unless a run told them apart by seeing both; what people decided counts more.
pub(super) fn groups(
    mut rows: Vec<Known>,
    decisions: &Decisions,
    past: &Past<'_>,
) -> rusqlite::Result<Vec<Group>> {
    rows.sort_by_key(|row| (row.ends().0, row.number));
    let mut groups: Vec<Group> = Vec::new();
    for row in rows {
        let mut group = Group::of(row);
        // The one it is may join others.
        let mut others = Vec::new();
        for known in groups {
            if known.is_one_with(&group, decisions, past)? {
                group = known.with(group);
            } else {
                others.push(known);
            }
        }
        others.push(group);
        groups = others;
    }
    Ok(groups)
}

impl Group {
    fn of(row: Known) -> Self {
        let last = row.ends().1;
        Self { point: row.point.clone(), claims: row.claims.clone(), last, rows: vec![row] }
    }

    /// Whether people decided that both are one box, or are not.
    pub(super) fn decided(&self, other: &Self, decisions: &Decisions) -> Option<bool> {
        if *decisions == Decisions::default() {
            return None;
        }
        decisions.are_one(&self.names(), &other.names())
    }

    /// Every name of its rows.
    fn names(&self) -> BTreeSet<&str> {
        self.rows.iter().flat_map(Known::names).map(String::as_str).collect()
    }

    /// Whether rows of both show the same box, and no run saw both; or people say that they are one.
    fn is_one_with(
        &self,
        other: &Self,
        decisions: &Decisions,
        past: &Past<'_>,
    ) -> rusqlite::Result<bool> {
        if let Some(decided) = self.decided(other, decisions) {
            return Ok(decided);
        }
        let shares = |row: &Known, other: &Known| {
            let hidden = row.point.is_only_outside() || other.point.is_only_outside();
            !hidden
                && (row.shares_hardware(&other.point)
                    || row.shares_identity(&other.point)
                    || row.shares_address(&other.point))
        };
        let pairs =
            || self.rows.iter().flat_map(|row| other.rows.iter().map(move |one| (row, one)));
        if !pairs().any(|(row, other)| shares(row, other)) {
            return Ok(false);
        }
        for (row, other) in pairs() {
            if past.saw_both(row, other)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// All that is known of both; what was seen later counts more.
    fn with(mut self, other: Self) -> Self {
        self.point = if other.last > self.last {
            join::merged(&other.point, &self.point, None)
        } else {
            join::merged(&self.point, &other.point, None)
        };
        self.claims.absorb(other.claims);
        self.last = self.last.max(other.last);
        self.rows.extend(other.rows);
        self
    }

    /// When its rows were seen, as what.
    pub(super) fn traces(&self) -> impl Iterator<Item = &Trace> {
        self.rows.iter().flat_map(|row| &row.traces)
    }
}
