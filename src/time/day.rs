//! Days, as catalogues and makers give them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::Timestamp;

/// A day of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(jiff::civil::Date);

impl Day {
    /// The day of a moment, in Japan's time; none for moments that no calendar has.
    pub fn of(moment: Timestamp) -> Option<Self> {
        let moment = jiff::Timestamp::from_nanosecond(moment.nanoseconds().into()).ok()?;
        Some(Self(jiff::tz::Offset::constant(9).to_datetime(moment).date()))
    }

    /// How many days it is from this day to `other`; negative where that lies before.
    pub fn days_to(self, other: Self) -> i32 {
        self.0.until(other.0).map_or(0, |span| span.get_days())
    }
}

impl fmt::Display for Day {
    /// `2026-08-07`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Day {
    type Err = String;

    /// Reads `2026-08-07`, also with dots, and with a time behind it that does not count.
    fn from_str(text: &str) -> Result<Self, String> {
        let refused = || format!("`{}` is no day; write it as 2026-08-07", text.escape_debug());
        let day = text.get(..10).ok_or_else(refused)?;
        let is_day = day.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => matches!(byte, b'-' | b'.'),
            _ => byte.is_ascii_digit(),
        });
        let ends = text.get(10..).is_some_and(|rest| rest.is_empty() || rest.starts_with('T'));
        if !is_day || !ends {
            return Err(refused());
        }
        day.replace('.', "-").parse().map(Self).map_err(|_| refused())
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_read_as_catalogues_write_it() {
        let day = |text: &str| text.parse::<Day>().map(|day| day.to_string());
        for text in ["2026-08-07", "2026.08.07", "2026-08-07T16:45:47.0648Z"] {
            assert_eq!(day(text).unwrap(), "2026-08-07");
        }
        for text in ["", "2026", "2026-13-01", "2026-08-07x", "2026/08/07", "８月７日です１２"]
        {
            assert!(day(text).unwrap_err().contains("write it as"), "{text}");
        }
    }

    #[test]
    fn a_moment_has_its_day_in_japan() {
        // 2026-04-01 00:30:05 in Japan is still March in UTC.
        assert_eq!(Day::of(Timestamp::new(1_774_971_005, 0)).unwrap().to_string(), "2026-04-01");
        assert!(Day::of(Timestamp::from_nanoseconds(i64::MAX)).is_some());
    }
}
