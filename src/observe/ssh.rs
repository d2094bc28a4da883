//! What an SSH identification line and key-exchange offer tell.

use super::{Carrier, Facts, Finding, Protocol, Said};
use crate::wire::{
    Result,
    ssh::{Identification, KexInit},
};

/// Where servers usually listen (TCP).
const PORTS: &[u16] = &[22];

/// SSH, on any port: the line names itself.
pub static PROTOCOL: Protocol = Protocol { name: "ssh", carriers: &[Carrier::Tcp(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let line = Identification::parse(said.bytes)?;
    let mut facts = Facts::default();
    facts.add_text("ssh.version", line.version);
    facts.add_text("ssh.banner", line.software);
    // The offer follows in the same flight; a side that stops after its line said enough.
    match KexInit::parse(said.bytes.get(line.length..).unwrap_or_default()) {
        Ok(offer) => {
            facts.add_text("ssh.kex", offer.kex);
            facts.add_text("ssh.host_key", offer.host_key);
            facts.add_text("ssh.cipher", offer.cipher_to_client);
            facts.add_text("ssh.mac", offer.mac_to_client);
        }
        Err(error) if error.wants_more() && said.open => return Err(error),
        Err(_) => {}
    }
    Ok(Finding::certain(said.side(PORTS), facts))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::Side;

    #[test]
    fn tells_the_software_on_an_unusual_port() {
        let said =
            Said { open: false, ..Said::stream(22_022, 51_000, b"SSH-2.0-dropbear_2022.83\r\n") };
        let finding = read(&said).unwrap();
        assert_eq!(finding.facts.get("ssh.banner"), Some("dropbear_2022.83"));
        assert_eq!(finding.side, Side::Server);
    }
}
