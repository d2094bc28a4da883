//! Who hands on to whom: relays and exits told apart, over all that was asked.
//!
//! A relay is a box of the inside that forwards to another box of the inside. It makes no point by forwarding: the exit
//! does, which is where the chain of relays ends.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use super::{
    super::{
        Kind,
        device::{Addresses, Device, Devices, STANDING_IN},
        place::Place,
        question::Question,
        sign::Sign,
    },
    TELLS_OUTSIDE,
    asked::{Asked, Known, Reading, reading},
    overheard::{self, Heard},
};
use crate::{
    observe::{Mac, Observation},
    scope::{Inside, inside::is_nowhere},
};

/// How many relays are followed one behind the other.
const MOST_RELAYS: usize = 8;

/// What forward questions show of every box, and to whom each hands on.
#[derive(Debug, Default)]
pub(in super::super) struct Ways<'o> {
    /// The boxes that were asked and whose answers show something.
    pub(super) boxes: BTreeMap<Device, Asked<'o>>,
    /// What routers were heard to say of packets of others.
    pub(super) heard: BTreeMap<Device, Heard<'o>>,
    /// The boxes that stand in for others.
    pub(super) standing_in: BTreeSet<Device>,
    /// What each box is called where another's reasons name it: its first inside address, or hardware address.
    names: BTreeMap<Device, String>,
    /// For each relay of what goes to the Internet, by version of IP, who is next.
    relays: BTreeMap<(Device, bool), Nexts>,
}

/// Boxes that are handed on to, by the addresses that show them.
pub(super) type Nexts = BTreeMap<IpAddr, Device>;

/// The boxes that each address may be of.
type Owners = BTreeMap<IpAddr, BTreeSet<Device>>;

impl<'o> Ways<'o> {
    /// Reads what was asked and answered.
    pub(in super::super) fn new(
        observations: &'o [Observation],
        devices: &mut Devices,
        inside: &Inside,
    ) -> Self {
        let mut questions: Vec<Question<'o>> =
            observations.iter().filter_map(Question::of).collect();
        questions.sort_by(|a, b| order(a).cmp(&order(b)));
        let mut ways = Self::default();
        let mut beside: BTreeMap<Mac, Device> = BTreeMap::new();
        for question in questions {
            let device = devices.with_mac(question.mac);
            for mac in question.by_mac.into_iter().filter(|mac| !mac.is_zero() && !mac.is_group()) {
                beside.insert(mac, devices.with_mac(mac));
            }
            ways.boxes.entry(device).or_default().add(question);
        }
        ways.heard = overheard::heard(observations, devices, inside);
        if ways.boxes.is_empty() && ways.heard.is_empty() {
            return ways;
        }
        ways.standing_in = standing_in(observations, devices);
        let addresses = devices.addresses();
        for (device, asked) in &mut ways.boxes {
            asked.own.extend(addresses.get(device).into_iter().flat_map(|(ips, _)| ips));
        }
        ways.names =
            addresses.iter().map(|(device, known)| (*device, name(known, inside))).collect();
        let mut owners: Owners = BTreeMap::new();
        for (device, (ips, _)) in &addresses {
            for ip in ips {
                owners.entry(*ip).or_default().insert(*device);
            }
        }
        for (address, device) in ways.outside_addresses(observations, devices, inside) {
            owners.entry(address).or_default().insert(device);
        }
        for (device, asked) in &mut ways.boxes {
            let other = |address: IpAddr| {
                let boxes = owners.get(&address)?;
                let only = boxes.first().filter(|_| boxes.len() == 1)?;
                (only != device).then_some(*only)
            };
            let neighbour = |question: &Question<'_>| {
                let other = question.by_mac.and_then(|mac| beside.get(&mac))?;
                (other != device).then_some(*other)
            };
            let known = Known { inside, elsewhere: &other, beside: &neighbour };
            asked.readings = asked
                .questions
                .iter()
                .map(|question| {
                    reading(question, &asked.own, &known, &mut |ip| devices.with_ip(ip))
                })
                .collect();
        }
        ways.relays = ways.relays(inside);
        ways
    }

    /// The outside addresses that boxes are known to have: they answered for them or from them, wrote them into a route,
    /// or tell them.
    fn outside_addresses(
        &self,
        observations: &[Observation],
        devices: &mut Devices,
        inside: &Inside,
    ) -> Vec<(IpAddr, Device)> {
        let mut known = Vec::new();
        for (device, asked) in &self.boxes {
            let own = asked.questions.iter().filter(|question| !question.borrowed);
            let own = own.flat_map(|question| {
                let shown = [question.answers_from(), question.owns(), own_place(question, inside)];
                shown.into_iter().flatten()
            });
            known.extend(own.filter(|ip| inside.is_outside(*ip)).map(|ip| (ip, *device)));
        }
        for o in observations {
            let Some(speaker) = o.speaker.ip.filter(|ip| inside.contains(*ip)) else { continue };
            let told = TELLS_OUTSIDE.iter().filter_map(|field| o.facts.get(field)?.parse().ok());
            let told: Vec<IpAddr> = told.filter(|ip| inside.is_outside(*ip)).collect();
            if !told.is_empty() {
                let device = devices.with_ip(speaker);
                known.extend(told.into_iter().map(|ip| (ip, device)));
            }
        }
        known
    }

    /// Who hands on what goes to the Internet, and to whom. Where relays hand on to each other in a circle, or in too long
    /// a chain, none of them is told from an exit.
    fn relays(&self, inside: &Inside) -> BTreeMap<(Device, bool), Nexts> {
        let mut next: BTreeMap<(Device, bool), Nexts> = BTreeMap::new();
        for v6 in [false, true] {
            for (device, asked) in &self.boxes {
                let class = asked.class(Place::Internet, v6, inside);
                if class.is_relayed() {
                    let to = class.relays.iter().map(|(_, next)| (next.address, next.device));
                    next.entry((*device, v6)).or_default().extend(to);
                }
            }
        }
        for (device, heard) in &self.heard {
            let asked = self.boxes.get(device);
            let class = asked.map(|asked| asked.class(Place::Internet, false, inside));
            let leaves = class.is_some_and(|class| !class.leaves.is_empty());
            if !leaves && !heard.next.is_empty() && !next.contains_key(&(*device, false)) {
                let to = heard.next.iter().map(|(_, next)| (next.address, next.device));
                next.entry((*device, false)).or_default().extend(to);
            }
        }
        let lead_somewhere = |relay: &(Device, bool)| !ends(&next, relay.0, relay.1).is_empty();
        let relays: BTreeSet<(Device, bool)> =
            next.keys().copied().filter(lead_somewhere).collect();
        next.retain(|relay, _| relays.contains(relay));
        next
    }

    /// The exits that a relay of what goes to the Internet leads to, however many relays lie between; none for a box that
    /// is no relay.
    pub(super) fn exits(&self, relay: Device, v6: bool) -> Nexts {
        ends(&self.relays, relay, v6)
    }

    /// What a box is called in the reasons of another.
    pub(super) fn name(&self, device: Device) -> &str {
        self.names.get(&device).map_or("", String::as_str)
    }

    /// Whether a box hands what goes to the Internet on to another of the inside, and nothing out by itself.
    pub(super) fn is_relay(&self, device: Device) -> bool {
        let leaves = |asked: &Asked<'_>| {
            asked.readings.iter().any(|reading| matches!(reading, Reading::Leaves(_)))
        };
        let relayed = [false, true].into_iter().any(|v6| self.relays.contains_key(&(device, v6)));
        relayed && !self.boxes.get(&device).is_some_and(leaves)
    }

    /// Whether a run of ours asked a box.
    pub(in super::super) fn was_asked(&self, device: Device) -> bool {
        self.boxes.get(&device).is_some_and(|asked| asked.questions.iter().any(Question::is_ours))
    }

    /// The addresses that a box answered from when it was asked from an address of its own network, which is not the
    /// hospital's.
    pub(in super::super) fn in_its_network(&self, device: Device) -> BTreeSet<IpAddr> {
        let questions = self.boxes.get(&device).into_iter().flat_map(|asked| &asked.questions);
        let borrowed = questions.filter(|question| question.borrowed);
        borrowed.filter_map(Question::answers_from).collect()
    }

    /// Whether one of the `signs` about a box is that it leads out.
    pub(in super::super) fn leads_out(&self, device: Device, signs: &[Sign<'_>]) -> bool {
        let out = |sign: &Sign<'_>| {
            sign.weight >= 0.5
                && matches!(
                    sign.kind,
                    Some(Kind::InternetGateway | Kind::ClosedNetworkGateway | Kind::Ipv6Exit)
                )
        };
        !self.is_relay(device) && signs.iter().any(out)
    }

    /// Whether a box answered for itself that it forwards IPv4.
    pub(in super::super) fn forwards(&self, device: Device) -> bool {
        self.boxes.get(&device).is_some_and(Asked::forwards)
    }
}

