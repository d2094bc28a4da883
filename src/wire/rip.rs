//! RIP: routers that tell each other distances, versions 1 and 2 (RFC 1058, 2453) and `RIPng` (RFC 2080).

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{Reader, Result, require};

/// Asks for routes.
pub const REQUEST: u8 = 1;
/// Tells routes.
pub const RESPONSE: u8 = 2;

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rip<T> {
    /// 1 asks, 2 tells.
    pub command: u8,
    /// The version.
    pub version: u8,
    /// How it is authenticated: 2 by a password in clear, 3 by a digest; none if it is not.
    pub authentication: Option<u16>,
    /// The routes.
    pub routes: Vec<T>,
}

/// A route of IPv4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// The network, 0.0.0.0 for everywhere.
    pub network: Ipv4Addr,
    /// Its mask; not said in version 1.
    pub mask: Option<Ipv4Addr>,
    /// Whom to send to, if not the speaker.
    pub next_hop: Ipv4Addr,
    /// How far it is; 16 is out of reach.
    pub metric: u32,
}

/// A route of IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route6 {
    /// The network.
    pub network: Ipv6Addr,
    /// Its prefix length.
    pub length: u8,
    /// How far it is; 16 is out of reach, 255 marks a next hop.
    pub metric: u8,
}

/// Reads a message of version 1 or 2.
pub fn parse(bytes: &[u8]) -> Result<Rip<Route>> {
    let mut r = Reader::new(bytes);
    let command = r.u8("command")?;
    require("command", matches!(command, REQUEST | RESPONSE))?;
    let version = r.u8("version")?;
    require("version", matches!(version, 1 | 2))?;
    r.u16("domain")?;
    let mut rip = Rip { command, version, authentication: None, routes: Vec::new() };
    // At most 25 entries fit (RFC 2453, 3.6); what is cut is left out.
    for place in 0..25 {
        if place > 0 && r.remaining() < 20 {
            break;
        }
        match entry(&mut r, &mut rip, place) {
            Ok(true) => {}
            // What follows a good entry no longer decides what this is.
            Err(error) if place == 0 => return Err(error),
            Ok(false) | Err(_) => break,
        }
    }
    Ok(rip)
}

/// Reads one entry; false behind the last.
fn entry(r: &mut Reader<'_>, rip: &mut Rip<Route>, place: usize) -> Result<bool> {
    let family = r.u16("family")?;
    let tag = r.u16("tag")?;
    if family == 0xffff {
        // Behind the routes it is the digest itself, of any length (RFC 4822).
        if place > 0 {
            return Ok(false);
        }
        rip.authentication = Some(tag);
        r.skip("authentication", 16)?;
        return Ok(true);
    }
    require("family", family == 2 || (family == 0 && rip.command == REQUEST))?;
    let network = Ipv4Addr::from(r.take::<4>("network")?);
    let mask = r.u32("mask")?;
    require("mask", mask.leading_ones() + mask.trailing_zeros() >= 32)?;
    let next_hop = r.take::<4>("next hop")?.into();
    let metric = r.u32("metric")?;
    require("metric", metric <= 16)?;
    let mask = (rip.version == 2).then_some(mask.into());
    rip.routes.push(Route { network, mask, next_hop, metric });
    Ok(true)
}

/// Reads a message of `RIPng`.
pub fn parse_six(bytes: &[u8]) -> Result<Rip<Route6>> {
    let mut r = Reader::new(bytes);
    let command = r.u8("command")?;
    require("command", matches!(command, REQUEST | RESPONSE))?;
    let version = r.u8("version")?;
    require("version", version == 1)?;
    r.expect_u16("reserved", 0)?;
    let mut rip = Rip { command, version, authentication: None, routes: Vec::new() };
    for place in 0..128 {
        if place > 0 && r.remaining() < 20 {
            break;
        }
        let network = r.take::<16>("network")?.into();
        r.u16("tag")?;
        let length = r.u8("prefix length")?;
        require("prefix length", length <= 128)?;
        let metric = r.u8("metric")?;
        require("metric", metric <= 16 || metric == 255)?;
        rip.routes.push(Route6 { network, length, metric });
    }
    Ok(rip)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const TOLD: &[u8] = &hex!("02 02 0000 0002 0000 00000000 00000000 00000000 00000001");

    #[test]
    fn reads_the_way_to_everywhere() {
        let rip = parse(TOLD).unwrap();
        assert_eq!((rip.version, rip.routes.len()), (2, 1));
        assert!(rip.routes[0].network.is_unspecified());
        crate::wire::refuses_every_truncation(TOLD, parse);
    }

    #[test]
    fn reads_routes_of_version_6() {
        let told = hex!("02 01 0000 20010db8000000000000000000000000 0000 20 01");
        assert_eq!(parse_six(&told).unwrap().routes[0].length, 32);
        crate::wire::refuses_every_truncation(&told, parse_six);
    }

    #[test]
    fn refuses_masks_with_holes() {
        let told = hex!("02 02 0000 0002 0000 c0000200 ff00ff00 00000000 00000001");
        assert!(!parse(&told).unwrap_err().wants_more());
    }
}
