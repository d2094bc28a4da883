//! `EtherIP`: frames in IP protocol 97 (RFC 3378).

use super::{Reader, Result, Writer, payload::Inner, require};

/// The version in the header's first four bits.
const VERSION: u16 = 3;

/// A frame inside a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EtherIp<'a> {
    /// The frame, perhaps cut.
    pub frame: &'a [u8],
}

impl<'a> EtherIp<'a> {
    /// Reads the header.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let header = r.u16("version")?;
        // Old implementations swapped the header's bytes or its nibbles.
        require("version", matches!(header, 0x3000 | 0x0300 | 0x0030 | 0x0003))?;
        Ok(Self { frame: r.rest() })
    }

    /// What is inside.
    pub fn inner(&self) -> Inner<'a> {
        Inner::Ethernet(self.frame)
    }

    /// Writes the header and the frame.
    pub fn emit(&self) -> Vec<u8> {
        Writer::new().u16(VERSION << 12).bytes(self.frame).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    #[test]
    fn reads_the_frame() {
        let bytes = hex!("3000 00005e005301 00005e005302 0806");
        let message = EtherIp::parse(&bytes).unwrap();
        assert_eq!(message.inner(), Inner::Ethernet(&bytes[2..]));
        assert_eq!(message.emit(), bytes);
        crate::wire::refuses_every_truncation(&bytes[..2], EtherIp::parse);
        assert!(!EtherIp::parse(&hex!("4500")).unwrap_err().wants_more());
    }
}
