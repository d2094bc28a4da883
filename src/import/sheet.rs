//! A table as it stands in a file: rows of tidied cells, within bounds.

use std::collections::{BTreeMap, BTreeSet};

use super::{Problem, tidy::tidy};

/// The most rows of a sheet; what stands below is left out and told.
pub const MOST_ROWS: u32 = 200_000;

/// The most columns of a sheet; what stands right of them is left out and told.
pub const MOST_COLUMNS: u32 = 256;

/// The most sheets of a file.
pub const MOST_SHEETS: usize = 256;

/// The longest a cell may be, in characters; the rest of it is cut off and told.
pub const LONGEST_CELL: usize = 2_000;

/// The most places for cells that the rows of a file may have between them.
pub const MOST_PLACES: usize = 1 << 23;

/// The most text that the cells of a file may hold, in bytes.
pub const MOST_TEXT: usize = 64 << 20;

/// The most cells that are filled because they are merged with another.
pub const MOST_FILLED: usize = 1 << 20;

/// A sheet of a file, or all of a file without sheets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sheet {
    /// Its name; none in a file without sheets.
    pub name: Option<String>,
    /// Whether the file hides it.
    pub hidden: bool,
    /// Its rows, those that hold nothing left out.
    pub rows: Vec<Row>,
    /// What it holds beyond the bounds.
    pub beyond: Beyond,
}

/// A row of a sheet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// Its number, from 1, as a spreadsheet counts.
    pub number: u32,
    /// Whether the file hides it.
    pub hidden: bool,
    /// Whether a cell is its own, rather than merged with one above or beside it.
    pub own: bool,
    /// Its cells, tidied; an empty text where there is nothing.
    pub cells: Vec<String>,
}

/// What was left out because it is too much.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Beyond {
    /// Cells below the last row or right of the last column.
    pub cells: usize,
    /// Cells that were cut.
    pub cut: usize,
}

/// What all sheets of a file may take between them.
#[derive(Debug)]
pub(super) struct Room {
    places: usize,
    text: usize,
    filled: usize,
}

impl Default for Room {
    fn default() -> Self {
        Self { places: MOST_PLACES, text: MOST_TEXT, filled: MOST_FILLED }
    }
}

/// A sheet while it is read.
#[derive(Debug, Default)]
pub(super) struct Drawn {
    rows: BTreeMap<u32, Vec<String>>,
    merged: Vec<Merged>,
    beyond: Beyond,
    pub(super) hidden_rows: BTreeSet<u32>,
}

/// Cells that are one: its first and last row and column, from 0.
#[derive(Debug, Clone, Copy)]
pub(super) struct Merged {
    pub(super) rows: (u32, u32),
    pub(super) columns: (u32, u32),
}

impl Drawn {
    /// Puts a text into a place, counted from 0.
    pub(super) fn put(
        &mut self,
        row: u32,
        column: u32,
        text: &str,
        room: &mut Room,
    ) -> Result<(), Problem> {
        // What is cut off is never looked at.
        let end = text.char_indices().nth(LONGEST_CELL).map_or(text.len(), |(at, _)| at);
        let (head, rest) = text.split_at(end);
        let tidied = tidy(head);
        if tidied.is_empty() {
            return Ok(());
        }
        if row >= MOST_ROWS || column >= MOST_COLUMNS {
            self.beyond.cells += 1;
            return Ok(());
        }
        self.beyond.cut += usize::from(!rest.is_empty());
        let cells = self.rows.entry(row).or_default();
        let place = usize::try_from(column).unwrap_or_default();
        let more = (place + 1).saturating_sub(cells.len());
        room.places = room.places.checked_sub(more).ok_or(Problem::TooMuch)?;
        room.text = room.text.checked_sub(tidied.len()).ok_or(Problem::TooMuch)?;
        if more > 0 {
            cells.resize(place + 1, String::new());
        }
        if let Some(cell) = cells.get_mut(place) {
            *cell = tidied;
        }
        Ok(())
    }

    /// Remembers that cells are merged.
    pub(super) fn merge(&mut self, merged: Merged) {
        // More merged cells than may be filled fill nothing.
        if self.merged.len() < MOST_FILLED {
            self.merged.push(merged);
        }
    }

    /// The sheet, its merged cells filled.
    pub(super) fn sheet(
        mut self,
        name: Option<String>,
        hidden: bool,
        room: &mut Room,
    ) -> Result<Sheet, Problem> {
        let own: BTreeSet<u32> = self.rows.keys().copied().collect();
        for merged in std::mem::take(&mut self.merged) {
            self.fill(merged, room)?;
        }
        let rows = self.rows.into_iter().map(|(at, cells)| Row {
            number: at + 1,
            hidden: self.hidden_rows.contains(&at),
            own: own.contains(&at),
            cells,
        });
        let beyond = self.beyond;
        Ok(Sheet { name, hidden, rows: rows.collect(), beyond })
    }

