//! What GLBP tells: Cisco routers that share an address and its load, and who leads.

use super::{Carrier, Facts, Finding, Mac, Protocol, Said, Side};
use crate::wire::{Result, glbp::Glbp};

/// GLBP.
pub static PROTOCOL: Protocol =
    Protocol { name: "glbp", carriers: &[Carrier::UdpOnly(&[3222])], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let glbp = Glbp::parse(said.bytes)?;
    let mut facts = Facts::default().with("glbp.group", glbp.group);
    facts.add("glbp.mac", Mac(glbp.owner));
    if let Some((state, priority)) = glbp.gateway {
        facts.add("glbp.state", word(state));
        facts.add("glbp.priority", priority);
    }
    if let Some(address) = glbp.address {
        facts.add("glbp.address", address);
    }
    for (number, state, mac) in glbp.forwarders {
        facts.add("glbp.forwarder", format!("{number} {} {}", Mac(mac), word(state)));
    }
    if let Some(kind) = glbp.authentication {
        facts.add("glbp.authentication", if kind == 1 { "text" } else { "md5" });
    }
    Ok(Finding::firm(Side::Peer, facts))
}

fn word(state: u8) -> String {
    match state {
        0x01 => "initial".into(),
        0x02 => "learn".into(),
        0x04 => "listen".into(),
        0x08 => "speak".into(),
        0x10 => "standby".into(),
        0x20 => "active".into(),
        other => format!("0x{other:02x}"),
    }
}
