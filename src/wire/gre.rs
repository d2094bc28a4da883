//! GRE: one protocol inside another over IP protocol 47 (RFC 2784, 2890, the routing of RFC 1701), with
//! version 1 as PPTP (RFC 2637) and `EoIP` (`MikroTik`) use it, ERSPAN (draft-foschiano-erspan) and NVGRE (RFC 7637).

use super::{
    Error, Reader, Result, Writer,
    payload::{BRIDGED, Inner, PPP},
    require,
};

/// ERSPAN types I and II.
const ERSPAN: u16 = 0x88be;
/// ERSPAN type III.
const ERSPAN_3: u16 = 0x22eb;
/// `MikroTik`'s frames over IP.
const EOIP: u16 = 0x6400;

/// How many source route entries are read over.
const MOST_ROUTES: usize = 32;

/// A header and what it carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gre<'a> {
    /// 0, or 1 for PPTP and `EoIP`.
    pub version: u8,
    /// The Ethernet type of the payload.
    pub protocol: u16,
    /// The key, where there is one. In version 1: payload length and call.
    pub key: Option<u32>,
    /// The sequence number.
    pub sequence: Option<u32>,
    /// The acknowledged sequence number (version 1).
    pub acknowledgment: Option<u32>,
    /// What is carried.
    pub payload: &'a [u8],
}

