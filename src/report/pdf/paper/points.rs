//! What changed, the list of points, and the record of each with its proof.

use super::{LONGEST, anchor, cell, chapter, fact, facts, more, note, point, shown, table};
use crate::{
    assess::Answer,
    correlate::{FromOutside, Point},
    import::Column,
    report::{
        Report, Words, assessed, cut,
        pdf::block::{Block, Look, Text, VERMILION},
        restricted,
        show::percent,
        text::detail,
    },
};

/// How many values of one kind a record shows, and a cell of the list.
const MOST_VALUES: usize = 24;
const MOST_IN_CELL: usize = 3;

/// How many reasons a record shows.
const MOST_REASONS: usize = 30;

/// How many changes are told.
const MOST_CHANGES: usize = 400;

/// What of a register or a form is shown with a point.
const WRITTEN: &[Column] = &[
    Column::Name,
    Column::Place,
    Column::Department,
    Column::System,
    Column::Partner,
    Column::Purpose,
    Column::Line,
    Column::Carrier,
    Column::Manager,
    Column::Boundary,
    Column::Contact,
    Column::SupportUntil,
    Column::Note,
];

pub(super) fn changes(report: &Report<'_>) -> Vec<Block> {
    let words = report.words;
    let Some(changes) = report.changes else { return Vec::new() };
    let mut blocks = vec![chapter(words.get("heading", "changes"), "changes")];
    if changes.is_empty() {
        blocks.push(super::paragraph(words.get("summary", "no_changes")));
        return blocks;
    }
    let rows = changes.iter().take(MOST_CHANGES).map(|change| {
        vec![
            vec![point(change.id())],
            cell(words.kind(change.kind())),
            vec![Text::new(words.get("change", change.name()), Look::CELL.strong())],
            vec![Text::cell(cut(&detail(change, words), LONGEST * 2))],
        ]
    });
    let columns = [
        ("label", "id", 15.0),
        ("label", "kind", 22.0),
        ("heading", "changes", 20.0),
        ("label", "detail", 43.0),
    ];
    blocks.push(table(words, &columns, rows.collect()));
    if changes.len() > MOST_CHANGES {
        blocks.push(note(more(changes.len() - MOST_CHANGES, words)));
    }
    blocks
}

pub(super) fn list(report: &Report<'_>) -> Vec<Block> {
    let words = report.words;
    let points = report.points();
    if points.is_empty() {
        return Vec::new();
    }
    let said = !report.meaning.assessments.is_empty()
        || report.meaning.reconciliation.is_some()
        || report.is_restricted()
        || report
            .memory
            .points
            .values()
            .any(|point| !point.reviews.is_empty() || point.declared.is_some());
    let rows = points.iter().map(|one| {
        let inside: Vec<String> = if one.addresses.is_empty() {
            some(one.macs.iter().map(ToString::to_string), MOST_IN_CELL, words)
        } else {
            some(one.addresses.iter().map(ToString::to_string), MOST_IN_CELL, words)
        };
        let outside = some(one.outside.iter().map(ToString::to_string), MOST_IN_CELL, words);
        let outside = if outside.is_empty() {
            some(one.lines.iter().map(|line| words.line(line)), 1, words)
        } else {
            outside
        };
        let mut row = vec![
            vec![point(&one.id), Text::new(words.grade(one.grade), Look::NOTE)],
            vec![
                Text::cell(words.kind(one.kind)),
                Text::new(words.direction(one.direction), Look::NOTE),
            ],
            cells(inside),
            cells(outside),
            cell(one.product.as_ref().map(ToString::to_string).unwrap_or_default()),
        ];
        if said {
            row.push(remarks(one, report));
        }
        row
    });
    let mut columns = vec![
        ("label", "id", 15.0),
        ("label", "kind", 20.0),
        ("label", "inside", 18.0),
        ("label", "outside", 18.0),
        ("label", "product", 21.0),
    ];
    if said {
        columns.push(("paper", "remarks", 21.0));
    }
    vec![
        chapter(words.get("heading", "points"), "points"),
        note(words.get("paper", "points_note")),
        table(words, &columns, rows.collect()),
    ]
}

