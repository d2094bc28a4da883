//! `RustDesk`: the messages to its rendezvous server, in protocol buffers, as datagrams and framed in streams.

use super::{Error, Reader, Result, Writer, require};

/// The longest message that is read.
const LONGEST: usize = 4096;

/// How many fields a message may have.
const MOST_FIELDS: usize = 32;

/// Numbers of messages.
pub mod kind {
    /// A peer says that it is there.
    pub const REGISTER: u32 = 6;
    /// The server's answer to it.
    pub const REGISTERED: u32 = 7;
    /// A peer asks to reach another.
    pub const PUNCH: u32 = 8;
    /// A peer's public key.
    pub const REGISTER_KEY: u32 = 15;
    /// A peer asks for a relay.
    pub const RELAY: u32 = 18;
    /// A peer asks which port of its own a server sees.
    pub const TEST_NAT: u32 = 20;
    /// The server's answer to it.
    pub const TEST_NAT_RESPONSE: u32 = 21;
    /// A peer looks for others on its network, or answers.
    pub const DISCOVERY: u32 = 22;
}

/// A message, as far as it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Message<'a> {
    /// Which message.
    pub kind: u32,
    /// It is as long as it says.
    pub exact: bool,
    /// Its texts and nested messages, by field number from 1 to 8.
    pub texts: [&'a [u8]; 8],
    /// How many bytes it takes, with its frame.
    pub length: usize,
}

impl<'a> Message<'a> {
    /// Reads a datagram.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let tag = number(&mut r)?;
        let kind = u32::try_from(tag >> 3).unwrap_or_default();
        require("message", tag & 7 == 2 && (kind::REGISTER..=26).contains(&kind))?;
        let length = number(&mut r)?;
        let here = r.remaining() as u64;
        // Probes made by hand miscount a little, and servers do not mind.
        require("length", (here..here + 4).contains(&length))?;
        let exact = length == here;
        let mut message = Self { kind, exact, length: bytes.len(), ..Self::default() };
        for _ in 0..MOST_FIELDS {
            if r.is_empty() {
                return Ok(message);
            }
            message.field(&mut r).map_err(|_| Error::Foreign { field: "field" })?;
        }
        Err(Error::Foreign { field: "field" })
    }

    /// Reads the first message of a stream: the frame's length is in one to four bytes, whose lowest two
    /// bits say how many.
    pub fn parse_framed(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let first = r.u8("length")?;
        let mut value = u32::from(first);
        for shift in (1..=u32::from(first & 3)).map(|byte| 8 * byte) {
            value |= u32::from(r.u8("length")?) << shift;
        }
        let length = (value >> 2) as usize;
        require("length", (2..=LONGEST).contains(&length))?;
        let start = r.position();
        // The first byte of a message rules most other streams out before they are complete.
        let tag = r.clone().u8("message")?;
        require("message", tag & 7 == 2 && tag >= 0x32)?;
        let message = Self::parse(r.bytes("message", length)?)?;
        Ok(Self { length: start + length, ..message })
    }

    fn field(&mut self, r: &mut Reader<'a>) -> Result<()> {
        let tag = number(r)?;
        let place = tag >> 3;
        require("field", (1..=32).contains(&place))?;
        match tag & 7 {
            0 => number(r).map(drop),
            2 => {
                let length = usize::try_from(number(r)?).unwrap_or(usize::MAX);
                let text = r.bytes("field", length)?;
                if let Some(kept) =
                    self.texts.get_mut(usize::try_from(place - 1).unwrap_or(usize::MAX))
                {
                    *kept = text;
                }
                Ok(())
            }
            _ => Err(Error::Foreign { field: "field" }),
        }
    }

    /// A text by its field number, where it is printable.
    pub fn text(&self, place: usize) -> Option<&'a str> {
        let text = self.texts.get(place.checked_sub(1)?)?;
        let text = std::str::from_utf8(text).ok()?;
        (!text.is_empty() && !text.contains(char::is_control)).then_some(text)
    }
}

/// A number of seven bits a byte, lowest first.
fn number(r: &mut Reader<'_>) -> Result<u64> {
    let mut value = 0;
    for shift in (0..35).step_by(7) {
        let byte = r.u8("number")?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Error::Foreign { field: "number" })
}

/// Writes the framed question which port of ours a server sees: the one that needs nobody's number.
pub fn ask() -> Vec<u8> {
    // A field's number and kind in seven bits a byte, then the length of an empty message.
    let tag = kind::TEST_NAT << 3 | 2;
    let [.., low] = (tag & 0x7f | 0x80).to_be_bytes();
    let [.., high] = (tag >> 7).to_be_bytes();
    let message = [low, high, 0];
    Writer::new().u8(3 << 2).bytes(&message).finish()
}

/// Writes the question of a peer that looks for others on its network.
pub fn ping() -> Vec<u8> {
    let word = b"ping";
    // Field 22 of a message, and in it field 1, each with its length.
    Writer::new().bytes(&[0xb2, 0x01, 6, 0x0a, 4]).bytes(word).finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const REGISTER: &[u8] = &hex!("320f 0a09 313233343536373839 1000 1000");

    #[test]
    fn what_is_asked_reads_back() {
        let question = ask();
        assert_eq!(question, hex!("0ca20100"));
        let message = Message::parse_framed(&question).unwrap();
        assert_eq!((message.kind, message.exact, message.length), (kind::TEST_NAT, true, 4));
        crate::wire::refuses_every_truncation(&question, Message::parse_framed);
    }

    #[test]
    fn a_search_goes_both_ways() {
        let bytes = ping();
        assert_eq!(bytes, hex!("b201060a0470696e67"));
        let message = Message::parse(&bytes).unwrap();
        assert_eq!((message.kind, message.text(1)), (kind::DISCOVERY, Some("ping")));
        assert!(message.exact);
    }

    #[test]
    fn reads_a_peer_that_registers() {
        let message = Message::parse(REGISTER).unwrap();
        assert_eq!((message.kind, message.text(1)), (kind::REGISTER, Some("123456789")));
        let framed = [&[4 * 17][..], REGISTER].concat();
        assert_eq!(Message::parse_framed(&framed).unwrap().length, 18);
        crate::wire::refuses_every_truncation(&framed, Message::parse_framed);
    }
}
