//! VXLAN: frames in UDP (RFC 7348), with Cisco's group policy (draft-smith-vxlan-group-policy) and the
//! generic extension (draft-ietf-nvo3-vxlan-gpe).

use super::{Reader, Result, Writer, payload::Inner, require};

/// A header and what it carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vxlan<'a> {
    /// The virtual network, 24 bits.
    pub network: u32,
    /// The policy group, where one is marked.
    pub group: Option<u16>,
    /// What the generic extension says follows; 3 is a frame.
    pub next: Option<u8>,
    /// What is carried.
    pub payload: &'a [u8],
}

impl<'a> Vxlan<'a> {
    /// Reads a header with nothing in its reserved bits; the payload may be cut.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let flags = r.u8("flags")?;
        require("flags", matches!(flags, 0x08 | 0x0c | 0x88))?;
        let policy = r.u8("policy flags")?;
        require("policy flags", policy == 0 || (flags == 0x88 && policy & !0x48 == 0))?;
        let middle = r.u16("group or next protocol")?;
        let (group, next) = match flags {
            0x88 => (Some(middle), None),
            0x0c => (None, Some(middle.to_be_bytes()[1])),
            _ => (None, None),
        };
        let limit = if flags == 0x08 {
            0
        } else if flags == 0x0c {
            0xff
        } else {
            u16::MAX
        };
        require("group or next protocol", middle <= limit)?;
        let network = r.u24("network")?;
        r.expect("reserved", 0)?;
        Ok(Self { network, group, next, payload: r.rest() })
    }

    /// What is inside.
    pub fn inner(&self) -> Inner<'a> {
        match self.next {
            None | Some(3) => Inner::Ethernet(self.payload),
            Some(1 | 2) => Inner::ip(self.payload),
            Some(5) => Inner::EtherType(super::payload::MPLS, self.payload),
            Some(_) => Inner::Nothing,
        }
    }

    /// Writes a plain header and the payload.
    pub fn emit(&self) -> Vec<u8> {
        Writer::new().u32(0x0800_0000).u32(self.network << 8).bytes(self.payload).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const HEADER: &[u8] = &hex!("08000000 00002a00");

    #[test]
    fn reads_the_network() {
        let vxlan = Vxlan::parse(HEADER).unwrap();
        assert_eq!((vxlan.network, vxlan.group), (42, None));
        assert_eq!(vxlan.emit(), HEADER);
        crate::wire::refuses_every_truncation(HEADER, Vxlan::parse);
    }

    #[test]
    fn reads_groups_and_next_protocols() {
        assert_eq!(Vxlan::parse(&hex!("88000010 00002a00")).unwrap().group, Some(16));
        let generic = hex!("0c000001 00002a00 45");
        assert_eq!(Vxlan::parse(&generic).unwrap().inner(), Inner::Ip(&[0x45]));
    }

    #[test]
    fn refuses_what_stands_in_reserved_bits() {
        for bytes in [hex!("0900000000002a00"), hex!("0800000100002a00"), hex!("0800000000002a01")]
        {
            assert!(!Vxlan::parse(&bytes).unwrap_err().wants_more());
        }
    }
}
