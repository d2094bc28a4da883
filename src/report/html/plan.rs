//! How the points could become fewer: which belong together, what is proposed, in which order, and why.

use serde::Serialize;

use super::{LONGEST, MOST_ROWS, Named, more_of, named};
use crate::{
    assess::Proposal,
    report::{Report, cut},
};

#[derive(Serialize)]
pub(super) struct Plan<'a> {
    sums: String,
    groups: Vec<Group<'a>>,
    more: String,
}

#[derive(Serialize)]
struct Group<'a> {
    order: usize,
    purpose: String,
    whose: String,
    proposal: &'a str,
    keep: bool,
    count: String,
    why: Vec<String>,
    points: Vec<Named>,
    more: String,
}

pub(super) fn plan<'a>(report: &Report<'a>) -> Option<Plan<'a>> {
    let (words, plan) = (report.words, &report.meaning.plan);
    if plan.groups.is_empty() {
        return None;
    }
    let from_to = |key: &str, before: usize, after: usize| {
        let values = [("before", before.to_string()), ("after", after.to_string())];
        let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
        words.fill("page_plan", key, &values)
    };
    let groups = plan.groups.iter().take(MOST_ROWS).map(|group| {
        let (points, more) = named(&group.points, report);
        let line = group.line.as_deref().map(|line| words.line_sort(line));
        let whose: Vec<&str> = [group.vendor.as_deref(), line].into_iter().flatten().collect();
        Group {
            order: group.order,
            purpose: cut(&words.purpose(&group.purpose), LONGEST),
            whose: cut(&whose.join(words.get("language", "comma")), LONGEST),
            proposal: words.get("proposal", group.proposal.name()),
            keep: group.proposal == Proposal::Keep,
            count: from_to("from_to", group.points.len(), group.after),
            why: group.reasons.iter().map(|why| words.why(why)).collect(),
            points,
            more,
        }
    });
    Some(Plan {
        sums: from_to("sums", plan.before, plan.after),
        groups: groups.collect(),
        more: more_of(plan.groups.len().saturating_sub(MOST_ROWS), words),
    })
}
