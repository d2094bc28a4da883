//! Tables as values: what the workbook, CSV and Markdown are written from. Whatever stands in a cell is safe to be shown.

mod action;
mod changes;
mod checklist;
mod coverage;
mod plan;
mod points;
mod register;
mod terms;

pub(super) use action::actions;
pub(super) use changes::whats;
pub(super) use points::table as points;
pub(super) use register::table as register;

use super::{Report, Words, cut, words::moment};
use crate::time::Timestamp;

/// How many columns of a terminal a line of a cell may take.
const LONGEST_LINE: usize = 400;

/// How many lines a cell keeps.
const MOST_LINES: usize = 40;

/// How many characters a cell keeps; a spreadsheet takes 32,767.
const LONGEST_CELL: usize = 16_000;

/// How many rows a table keeps.
const MOST_ROWS: usize = 1 << 16;

/// What a cell holds: lines without anything that a terminal, a page or a reader of XML would obey or refuse.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Cell(Vec<String>);

impl Cell {
    /// A cell of one line.
    pub(super) fn of(text: &str) -> Self {
        Self::lines([text])
    }

    /// A cell of several lines, without those that are empty.
    pub(super) fn lines<T: AsRef<str>>(lines: impl IntoIterator<Item = T>) -> Self {
        let mut kept = Vec::new();
        let mut room = LONGEST_CELL;
        for line in lines {
            let line = line.as_ref().trim();
            if line.is_empty() {
                continue;
            }
            if kept.len() >= MOST_LINES || room == 0 {
                kept.push("…".to_owned());
                break;
            }
            let line: String = cut(line, LONGEST_LINE).chars().take(room).collect();
            room -= line.chars().count();
            kept.push(line);
        }
        Self(kept)
    }

    /// That it does not apply. It is not empty: an empty cell is one that somebody has to fill in.
    pub(super) fn dash() -> Self {
        Self(vec!["—".to_owned()])
    }

    /// This cell, or else the other one.
    pub(super) fn or(self, other: impl FnOnce() -> Self) -> Self {
        if self.0.is_empty() { other() } else { self }
    }

    /// Its lines with `between` between them.
    pub(super) fn join(&self, between: &str) -> String {
        self.0.join(between)
    }
}

/// How something looks that people should notice. What it says is in the text too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    /// Something has to be done.
    Bad,
    /// Somebody has to look.
    Warn,
    /// It is as it should be.
    Good,
    /// It is certain.
    Strong,
    /// It weighs little.
    Faint,
}

/// A column of a table.
#[derive(Debug, Default)]
pub(super) struct Column {
    /// Its heading.
    pub heading: String,
    /// How many half-width characters it shows.
    pub width: u16,
    /// Whether an empty cell is one that people should fill in.
    pub open: bool,
    /// What may be chosen in it.
    pub choices: Vec<String>,
    /// How its cells look that begin with a text; the first that fits counts.
    pub tones: Vec<(String, Tone)>,
}

impl Column {
    /// A column whose heading stands in the word lists (section `column_heading`).
    fn new(key: &str, width: u16, words: &Words) -> Self {
        let heading = words.get("column_heading", key).to_owned();
        Self { heading, width, ..Self::default() }
    }

    /// The same, for people to fill in.
    fn open(self) -> Self {
        Self { open: true, ..self }
    }

    /// The same with the words of a closed list that look otherwise.
    fn tones(self, section: &str, tones: &[(&str, Tone)], words: &Words) -> Self {
        let tones = tones.iter().map(|(key, tone)| (words.get(section, key).to_owned(), *tone));
        Self { tones: tones.collect(), ..self }
    }
}

/// A row of a table.
#[derive(Debug, Default)]
pub(super) struct Row {
    /// A cell for each column.
    pub cells: Vec<Cell>,
    /// The point that it is about: links from other tables lead here.
    pub point: Option<String>,
    /// Whether it stands above those that follow.
    pub heads: bool,
}

/// A table.
#[derive(Debug)]
pub(super) struct Table {
    /// Its name in the word lists (section `sheet`).
    pub name: &'static str,
    /// What stands above it.
    pub notes: Vec<String>,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its rows.
    pub rows: Vec<Row>,
    /// How many of its columns stay where they are when the rest moves, and on every page.
    pub fixed: u16,
    /// The column that names a point, if there is one.
    pub link: Option<usize>,
    /// On how many pages side by side it is printed, and whether these are large ones.
    pub pages: u16,
    /// Whether it is printed on A3 rather than A4.
    pub large: bool,
}

impl Table {
    /// An empty table.
    fn new(name: &'static str, columns: Vec<Column>) -> Self {
        Self {
            name,
            notes: Vec::new(),
            columns,
            rows: Vec::new(),
            fixed: 1,
            link: None,
            pages: 1,
            large: false,
        }
    }

    /// Adds a row, unless there are too many; then it says so, once.
    fn add(&mut self, row: Row) {
        if self.rows.len() < MOST_ROWS {
            self.rows.push(row);
        } else if self.rows.len() == MOST_ROWS {
            self.rows.push(Row { cells: vec![Cell::of("…")], ..Row::default() });
        }
    }
}

/// Every table of the workbook, in its order.
pub(super) fn all(report: &Report<'_>) -> Vec<Table> {
    let words = report.words;
    vec![
        points::table(report),
        register::table(report),
        changes::table(report),
        plan::table(report),
        checklist::table(report),
        coverage::table(report),
        terms::table(words),
    ]
}

/// The day of a moment in Japan: `2026-04-01`.
pub(super) fn day(at: Timestamp) -> String {
    moment(at).chars().take(10).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_keeps_its_share_and_nothing_that_is_obeyed() {
        let cell = Cell::lines((0..100).map(|n| format!("{n} \u{1b}[2J{}", "関".repeat(10_000))));
        let text = cell.join("\n");
        assert!(text.chars().count() <= LONGEST_CELL + MOST_LINES + 2);
        assert!(text.lines().count() <= MOST_LINES + 1);
        assert!(text.starts_with("0 \\u{1b}[2J関") && text.ends_with('…'));
        let marks = Cell::of(&format!("e{}", "\u{301}".repeat(100_000)));
        assert!(marks.join("").chars().count() <= LONGEST_CELL);
        assert_eq!(Cell::of("a\u{fffe}\u{ffff}").join(""), "a\\u{fffe}\\u{ffff}");
        assert_eq!(Cell::lines(["", " "]), Cell::default());
    }
}
