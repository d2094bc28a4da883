//! VRRP: routers that share an address (RFC 2338, 3768, 9568), and CARP, which borrowed its number (OpenBSD).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Reader, Result, require};

/// What a master says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vrrp {
    /// 2 or 3.
    pub version: u8,
    /// The group of routers.
    pub group: u8,
    /// Its rank: 255 owns the address, 0 gives up.
    pub priority: u8,
    /// How it is authenticated: 0 not, 1 by a password in clear (version 2).
    pub authentication: u8,
    /// The shared addresses.
    pub addresses: Vec<IpAddr>,
}

impl Vrrp {
    /// Reads an advertisement of version 2 or 3.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let first = r.u8("version and type")?;
        let version = first >> 4;
        require("version and type", matches!(first, 0x21 | 0x31))?;
        let group = r.u8("group")?;
        let priority = r.u8("priority")?;
        let count = usize::from(r.u8("count")?);
        require("group", group > 0)?;
        let authentication = if version == 2 { r.u8("authentication")? } else { 0 };
        if version == 3 {
            r.u8("interval")?;
        }
        r.u8("interval")?;
        r.u16("checksum")?;
        require("address family", !Carp::is(bytes))?;
        let mut addresses = Vec::new();
        // Only the length tells which family the addresses of version 3 have.
        let is_six = version == 3 && r.remaining() >= count * 16;
        for _ in 0..count {
            addresses.push(if is_six {
                Ipv6Addr::from(r.take::<16>("address")?).into()
            } else {
                Ipv4Addr::from(r.take::<4>("address")?).into()
            });
        }
        Ok(Self { version, group, priority, authentication, addresses })
    }
}

/// What a firewall of the BSD family says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carp {
    /// The group of hosts.
    pub group: u8,
    /// Its disadvantage: less is stronger.
    pub skew: u8,
    /// Seconds between advertisements.
    pub base: u8,
}

/// The whole of a CARP advertisement, in bytes.
const CARP_LENGTH: usize = 36;

impl Carp {
    /// Whether the shape is CARP's: its count of words is always 7, and its length tells it from VRRP.
    fn is(bytes: &[u8]) -> bool {
        bytes.len() == CARP_LENGTH && matches!(bytes, [0x21, _, _, 7, ..])
    }

    /// Reads an advertisement.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        r.expect("version and type", 0x21)?;
        let group = r.u8("group")?;
        let skew = r.u8("skew")?;
        r.expect("words", 7)?;
        r.u8("demotion")?;
        let base = r.u8("base")?;
        r.skip("checksum, counter and proof", CARP_LENGTH - 6)?;
        require("length", r.is_empty())?;
        Ok(Self { group, skew, base })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const TWO: &[u8] = &hex!("21 33 64 01 00 01 0000 c00002fe");

    #[test]
    fn reads_version_2() {
        let vrrp = Vrrp::parse(TWO).unwrap();
        assert_eq!((vrrp.version, vrrp.group, vrrp.priority), (2, 51, 100));
        assert_eq!(vrrp.addresses, [Ipv4Addr::new(192, 0, 2, 254)]);
        crate::wire::refuses_every_truncation(TWO, Vrrp::parse);
    }

    #[test]
    fn reads_version_3_of_both_families() {
        let four = hex!("31 34 64 01 0064 0000 c00002fe");
        assert_eq!(Vrrp::parse(&four).unwrap().addresses, [Ipv4Addr::new(192, 0, 2, 254)]);
        let six = hex!("31 34 64 01 0064 0000 fe800000000000000000000000000001");
        assert_eq!(Vrrp::parse(&six).unwrap().addresses, ["fe80::1".parse::<IpAddr>().unwrap()]);
    }

    #[test]
    fn tells_the_firewalls_of_the_bsd_family_apart() {
        let mut bytes = [0; 36];
        bytes[..6].copy_from_slice(&[0x21, 1, 100, 7, 0, 1]);
        assert_eq!(Carp::parse(&bytes).unwrap(), Carp { group: 1, skew: 100, base: 1 });
        assert!(!Vrrp::parse(&bytes).unwrap_err().wants_more());
        assert!(Carp::parse(TWO).is_err());
        crate::wire::refuses_every_truncation(&bytes, Carp::parse);
    }
}
