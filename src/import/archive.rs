//! The archive that a workbook is: its parts, unpacked within bounds before anything reads them.

use std::io::{self, Cursor, Read as _};

use zip::ZipArchive;

use super::Problem;

/// The most that an archive may unpack to, in bytes, all its parts together.
pub(super) const MOST_UNPACKED: u64 = 128 << 20;

/// The most parts of an archive.
pub(super) const MOST_PARTS: usize = 4096;

/// An archive whose parts were counted.
pub(super) struct Archive<'f> {
    inner: ZipArchive<Cursor<&'f [u8]>>,
}

impl<'f> Archive<'f> {
    /// Opens an archive and unpacks it once, to see how much is in it: what its list of parts says may be wrong.
    pub(super) fn open(bytes: &'f [u8]) -> Result<Self, Problem> {
        let mut inner = ZipArchive::new(Cursor::new(bytes))
            .map_err(|error| Problem::Broken(error.to_string()))?;
        if inner.len() > MOST_PARTS {
            return Err(Problem::TooMuch);
        }
        let mut left = MOST_UNPACKED;
        for at in 0..inner.len() {
            let part = inner.by_index(at).map_err(|error| Problem::Broken(error.to_string()))?;
            let unpacked = io::copy(&mut part.take(left + 1), &mut io::sink())
                .map_err(|error| Problem::Broken(error.to_string()))?;
            left = left.checked_sub(unpacked).ok_or(Problem::TooMuch)?;
        }
        Ok(Self { inner })
    }

    /// Whether it has a part.
    pub(super) fn has(&self, name: &str) -> bool {
        self.inner.index_for_name(name).is_some()
    }

    /// The text of a part; none where there is no such part.
    pub(super) fn part(&mut self, name: &str) -> Result<Option<String>, Problem> {
        let Some(at) = self.inner.index_for_name(name) else { return Ok(None) };
        let part = self.inner.by_index(at).map_err(|error| Problem::Broken(error.to_string()))?;
        let mut bytes = Vec::new();
        part.take(MOST_UNPACKED)
            .read_to_end(&mut bytes)
            .map_err(|error| Problem::Broken(error.to_string()))?;
        super::separated::decoded(&bytes).map(|text| Some(text.into_owned()))
    }
}
