//! What PPTP's control connection tells: names, vendor, firmware, and how a start ended.

use super::{Carrier, Facts, Finding, Protocol, Said, Side};
use crate::wire::{
    Result,
    pptp::{Message, Start, kind},
};

/// Where servers listen (TCP).
const PORTS: &[u16] = &[1723];

/// PPTP, on any port: each message holds a magic cookie.
pub static PROTOCOL: Protocol = Protocol { name: "pptp", carriers: &[Carrier::Tcp(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let message = match Message::parse(said.bytes) {
        Err(error) if error.wants_more() && !said.open => Message::parse_cut(said.bytes)?,
        other => other?,
    };
    let side = match message.kind {
        kind::START_REQUEST | 7 => Side::Client,
        kind::START_REPLY | 8 => Side::Server,
        _ => said.side(PORTS),
    };
    let mut facts = Facts::default().with("pptp.message", name(message.kind));
    if let (1 | 2, Ok(start)) = (message.kind, Start::parse(message.body)) {
        let [version, revision] = start.version;
        facts.add("pptp.version", format!("{version}.{revision}"));
        facts.add("pptp.firmware", start.firmware);
        facts.add_text("pptp.host_name", start.host_name);
        facts.add_text("pptp.vendor", start.vendor);
        if message.kind == kind::START_REPLY {
            facts.add("pptp.result", start.result);
        }
    }
    Ok(Finding::certain(side, facts))
}

fn name(kind: u16) -> String {
    let name = match kind {
        1 => "sccrq",
        2 => "sccrp",
        3 => "stopccrq",
        4 => "stopccrp",
        5 => "echo_request",
        6 => "echo_reply",
        7 => "ocrq",
        8 => "ocrp",
        9 => "icrq",
        10 => "icrp",
        11 => "iccn",
        12 => "ccrq",
        13 => "cdn",
        14 => "wen",
        15 => "sli",
        other => return other.to_string(),
    };
    name.to_owned()
}
