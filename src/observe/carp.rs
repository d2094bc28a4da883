//! What CARP tells: a pair of firewalls of the BSD family (pfSense, `OPNsense`), and who leads.

use super::{Carrier, Facts, Finding, Protocol, Said, Side};
use crate::wire::{Result, vrrp::Carp};

/// CARP, which has VRRP's number and another shape.
pub static PROTOCOL: Protocol = Protocol { name: "carp", carriers: &[Carrier::Ip(112)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let carp = Carp::parse(said.bytes)?;
    let facts = Facts::default()
        .with("carp.group", carp.group)
        .with("carp.skew", carp.skew)
        .with("carp.base", carp.base);
    Ok(Finding::certain(Side::Peer, facts))
}
