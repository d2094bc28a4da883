//! Lines that leave the house, and the routers at their other ends.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use ipnetwork::IpNetwork;

use super::{
    MOST_KEPT, Sim,
    packet::{Fault, ICMP, Packet, aged, pseudo_header, recorded, sealed},
    routing::{Journey, Way},
};
use crate::{
    time::Timestamp,
    wire::{
        Writer,
        icmp::{self, Icmp},
        icmpv6::{self, Icmpv6},
        ipv4,
        stun::{Class, Message},
        udp::{self, Datagram},
    },
};

/// What stands in every message of STUN (RFC 8489, 5).
const COOKIE: u32 = 0x2112_a442;

/// A line from one of our hosts to a router outside.
pub(super) struct Line {
    pub(super) name: Arc<str>,
    /// The host's addresses on it.
    pub(super) near: Vec<IpAddr>,
    /// The outside router's.
    pub(super) far: Vec<IpAddr>,
    /// The outside router.
    pub(super) router: usize,
    /// The host; none before one has a route over it.
    pub(super) host: Option<usize>,
    /// The longest packet that it takes, in bytes.
    pub(super) mtu: u16,
    /// There and back.
    pub(super) latency: Duration,
    /// Of a hundred packets of either direction so many are lost.
    pub(super) loss: u8,
    /// The host hides its networks behind its own address on the line.
    pub(super) translates: bool,
}

/// A router outside.
pub(super) struct Outside {
    pub(super) name: String,
    /// What it has a route to.
    pub(super) behind: Vec<IpNetwork>,
    /// Single addresses behind it that answer echo requests.
    pub(super) answers: Vec<IpAddr>,
    /// Who answers STUN behind it.
    pub(super) responder: Option<SocketAddr>,
    /// It sends no errors.
    pub(super) silent: bool,
    pub(super) drops_options: bool,
    /// How many bytes behind the header of a packet its errors quote.
    pub(super) quotes: usize,
}

/// A packet that left the house.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crossed {
    /// When.
    pub at: Timestamp,
    /// The line's name.
    pub line: Arc<str>,
    /// Its source, on the line.
    pub source: IpAddr,
    /// Its destination.
    pub destination: IpAddr,
    /// Its time to live or hop limit, on the line.
    pub time_to_live: u8,
    /// It is a packet that we sent, not one that a router made of it.
    pub ours: bool,
    /// The outside router sent it on.
    pub further: bool,
}

impl Line {
    pub(super) fn near(&self, is_ipv4: bool) -> Option<IpAddr> {
        self.near.iter().find(|address| address.is_ipv4() == is_ipv4).copied()
    }

    fn far(&self, is_ipv4: bool) -> Option<IpAddr> {
        self.far.iter().find(|address| address.is_ipv4() == is_ipv4).copied()
    }
}

impl Outside {
    /// Whether it has a route to `destination`. A default route leads to global addresses only.
    fn leads(&self, destination: IpAddr) -> bool {
        let global = crate::scope::inside::is_global(destination);
        let fits = |prefix: &&IpNetwork| prefix.contains(destination);
        self.behind.iter().filter(fits).any(|prefix| prefix.prefix() > 0 || global)
    }
}

impl Sim {
    /// What left the house, in order, as far as it is kept.
    pub fn crossed(&self) -> &[Crossed] {
        &self.crossed
    }

    /// Puts a packet onto a line, outwards.
    pub(super) fn cross(&mut self, place: usize, journey: Journey) {
        let Some(line) = self.network.lines.get(place) else { return };
        let Some(packet) = Packet::parse(&journey.bytes) else { return };
        let kept = self.crossed.len();
        if kept < MOST_KEPT {
            self.crossed.push(Crossed {
                at: self.now.after(journey.after),
                line: line.name.clone(),
                source: packet.source,
                destination: packet.destination,
                time_to_live: packet.ttl,
                ours: journey.ours,
                further: false,
            });
        }
        if self.chance.happens(line.loss) {
            return;
        }
        let Some(router) = self.network.routers.get(line.router) else { return };
        let Some(far) = line.far(packet.source.is_ipv4()) else { return };
        if router.drops_options && !packet.options.is_empty() {
            return;
        }
        let options = !packet.options.is_empty();
        let (arrived, _) = match far {
            IpAddr::V4(far) if options => recorded(journey.bytes.clone(), far),
            _ => (journey.bytes.clone(), false),
        };
        let (answer, further) = outside(router, far, &arrived);
        if further && let Some(crossed) = self.crossed.get_mut(kept) {
            crossed.further = true;
        }
        let lost = self.chance.happens(line.loss);
        if let (Some(bytes), Some(host), false) = (answer, line.host, lost) {
            let after = journey.after + line.latency;
            let back = Journey { bytes, after, ours: false, ..journey };
            self.receive(host, Way::Line(place), back);
        }
    }
}

