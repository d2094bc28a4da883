//! What MNDP tells: a `MikroTik`'s name, version, model, addresses, and how long it runs.

use super::{Carrier, Facts, Finding, Mac, Protocol, Said, Side};
use crate::wire::{
    Result,
    mndp::{ASK, Mndp},
};

/// Where routers listen and speak (UDP).
const PORTS: &[u16] = &[5678];

/// MNDP; questions only on its port.
pub static PROTOCOL: Protocol = Protocol { name: "mndp", carriers: &[Carrier::Udp(PORTS)], read };

/// Seconds in a day.
const DAY: u32 = 86_400;

fn read(said: &Said<'_>) -> Result<Finding> {
    if said.bytes == ASK && PORTS.contains(&said.to) {
        return Ok(Finding::weak(Side::Client, Facts::default()));
    }
    let mndp = Mndp::parse(said.bytes)?;
    let mut facts = Facts::default().with("mndp.mac", Mac(mndp.mac));
    facts.add_text("mndp.identity", mndp.identity);
    facts.add_text("mndp.version", mndp.version);
    facts.add_text("mndp.platform", mndp.platform);
    facts.add_text("mndp.board", mndp.board);
    facts.add_text("mndp.software_id", mndp.software_id);
    facts.add_text("mndp.interface", mndp.interface);
    if let Some(address) = mndp.ipv4 {
        facts.add("mndp.ipv4", address);
    }
    if let Some(address) = mndp.ipv6 {
        facts.add("mndp.ipv6", address);
    }
    // In days: seconds would make something new of every announcement.
    if let Some(uptime) = mndp.uptime {
        facts.add("mndp.uptime_days", uptime / DAY);
    }
    let named = !mndp.identity.is_empty() && !mndp.version.is_empty();
    Ok(if named || said.on(PORTS) {
        Finding::certain(Side::Server, facts)
    } else {
        Finding::firm(Side::Server, facts)
    })
}
