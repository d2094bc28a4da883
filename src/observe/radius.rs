//! What RADIUS tells: the access servers of a site, what they give access to, and who decides. No users.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Carrier, Facts, Finding, Protocol, Said, Side};
use crate::wire::{Reader, Result, radius::Message, require};

/// Authentication and accounting, new and old, and changes (UDP).
const PORTS: &[u16] = &[1812, 1813, 1645, 1646, 3799];

/// RADIUS, on any port: elsewhere than on its own it must show attributes that fill it exactly.
pub static PROTOCOL: Protocol = Protocol { name: "radius", carriers: &[Carrier::Udp(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let message = Message::parse(said.bytes)?;
    let shown = message.attributes.len() >= 2 && message.exact;
    let plain = message.exact || !message.attributes.is_empty();
    require("attributes", shown || (said.on(PORTS) && plain))?;
    let code = match message.code {
        1 => "access-request",
        2 => "access-accept",
        3 => "access-reject",
        4 => "accounting-request",
        5 => "accounting-response",
        11 => "access-challenge",
        12 => "status-server",
        13 => "status-client",
        40 => "disconnect-request",
        43 => "change-request",
        _ => "change-answer",
    };
    let mut facts = Facts::default().with("radius.code", code);
    for (number, value) in &message.attributes {
        attribute(*number, value, &mut facts);
    }
    let side = if message.asks() { Side::Client } else { Side::Server };
    Ok(if shown { Finding::firm(side, facts) } else { Finding::weak(side, facts) })
}

fn attribute(number: u8, value: &[u8], facts: &mut Facts) {
    let number_in = || Reader::new(value).u32("value");
    match number {
        4 | 95 => {
            let address = match (value.first_chunk::<16>(), value.first_chunk::<4>()) {
                (Some(six), _) => IpAddr::from(Ipv6Addr::from(*six)),
                (None, Some(four)) => Ipv4Addr::from(*four).into(),
                (None, None) => return,
            };
            facts.add("radius.nas_address", address);
        }
        32 => facts.add_text("radius.nas_identifier", value),
        30 => facts.add_text("radius.called_station", value),
        6 => {
            if let Ok(kind) = number_in() {
                facts.add("radius.service", kind);
            }
        }
        7 => {
            if let Ok(kind) = number_in() {
                facts.add("radius.framed_protocol", kind);
            }
        }
        61 => {
            if let Ok(kind) = number_in() {
                facts.add("radius.port_kind", kind);
            }
        }
        26 => {
            if let Ok(vendor) = number_in()
                && facts.all("radius.vendor").all(|before| before != vendor.to_string())
            {
                facts.add("radius.vendor", vendor);
            }
        }
        // A tag stands before the number; before a text only when it is small (RFC 2868, 3).
        64 => {
            if let Ok(kind) = number_in() {
                facts.add("radius.tunnel", kind & 0x00ff_ffff);
            }
        }
        66 | 67 => {
            let text = value.strip_prefix(&[0]).unwrap_or(value);
            let text = text.split_first().filter(|(tag, _)| **tag <= 0x1f).map_or(text, |s| s.1);
            let end = if number == 66 { "radius.tunnel_client" } else { "radius.tunnel_server" };
            facts.add_text(end, text);
        }
        79 if facts.get("radius.eap").is_none() => facts.add("radius.eap", "yes"),
        _ => {}
    }
}
