//! Packets on their way from host to host, as Linux sends them: the route first, then the time to live, then what the
//! next link takes, then a redirect.

use std::{
    collections::{HashMap, VecDeque},
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use ipnetwork::IpNetwork;

use super::{
    Coming, Sim, What,
    chance::Savings,
    network::{Ends, Hides, Network, Passage},
    packet::{Fault, Packet, aged, ethernet_type, recorded, recorded_instead},
    translate::Translations,
};
use crate::{
    observe::Mac,
    time::Timestamp,
    wire::{
        arp::{self, Arp},
        ethernet::{self, Frame, Kind},
        icmp, icmpv6,
    },
};

/// How many hosts a packet goes through at most, whatever its time to live.
const MOST_HOPS: u8 = 32;

/// How many neighbours and destinations of errors a host remembers.
const MOST_REMEMBERED: usize = 1 << 12;

/// How many packets wait at a host until somebody tells its hardware address.
const MOST_WAITING: usize = 64;

/// For how long they wait.
const LONGEST_WAIT: Duration = Duration::from_secs(3);

/// The time to live that routers give their own errors where nothing else is said.
const ROUTERS_TTL: u8 = 255;

/// A way that a host forwards to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Route {
    pub(super) to: IpNetwork,
    pub(super) leads: Leads,
}

/// Where a route leads.
#[derive(Debug, Clone, Copy)]
pub(super) enum Leads {
    /// To another host.
    By(IpAddr),
    /// Out of the house.
    Line(usize),
    /// Nowhere.
    Ends(End),
}

/// How a route ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum End {
    /// In silence.
    Blackhole,
    /// The host cannot be reached.
    Unreachable,
    /// It is forbidden.
    Prohibited,
}

/// By which way a packet comes or goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Segment(usize),
    Line(usize),
}

/// The next step of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// To whoever has this address on a segment.
    On {
        segment: usize,
        address: IpAddr,
    },
    /// To this host.
    Host {
        segment: usize,
        host: usize,
    },
    Line(usize),
    Ends(End),
}

/// A packet under way.
#[derive(Debug, Clone)]
pub(super) struct Journey {
    pub(super) bytes: Vec<u8>,
    /// How long it is under way.
    pub(super) after: Duration,
    /// How often it is heard.
    pub(super) repeats: u32,
    /// How many more hosts it may come through.
    pub(super) hops: u8,
    /// It is a packet that we sent.
    pub(super) ours: bool,
}

/// What a host remembers of what it forwarded.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) translations: Translations,
    neighbours: HashMap<IpAddr, [u8; 6]>,
    waiting: VecDeque<(IpAddr, usize, Timestamp, Journey)>,
    errors: HashMap<IpAddr, Savings>,
}

impl Journey {
    /// A packet that sets out after so long.
    pub(super) fn new(bytes: Vec<u8>, after: Duration) -> Self {
        Self { bytes, after, repeats: 1, hops: MOST_HOPS, ours: false }
    }
}

