//! Which product said that: signatures, as data, and how they are matched.
//!
//! A [`Signature`] is one product and the rules that betray it. [`Signatures`] are read from a folder,
//! or are the ones built in, and are checked while they are read. A [`Matcher`] holds all rules of a
//! field together and turns a fact into [`Evidence`]; [`combine`] weighs the evidence of one speaker;
//! [`explain`] says why; [`identify`] does all of it for lines of text; [`draft`] writes a signature from what a box
//! said. [`loaded`] is other people's knowledge, which speaks only when it is asked and after our own. No product is
//! named in here.

mod check;
mod common;
mod compile;
pub mod draft;
mod explain;
mod identify;
mod load;
pub mod loaded;
mod matcher;
mod refuse;
mod shelf;
mod signature;

use std::path::PathBuf;

pub use common::{Sayer, is_everybodys, sayer};
pub use draft::telling;
pub use explain::{Explanation, NearMiss, explain};
pub use identify::identify;
pub use load::{Signatures, Vocabulary};
pub use loaded::Loaded;
pub use matcher::{Evidence, Matcher, Ranked, combine, weight};
pub use signature::{Condition, Example, Lookup, Rule, Signature};

/// What can be wrong with signatures, or with what is to be identified.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder could not be read.
    #[error("{}: cannot be read: {source}; give a folder laid out as <role>/<vendor-product>.toml", path.display())]
    Unreadable {
        /// Which one.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A file is no TOML, or not in the shape of a signature.
    #[error(
        "{file}:{line}: {}{problem}; signatures/README.md describes the format",
        if rule.is_empty() { String::new() } else { format!("rule `{rule}`: ") }
    )]
    Malformed {
        /// The file, below the folder of signatures.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The id of the rule it is in; empty where it is in none.
        rule: String,
        /// What the TOML reader says.
        problem: String,
    },
    /// A signature says something about itself that is refused.
    #[error("{file}: {problem} `{value}`; {remedy}")]
    Signature {
        /// The file, below the folder of signatures.
        file: String,
        /// What is wrong.
        problem: &'static str,
        /// With what.
        value: String,
        /// What to do.
        remedy: String,
    },
    /// A rule is refused.
    #[error("{file}:{line}: rule `{rule}`: {problem} `{value}`; {remedy}")]
    Rule {
        /// The file, below the folder of signatures.
        file: String,
        /// The line of the rule's id, from 1.
        line: usize,
        /// The rule's id.
        rule: String,
        /// What is wrong.
        problem: &'static str,
        /// With what.
        value: String,
        /// What to do.
        remedy: String,
    },
    /// Nobody tells such a field.
    #[error("there is no field `{field}`; {remedy}")]
    Field {
        /// What was given.
        field: String,
        /// What to do.
        remedy: String,
    },
    /// A line to be identified is not in the expected shape.
    #[error(
        "line {line}: {problem}; write one object a line: {{\"field\": \"http.title\", \"value\": \"…\", \"id\": 1}}"
    )]
    Line {
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// What was to be identified could not be read, or the answers could not be written.
    #[error("line {line}: {source}")]
    Stream {
        /// The line, from 1.
        line: usize,
        /// Why not.
        source: std::io::Error,
    },
}
