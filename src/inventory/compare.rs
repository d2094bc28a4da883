//! What is different between what was known and what is seen now.

use std::collections::BTreeSet;

use super::{Change, change::differences, state::State};
use crate::correlate::Vantage;

/// What `now` says that `before` did not know, new points first. `from` is from where was looked now, `previous` the run
/// before that looked from there.
pub(super) fn compare(
    before: &[State],
    now: &[State],
    previous: Option<&str>,
    from: &BTreeSet<Vantage>,
) -> Vec<Change> {
    let mut changes = Vec::new();
    for State { rows, point, .. } in now {
        let (id, kind) = (point.id.clone(), point.kind);
        // What was two before is held against the one that kept its name.
        let known = before.iter().filter(|state| state.has_any(rows));
        let Some(known) = known.min_by_key(|state| (state.point.id != id, state.point.id.clone()))
        else {
            changes.push(Change::Appeared { id, kind });
            continue;
        };
        let what = differences(&known.point, point);
        if !what.is_empty() {
            changes.push(Change::Changed { id, kind, what });
        }
    }
    let missed = before.iter().filter(|state| {
        state.is_expected(from) && !now.iter().any(|seen| state.has_any(&seen.rows))
    });
    changes.extend(missed.map(|state| {
        let last = state.last_from.iter().filter(|(vantage, _)| from.contains(vantage));
        Change::NotSeen {
            again: !last.into_iter().any(|(_, run)| Some(run.as_str()) == previous),
            id: state.point.id.clone(),
            kind: state.point.kind,
            last_seen: state.last.clone(),
        }
    }));
    changes.sort_by(|a, b| a.order().cmp(&b.order()));
    changes
}
