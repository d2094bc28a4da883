//! What NetBIOS names tell: what a Windows host is called, which addresses it has, and its hardware address.

use super::{Carrier, Facts, Finding, Mac, Protocol, Said, Side, facts::text};
use crate::wire::{
    Result,
    nbns::{Message, NBSTAT, Name},
};

/// Where every host listens (UDP).
const PORTS: &[u16] = &[137];

/// The NetBIOS name service, on any port: its names are written in 32 letters from A to P.
pub static PROTOCOL: Protocol = Protocol { name: "nbns", carriers: &[Carrier::Udp(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let message = Message::parse(said.bytes)?;
    let mut facts = Facts::default();
    let kind = match message.opcode {
        0 if message.kind == NBSTAT => "status",
        0 => "query",
        5 => "registration",
        6 => "release",
        7 => "wait",
        _ => "refresh",
    };
    facts.add("nbns.message", kind);
    let asks = kind == "query" || kind == "status";
    let field = if asks { "nbns.query" } else { "nbns.name" };
    facts.add(field, shown(message.name));
    let own: Vec<&[u8]> =
        message.names.iter().filter(|(n, _)| n.suffix == 0).map(|(n, _)| n.trimmed()).collect();
    for (name, group) in &message.names {
        // A messenger name that is not the host's is a person's.
        if name.suffix == 3 && !own.contains(&name.trimmed()) {
            continue;
        }
        facts.add(if *group { "nbns.group" } else { "nbns.name" }, shown(*name));
    }
    for address in message.addresses.iter().take(32) {
        facts.add("nbns.address", address);
    }
    if let Some(mac) = message.hardware.map(Mac).filter(|mac| !mac.is_zero()) {
        facts.add("nbns.mac", mac);
    }
    let side = match (message.answers, asks) {
        (true, _) => Side::Server,
        (false, true) => Side::Client,
        (false, false) => Side::Peer,
    };
    Ok(Finding::certain(side, facts))
}

/// A name as Windows shows it, such as `RECEPTION<20>`.
fn shown(name: Name) -> String {
    format!("{}<{:02x}>", text(name.trimmed()), name.suffix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    #[test]
    fn a_person_is_not_kept() {
        let head = hex!(
            "4a118400000000010000000020434b4141414141414141414141414141414141414141414141414141414141410000210001 00000000"
        );
        let name = |text: &[u8; 15], suffix: u8| [&text[..], &[suffix, 4, 0]].concat();
        let names =
            [name(b"RECEPTION      ", 0), name(b"RECEPTION      ", 3), name(b"TARO           ", 3)];
        let data = [&[3][..], &names.concat(), &hex!("00005e005301")].concat();
        let length = u16::try_from(data.len()).unwrap().to_be_bytes();
        let bytes = [&head[..], &length, &data].concat();
        let finding = read(&Said::datagram(137, 40_000, &bytes)).unwrap();
        assert!(finding.facts.all("nbns.name").eq(["RECEPTION<00>", "RECEPTION<03>"]));
        assert_eq!(finding.facts.get("nbns.mac"), Some("00:00:5e:00:53:01"));
    }
}
