//! Verdicts about a box from what it was asked: whether it leads out, whither, and which packet shows it.

use std::{collections::BTreeSet, net::IpAddr};

use super::{
    super::{
        Direction, Kind,
        device::Device,
        place::{Place, is_elsewhere, is_internet, knows_ipv6},
        question::{Answer, Question},
        sign::Sign,
    },
    access_lines::AccessLines,
    asked::{Asked, Class, Next, Reading},
    relay::{Ways, own_place},
    sign_of,
};
use crate::{
    observe::{Endpoint, Observation, Transport},
    scope::{Inside, inside::is_nowhere},
};

/// How many destinations one sign names.
const MOST_NAMED: usize = 8;

/// The rule for a question that left the hospital.
pub(in super::super) const EGRESS: &str = "egress";

/// A sign, and the box that it is about.
type Found<'o> = (Device, Sign<'o>);

/// What one box was asked in one version of IP, apart by where the destinations lie.
struct View<'a, 'o> {
    device: Device,
    asked: &'a Asked<'o>,
    v6: bool,
    internet: Class<'a, 'o>,
    closed: Class<'a, 'o>,
    home: Class<'a, 'o>,
    /// It hands on what goes to the Internet.
    relayed: bool,
    /// What it leads to.
    kind: Option<Kind>,
}

/// What all that was asked says about ways out.
pub(super) fn signs<'o>(ways: &Ways<'o>, inside: &Inside) -> Vec<Found<'o>> {
    let mut signs = Vec::new();
    for (device, asked) in &ways.boxes {
        for v6 in [false, true] {
            let view = View::of(*device, asked, v6, ways, inside);
            let found = [view.way(), view.hints(), view.own_addresses(inside), view.line(inside)];
            signs.extend(found.into_iter().flatten().map(|sign| (*device, sign)));
            signs.extend(view.handed_on(ways, inside));
        }
    }
    signs.extend(overheard(ways));
    signs.extend(shared(ways, inside));
    signs
}

impl<'a, 'o> View<'a, 'o> {
    fn of(
        device: Device,
        asked: &'a Asked<'o>,
        v6: bool,
        ways: &Ways<'o>,
        inside: &Inside,
    ) -> Self {
        let class = |place| asked.class(place, v6, inside);
        let (mut internet, closed, home) =
            (class(Place::Internet), class(Place::Closed), class(Place::Inside));
        let relayed = !ways.exits(device, v6).is_empty();
        if relayed || !ways.exits(device, false).is_empty() {
            internet.stay_inside();
        }
        let stands_in = ways.standing_in.contains(&device);
        let kind = kind(&internet, &closed, relayed, stands_in)
            .map(|kind| if v6 { Kind::Ipv6Exit } else { kind });
        Self { device, asked, v6, internet, closed, home, relayed, kind }
    }

