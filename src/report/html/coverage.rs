//! What was looked at and what was not, boxes that nobody knows, what was sent, and what was read.

use serde::Serialize;

use super::{more_of, shown};
use crate::{
    correlate::{CoverageState, mechanism::Mechanism},
    inventory::Run,
    report::{
        Report, Words,
        sent::{self, size},
        unknown,
        words::grouped,
    },
};

/// How many of those that were asked most, and of those that were spared, are shown.
const MOST_ASKED: usize = 20;
const MOST_SPARED: usize = 12;

/// Boxes that no signature names.
#[derive(Serialize)]
pub(super) struct Unknown {
    count: String,
    rows: Vec<UnknownRow>,
    more: String,
    draft: String,
}

#[derive(Serialize)]
struct UnknownRow {
    id: String,
    addresses: String,
    why: String,
    said: String,
}

/// Something that was looked at, or was not.
#[derive(Serialize)]
pub(super) struct Line<'a> {
    state: &'a str,
    partial: bool,
    subject: String,
    count: String,
    detail: String,
    meaning: &'a str,
}

#[derive(Serialize)]
pub(super) struct Sent<'a> {
    sums: String,
    busiest: Vec<Busy>,
    more: String,
    spared: Vec<Spared<'a>>,
}

#[derive(Serialize)]
struct Busy {
    address: String,
    packets: String,
    bytes: String,
    answers: String,
    probes: String,
}

#[derive(Serialize)]
struct Spared<'a> {
    subject: &'a str,
    detail: String,
}

/// A file that was read.
#[derive(Serialize)]
pub(super) struct Input {
    name: String,
    packets: String,
    bytes: String,
}

pub(super) fn inputs(run: &Run) -> Vec<Input> {
    let inputs = run.inputs.iter().map(|input| Input {
        name: shown(&input.name),
        packets: grouped(input.packets),
        bytes: size(input.bytes),
    });
    inputs.collect()
}

/// What could not be seen comes first: nobody looks for it otherwise.
pub(super) fn lines<'a>(report: &Report<'a>) -> Vec<Line<'a>> {
    let words: &'static Words = report.words;
    let of_run = report.run.coverage.iter();
    let of_run = of_run.filter(|line| Mechanism::place(&line.subject).is_none());
    let mut lines: Vec<_> = of_run.collect();
    lines.sort_by_key(|line| match line.state {
        CoverageState::NotMeasured => 0,
        CoverageState::Partial => 1,
        CoverageState::Measured => 2,
    });
    lines
        .into_iter()
        .map(|line| Line {
            state: words.coverage_state(line.state),
            partial: line.state != CoverageState::Measured,
            subject: shown(words.get("coverage", &line.subject)),
            count: line.count.map(grouped).unwrap_or_default(),
            detail: line
                .detail
                .as_deref()
                .map(|detail| shown(&sent::detail(&line.subject, detail, words)))
                .unwrap_or_default(),
            meaning: words.find("coverage_plain", &line.subject).unwrap_or_default(),
        })
        .collect()
}

/// Boxes that no signature names, those that matter most first.
pub(super) fn unrecognised(report: &Report<'_>) -> Option<Unknown> {
    let rows = unknown::rows(report);
    if rows.is_empty() {
        return None;
    }
    Some(Unknown {
        count: unknown::how_many(report.run.unrecognised.len(), rows.len(), report.words),
        draft: shown(&unknown::what_to_do(&rows, report.words)),
        more: more_of(rows.len().saturating_sub(unknown::MOST_GROUPS), report.words),
        rows: rows
            .iter()
            .take(unknown::MOST_GROUPS)
            .map(|row| UnknownRow {
                id: shown(&row.id),
                addresses: shown(&row.addresses),
                why: shown(&row.why),
                said: shown(&row.said),
            })
            .collect(),
    })
}

/// What was sent, and who was asked nothing.
pub(super) fn sent<'a>(report: &Report<'a>) -> Option<Sent<'a>> {
    let words: &'static Words = report.words;
    let asked = report.asked?;
    let busy = |(address, entry): (std::net::IpAddr, &crate::passive::asked::Entry)| Busy {
        address: address.to_string(),
        packets: grouped(entry.packets),
        bytes: size(entry.bytes),
        answers: grouped(entry.answers),
        probes: shown(&sent::probes(asked, entry)),
    };
    let more = usize::try_from(asked.addresses()).unwrap_or(usize::MAX).saturating_sub(MOST_ASKED);
    let spared = report
        .run
        .coverage
        .iter()
        .filter(|line| matches!(&*line.subject, "not_allowed" | "left_alone"))
        .take(MOST_SPARED)
        .map(|line| Spared {
            subject: words.find("coverage", &line.subject).unwrap_or_default(),
            detail: line
                .detail
                .as_deref()
                .map(|detail| shown(&sent::detail(&line.subject, detail, words)))
                .unwrap_or_default(),
        });
    Some(Sent {
        sums: sent::sums(asked, words),
        busiest: sent::busiest(asked, MOST_ASKED).into_iter().map(busy).collect(),
        more: more_of(more, words),
        spared: spared.collect(),
    })
}
