//! What ICMP tells: which way packets took and where they ended. Facts are the same for repeated
//! traffic: no identifiers, and no ports from the range that is used once.

use super::{Carrier, Facts, Finding, Protocol, Said, Side};
use crate::wire::{
    Result,
    icmp::{Icmp, MASK_REPLY, Quoted},
};

/// ICMP of IPv4.
pub static PROTOCOL: Protocol = Protocol { name: "icmp", carriers: &[Carrier::Ip(1)], read };

/// Ports from here on are mostly picked for one use (the smallest default of common systems).
const EPHEMERAL: u16 = 32_768;

fn read(said: &Said<'_>) -> Result<Finding> {
    let message = Icmp::parse(said.bytes)?;
    let mut facts = Facts::default().with("icmp.type", kind(message.kind));
    if let Some(code) = code(message.kind, message.code) {
        facts.add("icmp.code", code);
    }
    if let Some(mtu) = message.mtu() {
        facts.add("icmp.mtu", mtu);
    }
    if let Some(gateway) = message.gateway() {
        facts.add("icmp.gateway", gateway);
    }
    for router in message.routers() {
        facts.add("icmp.router", router);
    }
    if message.kind == MASK_REPLY
        && let Some(mask) = message.body.first_chunk::<4>()
    {
        facts.add("icmp.mask", std::net::Ipv4Addr::from(*mask));
    }
    if let Some(about) = message.quoted() {
        let [protocol, source, source_port, destination, destination_port] = [
            "icmp.quoted_protocol",
            "icmp.quoted_source",
            "icmp.quoted_source_port",
            "icmp.quoted_destination",
            "icmp.quoted_destination_port",
        ];
        let names = QuotedNames { protocol, source, source_port, destination, destination_port };
        quoted(&mut facts, &about, &names);
    }
    let side = match message.kind {
        8 | 10 | 13 | 15 | 17 | 42 => Side::Client,
        0 | 14 | 16 | 18 | 43 => Side::Server,
        _ => Side::Peer,
    };
    Ok(Finding::certain(side, facts))
}

/// The fields for what an error quotes.
pub(super) struct QuotedNames {
    pub(super) protocol: &'static str,
    pub(super) source: &'static str,
    pub(super) source_port: &'static str,
    pub(super) destination: &'static str,
    pub(super) destination_port: &'static str,
}

/// Adds what an error quotes.
pub(super) fn quoted(facts: &mut Facts, about: &Quoted, names: &QuotedNames) {
    facts.add(names.protocol, carried(about.protocol));
    facts.add(names.source, about.source);
    facts.add(names.destination, about.destination);
    if let Some((from, to)) = about.ports {
        if from < EPHEMERAL {
            facts.add(names.source_port, from);
        }
        if to < EPHEMERAL {
            facts.add(names.destination_port, to);
        }
    }
}

fn carried(number: u8) -> String {
    match number {
        1 => "icmp".into(),
        4 => "ipip".into(),
        6 => "tcp".into(),
        17 => "udp".into(),
        41 => "6in4".into(),
        47 => "gre".into(),
        50 => "esp".into(),
        51 => "ah".into(),
        58 => "icmpv6".into(),
        97 => "etherip".into(),
        132 => "sctp".into(),
        other => other.to_string(),
    }
}

fn kind(number: u8) -> String {
    match number {
        0 => "echo_reply".into(),
        3 => "unreachable".into(),
        4 => "source_quench".into(),
        5 => "redirect".into(),
        8 => "echo".into(),
        9 => "router_advertisement".into(),
        10 => "router_solicitation".into(),
        11 => "time_exceeded".into(),
        12 => "parameter_problem".into(),
        13 => "timestamp".into(),
        14 => "timestamp_reply".into(),
        17 => "mask".into(),
        18 => "mask_reply".into(),
        42 => "extended_echo".into(),
        43 => "extended_echo_reply".into(),
        other => other.to_string(),
    }
}

fn code(kind: u8, code: u8) -> Option<String> {
    Some(match (kind, code) {
        (3 | 5, 0) => "network".into(),
        (3 | 5, 1) => "host".into(),
        (3, 2) => "protocol".into(),
        (3, 3) => "port".into(),
        (3, 4) => "fragmentation_needed".into(),
        (3, 9) => "network_prohibited".into(),
        (3, 10) => "host_prohibited".into(),
        (3, 13) => "prohibited".into(),
        (11, 0) => "in_transit".into(),
        (11, 1) => "reassembly".into(),
        (3 | 5 | 11 | 12, other) => other.to_string(),
        _ => return None,
    })
}
