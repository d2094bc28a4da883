//! What line is it: the largest packet that it takes (MECHANISMS M8; RFC 1191). Where that is smaller than ours, the
//! gateway says so itself and nothing leaves.

use super::{ATTEMPTS, Case, Kind, Mechanism, Question, Settled};
use crate::scope::Tier;

/// One packet as large as Ethernet takes; smaller ones where the router does not say what its line takes.
pub(super) static MECHANISM: Mechanism = Mechanism {
    name: "line_mtu",
    finds: "a packet as large as the wire takes that nobody may cut, for two routers: a gateway on a narrower line says how narrow",
    tier: Tier::FirstRouter,
    source: "RFC 1191, 3 and 4",
    next,
};

/// Sizes of packets, in bytes: as large as Ethernet takes, then what lines usually take, for routers from before RFC 1191
/// that do not say (RFC 1191, 7.1, and what access lines take today).
const SIZES: [u16; 7] = [1500, 1492, 1480, 1454, 1438, 1400, 1280];

fn next(case: &Case<'_>) -> Option<(Question, u32)> {
    for destination in case.reached() {
        for size in SIZES {
            let question = Question::whole(destination.into(), size);
            match case.settled(MECHANISM.name, &question) {
                None => return Some((question, ATTEMPTS)),
                Some(Settled::Answered(answer))
                    if answer.kind == Kind::TooBig && answer.mtu.unwrap_or_default() == 0 => {}
                Some(Settled::Answered(_) | Settled::Silent) => break,
            }
        }
    }
    None
}
