//! `ZeroTier`'s packets: addresses in clear, and the greeting, which is not encrypted (from the project's
//! description of its wire protocol).

use super::{Reader, Result, require};

/// The verb of a greeting.
const HELLO: u8 = 1;

/// A packet's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet {
    /// To whom: 40 bits.
    pub destination: [u8; 5],
    /// From whom: 40 bits.
    pub source: [u8; 5],
    /// What a greeting tells, when it is one.
    pub hello: Option<Hello>,
}

/// What a greeting tells of its sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hello {
    /// Version of the protocol.
    pub protocol: u8,
    /// Major and minor version of the program.
    pub version: (u8, u8),
    /// Its revision.
    pub revision: u16,
}

impl Packet {
    /// Reads a head, and the greeting if it is one.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        r.skip("packet", 8)?;
        let destination = r.take::<5>("destination")?;
        let source = r.take::<5>("source")?;
        // Fragments have 0xff where others have their source.
        let valid = |address: &[u8; 5]| address.first() != Some(&0xff) && *address != [0; 5];
        require("address", valid(&destination) && valid(&source) && destination != source)?;
        let flags = r.u8("flags")?;
        let cipher = flags >> 3 & 7;
        require("cipher", cipher <= 3)?;
        r.skip("code", 8)?;
        let verb = r.u8("verb")?;
        let hello =
            if cipher == 0 && verb & 0x1f == HELLO { hello(&mut r, source).ok() } else { None };
        Ok(Self { destination, source, hello })
    }

    /// Whether the two go back and forth between the same addresses.
    pub fn answers(&self, other: &Self) -> bool {
        (self.source, self.destination) == (other.destination, other.source)
    }
}

/// Reads a greeting, which repeats its sender's address.
fn hello(r: &mut Reader<'_>, source: [u8; 5]) -> Result<Hello> {
    let protocol = r.u8("protocol")?;
    let version = (r.u8("major")?, r.u8("minor")?);
    let revision = r.u16("revision")?;
    r.skip("time", 8)?;
    r.expect_bytes("identity", &source)?;
    r.expect("identity type", 0)?;
    Ok(Hello { protocol, version, revision })
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const GREETING: &[u8] = &hex!(
        "0102030405060708 a1a2a3a4a5 b1b2b3b4b5 00 1112131415161718 01 0c 01 0e 0002"
        "0000018c00000000 b1b2b3b4b5 00"
    );

    #[test]
    fn reads_a_greeting() {
        let packet = Packet::parse(GREETING).unwrap();
        let hello = Hello { protocol: 12, version: (1, 14), revision: 2 };
        assert_eq!(packet.hello, Some(hello));
        assert_eq!(packet.source, hex!("b1b2b3b4b5"));
    }

    #[test]
    fn a_greeting_with_another_address_is_none() {
        let mut bytes = GREETING.to_vec();
        bytes[41] = 0;
        assert_eq!(Packet::parse(&bytes).unwrap().hello, None);
    }

    #[test]
    fn refuses_every_truncation_of_a_head() {
        crate::wire::refuses_every_truncation(&GREETING[..28], Packet::parse);
    }
}
