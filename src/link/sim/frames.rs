//! Frames in, frames out: what hosts and routers answer to ARP, neighbour discovery, ICMP, and to segments and
//! datagrams that no system of ours sent.

use std::{
    hash::BuildHasher as _,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use super::{Closed, Coming, Host, Passage, Sim, What};
use crate::{
    observe::Mac,
    wire::{
        arp::{self, Arp},
        checksum,
        ethernet::{self, Frame, Kind},
        icmp::{self, Icmp},
        icmpv6::{self, Icmpv6},
        ipv4, ipv6,
        ndp::{self, Message, Ndp},
        tcp::{self, Segment, flag},
        udp::{self, Datagram},
    },
};

/// The number of ICMP among IP protocols.
const ICMP: u8 = 1;

/// The time to live that routers give their own errors.
const ROUTERS_TTL: u8 = 255;

/// How much of a packet an error quotes: its header, and the eight bytes behind it that RFC 792 asks for.
const QUOTED: usize = 28;

/// Where a frame came in, and whom answers go to.
#[derive(Clone, Copy)]
struct Asker {
    interface: usize,
    segment: usize,
    mac: [u8; 6],
}

/// A packet of either version.
#[derive(Clone, Copy)]
struct Packet<'a> {
    source: IpAddr,
    destination: IpAddr,
    ttl: u8,
    protocol: u8,
    payload: &'a [u8],
    /// All of it, for errors that quote it.
    whole: &'a [u8],
}

/// How a packet reaches a host.
#[derive(Clone, Copy)]
struct Path {
    host: usize,
    /// The router between, which answers then come from.
    router: Option<usize>,
}

impl Sim {
    /// Lets a frame that came out of our `interface` have its effects.
    pub(super) fn hear_frame(&mut self, interface: usize, bytes: &[u8]) {
        let on = |segment: &super::Segment| segment.interface == Some(interface);
        let Some(segment) = self.network.segments.iter().position(on) else { return };
        let Ok(frame) = Frame::parse(bytes) else { return };
        let asker = Asker { interface, segment, mac: frame.source };
        match frame.kind {
            Kind::Type(ethernet::ARP) => {
                if let Ok(arp) = Arp::parse(frame.payload) {
                    self.hear_arp(asker, &arp);
                }
            }
            Kind::Type(ethernet::IPV4) => {
                if let Ok(packet) = ipv4::Packet::parse(frame.payload) {
                    let packet = Packet {
                        source: packet.source.into(),
                        destination: packet.destination.into(),
                        ttl: packet.time_to_live,
                        protocol: packet.protocol,
                        payload: packet.payload,
                        whole: frame.payload,
                    };
                    self.hear_packet(asker, frame.destination, &packet);
                }
            }
            Kind::Type(ethernet::IPV6) => {
                if let Ok(packet) = ipv6::Packet::parse(frame.payload) {
                    let packet = Packet {
                        source: packet.source.into(),
                        destination: packet.destination.into(),
                        ttl: packet.hop_limit,
                        protocol: packet.protocol,
                        payload: packet.payload,
                        whole: frame.payload,
                    };
                    self.hear_packet(asker, frame.destination, &packet);
                }
            }
            _ => {}
        }
    }

    fn hear_arp(&mut self, asker: Asker, question: &Arp) {
        if question.operation != arp::REQUEST {
            return;
        }
        self.count_to(question.target.into(), true);
        let Some((place, mac)) = self.resolved(asker, question.target.into()) else { return };
        let Some(delay) = self.passes(place, true) else { return };
        let answer = Arp {
            operation: arp::REPLY,
            sender_mac: mac.0,
            sender: question.target,
            target_mac: question.sender_mac,
            target: question.sender,
        };
        self.answer(asker, mac, ethernet::ARP, &answer.emit(), place, delay);
    }

    /// The host of the asker's link that has `target`, and its hardware address.
    fn resolved(&self, asker: Asker, target: IpAddr) -> Option<(usize, Mac)> {
        let place = self.network.by_address.get(&target).copied()?;
        let on_link = self.network.segment_of(target) == Some(asker.segment);
        let mac = self.network.hosts.get(place)?.mac.filter(|_| on_link)?;
        Some((place, mac))
    }

    fn passes(&mut self, place: usize, resolves: bool) -> Option<Duration> {
        match self.network.hosts.get_mut(place)?.pass(resolves) {
            Passage::Through(delay) => Some(delay),
            Passage::Lost | Passage::Silent => None,
        }
    }