impl Network {
    /// Where a host sends what is for `to`; `from` says by which way the packet came that it is about.
    fn next(&self, place: usize, to: IpAddr, from: Way) -> Option<Next> {
        let host = self.hosts.get(place)?;
        if let (IpAddr::V6(address), Way::Segment(segment)) = (to, from)
            && address.is_unicast_link_local()
        {
            return Some(Next::On { segment, address: to });
        }
        let mut best: Option<(u8, Next)> = None;
        let mut offer = |length: u8, next: Next| {
            if best.is_none_or(|(known, _)| length > known) {
                best = Some((length, next));
            }
        };
        for address in &host.addresses {
            if let Some((segment, prefix)) = self.home(*address)
                && prefix.contains(to)
            {
                offer(prefix.prefix(), Next::On { segment, address: to });
            }
        }
        for (segment, far) in self.segments.iter().enumerate() {
            if far.router != Some(place) {
                continue;
            }
            for prefix in far.prefixes.iter().filter(|prefix| prefix.contains(to)) {
                offer(prefix.prefix(), Next::On { segment, address: to });
            }
        }
        for (line, leads) in self.lines.iter().enumerate() {
            if leads.host == Some(place) && leads.far.contains(&to) {
                offer(if to.is_ipv4() { 32 } else { 128 }, Next::Line(line));
            }
        }
        for route in host.routes.iter().flatten().filter(|route| route.to.contains(to)) {
            let next = match route.leads {
                Leads::By(by) => {
                    self.segment_of(by).map(|segment| Next::On { segment, address: by })
                }
                Leads::Line(line) => Some(Next::Line(line)),
                Leads::Ends(end) => Some(Next::Ends(end)),
            };
            if let Some(next) = next {
                offer(route.to.prefix(), next);
            }
        }
        best.map(|(_, next)| next).or_else(|| {
            // A host behind a router has it for everything else.
            let homes = host.addresses.iter().filter(|known| known.is_ipv4() == to.is_ipv4());
            homes.filter_map(|known| self.segment_of(*known)).find_map(|segment| {
                let router = self.segments.get(segment)?.router.filter(|other| *other != place)?;
                Some(Next::Host { segment, host: router })
            })
        })
    }

    /// The address that a host uses by this way, of the version wanted; the one of the prefix of `towards` if it has it.
    fn own_by(&self, place: usize, way: Way, towards: IpAddr) -> Option<IpAddr> {
        let host = self.hosts.get(place)?;
        let segment = match way {
            Way::Line(line) => return self.lines.get(line)?.near(towards.is_ipv4()),
            Way::Segment(segment) => segment,
        };
        let here = |address: &&IpAddr| {
            let home = self.home(**address).filter(|(home, _)| *home == segment);
            home.is_some_and(|(_, prefix)| prefix.contains(towards))
        };
        let version = |address: &&IpAddr| address.is_ipv4() == towards.is_ipv4();
        let on_link = |address: &&IpAddr| self.segment_of(**address) == Some(segment);
        let mut known = host.addresses.iter().filter(version);
        let near = known.clone().find(here).or_else(|| known.clone().find(on_link));
        near.or_else(|| known.next()).copied()
    }

    /// Whether a host sends what is for `to` on by another way than the segment that the question for it came from.
    pub(super) fn leads_away(&self, place: usize, segment: usize, to: IpAddr) -> bool {
        match self.next(place, to, Way::Segment(segment)) {
            Some(Next::On { segment: other, .. } | Next::Host { segment: other, .. }) => {
                other != segment
            }
            Some(Next::Line(_)) => true,
            Some(Next::Ends(_)) | None => false,
        }
    }

    /// Whether a host takes `destination` for its own when it comes from a segment.
    fn is_local(&self, place: usize, destination: IpAddr) -> Option<bool> {
        let host = self.hosts.get(place)?;
        let acting = host.acts_as.iter().any(|(address, _)| *address == destination);
        if acting || host.addresses.contains(&destination) {
            return Some(true);
        }
        // What comes for another card of a strong host is dropped.
        host.elsewhere.contains(&destination).then_some(host.nature.ends != Ends::Strong)
    }
}

impl Sim {
    /// Lets a packet come to a host.
    pub(super) fn receive(&mut self, place: usize, from: Way, mut journey: Journey) {
        let Some(hops) = journey.hops.checked_sub(1) else { return };
        journey.hops = hops;
        let Some(packet) = Packet::parse(&journey.bytes) else { return };
        let (source, destination) = (packet.source, packet.destination);
        if let Way::Line(line) = from {
            let back = self.translated_back(place, line, &packet);
            let near = self.network.lines.get(line).map(|line| line.near.as_slice());
            // What is for the host itself ends there: it asked nothing.
            if back.is_some() || !near.is_some_and(|near| near.contains(&destination)) {
                journey.bytes = back.unwrap_or(journey.bytes);
                self.forward(place, from, journey);
            }
            return;
        }
        match self.network.is_local(place, destination) {
            Some(true) => {
                if let IpAddr::V4(own) = destination
                    && !packet.options.is_empty()
                {
                    journey.bytes = recorded(journey.bytes, own).0;
                }
                self.deliver(place, from, destination, &journey);
            }
            Some(false) => {}
            None => {
                let Some(host) = self.network.hosts.get(place) else { return };
                let forwards = host.routes.is_some()
                    || self.network.segments.iter().any(|known| known.router == Some(place));
                if forwards {
                    let checks = host.nature.checks_sources;
                    if checks && !self.comes_back(place, source, from) {
                        return;
                    }
                    self.forward(place, from, journey);
                } else if host.nature.refuses_ipv6 && destination.is_ipv6() {
                    self.complain(place, from, &journey, Fault::new(icmpv6::UNREACHABLE, 0));
                }
            }
        }
    }

