//! `--font`: the typeface of the report on paper.

use std::path::PathBuf;

use crate::report::pdf;

/// Options of every command that writes the report.
#[derive(Debug, Default, clap::Args)]
pub(super) struct FontArguments {
    /// The Japanese typeface for the PDF, a TrueType or OpenType file; otherwise the first on this system
    #[arg(long, value_name = "FILE", env = "SEKISHO_FONT")]
    font: Option<PathBuf>,
}

impl FontArguments {
    /// Reads the typeface that was named: better now than after hours.
    pub(super) fn choose(&self) -> Result<(), pdf::Error> {
        self.font.as_deref().map_or(Ok(()), pdf::choose)
    }
}
