//! What MQTT tells as a client joins a broker: that it does, and whether a password guards the way.

use super::{Carrier, Facts, Finding, Protocol, Said, Side};
use crate::wire::{Result, mqtt::Message, require};

/// Where brokers usually listen (TCP).
const PORTS: &[u16] = &[1883];

/// MQTT, on any port: its first message names it.
pub static PROTOCOL: Protocol = Protocol { name: "mqtt", carriers: &[Carrier::Tcp(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let mut facts = Facts::default();
    match Message::parse(said.bytes)? {
        Message::Connect { level, user, password } => {
            let version = match level {
                3 => "3.1",
                4 => "3.1.1",
                _ => "5.0",
            };
            facts.add("mqtt.version", version);
            let authentication = match (user, password) {
                (_, true) => "password",
                (true, false) => "user",
                (false, false) => "none",
            };
            facts.add("mqtt.authentication", authentication);
            Ok(Finding::certain(Side::Client, facts))
        }
        Message::Acknowledge { result } => {
            // Four bytes; the question before them proves what they are.
            let asked = matches!(Message::parse(said.answering), Ok(Message::Connect { .. }));
            require("question", asked || said.from == 1883)?;
            facts.add("mqtt.result", result);
            Ok(if asked {
                Finding::certain(Side::Server, facts)
            } else {
                Finding::weak(Side::Server, facts)
            })
        }
    }
}
