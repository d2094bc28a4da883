//! What `DameWare`'s greeting tells: its version.

use super::{Carrier, Facts, Finding, Protocol, Said, Side};
use crate::wire::{Result, dameware::Greeting};

/// Where it usually listens (TCP).
const PORTS: &[u16] = &[6129];

/// `DameWare` Mini Remote Control, on any port: its host greets with fixed bytes.
pub static PROTOCOL: Protocol =
    Protocol { name: "dameware", carriers: &[Carrier::Tcp(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let Greeting { version } = Greeting::parse(said.bytes)?;
    let facts = Facts::default().with("dameware.version", format_args!("{version:.2}"));
    Ok(Finding::certain(Side::Server, facts))
}
