//! DER: tag, length, content (ITU-T X.690), as far as CredSSP and T.125 need it.

use super::{Reader, Result, require};

/// A constructed sequence.
pub const SEQUENCE: u8 = 0x30;

/// An octet string.
pub const OCTETS: u8 = 0x04;

/// Reads an element that can only have `tag`, and gives its content. What is not there yet is cut off.
pub fn element<'a>(r: &mut Reader<'a>, field: &'static str, tag: u8) -> Result<Reader<'a>> {
    r.expect(field, tag)?;
    let length = length(r, field)?;
    Ok(Reader::new(r.bytes_up_to(length)))
}

/// Reads a definite length of at most three bytes.
pub fn length(r: &mut Reader<'_>, field: &'static str) -> Result<usize> {
    let first = r.u8(field)?;
    Ok(match first {
        0x81 => usize::from(r.u8(field)?),
        0x82 => usize::from(r.u16(field)?),
        0x83 => r.u24(field)? as usize,
        short => {
            require(field, short < 0x80)?;
            usize::from(short)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_short_and_long_lengths() {
        let mut r = Reader::new(&[0x04, 0x02, 1, 2, 0x30, 0x82, 0x00, 0x01, 9]);
        assert_eq!(element(&mut r, "a", OCTETS).unwrap().rest(), [1, 2]);
        assert_eq!(element(&mut r, "b", SEQUENCE).unwrap().rest(), [9]);
        assert!(r.is_empty());
    }

    #[test]
    fn refuses_an_indefinite_length() {
        assert!(!length(&mut Reader::new(&[0x80]), "a").unwrap_err().wants_more());
    }
}
