//! Who stands in for the outside on this wire: ARP for an address that nobody here can have (RFC 1027). A router that
//! does so takes what hosts without a route would send nowhere, and no table of theirs shows it.

use std::{net::Ipv4Addr, time::Duration};

use super::{Asking, Question, Wire};
use crate::{
    sweep::arp,
    wire::{
        arp::{Arp, REPLY},
        ethernet::{self, Kind},
    },
};

/// How many outside addresses are asked for.
pub(super) const MOST: usize = 2;

/// The question.
pub(super) static QUESTION: Question = Question {
    name: "proxy_arp",
    asks: "asks by ARP who has an outside address; a router that answers in its place routes for whoever believes it",
    source: "RFC 826; RFC 1027",
    patience: Duration::ZERO,
    skips: |wire| wire.address().is_none().then_some("no_address"),
    ask: |wire, asking| {
        let ask = |target| Some(arp::ask(wire.mac, wire.address()?, target));
        targets(wire, asking).filter_map(ask).collect()
    },
    is_answer: |wire, asking, frame| {
        let told = Arp::parse(frame.payload).ok().filter(|arp| arp.operation == REPLY);
        let is_it = |told: Arp| targets(wire, asking).any(|target| target == told.sender);
        frame.kind == Kind::Type(ethernet::ARP) && told.is_some_and(is_it)
    },
};

/// Addresses that are not on this wire.
fn targets<'a>(wire: &'a Wire, asking: &'a Asking<'_>) -> impl Iterator<Item = Ipv4Addr> + 'a {
    let elsewhere = |target: &Ipv4Addr| !wire.networks.iter().any(|own| own.contains(*target));
    asking.plan.destinations.iter().copied().filter(elsewhere).take(MOST)
}
