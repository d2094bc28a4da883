//! Addresses by number: the n-th of a set, so that a permutation of numbers is one of addresses.

use std::net::Ipv4Addr;

use ipnetwork::Ipv4Network;

use crate::scope::Blocks;

/// IPv4 addresses, the n-th of which is found at once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Places {
    /// How many come before a range, and its first and last address as numbers.
    ranges: Vec<(u64, u32, u32)>,
    count: u64,
}

impl Places {
    /// These addresses.
    pub fn these(addresses: impl IntoIterator<Item = Ipv4Addr>) -> Self {
        let range = |address: Ipv4Addr| (address.into(), address.into());
        Self::of(&Blocks::new(addresses.into_iter().map(range)))
    }

    /// All IPv4 addresses of `blocks`.
    pub fn of(blocks: &Blocks) -> Self {
        let ranges = blocks.ranges_v4().map(|(first, last)| (first.to_bits(), last.to_bits()));
        Self::new(ranges)
    }

    /// Those of `blocks` that are in `prefix`.
    pub fn within(blocks: &Blocks, prefix: Ipv4Network) -> Self {
        let (from, to) = (prefix.network().to_bits(), prefix.broadcast().to_bits());
        let cut = |(first, last): (Ipv4Addr, Ipv4Addr)| {
            (first.to_bits().max(from), last.to_bits().min(to))
        };
        Self::new(blocks.ranges_v4().map(cut).filter(|(first, last)| first <= last))
    }

    /// Those of `blocks` that are in none of `prefixes`.
    pub fn without(blocks: &Blocks, prefixes: &[Ipv4Network]) -> Self {
        let mut holes: Vec<(u32, u32)> = prefixes
            .iter()
            .map(|prefix| (prefix.network().to_bits(), prefix.broadcast().to_bits()))
            .collect();
        holes.sort_unstable();
        let mut rest = Vec::new();
        for (first, last) in blocks.ranges_v4() {
            let mut next = u64::from(first.to_bits());
            let last = u64::from(last.to_bits());
            for (from, to) in holes.iter().map(|(from, to)| (u64::from(*from), u64::from(*to))) {
                if to < next || from > last {
                    continue;
                }
                if from > next {
                    rest.push((next, from - 1));
                }
                next = to + 1;
            }
            if next <= last {
                rest.push((next, last));
            }
        }
        let bits = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        Self::new(rest.into_iter().map(|(first, last)| (bits(first), bits(last))))
    }

    fn new(all: impl IntoIterator<Item = (u32, u32)>) -> Self {
        let (mut ranges, mut count) = (Vec::new(), 0);
        for (first, last) in all {
            ranges.push((count, first, last));
            count += u64::from(last - first) + 1;
        }
        Self { ranges, count }
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Whether an address is one of them.
    pub fn contains(&self, address: Ipv4Addr) -> bool {
        let bits = address.to_bits();
        let after = self.ranges.partition_point(|(_, first, _)| *first <= bits);
        let range = after.checked_sub(1).and_then(|place| self.ranges.get(place));
        range.is_some_and(|(_, _, last)| bits <= *last)
    }

    /// The address with this number, from 0.
    pub fn nth(&self, number: u64) -> Option<Ipv4Addr> {
        let range = self.ranges.partition_point(|(before, ..)| *before <= number).checked_sub(1)?;
        let (before, first, last) = self.ranges.get(range)?;
        let address = u64::from(*first) + (number - before);
        u32::try_from(address).ok().filter(|address| address <= last).map(Ipv4Addr::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(ranges: &[(&str, &str)]) -> Blocks {
        Blocks::new(ranges.iter().map(|(from, to)| (from.parse().unwrap(), to.parse().unwrap())))
    }

    fn all(places: &Places) -> Vec<String> {
        let all: Vec<String> =
            (0..).map_while(|number| places.nth(number)).map(|a| a.to_string()).collect();
        assert_eq!(places.count(), all.len() as u64);
        assert!(all.iter().all(|address| places.contains(address.parse().unwrap())));
        assert!(!places.contains("192.0.2.77".parse().unwrap()));
        all
    }

    #[test]
    fn every_address_has_its_number() {
        let blocks = blocks(&[("192.0.2.1", "192.0.2.3"), ("192.0.2.9", "192.0.2.9")]);
        let whole = ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.9"];
        assert_eq!(all(&Places::of(&blocks)), whole);
        let prefix = "192.0.2.2/31".parse().unwrap();
        assert_eq!(all(&Places::within(&blocks, prefix)), whole[1..3]);
        assert_eq!(all(&Places::without(&blocks, &[prefix])), [whole[0], whole[3]]);
        let twice = ["192.0.2.0/30".parse().unwrap(), prefix];
        assert_eq!(all(&Places::without(&blocks, &twice)), whole[3..]);
    }

    #[test]
    fn the_last_address_of_all_has_a_number_too() {
        let blocks = blocks(&[("255.255.255.254", "255.255.255.255")]);
        assert_eq!(all(&Places::of(&blocks)).len(), 2);
        assert_eq!(Places::without(&blocks, &["255.255.255.254/31".parse().unwrap()]).count(), 0);
    }
}
