//! What Radmin's first messages tell: generation and way to log on.

use super::{Carrier, Facts, Finding, Protocol, Said, Side};
use crate::wire::{Result, radmin::Message};

/// Where servers usually listen (TCP).
const PORTS: &[u16] = &[4899];

/// Radmin, on any port: each message bears a sum.
pub static PROTOCOL: Protocol = Protocol { name: "radmin", carriers: &[Carrier::Tcp(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let message = match Message::parse(said.bytes) {
        Err(error) if error.wants_more() && !said.open => Message::parse_cut(said.bytes)?,
        whole => whole?,
    };
    let mut facts = Facts::default();
    let (side, finding): (Side, fn(Side, Facts) -> Finding) = match message.body {
        [8] => (Side::Client, Finding::certain),
        [8, generation, 0, _, mode, ..] => {
            if let Some(generation) = generation.checked_add(1).filter(|g| (2..=3).contains(g)) {
                facts.add("radmin.generation", generation);
            }
            let mode = match mode {
                0x0a => "radmin",
                0x0b => "windows",
                _ => "other",
            };
            facts.add("radmin.authentication", mode);
            (Side::Server, Finding::certain)
        }
        _ => (said.side(PORTS), Finding::firm),
    };
    Ok(finding(side, facts))
}
