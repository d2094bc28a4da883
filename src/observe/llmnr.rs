//! What LLMNR tells: the names Windows looks for on its link, and who answers to them (RFC 4795).

use super::{
    Carrier, Facts, Finding, Protocol, Said, Side,
    dns::{address, once},
};
use crate::wire::{
    Result,
    dns::{self, Message},
    require,
};

/// Where every host of a link listens (UDP).
const PORTS: &[u16] = &[5355];

/// LLMNR, on its own port.
pub static PROTOCOL: Protocol =
    Protocol { name: "llmnr", carriers: &[Carrier::UdpOnly(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let message = Message::parse(said.bytes)?;
    // One question, of the usual kind (RFC 4795, 2.1.1).
    require("opcode", message.opcode() == 0 && message.questions.len() == 1)?;
    let mut facts = Facts::default();
    for question in &message.questions {
        once(&mut facts, "llmnr.query", &question.name);
    }
    for record in message.records.iter().filter(|_| message.answers()) {
        if record.kind == dns::PTR {
            once(&mut facts, "llmnr.answer", &message.name_in(record, 0).unwrap_or_default());
        } else if let Some(address) = address(record) {
            once(&mut facts, "llmnr.answer", address.as_bytes());
        }
    }
    Ok(Finding::firm(if message.answers() { Side::Server } else { Side::Client }, facts))
}
