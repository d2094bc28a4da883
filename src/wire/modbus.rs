//! Modbus over TCP: how controllers are asked (Modbus Application Protocol 1.1b3). Registers and coils are not read.

use super::{Reader, Result, require};

/// How long a unit's identifier and a message may be together.
const LONGEST: u16 = 254;
/// The bit that makes a function's answer a refusal.
const REFUSED: u8 = 0x80;
/// Transport of other protocols, and its kind that tells who a device is.
const DEVICE_IDENTIFICATION: [u8; 2] = [43, 14];

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message<'a> {
    /// Which device behind the address.
    pub unit: u8,
    /// What it is to do.
    pub function: u8,
    /// Whether it refused.
    pub refused: bool,
    /// Whether the function's form is known, and this is it.
    pub exact: bool,
    /// What the device says it is: number and text. 0 vendor, 1 product, 2 revision, 4 and 5 names.
    pub identity: Vec<(u8, &'a [u8])>,
    /// How many bytes it took.
    pub length: usize,
}

impl<'a> Message<'a> {
    /// Reads a message.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        r.u16("transaction")?;
        r.expect_u16("protocol", 0)?;
        let length = r.u16("length")?;
        require("length", (2..=LONGEST).contains(&length))?;
        let unit = r.u8("unit")?;
        let function = r.u8("function")?;
        require("function", function & !REFUSED != 0)?;
        let data = r.bytes("data", usize::from(length) - 2)?;
        let refused = function & REFUSED != 0;
        let function = function & !REFUSED;
        let exact = if refused { data.len() == 1 } else { fits(function, data) };
        let mut identity = Vec::new();
        if function == DEVICE_IDENTIFICATION[0] && data.first() == Some(&DEVICE_IDENTIFICATION[1]) {
            objects(data, &mut identity);
        }
        Ok(Self { unit, function, refused, exact, identity, length: r.position() })
    }
}

/// Whether `data` has the form of a question or an answer of `function`.
fn fits(function: u8, data: &[u8]) -> bool {
    let counted =
        |at: usize| data.get(at).is_some_and(|count| usize::from(*count) == data.len() - at - 1);
    match function {
        1..=4 => data.len() == 4 || counted(0),
        5 | 6 => data.len() == 4,
        7 | 11 | 12 | 17 => data.is_empty() || data.len() <= 5 || counted(0),
        8 => data.len() >= 4,
        15 | 16 => data.len() == 4 || counted(4),
        20 | 21 => counted(0),
        22 => data.len() == 6,
        23 => counted(8) || counted(0),
        43 => matches!(data, [14, 1..=4, _] | [14, 1..=4, _, 0 | 0xff, ..] | [13, ..]),
        _ => false,
    }
}

fn objects<'a>(data: &'a [u8], identity: &mut Vec<(u8, &'a [u8])>) {
    let mut r = Reader::new(data);
    // Kind, code, conformity, more and next stand before the count.
    if r.skip("head", 5).is_err() {
        return;
    }
    for _ in 0..r.u8("objects").unwrap_or(0) {
        let (Ok(number), Ok(length)) = (r.u8("object"), r.u8("length")) else { return };
        let Ok(text) = r.bytes("text", length.into()) else { return };
        identity.push((number, text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const QUESTION: &[u8] = &hex!("0001 0000 0006 01 03 006b 0003");

    #[test]
    fn reads_a_question() {
        let message = Message::parse(QUESTION).unwrap();
        assert_eq!((message.unit, message.function, message.exact), (1, 3, true));
        crate::wire::refuses_every_truncation(QUESTION, Message::parse);
    }

    #[test]
    fn a_device_tells_what_it_is() {
        let bytes = hex!("0001 0000 0014 01 2b 0e01010000 02 00 04 41636d65 01 03 503130");
        let message = Message::parse(&bytes[..]);
        assert!(message.is_err_and(|e| e.wants_more()), "one byte is missing");
        let bytes = hex!("0001 0000 0013 01 2b 0e01010000 02 00 04 41636d65 01 03 503130");
        let message = Message::parse(&bytes).unwrap();
        assert_eq!(message.identity, [(0, &b"Acme"[..]), (1, b"P10")]);
    }
}
