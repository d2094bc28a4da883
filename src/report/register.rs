//! The register on the terminal: how its files were read, and what came of holding it against what was found.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use serde::Serialize;
use unicode_width::UnicodeWidthStr as _;

use super::{
    Look, Report, Words, cut,
    text::pad,
    words::{grouped, moment},
    wrap, write_plain,
};
use crate::{
    assess::{By, Found, Outcome, Reconciled, Reconciliation, Unseen},
    correlate::Point,
    import::{Column, Entry, Loaded, Reading, sheet::letters},
};

/// The most rows of each part of a reconciliation on the terminal.
const MOST_ROWS: usize = 200;

/// The most points without a line, and the most statements that are contradicted, that a report on the terminal names.
const MOST_NAMED: usize = 20;

/// How much of one value is shown, in columns of a terminal.
const LONGEST: usize = 60;

/// The name of the format; a change that could break a reader changes the number.
const SCHEMA: &str = "sekisho.reconciliation/1";

/// Writes what each sheet of each file was taken for, what was left out, and why.
pub fn write_readings(
    loaded: &Loaded,
    words: &Words,
    look: Look,
    out: &mut impl Write,
) -> io::Result<()> {
    for reading in &loaded.readings {
        let mut head = vec![cut(&reading.file, LONGEST)];
        if let Some(sheet) = &reading.sheet {
            head.push(words.fill("register", "sheet", &[("sheet", &cut(sheet, LONGEST))]));
        }
        if let Some(skipped) = reading.skipped {
            let why = words.get("skipped", skipped.name());
            head.push(words.fill("register", "skipped", &[("why", why)]));
            writeln!(out, "{}\n", look.faint(&head.join("  ")))?;
            continue;
        }
        let rows: Vec<String> = reading.header.iter().map(ToString::to_string).collect();
        let rows = rows.join("–");
        head.push(match rows.as_str() {
            "" => words.get("register", "no_header").to_owned(),
            rows => words.fill("register", "header", &[("rows", rows)]),
        });
        head.push(words.counted("register", "lines", reading.lines));
        writeln!(out, "{}", look.strong(&head.join("  ")))?;
        columns(reading, words, look, out)?;
        for note in notes(reading, words) {
            writeln!(out, "  {}", cut(&note, look.columns.saturating_sub(2)))?;
        }
        writeln!(out)?;
    }
    writeln!(out, "{}", words.counted("register", "total", loaded.register.entries.len()))
}

/// The columns of a sheet: which, what its header says, what it is taken for, a few values, why.
fn columns(reading: &Reading, words: &Words, look: Look, out: &mut impl Write) -> io::Result<()> {
    let head = ["letter", "heading", "taken_for", "examples", "why"];
    let mut rows = vec![head.map(|key| words.get("register", key).to_owned())];
    // The reason stands last and is short; the values give way.
    let room = look.columns.saturating_sub(72).clamp(16, 44);
    for taken in &reading.columns {
        let column = taken.taken_for.map(|column| words.get("column", column.name()));
        let examples: Vec<String> = taken.examples.iter().map(|text| cut(text, 20)).collect();
        rows.push([
            letters(taken.column),
            cut(&taken.header, 24),
            column.unwrap_or_else(|| words.get("register", "none")).to_owned(),
            cut(&examples.join(words.get("language", "comma")), room),
            words.get("taken", taken.why.name()).to_owned(),
        ]);
    }
    let mut widths = [0; 5];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.width().max(*width);
        }
    }
    for (at, row) in rows.iter().enumerate() {
        let cells: Vec<String> =
            row.iter().zip(widths).map(|(cell, width)| pad(cell, width)).collect();
        let line = cut(cells.join("  ").trim_end(), look.columns.saturating_sub(2));
        writeln!(out, "  {}", if at == 0 { look.faint(&line) } else { line })?;
    }
    Ok(())
}

/// What was left out of a sheet that was read.
fn notes(reading: &Reading, words: &Words) -> Vec<String> {
    let mut notes = Vec::new();
    let number = |count: usize| grouped(u64::try_from(count).unwrap_or(u64::MAX));
    if !reading.left_out.is_empty() {
        let why: Vec<String> = reading
            .left_out
            .iter()
            .map(|(why, count)| format!("{} {}", words.get("left_out", why.name()), number(*count)))
            .collect();
        let why = why.join(words.get("language", "comma"));
        notes.push(words.fill("register", "left_out", &[("why", &why)]));
    }
    let counts =
        [("hidden", reading.hidden), ("beyond", reading.beyond.cells), ("cut", reading.beyond.cut)];
    for (key, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
        notes.push(words.fill("register", key, &[("count", &number(count))]));
    }
    notes
}

