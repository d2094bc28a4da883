//! Which signatures a command reads.

use std::path::{Path, PathBuf};

use crate::{
    fingerprint::{Error, Signatures},
    report::visible,
};

/// Options of every command that names products.
#[derive(Debug, Default, clap::Args)]
pub(super) struct SignatureFolders {
    /// Signatures to use instead of those built in
    #[arg(long, value_name = "DIR")]
    signatures: Option<PathBuf>,
    /// Signatures to use besides; where both have one of a name, the rules of both count
    #[arg(long, value_name = "DIR")]
    add_signatures: Vec<PathBuf>,
    /// Go on without the rules that are faulty, and tell them on standard error
    #[arg(long)]
    lenient: bool,
}

impl SignatureFolders {
    /// Reads them. The first fault ends it, unless faults are allowed.
    pub(super) fn load(&self) -> Result<Signatures, Error> {
        let first = match &self.signatures {
            Some(folder) => self.read(folder)?,
            None => Signatures::built_in()?,
        };
        self.add_signatures.iter().try_fold(first, |all, folder| Ok(all.with(self.read(folder)?)))
    }

    fn read(&self, folder: &Path) -> Result<Signatures, Error> {
        if !self.lenient {
            return Signatures::load(folder);
        }
        let (signatures, faults) = Signatures::load_leniently(folder);
        for fault in faults {
            // A folder that cannot be read is no fault of a rule.
            if matches!(fault, Error::Unreadable { .. }) {
                return Err(fault);
            }
            eprintln!("sekisho: left out: {}", visible(&fault.to_string()));
        }
        Ok(signatures)
    }

    /// Whether none are the user's own.
    pub(super) fn are_built_in(&self) -> bool {
        !self.is_own()
    }

    /// Whether any are the user's own.
    pub(super) fn is_own(&self) -> bool {
        self.signatures.is_some() || !self.add_signatures.is_empty()
    }
}
