//! `sekisho identify`: facts on standard input, products on standard output.

use std::{
    io::{self, BufReader},
    path::{Path, PathBuf},
};

use super::{Exit, data_folder::DataArguments, knowledge::LoadedArguments, output};
use crate::fingerprint::{self, Matcher, Signatures};

/// Name the products that facts tell
///
/// Reads one JSON object a line from standard input, {"field": "http.title", "value": "…", "id": 1}, and writes one a line:
/// {"id": 1, "matches": [{"signature", "vendor", "product", "model", "version", "role", "confidence", "collection"}]}.
/// `collection` is null for signatures of our own.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  echo '{\"field\": \"ssh.banner\", \"value\": \"dropbear_2022.83\"}' | sekisho identify"
)]
pub(super) struct Arguments {
    /// Signatures to use instead of those built in
    #[arg(long, value_name = "DIR")]
    signatures: Option<PathBuf>,
    #[command(flatten)]
    loaded: LoadedArguments,
    #[command(flatten)]
    data: DataArguments,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let signatures = match &arguments.signatures {
        Some(folder) => Signatures::load(folder)?,
        None => Signatures::built_in()?,
    };
    let loaded = arguments.loaded.open(&arguments.data)?;
    let matcher = Matcher::new(&signatures).with(&loaded);
    let mut failed = None;
    output::write(Path::new("-"), |out| {
        failed = fingerprint::identify(&matcher, BufReader::new(io::stdin().lock()), out).err();
        Ok(())
    })?;
    failed.map_or(Ok(Exit::Clean), |error| Err(error.into()))
}
