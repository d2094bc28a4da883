//! Where does it lead: a packet that dies at the router behind the neighbour (MECHANISMS M3). It is sent to every
//! neighbour, for a gateway that hides its own errors is seen by nothing else; at most the carrier's first router
//! sees it.

use std::net::{IpAddr, Ipv4Addr};

use super::{ATTEMPTS, Case, Kind, Mechanism, Question, Settled, first_hop, prefixes, routes};
use crate::scope::{Tier, inside::is_global};

/// An echo for the outside, and, from those that forward, for other networks.
pub(super) static MECHANISM: Mechanism = Mechanism {
    name: "second_hop",
    finds: "a packet for the outside that may go one router beyond the neighbour: who answers there, and that it got there",
    tier: Tier::FirstRouter,
    source: "RFC 792; RFC 1812, 5.2.7 and 5.3.1",
    next,
};

/// How many networks that a router has routes for are followed to the next one.
const MOST_FOLLOWED: usize = 4;

fn next(case: &Case<'_>) -> Option<(Question, u32)> {
    if !case.neighbour.address.is_ipv4() {
        return None;
    }
    let asks = |v4: Ipv4Addr| Question::echo(v4.into(), 2);
    // Where the neighbour had a route for, before where it had none.
    let expired = |mechanism| {
        case.answers(mechanism).filter(|(_, answer)| answer.kind == Kind::Expired).filter_map(
            |(question, _)| match question.destination {
                IpAddr::V4(v4) => Some(v4),
                IpAddr::V6(_) => None,
            },
        )
    };
    let routed: Vec<Ipv4Addr> = expired(first_hop::MECHANISM.name).collect();
    let refused = case.answers(first_hop::MECHANISM.name).next().is_some() && routed.is_empty();
    if !refused {
        let others = case.plan.destinations.iter().filter(|v4| !routed.contains(v4));
        for destination in routed.iter().chain(others) {
            let question = asks(*destination);
            match case.settled(MECHANISM.name, &question) {
                None => return Some((question, ATTEMPTS)),
                Some(Settled::Answered(answer)) if !answer.kind.passed() => {}
                Some(Settled::Answered(_) | Settled::Silent) => break,
            }
        }
    }
    let closed = expired(routes::MECHANISM.name).take(MOST_FOLLOWED).map(asks);
    // A second line is looked for where everything has a route, so that only the next router tells them apart; not
    // behind a relay, whose next router is asked itself.
    let leaves = |(_, answer): (&Question, &super::Answer)| {
        !case.plan.is_inside(answer.by) && is_global(answer.by)
    };
    let goes_on = case.answers(MECHANISM.name).any(leaves) && !routed.is_empty();
    let elsewhere = case.plan.elsewhere.iter().copied().chain(prefixes::second_lines());
    let second = elsewhere.filter(|v4| goes_on && !case.plan.is_inside((*v4).into())).map(asks);
    // Most of these networks are nobody's, and what the next router does not know is silent.
    let second = || Some((case.first_unasked(MECHANISM.name, second)?.0, 1));
    case.first_unasked(MECHANISM.name, closed).or_else(second)
}
