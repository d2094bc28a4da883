//! What SPICE's link messages tell.

use super::{Carrier, Facts, Finding, Protocol, Said, Side};
use crate::wire::{Result, spice::Link};

/// Where hypervisors usually listen (TCP).
const PORTS: &[u16] = &[5930, 3128];

/// SPICE, on any port: the message begins with a mark.
pub static PROTOCOL: Protocol = Protocol { name: "spice", carriers: &[Carrier::Tcp(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let link = Link::parse(said.bytes)?;
    let (major, minor) = link.version;
    let mut facts = Facts::default().with("spice.version", format_args!("{major}.{minor}"));
    if link.is_answer() {
        facts.add("spice.result", link.result);
        return Ok(Finding::certain(Side::Server, facts));
    }
    facts.add("spice.channel", channel(link.channel));
    Ok(Finding::certain(Side::Client, facts))
}

fn channel(number: u8) -> String {
    match number {
        1 => "main",
        2 => "display",
        3 => "inputs",
        4 => "cursor",
        5 => "playback",
        6 => "record",
        8 => "smartcard",
        9 => "usb",
        10 => "port",
        11 => "webdav",
        _ => return number.to_string(),
    }
    .to_owned()
}
