//! Workbooks: xlsx and xlsm, xls, and ods.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Cursor,
    panic::{AssertUnwindSafe, catch_unwind},
};

use calamine::{
    CellErrorType, Data, DataRef, Dimensions, ExcelDateTime, Reader as _, SheetVisible, Xls, Xlsx,
};
use quick_xml::{Reader, events::Event};

use super::{
    Problem,
    archive::Archive,
    binary,
    open_document::{self, attribute},
    sheet::{Drawn, MOST_SHEETS, Merged, Room, Sheet},
};

/// Reads every sheet of an archive: xlsx, xlsm or ods.
pub(super) fn read_archive(bytes: &[u8], room: &mut Room) -> Result<Vec<Sheet>, Problem> {
    let mut archive = Archive::open(bytes)?;
    if archive.has("content.xml") {
        return open_document::read(&mut archive, room);
    }
    if !archive.has("xl/workbook.xml") {
        return Err(Problem::NoTable("it is an archive, and no workbook"));
    }
    let hidden = hidden_rows(&mut archive)?;
    guarded(|| read_xlsx(bytes, &hidden, room))
}

/// Reads every sheet of a workbook of before 2007.
pub(super) fn read_xls(bytes: &[u8], room: &mut Room) -> Result<Vec<Sheet>, Problem> {
    binary::check(bytes)?;
    guarded(|| read_binary(bytes, room))
}

/// What the library makes of a broken file must not end the program.
fn guarded<T>(read: impl FnOnce() -> Result<T, Problem>) -> Result<T, Problem> {
    catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err(Problem::Broken("the workbook contradicts itself".to_owned())))
}

fn broken(error: impl std::fmt::Display) -> Problem {
    let text = error.to_string();
    let locked = text.contains("password") || text.contains("Password");
    if locked { Problem::Encrypted } else { Problem::Broken(text) }
}

fn read_xlsx(
    bytes: &[u8],
    hidden: &BTreeMap<String, BTreeSet<u32>>,
    room: &mut Room,
) -> Result<Vec<Sheet>, Problem> {
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(broken)?;
    let known = book.sheets_metadata().to_vec();
    let mut sheets = Vec::new();
    for sheet in known {
        if sheets.len() >= MOST_SHEETS {
            return Err(Problem::TooMuch);
        }
        let mut drawn = Drawn::default();
        // A sheet of a chart has no cells.
        let Ok(mut cells) = book.worksheet_cells_reader(&sheet.name) else { continue };
        while let Some(cell) = cells.next_cell().map_err(broken)? {
            let (row, column) = cell.get_position();
            let text = match cell.get_value() {
                DataRef::SharedString(text) => std::borrow::Cow::Borrowed(*text),
                DataRef::String(text) => std::borrow::Cow::Borrowed(text.as_str()),
                DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.as_str().into(),
                DataRef::Int(number) => number.to_string().into(),
                DataRef::Float(number) => decimal(*number).into(),
                DataRef::Bool(is) => truth(*is).into(),
                DataRef::DateTime(moment) => moment_of(moment).into(),
                DataRef::Error(error) => wrong(error).into(),
                DataRef::Empty => continue,
            };
            drawn.put(row, column, &text, room)?;
        }
        drop(cells);
        for merged in book.merge_cells_by_sheet_name(&sheet.name).unwrap_or_default() {
            drawn.merge(merged_of(merged));
        }
        drawn.hidden_rows = hidden.get(&sheet.name).cloned().unwrap_or_default();
        let is_hidden = sheet.visible != SheetVisible::Visible;
        sheets.push(drawn.sheet(Some(sheet.name), is_hidden, room)?);
    }
    Ok(sheets)
}

