//! Which signatures a command reads.

use std::path::PathBuf;

use crate::fingerprint::{Error, Signatures};

/// Options of every command that names products.
#[derive(Debug, Default, clap::Args)]
pub(super) struct SignatureFolders {
    /// Signatures to use instead of those built in
    #[arg(long, value_name = "DIR")]
    signatures: Option<PathBuf>,
    /// Signatures to use besides; where both have one of a name, this one counts
    #[arg(long, value_name = "DIR")]
    add_signatures: Vec<PathBuf>,
}

impl SignatureFolders {
    /// Reads them. The first fault ends it.
    pub(super) fn load(&self) -> Result<Signatures, Error> {
        let first = match &self.signatures {
            Some(folder) => Signatures::load(folder)?,
            None => Signatures::built_in()?,
        };
        self.add_signatures
            .iter()
            .try_fold(first, |all, folder| Ok(all.with(Signatures::load(folder)?)))
    }

    /// Whether any are the user's own.
    pub(super) fn is_own(&self) -> bool {
        self.signatures.is_some() || !self.add_signatures.is_empty()
    }
}