    /// Whether what is for `source` would leave a host by the way that it came.
    fn comes_back(&self, place: usize, source: IpAddr, from: Way) -> bool {
        match self.network.next(place, source, from) {
            Some(Next::On { segment, .. } | Next::Host { segment, .. }) => {
                Way::Segment(segment) == from
            }
            Some(Next::Line(line)) => Way::Line(line) == from,
            Some(Next::Ends(_)) | None => false,
        }
    }

    fn forward(&mut self, place: usize, from: Way, mut journey: Journey) {
        let Some(packet) = Packet::parse(&journey.bytes) else { return };
        let (source, destination, ttl) = (packet.source, packet.destination, packet.ttl);
        let (length, dont_fragment) = (packet.whole.len(), packet.dont_fragment);
        let (is_ipv6, has_options) = (destination.is_ipv6(), !packet.options.is_empty());
        let next = self.network.next(place, destination, from);
        let tells = self.network.hosts.get(place).is_some_and(|host| host.routes.is_some());
        let unreachable = if is_ipv6 { icmpv6::UNREACHABLE } else { icmp::UNREACHABLE };
        // A router writes the address that it would answer from, and replaces it by the one that it sends on from.
        let mut wrote = false;
        if has_options && let Some(IpAddr::V4(own)) = self.own_towards(place, source, from) {
            (journey.bytes, wrote) = recorded(journey.bytes, own);
        }
        let fault = match next {
            None if tells => Some(Fault::new(unreachable, 0)),
            None | Some(Next::Ends(End::Blackhole)) => return,
            Some(Next::Ends(End::Unreachable)) => Some(Fault::new(unreachable, u8::from(!is_ipv6))),
            Some(Next::Ends(End::Prohibited)) => {
                Some(Fault::new(unreachable, if is_ipv6 { 1 } else { 13 }))
            }
            Some(_) if ttl <= 1 => Some(Fault::expired(is_ipv6)),
            Some(_) => None,
        };
        if let Some(fault) = fault {
            self.complain(place, from, &journey, fault);
            return;
        }
        let (way, by) = match next {
            Some(Next::On { segment, address }) => (Way::Segment(segment), address),
            Some(Next::Host { segment, .. }) => (Way::Segment(segment), destination),
            Some(Next::Line(line)) => (Way::Line(line), destination),
            Some(Next::Ends(_)) | None => return,
        };
        let near = matches!(source, IpAddr::V6(source) if source.is_unicast_link_local());
        if near && way != from {
            // Beyond the scope of its source (RFC 4443, 3.1).
            self.complain(place, from, &journey, Fault::new(icmpv6::UNREACHABLE, 2));
            return;
        }
        let mtu = match way {
            Way::Line(line) => self.network.lines.get(line).map_or(1500, |line| line.mtu),
            Way::Segment(_) => 1500,
        };
        if length > usize::from(mtu) && dont_fragment {
            let [high, low] = mtu.to_be_bytes();
            let argument = [0, 0, high, low];
            let fault = if is_ipv6 {
                Fault { argument, ..Fault::new(icmpv6::TOO_BIG, 0) }
            } else {
                Fault { argument, ..Fault::new(icmp::UNREACHABLE, 4) }
            };
            self.complain(place, from, &journey, fault);
            return;
        }
        if way == from
            && let IpAddr::V4(by) = by
        {
            let redirect = Fault { argument: by.octets(), ..Fault::new(icmp::REDIRECT, 1) };
            self.complain(place, from, &journey, redirect);
        }
        journey.bytes = aged(&journey.bytes);
        if wrote && let Some(IpAddr::V4(own)) = self.network.own_by(place, way, by) {
            journey.bytes = recorded_instead(journey.bytes, own);
        }
        self.go(place, next, journey);
    }