    fn hear_packet(&mut self, asker: Asker, destination: [u8; 6], packet: &Packet<'_>) {
        if packet.protocol == icmpv6::NUMBER
            && let Ok(Ndp { message: Message::NeighborSolicitation { target }, .. }) =
                Ndp::parse(packet.payload)
        {
            self.hear_solicitation(asker, packet, target);
            return;
        }
        self.count_to(packet.destination, false);
        if Mac(destination).is_group() {
            for place in 0..self.network.hosts.len() {
                if let Some(own) = self.own_address(asker, place, packet.source.is_ipv4())
                    && self.listens_to_all(place, packet)
                {
                    self.deliver(asker, Path { host: place, router: None }, own, packet);
                }
            }
            return;
        }
        let place = self.network.by_address.get(&packet.destination).copied();
        let host = place.and_then(|place| self.network.hosts.get(place));
        if let Some((place, _)) = place.zip(host.filter(|host| host.mac == Some(Mac(destination))))
        {
            self.deliver(asker, Path { host: place, router: None }, packet.destination, packet);
            return;
        }
        let router = self.network.by_mac.get(&(asker.segment, Mac(destination))).copied();
        let far = self.network.segment_of(packet.destination);
        let far = far.and_then(|far| self.network.segments.get(far));
        let Some(router) = router.filter(|_| far.is_some_and(|far| far.router == router)) else {
            return;
        };
        if packet.ttl <= 1 {
            self.exceed(asker, router, packet);
        } else if let Some(host) = place {
            let path = Path { host, router: Some(router) };
            self.deliver(asker, path, packet.destination, packet);
        }
    }

    /// An address of a host on the asker's link, of the version wanted.
    fn own_address(&self, asker: Asker, place: usize, is_ipv4: bool) -> Option<IpAddr> {
        let host = self.network.hosts.get(place)?;
        let fits = |address: &&IpAddr| {
            address.is_ipv4() == is_ipv4
                && self.network.segment_of(**address) == Some(asker.segment)
        };
        host.addresses.iter().find(fits).copied()
    }

    /// Whether a host answers what is said to everybody: an echo request of IPv6, or a datagram to a port it serves.
    fn listens_to_all(&self, place: usize, packet: &Packet<'_>) -> bool {
        let Some(host) = self.network.hosts.get(place) else { return false };
        match packet.protocol {
            icmpv6::NUMBER => host.nature.echo,
            udp::NUMBER => Datagram::parse(packet.payload)
                .is_ok_and(|datagram| host.nature.udp.contains_key(&datagram.destination)),
            _ => false,
        }
    }

    fn hear_solicitation(&mut self, asker: Asker, packet: &Packet<'_>, target: Ipv6Addr) {
        self.count_to(target.into(), true);
        let Some((place, mac)) = self.resolved(asker, target.into()) else { return };
        let Some(delay) = self.passes(place, true) else { return };
        let IpAddr::V6(source) = packet.source else { return };
        // Solicited and override; with the target's hardware address.
        let body = [&[0x60, 0, 0, 0], &target.octets()[..], &[2, 1], &mac.0].concat();
        let payload = icmpv6::seal(target, source, ndp::NEIGHBOR_ADVERTISEMENT, &body);
        let answer = ipv6::Packet {
            source: target,
            destination: source,
            hop_limit: 255,
            protocol: icmpv6::NUMBER,
            fragment: None,
            payload: &payload,
            missing: 0,
        };
        self.answer(asker, mac, ethernet::IPV6, &answer.emit(), place, delay);
    }

    /// The router tells that a packet has come too far.
    fn exceed(&mut self, asker: Asker, router: usize, packet: &Packet<'_>) {
        let Some(own) = self.own_address(asker, router, packet.source.is_ipv4()) else { return };
        let Some(delay) = self.passes(router, false) else { return };
        let (kind, code) = match own {
            IpAddr::V4(_) => (icmp::TIME_EXCEEDED, 0),
            IpAddr::V6(_) => (icmpv6::TIME_EXCEEDED, 0),
        };
        let path = Path { host: router, router: None };
        let payload = error(own, packet, kind, code);
        self.send_back(asker, path, own, packet, ROUTERS_TTL, &[payload], delay);
    }

    /// Lets a host answer a packet to its address `own`.
    fn deliver(&mut self, asker: Asker, path: Path, own: IpAddr, packet: &Packet<'_>) {
        let Some(delay) = self.passes(path.host, false) else { return };
        let Some(host) = self.network.hosts.get_mut(path.host) else { return };
        let port = Datagram::parse(packet.payload).map_or(0, |datagram| datagram.destination);
        if packet.protocol == udp::NUMBER && host.misses(port) {
            return;
        }
        let ttl = host.nature.ttl;
        let answers = match packet.protocol {
            ICMP | icmpv6::NUMBER => echoed(host, own, packet),
            tcp::NUMBER => segment(host, own, packet),
            udp::NUMBER => datagrams(host, own, packet),
            _ => Vec::new(),
        };
        self.send_back(asker, path, own, packet, ttl, &answers, delay);
    }

