//! What an SSH identification line and key-exchange offer tell.

use md5::{Digest, Md5};

use super::{Carrier, End, Facts, Finding, Protocol, Said, Side, facts};
use crate::wire::{
    Result, require,
    ssh::{Identification, KexInit, PublicKey},
};

/// Where servers usually listen (TCP).
const PORTS: &[u16] = &[22];

/// SSH, on any port: the line names itself.
pub static PROTOCOL: Protocol = Protocol { name: "ssh", carriers: &[Carrier::Tcp(PORTS)], read };

/// Ciphers of SSH 1, by bit.
const CIPHERS: [&str; 7] = ["none", "idea", "des", "3des", "tss", "rc4", "blowfish"];

/// Ways to log on to SSH 1, by bit.
const AUTHENTICATIONS: [&str; 7] =
    ["", "rhosts", "rsa", "password", "rhosts_rsa", "tis", "kerberos"];

fn read(said: &Said<'_>) -> Result<Finding> {
    if said.on(PORTS) && said.begun_by.is_none() && is_noise(said.bytes) {
        let facts = Facts::default().with("ssh.beginning", "not_captured");
        return Ok(Finding::weak(said.side(PORTS), facts));
    }
    // Only servers say other lines first; off the usual port nobody waits for them to end.
    let begins = said.bytes.starts_with(b"SSH-") || b"SSH-".starts_with(said.bytes);
    let greets = said.begun_by != Some(End::Speaker)
        && (said.on(PORTS) || memchr::memmem::find(said.bytes, b"\nSSH-").is_some());
    require("identification", begins || greets)?;
    let line = Identification::parse(said.bytes)?;
    let side = said.side(PORTS);
    let mut facts = Facts::default();
    facts.add_text("ssh.version", line.version);
    facts.add_text("ssh.banner", line.software);
    // The offer follows in the same flight; a side that stops after its line said enough.
    let rest = said.bytes.get(line.length..).unwrap_or_default();
    let offered = if line.version.starts_with(b"1.") && line.version != b"1.99" {
        match side {
            // A client chooses by what it encrypts.
            Side::Client => Ok(()),
            Side::Server | Side::Peer => {
                PublicKey::parse(rest).map(|key| of_public_key(&key, &mut facts))
            }
        }
    } else {
        KexInit::parse(rest).map(|offer| of_offer(&offer, side, &mut facts))
    };
    match offered {
        Err(error) if error.wants_more() && said.open => Err(error),
        Err(_) | Ok(()) => Ok(Finding::certain(side, facts)),
    }
}

fn of_offer(offer: &KexInit<'_>, side: Side, facts: &mut Facts) {
    facts.add_text("ssh.kex", offer.kex);
    facts.add_text("ssh.host_key", offer.host_key);
    facts.add_text("ssh.cipher", offer.cipher_to_client);
    facts.add_text("ssh.mac", offer.mac_to_client);
    // The lists that each side uses itself, as others publish their digests (HASSH).
    let lists = match side {
        Side::Client => {
            [offer.kex, offer.cipher_to_server, offer.mac_to_server, offer.compression_to_server]
        }
        Side::Server | Side::Peer => {
            [offer.kex, offer.cipher_to_client, offer.mac_to_client, offer.compression_to_client]
        }
    };
    facts.add("ssh.hassh", facts::hex(&Md5::digest(lists.join(&b';'))));
}

fn of_public_key(key: &PublicKey, facts: &mut Facts) {
    facts.add("ssh.host_key", format_args!("rsa1-{}", key.host_key_bits));
    facts.add_text("ssh.cipher", names(&CIPHERS, key.ciphers).as_bytes());
    facts.add_text("ssh.authentication", names(&AUTHENTICATIONS, key.authentications).as_bytes());
}

/// Whether this looks encrypted: what is heard of a conversation that had begun before the capture.
fn is_noise(bytes: &[u8]) -> bool {
    let mut seen = [0u64; 4];
    let sample = bytes.get(..64).unwrap_or(bytes);
    for byte in sample {
        if let Some(word) = seen.get_mut(usize::from(*byte >> 6)) {
            *word |= 1 << (*byte & 63);
        }
    }
    let different: u32 = seen.iter().map(|word| word.count_ones()).sum();
    let spread = seen.iter().all(|word| *word != 0);
    sample.len() >= 32 && spread && different as usize * 4 >= sample.len() * 3
}

/// The names of the bits set, with commas.
fn names(bits: &[&str], value: u32) -> String {
    let set =
        bits.iter().enumerate().filter(|(bit, name)| value >> bit & 1 == 1 && !name.is_empty());
    set.map(|(_, name)| *name).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_the_software_on_an_unusual_port() {
        let said =
            Said { open: false, ..Said::stream(22_022, 51_000, b"SSH-2.0-dropbear_2022.83\r\n") };
        let finding = read(&said).unwrap();
        assert_eq!(finding.facts.get("ssh.banner"), Some("dropbear_2022.83"));
        assert_eq!(finding.side, Side::Server);
    }

    #[test]
    fn does_not_wait_for_other_text_to_end() {
        let said = Said::stream(2121, 51_000, b"220 ready\r\n");
        assert!(!read(&said).unwrap_err().wants_more());
    }
}
