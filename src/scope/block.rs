//! Sets of addresses: what was included less what was excluded, countable and indexable.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use ipnetwork::{IpNetwork, Ipv4Network, Ipv6Network};

/// A set of addresses, as sorted ranges that do not touch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Blocks {
    v4: Ranges<u32>,
    v6: Ranges<u128>,
    /// How many IPv4 addresses lie before each range.
    before: Vec<u64>,
}

/// First and last of each range, as numbers.
type Ranges<N> = Vec<(N, N)>;

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
        Self::of(joined(v4), joined(v6))
    }

    /// The set of all addresses in these networks.
    pub fn of_networks<'a>(networks: impl IntoIterator<Item = &'a IpNetwork>) -> Self {
        let ends = |network: &IpNetwork| match network {
            IpNetwork::V4(v4) => (v4.network().into(), v4.broadcast().into()),
            IpNetwork::V6(v6) => (v6.network().into(), v6.broadcast().into()),
        };
        Self::new(networks.into_iter().map(ends))
    }

    fn of(v4: Ranges<u32>, v6: Ranges<u128>) -> Self {
        let sums = v4.iter().scan(0, |sum, range| {
            let before = *sum;
            *sum += length(*range);
            Some(before)
        });
        Self { before: sums.collect(), v4, v6 }
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
        let last = self.before.last().zip(self.v4.last());
        last.map_or(0, |(before, range)| before + length(*range))
    }

    /// How many IPv6 addresses are in the set; as many as can be counted where there are more.
    pub fn count_v6(&self) -> u128 {
        let lengths = self.v6.iter().map(|(first, last)| (last - first).saturating_add(1));
        lengths.fold(0, u128::saturating_add)
    }

    /// The IPv4 address that `index` others of the set come before, from 0.
    pub fn nth_v4(&self, index: u64) -> Option<Ipv4Addr> {
        let place = self.before.partition_point(|before| *before <= index).checked_sub(1)?;
        let (range, before) = self.v4.get(place).zip(self.before.get(place))?;
        let within = index - before;
        let number = u64::from(range.0) + within;
        (within < length(*range)).then(|| u32::try_from(number).ok().map(Ipv4Addr::from))?
    }

    /// Whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    /// What is in this set or in `other`.
    pub fn union(&self, other: &Self) -> Self {
        let both = |ours: &Ranges<u32>, others: &Ranges<u32>| joined([&**ours, others].concat());
        Self::of(both(&self.v4, &other.v4), joined([&*self.v6, &other.v6].concat()))
    }

    /// What is in this set and not in `other`.
    pub fn minus(&self, other: &Self) -> Self {
        Self::of(less(&self.v4, &other.v4), less(&self.v6, &other.v6))
    }

    /// What is in this set and in `other`.
    pub fn intersection(&self, other: &Self) -> Self {
        Self::of(common(&self.v4, &other.v4), common(&self.v6, &other.v6))
    }

    /// The lowest address, of IPv4 where there is one.
    pub fn first(&self) -> Option<IpAddr> {
        let v4 = self.ranges_v4().next().map(|(first, _)| first.into());
        v4.or_else(|| self.ranges_v6().next().map(|(first, _)| first.into()))
    }

    /// Every single address in order, those of IPv4 first. A network of IPv6 has no end that a person would see.
    pub fn iter(&self) -> impl Iterator<Item = IpAddr> + '_ {
        let v4 = self.v4.iter().flat_map(|(first, last)| *first..=*last);
        let v6 = self.v6.iter().flat_map(|(first, last)| *first..=*last);
        v4.map(|number| Ipv4Addr::from(number).into())
            .chain(v6.map(|number| Ipv6Addr::from(number).into()))
    }

    /// The ranges of IPv4 addresses, ends included.
    pub fn ranges_v4(&self) -> impl Iterator<Item = (Ipv4Addr, Ipv4Addr)> {
        self.v4.iter().map(|(first, last)| (Ipv4Addr::from(*first), Ipv4Addr::from(*last)))
    }

    /// The ranges of IPv6 addresses, ends included.
    pub fn ranges_v6(&self) -> impl Iterator<Item = (Ipv6Addr, Ipv6Addr)> {
        self.v6.iter().map(|(first, last)| (Ipv6Addr::from(*first), Ipv6Addr::from(*last)))
    }

    /// The fewest networks that make up the set, in order.
    pub fn networks(&self) -> Vec<IpNetwork> {
        let mut all = Vec::new();
        for (first, last) in &self.v4 {
            cut((*first).into(), (*last).into(), 32, |number, prefix| {
                let address = Ipv4Addr::from(u32::try_from(number).ok()?);
                all.push(Ipv4Network::new(address, prefix).ok()?.into());
                Some(())
            });
        }
        for (first, last) in &self.v6 {
            cut(*first, *last, 128, |number, prefix| {
                all.push(Ipv6Network::new(number.into(), prefix).ok()?.into());
                Some(())
            });
        }
        all
    }
}

