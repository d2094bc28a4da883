//! NHRP: who has which outside address in a net of tunnels, such as Cisco's DMVPN (RFC 2332).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Reader, Result, require};

/// A message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nhrp {
    /// 1 and 2 resolution, 3 and 4 registration, 5 and 6 purge, 7 error, 8 redirect.
    pub kind: u8,
    /// The sender's outside address.
    pub outside: Option<IpAddr>,
    /// The sender's address in the net of tunnels.
    pub source: Option<IpAddr>,
    /// The address asked about, or the server's.
    pub destination: Option<IpAddr>,
}

impl Nhrp {
    /// Reads a message up to its addresses; extensions are not read.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let family = r.u16("family")?;
        require("family", matches!(family, 1 | 2))?;
        let protocol = r.u16("protocol")?;
        require("protocol", matches!(protocol, 0x0800 | 0x86dd | 0x0080))?;
        r.skip("protocol and hops", 6)?;
        r.skip("size, checksum and extensions", 6)?;
        r.expect("version", 1)?;
        let kind = r.u8("type")?;
        require("type", (1..=8).contains(&kind))?;
        let outside = r.u8("outside length")?;
        let sub = r.u8("outside sub-length")?;
        let source = r.u8("source length")?;
        let destination = r.u8("destination length")?;
        r.skip("flags and request", 6)?;
        // The top bits of a length hold the kind of number, 0 in IP.
        let outside = address(r.bytes("outside", (outside & 0x3f).into())?);
        r.skip("outside sub-address", (sub & 0x3f).into())?;
        let source = address(r.bytes("source", source.into())?);
        let destination = address(r.bytes("destination", destination.into())?);
        Ok(Self { kind, outside, source, destination })
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(bytes).map(|bytes| Ipv4Addr::from(bytes).into());
    four.or_else(|_| <[u8; 16]>::try_from(bytes).map(|bytes| Ipv6Addr::from(bytes).into())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const REGISTER: &[u8] = &hex!(
        "0001 0800 0000000000 ff 0028 0000 0000 01 03 04 00 04 04 8002 00000001 cb007109 c0000205 c0000201"
    );

    #[test]
    fn reads_who_registers() {
        let nhrp = Nhrp::parse(REGISTER).unwrap();
        assert_eq!(nhrp.kind, 3);
        assert_eq!(nhrp.outside, Some(Ipv4Addr::new(203, 0, 113, 9).into()));
        assert_eq!(nhrp.source, Some(Ipv4Addr::new(192, 0, 2, 5).into()));
        crate::wire::refuses_every_truncation(REGISTER, Nhrp::parse);
    }
}
