//! What the run measured and what it did not, what it sent, how it worked, and what the words mean.

use std::collections::BTreeSet;

use super::{LONGEST, cell, chapter, fact, facts, more, note, paragraph, shown, table};
use crate::{
    correlate::{CoverageState, Grid, Kind, mechanism::Mechanism},
    report::{
        Report, cut, decided, networks,
        pdf::block::{Block, Look, Text, VERMILION},
        sent::{self, size},
        unknown,
        words::grouped,
    },
};

/// How many lines of coverage, how many files, and how many of those that were asked most are shown.
const MOST_LINES: usize = 300;
const MOST_INPUTS: usize = 60;
const MOST_ASKED: usize = 30;

pub(super) fn unrecognised(report: &Report<'_>) -> Vec<Block> {
    let words = report.words;
    let rows = unknown::rows(report);
    if rows.is_empty() {
        return Vec::new();
    }
    let shown_rows = rows.iter().take(unknown::MOST_GROUPS).map(|row| {
        vec![
            cell(&row.addresses),
            cell(&row.why),
            cell(&row.said),
            vec![Text::new(shown(&row.id), Look::NOTE)],
        ]
    });
    let columns = [
        ("label", "inside", 23.0),
        ("label", "looks", 30.0),
        ("label", "says", 32.0),
        ("label", "id", 15.0),
    ];
    let mut blocks = vec![
        chapter(words.get("heading", "unrecognised"), "unrecognised"),
        paragraph(unknown::how_many(report.run.unrecognised.len(), rows.len(), words)),
        note(words.get("unknown", "plain")),
        table(words, &columns, shown_rows.collect()),
    ];
    if rows.len() > unknown::MOST_GROUPS {
        blocks.push(note(more(rows.len() - unknown::MOST_GROUPS, words)));
    }
    blocks
}

/// What could not be seen comes first: nobody looks for it otherwise.
pub(super) fn coverage(report: &Report<'_>) -> Vec<Block> {
    let words = report.words;
    let lines = report.run.coverage.iter();
    let mut lines: Vec<_> =
        lines.filter(|line| Mechanism::place(&line.subject).is_none()).collect();
    lines.sort_by_key(|line| place(line.state));
    let left = lines.len().saturating_sub(MOST_LINES);
    let rows = lines.into_iter().take(MOST_LINES).map(|line| {
        let detail =
            line.detail.as_deref().map(|detail| sent::detail(&line.subject, detail, words));
        let mut subject = vec![Text::cell(shown(words.get("coverage", &line.subject)))];
        let plain = words.find("coverage_plain", &line.subject);
        subject.extend(plain.map(|plain| Text::new(plain, Look::NOTE)));
        let mut said = cell(line.count.map(grouped).unwrap_or_default());
        said.extend(detail.map(|detail| Text::cell(shown(&detail))));
        said.retain(|text| !text.words.is_empty());
        vec![state(line.state, report), subject, said]
    });
    let columns = [("label", "state", 14.0), ("label", "subject", 52.0), ("label", "detail", 34.0)];
    let mut blocks = vec![
        chapter(words.get("heading", "coverage"), "coverage"),
        note(words.get("summary", "caveat")),
        table(words, &columns, rows.collect()),
    ];
    if left > 0 {
        blocks.push(note(more(left, words)));
    }
    let grid = networks::lines(&Grid::of(&report.run.coverage), words);
    if !grid.is_empty() {
        let heading = words.get("heading", "networks").to_owned();
        blocks.push(Block::Heading { level: 2, words: heading, anchor: "networks".to_owned() });
        blocks.push(note(words.get("networks", "plain")));
        let rows = grid
            .iter()
            .map(|(of, said)| vec![state(*of, report), vec![Text::cell(cut(said, LONGEST * 6))]]);
        let columns = [("label", "state", 14.0), ("label", "detail", 86.0)];
        blocks.push(table(words, &columns, rows.collect()));
    }
    blocks
}

const fn place(state: CoverageState) -> u8 {
    match state {
        CoverageState::NotMeasured => 0,
        CoverageState::Partial => 1,
        CoverageState::Measured => 2,
    }
}

