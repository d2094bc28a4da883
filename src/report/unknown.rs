//! Boxes at the edge that no signature names: how many, which, and what to do about them.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr as _;

use super::{
    Look, Report, Words, cut,
    text::{bracketed, pad},
    wrap,
};
use crate::correlate::Unrecognised;

/// How many groups of boxes a report names.
pub(super) const MOST_GROUPS: usize = 12;

/// How many addresses of a group are named.
const MOST_ADDRESSES: usize = 2;

/// How many columns a value may take.
const LONGEST: usize = 44;

/// One row: boxes that say the same.
pub(super) struct Row {
    /// The name of the first.
    pub id: String,
    /// The first few addresses, or hardware addresses where there are none, and how many more there are.
    pub addresses: String,
    /// Why they look like boxes at the edge.
    pub why: String,
    /// What tells most of what they said; empty where nothing does.
    pub said: String,
}

/// The boxes of a run in rows, the strongest reason first.
pub(super) fn rows(report: &Report<'_>) -> Vec<Row> {
    let groups = Unrecognised::groups(&report.run.unrecognised);
    groups.iter().filter_map(|group| Some(row(group.first()?, group, report.words))).collect()
}

fn row(first: &Unrecognised, group: &[&Unrecognised], words: &Words) -> Row {
    let addresses: Vec<String> = group.iter().map(|one| address(one)).collect();
    let more = addresses.len().saturating_sub(MOST_ADDRESSES);
    let shown: Vec<String> = addresses.into_iter().take(MOST_ADDRESSES).collect();
    let mut shown = shown.join(", ");
    if more > 0 {
        shown = format!("{shown} +{more}");
    }
    let why: Vec<&str> = first.why.iter().map(|reason| words.get("why", reason.name())).collect();
    Row {
        id: first.id.clone(),
        addresses: shown,
        why: why.join(words.get("language", "comma")),
        said: first.foremost().map(|said| cut(&said.value, LONGEST)).unwrap_or_default(),
    }
}

/// The address of a box that is shown of it.
fn address(one: &Unrecognised) -> String {
    let address = one.addresses.first().map(ToString::to_string);
    address.or_else(|| one.macs.first().map(ToString::to_string)).unwrap_or_default()
}

/// What to do about boxes: how to draft a signature of the first that said what a rule can be made of.
pub(super) fn what_to_do(rows: &[Row], words: &Words) -> String {
    match rows.iter().find(|row| !row.said.is_empty()) {
        Some(row) => words.fill("unknown", "draft", &[("id", &row.id)]),
        None => words.get("unknown", "silent").to_owned(),
    }
}

/// How many boxes there are, and of how many sorts.
pub(super) fn how_many(boxes: usize, rows: usize, words: &Words) -> String {
    let counted = words.counted("unknown", "count", boxes);
    if rows == boxes {
        return counted;
    }
    let sorts = words.fill("unknown", "sorts", &[("sorts", &rows.to_string())]);
    bracketed(&counted, &sorts, words)
}

/// Writes the boxes at the end of a table of points: those that matter most, and what to do.
pub(super) fn summary(report: &Report<'_>, look: Look, out: &mut impl Write) -> io::Result<()> {
    let rows = rows(report);
    if !rows.is_empty() {
        heading(report, &rows, look, out)?;
        lines(rows.get(..MOST_GROUPS).unwrap_or(&rows), look, out)?;
        let more = rows.len().saturating_sub(MOST_GROUPS);
        if more > 0 {
            let more = report.words.fill("label", "more", &[("count", &more.to_string())]);
            writeln!(out, "  {}", look.faint(&more))?;
        }
        for line in wrap(&what_to_do(&rows, report.words), look.columns.saturating_sub(2)) {
            writeln!(out, "  {line}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn heading(report: &Report<'_>, rows: &[Row], look: Look, out: &mut impl Write) -> io::Result<()> {
    let count = how_many(report.run.unrecognised.len(), rows.len(), report.words);
    writeln!(out, "{}", look.strong(&cut(&count, look.columns)))
}

fn lines(rows: &[Row], look: Look, out: &mut impl Write) -> io::Result<()> {
    let [id, addresses] = [|row: &Row| row.id.width(), |row: &Row| row.addresses.width()]
        .map(|width| rows.iter().map(width).max().unwrap_or_default());
    let addresses = addresses.min(look.columns / 3);
    for row in rows {
        let place = pad(&cut(&row.addresses, addresses), addresses);
        let said =
            if row.said.is_empty() { String::new() } else { format!("“{}”  ", row.said) };
        let line = format!("  {}  {place}  {said}{}", pad(&row.id, id), row.why);
        writeln!(out, "{}", cut(line.trim_end(), look.columns))?;
    }
    Ok(())
}

/// Writes every box that no signature names with all that tells what it is.
pub fn write_unrecognised(report: &Report<'_>, look: Look, out: &mut impl Write) -> io::Result<()> {
    let rows = rows(report);
    heading(report, &rows, look, out)?;
    for group in Unrecognised::groups(&report.run.unrecognised) {
        let Some(first) = group.first() else { continue };
        writeln!(out)?;
        lines(&[Row { said: String::new(), ..row(first, &group, report.words) }], look, out)?;
        for (field, value) in first.look() {
            let line = format!("      {field}  “{}”", cut(value, LONGEST * 3));
            writeln!(out, "{}", look.faint(&cut(&line, look.columns)))?;
        }
    }
    if !rows.is_empty() {
        writeln!(out)?;
        for line in wrap(&what_to_do(&rows, report.words), look.columns) {
            writeln!(out, "{line}")?;
        }
    }
    Ok(())
}