/// Writes what came of holding a register against `points`: what it does not have first, then what differs, then what was
/// not seen, with the reasons; what is as written is counted. `decided` gives what somebody decided about a point, in
/// words.
pub fn write_reconciliation(
    held: &Reconciliation,
    points: &[Point],
    decided: &dyn Fn(&str) -> Option<String>,
    words: &Words,
    look: Look,
    out: &mut impl Write,
) -> io::Result<()> {
    let number = |count: usize| grouped(u64::try_from(count).unwrap_or(u64::MAX));
    let head = [
        ("register", cut(&held.register, LONGEST)),
        ("loaded", moment(held.loaded)),
        ("lines", number(held.lines.len())),
    ];
    let head = head.each_ref().map(|(name, value)| (*name, value.as_str()));
    writeln!(out, "{}\n", look.strong(&words.fill("reconcile", "head", &head)))?;

    let undeclared = held.undeclared(points);
    if undeclared.is_empty() {
        writeln!(out, "{}\n", words.get("reconcile", "undeclared_none"))?;
    } else {
        let rows = undeclared.iter().map(|point| {
            let mut said = vec![cut(&point.id, 40), words.kind(point.kind).to_owned()];
            said.extend(point.addresses.iter().take(2).map(ToString::to_string));
            said.extend(point.product.as_ref().map(|product| cut(&product.to_string(), LONGEST)));
            let state = decided(&point.id);
            said.extend(
                state.map(|state| words.fill("reconcile", "decided", &[("state", &state)])),
            );
            vec![said.join("  ")]
        });
        part("undeclared", rows.collect(), words, look, out)?;
    }

    let mut mismatches = Vec::new();
    let mut unseen: BTreeMap<Unseen, Vec<String>> = BTreeMap::new();
    for line in &held.lines {
        match &line.outcome {
            Outcome::Mismatch { found, by, fields } => {
                let mut said = vec![found_line(line, found, by, words)];
                for field in fields {
                    let values = [
                        ("column", words.get("column", field.column.name()).to_owned()),
                        ("written", cut(&field.written, LONGEST)),
                        ("found", cut(&field.found, LONGEST)),
                    ];
                    let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
                    said.push(format!("    {}", words.fill("reconcile", "differs", &values)));
                }
                mismatches.push(said);
            }
            Outcome::NotSeen { reason } => {
                let said =
                    format!("    {}  {}", row(&line.entry, words), called(&line.entry, words));
                unseen.entry(*reason).or_default().push(said);
            }
            Outcome::Matched { .. } => {}
        }
    }
    part("mismatch", mismatches, words, look, out)?;
    let mut not_seen = Vec::new();
    for (reason, lines) in unseen {
        let mut head = Some(format!("{} ({})", words.get("unseen", reason.name()), lines.len()));
        for line in lines {
            not_seen.push(head.take().into_iter().chain([line]).collect());
        }
    }
    part("not_seen", not_seen, words, look, out)?;
    let duplicates = held.duplicates.iter().map(|same| {
        let rows: Vec<String> = same
            .lines
            .iter()
            .filter_map(|at| held.lines.get(*at))
            .take(8)
            .map(|line| row(&line.entry, words))
            .collect();
        let values = [
            ("column", words.get("column", same.column.name()).to_owned()),
            ("value", cut(&same.value, LONGEST)),
            ("rows", rows.join(words.get("language", "comma"))),
        ];
        let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
        vec![words.fill("reconcile", "same", &values)]
    });
    part("duplicates", duplicates.collect(), words, look, out)?;

    writeln!(out, "{}", sums(held, undeclared.len(), words))
}

/// What the register says to the points of a report, in a few lines, and what somebody said that was seen to be otherwise;
/// nothing where there is neither.
pub(super) fn summary(report: &Report<'_>, look: Look, out: &mut impl Write) -> io::Result<()> {
    let words = report.words;
    contradicted(report, look, out)?;
    let Some(held) = &report.meaning.reconciliation else { return Ok(()) };
    let head = [("register", cut(&held.register, LONGEST))];
    let head = head.each_ref().map(|(name, value)| (*name, value.as_str()));
    writeln!(out, "{}", look.strong(&words.fill("reconcile", "short", &head)))?;
    let undeclared = held.undeclared(&report.run.points);
    let room = look.columns.saturating_sub(2);
    for line in wrap(&sums(held, undeclared.len(), words), room) {
        writeln!(out, "  {line}")?;
    }
    if !undeclared.is_empty() {
        let names: Vec<String> =
            undeclared.iter().take(MOST_NAMED).map(|point| cut(&point.id, 40)).collect();
        let colon = words.get("language", "colon");
        let names = names.join(words.get("language", "comma"));
        let more = if undeclared.len() > MOST_NAMED { " …" } else { "" };
        let said = format!("{}{colon}{names}{more}", words.get("reconcile", "undeclared"));
        for line in wrap(&said, room) {
            writeln!(out, "  {line}")?;
        }
    }
    writeln!(out)
}

