//! Forms as workbooks: yellow cells to fill in, choices to pick from, made to be printed on A4 and A3.
//!
//! A hearing sheet has its questions below each other and a column for each point, three on a sheet; the sheet of dark
//! lines has a row for each line, and an example behind it.

use std::io;

use rust_xlsxwriter::{
    DataValidation, DataValidationErrorStyle, DocProperties, ExcelDateTime, Format, FormatAlign,
    FormatBorder, ProtectionOptions, Workbook, Worksheet, XlsxError,
};
use unicode_width::UnicodeWidthStr as _;

use super::{Asked, DARK, FOUND, Form, HEARING, Question, Sort};
use crate::{
    import::Column,
    report::{Report, Words, visible},
};

/// The paper sizes A4 and A3, as workbooks number them.
const A4: u8 = 9;
const A3: u8 = 8;

/// How many columns of answers stand on one page of a hearing sheet.
const ON_A_PAGE: usize = 3;

/// How many rows of dark lines there are at least.
const FEWEST_ROWS: usize = 14;

/// The font; where it is missing, a spreadsheet takes another one for Japanese.
const FONT: &str = "Yu Gothic";

/// The longest text of a cell, in characters: more is no answer of a form.
const LONGEST: usize = 1_000;

/// Writes a form.
pub(super) fn write(form: &Form, report: &Report<'_>) -> io::Result<Vec<u8>> {
    let made = match form.sort {
        Sort::Hearing => hearing(form, report),
        Sort::Dark => dark(form, report),
    };
    made.map_err(|error| io::Error::other(error.to_string()))
}

/// How cells look.
struct Looks {
    title: Format,
    how: Format,
    warn: Format,
    section: Format,
    label: Format,
    small: Format,
    found: Format,
    answer: Format,
    head: Format,
}

impl Looks {
    fn new() -> Self {
        let base = || Format::new().set_font_name(FONT).set_font_size(10).set_text_wrap();
        let top = |format: Format| format.set_align(FormatAlign::VerticalCenter).set_indent(1);
        let boxed =
            |format: Format| format.set_border(FormatBorder::Thin).set_border_color("#8A94A6");
        Self {
            title: base().set_font_size(16).set_bold().set_font_color("#12355B"),
            how: top(base().set_font_color("#333333")),
            warn: top(base().set_bold().set_font_color("#9C1C1C")),
            section: boxed(top(base()
                .set_bold()
                .set_font_color("#FFFFFF")
                .set_background_color("#12355B"))),
            label: boxed(top(base().set_bold().set_background_color("#EEF2F7"))),
            small: base().set_font_size(8).set_font_color("#5A6475"),
            found: boxed(top(base().set_background_color("#E4E7EC").set_font_color("#333333"))),
            answer: boxed(
                top(base().set_background_color("#FFF8D6").set_num_format("@")).set_unlocked(),
            ),
            head: boxed(
                top(base().set_bold().set_background_color("#DCE5F0"))
                    .set_align(FormatAlign::Center),
            ),
        }
    }
}

/// A workbook that says nothing of the hour and the machine.
fn workbook(form: &Form, report: &Report<'_>) -> Result<Workbook, XlsxError> {
    let mut book = Workbook::new();
    let ended = report.run.ended.nanoseconds().div_euclid(1_000_000_000);
    let made =
        ExcelDateTime::from_timestamp(ended).or_else(|_| ExcelDateTime::from_ymd(2000, 1, 1))?;
    let title = report.words.fill("form", &format!("{}_title", form.key()), &[]);
    let properties =
        DocProperties::new().set_title(title).set_author("").set_creation_datetime(&made);
    book.set_properties(&properties);
    Ok(book)
}

/// A text as it stands in a cell: nothing in it commands, and nothing is computed.
fn cell(text: &str) -> String {
    visible(text).chars().take(LONGEST).collect()
}