/// Where the ways end that lead on from `relay`: boxes that are no relays themselves.
fn ends(next: &BTreeMap<(Device, bool), Nexts>, relay: Device, v6: bool) -> Nexts {
    let mut seen = BTreeSet::from([relay]);
    let mut at: Nexts = next.get(&(relay, v6)).cloned().unwrap_or_default();
    let mut ends = Nexts::new();
    for _ in 0..MOST_RELAYS {
        let mut onward = Nexts::new();
        for (address, device) in at {
            if !seen.insert(device) {
                continue;
            }
            match next.get(&(device, v6)) {
                Some(further) => onward.extend(further),
                None => drop(ends.insert(address, device)),
            }
        }
        at = onward;
    }
    ends
}

/// What a box with these addresses is called.
fn name((ips, macs): &Addresses, inside: &Inside) -> String {
    let ip = ips.iter().find(|ip| inside.contains(**ip) && !is_nowhere(**ip)).or(ips.first());
    let mac = macs.first().map(ToString::to_string);
    ip.map(ToString::to_string).or(mac).unwrap_or_default()
}

/// The address that the box wrote into a route where the question left the inside: its own on the way out. The first
/// place is somebody else's where that one also sent the answer.
pub(super) fn own_place(question: &Question<'_>, inside: &Inside) -> Option<IpAddr> {
    let by = question.by.filter(|by| inside.is_outside(*by))?;
    let first = *question.route.first()?;
    (first != by && inside.is_outside(first)).then_some(first)
}

/// An order of questions that is theirs, whatever the order of the observations.
fn order<'q>(question: &'q Question<'_>) -> impl Ord + use<'q> {
    let at = (question.observation.packet, question.mac, question.destination);
    let answer = (question.time_to_live, question.answer, question.by, question.by_mac);
    let told = (question.answer_time_to_live, question.size, question.mtu, question.gateway);
    (at, answer, told, question.source, question.mapped, question.borrowed, &question.route)
}

/// The boxes that say that they stand in for others.
fn standing_in(observations: &[Observation], devices: &mut Devices) -> BTreeSet<Device> {
    let say = |o: &&Observation| STANDING_IN.iter().any(|(protocol, _)| *protocol == o.protocol);
    let mut found = BTreeSet::new();
    for o in observations.iter().filter(say) {
        found.extend(o.speaker.ip.map(|ip| devices.with_ip(ip)));
        found.extend(o.speaker.mac.map(|mac| devices.with_mac(mac)));
    }
    found
}
