//! The log of this machine, by its socket. No other machine is written to: whoever collects logs takes them from here.

use std::{
    io,
    path::{Path, PathBuf},
};

/// Bytes of one line, which is what every receiver takes (RFC 5424, section 6.1).
pub const LONGEST_LINE: usize = 2048;

/// Where systems have it.
pub const USUAL: &str = "/dev/log";

/// How long a full socket is waited for, in seconds.
#[cfg(unix)]
const PATIENCE: u64 = 2;

/// Why a line could not be logged.
#[derive(Debug, thiserror::Error)]
#[error("{}: the log of this machine takes nothing ({source}); is a log daemon running, and is this its socket?", path.display())]
pub struct Error {
    path: PathBuf,
    source: io::Error,
}

/// A way to the log.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    #[cfg(unix)]
    socket: std::os::unix::net::UnixDatagram,
}

impl Log {
    /// Opens the socket at `path`.
    #[cfg(unix)]
    pub fn open(path: &Path) -> Result<Self, Error> {
        let refused = |source| Error { path: path.to_owned(), source };
        let socket = std::os::unix::net::UnixDatagram::unbound().map_err(refused)?;
        socket.connect(path).map_err(refused)?;
        let patience = std::time::Duration::from_secs(PATIENCE);
        socket.set_write_timeout(Some(patience)).map_err(refused)?;
        Ok(Self { path: path.to_owned(), socket })
    }

    /// There is none.
    #[cfg(not(unix))]
    pub fn open(path: &Path) -> Result<Self, Error> {
        Err(Error { path: path.to_owned(), source: io::ErrorKind::Unsupported.into() })
    }

    /// Logs a line, cut to [`LONGEST_LINE`].
    pub fn send(&self, line: &str) -> Result<(), Error> {
        let line = line.get(..line.floor_char_boundary(LONGEST_LINE)).unwrap_or(line);
        self.write(line.as_bytes()).map_err(|source| Error { path: self.path.clone(), source })
    }

    #[cfg(unix)]
    fn write(&self, line: &[u8]) -> io::Result<()> {
        self.socket.send(line).map(|_| ())
    }

    #[cfg(not(unix))]
    fn write(&self, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::net::UnixDatagram;

    use super::*;

    #[test]
    fn a_line_reaches_the_log_whole_and_cut() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let missing = Log::open(&path).unwrap_err().to_string();
        assert!(missing.contains("is a log daemon running"), "{missing}");
        let receiver = UnixDatagram::bind(&path).unwrap();
        let log = Log::open(&path).unwrap();
        let mut bytes = [0; 1 << 16];
        for (line, wanted) in [("<28>1 - a", 9), (&*"関".repeat(10_000), 2046)] {
            log.send(line).unwrap();
            assert_eq!(receiver.recv(&mut bytes).unwrap(), wanted);
            assert!(line.as_bytes().starts_with(&bytes[..wanted]));
        }
    }
}
