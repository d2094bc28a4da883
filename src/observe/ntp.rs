//! What NTP tells: who serves time, from where it has it, and with control messages its software.

use std::net::Ipv4Addr;

use super::{Carrier, Facts, Finding, Protocol, Said, Side};
use crate::wire::{
    Result,
    ntp::{Message, variable},
};

/// Where servers listen (UDP).
const PORTS: &[u16] = &[123];

/// NTP, on its own port: its form is shared by too many.
pub static PROTOCOL: Protocol =
    Protocol { name: "ntp", carriers: &[Carrier::UdpOnly(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let mut facts = Facts::default();
    match Message::parse(said.bytes)? {
        Message::Control { answers, operation, data } => {
            facts.add("ntp.mode", "control");
            facts.add("ntp.operation", operation);
            if answers {
                facts.add_text("ntp.readvar", data);
            }
            for (name, field) in [
                (&b"version"[..], "ntp.software"),
                (b"system", "ntp.system"),
                (b"processor", "ntp.processor"),
            ] {
                facts.add_text(field, variable(data, name).unwrap_or_default());
            }
            let side = if answers { Side::Server } else { Side::Client };
            Ok(Finding::firm(side, facts))
        }
        Message::Time { version, mode, stratum, reference, origin, .. } => {
            let (side, name) = match mode {
                1 | 2 => (Side::Peer, "peer"),
                3 => (Side::Client, "client"),
                4 => (Side::Server, "server"),
                _ => (Side::Peer, "broadcast"),
            };
            facts.add("ntp.mode", name);
            facts.add("ntp.version", version);
            if mode != 3 && stratum == 1 {
                let name: &[u8] = &reference;
                facts.add_text("ntp.clock", name.split(|byte| *byte == 0).next().unwrap_or(name));
            } else if mode != 3 && stratum > 1 {
                facts.add("ntp.reference", Ipv4Addr::from(reference));
            }
            // A server repeats the time its client sent.
            let asked = match Message::parse(said.answering) {
                Ok(Message::Time { mode: 3, transmit, .. }) => transmit == origin,
                _ => false,
            };
            let sure = mode == 4 && asked;
            Ok(if sure { Finding::firm(side, facts) } else { Finding::weak(side, facts) })
        }
    }
}
