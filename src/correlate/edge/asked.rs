//! What one box was asked through its hardware addresses, and what each answer shows by itself.

use std::{collections::BTreeSet, net::IpAddr};

use super::super::{
    device::Device,
    place::{Place, is_near},
    question::{Answer, Question},
};
use crate::scope::Inside;

/// How many questions of one box are looked at, the first ones answered.
const MOST_QUESTIONS: usize = 1024;

/// How many bits two addresses of a foreign network agree in, as far as anybody can tell from one of them.
const FOREIGN_NETWORK: u32 = 24;

/// To whom a box hands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Next {
    /// The box.
    pub device: Device,
    /// The address that shows it.
    pub address: IpAddr,
}

/// What one answer shows of the box that was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// It forwards, and has a route to the destination.
    Routes,
    /// It forwards, and has none.
    NoRoute,
    /// It forwards, and rejects what goes there.
    Rejects,
    /// The question left the hospital through it; with the address of the router behind it, where that one answered.
    Leaves(Option<IpAddr>),
    /// Somebody outside answered through it, or through whoever it hands on to.
    Answered,
    /// It hands on to another box of the inside.
    Relays(Next),
    /// The destination is an address of its own.
    Owns,
    /// Nothing about the way.
    Nothing,
}

/// A box that was asked.
#[derive(Debug, Default)]
pub(super) struct Asked<'o> {
    /// The addresses that it is known by, answered from, or has.
    pub own: BTreeSet<IpAddr>,
    /// What it was asked, in the order of the answers.
    pub questions: Vec<Question<'o>>,
    /// What each answer shows, in the same order.
    pub readings: Vec<Reading>,
}

/// The questions whose destinations lie alike, by what their answers show.
#[derive(Debug, Default)]
pub(super) struct Class<'a, 'o> {
    /// It has a route.
    pub routes: Vec<&'a Question<'o>>,
    /// It has none.
    pub no_route: Vec<&'a Question<'o>>,
    /// It rejects.
    pub rejects: Vec<&'a Question<'o>>,
    /// The question left the hospital, with the router behind.
    pub leaves: Vec<(&'a Question<'o>, Option<IpAddr>)>,
    /// Somebody outside answered.
    pub answered: Vec<&'a Question<'o>>,
    /// Another box of the inside is next.
    pub relays: Vec<(&'a Question<'o>, Next)>,
}

impl<'a, 'o> Class<'a, 'o> {
    /// Whether it hands everything of this class on to another box of the inside.
    pub(super) fn is_relayed(&self) -> bool {
        let over_a_link = |(question, _): &(&Question<'_>, _)| is_scope(question);
        !self.relays.is_empty() && self.leaves.iter().all(over_a_link)
    }

    /// Takes back that a question left the hospital where only its scope says so: the link that it may not go over leads to
    /// another router of the inside.
    pub(super) fn stay_inside(&mut self) {
        let (scoped, leaves) = self.leaves.iter().partition(|(question, _)| is_scope(question));
        self.leaves = leaves;
        let scoped: Vec<(&'a Question<'o>, Option<IpAddr>)> = scoped;
        self.routes.extend(scoped.into_iter().map(|(question, _)| question));
    }

    /// Whether a packet may go there through it.
    pub(super) fn is_open(&self) -> bool {
        !(self.routes.is_empty() && self.leaves.is_empty() && self.answered.is_empty())
    }
}

/// Whether an answer is about the scope of the source address.
fn is_scope(question: &Question<'_>) -> bool {
    question.answer == Answer::BeyondScope
}

impl<'o> Asked<'o> {
    /// Adds a question, and the addresses that it shows to be the box's own. Questions come in the order of their
    /// packets.
    pub(super) fn add(&mut self, question: Question<'o>) {
        if self.questions.len() < MOST_QUESTIONS {
            self.own.extend(question.answers_from());
            self.own.extend(question.owns());
            self.questions.push(question);
        }
    }

    /// Questions of one version of IP about destinations in one place.
    pub(super) fn class(&self, place: Place, v6: bool, inside: &Inside) -> Class<'_, 'o> {
        let mut class = Class::default();
        for (question, reading) in self.read() {
            let destination = question.destination;
            if destination.is_ipv6() != v6 || Place::of(destination, inside) != place {
                continue;
            }
            match reading {
                Reading::Routes => class.routes.push(question),
                Reading::NoRoute => class.no_route.push(question),
                Reading::Rejects => class.rejects.push(question),
                Reading::Leaves(next) => class.leaves.push((question, next)),
                Reading::Answered => class.answered.push(question),
                Reading::Relays(next) => class.relays.push((question, next)),
                Reading::Owns | Reading::Nothing => {}
            }
        }
        class
    }

    /// Every question with what its answer shows.
    pub(super) fn read(&self) -> impl Iterator<Item = (&Question<'o>, Reading)> {
        self.questions.iter().zip(self.readings.iter().copied())
    }

    /// Whether it answered for itself that it forwards IPv4. A host that does not forward is silent there; in IPv6 it may
    /// answer that it has no route.
    pub(super) fn forwards(&self) -> bool {
        self.read().any(|(question, reading)| {
            let own = matches!(
                reading,
                Reading::Routes | Reading::NoRoute | Reading::Rejects | Reading::Leaves(_)
            );
            own && question.destination.is_ipv4()
        })
    }

