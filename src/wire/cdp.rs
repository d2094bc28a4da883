//! CDP: a Cisco, or something that speaks like one, says what it is (Cisco's format, never standardised).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Reader, Result, require};

/// How many fields are read.
const MOST_FIELDS: usize = 64;

/// What a neighbour says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cdp<'a> {
    /// 1 or 2.
    pub version: u8,
    /// For how many seconds this holds.
    pub time_to_live: u8,
    /// What it says, in order.
    pub fields: Vec<Field<'a>>,
}

/// One thing a neighbour says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field<'a> {
    /// The device's name, often with domain or serial number.
    Device(&'a [u8]),
    /// Its addresses.
    Addresses(Vec<IpAddr>),
    /// Its port on this wire.
    Port(&'a [u8]),
    /// What it can do: router (1), bridges (2, 4), switch (8), host (0x10), IGMP (0x20), repeater (0x40), phone (0x80).
    Capabilities(u32),
    /// Its software.
    Software(&'a [u8]),
    /// Its model.
    Platform(&'a [u8]),
    /// Networks behind it, or its default gateway.
    Networks(&'a [u8]),
    /// The domain of its VLAN configuration.
    VtpDomain(&'a [u8]),
    /// The port's untagged network.
    Vlan(u16),
    /// Its name in SNMP.
    SystemName(&'a [u8]),
    /// Where it is managed.
    Management(Vec<IpAddr>),
    /// Another field, by its number.
    Other(u16),
}

impl<'a> Cdp<'a> {
    /// Reads what follows the SNAP header; what is cut is left out.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let version = r.u8("version")?;
        require("version", (1..=2).contains(&version))?;
        let time_to_live = r.u8("time to live")?;
        r.u16("checksum")?;
        let mut fields = vec![field(&mut r)?];
        while fields.len() < MOST_FIELDS
            && let Ok(field) = field(&mut r)
        {
            fields.push(field);
        }
        Ok(Self { version, time_to_live, fields })
    }
}

fn field<'a>(r: &mut Reader<'a>) -> Result<Field<'a>> {
    let kind = r.u16("type")?;
    let length = r.u16("length")?;
    require("length", length >= 4)?;
    let mut value = r.inner("value", usize::from(length) - 4)?;
    let all = value.rest();
    Ok(match kind {
        0x01 => Field::Device(all),
        0x02 => Field::Addresses(addresses(value)),
        0x03 => Field::Port(all),
        0x04 => Field::Capabilities(value.u32("capabilities")?),
        0x05 => Field::Software(all),
        0x06 => Field::Platform(all),
        0x07 => Field::Networks(all),
        0x09 => Field::VtpDomain(all),
        0x0a => Field::Vlan(value.u16("vlan")?),
        0x14 => Field::SystemName(all),
        0x16 => Field::Management(addresses(value)),
        kind => Field::Other(kind),
    })
}

/// Addresses with their protocol before each: NLPID 0xcc, or the Ethernet type behind a SNAP header.
fn addresses(mut r: Reader<'_>) -> Vec<IpAddr> {
    let mut found = Vec::new();
    let count = r.u32("count").unwrap_or_default().min(64);
    for _ in 0..count {
        let Ok((_, length)) = r.u8("protocol kind").and_then(|k| Ok((k, r.u8("length")?))) else {
            break;
        };
        let protocol = r.bytes("protocol", length.into());
        let length = r.u16("address length");
        let (Ok(protocol), Ok(length)) = (protocol, length) else { break };
        let Ok(address) = r.bytes("address", length.into()) else { break };
        if protocol == [0xcc]
            && let Ok(address) = <[u8; 4]>::try_from(address)
        {
            found.push(Ipv4Addr::from(address).into());
        } else if protocol.ends_with(&[0x86, 0xdd])
            && let Ok(address) = <[u8; 16]>::try_from(address)
        {
            found.push(Ipv6Addr::from(address).into());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const SAID: &[u8] = &hex!(
        "02 b4 0000 0001 0006 7231 0002 0011 00000001 01 01 cc 0004 c0000201 0004 0008 00000029 000a 0006 0064"
    );

    #[test]
    fn reads_device_and_addresses() {
        let cdp = Cdp::parse(SAID).unwrap();
        assert_eq!((cdp.version, cdp.time_to_live), (2, 180));
        assert_eq!(
            cdp.fields,
            [
                Field::Device(b"r1"),
                Field::Addresses(vec![Ipv4Addr::new(192, 0, 2, 1).into()]),
                Field::Capabilities(0x29),
                Field::Vlan(100),
            ]
        );
        crate::wire::refuses_every_truncation(&SAID[..10], Cdp::parse);
    }
}
