//! The file that what is listened to goes into: as large as it may become, and whole at its end whatever happens.

use std::{
    fs::File,
    io::{self, Seek as _, Write as _},
    path::{Path, PathBuf},
};

use super::{Cut, Error};

/// A file that is written to, piece by piece; each piece is whole blocks.
#[derive(Debug)]
pub(super) struct Sink {
    path: PathBuf,
    file: File,
    /// How many bytes of it are whole.
    whole: u64,
    /// Where its last piece begins.
    last: u64,
    /// How many bytes it may have.
    most: u64,
    /// Why nothing more goes into it.
    cut: Option<Cut>,
}

impl Sink {
    /// A new file at `path`, which only its owner reads, with this at its beginning.
    pub(super) fn create(path: &Path, most: u64, header: &[u8]) -> Result<Self, Error> {
        let mut options = File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let unwritable = |source: io::Error| match source.kind() {
            io::ErrorKind::AlreadyExists => Error::Exists(path.to_owned()),
            _ => Error::Unwritable { path: path.to_owned(), source },
        };
        let mut file = options.open(path).map_err(unwritable)?;
        file.write_all(header).map_err(|source| {
            // It holds nothing that somebody could want.
            let _ = std::fs::remove_file(path);
            unwritable(source)
        })?;
        let whole = u64::try_from(header.len()).unwrap_or(u64::MAX);
        Ok(Self { path: path.to_owned(), file, whole, last: whole, most, cut: None })
    }

    /// How many bytes it has.
    pub(super) fn length(&self) -> u64 {
        self.whole
    }

    /// Why nothing more goes into it, if so.
    pub(super) fn cut(&self) -> Option<&Cut> {
        self.cut.as_ref()
    }

    /// Adds a piece. Once one did not fit, none does.
    pub(super) fn take(&mut self, piece: &[u8]) -> Result<(), Cut> {
        let length = u64::try_from(piece.len()).unwrap_or(u64::MAX);
        if self.cut.is_none() && self.whole.saturating_add(length) > self.most {
            self.cut = Some(Cut::Size(self.most));
        }
        if self.cut.is_none()
            && let Err(error) = self.file.write_all(piece)
        {
            self.cut = Some(Cut::Disk(error.to_string()));
        }
        if let Some(cut) = &self.cut {
            return Err(cut.clone());
        }
        self.last = self.whole;
        self.whole += length;
        Ok(())
    }

    /// Writes what is said at the end, and lets the file go. Where a full disk leaves no room for that, the last piece
    /// gives way: what was not heard must not be lost with it.
    pub(super) fn finish(mut self, words: &[u8]) -> Result<(), Error> {
        let told = self.end_with(self.whole, words);
        let told = told.or_else(|_| self.end_with(self.last, words));
        told.map_err(|source| Error::Unwritable { path: self.path.clone(), source })
    }

    fn end_with(&mut self, place: u64, words: &[u8]) -> io::Result<()> {
        self.file.set_len(place)?;
        self.file.seek(io::SeekFrom::Start(place))?;
        self.file.write_all(words)?;
        self.file.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_becomes_no_larger_than_it_may() {
        let desk = tempfile::tempdir().unwrap();
        let path = desk.path().join("heard.pcapng");
        let mut sink = Sink::create(&path, 10, b"head").unwrap();
        assert_eq!((sink.take(b"abc"), sink.take(b"defg")), (Ok(()), Err(Cut::Size(10))));
        assert_eq!(sink.take(b"d"), Err(Cut::Size(10)), "what comes later would be out of order");
        assert_eq!(sink.length(), 7);
        sink.finish(b"!").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"headabc!");
    }

    #[test]
    fn a_full_disk_ends_it_and_a_file_is_never_replaced() {
        let desk = tempfile::tempdir().unwrap();
        let path = desk.path().join("heard.pcapng");
        let mut sink = Sink::create(&path, 1 << 20, b"head").unwrap();
        sink.take(b"abc").unwrap();
        sink.file = File::options().write(true).open("/dev/full").unwrap();
        assert!(matches!(sink.take(b"def"), Err(Cut::Disk(_))));
        let again = Sink::create(&path, 1 << 20, b"head").unwrap_err().to_string();
        assert!(again.contains("heard.pcapng: there is a file already"), "{again}");
        let nowhere = Sink::create(&desk.path().join("no/x"), 9, b"").unwrap_err().to_string();
        assert!(nowhere.contains("check that its folder exists"), "{nowhere}");
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_read_it() {
        use std::os::unix::fs::MetadataExt as _;
        let desk = tempfile::tempdir().unwrap();
        let path = desk.path().join("heard.pcapng");
        let _sink = Sink::create(&path, 10, b"").unwrap();
        assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o600);
    }
}
