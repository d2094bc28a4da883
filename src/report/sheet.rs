//! The workbook: the list of connection points, the comparison with the register, changes, the plan, the checklist, what was
//! measured, and terms. Every value is a text: nothing in it is ever computed.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use rust_xlsxwriter::{
    Color, ConditionalFormatBlank, ConditionalFormatText, ConditionalFormatTextRule,
    DataValidation, DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder,
    FormatUnderline, Workbook, Worksheet, XlsxError,
};
use unicode_width::UnicodeWidthStr as _;

use super::{
    Report, Words, cut,
    tables::{self, Cell, Column, Row, Table, Tone},
};

/// The type that both Windows and macOS bring along for Japanese; others fall back to their own.
const FONT: &str = "游ゴシック";

/// The character set of the type, by which programs choose another one: Japanese.
const CHARACTER_SET: u8 = 128;

/// A sheet of A3, and of A4, as spreadsheets number them.
const PAPER: [u8; 2] = [8, 9];

/// How high a line of a cell is, in points.
const LINE_HEIGHT: f64 = 13.5;

/// How many lines a row shows; a spreadsheet has no row that is higher than 409 points.
const MOST_LINES: usize = 29;

const INK: Color = Color::RGB(0x1F_2933);
const LINE: Color = Color::RGB(0xC5_CED8);
const HEAD: Color = Color::RGB(0x1F_3A5F);
const BAND: Color = Color::RGB(0xE8_EEF5);
const OPEN: Color = Color::RGB(0xFF_F8D6);
const LINK: Color = Color::RGB(0x1B_4B82);
const QUIET: Color = Color::RGB(0x55_606C);

/// Where each point stands in a sheet, by row from 0.
type Places = BTreeMap<String, u32>;

/// Writes the workbook.
pub(super) fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let book = book(report).map_err(io::Error::other)?;
    out.write_all(&book)
}

fn book(report: &Report<'_>) -> Result<Vec<u8>, XlsxError> {
    let words = report.words;
    let mut book = Workbook::new();
    let made =
        ExcelDateTime::from_timestamp(report.run.ended.nanoseconds().div_euclid(1_000_000_000))?;
    let facility = report.run.facility.as_deref().unwrap_or_default();
    book.set_properties(
        &DocProperties::new()
            .set_title(words.get("heading", "title"))
            .set_company(cut(facility, 100))
            .set_author("Sekisho")
            .set_creation_datetime(&made),
    );
    book.set_default_format(&text(), 20, 64)?;
    let tables = tables::all(report);
    let places: Vec<Places> = tables.iter().map(places).collect();
    for (at, table) in tables.iter().enumerate() {
        // The list leads to the plan, and everything else to the list.
        let target =
            if at == 0 { tables.iter().position(|one| one.name == "plan") } else { Some(0) };
        let target = target.and_then(|at| Some((tables.get(at)?.name, places.get(at)?)));
        let sheet = book.add_worksheet();
        draw(sheet, table, target, report)?;
    }
    book.save_to_buffer()
}

/// Where the heading of a table stands.
fn head(table: &Table) -> u32 {
    u32::try_from(table.notes.len()).unwrap_or_default() + 2
}

fn places(table: &Table) -> Places {
    let rows = (head(table) + 1..).zip(&table.rows);
    rows.filter_map(|(at, row)| Some((row.point.clone()?, at))).collect()
}

fn draw(
    sheet: &mut Worksheet,
    table: &Table,
    target: Option<(&str, &Places)>,
    report: &Report<'_>,
) -> Result<(), XlsxError> {
    let words = report.words;
    let name = words.get("sheet", table.name);
    sheet.set_name(name)?;
    let head = head(table);
    sheet.write_string_with_format(0, 0, name, &title())?;
    sheet.set_row_height(0, 28)?;
    // Columns that stand on every page would carry a part of the notes along.
    let aside = if table.pages > 1 { table.fixed } else { 0 };
    for (at, note) in (1..).zip(&table.notes) {
        sheet.write_string_with_format(at, aside, note, &note_format())?;
    }
    let columns = (0u16..).zip(&table.columns);
    for (at, column) in columns.clone() {
        sheet.write_string_with_format(head, at, &column.heading, &heading())?;
        sheet.set_column_width(at, column.width)?;
    }
    sheet.set_row_height(head, 34)?;
    for (at, row) in (head + 1..).zip(&table.rows) {
        write_row(sheet, at, row, table, target, words)?;
        sheet.set_row_height(at, height(row, &table.columns))?;
    }
    let rows = u32::try_from(table.rows.len()).unwrap_or_default();
    let last = head + rows.max(1);
    for (at, column) in columns {
        look(sheet, column, (head + 1, last), at)?;
    }
    let width = u16::try_from(table.columns.len()).unwrap_or(1).saturating_sub(1);
    sheet.autofilter(head, 0, last, width)?;
    sheet.set_freeze_panes(head + 1, table.fixed)?;
    page(sheet, table, head, report)
}

