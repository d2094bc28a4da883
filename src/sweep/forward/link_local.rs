//! Does it forward IPv6: the same two questions from a link-local address (MECHANISMS M7; RFC 4443, 3.1 and 3.3). Works
//! across IPv4 prefixes, so that a router of another prefix on this wire shows here; and needs no address of the
//! neighbour's.

use std::net::IpAddr;

use super::{Case, Mechanism, Question};
use crate::scope::Tier;

/// One echo that dies at the neighbour; and one that may go further, which a router does not let out of the link.
pub(super) static MECHANISM: Mechanism = Mechanism {
    name: "forward_v6",
    finds: "packets of IPv6 for the outside that may go no further than the neighbour, or one router: who says that they expired, or may not leave the link, forwards",
    tier: Tier::Ask,
    source: "RFC 4443, 3.1 and 3.3; RFC 4007, 9",
    next,
};

fn next(case: &Case<'_>) -> Option<(Question, u32)> {
    let destination = IpAddr::V6(*case.plan.destinations_v6.first()?);
    let questions = [1, 2].map(|hops| Question::echo(destination, hops));
    let allowed = questions.into_iter().filter(|question| case.plan.allows(question.tier));
    case.first_unasked(MECHANISM.name, allowed)
}
