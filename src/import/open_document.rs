//! Sheets of an ods file (OASIS ODF 1.3, part 3, section 9): values, repeated and merged cells, what is hidden.

use std::collections::BTreeSet;

use quick_xml::{
    Reader, XmlVersion,
    events::{BytesStart, Event},
};

use super::{
    Problem,
    archive::Archive,
    sheet::{Drawn, LONGEST_CELL, MOST_COLUMNS, MOST_ROWS, MOST_SHEETS, Merged, Room, Sheet},
};

/// How often a row or a cell that says something is written out.
const MOST_REPEATED: u32 = 1 << 10;

/// What is known while the file is read.
#[derive(Default)]
struct State {
    /// Styles of tables that are not shown.
    hidden_styles: BTreeSet<String>,
    style: Option<String>,
    table: Option<Table>,
    sheets: Vec<Sheet>,
}

#[derive(Default)]
struct Table {
    name: Option<String>,
    hidden: bool,
    drawn: Drawn,
    row: u32,
    column: u32,
    /// How often the row stands there.
    rows: u32,
    cell: Option<Cell>,
    /// The cells of the row, to be repeated: where, how often, and what.
    cells: Vec<(u32, u32, String)>,
}

#[derive(Default)]
struct Cell {
    /// What the attribute says; it is exacter than what is shown.
    value: Option<String>,
    shown: String,
    repeated: u32,
    rows: u32,
    columns: u32,
}

/// Reads every sheet.
pub(super) fn read(archive: &mut Archive<'_>, room: &mut Room) -> Result<Vec<Sheet>, Problem> {
    if archive.part("META-INF/manifest.xml")?.is_some_and(|text| text.contains("encryption-data")) {
        return Err(Problem::Encrypted);
    }
    let content = archive.part("content.xml")?.ok_or(Problem::NoTable("it has no content.xml"))?;
    let mut reader = Reader::from_str(&content);
    reader.config_mut().expand_empty_elements = true;
    reader.config_mut().check_end_names = false;
    let mut state = State::default();
    // Notes and drawings within a cell are none of its text.
    let mut aside = 0u32;
    loop {
        match reader.read_event().map_err(|error| Problem::Broken(error.to_string()))? {
            Event::Start(element) => {
                let name = element.local_name();
                let name = name.as_ref();
                if aside > 0 || matches!(name, "annotation" | "shapes") {
                    aside += 1;
                } else {
                    begins(name, &element, &mut state);
                }
            }
            Event::End(_) if aside > 0 => aside -= 1,
            Event::End(element) => ends(element.local_name().as_ref(), &mut state, room)?,
            Event::Text(text) if aside == 0 => add(&text.xml10_content(), &mut state),
            Event::CData(text) if aside == 0 => add(&text.xml10_content(), &mut state),
            Event::GeneralRef(name) if aside == 0 => {
                let letter = match &*name {
                    "amp" => Some('&'),
                    "lt" => Some('<'),
                    "gt" => Some('>'),
                    "quot" => Some('"'),
                    "apos" => Some('\''),
                    _ => name.resolve_char_ref().ok().flatten(),
                };
                add(letter.unwrap_or('?').encode_utf8(&mut [0; 4]), &mut state);
            }
            Event::Eof => return Ok(state.sheets),
            _ => {}
        }
    }
}

