//! A permutation of 0 to n - 1 by a seed: every number once, neighbours far apart, and the rest of it follows from
//! one number, the place.

/// A permutation of the numbers below a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    count: u64,
    /// Half the bits of the smallest even number of bits that holds `count`.
    half: u32,
    keys: [u64; 4],
}

impl Order {
    /// The permutation of 0 to `count` - 1 that `seed` names. Every seed gives another.
    pub fn new(count: u64, seed: u64) -> Self {
        let bits = 64 - count.saturating_sub(1).leading_zeros();
        let half = bits.div_ceil(2).max(1);
        let mut state = seed;
        let keys = [(); 4].map(|()| {
            // SplitMix64 (Steele, Lea, Flood 2014).
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            mixed(state)
        });
        Self { count, half, keys }
    }

    /// How many numbers it has.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The number at `place`, for places below the count.
    pub fn at(&self, place: u64) -> u64 {
        // A Feistel network over the next power of four, walked until it is back below the limit.
        let mut number = place;
        loop {
            number = self.round_trip(number);
            if number < self.count || self.count == 0 {
                return number;
            }
        }
    }

    fn round_trip(&self, number: u64) -> u64 {
        let mask = (1 << self.half) - 1;
        let (mut left, mut right) = (number >> self.half, number & mask);
        for key in self.keys {
            (left, right) = (right, left ^ (mixed(right ^ key) & mask));
        }
        left << self.half | right
    }
}

fn mixed(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_comes_once() {
        for count in [0_u64, 1, 2, 3, 5, 16, 17, 1000, 65_536] {
            let order = Order::new(count, 7);
            let mut all: Vec<u64> = (0..count).map(|place| order.at(place)).collect();
            all.sort_unstable();
            assert!(all.into_iter().eq(0..count), "{count}");
        }
    }
}
