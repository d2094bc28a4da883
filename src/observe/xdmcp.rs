//! What XDMCP tells: hosts that let displays log on.

use super::{Carrier, Facts, Finding, Protocol, Said, Side};
use crate::wire::{Result, xdmcp::Message};

/// Where hosts listen (UDP).
const PORTS: &[u16] = &[177];

/// XDMCP. Only a host's answer says enough to be known on another port.
pub static PROTOCOL: Protocol = Protocol { name: "xdmcp", carriers: &[Carrier::Udp(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let mut facts = Facts::default();
    let readable = |text: &[u8]| !text.is_empty() && text.iter().all(|byte| *byte >= b' ');
    let (side, proven) = match Message::parse(said.bytes)? {
        Message::Query { kind } => {
            let name = match kind {
                1 => "broadcast",
                3 => "indirect",
                _ => "direct",
            };
            facts.add("xdmcp.query", name);
            (Side::Client, false)
        }
        Message::Willing { authentication, host, status } => {
            facts.add_text("xdmcp.authentication", authentication);
            facts.add_text("xdmcp.host", host);
            facts.add_text("xdmcp.status", status);
            (Side::Server, readable(host))
        }
        Message::Unwilling { host, status } => {
            facts.add_text("xdmcp.host", host);
            facts.add_text("xdmcp.refusal", status);
            (Side::Server, readable(host))
        }
        Message::Other(_) => (said.side(PORTS), false),
    };
    let finding = if proven || said.on(PORTS) && side == Side::Client {
        Finding::firm
    } else {
        Finding::weak
    };
    Ok(finding(side, facts))
}