fn begins(name: &str, element: &BytesStart<'_>, state: &mut State) {
    let said = |key: &str| attribute(element, key);
    let number = |key: &str| said(key).and_then(|text| text.parse::<u32>().ok()).unwrap_or(1);
    match (name, &mut state.table) {
        ("style", None) => state.style = said("name"),
        ("table-properties", None) if said("display").as_deref() == Some("false") => {
            state.hidden_styles.extend(state.style.clone());
        }
        ("table", None) => {
            let hidden =
                said("style-name").is_some_and(|style| state.hidden_styles.contains(&style));
            state.table = Some(Table { name: said("name"), hidden, ..Table::default() });
        }
        ("table-row", Some(table)) => {
            table.column = 0;
            table.rows = number("number-rows-repeated");
            if said("visibility").is_some_and(|how| how != "visible") {
                let last = table.row.saturating_add(table.rows).min(MOST_ROWS);
                table.drawn.hidden_rows.extend(table.row..last);
            }
        }
        ("table-cell" | "covered-table-cell", Some(table)) => {
            // A day without its hour of midnight, a number as it is kept, else what is shown.
            let value = said("date-value").or_else(|| said("string-value"));
            let percent =
                said("value-type").is_some_and(|kind| kind == "percentage" || kind == "currency");
            let value = value.or_else(|| said("value").filter(|_| !percent));
            table.cell = Some(Cell {
                value: value.map(|value| value.trim_end_matches("T00:00:00").to_owned()),
                shown: String::new(),
                repeated: number("number-columns-repeated"),
                rows: number("number-rows-spanned"),
                columns: number("number-columns-spanned"),
            });
        }
        ("p", Some(Table { cell: Some(cell), .. })) if !cell.shown.is_empty() => {
            cell.shown.push('\n');
        }
        ("line-break", Some(Table { cell: Some(cell), .. })) => cell.shown.push('\n'),
        ("s" | "tab", Some(Table { cell: Some(cell), .. })) => cell.shown.push(' '),
        _ => {}
    }
}

fn ends(name: &str, state: &mut State, room: &mut Room) -> Result<(), Problem> {
    match (name, &mut state.table) {
        ("style", None) => state.style = None,
        ("table-cell" | "covered-table-cell", Some(table)) => {
            let Some(cell) = table.cell.take() else { return Ok(()) };
            let at = table.column;
            table.column = at.saturating_add(cell.repeated);
            if cell.rows > 1 || cell.columns > 1 {
                let last = |from: u32, span: u32| from.saturating_add(span.saturating_sub(1));
                table.drawn.merge(Merged {
                    rows: (table.row, last(table.row, cell.rows)),
                    columns: (at, last(at, cell.columns)),
                });
            }
            let text = cell.value.unwrap_or(cell.shown);
            if !text.trim().is_empty() {
                table.cells.push((at, cell.repeated, text));
            }
        }
        ("table-row", Some(table)) => {
            let cells = std::mem::take(&mut table.cells);
            let rows = if cells.is_empty() { 0 } else { table.rows.min(MOST_REPEATED) };
            for row in table.row..table.row.saturating_add(rows) {
                for (at, repeated, text) in &cells {
                    let repeated = (*repeated).clamp(1, MOST_COLUMNS);
                    for column in *at..at.saturating_add(repeated) {
                        table.drawn.put(row, column, text, room)?;
                    }
                }
            }
            table.row = table.row.saturating_add(table.rows);
        }
        ("table", Some(_)) => {
            let Some(table) = state.table.take() else { return Ok(()) };
            if state.sheets.len() >= MOST_SHEETS {
                return Err(Problem::TooMuch);
            }
            state.sheets.push(table.drawn.sheet(table.name, table.hidden, room)?);
        }
        _ => {}
    }
    Ok(())
}

/// Adds to the text of the cell; what is longer than a cell may be only has to be seen to be so.
fn add(text: &str, state: &mut State) {
    if let Some(Table { cell: Some(cell), .. }) = &mut state.table
        && cell.shown.len() < 8 * LONGEST_CELL
    {
        cell.shown.push_str(text);
    }
}

/// An attribute by its name without what stands before the colon.
pub(super) fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let attribute = element
        .attributes()
        .filter_map(Result::ok)
        .find(|attribute| attribute.key.local_name().as_ref() == name)?;
    attribute.normalized_value(XmlVersion::Implicit1_0).ok().map(std::borrow::Cow::into_owned)
}
