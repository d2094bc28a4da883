//! RADIUS: how access servers ask who may enter (RFC 2865, RFC 2866).

use super::{Reader, Result, require};

/// How long code, identifier, length and authenticator are.
const HEADER: u16 = 20;
/// How long a message may be (RFC 2865, 3).
const LONGEST: u16 = 4096;
/// How many attributes are read.
const MOST_ATTRIBUTES: usize = 256;

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message<'a> {
    /// 1 asks for access, 2 grants, 3 refuses, 4 and 5 account, 11 challenges, 40 to 45 change.
    pub code: u8,
    /// The attributes, in order: number and value.
    pub attributes: Vec<(u8, &'a [u8])>,
    /// Whether the attributes fill the message, and the message the datagram.
    pub exact: bool,
}

impl<'a> Message<'a> {
    /// Reads a message, with its attributes up to the first that is none. What stands behind a message
    /// is padding (RFC 2865, 3).
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let code = r.u8("code")?;
        require("code", matches!(code, 1..=5 | 11..=13 | 40..=45))?;
        r.u8("identifier")?;
        let length = r.u16("length")?;
        require("length", (HEADER..=LONGEST).contains(&length))?;
        r.skip("authenticator", 16)?;
        let mut rest = r.inner("attributes", usize::from(length - HEADER))?;
        let mut attributes = Vec::new();
        while attributes.len() < MOST_ATTRIBUTES
            && let Some((number, value)) = attribute(&mut rest)
        {
            attributes.push((number, value));
        }
        Ok(Self { code, attributes, exact: rest.is_empty() && r.is_empty() })
    }

    /// Whether an access server sends it, rather than the server that decides.
    pub fn asks(&self) -> bool {
        matches!(self.code, 1 | 4 | 12 | 40 | 43)
    }
}

fn attribute<'a>(r: &mut Reader<'a>) -> Option<(u8, &'a [u8])> {
    let mut ahead = r.clone();
    let number = ahead.u8("attribute").ok().filter(|number| *number != 0)?;
    let size = ahead.u8("attribute length").ok()?.checked_sub(2)?;
    let value = ahead.bytes("attribute", size.into()).ok()?;
    fits(number, value).then(|| {
        *r = ahead;
        (number, value)
    })
}

/// Whether an attribute of one size has it.
fn fits(number: u8, value: &[u8]) -> bool {
    match number {
        4..=10 | 12..=16 | 23 | 27..=29 | 37 | 38 | 40..=43 | 45..=49 | 51..=53 | 55 | 61 | 62 => {
            value.len() == 4
        }
        3 => value.len() == 17,
        80 | 95 => value.len() == 16,
        26 => value.len() >= 5 && value.first() == Some(&0),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const REQUEST: &[u8] = &hex!(
        "01 07 0032 000102030405060708090a0b0c0d0e0f  01 06 7461726f  04 06 c0000201  20 06 7670 6e31
         1a 0c 00000009 01 06 61626364"
    );

    #[test]
    fn reads_attributes() {
        let message = Message::parse(REQUEST).unwrap();
        assert!(message.asks());
        assert_eq!(message.attributes.len(), 4);
        assert_eq!(message.attributes[1], (4, &[192, 0, 2, 1][..]));
    }

    #[test]
    fn refuses_every_truncation() {
        crate::wire::refuses_every_truncation(REQUEST, Message::parse);
    }

    #[test]
    fn attributes_fill_a_right_message() {
        assert!(Message::parse(REQUEST).unwrap().exact);
        assert!(!Message::parse(&[REQUEST, &[0]].concat()).unwrap().exact);
        let mut bytes = REQUEST.to_vec();
        bytes[27] = 5;
        let message = Message::parse(&bytes).unwrap();
        assert_eq!((message.exact, message.attributes.len()), (false, 1));
    }
}
