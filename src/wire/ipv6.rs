//! IPv6 (RFC 8200): header and extension headers.

use std::net::Ipv6Addr;

use super::{Reader, Result, Writer, require};

/// Extension headers that are read over: hop-by-hop, routing, destination options, mobility, host
/// identity, shim6 (IANA "IPv6 Extension Header Types").
const READ_OVER: [u8; 6] = [0, 43, 60, 135, 139, 140];

/// The fragment header.
const FRAGMENT: u8 = 44;

/// How many extension headers are followed.
const MOST_HEADERS: usize = 12;

/// A packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Where it comes from.
    pub source: Ipv6Addr,
    /// Where it goes.
    pub destination: Ipv6Addr,
    /// How many more routers may forward it.
    pub hop_limit: u8,
    /// What it carries behind the extension headers (IANA protocol numbers). In a part of a datagram, what
    /// the datagram begins with, which may be an extension header; [`upper`] reads on when it is whole.
    pub protocol: u8,
    /// Its place in a datagram that was cut.
    pub fragment: Option<Fragment>,
    /// What follows the headers, without padding.
    pub payload: &'a [u8],
    /// How many bytes of the payload were not captured.
    pub missing: usize,
}

/// A fragment header (RFC 8200, 4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fragment {
    /// Which datagram it is part of.
    pub identification: u32,
    /// Where in its datagram the payload belongs, in bytes.
    pub offset: u16,
    /// Parts follow.
    pub more: bool,
}

impl<'a> Packet<'a> {
    /// Reads a packet over its extension headers. What the capture cut off is counted, not refused.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let first = r.u32("version")?;
        require("version", first >> 28 == 6)?;
        let length = usize::from(r.u16("payload length")?);
        let protocol = r.u8("next header")?;
        let hop_limit = r.u8("hop limit")?;
        let source = r.take::<16>("source")?.into();
        let destination = r.take::<16>("destination")?.into();
        // 0 is a jumbogram, or a network card that cuts segments itself: all there is.
        let length = if length == 0 { r.remaining() } else { length };
        let body = r.bytes_up_to(length);
        let missing = length - body.len();
        let (protocol, fragment, payload) = read_over(protocol, body)?;
        Ok(Self { source, destination, hop_limit, protocol, fragment, payload, missing })
    }

    /// Writes the packet, without extension headers.
    pub fn emit(&self) -> Vec<u8> {
        let payload = self.payload.get(..usize::from(u16::MAX)).unwrap_or(self.payload);
        Writer::new()
            .u32(6 << 28)
            .sized_u16(payload.len(), &[])
            .u8(self.protocol)
            .u8(self.hop_limit)
            .bytes(&self.source.octets())
            .bytes(&self.destination.octets())
            .bytes(payload)
            .finish()
    }

    /// The pseudo header that UDP, TCP and ICMPv6 checksums cover, for a payload of `length` bytes.
    pub fn pseudo_header(&self, length: usize) -> Vec<u8> {
        Writer::new()
            .bytes(&self.source.octets())
            .bytes(&self.destination.octets())
            .u32(u32::try_from(length).unwrap_or(u32::MAX))
            .u32(self.protocol.into())
            .finish()
    }
}

/// What `payload`, a datagram put together from its parts, carries behind the extension headers that it begins
/// with, the first of which is `protocol`.
pub fn upper(protocol: u8, payload: &[u8]) -> Result<(u8, &[u8])> {
    read_over(protocol, payload).map(|(protocol, _, payload)| (protocol, payload))
}

/// Reads over extension headers, up to one that says that this is a part of a datagram.
fn read_over(mut protocol: u8, bytes: &[u8]) -> Result<(u8, Option<Fragment>, &[u8])> {
    let mut r = Reader::new(bytes);
    for _ in 0..MOST_HEADERS {
        if READ_OVER.contains(&protocol) {
            protocol = r.u8("next header")?;
            let length = usize::from(r.u8("header length")?);
            r.skip("extension header", length * 8 + 6)?;
        } else if protocol == FRAGMENT {
            protocol = r.u8("next header")?;
            r.u8("reserved")?;
            let place = r.u16("fragment")?;
            let identification = r.u32("identification")?;
            let (offset, more) = (place & 0xfff8, place & 1 == 1);
            // A whole datagram may carry the header too ("atomic fragments", RFC 6946).
            if offset != 0 || more {
                return Ok((protocol, Some(Fragment { identification, offset, more }), r.rest()));
            }
        } else {
            break;
        }
    }
    Ok((protocol, None, r.rest()))
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;

    use super::*;

    const PACKET: [u8; 64] = hex!(
        "60000000 0018 00 40 20010db8000000000000000000000001 20010db8000000000000000000000002
         2c 00 0502000001 00 11 00 0001 0000002a 0035 0035 0010 0000"
    );

    #[test]
    fn reads_over_extension_headers() {
        let packet = Packet::parse(&PACKET).unwrap();
        let fragment = Fragment { identification: 42, offset: 0, more: true };
        assert_eq!((packet.protocol, packet.fragment), (17, Some(fragment)));
        assert_eq!(packet.payload.len(), 8);
    }

    #[test]
    fn headers_in_a_part_are_read_when_the_datagram_is_whole() {
        let mut bytes = PACKET;
        // Destination options stand behind the fragment header.
        bytes[48] = 60;
        bytes[56..].copy_from_slice(&hex!("11 00 0104 00000000"));
        let packet = Packet::parse(&bytes).unwrap();
        assert_eq!((packet.protocol, packet.payload.len()), (60, 8));
        let whole = [packet.payload, &hex!("0035 0035 0008 0000")].concat();
        assert_eq!(upper(packet.protocol, &whole), Ok((17, &whole[8..])));
    }

    #[test]
    fn refuses_every_truncation_of_the_headers() {
        crate::wire::refuses_every_truncation(&PACKET[..40], Packet::parse);
        assert!(Packet::parse(&PACKET[..50]).is_err_and(|error| error.wants_more()));
    }

    #[test]
    fn what_it_emits_parses_back() {
        let packet = Packet { fragment: None, ..Packet::parse(&PACKET).unwrap() };
        assert_eq!(Packet::parse(&packet.emit()), Ok(packet));
    }

    #[test]
    fn headers_without_end_are_not_followed() {
        let mut bytes = PACKET[..40].to_vec();
        bytes[4..6].copy_from_slice(&800u16.to_be_bytes());
        bytes.extend(hex!("00 00 000000000000").repeat(100));
        assert_eq!(Packet::parse(&bytes).unwrap().protocol, 0);
    }
}
