//! What DHCPv6 tells: prefixes and name servers given to a link, tunnels of the line behind it, and who asks.

use std::net::Ipv6Addr;

use super::{Carrier, Facts, Finding, Mac, Protocol, Said, Side, facts::text};
use crate::wire::{
    Reader, Result,
    dhcpv6::{Identity, Message, addresses, names, options},
};

/// Clients, and servers and relays (UDP).
const PORTS: &[u16] = &[546, 547];

/// How deep options lie in options: an association, its prefix, and what is said of that.
const DEEPEST: usize = 3;

/// DHCPv6, on its own ports: its form is shared by too many.
pub static PROTOCOL: Protocol =
    Protocol { name: "dhcpv6", carriers: &[Carrier::UdpOnly(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let message = Message::parse(said.bytes)?;
    let mut facts = Facts::default();
    let kind = match message.kind {
        1 => "solicit",
        2 => "advertise",
        3 => "request",
        4 => "confirm",
        5 => "renew",
        6 => "rebind",
        7 => "reply",
        8 => "release",
        9 => "decline",
        10 => "reconfigure",
        11 => "information-request",
        _ => "other",
    };
    facts.add("dhcpv6.message", kind);
    if let Some(link) = message.relay_link.filter(|link| !link.is_unspecified()) {
        facts.add("dhcpv6.relay_link", link);
    }
    if let Some(peer) = message.relay_peer {
        facts.add("dhcpv6.relay_peer", peer);
    }
    for option in &message.options {
        told(option.code, option.value, DEEPEST, &mut facts);
    }
    let side = if matches!(message.kind, 2 | 7 | 10) { Side::Server } else { Side::Client };
    // Every message but some questions says who speaks.
    let named = message.options.iter().any(|option| matches!(option.code, 1 | 2));
    Ok(if message.exact && (named || message.kind == 11) {
        Finding::firm(side, facts)
    } else {
        Finding::weak(side, facts)
    })
}

fn told(code: u16, value: &[u8], depth: usize, facts: &mut Facts) {
    match code {
        1 => identity(value, ["dhcpv6.client", "dhcpv6.client_mac"], facts),
        2 => identity(value, ["dhcpv6.server", "dhcpv6.server_mac"], facts),
        // Associations for addresses and for prefixes: options follow behind times and numbers.
        3 | 25 => inside(value.get(12..), depth, facts),
        4 => inside(value.get(4..), depth, facts),
        5 => {
            if let Some(address) = value.first_chunk::<16>() {
                facts.add("dhcpv6.address", Ipv6Addr::from(*address));
            }
        }
        26 => {
            if let Some(([_, _, _, _, _, _, _, _, length], rest)) = value.split_first_chunk::<9>()
                && let Some(prefix) = rest.first_chunk::<16>()
            {
                facts.add("dhcpv6.prefix", format_args!("{}/{length}", Ipv6Addr::from(*prefix)));
            }
        }
        16 => class(value, facts),
        17 => {
            if let Ok(enterprise) = Reader::new(value).u32("enterprise") {
                facts.add("dhcpv6.enterprise", enterprise);
            }
        }
        22 => addresses(value).for_each(|address| facts.add("dhcpv6.sip", address)),
        23 => addresses(value).for_each(|address| facts.add("dhcpv6.dns", address)),
        31 => addresses(value).for_each(|address| facts.add("dhcpv6.ntp", address)),
        24 => names(value).iter().for_each(|name| facts.add_text("dhcpv6.domain", name)),
        // A flag stands before the name (RFC 4704).
        39 => names(value.get(1..).unwrap_or_default())
            .iter()
            .for_each(|name| facts.add_text("dhcpv6.host_name", name)),
        59 => facts.add_text("dhcpv6.boot_file", value),
        // How IPv4 crosses the line: DS-Lite names its far end (RFC 6334), the others carry rules (RFC 7598).
        64 => names(value).iter().for_each(|name| facts.add_text("dhcpv6.aftr", name)),
        94 => facts.add("dhcpv6.softwire", "map-e"),
        95 => facts.add("dhcpv6.softwire", "map-t"),
        96 => facts.add("dhcpv6.softwire", "lw4o6"),
        _ => {}
    }
}

fn inside(value: Option<&[u8]>, depth: usize, facts: &mut Facts) {
    if depth > 0 {
        for option in options(value.unwrap_or_default()) {
            told(option.code, option.value, depth - 1, facts);
        }
    }
}

fn identity(value: &[u8], [whole, hardware]: [&'static str; 2], facts: &mut Facts) {
    facts.add_hex(whole, value);
    match Identity::parse(value) {
        Ok(Identity::Hardware(mac)) => facts.add(hardware, Mac(mac)),
        Ok(Identity::Enterprise(enterprise)) => facts.add("dhcpv6.enterprise", enterprise),
        _ => {}
    }
}

/// A vendor class: an enterprise number, then texts (RFC 8415, 21.16).
fn class(value: &[u8], facts: &mut Facts) {
    let mut r = Reader::new(value);
    let Ok(enterprise) = r.u32("enterprise") else { return };
    facts.add("dhcpv6.enterprise", enterprise);
    while let Ok(length) = r.u16("length") {
        let class = r.bytes_up_to(length.into());
        if !text(class).is_empty() {
            facts.add("dhcpv6.vendor_class", text(class));
        }
    }
}
