//! HL7 version 2: the header of a message, in its lower layer of start and end bytes (MLLP). Nothing behind
//! the header is read.

use super::{Error, Reader, Result, require};

/// What begins a message on a stream.
const START: u8 = 0x0b;
/// How long a header is at most.
const LONGEST: usize = 2048;

/// A message's header; fields may hold components.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Header<'a> {
    /// The program that sends.
    pub sending_application: &'a [u8],
    /// The place it stands in.
    pub sending_facility: &'a [u8],
    /// The program that receives.
    pub receiving_application: &'a [u8],
    /// The place that one stands in.
    pub receiving_facility: &'a [u8],
    /// The message's type and event, such as `ORU^R01`.
    pub kind: &'a [u8],
    /// The version of the standard.
    pub version: &'a [u8],
}

impl<'a> Header<'a> {
    /// Reads the header's line, which must be there whole.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        start(&mut r)?;
        let line = r.until("header", b"\r", LONGEST)?;
        Self::from_line(line)
    }

    /// Reads a header that may have been cut short.
    pub fn parse_cut(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        start(&mut r)?;
        let rest = r.bytes_up_to(LONGEST);
        Self::from_line(rest.split(|byte| *byte == b'\r').next().unwrap_or(rest))
    }

    /// Reads the fields, from the character that parts them on.
    fn from_line(line: &'a [u8]) -> Result<Self> {
        let missing = Error::Truncated { field: "separator", missing: 1 };
        let (separator, rest) = line.split_first().ok_or(missing)?;
        let mut fields = rest.split(|byte| byte == separator).skip(1);
        let mut field = || fields.next().unwrap_or_default();
        let mut header = Self {
            sending_application: field(),
            sending_facility: field(),
            receiving_application: field(),
            receiving_facility: field(),
            ..Self::default()
        };
        // The time and a security field stand before the kind; a number and the processing behind it.
        header.kind = fields.nth(2).unwrap_or_default();
        header.version = fields.nth(2).unwrap_or_default();
        Ok(header)
    }
}

/// Reads up to the character that parts fields, which it leaves.
fn start(r: &mut Reader<'_>) -> Result<()> {
    r.expect("start", START)?;
    r.expect_bytes("segment", b"MSH")?;
    let [separator, component, ..] = r.rest() else {
        return Err(Error::Truncated { field: "separators", missing: 2 });
    };
    let mark = |byte: &u8| byte.is_ascii_punctuation();
    require("separators", mark(separator) && mark(component) && separator != component)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &[u8] = b"\x0bMSH|^~\\&|LIS|LAB|HIS|EXAMPLE|20260101000000||ORU^R01|1|P|2.5\r";

    #[test]
    fn reads_the_header_only() {
        let whole = [MESSAGE, b"PID|1||SECRET\r\x1c\r"].concat();
        let header = Header::parse(&whole).unwrap();
        assert_eq!((header.sending_application, header.kind), (&b"LIS"[..], &b"ORU^R01"[..]));
        assert_eq!((header.receiving_facility, header.version), (&b"EXAMPLE"[..], &b"2.5"[..]));
    }

    #[test]
    fn refuses_every_truncation() {
        crate::wire::refuses_every_truncation(MESSAGE, Header::parse);
    }
}
