//! The lines behind a box: how many, how wide, whose, and whither.
//!
//! What the answers to one destination show belongs to one line. Two such are one line unless they contradict each other:
//! by the box's own address on the way out, by the next router's network, or by the address that the outside saw.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use super::{
    super::{
        Because, Direction, Kind, Line,
        device::{Device, Devices},
        place::{Place, is_near},
        question::{Answer, Question},
        sign::Sign,
    },
    TELLS_OUTSIDE,
    access_lines::{AccessLines, CLOSED, PPPOE, Reach, Told, UNKNOWN},
    asked::Reading,
    relay::{Ways, own_place},
    sign_of,
};
use crate::{
    observe::{Confidence, Observation, PacketId, Side},
    scope::{Inside, inside::is_global},
};

/// How many lines of one box are told apart.
const MOST_LINES: usize = 8;

/// How many reasons a line keeps.
const MOST_REASONS: usize = 8;

/// How many bits the addresses of two routers of one carrier agree in, at least.
const CARRIER_V4: u32 = 16;
const CARRIER_V6: u32 = 32;

/// How much of a packet of IPv4 the headers of IP and TCP take, in bytes.
const HEADERS: u32 = 40;

/// The longest packet that a frame carries, in bytes.
const FULL: u32 = 1500;

/// A reason: the rule, the field, its value, and what was observed.
type Reason<'o> = (&'static str, &'static str, String, &'o Observation);

/// What is known of one line.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Part<'o> {
    /// The box's own address on it.
    own: Option<IpAddr>,
    /// The address that the outside sees.
    mapped: Option<IpAddr>,
    next_hop: Option<IpAddr>,
    mtu: Option<u32>,
    /// It leads into a network that is not the Internet.
    closed: bool,
    /// It leads into the Internet. Carriers' routers answer for networks that nobody has there, too.
    open: bool,
    /// What else tells its sort.
    told: Option<Told<'static>>,
    reasons: Vec<Reason<'o>>,
}

/// The lines of every box.
#[derive(Debug, Default)]
pub(in super::super) struct Lines<'o>(BTreeMap<Device, Vec<Part<'o>>>);

impl<'o> Lines<'o> {
    /// Finds the lines.
    pub(in super::super) fn new(
        observations: &'o [Observation],
        devices: &mut Devices,
        ways: &Ways<'o>,
        inside: &Inside,
    ) -> Self {
        let mut lines = Self::default();
        for (device, asked) in &ways.boxes {
            for v6 in [false, true] {
                let mut parts: BTreeMap<IpAddr, Part<'o>> = BTreeMap::new();
                let relayed = !ways.exits(*device, v6).is_empty();
                for (question, reading) in asked.read() {
                    let destination = question.destination;
                    let outward = destination.is_ipv6() == v6 && inside.is_outside(destination);
                    if outward && let Some(part) = Part::of(question, reading, relayed, inside) {
                        parts.entry(destination).or_default().take_in(part);
                    }
                }
                let known = lines.0.entry(*device).or_default();
                let first = known.len();
                for part in parts.into_values() {
                    join(known, first, part);
                }
            }
        }
        for (device, heard) in ways.heard.iter().filter(|(device, _)| !ways.is_relay(**device)) {
            let known = lines.0.entry(*device).or_default();
            if let Some((o, mtu)) = heard.mtu.iter().min_by_key(|(_, mtu)| *mtu) {
                narrow(known, *mtu, ("line_mtu", "icmp.mtu", mtu.to_string(), o));
            }
        }
        let tells = |o: &&Observation| {
            matches!(o.protocol, "ethernet" | "ndp" | "pppoe")
                || TELLS_OUTSIDE.iter().any(|field| o.facts.get(field).is_some())
        };
        let mut others: Vec<&Observation> = observations.iter().filter(tells).collect();
        others.sort_by_key(|o| (o.packet, o.speaker, o.protocol));
        for o in others {
            lines.add(o, devices, inside);
        }
        lines.0.retain(|_, lines| !lines.is_empty());
        lines
    }