impl fmt::Display for Blocks {
    /// Ranges with commas between them, as networks where they are some.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let v4 = self.ranges_v4().map(|(first, last)| (first.into(), last.into()));
        let v6 = self.ranges_v6().map(|(first, last)| (first.into(), last.into()));
        for (place, range @ (first, last)) in v4.chain(v6).enumerate() {
            if place > 0 {
                f.write_str(", ")?;
            }
            match &*Self::new([range]).networks() {
                _ if first == last => write!(f, "{first}")?,
                [network] => write!(f, "{network}")?,
                _ => write!(f, "{first}-{last}")?,
            }
        }
        Ok(())
    }
}

/// Cuts a range into as few aligned networks as it takes.
fn cut(first: u128, last: u128, bits: u8, mut take: impl FnMut(u128, u8) -> Option<()>) {
    let mut next = Some(first);
    while let Some(from) = next.filter(|from| *from <= last) {
        let fits = |host: u32| {
            let mask = u128::MAX.checked_shr(128 - host).unwrap_or(0);
            from & mask == 0 && from | mask <= last
        };
        let host = (0..=u32::from(bits)).rev().find(|host| fits(*host)).unwrap_or(0);
        let prefix = u32::from(bits) - host;
        if u8::try_from(prefix).ok().and_then(|prefix| take(from, prefix)).is_none() {
            return;
        }
        next = (from | u128::MAX.checked_shr(128 - host).unwrap_or(0)).checked_add(1);
    }
}

fn length((first, last): (u32, u32)) -> u64 {
    u64::from(last - first) + 1
}

/// Sorted, with what touches or overlaps made one. Ranges that end before they begin are left out.
fn joined<N: Number>(mut ranges: Ranges<N>) -> Ranges<N> {
    ranges.retain(|(first, last)| first <= last);
    ranges.sort_unstable();
    let mut all: Ranges<N> = Vec::new();
    for (first, last) in ranges {
        match all.last_mut() {
            Some((_, end)) if end.next().is_none_or(|next| first <= next) => *end = last.max(*end),
            _ => all.push((first, last)),
        }
    }
    all
}

/// What is in both, of ranges in order.
fn common<N: Number>(ours: &[(N, N)], others: &[(N, N)]) -> Ranges<N> {
    let mut all = Vec::new();
    for (first, last) in ours {
        for (from, to) in reaching(others, *first).take_while(|(from, _)| from <= last) {
            all.push(((*first).max(*from), (*last).min(*to)));
        }
    }
    all
}

/// What is in ours alone, of ranges in order.
fn less<N: Number>(ours: &[(N, N)], others: &[(N, N)]) -> Ranges<N> {
    let mut all = Vec::new();
    for (first, last) in ours {
        let mut from = Some(*first);
        for (hole, end) in reaching(others, *first).take_while(|(hole, _)| hole <= last) {
            if let Some(from) = from.filter(|from| from < hole) {
                all.extend(hole.previous().map(|to| (from, to)));
            }
            from = end.next();
        }
        all.extend(from.filter(|from| from <= last).map(|from| (from, *last)));
    }
    all
}

/// The ranges that do not end before `number`.
fn reaching<N: Number>(ranges: &[(N, N)], number: N) -> impl Iterator<Item = &(N, N)> {
    ranges.iter().skip(ranges.partition_point(|(_, last)| *last < number))
}

fn within<N: Number>(ranges: &[(N, N)], number: N) -> bool {
    let place = ranges.partition_point(|(first, _)| *first <= number);
    place
        .checked_sub(1)
        .and_then(|place| ranges.get(place))
        .is_some_and(|(_, last)| number <= *last)
}

/// A number that has neighbours, but for the first and the last.
trait Number: Copy + Ord {
    fn next(&self) -> Option<Self>;
    fn previous(&self) -> Option<Self>;
}

impl Number for u32 {
    fn next(&self) -> Option<Self> {
        self.checked_add(1)
    }

