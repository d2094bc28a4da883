//! What DHCP tells: which servers, routers and name servers a link is given, and what its clients are.

use super::{Carrier, Facts, Finding, Mac, Protocol, Said, Side, facts::text};
use crate::wire::{
    Reader, Result,
    dhcp::{Message, address, addresses, routes},
};

/// Servers, clients, and network starts (UDP).
const PORTS: &[u16] = &[67, 68, 4011];

/// DHCP, on any port: the cookie before its options names it.
pub static PROTOCOL: Protocol = Protocol { name: "dhcp", carriers: &[Carrier::Udp(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let message = Message::parse(said.bytes)?;
    let mut facts = Facts::default();
    let kind = match message.option(53).and_then(|value| value.first()) {
        Some(1) => "discover",
        Some(2) => "offer",
        Some(3) => "request",
        Some(4) => "decline",
        Some(5) => "acknowledge",
        Some(6) => "refuse",
        Some(7) => "release",
        Some(8) => "inform",
        Some(_) => "other",
        None => "bootp",
    };
    facts.add("dhcp.message", kind);
    if let Some(mac) = message.hardware.map(Mac).filter(|mac| !mac.is_zero()) {
        facts.add("dhcp.client_mac", mac);
    }
    for (field, address) in [
        ("dhcp.client", message.client),
        ("dhcp.address", message.yours),
        ("dhcp.next_server", message.next_server),
        ("dhcp.relay", message.relay),
    ] {
        if !address.is_unspecified() {
            facts.add(field, address);
        }
    }
    for (code, value) in &message.options {
        option(*code, value, &mut facts);
    }
    let side = if message.op == 1 { Side::Client } else { Side::Server };
    Ok(Finding::certain(side, facts))
}

fn option(code: u8, value: &[u8], facts: &mut Facts) {
    let mut list = |field| addresses(value).take(16).for_each(|address| facts.add(field, address));
    match code {
        1 => list("dhcp.subnet"),
        3 => list("dhcp.router"),
        6 => list("dhcp.dns"),
        42 => list("dhcp.ntp"),
        44 => list("dhcp.wins"),
        50 => list("dhcp.requested"),
        54 => list("dhcp.server"),
        150 => list("dhcp.boot_server"),
        12 => facts.add_text("dhcp.host_name", value),
        15 => facts.add_text("dhcp.domain", value),
        60 => facts.add_text("dhcp.vendor_class", value),
        66 => facts.add_text("dhcp.boot_server", value),
        // Flags and two codes stand before the name (RFC 4702, 2).
        81 => facts.add_text("dhcp.full_name", value.get(3..).unwrap_or_default()),
        55 => {
            let codes: Vec<String> = value.iter().map(u8::to_string).collect();
            facts.add("dhcp.parameters", codes.join(","));
        }
        82 => relay(value, facts),
        124 | 125 => {
            if let Ok(enterprise) = Reader::new(value).u32("enterprise") {
                facts.add("dhcp.enterprise", enterprise);
            }
        }
        33 => {
            for pair in value.as_chunks::<8>().0.iter().take(16) {
                let (to, via) = pair.split_at(4);
                if let (Ok(to), Ok(via)) = (address(to), address(via)) {
                    facts.add("dhcp.route", format_args!("{to} via {via}"));
                }
            }
        }
        121 | 249 => {
            for route in routes(value).take(32) {
                let told = format!("{}/{} via {}", route.network, route.prefix, route.router);
                // Servers often send both options for the sake of older clients.
                if facts.all("dhcp.route").all(|before| before != told) {
                    facts.add("dhcp.route", told);
                }
            }
        }
        252 => facts.add_text("dhcp.wpad", value),
        _ => {}
    }
}

/// What a relay says of where the client is attached (RFC 3046).
fn relay(value: &[u8], facts: &mut Facts) {
    let mut r = Reader::new(value);
    while let Ok(code) = r.u8("code")
        && let Ok(length) = r.u8("length")
    {
        let value = r.bytes_up_to(length.into());
        let field = match code {
            1 => "dhcp.relay_circuit",
            2 => "dhcp.relay_remote",
            _ => continue,
        };
        if value.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ') {
            facts.add(field, text(value));
        } else {
            facts.add_hex(field, value);
        }
    }
}
