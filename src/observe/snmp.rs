//! What an SNMP message tells of its agent: what it is, who made it, and which addresses it has.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Carrier, Facts, Finding, Mac, Protocol, Said, Side};
use crate::wire::{
    Result, ber,
    snmp::{self, Binding, Engine, Message, Pdu, Secured},
};

/// Where agents are asked and managers are told (UDP).
const PORTS: &[u16] = &[161, 162];

/// SNMP, on any port: five nested values and their tags name it. Communities and users are not kept.
pub static PROTOCOL: Protocol = Protocol { name: "snmp", carriers: &[Carrier::Udp(PORTS)], read };

/// Objects that are told as text: the encoded name, and the fact's. A name without its instance
/// stands for every instance.
const TEXTS: &[(&[u8], &str)] = &[
    (&[0x2b, 6, 1, 2, 1, 1, 1, 0], "snmp.sysdescr"),
    (&[0x2b, 6, 1, 2, 1, 1, 5, 0], "snmp.sysname"),
    (&[0x2b, 6, 1, 2, 1, 1, 6, 0], "snmp.syslocation"),
    // The interfaces' names (IF-MIB ifDescr, ifName, ifAlias).
    (&[0x2b, 6, 1, 2, 1, 2, 2, 1, 2], "snmp.interface"),
    (&[0x2b, 6, 1, 2, 1, 31, 1, 1, 1, 1], "snmp.interface"),
    (&[0x2b, 6, 1, 2, 1, 31, 1, 1, 1, 18], "snmp.interface_alias"),
    // The parts a device is built of (RFC 6933).
    (&[0x2b, 6, 1, 2, 1, 47, 1, 1, 1, 1, 9], "snmp.firmware"),
    (&[0x2b, 6, 1, 2, 1, 47, 1, 1, 1, 1, 10], "snmp.software"),
    (&[0x2b, 6, 1, 2, 1, 47, 1, 1, 1, 1, 11], "snmp.serial"),
    (&[0x2b, 6, 1, 2, 1, 47, 1, 1, 1, 1, 12], "snmp.manufacturer"),
    (&[0x2b, 6, 1, 2, 1, 47, 1, 1, 1, 1, 13], "snmp.model"),
    // Fortinet's serial number and firmware (enterprise 12356).
    (&[0x2b, 6, 1, 4, 1, 0xe0, 0x44, 100, 1, 1, 1, 0], "snmp.serial"),
    (&[0x2b, 6, 1, 4, 1, 0xe0, 0x44, 101, 4, 1, 1, 0], "snmp.software"),
];

const SYS_OBJECT_ID: &[u8] = &[0x2b, 6, 1, 2, 1, 1, 2, 0];
const TRAP_OBJECT: &[u8] = &[0x2b, 6, 1, 6, 3, 1, 1, 4, 1, 0];
/// `ipAdEntAddr` (RFC 1213).
const ADDRESS: &[u8] = &[0x2b, 6, 1, 2, 1, 4, 20, 1, 1];
/// `ipAddressTable` (RFC 4293): a column, then the address's kind, length and bytes.
const ADDRESSES: &[u8] = &[0x2b, 6, 1, 2, 1, 4, 34, 1];
/// `ipRouteNextHop` (RFC 1213), behind it the destination.
const NEXT_HOP: &[u8] = &[0x2b, 6, 1, 2, 1, 4, 21, 1, 7];
/// `ipCidrRouteNextHop` (RFC 2096), behind it the destination.
const CIDR_NEXT_HOP: &[u8] = &[0x2b, 6, 1, 2, 1, 4, 24, 4, 1, 4];
/// `ifPhysAddress` (RFC 2863).
const HARDWARE: &[u8] = &[0x2b, 6, 1, 2, 1, 2, 2, 1, 6];
/// `ifType` (RFC 2863).
const INTERFACE_TYPE: &[u8] = &[0x2b, 6, 1, 2, 1, 2, 2, 1, 3];

