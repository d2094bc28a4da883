//! UDP (RFC 768).

use super::{Reader, Result, Writer, checksum};

/// The protocol number in IP.
pub const NUMBER: u8 = 17;

/// A datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// The sender's port.
    pub source: u16,
    /// The receiver's port.
    pub destination: u16,
    /// What it carries; less than its length says when the capture cut it or the length lies.
    pub payload: &'a [u8],
}

impl<'a> Datagram<'a> {
    /// Reads a datagram. A length of 0, or below the header's, means all there is (RFC 2675).
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let source = r.u16("source")?;
        let destination = r.u16("destination")?;
        let length = usize::from(r.u16("length")?);
        r.u16("checksum")?;
        let payload = match length.checked_sub(8) {
            Some(length) => r.bytes_up_to(length),
            None => r.rest(),
        };
        Ok(Self { source, destination, payload })
    }

    /// Writes the datagram; the checksum covers `pseudo_header` too (RFC 768).
    pub fn emit(&self, pseudo_header: &[u8]) -> Vec<u8> {
        let head = |sum: u16| {
            Writer::new()
                .u16(self.source)
                .u16(self.destination)
                .sized_u16(8 + self.payload.len(), &[])
                .u16(sum)
                .finish()
        };
        // 0 would mean "no checksum"; its other form is sent instead.
        let sum = match checksum(&[pseudo_header, &head(0), self.payload]) {
            0 => 0xffff,
            sum => sum,
        };
        [head(sum).as_slice(), self.payload].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_emits_parses_back() {
        let datagram = Datagram { source: 500, destination: 4500, payload: b"abc" };
        let bytes = datagram.emit(&[0; 12]);
        assert_eq!(Datagram::parse(&bytes), Ok(datagram));
        assert_eq!(checksum(&[&[0; 12], &bytes]), 0);
        crate::wire::refuses_every_truncation(&bytes[..8], Datagram::parse);
    }

    #[test]
    fn a_length_that_lies_gives_what_is_there() {
        let bytes = hex_literal::hex!("0035 0035 ffff 0000 616263");
        assert_eq!(Datagram::parse(&bytes).unwrap().payload, b"abc");
        let bytes = hex_literal::hex!("0035 0035 0003 0000 616263");
        assert_eq!(Datagram::parse(&bytes).unwrap().payload, b"abc");
    }
}
