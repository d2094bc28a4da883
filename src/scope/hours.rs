//! The hours of the day in which asking is allowed.

use std::{fmt, str::FromStr};

use jiff::tz::TimeZone;

use crate::time::Timestamp;

/// A part of the day, from one minute to before another; it may go past midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Span {
    from: u16,
    to: u16,
}

/// Why something is no part of a day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is not two moments of a day.
    #[error("`{0}` is no part of a day; write its beginning and end, such as 22:00-05:00")]
    Unknown(String),
    /// It begins when it ends.
    #[error("`{0}` begins when it ends; write 00:00-24:00 for the whole day, or no hours at all")]
    Empty(String),
}

impl FromStr for Span {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let ends = text.split_once('-').and_then(|(from, to)| {
            Some((minute(from.trim())?, minute(to.trim())?)).filter(|(from, _)| *from < 1440)
        });
        let (from, to) = ends.ok_or_else(|| Error::Unknown(super::target::shown(text)))?;
        if from == to { Err(Error::Empty(text.to_owned())) } else { Ok(Self { from, to }) }
    }
}

/// The minute of the day at `hh:mm`, to 24:00.
fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let number = |digits: &str, lengths: std::ops::RangeInclusive<usize>| {
        let plain = lengths.contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        digits.parse::<u16>().ok().filter(|_| plain)
    };
    let (hour, minute) = (number(hour, 1..=2)?, number(minute, 2..=2)?);
    (minute < 60).then_some(hour * 60 + minute).filter(|all| *all <= 1440)
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to } = self;
        write!(f, "{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, to / 60, to % 60)
    }
}

/// Hours of the day in local time, in which asking is allowed. Empty means always.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hours {
    /// First and last minute of the day, from 0 to 1440; a range may go past midnight.
    ranges: Vec<(u16, u16)>,
    /// Seconds that local time is ahead of UTC, at the moment the run began.
    offset: i32,
}

impl Hours {
    /// These ranges, `offset` seconds ahead of UTC.
    pub fn new(ranges: Vec<(u16, u16)>, offset: i32) -> Self {
        Self { ranges, offset }
    }

    /// These parts of the day, `offset` seconds ahead of UTC.
    pub fn of(spans: &[Span], offset: i32) -> Self {
        Self::new(spans.iter().map(|span| (span.from, span.to)).collect(), offset)
    }

    /// Whether asking is allowed at `moment`.
    pub fn allow(&self, moment: Timestamp) -> bool {
        let seconds = moment.nanoseconds().div_euclid(1_000_000_000) + i64::from(self.offset);
        let minute = u16::try_from(seconds.rem_euclid(86_400) / 60).unwrap_or_default();
        let within = |(from, to): &(u16, u16)| {
            if from <= to {
                (*from..*to).contains(&minute)
            } else {
                minute >= *from || minute < *to
            }
        };
        self.ranges.is_empty() || self.ranges.iter().any(within)
    }
}

/// Seconds that local time is ahead of UTC at `moment`, by the system's time zone (`TZ`, or the zone that is set up).
/// None where the system does not say which it is.
pub fn local_offset(moment: Timestamp) -> Option<i32> {
    let zone = TimeZone::try_system().ok()?;
    let moment = jiff::Timestamp::from_nanosecond(moment.nanoseconds().into()).ok()?;
    Some(zone.to_offset(moment).seconds())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_read_as_they_were_written() {
        for text in ["22:00-05:00", "08:30-17:15", "00:00-24:00"] {
            assert_eq!(text.parse::<Span>().unwrap().to_string(), text);
        }
        assert_eq!("7:05-9:00".parse::<Span>().unwrap().to_string(), "07:05-09:00");
        for text in
            ["22-5", "25:00-26:00", "24:00-05:00", "08:60-09:00", "8:5-9:00", "+8:00-9:00", "x", ""]
        {
            assert!(matches!(text.parse::<Span>(), Err(Error::Unknown(_))), "{text}");
        }
        assert!(matches!("08:00-08:00".parse::<Span>(), Err(Error::Empty(_))));
    }

    #[test]
    fn a_night_goes_past_midnight_in_local_time() {
        let tokyo = Hours::of(&["22:00-05:00".parse().unwrap()], 9 * 3600);
        // 2023-11-14: 13:00 UTC is 22:00 in Tokyo, 20:00 UTC is 05:00 of the next day.
        let at =
            |hour: i64, minute: i64| Timestamp::new(1_699_920_000 + hour * 3600 + minute * 60, 0);
        assert!(tokyo.allow(at(13, 0)) && tokyo.allow(at(19, 59)));
        assert!(!tokyo.allow(at(12, 59)) && !tokyo.allow(at(20, 0)));
        assert!(Hours::of(&[], 0).allow(at(12, 0)));
    }
}
