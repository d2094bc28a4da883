//! What changed since last time, and what somebody decided.

use serde::Serialize;

use super::{LONGEST, shown};
use crate::{
    inventory::Change,
    report::{Report, cut, text::detail},
    time::Day,
};

/// A change.
#[derive(Serialize)]
pub(super) struct Line<'a> {
    name: &'static str,
    again: bool,
    id: String,
    /// Whether the page has its sheet.
    here: bool,
    kind: &'a str,
    detail: String,
}

/// A point about which somebody decided that nobody has to look at it.
#[derive(Serialize)]
pub(super) struct Decided<'a> {
    id: String,
    kind: &'a str,
    state: &'a str,
    reviewer: String,
    day: String,
    reason: String,
    until: String,
}

pub(super) fn lines<'a>(changes: &[Change], report: &Report<'a>) -> Vec<Line<'a>> {
    let words = report.words;
    let lines = changes.iter().map(|change| Line {
        name: change.name(),
        again: matches!(change, Change::NotSeen { again: true, .. }),
        id: shown(change.id()),
        here: report.run.points.iter().any(|point| point.id == change.id()),
        kind: words.kind(change.kind()),
        detail: cut(&detail(change, words), LONGEST * 2),
    });
    lines.collect()
}

pub(super) fn decided<'a>(report: &Report<'a>) -> Vec<Decided<'a>> {
    let words = report.words;
    let points = report.points().into_iter();
    let decided = points.filter(|point| report.is_suppressed(&point.id)).filter_map(|point| {
        let review = report.review(&point.id)?;
        Some(Decided {
            id: shown(&point.id),
            kind: words.kind(point.kind),
            state: words.get("review_state", review.state.name()),
            reviewer: cut(&review.reviewer, 60),
            day: Day::of(review.at).map(|day| day.to_string()).unwrap_or_default(),
            reason: cut(&review.reason, LONGEST * 2),
            until: review.until.map_or_else(
                || words.get("page", "no_until").to_owned(),
                |until| until.to_string(),
            ),
        })
    });
    decided.collect()
}
