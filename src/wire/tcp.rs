//! TCP (RFC 9293): header and options.

use super::{Reader, Result, Writer, checksum, require};

/// The protocol number in IP.
pub const NUMBER: u8 = 6;

/// Flag bits.
pub mod flag {
    /// The sender is done.
    pub const FIN: u8 = 0x01;
    /// The sender begins.
    pub const SYN: u8 = 0x02;
    /// The conversation is refused or broken off.
    pub const RST: u8 = 0x04;
    /// What is here may be delivered.
    pub const PSH: u8 = 0x08;
    /// The acknowledgement counts.
    pub const ACK: u8 = 0x10;
}

/// A segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment<'a> {
    /// The sender's port.
    pub source: u16,
    /// The receiver's port.
    pub destination: u16,
    /// The number of the payload's first byte, or of the SYN.
    pub sequence: u32,
    /// The next byte that the sender awaits.
    pub acknowledgement: u32,
    /// Bits as in [`flag`].
    pub flags: u8,
    /// How much the sender takes, unscaled.
    pub window: u16,
    /// Options, as sent.
    pub options: &'a [u8],
    /// What it carries.
    pub payload: &'a [u8],
}

impl<'a> Segment<'a> {
    /// Reads a segment.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let source = r.u16("source")?;
        let destination = r.u16("destination")?;
        let sequence = r.u32("sequence")?;
        let acknowledgement = r.u32("acknowledgement")?;
        let header = usize::from(r.u8("data offset")? >> 4) * 4;
        require("data offset", header >= 20)?;
        let flags = r.u8("flags")?;
        let window = r.u16("window")?;
        r.u16("checksum")?;
        r.u16("urgent")?;
        let options = r.bytes("options", header - 20)?;
        let payload = r.rest();
        Ok(Self { source, destination, sequence, acknowledgement, flags, window, options, payload })
    }

    /// Whether any of these flags is set.
    pub fn has(&self, flags: u8) -> bool {
        self.flags & flags != 0
    }

    /// The largest segment that the sender takes, where it says so.
    pub fn maximum_segment_size(&self) -> Option<u16> {
        options(self.options).find_map(|(number, data)| match (number, data) {
            (2, [high, low]) => Some(u16::from_be_bytes([*high, *low])),
            _ => None,
        })
    }

    /// Writes the segment; the checksum covers `pseudo_header` too.
    pub fn emit(&self, pseudo_header: &[u8]) -> Vec<u8> {
        let options = self.options.get(..40).unwrap_or(self.options);
        let padding = options.len().next_multiple_of(4) - options.len();
        let words = u8::try_from((20 + options.len() + padding) / 4).unwrap_or(15);
        let head = |sum: u16| {
            Writer::new()
                .u16(self.source)
                .u16(self.destination)
                .u32(self.sequence)
                .u32(self.acknowledgement)
                .u8(words << 4)
                .u8(self.flags)
                .u16(self.window)
                .u16(sum)
                .u16(0)
                .bytes(options)
                .zeros(padding)
                .finish()
        };
        let sum = checksum(&[pseudo_header, &head(0), self.payload]);
        [head(sum).as_slice(), self.payload].concat()
    }
}

/// The options in `bytes` as number and data, up to the end marker or the first that lies.
pub fn options(bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut r = Reader::new(bytes);
    std::iter::from_fn(move || {
        loop {
            match r.u8("option").ok()? {
                0 => return None,
                1 => {}
                number => {
                    let length = usize::from(r.u8("option length").ok()?).checked_sub(2)?;
                    return Some((number, r.bytes("option", length).ok()?));
                }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;

    use super::*;

    const SYN: [u8; 28] =
        hex!("c001 0016 00000001 00000000 70 02 faf0 0000 0000 020405b4 01010402");

    #[test]
    fn reads_flags_and_options() {
        let segment = Segment::parse(&SYN).unwrap();
        assert!(segment.has(flag::SYN) && !segment.has(flag::ACK | flag::FIN));
        assert_eq!(segment.maximum_segment_size(), Some(1460));
        crate::wire::refuses_every_truncation(&SYN, Segment::parse);
    }

    #[test]
    fn what_it_emits_parses_back() {
        let segment = Segment { payload: b"odd", ..Segment::parse(&SYN).unwrap() };
        let bytes = segment.emit(&[0; 12]);
        assert_eq!(Segment::parse(&bytes), Ok(segment));
        assert_eq!(checksum(&[&[0; 12], &bytes]), 0);
    }
}