    /// The signs of the way itself.
    fn way(&self) -> Vec<Sign<'o>> {
        let Some(kind) = self.kind else { return Vec::new() };
        let mut signs = Vec::new();
        for (question, _) in self.internet.leaves.iter().chain(&self.closed.leaves) {
            signs.push(egress(question, kind));
        }
        if !self.relayed {
            let probed = |question: &&'a Question<'o>| {
                let to = question.destination.to_string();
                let o = question.observation;
                sign_of(o, Some(kind), "forwards_probe", "forward.destination", &to, 0.6)
            };
            signs.extend(self.internet.routes.iter().map(probed));
            signs.extend(self.routes_to(kind));
        }
        let mut leaves = self.internet.leaves.iter().chain(&self.closed.leaves);
        let behind = leaves.find(|(question, _)| !question.ends_at_the_neighbour());
        if let Some((question, _)) = behind.filter(|_| self.asked.hides(self.v6)) {
            let (o, age) = (question.observation, question.time_to_live.to_string());
            signs.push(sign_of(o, None, "hides", "forward.time_to_live", &age, 0.0));
        }
        for question in self.of_version().filter(|question| question.borrowed) {
            let by = question.answers_from().or(question.source).map(|ip| ip.to_string());
            let field =
                if question.answers_from().is_some() { "forward.by" } else { "forward.source" };
            let by = by.unwrap_or_default();
            signs.push(sign_of(question.observation, None, "foreign_prefix", field, &by, 0.0));
        }
        signs
    }

    /// That it has routes to networks of others, and none to the Internet.
    fn routes_to(&self, kind: Kind) -> Option<Sign<'o>> {
        let first = self.closed.routes.first().filter(|_| !self.internet.is_open())?;
        let to: BTreeSet<IpAddr> = self.closed.routes.iter().map(|q| q.destination).collect();
        let to: Vec<String> = to.iter().take(MOST_NAMED).map(ToString::to_string).collect();
        let (o, to) = (first.observation, to.join(", "));
        Some(sign_of(o, Some(kind), "routes_to", "forward.destination", &to, 0.6))
    }

    /// That it forwards, and nobody knows whither. An inside router that leads nowhere else looks like that, too.
    fn hints(&self) -> Vec<Sign<'o>> {
        let homely = self.home.is_open() || !self.home.relays.is_empty();
        if self.v6
            || self.kind.is_some()
            || self.relayed
            || homely
            || !self.closed.relays.is_empty()
        {
            return Vec::new();
        }
        let hint = |question: &&'a Question<'o>, kind, rule| {
            let to = question.destination.to_string();
            sign_of(question.observation, Some(kind), rule, "forward.destination", &to, 0.3)
        };
        let without = self.internet.no_route.iter();
        let without = without.map(|q| hint(q, Kind::MaintenanceRouter, "forwards_without_route"));
        let rejects = self.internet.rejects.iter();
        let rejects = rejects.map(|q| hint(q, Kind::InternetGateway, "forwards_and_rejects"));
        without.chain(rejects).collect()
    }

    /// That the box has an address of another network.
    fn own_addresses(&self, inside: &Inside) -> Vec<Sign<'o>> {
        let owned = self.asked.read().filter(|(_, reading)| *reading == Reading::Owns);
        let owned = owned.filter(|(question, _)| question.destination.is_ipv6() == self.v6);
        owned.filter_map(|(question, _)| self.owns(question, inside)).collect()
    }

    fn owns(&self, question: &Question<'o>, inside: &Inside) -> Option<Sign<'o>> {
        let address = question.destination;
        let outside = inside.is_outside(address);
        if self.v6 && !knows_ipv6(inside) {
            return None;
        }
        let (o, to) = (question.observation, address.to_string());
        if self.kind.is_some() || self.asked.forwards() {
            // A router of the inside may have addresses that nobody gave as the hospital's.
            if !outside || self.relayed && !is_internet(address) {
                return None;
            }
            let kind = self.kind.unwrap_or(Kind::MaintenanceRouter);
            let rule = "owns_outside_address";
            let sign = sign_of(o, Some(kind), rule, "forward.destination", &to, 0.9);
            return Some(Sign { proves: true, outside: Some(address), ..sign });
        }
        // A box of which no address of the hospital's is known has perhaps only this one.
        let at_home =
            self.asked.own.iter().find(|ip| inside.contains(**ip) && !is_nowhere(**ip))?;
        if !is_elsewhere(*at_home, address, inside) {
            return None;
        }
        let weight = if outside { 0.95 } else { 0.45 };
        let kind = Some(Kind::DualHomedHost);
        let sign = sign_of(o, kind, "owns_second_address", "forward.destination", &to, weight);
        let direction = Direction::Both;
        Some(Sign { proves: outside, outside: outside.then_some(address), direction, ..sign })
    }

    /// What the answers tell of the line behind the box.
    fn line(&self, inside: &Inside) -> Vec<Sign<'o>> {
        let Some(kind) = self.kind else { return Vec::new() };
        let mut signs = Vec::new();
        for (question, reading) in self.asked.read() {
            if question.destination.is_ipv6() != self.v6 {
                continue;
            }
            let o = question.observation;
            let place = own_place(question, inside)
                .filter(|_| matches!(reading, Reading::Leaves(_)) && !self.relayed);
            if let Some(place) = place {
                let to = place.to_string();
                let sign = sign_of(o, Some(kind), "record_route", "forward.route", &to, 0.5);
                signs.push(Sign { outside: Some(place), ..sign });
            }
            if let (Answer::TooBig, Reading::Routes, Some(mtu)) =
                (question.answer, reading, question.mtu)
                && !self.relayed
            {
                // A line that is as narrow as few are speaks for a line; any other number tells only itself.
                let particular = AccessLines::built_in().is_particular(mtu);
                let kind = particular.then_some(kind);
                let mtu = mtu.to_string();
                signs.push(sign_of(o, kind, "line_mtu", "forward.mtu", &mtu, 0.35));
            }
            let through = matches!(reading, Reading::Answered | Reading::Leaves(_));
            if let Some(mapped) = question.mapped.filter(|_| through && !self.relayed) {
                let to = mapped.to_string();
                if Some(mapped) == question.source {
                    let rule = "routed_without_nat";
                    signs.push(sign_of(o, Some(kind), rule, "forward.mapped", &to, 0.6));
                } else if inside.is_outside(mapped) {
                    let rule = "mapped_address";
                    let sign = sign_of(o, Some(kind), rule, "forward.mapped", &to, 0.6);
                    signs.push(Sign { outside: Some(mapped), ..sign });
                }
            }
        }
        signs
    }

    /// What a relay shows of whoever it hands on to.
    fn handed_on(&self, ways: &Ways<'o>, inside: &Inside) -> Vec<Found<'o>> {
        let internet = if self.v6 { Kind::Ipv6Exit } else { Kind::InternetGateway };
        let exits = ways.exits(self.device, self.v6);
        let mut signs = Vec::new();
        if let Some((question, _)) = self.internet.relays.first().filter(|_| self.relayed) {
            for (address, device) in &exits {
                let exit = Next { device: *device, address: *address };
                let shows = self.internet.relays.iter().find(|(_, next)| next.device == *device);
                signs.push(relayed_by(
                    shows.map_or(*question, |(q, _)| *q),
                    exit,
                    ways.name(self.device),
                ));
                let own = ways.boxes.get(device);
                let own = own.map(|asked| asked.class(Place::Internet, self.v6, inside));
                let is_told = own.is_some_and(|class| class.is_open());
                signs.extend(shows.filter(|_| !is_told).map(|(q, _)| next_hop(q, exit, internet)));
            }
        }
        if !self.relayed && self.closed.is_relayed() && !self.v6 {
            for (question, exit) in &self.closed.relays {
                signs.push(relayed_by(question, *exit, ways.name(self.device)));
                let own = ways.boxes.get(&exit.device);
                let own = own.map(|asked| asked.class(Place::Closed, false, inside));
                if !own.is_some_and(|class| class.is_open()) {
                    signs.push(next_hop(question, *exit, Kind::ClosedNetworkGateway));
                }
            }
        }
        signs
    }

    fn of_version(&self) -> impl Iterator<Item = &'a Question<'o>> {
        let v6 = self.v6;
        self.asked.questions.iter().filter(move |question| question.destination.is_ipv6() == v6)
    }
}

