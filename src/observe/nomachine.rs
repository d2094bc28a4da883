//! What `NoMachine`'s first line tells: its version.

use super::{Carrier, Facts, Finding, Protocol, Said};
use crate::wire::{Result, nomachine::Line};

/// Where it usually listens (TCP).
const PORTS: &[u16] = &[4000];

/// `NoMachine`, on any port: both sides begin with a mark.
pub static PROTOCOL: Protocol =
    Protocol { name: "nomachine", carriers: &[Carrier::Tcp(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let line = Line::parse(said.bytes)?;
    let facts = Facts::default().with_text("nomachine.version", line.version);
    Ok(Finding::certain(said.side(PORTS), facts))
}