    /// The address from which a host would answer `source`.
    fn own_towards(&self, place: usize, source: IpAddr, from: Way) -> Option<IpAddr> {
        match self.network.next(place, source, from)? {
            Next::On { segment, address } => {
                self.network.own_by(place, Way::Segment(segment), address)
            }
            Next::Host { segment, .. } => self.network.own_by(place, Way::Segment(segment), source),
            Next::Line(line) => self.network.own_by(place, Way::Line(line), source),
            Next::Ends(_) => None,
        }
    }

    /// Lets a host tell whoever sent a packet what is wrong with it.
    fn complain(&mut self, place: usize, from: Way, journey: &Journey, fault: Fault) {
        let Some(packet) = Packet::parse(&journey.bytes) else { return };
        let Some(own) = self.own_towards(place, packet.source, from) else { return };
        let now = self.now;
        let Some(host) = self.network.hosts.get_mut(place) else { return };
        let nature = host.nature.clone();
        if packet.is_error() || nature.hides != Hides::Nothing {
            return;
        }
        // Redirects are not rationed, as in Linux.
        let rationed = fault.kind != icmp::REDIRECT || own.is_ipv6();
        if let Some((each, burst)) = nature.errors.filter(|_| rationed) {
            let errors = &mut host.memory.errors;
            if errors.len() >= MOST_REMEMBERED && !errors.contains_key(&packet.source) {
                errors.clear();
            }
            let full = || Savings::full(each, burst, now);
            if !errors.entry(packet.source).or_insert_with(full).spend(each, burst, now) {
                return;
            }
        }
        let ttl =
            if host.routes.is_some() || nature.refuses_ipv6 { nature.ttl } else { ROUTERS_TTL };
        let bytes = fault.about(&packet, own, ttl, nature.quotes);
        let after = journey.after + nature.latency;
        let error = Journey { bytes, after, repeats: nature.repeats, ..*journey };
        self.emit(place, from, error);
    }

    /// Lets a host send a packet that it made itself, about one that came by `from`.
    pub(super) fn emit(&mut self, place: usize, from: Way, journey: Journey) {
        let Some(packet) = Packet::parse(&journey.bytes) else { return };
        let next = self.network.next(place, packet.destination, from);
        self.go(place, next, Journey { ours: false, ..journey });
    }

    /// Sends a packet its next step.
    fn go(&mut self, place: usize, next: Option<Next>, journey: Journey) {
        match next {
            Some(Next::On { segment, address }) => self.hand(place, segment, address, journey),
            Some(Next::Host { segment, host }) => {
                if !self.loses(place) {
                    self.arrive_at(host, Way::Segment(segment), journey);
                }
            }
            Some(Next::Line(line)) => {
                let bytes = self.translated(place, line, &journey.bytes);
                let bytes = bytes.unwrap_or_else(|| journey.bytes.clone());
                self.cross(line, Journey { bytes, ..journey });
            }
            Some(Next::Ends(_)) | None => {}
        }
    }

    /// Whether what a host sends is lost.
    fn loses(&mut self, place: usize) -> bool {
        let loss = self.network.hosts.get(place).map_or(0, |host| host.nature.loss.from);
        self.chance.happens(loss)
    }

    /// Lets a packet come over a link to a host.
    pub(super) fn arrive_at(&mut self, place: usize, from: Way, journey: Journey) {
        let Some(packet) = Packet::parse(&journey.bytes) else { return };
        let local = self.network.is_local(place, packet.destination) == Some(true);
        let Some(host) = self.network.hosts.get_mut(place) else { return };
        let Passage::Through(delay) = host.pass(false, &mut self.chance) else { return };
        // Only what a host says itself takes its time.
        let after = if local { journey.after + delay } else { journey.after };
        self.receive(place, from, Journey { after, ..journey });
    }

