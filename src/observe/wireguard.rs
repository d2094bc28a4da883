//! What WireGuard's messages tell: who begins. Everything else is encrypted.

use super::{Carrier, Confidence, Facts, Finding, Protocol, Said, Side};
use crate::wire::{
    Result, ike, require,
    wireguard::{Message, Packet},
};

/// Where servers usually listen (UDP): the project's example, and those of Cloudflare's WARP.
const PORTS: &[u16] = &[51_820, 2408, 500, 854, 859, 864, 878, 880, 890, 891, 894, 903, 1701, 4500];

/// The one port that nothing else uses.
const USUAL: &[u16] = &[51_820];

/// Of those, the ones that other protocols own.
const SHARED: &[u16] = &[500, 1701, 4500];

/// WireGuard, on any port: a handshake has one length, three zeros, and random keys.
pub static PROTOCOL: Protocol =
    Protocol { name: "wireguard", carriers: &[Carrier::Udp(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let packet = Packet::parse(said.bytes)?;
    let proper = packet.reserved == [0; 3] && !packet.padded;
    require("reserved", proper || said.on(PORTS))?;
    require("type", !said.on(SHARED) || ike::Message::parse(said.bytes).is_err())?;
    let (side, confidence) = match packet.message {
        Message::Initiation { key, quiet, .. } => {
            require("key", is_random(key))?;
            // What stands where QUIC has its version must not be one.
            require("version", !matches!(said.bytes, [_, 0, 0, 0, 1, ..]) || !packet.padded)?;
            require("code", proper || packet.padded || quiet)?;
            (Side::Client, Confidence::Firm)
        }
        Message::Response { receiver, key, quiet, .. } => {
            require("key", is_random(key))?;
            let answers = match asked(said) {
                Some(Message::Initiation { sender, .. }) => sender == receiver || packet.padded,
                _ => false,
            };
            require("code", proper || answers || quiet)?;
            require("receiver", answers || !packet.padded)?;
            let sure = if answers { Confidence::Certain } else { Confidence::Firm };
            (Side::Server, sure)
        }
        Message::Cookie { receiver, nonce } => {
            require("nonce", is_random(nonce) || said.on(USUAL))?;
            let answers = match asked(said) {
                Some(Message::Initiation { sender, .. }) => sender == receiver,
                _ => false,
            };
            (Side::Server, if answers { Confidence::Certain } else { Confidence::Weak })
        }
        Message::Data { receiver, counter, body } => {
            require("body", is_random(body) || said.on(USUAL))?;
            (side(said), data(said, &packet, receiver, counter))
        }
    };
    require("type", confidence > Confidence::Weak || said.on(PORTS) && proper)?;
    let name = match packet.message {
        Message::Initiation { .. } => "handshake_initiation",
        Message::Response { .. } => "handshake_response",
        Message::Cookie { .. } => "cookie_reply",
        Message::Data { .. } => "data",
    };
    let mut facts = Facts::default().with("wireguard.message", name);
    if packet.reserved != [0; 3] {
        facts.add_hex("wireguard.reserved", &packet.reserved);
    }
    if packet.padded {
        facts.add("wireguard.padded", true);
    }
    Ok(Finding { confidence, ..Finding::certain(side, facts) })
}

/// What the other side said last, if that was WireGuard.
fn asked<'a>(said: &Said<'a>) -> Option<Message<'a>> {
    Packet::parse(said.answering).ok().map(|packet| packet.message)
}

/// Data proves itself by a handshake before it, or by a number that rises towards one receiver.
fn data(said: &Said<'_>, packet: &Packet<'_>, receiver: u32, counter: u64) -> Confidence {
    let chosen = match asked(said) {
        Some(Message::Initiation { sender, .. } | Message::Response { sender, .. }) => Some(sender),
        _ => None,
    };
    if chosen == Some(receiver) {
        return Confidence::Certain;
    }
    let Ok(earlier) = Packet::parse(said.earlier) else { return Confidence::Weak };
    let Message::Data { receiver: same, counter: before, .. } = earlier.message else {
        return Confidence::Weak;
    };
    let step = counter.wrapping_sub(before);
    let follows = (same, earlier.reserved, earlier.padded)
        == (receiver, packet.reserved, packet.padded)
        && (1..=1024).contains(&step);
    if follows { Confidence::Firm } else { Confidence::Weak }
}

/// Data does not tell who began; the usual port does, else what was seen first.
fn side(said: &Said<'_>) -> Side {
    match (PORTS.contains(&said.from), PORTS.contains(&said.to)) {
        (true, false) => Side::Server,
        (false, true) => Side::Client,
        _ => said.side(PORTS),
    }
}

/// Whether bytes that should be random look it: of each 16, at least 11 differ.
fn is_random(bytes: &[u8]) -> bool {
    let Some(head) = bytes.first_chunk::<16>() else { return false };
    let different =
        head.iter().enumerate().filter(|(at, byte)| !head.iter().take(*at).any(|b| b == *byte));
    different.count() >= 11
}