/// What a row of the list says beyond what was seen.
fn remarks(point: &Point, report: &Report<'_>) -> Vec<Text> {
    let words = report.words;
    let mut said = Vec::new();
    if let Some(assessment) = report.assessed(point) {
        let alert = assessment.count(Answer::Affected) > 0;
        let look = if alert { Look::CELL.strong().in_colour(VERMILION) } else { Look::CELL };
        said.push(Text::new(assessed::short(Some(assessment), words), look));
    }
    if point.sides.restriction.iter().any(|one| one.answer == FromOutside::Open) {
        let open = words.get("restriction", FromOutside::Open.name());
        said.push(Text::new(open, Look::CELL.in_colour(VERMILION)));
    }
    if let Some(state) = report.register(&point.id) {
        let look = if state == "matched" { Look::NOTE } else { Look::CELL.in_colour(VERMILION) };
        said.push(Text::new(words.get("paper", &format!("register_{state}")).to_owned(), look));
    }
    if let Some(review) = report.review(&point.id) {
        said.push(Text::new(words.get("review_state", review.state.name()), Look::NOTE.strong()));
    }
    said
}

pub(super) fn records(report: &Report<'_>) -> Vec<Block> {
    let words = report.words;
    let points = report.points();
    if points.is_empty() {
        return Vec::new();
    }
    let mut blocks = vec![
        chapter(words.get("heading", "details"), "details"),
        note(words.get("method", "proof")),
    ];
    for point in points {
        record(point, report, &mut blocks);
    }
    blocks
}

fn record(point: &Point, report: &Report<'_>, blocks: &mut Vec<Block>) {
    let words = report.words;
    blocks.push(Block::Heading {
        level: 2,
        words: format!("{}  {}", shown(&point.id), words.kind(point.kind)),
        anchor: anchor(&point.id),
    });
    blocks.push(note(words.get("kind_plain", point.kind.name())));
    let label = |key| words.get("label", key);
    let many = |key, values: Vec<String>| fact(label(key), cells(values));
    let of = |values: Vec<String>| some(values.into_iter(), MOST_VALUES, words);
    let grade = vec![
        Text::new(words.grade(point.grade), Look::CELL.strong()),
        Text::new(words.get("grade_plain", point.grade.name()), Look::NOTE),
    ];
    let services = point.services.iter().map(|service| restricted::service(service, point, words));
    let restriction = point.sides.restriction.iter().map(|one| restricted::line(one, words));
    let mut rows: Vec<_> = [
        fact(label("grade"), grade),
        many("confidence", vec![percent(point.confidence)]),
        many("direction", vec![words.direction(point.direction).to_owned()]),
        many("addresses", of(point.addresses.iter().map(ToString::to_string).collect())),
        many("macs", of(point.macs.iter().map(ToString::to_string).collect())),
        many("outside_addresses", of(point.outside.iter().map(ToString::to_string).collect())),
        many("lines", of(point.lines.iter().map(|line| words.line(line)).collect())),
        many("services", of(services.collect())),
        many("restriction", of(restriction.collect())),
        many("product", point.product.iter().map(ToString::to_string).collect()),
        many("names", of(point.names.iter().cloned().collect())),
    ]
    .into_iter()
    .flatten()
    .collect();
    rows.extend(meaning(point, report));
    rows.extend(people(point, report));
    blocks.push(facts(rows));
    blocks.push(proof(point, words));
    if point.because.len() > MOST_REASONS {
        blocks.push(note(more(point.because.len() - MOST_REASONS, words)));
    }
}

