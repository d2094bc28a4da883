//! What marks a question so that its answer is known without remembering it: a keyed hash of whom it goes to.
//!
//! SipHash-2-4 (Aumasson and Bernstein 2012). Who does not know the seed cannot make an answer up.

use std::{net::IpAddr, ops::RangeInclusive};

/// The ports that questions come from: above those that systems give out by themselves.
pub const PORTS: RangeInclusive<u16> = 0xf000..=0xffff;

/// The key of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cookie {
    keys: [u64; 2],
}

/// How a question to one port of one address is marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// The port it comes from, one of [`PORTS`].
    pub source_port: u16,
    /// Its sequence number, or whatever 32 bits come back.
    pub number: u32,
}

impl Cookie {
    /// The key that a seed gives.
    pub fn new(seed: u64) -> Self {
        Self { keys: [seed, seed.rotate_left(32) ^ 0x5365_6b69_7368_6f21] }
    }

    /// The mark of a question to `port` (0 where there are none) of `address`.
    pub fn mark(&self, address: IpAddr, port: u16) -> Mark {
        let (high, low) = match address {
            IpAddr::V4(v4) => (0, u64::from(v4.to_bits())),
            IpAddr::V6(v6) => {
                let [a, b, c, d, e, f, g, h, low @ ..] = v6.octets();
                (u64::from_be_bytes([a, b, c, d, e, f, g, h]), u64::from_be_bytes(low))
            }
        };
        let hash = if address.is_ipv4() {
            hash(self.keys, &[low << 16 | u64::from(port)], 8)
        } else {
            hash(self.keys, &[high, low, port.into()], 24)
        };
        let [a, b, c, d, e, f, ..] = hash.to_le_bytes();
        Mark {
            source_port: u16::from_le_bytes([e, f]) | PORTS.start(),
            number: u32::from_le_bytes([a, b, c, d]),
        }
    }
}

/// SipHash-2-4 of whole words, which are `length` bytes.
fn hash([k0, k1]: [u64; 2], words: &[u64], length: u8) -> u64 {
    let mut state = [
        k0 ^ 0x736f_6d65_7073_6575,
        k1 ^ 0x646f_7261_6e64_6f6d,
        k0 ^ 0x6c79_6765_6e65_7261,
        k1 ^ 0x7465_6462_7974_6573,
    ];
    for word in words.iter().copied().chain([u64::from(length) << 56]) {
        state[3] ^= word;
        round(&mut state);
        round(&mut state);
        state[0] ^= word;
    }
    state[2] ^= 0xff;
    for _ in 0..4 {
        round(&mut state);
    }
    state[0] ^ state[1] ^ state[2] ^ state[3]
}

fn round([a, b, c, d]: &mut [u64; 4]) {
    *a = a.wrapping_add(*b);
    *c = c.wrapping_add(*d);
    *b = b.rotate_left(13) ^ *a;
    *d = d.rotate_left(16) ^ *c;
    *a = a.rotate_left(32);
    *c = c.wrapping_add(*b);
    *a = a.wrapping_add(*d);
    *b = b.rotate_left(17) ^ *c;
    *d = d.rotate_left(21) ^ *a;
    *c = c.rotate_left(32);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_papers() {
        // The first 8 bytes of the reference implementation's vectors: key 00..0f, input 00..07.
        let keys = [0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908];
        assert_eq!(hash(keys, &[0x0706_0504_0302_0100], 8), 0x93f5_f579_9a93_2462);
    }

    #[test]
    fn marks_differ_by_whom_they_are_for_and_by_the_seed() {
        let address = IpAddr::from([192, 0, 2, 1]);
        let mark = Cookie::new(1).mark(address, 80);
        assert_eq!(mark, Cookie::new(1).mark(address, 80));
        assert!(PORTS.contains(&mark.source_port));
        let others = [
            Cookie::new(2).mark(address, 80),
            Cookie::new(1).mark(address, 81),
            Cookie::new(1).mark([192, 0, 2, 2].into(), 80),
            Cookie::new(1).mark("2001:db8::1".parse().unwrap(), 80),
        ];
        assert!(others.iter().all(|other| other.number != mark.number));
    }

    #[test]
    fn source_ports_are_spread_over_the_whole_range() {
        let cookie = Cookie::new(7);
        let ports: std::collections::HashSet<u16> = (0..20_000_u32)
            .map(|number| cookie.mark(std::net::Ipv4Addr::from(number).into(), 443).source_port)
            .collect();
        assert!(ports.len() > 3900, "{} of 4096", ports.len());
    }
}
