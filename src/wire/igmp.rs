//! IGMP: who wants which multicast group, and who asks (RFC 1112, 2236, 9776).

use std::net::Ipv4Addr;

use super::{Reader, Result, checksum, require};

/// A router asks which groups are wanted.
pub const QUERY: u8 = 0x11;

/// A message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Igmp {
    /// What it is: 0x11 asks, 0x12, 0x16 and 0x22 tell, 0x17 leaves.
    pub kind: u8,
    /// 1, 2 or 3, by kind and shape; 0 if neither tells.
    pub version: u8,
    /// The group; 0.0.0.0 asks about all.
    pub group: Ipv4Addr,
}

impl Igmp {
    /// Reads a message whose checksum holds.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let kind = r.u8("type")?;
        require("type", (0x11..=0x32).contains(&kind))?;
        let delay = r.u8("delay")?;
        r.u16("checksum")?;
        let group = Ipv4Addr::from(r.take::<4>("group")?);
        require("checksum", checksum(&[bytes]) == 0)?;
        let version = match (kind, delay, r.remaining()) {
            (0x12, ..) | (QUERY, 0, 0) => 1,
            (0x16 | 0x17, ..) | (QUERY, _, 0) => 2,
            (0x22 | QUERY, ..) => 3,
            _ => 0,
        };
        Ok(Self { kind, version, group })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const ASKED: &[u8] = &hex!("1164ee9b00000000");

    #[test]
    fn reads_who_asks() {
        let igmp = Igmp::parse(ASKED).unwrap();
        assert_eq!((igmp.kind, igmp.version), (QUERY, 2));
        assert!(igmp.group.is_unspecified());
        crate::wire::refuses_every_truncation(ASKED, Igmp::parse);
        assert!(!Igmp::parse(&hex!("1164ee9b00000001")).unwrap_err().wants_more());
    }
}