fn row(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

fn column(at: usize) -> u16 {
    u16::try_from(at).unwrap_or(u16::MAX)
}

/// What a question is called, and below it what is meant.
fn label(
    sheet: &mut Worksheet,
    at: (u32, u16),
    question: &Question,
    looks: &Looks,
    words: &Words,
) -> Result<(), XlsxError> {
    let key = question.column.name();
    let (name, hint) = (words.get("form_field", key), words.get("form_hint", key));
    let bold = Format::new().set_font_name(FONT).set_font_size(10).set_bold();
    if hint.is_empty() {
        sheet.write_string_with_format(at.0, at.1, name, &looks.label)?;
    } else {
        let hint = format!("\n{hint}");
        let parts = [(&bold, name), (&looks.small, hint.as_str())];
        sheet.write_rich_string_with_format(at.0, at.1, &parts, &looks.label)?;
    }
    Ok(())
}

/// Offers the choices of a question in cells from the first to the last.
fn offer(
    sheet: &mut Worksheet,
    question: &Question,
    first: (u32, u16),
    last: (u32, u16),
    words: &Words,
) -> Result<(), XlsxError> {
    if question.choices.is_empty() {
        return Ok(());
    }
    let choices: Vec<&str> =
        question.choices.iter().map(|choice| words.get("form_choice", choice)).collect();
    let mut list = DataValidation::new().allow_list_strings(&choices)?;
    if question.closed {
        list = list
            .set_error_style(DataValidationErrorStyle::Stop)
            .set_error_title(
                words
                    .get("form_field", question.column.name())
                    .chars()
                    .take(30)
                    .collect::<String>(),
            )?
            .set_error_message(words.get("form", "wrong_choice"))?;
    } else {
        // What is not in the list may be written all the same.
        list = list.show_error_message(false);
    }
    sheet.add_data_validation(first.0, first.1, last.0, last.1, &list)?;
    Ok(())
}

/// What stands on top of both sheets: title, how to fill it in, whose it is. Gives the next row.
fn top(
    sheet: &mut Worksheet,
    form: &Form,
    last: u16,
    looks: &Looks,
    words: &Words,
) -> Result<usize, XlsxError> {
    let key = form.key();
    let mut at = 0;
    let mut line = |sheet: &mut Worksheet, text: &str, look: &Format, height: f64| {
        sheet.merge_range(row(at), 0, row(at), last, text, look)?;
        sheet.set_row_height(row(at), height)?;
        at += 1;
        Ok::<(), XlsxError>(())
    };
    line(sheet, words.get("form", &format!("{key}_title")), &looks.title, 30.0)?;
    // A sheet is as wide as three columns of answers, or as a page of A3.
    let room = if form.sort == Sort::Hearing { 116 } else { 200 };
    for how in ["how_1", "how_2", "how_3"] {
        let text = words.fill("form", &format!("{key}_{how}"), &[]);
        let lines = text.width().div_ceil(room).max(1);
        line(sheet, &text, &looks.how, 16.0 * f64::from(row(lines)))?;
    }
    line(sheet, words.get("form", "secrets"), &looks.warn, 18.0)?;
    let colon = words.get("language", "colon");
    let run = format!(
        "{}{colon}{}　{}{colon}{}",
        words.get("form", "run"),
        form.run,
        words.get("form", "period"),
        form.period
    );
    line(sheet, &cell(&run), &looks.small, 15.0)?;
    Ok(at)
}

/// What is filled in once: the facility, and what is asked of all. Gives the next row.
fn once(
    sheet: &mut Worksheet,
    form: &Form,
    mut at: usize,
    per_row: usize,
    width: usize,
    looks: &Looks,
    words: &Words,
) -> Result<usize, XlsxError> {
    let facility = form.facility.as_deref().map(cell).unwrap_or_default();
    let mut place = 0;
    let mut cells = |sheet: &mut Worksheet| -> Result<(u32, u16, u16), XlsxError> {
        if place >= per_row {
            place = 0;
            at += 1;
        }
        let begins = place * width;
        place += 1;
        sheet.set_row_height(row(at), 30)?;
        let last = begins + width - 1;
        Ok((row(at), column(begins), column(last)))
    };
    let span =
        |sheet: &mut Worksheet, (line, first, last): (u32, u16, u16), text: &str, look: &Format| {
            if last > first {
                sheet.merge_range(line, first, line, last, text, look).map(drop)
            } else {
                sheet.write_string_with_format(line, first, text, look).map(drop)
            }
        };
    let (line, first, last) = cells(sheet)?;
    sheet.write_string_with_format(line, first, words.get("form", "facility"), &looks.label)?;
    span(sheet, (line, first + 1, last), &facility, &looks.found)?;
    for question in form.head() {
        let (line, first, last) = cells(sheet)?;
        label(sheet, (line, first), question, looks, words)?;
        let told = form.told(question.column).map(cell).unwrap_or_default();
        span(sheet, (line, first + 1, last), &told, &looks.answer)?;
        offer(sheet, question, (line, first + 1), (line, first + 1), words)?;
    }
    Ok(at + 1)
}

/// A vendor's hearing sheet: as many sheets as there are pages of points, the first with what is asked of the vendor.
fn hearing(form: &Form, report: &Report<'_>) -> Result<Vec<u8>, XlsxError> {
    let (words, looks) = (report.words, Looks::new());
    let mut book = workbook(form, report)?;
    // At least one column is free for what nobody found.
    let pages = (form.asked.len() + 1).div_ceil(ON_A_PAGE);
    let mut lines = form.asked.iter().map(Some).chain(std::iter::repeat(None)).zip(1..);
    for page in 1..=pages {
        let name = words.get("form", "hearing_sheet");
        let name = if page > 1 { format!("{name} {page}") } else { name.to_owned() };
        let sheet = book.add_worksheet();
        sheet.set_name(name)?;
        let lines: Vec<(Option<&Asked>, usize)> = lines.by_ref().take(ON_A_PAGE).collect();
        one_page(sheet, form, &lines, page == 1, &looks, words)?;
    }
    book.save_to_buffer()
}

/// A sheet with questions below each other, and a column of answers for each point.
fn one_page(
    sheet: &mut Worksheet,
    form: &Form,
    lines: &[(Option<&Asked>, usize)],
    is_first: bool,
    looks: &Looks,
    words: &Words,
) -> Result<(), XlsxError> {
    sheet.set_column_width(0, 30)?;
    for at in 1..=ON_A_PAGE {
        sheet.set_column_width(column(at), 26)?;
    }
    let mut at = top(sheet, form, column(ON_A_PAGE), looks, words)?;
    if is_first {
        at = band(sheet, at, words.get("form", "section_vendor"), looks)?;
        at = once(sheet, form, at, 2, 2, looks, words)?;
    }
    at = band(sheet, at, words.get("form", "section_found"), looks)?;
    let first = at;
    sheet.write_string_with_format(row(at), 0, words.get("form", "question"), &looks.head)?;
    for (place, (line, number)) in (1..).zip(lines) {
        let name = match line {
            Some(_) => words.fill("form", "column_point", &[("number", &number.to_string())]),
            None => words.get("form", "column_other").to_owned(),
        };
        sheet.write_string_with_format(row(at), column(place), &name, &looks.head)?;
    }
    sheet.set_row_height(row(at), 20)?;
    at += 1;
    sheet.write_string_with_format(row(at), 0, words.get("form_field", "point"), &looks.label)?;
    for (place, (line, _)) in (1..).zip(lines) {
        let id = line.and_then(|line| line.point.as_deref()).unwrap_or_default();
        sheet.write_string_with_format(row(at), column(place), id, &looks.found)?;
    }
    sheet.set_row_height(row(at), 20)?;
    at += 1;
    for (number, found) in FOUND.iter().enumerate() {
        sheet.write_string_with_format(row(at), 0, words.get("form", found), &looks.label)?;
        for (place, (line, _)) in (1..).zip(lines) {
            let text = line.and_then(|line| line.found.get(number));
            let text = text.map(|text| cell(text)).unwrap_or_default();
            sheet.write_string_with_format(row(at), column(place), &text, &looks.found)?;
        }
        sheet.set_row_height(row(at), if *found == "found_address" { 48 } else { 34 })?;
        at += 1;
    }
    let mut breaks = Vec::new();
    for (section, questions) in HEARING {
        if *section == "section_connection" {
            breaks.push(row(at));
        }
        at = band(sheet, at, words.get("form", section), looks)?;
        for question in *questions {
            label(sheet, (row(at), 0), question, looks, words)?;
            for (place, (line, _)) in (1..).zip(lines) {
                let known = line.and_then(|line| line.answers.get(&question.column));
                let known = known.map(|text| cell(text)).unwrap_or_default();
                answer(sheet, (row(at), column(place)), &known, looks)?;
            }
            offer(sheet, question, (row(at), 1), (row(at), column(ON_A_PAGE)), words)?;
            let height = if question.column == Column::Note { 76 } else { 38 };
            sheet.set_row_height(row(at), height)?;
            at += 1;
        }
    }
    sheet.set_paper_size(A4).set_portrait().set_print_fit_to_pages(1, 0);
    sheet.set_page_breaks(&breaks)?;
    sheet.set_repeat_rows(row(first), row(first + 1))?;
    sheet.set_freeze_panes(0, 1)?;
    finish(sheet, form, words);
    Ok(())
}

/// A band with the name of a section. Gives the next row.
fn band(sheet: &mut Worksheet, at: usize, text: &str, looks: &Looks) -> Result<usize, XlsxError> {
    sheet.merge_range(row(at), 0, row(at), column(ON_A_PAGE), text, &looks.section)?;
    sheet.set_row_height(row(at), 20)?;
    Ok(at + 1)
}

/// A cell to fill in.
fn answer(
    sheet: &mut Worksheet,
    at: (u32, u16),
    known: &str,
    looks: &Looks,
) -> Result<(), XlsxError> {
    if known.is_empty() {
        sheet.write_blank(at.0, at.1, &looks.answer)?;
    } else {
        sheet.write_string_with_format(at.0, at.1, known, &looks.answer)?;
    }
    Ok(())
}

/// What both forms have at the end: no way to write over what was found, and a page's number.
fn finish(sheet: &mut Worksheet, form: &Form, words: &Words) {
    let facility = form.facility.as_deref().map(cell).unwrap_or_default();
    // `&` commands in a footer.
    let facility = facility.replace('&', "&&");
    sheet.set_footer(format!("&L&8{facility}&R&8{}", words.get("form", "page")));
    sheet.set_margins(0.5, 0.5, 0.5, 0.6, 0.3, 0.3);
    sheet.set_screen_gridlines(false);
    sheet.protect_with_options(&ProtectionOptions {
        format_cells: true,
        format_columns: true,
        format_rows: true,
        ..ProtectionOptions::default()
    });
}

/// The width of a field of the sheet of dark lines, in characters.
fn wide(column: Column) -> f64 {
    match column {
        Column::Name | Column::Note => 15.0,
        Column::System | Column::LineNumber => 14.0,
        Column::Line | Column::Contact => 13.0,
        Column::Place | Column::Partner => 12.0,
        Column::Connected | Column::Status | Column::Photo => 8.0,
        Column::Direction | Column::RemoteMaintenance => 9.0,
        _ => 10.0,
    }
}

/// The sheet of dark lines.
fn dark(form: &Form, report: &Report<'_>) -> Result<Vec<u8>, XlsxError> {
    let (words, looks) = (report.words, Looks::new());
    let mut book = workbook(form, report)?;
    let sheet = book.add_worksheet();
    sheet.set_name(words.get("form", "dark_sheet"))?;
    let last = column(DARK.len());
    widths(sheet)?;
    let at = top(sheet, form, last, &looks, words)?;
    let at = once(sheet, form, at, 3, 4, &looks, words)?;
    let first = at + 1;
    let rows = (form.asked.len() + 4).max(FEWEST_ROWS);
    let empty = Asked::default();
    let lines: Vec<&Asked> =
        form.asked.iter().chain(std::iter::repeat(&empty)).take(rows).collect();
    table(sheet, first, &lines, &looks, words)?;
    for (place, question) in DARK.iter().enumerate() {
        let at = column(place + 1);
        offer(sheet, question, (row(first + 1), at), (row(first + rows), at), words)?;
    }
    sheet.set_repeat_rows(row(first), row(first))?;
    sheet.set_freeze_panes(row(first + 1), 2)?;
    on_a3(sheet);
    finish(sheet, form, words);

    let sheet = book.add_worksheet();
    sheet.set_name(words.get("form", "example_sheet"))?;
    widths(sheet)?;
    sheet.merge_range(0, 0, 0, last, words.get("form", "example_title"), &looks.title)?;
    sheet.set_row_height(0, 30)?;
    let examples: Vec<Asked> = (1..=3).map(|number| example(number, words)).collect();
    table(sheet, 2, &examples.iter().collect::<Vec<_>>(), &looks, words)?;
    on_a3(sheet);
    finish(sheet, form, words);
    book.save_to_buffer()
}

fn widths(sheet: &mut Worksheet) -> Result<(), XlsxError> {
    sheet.set_column_width(0, 10)?;
    for (place, question) in DARK.iter().enumerate() {
        sheet.set_column_width(column(place + 1), wide(question.column))?;
    }
    Ok(())
}

fn on_a3(sheet: &mut Worksheet) {
    sheet.set_paper_size(A3).set_landscape().set_print_fit_to_pages(1, 0);
}

/// The names of the fields, and lines below them.
fn table(
    sheet: &mut Worksheet,
    first: usize,
    lines: &[&Asked],
    looks: &Looks,
    words: &Words,
) -> Result<(), XlsxError> {
    sheet.write_string_with_format(
        row(first),
        0,
        words.get("form_field", "point"),
        &looks.label,
    )?;
    for (place, question) in DARK.iter().enumerate() {
        label(sheet, (row(first), column(place + 1)), question, looks, words)?;
    }
    sheet.set_row_height(row(first), 76)?;
    for (place, line) in lines.iter().enumerate() {
        let at = first + 1 + place;
        let id = line.point.as_deref().unwrap_or_default();
        sheet.write_string_with_format(row(at), 0, id, &looks.found)?;
        for (place, question) in DARK.iter().enumerate() {
            let known = line.answers.get(&question.column).map(|text| cell(text));
            answer(sheet, (row(at), column(place + 1)), &known.unwrap_or_default(), looks)?;
        }
        sheet.set_row_height(row(at), 40)?;
    }
    Ok(())
}

/// A line that shows how lines are written: a telephone line, a mobile router, a closed network.
fn example(number: usize, words: &Words) -> Asked {
    let own = [
        Column::Name,
        Column::Place,
        Column::System,
        Column::Partner,
        Column::LineNumber,
        Column::Manager,
        Column::Contact,
        Column::Note,
    ];
    let mut line = Asked::default();
    for column in own {
        let key = format!("{}_{number}", column.name());
        if let Some(text) = words.find("form_example", &key) {
            line.answers.insert(column, text.to_owned());
        }
    }
    let chosen: &[(Column, [&str; 3])] = &[
        (Column::Purpose, ["purpose_maintenance", "purpose_monitoring", "purpose_exchange"]),
        (Column::Line, ["line_isdn", "line_mobile", "line_closed"]),
        (Column::Method, ["method_dial", "method_report", "method_ipsec"]),
        (Column::Direction, ["direction_in", "direction_out", "direction_both"]),
        (Column::Connected, ["connected_demand", "connected_demand", "connected_always"]),
        (
            Column::RemoteMaintenance,
            ["remote_maintenance_yes", "remote_maintenance_yes", "remote_maintenance_no"],
        ),
        (Column::Status, ["status_used", "status_used", "status_used"]),
    ];
    for (column, choices) in chosen {
        if let Some(choice) = choices.get(number.saturating_sub(1)) {
            line.answers.insert(*column, words.get("form_choice", choice).to_owned());
        }
    }
    line
}