/// What a box leads to, by what its answers show.
fn kind(
    internet: &Class<'_, '_>,
    closed: &Class<'_, '_>,
    relayed: bool,
    stands_in: bool,
) -> Option<Kind> {
    // A router behind it that knows no way to the Internet is of a network that does not have one.
    let reaches = |question: &Question<'_>| {
        !matches!(question.answer, Answer::NoRoute | Answer::HostUnreachable | Answer::Unreachable)
    };
    let behind = |question: &Question<'_>| question.by.is_some_and(|by| !is_internet(by));
    if internet.leaves.iter().any(|(question, _)| reaches(question)) {
        return Some(Kind::InternetGateway);
    }
    if !internet.leaves.is_empty() {
        return Some(Kind::ClosedNetworkGateway);
    }
    if !relayed && internet.is_open() {
        return Some(Kind::InternetGateway);
    }
    let is_way = !closed.leaves.is_empty() || !relayed && !closed.routes.is_empty();
    let is_network = stands_in || closed.leaves.iter().any(|(question, _)| behind(question));
    let kind = if is_network { Kind::ClosedNetworkGateway } else { Kind::MaintenanceRouter };
    is_way.then_some(kind)
}

/// That a question left the hospital through the box.
fn egress<'o>(question: &Question<'o>, kind: Kind) -> Sign<'o> {
    let (field, value) = match (question.answer, question.by) {
        (Answer::Reply, _) | (_, None) => ("forward.destination", question.destination.to_string()),
        (Answer::BeyondScope, _) => ("forward.answer", "beyond_scope".to_owned()),
        (_, Some(by)) => ("forward.by", by.to_string()),
    };
    let sign = sign_of(question.observation, Some(kind), EGRESS, field, &value, 0.97);
    Sign { proves: true, ..sign }
}

/// That a relay hands on to a box.
fn relayed_by<'o>(question: &Question<'o>, exit: Next, relay: &str) -> Found<'o> {
    let field = shown_in(question);
    let sign = sign_of(question.observation, None, "relayed_by", field, relay, 0.0);
    (exit.device, Sign { about: at(exit.address), ..sign })
}

