//! What BGP tells: networks that meet here, their numbers and routers, and who offers a way to everywhere.

use super::{Carrier, Facts, Finding, Protocol, Rest, Said};
use crate::wire::{
    Result,
    bgp::{Body, Message, Open},
};

/// Where it is usually spoken (TCP).
const PORTS: &[u16] = &[179];

/// BGP, on any port: nothing else begins with sixteen bytes of ones.
pub static PROTOCOL: Protocol = Protocol { name: "bgp", carriers: &[Carrier::Tcp(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let message = Message::parse(said.bytes)?;
    let mut facts = Facts::default();
    match &message.body {
        Body::Open(open) => tell(&mut facts, open),
        Body::Update(update) => {
            facts.add("bgp.type", "update");
            if let Some(next_hop) = update.next_hop {
                facts.add("bgp.next_hop", next_hop);
            }
            if update.reached > 0 {
                facts.add("bgp.reached", update.reached);
            }
            if update.withdrawn > 0 {
                facts.add("bgp.withdrawn", update.withdrawn);
            }
            if update.default {
                facts.add("bgp.default", true);
            }
        }
        Body::Notification(code, subcode, data) => {
            facts.add("bgp.type", "notification");
            facts.add("bgp.error", format!("{code}.{subcode}"));
            // Shutting down may say why, behind its length (RFC 9003).
            if let (6, 2 | 4, [_, text @ ..]) = (*code, *subcode, *data) {
                facts.add_text("bgp.reason", text);
            }
        }
        Body::Keepalive => facts.add("bgp.type", "keepalive"),
        Body::Refresh => facts.add("bgp.type", "refresh"),
    }
    Ok(Finding::certain(said.side(PORTS), facts).then(Rest::Same(message.length)))
}

fn tell(facts: &mut Facts, open: &Open<'_>) {
    facts.add("bgp.type", "open");
    facts.add("bgp.system", open.system);
    facts.add("bgp.identifier", open.identifier);
    facts.add("bgp.hold_time", open.hold_time);
    for (number, value) in &open.capabilities {
        match (number, value) {
            (1, [high, low, _, sub]) => {
                let family = match (u16::from_be_bytes([*high, *low]), sub) {
                    (1, 1) => "ipv4".to_owned(),
                    (2, 1) => "ipv6".to_owned(),
                    (1, 128) => "vpnv4".to_owned(),
                    (2, 128) => "vpnv6".to_owned(),
                    (25, 70) => "evpn".to_owned(),
                    (family, sub) => format!("{family}.{sub}"),
                };
                facts.add("bgp.family", family);
            }
            // A host's name and domain, each behind its length (draft-walton-bgp-hostname-capability).
            (73, [length, text @ ..]) => {
                facts.add_text("bgp.host", text.get(..usize::from(*length)).unwrap_or(text));
            }
            // The software's version (draft-ietf-idr-bgp-software-version).
            (75, [_, text @ ..]) => facts.add_text("bgp.software", text),
            _ => facts.add("bgp.capability", number),
        }
    }
}
