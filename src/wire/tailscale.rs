//! Tailscale's discovery messages, which its nodes send each other beside WireGuard: a magic, the
//! sender's key, a random number, and a sealed box (from the project's `disco` package).

use super::{Reader, Result, Writer, require};

/// What every message begins with: `TS` and a speech balloon.
const MAGIC: &[u8] = b"TS\xf0\x9f\x92\xac";

/// A discovery message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disco<'a> {
    /// The sender's key, new with each start of its program.
    pub key: [u8; 32],
    /// What is sealed.
    pub sealed: &'a [u8],
}

impl<'a> Disco<'a> {
    /// Reads a message.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        r.expect_bytes("magic", MAGIC)?;
        let key = r.take("key")?;
        r.skip("nonce", 24)?;
        r.clone().skip("tag", 16)?;
        require("key", key != [0; 32])?;
        Ok(Self { key, sealed: r.rest() })
    }

    /// Writes a message.
    pub fn emit(&self, nonce: &[u8; 24]) -> Vec<u8> {
        Writer::new().bytes(MAGIC).bytes(&self.key).bytes(nonce).bytes(self.sealed).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let message = Disco { key: [7; 32], sealed: &[9; 18] };
        assert_eq!(Disco::parse(&message.emit(&[1; 24])), Ok(message));
    }

    #[test]
    fn refuses_every_truncation() {
        let message = Disco { key: [7; 32], sealed: &[9; 16] }.emit(&[1; 24]);
        crate::wire::refuses_every_truncation(&message, Disco::parse);
    }
}
