//! One share of the conversations: packets in, observations out.
//!
//! Conversations are shared out by their addresses, so that each shard works alone. The number of shards
//! does not depend on the machine; neither does what they find.

use std::net::IpAddr;

use super::{
    capture::Role,
    flow::{Direction, Flow, Flows, Key, Way},
    forward::Forwarding,
    fragment::{self, Fragments},
    gateway::{Noted, Stations},
    keep::Kept,
    lines::{Lines, Opening},
    seen::Seen,
    tunnel,
};
use crate::{
    observe::{
        Endpoint, Finding, Heard, Mac, Observation, Protocol, Rest, Said, Transport,
        dissect::{Dissector, Verdict},
    },
    scope::Inside,
    wire::{
        self, ah,
        ethernet::{self, Kind},
        ipv4, ipv6,
        link::{self, Holds, Link},
        payload::Inner,
        tcp::{self, Segment, flag},
        udp::{self, Datagram},
    },
};

/// How deep tunnels in tunnels are followed.
const DEEPEST: u8 = 6;

/// How many datagrams of one direction are read until its protocol is known.
const MOST_ATTEMPTS: u16 = 8;

/// How many datagrams of one direction are read once its protocol is known.
const MOST_MESSAGES: u16 = 24;

/// How many messages of one direction of a stream are read.
const MOST_STREAM_MESSAGES: u16 = 12;

/// How often one direction is noted for the table of gateways.
const MOST_NOTES: u8 = 8;

/// Protocols whose every message stands alone and may name somebody new, by carrier: names, neighbours,
/// routing. Their messages are read however many there are.
const EACH_MESSAGE: [&str; 10] =
    ["dns", "mdns", "llmnr", "nbns", "ssdp", "dhcp", "dhcpv6", "icmp", "icmpv6", "ndp"];

/// Protocols of frames that tell the sender's network address, and in which fact.
const TELLS_SENDER: [(&str, &str); 1] = [("arp", "arp.ip")];

/// A share of the conversations.
#[derive(Debug, Default)]
pub(super) struct Shard {
    flows: Flows,
    fragments: Fragments,
    /// What was heard.
    pub kept: Kept,
    /// Who stands between.
    pub stations: Stations,
    /// What shows of the lines behind them.
    pub lines: Lines,
    /// Questions that may show who forwards.
    forwarding: Forwarding,
    /// Packets that could not be read down to their protocol.
    pub unreadable: u64,
    /// Packets that were longer on the wire than in the capture.
    pub cut: u64,
}

/// A packet's ends and what it carries, whatever the version of IP.
#[derive(Debug, Clone, Copy)]
struct Packet<'a> {
    from: IpAddr,
    to: IpAddr,
    time_to_live: u8,
    protocol: u8,
    payload: &'a [u8],
}

/// A conversation's ends, as a message goes.
#[derive(Debug, Clone, Copy)]
struct Ends {
    from: Endpoint,
    to: Endpoint,
}

impl Shard {
    /// A shard that has seen nothing. `inside` is what a facility file gives.
    pub(super) fn new(inside: Option<&Inside>) -> Self {
        Self { kept: Kept::new(inside.cloned()), ..Self::default() }
    }

    /// Takes in a packet.
    pub(super) fn packet(
        &mut self,
        dissector: &Dissector,
        seen: Seen,
        link_type: i32,
        bytes: &[u8],
        cut: bool,
    ) {
        // A recording leaves out on purpose.
        self.cut += u64::from(cut && seen.role == Role::Overheard);
        match Link::parse(link_type, bytes) {
            Ok(link) => Ear { shard: self, dissector }.link(seen, &link),
            // Those of other link layers are counted with their file.
            Err(_) => self.unreadable += u64::from(link::understood(link_type)),
        }
    }

    /// Reads what is left when nothing more comes.
    pub(super) fn finish(&mut self, dissector: &Dissector) {
        // Datagrams whose parts did not all come are read as far as they reach.
        for datagram in self.fragments.finish() {
            Ear { shard: self, dissector }.reassembled(&datagram);
        }
        let Self { flows, kept, .. } = self;
        for flow in flows.finish() {
            finish_flow(dissector, kept, flow);
        }
    }

