//! `TeamViewer`: the headers of its messages over TCP and UDP. Not published; the shape is from captures.

use super::{Reader, Result, Writer, require};

/// What messages of the first kind begin with.
pub const FIRST: u16 = 0x1724;

/// What messages of the second kind begin with.
pub const SECOND: u16 = 0x1130;

/// The command that asks whether somebody is there.
const PING: u8 = 0x10;

/// A message's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// [`FIRST`] or [`SECOND`].
    pub mark: u16,
    /// What the message is for.
    pub command: u8,
    /// How many bytes the whole message takes.
    pub length: usize,
}

impl Header {
    /// Reads the header of a message in a stream.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let first = r.u8("mark")?;
        require("mark", matches!(first, 0x17 | 0x11))?;
        let mark = u16::from(first) << 8 | u16::from(r.u8("mark")?);
        require("mark", matches!(mark, FIRST | SECOND))?;
        let command = r.u8("command")?;
        require("command", (0x0a..0x80).contains(&command))?;
        let body = if mark == FIRST {
            5 + usize::from(r.u16_le("length")?)
        } else {
            r.expect("reserved", 0)?;
            24 + r.u32_le("length")? as usize
        };
        require("length", body <= 1 << 16)?;
        Ok(Self { mark, command, length: body })
    }

    /// Reads a datagram: the header stands behind eleven bytes of its own.
    pub fn parse_datagram(bytes: &[u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        r.expect("first byte", 0)?;
        r.skip("sequence", 10)?;
        r.expect_u16("mark", FIRST)?;
        let command = r.u8("command")?;
        require("command", (0x0a..0x80).contains(&command))?;
        Ok(Self { mark: FIRST, command, length: bytes.len() })
    }
}

/// Writes the message that asks whether somebody is there.
pub fn ping() -> Vec<u8> {
    Writer::new().u16(FIRST).u8(PING).bytes(&4u16.to_le_bytes()).zeros(4).finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    #[test]
    fn reads_both_kinds() {
        let ping = ping();
        assert_eq!(ping, hex!("172410 0400 00000000"));
        let header = Header::parse(&ping).unwrap();
        assert_eq!((header.command, header.length), (0x10, ping.len()));
        crate::wire::refuses_every_truncation(&ping[..5], Header::parse);
        let second = hex!("11302800 18000000 04000000 05000000 1b000000 18000000");
        assert_eq!(Header::parse(&second).unwrap().length, 48);
        crate::wire::refuses_every_truncation(&second[..8], Header::parse);
    }
}
