//! What ARP tells: who is on this wire. Whom it asks for is left out, or a sweep would fill the book.

use super::{Carrier, Facts, Finding, Mac, Protocol, Said, Side};
use crate::wire::{
    Result,
    arp::{Arp, REPLY, REQUEST},
};

/// ARP on Ethernet.
pub static PROTOCOL: Protocol =
    Protocol { name: "arp", carriers: &[Carrier::Ethernet(0x0806)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let arp = Arp::parse(said.bytes)?;
    let operation = match arp.operation {
        REQUEST => "request".to_owned(),
        REPLY => "reply".to_owned(),
        3 | 8 => "reverse_request".to_owned(),
        4 | 9 => "reverse_reply".to_owned(),
        other => other.to_string(),
    };
    let mut facts = Facts::default().with("arp.op", operation);
    facts.add("arp.mac", Mac(arp.sender_mac));
    let mut side = if arp.operation == REQUEST { Side::Client } else { Side::Server };
    if arp.sender.is_unspecified() {
        facts.add("arp.kind", "probe");
    } else {
        facts.add("arp.ip", arp.sender);
        if arp.sender == arp.target {
            facts.add("arp.kind", "gratuitous");
            side = Side::Peer;
        }
    }
    Ok(Finding::certain(side, facts))
}
