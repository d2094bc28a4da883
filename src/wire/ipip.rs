//! IP in IP: an IPv4 packet in IP protocol 4 (RFC 2003, 2473, and DS-Lite's RFC 6333).

use std::net::Ipv4Addr;

use super::{Reader, Result, payload::Inner, require};

/// The packet inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IpInIp<'a> {
    /// Its sender.
    pub source: Ipv4Addr,
    /// Its receiver.
    pub destination: Ipv4Addr,
    /// The packet, perhaps cut.
    pub packet: &'a [u8],
}

impl<'a> IpInIp<'a> {
    /// Reads the packet's header; the rest may be cut.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let first = r.u8("version")?;
        require("version", (0x45..=0x4f).contains(&first))?;
        r.skip("service to checksum", 11)?;
        let source = r.take::<4>("source")?.into();
        let destination = r.take::<4>("destination")?.into();
        Ok(Self { source, destination, packet: bytes })
    }

    /// What is inside.
    pub fn inner(&self) -> Inner<'a> {
        Inner::Ip(self.packet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    #[test]
    fn reads_the_addresses() {
        let bytes = hex!("45000014 00010000 40060000 c0000201 c6336401");
        let packet = IpInIp::parse(&bytes).unwrap();
        assert_eq!(packet.source, Ipv4Addr::new(192, 0, 2, 1));
        assert_eq!(packet.inner(), Inner::Ip(&bytes));
        crate::wire::refuses_every_truncation(&bytes, IpInIp::parse);
    }
}
