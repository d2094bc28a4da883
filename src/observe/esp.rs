//! ESP: that encrypted packets pass. Over IP the protocol number says it; in UDP, a number that rises.

use super::{Carrier, Facts, Finding, Protocol, Said, Transport};
use crate::wire::{Result, esp, ike, require, wireguard};

/// Where gateways behind address translation speak (UDP).
const PORTS: &[u16] = &[4500];

/// ESP over IP, and inside UDP where one end has the usual port.
pub static PROTOCOL: Protocol = Protocol {
    name: "esp",
    carriers: &[Carrier::Ip(esp::IP_PROTOCOL), Carrier::UdpOnly(PORTS)],
    read,
};

fn read(said: &Said<'_>) -> Result<Finding> {
    let packet = esp::Packet::parse(said.bytes)?;
    if said.transport == Transport::Ip {
        let facts = Facts::default().with("esp.encapsulation", "ip");
        return Ok(Finding::certain(said.side(&[]), facts));
    }
    // Trailer and integrity value make the shortest packet longer (RFC 4303, 2).
    require("port", said.on(PORTS) && said.bytes.len() >= 20)?;
    require("identifier", ike::Message::parse(said.bytes).is_err())?;
    require("identifier", wireguard::Packet::parse(said.bytes).is_err())?;
    let facts = Facts::default().with("esp.encapsulation", "udp");
    let side = said.side(PORTS);
    Ok(match esp::Packet::parse(said.earlier) {
        Ok(earlier) if packet.follows(&earlier) => Finding::firm(side, facts),
        // Keys are young when a capture begins with them; other bytes are rarely so small.
        _ if packet.sequence < 1 << 16 => Finding::firm(side, facts),
        _ => Finding::weak(side, facts),
    })
}