    /// Adds what an observation of another protocol tells of the lines of whoever said it.
    fn add(&mut self, o: &'o Observation, devices: &mut Devices, inside: &Inside) {
        let mac = o.speaker.mac.filter(|mac| !mac.is_zero() && !mac.is_group());
        match o.protocol {
            "ethernet" => {
                let Some(device) = mac.map(|mac| devices.with_mac(mac)) else { return };
                segments(self.0.entry(device).or_default(), o);
            }
            "ndp" => {
                let Some(device) = mac.map(|mac| devices.with_mac(mac)) else { return };
                let lives = o.facts.get("ndp.lifetime").is_some_and(|seconds| seconds != "0");
                for prefix in o.facts.all("ndp.prefix").filter(|_| lives) {
                    offers(self.0.entry(device).or_default(), prefix, o);
                }
            }
            "pppoe" => {
                let Some(device) = mac.map(|mac| devices.with_mac(mac)) else { return };
                dials(self.0.entry(device).or_default(), o);
            }
            _ => {
                let speaker = o.speaker.ip.filter(|ip| inside.contains(*ip));
                let Some(speaker) = speaker.filter(|_| o.side != Side::Client) else { return };
                let told = TELLS_OUTSIDE.iter().find_map(|field| {
                    let address = o.facts.get(field)?.parse::<IpAddr>().ok()?;
                    inside.is_outside(address).then_some((*field, address))
                });
                if let Some((field, address)) = told {
                    let known = self.0.entry(devices.with_ip(speaker)).or_default();
                    let reason = ("tells_outside_address", field, address.to_string(), o);
                    has(known, address, reason);
                }
            }
        }
    }

    /// The lines of a box, as points tell them.
    pub(in super::super) fn of(
        &self,
        device: Device,
        packet: &dyn Fn(PacketId) -> String,
    ) -> Vec<Line> {
        let mut lines: Vec<Line> =
            self.0.get(&device).into_iter().flatten().map(|part| part.line(packet)).collect();
        lines.sort();
        lines
    }

    /// What a line of mobile telephony makes of a box that leads out.
    pub(in super::super) fn mobile(&self, device: Device) -> Option<Sign<'o>> {
        let list = AccessLines::built_in();
        let part = self.0.get(&device)?.iter().find(|part| {
            part.sort().is_some_and(|told| list.reach(told.kind) == Some(Reach::Mobile))
        })?;
        part.sign(0.8)
    }

    /// The same where all that is known of the line is that its carrier shares addresses, for a box that something else
    /// says to be made for mobile telephony.
    pub(in super::super) fn shared(&self, device: Device) -> Option<Sign<'o>> {
        let shared = |part: &&Part<'o>| {
            let own = [part.own, part.next_hop].into_iter().flatten();
            own.into_iter().any(super::super::place::is_shared)
        };
        self.0.get(&device)?.iter().find(shared)?.sign(0.65)
    }
}

impl<'o> Part<'o> {
    /// What one answer shows of a line.
    fn of(
        question: &Question<'o>,
        reading: Reading,
        relayed: bool,
        inside: &Inside,
    ) -> Option<Self> {
        let o = question.observation;
        let mut part = Self::default();
        let mut because = |rule, field, value: String| part.reasons.push((rule, field, value, o));
        match reading {
            Reading::Leaves(next) => {
                let place = Place::of(question.destination, inside);
                let refused = question.answer == Answer::NoRoute;
                part.closed = place == Place::Closed || refused;
                part.open = place == Place::Internet && !refused;
                if let Some(next) = next {
                    because("egress", "forward.by", next.to_string());
                    part.next_hop = Some(next);
                }
                if let Some(own) = own_place(question, inside) {
                    because("record_route", "forward.route", own.to_string());
                    part.own = Some(own);
                }
                if question.size == Some(FULL) {
                    because("line_mtu", "forward.size", FULL.to_string());
                    part.mtu = Some(FULL);
                }
            }
            Reading::Answered if !relayed => {}
            Reading::Routes if question.answer == Answer::TooBig && !relayed => {
                let mtu = question.mtu?;
                because("line_mtu", "forward.mtu", mtu.to_string());
                part.mtu = Some(mtu);
            }
            _ => return None,
        }
        if let Some(mapped) = question.mapped.filter(|ip| inside.is_outside(*ip)) {
            because("mapped_address", "forward.mapped", mapped.to_string());
            part.mapped = Some(mapped);
        }
        (!part.reasons.is_empty()).then_some(part)
    }

    /// Whether both cannot be one line.
    fn contradicts(&self, other: &Self) -> bool {
        let differ =
            |one: Option<IpAddr>, other: Option<IpAddr>, alike: &dyn Fn(IpAddr, IpAddr) -> bool| {
                one.zip(other).is_some_and(|(one, other)| !alike(one, other))
            };
        if let Some((own, other)) = self.own.zip(other.own) {
            return own != other;
        }
        differ(self.next_hop, other.next_hop, &is_one_carriers)
            || differ(self.mapped, other.mapped, &is_one_carriers)
    }

