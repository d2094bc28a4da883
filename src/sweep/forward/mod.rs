//! Who forwards to the outside, though nothing of it listens: packets that go to a neighbour's hardware address and are
//! for somebody beyond it, with so small a time to live that they die there, or one router further.
//!
//! A mechanism is a plain function from what was heard of a neighbour to the next question ([`Mechanism::next`]), so
//! that adding one is a file here and a line in [`ALL`]. [`engine`] asks them: many neighbours at a time, one question
//! of each, no more than one a second. Answers are known by the packet that they quote, never by who sends them: the
//! answer to a question through a relay comes from the router behind it.
//!
//! Nothing is concluded here but what to ask next. What was heard is in the recording.

mod answer;
mod engine;
mod first_hop;
mod line_mtu;
mod link_local;
mod ownership;
mod past;
mod prefixes;
mod question;
mod record_route;
mod responder;
mod routes;
mod second_hop;
mod tally;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use ipnetwork::IpNetwork;

pub use answer::{Answer, Kind};
pub use engine::{Outcome, ask};
pub use past::Past;
pub use question::{Carries, Question};
pub use tally::unseen;

use super::Host;
use crate::{
    observe::Mac,
    scope::{Blocks, Consent, Tier},
};

/// How long one neighbour is left alone between two questions, at least: systems tell no more than one error a second
/// to one address (Linux, `icmp_ratelimit`).
const INTERVAL: Duration = Duration::from_secs(1);

/// How long it is left alone after it refused a packet for want of a way, at least: Linux takes such an error twice from
/// the same allowance (`ip_error` and `icmp_ratelimit`), so that with one question a second all but the first few would
/// be met by silence (measured on Linux 6.18).
const AFTER_REFUSAL: Duration = Duration::from_secs(2);

/// How long an answer is waited for before a question is asked again, at least.
const PATIENCE: Duration = Duration::from_secs(2);

/// How often a question is asked at most, where silence is no answer.
const ATTEMPTS: u32 = 3;

/// One way to find out whether and where to a neighbour forwards.
pub struct Mechanism {
    /// Its name, unique, in snake case: recordings, the ledger and coverage show it.
    pub name: &'static str,
    /// What an answer tells, in one sentence without a full stop.
    pub finds: &'static str,
    /// The lowest tier at which it asks anything.
    pub tier: Tier,
    /// Where its packets and readings come from.
    pub source: &'static str,
    /// The next question to a neighbour, and how often it is asked at most; none when there is nothing more to ask it
    /// in this way.
    pub next: fn(&Case<'_>) -> Option<(Question, u32)>,
}

/// Every mechanism, in the order in which a neighbour is asked.
pub static ALL: &[&Mechanism] = &[
    &first_hop::MECHANISM,
    &routes::MECHANISM,
    &link_local::MECHANISM,
    &second_hop::MECHANISM,
    &record_route::MECHANISM,
    &line_mtu::MECHANISM,
    &ownership::MECHANISM,
    &responder::MECHANISM,
];

/// Somebody on one of our wires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Neighbour {
    /// The place of our interface.
    pub interface: usize,
    /// Its hardware address.
    pub mac: Mac,
    /// The address in the scope by which it is known: consent and pace go by it.
    pub address: IpAddr,
    /// Every address that it is known by.
    pub addresses: BTreeSet<IpAddr>,
    /// Its link-local address, where it answered by it.
    pub link_local: Option<Ipv6Addr>,
}

/// What is to be asked of all neighbours.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// How far packets may go.
    pub tier: Option<Tier>,
    /// Outside addresses that questions are for, the best first.
    pub destinations: Vec<Ipv4Addr>,
    /// The same in IPv6.
    pub destinations_v6: Vec<Ipv6Addr>,
    /// Addresses in networks of others that were heard of, or that the facility names: they are looked for first.
    pub elsewhere: Vec<Ipv4Addr>,
    /// What counts as the hospital's own, where no route is looked for.
    pub inside: Vec<IpNetwork>,
    /// Addresses that may be a neighbour's own, by its hardware address.
    pub candidates: BTreeMap<Mac, BTreeSet<IpAddr>>,
    /// The inspector's own responder.
    pub responder: Option<SocketAddr>,
    /// How long a neighbour is left alone between two questions; never less than [`INTERVAL`].
    pub interval: Duration,
    /// Names of mechanisms that are not used.
    pub without: BTreeSet<String>,
    /// What marks of questions are computed from.
    pub seed: u64,
}

/// What came of one question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// Nothing came, so nothing is known.
    Silent,
    /// It was answered.
    Answered(Answer),
}

/// A question that is settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// The mechanism's name.
    pub mechanism: &'static str,
    /// What was asked.
    pub question: Question,
    /// How often.
    pub attempts: u32,
    /// What came of it.
    pub settled: Settled,
}

/// A neighbour, and what is known of it so far.
#[derive(Clone, Copy)]
pub struct Case<'a> {
    /// Whom it is about.
    pub neighbour: &'a Neighbour,
    /// What is to be found out.
    pub plan: &'a Plan,
    /// What was settled, in order.
    pub heard: &'a [Heard],
}

