//! What PIM tells: a router that routes multicast, and its other addresses on the link.

use super::{Carrier, Facts, Finding, Protocol, Said, Side};
use crate::wire::{
    Result,
    pim::{BOOTSTRAP, Extra, HELLO, Pim},
};

/// PIM version 2.
pub static PROTOCOL: Protocol = Protocol { name: "pim", carriers: &[Carrier::Ip(103)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let pim = Pim::parse(said.bytes)?;
    let kind = match pim.kind {
        HELLO => "hello".to_owned(),
        1 => "register".to_owned(),
        2 => "register_stop".to_owned(),
        3 => "join_prune".to_owned(),
        BOOTSTRAP => "bootstrap".to_owned(),
        5 => "assert".to_owned(),
        8 => "candidate".to_owned(),
        other => other.to_string(),
    };
    let mut facts = Facts::default().with("pim.type", kind);
    for extra in pim.extras() {
        match extra {
            Extra::HoldTime(seconds) => facts.add("pim.hold_time", seconds),
            Extra::Priority(wish) => facts.add("pim.priority", wish),
            Extra::Address(address) => facts.add("pim.address", address),
            Extra::Other(_) => {}
        }
    }
    if let Some(router) = pim.bootstrap_router() {
        facts.add("pim.bootstrap_router", router);
    }
    Ok(Finding::certain(Side::Peer, facts))
}
