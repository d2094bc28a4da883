//! Citrix ICA: the marks with which its sessions, its session reliability (CGP) and its browser begin.
//!
//! Not published; the marks are as public service probes know them.

use super::{Error, Reader, Result, Writer, require};

/// What a session begins with.
pub const SESSION: &[u8] = b"\x7f\x7fICA\0";

/// What session reliability begins with.
pub const RELIABLE: &[u8] = b"\x1aCGP/";

/// What every datagram of the browser has behind length and type.
const BROWSER: &[u8] = &[0x30, 0x02, 0xfd, 0xa8, 0xe3];

/// How a stream begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start<'a> {
    /// A session.
    Session,
    /// Session reliability, and its version.
    Reliable(&'a [u8]),
}

impl<'a> Start<'a> {
    /// Reads the beginning of a stream.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        if bytes.first() == RELIABLE.first() {
            r.expect_bytes("mark", RELIABLE)?;
            let version = r.bytes("version", 2)?;
            require("version", version.iter().all(u8::is_ascii_digit))?;
            return Ok(Self::Reliable(version));
        }
        r.expect_bytes("mark", SESSION)?;
        Ok(Self::Session)
    }
}

/// Reads a datagram of the browser, which finds farms: gives its type. 1 asks, others answer.
pub fn browser(bytes: &[u8]) -> Result<u8> {
    let mut r = Reader::new(bytes);
    let length = r.u16_le("length")?;
    let kind = r.u8("type")?;
    r.expect_bytes("mark", BROWSER)?;
    let whole = usize::from(length) == bytes.len();
    if whole { Ok(kind) } else { Err(Error::Foreign { field: "length" }) }
}

/// Writes the browser's question for the servers of a farm.
pub fn ask_browser() -> Vec<u8> {
    Writer::new().bytes(&[30, 0, 1]).bytes(BROWSER).zeros(22).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_to_the_browser_goes_both_ways() {
        let bytes = ask_browser();
        assert_eq!((browser(&bytes), bytes.len()), (Ok(1), 30));
        crate::wire::refuses_every_truncation(&bytes[..8], browser);
    }

    #[test]
    fn reads_the_marks() {
        assert_eq!(Start::parse(SESSION), Ok(Start::Session));
        assert_eq!(Start::parse(b"\x1aCGP/01"), Ok(Start::Reliable(b"01")));
        crate::wire::refuses_every_truncation(SESSION, Start::parse);
        crate::wire::refuses_every_truncation(b"\x1aCGP/01", Start::parse);
    }
}
