//! What DNS questions and answers tell: the names that are looked for, and what servers say of themselves.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{Carrier, Facts, Finding, Protocol, Rest, Said, Side, facts::text};
use crate::wire::{
    Reader, Result,
    dns::{self, Message, Record},
    require,
};

/// Where servers listen (UDP and TCP).
const PORTS: &[u16] = &[53];

/// DNS, on its own port: elsewhere its form is shared by too many.
pub static PROTOCOL: Protocol =
    Protocol { name: "dns", carriers: &[Carrier::UdpOnly(PORTS), Carrier::TcpOnly(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    if said.transport != super::Transport::Tcp {
        return told(said.bytes);
    }
    let mut r = Reader::new(said.bytes);
    let length = r.u16("length")?;
    require("length", length >= 17)?;
    let message =
        if said.open { r.bytes("message", length.into())? } else { r.bytes_up_to(length.into()) };
    Ok(told(message)?.then(Rest::Same(r.position())))
}

fn told(bytes: &[u8]) -> Result<Finding> {
    let message = Message::parse(bytes)?;
    require("opcode", matches!(message.opcode(), 0..=2 | 4..=6))?;
    let mut facts = Facts::default();
    for question in &message.questions {
        once(&mut facts, "dns.query", &question.name);
    }
    if !message.answers() {
        return Ok(Finding::firm(Side::Client, facts));
    }
    match message.flags & 15 {
        0 => {}
        1 => facts.add("dns.result", "malformed"),
        2 => facts.add("dns.result", "failed"),
        3 => facts.add("dns.result", "no such name"),
        5 => facts.add("dns.result", "refused"),
        other => facts.add("dns.result", other),
    }
    if message.flags & 0x80 != 0 {
        facts.add("dns.recursion", "available");
    }
    for record in &message.records {
        if record.class == dns::CHAOS {
            let name = record.name.to_ascii_lowercase();
            if record.kind == dns::TXT && name.starts_with(b"version.") {
                dns::texts(record.data)
                    .for_each(|version| once(&mut facts, "dns.version", version));
            }
        } else if let dns::CNAME | dns::PTR = record.kind {
            once(&mut facts, "dns.answer", &message.name_in(record, 0).unwrap_or_default());
        } else if record.kind == dns::SRV {
            once(&mut facts, "dns.answer", &message.name_in(record, 6).unwrap_or_default());
        } else if let Some(address) = address(record) {
            once(&mut facts, "dns.answer", address.as_bytes());
        }
    }
    Ok(Finding::firm(Side::Server, facts))
}

/// The address in a record, if it holds one.
pub(super) fn address(record: &Record<'_>) -> Option<String> {
    match record.kind {
        dns::A => <[u8; 4]>::try_from(record.data).ok().map(|a| Ipv4Addr::from(a).to_string()),
        dns::AAAA => <[u8; 16]>::try_from(record.data).ok().map(|a| Ipv6Addr::from(a).to_string()),
        _ => None,
    }
}

/// Adds a fact unless the same message said it before.
pub(super) fn once(facts: &mut Facts, field: &'static str, value: &[u8]) {
    let value = text(value);
    if !value.is_empty() && facts.all(field).all(|before| before != value) {
        facts.add(field, value);
    }
}