    fn previous(&self) -> Option<Self> {
        self.checked_sub(1)
    }
}

impl Number for u128 {
    fn next(&self) -> Option<Self> {
        self.checked_add(1)
    }

    fn previous(&self) -> Option<Self> {
        self.checked_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn blocks(ranges: &[(&str, &str)]) -> Blocks {
        Blocks::new(ranges.iter().map(|(a, b)| (a.parse().unwrap(), b.parse().unwrap())))
    }

    /// Ranges within a small part of each family, both ends of them, with the plain list beside.
    fn some() -> impl Strategy<Value = (Blocks, BTreeSet<IpAddr>)> {
        let range = (any::<bool>(), any::<bool>(), 0_u8..40, 0_u8..12);
        prop::collection::vec(range, 0..8).prop_map(|ranges| {
            let address = |six, high, at: u8| -> IpAddr {
                match (six, high) {
                    (false, false) => Ipv4Addr::from(u32::from(at)).into(),
                    (false, true) => Ipv4Addr::from(u32::MAX - 51 + u32::from(at)).into(),
                    (true, false) => Ipv6Addr::from(u128::from(at)).into(),
                    (true, true) => Ipv6Addr::from(u128::MAX - 51 + u128::from(at)).into(),
                }
            };
            let list = ranges.iter().flat_map(|(six, high, at, more)| {
                (*at..=at + more).map(move |at| address(*six, *high, at))
            });
            let list = list.collect();
            let ends = ranges.iter().map(|(six, high, at, more)| {
                (address(*six, *high, *at), address(*six, *high, at + more))
            });
            (Blocks::new(ends), list)
        })
    }

    proptest! {
        #[test]
        fn sets_are_what_plain_lists_are((a, list) in some(), (b, other) in some()) {
            prop_assert_eq!(a.iter().collect::<Vec<_>>(), list.iter().copied().collect::<Vec<_>>());
            let plain = |set: Blocks| set.iter().collect::<BTreeSet<_>>();
            prop_assert_eq!(plain(a.minus(&b)), list.difference(&other).copied().collect());
            prop_assert_eq!(plain(a.intersection(&b)), list.intersection(&other).copied().collect());
            prop_assert_eq!(plain(a.union(&b)), list.union(&other).copied().collect());
            // The same set is the same value, however it came about.
            prop_assert_eq!(a.minus(&b).union(&a.intersection(&b)), a.clone());
            prop_assert_eq!(Blocks::of_networks(&a.networks()), a.clone());
            let v4: Vec<_> = list.iter().filter(|address| address.is_ipv4()).collect();
            prop_assert_eq!(a.count_v4(), v4.len() as u64);
            prop_assert_eq!(a.count_v6(), (list.len() - v4.len()) as u128);
            prop_assert_eq!(a.first(), list.first().copied());
            for index in 0..v4.len() + 2 {
                let nth = a.nth_v4(index as u64).map(IpAddr::from);
                prop_assert_eq!(nth, v4.get(index).map(|address| **address));
            }
        }
    }

    #[test]
    fn a_network_of_class_a_is_counted_and_indexed() {
        let all = blocks(&[("10.0.0.0", "10.255.255.255"), ("192.168.1.1", "192.168.1.1")]);
        assert_eq!(all.count_v4(), (1 << 24) + 1);
        assert_eq!(all.nth_v4((1 << 24) - 1), Some([10, 255, 255, 255].into()));
        assert_eq!(all.nth_v4(1 << 24), Some([192, 168, 1, 1].into()));
        assert_eq!(all.nth_v4((1 << 24) + 1), None);
        assert_eq!(
            blocks(&[("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")]).count_v6(),
            u128::MAX
        );
    }

    #[test]
    fn a_set_reads_as_networks_where_it_is_some() {
        let some = [("10.0.0.0", "10.0.0.255"), ("10.0.2.1", "10.0.2.6"), ("10.0.4.1", "10.0.4.1")];
        assert_eq!(blocks(&some).to_string(), "10.0.0.0/24, 10.0.2.1-10.0.2.6, 10.0.4.1");
        assert_eq!(blocks(&[("fd00::", "fd00::ffff")]).to_string(), "fd00::/112");
        assert_eq!(blocks(&[("0.0.0.0", "255.255.255.255")]).to_string(), "0.0.0.0/0");
        assert_eq!(Blocks::default().to_string(), "");
    }
}
