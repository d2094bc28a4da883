//! SPICE, the remote display of virtual machines: the link messages (SPICE protocol, section 2).

use super::{Reader, Result, require};

/// What both sides begin with.
const MARK: &[u8] = b"REDQ";

/// A link message, as far as it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// Major and minor version.
    pub version: (u32, u32),
    /// The message's size behind its header, in bytes.
    pub size: u32,
    /// What the channel is for, from a client.
    pub channel: u8,
    /// The server's result, from a server: 0 lets in.
    pub result: u32,
}

impl Link {
    /// Reads the message. Both readings of its body are given; the sides differ in the size.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        r.expect_bytes("mark", MARK)?;
        let version = (r.u32_le("major version")?, r.u32_le("minor version")?);
        let size = r.u32_le("size")?;
        require("size", (18..=4096).contains(&size))?;
        let result = r.u32_le("connection or result")?;
        let channel = r.u8("channel")?;
        Ok(Self { version, size, channel, result })
    }

    /// Whether it is a server's: those hold a public key of 162 bytes.
    pub fn is_answer(&self) -> bool {
        self.size >= 178
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    #[test]
    fn reads_what_a_client_wants() {
        let ask = hex!("52454451 02000000 02000000 12000000 00000000 01");
        let link = Link::parse(&ask).unwrap();
        assert_eq!((link.version, link.channel, link.is_answer()), ((2, 2), 1, false));
        crate::wire::refuses_every_truncation(&ask, Link::parse);
    }
}
