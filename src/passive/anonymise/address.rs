//! Addresses for addresses: who shares a prefix shares one afterwards, and what is special stays so.
//!
//! The idea is that of Crypto-PAn (Fan, Xu, Ammar, Moon 2004): whether a bit is turned depends on the key and on the
//! bits before it. On the way to a special prefix no bit is turned, nor is one where numbers would be written with more
//! digits or fewer: a text stays as long, so that what counts bytes goes on counting right, and says the same address as
//! the packet's header. The price is that less is hidden: of an octet between 7 bits (from 128 on) and one (9 and 10).

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use aes::{
    Aes128,
    cipher::{BlockCipherEncrypt as _, KeyInit as _},
};
use ipnetwork::IpNetwork;
use sha2::{Digest as _, Sha256};

use crate::{observe::Mac, scope::Order};

/// A prefix that is kept: its bits, how many there are, and whether all behind it is kept too.
type Kept<N> = (N, u32, bool);

/// Prefixes of IPv4 that mean something (IANA special-purpose registry).
const SPECIAL_V4: [Kept<[u8; 4]>; 15] = [
    ([0, 0, 0, 0], 8, true),
    ([127, 0, 0, 0], 8, true),
    ([224, 0, 0, 0], 4, true),
    ([240, 0, 0, 0], 4, true),
    ([10, 0, 0, 0], 8, false),
    ([100, 64, 0, 0], 10, false),
    ([169, 254, 0, 0], 16, false),
    ([172, 16, 0, 0], 12, false),
    ([192, 168, 0, 0], 16, false),
    ([192, 0, 0, 0], 24, false),
    ([192, 0, 2, 0], 24, false),
    ([192, 88, 99, 0], 24, false),
    ([198, 18, 0, 0], 15, false),
    ([198, 51, 100, 0], 24, false),
    ([203, 0, 113, 0], 24, false),
];

/// Prefixes of IPv6 that mean something. Link-local addresses that many routers give themselves are kept whole.
const SPECIAL_V6: [Kept<[u16; 8]>; 10] = [
    ([0; 8], 64, true),
    ([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96, false),
    ([0x2000, 0, 0, 0, 0, 0, 0, 0], 3, false),
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 32, false),
    ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32, false),
    ([0x2002, 0, 0, 0, 0, 0, 0, 0], 16, false),
    ([0xfc00, 0, 0, 0, 0, 0, 0, 0], 8, false),
    ([0xfd00, 0, 0, 0, 0, 0, 0, 0], 8, false),
    ([0xfe80, 0, 0, 0, 0, 0, 0, 0], 112, true),
    ([0xff00, 0, 0, 0, 0, 0, 0, 0], 8, true),
];

/// The unused half of the link-local range is kept clear of the other.
const LINK_LOCAL: Kept<[u16; 8]> = ([0xfe80, 0, 0, 0, 0, 0, 0, 0], 64, false);

/// Which address stands for which, by a key.
#[derive(Clone)]
pub struct Addresses {
    v4: Aes128,
    v6: Aes128,
    seed: u64,
    special_v4: Vec<Kept<u128>>,
    special_v6: Vec<Kept<u128>>,
    /// The last 24 bits of addresses that neighbours are asked for, and of what stands for them.
    asked_for: HashMap<u32, u32>,
}

impl Addresses {
    /// The addresses that `key` names.
    pub fn new(key: &[u8]) -> Self {
        let digest = |what: &str| {
            let digest: [u8; 32] =
                Sha256::new().chain_update(what).chain_update(key).finalize().into();
            let (cipher, seed) = digest.split_at(16);
            let seed = seed.first_chunk::<8>().copied().unwrap_or_default();
            let cipher = cipher.first_chunk::<16>().copied().unwrap_or_default();
            let cipher = Aes128::new(&cipher.into());
            (cipher, u64::from_be_bytes(seed))
        };
        let (v4, seed) = digest("v4");
        let special_v4 = SPECIAL_V4.iter().map(|(bits, length, whole)| {
            (u128::from(u32::from_be_bytes(*bits)) << 96, *length, *whole)
        });
        let special_v6 = SPECIAL_V6
            .iter()
            .chain([&LINK_LOCAL])
            .map(|(bits, length, whole)| (Ipv6Addr::from(*bits).to_bits(), *length, *whole));
        Self {
            v4,
            v6: digest("v6").0,
            seed,
            special_v4: special_v4.collect(),
            special_v6: special_v6.collect(),
            asked_for: HashMap::new(),
        }
    }

    /// Notes an address, so that the groups in which neighbours ask for it stay its own.
    pub fn learn(&mut self, address: IpAddr) {
        if let IpAddr::V6(v6) = address
            && !v6.is_multicast()
        {
            let low = |address: Ipv6Addr| (address.to_bits() & 0x00ff_ffff) as u32;
            let there = low(self.v6(v6));
            self.asked_for.entry(low(v6)).or_insert(there);
        }
    }

    /// What stands for `address`.
    pub fn ip(&self, address: IpAddr) -> IpAddr {
        match address {
            IpAddr::V4(v4) => self.v4(v4).into(),
            IpAddr::V6(v6) => self.v6(v6).into(),
        }
    }

