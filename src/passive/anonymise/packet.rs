//! One packet with other addresses and names, and with checksums that are as right as they were.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    ops::Range,
};

use super::text::{Finder, Known, Place};
use crate::{
    observe::Mac,
    wire::{checksum, ethernet, ipv4, ipv6, link, stun, tcp},
};

/// How deep packets in packets are followed.
const DEEPEST: u8 = 6;

/// Options of IPv4 in which the sender names routers.
const LOOSE_ROUTE: u8 = 131;
const STRICT_ROUTE: u8 = 137;

/// One direction of a stream: sender and receiver, and their ports.
type Way = (IpAddr, IpAddr, u16, u16);

/// A capture's bytes before and after, and what is still to be mended.
pub(super) struct Rewriter<'a> {
    finder: &'a Finder,
    known: &'a Known,
    old: &'a [u8],
    new: Vec<u8>,
    /// Checksums, inner ones first: where each is, and what it is over.
    sums: Vec<(usize, [Range<usize>; 2])>,
    /// Where the last segment of each direction of a stream lies, and the number behind it.
    streams: HashMap<Way, (Range<usize>, u32)>,
}

/// The headers of a packet, as far as addresses are in them.
pub(super) struct Layout {
    /// Where hardware addresses are.
    pub macs: Vec<usize>,
    /// The type of what follows, as in Ethernet, and where it begins.
    pub network: Option<(u16, usize)>,
}

impl Layout {
    /// Where in `bytes` what is.
    pub(super) fn of(link_type: i32, bytes: &[u8]) -> Self {
        if link_type == link::ETHERNET {
            let mut at = 12;
            let mut kind = word(bytes, at);
            while matches!(kind, Some(0x8100 | 0x88a8 | 0x9100)) {
                at += 4;
                kind = word(bytes, at);
            }
            // What a session of PPP carries stands behind its header and a protocol.
            let network = match kind {
                Some(0x8864) => match word(bytes, at + 8) {
                    Some(0x0021) => Some((ethernet::IPV4, at + 10)),
                    Some(0x0057) => Some((ethernet::IPV6, at + 10)),
                    _ => Some((0x8864, at + 2)),
                },
                Some(kind) => Some((kind, at + 2)),
                None => None,
            };
            return Self { macs: vec![0, 6], network };
        }
        let macs = match link_type {
            link::COOKED_V1 => vec![6],
            link::COOKED_V2 => vec![12],
            _ => Vec::new(),
        };
        let begins = link::Link::parse(link_type, bytes).ok().map(|link| {
            let at = bytes.len() - link.payload.len();
            let kind = match link.holds {
                link::Holds::Ethernet(ethernet::Kind::Type(kind)) => kind,
                link::Holds::Ip if link.payload.first().is_some_and(|byte| byte >> 4 == 6) => {
                    ethernet::IPV6
                }
                link::Holds::Ip => ethernet::IPV4,
                _ => 0,
            };
            (kind, at)
        });
        Self { macs, network: begins }
    }
}

impl<'a> Rewriter<'a> {
    /// Nothing rewritten yet.
    pub(super) fn new(finder: &'a Finder, known: &'a Known, old: &'a [u8]) -> Self {
        let new = old.to_vec();
        Self { finder, known, old, new, sums: Vec::new(), streams: HashMap::new() }
    }

    /// Rewrites the packet that lies at `range`.
    pub(super) fn packet(&mut self, link_type: i32, range: Range<usize>) {
        let layout = Layout::of(link_type, self.slice(&range));
        for at in layout.macs {
            self.mac(range.start + at, range.end);
        }
        let Some((kind, at)) = layout.network else { return };
        let at = range.start + at;
        match kind {
            ethernet::IPV4 => self.ipv4(at..range.end, 0),
            ethernet::IPV6 => self.ipv6(at..range.end, 0),
            ethernet::ARP => {
                for (mac, ip) in [(8, 14), (18, 24)] {
                    self.mac(at + mac, range.end);
                    self.v4(at + ip, range.end);
                }
            }
            _ => self.rest(at..range.end, &[(255, 0)], 0),
        }
    }

