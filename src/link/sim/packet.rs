//! Whole packets of either version: read, written, and changed on their way.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::wire::{
    checksum, ethernet,
    icmp::{self, Icmp},
    icmpv6::{self, Icmpv6},
    ipv4, ipv6,
    tcp::{self, Segment},
    udp::{self, Datagram},
};

/// The number of ICMP among IP protocols.
pub(super) const ICMP: u8 = 1;

/// How many bytes of an IPv6 packet an error quotes: as many as fit into the smallest packet that every link takes
/// (RFC 4443, 2.4).
const QUOTED_IPV6: usize = 1232;

/// A packet of either version.
#[derive(Clone, Copy)]
pub(super) struct Packet<'a> {
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    pub(super) ttl: u8,
    pub(super) protocol: u8,
    pub(super) dont_fragment: bool,
    /// Options of IPv4.
    pub(super) options: &'a [u8],
    pub(super) payload: &'a [u8],
    /// All of it, for errors that quote it.
    pub(super) whole: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Reads a packet; none when it is neither of IPv4 nor of IPv6.
    pub(super) fn parse(whole: &'a [u8]) -> Option<Self> {
        if whole.first()? >> 4 == 6 {
            let packet = ipv6::Packet::parse(whole).ok()?;
            let length = 40_usize.checked_add(usize::from(u16::from_be_bytes(
                *whole.get(4..6)?.first_chunk::<2>()?,
            )))?;
            return Some(Self {
                source: packet.source.into(),
                destination: packet.destination.into(),
                ttl: packet.hop_limit,
                protocol: packet.protocol,
                dont_fragment: true,
                options: &[],
                payload: packet.payload,
                whole: whole.get(..length).unwrap_or(whole),
            });
        }
        let packet = ipv4::Packet::parse(whole).ok()?;
        let length = 20 + packet.options.len() + packet.payload.len();
        Some(Self {
            source: packet.source.into(),
            destination: packet.destination.into(),
            ttl: packet.time_to_live,
            protocol: packet.protocol,
            dont_fragment: packet.dont_fragment,
            options: packet.options,
            payload: packet.payload,
            whole: whole.get(..length).unwrap_or(whole),
        })
    }

    /// Whether it is an error, which nobody answers with an error (RFC 1122, 3.2.2; RFC 4443, 2.4).
    pub(super) fn is_error(&self) -> bool {
        match self.protocol {
            ICMP => Icmp::parse(self.payload).is_ok_and(|message| message.quoted().is_some()),
            icmpv6::NUMBER => Icmpv6::parse(self.payload).is_ok_and(|message| message.kind < 128),
            _ => false,
        }
    }

    /// What tells conversations over one line apart, as whoever sent it sees it: the ports, or the echo's identifier.
    pub(super) fn ends(&self) -> Option<(u16, u16)> {
        let Self { protocol, payload, .. } = *self;
        match protocol {
            ICMP => {
                let [high, low, ..] = Icmp::parse(payload).ok()?.argument;
                Some((u16::from_be_bytes([high, low]), 0))
            }
            tcp::NUMBER => {
                Segment::parse(payload).ok().map(|segment| (segment.source, segment.destination))
            }
            udp::NUMBER => Datagram::parse(payload)
                .ok()
                .map(|datagram| (datagram.source, datagram.destination)),
            _ => None,
        }
    }
}

pub(super) fn v4(
    source: Ipv4Addr,
    destination: Ipv4Addr,
    time_to_live: u8,
    protocol: u8,
    payload: &[u8],
) -> ipv4::Packet<'_> {
    ipv4::Packet {
        source,
        destination,
        time_to_live,
        protocol,
        identification: 0,
        dont_fragment: true,
        more_fragments: false,
        fragment_offset: 0,
        options: &[],
        payload,
        missing: 0,
    }
}

pub(super) fn v6(
    source: Ipv6Addr,
    destination: Ipv6Addr,
    hop_limit: u8,
    protocol: u8,
    payload: &[u8],
) -> ipv6::Packet<'_> {
    ipv6::Packet { source, destination, hop_limit, protocol, fragment: None, payload, missing: 0 }
}

/// A whole packet.
pub(super) fn sealed(
    source: IpAddr,
    destination: IpAddr,
    ttl: u8,
    protocol: u8,
    payload: &[u8],
) -> Vec<u8> {
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            v4(source, destination, ttl, protocol, payload).emit()
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            v6(source, destination, ttl, protocol, payload).emit()
        }
        _ => Vec::new(),
    }
}

/// The Ethernet type of a packet.
pub(super) fn ethernet_type(packet: &[u8]) -> u16 {
    if packet.first().is_some_and(|first| first >> 4 == 6) {
        ethernet::IPV6
    } else {
        ethernet::IPV4
    }
}

/// The pseudo header of a payload of `length` bytes.
pub(super) fn pseudo_header(
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    length: usize,
) -> Vec<u8> {
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            v4(source, destination, 0, protocol, &[]).pseudo_header(length)
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            v6(source, destination, 0, protocol, &[]).pseudo_header(length)
        }
        _ => Vec::new(),
    }
}

