//! WireGuard: the four messages of its protocol, as the project's white paper gives them (5.4).
//!
//! Each has one length and three reserved bytes of zero. Cloudflare's WARP writes an identifier of the
//! client there, and pads its newer messages.

use super::{Error, Reader, Result, require};

/// A message, as far as it is in clear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message<'a> {
    /// Begins a handshake.
    Initiation {
        /// Chosen by the sender for this session.
        sender: u32,
        /// The sender's key for this handshake.
        key: &'a [u8; 32],
        /// Whether the second authentication code is unused, as it is unless the other side is busy.
        quiet: bool,
    },
    /// Answers it.
    Response {
        /// Chosen by the sender for this session.
        sender: u32,
        /// The receiver's choice.
        receiver: u32,
        /// The sender's key for this handshake.
        key: &'a [u8; 32],
        /// Whether the second authentication code is unused.
        quiet: bool,
    },
    /// Asks a beginner to prove its address first.
    Cookie {
        /// The receiver's choice.
        receiver: u32,
        /// A random number.
        nonce: &'a [u8; 24],
    },
    /// Data, or nothing to keep the session alive.
    Data {
        /// The receiver's choice.
        receiver: u32,
        /// Rises with each message, from 0.
        counter: u64,
        /// What is encrypted.
        body: &'a [u8],
    },
}

/// A message with what stands in its reserved bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The message.
    pub message: Message<'a>,
    /// Zero in WireGuard proper.
    pub reserved: [u8; 3],
    /// Whether it is marked, and perhaps padded, as newer WARP clients do it.
    pub padded: bool,
}

/// The bits with which newer WARP clients mark the type.
const PADDED: u8 = 0xc0;

impl<'a> Packet<'a> {
    /// Reads a message; its length must be that of its type.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let kind = r.u8("type")?;
        let padded = kind & PADDED == PADDED;
        let kind = if padded { kind & !PADDED } else { kind };
        require("type", (1..=4).contains(&kind))?;
        let reserved = r.take::<3>("reserved")?;
        let whole = bytes.len();
        let fits = |length: usize| require("length", whole == length || padded && whole > length);
        let message = match kind {
            1 => {
                fits(148)?;
                let sender = r.u32_le("sender")?;
                let key = fixed(&mut r, "key")?;
                r.skip("static, time and code", 48 + 28 + 16)?;
                Message::Initiation { sender, key, quiet: r.take::<16>("code")? == [0; 16] }
            }
            2 => {
                fits(92)?;
                let sender = r.u32_le("sender")?;
                let receiver = r.u32_le("receiver")?;
                let key = fixed(&mut r, "key")?;
                r.skip("empty and code", 16 + 16)?;
                let quiet = r.take::<16>("code")? == [0; 16];
                Message::Response { sender, receiver, key, quiet }
            }
            3 => {
                fits(64)?;
                let receiver = r.u32_le("receiver")?;
                Message::Cookie { receiver, nonce: fixed(&mut r, "nonce")? }
            }
            _ => {
                let aligned = whole.is_multiple_of(16) || padded;
                require("length", whole >= 32 && aligned)?;
                let receiver = r.u32_le("receiver")?;
                let low = r.u32_le("counter")?;
                let high = r.u32_le("counter")?;
                let counter = u64::from(high) << 32 | u64::from(low);
                // A key is replaced long before 2^48 messages.
                require("counter", counter >> 48 == 0)?;
                Message::Data { receiver, counter, body: r.rest() }
            }
        };
        Ok(Self { message, reserved, padded })
    }
}

fn fixed<'a, const N: usize>(r: &mut Reader<'a>, field: &'static str) -> Result<&'a [u8; N]> {
    r.bytes(field, N)?.first_chunk().ok_or(Error::Truncated { field, missing: N })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        bytes[0] = kind;
        bytes[4] = 7;
        bytes
    }

    #[test]
    fn each_type_has_one_length() {
        for (kind, length) in [(1, 148), (2, 92), (3, 64), (4, 32), (4, 160)] {
            assert!(Packet::parse(&message(kind, length)).is_ok(), "{kind} of {length}");
            assert!(Packet::parse(&message(kind, length + 1)).is_err(), "{kind} of {length} + 1");
        }
        assert!(Packet::parse(&message(4, 16)).is_err());
        assert!(Packet::parse(&message(5, 32)).is_err());
        assert!(Packet::parse(&message(0xc1, 194)).is_ok_and(|packet| packet.padded));
    }

    #[test]
    fn no_truncation_is_a_message_but_data() {
        for end in 0..148 {
            assert!(Packet::parse(&message(1, 148)[..end]).is_err());
        }
    }

    #[test]
    fn numbers_are_little_endian() {
        let mut bytes = message(4, 32);
        bytes[8] = 2;
        let packet = Packet::parse(&bytes).unwrap();
        let Message::Data { receiver, counter, body } = packet.message else { panic!() };
        assert_eq!((receiver, counter, body.len()), (7, 2, 16));
    }
}