/// Who is on our wires, of `hosts` that answered there. Of several addresses of one of them it is known by the first
/// in the scope; those that have none there are known by their link-local ones.
pub fn neighbours(hosts: &[Host], scope: &Blocks) -> Vec<Neighbour> {
    let mut all: BTreeMap<(usize, Mac), Neighbour> = BTreeMap::new();
    for host in hosts {
        let (Some(interface), Some(mac)) = (host.interface, host.mac) else { continue };
        let link_local = match host.address {
            IpAddr::V6(v6) if v6.is_unicast_link_local() => Some(v6),
            _ => None,
        };
        if link_local.is_none() && !scope.contains(host.address) {
            continue;
        }
        let known = all.entry((interface, mac)).or_insert_with(|| Neighbour {
            interface,
            mac,
            address: host.address,
            addresses: BTreeSet::new(),
            link_local: None,
        });
        known.addresses.insert(host.address);
        known.link_local = known.link_local.or(link_local);
        // IPv4 comes first in the order of addresses.
        known.address = known.address.min(host.address);
    }
    all.into_values().collect()
}

impl Mechanism {
    /// The mechanism of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        ALL.iter().find(|known| known.name == name).copied()
    }
}

impl Plan {
    /// The plan that `consent` allows, at the usual destinations or at its responder.
    pub fn of(consent: &Consent, seed: u64) -> Self {
        let responder = consent.responder;
        let (mut destinations, mut destinations_v6) = (Vec::new(), Vec::new());
        match responder.map(|responder| responder.ip()) {
            Some(IpAddr::V4(v4)) => destinations.push(v4),
            Some(IpAddr::V6(v6)) => destinations_v6.push(v6),
            None => {}
        }
        destinations.extend(crate::scope::destination::DESTINATIONS_V4);
        destinations_v6.extend(crate::scope::destination::DESTINATIONS_V6);
        Self {
            tier: Some(consent.tier),
            destinations,
            destinations_v6,
            responder: responder.filter(|_| consent.tier >= Tier::Responder),
            interval: consent.pace.gateway_interval,
            seed,
            ..Self::default()
        }
    }

    /// Whether a mechanism asks at all: it is wanted, and the tier allows it.
    pub fn uses(&self, mechanism: &Mechanism) -> bool {
        self.allows(mechanism.tier) && !self.without.contains(mechanism.name)
    }

    /// How many packets a neighbour is sent at most that answers none of them.
    pub fn packets(&self) -> u64 {
        let hops_v6 = if self.allows(Tier::FirstRouter) { 2 } else { 1 };
        let asked = [
            (&first_hop::MECHANISM, 1),
            (&second_hop::MECHANISM, 1),
            (&link_local::MECHANISM, hops_v6),
        ];
        let questions = asked.into_iter().filter(|(way, _)| self.uses(way)).map(|(_, count)| count);
        questions.sum::<u64>() * u64::from(ATTEMPTS)
    }

    fn allows(&self, tier: Tier) -> bool {
        self.tier.is_some_and(|most| tier <= most)
    }

    fn is_inside(&self, address: IpAddr) -> bool {
        self.inside.iter().any(|prefix| prefix.contains(address))
    }
}

impl Heard {
    /// Whether it shows that whoever was asked forwards IPv4.
    pub fn forwards(&self) -> bool {
        let asks = [first_hop::MECHANISM.name, second_hop::MECHANISM.name];
        asks.contains(&self.mechanism) && self.settled != Settled::Silent
    }
}

impl<'a> Case<'a> {
    /// What a mechanism heard.
    fn of(self, mechanism: &'static str) -> impl Iterator<Item = &'a Heard> {
        self.heard.iter().filter(move |heard| heard.mechanism == mechanism)
    }

    /// What came of a question of a mechanism, if it was asked.
    fn settled(self, mechanism: &'static str, question: &Question) -> Option<&'a Settled> {
        self.of(mechanism).find(|heard| heard.question == *question).map(|heard| &heard.settled)
    }

    /// The first of `questions` that a mechanism has not asked.
    fn first_unasked(
        self,
        mechanism: &'static str,
        questions: impl IntoIterator<Item = Question>,
    ) -> Option<(Question, u32)> {
        let open = |question: &Question| self.settled(mechanism, question).is_none();
        questions.into_iter().find(open).map(|question| (question, ATTEMPTS))
    }

    /// The answers that a mechanism heard, with what was asked.
    fn answers(self, mechanism: &'static str) -> impl Iterator<Item = (&'a Question, &'a Answer)> {
        self.of(mechanism).filter_map(|heard| match &heard.settled {
            Settled::Answered(answer) => Some((&heard.question, answer)),
            Settled::Silent => None,
        })
    }

    /// Whether anything shows that it forwards IPv4.
    fn forwards(self) -> bool {
        self.heard.iter().any(Heard::forwards)
    }

    /// Outside destinations that packets got to the second router for, one for each router that answered there.
    fn reached(self) -> Vec<Ipv4Addr> {
        let mut routers = BTreeSet::new();
        let goes_on = |(question, answer): (&Question, &Answer)| {
            let IpAddr::V4(destination) = question.destination else { return None };
            (answer.kind.passed() && routers.insert(answer.by)).then_some(destination)
        };
        self.answers(second_hop::MECHANISM.name).filter_map(goes_on).collect()
    }
}

#[cfg(test)]
mod tests;
