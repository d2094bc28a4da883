//! Geneve: frames or packets in UDP, with options (RFC 8926).

use super::{Reader, Result, Writer, payload::Inner, require};

/// A header and what it carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geneve<'a> {
    /// The Ethernet type of the payload.
    pub protocol: u16,
    /// The virtual network, 24 bits.
    pub network: u32,
    /// The options, as sent.
    pub options: &'a [u8],
    /// A message of the tunnel's own control, not a user's.
    pub control: bool,
    /// What is carried.
    pub payload: &'a [u8],
}

impl<'a> Geneve<'a> {
    /// Reads a header whose options fill their length exactly; the payload may be cut.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let first = r.u8("version")?;
        require("version", first >> 6 == 0)?;
        let flags = r.u8("flags")?;
        require("flags", matches!(flags, 0 | 0x40 | 0x80 | 0xc0))?;
        let protocol = r.u16("protocol")?;
        require("protocol", protocol == 0 || protocol >= 0x0600)?;
        let network = r.u24("network")?;
        r.expect("reserved", 0)?;
        let options = r.bytes("options", usize::from(first & 0x3f) * 4)?;
        let mut walk = Reader::new(options);
        while !walk.is_empty() {
            walk.skip("option", 3)?;
            let length = walk.u8("option length")?;
            require("option length", usize::from(length & 0x1f) * 4 <= walk.remaining())?;
            walk.skip("option", usize::from(length & 0x1f) * 4)?;
        }
        Ok(Self { protocol, network, options, control: flags & 0x80 != 0, payload: r.rest() })
    }

    /// The class and type of each option, in order.
    pub fn option_kinds(&self) -> impl Iterator<Item = (u16, u8)> {
        let mut r = Reader::new(self.options);
        std::iter::from_fn(move || {
            let class = r.u16("option class").ok()?;
            let kind = r.u8("option type").ok()?;
            let length = r.u8("option length").ok()?;
            r.skip("option", usize::from(length & 0x1f) * 4).ok()?;
            Some((class, kind))
        })
    }

    /// What is inside.
    pub fn inner(&self) -> Inner<'a> {
        match self.protocol {
            0 => Inner::Nothing,
            kind => Inner::of_type(kind, self.payload),
        }
    }

    /// Writes a header without options, and the payload.
    pub fn emit(&self) -> Vec<u8> {
        Writer::new().u16(0).u16(self.protocol).u32(self.network << 8).bytes(self.payload).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const HEADER: &[u8] = &hex!("0240 6558 00000a00 0102 80 01 00000007");

    #[test]
    fn reads_the_network_and_the_options() {
        let geneve = Geneve::parse(HEADER).unwrap();
        assert_eq!((geneve.network, geneve.protocol), (10, 0x6558));
        assert_eq!(geneve.option_kinds().collect::<Vec<_>>(), [(0x0102, 0x80)]);
        assert_eq!(geneve.inner(), Inner::Ethernet(&[]));
        crate::wire::refuses_every_truncation(HEADER, Geneve::parse);
    }

    #[test]
    fn refuses_options_that_do_not_fit() {
        assert!(!Geneve::parse(&hex!("0140 6558 00000a00 0102 80 02")).unwrap_err().wants_more());
    }

    #[test]
    fn refuses_a_question_about_a_name() {
        let dns = hex!("1a2b 0100 0001 0000 0000 0000 07 6578616d706c65 00 0001 0001");
        assert!(!Geneve::parse(&dns).unwrap_err().wants_more());
    }
}
