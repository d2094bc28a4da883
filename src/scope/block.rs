//! Sets of addresses: what was included less what was excluded, countable and indexable.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A set of addresses, as sorted ranges that do not touch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Blocks {
    /// First and last, as numbers.
    v4: Vec<(u32, u32)>,
    /// First and last, as numbers.
    v6: Vec<(u128, u128)>,
}

impl Blocks {
    /// The set of all addresses in these ranges, ends included. A range whose ends are of two families is empty.
    pub fn new(ranges: impl IntoIterator<Item = (IpAddr, IpAddr)>) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for range in ranges {
            match range {
                (IpAddr::V4(first), IpAddr::V4(last)) => v4.push((first.to_bits(), last.to_bits())),
                (IpAddr::V6(first), IpAddr::V6(last)) => v6.push((first.to_bits(), last.to_bits())),
                _ => {}
            }
        }
        Self { v4: joined(v4), v6: joined(v6) }
    }

    /// Whether `address` is in the set.
    pub fn contains(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(v4) => within(&self.v4, v4.to_bits()),
            IpAddr::V6(v6) => within(&self.v6, v6.to_bits()),
        }
    }

    /// How many IPv4 addresses are in the set.
    pub fn count_v4(&self) -> u64 {
        self.v4.iter().map(|(first, last)| u64::from(last - first) + 1).sum()
    }

    /// Whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    /// The ranges of IPv4 addresses, ends included.
    pub fn ranges_v4(&self) -> impl Iterator<Item = (Ipv4Addr, Ipv4Addr)> {
        self.v4.iter().map(|(first, last)| (Ipv4Addr::from(*first), Ipv4Addr::from(*last)))
    }

    /// The ranges of IPv6 addresses, ends included.
    pub fn ranges_v6(&self) -> impl Iterator<Item = (Ipv6Addr, Ipv6Addr)> {
        self.v6.iter().map(|(first, last)| (Ipv6Addr::from(*first), Ipv6Addr::from(*last)))
    }
}

/// Sorted, with what touches or overlaps made one. Ranges that end before they begin are left out.
fn joined<N: Copy + Ord + Next>(mut ranges: Vec<(N, N)>) -> Vec<(N, N)> {
    ranges.retain(|(first, last)| first <= last);
    ranges.sort_unstable();
    let mut all: Vec<(N, N)> = Vec::new();
    for (first, last) in ranges {
        match all.last_mut() {
            Some((_, end)) if end.next().is_none_or(|next| first <= next) => *end = last.max(*end),
            _ => all.push((first, last)),
        }
    }
    all
}

fn within<N: Ord>(ranges: &[(N, N)], number: N) -> bool {
    let place = ranges.partition_point(|(first, _)| *first <= number);
    place
        .checked_sub(1)
        .and_then(|place| ranges.get(place))
        .is_some_and(|(_, last)| number <= *last)
}

/// A number that has a successor, but for the last.
trait Next: Sized {
    fn next(&self) -> Option<Self>;
}

impl Next for u32 {
    fn next(&self) -> Option<Self> {
        self.checked_add(1)
    }
}

impl Next for u128 {
    fn next(&self) -> Option<Self> {
        self.checked_add(1)
    }
}