    /// How many questions gave way while they might have been answered.
    pub(super) fn unanswered(&self) -> u64 {
        self.forwarding.lost
    }

    /// How many conversations gave way before they were understood.
    pub(super) fn given_up(&self) -> u64 {
        self.flows.given_up
    }
}

/// A shard with what it needs to understand.
struct Ear<'s> {
    shard: &'s mut Shard,
    dissector: &'s Dissector,
}

impl Ear<'_> {
    fn link(&mut self, seen: Seen, link: &Link<'_>) {
        let seen =
            Seen { source: link.source.map(Mac), destination: link.destination.map(Mac), ..seen };
        match link.holds {
            Holds::Ip => self.ip(seen, link.payload),
            Holds::Ppp => self.follow(seen, "ppp", link.payload),
            Holds::Ethernet(kind) => self.frame(seen, kind, link.payload),
        }
    }

    fn frame(&mut self, seen: Seen, kind: Kind, payload: &[u8]) {
        match kind {
            Kind::Type(ethernet::IPV4 | ethernet::IPV6) => return self.ip(seen, payload),
            Kind::Type(wire::payload::MPLS) => return self.follow(seen, "mpls", payload),
            _ => {}
        }
        let said = Said::payload(Transport::Ethernet, payload);
        if let Verdict::Understood(protocol, finding) = self.dissector.frame(kind, &said) {
            let end = |ip, mac| Endpoint { ip, mac, port: None, transport: Transport::Ethernet };
            let own = TELLS_SENDER.iter().find(|(name, _)| *name == protocol.name);
            let own = own.and_then(|(_, field)| finding.facts.get(field)?.parse().ok());
            let ends = Ends { from: end(own, seen.source), to: end(None, seen.destination) };
            keep(&mut self.shard.kept, seen, ends, protocol, finding);
            self.follow(seen, protocol.name, payload);
        }
    }

    /// Goes on with what a tunnel's message carries.
    fn follow(&mut self, seen: Seen, protocol: &str, message: &[u8]) {
        if seen.depth >= DEEPEST || seen.role == Role::Asked {
            return;
        }
        let Some(inner) = tunnel::of(protocol) else { return };
        let deeper = Seen { source: None, destination: None, depth: seen.depth + 1, ..seen };
        match inner(message) {
            Ok(Inner::Ethernet(frame)) => {
                if let Ok(frame) = ethernet::Frame::parse(frame) {
                    self.frame(deeper, frame.kind, frame.payload);
                }
            }
            Ok(Inner::EtherType(kind, payload)) => self.frame(deeper, Kind::Type(kind), payload),
            Ok(Inner::Ip(packet)) => self.ip(deeper, packet),
            Ok(Inner::Ppp(frame)) => self.follow(deeper, "ppp", frame),
            Ok(Inner::Nothing) | Err(_) => {}
        }
    }

    fn ip(&mut self, seen: Seen, bytes: &[u8]) {
        let Shard { forwarding, flows, kept, .. } = &mut *self.shard;
        for observation in forwarding.packet(&seen, bytes, flows) {
            kept.add(observation);
        }
        match bytes.first().map(|first| first >> 4) {
            Some(4) => match ipv4::Packet::parse(bytes) {
                Ok(packet) => self.ipv4(seen, &packet),
                Err(_) => self.shard.unreadable += 1,
            },
            Some(6) => match ipv6::Packet::parse(bytes) {
                Ok(packet) => self.ipv6(seen, &packet),
                Err(_) => self.shard.unreadable += 1,
            },
            _ => self.shard.unreadable += 1,
        }
    }

    fn ipv4(&mut self, seen: Seen, packet: &ipv4::Packet<'_>) {
        let (from, to) = (packet.source.into(), packet.destination.into());
        let ipv4::Packet { time_to_live, protocol, payload, .. } = *packet;
        let whole = Packet { from, to, time_to_live, protocol, payload };
        if !packet.is_fragment() {
            return self.transport(seen, &whole);
        }
        let identification = packet.identification.into();
        let key = fragment::Key { ends: (from, to), identification, protocol: Some(protocol) };
        let head = fragment::Head { seen, protocol, time_to_live };
        let offset = packet.fragment_offset.into();
        let datagram = self.shard.fragments.add(key, head, offset, packet.more_fragments, payload);
        if let Some(datagram) = datagram {
            self.reassembled(&datagram);
        }
    }

    fn ipv6(&mut self, seen: Seen, packet: &ipv6::Packet<'_>) {
        let (from, to) = (packet.source.into(), packet.destination.into());
        let ipv6::Packet { hop_limit: time_to_live, protocol, payload, .. } = *packet;
        let whole = Packet { from, to, time_to_live, protocol, payload };
        let Some(part) = packet.fragment else { return self.transport(seen, &whole) };
        let identification = part.identification;
        let key = fragment::Key { ends: (from, to), identification, protocol: None };
        let head = fragment::Head { seen, protocol, time_to_live };
        let datagram = self.shard.fragments.add(key, head, part.offset.into(), part.more, payload);
        if let Some(datagram) = datagram {
            self.reassembled(&datagram);
        }
    }

    /// Goes on with a datagram that came in parts.
    fn reassembled(&mut self, (key, head, payload): &fragment::Whole) {
        let (from, to) = key.ends;
        let fragment::Head { seen, protocol, time_to_live } = *head;
        let behind = if from.is_ipv6() {
            ipv6::upper(protocol, payload)
        } else {
            Ok((protocol, payload.as_slice()))
        };
        match behind {
            Ok((protocol, payload)) => {
                self.transport(seen, &Packet { from, to, time_to_live, protocol, payload });
            }
            Err(_) => self.shard.unreadable += 1,
        }
    }

    fn transport(&mut self, seen: Seen, packet: &Packet<'_>) {
        match packet.protocol {
            tcp::NUMBER => match Segment::parse(packet.payload) {
                Ok(segment) => self.segment(seen, packet, &segment),
                Err(_) => self.shard.unreadable += 1,
            },
            udp::NUMBER => match Datagram::parse(packet.payload) {
                Ok(datagram) => self.datagram(seen, packet, &datagram),
                Err(_) => self.shard.unreadable += 1,
            },
            _ => self.other(seen, packet),
        }
    }

    /// A packet without ports: a tunnel, a routing protocol, an error message.
    fn other(&mut self, seen: Seen, packet: &Packet<'_>) {
        let (key, direction) = Key::new((packet.from, 0), (packet.to, 0), packet.protocol);
        let Self { shard: Shard { flows, kept, stations, lines, .. }, dissector } = self;
        let flow = flows.find(key, &mut |flow| finish_flow(dissector, kept, flow));
        flow.begun_by.get_or_insert(direction);
        let begun_by = flow.begun_from(direction);
        let protocol = flow.protocol;
        let (way, back) = flow.ways(direction);
        note(stations, lines, way, seen, packet);
        let followed = protocol.map(|protocol| protocol.name);
        let each = followed.is_none_or(|name| EACH_MESSAGE.contains(&name));
        if way.read < MOST_MESSAGES || each {
            way.read = way.read.saturating_add(1);
            let said = Said {
                answering: &back.last,
                earlier: &way.last,
                begun_by,
                ..Said::payload(Transport::Ip, packet.payload)
            };
            if let Verdict::Understood(protocol, finding) = dissector.packet(packet.protocol, &said)
            {
                let ends = ends(seen, key, direction, Transport::Ip);
                keep(kept, seen, ends, protocol, finding);
                flow.protocol = Some(protocol);
            }
            Way::remember(&mut flow.ways(direction).0.last, packet.payload);
        }
        if let Some(protocol) = flow.protocol {
            self.follow(seen, protocol.name, packet.payload);
        }
        // An authentication header stands between the packet and what it carries in clear (RFC 4302).
        if packet.protocol == ah::IP_PROTOCOL
            && seen.depth < DEEPEST
            && let Ok(header) = ah::Header::parse(packet.payload)
            && let Some(payload) = packet.payload.get(header.length..)
        {
            let deeper = Seen { depth: seen.depth + 1, ..seen };
            self.transport(deeper, &Packet { protocol: header.next, payload, ..*packet });
        }
    }

    fn datagram(&mut self, seen: Seen, packet: &Packet<'_>, datagram: &Datagram<'_>) {
        let Datagram { source, destination, payload } = *datagram;
        let (key, direction) =
            Key::new((packet.from, source), (packet.to, destination), udp::NUMBER);
        let key = key.in_clear(seen.clear);
        let Self { shard: Shard { flows, kept, stations, lines, .. }, dissector } = self;
        let flow = flows.find(key, &mut |flow| finish_flow(dissector, kept, flow));
        flow.begun_by.get_or_insert(direction);
        let begun_by = flow.begun_from(direction);
        let protocol = flow.protocol;
        let (way, back) = flow.ways(direction);
        note(stations, lines, way, seen, packet);
        let tunnels = protocol.filter(|protocol| tunnel::of(protocol.name).is_some());
        if !way.done && !payload.is_empty() {
            way.read = way.read.saturating_add(1);
            let said = Said {
                answering: &back.last,
                earlier: &way.last,
                begun_by,
                ..Said::datagram(source, destination, payload)
            };
            let verdict = dissector.datagram(&said, protocol);
            let understood = matches!(verdict, Verdict::Understood(..));
            way.understood += u16::from(understood);
            let each = protocol.is_some_and(|protocol| EACH_MESSAGE.contains(&protocol.name));
            let enough = if way.understood > 0 { MOST_MESSAGES } else { MOST_ATTEMPTS };
            if way.read >= enough && !each {
                way.close();
            } else {
                Way::remember(&mut way.last, payload);
            }
            if let Verdict::Understood(protocol, finding) = verdict {
                let ends = ends(seen, key, direction, Transport::Udp);
                keep(kept, seen, ends, protocol, finding);
                flow.protocol = Some(protocol);
                return self.follow(seen, protocol.name, payload);
            }
        }
        if let Some(protocol) = tunnels {
            self.follow(seen, protocol.name, payload);
        }
    }

    fn segment(&mut self, seen: Seen, packet: &Packet<'_>, segment: &Segment<'_>) {
        let (from, to) = ((packet.from, segment.source), (packet.to, segment.destination));
        let (key, direction) = Key::new(from, to, tcp::NUMBER);
        let key = key.in_clear(seen.clear);
        let Self { shard: Shard { flows, kept, stations, lines, .. }, dissector } = self;
        let mut give_way = |flow: &mut Flow| finish_flow(dissector, kept, flow);
        let flow = flows.find(key, &mut give_way);
        let before = flow.held();
        if segment.has(flag::SYN) {
            // The same ends again: a new conversation, unless it is the same SYN sent again.
            if flow.ways(direction).0.stream.is_another(segment.sequence) {
                give_way(flow);
                flow.restart();
            }
            let answers = segment.has(flag::ACK);
            flow.begun_by = Some(if answers { opposite(direction) } else { direction });
            flow.ways(direction).0.stream.begin(segment.sequence);
        }
        let way = flow.ways(direction).0;
        note(stations, lines, way, seen, packet);
        if segment.has(flag::SYN)
            && seen.depth == 0
            && seen.heard().is_some()
            && kept.is_outside(packet.from)
        {
            let opening = Opening {
                from: packet.from,
                to: packet.to,
                ports: (segment.source, segment.destination),
                size: segment.maximum_segment_size(),
                time_to_live: packet.time_to_live,
            };
            lines.opens(seen.source, opening);
        }
        // Data on a SYN (RFC 7413) begins behind it.
        let sequence = segment.sequence.wrapping_add(u32::from(segment.has(flag::SYN)));
        let new =
            !way.done && !segment.payload.is_empty() && way.stream.add(sequence, segment.payload);
        let ends = segment.has(flag::FIN | flag::RST);
        if new || ends && !way.done && !way.stream.data().is_empty() {
            // What was overtaken by the end may still come.
            let open = !ends || flow.ways(direction).0.stream.is_waiting();
            read_stream(dissector, kept, flow, direction, seen, open);
        }
        let after = flow.held();
        if before != after {
            flows.account(before, after, &mut |flow| finish_flow(dissector, kept, flow));
        }
    }
}

