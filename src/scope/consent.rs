//! What may be sent: the one value that decides about every packet.

use std::{net::IpAddr, time::Duration};

use super::Blocks;
use crate::time::Timestamp;

/// How far a packet goes.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// Nothing is sent.
    Listen,
    /// It dies at the neighbour, or is an ordinary question to a host in scope.
    Ask,
    /// It dies at the carrier's first router (TTL 2).
    FirstRouter,
    /// It reaches an outside responder that the inspector owns.
    Responder,
}

/// How hard: three profiles, of which single limits override parts.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// In a hospital at work: 20 packets a second in all, 2 a host, handshakes that finish, no fragile ports.
    Clinic,
    /// An office network.
    Office,
    /// No cap.
    Lab,
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
}

/// Whom a packet goes to, as far as it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contact {
    /// The address that is asked: of an ARP question the one asked for, of IP the destination.
    pub address: IpAddr,
    /// The hardware address that it goes to, where that is one machine's.
    pub mac: Option<[u8; 6]>,
    /// The port, where there is one.
    pub port: Option<u16>,
    /// It is a question for the hardware address alone (ARP, neighbour discovery).
    pub resolves: bool,
    /// How far it goes.
    pub tier: Tier,
}

/// Why something may not be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is not in the scope.
    #[error("{0} is not in the scope")]
    NotIncluded(IpAddr),
    /// It is excluded.
    #[error("{0} is excluded")]
    Excluded(IpAddr),
    /// It is outside the hours.
    #[error("it is outside the hours in which asking is allowed")]
    Hours,
    /// The tier does not allow it.
    #[error("it goes further than the tier allows")]
    Tier,
    /// The port is one of fragile equipment.
    #[error("port {0} is one of fragile equipment")]
    FragilePort(u16),
    /// The host is fragile equipment: it is asked for its hardware address and nothing else.
    #[error("{0} is fragile equipment")]
    FragileHost(IpAddr),
    /// It is too soon; this is the first moment at which it may be sent.
    #[error("it is too soon")]
    TooSoon(Timestamp),
    /// The run is being stopped.
    #[error("the run is being stopped")]
    Stopping,
    /// The bytes are not a frame whose receiver could be told.
    #[error("the frame does not show whom it goes to")]
    Unreadable,
    /// The system could not send it.
    #[error("{0}")]
    System(String),
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

/// What may be sent, to whom, when, how far and how fast.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// What may be asked.
    pub include: Blocks,
    /// What may not; it wins over everything.
    pub exclude: Blocks,
    /// How far.
    pub tier: Tier,
    /// When.
    pub hours: Hours,
    /// How fast.
    pub pace: Pace,
    /// Ports that are not touched.
    pub fragile_ports: Vec<u16>,
    /// Hosts that get ARP only.
    pub fragile_hosts: Blocks,
    /// The first three bytes of hardware addresses whose owners get ARP only.
    pub fragile_makers: Vec<[u8; 3]>,
}

impl Consent {
    /// Whether a packet like this may be sent at `moment`, rates aside.
    pub fn allows(&self, contact: &Contact, moment: Timestamp) -> Result<(), Refusal> {
        if self.exclude.contains(contact.address) {
            return Err(Refusal::Excluded(contact.address));
        }
        if !self.include.contains(contact.address) {
            return Err(Refusal::NotIncluded(contact.address));
        }
        if contact.tier > self.tier || contact.tier == Tier::Listen {
            return Err(Refusal::Tier);
        }
        if !self.hours.allow(moment) {
            return Err(Refusal::Hours);
        }
        if let Some(port) = contact.port.filter(|port| self.fragile_ports.contains(port)) {
            return Err(Refusal::FragilePort(port));
        }
        let maker = contact.mac.and_then(|mac| mac.first_chunk::<3>().copied());
        let fragile = self.fragile_hosts.contains(contact.address)
            || maker.is_some_and(|maker| self.fragile_makers.contains(&maker));
        if fragile && !contact.resolves {
            return Err(Refusal::FragileHost(contact.address));
        }
        Ok(())
    }
}