    /// The bytes afterwards.
    pub(super) fn finish(mut self) -> Vec<u8> {
        for (at, parts) in std::mem::take(&mut self.sums) {
            let sum = |bytes: &[u8], parts: &[Range<usize>; 2]| {
                let [head, body] = parts.clone().map(|part| bytes.get(part).unwrap_or_default());
                !checksum(&[head, body])
            };
            let (was, is) = (sum(self.old, &parts), sum(&self.new, &parts));
            let Some(old) = word(self.old, at) else { continue };
            // RFC 1624, equation 3: right where it was right, wrong where it was wrong.
            let total = u32::from(!old) + u32::from(!was) + u32::from(is);
            let folded = (total & 0xffff) + (total >> 16);
            let folded = (folded & 0xffff) + (folded >> 16);
            let value = if was == is { old } else { !u16::try_from(folded).unwrap_or_default() };
            self.put(at, &value.to_be_bytes());
        }
        self.new
    }

    fn slice(&self, range: &Range<usize>) -> &'a [u8] {
        self.old.get(range.clone()).unwrap_or_default()
    }

    fn put(&mut self, at: usize, bytes: &[u8]) {
        if let Some(place) = self.new.get_mut(at..at + bytes.len()) {
            place.copy_from_slice(bytes);
        }
    }

    fn mac(&mut self, at: usize, end: usize) {
        if let Some(mac) = self.slice(&(at..end)).first_chunk::<6>() {
            let there = self.finder.addresses().mac(Mac(*mac));
            self.put(at, &there.0);
        }
    }

    fn v4(&mut self, at: usize, end: usize) {
        if let Some(octets) = self.slice(&(at..end)).first_chunk::<4>() {
            let there = self.finder.addresses().v4(Ipv4Addr::from(*octets));
            self.put(at, &there.octets());
        }
    }

    fn v6(&mut self, at: usize, end: usize) {
        if let Some(octets) = self.slice(&(at..end)).first_chunk::<16>() {
            let there = self.finder.addresses().v6(Ipv6Addr::from(*octets));
            self.put(at, &there.octets());
        }
    }

    fn ipv4(&mut self, range: Range<usize>, depth: u8) {
        let bytes = self.slice(&range);
        let Ok(packet) = ipv4::Packet::parse(bytes) else { return self.rest(range, &[], depth) };
        let at = range.start;
        self.v4(at + 12, range.end);
        self.v4(at + 16, range.end);
        let payload = at + 20 + packet.options.len();
        for place in recorded(packet.options) {
            self.v4(at + 20 + place, payload);
        }
        let end = payload + packet.payload.len();
        let ends = (packet.source.into(), packet.destination.into());
        if packet.is_fragment() && packet.fragment_offset > 0 {
            self.rest(payload..end, &[], depth);
        } else {
            self.transport(ends, packet.protocol, at + 12..at + 20, payload..end, depth);
        }
        self.sums.push((at + 10, [at..payload, 0..0]));
    }

    fn ipv6(&mut self, range: Range<usize>, depth: u8) {
        let bytes = self.slice(&range);
        let Ok(packet) = ipv6::Packet::parse(bytes) else { return self.rest(range, &[], depth) };
        let at = range.start;
        self.v6(at + 8, range.end);
        self.v6(at + 24, range.end);
        let length = usize::from(word(bytes, 4).unwrap_or_default());
        let all = if length == 0 { bytes.len() } else { bytes.len().min(40 + length) };
        let (payload, end) = (at + all - packet.payload.len(), at + all);
        let ends = (packet.source.into(), packet.destination.into());
        if packet.fragment.is_some_and(|fragment| fragment.offset > 0) {
            self.rest(payload..end, &[], depth);
        } else {
            self.transport(ends, packet.protocol, at + 8..at + 40, payload..end, depth);
        }
    }

    fn transport(
        &mut self,
        ends: (IpAddr, IpAddr),
        protocol: u8,
        pseudo: Range<usize>,
        range: Range<usize>,
        depth: u8,
    ) {
        let bytes = self.slice(&range);
        let ports = || word(bytes, 0).zip(word(bytes, 2));
        let is_v6 = ends.0.is_ipv6();
        // Where the checksum is, whether it is over the addresses too, and where what is carried begins.
        let (sum, over, body) = match protocol {
            tcp::NUMBER => (Some(16), true, bytes.get(12).map_or(20, |b| usize::from(b >> 4) * 4)),
            17 => (Some(6).filter(|_| word(bytes, 6) != Some(0)), true, 8),
            58 => (Some(2), true, 4),
            1 | 2 | 88 => (Some(2), false, 4),
            103 => (Some(2), is_v6, 4),
            // VRRP: before version 3 without the addresses (RFC 9568, 5.2.8).
            112 => (Some(6), bytes.first().is_some_and(|b| b >> 4 == 3), 8),
            89 => (Some(12), is_v6, 0),
            _ => (None, false, 0),
        };
        let body = range.start + body.min(bytes.len());
        let places: Vec<Place> = match protocol {
            tcp::NUMBER | 17 => {
                ports().map_or(Vec::new(), |(a, b)| vec![(protocol, a), (protocol, b)])
            }
            _ => vec![(0, 0)],
        };
        self.rest(body..range.end, &places, depth);
        if protocol == 17 {
            self.hidden(body..range.end);
        }
        if protocol == tcp::NUMBER && depth == 0 {
            self.straddling(ends, body..range.end, range.start, &places);
        }
        if let Some(sum) = sum {
            self.sums.push((range.start + sum, [if over { pseudo } else { 0..0 }, range]));
        }
    }

    /// The addresses that a message of STUN hides from whoever replaces addresses (RFC 8489, 14.2).
    fn hidden(&mut self, range: Range<usize>) {
        let bytes = self.slice(&range);
        let Some(mask) = stun::mask(bytes) else { return };
        let mut at = 20;
        while let (Some(number), Some(length)) = (word(bytes, at), word(bytes, at + 2)) {
            let value = at + 4;
            let length = usize::from(length);
            let address = bytes.get(value + 4..value + length).unwrap_or_default();
            if stun::HIDDEN.contains(&number) {
                let shown: Vec<u8> = address.iter().zip(mask).map(|(byte, m)| byte ^ m).collect();
                let addresses = self.finder.addresses();
                let there = match (<[u8; 4]>::try_from(&*shown), <[u8; 16]>::try_from(&*shown)) {
                    (Ok(v4), _) => addresses.v4(v4.into()).octets().to_vec(),
                    (_, Ok(v6)) => addresses.v6(v6.into()).octets().to_vec(),
                    _ => shown,
                };
                let there: Vec<u8> = there.iter().zip(mask).map(|(byte, m)| byte ^ m).collect();
                self.put(range.start + value + 4, &there);
            }
            at = value + length.next_multiple_of(4);
        }
    }

    /// What begins in one segment of a stream and ends in the next.
    fn straddling(
        &mut self,
        ends: (IpAddr, IpAddr),
        body: Range<usize>,
        at: usize,
        places: &[Place],
    ) {
        let head = self.slice(&(at..body.start));
        let (Some(from), Some(to), Some(sequence)) =
            (word(head, 0), word(head, 2), head.get(4..8).and_then(|four| four.first_chunk::<4>()))
        else {
            return;
        };
        if body.is_empty() {
            return;
        }
        let sequence = u32::from_be_bytes(*sequence);
        let next = sequence.wrapping_add(u32::try_from(body.len()).unwrap_or_default());
        let before = self.streams.insert((ends.0, ends.1, from, to), (body.clone(), next));
        let Some((earlier, _)) = before.filter(|(_, awaited)| *awaited == sequence) else { return };
        let reach = self.finder.longest();
        let left = earlier.start.max(earlier.end.saturating_sub(reach))..earlier.end;
        let right = body.start..body.end.min(body.start + reach);
        let joined = [self.slice(&left), self.slice(&right)].concat();
        for (range, there) in self.finder.found(&joined, places) {
            if range.start < left.len() && range.end > left.len() {
                for (place, byte) in range.zip(there) {
                    let at = match place.checked_sub(left.len()) {
                        Some(behind) => right.start + behind,
                        None => left.start + place,
                    };
                    self.put(at, &[byte]);
                }
            }
        }
    }

    /// What no header tells the parts of: packets in it, and between them addresses and names.
    fn rest(&mut self, range: Range<usize>, places: &[Place], depth: u8) {
        let mut at = range.start;
        let mut plain = at;
        while at < range.end {
            let inner = if depth < DEEPEST { self.inner(at..range.end) } else { None };
            let Some(length) = inner else {
                at += 1;
                continue;
            };
            self.words(plain..at, places);
            match self.old.get(at).map(|byte| byte >> 4) {
                Some(4) => self.ipv4(at..at + length, depth + 1),
                _ => self.ipv6(at..at + length, depth + 1),
            }
            at += length;
            plain = at;
        }
        self.words(plain..range.end, places);
    }

    fn words(&mut self, range: Range<usize>, places: &[Place]) {
        for (found, there) in self.finder.found(self.slice(&range), places) {
            self.put(range.start + found.start, &there);
        }
    }

    /// The length of the packet of IP that begins here, if one does: one of IPv4 proves it by its checksum, one of
    /// IPv6 by addresses that are known.
    fn inner(&self, range: Range<usize>) -> Option<usize> {
        let bytes = self.slice(&range);
        match bytes.first()? >> 4 {
            4 => {
                let header = usize::from(bytes.first()? & 15) * 4;
                let total = usize::from(word(bytes, 2)?);
                let proves = header >= 20
                    && total >= header
                    && checksum(&[bytes.get(..header)?]) == 0
                    && bytes.get(8).is_some_and(|left| *left > 0);
                proves.then_some(total.min(bytes.len()))
            }
            6 => {
                let ends = [bytes.get(8..24)?, bytes.get(24..40)?];
                let known = ends.iter().all(|end| {
                    let octets = end.first_chunk::<16>().copied().unwrap_or_default();
                    self.known.addresses.contains(&IpAddr::from(Ipv6Addr::from(octets)))
                });
                let length = 40 + usize::from(word(bytes, 4)?);
                known.then_some(length.min(bytes.len()))
            }
            _ => None,
        }
    }
}

