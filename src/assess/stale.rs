//! Points that are seldom used: a maintenance line is idle nearly always, and one that is idle always can go.

use std::collections::{BTreeMap, BTreeSet};

use super::Stale;
use crate::{
    correlate::{Direction, Kind, Point, Vantage},
    time::Timestamp,
};

/// How many days back are looked at.
const DAYS: i64 = 90;

/// Over how many days runs must have been made before anything is said.
const FEWEST_DAYS: u32 = 60;

/// How many runs there must have been.
const FEWEST_RUNS: usize = 20;

/// One of how many runs may have seen what is seldom used.
const ONE_OF: usize = 20;

/// A day in nanoseconds.
const DAY: i64 = 86_400_000_000_000;

/// The points that were seen in at most one of twenty runs of the last ninety days. `seen` has the moments of the runs that
/// saw each point, by its name, and `runs` those of all runs, with from where each looked: only those count that looked
/// from where the point was seen. Only what dials out or forwards can be seldom used: what listens is seen every time, and
/// what is dark never.
pub fn stale(
    points: &[&Point],
    seen: &BTreeMap<&str, Vec<Timestamp>>,
    runs: &[(Timestamp, &BTreeSet<Vantage>)],
) -> BTreeMap<String, Stale> {
    let Some(last) = runs.iter().map(|(at, _)| *at).max() else { return BTreeMap::new() };
    let rare = |point: &Point| -> Option<(String, Stale)> {
        let dark = matches!(point.kind, Kind::DialUp | Kind::DeclaredLine);
        if point.direction == Direction::In || dark {
            return None;
        }
        let sightings = seen.get(point.id.as_str())?;
        let first = sightings.iter().min()?;
        // What appeared yesterday was not there to be used before.
        let counts = |at: &&Timestamp| *at >= first && last.since(**at) <= DAYS * DAY;
        let looked = runs.iter().filter(|(_, from)| !from.is_disjoint(&point.sides.seen_from));
        let able: Vec<&Timestamp> = looked.map(|(at, _)| at).filter(counts).collect();
        let span = last.since(**able.iter().min()?);
        let days = u32::try_from(span / DAY).unwrap_or_default();
        let seen = sightings.iter().filter(counts).count();
        let stale = Stale { seen, runs: able.len(), days };
        let enough = stale.runs >= FEWEST_RUNS && days >= FEWEST_DAYS;
        (enough && seen * ONE_OF <= stale.runs).then(|| (point.id.clone(), stale))
    };
    points.iter().copied().filter_map(rare).collect()
}