/// What its version means, and how often it is used.
fn meaning(point: &Point, report: &Report<'_>) -> Vec<Vec<Vec<Text>>> {
    let words = report.words;
    let mut rows = Vec::new();
    if let Some(assessment) = report.assessed(point) {
        let told = assessed::told(assessment, words);
        let colon = words.get("language", "colon");
        let alert = Look::CELL.strong().in_colour(VERMILION);
        let mut said: Vec<Text> = Vec::new();
        let most = told.affected.len().saturating_sub(MOST_VALUES);
        for (id, known) in told.affected.iter().take(MOST_VALUES) {
            said.push(Text::new(shown(id), alert));
            said.push(Text::new(cut(known, LONGEST * 2), Look::NOTE));
        }
        if most > 0 {
            said.push(Text::cell(more(most, words)));
        }
        for ask in &told.asks {
            said.push(Text::new(
                cut(&format!("{}{colon}{}", ask.answer, ask.about), LONGEST * 2),
                Look::CELL,
            ));
            said.push(Text::new(shown(&ask.plain), Look::NOTE));
        }
        said.extend(told.not_in_range.as_deref().map(|said| Text::new(shown(said), Look::NOTE)));
        rows.extend(fact(words.get("label", "exploited"), said));
        let support = told.support.iter().map(|one| cut(one, LONGEST * 2)).collect();
        rows.extend(fact(words.get("label", "support"), cells(support)));
    }
    if let Some(stale) = report.meaning.stale.get(&point.id) {
        let values = [
            ("seen", &*stale.seen.to_string()),
            ("runs", &stale.runs.to_string()),
            ("days", &stale.days.to_string()),
        ];
        let said = words.fill("paper", "stale", &values);
        rows.extend(fact(words.get("paper", "stale_label"), vec![Text::cell(said)]));
    }
    rows
}

/// What people wrote down of it, and decided about it.
fn people(point: &Point, report: &Report<'_>) -> Vec<Vec<Vec<Text>>> {
    let words = report.words;
    let colon = words.get("language", "colon");
    let mut rows = Vec::new();
    if let Some(state) = report.register(&point.id) {
        let state = words.get("paper", &format!("register_{state}")).to_owned();
        let mut said = vec![Text::new(state, Look::CELL.strong())];
        for column in WRITTEN {
            let written = report.written(&point.id).and_then(|entry| entry.get(*column));
            let line =
                written.map(|text| format!("{}{colon}{text}", words.get("column", column.name())));
            said.extend(line.map(|line| Text::cell(shown(&line))));
        }
        rows.extend(fact(words.get("paper", "register_label"), said));
    }
    let contradicted = report.contradicted(&point.id).take(MOST_VALUES);
    let look = Look::CELL.strong().in_colour(VERMILION);
    let contradicted = contradicted.map(|said| Text::new(said, look)).collect();
    rows.extend(fact(words.get("paper", "contradicted"), contradicted));
    if let Some(review) = report.review(&point.id) {
        let until =
            review.until.map(|day| words.fill("paper", "until", &[("day", &day.to_string())]));
        let day = crate::time::Day::of(review.at).map(|day| day.to_string()).unwrap_or_default();
        let by = format!("{}  {day}  {}", shown(&review.reviewer), until.unwrap_or_default());
        let said = vec![
            Text::new(words.get("review_state", review.state.name()), Look::CELL.strong()),
            Text::cell(shown(&review.reason)),
            Text::new(by, Look::NOTE),
        ];
        rows.extend(fact(words.get("paper", "review_label"), said));
    }
    rows
}

/// Each because as a sentence, with the packet that shows it.
fn proof(point: &Point, words: &Words) -> Block {
    let rows = point.because.iter().take(MOST_REASONS).map(|because| {
        let sentence = cut(&words.because(because), LONGEST * 2);
        let packet = shown(&words.packet(&because.observation));
        vec![vec![Text::cell(sentence)], vec![Text::new(packet, Look::NOTE)]]
    });
    let columns = [("label", "because", 64.0), ("sentence", "proof", 36.0)];
    table(words, &columns, rows.collect())
}

/// The first few of several values, and how many more there are.
fn some(several: impl ExactSizeIterator<Item = String>, most: usize, words: &Words) -> Vec<String> {
    let rest = several.len().saturating_sub(most);
    let mut kept: Vec<String> = several.take(most).map(|one| shown(&one)).collect();
    if rest > 0 {
        kept.push(more(rest, words));
    }
    kept
}

fn cells(values: Vec<String>) -> Vec<Text> {
    values.into_iter().map(Text::cell).collect()
}
