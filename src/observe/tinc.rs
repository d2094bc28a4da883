//! What tinc's first line tells: the node's name and the protocol's version.

use super::{Carrier, Facts, Finding, Protocol, Said};
use crate::wire::{Result, tinc::Identification};

/// Where nodes listen (TCP).
const PORTS: &[u16] = &[655];

/// tinc, on any port: its first line has a form of its own.
pub static PROTOCOL: Protocol = Protocol { name: "tinc", carriers: &[Carrier::Tcp(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let line = Identification::parse(said.bytes)?;
    let facts =
        Facts::default().with_text("tinc.name", line.name).with_text("tinc.version", line.version);
    Ok(Finding::firm(said.side(PORTS), facts))
}
