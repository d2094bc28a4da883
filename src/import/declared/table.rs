//! Where in a sheet the form is: lines below each other, or, in a hearing sheet, beside each other.

use std::collections::BTreeSet;

use super::{
    Declared, Error, Form, LONGEST_ANSWER, Place, Written, field,
    grid::{Sheet, cell},
    said,
};
use crate::import::{Column, Entry, sheet::letters};

/// How many fields a row or a column must name to be the head of a form.
const FEWEST_FIELDS: usize = 3;

/// How the names of sheets begin that show how a form is filled in.
const EXAMPLES: [&str; 3] = ["記入例", "例", "example"];

/// Reads what the sheets of a file declare.
pub(super) fn form(file: &str, sheets: Vec<Sheet>) -> Result<Form, Error> {
    let (mut form, mut head) = (Form::default(), Entry::default());
    let mut found = false;
    for sheet in &sheets {
        let name = sheet.name.as_deref().unwrap_or_default().to_lowercase();
        if EXAMPLES.iter().any(|word| name.starts_with(word)) {
            continue;
        }
        if let Some(table) = Table::of(sheet) {
            found = true;
            table.read(file, &mut form, &mut head)?;
        }
    }
    if found { Ok(form) } else { Err(Error::NoForm { file: file.to_owned() }) }
}

/// A form in a sheet. Lines are what is declared, whichever way they run; fields are what is asked.
struct Table<'a> {
    sheet: &'a Sheet,
    /// Lines are columns, and fields are rows.
    beside: bool,
    /// Where the fields are named: a row, or, of lines beside each other, a column.
    head: usize,
    /// Which fields there are, each with its place along the head.
    fields: Vec<(usize, Column)>,
}

impl<'a> Table<'a> {
    fn of(sheet: &'a Sheet) -> Option<Self> {
        let rows = (0..sheet.rows.len()).map(|row| (false, row));
        let columns = (0..sheet.width()).map(|column| (true, column));
        let mut best: Option<Self> = None;
        for (beside, head) in rows.chain(columns) {
            let length = if beside { sheet.rows.len() } else { sheet.width() };
            let label =
                |at: usize| named(if beside { sheet.at(at, head) } else { sheet.at(head, at) });
            let mut fields: Vec<(usize, Column)> =
                (0..length).filter_map(|at| Some((at, label(at)?))).collect();
            // What is above the first line of a hearing sheet is said once for all of them.
            if let Some((first, _)) =
                fields.iter().find(|(_, column)| beside && *column == Column::Point)
            {
                let first = *first;
                fields.retain(|(at, _)| *at >= first);
            }
            let count = |fields: &[(usize, Column)]| {
                fields.iter().map(|(_, column)| column).collect::<BTreeSet<_>>().len()
            };
            let more = best.as_ref().map_or(FEWEST_FIELDS - 1, |best| count(&best.fields));
            if count(&fields) > more {
                best = Some(Self { sheet, beside, head, fields });
            }
        }
        best
    }

    /// What stands in a field of a line, and its cell.
    fn at(&self, line: usize, field: usize) -> (&'a str, String) {
        let (row, column) = if self.beside { (field, line) } else { (line, field) };
        (self.sheet.at(row, column), cell(row, column))
    }

