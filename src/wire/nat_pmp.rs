//! NAT-PMP (RFC 6886) and the Port Control Protocol that follows it (RFC 6887): how hosts ask a gateway
//! for its outside address and for ways in.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Reader, Result, Writer, require};

/// The version of NAT-PMP.
const NAT_PMP: u8 = 0;
/// The version of the Port Control Protocol.
const PCP: u8 = 2;
/// The bit that makes an opcode an answer.
const ANSWERS: u8 = 0x80;
/// Asks for the outside address, or in version 2 only announces.
const ADDRESS: u8 = 0;
/// How long a message of version 2 may be (RFC 6887, 7).
const LONGEST: usize = 1100;

/// A message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message {
    /// 0 is NAT-PMP, 2 is the Port Control Protocol.
    pub version: u8,
    /// What it is about: in version 0 the outside address, or a UDP (1) or TCP (2) way in; in version 2
    /// an announcement (0), a way in (1) or a way to one peer (2).
    pub opcode: u8,
    /// Whether a gateway answers.
    pub answers: bool,
    /// 0 when it was granted.
    pub result: u16,
    /// The gateway's outside address.
    pub outside: Option<IpAddr>,
    /// The way in that is wanted or granted.
    pub mapping: Option<Mapping>,
    /// Who asks, as it says itself (version 2).
    pub client: Option<IpAddr>,
    /// Whether all that must be zero is, and there is more to go by than two bytes.
    pub shown: bool,
}

/// A way in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mapping {
    /// The IP protocol: 6 TCP, 17 UDP, 0 all.
    pub protocol: u8,
    /// The port inside.
    pub inside: u16,
    /// The port outside; 0 when the gateway shall choose.
    pub outside: u16,
}

impl Message {
    /// Reads a message, which must fill `bytes`.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let version = r.u8("version")?;
        require("version", version == NAT_PMP || version == PCP)?;
        let opcode = r.u8("opcode")?;
        let answers = opcode & ANSWERS != 0;
        let opcode = opcode & !ANSWERS;
        require("opcode", opcode <= 2 || (version == PCP && opcode == 3))?;
        let message = Self {
            version,
            opcode,
            answers,
            result: 0,
            outside: None,
            mapping: None,
            client: None,
            shown: true,
        };
        if version == PCP { message.control(&mut r) } else { message.short(&mut r) }
    }

    fn short(mut self, r: &mut Reader<'_>) -> Result<Self> {
        if self.answers {
            self.result = r.u16("result")?;
            require("result", self.result <= 5)?;
            r.u32("epoch")?;
        } else if self.opcode != ADDRESS {
            r.expect_u16("reserved", 0)?;
        }
        if self.opcode != ADDRESS {
            self.mapping = Some(Mapping {
                protocol: if self.opcode == 1 { 17 } else { 6 },
                inside: r.u16("inside port")?,
                outside: r.u16("outside port")?,
            });
            r.u32("lifetime")?;
        } else if !self.answers {
            self.shown = false;
        } else if self.result == 0 || !r.is_empty() {
            let address = Ipv4Addr::from(r.take::<4>("address")?);
            self.outside = (!address.is_unspecified()).then_some(address.into());
        }
        require("length", r.is_empty())?;
        Ok(self)
    }

    fn control(mut self, r: &mut Reader<'_>) -> Result<Self> {
        require("length", r.remaining() <= LONGEST && (r.remaining() + 2).is_multiple_of(4))?;
        if self.answers {
            let reserved = r.u8("reserved")?;
            self.result = r.u8("result")?.into();
            require("result", self.result <= 13)?;
            r.skip("lifetime and epoch", 8)?;
            // A gateway that refuses may repeat here what it did not understand (RFC 6887, 7.2).
            self.shown = r.take::<12>("reserved")? == [0; 12] && reserved == 0;
            require("reserved", self.shown || self.result != 0)?;
        } else {
            r.expect_u16("reserved", 0)?;
            r.u32("lifetime")?;
            self.client = Some(address(r.take("client")?));
        }
        if matches!(self.opcode, 1 | 2) && !r.is_empty() {
            r.skip("nonce", 12)?;
            let protocol = r.u8("protocol")?;
            r.u24("reserved")?;
            let (inside, outside) = (r.u16("inside port")?, r.u16("outside port")?);
            self.mapping = Some(Mapping { protocol, inside, outside });
            let suggested = address(r.take("outside address")?);
            self.outside = (self.answers && self.result == 0 && !suggested.is_unspecified())
                .then_some(suggested);
        }
        Ok(self)
    }
}

fn address(bytes: [u8; 16]) -> IpAddr {
    Ipv6Addr::from(bytes).to_canonical()
}

/// Writes the question for the outside address (NAT-PMP).
pub fn ask_outside() -> Vec<u8> {
    vec![NAT_PMP, ADDRESS]
}

/// Writes an announcement of version 2, which changes nothing and makes a gateway answer; `own` is the
/// address it is sent from.
pub fn announce(own: IpAddr) -> Vec<u8> {
    let own = match own {
        IpAddr::V4(four) => four.to_ipv6_mapped(),
        IpAddr::V6(six) => six,
    };
    Writer::new().u8(PCP).u8(ADDRESS).u16(0).u32(0).bytes(&own.octets()).finish()
}

/// Writes a gateway's answer with its outside address (NAT-PMP).
pub fn tell_outside(epoch: u32, outside: Ipv4Addr) -> Vec<u8> {
    let head = Writer::new().u8(NAT_PMP).u8(ANSWERS).u16(0).u32(epoch);
    head.bytes(&outside.octets()).finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const ANSWER: &[u8] = &hex!("0080 0000 00000e10 cb007109");

    #[test]
    fn an_answer_goes_both_ways() {
        let outside = Ipv4Addr::new(203, 0, 113, 9);
        assert_eq!(tell_outside(3600, outside), ANSWER);
        assert_eq!(Message::parse(ANSWER).unwrap().outside, Some(outside.into()));
    }

    #[test]
    fn an_announcement_goes_both_ways() {
        let bytes = announce(Ipv4Addr::new(192, 0, 2, 10).into());
        assert_eq!(bytes, hex!("020000000000000000000000000000000000ffffc000020a"));
        let message = Message::parse(&bytes).unwrap();
        assert_eq!(message.client, Some(Ipv4Addr::new(192, 0, 2, 10).into()));
    }

    #[test]
    fn refuses_every_truncation() {
        crate::wire::refuses_every_truncation(ANSWER, Message::parse);
    }

    #[test]
    fn a_longer_message_is_refused() {
        assert_eq!(
            Message::parse(&[ANSWER, &[0]].concat()),
            Err(crate::wire::Error::Foreign { field: "length" })
        );
    }
}
