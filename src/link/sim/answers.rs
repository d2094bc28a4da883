//! What hosts answer to packets that reach them: echoes, segments, datagrams.

use std::{hash::BuildHasher as _, net::IpAddr, time::Duration};

use super::{
    Sim,
    file::Closed,
    network::{Hides, Host},
    packet::{Fault, ICMP, Packet, pseudo_header, sealed},
    routing::{Journey, Way},
};
use crate::wire::{
    icmp::{self, Icmp},
    icmpv6::{self, Icmpv6},
    ipv4,
    tcp::{self, Segment, flag},
    udp::{self, Datagram},
};

/// What goes back in IP.
struct Answer {
    protocol: u8,
    payload: Vec<u8>,
    after: Duration,
}

impl Sim {
    /// Lets a host answer a packet to its address `own`, which came by `from`.
    pub(super) fn deliver(&mut self, place: usize, from: Way, own: IpAddr, journey: &Journey) {
        let Some(packet) = Packet::parse(&journey.bytes) else { return };
        let Some(host) = self.network.hosts.get_mut(place) else { return };
        if host.nature.hides == Hides::Itself && matches!(from, Way::Segment(_)) {
            return;
        }
        let port = Datagram::parse(packet.payload).map_or(0, |datagram| datagram.destination);
        if packet.protocol == udp::NUMBER && host.misses(port) {
            return;
        }
        let answers = match packet.protocol {
            ICMP | icmpv6::NUMBER => echoed(host, own, &packet),
            tcp::NUMBER => segment(host, own, &packet),
            udp::NUMBER => datagrams(host, own, &packet),
            _ => Vec::new(),
        };
        let (ttl, repeats) = (host.nature.ttl, host.nature.repeats);
        for answer in answers {
            let bytes = match (own, packet.source, packet.options) {
                // The options of what is answered come along (RFC 1122, 3.2.2.6).
                (IpAddr::V4(own), IpAddr::V4(source), options @ [_, ..])
                    if answer.protocol == ICMP =>
                {
                    let bare = super::packet::v4(own, source, ttl, ICMP, &answer.payload);
                    ipv4::Packet { options, ..bare }.emit()
                }
                _ => sealed(own, packet.source, ttl, answer.protocol, &answer.payload),
            };
            let after = journey.after + answer.after;
            self.emit(place, from, Journey { bytes, after, repeats, ..*journey });
        }
    }
}

fn echoed(host: &Host, own: IpAddr, packet: &Packet<'_>) -> Vec<Answer> {
    let payload = match (own, packet.source) {
        (IpAddr::V4(_), _) => Icmp::parse(packet.payload)
            .ok()
            .filter(|question| question.kind == icmp::ECHO)
            .map(|question| Icmp { kind: icmp::ECHO_REPLY, ..question }.emit()),
        (IpAddr::V6(own), IpAddr::V6(source)) => Icmpv6::parse(packet.payload)
            .ok()
            .filter(|question| question.kind == icmpv6::ECHO)
            .map(|question| icmpv6::seal(own, source, icmpv6::ECHO_REPLY, question.body)),
        _ => None,
    };
    let protocol = packet.protocol;
    let answer = |payload| Answer { protocol, payload, after: Duration::ZERO };
    payload.filter(|_| host.nature.echo).map(answer).into_iter().collect()
}

/// What a system answers to a segment of a stream that it does not know: it remembers nothing of it.
fn segment(host: &Host, own: IpAddr, packet: &Packet<'_>) -> Vec<Answer> {
    let Ok(asked) = Segment::parse(packet.payload) else { return Vec::new() };
    let open = host.nature.tcp.contains_key(&asked.destination);
    if asked.has(flag::RST) || !open && host.nature.closed == Closed::Drop {
        return Vec::new();
    }
    let counted = u32::from(asked.has(flag::SYN)) + u32::from(asked.has(flag::FIN));
    let carried = u32::try_from(asked.payload.len()).unwrap_or_default();
    let next = asked.sequence.wrapping_add(counted).wrapping_add(carried);
    let begins = asked.has(flag::SYN) && !asked.has(flag::ACK);
    // Its first number follows from the two ends, so that the same question gets the same answer.
    let ends = (own, asked.destination, packet.source, asked.source);
    let first = foldhash::quality::FixedState::default().hash_one(ends);
    let first = u32::try_from(first & u64::from(u32::MAX)).unwrap_or_default();
    let (sequence, acknowledgement, flags) = match (open, begins) {
        (true, true) => (first, next, flag::SYN | flag::ACK),
        (true, false) if asked.has(flag::FIN) => {
            (asked.acknowledgement, next, flag::FIN | flag::ACK)
        }
        (true, false) if !asked.has(flag::SYN) => return Vec::new(),
        _ if asked.has(flag::ACK) => (asked.acknowledgement, 0, flag::RST),
        _ => (0, next, flag::RST | flag::ACK),
    };
    let greets = flags & flag::SYN != 0;
    let answer = Segment {
        source: asked.destination,
        destination: asked.source,
        sequence,
        acknowledgement,
        flags,
        window: if greets { 64_240 } else { 0 },
        options: if greets { &[2, 4, 5, 180] } else { &[] },
        payload: &[],
    };
    let length = 20 + answer.options.len();
    let pseudo = pseudo_header(own, packet.source, tcp::NUMBER, length);
    let payload = answer.emit(&pseudo);
    vec![Answer { protocol: tcp::NUMBER, payload, after: Duration::ZERO }]
}

fn datagrams(host: &Host, own: IpAddr, packet: &Packet<'_>) -> Vec<Answer> {
    let Ok(asked) = Datagram::parse(packet.payload) else { return Vec::new() };
    let Some(service) = host.nature.udp.get(&asked.destination) else {
        let (kind, code) = match own {
            IpAddr::V4(_) => (icmp::UNREACHABLE, 3),
            IpAddr::V6(_) => (icmpv6::UNREACHABLE, 4),
        };
        let refused = host.nature.closed == Closed::Reset;
        let (protocol, payload) = Fault::new(kind, code).payload(packet, own, host.nature.quotes);
        let answer = Answer { protocol, payload, after: Duration::ZERO };
        return refused.then_some(answer).into_iter().collect();
    };
    let said = service.answer(asked.payload, 1).into_iter();
    said.map(|uttered| {
        let (source, destination) = (asked.destination, asked.source);
        let datagram = Datagram { source, destination, payload: &uttered.bytes };
        let length = 8 + uttered.bytes.len();
        let pseudo = pseudo_header(own, packet.source, udp::NUMBER, length);
        let payload = datagram.emit(&pseudo);
        Answer { protocol: udp::NUMBER, payload, after: uttered.after }
    })
    .collect()
}
