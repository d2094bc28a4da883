//! What multicast DNS tells: a host's names and addresses, its services, and often its model.

use super::{
    Carrier, Facts, Finding, Protocol, Said, Side,
    dns::{address, once},
};
use crate::wire::{
    Result,
    dns::{self, Message, Record},
    require,
};

/// Where every host of a link listens (UDP).
const PORTS: &[u16] = &[5353];

/// Multicast DNS, on its own port.
pub static PROTOCOL: Protocol =
    Protocol { name: "mdns", carriers: &[Carrier::UdpOnly(PORTS)], read };

/// Keys of texts that say what a device is, and the facts they become. What services use them is
/// written in their own documents: printers (Bonjour Printing), `_device-info`, `_googlecast`.
const KEYS: &[(&[u8], &str)] = &[
    (b"model", "mdns.model"),
    (b"md", "mdns.model"),
    (b"ty", "mdns.model"),
    (b"am", "mdns.model"),
    (b"usb_mdl", "mdns.model"),
    (b"product", "mdns.model"),
    (b"usb_mfg", "mdns.manufacturer"),
    (b"mfg", "mdns.manufacturer"),
    (b"manufacturer", "mdns.manufacturer"),
    (b"vendor", "mdns.manufacturer"),
    (b"fv", "mdns.version"),
    (b"fw", "mdns.version"),
    (b"srcvers", "mdns.version"),
    (b"version", "mdns.version"),
    (b"osxvers", "mdns.system"),
];

fn read(said: &Said<'_>) -> Result<Finding> {
    let message = Message::parse(said.bytes)?;
    require("opcode", message.opcode() == 0)?;
    let mut facts = Facts::default();
    if !message.answers() {
        for question in &message.questions {
            once(&mut facts, "mdns.query", &question.name);
        }
        return Ok(Finding::firm(Side::Client, facts));
    }
    for record in &message.records {
        told(&message, record, &mut facts);
    }
    Ok(Finding::firm(Side::Peer, facts))
}

fn told(message: &Message<'_>, record: &Record<'_>, facts: &mut Facts) {
    match record.kind {
        dns::A | dns::AAAA => {
            once(facts, "mdns.host", &record.name);
            if let Some(address) = address(record) {
                once(facts, "mdns.address", address.as_bytes());
            }
        }
        dns::PTR => {
            let target = message.name_in(record, 0).unwrap_or_default();
            if record.name.starts_with(b"_services._dns-sd.") {
                once(facts, "mdns.service", &target);
            } else if record.name.ends_with(b".arpa") {
                once(facts, "mdns.host", &target);
            } else {
                once(facts, "mdns.service", &record.name);
                let end = memchr::memmem::find(&target, b"._").unwrap_or(target.len());
                once(facts, "mdns.instance", target.get(..end).unwrap_or_default());
            }
        }
        dns::SRV => {
            if let Some(at) = memchr::memmem::find(&record.name, b"._") {
                once(facts, "mdns.service", record.name.get(at + 1..).unwrap_or_default());
                once(facts, "mdns.instance", record.name.get(..at).unwrap_or_default());
            }
            once(facts, "mdns.host", &message.name_in(record, 6).unwrap_or_default());
        }
        dns::TXT => {
            for text in dns::texts(record.data) {
                let Some(at) = text.iter().position(|byte| *byte == b'=') else { continue };
                let (key, value) = text.split_at(at);
                let same = |(known, _): &&(&[u8], &str)| known.eq_ignore_ascii_case(key);
                if let Some((_, field)) = KEYS.iter().find(same) {
                    once(facts, field, value.get(1..).unwrap_or_default());
                }
            }
        }
        dns::HINFO => {
            let mut texts = dns::texts(record.data);
            once(facts, "mdns.hardware", texts.next().unwrap_or_default());
            once(facts, "mdns.system", texts.next().unwrap_or_default());
        }
        _ => {}
    }
}
