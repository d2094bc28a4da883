//! Splashtop: the mark with which its streamer greets. Not published; known from public service probes.

use super::{Reader, Result};

/// What the streamer says first.
pub const READY: &[u8] = b"SRS:Ready";

/// Reads the greeting.
pub fn parse(bytes: &[u8]) -> Result<()> {
    Reader::new(bytes).expect_bytes("mark", READY)
}

#[cfg(test)]
mod tests {
    #[test]
    fn refuses_every_truncation() {
        assert_eq!(super::parse(b"SRS:Ready\0"), Ok(()));
        crate::wire::refuses_every_truncation(super::READY, super::parse);
    }
}
