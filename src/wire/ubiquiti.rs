//! Ubiquiti's discovery: how its devices tell what they are (no public specification; as its own tools and
//! devices show).

use super::{Reader, Result, Writer, require};

/// How many values are read of one answer.
const MOST_VALUES: usize = 64;

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message<'a> {
    /// 1 or 2.
    pub version: u8,
    /// 0 in version 1; in version 2, 6, 9 and 11 answer or announce, 8 asks.
    pub command: u8,
    /// The values, in order: kind and bytes. Empty in a question.
    pub values: Vec<(u8, &'a [u8])>,
}

impl<'a> Message<'a> {
    /// Reads a message whose values must fill it, and which must fill `bytes`.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let version = r.u8("version")?;
        let command = r.u8("command")?;
        match version {
            1 => require("command", command == 0)?,
            2 => require("command", matches!(command, 0 | 6 | 8 | 9 | 11))?,
            _ => return Err(super::Error::Foreign { field: "version" }),
        }
        let length = r.u16("length")?;
        require("length", usize::from(length) >= r.remaining())?;
        let mut rest = r.inner("values", length.into())?;
        let mut values = Vec::new();
        while !rest.is_empty() && values.len() < MOST_VALUES {
            let kind = rest.u8("kind")?;
            let length =
                rest.u16("value length").map_err(|_| super::Error::Foreign { field: "value" })?;
            require("value", usize::from(length) <= rest.remaining())?;
            values.push((kind, rest.bytes("value", length.into())?));
        }
        Ok(Self { version, command, values })
    }
}

/// Writes the question of version 1.
pub fn ask() -> Vec<u8> {
    Writer::new().u8(1).u8(0).u16(0).finish()
}

/// Writes the question of version 2.
pub fn ask_second() -> Vec<u8> {
    Writer::new().u8(2).u8(8).u16(0).finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const ANSWER: &[u8] = &hex!("01 00 0014 02 000a 00005e005301 c0000201 0b 0004 6e616d65");

    #[test]
    fn reads_an_answer() {
        let message = Message::parse(ANSWER).unwrap();
        assert_eq!(message.values[1], (0x0b, &b"name"[..]));
        for (version, question) in [(1, ask()), (2, ask_second())] {
            let message = Message::parse(&question).unwrap();
            assert!(message.version == version && message.values.is_empty());
        }
        crate::wire::refuses_every_truncation(ANSWER, Message::parse);
    }
}
