//! What a GRE header tells: who tunnels what to whom, and which call, key or mirror session it is.

use super::{Carrier, Facts, Finding, Protocol, Said, Side, ppp};
use crate::wire::{Result, gre::Gre, payload::Inner};

/// GRE and what is built on it: PPTP's calls, `EoIP`, ERSPAN, NVGRE.
pub static PROTOCOL: Protocol = Protocol { name: "gre", carriers: &[Carrier::Ip(47)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let gre = Gre::parse(said.bytes)?;
    let inner = gre.inner();
    let mut facts = Facts::default().with("gre.version", gre.version);
    let mut side = None;
    facts.add("gre.payload", inner.word());
    if let Some((version, session)) = gre.erspan() {
        facts.add("gre.erspan_version", version);
        if version > 1 {
            facts.add("gre.erspan_session", session);
        }
    }
    if let Some(tunnel) = gre.eoip_tunnel() {
        facts.add("gre.eoip_tunnel", tunnel);
    } else if let Some(call) = gre.call() {
        facts.add("gre.call", call);
        if let Inner::Ppp(frame) = inner {
            side = ppp::add(&mut facts, frame).unwrap_or_default();
        }
    } else if let Some(subnet) = gre.virtual_subnet().filter(|subnet| *subnet > 0) {
        // The key's last byte is a flow's: it would make a fact of every flow.
        facts.add("gre.virtual_subnet", subnet);
    } else if let Some(key) = gre.key {
        facts.add("gre.key", key);
    }
    Ok(Finding::certain(side.unwrap_or(Side::Peer), facts))
}
