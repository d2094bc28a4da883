//! What a run changed in what was known: a row for each thing that is different.

use super::{Cell, Column, Row, Table, Tone};
use crate::{
    inventory::{Change, Difference},
    report::{Report, Words, text::named},
};

/// The changes; without rows where nothing was known before.
pub(super) fn table(report: &Report<'_>) -> Table {
    let words = report.words;
    let tones = [("appeared", Tone::Bad), ("changed", Tone::Warn), ("not_seen", Tone::Faint)];
    let columns = vec![
        Column::new("id", 12, words),
        Column::new("change", 18, words).tones("change", &tones, words),
        Column::new("kind", 22, words),
        Column::new("facet", 18, words),
        Column::new("before", 34, words),
        Column::new("now", 34, words),
        Column::new("verdict", 16, words),
        Column::new("response", 28, words).open(),
    ];
    let mut table = Table::new("changes", columns);
    match report.changes {
        None => table.notes.push(words.get("sheet_note", "no_earlier").to_owned()),
        Some([]) => table.notes.push(words.get("summary", "no_changes").to_owned()),
        Some(changes) => {
            table.notes.push(words.get("sheet_note", "changes").to_owned());
            for change in changes {
                for what in whats(change, words) {
                    let review = report.review(change.id());
                    let verdict = review.map(|one| words.get("verdict", one.state.name()));
                    let [facet, before, now] = what;
                    let cells = vec![
                        Cell::of(change.id()),
                        Cell::of(words.get("change", change.name())),
                        Cell::of(words.kind(change.kind())),
                        facet,
                        before,
                        now,
                        Cell::lines(verdict),
                        Cell::default(),
                    ];
                    table.add(Row { cells, ..Row::default() });
                }
            }
        }
    }
    Table { link: Some(0), ..table }
}

/// What of a point is different, what it was, and what it is.
pub(in crate::report) fn whats(change: &Change, words: &Words) -> Vec<[Cell; 3]> {
    match change {
        Change::Appeared { .. } => vec![[Cell::dash(), Cell::dash(), Cell::dash()]],
        Change::SeenAgain { what, .. } if what.is_empty() => {
            vec![[Cell::dash(), Cell::dash(), Cell::dash()]]
        }
        Change::Changed { what, .. } | Change::SeenAgain { what, .. } => {
            what.iter().map(|one| difference(one, words)).collect()
        }
        Change::NotSeen { last_seen, .. } => {
            let last = Cell::of(words.get("label", "last_seen"));
            vec![[last, Cell::of(last_seen), Cell::dash()]]
        }
    }
}

fn difference(one: &Difference, words: &Words) -> [Cell; 3] {
    let values = |values: &[String]| Cell::lines(named(one.facet, values, words)).or(Cell::dash);
    let facet = Cell::of(words.get("facet", one.facet.name()));
    [facet, values(&one.before), values(&one.now)]
}
