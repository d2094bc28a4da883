//! That a Tailscale node looks for another; what they say is sealed.

use super::{Carrier, Facts, Finding, Protocol, Said, Side};
use crate::wire::{Result, tailscale::Disco};

/// The port that nodes prefer (UDP).
const PORTS: &[u16] = &[41_641];

/// Tailscale's discovery, on any port: it begins with a magic.
pub static PROTOCOL: Protocol =
    Protocol { name: "tailscale", carriers: &[Carrier::Udp(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    Disco::parse(said.bytes)?;
    // The key changes with each start, so it would only make the same node look like many.
    Ok(Finding::certain(Side::Peer, Facts::default().with("tailscale.message", "disco")))
}
