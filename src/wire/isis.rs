//! IS-IS: routers that tell each other every link, straight on Ethernet (ISO 10589, RFC 1195, 5301, 5308).

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{Reader, Result, require};

/// How many parts are read.
const MOST: usize = 128;

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Isis<'a> {
    /// 15 and 16 hello on a network, 17 hello on a line, 18 and 20 states, 24 to 27 lists of states.
    pub kind: u8,
    /// Who speaks, or whose state it is.
    pub system: [u8; 6],
    /// The wish to be the designated router.
    pub priority: Option<u8>,
    /// The areas.
    pub areas: Vec<&'a [u8]>,
    /// Addresses of the speaker.
    pub addresses: Vec<Ipv4Addr>,
    /// Addresses of the speaker.
    pub addresses6: Vec<Ipv6Addr>,
    /// The router's name.
    pub name: Option<&'a [u8]>,
    /// It offers the way to everywhere.
    pub default: bool,
}

impl<'a> Isis<'a> {
    /// Reads a message, with or without the LLC header before it; what is cut is left out.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let bytes = bytes.strip_prefix(&[0xfe, 0xfe, 3]).unwrap_or(bytes);
        let mut r = Reader::new(bytes);
        r.expect("discriminator", 0x83)?;
        let header = r.u8("header length")?;
        r.expect("version", 1)?;
        let identifier = r.u8("identifier length")?;
        require("identifier length", matches!(identifier, 0 | 6))?;
        let kind = r.u8("type")? & 0x1f;
        require("type", matches!(kind, 15..=18 | 20 | 24..=27))?;
        r.expect("version", 1)?;
        r.skip("reserved and areas", 2)?;
        let (system, mut priority) = match kind {
            15..=17 => {
                r.u8("circuit")?;
                let system = r.take("system")?;
                r.skip("hold time and length", 4)?;
                (system, Some(r.u8("priority")?))
            }
            18 | 20 => {
                r.skip("length and lifetime", 4)?;
                (r.take("system")?, None)
            }
            _ => {
                r.skip("length", 2)?;
                (r.take("system")?, None)
            }
        };
        // On a line the same place holds a number of the circuit.
        if kind == 17 {
            priority = None;
        }
        r.skip("rest of the header", usize::from(header).saturating_sub(r.position()))?;
        let mut isis = Self {
            kind,
            system,
            priority: priority.map(|priority| priority & 0x7f),
            areas: Vec::new(),
            addresses: Vec::new(),
            addresses6: Vec::new(),
            name: None,
            default: false,
        };
        for _ in 0..MOST {
            let (Ok(kind), Ok(length)) = (r.u8("type"), r.u8("length")) else { break };
            let Ok(value) = r.inner("value", length.into()) else { break };
            isis.part(kind, value);
        }
        Ok(isis)
    }

    fn part(&mut self, kind: u8, mut r: Reader<'a>) {
        match kind {
            1 => {
                while let Ok(length @ 1..) = r.u8("area length") {
                    self.areas.extend(r.bytes("area", length.into()));
                }
            }
            132 => {
                while let Ok(address) = r.take::<4>("address") {
                    self.addresses.push(address.into());
                }
            }
            232 => {
                while let Ok(address) = r.take::<16>("address") {
                    self.addresses6.push(address.into());
                }
            }
            137 => self.name = Some(r.rest()),
            // Networks with the old metrics: four bytes of metric, address, mask.
            128 | 130 => {
                while let Ok([_, _, _, _, address @ ..]) = r.take::<12>("network") {
                    self.default |= address == [0; 8];
                }
            }
            // Networks with wide metrics: the length and two flags in one byte.
            135 => {
                while let Ok([_, _, _, _, control]) = r.take::<5>("network") {
                    let length = control & 0x3f;
                    self.default |= length == 0;
                    let extra = r.skip("prefix", usize::from(length.div_ceil(8)));
                    let more = control & 0x40 != 0;
                    let size = if more { r.u8("more").unwrap_or_default() } else { 0 };
                    if extra.is_err() || r.skip("more", size.into()).is_err() {
                        break;
                    }
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const ALIVE: &[u8] = &hex!(
        "83 1b 01 00 0f 01 00 00 01 192000002001 001b 0030 40 192000002001 01
         01 04 03490001 8404c0000201 89027231"
    );

    #[test]
    fn reads_a_hello() {
        let isis = Isis::parse(ALIVE).unwrap();
        assert_eq!((isis.kind, isis.priority), (15, Some(64)));
        assert_eq!(isis.areas, [&hex!("490001")[..]]);
        assert_eq!(isis.addresses, [Ipv4Addr::new(192, 0, 2, 1)]);
        assert_eq!(isis.name, Some(&b"r1"[..]));
        crate::wire::refuses_every_truncation(&ALIVE[..27], Isis::parse);
        let framed = [&[0xfe, 0xfe, 3], ALIVE].concat();
        assert_eq!(Isis::parse(&framed).unwrap(), isis);
    }
}
