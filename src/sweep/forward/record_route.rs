//! By which address does it go out: a packet into which routers write theirs (MECHANISMS M4; RFC 791, 3.1). Only for
//! those that were seen to forward: options are no question to a host.

use super::{Case, Mechanism, Question};
use crate::scope::Tier;

/// One packet with the record-route option for each router that answered behind the neighbour.
pub(super) static MECHANISM: Mechanism = Mechanism {
    name: "record_route",
    finds: "a packet into which the first two routers write the addresses that they send from: the first is the gateway's outside address",
    tier: Tier::FirstRouter,
    source: "RFC 791, 3.1; RFC 7126, 4.6",
    next,
};

/// How many lines of one neighbour are asked about.
const MOST_LINES: usize = 4;

fn next(case: &Case<'_>) -> Option<(Question, u32)> {
    let asked = case.reached().into_iter().take(MOST_LINES);
    case.first_unasked(MECHANISM.name, asked.map(|v4| Question::route(v4.into())))
}
