//! What is left to chance, and what is rationed: losses that follow from a seed, and errors that a box saves up for.

use std::time::Duration;

use crate::time::Timestamp;

/// A row of numbers that follows from a seed (Steele, Lea, Flood: splitmix64).
#[derive(Debug, Clone)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// Whether something happens that does so `percent` times in a hundred. Nothing is drawn for never and always.
    pub(super) fn happens(&mut self, percent: u8) -> bool {
        match percent {
            0 => false,
            100.. => true,
            _ => self.next() % 100 < percent.into(),
        }
    }
}

/// What a box has saved up for errors to one destination.
#[derive(Debug, Clone, Copy)]
pub(super) struct Savings {
    /// Nanoseconds.
    saved: i64,
    last: Timestamp,
}

impl Savings {
    /// As much as may be saved: `burst` errors of `each`.
    pub(super) fn full(each: Duration, burst: u32, now: Timestamp) -> Self {
        Self { saved: nanoseconds(each.saturating_mul(burst)), last: now }
    }

    /// Spends for one error, if there is enough.
    pub(super) fn spend(&mut self, each: Duration, burst: u32, now: Timestamp) -> bool {
        let most = nanoseconds(each.saturating_mul(burst));
        self.saved = self.saved.saturating_add(now.since(self.last).max(0)).min(most);
        self.last = self.last.max(now);
        let enough = self.saved >= nanoseconds(each);
        if enough {
            self.saved -= nanoseconds(each);
        }
        enough
    }
}

fn nanoseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_losses_and_about_as_many_as_it_says() {
        let draw = |seed| {
            let mut chance = Chance::new(seed);
            (0..10_000).map(|_| chance.happens(20)).collect::<Vec<_>>()
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        let lost = draw(7).iter().filter(|lost| **lost).count();
        assert!((1800..2200).contains(&lost), "{lost}");
        assert!(!Chance::new(1).happens(0) && Chance::new(1).happens(100));
    }

    #[test]
    fn six_errors_may_come_at_once_and_then_one_a_second() {
        let (each, began) = (Duration::from_secs(1), Timestamp::new(1, 0));
        let mut savings = Savings::full(each, 6, began);
        let at_once = (0..10).filter(|_| savings.spend(each, 6, began)).count();
        assert_eq!(at_once, 6);
        assert!(!savings.spend(each, 6, began.after(Duration::from_millis(999))));
        assert!(savings.spend(each, 6, began.after(each)));
        let later = began.after(Duration::from_hours(1));
        assert_eq!((0..10).filter(|_| savings.spend(each, 6, later)).count(), 6);
    }
}
