//! tinc: the line with which each end of a control connection begins (from the project's manual, "The
//! meta-protocol").

use super::{Error, Reader, Result, Writer, require};

/// How long a line may be.
const LONGEST: usize = 128;

/// Who connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identification<'a> {
    /// The node's name; starts with `^` or `?` where a control program or an invited node speaks.
    pub name: &'a [u8],
    /// Version of the protocol: `17`, or `17.7` for tinc 1.1.
    pub version: &'a [u8],
}

impl<'a> Identification<'a> {
    /// Reads the line.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        r.expect_bytes("request", b"0 ")?;
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let told = r.rest().iter().take_while(|byte| is_name(byte)).count();
        let end = r.rest().get(told);
        require(
            "name",
            told <= LONGEST && end.is_none_or(|end| *end == b' ') && (told > 0 || end.is_none()),
        )?;
        let line = r.until("line", b"\n", LONGEST)?;
        let mut words = line.split(|byte| *byte == b' ');
        let (Some(name), Some(version), None) = (words.next(), words.next(), words.next()) else {
            return Err(Error::Foreign { field: "line" });
        };
        let major = version.split(|byte| *byte == b'.').next().unwrap_or_default();
        let digits = version.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
        require("version", digits && matches!(major, b"16" | b"17" | b"18"))?;
        Ok(Self { name, version })
    }

    /// Writes the line.
    pub fn emit(&self) -> Vec<u8> {
        Writer::new()
            .bytes(b"0 ")
            .bytes(self.name)
            .bytes(b" ")
            .bytes(self.version)
            .u8(b'\n')
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let line = Identification { name: b"clinic_1", version: b"17.7" };
        assert_eq!(Identification::parse(&line.emit()), Ok(line));
    }

    #[test]
    fn refuses_every_truncation() {
        crate::wire::refuses_every_truncation(b"0 clinic 17\n", Identification::parse);
    }

    #[test]
    fn other_lines_are_refused_at_once() {
        for line in [&b"0 cli-nic"[..], b"0  17", b"1 clinic 17\n", b"0 clinic 17 9\n", b"0 a 3\n"]
        {
            assert!(!Identification::parse(line).unwrap_err().wants_more(), "{line:?}");
        }
    }
}