fn read_binary(bytes: &[u8], room: &mut Room) -> Result<Vec<Sheet>, Problem> {
    let mut book: Xls<_> = Xls::new(Cursor::new(bytes)).map_err(broken)?;
    let known = book.sheets_metadata().to_vec();
    let mut sheets = Vec::new();
    for sheet in known {
        if sheets.len() >= MOST_SHEETS {
            return Err(Problem::TooMuch);
        }
        let Ok(range) = book.worksheet_range(&sheet.name) else { continue };
        let mut drawn = Drawn::default();
        let (top, left) = range.start().unwrap_or_default();
        for (row, column, value) in range.used_cells() {
            let text = match value {
                Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => {
                    std::borrow::Cow::Borrowed(text.as_str())
                }
                Data::Int(number) => number.to_string().into(),
                Data::Float(number) => decimal(*number).into(),
                Data::Bool(is) => truth(*is).into(),
                Data::DateTime(moment) => moment_of(moment).into(),
                Data::Error(error) => wrong(error).into(),
                Data::Empty => continue,
            };
            let at = |from: u32, more: usize| {
                from.saturating_add(u32::try_from(more).unwrap_or(u32::MAX))
            };
            drawn.put(at(top, row), at(left, column), &text, room)?;
        }
        for merged in book.merge_cells_by_sheet_name(&sheet.name).unwrap_or_default() {
            drawn.merge(merged_of(merged));
        }
        let is_hidden = sheet.visible != SheetVisible::Visible;
        sheets.push(drawn.sheet(Some(sheet.name), is_hidden, room)?);
    }
    Ok(sheets)
}

fn merged_of(merged: Dimensions) -> Merged {
    Merged { rows: (merged.start.0, merged.end.0), columns: (merged.start.1, merged.end.1) }
}

/// A number as people wrote it: `1`, not `1.0`.
fn decimal(number: f64) -> String {
    number.to_string()
}

const fn truth(is: bool) -> &'static str {
    if is { "TRUE" } else { "FALSE" }
}

/// What a formula shows that cannot be reckoned is nothing that somebody wrote down.
const fn wrong(_: &CellErrorType) -> &'static str {
    ""
}

/// A day, with its hour where it has one.
fn moment_of(moment: &ExcelDateTime) -> String {
    if moment.is_duration() || !(1.0..3_000_000.0).contains(&moment.as_f64()) {
        return decimal(moment.as_f64());
    }
    let (year, month, day, hour, minute, ..) = moment.to_ymd_hms_milli();
    let day = format!("{year:04}-{month:02}-{day:02}");
    if hour == 0 && minute == 0 { day } else { format!("{day} {hour:02}:{minute:02}") }
}

/// The rows that each sheet of an xlsx hides, from 0, by the sheet's name.
fn hidden_rows(archive: &mut Archive<'_>) -> Result<BTreeMap<String, BTreeSet<u32>>, Problem> {
    let book = archive.part("xl/workbook.xml")?.unwrap_or_default();
    let relations = archive.part("xl/_rels/workbook.xml.rels")?.unwrap_or_default();
    let mut targets = BTreeMap::new();
    elements(&relations, "Relationship", |element| {
        targets.extend(attribute(element, "Id").zip(attribute(element, "Target")));
    });
    let mut named = Vec::new();
    elements(&book, "sheet", |element| {
        named.extend(attribute(element, "name").zip(attribute(element, "id")));
    });
    let mut hidden = BTreeMap::new();
    for (name, relation) in named.into_iter().take(MOST_SHEETS) {
        let Some(target) = targets.get(&relation) else { continue };
        let path = target.strip_prefix('/').map_or_else(|| format!("xl/{target}"), str::to_owned);
        let Some(text) = archive.part(&path)? else { continue };
        let mut rows = BTreeSet::new();
        elements(&text, "row", |element| {
            let is_hidden =
                attribute(element, "hidden").is_some_and(|is| is == "1" || is == "true");
            let number = attribute(element, "r").and_then(|number| number.parse::<u32>().ok());
            rows.extend(number.filter(|_| is_hidden).and_then(|number| number.checked_sub(1)));
        });
        hidden.insert(name, rows);
    }
    Ok(hidden)
}

/// Calls `each` with every element of a name, as far as the text is XML.
fn elements(text: &str, name: &str, mut each: impl FnMut(&quick_xml::events::BytesStart<'_>)) {
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_end_names = false;
    while let Ok(event) = reader.read_event() {
        match event {
            Event::Start(element) | Event::Empty(element)
                if element.local_name().as_ref() == name =>
            {
                each(&element);
            }
            Event::Eof => break,
            _ => {}
        }
    }
}