/// That a box is where the way out lies behind a relay, while nobody asked it.
fn next_hop<'o>(question: &Question<'o>, exit: Next, kind: Kind) -> Found<'o> {
    let (field, address) = (shown_in(question), exit.address.to_string());
    let o = question.observation;
    let sign = sign_of(o, Some(kind), "next_hop_outside", field, &address, 0.6);
    (exit.device, Sign { about: at(exit.address), ..sign })
}

fn shown_in(question: &Question<'_>) -> &'static str {
    match question.answer {
        Answer::Redirect => "forward.gateway",
        Answer::Reply => "forward.mapped",
        _ => "forward.by",
    }
}

/// The end that a box with an address is.
fn at(address: IpAddr) -> Endpoint {
    Endpoint { ip: Some(address), mac: None, port: None, transport: Transport::Ip }
}

/// What routers say of the packets of others, where nobody asked them.
fn overheard<'o>(ways: &Ways<'o>) -> Vec<Found<'o>> {
    let mut signs = Vec::new();
    let named: BTreeSet<Device> =
        ways.boxes.keys().flat_map(|device| ways.exits(*device, false).into_values()).collect();
    for (device, heard) in &ways.heard {
        let exits = ways.exits(*device, false);
        let unasked = !ways.boxes.contains_key(device);
        for (o, next) in heard.next.iter().filter(|(_, next)| exits.contains_key(&next.address)) {
            if !unasked {
                continue;
            }
            let relay = ways.name(*device);
            let sign = |kind, rule, value: &str, weight| {
                let sign = sign_of(o, kind, rule, "icmp.gateway", value, weight);
                (next.device, Sign { about: at(next.address), ..sign })
            };
            signs.push(sign(None, "relayed_by", relay, 0.0));
            if !ways.boxes.contains_key(&next.device) {
                let (kind, address) = (Some(Kind::InternetGateway), next.address.to_string());
                signs.push(sign(kind, "next_hop_outside", &address, 0.6));
            }
        }
        if unasked && exits.is_empty() && !named.contains(device) {
            signs.extend(heard.expired.iter().map(|(o, to)| (*device, expired(o, *to))));
        }
        let leads = unasked && exits.is_empty();
        for (o, mtu) in heard.mtu.iter().filter(|_| leads) {
            let mtu = mtu.to_string();
            signs.push((*device, sign_of(o, None, "line_mtu", "icmp.mtu", &mtu, 0.0)));
        }
    }
    signs
}

/// That a packet for the Internet died at a router: it has a way there, or knows who has.
fn expired(o: &Observation, to: IpAddr) -> Sign<'_> {
    let (kind, to) = (Some(Kind::InternetGateway), to.to_string());
    sign_of(o, kind, "expired_on_the_way", "icmp.quoted_destination", &to, 0.4)
}

/// Boxes that come out of the same address outside, and of which neither is known to hand on to the other.
fn shared<'o>(ways: &Ways<'o>, inside: &Inside) -> Vec<Found<'o>> {
    let mut by_address: std::collections::BTreeMap<IpAddr, Vec<(Device, &Question<'o>)>> =
        std::collections::BTreeMap::new();
    for (device, asked) in &ways.boxes {
        for (question, reading) in asked.read() {
            let through = matches!(reading, Reading::Answered | Reading::Leaves(_))
                && ways.exits(*device, question.destination.is_ipv6()).is_empty();
            let Some(mapped) = question.mapped.filter(|ip| through && inside.is_outside(*ip))
            else {
                continue;
            };
            let boxes = by_address.entry(mapped).or_default();
            if boxes.iter().all(|(known, _)| known != device) {
                boxes.push((*device, question));
            }
        }
    }
    let mut signs = Vec::new();
    for boxes in by_address.into_values().filter(|boxes| boxes.len() > 1) {
        for (device, question) in &boxes {
            let others = boxes.iter().filter(|(other, _)| other != device);
            let mut names: Vec<&str> = others.map(|(other, _)| ways.name(*other)).collect();
            names.sort_unstable();
            names.truncate(MOST_NAMED);
            let (o, names) = (question.observation, names.join(", "));
            signs.push((*device, sign_of(o, None, "shares_line", "forward.mapped", &names, 0.0)));
        }
    }
    signs
}
