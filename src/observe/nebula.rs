//! What Nebula tells: that nodes meet, and what the certificate of the one that begins says.

use super::{Carrier, Facts, Finding, Protocol, Said, Side};
use crate::wire::{
    Result,
    nebula::{Certificate, HEADER, Header},
    require,
};

/// Where nodes usually listen (UDP).
const PORTS: &[u16] = &[4242];

/// Nebula: handshakes on any port, other packets by a number that rises.
pub static PROTOCOL: Protocol = Protocol { name: "nebula", carriers: &[Carrier::Udp(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let header = Header::parse(said.bytes)?;
    let message = match header.kind {
        0 => "handshake",
        1 => "message",
        2 => "receive_error",
        3 => "lighthouse",
        4 => "test",
        5 => "close_tunnel",
        _ => "control",
    };
    let mut facts = Facts::default().with("nebula.message", message);
    // Behind the header of a handshake stand two keys.
    let handshake = said.bytes.len() >= HEADER + 64;
    if header.begins() && handshake {
        let Ok(certificate) = Certificate::parse(said.bytes) else {
            return Ok(Finding::firm(Side::Client, facts));
        };
        facts.add_text("nebula.name", certificate.name);
        for (address, prefix) in certificate.addresses() {
            facts.add("nebula.address", format!("{}/{prefix}", std::net::Ipv4Addr::from(address)));
        }
        for group in certificate.groups() {
            facts.add_text("nebula.group", group);
        }
        return Ok(Finding::certain(Side::Client, facts));
    }
    if header.answers() && handshake {
        let certain = Header::parse(said.answering).is_ok_and(|question| question.begins());
        return Ok(if certain {
            Finding::certain(Side::Server, facts)
        } else {
            Finding::firm(Side::Server, facts)
        });
    }
    require("index", header.index != 0 && header.kind != 0)?;
    let follows = Header::parse(said.earlier).is_ok_and(|earlier| {
        let step = header.counter.wrapping_sub(earlier.counter);
        earlier.index == header.index && (1..=1024).contains(&step)
    });
    if follows && header.index >> 16 != 0 && header.counter >= 3 {
        return Ok(Finding::firm(said.side(PORTS), facts));
    }
    require("port", said.on(PORTS))?;
    Ok(Finding::weak(said.side(PORTS), facts))
}