    /// Reads the lines; what is said for all of them on one sheet counts on those behind it.
    fn read(&self, file: &str, form: &mut Form, head: &mut Entry) -> Result<(), Error> {
        let sheet = self.sheet.name.clone();
        let place = |cell: String| Place { file: file.to_owned(), sheet: sheet.clone(), cell };
        let first = self.above(file, form, head)?;
        let last = if self.beside { self.sheet.width() } else { self.sheet.rows.len() };
        for line in self.head + 1..last {
            let cells = self.fields.iter().map(|(at, column)| (*column, self.at(line, *at)));
            // The names stand there again, in another language or after a page.
            let again = cells.clone().filter(|(column, (text, _))| named(text) == Some(*column));
            if again.count() >= FEWEST_FIELDS {
                continue;
            }
            let row = if self.beside { first } else { line };
            let answers: Vec<_> = cells
                .filter(|(_, (text, _))| !text.trim().is_empty())
                .map(|(column, (text, cell))| (column, text.to_owned(), place(cell)))
                .collect();
            let row = u32::try_from(row + 1).unwrap_or(u32::MAX);
            let entry = Written { sheet: sheet.clone(), row, answers }.entry()?;
            let where_it_is =
                if self.beside { format!("{}{row}", letters(line)) } else { row.to_string() };
            form.take(entry, head, place(where_it_is));
        }
        Ok(())
    }

    /// Reads what is said above the lines for all of them, and tells in which row the lines begin.
    fn above(&self, file: &str, form: &mut Form, head: &mut Entry) -> Result<usize, Error> {
        let first =
            if self.beside { self.fields.first().map_or(0, |(at, _)| *at) } else { self.head };
        for (row, cells) in self.sheet.rows.iter().enumerate().take(first) {
            for (at, text) in cells.iter().enumerate() {
                let (column, facility) = (named(text), field::is_facility(first_line(text)));
                let asked = column.filter(|column| field::FOR_ALL.contains(column));
                if asked.is_none() && !facility {
                    continue;
                }
                let next = cells.iter().enumerate().skip(at + 1);
                let Some((at, answer)) = next.into_iter().find(|(_, text)| !text.trim().is_empty())
                else {
                    continue;
                };
                if named(answer).is_some() || field::is_facility(first_line(answer)) {
                    continue;
                }
                let cell = cell(row, at);
                if let Some(column) = asked {
                    let place =
                        Place { file: file.to_owned(), sheet: self.sheet.name.clone(), cell };
                    said::take(head, column, answer, place)?;
                    head.sheet.clone_from(&self.sheet.name);
                    head.row = u32::try_from(row + 1).unwrap_or(u32::MAX);
                } else {
                    let facility = super::text::tidy(answer);
                    let facility: String = facility.chars().take(LONGEST_ANSWER).collect();
                    form.facility = Some(facility).filter(|facility| !facility.is_empty());
                }
            }
        }
        let place =
            Place { file: file.to_owned(), sheet: head.sheet.clone(), cell: head.row.to_string() };
        form.take_vendor(head, place);
        Ok(first)
    }
}

/// The field that a cell names by its first line.
fn named(text: &str) -> Option<Column> {
    field::named(first_line(text))
}

/// What stands on the first line of a cell; hints on how to fill it in stand below.
fn first_line(text: &str) -> &str {
    text.trim().lines().next().unwrap_or_default()
}

impl Form {
    /// Takes a line, if it says something, with what was said for all lines.
    pub(super) fn take(&mut self, mut entry: Entry, head: &Entry, place: Place) {
        let says = |entry: &Entry| {
            let written = entry.written.keys().any(|column| *column != Column::Point);
            written || !entry.addresses.is_empty() || !entry.macs.is_empty()
        };
        if !says(&entry) {
            if let Some(point) = entry.get(Column::Point) {
                self.unanswered.push(point.to_owned());
            }
            return;
        }
        // Whether there is remote maintenance, and a statement, is said of all: of each it would be a guess.
        for (column, text) in &head.written {
            if !matches!(column, Column::RemoteMaintenance | Column::Disclosure) {
                entry.written.entry(*column).or_insert_with(|| text.clone());
            }
        }
        self.lines.push(Declared { entry, cited: place.to_string() });
    }

