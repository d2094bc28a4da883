//! What we knew before: every run and every connection point it saw, in one SQLite file.
//!
//! Facts are kept, payloads are not: nothing but what a [`crate::correlate::Point`] holds is written, and
//! what boxes said that nobody knows. A
//! run is written whole or not at all, so a store that was cut off opens as it was before. Nothing is
//! deleted: a point that is not seen stays, with the run that saw it last. Which points of several runs are one box is
//! not written but follows from all of them (`state`), so that a later run can show that they are two.

pub mod bond;
pub mod bundle;
pub mod change;
mod citation;
mod column;
mod compare;
mod content;
#[cfg(test)]
mod cut;
pub mod decision;
pub mod declared;
mod digest;
#[cfg(test)]
mod example;
mod export;
pub mod facility;
mod file;
mod group;
pub mod log;
pub mod memory;
mod read;
mod register;
pub mod review;
pub mod run;
pub mod sighting;
mod state;
pub mod store;
pub mod unknown;
pub mod verify;
mod write;

pub use bond::{Bond, Why};
pub use change::{Change, Difference, Facet};
pub use decision::{Decided, Parted};
pub use declared::{Kept, Taken, What};
pub use facility::{Overview, UNNAMED};
pub use log::{Head, Logged, Noted, Told};
pub use memory::{Memory, Remembered, Review, ReviewState, RunOfFacility};
pub use register::LoadedRegister;
pub use review::{Reviewed, Standing};
pub use run::{Input, Run};
pub use sighting::Sighting;
pub use store::{Known, Store, Summary};
pub use unknown::KnownBox;
pub use verify::{Broken, Verified};

use std::path::PathBuf;

/// What can be wrong with a store. Each names the file and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such file, and the command only reads.
    #[error(
        "{0}: there is no store here; a replay with `--store {0}` makes one", path.display()
    )]
    Missing {
        /// The store.
        path: PathBuf,
    },
    /// The file is something else.
    #[error("{}: this is not a store of ours ({what}); name another file", path.display())]
    NotAStore {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        what: String,
    },
    /// A later release wrote it.
    #[error(
        "{}: this store has format {found}, and this release knows up to {known}; use the release that \
         wrote it, or a later one", path.display()
    )]
    Newer {
        /// The store.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The newest format this release knows.
        known: i64,
    },
    /// Another process writes it.
    #[error("{}: another process is writing to this store; wait until it ends", path.display())]
    Locked {
        /// The store.
        path: PathBuf,
    },
    /// A process was cut off while it wrote, and what it left cannot be undone here.
    #[error(
        "{}: a process was cut off while it wrote to this store, and what it left cannot be undone here; copy \
         the store together with {} to a folder that you may write to, and name the copy",
        path.display(), journal.display()
    )]
    HalfWritten {
        /// The store.
        path: PathBuf,
        /// What undoes the change.
        journal: PathBuf,
    },
    /// The file or its folder cannot be opened or written.
    #[error(
        "{}: cannot be opened or written ({what}); check that the folder exists and that you may write \
         to it", path.display()
    )]
    NoAccess {
        /// The store.
        path: PathBuf,
        /// What the system said.
        what: String,
    },
    /// No room is left.
    #[error(
        "{}: the disk is full; the store is as it was before this run, so make room and run again",
        path.display()
    )]
    Full {
        /// The store.
        path: PathBuf,
    },
    /// The file is one of ours, and broken.
    #[error("{}: this store is damaged ({what}); restore it from a copy", path.display())]
    Damaged {
        /// The store.
        path: PathBuf,
        /// Where.
        what: String,
    },
    /// No point has this name.
    #[error("{}: no point's name begins with `{id}`; `sekisho points` lists them", path.display())]
    NoSuchPoint {
        /// The store.
        path: PathBuf,
        /// What was asked for.
        id: String,
    },
    /// No box that signatures do not name has this name.
    #[error(
        "{}: no unrecognised box's name begins with `{id}`; `sekisho points --unrecognised` lists them, and \
         `sekisho show {id}` tells of a point", path.display()
    )]
    NoSuchBox {
        /// The store.
        path: PathBuf,
        /// What was asked for.
        id: String,
    },
    /// More than one point has this name.
    #[error(
        "{}: `{id}` may be {}; write more of the name, or name the facility",
        path.display(),
        candidates.join(" or ")
    )]
    Ambiguous {
        /// The store.
        path: PathBuf,
        /// What was asked for.
        id: String,
        /// The points it may be, with their facilities.
        candidates: Vec<String>,
    },
    /// No run has this name.
    #[error("{}: there is no run `{id}`; `sekisho runs` lists them", path.display())]
    NoSuchRun {
        /// The store.
        path: PathBuf,
        /// What was asked for.
        id: String,
    },
    /// No run was made at a facility of this name.
    #[error("there is no facility `{name}` in this store; known are: {}", known.join(", "))]
    NoSuchFacility {
        /// What was asked for.
        name: String,
        /// Those there are.
        known: Vec<String>,
    },
    /// There are several facilities, and one is to be told of.
    #[error(
        "{}: this store has several facilities: {}; name one by --facility (`-` for runs that name none)",
        path.display(),
        known.join(", ")
    )]
    Several {
        /// The store.
        path: PathBuf,
        /// Those there are.
        known: Vec<String>,
    },
    /// A run names two points alike.
    #[error("{}: run `{run}` has two points named `{id}`; nothing was written", path.display())]
    TwoAlike {
        /// The store.
        path: PathBuf,
        /// The run.
        run: String,
        /// The name both have.
        id: String,
    },
    /// The log and what it tells of do not fit.
    #[error(
        "{}: {broken}; somebody changed the file past this program, so restore it from a copy or a bundle, and compare \
         the hash of its head with the one on the last report", path.display()
    )]
    Broken {
        /// The store.
        path: PathBuf,
        /// What does not fit first.
        broken: Broken,
    },
    /// What was written down as the head of a log is none of its hashes.
    #[error(
        "`{hash}` is no hash of a log; write the 64 digits, or the first 12 or more, as the report shows them"
    )]
    NoHash {
        /// What was given.
        hash: String,
    },
    /// A decision that says too little, or that does nothing.
    #[error(transparent)]
    Decision(#[from] decision::Fault),
    /// A form names a point that there is not.
    #[error(
        "{cited}: no point of {facility} is named `{id}`; `sekisho points` lists them, and a line that is not among them has \
         no name"
    )]
    NoSuchDeclared {
        /// Where the line stands.
        cited: String,
        /// What was written.
        id: String,
        /// The facility.
        facility: String,
    },
    /// A line of a form says nothing by which it could be known again.
    #[error(
        "{cited}: nothing by which this line could be told from others; write its number, an address, or a name"
    )]
    Nameless {
        /// Where the line stands.
        cited: String,
    },
    /// Two lines of forms say different things of one point.
    #[error(
        "{second}: the same line as {first}, and something else is written; make one line of them, or give each its own \
         number or name"
    )]
    DeclaredTwice {
        /// The first.
        first: String,
        /// The second.
        second: String,
    },
    /// Anything else SQLite may say.
    #[error("{}: {source}", path.display())]
    Sqlite {
        /// The store.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
}

/// The result of working with a store.
pub type Result<T> = std::result::Result<T, Error>;
