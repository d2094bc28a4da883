//! What NAT-PMP and the Port Control Protocol tell: a gateway's outside address, and who opens ways in.

use super::{Carrier, Facts, Finding, Protocol, Said, Side};
use crate::wire::{
    Result,
    nat_pmp::{Mapping, Message},
};

/// Where gateways listen, and where they announce (UDP).
const PORTS: &[u16] = &[5351, 5350];

/// NAT-PMP and its successor, on their own ports: their messages are too short to name themselves.
pub static PROTOCOL: Protocol =
    Protocol { name: "nat_pmp", carriers: &[Carrier::UdpOnly(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let message = Message::parse(said.bytes)?;
    let opcode = match (message.version, message.opcode) {
        (0, 0) => "address",
        (_, 0) => "announce",
        (0, _) | (_, 1) => "map",
        (_, 2) => "peer",
        _ => "authenticate",
    };
    let mut facts =
        Facts::default().with("nat_pmp.version", message.version).with("nat_pmp.opcode", opcode);
    if message.answers {
        facts.add("nat_pmp.result", message.result);
    }
    if let Some(outside) = message.outside {
        facts.add("nat_pmp.outside", outside);
    }
    if let Some(mapping) = message.mapping {
        facts.add("nat_pmp.mapping", shown(mapping));
    }
    if let Some(client) = message.client {
        facts.add("nat_pmp.client", client);
    }
    let side = if message.answers { Side::Server } else { Side::Client };
    Ok(if message.shown { Finding::firm(side, facts) } else { Finding::weak(side, facts) })
}

/// A way in, such as `udp 40000 to 5000`: outside to inside.
fn shown(mapping: Mapping) -> String {
    let protocol = match mapping.protocol {
        6 => "tcp".to_owned(),
        17 => "udp".to_owned(),
        other => other.to_string(),
    };
    format!("{protocol} {} to {}", mapping.outside, mapping.inside)
}
