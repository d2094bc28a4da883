//! LLDP: a neighbour says what it is, on which port (IEEE 802.1AB), with the inventory of LLDP-MED (ANSI/TIA-1057).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Error, Reader, Result, require};

/// The organisation of LLDP-MED.
const TIA: u32 = 0x12bb;
/// The organisation of 802.1's additions.
const IEEE_802_1: u32 = 0x80c2;

/// How many fields are read.
const MOST_FIELDS: usize = 128;

/// One thing a neighbour says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field<'a> {
    /// The device.
    Chassis(Name<'a>),
    /// Its port on this wire.
    Port(Name<'a>),
    /// For how many seconds this holds; 0 takes it back.
    TimeToLive(u16),
    /// The port in words.
    PortDescription(&'a [u8]),
    /// The device's name.
    SystemName(&'a [u8]),
    /// What the device is: often model and version.
    SystemDescription(&'a [u8]),
    /// What it can do, and which of that is on: bits from other (1) to two-port relay (0x400).
    Capabilities(u16, u16),
    /// Where it is managed.
    Management(Name<'a>),
    /// The port's untagged network.
    Vlan(u16),
    /// A line of LLDP-MED's inventory: 5 hardware, 6 firmware, 7 software, 8 serial, 9 maker, 10 model, 11 asset.
    Inventory(u8, &'a [u8]),
    /// Another field, by its number.
    Other(u8),
}

/// A name of one of several kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name<'a> {
    /// A hardware address.
    Mac([u8; 6]),
    /// A network address.
    Address(IpAddr),
    /// A text: an interface, a component, something local.
    Text(&'a [u8]),
    /// Anything else, by its kind.
    Other(u8, &'a [u8]),
}

/// Reads what a neighbour says. It begins with device and port, and what is cut after them is left out;
/// without them, as no standard allows, every field must be whole.
pub fn parse(bytes: &[u8]) -> Result<Vec<Field<'_>>> {
    let mut r = Reader::new(bytes);
    let first = field(&mut r)?.ok_or(Error::Foreign { field: "chassis" })?;
    let regular = matches!(first, Field::Chassis(_));
    let mut fields = vec![first];
    if regular {
        let port = field(&mut r)?.ok_or(Error::Foreign { field: "port" })?;
        require("port", matches!(port, Field::Port(_)))?;
        fields.push(port);
    }
    while !r.is_empty() && fields.len() < MOST_FIELDS {
        match field(&mut r) {
            Ok(Some(field)) => fields.push(field),
            Ok(None) => break,
            Err(_) if regular => break,
            Err(error) => return Err(error),
        }
    }
    Ok(fields)
}

/// Reads one field; none at the end.
fn field<'a>(r: &mut Reader<'a>) -> Result<Option<Field<'a>>> {
    let head = r.u16("type and length")?;
    let [high, _] = head.to_be_bytes();
    let kind = high >> 1;
    let mut value = r.inner("value", usize::from(head & 0x1ff))?;
    let all = value.rest();
    Ok(Some(match kind {
        0 => return Ok(None),
        1 => {
            let kind = value.u8("chassis kind")?;
            // Kinds are numbered apart for devices and ports (802.1AB, 8.5.2 and 8.5.3).
            Field::Chassis(name(value.rest(), kind, 4, 5, &[1, 2, 3, 6, 7]))
        }
        2 => {
            let kind = value.u8("port kind")?;
            Field::Port(name(value.rest(), kind, 3, 4, &[1, 2, 5, 7]))
        }
        3 => Field::TimeToLive(value.u16("time to live")?),
        4 => Field::PortDescription(all),
        5 => Field::SystemName(all),
        6 => Field::SystemDescription(all),
        7 => Field::Capabilities(value.u16("capabilities")?, value.u16("enabled")?),
        8 => {
            let length = value.u8("address length")?;
            let address = value.bytes("address", length.into())?;
            Field::Management(network(address).unwrap_or(Name::Other(0, address)))
        }
        127 => match (value.u24("organisation")?, value.u8("subtype")?) {
            (IEEE_802_1, 1) => Field::Vlan(value.u16("vlan")?),
            (TIA, kind @ 5..=11) => Field::Inventory(kind, value.rest()),
            _ => Field::Other(kind),
        },
        kind => Field::Other(kind),
    }))
}

fn name<'a>(bytes: &'a [u8], kind: u8, mac: u8, address: u8, texts: &[u8]) -> Name<'a> {
    match <[u8; 6]>::try_from(bytes) {
        Ok(bytes) if kind == mac => Name::Mac(bytes),
        _ if kind == address => network(bytes).unwrap_or(Name::Other(kind, bytes)),
        _ if texts.contains(&kind) => Name::Text(bytes),
        _ => Name::Other(kind, bytes),
    }
}

/// An address with its family before it (IANA's address family numbers).
fn network(bytes: &[u8]) -> Option<Name<'_>> {
    let (family, address) = bytes.split_first()?;
    Some(match family {
        1 => Name::Address(Ipv4Addr::from(<[u8; 4]>::try_from(address).ok()?).into()),
        2 => Name::Address(Ipv6Addr::from(<[u8; 16]>::try_from(address).ok()?).into()),
        6 => Name::Mac(address.try_into().ok()?),
        7 => Name::Text(address),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const SAID: &[u8] = &hex!(
        "0207 04 00005e005301 0405 05 67652d31 0602 0078 0a02 7231
         0e04 0014 0004 100c 05 01 c0000201 02 00000001 00 fe06 0080c2 01 000a 0000"
    );

    #[test]
    fn reads_device_port_and_the_rest() {
        let fields = parse(SAID).unwrap();
        assert_eq!(
            fields,
            [
                Field::Chassis(Name::Mac([0, 0, 0x5e, 0, 0x53, 1])),
                Field::Port(Name::Text(b"ge-1")),
                Field::TimeToLive(120),
                Field::SystemName(b"r1"),
                Field::Capabilities(0x14, 0x04),
                Field::Management(Name::Address(Ipv4Addr::new(192, 0, 2, 1).into())),
                Field::Vlan(10),
            ]
        );
        crate::wire::refuses_every_truncation(&SAID[..16], parse);
    }

    #[test]
    fn refuses_what_neither_begins_with_a_device_nor_is_whole() {
        assert!(!parse(&hex!("0000")).unwrap_err().wants_more());
        assert!(parse(&hex!("0a02 7231 0a09 72")).is_err(), "and is not whole");
    }
}
