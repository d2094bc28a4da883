//! Radmin: its messages, each with a sum (not published; the shape is from captures).

use super::{Reader, Result, Writer, require};

/// What every message begins with.
const MARK: u8 = 1;

/// The longest message that opens a connection.
const LONGEST: usize = 1024;

/// A message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    /// What it holds: a command, and what belongs to it.
    pub body: &'a [u8],
}

impl<'a> Message<'a> {
    /// What asks a server how to log on.
    pub const ASK: Message<'static> = Message { body: &[8] };

    /// Reads a message.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        r.expect("mark", MARK)?;
        r.expect_bytes("length", &[0, 0])?;
        let length = usize::from(r.u16("length")?);
        require("length", (1..=LONGEST).contains(&length))?;
        let sum = r.u32("sum")?;
        let body = r.bytes("body", length)?;
        require("sum", sum == sum_of(body))?;
        Ok(Self { body })
    }

    /// Reads a message whose end is missing, where the sum shows that only zeros are.
    pub fn parse_cut(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        r.expect_bytes("mark and length", &[MARK, 0, 0])?;
        let length = usize::from(r.u16("length")?);
        let sum = r.u32("sum")?;
        let body = r.bytes_up_to(length);
        require("sum", !body.is_empty() && sum == sum_of(body))?;
        Ok(Self { body })
    }

    /// Writes the message.
    pub fn emit(&self) -> Vec<u8> {
        let length = u32::try_from(self.body.len()).unwrap_or(u32::MAX);
        Writer::new().u8(MARK).u32(length).u32(sum_of(self.body)).bytes(self.body).finish()
    }
}

/// The body's 32-bit words, lowest byte first, added up.
fn sum_of(body: &[u8]) -> u32 {
    body.chunks(4).fold(0u32, |sum, chunk| {
        let word = chunk.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte));
        sum.wrapping_add(word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    #[test]
    fn checks_the_sum() {
        let ask = hex!("01 00000001 00000008 08");
        assert_eq!(Message::parse(&ask), Ok(Message::ASK));
        assert_eq!(Message::ASK.emit(), ask);
        crate::wire::refuses_every_truncation(&ask, Message::parse);
        assert!(!Message::parse(&hex!("01 00000001 00000009 08")).unwrap_err().wants_more());
        let answer = hex!("01 00000005 00000229 2902000000");
        assert!(Message::parse(&answer).is_ok());
        assert_eq!(Message::parse_cut(&answer[..11]), Ok(Message { body: &[0x29, 2] }));
        assert!(Message::parse_cut(&answer[..10]).is_err());
    }
}