/// What comes back from the outside of a packet that came to `router` at its address `far`, and whether it went on.
fn outside(router: &Outside, far: IpAddr, bytes: &[u8]) -> (Option<Vec<u8>>, bool) {
    let Some(packet) = Packet::parse(bytes) else { return (None, false) };
    let is_ipv6 = far.is_ipv6();
    if packet.destination == far {
        return (echo(&packet, bytes), false);
    }
    let fault = |fault: Fault| {
        let speaks = !router.silent && !packet.is_error();
        speaks.then(|| fault.about(&packet, far, 64, router.quotes))
    };
    if !router.leads(packet.destination) {
        let no_route = if is_ipv6 { icmpv6::UNREACHABLE } else { icmp::UNREACHABLE };
        return (fault(Fault::new(no_route, 0)), false);
    }
    if packet.ttl <= 1 {
        return (fault(Fault::expired(is_ipv6)), false);
    }
    let bytes = aged(bytes);
    let Some(packet) = Packet::parse(&bytes) else { return (None, true) };
    if let Some(responder) = router.responder
        && packet.protocol == udp::NUMBER
        && packet.destination == responder.ip()
    {
        return (mapped(&packet, responder), true);
    }
    let answers = router.answers.contains(&packet.destination);
    (answers.then(|| echo(&packet, &bytes)).flatten().map(|answer| aged(&answer)), true)
}

/// What the destination of an echo request says.
fn echo(packet: &Packet<'_>, bytes: &[u8]) -> Option<Vec<u8>> {
    match (packet.destination, packet.source) {
        (IpAddr::V4(own), IpAddr::V4(source)) => {
            let question = ipv4::Packet::parse(bytes).ok()?;
            let echo = Icmp::parse(question.payload).ok()?;
            let asks = packet.protocol == ICMP && echo.kind == icmp::ECHO;
            let payload = Icmp { kind: icmp::ECHO_REPLY, ..echo }.emit();
            let answer = ipv4::Packet {
                source: own,
                destination: source,
                time_to_live: 64,
                payload: &payload,
                ..question
            };
            asks.then(|| answer.emit())
        }
        (IpAddr::V6(own), IpAddr::V6(source)) => {
            let echo = Icmpv6::parse(packet.payload).ok()?;
            let asks = packet.protocol == icmpv6::NUMBER && echo.kind == icmpv6::ECHO;
            let payload = icmpv6::seal(own, source, icmpv6::ECHO_REPLY, echo.body);
            asks.then(|| sealed(own.into(), source.into(), 64, icmpv6::NUMBER, &payload))
        }
        _ => None,
    }
}

/// The answer of a server of STUN: where the question came from, as it is seen there (RFC 8489, 14.2).
fn mapped(packet: &Packet<'_>, responder: SocketAddr) -> Option<Vec<u8>> {
    let question = Datagram::parse(packet.payload).ok()?;
    let message = Message::parse(question.payload).ok()?;
    let asks = message.class == Class::Request && message.cookie;
    let transaction = question.payload.get(8..20)?;
    let cookie = COOKIE.to_be_bytes();
    let mask = [&cookie[..], transaction].concat();
    let octets = match packet.source {
        IpAddr::V4(source) => source.octets().to_vec(),
        IpAddr::V6(source) => source.octets().to_vec(),
    };
    let hidden: Vec<u8> = octets.iter().zip(&mask).map(|(byte, mask)| byte ^ mask).collect();
    let [high, low, ..] = cookie;
    let attribute = Writer::new()
        .u8(0)
        .u8(if packet.source.is_ipv4() { 1 } else { 2 })
        .u16(question.source ^ u16::from_be_bytes([high, low]))
        .bytes(&hidden)
        .finish();
    let attributes = Writer::new().u16(0x0020).sized_u16(0, &attribute).finish();
    let header = Writer::new().u16(0x0101).sized_u16(attributes.len(), &[]).bytes(&cookie);
    let payload = header.bytes(transaction).bytes(&attributes).finish();
    let datagram =
        Datagram { source: responder.port(), destination: question.source, payload: &payload };
    let pseudo = pseudo_header(responder.ip(), packet.source, udp::NUMBER, 8 + payload.len());
    let right = asks && question.destination == responder.port();
    right.then(|| sealed(responder.ip(), packet.source, 63, udp::NUMBER, &datagram.emit(&pseudo)))
}
