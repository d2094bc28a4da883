//! What others wrote down: the hospital's register, and lines that only papers and people know.
//!
//! [`entry`] is one line of any of them: what is said of one box or line, by column. [`mod@file`] opens what people have
//! (workbooks, text with separators, in whatever encoding) as [`sheet`]s, [`guess`] finds the header and says which
//! column is about what, [`mapping`] says otherwise, and [`mod@load`] makes a [`Register`] of it. [`tidy`], [`date`],
//! [`address`] and [`makers`] read what is typed in many ways as one thing. Everything in these files is somebody's
//! typing, and as hostile as what comes from the network: files, archives, sheets and cells are bounded.

pub mod address;
mod archive;
mod binary;
pub mod date;
pub mod declared;
pub mod entry;
pub mod file;
pub mod guess;
mod header;
pub mod load;
pub mod makers;
pub mod mapping;
mod open_document;
mod separated;
pub mod sheet;
pub mod tidy;
mod workbook;

use std::path::PathBuf;

pub use entry::{Column, Entry, Register};
pub use file::File;
pub use guess::{Taken, Why};
pub use load::{LeftOut, Loaded, Reading, Skipped, load};
pub use mapping::Mapping;
pub use sheet::Sheet;

/// What is wrong with the inside of a file.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// It holds no table.
    #[error("this is no table that can be read: {0}; save it as xlsx, ods or CSV")]
    NoTable(&'static str),
    /// It is damaged, or cut off.
    #[error("this cannot be read to its end ({0}); open it where it was made and save it again")]
    Broken(String),
    /// It is locked.
    #[error("this is locked with a password; save it without one")]
    Encrypted,
    /// It unpacks to more than any register.
    #[error(
        "this holds more than any register does (its archive, its cells or its sheets); take out the sheets that are not \
         the register, or save them as CSV"
    )]
    TooMuch,
}

/// What can be wrong with what others wrote down. Each names the file and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be opened.
    #[error("{}: cannot be read ({source}); give an xlsx, xls, ods or CSV file", path.display())]
    Unreadable {
        /// Which one.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A file is too large.
    #[error(
        "{}: larger than {most} bytes; take out pictures, and sheets that are not the register", path.display()
    )]
    TooLarge {
        /// Which one.
        path: PathBuf,
        /// The most that is read.
        most: u64,
    },
    /// A file's inside cannot be read.
    #[error("{}: {problem}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// What is wrong with it.
        problem: Problem,
    },
    /// A mapping file says something that is refused.
    #[error("{file}:{line}: {problem} `{value}`; {remedy}")]
    Mapping {
        /// The mapping file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        problem: &'static str,
        /// With what.
        value: String,
        /// What to do.
        remedy: String,
    },
    /// A mapping file is no TOML.
    #[error("{file}:{line}: {problem}; docs/register.md describes the format")]
    NoMapping {
        /// The mapping file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What the reader says.
        problem: String,
    },
    /// No file has a sheet of this name.
    #[error("there is no sheet `{name}`; there are: {}", known.join(", "))]
    NoSuchSheet {
        /// What was asked for.
        name: String,
        /// Those there are.
        known: Vec<String>,
    },
    /// Nothing in the files is a register.
    #[error(
        "{}: no line of a register was found; say with `--mapping` which row is the header and what its columns are about \
         (`--write-mapping FILE` writes a beginning)", names.join(", ")
    )]
    NoLines {
        /// The files.
        names: Vec<String>,
    },
}