    #[expect(clippy::too_many_arguments, reason = "each says one thing about the way back")]
    fn send_back(
        &mut self,
        asker: Asker,
        path: Path,
        own: IpAddr,
        packet: &Packet<'_>,
        ttl: u8,
        answers: &[Answer],
        delay: Duration,
    ) {
        let speaker = self.network.hosts.get(path.router.unwrap_or(path.host));
        let Some(mac) = speaker.and_then(|speaker| speaker.mac) else { return };
        let ttl = ttl.saturating_sub(path.router.map_or(0, |_| 1));
        for answer in answers {
            let (kind, bytes) = sealed(own, packet.source, ttl, answer.protocol, &answer.payload);
            self.answer(asker, mac, kind, &bytes, path.host, delay + answer.after);
        }
    }

    fn answer(
        &mut self,
        asker: Asker,
        mac: Mac,
        kind: u16,
        payload: &[u8],
        place: usize,
        delay: Duration,
    ) {
        let kind = Kind::Type(kind);
        let frame = Frame { destination: asker.mac, source: mac.0, vlan: None, kind, payload };
        let bytes = frame.emit();
        let repeats = self.network.hosts.get(place).map_or(1, |host| host.nature.repeats);
        for _ in 0..repeats {
            let what = What::Frame { interface: asker.interface, bytes: bytes.clone() };
            self.queue_at(self.now.after(delay), Coming::Event(what));
        }
    }
}

/// What goes back in IP.
struct Answer {
    protocol: u8,
    payload: Vec<u8>,
    after: Duration,
}

/// The pseudo header of a payload of `length` bytes.
fn pseudo_header(source: IpAddr, destination: IpAddr, protocol: u8, length: usize) -> Vec<u8> {
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

fn v4(
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

fn v6(
    source: Ipv6Addr,
    destination: Ipv6Addr,
    hop_limit: u8,
    protocol: u8,
    payload: &[u8],
) -> ipv6::Packet<'_> {
    ipv6::Packet { source, destination, hop_limit, protocol, fragment: None, payload, missing: 0 }
}

/// A whole packet, and its Ethernet type.
fn sealed(
    source: IpAddr,
    destination: IpAddr,
    ttl: u8,
    protocol: u8,
    payload: &[u8],
) -> (u16, Vec<u8>) {
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            (ethernet::IPV4, v4(source, destination, ttl, protocol, payload).emit())
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            (ethernet::IPV6, v6(source, destination, ttl, protocol, payload).emit())
        }
        _ => (ethernet::IPV4, Vec::new()),
    }
}

/// An error about a packet, which it quotes.
fn error(own: IpAddr, packet: &Packet<'_>, kind: u8, code: u8) -> Answer {
    let (protocol, payload) = if let (IpAddr::V6(own), IpAddr::V6(source)) = (own, packet.source) {
        // As much as fits into the smallest packet that every link takes (RFC 4443, 2.4).
        let quoted = packet.whole.get(..1232).unwrap_or(packet.whole);
        let unsummed = [&[kind, code, 0, 0, 0, 0, 0, 0], quoted].concat();
        let pseudo = pseudo_header(own.into(), source.into(), icmpv6::NUMBER, unsummed.len());
        let sum = checksum(&[&pseudo, &unsummed]).to_be_bytes();
        (icmpv6::NUMBER, [&[kind, code], &sum[..], &[0; 4], quoted].concat())
    } else {
        let body = packet.whole.get(..QUOTED).unwrap_or(packet.whole);
        (ICMP, Icmp { kind, code, argument: [0; 4], body }.emit())
    };
    Answer { protocol, payload, after: Duration::ZERO }
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
        return refused.then(|| error(own, packet, kind, code)).into_iter().collect();
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

/// Whom a frame goes to, with its port where it has one.
pub(super) fn receiver(bytes: &[u8]) -> Option<SocketAddr> {
    let frame = Frame::parse(bytes).ok()?;
    let (address, protocol, payload) = match frame.kind {
        Kind::Type(ethernet::ARP) => {
            return Some(SocketAddr::new(Arp::parse(frame.payload).ok()?.target.into(), 0));
        }
        Kind::Type(ethernet::IPV4) => {
            let packet = ipv4::Packet::parse(frame.payload).ok()?;
            (packet.destination.into(), packet.protocol, packet.payload)
        }
        Kind::Type(ethernet::IPV6) => {
            let packet = ipv6::Packet::parse(frame.payload).ok()?;
            (packet.destination.into(), packet.protocol, packet.payload)
        }
        _ => return None,
    };
    let port = match protocol {
        tcp::NUMBER => Segment::parse(payload).map_or(0, |segment| segment.destination),
        udp::NUMBER => Datagram::parse(payload).map_or(0, |datagram| datagram.destination),
        _ => 0,
    };
    Some(SocketAddr::new(address, port))
}
