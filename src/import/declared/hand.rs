//! The form as TOML, which is also written by hand.

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    Error, FIELDS, Form, Place, Written,
    field::{self, nearest},
    said,
    text::tidy,
};
use crate::import::Entry;

/// The key of the lines.
const LINE: &str = "line";

/// Reads a form that is TOML.
pub(super) fn form(file: &str, bytes: &[u8]) -> Result<Form, Error> {
    let malformed = |line, problem: &str| Error::Malformed {
        file: file.to_owned(),
        line,
        problem: problem.to_owned(),
    };
    let text = std::str::from_utf8(bytes)
        .map_err(|error| malformed(line_of(bytes, error.valid_up_to()), "this is not UTF-8"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let table = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        malformed(line_of(text.as_bytes(), at), error.message())
    })?;
    let hand = Hand { file, text };
    let mut form = Form::default();
    let mut head = Entry::default();
    let mut keys = vec!["facility", LINE];
    keys.extend(field::FOR_ALL.iter().map(|column| column.name()));
    for (key, value) in table.get_ref() {
        let name: &str = key.get_ref();
        let at = hand.line(key.span().start);
        let column = field::FOR_ALL.iter().find(|column| column.name() == name);
        match (name, column) {
            (LINE, _) => {}
            ("facility", _) => {
                let facility = tidy(&hand.texts(value, name)?.join(" "));
                form.facility = Some(facility).filter(|facility| !facility.is_empty());
            }
            (_, Some(column)) => {
                let answer = hand.texts(value, name)?.join(", ");
                said::take(&mut head, *column, &answer, hand.place(at))?;
                head.row = u32::try_from(at).unwrap_or(u32::MAX);
            }
            _ => return Err(hand.unknown(key, &keys)),
        }
    }
    form.take_vendor(&head, hand.place(head.row as usize));
    let keys: Vec<&str> = FIELDS.iter().map(|field| field.column.name()).collect();
    let Some(lines) = table.get_ref().get(LINE) else { return Ok(form) };
    let wrong = || malformed(hand.line(lines.span().start), "lines are tables: write [[line]]");
    for line in lines.get_ref().as_array().ok_or_else(wrong)? {
        let table = line.get_ref().as_table().ok_or_else(wrong)?;
        let row = hand.line(line.span().start);
        let mut written =
            Written { row: u32::try_from(row).unwrap_or(u32::MAX), ..Written::default() };
        for (key, value) in table {
            let name: &str = key.get_ref();
            let column =
                FIELDS.iter().map(|field| field.column).find(|column| column.name() == name);
            let Some(column) = column else { return Err(hand.unknown(key, &keys)) };
            let answer = hand.texts(value, name)?.join(", ");
            written.answers.push((column, answer, hand.place(hand.line(key.span().start))));
        }
        form.take(written.entry()?, &head, hand.place(row));
    }
    Ok(form)
}

/// The file, as far as messages need it.
struct Hand<'a> {
    file: &'a str,
    text: &'a str,
}

impl Hand<'_> {
    /// The line that a byte is on, from 1.
    fn line(&self, at: usize) -> usize {
        line_of(self.text.as_bytes(), at)
    }

    fn place(&self, line: usize) -> Place {
        Place { file: self.file.to_owned(), sheet: None, cell: line.to_string() }
    }

    fn unknown(&self, key: &Spanned<std::borrow::Cow<'_, str>>, keys: &[&'static str]) -> Error {
        Error::UnknownKey {
            file: self.file.to_owned(),
            line: self.line(key.span().start),
            key: key.get_ref().chars().take(60).collect(),
            nearest: nearest(key.get_ref(), keys).to_owned(),
        }
    }

    /// What a value says: one text, or several of a list.
    fn texts(&self, value: &Spanned<DeValue<'_>>, key: &str) -> Result<Vec<String>, Error> {
        let one = |value: &DeValue<'_>| match value {
            DeValue::String(text) => Some(text.to_string()),
            DeValue::Integer(number) => Some(number.as_str().to_owned()),
            DeValue::Float(number) => Some(number.as_str().to_owned()),
            DeValue::Boolean(truth) => Some(if *truth { "yes" } else { "no" }.to_owned()),
            DeValue::Datetime(moment) => Some(moment.to_string()),
            DeValue::Array(_) | DeValue::Table(_) => None,
        };
        let texts = match value.get_ref() {
            DeValue::Array(several) => several.iter().map(|part| one(part.get_ref())).collect(),
            other => one(other).map(|text| vec![text]),
        };
        texts.ok_or_else(|| Error::Malformed {
            file: self.file.to_owned(),
            line: self.line(value.span().start),
            problem: format!("`{key}` is a text, or a list of texts"),
        })
    }
}

/// The line that a byte is on, from 1.
fn line_of(text: &[u8], at: usize) -> usize {
    text.iter().take(at).filter(|byte| **byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::Column;

    const LINES: &str = "\
facility = \"関所記念病院\"
partner = \"関所電機\"
remote_maintenance = false
checked = 2026-04-02

[[line]]
name = \"電話交換機の保守\"
line = \"ISDN\"
line_number = \"03-0000-0000\"

[[line]]
point = \"p1a2b3c4d\"
address = [\"192.0.2.1\", \"192.0.2.2\"]
partner = \"Acme\"
";

    #[test]
    fn lines_are_read_with_what_stands_above_them() {
        let form = form("lines.toml", LINES.as_bytes()).unwrap();
        assert_eq!(form.facility.as_deref(), Some("関所記念病院"));
        let [first, second] = form.lines.as_slice() else { panic!("{:?}", form.lines) };
        assert_eq!((&*first.cited, first.entry.row), ("lines.toml!6", 6));
        assert_eq!(first.entry.get(Column::Partner), Some("関所電機"));
        assert_eq!(first.entry.get(Column::Checked), Some("2026-04-02"));
        assert_eq!(second.entry.get(Column::Partner), Some("Acme"));
        assert_eq!(second.entry.addresses.len(), 2);
        assert!(said::no(form.vendor.unwrap().entry.get(Column::RemoteMaintenance).unwrap()));
    }

    #[test]
    fn faults_are_told_with_their_lines() {
        let said = |text: &str| form("lines.toml", text.as_bytes()).unwrap_err().to_string();
        for (text, says) in [
            (
                "facilty = \"x\"",
                "lines.toml:1: there is no key `facilty`; did you mean `facility`?",
            ),
            (
                "\n[[line]]\nline_nunber = 1",
                "lines.toml:3: there is no key `line_nunber`; did you mean `line_number`?",
            ),
            ("[[line]]\nname = [", "lines.toml:2: "),
            ("[[line]]\nname = { a = 1 }", "lines.toml:2: `name` is a text"),
            ("line = \"ISDN\"", "lines.toml:1: lines are tables: write [[line]]"),
            ("[[line]]\nname = \"x\"\ndirection = \"up\"", "lines.toml!3: direction: "),
        ] {
            assert!(said(text).starts_with(says), "{}", said(text));
        }
        let error = form("lines.toml", b"a = 1\nb = \"\xff\"").unwrap_err().to_string();
        assert!(error.starts_with("lines.toml:2: this is not UTF-8"), "{error}");
    }
}
