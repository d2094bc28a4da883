//! GLBP: Cisco routers that share an address and its load, in UDP 3222 (Cisco's format, never standardised).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Reader, Result, require};

/// How many parts are read.
const MOST_PARTS: usize = 16;

/// What a router says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glbp {
    /// The group of routers.
    pub group: u16,
    /// The speaker's own hardware address.
    pub owner: [u8; 6],
    /// Its state as the group's gateway (0x20 active) and rank, in a hello.
    pub gateway: Option<(u8, u8)>,
    /// The shared address.
    pub address: Option<IpAddr>,
    /// The forwarders it speaks of: number, state (0x20 active) and shared hardware address.
    pub forwarders: Vec<(u8, u8, [u8; 6])>,
    /// How it is authenticated: 1 by a password in clear, 2 and 3 by MD5.
    pub authentication: Option<u8>,
}

impl Glbp {
    /// Reads a message; parts that are cut are left out.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        r.expect("version", 1)?;
        r.u8("reserved")?;
        let group = r.u16("group")?;
        require("group", group <= 1023)?;
        r.u16("reserved")?;
        let owner = r.take("owner")?;
        let mut glbp = Self {
            group,
            owner,
            gateway: None,
            address: None,
            forwarders: Vec::new(),
            authentication: None,
        };
        glbp.part(&mut r)?;
        for _ in 0..MOST_PARTS {
            if glbp.part(&mut r).is_err() {
                break;
            }
        }
        Ok(glbp)
    }

    fn part(&mut self, r: &mut Reader<'_>) -> Result<()> {
        let kind = r.u8("type")?;
        require("type", (1..=4).contains(&kind))?;
        let length = r.u8("length")?;
        require("length", length >= 3)?;
        let mut part = r.inner("part", usize::from(length) - 2)?;
        match kind {
            1 => {
                part.u8("reserved")?;
                let state = part.u8("state")?;
                part.u8("reserved")?;
                self.gateway = Some((state, part.u8("priority")?));
                part.skip("timers", 16)?;
                let family = part.u8("family")?;
                part.u8("address length")?;
                self.address = match family {
                    1 => Some(Ipv4Addr::from(part.take::<4>("address")?).into()),
                    2 => Some(Ipv6Addr::from(part.take::<16>("address")?).into()),
                    _ => None,
                };
            }
            2 => {
                let number = part.u8("forwarder")?;
                let state = part.u8("state")?;
                part.skip("priority to reserved", 10)?;
                self.forwarders.push((number, state, part.take("address")?));
            }
            3 => self.authentication = Some(part.u8("authentication")?),
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const ALIVE: &[u8] = &hex!(
        "01 00 000a 0000 00005e005301
         01 1c 00 20 00 64 0000 00000bb8 00002710 0258 3840 0000 01 04 c00002fe
         02 14 01 20 00 a7 64 00000000000000 0007b4000a01"
    );

    #[test]
    fn reads_the_gateway_and_its_forwarders() {
        let glbp = Glbp::parse(ALIVE).unwrap();
        assert_eq!((glbp.group, glbp.gateway), (10, Some((0x20, 100))));
        assert_eq!(glbp.address, Some(Ipv4Addr::new(192, 0, 2, 254).into()));
        assert_eq!(glbp.forwarders, [(1, 0x20, [0, 7, 0xb4, 0, 0x0a, 1])]);
        crate::wire::refuses_every_truncation(&ALIVE[..40], Glbp::parse);
    }
}
