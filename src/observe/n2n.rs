//! What n2n's packets tell: the community, and who is its supernode.

use super::{Carrier, Facts, Finding, Protocol, Said, Side};
use crate::wire::{Result, n2n::Packet, require};

/// Where supernodes usually listen (UDP).
const PORTS: &[u16] = &[7654, 1234];

/// n2n: by the name of a community padded with zeros, or on a supernode's port.
pub static PROTOCOL: Protocol = Protocol { name: "n2n", carriers: &[Carrier::Udp(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let packet = Packet::parse(said.bytes)?;
    let home = said.on(PORTS);
    let strict = packet.version > 1 && packet.clean && packet.community.len() >= 2;
    require("community", home || strict)?;
    let side = if packet.from_supernode { Side::Server } else { Side::Client };
    let facts = Facts::default()
        .with("n2n.version", packet.version)
        .with("n2n.message", message(packet.version, packet.kind))
        .with_text("n2n.community", packet.community);
    let firm = strict || packet.community.len() >= 2 && said.bytes.len() >= 32;
    Ok(if firm { Finding::firm(side, facts) } else { Finding::weak(side, facts) })
}

fn message(version: u8, kind: u8) -> String {
    let name = match (version, kind) {
        (_, 1) => "register",
        (_, 2) => "deregister",
        (_, 3) => "packet",
        (_, 4) => "register_ack",
        (2 | 3, 0) => "ping",
        (2 | 3, 5) => "register_super",
        (2 | 3, 6) => "unregister_super",
        (2 | 3, 7) => "register_super_ack",
        (2 | 3, 8) => "register_super_nak",
        (2 | 3, 9) => "federation",
        (2 | 3, 10) => "peer_info",
        (2 | 3, 11) => "query_peer",
        (2 | 3, 12) => "re_register_super",
        _ => return kind.to_string(),
    };
    name.to_owned()
}
