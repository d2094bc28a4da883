//! n2n, versions 1 to 3: the head of its packets, with the name of the community in clear (from the
//! project's source and its description of the protocol).

use super::{Reader, Result, require};

/// A packet's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// 1, 2 or 3.
    pub version: u8,
    /// Its type; version 1 numbers them apart.
    pub kind: u8,
    /// Whether a supernode sent it.
    pub from_supernode: bool,
    /// The community, without its padding.
    pub community: &'a [u8],
    /// Whether the padding is nothing but zeros; version 1 leaves anything there.
    pub clean: bool,
}

impl<'a> Packet<'a> {
    /// Reads a head.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let version = r.u8("version")?;
        require("version", (1..=3).contains(&version))?;
        let (kind, from_supernode) = if version == 1 {
            let kind = r.u8("type")?;
            require("type", (1..=5).contains(&kind))?;
            let lives = r.u8("time to live")?;
            require("time to live", lives <= 16)?;
            let sender = r.u8("sender")?;
            require("sender", sender <= 1)?;
            (kind, sender == 1)
        } else {
            let lives = r.u8("time to live")?;
            require("time to live", lives <= 16)?;
            let flags = r.u16("flags")?;
            require("flags", flags >> 8 == 0 && flags & 0x1f <= 12)?;
            let [_, flags] = flags.to_be_bytes();
            (flags & 0x1f, flags & 0x20 != 0)
        };
        let field = r.bytes("community", if version == 3 { 20 } else { 16 })?;
        let length = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
        let (community, padding) = field.split_at(length);
        let clean = padding.iter().all(|byte| *byte == 0);
        let printable = community.iter().all(u8::is_ascii_graphic);
        require("community", printable && !community.is_empty())?;
        // A hardware address at least follows, or a cookie.
        r.clone().skip("body", 4)?;
        Ok(Self { version, kind, from_supernode, community, clean })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const REGISTER: &[u8] = &hex!("03 02 0005 6578616d706c6500000000000000000000000000 00000001");

    #[test]
    fn reads_a_head() {
        let packet = Packet::parse(REGISTER).unwrap();
        assert_eq!((packet.version, packet.kind, packet.community), (3, 5, &b"example"[..]));
        assert!(packet.clean && !packet.from_supernode);
    }

    #[test]
    fn refuses_every_truncation() {
        crate::wire::refuses_every_truncation(REGISTER, Packet::parse);
    }

    #[test]
    fn what_is_not_text_is_no_community() {
        let mut bytes = REGISTER.to_vec();
        bytes[5] = 0x80;
        assert!(Packet::parse(&bytes).is_err());
    }
}
