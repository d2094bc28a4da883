//! A workbook or a list as cells at their places.

use super::Error;
use crate::import::{File, file::LARGEST_FILE, sheet::letters};

/// The most rows of a sheet of a form.
const MOST_ROWS: usize = 20_000;

/// A sheet, with every row as long as its last cell.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    /// Its name; none in a file without sheets.
    pub name: Option<String>,
    /// Its rows, those that hold nothing among them.
    pub rows: Vec<Vec<String>>,
}

impl Sheet {
    /// What stands in a cell, by its row and column from 0.
    pub(super) fn at(&self, row: usize, column: usize) -> &str {
        self.rows.get(row).and_then(|row| row.get(column)).map(String::as_str).unwrap_or_default()
    }

    /// How many columns its longest row has.
    pub(super) fn width(&self) -> usize {
        self.rows.iter().map(Vec::len).max().unwrap_or_default()
    }
}

/// The sheets of a file, those that it hides left out.
pub(super) fn sheets(file: &str, bytes: &[u8]) -> Result<Vec<Sheet>, Error> {
    if u64::try_from(bytes.len()).is_ok_and(|length| length > LARGEST_FILE) {
        return Err(Error::TooLarge { file: file.to_owned() });
    }
    let read = File::parse(file, bytes)
        .map_err(|problem| Error::Broken { file: file.to_owned(), problem })?;
    let mut sheets = Vec::new();
    for sheet in read.sheets.into_iter().filter(|sheet| !sheet.hidden) {
        let mut rows = Vec::new();
        for row in sheet.rows {
            let place = usize::try_from(row.number).unwrap_or(usize::MAX).saturating_sub(1);
            if place >= MOST_ROWS {
                return Err(Error::TooMany { file: file.to_owned() });
            }
            rows.resize_with(place, Vec::new);
            rows.push(row.cells);
        }
        sheets.push(Sheet { name: sheet.name, rows });
    }
    Ok(sheets)
}

/// How a spreadsheet names a cell, from its row and column from 0.
pub(super) fn cell(row: usize, column: usize) -> String {
    format!("{}{}", letters(column), row + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_stand_at_their_places_in_every_encoding_that_spreadsheets_save() {
        let text = "回線種別,回線番号\r\n\r\nISDN,\"03-0000-0000\"\r\n";
        let (cp932, ..) = encoding_rs::SHIFT_JIS.encode(text);
        let marked = format!("\u{feff}{text}");
        let tabs = text.replace(',', "\t");
        for bytes in [text.as_bytes(), &cp932, marked.as_bytes(), tabs.as_bytes()] {
            let sheets = sheets("lines.csv", bytes).unwrap();
            let [sheet] = sheets.as_slice() else { panic!("{sheets:?}") };
            assert_eq!((sheet.at(0, 0), sheet.at(2, 1)), ("回線種別", "03-0000-0000"));
            assert_eq!((sheet.rows.len(), sheet.width()), (3, 2));
        }
        assert_eq!([cell(0, 0), cell(11, 26)], ["A1", "AA12"]);
    }

    #[test]
    fn what_is_no_workbook_is_said_so() {
        let locked = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 with a password";
        for bytes in [&b""[..], b"PK\x03\x04 and nothing", b"%PDF-1.7", locked] {
            let said = sheets("v.xlsx", bytes).unwrap_err().to_string();
            assert!(said.starts_with("v.xlsx: this ") && said.contains("; "), "{said}");
        }
    }
}
