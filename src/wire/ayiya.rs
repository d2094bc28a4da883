//! AYIYA: anything in anything, in practice IPv6 in UDP 5072 with a signature (draft-massar-v6ops-ayiya-02).

use super::{Reader, Result, payload::Inner, require};

/// The number of IPv6 among IP protocols.
const IPV6: u8 = 41;
/// The number of IPv4 among IP protocols.
const IPV4: u8 = 4;

/// A datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ayiya<'a> {
    /// What kind of name the sender has: 1 a number (an address), 2 text.
    pub identity_kind: u8,
    /// The sender's name.
    pub identity: &'a [u8],
    /// How it is signed: 0 not, 1 MD5, 2 SHA-1.
    pub hash: u8,
    /// What is asked: 0 nothing, 1 forward, 2 and 3 echo, 4 an echo's answer, 5 message of the day, 6 and 7 queries.
    pub operation: u8,
    /// The IP protocol number of the payload.
    pub next_header: u8,
    /// The sender's clock, in seconds since 1970.
    pub epoch: u32,
    /// What is carried.
    pub payload: &'a [u8],
}

impl<'a> Ayiya<'a> {
    /// Reads a header; the payload may be cut.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let first = r.u8("identity")?;
        let (identity_length, identity_kind) = (1usize << (first >> 4), first & 15);
        require("identity", identity_kind <= 2)?;
        let second = r.u8("signature")?;
        let (signature, hash) = (usize::from(second >> 4) * 4, second & 15);
        require("signature", matches!((signature, hash), (0, 0) | (16, 1) | (20, 2)))?;
        let third = r.u8("operation")?;
        let (authentication, operation) = (third >> 4, third & 15);
        require("operation", authentication <= 2 && operation <= 7)?;
        let next_header = r.u8("next header")?;
        require("next header", matches!(next_header, 0 | IPV4 | IPV6 | 58 | 59))?;
        let epoch = r.u32("epoch")?;
        let identity = r.bytes("identity", identity_length)?;
        r.skip("signature", signature)?;
        Ok(Self { identity_kind, identity, hash, operation, next_header, epoch, payload: r.rest() })
    }

    /// What is inside.
    pub fn inner(&self) -> Inner<'a> {
        match self.next_header {
            IPV4 | IPV6 => Inner::ip(self.payload),
            _ => Inner::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const HEADER: &[u8] = &hex!(
        "41 52 11 29 4b3d3b00 20010db8000000000000000000000002
         000102030405060708090a0b0c0d0e0f10111213"
    );

    #[test]
    fn reads_who_signed() {
        let ayiya = Ayiya::parse(HEADER).unwrap();
        assert_eq!(ayiya.identity, hex!("20010db8000000000000000000000002"));
        assert_eq!((ayiya.operation, ayiya.hash, ayiya.next_header), (1, 2, 41));
        crate::wire::refuses_every_truncation(HEADER, Ayiya::parse);
    }

    #[test]
    fn refuses_signatures_of_a_wrong_length() {
        assert!(!Ayiya::parse(&hex!("41 32 11 29")).unwrap_err().wants_more());
    }
}
