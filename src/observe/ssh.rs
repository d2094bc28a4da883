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
    let line = match Identification::parse(said.bytes) {
        Err(_) if is_midway(said) => {
            return Ok(Finding::weak(
                said.side(PORTS),
                Facts::default().with("ssh.encrypted", "true"),
            ));
        }
        line => line?,
    };
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

/// Whether a capture that begins in the middle of a conversation on the usual port may hold SSH: packets
/// that are no text and no TLS, of a length that ciphers leave (RFC 4253, 6).
fn is_midway(said: &Said<'_>) -> bool {
    let is_text = said
        .bytes
        .iter()
        .take(32)
        .all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace());
    let is_tls = matches!(said.bytes, [0x14..=0x18, 3, ..]);
    let length = said.bytes.len();
    said.on(PORTS)
        && said.begun_by.is_none()
        && !is_text
        && !is_tls
        && length >= 36
        && length.is_multiple_of(4)
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
