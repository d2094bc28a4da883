//! What VRRP tells: a pair of routers, the address they share, and who leads.

use super::{Carrier, Facts, Finding, Protocol, Said, Side};
use crate::wire::{Result, vrrp::Vrrp};

/// VRRP, versions 2 and 3.
pub static PROTOCOL: Protocol = Protocol { name: "vrrp", carriers: &[Carrier::Ip(112)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let vrrp = Vrrp::parse(said.bytes)?;
    let mut facts = Facts::default().with("vrrp.version", vrrp.version);
    facts.add("vrrp.group", vrrp.group);
    facts.add("vrrp.priority", vrrp.priority);
    if vrrp.version == 2 {
        facts.add(
            "vrrp.authentication",
            match vrrp.authentication {
                0 => "none".to_owned(),
                1 => "text".to_owned(),
                2 => "ah".to_owned(),
                254 => "md5".to_owned(),
                other => other.to_string(),
            },
        );
    }
    for address in vrrp.addresses {
        facts.add("vrrp.address", address);
    }
    Ok(Finding::certain(Side::Peer, facts))
}
