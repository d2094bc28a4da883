//! Neighbour discovery: routers, prefixes and hardware addresses of IPv6 (RFC 4861, 4191, 8106, 8781, 8910).

use std::net::Ipv6Addr;

use super::{
    Error, Reader, Result,
    icmpv6::{name, seal},
};

/// Asks for routers.
pub const ROUTER_SOLICITATION: u8 = 133;
/// A router tells what it routes.
pub const ROUTER_ADVERTISEMENT: u8 = 134;
/// Asks who has an address.
pub const NEIGHBOR_SOLICITATION: u8 = 135;
/// Says who has it.
pub const NEIGHBOR_ADVERTISEMENT: u8 = 136;
/// A router knows a shorter way.
pub const REDIRECT: u8 = 137;

/// A message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ndp<'a> {
    /// What it says.
    pub message: Message,
    /// What it adds, as sent, perhaps cut.
    options: &'a [u8],
}

/// What a message says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message {
    /// Asks for routers.
    RouterSolicitation,
    /// A router tells what it routes.
    RouterAdvertisement {
        /// The hop limit hosts should use, 0 if it does not say.
        hop_limit: u8,
        /// Managed (0x80), other (0x40), home agent (0x20), preference (0x18), proxy (0x04).
        flags: u8,
        /// For how many seconds it is a default router, 0 for never.
        lifetime: u16,
    },
    /// Asks who has `target`.
    NeighborSolicitation {
        /// The address asked about.
        target: Ipv6Addr,
    },
    /// Says who has `target`.
    NeighborAdvertisement {
        /// Router (0x80), solicited (0x40), override (0x20).
        flags: u8,
        /// The address told about.
        target: Ipv6Addr,
    },
    /// A router knows a shorter way.
    Redirect {
        /// The better next hop.
        target: Ipv6Addr,
        /// Where to.
        destination: Ipv6Addr,
    },
}

/// What a message adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Extra<'a> {
    /// The sender's hardware address.
    SourceMac([u8; 6]),
    /// The target's hardware address.
    TargetMac([u8; 6]),
    /// A prefix: length, on-link (0x80) and autonomous (0x40), and its address.
    Prefix(u8, u8, Ipv6Addr),
    /// The link's MTU, in bytes.
    Mtu(u32),
    /// A more specific route (RFC 4191): length, preference (0x18), and its address.
    Route(u8, u8, Ipv6Addr),
    /// A resolver (RFC 8106).
    Resolver(Ipv6Addr),
    /// A domain to search (RFC 8106).
    Search(Vec<u8>),
    /// The address of a captive portal (RFC 8910).
    Portal(&'a [u8]),
    /// The packet that a redirect is about, perhaps cut (RFC 4861, 4.6.3).
    Redirected(&'a [u8]),
    /// The prefix of a translator to IPv4 (RFC 8781), without its length.
    Translator(Ipv6Addr),
    /// Another option, by its number.
    Other(u8),
}

impl<'a> Ndp<'a> {
    /// Reads a message from its ICMPv6 type on; options may be cut.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let kind = r.u8("type")?;
        let in_range = (ROUTER_SOLICITATION..=REDIRECT).contains(&kind);
        super::require("type", in_range)?;
        r.expect("code", 0)?;
        r.u16("checksum")?;
        let message = match kind {
            ROUTER_SOLICITATION => {
                r.u32("reserved")?;
                Message::RouterSolicitation
            }
            ROUTER_ADVERTISEMENT => {
                let hop_limit = r.u8("hop limit")?;
                let flags = r.u8("flags")?;
                let lifetime = r.u16("lifetime")?;
                r.skip("timers", 8)?;
                Message::RouterAdvertisement { hop_limit, flags, lifetime }
            }
            NEIGHBOR_SOLICITATION => {
                r.u32("reserved")?;
                Message::NeighborSolicitation { target: r.take::<16>("target")?.into() }
            }
            NEIGHBOR_ADVERTISEMENT => {
                let flags = r.u8("flags")?;
                r.skip("reserved", 3)?;
                Message::NeighborAdvertisement { flags, target: r.take::<16>("target")?.into() }
            }
            REDIRECT => {
                r.u32("reserved")?;
                let target = r.take::<16>("target")?.into();
                Message::Redirect { target, destination: r.take::<16>("destination")?.into() }
            }
            _ => return Err(Error::Foreign { field: "type" }),
        };
        Ok(Self { message, options: r.rest() })
    }

    /// What the message adds, as far as it is whole. One option may give more than one.
    pub fn extras(&self) -> Vec<Extra<'a>> {
        let mut extras = Vec::new();
        let mut r = Reader::new(self.options);
        while let (Ok(kind), Ok(length @ 1..)) = (r.u8("option"), r.u8("option length")) {
            let Ok(value) = r.inner("option", usize::from(length) * 8 - 2) else { break };
            if read_extra(&mut extras, kind, value).is_err() {
                extras.push(Extra::Other(kind));
            }
        }
        extras
    }
}

