//! What a run's points mean for the checklist, the guideline and a plan, in view of what people decided.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    assess::{Checked, Edition, Matter, Meaning, Plan, articles, stale},
    correlate::Point,
    import::Entry,
    inventory::{Memory, ReviewState, Run},
    scope::Vantage,
    time::{Day, Timestamp},
};

/// Adds to `meaning`, which knows versions and the register already, what the points of `run` say to `editions` and to the
/// guideline, how they could become fewer, and which are seldom used.
pub(super) fn hold(meaning: &mut Meaning, run: &Run, memory: &Memory, editions: &[&Edition]) {
    let day = Day::of(run.ended);
    let state = |point: &str| -> Option<ReviewState> {
        Some(memory.points.get(point)?.standing(day)?.state)
    };
    let gone = [Some(ReviewState::FalsePositive), Some(ReviewState::Closed)];
    let points: Vec<&Point> =
        run.points.iter().filter(|point| !gone.contains(&state(&point.id))).collect();
    let reviewed = |wanted: ReviewState| -> BTreeSet<&str> {
        let ids = points.iter().map(|point| point.id.as_str());
        ids.filter(|id| state(id) == Some(wanted)).collect()
    };
    let declared: BTreeMap<&str, &Entry> = memory
        .points
        .iter()
        .filter_map(|(id, known)| Some((id.as_str(), known.declared.as_ref()?)))
        .collect();
    let seen: BTreeMap<&str, Vec<Timestamp>> = memory
        .points
        .iter()
        .map(|(id, known)| (id.as_str(), known.seen.iter().map(|(_, at)| *at).collect()))
        .collect();
    let runs: Vec<_> = memory.runs.iter().map(|run| (run.began, &run.vantages)).collect();
    let seldom = stale(&points, &seen, &runs);
    let matter = Matter {
        points: &points,
        hosts: &run.hosts,
        assessments: &meaning.assessments,
        reconciliation: meaning.reconciliation.as_ref(),
        declared: &declared,
        explained: &reviewed(ReviewState::ExplainedByVendor),
        accepted: &reviewed(ReviewState::AcceptedRisk),
        stale: &seldom,
        outside: looked_from_outside(run),
    };
    let checklists = editions.iter().map(|edition| Checked::of(edition, &matter)).collect();
    let (articles, plan) = (articles(&matter), Plan::of(&matter));
    meaning.checklists = checklists;
    meaning.articles = articles;
    meaning.plan = plan;
    meaning.stale = seldom;
}

/// Whether any run that is known looked from outside.
fn looked_from_outside(run: &Run) -> bool {
    let restricted = run.points.iter().any(|point| !point.sides.restriction.is_empty());
    restricted || !run.inquiries.is_empty() || run.vantages.iter().any(Vantage::is_outside)
}
