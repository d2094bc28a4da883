//! What LLDP tells: the neighbour's model, version, port, capabilities and where it is managed.

use super::{Carrier, Facts, Finding, Mac, Protocol, Said, Side};
use crate::wire::{
    Result,
    lldp::{self, Field, Name},
};

/// LLDP.
pub static PROTOCOL: Protocol =
    Protocol { name: "lldp", carriers: &[Carrier::Ethernet(0x88cc)], read };

/// The capabilities that a device may have on, from the lowest bit.
const CAPABILITIES: [&str; 11] = [
    "other",
    "repeater",
    "bridge",
    "access_point",
    "router",
    "telephone",
    "cable_modem",
    "station",
    "vlan_component",
    "svlan_component",
    "relay",
];

fn read(said: &Said<'_>) -> Result<Finding> {
    let mut facts = Facts::default();
    let fields = lldp::parse(said.bytes)?;
    let regular = matches!(fields.first(), Some(Field::Chassis(_)));
    for field in fields {
        match field {
            Field::Chassis(name) => add(&mut facts, "lldp.chassis", name),
            Field::Port(name) => add(&mut facts, "lldp.port", name),
            Field::PortDescription(text) => facts.add_text("lldp.port_description", text),
            Field::SystemName(text) => facts.add_text("lldp.system_name", text),
            Field::SystemDescription(text) => facts.add_text("lldp.system_description", text),
            Field::Capabilities(_, enabled) => {
                for (at, word) in CAPABILITIES.iter().enumerate() {
                    if enabled >> at & 1 == 1 {
                        facts.add("lldp.capability", word);
                    }
                }
            }
            Field::Management(name) => add(&mut facts, "lldp.management", name),
            Field::Vlan(number) => facts.add("lldp.vlan", number),
            Field::Inventory(kind, text) => {
                let name = match kind {
                    5 => "lldp.hardware",
                    6 => "lldp.firmware",
                    7 => "lldp.software",
                    8 => "lldp.serial",
                    9 => "lldp.manufacturer",
                    10 => "lldp.model",
                    _ => "lldp.asset",
                };
                facts.add_text(name, text);
            }
            Field::TimeToLive(_) | Field::Other(_) => {}
        }
    }
    Ok(if regular { Finding::certain(Side::Peer, facts) } else { Finding::weak(Side::Peer, facts) })
}

fn add(facts: &mut Facts, field: &'static str, name: Name<'_>) {
    match name {
        Name::Mac(mac) => facts.add(field, Mac(mac)),
        Name::Address(address) => facts.add(field, address),
        Name::Text(text) => facts.add_text(field, text),
        Name::Other(_, bytes) => facts.add_hex(field, bytes),
    }
}
