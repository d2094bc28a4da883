//! Link layers that a capture may have instead of Ethernet: Linux cooked captures, loopback, raw IP,
//! Cisco HDLC and the per-packet header (`LINKTYPE_` values of tcpdump.org, "Link-Layer Header Types").

use super::{
    Error, Reader, Result,
    ethernet::{self, Kind},
    require,
};

/// What a link layer carries, and the addresses it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link<'a> {
    /// Where it comes from; cooked captures show only this.
    pub source: Option<[u8; 6]>,
    /// Where it goes.
    pub destination: Option<[u8; 6]>,
    /// The outermost VLAN, when tagged.
    pub vlan: Option<u16>,
    /// What it holds.
    pub holds: Holds,
    /// What follows the header.
    pub payload: &'a [u8],
}

/// What a link layer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// As an Ethernet frame would.
    Ethernet(Kind),
    /// IPv4 or IPv6, by the version in the first four bits.
    Ip,
    /// A PPP frame (RFC 1662).
    Ppp,
}

/// `LINKTYPE_NULL`, BSD loopback.
pub const NULL: i32 = 0;
/// `LINKTYPE_ETHERNET`.
pub const ETHERNET: i32 = 1;
/// `LINKTYPE_PPP`.
pub const PPP: i32 = 9;
/// `LINKTYPE_RAW` as written by most systems.
pub const RAW: i32 = 101;
/// `LINKTYPE_C_HDLC`.
pub const CISCO_HDLC: i32 = 104;
/// `LINKTYPE_LOOP`, OpenBSD loopback.
pub const LOOP: i32 = 108;
/// `LINKTYPE_LINUX_SLL`.
pub const COOKED_V1: i32 = 113;
/// `LINKTYPE_PPI`, a header in front of another link layer.
pub const PPI: i32 = 192;
/// `LINKTYPE_IPV4`.
pub const IPV4: i32 = 228;
/// `LINKTYPE_IPV6`.
pub const IPV6: i32 = 229;
/// `LINKTYPE_LINUX_SLL2`.
pub const COOKED_V2: i32 = 276;
/// `LINKTYPE_PPP_SERIAL` and `LINKTYPE_PPP_ETHER` carry PPP frames too.
const OTHER_PPP: [i32; 2] = [50, 51];
/// Values that some systems wrote for raw IP before 101 was given (12 and 14).
const OLD_RAW: [i32; 2] = [12, 14];

/// Whether packets of this link type are understood.
pub fn understood(link_type: i32) -> bool {
    matches!(
        link_type,
        NULL | ETHERNET | PPP | RAW | CISCO_HDLC | LOOP | COOKED_V1 | PPI | IPV4 | IPV6 | COOKED_V2
    ) || OTHER_PPP.contains(&link_type)
        || OLD_RAW.contains(&link_type)
}

impl<'a> Link<'a> {
    /// Reads the header that packets of `link_type` have.
    pub fn parse(link_type: i32, bytes: &'a [u8]) -> Result<Self> {
        match link_type {
            ETHERNET => Ok(Self::ethernet(ethernet::Frame::parse(bytes)?)),
            NULL | LOOP => loopback(bytes),
            COOKED_V1 => cooked_v1(bytes),
            COOKED_V2 => cooked_v2(bytes),
            CISCO_HDLC => cisco_hdlc(bytes),
            PPI => ppi(bytes),
            PPP => Ok(Self::bare(Holds::Ppp, bytes)),
            other if OTHER_PPP.contains(&other) => Ok(Self::bare(Holds::Ppp, bytes)),
            RAW | IPV4 | IPV6 => Ok(Self::bare(Holds::Ip, bytes)),
            other if OLD_RAW.contains(&other) => Ok(Self::bare(Holds::Ip, bytes)),
            _ => Err(Error::Foreign { field: "link type" }),
        }
    }

    fn ethernet(frame: ethernet::Frame<'a>) -> Self {
        Self {
            source: Some(frame.source),
            destination: Some(frame.destination),
            vlan: frame.vlan,
            holds: Holds::Ethernet(frame.kind),
            payload: frame.payload,
        }
    }

    /// A link layer that shows no addresses.
    pub fn bare(holds: Holds, payload: &'a [u8]) -> Self {
        Self { source: None, destination: None, vlan: None, holds, payload }
    }
}

/// A 32-bit address family in the capturing machine's byte order, then IP.
fn loopback(bytes: &[u8]) -> Result<Link<'_>> {
    let mut r = Reader::new(bytes);
    let family = r.take::<4>("family")?;
    let family = u32::from_le_bytes(family).min(u32::from_be_bytes(family));
    // AF_INET is 2 everywhere; AF_INET6 is 10, 24, 28 or 30 depending on the system.
    require("family", matches!(family, 2 | 10 | 24 | 28 | 30))?;
    Ok(Link::bare(Holds::Ip, r.rest()))
}

/// `LINKTYPE_LINUX_SLL`: packet type, hardware type, address length and address, protocol.
fn cooked_v1(bytes: &[u8]) -> Result<Link<'_>> {
    let mut r = Reader::new(bytes);
    r.u16("packet type")?;
    let hardware = r.u16("hardware type")?;
    let length = r.u16("address length")?;
    let address: [u8; 8] = r.take("address")?;
    let (vlan, kind, payload) = cooked_protocol(&mut r)?;
    Ok(cooked(hardware, length, address, vlan, kind, payload))
}

