//! What a Geneve header tells: a virtual network reaches across this path.

use super::{Carrier, Facts, Finding, Protocol, Said, Side};
use crate::wire::{Result, geneve::Geneve, require};

/// Where it is usually received (UDP).
const PORTS: &[u16] = &[6081];

/// Geneve, on any port if what is inside looks like what the header says.
pub static PROTOCOL: Protocol = Protocol { name: "geneve", carriers: &[Carrier::Udp(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let geneve = Geneve::parse(said.bytes)?;
    let inner = geneve.inner();
    require("payload", inner.is_plausible())?;
    let mut facts = Facts::default().with("geneve.network", geneve.network);
    facts.add("geneve.payload", inner.word());
    for (class, kind) in geneve.option_kinds() {
        facts.add("geneve.option", format!("{class:04x}:{kind:02x}"));
    }
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
    fn refuses_a_name_asked_from_its_port() {
        let dns = hex!("0000 0800 0001 0000 0000 0000 07 6578616d706c65 00 0001 0001");
        assert!(!read(&Said::datagram(6081, 53, &dns)).unwrap_err().wants_more());
    }
}
