//! EIGRP: Cisco's routing protocol (RFC 7868).

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{Reader, Result, require};

/// How many parts of a message are read.
const MOST: usize = 128;

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Eigrp {
    /// 1 update, 3 query, 4 reply, 5 hello or acknowledgment, 10 and 11 stuck in active.
    pub operation: u8,
    /// What it acknowledges; not 0 in an acknowledgment.
    pub acknowledged: u32,
    /// The routing domain.
    pub system: u16,
    /// What it says.
    pub parts: Vec<Part>,
}

/// A part of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// For how many seconds the router is believed to live.
    HoldTime(u16),
    /// How it is authenticated: 2 by MD5, 3 by SHA-256.
    Authentication(u16),
    /// The system's version and the protocol's, two numbers each.
    Software([u8; 4]),
    /// A route of the domain, or one from outside (true).
    Route(Prefix, bool),
    /// Another part, by its number.
    Other(u16),
}

/// A network and its prefix length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prefix {
    /// Of IPv4.
    Four(Ipv4Addr, u8),
    /// Of IPv6.
    Six(Ipv6Addr, u8),
}

impl Eigrp {
    /// Reads a message; what is cut is left out.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        r.expect("version", 2)?;
        let operation = r.u8("operation")?;
        require("operation", (1..=11).contains(&operation))?;
        r.skip("checksum, flags and sequence", 10)?;
        let acknowledged = r.u32("acknowledged")?;
        r.u16("router")?;
        let system = r.u16("system")?;
        let mut parts = Vec::new();
        while parts.len() < MOST
            && let Ok(part) = part(&mut r, &mut parts)
        {
            parts.extend(part);
        }
        Ok(Self { operation, acknowledged, system, parts })
    }
}

/// Reads one part. A part with several routes adds them itself.
fn part(r: &mut Reader<'_>, parts: &mut Vec<Part>) -> Result<Option<Part>> {
    let kind = r.u16("type")?;
    let length = r.u16("length")?;
    require("length", length >= 4)?;
    let mut value = r.inner("value", usize::from(length) - 4)?;
    Ok(Some(match kind {
        1 => {
            value.skip("weights", 6)?;
            Part::HoldTime(value.u16("hold time")?)
        }
        2 => Part::Authentication(value.u16("authentication")?),
        4 => Part::Software(value.take("version")?),
        // Routes with the old metrics: next hop, what an outside route came from, metric, destinations.
        0x0102 | 0x0103 | 0x0402 | 0x0403 => {
            let (six, outside) = (kind >= 0x0400, kind & 1 == 1);
            value.skip("next hop", if six { 16 } else { 4 })?;
            value.skip("origin", if outside { 20 } else { 0 })?;
            value.skip("metric", 16)?;
            while parts.len() < MOST
                && let Ok(prefix) = prefix(&mut value, six)
            {
                parts.push(Part::Route(prefix, outside));
            }
            return Ok(None);
        }
        // Routes with the wide metrics, whose family stands inside.
        0x0602 | 0x0603 => {
            value.u16("topology")?;
            let six = value.u16("family")? == 2;
            value.u32("router")?;
            value.u8("attribute words")?;
            value.skip("metric", 23)?;
            let outside = kind == 0x0603;
            value.skip("next hop", if six { 16 } else { 4 })?;
            value.skip("origin", if outside { 20 } else { 0 })?;
            while parts.len() < MOST
                && let Ok(prefix) = prefix(&mut value, six)
            {
                parts.push(Part::Route(prefix, outside));
            }
            return Ok(None);
        }
        kind => Part::Other(kind),
    }))
}

/// Reads a destination: its length in bits, and as many bytes as those need.
fn prefix(r: &mut Reader<'_>, six: bool) -> Result<Prefix> {
    let length = r.u8("prefix length")?;
    require("prefix length", length <= if six { 128 } else { 32 })?;

    let bytes = r.bytes("prefix", usize::from(length.div_ceil(8)))?;
    let mut whole = [0; 16];
    for (to, from) in whole.iter_mut().zip(bytes) {
        *to = *from;
    }
    let [a, b, c, d, ..] = whole;
    Ok(if six {
        Prefix::Six(whole.into(), length)
    } else {
        Prefix::Four(Ipv4Addr::new(a, b, c, d), length)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const ALIVE: &[u8] = &hex!(
        "02 05 0000 00000000 00000000 00000000 0000 0064
         0001 000c 01000100 0000 000f 0004 0008 0f04 0102"
    );

    #[test]
    fn reads_a_hello() {
        let eigrp = Eigrp::parse(ALIVE).unwrap();
        assert_eq!((eigrp.operation, eigrp.system), (5, 100));
        assert_eq!(eigrp.parts, [Part::HoldTime(15), Part::Software([15, 4, 1, 2])]);
        crate::wire::refuses_every_truncation(&ALIVE[..20], Eigrp::parse);
    }

    #[test]
    fn reads_routes() {
        let update = hex!(
            "02 01 0000 00000000 00000001 00000000 0000 0064
             0102 001c 00000000 00000100 00000100 0005dc 00 ff 01 0000 18 c00002
             0103 002d 00000000 c0000201 00000000 00000000 00000000 0000 03 01
             00000100 00000100 0005dc 00 ff 01 0000 00"
        );
        assert_eq!(
            Eigrp::parse(&update).unwrap().parts,
            [
                Part::Route(Prefix::Four(Ipv4Addr::new(192, 0, 2, 0), 24), false),
                Part::Route(Prefix::Four(Ipv4Addr::UNSPECIFIED, 0), true),
            ]
        );
    }
}