/// An error about a packet, with how much of it behind its header it quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) kind: u8,
    pub(super) code: u8,
    /// What stands before the quoted packet: a next hop's MTU, a gateway.
    pub(super) argument: [u8; 4],
}

impl Fault {
    pub(super) const fn new(kind: u8, code: u8) -> Self {
        Self { kind, code, argument: [0; 4] }
    }

    /// A packet that came too far, of either version.
    pub(super) fn expired(ipv6: bool) -> Self {
        Self::new(if ipv6 { icmpv6::TIME_EXCEEDED } else { icmp::TIME_EXCEEDED }, 0)
    }

    /// The error as a packet from `own` to whoever sent `packet`.
    pub(super) fn about(self, packet: &Packet<'_>, own: IpAddr, ttl: u8, quotes: usize) -> Vec<u8> {
        let (protocol, payload) = self.payload(packet, own, quotes);
        sealed(own, packet.source, ttl, protocol, &payload)
    }

    /// The error, and the number of what carries it.
    pub(super) fn payload(self, packet: &Packet<'_>, own: IpAddr, quotes: usize) -> (u8, Vec<u8>) {
        let Self { kind, code, argument } = self;
        if let (IpAddr::V6(own), IpAddr::V6(source)) = (own, packet.source) {
            let quoted = packet.whole.get(..QUOTED_IPV6).unwrap_or(packet.whole);
            let unsummed = [&[kind, code, 0, 0], &argument[..], quoted].concat();
            let pseudo = v6(own, source, 0, icmpv6::NUMBER, &[]).pseudo_header(unsummed.len());
            let sum = checksum(&[&pseudo, &unsummed]).to_be_bytes();
            let payload = [&[kind, code], &sum[..], &argument, quoted].concat();
            return (icmpv6::NUMBER, payload);
        }
        let quoted = 20 + packet.options.len() + quotes;
        let body = packet.whole.get(..quoted).unwrap_or(packet.whole);
        (ICMP, Icmp { kind, code, argument, body }.emit())
    }
}

/// A packet one hop further.
pub(super) fn aged(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let place = if ethernet_type(&bytes) == ethernet::IPV6 { 7 } else { 8 };
    if let Some(ttl) = bytes.get_mut(place) {
        *ttl = ttl.saturating_sub(1);
    }
    summed(bytes)
}

/// A packet with another source or destination; what it carries is summed anew.
pub(super) fn readdressed(
    bytes: &[u8],
    source: Option<Ipv4Addr>,
    destination: Option<Ipv4Addr>,
) -> Option<Vec<u8>> {
    let packet = ipv4::Packet::parse(bytes).ok()?;
    let source = source.unwrap_or(packet.source);
    let destination = destination.unwrap_or(packet.destination);
    let pseudo = v4(source, destination, 0, packet.protocol, &[]);
    let payload = match packet.protocol {
        udp::NUMBER if !packet.is_fragment() => {
            Datagram::parse(packet.payload).ok()?.emit(&pseudo.pseudo_header(packet.payload.len()))
        }
        tcp::NUMBER if !packet.is_fragment() => {
            Segment::parse(packet.payload).ok()?.emit(&pseudo.pseudo_header(packet.payload.len()))
        }
        _ => packet.payload.to_vec(),
    };
    Some(ipv4::Packet { source, destination, payload: &payload, ..packet }.emit())
}

/// An error whose quoted packet came from `source`, as whoever sent that before it was translated knows it.
pub(super) fn requoted(bytes: &[u8], source: Ipv4Addr) -> Option<Vec<u8>> {
    let packet = ipv4::Packet::parse(bytes).ok()?;
    let message = Icmp::parse(packet.payload).ok()?;
    let mut body = message.body.to_vec();
    body.get_mut(12..16)?.copy_from_slice(&source.octets());
    let body = summed(body);
    let payload = Icmp { body: &body, ..message }.emit();
    Some(ipv4::Packet { payload: &payload, ..packet }.emit())
}

/// A packet of IPv4 whose header's checksum is right.
fn summed(mut bytes: Vec<u8>) -> Vec<u8> {
    let Some(first) = bytes.first().copied().filter(|first| first >> 4 == 4) else { return bytes };
    let length = usize::from(first & 15) * 4;
    if let Some(header) = bytes.get_mut(..length)
        && let Some(sum) = header.get_mut(10..12)
    {
        sum.fill(0);
        let right = checksum(&[header]).to_be_bytes();
        header.iter_mut().skip(10).zip(right).for_each(|(to, from)| *to = from);
    }
    bytes
}

/// A packet in whose record-route option, if it has one with room, `address` was written next (RFC 791, 3.1), and
/// whether it was.
pub(super) fn recorded(bytes: Vec<u8>, address: Ipv4Addr) -> (Vec<u8>, bool) {
    write_route(bytes, address, 0)
}

/// A packet in whose record-route option the last address is another.
pub(super) fn recorded_instead(bytes: Vec<u8>, address: Ipv4Addr) -> Vec<u8> {
    write_route(bytes, address, 4).0
}