impl<'a> Gre<'a> {
    /// Reads a header; the payload may be cut.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let flags = r.u16("flags")?;
        let has = |bit: u16| flags & bit != 0;
        let version = flags & 7;
        require("version", version <= 1)?;
        let protocol = r.u16("protocol")?;
        if version == 1 {
            // PPTP and EoIP: a key always, never a checksum or routing.
            require("protocol", protocol == PPP || protocol == EOIP)?;
            require("flags", has(0x2000) && !has(0xc000))?;
        }
        let mut routed = has(0x4000);
        if has(0x8000) || routed {
            r.skip("checksum and offset", 4)?;
        }
        let key = if has(0x2000) { Some(r.u32("key")?) } else { None };
        // EoIP's flags say nothing but that there is a key.
        let sequence = if has(0x1000) { Some(r.u32("sequence")?) } else { None };
        let acknowledgment =
            if version == 1 && has(0x0080) { Some(r.u32("acknowledgment")?) } else { None };
        for _ in 0..MOST_ROUTES {
            if !routed {
                break;
            }
            let family = r.u16("route family")?;
            r.skip("route offset", 1)?;
            let length = r.u8("route length")?;
            r.skip("route", length.into())?;
            routed = family != 0 || length != 0;
        }
        if routed {
            return Err(Error::Foreign { field: "route" });
        }
        let payload = r.rest();
        Ok(Self {
            version: u8::from(version == 1),
            protocol,
            key,
            sequence,
            acknowledgment,
            payload,
        })
    }

    /// The receiver's call in PPTP.
    pub fn call(&self) -> Option<u16> {
        let [.., high, low] =
            self.key.filter(|_| self.version == 1 && self.protocol == PPP)?.to_be_bytes();
        Some(u16::from_be_bytes([high, low]))
    }

    /// The tunnel's number in `EoIP`.
    pub fn eoip_tunnel(&self) -> Option<u16> {
        let [.., low, high] = self.key.filter(|_| self.protocol == EOIP)?.to_be_bytes();
        Some(u16::from_be_bytes([high, low]))
    }

    /// The virtual subnet, where the header could be NVGRE: frames behind a key.
    pub fn virtual_subnet(&self) -> Option<u32> {
        let nvgre = self.version == 0 && self.protocol == BRIDGED && self.sequence.is_none();
        self.key.filter(|_| nvgre).map(|key| key >> 8)
    }

    /// The mirror session of an ERSPAN header: its version (1, 2, 3) and session.
    pub fn erspan(&self) -> Option<(u8, u16)> {
        let mut r = Reader::new(self.payload);
        match (self.protocol, self.sequence) {
            (ERSPAN, None) => Some((1, 0)),
            (ERSPAN, Some(_)) | (ERSPAN_3, _) => {
                let version = (r.u16("version").ok()? >> 12) + 1;
                Some((u8::try_from(version).ok()?, r.u16("session").ok()? & 0x3ff))
            }
            _ => None,
        }
    }

    /// What is inside.
    pub fn inner(&self) -> Inner<'a> {
        let after = |length: usize| self.payload.get(length..).unwrap_or_default();
        match self.protocol {
            _ if self.payload.is_empty() => Inner::Nothing,
            EOIP if self.version == 1 => Inner::Ethernet(self.payload),
            ERSPAN if self.sequence.is_none() => Inner::Ethernet(self.payload),
            ERSPAN => Inner::Ethernet(after(8)),
            // The last bit of the header says that 8 more bytes follow it.
            ERSPAN_3 => match self.payload.get(11).map(|byte| byte & 1) {
                Some(0) => Inner::Ethernet(after(12)),
                Some(_) => Inner::Ethernet(after(20)),
                None => Inner::Nothing,
            },
            // WCCP redirects: some add four bytes before the packet, whose first nibble is then 0.
            0x883e if self.payload.first().is_some_and(|byte| byte >> 4 != 4) => {
                Inner::ip(after(4))
            }
            0x883e => Inner::ip(self.payload),
            kind => Inner::of_type(kind, self.payload),
        }
    }

    /// Writes the header and the payload.
    pub fn emit(&self) -> Vec<u8> {
        let bit = |is: bool, value: u16| if is { value } else { 0 };
        let flags = bit(self.key.is_some(), 0x2000)
            | bit(self.sequence.is_some(), 0x1000)
            | bit(self.acknowledgment.is_some(), 0x0080)
            | u16::from(self.version);
        [self.key, self.sequence, self.acknowledgment]
            .into_iter()
            .flatten()
            .fold(Writer::new().u16(flags).u16(self.protocol), Writer::u32)
            .bytes(self.payload)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const PPTP: &[u8] = &hex!("3081 880b 000a 4001 00000007 00000003 ff03c0210101000a0506");

    #[test]
    fn reads_what_pptp_sends() {
        let gre = Gre::parse(PPTP).unwrap();
        assert_eq!(gre.call(), Some(0x4001));
        assert_eq!((gre.sequence, gre.acknowledgment), (Some(7), Some(3)));
        assert!(matches!(gre.inner(), Inner::Ppp([0xff, 3, ..])));
        assert_eq!(gre.emit(), PPTP);
        crate::wire::refuses_every_truncation(&PPTP[..16], Gre::parse);
    }

    #[test]
    fn reads_frames_behind_a_virtual_subnet() {
        let bytes = hex!("2000 6558 00123401 00005e005301 00005e005302 0806 0001");
        let gre = Gre::parse(&bytes).unwrap();
        assert_eq!(gre.virtual_subnet(), Some(0x1234));
        assert!(matches!(gre.inner(), Inner::Ethernet([0, 0, 0x5e, ..])));
    }

    #[test]
    fn reads_over_the_header_of_a_mirror_session() {
        let bytes = hex!("1000 88be 00000001 1064 0005 00000000 00005e005301 00005e005302 0806");
        let gre = Gre::parse(&bytes).unwrap();
        assert_eq!(gre.erspan(), Some((2, 5)));
        assert!(matches!(gre.inner(), Inner::Ethernet([0, 0, 0x5e, 0, 0x53, 1, ..])));
    }

    #[test]
    fn reads_over_routes_and_checksums() {
        let bytes = hex!("c000 0800 00000000 0800 00 04 c0000201 0000 00 00 45000014");
        assert!(matches!(Gre::parse(&bytes).unwrap().inner(), Inner::Ip([0x45, ..])));
    }

    #[test]
    fn reads_frames_over_ip() {
        let bytes = hex!("2001 6400 000e 2a00 00005e005301 00005e005302 0806");
        let gre = Gre::parse(&bytes).unwrap();
        assert_eq!(gre.eoip_tunnel(), Some(42));
        assert!(matches!(gre.inner(), Inner::Ethernet(_)));
    }

    #[test]
    fn refuses_other_versions() {
        assert!(!Gre::parse(&hex!("0002 0800")).unwrap_err().wants_more());
        assert!(!Gre::parse(&hex!("2001 0800 00000000")).unwrap_err().wants_more());
    }
}
