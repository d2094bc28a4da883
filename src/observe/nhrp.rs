//! What NHRP tells: a net of tunnels such as DMVPN, and the outside address of each who joins.

use super::{Carrier, Facts, Finding, Protocol, Said, Side};
use crate::wire::{Result, nhrp::Nhrp};

/// NHRP, in GRE or on IP.
pub static PROTOCOL: Protocol =
    Protocol { name: "nhrp", carriers: &[Carrier::Ethernet(0x2001), Carrier::Ip(54)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let nhrp = Nhrp::parse(said.bytes)?;
    let (kind, side) = match nhrp.kind {
        1 => ("resolution", Side::Client),
        2 => ("resolution_reply", Side::Server),
        3 => ("registration", Side::Client),
        4 => ("registration_reply", Side::Server),
        5 => ("purge", Side::Peer),
        6 => ("purge_reply", Side::Peer),
        7 => ("error", Side::Peer),
        _ => ("redirect", Side::Server),
    };
    let mut facts = Facts::default().with("nhrp.type", kind);
    // An answer repeats who asked.
    let [outside, source] = match nhrp.kind {
        2 | 4 | 6 => ["nhrp.client_outside", "nhrp.client"],
        _ => ["nhrp.outside", "nhrp.source"],
    };
    for (field, address) in [
        (outside, nhrp.outside),
        (source, nhrp.source),
        // Whom a resolution asks about is a flow's partner; of a registration it is the server.
        ("nhrp.server", nhrp.destination.filter(|_| matches!(nhrp.kind, 3 | 4))),
    ] {
        if let Some(address) = address {
            facts.add(field, address);
        }
    }
    Ok(Finding::certain(side, facts))
}
