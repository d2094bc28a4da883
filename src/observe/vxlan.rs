//! What a VXLAN header tells: a layer-2 network reaches across this path.

use super::{Carrier, Facts, Finding, Protocol, Said, Side};
use crate::wire::{Result, require, vxlan::Vxlan};

/// Where it is usually received (UDP): the assigned port, Linux's old default, and the generic extension's.
const PORTS: &[u16] = &[4789, 8472, 4790];

/// VXLAN, on any port if the frame inside looks like one.
pub static PROTOCOL: Protocol = Protocol { name: "vxlan", carriers: &[Carrier::Udp(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let vxlan = Vxlan::parse(said.bytes)?;
    let inner = vxlan.inner();
    require("payload", inner.is_plausible())?;
    let mut facts = Facts::default().with("vxlan.network", vxlan.network);
    facts.add("vxlan.payload", inner.word());
    if let Some(group) = vxlan.group {
        facts.add("vxlan.group", group);
    }
    // The sender's port is a hash of the flow, so only the receiver's tells.
    Ok(if PORTS.contains(&said.to) {
        Finding::certain(Side::Peer, facts)
    } else {
        Finding::firm(Side::Peer, facts)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    #[test]
    fn refuses_a_header_without_a_frame() {
        let bytes = hex!("08000000 00002a00 000102030405060708090a0b0c0d0e0f");
        assert!(!read(&Said::datagram(50_000, 4789, &bytes)).unwrap_err().wants_more());
    }
}
