//! What SIP tells: the telephones and exchanges of a site, and the hosts they call through. No persons, no numbers.

use super::{Carrier, Facts, Finding, Protocol, Rest, Said, Side, Transport};
use crate::wire::{
    Result,
    sip::{Message, Start, address_host, parameter, via_host},
};

/// Where servers usually listen (UDP and TCP).
const PORTS: &[u16] = &[5060];

/// SIP, on any port: its first line names it.
pub static PROTOCOL: Protocol =
    Protocol { name: "sip", carriers: &[Carrier::Udp(PORTS), Carrier::Tcp(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let mut message = Message::parse(said.bytes)?;
    if said.open {
        message = message.whole()?;
    }
    let mut facts = Facts::default();
    let side = match message.start {
        Start::Request { method, target } => {
            facts.add_text("sip.method", method);
            add("sip.host", address_host(target), &mut facts);
            Side::Client
        }
        Start::Answer { status } => {
            facts.add("sip.status", status);
            Side::Server
        }
    };
    add("sip.server", message.lines.get(b"server"), &mut facts);
    add("sip.user_agent", message.lines.get(b"user-agent"), &mut facts);
    let via = message.get(b"via", b"v").unwrap_or_default();
    add("sip.via", via_host(via), &mut facts);
    add("sip.received", parameter(via, b"received"), &mut facts);
    let contact = message.get(b"contact", b"m").unwrap_or_default();
    add("sip.contact", address_host(contact), &mut facts);
    let finding = Finding::certain(side, facts);
    // Only a message without a body says where the next begins.
    let empty = message.get(b"content-length", b"l") == Some(b"0");
    let more = said.transport == Transport::Tcp && empty && message.lines.whole;
    Ok(if more { finding.then(Rest::Same(message.lines.length)) } else { finding })
}

fn add(field: &'static str, value: Option<&[u8]>, facts: &mut Facts) {
    facts.add_text(field, value.unwrap_or_default());
}
