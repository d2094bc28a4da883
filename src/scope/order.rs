//! A permutation of 0 to n - 1 by a seed: every number once, neighbours far apart, and the rest of it follows from
//! one number, the place.

/// A permutation of the numbers below a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    count: u64,
    /// Numbers are taken apart into a low part of this many bits, and a high part.
    low: u32,
    /// How many high parts there are.
    high: u64,
    keys: [u64; 4],
}

impl Order {
    /// The permutation of 0 to `count` - 1 that `seed` names.
    pub fn new(count: u64, seed: u64) -> Self {
        let last = count.saturating_sub(1);
        let low = (u64::BITS - last.leading_zeros()) / 2;
        let mut state = seed;
        let keys = [(); 4].map(|()| {
            // SplitMix64 (Steele, Lea, Flood 2014).
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            mixed(state)
        });
        Self { count, low, high: (last >> low) + 1, keys }
    }

    /// How many numbers it has.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The number at `place`, for places below the count; others are their own.
    pub fn at(&self, place: u64) -> u64 {
        if place >= self.count {
            return place;
        }
        // The rounds permute all pairs of a high and a low part, of which less than one high part's worth lie beyond
        // the limit. What lands there is walked on until it is back.
        let mut number = place;
        loop {
            number = self.round_trip(number);
            if number < self.count {
                return number;
            }
        }
    }

    /// A Feistel network of two unlike halves: each is moved round by what the other says, four times in all.
    fn round_trip(&self, number: u64) -> u64 {
        let mask = (1 << self.low) - 1;
        let (mut high, mut low) = (number >> self.low, number & mask);
        let [first, second, third, fourth] = self.keys;
        for (one, other) in [(first, second), (third, fourth)] {
            let step = below(mixed(low ^ one), self.high);
            let gap = self.high - high;
            high = if step >= gap { step - gap } else { high + step };
            low = low.wrapping_add(mixed(high ^ other)) & mask;
        }
        high << self.low | low
    }
}

/// A number below `limit`, from one of 64 random bits.
fn below(random: u64, limit: u64) -> u64 {
    u64::try_from((u128::from(random) * u128::from(limit)) >> 64).unwrap_or_default()
}

fn mixed(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn all(count: u64, seed: u64) -> Vec<u64> {
        let order = Order::new(count, seed);
        (0..count).map(|place| order.at(place)).collect()
    }

    proptest! {
        #[test]
        fn every_number_comes_once(count in 0_u64..3000, seed: u64) {
            let mut numbers = all(count, seed);
            numbers.sort_unstable();
            prop_assert!(numbers.into_iter().eq(0..count));
        }

        #[test]
        fn large_counts_stay_below_their_limit_and_never_meet(
            count in 1_u64 << 40..=1 << 48, seed: u64, from: u64,
        ) {
            let order = Order::new(count, seed);
            let numbers: HashSet<u64> = (0..256).map(|i| order.at((from % count + i) % count)).collect();
            prop_assert!(numbers.iter().all(|number| *number < count));
            prop_assert_eq!(numbers.len(), 256);
        }
    }

    #[test]
    fn the_ends_of_what_a_number_can_be_are_no_exception() {
        assert_eq!(all(1, 9), [0]);
        assert_eq!(Order::new(0, 9).at(0), 0);
        let order = Order::new(u64::MAX, 9);
        let numbers: HashSet<u64> =
            (0..100).chain(u64::MAX - 100..u64::MAX).map(|place| order.at(place)).collect();
        assert_eq!(numbers.len(), 200);
        assert!(!numbers.contains(&u64::MAX));
    }

    #[test]
    fn the_first_part_of_an_order_is_spread_over_all_networks() {
        // 256 networks of 256 hosts: of the first 2,560 places no network gets more than a few times its share.
        let order = Order::new(1 << 16, 1);
        let mut hits = [0_u32; 256];
        (0..2560).for_each(|place| hits[usize::try_from(order.at(place) >> 8).unwrap()] += 1);
        assert!(hits.iter().all(|hits| (1..=30).contains(hits)), "{hits:?}");
        assert_ne!(all(100, 1), all(100, 2), "the seed does not matter");
    }
}
