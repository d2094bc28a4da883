//! What a run writes down of what nobody said to it: announcements to everybody, the first of each sender and kind.
//! Conversations of others are none of its business.

use std::collections::HashMap;

use crate::wire::{
    ethernet::{self, Frame, Kind},
    ipv4, ipv6, udp,
    udp::Datagram,
};

/// Frames of one kind and sender that are kept.
const MOST_OF_A_KIND: u32 = 64;

/// Kinds and senders that are told apart; what others say beyond them is not kept.
const MOST_KINDS: usize = 4096;

/// Bytes of all frames that are kept.
const MOST_BYTES: usize = 32 << 20;

/// What was overheard so far.
#[derive(Debug, Default)]
pub(super) struct Overheard {
    kept: HashMap<([u8; 6], u64), u32>,
    bytes: usize,
    passed_over: u64,
}

impl Overheard {
    /// Whether a frame that goes to none of our interfaces is to be kept; then it counts.
    pub(super) fn keeps(&mut self, frame: &Frame<'_>, length: usize) -> bool {
        // What a card lets in that is meant for somebody else is his. One protocol announces to an address that is no
        // group.
        let is_announced = frame.destination[0] & 1 == 1 || matches!(frame.kind, Kind::Snap(..));
        if !is_announced {
            return false;
        }
        let key = (frame.source, kind_of(frame));
        let is_known = self.kept.contains_key(&key);
        let room = (is_known || self.kept.len() < MOST_KINDS) && self.bytes + length <= MOST_BYTES;
        let keeps = room && {
            let kept = self.kept.entry(key).or_default();
            *kept = kept.saturating_add(1);
            *kept <= MOST_OF_A_KIND
        };
        if keeps {
            self.bytes += length;
        } else {
            self.passed_over += 1;
        }
        keeps
    }

    /// How many announcements were heard and not kept.
    pub(super) fn passed_over(&self) -> u64 {
        self.passed_over
    }
}

/// What tells one kind of frame from another: its type; of IP the protocol, and of UDP the port that it goes to.
fn kind_of(frame: &Frame<'_>) -> u64 {
    let (kind, protocol, payload) = match frame.kind {
        Kind::Type(ethernet::IPV4) => match ipv4::Packet::parse(frame.payload) {
            Ok(packet) => (ethernet::IPV4, packet.protocol, packet.payload),
            Err(_) => (ethernet::IPV4, 0, &[][..]),
        },
        Kind::Type(ethernet::IPV6) => match ipv6::Packet::parse(frame.payload) {
            Ok(packet) => (ethernet::IPV6, packet.protocol, packet.payload),
            Err(_) => (ethernet::IPV6, 0, &[][..]),
        },
        Kind::Type(number) => return number.into(),
        Kind::Snap(organisation, number) => {
            return u64::from(organisation) << 16 | u64::from(number) | 1 << 48;
        }
        Kind::Llc(access_point) => return u64::from(access_point) | 1 << 49,
    };
    let port = match protocol {
        udp::NUMBER => Datagram::parse(payload).map_or(0, |datagram| datagram.destination),
        _ => 0,
    };
    u64::from(kind) | u64::from(protocol) << 16 | u64::from(port) << 24 | 1 << 50
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(to: u8, from: u32, kind: Kind) -> Frame<'static> {
        let [a, b, c, d] = from.to_be_bytes();
        let source = [2, 0, a, b, c, d];
        Frame { destination: [to, 0, 0x5e, 0, 0, 18], source, vlan: None, kind, payload: &[] }
    }

    #[test]
    fn the_first_of_each_sender_and_kind_are_kept() {
        let mut heard = Overheard::default();
        let mut kept =
            |frame: &Frame<'_>, times: u32| (0..times).filter(|_| heard.keeps(frame, 60)).count();
        let lldp = Kind::Type(0x88cc);
        assert_eq!(kept(&frame(1, 7, lldp), 1000), 64);
        assert_eq!(kept(&frame(1, 7, Kind::Snap(0x0c, 0x2000)), 1000), 64);
        assert_eq!(kept(&frame(1, 8, lldp), 10), 10);
        assert_eq!(heard.passed_over(), 2 * 936);
    }

    #[test]
    fn what_is_said_to_one_other_is_his() {
        let mut heard = Overheard::default();
        assert!(!heard.keeps(&frame(0, 7, Kind::Type(ethernet::IPV4)), 60));
        assert!(heard.keeps(&frame(0, 7, Kind::Snap(0xe02b, 0x00bb)), 60), "to no group by design");
        assert_eq!(heard.passed_over(), 0, "it is no announcement");
    }

    #[test]
    fn a_flood_of_senders_costs_neither_memory_nor_disk() {
        let mut heard = Overheard::default();
        let kept =
            (0..100_000).filter(|from| heard.keeps(&frame(1, *from, Kind::Type(0x88cc)), 60));
        assert_eq!(kept.count(), MOST_KINDS);
        let mut heard = Overheard::default();
        let large =
            (0..100_000).filter(|from| heard.keeps(&frame(1, from % 2000, Kind::Llc(7)), 1500));
        assert_eq!(large.count(), MOST_BYTES / 1500);
        assert_eq!(heard.kept.len(), 2000);
    }

    #[test]
    fn ports_and_protocols_are_kinds_of_their_own() {
        let of = |protocol, to: u16| {
            let [high, low] = to.to_be_bytes();
            let payload = [0, 9, high, low, 0, 8, 0, 0];
            let packet = ipv4::Packet {
                source: [10, 0, 0, 2].into(),
                destination: [224, 0, 0, 18].into(),
                time_to_live: 1,
                protocol,
                identification: 0,
                dont_fragment: false,
                more_fragments: false,
                fragment_offset: 0,
                options: &[],
                payload: &payload,
                missing: 0,
            };
            let bytes = packet.emit();
            kind_of(&Frame { payload: &bytes, ..frame(1, 7, Kind::Type(ethernet::IPV4)) })
        };
        let kinds = [of(17, 1985), of(17, 3222), of(112, 0), of(89, 0)];
        let apart: std::collections::HashSet<u64> = kinds.into_iter().collect();
        assert_eq!(apart.len(), 4);
        assert_eq!(of(112, 1), of(112, 2), "where there are no ports there are none");
    }
}
