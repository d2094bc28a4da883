//! What a `ScreenConnect` client's call to its relay tells: the relay's name.

use super::{Carrier, Facts, Finding, Protocol, Said, Side};
use crate::wire::{Result, screenconnect::Call};

/// Where it usually listens (TCP).
const PORTS: &[u16] = &[8041, 443];

/// `ScreenConnect`, on any port: its clients begin with a mark and name their relay.
pub static PROTOCOL: Protocol =
    Protocol { name: "screenconnect", carriers: &[Carrier::Tcp(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let Call { relay } = Call::parse(said.bytes)?;
    let facts = Facts::default().with_text("screenconnect.relay", relay);
    Ok(Finding::firm(Side::Client, facts))
}