    /// What stands for a network.
    pub fn network(&self, network: IpNetwork) -> IpNetwork {
        let there = IpNetwork::new(self.ip(network.network()), network.prefix());
        there.and_then(|there| IpNetwork::new(there.network(), there.prefix())).unwrap_or(network)
    }

    /// What stands for `address`.
    pub fn v4(&self, address: Ipv4Addr) -> Ipv4Addr {
        let bits = u128::from(address.to_bits()) << 96;
        let there = turned(bits, 0..32, &self.v4, &self.special_v4, &V4) >> 96;
        Ipv4Addr::from(u32::try_from(there).unwrap_or_default())
    }

    /// What stands for `address`.
    pub fn v6(&self, address: Ipv6Addr) -> Ipv6Addr {
        let bits = address.to_bits();
        let embedded = |shift: u32| {
            let v4 = Ipv4Addr::from(((bits >> shift) & 0xffff_ffff) as u32);
            let cleared = bits & !(0xffff_ffff << shift);
            cleared | u128::from(self.v4(v4).to_bits()) << shift
        };
        match address.segments() {
            // Mapped, translated (RFC 6052) and 6to4 addresses hold one of IPv4.
            [0, 0, 0, 0, 0, 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => embedded(0).into(),
            [0x2002, ..] => {
                let behind =
                    turned(bits, 48..128, &self.v6, &self.special_v6, &V6) & ((1 << 80) - 1);
                (embedded(80) >> 80 << 80 | behind).into()
            }
            [0xff02, 0, 0, 0, 0, 1, high, low] if high >> 8 == 0xff => {
                let last = u32::from(high & 0xff) << 16 | u32::from(low);
                (bits & !0x00ff_ffff | u128::from(self.last(last))).into()
            }
            _ => turned(bits, 0..128, &self.v6, &self.special_v6, &V6).into(),
        }
    }

    /// What stands for a hardware address: the maker's half is kept.
    pub fn mac(&self, mac: Mac) -> Mac {
        match mac.0 {
            [0x33, 0x33, 0xff, a, b, c] => {
                let [_, a, b, c] = self.last(u32::from_be_bytes([0, a, b, c])).to_be_bytes();
                Mac([0x33, 0x33, 0xff, a, b, c])
            }
            _ if mac.is_group() || mac.is_zero() || mac.is_virtual_router() => mac,
            // IANA's own block holds ranges that mean something.
            [0, 0, 0x5e, a, b, c] => {
                let seed = self.seed ^ u64::from(u16::from_be_bytes([a, b]));
                let there = Order::new(256, seed).at(c.into());
                Mac([0, 0, 0x5e, a, b, u8::try_from(there).unwrap_or(c)])
            }
            [x, y, z, a, b, c] => {
                let order =
                    Order::new(1 << 24, self.seed ^ u64::from(u32::from_be_bytes([1, x, y, z])));
                let mut place = u64::from(u32::from_be_bytes([0, a, b, c]));
                // Walked on until it is no virtual router's, which only those are that are kept.
                loop {
                    place = order.at(place);
                    let [.., a, b, c] = place.to_be_bytes();
                    let there = Mac([x, y, z, a, b, c]);
                    if !there.is_virtual_router() && !there.is_zero() {
                        return there;
                    }
                }
            }
        }
    }

    fn last(&self, last: u32) -> u32 {
        let unknown = || Order::new(1 << 24, self.seed).at(last.into());
        let known = self.asked_for.get(&last).copied();
        known.unwrap_or_else(|| u32::try_from(unknown()).unwrap_or(last))
    }
}

/// How the numbers of an address are written.
struct Written {
    /// How many bits one number has.
    bits: u32,
    /// How many digits it is written with.
    digits: fn(u32) -> u32,
}

/// Octets, in decimal digits.
const V4: Written = Written { bits: 8, digits: |number| number.checked_ilog10().unwrap_or(0) };

/// Groups of 16 bits, in hexadecimal digits; a zero may be left out.
const V6: Written =
    Written { bits: 16, digits: |number| number.checked_ilog2().map_or(0, |log| 1 + log / 4) };

impl Written {
    /// Whether all numbers that share their bits before `place` with `bits` are written with as many digits.
    fn are_alike(&self, bits: u128, place: u32) -> bool {
        let within = place % self.bits;
        let number = bits >> (128 - (place - within + self.bits));
        let number = u32::try_from(number & ((1 << self.bits) - 1)).unwrap_or_default();
        let below = (1_u32 << (self.bits - within)) - 1;
        (self.digits)(number & !below) == (self.digits)(number | below)
    }
}

/// `bits` with those in `places` turned that the cipher says.
fn turned(
    bits: u128,
    places: std::ops::Range<u32>,
    cipher: &Aes128,
    special: &[Kept<u128>],
    written: &Written,
) -> u128 {
    let mut there = bits;
    for place in places {
        let before = |bits: u128, length: u32| bits.checked_shr(128 - length).unwrap_or_default();
        let is_kept = special.iter().any(|(known, length, whole)| {
            let shared = place.min(*length);
            (place < *length || *whole) && before(*known, shared) == before(bits, shared)
        });
        if is_kept || !written.are_alike(bits, place) {
            continue;
        }
        // The bits before this one, and a one behind them to say how many there are.
        let prefix = if place == 0 { 0 } else { bits >> (128 - place) << (128 - place) };
        let mut block = (prefix | 1 << (127 - place)).to_be_bytes().into();
        cipher.encrypt_block(&mut block);
        let turns = block.first().is_some_and(|byte| byte & 1 == 1);
        there ^= u128::from(turns) << (127 - place);
    }
    there
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::scope::inside::{is_global, is_nowhere};

    fn shared(a: u128, b: u128) -> u32 {
        (a ^ b).leading_zeros()
    }

    proptest! {
        #[test]
        fn who_shares_a_prefix_shares_as_much_of_one_afterwards(a: u32, b: u32, cut in 0..32u32, key: u64) {
            let addresses = Addresses::new(&key.to_be_bytes());
            let b = b >> cut ^ a;
            let there = |bits: u32| u128::from(addresses.v4(bits.into()).to_bits());
            prop_assert_eq!(shared(a.into(), b.into()), shared(there(a), there(b)));
        }

        #[test]
        fn a_text_stays_as_long(a: u32, b: u128, zeros: u8, key: u64) {
            let addresses = Addresses::new(&key.to_be_bytes());
            let mut groups = Ipv6Addr::from(b).segments();
            for (at, group) in groups.iter_mut().enumerate() {
                *group *= u16::from(zeros >> at & 1);
            }
            for address in [IpAddr::from(a.to_be_bytes()), IpAddr::from(groups)] {
                let there = addresses.ip(address);
                // What holds an address of IPv4 is written as that, or in digits of another kind.
                let holds = matches!(groups[0], 0 | 0x64 | 0x2002 | 0xff02) && address.is_ipv6();
                prop_assert!(holds || there.to_string().len() == address.to_string().len(), "{address} {there}");
            }
        }

        #[test]
        fn the_same_holds_of_ipv6(a: u128, b: u128, cut in 0..128u32, key: u64) {
            let addresses = Addresses::new(&key.to_be_bytes());
            let b = b >> cut ^ a;
            // Groups and what holds an address of IPv4 have their own rules.
            let plain = |bits: u128| !matches!(Ipv6Addr::from(bits).segments()[0], 0 | 0x64 | 0x2002 | 0xff02);
            prop_assume!(plain(a) && plain(b));
            let there = |bits: u128| addresses.v6(bits.into()).to_bits();
            prop_assert_eq!(shared(a, b), shared(there(a), there(b)));
        }

        #[test]
        fn private_stays_private_and_reserved_stays_reserved(bits: u32, which in 0..15usize, key: u64) {
            let addresses = Addresses::new(&key.to_be_bytes());
            let (prefix, length, whole) = SPECIAL_V4[which];
            let mask = u32::MAX << (32 - length);
            let at = Ipv4Addr::from(u32::from_be_bytes(prefix) | bits & !mask);
            let there = addresses.v4(at);
            prop_assert_eq!(there.to_bits() & mask, at.to_bits() & mask);
            prop_assert!(!whole || there == at);
            let anywhere = IpAddr::from(Ipv4Addr::from(bits));
            let there = addresses.ip(anywhere);
            prop_assert_eq!((is_global(there), is_nowhere(there)), (is_global(anywhere), is_nowhere(anywhere)));
        }

        #[test]
        fn hardware_addresses_keep_their_maker_and_are_told_apart(a: [u8; 6], last: [u8; 3], key: u64) {
            let addresses = Addresses::new(&key.to_be_bytes());
            let b = [a[0], a[1], a[2], last[0], last[1], last[2]];
            let (there, other) = (addresses.mac(Mac(a)), addresses.mac(Mac(b)));
            prop_assert_eq!(&there.0[..3], &a[..3]);
            prop_assert_eq!(there == other, a == b);
        }
    }

    #[test]
    fn a_neighbour_is_asked_for_in_the_group_of_its_address() {
        let mut addresses = Addresses::new(b"key");
        let host: Ipv6Addr = "2001:db8::211:22ff:fe33:4455".parse().unwrap();
        addresses.learn(host.into());
        let group = addresses.v6("ff02::1:ff33:4455".parse().unwrap());
        let there = addresses.v6(host);
        assert_ne!(there, host);
        assert_eq!(group.to_bits() & 0x00ff_ffff, there.to_bits() & 0x00ff_ffff);
        let mac = addresses.mac(Mac([0x33, 0x33, 0xff, 0x33, 0x44, 0x55]));
        assert_eq!(mac.0[3..], group.octets()[13..]);
    }

    #[test]
    fn the_same_key_gives_the_same_addresses_and_another_others() {
        let at = |key: &[u8]| Addresses::new(key).v4([10, 1, 2, 3].into());
        assert_eq!(at(b"one"), at(b"one"));
        assert_ne!(at(b"one"), at(b"two"));
    }
}
