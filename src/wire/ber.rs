//! BER: the tagged, sized values in which SNMP and others write (ITU-T X.690, definite lengths only).

use std::fmt::Write as _;

use super::{Error, Reader, Result, require};

/// A whole number.
pub const INTEGER: u8 = 0x02;
/// A string of bytes.
pub const OCTETS: u8 = 0x04;
/// Nothing, where a value will stand.
pub const NULL: u8 = 0x05;
/// An object identifier.
pub const OBJECT: u8 = 0x06;
/// Values in order.
pub const SEQUENCE: u8 = 0x30;

/// Reads a value's tag and how many bytes its body has. Tags beyond one byte are refused.
pub fn head(r: &mut Reader<'_>, field: &'static str) -> Result<(u8, usize)> {
    let tag = r.u8(field)?;
    require(field, tag & 0x1f != 0x1f)?;
    Ok((tag, length(r, field)?))
}

/// Reads a value: its tag and its whole body.
pub fn element<'a>(r: &mut Reader<'a>, field: &'static str) -> Result<(u8, &'a [u8])> {
    let (tag, length) = head(r, field)?;
    Ok((tag, r.bytes(field, length)?))
}

/// Reads a value that can only have `tag`, and gives its body.
pub fn expect<'a>(r: &mut Reader<'a>, field: &'static str, tag: u8) -> Result<&'a [u8]> {
    r.expect(field, tag)?;
    let length = length(r, field)?;
    r.bytes(field, length)
}

/// Steps into a value that can only have `tag`. What a cut capture lost of its end is missed only by
/// whoever reads that far.
pub fn enter<'a>(r: &mut Reader<'a>, field: &'static str, tag: u8) -> Result<Reader<'a>> {
    r.expect(field, tag)?;
    let length = length(r, field)?;
    Ok(Reader::new(r.bytes_up_to(length)))
}

/// Reads a whole number of up to 64 bits.
pub fn integer(r: &mut Reader<'_>, field: &'static str) -> Result<i64> {
    r.expect(field, INTEGER)?;
    let length = length(r, field)?;
    require(field, (1..=8).contains(&length))?;
    number(r.bytes(field, length)?).ok_or(Error::Foreign { field })
}

/// The whole number in the body of a value.
pub fn number(body: &[u8]) -> Option<i64> {
    let negative = body.first()? & 0x80 != 0;
    let start = if negative { -1 } else { 0 };
    (body.len() <= 8)
        .then(|| body.iter().fold(start, |number, byte| (number << 8) | i64::from(*byte)))
}

/// The object identifier in the body of a value, such as `1.3.6.1.4.1.8072`. At most 128 arcs.
pub fn object(body: &[u8]) -> Option<String> {
    let arcs = arcs(body)?;
    let mut arcs = arcs.into_iter();
    let first = arcs.next()?;
    let root = (first / 40).min(2);
    let mut text = format!("{root}.{}", first - root * 40);
    for arc in arcs {
        let _ = write!(text, ".{arc}");
    }
    Some(text)
}

/// The arcs of an encoded object identifier, or of the end of one; the first two of a whole one are
/// still joined.
pub fn arcs(body: &[u8]) -> Option<Vec<u32>> {
    let mut arcs = Vec::new();
    let mut arc = 0u32;
    for byte in body {
        arc = arc.checked_mul(128)?.checked_add(u32::from(byte & 0x7f))?;
        if byte & 0x80 == 0 {
            if arcs.len() == 128 {
                return None;
            }
            arcs.push(arc);
            arc = 0;
        }
    }
    body.last().is_none_or(|last| last & 0x80 == 0).then_some(arcs)
}

fn length(r: &mut Reader<'_>, field: &'static str) -> Result<usize> {
    let first = r.u8(field)?;
    if first < 0x80 {
        return Ok(first.into());
    }
    let count = usize::from(first & 0x7f);
    require(field, (1..=4).contains(&count))?;
    let length = r.bytes(field, count)?.iter().fold(0, |sum, byte| (sum << 8) | usize::from(*byte));
    Ok(length)
}

/// Writes a value.
pub fn emit(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes();
    let mut bytes = vec![tag];
    match length {
        [0, 0, 0, short] if short < 0x80 => bytes.push(short),
        [0, 0, 0, last] => bytes.extend([0x81, last]),
        [0, 0, high, low] => bytes.extend([0x82, high, low]),
        [a, b, c, d] => bytes.extend([0x84, a, b, c, d]),
    }
    bytes.extend_from_slice(body);
    bytes
}

/// Writes a whole number in as few bytes as it takes.
pub fn emit_integer(value: i64) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    let mut body = bytes.as_slice();
    while let [first, rest @ ..] = body {
        let sign = rest.first().is_some_and(|next| next & 0x80 != 0);
        if rest.is_empty() || !((*first == 0 && !sign) || (*first == 0xff && sign)) {
            break;
        }
        body = rest;
    }
    emit(INTEGER, body)
}

/// Writes an object identifier.
pub fn emit_object(arcs: &[u32]) -> Vec<u8> {
    let mut body = Vec::new();
    let joined = match arcs {
        [first, second, ..] => first.saturating_mul(40).saturating_add(*second),
        _ => 0,
    };
    for arc in std::iter::once(&joined).chain(arcs.iter().skip(2)) {
        for shift in [28, 21, 14, 7] {
            if arc >> shift != 0 {
                body.push(0x80 | low7(arc >> shift));
            }
        }
        body.push(low7(*arc));
    }
    emit(OBJECT, &body)
}

fn low7(arc: u32) -> u8 {
    arc.to_le_bytes()[0] & 0x7f
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    #[test]
    fn numbers_go_both_ways() {
        for value in [0, 1, 127, 128, 255, 256, 65_507, -1, -128, -129, i64::MAX, i64::MIN] {
            let bytes = emit_integer(value);
            assert_eq!(integer(&mut Reader::new(&bytes), "number"), Ok(value), "{bytes:02x?}");
        }
        assert_eq!(emit_integer(65_507), hex!("020300ffe3"));
    }

    #[test]
    fn object_identifiers_go_both_ways() {
        let bytes = emit_object(&[1, 3, 6, 1, 4, 1, 1182, 3, 300_000]);
        let body = expect(&mut Reader::new(&bytes), "object", OBJECT).unwrap();
        assert_eq!(object(body).as_deref(), Some("1.3.6.1.4.1.1182.3.300000"));
        assert_eq!(object(&hex!("2b 06 81")), None, "an arc without its end");
        assert_eq!(object(&hex!("8fffffffffff7f")), None, "an arc too large");
    }

    #[test]
    fn long_bodies_go_both_ways() {
        for length in [0, 127, 128, 255, 256, 70_000] {
            let bytes = emit(OCTETS, &vec![7; length]);
            let (tag, body) = element(&mut Reader::new(&bytes), "text").unwrap();
            assert_eq!((tag, body.len()), (OCTETS, length));
        }
    }

    #[test]
    fn refuses_every_truncation() {
        let bytes = emit(SEQUENCE, &[7; 300]);
        crate::wire::refuses_every_truncation(&bytes, |b| element(&mut Reader::new(b), "all"));
    }

    #[test]
    fn lengths_without_end_are_refused() {
        assert!(!element(&mut Reader::new(&hex!("30 80 00 00")), "all").unwrap_err().wants_more());
        assert!(!element(&mut Reader::new(&hex!("30 89 00")), "all").unwrap_err().wants_more());
    }
}
