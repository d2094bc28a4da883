//! 6in4: IPv6 straight in IPv4 (RFC 4213), as 6to4 (RFC 3056), ISATAP (RFC 5214) and 6rd (RFC 5969) use it.

use std::net::Ipv6Addr;

use super::{Reader, Result, payload::Inner, require};

/// The packet inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SixInFour<'a> {
    /// Its sender.
    pub source: Ipv6Addr,
    /// Its receiver.
    pub destination: Ipv6Addr,
    /// The packet, perhaps cut.
    pub packet: &'a [u8],
}

/// Which of its uses an address shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `2002::/16`: the router's IPv4 address follows.
    SixToFour,
    /// The interface is `::5efe:` and an IPv4 address.
    Isatap,
    /// Nothing special: configured by hand or by 6rd.
    Configured,
}

impl Kind {
    /// What an address shows.
    pub fn of(address: Ipv6Addr) -> Self {
        match address.segments() {
            [0x2002, ..] => Self::SixToFour,
            [_, _, _, _, 0 | 0x0200, 0x5efe, ..] => Self::Isatap,
            _ => Self::Configured,
        }
    }
}

impl<'a> SixInFour<'a> {
    /// Reads the packet's header; the rest may be cut.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let first = r.u8("version")?;
        require("version", first >> 4 == 6)?;
        r.skip("flow to hop limit", 7)?;
        let source = r.take::<16>("source")?.into();
        let destination = r.take::<16>("destination")?.into();
        Ok(Self { source, destination, packet: bytes })
    }

    /// Which use the packet shows: by either address.
    pub fn kind(&self) -> Kind {
        match Kind::of(self.source) {
            Kind::Configured => Kind::of(self.destination),
            kind => kind,
        }
    }

    /// What is inside.
    pub fn inner(&self) -> Inner<'a> {
        Inner::Ip(self.packet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    #[test]
    fn reads_the_addresses() {
        let bytes = hex!(
            "6000000000003b40 2002c000020100000000000000000001 20010db8000000000000000000000001"
        );
        let packet = SixInFour::parse(&bytes).unwrap();
        assert_eq!(packet.kind(), Kind::SixToFour);
        assert_eq!(packet.inner(), Inner::Ip(&bytes));
        crate::wire::refuses_every_truncation(&bytes, SixInFour::parse);
        assert!(!SixInFour::parse(&[0x45]).unwrap_err().wants_more());
    }

    #[test]
    fn knows_an_interface_of_isatap() {
        assert_eq!(Kind::of("fe80::5efe:192.0.2.1".parse().unwrap()), Kind::Isatap);
        assert_eq!(Kind::of("fe80::1".parse().unwrap()), Kind::Configured);
    }
}