/// `LINKTYPE_LINUX_SLL2`: the same facts in another order, with the interface.
fn cooked_v2(bytes: &[u8]) -> Result<Link<'_>> {
    let mut r = Reader::new(bytes);
    let protocol = r.u16("protocol")?;
    r.u16("reserved")?;
    r.u32("interface")?;
    let hardware = r.u16("hardware type")?;
    r.u8("packet type")?;
    let length = r.u8("address length")?;
    let address: [u8; 8] = r.take("address")?;
    let (vlan, kind, payload) = if protocol == ethernet::VLAN {
        // The tag's value stands at the start of the payload, as on the wire.
        let mut tagged = Reader::new(r.rest());
        let tag = tagged.u16("tag")? & 0x0fff;
        let (_, kind, payload) = cooked_protocol(&mut tagged)?;
        (Some(tag), kind, payload)
    } else {
        (None, Kind::Type(protocol), r.rest())
    };
    Ok(cooked(hardware, length.into(), address, vlan, kind, payload))
}

fn cooked_protocol<'a>(r: &mut Reader<'a>) -> Result<(Option<u16>, Kind, &'a [u8])> {
    let before = r.clone();
    let protocol = r.u16("protocol")?;
    if protocol == ethernet::VLAN {
        *r = before;
        return ethernet::parse_type(r);
    }
    // 4 means an LLC frame (LINKTYPE_LINUX_SLL).
    if protocol == 4 {
        let (kind, payload) = ethernet::parse_llc(r.rest())?;
        return Ok((None, kind, payload));
    }
    Ok((None, Kind::Type(protocol), r.rest()))
}

fn cooked(
    hardware: u16,
    length: u16,
    address: [u8; 8],
    vlan: Option<u16>,
    kind: Kind,
    payload: &[u8],
) -> Link<'_> {
    // 1 is Ethernet, 772 loopback (ARPHRD_ values); others have no 6-byte addresses.
    let source = match (hardware, length, address) {
        (1, 6, [a, b, c, d, e, f, ..]) => Some([a, b, c, d, e, f]),
        _ => None,
    };
    Link { source, destination: None, vlan, holds: Holds::Ethernet(kind), payload }
}

/// Address and control, then an Ethernet type.
fn cisco_hdlc(bytes: &[u8]) -> Result<Link<'_>> {
    let mut r = Reader::new(bytes);
    let address = r.u8("address")?;
    require("address", matches!(address, 0x0f | 0x8f))?;
    r.u8("control")?;
    let kind = Kind::Type(r.u16("protocol")?);
    Ok(Link { holds: Holds::Ethernet(kind), ..Link::bare(Holds::Ip, r.rest()) })
}

/// A little-endian header with its own length, in front of another link layer.
fn ppi(bytes: &[u8]) -> Result<Link<'_>> {
    let mut r = Reader::new(bytes);
    r.u16("version and flags")?;
    let length = usize::from(r.u16_le("length")?);
    let link_type = r.u32_le("link type")?;
    require("length", length >= 8)?;
    r.skip("fields", length - 8)?;
    let link_type = i32::try_from(link_type).unwrap_or(PPI);
    require("link type", link_type != PPI)?;
    Link::parse(link_type, r.rest())
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;

    use super::*;

    #[test]
    fn a_cooked_capture_shows_the_sender() {
        let bytes = hex!("0000 0001 0006 00005e005301 0000 0800 4500");
        let link = Link::parse(COOKED_V1, &bytes).unwrap();
        assert_eq!(link.source, Some(hex!("00005e005301")));
        assert_eq!(link.holds, Holds::Ethernet(Kind::Type(ethernet::IPV4)));
        crate::wire::refuses_every_truncation(&bytes[..16], |b| Link::parse(COOKED_V1, b));
    }

    #[test]
    fn the_second_cooked_form_says_the_same() {
        let bytes = hex!("0800 0000 00000002 0001 00 06 00005e005301 0000 4500");
        let link = Link::parse(COOKED_V2, &bytes).unwrap();
        assert_eq!(link.source, Some(hex!("00005e005301")));
        assert_eq!(link.payload, [0x45, 0x00]);
        crate::wire::refuses_every_truncation(&bytes[..20], |b| Link::parse(COOKED_V2, b));
        let tagged = hex!("8100 0000 00000002 0001 00 06 00005e005301 0000 0064 0800 4500");
        let link = Link::parse(COOKED_V2, &tagged).unwrap();
        assert_eq!((link.vlan, link.payload), (Some(100), &[0x45, 0x00][..]));
    }

    #[test]
    fn loopback_is_read_in_both_byte_orders() {
        for bytes in [hex!("02000000 45"), hex!("00000002 45"), hex!("1e000000 60")] {
            assert_eq!(Link::parse(NULL, &bytes).unwrap().holds, Holds::Ip);
        }
        assert!(Link::parse(NULL, &hex!("07000000 45")).is_err());
    }

    #[test]
    fn a_per_packet_header_leads_to_its_link_layer() {
        let bytes = hex!("0000 0800 01000000 00005e005301 00005e005302 86dd 60");
        let link = Link::parse(PPI, &bytes).unwrap();
        assert_eq!(link.holds, Holds::Ethernet(Kind::Type(ethernet::IPV6)));
    }

    #[test]
    fn a_link_layer_that_is_not_understood_is_not_taken_for_ip() {
        // Wi-Fi's beacons and data frames can begin as IP does.
        let packet = hex!("45000014 00000000 40000000 c0000201 c0000202");
        for link_type in 0..400 {
            let read = Link::parse(link_type, &packet);
            assert!(read.is_err() || understood(link_type), "{link_type}: {read:?}");
        }
        assert_eq!(Link::parse(RAW, &packet).unwrap().holds, Holds::Ip);
    }

    #[test]
    fn a_header_in_itself_is_refused() {
        assert!(Link::parse(PPI, &hex!("0000 0800 c0000000").repeat(1000)).is_err());
    }
}
