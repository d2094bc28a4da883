//! What `BACnet` tells: the devices of building control, who made them, and where they are joined to others.

use super::{Carrier, Facts, Finding, Protocol, Said, Side};
use crate::wire::{
    Result,
    bacnet::{Body, Message},
    require,
};

/// Where devices listen (UDP).
const PORTS: &[u16] = &[47808];

/// `BACnet` over IP, on any port: its kind, exact length and version name it.
pub static PROTOCOL: Protocol = Protocol { name: "bacnet", carriers: &[Carrier::Udp(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let message = Message::parse(said.bytes)?;
    require("length", message.exact || said.on(PORTS))?;
    let mut facts = Facts::default();
    let link = match message.link {
        0 => "result",
        1 | 2 => "broadcast-table",
        3 => "broadcast-table-answer",
        4 => "forwarded",
        5 => "register-foreign-device",
        6..=8 => "foreign-device-table",
        9 => "distribute",
        10 => "to-one",
        11 => "to-all",
        _ => "secured",
    };
    facts.add("bacnet.link", link);
    if let Some(origin) = message.origin {
        facts.add("bacnet.origin", origin.ip());
    }
    if let Some(network) = message.network {
        facts.add("bacnet.network", network);
    }
    let side = match message.body {
        Body::Link if message.link == 0 || message.link == 3 => Side::Server,
        Body::Link => Side::Client,
        Body::Network(number) => {
            let name = match number {
                0 => "who-is-router",
                1 => "i-am-router",
                2 => "i-could-be-router",
                3 => "reject",
                other => &other.to_string(),
            };
            facts.add("bacnet.network_message", name);
            Side::Peer
        }
        Body::Application { kind, service, device } => {
            facts.add("bacnet.service", named(kind, service));
            if let Some(device) = device {
                facts.add("bacnet.device", device.instance);
                facts.add("bacnet.vendor", device.vendor);
            }
            match kind {
                0 => Side::Client,
                1 if service == 8 || service == 7 => Side::Client,
                1 => Side::Peer,
                _ => Side::Server,
            }
        }
    };
    // The link layer alone is four bytes long.
    let shown = message.exact && (message.body != Body::Link || said.on(PORTS));
    Ok(if shown { Finding::firm(side, facts) } else { Finding::weak(side, facts) })
}

/// A service's name, or its number.
fn named(kind: u8, service: u8) -> String {
    let name = match (kind, service) {
        (1, 0) => "i-am",
        (1, 1) => "i-have",
        (1, 2) => "value-changed",
        (1, 3) => "event",
        (1, 6) => "synchronise-time",
        (1, 7) => "who-has",
        (1, 8) => "who-is",
        (0 | 2 | 3, 5) => "subscribe",
        (0 | 2 | 3, 12) => "read-property",
        (0 | 2 | 3, 14) => "read-properties",
        (0 | 2 | 3, 15) => "write-property",
        (0 | 2 | 3, 16) => "write-properties",
        (0 | 2 | 3, 17) => "control-communication",
        (0 | 2 | 3, 20) => "restart",
        (0 | 2 | 3, 26) => "read-range",
        (5..=7, _) => "refusal",
        _ => return format!("{kind}.{service}"),
    };
    name.to_owned()
}