    /// Takes what a vendor says of all that it looks after.
    pub(super) fn take_vendor(&mut self, head: &Entry, place: Place) {
        let asked = [Column::RemoteMaintenance, Column::Disclosure];
        let says = asked.iter().any(|column| head.get(*column).is_some());
        if says && head.get(Column::Partner).is_some() {
            self.vendor = Some(Declared { entry: head.clone(), cited: place.to_string() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::declared::read;

    fn read_list(text: &str) -> Result<Form, Error> {
        read("lines.csv", text.as_bytes())
    }

    #[test]
    fn lines_below_each_other_are_read_with_what_stands_above_them() {
        let form = read_list(
            "見えない回線票\n医療機関名,関所記念病院\n回答者,,施設課 佐藤,回答日,令和8年4月2日\n\n\
             接続点ID,名称,回線種別,回線番号,備考\n,電話交換機,ISDN,03-0000-0000,\n,,,,\np1a2b3c4d,,,,\n\
             p90de11f0,CT,LTE,,\"二行の\n備考\"\n",
        )
        .unwrap();
        assert_eq!(form.facility.as_deref(), Some("関所記念病院"));
        assert_eq!(form.unanswered, ["p1a2b3c4d"]);
        let [first, second] = form.lines.as_slice() else { panic!("{:?}", form.lines) };
        assert_eq!((&*first.cited, first.entry.row), ("lines.csv!6", 6));
        assert_eq!(first.entry.get(Column::AnsweredBy), Some("施設課 佐藤"));
        assert_eq!(first.entry.get(Column::Checked), Some("2026-04-02"));
        assert_eq!(second.entry.get(Column::Point), Some("p90de11f0"));
        assert_eq!(second.entry.get(Column::Note), Some("二行の 備考"));
        assert_eq!(form.vendor, None);
    }

    #[test]
    fn lines_beside_each_other_are_read_by_their_questions() {
        let form = read_list(
            "事業者名,関所電機,,\nリモート保守の有無,なし,,\n\n質問,接続点 1,接続点 2,接続点 3\n接続点ID,p1a2b3c4d,,\n\
             見つかったもの,VPN装置,,\n用途,CTの保守,,血液ガス分析\n\"回線種別\n選んでください\",インターネット,,モバイル\n\
             回線番号,CAF1,,090\n方向,外から入る,,内から出る\n",
        )
        .unwrap();
        let cited: Vec<&str> = form.lines.iter().map(|line| &*line.cited).collect();
        assert_eq!(cited, ["lines.csv!B5", "lines.csv!D5"]);
        assert_eq!(form.lines[1].entry.get(Column::Line), Some("モバイル"));
        // What is said of all is said of no single one.
        assert_eq!(form.lines[0].entry.get(Column::RemoteMaintenance), None);
        let vendor = form.vendor.unwrap();
        assert_eq!(vendor.entry.get(Column::RemoteMaintenance), Some("なし"));
        assert_eq!(vendor.entry.get(Column::Partner), Some("関所電機"));
    }

    #[test]
    fn a_fault_is_told_with_its_cell() {
        let text = "名称,回線種別,方向,回答日\n電話交換機,ISDN,上から,\n";
        let said = read_list(text).unwrap_err().to_string();
        assert!(said.starts_with("lines.csv!C2: direction: "), "{said}");
        for none in ["", "名称,回線種別\n", "こんにちは\n世界\n"] {
            let refused = read_list(none).unwrap_err();
            let is_none = matches!(refused, Error::NoForm { .. } | Error::Broken { .. });
            assert!(is_none, "{none}: {refused}");
        }
    }

    #[test]
    fn what_is_too_much_is_refused_whole() {
        let head = "名称,回線種別,回線番号\n";
        let lines = |count: usize| head.to_owned() + &"電話,ISDN,1\n".repeat(count);
        assert_eq!(
            read_list(&lines(crate::import::declared::MOST_LINES)).unwrap().lines.len(),
            5_000
        );
        assert!(matches!(read_list(&lines(5_001)), Err(Error::TooMany { .. })));
        assert!(matches!(read_list(&lines(70_000)), Err(Error::TooMany { .. })));
    }
}