fn read(said: &Said<'_>) -> Result<Finding> {
    let message = Message::parse(said.bytes)?;
    let mut facts = Facts::default();
    let pdu = match &message {
        Message::Community { version, community, pdu } => {
            facts.add("snmp.version", if *version == 0 { "1" } else { "2c" });
            // What opens the agent is not kept, only whether everybody knows it.
            let known = matches!(*community, b"public" | b"private");
            facts.add("snmp.community", if known { "default" } else { "other" });
            Some(pdu)
        }
        Message::Secured(message) => {
            facts.add("snmp.version", "3");
            secured(message, &mut facts);
            message.pdu.as_ref()
        }
    };
    let side = match pdu.map(|pdu| pdu.kind) {
        Some(snmp::GET | snmp::GET_NEXT | snmp::GET_BULK | snmp::SET) => Side::Client,
        Some(snmp::RESPONSE | snmp::REPORT) => Side::Server,
        Some(_) => Side::Peer,
        None => said.side(PORTS),
    };
    if let Some(pdu) = pdu {
        told(pdu, &mut facts);
    }
    Ok(Finding::certain(side, facts))
}

fn secured(message: &Secured<'_>, facts: &mut Facts) {
    let level = match message.flags & 3 {
        0 => "none",
        1 => "authenticated",
        _ => "encrypted",
    };
    facts.add("snmp.security", level);
    facts.add_hex("snmp.engineid", message.engine);
    let Ok(engine) = Engine::parse(message.engine) else { return };
    facts.add("snmp.engineid.pen", engine.enterprise);
    match (engine.format, engine.rest) {
        (Some(1), rest) if rest.len() == 4 => add_address("snmp.engineid.address", rest, facts),
        (Some(2), rest) if rest.len() == 16 => add_address("snmp.engineid.address", rest, facts),
        (Some(3), rest) => {
            if let Ok(mac) = <[u8; 6]>::try_from(rest) {
                facts.add("snmp.engineid.mac", Mac(mac));
            }
        }
        (Some(4), rest) => facts.add_text("snmp.engineid.text", rest),
        _ => {}
    }
    facts.add("snmp.boots", message.boots);
}

fn told(pdu: &Pdu<'_>, facts: &mut Facts) {
    let kind = match pdu.kind {
        snmp::GET => "get",
        snmp::GET_NEXT => "get-next",
        snmp::RESPONSE => "response",
        snmp::SET => "set",
        snmp::GET_BULK => "get-bulk",
        snmp::INFORM => "inform",
        snmp::REPORT => "report",
        _ => "trap",
    };
    facts.add("snmp.pdu", kind);
    if let Some(trap) = pdu.trap {
        add_object("snmp.enterprise", trap.enterprise, facts);
        if !trap.agent.is_unspecified() {
            facts.add("snmp.address", trap.agent);
        }
    }
    // What is asked for has no values yet.
    if !matches!(pdu.kind, snmp::GET | snmp::GET_NEXT | snmp::GET_BULK | snmp::SET) {
        pdu.bindings.iter().for_each(|binding| value(binding, facts));
    }
}

fn value(binding: &Binding<'_>, facts: &mut Facts) {
    let Binding { name, tag, value } = *binding;
    if tag == ber::OCTETS
        && let Some((_, field)) = TEXTS.iter().find(|(object, _)| name.starts_with(object))
    {
        facts.add_text(field, value);
    } else if name == SYS_OBJECT_ID && tag == ber::OBJECT {
        add_object("snmp.sysobjectid", value, facts);
    } else if name == TRAP_OBJECT && tag == ber::OBJECT {
        add_object("snmp.trap", value, facts);
    } else if name.starts_with(ADDRESS) && tag == snmp::IP_ADDRESS {
        add_address("snmp.address", value, facts);
    } else if let Some(index) = name.strip_prefix(ADDRESSES) {
        let bytes = ber::arcs(index).unwrap_or_default();
        let bytes: Vec<u8> = bytes.iter().filter_map(|arc| u8::try_from(*arc).ok()).collect();
        // Every column repeats the address; the third is the first that may be read.
        if let [3, 1, 4, address @ ..] | [3, 2, 16, address @ ..] = bytes.as_slice() {
            add_address("snmp.address", address, facts);
        }
    } else if let Some(index) =
        name.strip_prefix(NEXT_HOP).or_else(|| name.strip_prefix(CIDR_NEXT_HOP))
    {
        route(index, value, facts);
    } else if name.starts_with(HARDWARE)
        && let Ok(mac) = <[u8; 6]>::try_from(value)
        && !Mac(mac).is_zero()
    {
        facts.add("snmp.mac", Mac(mac));
    } else if name.starts_with(INTERFACE_TYPE)
        && let Some(kind) = ber::number(value)
        // Point-to-point, tunnels and mobile radio: what leaves a site.
        && matches!(kind, 23 | 131 | 150 | 243 | 244)
    {
        facts.add("snmp.interface_type", kind);
    }
}