/// Reads what has arrived of one direction, message after message.
fn read_stream(
    dissector: &Dissector,
    kept: &mut Kept,
    flow: &mut Flow,
    direction: Direction,
    seen: Seen,
    open: bool,
) {
    let key = flow.key;
    let (from, to) = key.ends(direction);
    loop {
        let begun_by = flow.begun_from(direction);
        let known = flow.protocol;
        let (way, back) = flow.ways(direction);
        if way.done || way.stream.data().is_empty() {
            return;
        }
        let said = Said {
            answering: if back.stream.data().is_empty() { &back.last } else { back.stream.data() },
            open: open && !way.stream.is_at_end(),
            begun_by,
            ..Said::stream(from.1, to.1, way.stream.data())
        };
        match dissector.stream(&said, known) {
            Verdict::Understood(protocol, finding) => {
                let rest = finding.rest;
                keep(kept, seen, ends(seen, key, direction, Transport::Tcp), protocol, finding);
                // The other side may answer this when it is read over.
                Way::remember(&mut way.last, way.stream.data());
                way.read += 1;
                way.understood += 1;
                match rest {
                    Rest::Same(length @ 1..) | Rest::Other(length @ 1..)
                        if way.understood < MOST_STREAM_MESSAGES =>
                    {
                        way.stream.consume(length);
                    }
                    _ => way.close(),
                }
                if way.done && back.done {
                    way.last = Vec::new();
                    back.last = Vec::new();
                }
                flow.protocol = match rest {
                    Rest::Other(_) => None,
                    _ => Some(protocol),
                };
            }
            Verdict::Wait if said.open => {
                way.read = way.read.max(1);
                return;
            }
            Verdict::Wait | Verdict::Unknown => {
                way.read += 1;
                // A capture may begin in the middle of a stream: the next segment is another chance.
                let whole = begun_by.is_some();
                if whole || way.read >= MOST_ATTEMPTS || !open {
                    way.close();
                } else {
                    let length = way.stream.data().len();
                    way.stream.consume(length);
                }
                return;
            }
        }
    }
}

