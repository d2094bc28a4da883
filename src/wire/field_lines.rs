//! A line and the fields under it, as SSDP and SIP write them (RFC 9112, 2.1; RFC 3261, 7).

use super::{Error, Reader, Result};

/// How long a first line may be.
const LONGEST_LINE: usize = 4096;

/// A first line and the fields under it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lines<'a> {
    /// The first line, without its end.
    pub first: &'a [u8],
    /// The fields, as sent.
    fields: &'a [u8],
    /// How many bytes first line, fields and the empty line took.
    pub length: usize,
    /// Whether the empty line came.
    pub whole: bool,
}

impl<'a> Lines<'a> {
    /// Reads the first line, which must be there with its end, and as many fields as there are.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        let first = r.until("first line", b"\n", LONGEST_LINE)?;
        let first = first.strip_suffix(b"\r").unwrap_or(first);
        let rest = r.rest();
        let mut at = 0;
        for line in rest.split_inclusive(|byte| *byte == b'\n') {
            let next = at + line.len();
            if matches!(line, b"\r\n" | b"\n") {
                let fields = rest.get(..at).unwrap_or(rest);
                return Ok(Self { first, fields, length: r.position() + next, whole: true });
            }
            at = next;
        }
        Ok(Self { first, fields: rest, length: bytes.len(), whole: false })
    }

    /// The fields, in order: name and value, without the spaces around them.
    pub fn fields(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        self.fields.split(|byte| *byte == b'\n').take(256).filter_map(|line| {
            let at = line.iter().position(|byte| *byte == b':')?;
            let (name, value) = line.split_at(at);
            Some((name.trim_ascii(), value.get(1..)?.trim_ascii()))
        })
    }

    /// The first field called `name`, in whichever case.
    pub fn get(&self, name: &[u8]) -> Option<&'a [u8]> {
        self.fields().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Refuses what may still grow: the empty line has not come.
    pub fn whole(self) -> Result<Self> {
        if self.whole { Ok(self) } else { Err(Error::Truncated { field: "fields", missing: 1 }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &[u8] = b"NOTIFY * HTTP/1.1\r\nServer:  one\r\nsERVER: two\r\n\r\n";

    #[test]
    fn reads_fields_in_any_case() {
        let lines = Lines::parse(MESSAGE).unwrap();
        assert_eq!(lines.first, b"NOTIFY * HTTP/1.1");
        assert_eq!(lines.get(b"SERVER"), Some(&b"one"[..]));
        assert_eq!(lines.fields().count(), 2);
        assert_eq!((lines.whole, lines.length), (true, MESSAGE.len()));
    }

    #[test]
    fn refuses_every_truncation() {
        crate::wire::refuses_every_truncation(MESSAGE, |b| Lines::parse(b)?.whole());
    }
}
