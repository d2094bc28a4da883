//! `DameWare` Mini Remote Control: the forty bytes with which its host greets. Not published; known from
//! public service probes.

use super::{Reader, Result, require};

/// The greeting.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Greeting {
    /// The version, which it sends as a number with a point.
    pub version: f64,
}

impl Greeting {
    /// Reads the greeting.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        r.expect_bytes("mark", &[0x30, 0x11, 0, 0])?;
        r.skip("reserved", 4)?;
        let version = f64::from_le_bytes(r.take("version")?);
        require("version", (1.0..100.0).contains(&version))?;
        r.skip("reserved", 9)?;
        r.expect_bytes("constant", &[0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0])?;
        r.skip("reserved", 1)?;
        r.expect_bytes("constant", &[0, 0, 0])?;
        Ok(Self { version })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const GREETING: &[u8] = &hex!(
        "30110000 00000000 d7a3703d0ad70d40 000000000000000000 000000 01 00000000000000 01 000000"
    );

    #[test]
    fn reads_the_version() {
        assert_eq!(Greeting::parse(GREETING), Ok(Greeting { version: 3.73 }));
        crate::wire::refuses_every_truncation(GREETING, Greeting::parse);
    }
}
