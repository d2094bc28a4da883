//! A workbook or a list as cells, however it was saved.

use std::io::Cursor;

use calamine::{DataRef, Reader as _, Xlsx};

use super::Error;

/// The most sheets of a workbook that are looked at.
const MOST_SHEETS: usize = 64;

/// The most rows of a sheet that are looked at, and the most columns.
const MOST_ROWS: u32 = 20_000;
const MOST_COLUMNS: u32 = 512;

/// The most cells of a workbook that are kept.
const MOST_CELLS: usize = 200_000;

/// A sheet, with every row as long as its last cell.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    /// Its name; none in a file without sheets.
    pub name: Option<String>,
    /// Its rows.
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

/// The sheets of a workbook.
pub(super) fn workbook(file: &str, bytes: &[u8]) -> Result<Vec<Sheet>, Error> {
    let broken = |problem: String| Error::Broken { file: file.to_owned(), problem };
    if !bytes.starts_with(b"PK") {
        return Err(broken("this is no workbook".to_owned()));
    }
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes))
        .map_err(|error| broken(format!("the workbook cannot be read ({error})")))?;
    let mut sheets = Vec::new();
    let mut kept = 0;
    for name in book.sheet_names().into_iter().take(MOST_SHEETS) {
        let mut sheet = Sheet { name: Some(name.clone()), rows: Vec::new() };
        let unreadable = |error| broken(format!("sheet `{name}` cannot be read ({error})"));
        // Charts are sheets, too, and have no cells.
        let Ok(mut cells) = book.worksheet_cells_reader(&name) else { continue };
        while let Some(cell) = cells.next_cell().map_err(unreadable)? {
            let (row, column) = cell.get_position();
            let text = told(cell.get_value());
            if text.is_empty() || row >= MOST_ROWS || column >= MOST_COLUMNS {
                continue;
            }
            kept += 1;
            if kept > MOST_CELLS {
                return Err(Error::TooMany { file: file.to_owned() });
            }
            put(&mut sheet.rows, row as usize, column as usize, text);
        }
        sheets.push(sheet);
    }
    Ok(sheets)
}

/// A list with commas or tabs, in UTF-8 or in Japanese as spreadsheets save it.
pub(super) fn list(file: &str, bytes: &[u8]) -> Result<Sheet, Error> {
    let text = match encoding_rs::Encoding::for_bom(bytes) {
        Some((encoding, _)) => encoding.decode(bytes).0,
        None => match std::str::from_utf8(bytes) {
            Ok(text) => text.into(),
            Err(_) => encoding_rs::SHIFT_JIS.decode(bytes).0,
        },
    };
    let first = text.lines().next().unwrap_or_default();
    let tabs = first.matches('\t').count() > first.matches(',').count();
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(if tabs { b'\t' } else { b',' })
        .from_reader(text.as_bytes());
    let mut sheet = Sheet::default();
    let (mut kept, mut row, mut counted) = (0, 0, 0);
    for record in reader.records() {
        let record = record.map_err(|error| Error::Broken {
            file: file.to_owned(),
            problem: format!("the list cannot be read ({error})"),
        })?;
        // Rows are counted as a spreadsheet does: with those that are empty, which the reader leaves out.
        let begins = record.position().map_or(0, csv::Position::byte);
        let before = usize::try_from(begins).unwrap_or(usize::MAX).max(counted);
        let ends = |byte: &&u8| **byte == b'\n';
        let passed = text.as_bytes().get(counted..before).unwrap_or_default();
        row += passed.iter().filter(ends).count();
        let empty = text.as_bytes().get(before..).unwrap_or_default();
        let empty = empty.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
        let empty: Vec<&u8> = empty.collect();
        row += empty.iter().copied().filter(ends).count();
        counted = before + empty.len();
        for (column, text) in record.iter().enumerate().filter(|(_, text)| !text.is_empty()) {
            kept += 1;
            if kept > MOST_CELLS || row >= MOST_ROWS as usize || column >= MOST_COLUMNS as usize {
                return Err(Error::TooMany { file: file.to_owned() });
            }
            put(&mut sheet.rows, row, column, text.to_owned());
        }
    }
    Ok(sheet)
}

fn put(rows: &mut Vec<Vec<String>>, row: usize, column: usize, text: String) {
    if rows.len() <= row {
        rows.resize_with(row + 1, Vec::new);
    }
    if let Some(cells) = rows.get_mut(row) {
        if cells.len() <= column {
            cells.resize_with(column + 1, String::new);
        }
        if let Some(cell) = cells.get_mut(column) {
            *cell = text;
        }
    }
}

/// What a cell says, as it is shown.
fn told(value: &DataRef<'_>) -> String {
    match value {
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
            text.clone()
        }
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number.to_string(),
        DataRef::Bool(truth) => truth.to_string(),
        DataRef::DateTime(moment) => {
            let (year, month, day, ..) = moment.to_ymd_hms_milli();
            format!("{year:04}-{month:02}-{day:02}")
        }
        DataRef::Error(_) | DataRef::Empty => String::new(),
    }
}

/// How a spreadsheet names a cell, from its row and column from 0.
pub(super) fn cell(row: usize, column: usize) -> String {
    format!("{}{}", letters(column), row + 1)
}

/// The letters of a column, from 0.
pub(super) fn letters(column: usize) -> String {
    let mut rest = column + 1;
    let mut letters = Vec::new();
    while rest > 0 {
        rest -= 1;
        let letter = u8::try_from(rest % 26).unwrap_or_default();
        letters.push(char::from(b'A' + letter));
        rest /= 26;
    }
    letters.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_named_as_spreadsheets_name_them() {
        assert_eq!(cell(0, 0), "A1");
        assert_eq!(cell(11, 25), "Z12");
        assert_eq!([26, 51, 52, 701, 702].map(letters), ["AA", "AZ", "BA", "ZZ", "AAA"]);
    }

    #[test]
    fn a_list_is_read_in_every_encoding_that_spreadsheets_save() {
        let text = "回線種別,回線番号\r\n\r\nISDN,\"03-0000-0000\"\r\n";
        let (cp932, ..) = encoding_rs::SHIFT_JIS.encode(text);
        let utf16: Vec<u8> =
            [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        let marked = format!("\u{feff}{text}");
        let tabs = text.replace(',', "\t");
        for bytes in [text.as_bytes(), &cp932, &utf16, marked.as_bytes(), tabs.as_bytes()] {
            let sheet = list("lines.csv", bytes).unwrap();
            assert_eq!((sheet.at(0, 0), sheet.at(2, 1)), ("回線種別", "03-0000-0000"));
            assert_eq!((sheet.rows.len(), sheet.width()), (3, 2));
        }
    }

    #[test]
    fn what_is_no_workbook_is_said_so() {
        for bytes in
            [&b""[..], b"PK", b"PK\x03\x04 and nothing", b"\xd0\xcf\x11\xe0 with a password"]
        {
            let said = workbook("v.xlsx", bytes).unwrap_err().to_string();
            assert!(said.starts_with("v.xlsx: ") && said.contains("without a password"), "{said}");
        }
    }
}