/// Reads what is left of a conversation that ends or gives way.
fn finish_flow(dissector: &Dissector, kept: &mut Kept, flow: &mut Flow) {
    if flow.key.protocol() != tcp::NUMBER {
        return;
    }
    for direction in [Direction::Up, Direction::Down] {
        let way = flow.ways(direction).0;
        if let Some(seen) = way.seen.filter(|_| !way.done) {
            read_stream(dissector, kept, flow, direction, seen, false);
        }
    }
}

/// Notes the first packet of a direction for the table of gateways, and the first between other hardware
/// addresses: a mirror may show a packet before and behind a router.
fn note(
    stations: &mut Stations,
    lines: &mut Lines,
    way: &mut Way,
    seen: Seen,
    packet: &Packet<'_>,
) {
    way.seen = Some(seen);
    way.time_to_live = packet.time_to_live;
    // Where our own packets go shows how we are set up, not what the network does.
    let Some(heard) = seen.heard() else { return };
    let between = (seen.source, seen.destination);
    if seen.depth > 0 || way.noted == Some(between) || way.notes >= MOST_NOTES {
        return;
    }
    way.noted = Some(between);
    let Packet { from: address, to: with, time_to_live, .. } = *packet;
    let noted = Noted { packet: seen.packet, at: seen.at, address, with, time_to_live, heard };
    // Echoes and errors begin with other times to live than what the same machine says otherwise.
    if way.notes == 0 && matches!(packet.protocol, tcp::NUMBER | udp::NUMBER) {
        lines.speaks(seen.source, noted);
    }
    way.notes += 1;
    // An answer shows who passed it on; that it came to us is our own doing.
    let destination = seen.destination.filter(|_| seen.role == Role::Overheard);
    stations.note(seen.source, destination, noted);
}

