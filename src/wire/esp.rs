//! ESP, the encrypted packets of IP security: over IP (RFC 4303) and inside UDP (RFC 3948).

use super::{Reader, Result, require};

/// The IP protocol number.
pub const IP_PROTOCOL: u8 = 50;

/// Identifiers below are reserved (RFC 4303, 2.1).
const FIRST_IDENTIFIER: u32 = 256;

/// What a packet shows in clear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet {
    /// The security parameters index, which the receiver chose.
    pub identifier: u32,
    /// Rises with each packet, from 1.
    pub sequence: u32,
}

impl Packet {
    /// Reads the head of a packet.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let identifier = r.u32("identifier")?;
        require("identifier", identifier >= FIRST_IDENTIFIER)?;
        let sequence = r.u32("sequence")?;
        require("sequence", sequence != 0)?;
        Ok(Self { identifier, sequence })
    }

    /// Whether it follows `earlier`, with few packets lost between.
    pub fn follows(&self, earlier: &Self) -> bool {
        let step = self.sequence.wrapping_sub(earlier.sequence);
        self.identifier == earlier.identifier && (1..=1024).contains(&step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    #[test]
    fn reads_a_head() {
        let first = Packet::parse(&hex!("6f8bedb4 00000001")).unwrap();
        assert_eq!(first, Packet { identifier: 0x6f8b_edb4, sequence: 1 });
        assert!(Packet { sequence: 3, ..first }.follows(&first));
        assert!(!first.follows(&first));
    }

    #[test]
    fn refuses_every_truncation() {
        crate::wire::refuses_every_truncation(&hex!("6f8bedb4 00000001"), Packet::parse);
    }

    #[test]
    fn the_marker_of_a_key_exchange_is_no_identifier() {
        assert!(!Packet::parse(&hex!("00000000 a1b2c3d4")).unwrap_err().wants_more());
    }
}
