//! What is handed over: a tar of a store, reports and the head of its log, with the SHA-256 of each file.
//!
//! A bundle holds no links and no paths that lead out of it; its first file is [`SUMS`], which names every other with its digest
//! in the way of `sha256sum`, and the others follow in the order of their names. Nothing of the machine is in it: no times, no
//! owners. The same contents give the same bytes. It may be [sealed](seal) with a passphrase or for keys.

mod pack;
pub mod seal;
mod unpack;

pub use pack::{Content, pack, reports};
pub use unpack::{Unpacked, unpack};

use std::{
    io,
    path::{Path, PathBuf},
};

/// The file that names the others with their digests.
pub const SUMS: &str = "SHA256SUMS";

/// The store.
pub const STORE: &str = "store.sqlite";

/// The head of the store's log, as number and hash.
pub const HEAD: &str = "log-head.txt";

/// How many files a bundle may have.
const MOST_FILES: usize = 4096;

/// How many bytes all of them may have.
const LARGEST: u64 = 8 << 30;

/// How many bytes the list of digests may have.
const LARGEST_SUMS: u64 = 1 << 20;

/// How many bytes the name of a file may have.
const LONGEST_NAME: usize = 200;

/// How many folders may be in each other.
const DEEPEST: usize = 8;

/// What can be wrong with a bundle. Each names the file and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read or written.
    #[error("{}: {source}; check that it is there, that you may use it and that its disk has room", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is something else.
    #[error("{}: this is no bundle of ours ({what}); `sekisho export` makes one", path.display())]
    NotABundle {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        what: String,
    },
    /// The bundle ends too early, or a part of it cannot be read.
    #[error("{}: the bundle is cut off or was changed ({what}); get it again from whoever made it", path.display())]
    Cut {
        /// The bundle.
        path: PathBuf,
        /// Where.
        what: String,
    },
    /// A file in it is not what it was.
    #[error("{}: {name} is not what {SUMS} says; the bundle was changed, so get it again from whoever made it", path.display())]
    Changed {
        /// The bundle.
        path: PathBuf,
        /// The file in it.
        name: String,
    },
    /// Something is in it that has no place in a bundle.
    #[error("{}: {name} has no place in a bundle ({what}); nothing was unpacked", path.display())]
    Forbidden {
        /// The bundle, or the folder that should go into one.
        path: PathBuf,
        /// What is in it.
        name: String,
        /// Why not.
        what: String,
    },
    /// It is larger than we take.
    #[error("{}: more than {most} {what}; hand it over in parts", path.display())]
    TooLarge {
        /// The bundle.
        path: PathBuf,
        /// How many may be.
        most: u64,
        /// Of what.
        what: &'static str,
    },
    /// A file changed between two readings.
    #[error("{}: it changed while it was packed; wait until nobody writes to it, and export again", path.display())]
    Moved {
        /// The file.
        path: PathBuf,
    },
    /// There is something already.
    #[error("{}: there is something already; name a folder that is empty or not there", path.display())]
    Taken {
        /// The folder.
        path: PathBuf,
    },
    /// Sealing or opening failed.
    #[error("{}: {source}", path.display())]
    Seal {
        /// The bundle.
        path: PathBuf,
        /// Why.
        source: seal::Error,
    },
}

/// Why a file cannot be read or written.
fn file(path: &Path) -> impl Fn(io::Error) -> Error + '_ {
    |source| Error::File { path: path.to_owned(), source }
}

/// Why a name may not be that of a file of a bundle; nothing where it may. Names are written with `/`.
fn refused(name: &str) -> Option<&'static str> {
    let parts: Vec<&str> = name.split('/').collect();
    if name.len() > LONGEST_NAME {
        Some("its name is too long")
    } else if parts.len() > DEEPEST {
        Some("its folders are too deep")
    } else if parts.iter().any(|part| matches!(*part, "" | "." | "..")) {
        Some("its name leads elsewhere")
    } else if name.chars().any(|c| c.is_control() || c == '\\') {
        Some("its name has characters that names do not have")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_out_of_the_folder_are_refused() {
        for name in ["", "/etc/passwd", "../x", "a/../../x", "a//b", "a/.", "a\\b", "a\nb", "a/"] {
            assert!(refused(name).is_some(), "{name:?}");
        }
        assert!(refused(&"x/".repeat(9)).is_some() && refused(&"x".repeat(201)).is_some());
        for name in [STORE, HEAD, "report/report.ja.html", "report-2/外部接続点.csv"] {
            assert!(refused(name).is_none(), "{name:?}");
        }
    }
}
