//! What Ubiquiti's discovery tells: a device's model, firmware, name and addresses.

use std::net::Ipv4Addr;

use super::{Carrier, Facts, Finding, Mac, Protocol, Said, Side};
use crate::wire::{Reader, Result, require, ubiquiti::Message};

/// Where devices listen (UDP).
const PORTS: &[u16] = &[10001];

/// Ubiquiti's discovery: a question on its own port, an answer on any by values that fill it exactly.
pub static PROTOCOL: Protocol =
    Protocol { name: "ubiquiti", carriers: &[Carrier::Udp(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let message = Message::parse(said.bytes)?;
    let mut facts = Facts::default().with("ubiquiti.discovery", message.version);
    if message.values.is_empty() {
        require("port", said.on(PORTS))?;
        return Ok(Finding::weak(Side::Client, facts));
    }
    for (kind, value) in &message.values {
        told(*kind, value, &mut facts);
    }
    // A hardware address with the form of one, among values that fill the message.
    let shown = message.values.len() >= 2 && facts.get("ubiquiti.mac").is_some();
    require("values", shown || said.on(PORTS))?;
    Ok(if shown { Finding::firm(Side::Server, facts) } else { Finding::weak(Side::Server, facts) })
}

fn told(kind: u8, value: &[u8], facts: &mut Facts) {
    let field = match kind {
        1 if value.len() == 6 => return mac(value, facts),
        2 if value.len() == 10 => {
            mac(value, facts);
            let mut r = Reader::new(value);
            if r.skip("hardware", 6).is_ok()
                && let Ok(address) = r.take::<4>("address")
            {
                facts.add("ubiquiti.address", Ipv4Addr::from(address));
            }
            return;
        }
        3 => "ubiquiti.firmware",
        0x0b => "ubiquiti.name",
        0x0c => "ubiquiti.product",
        0x0d => "ubiquiti.essid",
        0x14 | 0x15 => "ubiquiti.model",
        0x16 => "ubiquiti.version",
        _ => return,
    };
    facts.add_text(field, value);
}

fn mac(value: &[u8], facts: &mut Facts) {
    if let Some(mac) = value.first_chunk::<6>().map(|mac| Mac(*mac)).filter(|mac| !mac.is_group())
        && facts.all("ubiquiti.mac").all(|before| before != mac.to_string())
    {
        facts.add("ubiquiti.mac", mac);
    }
}
