//! What may be sent: the one value that decides about every packet.

use std::net::{IpAddr, SocketAddr};

use super::{Blocks, Foreign, Hours, Maker, Pace};
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

impl Tier {
    /// All of them, the nearest first; the place of each is its number.
    pub const ALL: [Self; 4] = [Self::Listen, Self::Ask, Self::FirstRouter, Self::Responder];

    /// The tier that people call by `number`, from 0 to 3.
    pub fn of_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// The number that people call it by.
    pub const fn number(self) -> u8 {
        self as u8
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

impl Refusal {
    /// Its name in journals and reports.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NotIncluded(_) => "not_included",
            Self::Excluded(_) => "excluded",
            Self::Hours => "hours",
            Self::Tier => "tier",
            Self::FragilePort(_) => "fragile_port",
            Self::FragileHost(_) => "fragile_host",
            Self::TooSoon(_) => "too_soon",
            Self::Stopping => "stopping",
            Self::Unreadable => "unreadable",
            Self::System(_) => "system",
        }
    }

    /// Its name, and the address or the port that it is about.
    pub fn line(&self) -> String {
        let name = self.name();
        match self {
            Self::NotIncluded(address) | Self::Excluded(address) | Self::FragileHost(address) => {
                format!("{name} {address}")
            }
            Self::FragilePort(port) => format!("{name} {port}"),
            _ => name.to_owned(),
        }
    }
}

/// A host that may be asked what is only asked on request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The host.
    pub host: IpAddr,
    /// The name of the probe.
    pub probe: String,
    /// The ports that it may be asked on, never none.
    pub ports: Vec<u16>,
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
    /// Makers whose equipment gets ARP only.
    pub fragile_makers: Vec<Maker>,
    /// What may be asked of a host though it is fragile, because the facility wants it asked.
    pub on_request: Vec<Request>,
    /// The inspector's own responder outside, which may be asked though it is not included.
    pub responder: Option<SocketAddr>,
    /// Prefixes that are not the hospital's, and may be looked for on its wires all the same.
    pub foreign: Foreign,
}

impl Consent {
    /// Whether a packet like this may be sent at `moment`, rates aside.
    pub fn allows(&self, contact: &Contact, moment: Timestamp) -> Result<(), Refusal> {
        if self.exclude.contains(contact.address) {
            return Err(Refusal::Excluded(contact.address));
        }
        if !self.include.contains(contact.address) && !self.is_for_responder(contact) {
            return Err(Refusal::NotIncluded(contact.address));
        }
        self.bounds(contact, moment)
    }

    /// Whether tier, hours and what is fragile allow a packet that goes to somebody who may be asked.
    fn bounds(&self, contact: &Contact, moment: Timestamp) -> Result<(), Refusal> {
        if contact.tier > self.tier || contact.tier == Tier::Listen {
            return Err(Refusal::Tier);
        }
        if !self.hours.allow(moment) {
            return Err(Refusal::Hours);
        }
        if self.is_requested(contact) {
            return Ok(());
        }
        if let Some(port) = contact.port.filter(|port| self.fragile_ports.contains(port)) {
            return Err(Refusal::FragilePort(port));
        }
        let made = |mac| self.fragile_makers.iter().any(|maker| maker.made(mac));
        let fragile =
            || self.fragile_hosts.contains(contact.address) || contact.mac.is_some_and(made);
        if !contact.resolves && fragile() {
            return Err(Refusal::FragileHost(contact.address));
        }
        Ok(())
    }

    /// Whether a packet like this may be sent at `moment` though nothing of it is included, for it is about a prefix that
    /// the facility lets be looked for; rates aside. Which prefixes those are, and that the packet stays on the wire, is
    /// for whoever asks to know.
    pub fn allows_foreign(&self, contact: &Contact, moment: Timestamp) -> Result<(), Refusal> {
        if self.exclude.contains(contact.address) {
            return Err(Refusal::Excluded(contact.address));
        }
        if self.foreign.is_nothing() {
            return Err(Refusal::NotIncluded(contact.address));
        }
        self.bounds(contact, moment)
    }

    /// The ports on which `host` may be asked the probe `probe`, which is only asked on request. None when nobody
    /// asked for it.
    pub fn requested(&self, host: IpAddr, probe: &str) -> &[u16] {
        let found =
            self.on_request.iter().find(|request| request.host == host && request.probe == probe);
        found.map_or(&[], |request| &request.ports)
    }

    fn is_requested(&self, contact: &Contact) -> bool {
        let named = |port: u16, request: &Request| {
            request.host == contact.address && request.ports.contains(&port)
        };
        contact.port.is_some_and(|port| self.on_request.iter().any(|request| named(port, request)))
    }

    /// Whether it goes towards the responder: it dies on the way, or it is what the responder waits for.
    fn is_for_responder(&self, contact: &Contact) -> bool {
        let Some(responder) = self.responder.filter(|to| to.ip() == contact.address) else {
            return false;
        };
        match contact.tier {
            Tier::Listen | Tier::Ask => false,
            Tier::FirstRouter => !contact.resolves,
            Tier::Responder => {
                contact.port.is_none_or(|port| port == responder.port()) && !contact.resolves
            }
        }
    }
}
