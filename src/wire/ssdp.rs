//! SSDP: how devices of Universal Plug and Play are looked for and announce themselves (its Device Architecture 1.1, 1).

use super::{Error, Reader, Result, field_lines::Lines};

/// What is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Who is there?
    Search,
    /// I am here, or I go.
    Notify,
    /// An answer to a search.
    Answer,
}

/// A message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    /// What is said.
    pub kind: Kind,
    /// Its fields.
    pub lines: Lines<'a>,
}

impl<'a> Message<'a> {
    /// Reads a message; a cut one gives the fields before the cut.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let starts = |word: &[u8]| Reader::new(bytes).expect_bytes("method", word);
        let (kind, needs) = match bytes.first() {
            Some(b'N') => (starts(b"NOTIFY * HTTP/1").map(|()| Kind::Notify)?, &b"NT"[..]),
            Some(b'H') => (starts(b"HTTP/1.1 200").map(|()| Kind::Answer)?, &b"ST"[..]),
            _ => (starts(b"M-SEARCH * HTTP/1").map(|()| Kind::Search)?, &b"ST"[..]),
        };
        let lines = Lines::parse(bytes)?;
        // The field that says what is looked for or found: HTTP over datagrams alone is others' too.
        match lines.get(needs) {
            Some(_) => Ok(Self { kind, lines }),
            // Nothing else searches with this method; some devices leave the fields out.
            None if kind == Kind::Search => Ok(Self { kind, lines }),
            None if lines.whole => Err(Error::Foreign { field: "fields" }),
            None => Err(Error::Truncated { field: "fields", missing: 1 }),
        }
    }
}

/// Writes a search for `target`, such as `upnp:rootdevice`, to be answered within `seconds`.
pub fn search(target: &str, seconds: u8) -> Vec<u8> {
    format!(
        "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\n\
         MX: {seconds}\r\nST: {target}\r\n\r\n"
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_goes_both_ways() {
        let bytes = search("upnp:rootdevice", 2);
        let message = Message::parse(&bytes).unwrap();
        assert_eq!(message.kind, Kind::Search);
        assert_eq!(message.lines.get(b"st"), Some(&b"upnp:rootdevice"[..]));
        assert_eq!(message.lines.get(b"mx"), Some(&b"2"[..]));
    }

    #[test]
    fn a_web_answer_is_refused() {
        let bytes = b"HTTP/1.1 200 OK\r\nServer: example\r\n\r\n";
        assert!(Message::parse(bytes).is_err_and(|e| !e.wants_more()));
        assert!(Message::parse(b"\x16\x03").is_err_and(|e| !e.wants_more()));
    }
}
