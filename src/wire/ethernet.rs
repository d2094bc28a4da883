//! Ethernet frames: DIX types, 802.3 with LLC and SNAP, 802.1Q and 802.1ad tags (IEEE 802.3, 802.1Q, 802).

use super::{Reader, Result, Writer};

/// IPv4 (RFC 894).
pub const IPV4: u16 = 0x0800;
/// ARP (RFC 826).
pub const ARP: u16 = 0x0806;
/// 802.1Q tag.
pub const VLAN: u16 = 0x8100;
/// IPv6 (RFC 2464).
pub const IPV6: u16 = 0x86dd;
/// PPPoE, while a session is looked for.
pub const PPPOE_DISCOVERY: u16 = 0x8863;

/// Tags that carry another type behind them: 802.1Q, 802.1ad, and two that vendors used before it.
const TAGS: [u16; 4] = [VLAN, 0x88a8, 0x9100, 0x9200];

/// How many tags a frame may have; more is a loop in somebody's generator.
const MOST_TAGS: usize = 4;

/// A frame without its preamble and check sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Where it goes.
    pub destination: [u8; 6],
    /// Where it comes from.
    pub source: [u8; 6],
    /// The outermost VLAN, 0 to 4095, when tagged.
    pub vlan: Option<u16>,
    /// What it holds.
    pub kind: Kind,
    /// What follows the header. May hold padding.
    pub payload: &'a [u8],
}

/// What a frame holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An Ethernet type, 0x0600 and above.
    Type(u16),
    /// A SNAP organisation (24 bits) and its protocol (RFC 1042). Organisation 0 means an Ethernet type
    /// and is read as [`Kind::Type`].
    Snap(u32, u16),
    /// An LLC destination service access point (IEEE 802.2).
    Llc(u8),
}

impl<'a> Frame<'a> {
    /// Reads a frame.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let destination = r.take("destination")?;
        let source = r.take("source")?;
        let (vlan, kind, payload) = parse_type(&mut r)?;
        Ok(Self { destination, source, vlan, kind, payload })
    }

    /// Writes the frame.
    pub fn emit(&self) -> Vec<u8> {
        let writer = Writer::new().bytes(&self.destination).bytes(&self.source);
        let writer = self.vlan.iter().fold(writer, |w, vlan| w.u16(VLAN).u16(*vlan));
        match self.kind {
            Kind::Type(number) => writer.u16(number),
            Kind::Snap(organisation, protocol) => {
                let [_, a, b, c] = organisation.to_be_bytes();
                let snap = [0xaa, 0xaa, 0x03, a, b, c];
                writer
                    .sized_u16(snap.len() + 2 + self.payload.len(), &[])
                    .bytes(&snap)
                    .u16(protocol)
            }
            Kind::Llc(access_point) => {
                let llc = [access_point, access_point, 0x03];
                writer.sized_u16(llc.len() + self.payload.len(), &[]).bytes(&llc)
            }
        }
        .bytes(self.payload)
        .finish()
    }
}

/// Reads what follows the addresses: tags, then a type or an LLC header.
pub(super) fn parse_type<'a>(r: &mut Reader<'a>) -> Result<(Option<u16>, Kind, &'a [u8])> {
    let mut vlan = None;
    let mut number = r.u16("type")?;
    for _ in 0..MOST_TAGS {
        if !TAGS.contains(&number) {
            break;
        }
        let tag = r.u16("tag")? & 0x0fff;
        vlan = vlan.or(Some(tag));
        number = r.u16("type")?;
    }
    if number >= 0x0600 {
        return Ok((vlan, Kind::Type(number), r.rest()));
    }
    // A length: what is beyond it is padding, unless the length lies.
    let body = r.rest();
    let body = body.get(..usize::from(number)).filter(|body| !body.is_empty()).unwrap_or(body);
    let (kind, payload) = parse_llc(body)?;
    Ok((vlan, kind, payload))
}

/// Reads an LLC header, and the SNAP one behind it (IEEE 802.2, RFC 1042).
pub(super) fn parse_llc(body: &[u8]) -> Result<(Kind, &[u8])> {
    let mut r = Reader::new(body);
    let [destination, source, control] = r.take("llc")?;
    if (destination, source, control) == (0xaa, 0xaa, 0x03) {
        let organisation = r.u24("organisation")?;
        let protocol = r.u16("protocol")?;
        let kind = match organisation {
            0 => Kind::Type(protocol),
            _ => Kind::Snap(organisation, protocol),
        };
        return Ok((kind, r.rest()));
    }
    Ok((Kind::Llc(destination), r.rest()))
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;

    use super::*;

    const TAGGED: [u8; 20] = hex!("00005e005301 00005e005302 8100 6064 0800 4500");

    #[test]
    fn reads_a_tagged_frame() {
        let frame = Frame::parse(&TAGGED).unwrap();
        assert_eq!((frame.vlan, frame.kind), (Some(100), Kind::Type(IPV4)));
        assert_eq!(frame.payload, [0x45, 0x00]);
    }

    #[test]
    fn reads_snap_by_organisation() {
        let frame = Frame {
            destination: hex!("01000ccccccc"),
            source: hex!("00005e005301"),
            vlan: None,
            kind: Kind::Snap(0x00_000c, 0x2000),
            payload: &[2, 180],
        };
        let mut bytes = frame.emit();
        bytes.extend([0; 20]);
        assert_eq!(Frame::parse(&bytes), Ok(frame), "padding is not payload");
    }

    #[test]
    fn refuses_every_truncation() {
        crate::wire::refuses_every_truncation(&TAGGED[..18], Frame::parse);
    }

    #[test]
    fn tags_without_end_are_not_followed() {
        let bytes = [&TAGGED[..12], &hex!("8100 0001").repeat(20)].concat();
        assert_eq!(Frame::parse(&bytes).unwrap().kind, Kind::Type(VLAN));
    }
}