    /// Hands a packet to whoever has `address` on a segment: us, another host, or somebody who is asked for first.
    fn hand(&mut self, place: usize, segment: usize, address: IpAddr, journey: Journey) {
        let Some(host) = self.network.hosts.get(place) else { return };
        let known = host.memory.neighbours.get(&address).copied();
        let interface = self.network.segments.get(segment).and_then(|known| known.interface);
        let ours = interface.and_then(|place| self.network.interfaces.get(place));
        let is_ours = self.network.is_ours(segment, address);
        let mac = known.or_else(|| ours.filter(|_| is_ours).and_then(|ours| ours.mac).map(|m| m.0));
        if let (Some(mac), Some(interface)) = (mac, interface) {
            let Some(own) = host.mac else { return };
            if !self.loses(place) {
                let kind = ethernet_type(&journey.bytes);
                self.hear(interface, own, mac, kind, &journey);
            }
            return;
        }
        if let Some(other) = self.network.by_address.get(&address).copied() {
            if other != place && !self.loses(place) {
                self.arrive_at(other, Way::Segment(segment), journey);
            }
            return;
        }
        let own = self.network.own_by(place, Way::Segment(segment), address);
        if let (Some(IpAddr::V4(own)), IpAddr::V4(target), Some(interface)) =
            (own, address, interface)
        {
            self.ask_for(place, segment, interface, own, target, journey);
        }
    }

    /// A host asks everybody on a link who has `target`, and keeps a packet for it.
    fn ask_for(
        &mut self,
        place: usize,
        segment: usize,
        interface: usize,
        own: Ipv4Addr,
        target: Ipv4Addr,
        journey: Journey,
    ) {
        let now = self.now;
        let Some(host) = self.network.hosts.get_mut(place) else { return };
        let Some(mac) = host.mac else { return };
        let question = Arp {
            operation: arp::REQUEST,
            sender_mac: mac.0,
            sender: own,
            target_mac: [0; 6],
            target,
        };
        let asks = Journey { bytes: question.emit(), repeats: 1, ..journey };
        let waiting = &mut host.memory.waiting;
        if waiting.len() >= MOST_WAITING {
            waiting.pop_front();
        }
        waiting.push_back((target.into(), segment, now, journey));
        if !self.loses(place) {
            self.hear(interface, mac, [0xff; 6], ethernet::ARP, &asks);
        }
    }

    /// A host learns who has `address`, and sends what waited for that.
    pub(super) fn learn(&mut self, place: usize, address: IpAddr, mac: [u8; 6]) {
        let now = self.now;
        let Some(host) = self.network.hosts.get_mut(place) else { return };
        let Memory { neighbours, waiting, .. } = &mut host.memory;
        if neighbours.len() >= MOST_REMEMBERED {
            neighbours.clear();
        }
        neighbours.insert(address, mac);
        let limit = i64::try_from(LONGEST_WAIT.as_nanos()).unwrap_or(i64::MAX);
        waiting.retain(|(_, _, since, _)| now.since(*since) <= limit);
        let (mine, others) = waiting.drain(..).partition(|(target, ..)| *target == address);
        *waiting = others;
        let mine: VecDeque<(IpAddr, usize, Timestamp, Journey)> = mine;
        for (address, segment, _, journey) in mine {
            self.hand(place, segment, address, Journey { after: Duration::ZERO, ..journey });
        }
    }

    /// Queues a frame that comes to our interface.
    pub(super) fn hear(
        &mut self,
        interface: usize,
        source: Mac,
        destination: [u8; 6],
        kind: u16,
        journey: &Journey,
    ) {
        let kind = Kind::Type(kind);
        let payload = &journey.bytes;
        let bytes = Frame { destination, source: source.0, vlan: None, kind, payload }.emit();
        let at = self.now.after(journey.after);
        for _ in 0..journey.repeats {
            self.queue_at(at, Coming::Event(What::Frame { interface, bytes: bytes.clone() }));
        }
    }
}
