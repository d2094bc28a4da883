//! What was measured, and what could not be seen.

use super::{Cell, Column, Row, Table, Tone};
use crate::{
    correlate::{Coverage, mechanism::Mechanism},
    report::{Report, Words, sent, words::grouped},
};

/// The lines of coverage, first those of the whole run, then those of each network.
pub(super) fn table(report: &Report<'_>) -> Table {
    let words = report.words;
    let tones = [("measured", Tone::Good), ("partial", Tone::Warn), ("not_measured", Tone::Faint)];
    let columns = vec![
        Column::new("subject", 34, words),
        Column::new("state", 12, words).tones("coverage_state", &tones, words),
        Column::new("count", 12, words),
        Column::new("detail", 36, words),
        Column::new("network", 22, words),
        Column::new("vantage", 12, words),
        Column::new("meaning", 56, words),
    ];
    let mut table = Table::new("coverage", columns);
    table.notes.push(words.get("summary", "caveat").to_owned());
    let lines = &report.run.coverage;
    let of_run = |line: &&Coverage| Mechanism::place(&line.subject).is_none();
    for line in lines.iter().filter(of_run).chain(lines.iter().filter(|line| !of_run(line))) {
        table.add(row(line, words));
    }
    table
}

fn row(line: &Coverage, words: &Words) -> Row {
    let of_mechanism = Mechanism::place(&line.subject).is_some();
    let (name, plain) = if of_mechanism {
        ("mechanism", "mechanism_plain")
    } else {
        ("coverage", "coverage_plain")
    };
    let detail = line.detail.as_deref().unwrap_or_default();
    let detail = if of_mechanism {
        reason(detail, words)
    } else {
        sent::detail(&line.subject, detail, words).into_owned()
    };
    let cells = vec![
        Cell::of(words.get(name, &line.subject)),
        Cell::of(words.coverage_state(line.state)),
        Cell::lines(line.count.map(grouped)),
        Cell::of(&detail),
        Cell::lines(line.network.iter().flat_map(|network| network.split(','))),
        Cell::lines(line.vantage.as_ref()),
        Cell::of(words.find(plain, &line.subject).unwrap_or_default()),
    ];
    Row { cells, ..Row::default() }
}

/// Why a mechanism did not run, in words, and the numbers after it as they are.
fn reason(detail: &str, words: &Words) -> String {
    let (first, rest) = detail.split_once(' ').unwrap_or((detail, ""));
    match words.find("reason", first) {
        // The sentence says which tier of each mechanism; here the mechanism stands beside it.
        Some(_) if first == "tier" => words.get("sheet_note", "tier").to_owned(),
        Some(said) => format!("{said} {rest}"),
        None => detail.to_owned(),
    }
}
