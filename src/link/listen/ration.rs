//! How much of each conversation is kept of what is listened to: what a replay reads of it, and no more. A mirror port
//! carries a hospital's whole traffic, patients' pictures among it; who talks with whom, and how they begin, is little.

use std::net::IpAddr;

use super::Layer;
use crate::wire::{
    ethernet::{self, Frame, Kind},
    ipv4, ipv6,
    payload::Inner,
    ppp, pppoe,
    tcp::{self, Segment, flag},
    udp::{self, Datagram},
};

/// Directions of conversations that are remembered; one that was forgotten is kept from its beginning again.
const SLOTS: usize = 1 << 17;

/// Bytes of one direction of a stream that are kept: more than a replay puts in order.
const STREAM: u32 = 48 << 10;

/// Datagrams of one direction that are kept: more than a replay reads.
const DATAGRAMS: u32 = 64;

/// The number of ESP among IP protocols.
const ESP: u8 = 50;

/// The type of frames that carry what an access line carries (PPPoE).
const SESSION: u16 = 0x8864;

/// What an empty segment takes of its stream's share, so that acknowledgements end, too.
const SEGMENT: u32 = 64;

/// Ports whose every datagram stands alone and may name somebody new, or carries others' conversations: names, DHCP,
/// SSDP; L2TP, GTP, Teredo, VXLAN on both its ports, AYIYA, Geneve.
const WHOLE: [u16; 18] = [
    53, 67, 68, 137, 138, 546, 547, 1701, 1900, 2152, 3544, 4789, 5072, 5353, 5355, 6081, 8472,
    10_001,
];

/// One direction of a conversation, by what its ends come to, and what was kept of it.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    ends: u64,
    kept: u32,
}

/// What was kept of whom.
#[derive(Debug)]
pub(super) struct Ration {
    slots: Vec<Slot>,
    hasher: foldhash::quality::RandomState,
}

/// What a packet takes of its conversation's share.
struct Part {
    from: (IpAddr, u16),
    to: (IpAddr, u16),
    protocol: u8,
    cost: u32,
    share: u32,
    /// It begins the conversation, or ends it: it is kept in any case.
    begins: bool,
    ends: bool,
}

impl Default for Ration {
    fn default() -> Self {
        let hasher = foldhash::quality::RandomState::default();
        Self { slots: vec![Slot::default(); SLOTS], hasher }
    }
}

impl Ration {
    /// Whether a frame is to be kept; then it counts.
    pub(super) fn keeps(&mut self, layer: Layer, frame: &[u8]) -> bool {
        let part = match layer {
            Layer::Ethernet => Frame::parse(frame).ok().and_then(|frame| part_of(&frame)),
            Layer::Ip => part_of_ip(frame),
        };
        // What belongs to no conversation is kept.
        part.is_none_or(|part| self.takes(&part))
    }

    fn takes(&mut self, part: &Part) -> bool {
        let ends = (part.from, part.to, part.protocol);
        // Zero is an empty slot's.
        let ends = std::hash::BuildHasher::hash_one(&self.hasher, ends) | 1;
        let [one, other] = [ends >> 1, ends >> 32]
            .map(|half| usize::try_from(half % SLOTS as u64).unwrap_or_default());
        let slot_at = |place: usize| self.slots.get(place).copied().unwrap_or_default();
        let (first, second) = (slot_at(one), slot_at(other));
        let place = match (first.ends == ends, second.ends == ends) {
            (true, _) => one,
            (_, true) => other,
            // Whoever had more is more likely to go on.
            _ if second.kept < first.kept => other,
            _ => one,
        };
        let Some(slot) = self.slots.get_mut(place) else { return true };
        if slot.ends != ends || part.begins {
            *slot = Slot { ends, kept: 0 };
        }
        let room = slot.kept < part.share;
        slot.kept = slot.kept.saturating_add(if room { part.cost } else { 0 });
        room || part.begins || part.ends
    }
}

fn part_of(frame: &Frame<'_>) -> Option<Part> {
    match frame.kind {
        Kind::Type(ethernet::IPV4 | ethernet::IPV6) => part_of_ip(frame.payload),
        Kind::Type(SESSION) => {
            let Inner::Ppp(inside) = pppoe::Pppoe::parse(frame.payload).ok()?.inner() else {
                return None;
            };
            match ppp::Frame::parse(inside).ok()?.inner() {
                Inner::Ip(packet) => part_of_ip(packet),
                _ => None,
            }
        }
        _ => None,
    }
}

