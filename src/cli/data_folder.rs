//! Where knowledge that was brought along is kept.

use std::{env, path::PathBuf};

use clap::builder::{OsStringValueParser, TypedValueParser as _};

/// The folder of knowledge that was brought along
#[derive(Debug, Clone, clap::Args)]
pub(super) struct DataArguments {
    /// Where knowledge that was brought along is kept; otherwise `sekisho` among the user's data; empty for none
    #[arg(long, value_name = "DIR", env = "SEKISHO_DATA", value_parser = OsStringValueParser::new().map(PathBuf::from))]
    pub data: Option<PathBuf>,
}

/// There is no place to keep anything.
#[derive(Debug, thiserror::Error)]
#[error("there is no folder to keep knowledge in; give one with --data DIR or SEKISHO_DATA")]
pub(super) struct NoFolder;

impl DataArguments {
    /// The folder, where there must be one.
    pub(super) fn needed(&self) -> Result<PathBuf, NoFolder> {
        self.folder().ok_or(NoFolder)
    }

    /// The folder, whether it exists or not; none where the user has no folder for data, or gave an empty name.
    pub(super) fn folder(&self) -> Option<PathBuf> {
        let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
        match &self.data {
            Some(folder) => Some(folder.clone()).filter(|folder| !folder.as_os_str().is_empty()),
            None => set("XDG_DATA_HOME")
                .map(PathBuf::from)
                .or_else(|| set("HOME").map(|home| PathBuf::from(home).join(".local/share")))
                .map(|data| data.join("sekisho")),
        }
    }
}
