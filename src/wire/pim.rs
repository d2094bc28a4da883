//! PIM: routers that route multicast (RFC 7761, 5059, 3973).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Reader, Result, require};

/// A router is here.
pub const HELLO: u8 = 0;
/// The router that collects rendezvous points speaks.
pub const BOOTSTRAP: u8 = 4;

/// A message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pim<'a> {
    /// What it is.
    pub kind: u8,
    /// What it says, perhaps cut.
    pub body: &'a [u8],
}

/// An option of a hello.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extra {
    /// For how many seconds the router is believed to live.
    HoldTime(u16),
    /// Its wish to be the designated router; more is stronger.
    Priority(u32),
    /// Another of its addresses on this link.
    Address(IpAddr),
    /// Another option, by its number.
    Other(u16),
}

impl<'a> Pim<'a> {
    /// Reads a message of version 2.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let first = r.u8("version and type")?;
        require("version", first >> 4 == 2)?;
        r.u8("reserved")?;
        r.u16("checksum")?;
        Ok(Self { kind: first & 15, body: r.rest() })
    }

    /// The options of a hello, as far as they are whole.
    pub fn extras(&self) -> Vec<Extra> {
        let mut extras = Vec::new();
        let mut r = Reader::new(if self.kind == HELLO { self.body } else { &[] });
        while let (Ok(kind), Ok(length)) = (r.u16("option"), r.u16("option length")) {
            let Ok(mut value) = r.inner("option", length.into()) else { break };
            match (kind, length) {
                (1, 2) => extras.extend(value.u16("hold time").map(Extra::HoldTime)),
                (19, 4) => extras.extend(value.u32("priority").map(Extra::Priority)),
                (24, _) => {
                    while let Ok(address) = address(&mut value) {
                        extras.push(Extra::Address(address));
                    }
                }
                _ => extras.push(Extra::Other(kind)),
            }
        }
        extras
    }

    /// The router that collects rendezvous points, where it speaks.
    pub fn bootstrap_router(&self) -> Option<IpAddr> {
        let mut r = Reader::new(self.body);
        r.u32("fragment to priority").ok()?;
        address(&mut r).ok().filter(|_| self.kind == BOOTSTRAP)
    }
}

/// An address with its family and native encoding before it (RFC 7761, 4.9.1).
fn address(r: &mut Reader<'_>) -> Result<IpAddr> {
    let family = r.u8("family")?;
    r.expect("encoding", 0)?;
    if family == 1 {
        return Ok(Ipv4Addr::from(r.take::<4>("address")?).into());
    }
    require("family", family == 2)?;
    Ok(Ipv6Addr::from(r.take::<16>("address")?).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const ALIVE: &[u8] =
        &hex!("20000000 0001 0002 0069 0013 0004 00000001 0018 0006 0100 c0000201");

    #[test]
    fn reads_a_hello() {
        let pim = Pim::parse(ALIVE).unwrap();
        assert_eq!(
            pim.extras(),
            [
                Extra::HoldTime(105),
                Extra::Priority(1),
                Extra::Address(Ipv4Addr::new(192, 0, 2, 1).into()),
            ]
        );
        crate::wire::refuses_every_truncation(&ALIVE[..4], Pim::parse);
    }

    #[test]
    fn reads_who_collects_rendezvous_points() {
        let bytes = hex!("24000000 0001 1e 00 0100 c0000201");
        let router = Pim::parse(&bytes).unwrap().bootstrap_router();
        assert_eq!(router, Some(Ipv4Addr::new(192, 0, 2, 1).into()));
    }
}