fn part_of_ip(bytes: &[u8]) -> Option<Part> {
    let (from, to, protocol, payload): (IpAddr, IpAddr, u8, &[u8]) = match bytes.first()? >> 4 {
        4 => {
            let packet = ipv4::Packet::parse(bytes).ok().filter(|packet| !packet.is_fragment())?;
            (packet.source.into(), packet.destination.into(), packet.protocol, packet.payload)
        }
        6 => {
            let packet = ipv6::Packet::parse(bytes).ok().filter(|it| it.fragment.is_none())?;
            (packet.source.into(), packet.destination.into(), packet.protocol, packet.payload)
        }
        _ => return None,
    };
    let (from_port, to_port, cost, share, begins, ends) = match protocol {
        tcp::NUMBER => {
            let segment = Segment::parse(payload).ok()?;
            let length = u32::try_from(segment.payload.len()).unwrap_or(u32::MAX);
            let (begins, ends) = (segment.has(flag::SYN), segment.has(flag::FIN | flag::RST));
            (segment.source, segment.destination, length.max(SEGMENT), STREAM, begins, ends)
        }
        udp::NUMBER => {
            let Datagram { source, destination, .. } = Datagram::parse(payload).ok()?;
            if WHOLE.contains(&source) || WHOLE.contains(&destination) {
                return None;
            }
            (source, destination, 1, DATAGRAMS, false, false)
        }
        ESP => (0, 0, 1, DATAGRAMS, false, false),
        // Errors, routing, and tunnels that show what they carry.
        _ => return None,
    };
    let (from, to) = ((from, from_port), (to, to_port));
    Some(Part { from, to, protocol, cost, share, begins, ends })
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn packet(protocol: u8, payload: &[u8]) -> Vec<u8> {
        let packet = ipv4::Packet {
            source: Ipv4Addr::new(10, 0, 0, 7),
            destination: Ipv4Addr::new(198, 51, 100, 7),
            time_to_live: 64,
            protocol,
            identification: 7,
            dont_fragment: false,
            more_fragments: false,
            fragment_offset: 0,
            options: &[],
            payload,
            missing: 0,
        };
        packet.emit()
    }

    fn segment(flags: u8, length: usize) -> Vec<u8> {
        let mut bytes = vec![0xc3, 0x50, 1, 0xbb, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, flags, 0xff, 0xff];
        bytes.resize(20 + length, 0);
        packet(tcp::NUMBER, &bytes)
    }

    fn datagram(to: u16) -> Vec<u8> {
        let [high, low] = to.to_be_bytes();
        packet(udp::NUMBER, &[0xc3, 0x50, high, low, 0, 12, 0, 0, 1, 2, 3, 4])
    }

    fn kept(ration: &mut Ration, packet: &[u8], times: usize) -> usize {
        (0..times).filter(|_| ration.keeps(Layer::Ip, packet)).count()
    }

    #[test]
    fn a_stream_is_kept_as_far_as_it_is_read_and_its_end_in_any_case() {
        let mut ration = Ration::default();
        assert_eq!(kept(&mut ration, &segment(flag::SYN, 0), 1), 1);
        // 48 KiB in pieces of 1024 bytes; the SYN took a little.
        assert_eq!(kept(&mut ration, &segment(flag::ACK, 1024), 1000), 48);
        assert_eq!(kept(&mut ration, &segment(flag::FIN | flag::ACK, 0), 1), 1);
        assert_eq!(kept(&mut ration, &segment(flag::ACK, 0), 1), 0);
        assert_eq!(kept(&mut ration, &segment(flag::SYN, 0), 1), 1, "the next one begins anew");
        assert_eq!(
            kept(&mut ration, &segment(flag::ACK, 0), 2000),
            767,
            "and acknowledgements end"
        );
    }

    #[test]
    fn datagrams_end_but_for_those_that_stand_alone_or_carry_others() {
        let mut ration = Ration::default();
        assert_eq!(kept(&mut ration, &datagram(4500), 1000), 64);
        for port in WHOLE {
            assert_eq!(kept(&mut ration, &datagram(port), 1000), 1000, "{port}");
        }
        assert_eq!(kept(&mut ration, &packet(ESP, &[0; 40]), 1000), 64);
        for protocol in [1, 4, 41, 47, 112] {
            assert_eq!(kept(&mut ration, &packet(protocol, &[0; 40]), 100), 100, "{protocol}");
        }
    }

    #[test]
    fn what_an_access_line_carries_is_rationed_as_if_it_lay_bare() {
        let inside = segment(flag::ACK, 1024);
        let length = u16::try_from(inside.len() + 2).unwrap().to_be_bytes();
        let session = [&[0x11, 0, 0, 9][..], &length, &[0, 0x21], &inside].concat();
        let frame = Frame {
            destination: [2; 6],
            source: [4; 6],
            vlan: Some(7),
            kind: Kind::Type(SESSION),
            payload: &session,
        };
        let (frame, mut ration) = (frame.emit(), Ration::default());
        assert_eq!((0..100).filter(|_| ration.keeps(Layer::Ethernet, &frame)).count(), 48);
        assert!(ration.keeps(Layer::Ethernet, &frame[..10]), "what cannot be read is kept");
    }

    #[test]
    fn each_direction_has_its_own_share_and_a_crowd_takes_none_away() {
        let mut ration = Ration::default();
        let mut all = 0;
        for source in 0..200_000_u32 {
            let mut bytes = segment(flag::ACK, 1024);
            bytes[12..16].copy_from_slice(&source.to_be_bytes());
            all += usize::from(ration.keeps(Layer::Ip, &bytes));
        }
        assert_eq!(all, 200_000);
        assert_eq!(ration.slots.len(), SLOTS);
    }
}
