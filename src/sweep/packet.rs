//! Questions in IP in Ethernet; and IPv4 packets of which only the address changes from one target to the next.

use std::net::IpAddr;

use super::Way;
use crate::wire::{
    checksum,
    ethernet::{self, Frame, Kind},
    ipv4, ipv6,
};

/// How many routers may forward what we send.
const TIME_TO_LIVE: u8 = 64;

/// The multicast address of machines that have an address ending like `target` (RFC 4291, 2.7.1), and the hardware
/// address of that group (RFC 2464, 7).
pub(super) fn solicited(target: std::net::Ipv6Addr) -> (std::net::Ipv6Addr, [u8; 6]) {
    let [.., a, b, c] = target.octets();
    let group = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, a, b, c];
    (group.into(), [0x33, 0x33, 0xff, a, b, c])
}

/// A frame with a packet to `target`. `emit` is given the pseudo header for the length of what it writes, where the
/// checksum covers one; nothing when the two addresses are of two families.
pub(super) fn frame(
    way: &Way,
    target: IpAddr,
    protocol: u8,
    hop_limit: Option<u8>,
    length: usize,
    emit: impl FnOnce(&[u8]) -> Vec<u8>,
) -> Option<Vec<u8>> {
    let (kind, packet) = match (way.our_address, target) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            let mut packet = ipv4::Packet {
                source,
                destination,
                time_to_live: hop_limit.unwrap_or(TIME_TO_LIVE),
                protocol,
                identification: 0,
                dont_fragment: true,
                more_fragments: false,
                fragment_offset: 0,
                options: &[],
                payload: &[],
                missing: 0,
            };
            let payload = emit(&packet.pseudo_header(length));
            packet.payload = &payload;
            (ethernet::IPV4, packet.emit())
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            let mut packet = ipv6::Packet {
                source,
                destination,
                hop_limit: hop_limit.unwrap_or(TIME_TO_LIVE),
                protocol,
                fragment: None,
                payload: &[],
                missing: 0,
            };
            let payload = emit(&packet.pseudo_header(length));
            packet.payload = &payload;
            (ethernet::IPV6, packet.emit())
        }
        _ => return None,
    };
    let frame = Frame {
        destination: way.next_mac.0,
        source: way.our_mac.0,
        vlan: None,
        kind: Kind::Type(kind),
        payload: &packet,
    };
    Some(frame.emit())
}

/// The sum that a right header's checksum completes: its complement, to which changed words are added.
pub(super) fn sum_without(bytes: &[u8]) -> u32 {
    u32::from(!checksum(&[bytes]))
}

/// The checksum of a sum of words.
pub(super) fn folded(sum: u32) -> [u8; 2] {
    let sum = (sum & 0xffff) + (sum >> 16);
    let sum = (sum & 0xffff) + (sum >> 16);
    (!u16::try_from(sum).unwrap_or_default()).to_be_bytes()
}

/// The two words of an address or a number, added.
pub(super) fn words(number: u32) -> u32 {
    (number >> 16) + (number & 0xffff)
}
