//! What Splashtop's greeting tells: that its streamer is there.

use super::{Carrier, Facts, Finding, Protocol, Said, Side};
use crate::wire::{Result, splashtop};

/// Where it usually listens (TCP).
const PORTS: &[u16] = &[6783, 6784, 6785];

/// Splashtop, on any port: its streamer greets with a mark.
pub static PROTOCOL: Protocol =
    Protocol { name: "splashtop", carriers: &[Carrier::Tcp(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    splashtop::parse(said.bytes)?;
    let facts = Facts::default().with_text("splashtop.banner", splashtop::READY);
    Ok(Finding::certain(Side::Server, facts))
}
