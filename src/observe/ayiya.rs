//! What AYIYA tells: an IPv6 road to a tunnel broker, and who signs for it.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{Carrier, Facts, Finding, Protocol, Said, Side};
use crate::wire::{Result, ayiya::Ayiya, require};

/// Where brokers listen (UDP).
const PORTS: &[u16] = &[5072];

/// AYIYA; off its port only with a packet inside.
pub static PROTOCOL: Protocol = Protocol { name: "ayiya", carriers: &[Carrier::Udp(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let ayiya = Ayiya::parse(said.bytes)?;
    let plausible = ayiya.inner().is_plausible();
    // A signed header is hard to meet by chance; one without packet and signature is not.
    require("payload", plausible || (said.on(PORTS) && ayiya.hash != 0))?;
    let mut facts = Facts::default();
    if ayiya.identity_kind == 1 {
        if let Ok(address) = <[u8; 16]>::try_from(ayiya.identity) {
            facts.add("ayiya.identity", Ipv6Addr::from(address));
        } else if let Ok(address) = <[u8; 4]>::try_from(ayiya.identity) {
            facts.add("ayiya.identity", Ipv4Addr::from(address));
        } else {
            facts.add_hex("ayiya.identity", ayiya.identity);
        }
    } else {
        facts.add_text("ayiya.identity", ayiya.identity);
    }
    facts.add("ayiya.payload", ayiya.inner().word());
    let side = if said.on(PORTS) { said.side(PORTS) } else { Side::Peer };
    Ok(if said.on(PORTS) && plausible {
        Finding::certain(side, facts)
    } else {
        Finding::firm(side, facts)
    })
}