fn ends(seen: Seen, key: Key, direction: Direction, transport: Transport) -> Ends {
    let (from, to) = key.ends(direction);
    let has_ports = matches!(transport, Transport::Udp | Transport::Tcp);
    let end = |(ip, port): (IpAddr, u16), mac| Endpoint {
        ip: Some(ip),
        mac,
        port: has_ports.then_some(port),
        transport,
    };
    Ends { from: end(from, seen.source), to: end(to, seen.destination) }
}

fn keep(kept: &mut Kept, seen: Seen, ends: Ends, protocol: &'static Protocol, finding: Finding) {
    let Finding { side, confidence, facts, .. } = finding;
    let Some(heard) = seen.heard() else { return };
    // That a port which was asked is closed is an answer, and counted as one; it says nothing about who gave it.
    let closed = ["icmp.code", "icmpv6.code"].iter().any(|field| facts.get(field) == Some("port"));
    if heard == Heard::Replied && closed {
        return;
    }
    let to_all = ends.to.ip.is_some_and(|ip| ip.is_multicast() || is_broadcast(ip))
        || ends.to.mac.is_some_and(Mac::is_group)
        || (ends.to.ip.is_none() && ends.to.mac.is_none());
    kept.add(Observation {
        at: seen.at,
        packet: seen.packet,
        heard,
        speaker: ends.from,
        listener: (!to_all).then_some(ends.to),
        protocol: protocol.name,
        side,
        confidence,
        facts,
    });
}

