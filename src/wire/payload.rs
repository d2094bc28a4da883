//! What a tunnel carries: the one answer every encapsulation gives, and how a packet looks that it could carry.

use super::Reader;

/// What is inside a tunnel's message, and from which byte on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inner<'a> {
    /// A frame, from its destination address on.
    Ethernet(&'a [u8]),
    /// The payload of a frame of this type.
    EtherType(u16, &'a [u8]),
    /// An IP packet; its first nibble is 4 or 6.
    Ip(&'a [u8]),
    /// A PPP frame, from its address or protocol field on.
    Ppp(&'a [u8]),
    /// Nothing that can be read on.
    Nothing,
}

impl<'a> Inner<'a> {
    /// An IP packet, if the first nibble says so.
    pub fn ip(bytes: &'a [u8]) -> Self {
        match bytes.first().map(|byte| byte >> 4) {
            Some(4 | 6) => Self::Ip(bytes),
            _ => Self::Nothing,
        }
    }

    /// What follows an Ethernet type.
    pub fn of_type(kind: u16, bytes: &'a [u8]) -> Self {
        match kind {
            IPV4 | IPV6 => Self::ip(bytes),
            BRIDGED => Self::Ethernet(bytes),
            PPP => Self::Ppp(bytes),
            _ => Self::EtherType(kind, bytes),
        }
    }

    /// Whether what is inside looks like what it should be: enough to believe a tunnel on any port.
    pub fn is_plausible(&self) -> bool {
        match self {
            Self::Ethernet(frame) => is_frame(frame),
            Self::Ip(packet) => is_packet(packet),
            Self::EtherType(kind, _) => is_known_type(*kind),
            Self::Ppp(_) | Self::Nothing => false,
        }
    }

    /// A word for it: `ethernet`, `ipv4`, `ipv6`, `ppp`, `none`, `arp`, `mpls`, or the Ethernet type.
    pub fn word(&self) -> String {
        match self {
            Self::Ethernet(_) => "ethernet".into(),
            Self::Ip(packet) if packet.first().is_some_and(|byte| byte >> 4 == 6) => "ipv6".into(),
            Self::Ip(_) => "ipv4".into(),
            Self::Ppp(_) => "ppp".into(),
            Self::Nothing => "none".into(),
            Self::EtherType(kind, _) => type_word(*kind),
        }
    }
}

/// The Ethernet type of IPv4.
pub const IPV4: u16 = 0x0800;
/// The Ethernet type of ARP.
pub const ARP: u16 = 0x0806;
/// The Ethernet type GRE and Geneve use for whole frames.
pub const BRIDGED: u16 = 0x6558;
/// The Ethernet type of IPv6.
pub const IPV6: u16 = 0x86dd;
/// The Ethernet type of PPP in GRE.
pub const PPP: u16 = 0x880b;
/// The Ethernet type of an MPLS label stack.
pub const MPLS: u16 = 0x8847;

/// An Ethernet type as a word, or as digits.
pub fn type_word(kind: u16) -> String {
    match kind {
        IPV4 => "ipv4".into(),
        ARP => "arp".into(),
        BRIDGED => "ethernet".into(),
        IPV6 => "ipv6".into(),
        PPP => "ppp".into(),
        MPLS | 0x8848 => "mpls".into(),
        0x2001 => "nhrp".into(),
        0x00fe => "osi".into(),
        0x8100 | 0x88a8 => "vlan".into(),
        0x8863 | 0x8864 => "pppoe".into(),
        0x88cc => "lldp".into(),
        0x894f => "nsh".into(),
        _ => format!("0x{kind:04x}"),
    }
}

/// Whether an Ethernet type is one that is met inside tunnels.
fn is_known_type(kind: u16) -> bool {
    matches!(
        kind,
        IPV4 | ARP
            | 0x0842
            | BRIDGED
            | 0x8035
            | 0x8100
            | 0x8137
            | IPV6
            | 0x8808
            | 0x8809
            | MPLS
            | 0x8848
            | 0x8863
            | 0x8864
            | 0x888e
            | 0x8892
            | 0x88a8
            | 0x88b5
            ..=0x88b8 | 0x88cc | 0x88e5 | 0x88e7 | 0x88f7 | 0x8902 | 0x894f | 0x9000 | 0x9100
    )
}

/// Whether `bytes` look like a frame: a sender that is not a group, a known type, and a payload of its shape.
pub fn is_frame(bytes: &[u8]) -> bool {
    let mut r = Reader::new(bytes);
    let Ok([.., from, _, _, _, _, _]) = r.take::<12>("addresses") else { return false };
    from & 1 == 0 && r.u16("type").is_ok_and(|kind| is_typed(kind, r.rest(), 2))
}

/// Whether `payload` looks like what an Ethernet type says; `tags` more may stand before it.
fn is_typed(kind: u16, payload: &[u8], tags: u8) -> bool {
    match kind {
        IPV4 | IPV6 => is_packet(payload),
        ARP => payload.starts_with(&[0, 1, 8, 0, 6, 4, 0]),
        0x8100 | 0x88a8 | 0x9100 => {
            let mut r = Reader::new(payload);
            tags > 0
                && r.skip("tag", 2).is_ok()
                && r.u16("type").is_ok_and(|kind| is_typed(kind, r.rest(), tags - 1))
        }
        // A length: the payload begins with a known service access point.
        0..=1500 => {
            usize::from(kind) <= payload.len()
                && kind >= 3
                && matches!(payload, [0x42, 0x42, ..] | [0xaa, 0xaa, 3, ..] | [0xfe, 0xfe, ..])
        }
        _ => is_known_type(kind),
    }
}

/// Whether `bytes` look like an IP packet: version, header and length fit, or the rest was cut off
/// and the header's checksum holds.
pub fn is_packet(bytes: &[u8]) -> bool {
    let mut r = Reader::new(bytes);
    match bytes.first() {
        Some(first @ 0x45..=0x4f) => {
            let header = bytes.get(..usize::from(first & 15) * 4);
            let length = r.skip("version", 2).and_then(|()| r.u16("length"));
            let Some((header, length)) = header.zip(length.ok()) else { return false };
            let length = usize::from(length);
            length >= header.len() && (length == bytes.len() || super::checksum(&[header]) == 0)
        }
        Some(0x60..=0x6f) => {
            let length = r.skip("version", 4).and_then(|()| r.u16("length"));
            let rest = r.skip("next header", 2).and_then(|()| r.skip("addresses", 32));
            let (Ok(length), Ok(())) = (length, rest) else { return false };
            usize::from(length) <= r.remaining() && (length > 0 || r.is_empty())
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const PACKET: &[u8] = &hex!("4500001c 00010000 40010000 c0000201 c0000202 0800f7ff 00000000");

    #[test]
    fn a_packet_is_known_by_its_header() {
        assert!(is_packet(PACKET));
        assert!(!is_packet(&PACKET[..27]), "cut, and its checksum does not hold");
        let whole = hex!("45000073000040004011b861c0a80001c0a800c7");
        assert!(is_packet(&whole), "cut, but its checksum holds");
        assert!(!is_packet(&[0x45]));
        assert!(!is_packet(&[0x60; 40]));
    }

    #[test]
    fn a_frame_is_known_by_its_type_and_what_follows() {
        let frame = [&hex!("00005e005301 00005e005302 0800"), PACKET].concat();
        assert!(is_frame(&frame));
        let tagged = [&hex!("00005e005301 00005e005302 8100 0064 0800"), PACKET].concat();
        assert!(is_frame(&tagged));
        assert!(!is_frame(&[&hex!("00005e005301 01005e005302 0800"), PACKET].concat()));
        assert!(!is_frame(&[7; 60]));
        assert!(Inner::of_type(BRIDGED, &frame).is_plausible());
    }
}
