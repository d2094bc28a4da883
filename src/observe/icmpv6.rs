//! What ICMP of IPv6 tells: which way packets took and where they ended, who asks for listeners.

use super::{
    Carrier, Facts, Finding, Protocol, Said, Side,
    icmp::{QuotedNames, quoted},
};
use crate::wire::{Result, icmpv6::Icmpv6, require};

/// ICMP of IPv6, without neighbour discovery.
pub static PROTOCOL: Protocol = Protocol { name: "icmpv6", carriers: &[Carrier::Ip(58)], read };

const QUOTED: QuotedNames = QuotedNames {
    protocol: "icmpv6.quoted_protocol",
    source: "icmpv6.quoted_source",
    source_port: "icmpv6.quoted_source_port",
    destination: "icmpv6.quoted_destination",
    destination_port: "icmpv6.quoted_destination_port",
};

fn read(said: &Said<'_>) -> Result<Finding> {
    let message = Icmpv6::parse(said.bytes)?;
    require("type", !(133..=137).contains(&message.kind))?;
    let mut facts = Facts::default().with("icmpv6.type", kind(message.kind));
    if let Some(code) = code(message.kind, message.code) {
        facts.add("icmpv6.code", code);
    }
    if let Some(mtu) = message.mtu() {
        facts.add("icmpv6.mtu", mtu);
    }
    if let Some(name) = message.node_name() {
        facts.add_text("icmpv6.node_name", &name);
    }
    if let Some(about) = message.quoted() {
        quoted(&mut facts, &about, &QUOTED);
    }
    let side = match message.kind {
        128 | 130 | 139 | 144 | 146 | 160 => Side::Client,
        129 | 131 | 140 | 143 | 145 | 147 | 161 => Side::Server,
        _ => Side::Peer,
    };
    Ok(Finding::certain(side, facts))
}

fn kind(number: u8) -> String {
    match number {
        1 => "unreachable".into(),
        2 => "too_big".into(),
        3 => "time_exceeded".into(),
        4 => "parameter_problem".into(),
        128 => "echo".into(),
        129 => "echo_reply".into(),
        130 => "listener_query".into(),
        131 | 143 => "listener_report".into(),
        132 => "listener_done".into(),
        139 => "node_query".into(),
        140 => "node_reply".into(),
        151 => "multicast_router_advertisement".into(),
        160 => "extended_echo".into(),
        161 => "extended_echo_reply".into(),
        other => other.to_string(),
    }
}

fn code(kind: u8, code: u8) -> Option<String> {
    Some(match (kind, code) {
        (1, 0) => "no_route".into(),
        (1, 1) => "prohibited".into(),
        (1, 2) => "beyond_scope".into(),
        (1, 3) => "address".into(),
        (1, 4) => "port".into(),
        (1, 5) => "source_policy".into(),
        (1, 6) => "route_rejected".into(),
        (3, 0) => "in_transit".into(),
        (3, 1) => "reassembly".into(),
        (1 | 3 | 4, other) => other.to_string(),
        _ => return None,
    })
}