    /// Writes the first cell of merged ones into all of them, as far as the rows say anything.
    fn fill(&mut self, merged: Merged, room: &mut Room) -> Result<(), Problem> {
        if room.filled == 0 {
            return Ok(());
        }
        let (top, bottom) = merged.rows;
        let (left, right) = (merged.columns.0, merged.columns.1.min(MOST_COLUMNS - 1));
        let place = usize::try_from(left).unwrap_or(usize::MAX);
        let Some(text) = self.rows.get(&top).and_then(|cells| cells.get(place)).cloned() else {
            return Ok(());
        };
        if text.is_empty() || bottom < top || right < left {
            return Ok(());
        }
        let rows: Vec<u32> = self.rows.range(top..=bottom).map(|(row, _)| *row).collect();
        for row in rows {
            for column in left..=right {
                if (row, column) == (top, left) {
                    continue;
                }
                let Some(filled) = room.filled.checked_sub(1) else { return Ok(()) };
                room.filled = filled;
                let place = usize::try_from(column).unwrap_or_default();
                let known = self.rows.get(&row).and_then(|cells| cells.get(place));
                if known.is_none_or(String::is_empty) {
                    self.put(row, column, &text, room)?;
                }
            }
        }
        Ok(())
    }
}

/// A column's letters, counted from 0: `A`, `Z`, `AA`.
pub fn letters(column: usize) -> String {
    let mut letters = Vec::new();
    let mut rest = column + 1;
    while rest > 0 {
        let digit = u8::try_from((rest - 1) % 26).unwrap_or_default();
        letters.push(char::from(b'A' + digit));
        rest = (rest - 1) / 26;
    }
    letters.iter().rev().collect()
}

/// The column of these letters, from 0; none for what are no letters of a column within [`MOST_COLUMNS`].
pub fn column_of(letters: &str) -> Option<usize> {
    let mut column = 0usize;
    for letter in letters.bytes() {
        let digit = letter.to_ascii_uppercase().checked_sub(b'A').filter(|digit| *digit < 26)?;
        column = column.checked_mul(26)?.checked_add(usize::from(digit) + 1)?;
    }
    let most = usize::try_from(MOST_COLUMNS).unwrap_or_default();
    column.checked_sub(1).filter(|column| *column < most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_name_columns() {
        assert_eq!([0, 25, 26, 255].map(letters), ["A", "Z", "AA", "IV"]);
        for column in 0..256 {
            assert_eq!(column_of(&letters(column)), Some(column));
        }
        assert_eq!(["", "IW", "A1", "ZZZZZZZZZZZZZZZZ"].map(column_of), [None; 4]);
    }

    #[test]
    fn merged_cells_are_filled_where_rows_say_something() {
        let (mut drawn, mut room) = (Drawn::default(), Room::default());
        drawn.put(0, 0, "本館", &mut room).unwrap();
        drawn.put(0, 1, "a", &mut room).unwrap();
        drawn.put(1, 1, "b", &mut room).unwrap();
        drawn.merge(Merged { rows: (0, u32::MAX), columns: (0, 0) });
        let sheet = drawn.sheet(None, false, &mut room).unwrap();
        let cells: Vec<&[String]> = sheet.rows.iter().map(|row| row.cells.as_slice()).collect();
        assert_eq!(cells, [["本館", "a"], ["本館", "b"]]);
    }

    #[test]
    fn what_is_too_much_is_left_out_or_refused() {
        let (mut drawn, mut room) = (Drawn::default(), Room::default());
        drawn.put(MOST_ROWS, 0, "x", &mut room).unwrap();
        drawn.put(0, MOST_COLUMNS, "x", &mut room).unwrap();
        drawn.put(0, 0, &"あ".repeat(10 << 20), &mut room).unwrap();
        drawn.merge(Merged { rows: (0, u32::MAX), columns: (0, u32::MAX) });
        let sheet = drawn.sheet(None, false, &mut room).unwrap();
        assert_eq!(sheet.beyond, Beyond { cells: 2, cut: 1 });
        assert_eq!((sheet.rows.len(), sheet.rows[0].cells.len()), (1, 256));
        assert_eq!(sheet.rows[0].cells[255].chars().count(), LONGEST_CELL);
        let mut drawn = Drawn::default();
        let full = (0..MOST_ROWS).try_for_each(|row| drawn.put(row, 255, "x", &mut room));
        assert!(matches!(full, Err(Problem::TooMuch)), "{full:?}");
    }
}