fn is_broadcast(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V4(v4) if v4.is_broadcast())
}

fn opposite(direction: Direction) -> Direction {
    match direction {
        Direction::Up => Direction::Down,
        Direction::Down => Direction::Up,
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::wire::ethernet::Frame;
    use crate::{observe::PacketId, time::Timestamp};

    fn frame(source: u32, protocol: u8, payload: &[u8]) -> Vec<u8> {
        let packet = ipv4::Packet {
            source: Ipv4Addr::from_bits(0x0a00_0000 | source),
            destination: [203, 0, 113, 7].into(),
            time_to_live: 64,
            protocol,
            identification: 0,
            dont_fragment: true,
            more_fragments: false,
            fragment_offset: 0,
            options: &[],
            payload,
            missing: 0,
        };
        let [_, a, b, c] = source.to_be_bytes();
        let frame = Frame {
            source: [2, 0, 0, a, b, c],
            destination: [0, 0, 0x5e, 0, 0x53, 1],
            vlan: None,
            kind: Kind::Type(ethernet::IPV4),
            payload: &packet.emit(),
        };
        frame.emit()
    }

    #[test]
    fn parts_of_ipv6_are_read_even_when_the_last_never_comes() {
        let part = |place: u16, next: u8, payload: &[u8]| {
            let header = [&[next, 0][..], &place.to_be_bytes(), &[0, 0, 0, 42]].concat();
            let payload = [header.as_slice(), payload].concat();
            let packet = ipv6::Packet {
                source: "2001:db8::1".parse().unwrap(),
                destination: "2001:db8::2".parse().unwrap(),
                hop_limit: 64,
                protocol: 44,
                fragment: None,
                payload: &payload,
                missing: 0,
            };
            packet.emit()
        };
        // Destination options, then a question for a name, in parts of which the second or third is lost.
        let options = [udp::NUMBER, 0, 1, 4, 0, 0, 0, 0];
        let question =
            [b"\0\x01\x01\0\0\x01\0\0\0\0\0\0\x07example\x03org\0\0\x01\0\x01".as_slice()].concat();
        let datagram = Datagram { source: 40_000, destination: 53, payload: &question };
        let datagram = [&options[..], &datagram.emit(&[])].concat();
        let heard = |parts: &[Vec<u8>]| {
            let dissector = Dissector::new();
            let mut shard = Shard::default();
            for bytes in parts {
                let seen = Seen::new(Timestamp::default(), PacketId::default());
                shard.packet(&dissector, seen, link::RAW, bytes, false);
            }
            shard.finish(&dissector);
            let (heard, _) = Kept::join([shard.kept].into_iter());
            heard.first().and_then(|o| o.facts.get("dns.query")).map(str::to_owned)
        };
        let (first, second) = datagram.split_at(24);
        let parts = [part(24, udp::NUMBER, second), part(1, 60, first)];
        assert_eq!(heard(&parts).as_deref(), Some("example.org"), "whole, in another order");
        let parts = [part(1, 60, &datagram)];
        assert_eq!(heard(&parts).as_deref(), Some("example.org"), "as far as it came");
    }

    /// Feeds one shard and says how many conversations and bytes of streams it holds.
    fn flood(frames: impl Iterator<Item = Vec<u8>>) -> (Shard, usize, usize) {
        let dissector = Dissector::new();
        let mut shard = Shard::default();
        for (number, bytes) in (1..).zip(frames) {
            let seen = Seen::new(Timestamp::default(), PacketId { file: 0, number });
            shard.packet(&dissector, seen, link::ETHERNET, &bytes, false);
        }
        let (conversations, bytes) = shard.flows.size();
        (shard, conversations, bytes)
    }

    /// A segment from 10.0.0.1 to port 22 of the other end.
    fn segment(flags: u8, sequence: u32, payload: &[u8]) -> Vec<u8> {
        let segment = Segment {
            source: 40_000,
            destination: 22,
            sequence,
            acknowledgement: 0,
            flags,
            window: 1024,
            options: &[],
            payload,
        };
        frame(1, tcp::NUMBER, &segment.emit(&[]))
    }

    /// What SSH clients that sent these segments call themselves.
    fn banners(frames: impl IntoIterator<Item = Vec<u8>>) -> Vec<String> {
        let (mut shard, ..) = flood(frames.into_iter());
        shard.finish(&Dissector::new());
        let (heard, _) = Kept::join([shard.kept].into_iter());
        heard.iter().filter_map(|o| o.facts.get("ssh.banner")).map(str::to_owned).collect()
    }

    #[test]
    fn the_same_ports_again_are_a_new_conversation() {
        // The first is refused without a word; the second has another number, far from it.
        let refused = segment(flag::SYN, 3_000_000_000, &[]);
        let again = segment(flag::SYN, 5, &[]);
        let said = segment(flag::ACK, 6, b"SSH-2.0-first\r\n");
        let later = segment(flag::SYN, 900_000, &[]);
        let spoken = segment(flag::ACK, 900_001, b"SSH-2.0-second\r\n");
        let resent = [again.clone(), said.clone()];
        let heard =
            banners([refused, again, said].into_iter().chain(resent).chain([later, spoken]));
        assert_eq!(heard, ["first", "second"]);
    }

    #[test]
    fn what_a_recording_shows_of_a_conversation_inside_tls_is_read() {
        let body = [&[3, 3][..], &[7; 32], &[0, 0x13, 1, 0, 0, 6, 0, 43, 0, 2, 3, 4]].concat();
        let hello = [&[2, 0, 0, 46][..], &body].concat();
        let shown = wire::tls::show(&hello, &[&[0x30; 3000]]);
        let page = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 19\r\n\r\n<title>Gate</title>";
        let question = b"GET / HTTP/1.1\r\n\r\n";
        let turn = |ours: bool, flags, sequence, payload: &[u8]| {
            let (source, destination) = if ours { (50_000, 443) } else { (443, 50_000) };
            let acknowledgement = 0;
            let segment = Segment {
                source,
                destination,
                sequence,
                acknowledgement,
                flags,
                window: 1024,
                options: &[],
                payload,
            };
            let ends = [Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2)];
            let [from, to] = if ours { ends } else { [ends[1], ends[0]] };
            let packet = ipv4::Packet {
                source: from,
                destination: to,
                time_to_live: 64,
                protocol: tcp::NUMBER,
                identification: 0,
                dont_fragment: true,
                more_fragments: false,
                fragment_offset: 0,
                options: &[],
                payload: &segment.emit(&[]),
                missing: 0,
            };
            packet.emit()
        };
        let mut packets =
            vec![turn(true, flag::SYN, 0, &[]), turn(false, flag::SYN | flag::ACK, 0, &[])];
        let mut sequence = 1;
        for part in shown.chunks(1400) {
            packets.push(turn(false, flag::ACK, sequence, part));
            sequence += u32::try_from(part.len()).unwrap();
        }
        packets.push(turn(true, flag::ACK, 1, question));
        packets.push(turn(false, flag::ACK, sequence, page));
        let dissector = Dissector::new();
        let mut shard = Shard::default();
        for bytes in &packets {
            let seen = Seen::new(Timestamp::default(), PacketId::default());
            shard.packet(&dissector, seen, link::RAW, bytes, false);
        }
        shard.finish(&dissector);
        let (heard, _) = Kept::join([shard.kept].into_iter());
        let told = |field| heard.iter().find_map(|o| o.facts.get(field));
        assert_eq!(told("tls.version"), Some("TLS 1.3"));
        assert_eq!(told("http.title"), Some("Gate"));
    }

    #[test]
    fn an_end_that_overtakes_what_comes_before_it_is_no_end_yet() {
        let heard = banners([
            segment(flag::SYN, 0, &[]),
            segment(flag::ACK, 1, b"SSH-2.0"),
            segment(flag::ACK | flag::FIN, 12, b"host\r\n"),
            segment(flag::ACK, 8, b"-my_"),
        ]);
        assert_eq!(heard, ["my_host"]);
    }

    #[test]
    fn a_million_half_open_conversations_stay_within_bounds() {
        let frames = (0..1_000_000).map(|n: u32| {
            let segment = Segment {
                source: 40_000,
                destination: 22,
                sequence: n,
                acknowledgement: 0,
                flags: flag::SYN,
                window: 1024,
                options: &[],
                payload: &[],
            };
            frame(n, tcp::NUMBER, &segment.emit(&[]))
        });
        let (shard, conversations, bytes) = flood(frames);
        assert!(conversations <= 1 << 15, "{conversations}");
        assert_eq!((bytes, shard.unreadable, shard.given_up()), (0, 0, 0));
    }

    #[test]
    fn streams_that_never_decide_stay_within_bounds() {
        // No end of the line: every reader of lines waits for more. With one, an offer should follow.
        for (end, gives_up) in [(b"aaaa", true), (b"aa\r\n", false)] {
            let frames = (0..60_000).map(|n: u32| {
                let payload = [b"SSH-2.0-", [b'a'; 200].as_slice(), end].concat();
                let segment = Segment {
                    source: 40_000,
                    destination: 22,
                    sequence: n,
                    acknowledgement: 0,
                    flags: flag::ACK,
                    window: 1024,
                    options: &[],
                    payload: &payload,
                };
                frame(n, tcp::NUMBER, &segment.emit(&[]))
            });
            let (shard, conversations, bytes) = flood(frames);
            assert!(conversations <= 1 << 15 && bytes <= 16 << 20, "{conversations}, {bytes}");
            // What gives way is read as far as it came.
            assert_eq!(shard.given_up() > 0, gives_up, "{}", shard.given_up());
        }
    }

    #[test]
    fn a_flood_of_tiny_datagrams_stays_within_bounds() {
        let frames = (0..200_000).map(|n: u32| {
            let payload = n.wrapping_mul(2_654_435_761).to_be_bytes();
            let datagram = Datagram { source: 40_000, destination: 50_000, payload: &payload };
            frame(n, udp::NUMBER, &datagram.emit(&[]))
        });
        let (shard, conversations, bytes) = flood(frames);
        assert!(conversations <= 1 << 15, "{conversations}");
        assert_eq!((bytes, shard.unreadable), (0, 0));
    }
}
