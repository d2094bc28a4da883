//! `NoMachine`: the line with which both sides begin. Not published; known from public service probes.

use super::{Reader, Result, require};

/// The line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// The version, as digits and points.
    pub version: &'a [u8],
}

impl<'a> Line<'a> {
    /// Reads the line.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        r.expect_bytes("mark", b"NXD-")?;
        let version = r.until("version", b"\n", 32)?;
        require("version", version.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.'))?;
        Ok(Self { version })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_every_truncation() {
        assert_eq!(Line::parse(b"NXD-3.0.0\n"), Ok(Line { version: b"3.0.0" }));
        crate::wire::refuses_every_truncation(b"NXD-3.0.0\n", Line::parse);
    }
}
