//! Teredo: IPv6 in UDP through address translators (RFC 4380, trailers of RFC 6081).

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV4};

use super::{Error, Reader, Result, payload::Inner, require};

/// A datagram: what may stand before the packet, and the packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Teredo<'a> {
    /// An authentication header stood before it.
    pub authenticated: bool,
    /// Where a server or relay saw the packet come from.
    pub origin: Option<SocketAddrV4>,
    /// The packet's sender.
    pub source: Ipv6Addr,
    /// The packet's receiver.
    pub destination: Ipv6Addr,
    /// The number of what follows the packet's header; 59 in a bubble, 58 in solicitations.
    pub next_header: u8,
    /// The packet.
    pub packet: &'a [u8],
}

/// What an address under `2001::/32` holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    /// The server its holder uses.
    pub server: Ipv4Addr,
    /// The holder's outside address and port, as the server saw them.
    pub outside: SocketAddrV4,
}

/// What an address holds, if it is one of Teredo's.
pub fn holder(address: Ipv6Addr) -> Option<Holder> {
    let [0x20, 0x01, 0, 0, a, b, c, d, _, _, high, low, e, f, g, h] = address.octets() else {
        return None;
    };
    let outside = Ipv4Addr::new(!e, !f, !g, !h);
    let port = u16::from_be_bytes([!high, !low]);
    Some(Holder { server: Ipv4Addr::new(a, b, c, d), outside: SocketAddrV4::new(outside, port) })
}

impl<'a> Teredo<'a> {
    /// Reads a datagram whose packet is whole, and to or from an address of Teredo or a link.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let mut authenticated = false;
        let mut origin = None;
        // Each header before the packet begins with a zero; the packet begins with its version.
        while r.clone().u8("version")? == 0 {
            r.u8("header")?;
            match r.u8("header")? {
                1 if !authenticated && origin.is_none() => {
                    let identifier = r.u8("identifier length")?;
                    let value = r.u8("value length")?;
                    r.skip("identifier", identifier.into())?;
                    r.skip("value", value.into())?;
                    r.skip("nonce", 8)?;
                    r.u8("confirmation")?;
                    authenticated = true;
                }
                0 if origin.is_none() => {
                    let port = !r.u16("origin port")?;
                    let address = !r.u32("origin address")?;
                    origin = Some(SocketAddrV4::new(Ipv4Addr::from_bits(address), port));
                }
                _ => return Err(Error::Foreign { field: "header" }),
            }
        }
        let packet = r.rest();
        let first = r.u8("version")?;
        require("version", first >> 4 == 6)?;
        r.skip("flow", 3)?;
        let length = r.u16("length")?;
        let next_header = r.u8("next header")?;
        r.u8("hop limit")?;
        let source = Ipv6Addr::from(r.take::<16>("source")?);
        let destination = Ipv6Addr::from(r.take::<16>("destination")?);
        let ours = |address: Ipv6Addr| {
            matches!(address.segments(), [0x2001, 0, ..] | [0xfe80, 0, 0, 0, ..])
        };
        // A server's header in front of a packet of exactly the right length says as much.
        let exact = (authenticated || origin.is_some()) && r.remaining() == usize::from(length);
        require("addresses", ours(source) || ours(destination) || exact)?;
        r.bytes("payload", length.into())?;
        // What follows the packet are trailers, which are short.
        require("trailers", r.remaining() <= 256)?;
        let packet = packet.get(..40 + usize::from(length)).unwrap_or(packet);
        Ok(Self { authenticated, origin, source, destination, next_header, packet })
    }

    /// What is inside.
    pub fn inner(&self) -> Inner<'a> {
        Inner::ip(self.packet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const ADVERTISEMENT: &[u8] = &hex!(
        "0001 00 00 0102030405060708 00 0000 3fff 34ff8efe
         60000000 0004 3a ff fe800000000000008000f227bfcfb10b ff020000000000000000000000000001 86000000"
    );

    #[test]
    fn reads_where_the_server_saw_the_client() {
        let teredo = Teredo::parse(ADVERTISEMENT).unwrap();
        assert!(teredo.authenticated);
        assert_eq!(teredo.origin, Some("203.0.113.1:49152".parse().unwrap()));
        assert!(matches!(teredo.inner(), Inner::Ip(packet) if packet.len() == 44));
        crate::wire::refuses_every_truncation(ADVERTISEMENT, Teredo::parse);
    }

    #[test]
    fn reads_the_holder_from_an_address() {
        let address = "2001:0:c000:22d:0:3fff:34ff:8efe".parse().unwrap();
        let holder = holder(address).unwrap();
        assert_eq!(holder.server, Ipv4Addr::new(192, 0, 2, 45));
        assert_eq!(holder.outside, "203.0.113.1:49152".parse().unwrap());
        assert_eq!(super::holder("2001:db8::1".parse().unwrap()), None);
    }
}
