//! XDMCP: how displays find a host to log on to (X Display Manager Control Protocol, section 4).

use super::{Error, Reader, Result, require};

/// The protocol's version.
const VERSION: u16 = 1;

/// How many names a query may offer.
const MOST_NAMES: u8 = 16;

/// A datagram, as far as it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message<'a> {
    /// A display asks who is there.
    Query {
        /// 1 to all, 2 to one host, 3 through another.
        kind: u16,
    },
    /// A host would serve.
    Willing {
        /// How it would authenticate.
        authentication: &'a [u8],
        /// Its name.
        host: &'a [u8],
        /// What it says of itself, such as its load.
        status: &'a [u8],
    },
    /// A host would not serve.
    Unwilling {
        /// Its name.
        host: &'a [u8],
        /// Why.
        status: &'a [u8],
    },
    /// Any other, by its number.
    Other(u16),
}

impl<'a> Message<'a> {
    /// Reads a datagram.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        r.expect_u16("version", VERSION)?;
        let kind = r.u16("kind")?;
        require("kind", (1..=14).contains(&kind))?;
        let length = usize::from(r.u16("length")?);
        let mut r = r.inner("message", length)?;
        let message = match kind {
            1..=3 => {
                let count = r.u8("names")?;
                require("names", count <= MOST_NAMES)?;
                for _ in 0..count {
                    text(&mut r)?;
                }
                Self::Query { kind }
            }
            5 => Self::Willing {
                authentication: text(&mut r)?,
                host: text(&mut r)?,
                status: text(&mut r)?,
            },
            6 => Self::Unwilling { host: text(&mut r)?, status: text(&mut r)? },
            _ => return Ok(Self::Other(kind)),
        };
        if r.is_empty() { Ok(message) } else { Err(Error::Foreign { field: "length" }) }
    }
}

fn text<'a>(r: &mut Reader<'a>) -> Result<&'a [u8]> {
    let length = usize::from(r.u16("text length")?);
    r.bytes("text", length)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WILLING: &[u8] = b"\0\x01\0\x05\0\x0f\0\0\0\x04host\0\x05Ready";

    #[test]
    fn a_willing_host_names_itself() {
        let willing = Message::Willing { authentication: b"", host: b"host", status: b"Ready" };
        assert_eq!(Message::parse(WILLING), Ok(willing));
        crate::wire::refuses_every_truncation(WILLING, Message::parse);
    }
}
