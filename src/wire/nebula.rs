//! Nebula: the header of its packets, and the certificate that its handshakes carry in clear (from the
//! project's source: header, and the protocol-buffer messages of handshake and certificate, version 1).

use super::{Error, Reader, Result, require};

/// How long a header is.
pub const HEADER: usize = 16;

/// A packet's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// 0 handshake, 1 message, 2 error, 3 lighthouse, 4 test, 5 close, 6 control.
    pub kind: u8,
    /// What it is within its type.
    pub subtype: u8,
    /// The receiver's number for the tunnel; 0 in the first handshake message.
    pub index: u32,
    /// Rises with each packet, from 1.
    pub counter: u64,
}

impl Header {
    /// Reads a header.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let first = r.u8("version")?;
        require("version", first >> 4 == 1)?;
        let kind = first & 0xf;
        require("type", kind <= 6)?;
        let subtype = r.u8("subtype")?;
        require("subtype", subtype <= 1)?;
        r.expect_u16("reserved", 0)?;
        let index = r.u32("index")?;
        let counter = r.u64("counter")?;
        require("counter", counter >> 40 == 0)?;
        Ok(Self { kind, subtype, index, counter })
    }

    /// Whether it begins a handshake.
    pub fn begins(&self) -> bool {
        (self.kind, self.subtype, self.index, self.counter) == (0, 0, 0, 1)
    }

    /// Whether it answers one.
    pub fn answers(&self) -> bool {
        self.kind == 0 && self.subtype == 0 && self.index != 0 && self.counter == 2
    }
}

/// What a certificate says of the node that shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Certificate<'a> {
    /// The node's name.
    pub name: &'a [u8],
    details: &'a [u8],
}

impl<'a> Certificate<'a> {
    /// Finds the certificate in the first handshake message, header included.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        r.skip("header", HEADER)?;
        // Two keys stand before the payload.
        r.skip("keys", 32 + 32)?;
        let missing = Error::Foreign { field: "certificate" };
        let handshake = field(r.rest(), 1).next().ok_or(missing)?;
        let certificate = field(handshake, 1).next().ok_or(missing)?;
        let details = field(certificate, 1).next().ok_or(missing)?;
        let name = field(details, 1).next().ok_or(missing)?;
        Ok(Self { name, details })
    }

    /// The groups it belongs to.
    pub fn groups(&self) -> impl Iterator<Item = &'a [u8]> {
        field(self.details, 4)
    }

    /// Its addresses in the overlay, each with the length of its prefix.
    pub fn addresses(&self) -> impl Iterator<Item = ([u8; 4], u32)> {
        let mut r = Reader::new(field(self.details, 2).next().unwrap_or_default());
        std::iter::from_fn(move || {
            let address = u32::try_from(varint(&mut r).ok()?).ok()?;
            let mask = u32::try_from(varint(&mut r).ok()?).ok()?;
            Some((address.to_be_bytes(), mask.leading_ones()))
        })
        .take(8)
    }
}

/// The values of the field `wanted` that have a length, in a protocol-buffer message.
fn field(message: &[u8], wanted: u64) -> impl Iterator<Item = &[u8]> {
    let mut r = Reader::new(message);
    std::iter::from_fn(move || {
        for _ in 0..64 {
            let key = varint(&mut r).ok()?;
            match key & 7 {
                0 => {
                    varint(&mut r).ok()?;
                }
                1 => r.skip("value", 8).ok()?,
                2 => {
                    let length = usize::try_from(varint(&mut r).ok()?).ok()?;
                    let value = r.bytes("value", length).ok()?;
                    if key >> 3 == wanted {
                        return Some(value);
                    }
                }
                5 => r.skip("value", 4).ok()?,
                _ => return None,
            }
        }
        None
    })
    .take(32)
}

/// Reads a number of seven bits a byte, the lowest first.
fn varint(r: &mut Reader<'_>) -> Result<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = r.u8("number")?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Error::Foreign { field: "number" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const FIRST: [u8; HEADER] = hex!("10000000 00000000 0000000000000001");

    #[test]
    fn reads_a_header() {
        assert!(Header::parse(&FIRST).unwrap().begins());
        let answer = Header::parse(&hex!("10000000 0fe8cdb2 0000000000000002")).unwrap();
        assert!(answer.answers() && !answer.begins());
        crate::wire::refuses_every_truncation(&FIRST, Header::parse);
    }

    #[test]
    fn reads_a_certificate() {
        let mut bytes = FIRST.to_vec();
        bytes.extend([5; 64]);
        // 192.0.2.1 and its mask as numbers of seven bits a byte; then a group.
        let details = [&hex!("0a03636c69 120a 818480800c 80feffff0f 2205")[..], b"ward1"].concat();
        let wrap = |inner: &[u8]| [&[0x0a, u8::try_from(inner.len()).unwrap()], inner].concat();
        bytes.extend(wrap(&wrap(&wrap(&details))));
        let certificate = Certificate::parse(&bytes).unwrap();
        assert_eq!(certificate.name, b"cli");
        assert_eq!(certificate.groups().collect::<Vec<_>>(), [b"ward1"]);
        let (address, prefix) = certificate.addresses().next().unwrap();
        assert_eq!((address, prefix), ([192, 0, 2, 1], 24));
    }
}
