//! Where to does it forward: a router without a route for the Internet is asked for one network after the other
//! (MECHANISMS M2). A maintenance router that only knows its vendor's network is found by this alone.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr},
};

use super::{Case, Kind, Mechanism, Question, Settled, first_hop, prefixes};
use crate::scope::Tier;

/// One echo for each network that a closed line may lead to.
pub(super) static MECHANISM: Mechanism = Mechanism {
    name: "routes",
    finds: "packets for one private network after the other that may go no further than a router that has no way to the Internet: for which it has one",
    tier: Tier::Ask,
    source: "RFC 792; RFC 1812, 5.2.7.1; RFC 1918",
    next,
};

/// How often a network is asked about: silence is an answer here, too (a route that leads nowhere).
const MOST_ATTEMPTS: u32 = 2;

/// After so much silence in a row about one block of networks the rest of it is left.
const MOST_SILENCE: usize = 6;

fn next(case: &Case<'_>) -> Option<(Question, u32)> {
    let mut answers = case.answers(first_hop::MECHANISM.name).peekable();
    let (_, first) = answers.peek()?;
    // Who acts for a virtual router is asked by its own hardware address.
    if case.neighbour.mac.is_virtual_router() && !case.neighbour.addresses.contains(&first.by) {
        return None;
    }
    if answers.any(|(_, answer)| matches!(answer.kind, Kind::Expired | Kind::Reply)) {
        return None;
    }
    let mut asked = BTreeSet::new();
    // How many of each block were silent since the last that was not.
    let mut silence: BTreeMap<usize, usize> = BTreeMap::new();
    for heard in case.of(MECHANISM.name) {
        let IpAddr::V4(v4) = heard.question.destination else { continue };
        asked.insert(v4);
        let silent = silence.entry(prefixes::block_of(v4)).or_default();
        *silent = if heard.settled == Settled::Silent { *silent + 1 } else { 0 };
    }
    let is_left = |v4: Ipv4Addr| {
        silence.get(&prefixes::block_of(v4)).is_some_and(|silent| *silent >= MOST_SILENCE)
    };
    let elsewhere = case.plan.elsewhere.iter().copied();
    let candidates = elsewhere.chain(prefixes::representatives());
    let mut open = candidates
        .filter(|v4| !asked.contains(v4) && !is_left(*v4) && !case.plan.is_inside((*v4).into()));
    let destination = open.next()?;
    Some((Question::echo(destination.into(), 1), MOST_ATTEMPTS))
}