fn read_extra<'a>(extras: &mut Vec<Extra<'a>>, kind: u8, mut r: Reader<'a>) -> Result<()> {
    match kind {
        1 => extras.push(Extra::SourceMac(r.take("source")?)),
        2 => extras.push(Extra::TargetMac(r.take("target")?)),
        3 => {
            let (length, flags) = (r.u8("length")?, r.u8("flags")?);
            r.skip("lifetimes", 12)?;
            extras.push(Extra::Prefix(length, flags, r.take::<16>("prefix")?.into()));
        }
        4 => {
            r.skip("reserved", 6)?;
            extras.push(Extra::Redirected(r.rest()));
        }
        5 => {
            r.u16("reserved")?;
            extras.push(Extra::Mtu(r.u32("mtu")?));
        }
        24 => {
            let (length, preference) = (r.u8("length")?, r.u8("preference")? & 0x18);
            r.u32("lifetime")?;
            extras.push(Extra::Route(length, preference, padded(r.rest())));
        }
        25 => {
            r.skip("lifetime", 6)?;
            while let Ok(resolver) = r.take::<16>("resolver") {
                extras.push(Extra::Resolver(resolver.into()));
            }
        }
        31 => {
            r.skip("lifetime", 6)?;
            while let Some(domain) = name(&mut r) {
                extras.push(Extra::Search(domain));
            }
        }
        37 => extras.push(Extra::Portal(r.rest())),
        38 => {
            r.u16("lifetime")?;
            extras.push(Extra::Translator(padded(&r.take::<12>("prefix")?)));
        }
        kind => extras.push(Extra::Other(kind)),
    }
    Ok(())
}

/// The first bytes of an address; what is missing is zero.
fn padded(bytes: &[u8]) -> Ipv6Addr {
    let mut address = [0; 16];
    for (to, from) in address.iter_mut().zip(bytes) {
        *to = *from;
    }
    address.into()
}

/// Asks who has `target`, telling one's own hardware address.
pub fn ask_neighbor(
    source: Ipv6Addr,
    destination: Ipv6Addr,
    target: Ipv6Addr,
    mac: [u8; 6],
) -> Vec<u8> {
    let body = [&[0; 4], &target.octets()[..], &[1, 1], &mac].concat();
    seal(source, destination, NEIGHBOR_SOLICITATION, &body)
}

/// Asks for routers, telling one's own hardware address. `destination` is usually `ff02::2`.
pub fn ask_routers(source: Ipv6Addr, destination: Ipv6Addr, mac: [u8; 6]) -> Vec<u8> {
    let body = [&[0; 4], &[1, 1][..], &mac].concat();
    seal(source, destination, ROUTER_SOLICITATION, &body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const ADVERTISEMENT: &[u8] = &hex!(
        "8600 0000 40 c0 0708 00000000 00000000
         0101 00005e005301
         0501 0000 000005aa
         0304 40 c0 00015180 00003840 00000000 20010db8000100000000000000000000
         1802 30 08 00000708 20010db800020000
         1903 0000 00000708 20010db8000000000000000000000035
         1f02 0000 00000708 037075620000 0000"
    );

    #[test]
    fn reads_what_a_router_tells() {
        let ndp = Ndp::parse(ADVERTISEMENT).unwrap();
        assert!(matches!(
            ndp.message,
            Message::RouterAdvertisement { flags: 0xc0, lifetime: 1800, .. }
        ));
        assert_eq!(
            ndp.extras(),
            [
                Extra::SourceMac([0, 0, 0x5e, 0, 0x53, 1]),
                Extra::Mtu(1450),
                Extra::Prefix(64, 0xc0, "2001:db8:1::".parse().unwrap()),
                Extra::Route(48, 8, "2001:db8:2::".parse().unwrap()),
                Extra::Resolver("2001:db8::35".parse().unwrap()),
                Extra::Search(b"pub".to_vec()),
            ]
        );
        crate::wire::refuses_every_truncation(&ADVERTISEMENT[..16], Ndp::parse);
    }

    #[test]
    fn reads_what_it_asks() {
        let (from, to) = ("fe80::1".parse().unwrap(), "ff02::1:ff00:2".parse().unwrap());
        let target = "fe80::2".parse().unwrap();
        let asked = ask_neighbor(from, to, target, [0, 0, 0x5e, 0, 0x53, 1]);
        let ndp = Ndp::parse(&asked).unwrap();
        assert_eq!(ndp.message, Message::NeighborSolicitation { target });
        assert_eq!(ndp.extras(), [Extra::SourceMac([0, 0, 0x5e, 0, 0x53, 1])]);
        let asked = ask_routers(from, "ff02::2".parse().unwrap(), [2; 6]);
        assert_eq!(Ndp::parse(&asked).unwrap().message, Message::RouterSolicitation);
    }

    #[test]
    fn refuses_other_messages() {
        assert!(!Ndp::parse(&[128, 0]).unwrap_err().wants_more());
    }
}
