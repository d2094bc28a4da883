//! By which address does the outside see it: the inspector's own responder is asked through each gateway (MECHANISMS
//! M13; RFC 8489). Gateways that it sees by one address lead out by one line.

use super::{Case, Mechanism, Question};
use crate::scope::Tier;

/// One question for our own outside address.
pub(super) static MECHANISM: Mechanism = Mechanism {
    name: "responder",
    finds: "the inspector's own responder, asked through each gateway, by which address it sees us",
    tier: Tier::Responder,
    source: "RFC 8489, 14.2",
    next,
};

fn next(case: &Case<'_>) -> Option<(Question, u32)> {
    let responder = case.plan.responder.filter(|to| to.is_ipv4() && case.forwards())?;
    case.first_unasked(MECHANISM.name, [Question::binding(responder)])
}
