//! A folder for what a command makes on its way; it is taken away again, however the command ends.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{decided::now, output};

/// A folder for its owner only.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    /// Makes one in `folder`.
    pub(super) fn within(folder: &Path) -> Result<Self, output::Error> {
        let name = format!(".sekisho-{}-{}", std::process::id(), now().nanoseconds());
        let path = folder.join(name);
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder
            .create(&path)
            .map_err(|source| output::Error::File { path: path.clone(), source })?;
        Ok(Self(path))
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Nothing is left to do when even that fails.
        let _ = fs::remove_dir_all(&self.0);
    }
}
