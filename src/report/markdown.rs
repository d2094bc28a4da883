//! The sum of a run for a merge request or a chat: what there is, what changed, and the points.
//!
//! What a device calls itself stands in code spans, in which nothing is a link, a mention or a mark; their fences are longer
//! than any within.

use std::io::{self, Write};

use super::{
    Report, Words, networks,
    tables::{self, Cell},
    text::period,
};
use crate::correlate::{CoverageState, Grid, mechanism::Mechanism};

/// How many rows a table shows; the workbook and the CSV have all.
const MOST_SHOWN: usize = 200;

/// How many columns of a terminal a value takes.
const LONGEST: usize = 120;

/// Writes the sum of a run.
pub(super) fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let (run, words) = (report.run, report.words);
    writeln!(out, "# {}\n", words.get("heading", "title"))?;
    let facility = run.facility.as_deref().unwrap_or(words.get("label", "no_facility"));
    let colon = words.get("language", "colon");
    for (key, value) in [
        ("facility", span(facility)),
        ("run", span(&run.id)),
        ("period", period(run.began, run.ended, words)),
    ] {
        writeln!(out, "- {}{colon}{value}", words.get("label", key))?;
    }
    writeln!(out, "\n{}\n", lead(report))?;
    for (key, count) in numbers(report).into_iter().filter(|(_, count)| *count > 0) {
        writeln!(out, "- {}", words.fill("markdown", key, &[("count", &count.to_string())]))?;
    }
    changes(report, out)?;
    points(report, out)?;
    writeln!(out, "\n{}", words.get("summary", "caveat"))
}

/// How many points there are, and how many changes.
fn lead(report: &Report<'_>) -> String {
    let count = report.run.points.len().to_string();
    let changes = report.changes.map(|changes| changes.len().to_string());
    let key = if changes.is_some() { "lead" } else { "lead_first" };
    let changes = changes.unwrap_or_default();
    report.words.fill("markdown", key, &[("count", &count), ("changes", &changes)])
}

/// The numbers that somebody has to look at.
fn numbers(report: &Report<'_>) -> [(&'static str, usize); 5] {
    let points = &report.run.points;
    let lines = &report.run.coverage;
    let is_partial = |state| state == CoverageState::Partial;
    let of_run = lines.iter().filter(|line| Mechanism::place(&line.subject).is_none());
    let of_run = of_run.filter(|line| is_partial(line.state)).count();
    let grid = networks::lines(&Grid::of(lines), report.words);
    let partial = of_run + grid.iter().filter(|(state, _)| is_partial(*state)).count();
    [
        ("act", points.iter().filter(|one| !tables::actions(report, one).is_empty()).count()),
        ("unsure", report.unsure()),
        ("undeclared", report.count(|one| report.register(&one.id) == Some("undeclared"))),
        ("suppressed", report.count(|one| report.is_suppressed(&one.id))),
        ("partial", partial),
    ]
}

/// What changed; nothing where nothing did.
fn changes(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let words = report.words;
    let Some(changes) = report.changes.filter(|changes| !changes.is_empty()) else {
        return Ok(());
    };
    writeln!(out, "\n## {}\n", words.get("heading", "changes"))?;
    let rows = changes.iter().flat_map(|change| {
        let marks = if report.is_suppressed(change.id()) { "～" } else { "" };
        let whats = tables::whats(change, words);
        whats.into_iter().map(move |[facet, before, now]| {
            vec![
                span(change.id()),
                format!("{}{marks}", words.get("change", change.name())),
                words.kind(change.kind()).to_owned(),
                facet.join(" "),
                spans(&before),
                spans(&now),
            ]
        })
    });
    table(&["id", "change", "kind", "facet", "before", "now"], rows.collect(), words, out)
}

/// The points.
fn points(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let words = report.words;
    if report.run.points.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n## {}\n", words.get("heading", "points"))?;
    let rows = report.points().into_iter().map(|point| {
        let address = point.addresses.iter().map(ToString::to_string).take(2);
        let product = point.product.as_ref().map(ToString::to_string);
        let verdict = report.review(&point.id);
        let verdict = verdict.map(|one| words.get("verdict", one.state.name()));
        let state = report.register(&point.id).map(|state| words.get("declared", state));
        vec![
            span(&point.id),
            words.kind(point.kind).to_owned(),
            words.grade(point.grade).to_owned(),
            words.direction(point.direction).to_owned(),
            spans(&Cell::lines(address)),
            span(&product.unwrap_or_default()),
            state.unwrap_or("—").to_owned(),
            verdict.unwrap_or("—").to_owned(),
        ]
    });
    let keys = ["id", "kind", "grade", "direction", "address", "model", "register", "verdict"];
    table(&keys, rows.collect(), words, out)
}

/// A table whose headings stand in the word lists.
fn table(
    keys: &[&str],
    rows: Vec<Vec<String>>,
    words: &Words,
    out: &mut dyn Write,
) -> io::Result<()> {
    let headings: Vec<&str> = keys.iter().map(|key| words.get("column_heading", key)).collect();
    writeln!(out, "| {} |", headings.join(" | "))?;
    writeln!(out, "|{}", " --- |".repeat(keys.len()))?;
    for row in rows.iter().take(MOST_SHOWN) {
        writeln!(out, "| {} |", row.join(" | "))?;
    }
    let more = rows.len().saturating_sub(MOST_SHOWN);
    if more > 0 {
        writeln!(out, "\n{}", words.fill("markdown", "more", &[("count", &more.to_string())]))?;
    }
    Ok(())
}

/// The lines of a cell, each in a code span.
fn spans(cell: &Cell) -> String {
    let lines = cell.join("\n");
    let spans: Vec<String> = lines.lines().map(span).collect();
    if spans.is_empty() { "—".to_owned() } else { spans.join(", ") }
}

/// `text` as a code span that ends where it should, also in a cell of a table.
fn span(text: &str) -> String {
    let shown = super::cut(text.trim(), LONGEST);
    let shown: String = shown.chars().take(LONGEST * 4).collect();
    if shown.trim().is_empty() || shown == "—" {
        return "—".to_owned();
    }
    // In a table a bar ends the cell even in code, unless a backslash is before it, and that takes another one with it.
    let shown = shown.replace("\\|", "\\ |").replace('|', "\\|");
    let longest = shown.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    let space = if shown.starts_with('`') || shown.ends_with('`') { " " } else { "" };
    format!("{fence}{space}{shown}{space}{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_ends_where_it_should() {
        assert_eq!(span("Acme"), "`Acme`");
        assert_eq!(span("a`b``c"), "```a`b``c```");
        assert_eq!(span("`"), "`` ` ``");
        assert_eq!(span("a|b\\|c"), "`a\\|b\\ \\|c`");
        assert_eq!(span(" "), "—");
        assert_eq!(span("<img>\n@everyone"), "`<img>\\u{a}@everyone`");
    }
}
