//! PPP: the frame (RFC 1661, 1662) as tunnels carry it, and the negotiations in it: LCP, IPCP
//! (RFC 1332, 1877), `IPv6CP` (RFC 5072), PAP (RFC 1334), CHAP (RFC 1994). Passwords are never read.

use super::{Reader, Result, payload::Inner, payload::MPLS, require};

/// IPv4.
pub const IP: u16 = 0x0021;
/// IPv6.
pub const IPV6: u16 = 0x0057;
/// Configures the link.
pub const LCP: u16 = 0xc021;
/// Configures IPv4.
pub const IPCP: u16 = 0x8021;
/// Configures IPv6.
pub const IPV6CP: u16 = 0x8057;
/// Asks for and gives a password in clear.
pub const PAP: u16 = 0xc023;
/// Asks for and gives the answer to a challenge.
pub const CHAP: u16 = 0xc223;
/// Authenticates by EAP.
pub const EAP: u16 = 0xc227;
/// Configures compression, and with it Microsoft's encryption.
pub const CCP: u16 = 0x80fd;

/// A frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// What is carried.
    pub protocol: u16,
    /// Its bytes.
    pub payload: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Reads a frame, with or without address and control, its protocol in one byte or two.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let mut high = r.u8("protocol")?;
        if high == 0xff {
            r.expect("control", 3)?;
            high = r.u8("protocol")?;
        }
        // Protocol numbers are odd: an odd first byte is the whole number (RFC 1661, 2).
        let protocol = if high & 1 == 1 {
            u16::from(high)
        } else {
            let low = r.u8("protocol")?;
            require("protocol", low & 1 == 1)?;
            u16::from_be_bytes([high, low])
        };
        Ok(Self { protocol, payload: r.rest() })
    }

    /// What is inside.
    pub fn inner(&self) -> Inner<'a> {
        match self.protocol {
            IP | IPV6 => Inner::ip(self.payload),
            0x0281 => Inner::EtherType(MPLS, self.payload),
            // Bridging (RFC 3518): flags, and 1 for a frame as it is on Ethernet.
            0x0031 => match self.payload {
                [flags, 1, frame @ ..] if flags & 0x40 == 0 => Inner::Ethernet(frame),
                _ => Inner::Nothing,
            },
            _ => Inner::Nothing,
        }
    }

    /// A word for the protocol, or its digits.
    pub fn word(&self) -> String {
        match self.protocol {
            IP => "ipv4".into(),
            IPV6 => "ipv6".into(),
            LCP => "lcp".into(),
            IPCP => "ipcp".into(),
            IPV6CP => "ipv6cp".into(),
            PAP => "pap".into(),
            CHAP => "chap".into(),
            EAP => "eap".into(),
            CCP => "ccp".into(),
            0x0031 | 0x8031 => "bridging".into(),
            0x003d => "multilink".into(),
            0x00fd => "compressed".into(),
            0x0281 | 0x8281 => "mpls".into(),
            number => format!("0x{number:04x}"),
        }
    }
}

/// A message of a negotiation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Control<'a> {
    /// What it does: 1 asks, 2 accepts, 3 suggests otherwise, 4 rejects, and more (RFC 1661, 5).
    pub code: u8,
    /// Pairs answers with questions.
    pub identifier: u8,
    /// What it says, cut where the frame is.
    pub data: &'a [u8],
}

impl<'a> Control<'a> {
    /// Reads a message.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let code = r.u8("code")?;
        let identifier = r.u8("identifier")?;
        let length = r.u16("length")?;
        require("length", length >= 4)?;
        Ok(Self { code, identifier, data: r.bytes_up_to(usize::from(length) - 4) })
    }

    /// The options of a message that configures: kind and value, as far as they are whole.
    pub fn options(&self) -> impl Iterator<Item = (u8, &'a [u8])> {
        let mut r = Reader::new(if (1..=4).contains(&self.code) { self.data } else { &[] });
        std::iter::from_fn(move || {
            let kind = r.u8("option").ok()?;
            let length = r.u8("option length").ok()?.checked_sub(2)?;
            Some((kind, r.bytes("option", length.into()).ok()?))
        })
    }

    /// Who a CHAP challenge or response names, or a PAP request; never what it proves that with.
    pub fn name(&self, protocol: u16) -> Option<&'a [u8]> {
        let mut r = Reader::new(self.data);
        match (protocol, self.code) {
            (CHAP, 1 | 2) => {
                let length = r.u8("value length").ok()?;
                r.skip("value", length.into()).ok()?;
                Some(r.rest())
            }
            (PAP, 1) => {
                let length = r.u8("name length").ok()?;
                r.bytes("name", length.into()).ok()
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    #[test]
    fn reads_protocols_of_one_byte_and_two() {
        for bytes in [&hex!("ff03002145")[..], &hex!("002145"), &hex!("2145")] {
            let frame = Frame::parse(bytes).unwrap();
            assert_eq!((frame.protocol, frame.inner()), (IP, Inner::Ip(&[0x45])));
        }
        assert!(!Frame::parse(&hex!("0020")).unwrap_err().wants_more());
        crate::wire::refuses_every_truncation(&hex!("ff030021"), Frame::parse);
    }

    #[test]
    fn reads_options() {
        let request = hex!("01 01 000e 0104 05d4 0506 12345678");
        let control = Control::parse(&request).unwrap();
        let options: Vec<_> = control.options().collect();
        assert_eq!(options, [(1, &hex!("05d4")[..]), (5, &hex!("12345678"))]);
        crate::wire::refuses_every_truncation(&request[..4], Control::parse);
    }

    #[test]
    fn names_the_user_and_not_the_password() {
        let pap = hex!("01 01 0010 05 7540612e62 05 7365637265");
        let control = Control::parse(&pap).unwrap();
        assert_eq!(control.name(PAP), Some(&b"u@a.b"[..]));
        assert_eq!(control.name(LCP), None);
    }
}
