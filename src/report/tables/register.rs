//! The register held against what was found: a row a line, and one for each point that no line declares; before them what
//! somebody said and the network contradicts.

use super::{Cell, Column, Row, Table, Tone, points::DECLARED};
use crate::{
    assess::{Contradiction, Found, Mismatch, Outcome, Reconciled},
    correlate::Point,
    import,
    report::{Report, Words, words::moment},
};

/// A column in which the register says something else than was found.
pub(super) fn difference(one: &Mismatch, words: &Words) -> String {
    let values = [
        ("column", words.get("column_heading", one.column.name())),
        ("written", &*one.written),
        ("found", &*one.found),
    ];
    words.fill("declared", "difference", &values)
}

/// The comparison; without rows where no register was loaded.
pub(in crate::report) fn table(report: &Report<'_>) -> Table {
    let words = report.words;
    let columns = vec![
        Column::new("entry", 14, words),
        Column::new("outcome", 16, words).tones("declared", &TONES, words),
        Column::new("id", 12, words),
        Column::new("found", 20, words),
        Column::new("by", 18, words),
        Column::new("mismatch", 34, words),
        Column::new("unseen", 34, words),
        Column::new("name", 22, words),
        Column::new("asset_number", 14, words),
        Column::new("place", 16, words),
        Column::new("address", 16, words),
        Column::new("mac", 18, words),
        Column::new("vendor", 14, words),
        Column::new("model", 16, words),
        Column::new("partner", 16, words),
        Column::new("response", 24, words).open(),
    ];
    let mut table = Table::new("register", columns);
    for one in &report.meaning.contradictions {
        table.add(contradicted(one, words));
    }
    if let Some(register) = &report.meaning.reconciliation {
        let loaded = moment(register.loaded);
        let values = [("file", &*register.register), ("day", &*loaded)];
        table.notes.push(Cell::of(&words.fill("sheet_note", "register", &values)).join(""));
        for line in &register.lines {
            table.add(declared(line, words));
        }
        for point in report.points() {
            if !register.points.contains_key(&point.id) {
                table.add(undeclared(report, point));
            }
        }
    } else {
        table.notes.push(words.get("sheet_note", "no_register").to_owned());
    }
    Table { link: Some(2), large: true, ..table }
}

const TONES: [(&str, Tone); 6] = [
    DECLARED[0],
    DECLARED[1],
    DECLARED[2],
    DECLARED[3],
    ("not_seen", Tone::Warn),
    ("contradicted", Tone::Bad),
];

/// What somebody said of a point, and was seen to be otherwise.
fn contradicted(one: &Contradiction, words: &Words) -> Row {
    let cells = vec![
        Cell::dash(),
        Cell::of(words.get("declared", "contradicted")),
        Cell::of(&one.point),
        Cell::of(words.find("kind", &one.found).unwrap_or(&one.found)),
        Cell::default(),
        Cell::of(&words.contradiction(one)),
        Cell::default(),
        Cell::default(),
        Cell::default(),
        Cell::default(),
        Cell::default(),
        Cell::default(),
        Cell::default(),
        Cell::default(),
        Cell::lines(one.said_by.as_deref()),
        Cell::default(),
    ];
    Row { cells, ..Row::default() }
}

/// A line of the register, and what came of it.
fn declared(line: &Reconciled, words: &Words) -> Row {
    let Reconciled { entry, outcome } = line;
    let row = entry.row.to_string();
    let place = match &entry.sheet {
        Some(sheet) => words.fill("declared", "place", &[("sheet", sheet), ("row", &row)]),
        None => words.fill("declared", "row", &[("row", &row)]),
    };
    let (point, found) = match outcome.found() {
        Some(Found::Point(id)) => (Cell::of(id), Cell::of(words.get("declared", "point"))),
        Some(Found::Host(name)) => (Cell::default(), Cell::of(name)),
        None => (Cell::default(), Cell::default()),
    };
    let (by, fields, reason) = match outcome {
        Outcome::Matched { by, .. } => (&**by, &[] as &[Mismatch], None),
        Outcome::Mismatch { by, fields, .. } => (&**by, &**fields, None),
        Outcome::NotSeen { reason } => (&[] as &[_], &[] as &[_], Some(reason)),
    };
    let wrote = |column| entry.get(column).map(Cell::of).unwrap_or_default();
    let cells = vec![
        Cell::of(&place),
        Cell::of(words.get("declared", outcome.name())),
        point,
        found,
        Cell::lines(by.iter().map(|by| words.get("declared_by", by.name()))),
        Cell::lines(fields.iter().map(|one| difference(one, words))),
        Cell::lines(reason.map(|reason| words.get("declared_unseen", reason.name()))),
        wrote(import::Column::Name),
        wrote(import::Column::AssetNumber),
        wrote(import::Column::Place),
        wrote(import::Column::Address),
        wrote(import::Column::Mac),
        wrote(import::Column::Vendor),
        wrote(import::Column::Model),
        wrote(import::Column::Partner),
        if matches!(outcome, Outcome::Matched { .. }) { Cell::dash() } else { Cell::default() },
    ];
    Row { cells, ..Row::default() }
}

/// A point that no line declares, or that only a form tells of.
fn undeclared(report: &Report<'_>, point: &Point) -> Row {
    let words = report.words;
    let state = report.register(&point.id).unwrap_or("undeclared");
    let form = report.written(&point.id);
    let wrote = |column| form.and_then(|entry| entry.get(column)).map(Cell::of).unwrap_or_default();
    let product = |part: fn(&crate::correlate::Product) -> &String| {
        Cell::lines(point.product.as_ref().map(part))
    };
    let cells = vec![
        Cell::dash(),
        Cell::of(words.get("declared", state)),
        Cell::of(&point.id),
        Cell::of(words.kind(point.kind)),
        Cell::default(),
        Cell::default(),
        Cell::default(),
        wrote(import::Column::Name).or(|| Cell::lines(&point.names)),
        Cell::default(),
        wrote(import::Column::Place),
        Cell::lines(point.addresses.iter().map(ToString::to_string)),
        Cell::lines(point.macs.iter().map(ToString::to_string)),
        product(|product| &product.vendor),
        product(|product| &product.name),
        wrote(import::Column::Partner),
        Cell::default(),
    ];
    Row { cells, ..Row::default() }
}
