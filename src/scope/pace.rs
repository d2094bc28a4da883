//! How hard: three profiles, of which single limits override parts.

use std::{fmt, num::NonZeroU32, str::FromStr, time::Duration};

use jiff::SignedDuration;

/// How hard, in one word.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// In a hospital at work: 20 packets a second in all, 2 a host, handshakes that finish, no fragile ports.
    Clinic,
    /// An office network: quicker, and as careful about fragile equipment.
    Office,
    /// No cap, and nothing is fragile but what the facility file names.
    Lab,
}

impl Profile {
    /// All of them, the gentlest first.
    pub const ALL: [Self; 3] = [Self::Clinic, Self::Office, Self::Lab];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Clinic => "clinic",
            Self::Office => "office",
            Self::Lab => "lab",
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why something is no limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No profile has this name.
    #[error("`{0}` is no profile; there are clinic, office and lab")]
    Profile(String),
    /// It is no length of time.
    #[error("`{0}` is no length of time; write a number and a unit, such as 500ms, 1s or 30m")]
    Duration(String),
}

impl FromStr for Profile {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let found = Self::ALL.into_iter().find(|profile| profile.name() == name);
        found.ok_or_else(|| Error::Profile(super::target::shown(name)))
    }
}

/// Reads a length of time as people write it: `500ms`, `1s`, `1m 30s`, `2h`.
pub fn duration(text: &str) -> Result<Duration, Error> {
    let read = text.parse::<SignedDuration>().ok();
    let length = read.and_then(|length| Duration::try_from(length).ok());
    length.ok_or_else(|| Error::Duration(super::target::shown(text)))
}

/// Packets a second, or no cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rate {
    /// As fast as it goes.
    Uncapped,
    /// At most so many.
    Capped(NonZeroU32),
}

impl From<u32> for Rate {
    /// 0 is no cap.
    fn from(number: u32) -> Self {
        NonZeroU32::new(number).map_or(Self::Uncapped, Self::Capped)
    }
}

impl Rate {
    fn cap(self) -> Option<u32> {
        match self {
            Self::Uncapped => None,
            Self::Capped(number) => Some(number.get()),
        }
    }
}

/// Single limits, where they are said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// Whose limits count where no single one is said.
    pub profile: Option<Profile>,
    /// Packets a second in all.
    pub rate: Option<Rate>,
    /// Packets a second to one host.
    pub per_host: Option<Rate>,
    /// The least time between two packets that one gateway must answer itself.
    pub gateway_interval: Option<Duration>,
}

/// Rates. A packet is one that goes out, whatever it carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Where the limits come from.
    pub profile: Profile,
    /// Packets a second in all; none for no cap.
    pub rate: Option<u32>,
    /// Packets a second to one host; none for no cap.
    pub per_host: Option<u32>,
    /// Packets a second to one /24 (IPv6: /64); none for no cap.
    pub per_network: Option<u32>,
    /// The least time between two packets that one gateway must answer itself.
    pub gateway_interval: Duration,
}

impl Pace {
    /// The limits of `profile`.
    pub const fn of(profile: Profile) -> Self {
        let (rate, per_host, per_network, gateway) = match profile {
            Profile::Clinic => (Some(20), Some(2), Some(10), 1000),
            Profile::Office => (Some(500), Some(20), Some(100), 200),
            Profile::Lab => (None, None, None, 0),
        };
        let gateway_interval = Duration::from_millis(gateway);
        Self { profile, rate, per_host, per_network, gateway_interval }
    }

    /// These, with `limits` where they are said. A profile replaces all that was there; the share of one network
    /// goes with the rate.
    pub fn with(self, limits: &Limits) -> Self {
        let mut pace = limits.profile.map_or(self, Self::of);
        if let Some(rate) = limits.rate {
            let share = |rate: u32| {
                let (network, whole) = pace.per_network.zip(pace.rate)?;
                let share = u64::from(network) * u64::from(rate) / u64::from(whole.max(1));
                Some(u32::try_from(share).unwrap_or(u32::MAX).max(1))
            };
            pace.per_network = rate.cap().and_then(share);
            pace.rate = rate.cap();
        }
        if let Some(rate) = limits.per_host {
            pace.per_host = rate.cap();
        }
        pace.gateway_interval = limits.gateway_interval.unwrap_or(pace.gateway_interval);
        pace
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_written_as_people_do() {
        for (text, milliseconds) in
            [("1s", 1000), ("500ms", 500), ("1m 30s", 90_000), ("2h", 7_200_000), ("0s", 0)]
        {
            assert_eq!(duration(text).unwrap(), Duration::from_millis(milliseconds), "{text}");
        }
        for text in ["", "1", "-1s", "fast", "1 fortnight"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn single_limits_replace_parts_of_a_profile() {
        let clinic = Pace::of(Profile::Clinic);
        let faster = clinic.with(&Limits { rate: Some(100.into()), ..Limits::default() });
        assert_eq!(
            (faster.rate, faster.per_network, faster.per_host),
            (Some(100), Some(50), Some(2))
        );
        let free = clinic.with(&Limits {
            rate: Some(0.into()),
            per_host: Some(0.into()),
            ..Limits::default()
        });
        assert_eq!((free.rate, free.per_network, free.per_host), (None, None, None));
        let slow = clinic.with(&Limits { rate: Some(1.into()), ..Limits::default() });
        assert_eq!(slow.per_network, Some(1), "a share is never nothing");
        let office = faster.with(&Limits { profile: Some(Profile::Office), ..Limits::default() });
        assert_eq!(office, Pace::of(Profile::Office));
    }
}