    /// Takes in what is known of the same line.
    fn take_in(&mut self, other: Self) {
        self.own = self.own.or(other.own);
        self.mapped = self.mapped.or(other.mapped);
        self.next_hop = self.next_hop.or(other.next_hop);
        // The narrowest that was told is the line's.
        self.mtu = [self.mtu, other.mtu].into_iter().flatten().min();
        self.closed |= other.closed;
        self.open |= other.open;
        self.told = self.told.max(other.told);
        self.reasons.extend(other.reasons);
    }

    /// What sort of line it is, by the most particular that tells.
    fn sort(&self) -> Option<Told<'static>> {
        let list = AccessLines::built_in();
        let addresses = [self.own, self.mapped, self.next_hop].into_iter().flatten();
        let network = addresses.filter_map(|address| list.of_address(address));
        let closed = Told { confidence: Confidence::Weak, kind: CLOSED, carrier: None };
        let width = self.mtu.and_then(|mtu| list.of_mtu(mtu));
        let width = width.into_iter().map(|told| (told, 0_u8));
        let closed = (self.closed && !self.open).then_some((closed, 1)).into_iter();
        let told = self.told.into_iter().map(|told| (told, 2));
        let all = width.chain(closed).chain(told).chain(network.map(|told| (told, 3)));
        all.max_by_key(|(told, rank)| (told.confidence, *rank, *told)).map(|(told, _)| told)
    }

    fn line(&self, packet: &dyn Fn(PacketId) -> String) -> Line {
        let sort = self.sort();
        let because: BTreeSet<Because> = self
            .reasons
            .iter()
            .map(|(rule, field, value, o)| Because {
                evidence: (*rule).to_owned(),
                field: (*field).to_owned(),
                value: value.clone(),
                observation: packet(o.packet),
            })
            .collect();
        let mut seen = BTreeSet::new();
        let fresh = |one: &Because| {
            seen.insert((one.evidence.clone(), one.field.clone(), one.value.clone()))
        };
        Line {
            kind: sort.map_or(UNKNOWN, |told| told.kind).to_owned(),
            carrier: sort.and_then(|told| told.carrier).map(str::to_owned),
            mtu: self.mtu,
            outside: self.own.or(self.mapped),
            next_hop: self.next_hop,
            because: because.into_iter().filter(fresh).take(MOST_REASONS).collect(),
        }
    }

    /// That the box is a mobile router, for the reason that tells the line.
    fn sign(&self, weight: f64) -> Option<Sign<'o>> {
        let of_address = |reason: &&Reason<'o>| {
            let address = [self.own, self.mapped, self.next_hop].into_iter().flatten();
            address.into_iter().any(|address| address.to_string() == reason.2)
        };
        let (_, field, value, o) = self.reasons.iter().find(of_address).or(self.reasons.first())?;
        let kind = Some(Kind::MobileRouter);
        let sign = sign_of(o, kind, "mobile_line", field, value, weight);
        Some(Sign { direction: Direction::Out, ..sign })
    }
}

/// Whether two addresses may be one carrier's, of one line.
fn is_one_carriers(one: IpAddr, other: IpAddr) -> bool {
    is_near(one, other, if one.is_ipv4() { CARRIER_V4 } else { CARRIER_V6 })
}

/// Adds a part to the lines from `first` on, as a new one if it contradicts all of them.
fn join<'o>(lines: &mut Vec<Part<'o>>, first: usize, part: Part<'o>) {
    let same = |line: &&mut Part<'o>| line.own.is_some() && line.own == part.own;
    if let Some(line) = lines.iter_mut().skip(first).find(same) {
        return line.take_in(part);
    }
    let room = lines.len() < MOST_LINES;
    match lines.iter_mut().skip(first).find(|line| !line.contradicts(&part)) {
        Some(line) => line.take_in(part),
        None if room => lines.push(part),
        None => {}
    }
}

/// Adds an MTU to the only line, or to the only one whose MTU is not known.
fn narrow<'o>(lines: &mut Vec<Part<'o>>, mtu: u32, reason: Reason<'o>) {
    let part = Part { mtu: Some(mtu), reasons: vec![reason], ..Part::default() };
    add_to_open(lines, part, |line| line.mtu.is_none());
}

/// Adds an address of the box's on a line, where none is known.
fn has<'o>(lines: &mut Vec<Part<'o>>, address: IpAddr, reason: Reason<'o>) {
    let same = |line: &&mut Part<'o>| line.own == Some(address) || line.mapped == Some(address);
    if let Some(line) = lines.iter_mut().find(same) {
        return line.reasons.push(reason);
    }
    let part = Part { mapped: Some(address), reasons: vec![reason], ..Part::default() };
    add_to_open(lines, part, |line| line.own.is_none() && line.mapped.is_none());
}

