//! GTP-U, the tunnel in which mobile networks carry a subscriber's packets (3GPP TS 29.281).

use super::{Reader, Result, payload::Inner, require};

/// Where tunnels end (UDP).
pub const PORT: u16 = 2152;

/// The message that carries a packet (TS 29.281, 6.1).
const CARRIES: u8 = 255;

/// How many extension headers are followed.
const MOST_HEADERS: usize = 8;

/// A message that carries a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gtp<'a> {
    /// The receiver's name for the tunnel.
    pub tunnel: u32,
    /// The packet.
    pub packet: &'a [u8],
}

impl<'a> Gtp<'a> {
    /// Reads a message of version 1 that carries a packet.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let flags = r.u8("flags")?;
        // Version 1, the protocol of user data; the spare bit is not used.
        require("flags", flags & 0xf8 == 0x30)?;
        r.expect("message", CARRIES)?;
        let length = usize::from(r.u16("length")?);
        let tunnel = r.u32("tunnel")?;
        let mut r = Reader::new(r.bytes_up_to(length));
        if flags & 0x07 != 0 {
            r.skip("sequence", 3)?;
            let mut next = r.u8("next header")?;
            for _ in 0..MOST_HEADERS {
                if next == 0 || flags & 0x04 == 0 {
                    break;
                }
                let words = usize::from(r.u8("header length")?);
                require("header length", words > 0)?;
                r.skip("header", words * 4 - 2)?;
                next = r.u8("next header")?;
            }
        }
        Ok(Self { tunnel, packet: r.rest() })
    }

    /// What is inside.
    pub fn inner(&self) -> Inner<'a> {
        Inner::ip(self.packet)
    }
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;

    use super::*;

    const MESSAGE: [u8; 24] = hex!("34 ff 0010 00000001 0000 00 85 01 000900 6000 0000 0000 3b40");

    #[test]
    fn reads_over_extension_headers() {
        let message = Gtp::parse(&MESSAGE).unwrap();
        assert_eq!((message.tunnel, message.packet), (1, &MESSAGE[16..]));
        crate::wire::refuses_every_truncation(&MESSAGE[..16], Gtp::parse);
    }

    #[test]
    fn a_header_without_length_is_refused() {
        let mut message = MESSAGE;
        message[12] = 0;
        assert!(Gtp::parse(&message).is_err());
    }
}
