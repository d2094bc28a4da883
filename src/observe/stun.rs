//! What STUN and TURN tell: the outside addresses of a site, and the servers that lend others.

use super::{Carrier, Facts, Finding, Protocol, Rest, Said, Side, Transport};
use crate::wire::{
    Error, Reader, Result, require,
    stun::{BINDING, Class, Message},
};

/// Where servers usually listen (UDP and TCP).
const PORTS: &[u16] = &[3478, 3479, 19302];

/// STUN, on any port by its cookie; the older form without one on its own ports only.
pub static PROTOCOL: Protocol =
    Protocol { name: "stun", carriers: &[Carrier::Udp(PORTS), Carrier::Tcp(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let message = Message::parse(said.bytes)?;
    let stream = said.transport == Transport::Tcp;
    if stream && said.open && said.bytes.len() < message.length {
        let missing = message.length - said.bytes.len();
        return Err(Error::Truncated { field: "attributes", missing });
    }
    require("length", stream || said.bytes.len() <= message.length)?;
    if !message.cookie {
        let whole = said.bytes.len() == message.length;
        require("cookie", said.on(PORTS) && message.method == BINDING && whole && !stream)?;
    }
    let method = match message.method {
        BINDING => "binding".to_owned(),
        3 => "allocate".to_owned(),
        4 => "refresh".to_owned(),
        6 => "send".to_owned(),
        7 => "data".to_owned(),
        8 => "create-permission".to_owned(),
        9 => "channel-bind".to_owned(),
        10 => "connect".to_owned(),
        other => other.to_string(),
    };
    let mut facts = Facts::default().with("stun.method", method);
    let side = match message.class {
        Class::Request => Side::Client,
        Class::Indication => Side::Peer,
        Class::Success | Class::Error => Side::Server,
    };
    for (number, value) in &message.attributes {
        attribute(&message, *number, value, &mut facts);
    }
    let finding =
        if message.cookie { Finding::certain(side, facts) } else { Finding::weak(side, facts) };
    Ok(if stream { finding.then(Rest::Same(message.length)) } else { finding })
}

fn attribute(message: &Message<'_>, number: u16, value: &[u8], facts: &mut Facts) {
    let (field, hidden) = match number {
        0x0001 => ("stun.mapped", false),
        0x0020 | 0x8020 => ("stun.mapped", true),
        0x0012 => ("stun.peer", true),
        0x0016 => ("stun.relayed", true),
        0x0005 | 0x802c => ("stun.other", false),
        0x8023 => ("stun.alternate", false),
        0x8022 => return facts.add_text("stun.software", value),
        0x0014 => return facts.add_text("stun.realm", value),
        0x0009 => {
            // Hundreds and the rest, behind two bytes.
            if let Ok([_, _, hundreds, rest]) = Reader::new(value).take::<4>("error") {
                facts.add("stun.error", u32::from(hundreds & 7) * 100 + u32::from(rest));
            }
            return;
        }
        // What only two ends of a call send while they look for a way to each other (RFC 8445).
        0x0024 if facts.get("stun.ice").is_none() => return facts.add("stun.ice", "yes"),
        _ => return,
    };
    // Ports change with every exchange; addresses tell.
    if let Ok(address) = message.address(value, hidden)
        && facts.all(field).all(|before| before != address.ip().to_string())
    {
        facts.add(field, address.ip());
    }
}
