//! CSV that spreadsheets open as it is: UTF-8 with its mark, lines that end as RFC 4180 has it, and an apostrophe before
//! whatever would be computed or taken for a number or a date that it is not.

use std::io::{self, Write};

use super::{
    Report,
    tables::{self, Table},
};
use crate::observe::Mac;

/// What tells a spreadsheet that it is UTF-8.
const MARK: &[u8] = "\u{feff}".as_bytes();

/// Between the lines of a cell.
const BETWEEN: &str = "; ";

/// Writes the list of connection points.
pub(super) fn write_points(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    write(&tables::points(report), out)
}

/// Writes the comparison with the register.
pub(super) fn write_register(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    write(&tables::register(report), out)
}

fn write(table: &Table, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(MARK)?;
    let mut rows = ::csv::WriterBuilder::new().terminator(::csv::Terminator::CRLF).from_writer(out);
    rows.write_record(table.columns.iter().map(|column| &column.heading))?;
    for row in &table.rows {
        let cells = row.cells.iter().map(|cell| safe(&cell.join(BETWEEN)));
        // A row that says that there are more has one cell only.
        let missing = table.columns.len().saturating_sub(row.cells.len());
        rows.write_record(cells.chain(std::iter::repeat_n(String::new(), missing)))?;
    }
    rows.flush()
}

/// `text` as a spreadsheet takes it for a text.
fn safe(text: &str) -> String {
    if is_computed(text) || is_eaten(text) { format!("'{text}") } else { text.to_owned() }
}

/// Whether a spreadsheet would compute it. Those of Japan also take the wide signs.
fn is_computed(text: &str) -> bool {
    text.trim_start().starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'])
}

/// Whether a spreadsheet would take it for a number, a date or a time and write it otherwise: `7.10`, `0123`, `1E5`, `3-4`.
/// Days and shares as we write them come back as they are.
fn is_eaten(text: &str) -> bool {
    let as_ours = is_day(text) || text.strip_suffix('%').is_some_and(is_plain);
    let is_address = text.parse::<std::net::IpAddr>().is_ok() || text.parse::<Mac>().is_ok();
    let of_numbers = |c: char| {
        c.is_numeric()
            || matches!(
                c,
                '.' | ',' | ':' | '/' | '-' | '+' | ' ' | 'e' | 'E' | '%' | '$' | '¥' | '(' | ')'
            )
    };
    let is_numbers = text.contains(char::is_numeric) && text.chars().all(of_numbers);
    (is_numbers || is_date_in_words(text)) && !as_ours && !is_address
}

/// Whether it is a number that is written the same when it was read as one.
fn is_plain(text: &str) -> bool {
    text.parse::<u32>().is_ok_and(|number| number.to_string() == text)
}

fn is_day(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    lengths == [4, 2, 2] && parts.iter().all(|part| part.bytes().all(|b| b.is_ascii_digit()))
}

/// Whether it is a date or a time with the name of a month or an era, or half a day: `MAR1`, `1-Sep`, `R7.4.1`, `4月1日`, `9 am`.
fn is_date_in_words(text: &str) -> bool {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    const ERAS: [char; 5] = ['m', 't', 's', 'h', 'r'];
    if text.len() > 32 || !text.contains(char::is_numeric) {
        return false;
    }
    let lower = text.to_lowercase();
    let letters: String = lower.chars().filter(|c| c.is_alphabetic()).collect();
    let of_date = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '/' | '.' | ',' | ':');
    let month = letters.len() >= 3 && MONTHS.iter().any(|month| month.starts_with(&letters));
    let era = lower.starts_with(ERAS) && letters.len() == 1 && lower.contains(['.', '/', '-']);
    let half =
        matches!(&*letters, "am" | "pm") || matches!(&*letters, "a" | "p") && lower.contains(' ');
    let japanese = letters.chars().all(|c| matches!(c, '年' | '月' | '日' | '時' | '分' | '秒'));
    let japanese = japanese && !letters.is_empty();
    (month || era || half || japanese) && lower.chars().all(of_date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_computed_or_eaten_is_a_text() {
        for text in [
            "=1+1",
            "+81",
            "-1",
            "@SUM(A1)",
            "＝1",
            " =1",
            "7.10",
            "9.1",
            "0123",
            "1E5",
            "3-4",
            "12:30",
            "1/2",
            "123456789012345678",
            "MAR1",
            "1-Sep",
            "R7.4.1",
            "4月1日",
            "9 am",
            "１２３",
            "2026-4-1",
        ] {
            assert_eq!(safe(text), format!("'{text}"));
        }
        for text in [
            "192.0.2.1",
            "2001:db8::1",
            "00:00:5e:00:53:01",
            "2026-04-01",
            "99%",
            "p1e50000",
            "Acme",
            "",
            "1; 2",
            "v9.1",
            "—",
            "marker 5a",
        ] {
            assert_eq!(safe(text), text);
        }
    }
}
