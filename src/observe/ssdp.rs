//! What SSDP tells: the devices and services of a link, what runs them, and where they describe themselves.

use super::{Carrier, Facts, Finding, Protocol, Said, Side};
use crate::wire::{
    Result,
    ssdp::{Kind, Message},
};

/// Where everybody listens (UDP).
const PORTS: &[u16] = &[1900];

/// SSDP, on any port: its first line and its fields name it.
pub static PROTOCOL: Protocol = Protocol { name: "ssdp", carriers: &[Carrier::Udp(PORTS)], read };

/// Fields that are kept, and the facts they become.
const FIELDS: &[(&[u8], &str)] = &[
    (b"server", "ssdp.server"),
    (b"user-agent", "ssdp.user_agent"),
    (b"location", "ssdp.location"),
    (b"st", "ssdp.st"),
    (b"nt", "ssdp.nt"),
    (b"nts", "ssdp.nts"),
    (b"usn", "ssdp.usn"),
];

fn read(said: &Said<'_>) -> Result<Finding> {
    let message = Message::parse(said.bytes)?;
    let (side, kind) = match message.kind {
        Kind::Search => (Side::Client, "search"),
        Kind::Notify => (Side::Peer, "notify"),
        Kind::Answer => (Side::Server, "answer"),
    };
    let mut facts = Facts::default().with("ssdp.message", kind);
    for (name, value) in message.lines.fields() {
        let same = |(known, _): &&(&[u8], &str)| known.eq_ignore_ascii_case(name);
        if let Some((_, field)) = FIELDS.iter().find(same) {
            facts.add_text(field, value);
        }
    }
    Ok(Finding::certain(side, facts))
}
