//! AH, the authenticated packets of IP security (RFC 4302).

use super::{Reader, Result, require};

/// The IP protocol number.
pub const IP_PROTOCOL: u8 = 51;

/// A packet's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The IP protocol number of what follows.
    pub next: u8,
    /// The length of the integrity value, in bytes.
    pub integrity: usize,
    /// The security parameters index.
    pub identifier: u32,
    /// Rises with each packet.
    pub sequence: u32,
    /// How many bytes the header takes.
    pub length: usize,
}

impl Header {
    /// Reads a header; the integrity value itself may be cut off.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let next = r.u8("next header")?;
        // In words of four bytes, less two.
        let length = (usize::from(r.u8("length")?) + 2) * 4;
        require("length", length >= 12)?;
        r.u16("reserved")?;
        let identifier = r.u32("identifier")?;
        let sequence = r.u32("sequence")?;
        Ok(Self { next, integrity: length - 12, identifier, sequence, length })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const PACKET: &[u8] = &hex!("59 04 0000 00000100 00000001");

    #[test]
    fn reads_a_header() {
        let header = Header::parse(PACKET).unwrap();
        assert_eq!((header.next, header.integrity, header.length), (89, 12, 24));
    }

    #[test]
    fn refuses_every_truncation() {
        crate::wire::refuses_every_truncation(PACKET, Header::parse);
    }
}