fn write_row(
    sheet: &mut Worksheet,
    at: u32,
    row: &Row,
    table: &Table,
    target: Option<(&str, &Places)>,
    words: &Words,
) -> Result<(), XlsxError> {
    let plain = if row.heads { body().set_bold().set_background_color(BAND) } else { body() };
    for (column, cell) in (0u16..).zip(&row.cells) {
        let text = cell.join("\n");
        let link = target.filter(|_| table.link == Some(usize::from(column)));
        let place = link.and_then(|(sheet, places)| Some((sheet, link_to(places, row, cell)?)));
        if let Some((other, place)) = place {
            let link = format!("internal:'{}'!A{}", words.get("sheet", other), place + 1);
            let format = body().set_font_color(LINK).set_underline(FormatUnderline::Single);
            sheet.write_url_with_options(at, column, link.as_str(), text, "", Some(&format))?;
        } else if text.is_empty() {
            sheet.write_blank(at, column, &plain)?;
        } else {
            sheet.write_string_with_format(at, column, text, &plain)?;
        }
    }
    Ok(())
}

/// How high a row is in which every cell is to be read whole, in points. Not every program finds it out by itself.
fn height(row: &Row, columns: &[Column]) -> f64 {
    let lines = row.cells.iter().zip(columns).map(|(cell, column)| {
        let room = usize::from(column.width.saturating_sub(2).max(4));
        let text = cell.join("\n");
        text.lines().map(|line| line.width().div_ceil(room).max(1)).sum::<usize>()
    });
    let lines = lines.max().unwrap_or(1).clamp(1, MOST_LINES);
    f64::from(u32::try_from(lines).unwrap_or(1)).mul_add(LINE_HEIGHT, 6.0)
}

/// Where the point stands elsewhere that a cell names.
fn link_to(places: &Places, row: &Row, cell: &Cell) -> Option<u32> {
    let named = cell.join("");
    let known = row.point.as_ref().and_then(|id| places.get(id));
    known.or_else(|| places.get(&named)).copied()
}

/// What may be chosen in a column, what looks otherwise, and what is to be filled in.
fn look(
    sheet: &mut Worksheet,
    column: &Column,
    (first, last): (u32, u32),
    at: u16,
) -> Result<(), XlsxError> {
    if !column.choices.is_empty() {
        let choices = DataValidation::new().allow_list_strings(&column.choices)?;
        // Whoever has to say more than the list has may.
        let choices = choices.show_error_message(false);
        sheet.add_data_validation(first, at, last, at, &choices)?;
    }
    for (word, tone) in &column.tones {
        let rule = ConditionalFormatTextRule::BeginsWith(word.clone());
        let rule = ConditionalFormatText::new().set_rule(rule).set_format(toned(*tone));
        sheet.add_conditional_format(first, at, last, at, &rule.set_stop_if_true(true))?;
    }
    if column.open {
        let format = Format::new().set_background_color(OPEN);
        let rule = ConditionalFormatBlank::new().set_format(format);
        sheet.add_conditional_format(first, at, last, at, &rule)?;
    }
    Ok(())
}

/// How it is printed: landscape, with its heading on every page and the number of the page below.
fn page(
    sheet: &mut Worksheet,
    table: &Table,
    head: u32,
    report: &Report<'_>,
) -> Result<(), XlsxError> {
    let words = report.words;
    let [large, small] = PAPER;
    sheet.set_paper_size(if table.large { large } else { small });
    sheet.set_landscape();
    sheet.set_print_fit_to_pages(table.pages, 0);
    sheet.set_repeat_rows(head, head)?;
    if table.pages > 1 {
        sheet.set_repeat_columns(0, table.fixed.saturating_sub(1))?;
        sheet.set_page_order(false);
    }
    sheet.set_margins(0.4, 0.4, 0.6, 0.6, 0.3, 0.3);
    sheet.set_screen_gridlines(false);
    let safe = |text: &str| cut(text, 60).replace('&', "&&");
    let facility = safe(report.run.facility.as_deref().unwrap_or_default());
    sheet.set_header(format!("&L{facility}&R{}", safe(words.get("heading", "confidential"))));
    sheet.set_footer(format!("&L{}&C&P / &N&R{}", safe(&report.run.id), "Sekisho"));
    Ok(())
}

fn text() -> Format {
    Format::new()
        .set_font_name(FONT)
        .set_font_charset(CHARACTER_SET)
        .set_font_size(10)
        .set_font_color(INK)
}

fn title() -> Format {
    text().set_font_size(16).set_bold().set_font_color(HEAD).set_align(FormatAlign::VerticalCenter)
}

fn note_format() -> Format {
    text().set_font_color(QUIET)
}

fn heading() -> Format {
    text()
        .set_bold()
        .set_font_color(Color::White)
        .set_background_color(HEAD)
        .set_align(FormatAlign::VerticalCenter)
        .set_text_wrap()
        .set_border(FormatBorder::Thin)
        .set_border_color(LINE)
}

fn body() -> Format {
    text()
        .set_text_wrap()
        .set_align(FormatAlign::Top)
        .set_border(FormatBorder::Thin)
        .set_border_color(LINE)
        .set_num_format("@")
}

/// Dark on light, so that it can be read in print and by those who see no difference between the colours.
fn toned(tone: Tone) -> Format {
    let (ink, paper) = match tone {
        Tone::Bad => (0x8A_1C1C, 0xFD_E7E9),
        Tone::Warn => (0x6B_4300, 0xFF_EBC8),
        Tone::Good => (0x14_532D, 0xE3_F4E8),
        Tone::Strong => (0x1B_4B82, 0xDD_E9F7),
        Tone::Faint => (0x45_4F5B, 0xEC_EFF2),
    };
    let format =
        Format::new().set_font_color(Color::RGB(ink)).set_background_color(Color::RGB(paper));
    if tone == Tone::Faint { format } else { format.set_bold() }
}
