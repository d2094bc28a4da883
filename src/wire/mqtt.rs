//! MQTT: how clients join a broker (OASIS MQTT 3.1.1 and 5.0, 3.1 and 3.2). What is published is not read.

use super::{Reader, Result, require};

/// A client joins.
const CONNECT: u8 = 0x10;
/// A broker answers.
const ACKNOWLEDGE: u8 = 0x20;

/// The first message of either side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message {
    /// A client joins.
    Connect {
        /// 3 is 3.1, 4 is 3.1.1, 5 is 5.0.
        level: u8,
        /// Whether it gives a user's name.
        user: bool,
        /// Whether it gives a password.
        password: bool,
    },
    /// A broker answers.
    Acknowledge {
        /// 0 when the client is let in.
        result: u8,
    },
}

impl Message {
    /// Reads the message as far as it is told.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let kind = r.u8("kind")?;
        require("kind", kind == CONNECT || kind == ACKNOWLEDGE)?;
        let length = length(&mut r)?;
        if kind == ACKNOWLEDGE {
            require("length", (2..=0xffff).contains(&length))?;
            require("flags", r.u8("flags")? <= 1)?;
            return Ok(Self::Acknowledge { result: r.u8("result")? });
        }
        require("length", length >= 12)?;
        match r.u16("name length")? {
            4 => r.expect_bytes("name", b"MQTT")?,
            6 => r.expect_bytes("name", b"MQIsdp")?,
            _ => return Err(super::Error::Foreign { field: "name length" }),
        }
        // A bridge between brokers sets the highest bit.
        let level = r.u8("level")? & 0x7f;
        require("level", (3..=5).contains(&level))?;
        let flags = r.u8("flags")?;
        require("flags", flags & 1 == 0)?;
        Ok(Self::Connect { level, user: flags & 0x80 != 0, password: flags & 0x40 != 0 })
    }
}

/// Reads a length of up to four bytes, seven bits each, the low ones first.
fn length(r: &mut Reader<'_>) -> Result<u32> {
    let mut length = 0;
    for shift in [0, 7, 14, 21] {
        let byte = r.u8("length")?;
        length |= u32::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(length);
        }
    }
    Err(super::Error::Foreign { field: "length" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const JOIN: &[u8] = &hex!("10 0d 0004 4d515454 04 c2");

    #[test]
    fn reads_how_a_client_joins() {
        let wanted = Message::Connect { level: 4, user: true, password: true };
        assert_eq!(Message::parse(JOIN), Ok(wanted));
        crate::wire::refuses_every_truncation(JOIN, Message::parse);
    }
}