/// Writes `address` into the record-route option, `back` bytes before where the pointer points.
fn write_route(mut bytes: Vec<u8>, address: Ipv4Addr, back: usize) -> (Vec<u8>, bool) {
    let Some((place, length)) = route_option(&bytes) else { return (bytes, false) };
    let Some(option) = bytes.get_mut(place..place + length) else { return (bytes, false) };
    let pointer = usize::from(option.get(2).copied().unwrap_or_default());
    // The pointer counts from 1, and the first address stands at 4.
    let Some(at) = pointer.checked_sub(1 + back).filter(|at| *at >= 3) else {
        return (bytes, false);
    };
    let Some(slot) = option.get_mut(at..at + 4) else { return (bytes, false) };
    slot.copy_from_slice(&address.octets());
    if back == 0
        && let Some(pointer) = option.get_mut(2)
    {
        *pointer = pointer.saturating_add(4);
    }
    (summed(bytes), true)
}

/// Where the record-route option of a packet stands, and how long it is.
fn route_option(bytes: &[u8]) -> Option<(usize, usize)> {
    let first = bytes.first().copied().filter(|first| first >> 4 == 4)?;
    let end = usize::from(first & 15) * 4;
    let mut place = 20;
    while place < end {
        match *bytes.get(place)? {
            0 => return None,
            1 => place += 1,
            number => {
                let length = usize::from(*bytes.get(place + 1)?).max(2);
                if number == ipv4::RECORD_ROUTE {
                    return (place + length <= end).then_some((place, length));
                }
                place += length;
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(options: &[u8], payload: &[u8], protocol: u8) -> Vec<u8> {
        let bare = v4([10, 0, 0, 250].into(), [198, 51, 100, 9].into(), 2, protocol, payload);
        ipv4::Packet { options, ..bare }.emit()
    }

    #[test]
    fn a_packet_that_is_a_hop_older_has_a_right_sum() {
        let older = aged(&asked(&[], &icmp::echo(1, 1, b""), ICMP));
        assert_eq!(checksum(&[&older[..20]]), 0);
        assert_eq!(Packet::parse(&older).unwrap().ttl, 1);
        let ipv6 = v6(Ipv6Addr::LOCALHOST, Ipv6Addr::LOCALHOST, 2, 58, b"abc").emit();
        assert_eq!(Packet::parse(&aged(&ipv6)).unwrap().ttl, 1);
    }

    #[test]
    fn routers_write_their_addresses_one_behind_the_other_until_there_is_no_room() {
        let (first, second) = (Ipv4Addr::new(203, 0, 113, 2), Ipv4Addr::new(203, 0, 113, 1));
        let bytes = asked(&ipv4::record_route(2), &icmp::echo(1, 1, b""), ICMP);
        let (bytes, wrote) = recorded(bytes, Ipv4Addr::new(10, 0, 0, 1));
        assert!(wrote);
        let bytes = recorded_instead(bytes, first);
        let (bytes, _) = recorded(bytes, second);
        let (bytes, wrote) = recorded(bytes, Ipv4Addr::new(192, 0, 2, 1));
        assert!(!wrote, "it has two places");
        let packet = ipv4::Packet::parse(&bytes).unwrap();
        assert_eq!(ipv4::recorded(packet.options), [first, second]);
        assert_eq!(checksum(&[&bytes[..20 + packet.options.len()]]), 0);
        let plain = asked(&[], b"", ICMP);
        assert_eq!(recorded(plain.clone(), first), (plain, false));
    }

    #[test]
    fn a_translated_datagram_is_summed_anew_and_a_quote_names_who_sent_it() {
        let pseudo = v4([10, 0, 0, 250].into(), [198, 51, 100, 9].into(), 0, 17, &[]);
        let datagram = Datagram { source: 40_000, destination: 3478, payload: b"abcd" };
        let sent = asked(&[], &datagram.emit(&pseudo.pseudo_header(12)), udp::NUMBER);
        let near = Ipv4Addr::new(203, 0, 113, 2);
        let outside = readdressed(&sent, Some(near), None).unwrap();
        let packet = ipv4::Packet::parse(&outside).unwrap();
        assert_eq!(packet.source, near);
        assert_eq!(checksum(&[&packet.pseudo_header(12), packet.payload]), 0);

        let view = Packet::parse(&outside).unwrap();
        assert_eq!(view.ends(), Some((40_000, 3478)));
        let far = IpAddr::from([203, 0, 113, 1]);
        let error = Fault::expired(false).about(&view, far, 64, 8);
        assert!(Packet::parse(&error).unwrap().is_error());
        let told = requoted(&error, [10, 0, 0, 250].into()).unwrap();
        let told = ipv4::Packet::parse(&told).unwrap();
        let quoted = Icmp::parse(told.payload).unwrap();
        assert_eq!(checksum(&[told.payload]), 0);
        assert_eq!(checksum(&[&quoted.body[..20]]), 0);
        let quoted = quoted.quoted().unwrap();
        assert_eq!(quoted.source, IpAddr::from([10, 0, 0, 250]));
        assert_eq!(quoted.ports, Some((40_000, 3478)));
    }
}
