//! What IPv4 in IP tells: a tunnel, and whether it is the home end of DS-Lite.

use super::{Carrier, Facts, Finding, Protocol, Said, Side};
use crate::wire::{Result, ipip::IpInIp};

/// IPv4 in IPv4, and IPv4 in IPv6 as DS-Lite and MAP-E send it.
pub static PROTOCOL: Protocol = Protocol { name: "ipip", carriers: &[Carrier::Ip(4)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let packet = IpInIp::parse(said.bytes)?;
    let mut facts = Facts::default().with("ipip.payload", "ipv4");
    // DS-Lite's own addresses (RFC 6333, 5.7): a home router, or the provider's end.
    if let [192, 0, 0, host @ 0..=7] = packet.source.octets() {
        facts.add("ipip.dslite", if host == 1 { "provider" } else { "home" });
    }
    Ok(Finding::certain(Side::Peer, facts))
}