fn state(state: CoverageState, report: &Report<'_>) -> Vec<Text> {
    let look = match state {
        CoverageState::Measured => Look::CELL,
        _ => Look::CELL.strong().in_colour(VERMILION),
    };
    vec![Text::new(report.words.coverage_state(state), look)]
}

pub(super) fn sent(report: &Report<'_>) -> Vec<Block> {
    let words = report.words;
    let Some(asked) = report.asked else { return Vec::new() };
    let rows = sent::busiest(asked, MOST_ASKED).into_iter().map(|(address, entry)| {
        vec![
            cell(address.to_string()),
            cell(grouped(entry.packets)),
            cell(size(entry.bytes)),
            cell(grouped(entry.answers)),
            cell(sent::probes(asked, entry)),
        ]
    });
    let columns = [
        ("label", "address", 26.0),
        ("label", "packets", 12.0),
        ("label", "bytes", 13.0),
        ("label", "answers", 10.0),
        ("label", "probes", 39.0),
    ];
    let mut blocks = vec![
        chapter(words.get("heading", "sent"), "sent"),
        paragraph(sent::sums(asked, words)),
        note(words.get("sent", "busiest")),
        table(words, &columns, rows.collect()),
    ];
    let all = usize::try_from(asked.addresses()).unwrap_or(usize::MAX);
    if all > MOST_ASKED {
        blocks.push(note(more(all - MOST_ASKED, words)));
        blocks.push(note(words.get("sent", "file")));
    }
    blocks
}

pub(super) fn method(report: &Report<'_>) -> Vec<Block> {
    let (run, words) = (report.run, report.words);
    let has = |subject: &str| run.coverage.iter().any(|line| line.subject == subject);
    let mut blocks = vec![chapter(words.get("heading", "method"), "method")];
    let said = [
        ("asked", has("questions_asked")),
        ("listen", true),
        ("nothing_sent", has("listens_only")),
        ("proof", true),
        ("kept", true),
        ("silence", true),
    ];
    let said = said.into_iter().filter(|(_, is)| *is);
    blocks.extend(said.map(|(key, _)| paragraph(words.get("method", key))));
    let rows = run.inputs.iter().take(MOST_INPUTS).map(|input| {
        vec![cell(&input.name), cell(grouped(input.packets)), cell(size(input.bytes))]
    });
    let columns = [("label", "file", 60.0), ("label", "packets", 20.0), ("label", "bytes", 20.0)];
    let rows: Vec<_> = rows.collect();
    if !rows.is_empty() {
        blocks.push(table(words, &columns, rows));
    }
    if run.inputs.len() > MOST_INPUTS {
        blocks.push(note(more(run.inputs.len() - MOST_INPUTS, words)));
    }
    blocks
}

/// What the words mean, and where the log ends.
pub(super) fn last(report: &Report<'_>) -> Vec<Block> {
    let mut blocks = glossary(report);
    if let Some([told, plain]) = decided::ending(report) {
        let words = report.words.get("review", "ending_heading").to_owned();
        blocks.push(Block::Heading { level: 2, words, anchor: "ending".to_owned() });
        blocks.push(paragraph(told));
        blocks.push(note(plain));
    }
    blocks
}

/// The words this report uses: general ones, and the kinds that were found.
fn glossary(report: &Report<'_>) -> Vec<Block> {
    let words = report.words;
    let restricted = report.is_restricted().then_some("restriction");
    let general =
        ["point", "inside", "grade", "confidence", "packet", "mac"].into_iter().chain(restricted);
    let general = general.map(|term| {
        let plain = words.find("term", &format!("{term}_plain")).unwrap_or_default();
        (words.get("term", term), plain)
    });
    let kinds: BTreeSet<Kind> = report.run.points.iter().map(|point| point.kind).collect();
    let kinds =
        kinds.into_iter().map(|kind| (words.kind(kind), words.get("kind_plain", kind.name())));
    let rows = general.chain(kinds).filter_map(|(term, plain)| fact(term, vec![Text::cell(plain)]));
    vec![chapter(words.get("heading", "glossary"), "glossary"), facts(rows.collect())]
}
