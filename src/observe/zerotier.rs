//! What `ZeroTier`'s packets tell: the address of a node, and the version that greets.

use super::{Carrier, Facts, Finding, Protocol, Said, Side};
use crate::wire::{Result, require, zerotier::Packet};

/// The port that nodes use first (UDP).
const PORTS: &[u16] = &[9993];

/// `ZeroTier`: greetings on any port, other packets by two that go back and forth.
pub static PROTOCOL: Protocol =
    Protocol { name: "zerotier", carriers: &[Carrier::Udp(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let packet = Packet::parse(said.bytes)?;
    let address = || Facts::default().with_hex("zerotier.address", &packet.source);
    if let Some(hello) = packet.hello {
        let (major, minor) = hello.version;
        let facts = address()
            .with("zerotier.message", "hello")
            .with("zerotier.version", format!("{major}.{minor}.{}", hello.revision))
            .with("zerotier.protocol", hello.protocol);
        return Ok(Finding::certain(Side::Peer, facts));
    }
    let same =
        |other: &Packet| (other.source, other.destination) == (packet.source, packet.destination);
    // Zeros would let anything regular pass for two addresses.
    let mixed = packet.source.iter().chain(&packet.destination).filter(|byte| **byte == 0).count();
    let answers = Packet::parse(said.answering).is_ok_and(|other| packet.answers(&other));
    if answers && mixed <= 2 {
        return Ok(Finding::firm(Side::Peer, address()));
    }
    require("port", said.on(PORTS))?;
    if Packet::parse(said.earlier).is_ok_and(|other| same(&other)) {
        return Ok(Finding::firm(Side::Peer, address()));
    }
    Ok(Finding::weak(Side::Peer, Facts::default()))
}
