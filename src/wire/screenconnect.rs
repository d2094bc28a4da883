//! `ScreenConnect`: how its clients call their relay. Not published; the mark and the relay's name behind
//! its length are as published investigations of captures describe them.

use super::{Error, Reader, Result};

/// What a call begins with.
const MARK: [u8; 4] = [0x87, 0x1e, 0x10, 0];

/// How far into a call the relay's name is looked for, in bytes.
const WINDOW: usize = 128;

/// A call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call<'a> {
    /// The relay's name.
    pub relay: &'a [u8],
}

impl<'a> Call<'a> {
    /// Reads the call.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader::new(bytes);
        r.expect_bytes("mark", &MARK)?;
        let rest = r.bytes_up_to(WINDOW);
        let relay = (0..rest.len()).find_map(|at| {
            let (length, tail) = rest.get(at..)?.split_first()?;
            tail.get(..usize::from(*length)).filter(|name| is_host(name))
        });
        match relay {
            Some(relay) => Ok(Self { relay }),
            None if rest.len() < WINDOW => Err(Error::Truncated { field: "relay", missing: 1 }),
            None => Err(Error::Foreign { field: "relay" }),
        }
    }
}

fn is_host(name: &[u8]) -> bool {
    let letter = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    name.len() >= 6 && name.contains(&b'.') && name.iter().all(letter)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    #[test]
    fn a_relay_is_named_behind_its_length() {
        let call = [&hex!("871e1000 01 11")[..], b"relay.example.com"].concat();
        assert_eq!(Call::parse(&call), Ok(Call { relay: b"relay.example.com" }));
        crate::wire::refuses_every_truncation(&call, Call::parse);
    }
}
