//! What EDP tells: an Extreme switch's name, software, port and networks.

use super::{Carrier, Facts, Finding, Mac, Protocol, Said, Side};
use crate::wire::{Result, edp::Edp};

/// EDP.
pub static PROTOCOL: Protocol =
    Protocol { name: "edp", carriers: &[Carrier::Snap(0xe02b, 0x00bb)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let edp = Edp::parse(said.bytes)?;
    let mut facts = Facts::default().with("edp.mac", Mac(edp.mac));
    facts.add_text("edp.name", edp.name.unwrap_or_default());
    if let Some((slot, port)) = edp.port {
        facts.add("edp.port", format!("{}:{}", u32::from(slot) + 1, u32::from(port) + 1));
    }
    if let Some([a, b, c, d]) = edp.version {
        facts.add("edp.version", format!("{a}.{b}.{c}.{d}"));
    }
    for (number, name) in edp.vlans {
        facts.add("edp.vlan", format!("{number} {}", super::facts::text(name)));
    }
    Ok(Finding::certain(Side::Peer, facts))
}
