//! `sekisho identify`: facts on standard input, products on standard output.

use std::{
    io::{self, BufReader},
    path::Path,
};

use super::{
    Exit, data_folder::DataArguments, loaded::LoadedArguments, output,
    signature_folders::SignatureFolders,
};
use crate::fingerprint::{self, Matcher};

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
    #[command(flatten)]
    folders: SignatureFolders,
    #[command(flatten)]
    loaded: LoadedArguments,
    #[command(flatten)]
    data: DataArguments,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let signatures = arguments.folders.load()?;
    let loaded = arguments.loaded.open(&arguments.data)?;
    let matcher = Matcher::new(&signatures).with(&loaded);
    let mut failed = None;
    output::write(Path::new("-"), |out| {
        failed = fingerprint::identify(&matcher, BufReader::new(io::stdin().lock()), out).err();
        Ok(())
    })?;
    failed.map_or(Ok(Exit::Clean), |error| Err(error.into()))
}
