//! pcAnywhere: the bytes with which its host greets, and its search by datagrams. Not published; known from
//! public service probes.

use super::{Error, Reader, Result, require};

/// What a host says first, before a line of text.
pub const GREETING: &[u8] = b"\0X\x08\0}\x08\r\n\0.\x08";

/// Asks a host for its name.
pub const ASK_NAME: [u8; 2] = *b"NQ";

/// Asks a host for its status.
pub const ASK_STATUS: [u8; 2] = *b"ST";

/// How long a name is, filled with underscores.
const NAME: usize = 24;

/// A datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Datagram<'a> {
    /// Asks for a name (`NQ`) or a status (`ST`).
    Ask,
    /// A host's name.
    Name(&'a [u8]),
    /// A host's status.
    Status,
}

/// Reads the greeting.
pub fn greeting(bytes: &[u8]) -> Result<()> {
    Reader::new(bytes).expect_bytes("mark", GREETING)
}

impl<'a> Datagram<'a> {
    /// Reads a datagram.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        match (&r.take::<2>("kind")?, r.remaining()) {
            (b"NQ" | b"ST", 0) => Ok(Self::Ask),
            (b"NR", _) => {
                let name = r.bytes("name", NAME)?;
                let end = name.iter().rposition(|byte| !matches!(byte, b'_' | b' ' | 0));
                let name = name.get(..end.map_or(0, |end| end + 1)).unwrap_or_default();
                require("name", !name.is_empty() && name.iter().all(|byte| *byte >= b' '))?;
                Ok(Self::Name(name))
            }
            (b"ST", ..=6) => Ok(Self::Status),
            _ => Err(Error::Foreign { field: "kind" }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_read_as_questions() {
        assert_eq!(Datagram::parse(&ASK_NAME), Ok(Datagram::Ask));
        assert_eq!(Datagram::parse(&ASK_STATUS), Ok(Datagram::Ask));
    }

    #[test]
    fn a_host_tells_its_name() {
        let answer = b"NRPC01____________________";
        assert_eq!(Datagram::parse(answer), Ok(Datagram::Name(b"PC01")));
        crate::wire::refuses_every_truncation(answer, Datagram::parse);
        crate::wire::refuses_every_truncation(GREETING, greeting);
    }
}
