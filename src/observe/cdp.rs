//! What CDP tells: the neighbour's name, model, software, port, addresses and capabilities.

use super::{Carrier, Facts, Finding, Protocol, Said, Side};
use crate::wire::{
    Result,
    cdp::{Cdp, Field},
};

/// CDP.
pub static PROTOCOL: Protocol =
    Protocol { name: "cdp", carriers: &[Carrier::Snap(0x0c, 0x2000)], read };

/// What a device can do, from the lowest bit.
const CAPABILITIES: [&str; 10] = [
    "router",
    "transparent_bridge",
    "source_route_bridge",
    "switch",
    "host",
    "igmp",
    "repeater",
    "telephone",
    "remotely_managed",
    "two_port_relay",
];

fn read(said: &Said<'_>) -> Result<Finding> {
    let cdp = Cdp::parse(said.bytes)?;
    let mut facts = Facts::default().with("cdp.version", cdp.version);
    for field in &cdp.fields {
        match field {
            Field::Device(text) => facts.add_text("cdp.device", text),
            Field::Addresses(addresses) => {
                for address in addresses {
                    facts.add("cdp.address", address);
                }
            }
            Field::Port(text) => facts.add_text("cdp.port", text),
            Field::Capabilities(bits) => {
                for (at, word) in CAPABILITIES.iter().enumerate() {
                    if bits >> at & 1 == 1 {
                        facts.add("cdp.capability", word);
                    }
                }
            }
            Field::Software(text) => facts.add_text("cdp.software", text),
            Field::Platform(text) => facts.add_text("cdp.platform", text),
            Field::Networks(bytes) => networks(&mut facts, bytes),
            Field::VtpDomain(text) => facts.add_text("cdp.vtp_domain", text),
            Field::Vlan(number) => facts.add("cdp.vlan", number),
            Field::SystemName(text) => facts.add_text("cdp.system_name", text),
            Field::Management(addresses) => {
                for address in addresses {
                    facts.add("cdp.management", address);
                }
            }
            Field::Other(_) => {}
        }
    }
    Ok(Finding::certain(Side::Peer, facts))
}

/// Networks behind a router, or, when it is only an address, the default gateway it offers.
fn networks(facts: &mut Facts, bytes: &[u8]) {
    if let Ok(gateway) = <[u8; 4]>::try_from(bytes) {
        facts.add("cdp.default_gateway", std::net::Ipv4Addr::from(gateway));
        return;
    }
    for [a, b, c, d, length] in bytes.as_chunks::<5>().0 {
        facts.add("cdp.network", format!("{a}.{b}.{c}.{d}/{length}"));
    }
}
