//! Filled-in forms: what vendors and the hospital wrote down of points, and of lines that no network shows.
//!
//! [`grid`] puts cells at their places, [`table`] finds the form in them, [`hand`] reads what was written by
//! hand as TOML; [`field`] is what a form asks for and [`said`] what the answers mean. One fault refuses the whole file.

pub mod field;
mod grid;
mod hand;
pub mod said;
mod table;
pub mod text;

use std::fmt;

pub use field::{FIELDS, Field};
pub use said::{Way, is_withdrawn, no, way, yes};

use super::{Column, Entry, Problem, file::LARGEST_FILE};

/// The most lines that one form declares.
pub const MOST_LINES: usize = 5_000;

/// The longest answer, in characters.
pub const LONGEST_ANSWER: usize = 1_000;

/// A form as it was filled in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Form {
    /// The file's name, without its folder.
    pub name: String,
    /// The facility that it says it is of.
    pub facility: Option<String>,
    /// Its lines that say something, in their order.
    pub lines: Vec<Declared>,
    /// What its vendor says of all that it looks after; none where the form names no vendor, or asks nothing of it.
    pub vendor: Option<Declared>,
    /// Points that it asks about and says nothing of.
    pub unanswered: Vec<String>,
}

/// Something that was declared, and where it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// What is written.
    pub entry: Entry,
    /// Where: `vendors.xlsx#回線!12`, or `lines.toml!3` in a file without sheets.
    pub cited: String,
}

/// Where in a file something is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The file's name.
    pub file: String,
    /// The sheet.
    pub sheet: Option<String>,
    /// The cell, as a spreadsheet names it, or the number of a line.
    pub cell: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.sheet {
            Some(sheet) => write!(f, "{}#{sheet}!{}", self.file, self.cell),
            None => write!(f, "{}!{}", self.file, self.cell),
        }
    }
}

/// What can be wrong with a form. Each says where, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("{file}: cannot be read ({source}); check its name and that you may read it")]
    Unreadable {
        /// The file.
        file: String,
        /// Why not.
        source: std::io::Error,
    },
    /// It is too large for a form.
    #[error("{file}: larger than {LARGEST_FILE} bytes, which no form is; give the form alone")]
    TooLarge {
        /// The file.
        file: String,
    },
    /// Its name does not say what it is.
    #[error("{file}: this is none of .xlsx, .ods, .csv and .toml; save the form as one of these")]
    NoSuchFormat {
        /// The file.
        file: String,
    },
    /// Its inside cannot be read.
    #[error("{file}: {problem}")]
    Broken {
        /// The file.
        file: String,
        /// What is wrong with it.
        problem: Problem,
    },
    /// No form is in it.
    #[error(
        "{file}: no sheet has a form in it: a row, or a column, with names of fields such as 回線種別 and 回線番号; fill in \
         a form that `sekisho report DIR --forms` writes, or see docs/declared.md"
    )]
    NoForm {
        /// The file.
        file: String,
    },
    /// TOML that is none.
    #[error("{file}:{line}: {problem}; docs/declared.md shows the form")]
    Malformed {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What the reader says.
        problem: String,
    },
    /// A key that no form has.
    #[error(
        "{file}:{line}: there is no key `{key}`; did you mean `{nearest}`? docs/declared.md lists them"
    )]
    UnknownKey {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The key.
        key: String,
        /// The nearest that there is.
        nearest: String,
    },
    /// An answer that cannot be taken.
    #[error("{place}: {column}: {problem} `{value}`; {remedy}")]
    Answer {
        /// Where it stands.
        place: Box<Place>,
        /// In which column.
        column: &'static str,
        /// What is wrong.
        problem: &'static str,
        /// What stands there, cut short.
        value: String,
        /// What to do.
        remedy: &'static str,
    },
    /// More lines than are read.
    #[error("{file}: more than {MOST_LINES} lines; divide it")]
    TooMany {
        /// The file.
        file: String,
    },
}

/// Reads a form. `name` is the file's name without its folder; its ending says what `bytes` are.
pub fn read(name: &str, bytes: &[u8]) -> Result<Form, Error> {
    let file = || name.to_owned();
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    let mut form = match ending.as_deref() {
        Some("xlsx" | "xlsm" | "xls" | "ods" | "csv" | "tsv" | "txt") => {
            table::form(name, grid::sheets(name, bytes)?)?
        }
        Some("toml") => hand::form(name, bytes)?,
        _ => return Err(Error::NoSuchFormat { file: file() }),
    };
    if form.lines.len() > MOST_LINES {
        return Err(Error::TooMany { file: file() });
    }
    form.name = file();
    Ok(form)
}

/// What was written in the fields of one line, each with its place, on the way to an entry.
#[derive(Debug, Default)]
struct Written {
    sheet: Option<String>,
    row: u32,
    answers: Vec<(Column, String, Place)>,
}

impl Written {
    /// The entry, if every answer can be taken.
    fn entry(self) -> Result<Entry, Error> {
        let mut entry = Entry { sheet: self.sheet, row: self.row, ..Entry::default() };
        for (column, answer, place) in self.answers {
            said::take(&mut entry, column, &answer, place)?;
        }
        Ok(entry)
    }
}