    /// Whether every question of one version of IP was ours, and the box told of none that it ended there.
    pub(super) fn hides(&self, v6: bool) -> bool {
        let told = |q: &Question<'_>| q.ends_at_the_neighbour() && q.answer != Answer::Reply;
        let mut asked = self.questions.iter().filter(|q| q.destination.is_ipv6() == v6);
        asked.all(|question| question.is_ours() && !told(question))
    }
}

/// What is known beyond one box when its answers are read.
pub(super) struct Known<'a> {
    /// What counts as inside.
    pub inside: &'a Inside,
    /// The other box that has an address, if it is the only one.
    pub elsewhere: &'a dyn Fn(IpAddr) -> Option<Device>,
    /// The other box from whose hardware address an answer came, if it is another.
    pub beside: &'a dyn Fn(&Question<'_>) -> Option<Device>,
}

/// What the answer to `question` shows of the box with the addresses `own`; the box of an address that nobody is known
/// by is `at(address)`.
pub(super) fn reading(
    question: &Question<'_>,
    own: &BTreeSet<IpAddr>,
    known: &Known<'_>,
    at: &mut dyn FnMut(IpAddr) -> Device,
) -> Reading {
    let outward = known.inside.is_outside(question.destination);
    let by = question.by;
    let itself = by.is_none_or(|by| own.contains(&by));
    let other = by.filter(|_| !itself);
    match question.answer {
        Answer::Reply if question.owns().is_some() => Reading::Owns,
        Answer::Reply if !outward => Reading::Nothing,
        Answer::Reply => answered(question, own, known),
        // Only who stands on the way can say that another is nearer.
        Answer::Redirect if (known.beside)(question).is_some() => Reading::Nothing,
        Answer::Redirect => match question.gateway {
            Some(next) if !own.contains(&next) && known.inside.contains(next) => {
                let device = (known.elsewhere)(next).unwrap_or_else(|| at(next));
                Reading::Relays(Next { device, address: next })
            }
            _ => Reading::Nothing,
        },
        Answer::BeyondScope => {
            match other.and_then(|by| Some(Next { device: (known.elsewhere)(by)?, address: by })) {
                Some(next) => Reading::Relays(next),
                None if outward => Reading::Leaves(None),
                None => Reading::Routes,
            }
        }
        _ => match other {
            Some(by) if !question.ends_at_the_neighbour() => beyond(question, by, known, at),
            // The box lets pass what it should have ended, and somebody behind it answered.
            Some(by) if outward && question.is_aged() && is_far(question, by, known) => {
                Reading::Leaves(None)
            }
            _ => itself_says(question.answer),
        },
    }
}

/// What an error shows that the box sent itself.
fn itself_says(answer: Answer) -> Reading {
    match answer {
        Answer::Expired | Answer::TooBig => Reading::Routes,
        Answer::NoRoute => Reading::NoRoute,
        Answer::HostUnreachable | Answer::Prohibited => Reading::Rejects,
        _ => Reading::Nothing,
    }
}

/// What a reply of somebody outside shows.
fn answered(question: &Question<'_>, own: &BTreeSet<IpAddr>, known: &Known<'_>) -> Reading {
    // Whose address the question came out from is the exit.
    let exit = question.mapped.filter(|mapped| !own.contains(mapped));
    if let Some(address) = exit
        && let Some(device) = (known.elsewhere)(address)
    {
        return Reading::Relays(Next { device, address });
    }
    match question.time_to_live {
        // It was let through without being aged, and answered by somebody behind.
        0 | 1 if question.is_aged() => Reading::Leaves(None),
        0 | 1 => Reading::Nothing,
        2 => Reading::Leaves(None),
        // From here on the answer may have come through whoever this box hands on to.
        _ => Reading::Answered,
    }
}

/// What an error shows that came from `by`, which is no address of the box, about a question that could go further.
fn beyond(
    question: &Question<'_>,
    by: IpAddr,
    known: &Known<'_>,
    at: &mut dyn FnMut(IpAddr) -> Device,
) -> Reading {
    let next = |device| Reading::Relays(Next { device, address: by });
    let near = question.time_to_live == 2;
    let expired = question.answer == Answer::Expired;
    if let Some(device) = (known.elsewhere)(by) {
        return next(device);
    }
    if !is_far(question, by, known) {
        // Only that its time ended shows that it got there; the rest the box may have said from another address.
        return if expired && near { next(at(by)) } else { Reading::Nothing };
    }
    if question.answer == Answer::TooBig {
        return Reading::Nothing;
    }
    // A router beside the box that answers from its far side was handed the question inside.
    if near
        && question.is_fresh()
        && let Some(device) = (known.beside)(question)
    {
        return next(device);
    }
    match (near, expired) {
        (true, true) => Reading::Leaves(Some(by)),
        // Nobody forwarded it: the box said it from an address of its own that nobody knew.
        (true, false) if question.is_fresh() => itself_says(question.answer),
        (true, false) => Reading::Leaves(None),
        (false, true) => Reading::Routes,
        (false, false) => Reading::Nothing,
    }
}

/// Whether `by` is outside, and not in the network that a borrowed source is of, which is not the hospital's either.
fn is_far(question: &Question<'_>, by: IpAddr, known: &Known<'_>) -> bool {
    let same_network = |source| is_near(source, by, FOREIGN_NETWORK);
    let foreign = question.borrowed && question.source.is_some_and(same_network);
    known.inside.is_outside(by) && !foreign
}
