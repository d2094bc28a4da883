//! Networks that closed lines lead to, each by an address that is likely to be in one of its parts that exist.

use std::net::Ipv4Addr;

/// The private ranges (RFC 1918) in the order in which they are asked about: the smallest first, then the carriers'
/// shared one (RFC 6598), the largest last. First network, how many, and how many addresses each has.
const BLOCKS: [(Ipv4Addr, u32, u32); 4] = [
    (Ipv4Addr::new(172, 16, 0, 0), 16, 1 << 16),
    (Ipv4Addr::new(192, 168, 0, 0), 32, 1 << 8),
    (Ipv4Addr::new(100, 64, 0, 0), 4, 1 << 20),
    (Ipv4Addr::new(10, 0, 0, 0), 256, 1 << 16),
];

/// How many networks of a router with a way to the Internet are tried for a second line.
const MOST_SECOND_LINES: usize = 16;

/// The first host of each network.
pub(super) fn representatives() -> impl Iterator<Item = Ipv4Addr> {
    BLOCKS.into_iter().flat_map(|(first, count, size)| {
        (0..count).map(move |place| Ipv4Addr::from_bits(first.to_bits() + place * size + 1))
    })
}

/// Of these, the ones that are tried where everything goes somewhere.
pub(super) fn second_lines() -> impl Iterator<Item = Ipv4Addr> {
    representatives().take(MOST_SECOND_LINES)
}

/// The place of the block that an address is in; one more than there are for others.
pub(super) fn block_of(address: Ipv4Addr) -> usize {
    let within = |(first, count, size): &(Ipv4Addr, u32, u32)| {
        let behind = address.to_bits().checked_sub(first.to_bits());
        behind.is_some_and(|behind| u64::from(behind) < u64::from(*count) * u64::from(*size))
    };
    BLOCKS.iter().position(within).unwrap_or(BLOCKS.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_network_is_asked_about_once_by_its_first_host() {
        let all: Vec<Ipv4Addr> = representatives().collect();
        assert_eq!(all.len(), 16 + 32 + 4 + 256);
        assert_eq!(all[0], Ipv4Addr::new(172, 16, 0, 1));
        assert_eq!(all[17], Ipv4Addr::new(192, 168, 1, 1));
        assert_eq!(all.last(), Some(&Ipv4Addr::new(10, 255, 0, 1)));
        assert!(all.iter().all(|v4| block_of(*v4) < BLOCKS.len()));
        assert_eq!(block_of(Ipv4Addr::new(8, 8, 8, 8)), BLOCKS.len());
        assert_eq!(block_of(Ipv4Addr::new(172, 31, 255, 255)), 0);
    }
}