/// A route to elsewhere, as `192.0.2.0 via 198.51.100.1`.
fn route(index: &[u8], hop: &[u8], facts: &mut Facts) {
    let arcs = ber::arcs(index).unwrap_or_default();
    let bytes: Vec<u8> = arcs.iter().take(4).filter_map(|arc| u8::try_from(*arc).ok()).collect();
    if let (Ok(to), Ok(hop)) = (<[u8; 4]>::try_from(bytes), <[u8; 4]>::try_from(hop)) {
        let (to, hop) = (Ipv4Addr::from(to), Ipv4Addr::from(hop));
        if !hop.is_unspecified() && !hop.is_loopback() {
            facts.add("snmp.route", format_args!("{to} via {hop}"));
        }
    }
}

fn add_object(field: &'static str, body: &[u8], facts: &mut Facts) {
    if let Some(object) = ber::object(body) {
        facts.add(field, object);
    }
}

fn add_address(field: &'static str, bytes: &[u8], facts: &mut Facts) {
    let address: IpAddr = if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        Ipv4Addr::from(four).into()
    } else if let Ok(sixteen) = <[u8; 16]>::try_from(bytes) {
        Ipv6Addr::from(sixteen).into()
    } else {
        return;
    };
    if !address.is_unspecified() && !address.is_loopback() {
        facts.add(field, address);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::ber::{emit, emit_integer, emit_object};

    fn answer(bindings: &[(&[u32], u8, &[u8])]) -> Facts {
        let pairs: Vec<u8> = bindings
            .iter()
            .flat_map(|(name, tag, value)| {
                emit(ber::SEQUENCE, &[emit_object(name), emit(*tag, value)].concat())
            })
            .collect();
        let numbers = [emit_integer(1), emit_integer(0), emit_integer(0)].concat();
        let body = [numbers, emit(ber::SEQUENCE, &pairs)].concat();
        let pdu = emit(snmp::RESPONSE, &body);
        let bytes = [emit_integer(1), emit(ber::OCTETS, b"secret"), pdu].concat();
        let bytes = emit(ber::SEQUENCE, &bytes);
        let finding = read(&Said::datagram(161, 40_000, &bytes)).unwrap();
        assert_eq!(finding.side, Side::Server);
        finding.facts
    }

    #[test]
    fn a_router_tells_its_addresses_and_routes() {
        let facts = answer(&[
            (&[1, 3, 6, 1, 2, 1, 4, 20, 1, 1, 192, 0, 2, 1], snmp::IP_ADDRESS, &[192, 0, 2, 1]),
            (&[1, 3, 6, 1, 2, 1, 4, 34, 1, 3, 1, 4, 198, 51, 100, 7], ber::INTEGER, &[2]),
            (&[1, 3, 6, 1, 2, 1, 4, 21, 1, 7, 0, 0, 0, 0], snmp::IP_ADDRESS, &[203, 0, 113, 1]),
            (&[1, 3, 6, 1, 2, 1, 2, 2, 1, 3, 4], ber::INTEGER, &[23]),
            (&[1, 3, 6, 1, 4, 1, 12356, 101, 4, 1, 1, 0], ber::OCTETS, b"v7.2.1"),
        ]);
        assert!(facts.all("snmp.address").eq(["192.0.2.1", "198.51.100.7"]));
        assert_eq!(facts.get("snmp.route"), Some("0.0.0.0 via 203.0.113.1"));
        assert_eq!(facts.get("snmp.interface_type"), Some("23"));
        assert_eq!(facts.get("snmp.software"), Some("v7.2.1"));
    }

    #[test]
    fn the_community_is_not_kept() {
        let facts = answer(&[]);
        assert_eq!(facts.get("snmp.community"), Some("other"));
        assert!(facts.iter().all(|(_, value)| !value.contains("secret")));
    }
}
