//! A question that went to a neighbour's hardware address though its destination may be another's, and what came of it.
//!
//! The reading of observations of protocol `forward`. It says what an answer shows by itself; what it means for the box
//! that was asked is `edge`'s to say.

use std::net::IpAddr;

use super::place::{Place, knows_ipv6};
use crate::{
    observe::{Heard, Mac, Observation},
    scope::{Inside, destination::is_destination, inside::is_nowhere},
};

/// How many places of a route are read: as many as the option has (RFC 791, 3.1).
const MOST_PLACES: usize = 9;

/// The ages that machines give packets they send themselves; whoever forwards one lowers it.
const FRESH: [u8; 4] = [32, 64, 128, 255];

/// What an answer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Answer {
    /// The question's time to live ended here.
    Expired,
    /// There is no route.
    NoRoute,
    /// The host does not answer, or a route rejects it.
    HostUnreachable,
    /// It is forbidden.
    Prohibited,
    /// The question is too long for the next link.
    TooBig,
    /// Somebody else is the nearer way.
    Redirect,
    /// The source address may not go there (IPv6).
    BeyondScope,
    /// It cannot be delivered, for another reason.
    Unreachable,
    /// The destination itself answers.
    Reply,
}

impl Answer {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "expired" => Self::Expired,
            "no_route" => Self::NoRoute,
            "host_unreachable" => Self::HostUnreachable,
            "prohibited" => Self::Prohibited,
            "too_big" => Self::TooBig,
            "redirect" => Self::Redirect,
            "beyond_scope" => Self::BeyondScope,
            "unreachable" => Self::Unreachable,
            "reply" => Self::Reply,
            _ => return None,
        })
    }

    /// Whether it is an error of a router that took the question in and did not send it on.
    const fn ends_the_way(self) -> bool {
        matches!(self, Self::Expired | Self::NoRoute | Self::HostUnreachable | Self::Prohibited)
    }
}

/// A question and its answer.
#[derive(Debug, Clone)]
pub(super) struct Question<'o> {
    /// What was observed.
    pub observation: &'o Observation,
    /// The neighbour that it was sent to.
    pub mac: Mac,
    /// Its destination.
    pub destination: IpAddr,
    /// Its source.
    pub source: Option<IpAddr>,
    /// How many routers might handle it, the neighbour among them.
    pub time_to_live: u8,
    /// What was answered.
    pub answer: Answer,
    /// By whom.
    pub by: Option<IpAddr>,
    /// From which hardware address.
    pub by_mac: Option<Mac>,
    /// How many more routers could have forwarded the answer.
    pub answer_time_to_live: Option<u8>,
    /// How long the question was, in bytes, where it might not be cut.
    pub size: Option<u32>,
    /// The MTU of the next link, in bytes.
    pub mtu: Option<u32>,
    /// The router that a redirect names.
    pub gateway: Option<IpAddr>,
    /// The addresses that routers wrote into it, in their order.
    pub route: Vec<IpAddr>,
    /// The address that it came from, as its destination saw it.
    pub mapped: Option<IpAddr>,
    /// Its source was an address that was borrowed.
    pub borrowed: bool,
}

impl<'o> Question<'o> {
    /// Reads an observation; none if it is about something else, or lacks what a question has.
    pub(super) fn of(observation: &'o Observation) -> Option<Self> {
        if observation.protocol != "forward" {
            return None;
        }
        let facts = &observation.facts;
        let address = |field| facts.get(field).and_then(|text| text.parse::<IpAddr>().ok());
        let number = |field| facts.get(field).and_then(|text| text.parse::<u32>().ok());
        let age = |field| number(field).and_then(|number| u8::try_from(number).ok());
        let route = facts.all("forward.route").take(MOST_PLACES);
        Some(Self {
            observation,
            mac: observation.speaker.mac.filter(|mac| !mac.is_zero() && !mac.is_group())?,
            destination: address("forward.destination").filter(|ip| !is_nowhere(*ip))?,
            source: address("forward.source"),
            time_to_live: age("forward.time_to_live")?,
            answer: Answer::named(facts.get("forward.answer")?)?,
            by: address("forward.by"),
            by_mac: facts.get("forward.by_mac").and_then(|text| text.parse().ok()),
            answer_time_to_live: age("forward.answer_time_to_live"),
            size: number("forward.size"),
            mtu: number("forward.mtu").filter(|mtu| *mtu > 0),
            gateway: address("forward.gateway").filter(|ip| !ip.is_unspecified()),
            route: route.filter_map(|text| text.parse().ok()).collect(),
            mapped: address("forward.mapped").filter(|ip| !is_nowhere(*ip)),
            borrowed: facts.get("forward.borrowed").is_some(),
        })
    }

    /// Whether a run of ours asked it.
    pub(super) fn is_ours(&self) -> bool {
        self.observation.heard == Heard::Replied
    }

    /// Whether it could not go further than the neighbour.
    pub(super) const fn ends_at_the_neighbour(&self) -> bool {
        self.time_to_live <= 1
    }

    /// Whether nobody has forwarded the answer.
    pub(super) fn is_fresh(&self) -> bool {
        self.answer_time_to_live.is_some_and(|left| FRESH.contains(&left))
    }

    /// Whether somebody has.
    pub(super) fn is_aged(&self) -> bool {
        self.answer_time_to_live.is_some() && !self.is_fresh()
    }

    /// Who sent an error though the question could not go further than the neighbour: an address of the neighbour's,
    /// unless somebody forwarded the error.
    pub(super) fn answers_from(&self) -> Option<IpAddr> {
        let own = self.ends_at_the_neighbour() && self.answer.ends_the_way() && !self.is_aged();
        self.by.filter(|by| own && *by != self.destination && !by.is_unspecified())
    }

    /// The destination, if the neighbour itself has that address: it answered a question that could not go further, and
    /// nobody forwarded the answer. No neighbour has an address that everybody's questions go to: one that lets them
    /// through without lowering their time to live answers as if it had.
    pub(super) fn owns(&self) -> Option<IpAddr> {
        let itself = self.answer == Answer::Reply
            && self.ends_at_the_neighbour()
            && self.by == Some(self.destination)
            && self.by_mac.is_none_or(|mac| mac == self.mac || self.is_virtual(mac));
        let own = itself && self.is_fresh() && !is_destination(self.destination);
        own.then_some(self.destination)
    }

    /// Whether the question went to routers that stand in for each other, or the answer came from them.
    fn is_virtual(&self, by: Mac) -> bool {
        self.mac.is_virtual_router() || by.is_virtual_router()
    }
}

/// An address of the Internet that a question shows to be a neighbour's own, so that it tells the box from all others.
/// Private and shared addresses do not: many boxes have the same.
pub(super) fn own_in_the_internet(question: &Question<'_>, inside: &Inside) -> Option<IpAddr> {
    let address = question.owns()?;
    let is_known = address.is_ipv4() || knows_ipv6(inside);
    (is_known && Place::of(address, inside) == Place::Internet).then_some(address)
}