/// Adds a part to the only line that is open to it; a box without lines gets its first.
fn add_to_open<'o>(lines: &mut Vec<Part<'o>>, part: Part<'o>, is_open: impl Fn(&Part<'o>) -> bool) {
    if lines.is_empty() {
        lines.push(part);
        return;
    }
    let mut open = lines.iter_mut().filter(|line| is_open(line));
    if let (Some(line), None) = (open.next(), open.next()) {
        line.take_in(part);
    }
}

/// What the segments of TCP that pass a gateway tell: how wide its line is, and whether there is more than one.
fn segments<'o>(lines: &mut Vec<Part<'o>>, o: &'o Observation) {
    let widths: BTreeSet<u32> = o
        .facts
        .all("ethernet.mss")
        .filter_map(|text| text.parse::<u32>().ok())
        .map(|size| size.saturating_add(HEADERS))
        .filter(|mtu| *mtu <= FULL)
        .collect();
    let told = |mtu: &u32| {
        let size = mtu.saturating_sub(HEADERS).to_string();
        (*mtu, ("line_segments", "ethernet.mss", size, o))
    };
    let several = o.facts.get("ethernet.lines").and_then(|text| text.parse::<usize>().ok());
    let several = several.unwrap_or_default().min(MOST_LINES);
    // Servers outside may take less than a line does; the longest that passes is the line's. Where that is all that a
    // frame carries, nobody held it down.
    if several < 2 {
        if let Some((mtu, reason)) = widths.last().filter(|mtu| **mtu < FULL).map(told) {
            narrow(lines, mtu, reason);
        }
        return;
    }
    let reason = || ("several_lines", "ethernet.lines", several.to_string(), o);
    while lines.len() < several {
        lines.push(Part::default());
    }
    for line in lines.iter_mut() {
        line.reasons.push(reason());
    }
    if lines.iter().all(|line| line.mtu.is_none()) {
        for (line, (mtu, reason)) in lines.iter_mut().zip(widths.iter().rev().map(told)) {
            line.mtu = Some(mtu);
            line.reasons.push(reason);
        }
    }
}

/// What a prefix tells that a router offers to its link: whose IPv6 it is.
fn offers<'o>(lines: &mut Vec<Part<'o>>, prefix: &str, o: &'o Observation) {
    let address = prefix.split('/').next().and_then(|text| text.parse::<IpAddr>().ok());
    let Some(told) = address
        .filter(|address| is_global(*address))
        .and_then(|address| AccessLines::built_in().of_address(address))
    else {
        return;
    };
    let reason = ("router_advertisement", "ndp.prefix", prefix.to_owned(), o);
    let part = Part { told: Some(told), reasons: vec![reason], ..Part::default() };
    let is_v6 = |line: &&mut Part<'o>| {
        line.told.is_some_and(|known| known == told)
            || line.next_hop.is_some_and(|hop| hop.is_ipv6()) && line.told.is_none()
    };
    let room = lines.len() < MOST_LINES;
    match lines.iter_mut().find(is_v6) {
        Some(line) => line.take_in(part),
        None if room => lines.push(part),
        None => {}
    }
}

/// What PPPoE tells: that the line is dialled, and how its concentrator is called.
fn dials<'o>(lines: &mut Vec<Part<'o>>, o: &'o Observation) {
    let name = o.facts.get("pppoe.concentrator");
    let dialled = Told { confidence: Confidence::Firm, kind: PPPOE, carrier: None };
    let told = name.and_then(|name| AccessLines::built_in().of_concentrator(name));
    let told = told.unwrap_or(dialled);
    let known = name.map(|name| ("pppoe.concentrator", name));
    let Some((field, value)) = known.or_else(|| o.facts.iter().next()) else { return };
    let rule = if o.side == Side::Server { "access_line_offered" } else { "access_line_pppoe" };
    let part = Part {
        told: Some(told),
        reasons: vec![(rule, field, value.to_owned(), o)],
        ..Part::default()
    };
    let is_v4 = |line: &Part<'o>| line.next_hop.is_none_or(|hop| hop.is_ipv4());
    match lines.iter_mut().find(|line| is_v4(line)) {
        // Another name is no more particular than the one before.
        Some(line) if line.reasons.len() < MOST_REASONS => line.take_in(part),
        Some(_) => {}
        None => lines.push(part),
    }
}
