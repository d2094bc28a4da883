//! Does it forward at all: a packet for the outside that dies at the neighbour (MECHANISMS M1; RFC 1812, 5.3.1).
//!
//! Who answers that it has come as far as it may forwards, and has a route. Who answers that there is no route forwards
//! too. Silence says nothing: most hosts are silent, and so are routers that hide.

use super::{ATTEMPTS, Case, Kind, Mechanism, Question, Settled};
use crate::scope::Tier;

/// One echo for the outside; where a router has no route for that, for the next destination.
pub(super) static MECHANISM: Mechanism = Mechanism {
    name: "forward",
    finds: "a packet for the outside that may go no further than the neighbour: who says that it expired there forwards",
    tier: Tier::Ask,
    source: "RFC 792; RFC 1812, 5.2.7.3 and 5.3.1",
    next,
};

fn next(case: &Case<'_>) -> Option<(Question, u32)> {
    if !case.neighbour.address.is_ipv4() {
        return None;
    }
    for destination in &case.plan.destinations {
        let question = Question::echo((*destination).into(), 1);
        match case.settled(MECHANISM.name, &question) {
            None => return Some((question, ATTEMPTS)),
            Some(Settled::Silent) => return None,
            Some(Settled::Answered(answer))
                if matches!(answer.kind, Kind::Expired | Kind::Reply) =>
            {
                return None;
            }
            Some(Settled::Answered(_)) => {}
        }
    }
    None
}