/// What somebody said and the network contradicts, a sentence each.
fn contradicted(report: &Report<'_>, look: Look, out: &mut impl Write) -> io::Result<()> {
    let (words, all) = (report.words, &report.meaning.contradictions);
    if all.is_empty() {
        return Ok(());
    }
    let head = format!("{} ({})", words.get("reconcile", "contradicted"), all.len());
    writeln!(out, "{}", look.strong(&cut(&head, look.columns)))?;
    for one in all.iter().take(MOST_NAMED) {
        for line in wrap(&words.contradiction(one), look.columns.saturating_sub(2)) {
            writeln!(out, "  {line}")?;
        }
    }
    if all.len() > MOST_NAMED {
        let more = (all.len() - MOST_NAMED).to_string();
        writeln!(out, "  {}", words.fill("reconcile", "more", &[("count", &more)]))?;
    }
    writeln!(out)
}

/// How many lines are as written, differ, and were not seen, and how many points have no line.
fn sums(held: &Reconciliation, undeclared: usize, words: &Words) -> String {
    let number = |count: usize| grouped(u64::try_from(count).unwrap_or(u64::MAX));
    let sums = [
        ("matched", number(held.count("matched"))),
        ("mismatch", number(held.count("mismatch"))),
        ("not_seen", number(held.count("not_seen"))),
        ("undeclared", number(undeclared)),
    ];
    let sums = sums.each_ref().map(|(name, value)| (*name, value.as_str()));
    words.fill("reconcile", "sum", &sums)
}

/// A heading, and its rows of one line or more, as far as they are shown; nothing where there are none.
fn part(
    key: &str,
    rows: Vec<Vec<String>>,
    words: &Words,
    look: Look,
    out: &mut impl Write,
) -> io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let head = format!("{} ({})", words.get("reconcile", key), rows.len());
    writeln!(out, "{}", look.strong(&cut(&head, look.columns)))?;
    for line in rows.iter().take(MOST_ROWS).flatten() {
        writeln!(out, "  {}", cut(line, look.columns.saturating_sub(2)))?;
    }
    if rows.len() > MOST_ROWS {
        let more = (rows.len() - MOST_ROWS).to_string();
        writeln!(out, "  {}", words.fill("reconcile", "more", &[("count", &more)]))?;
    }
    writeln!(out)
}

fn found_line(line: &Reconciled, found: &Found, by: &[By], words: &Words) -> String {
    let (Found::Point(found) | Found::Host(found)) = found;
    let by: Vec<&str> = by.iter().map(|by| words.get("by", by.name())).collect();
    let by = by.join(words.get("language", "comma"));
    let entry = called(&line.entry, words);
    let said = words.fill("reconcile", "found", &[("entry", &entry), ("found", &cut(found, 40))]);
    let by = words.fill("reconcile", "by", &[("by", &by)]);
    format!("{}  {said}  {by}", row(&line.entry, words))
}

/// Where a line stands.
fn row(entry: &Entry, words: &Words) -> String {
    let number = entry.row.to_string();
    match &entry.sheet {
        Some(sheet) => {
            let values = [("sheet", &*cut(sheet, 30)), ("row", number.as_str())];
            words.fill("reconcile", "sheet_row", &values)
        }
        None => words.fill("reconcile", "row", &[("row", &number)]),
    }
}

/// What a line is called: the first that it says of its name, and where it stands.
fn called(entry: &Entry, words: &Words) -> String {
    let first = [
        Column::Name,
        Column::HostName,
        Column::AssetNumber,
        Column::Model,
        Column::Address,
        Column::Mac,
        Column::LineNumber,
    ];
    let name = first.into_iter().find_map(|column| entry.get(column));
    let name = name.map(|name| cut(name, 40));
    let mut said = vec![name.unwrap_or_else(|| words.get("reconcile", "nothing").to_owned())];
    said.extend(entry.get(Column::Place).map(|place| cut(place, 24)));
    said.join(" ")
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    undeclared: Vec<&'a str>,
    #[serde(flatten)]
    held: &'a Reconciliation,
}

/// Writes a reconciliation with `points` as one JSON document.
pub fn write_reconciliation_json(
    held: &Reconciliation,
    points: &[Point],
    out: &mut impl Write,
) -> io::Result<()> {
    let undeclared = held.undeclared(points).into_iter().map(|point| point.id.as_str()).collect();
    write_plain(&Document { schema: SCHEMA, undeclared, held }, out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        import::{LeftOut, Skipped, Why},
        report::Language,
    };

    #[test]
    fn every_word_that_a_register_needs_is_there() {
        for words in Language::ALL.map(Words::of) {
            let sections = [
                ("column", Column::ALL.map(Column::name).to_vec()),
                ("by", By::ALL.map(By::name).to_vec()),
                ("unseen", Unseen::ALL.map(Unseen::name).to_vec()),
                ("taken", Why::ALL.map(Why::name).to_vec()),
                ("left_out", LeftOut::ALL.map(LeftOut::name).to_vec()),
                ("skipped", Skipped::ALL.map(Skipped::name).to_vec()),
                ("outcome", vec!["matched", "mismatch", "not_seen"]),
            ];
            for (section, keys) in sections {
                for key in keys {
                    assert!(words.find(section, key).is_some(), "{section}.{key}");
                }
            }
        }
    }
}
