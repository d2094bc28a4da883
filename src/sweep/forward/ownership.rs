//! Is this address its own: a packet for it that dies at the neighbour unless the neighbour has it (MECHANISMS M5;
//! RFC 1122, 3.3.4.2). Turns what somebody says about a box into what the box shows.

use std::{collections::BTreeSet, net::IpAddr};

use super::{Case, Mechanism, Question, record_route};
use crate::scope::Tier;

/// One echo for each address that may be the neighbour's own.
pub(super) static MECHANISM: Mechanism = Mechanism {
    name: "ownership",
    finds: "a packet for an address that the neighbour may have, which may go no further: who has the address answers it",
    tier: Tier::Ask,
    source: "RFC 1122, 3.3.4.2; RFC 1812, 5.2.3",
    next,
};

/// How many addresses of one neighbour are tried.
const MOST_CANDIDATES: usize = 8;

fn next(case: &Case<'_>) -> Option<(Question, u32)> {
    let written = case
        .answers(record_route::MECHANISM.name)
        .filter_map(|(_, answer)| answer.route.first().map(|first| IpAddr::V4(*first)));
    let told = case.plan.candidates.get(&case.neighbour.mac).into_iter().flatten().copied();
    let of_our_version = |address: &IpAddr| {
        address.is_ipv4() && case.neighbour.address.is_ipv4()
            || address.is_ipv6() && case.neighbour.link_local.is_some()
    };
    let others: BTreeSet<IpAddr> = written
        .chain(told)
        .filter(|address| !case.neighbour.addresses.contains(address))
        .filter(of_our_version)
        .collect();
    let questions = others.into_iter().take(MOST_CANDIDATES);
    case.first_unasked(MECHANISM.name, questions.map(|address| Question::echo(address, 1)))
}