/// Where among the options of IPv4 addresses are that routers wrote: in routes, chosen ones too (RFC 791, 3.1).
fn recorded(options: &[u8]) -> Vec<usize> {
    let mut places = Vec::new();
    let mut at = 0;
    while let Some(number @ 1..) = options.get(at) {
        let length = match (number, options.get(at + 1)) {
            (1, _) => 1,
            (_, Some(length @ 2..)) => usize::from(*length),
            _ => break,
        };
        if matches!(*number, ipv4::RECORD_ROUTE | LOOSE_ROUTE | STRICT_ROUTE) {
            let end = (at + length).min(options.len());
            places.extend((at + 3..end).step_by(4).filter(|place| place + 4 <= end));
        }
        at += length;
    }
    places
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk::<2>().map(|two| u16::from_be_bytes(*two))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_routers_that_a_packet_was_written_into_are_found_among_its_options() {
        let mut options = ipv4::record_route(2);
        assert_eq!(recorded(&options), [3, 7]);
        options.insert(0, 1);
        assert_eq!(recorded(&options), [4, 8]);
        let alert_then_loose = [148, 4, 0, 0, 131, 7, 4, 192, 0, 2, 1, 0];
        assert_eq!(recorded(&alert_then_loose), [7]);
        for broken in
            [&[7][..], &[7, 0], &[7, 1, 4], &[7, 39, 4, 192, 0], &[0, 7, 7, 4, 1, 2, 3, 4]]
        {
            assert_eq!(recorded(broken), [0; 0], "{broken:?}");
        }
    }
}
