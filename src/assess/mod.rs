//! What points mean: which exploited vulnerabilities their versions are affected by, until when they have support, what they
//! say to the ministry's checklist, and how they could become fewer.
//!
//! [`advisory`] reads what is known, a file a product line; [`version`] and [`range`] place a version in it; [`kev`]
//! reads a catalogue that somebody carried along, and adds what is newer. Nothing in here says *safe*: where a version
//! was not seen, or cannot be placed, the answer is to ask. No product is named in here.
//!
//! [`edition`] holds the ministry's checklist and guideline, as data; [`rules`] look for what a run shows of their items, in
//! the [`matter`] that it found; [`checklist`] says what may be answered, never はい. [`plan`] proposes how points could
//! become fewer, [`mod@stale`] tells which are seldom used.

pub mod advisory;
pub mod answer;
pub mod checklist;
pub mod contradiction;
pub mod edition;
pub mod kev;
pub mod matter;
pub mod meaning;
pub mod plan;
pub mod propose;
pub mod purpose;
pub mod range;
pub mod reconcile;
pub mod rules;
pub mod stale;
pub mod support;
pub mod version;

use std::path::PathBuf;

use crate::time::Day;

pub use advisory::{Advisories, Condition, Known};
pub use answer::{Answer, Assessment, Assessments, Exploited, Subject};
pub use checklist::{Article, Checked, Ground, Item, Suggestion, articles};
pub use contradiction::{Contradicted, Contradiction, Said, contradictions};
pub use edition::{Edition, Library};
pub use kev::{Brought, Catalogue};
pub use matter::Matter;
pub use meaning::{Meaning, Stale};
pub use plan::{Group, Plan, Proposal, Why};
pub use reconcile::{
    By, Duplicate, Found, Mismatch, Outcome, Reconciled, Reconciliation, Seen, Unseen, reconcile,
};
pub use rules::findings;
pub use stale::stale;
pub use support::{Ends, Support, SupportAnswer};

/// What can be wrong with what is known, or with what was brought along.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file of advisories is not in their shape.
    #[error("{file}:{line}: {problem}; docs/advisories.md describes the format")]
    Malformed {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What the reader says.
        problem: String,
    },
    /// A file of advisories says something that is refused.
    #[error("{file}: {about}: {problem} `{value}`; {remedy}")]
    Advisory {
        /// The file.
        file: String,
        /// Which entry.
        about: String,
        /// What is wrong.
        problem: &'static str,
        /// With what.
        value: String,
        /// What to do.
        remedy: String,
    },
    /// A file that was brought along could not be read.
    #[error("{}: cannot be read: {source}; give the catalogue's JSON file", path.display())]
    Unreadable {
        /// Which one.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A file that was brought along is too large.
    #[error("{}: larger than {most} bytes, which no catalogue is; give the catalogue's JSON file", path.display())]
    TooLarge {
        /// Which one.
        path: PathBuf,
        /// The most that is read.
        most: u64,
    },
    /// A file that was brought along is no catalogue.
    #[error("{}:{line}: {problem}; give the JSON file as it is published, whole, or fetch it again", path.display())]
    NoCatalogue {
        /// Which one.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// What was brought along is older than what is kept.
    #[error(
        "{}: of {given}, older than the catalogue of {kept} that is kept; nothing was changed: give a newer one, or `--older` to go back",
        path.display()
    )]
    Older {
        /// Which file.
        path: PathBuf,
        /// Its date.
        given: Day,
        /// The date of what is kept.
        kept: Day,
    },
}
