//! Forms as lists with commas, for those who have no spreadsheet or another one.

use std::io;

use super::{Asked, FOUND, Form};
use crate::report::Words;

/// How many blank lines there are to fill in.
const BLANK: usize = 5;

/// Writes a form: in UTF-8 with a mark, so that spreadsheets see what it is.
pub(super) fn write(form: &Form, words: &Words) -> io::Result<Vec<u8>> {
    let mut out = csv::WriterBuilder::new()
        .flexible(true)
        .terminator(csv::Terminator::CRLF)
        .from_writer(vec![0xef, 0xbb, 0xbf]);
    let field = |column: &'static str| words.get("form_field", column).to_owned();
    let facility = form.facility.clone().unwrap_or_default();
    let mut rows = vec![
        vec![words.get("form", &format!("{}_title", form.key())).to_owned()],
        vec![words.get("form", "facility").to_owned(), facility],
        vec![words.get("form", "run").to_owned(), form.run.clone(), form.period.clone()],
    ];
    for question in form.head() {
        let told = form.told(question.column).unwrap_or_default();
        rows.push(vec![field(question.column.name()), told.to_owned()]);
    }
    let mut names = vec![field("point")];
    names.extend(FOUND.iter().map(|found| words.get("form", found).to_owned()));
    names.extend(form.questions().iter().map(|question| field(question.column.name())));
    rows.push(names);
    let blank: Vec<Asked> = (0..BLANK).map(|_| Asked::default()).collect();
    for asked in form.asked.iter().chain(&blank) {
        let mut row = vec![asked.point.clone().unwrap_or_default()];
        row.extend(asked.found.iter().cloned());
        let known = |question: &&super::Question| {
            asked.answers.get(&question.column).cloned().unwrap_or_default()
        };
        row.extend(form.questions().iter().map(known));
        rows.push(row);
    }
    for row in rows {
        out.write_record(row.iter().map(|text| inert(text)))?;
    }
    out.into_inner().map_err(|error| io::Error::other(error.to_string()))
}

/// A text that no spreadsheet takes for a formula; what reads forms back takes the mark away.
fn inert(text: &str) -> String {
    let shown = super::super::visible(text);
    if shown.trim_start().starts_with(['=', '+', '-', '@', '\t']) {
        format!("'{shown}")
    } else {
        shown.into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_list_is_computed() {
        for formula in ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", " =1"] {
            assert!(inert(formula).starts_with('\''), "{formula}");
        }
        assert_eq!(inert("03-0000-0000"), "03-0000-0000");
        assert_eq!(inert("\u{202e}x"), "\\u{202e}x");
    }
}
