//! What is asked of whole wires, once each: [`announced`] of those that answer everybody, [`foreign`] of those in
//! prefixes that are not the hospital's.
//!
//! ```text
//! wire asked <mechanism> <interface>            a question went out
//! wire place <mechanism> <interface> <number>   so many of a list were asked for
//! wire done <mechanism> <interface>             there is no more to ask
//! ```
//!
//! These are the lines of the journal; interfaces stand by their places. Nothing is concluded here: what was heard is in
//! the recording.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Duration,
};

use ipnetwork::{IpNetwork, Ipv4Network};

use super::{
    announced,
    discover::{Host, Manner},
    foreign,
    told::{State, Told},
};
use crate::{
    link::{Act, Interface, Link, What},
    observe::Mac,
    scope::{Consent, DESTINATIONS_V4, Foreign, Refusal, Tier},
    time::Timestamp,
};

/// How many mechanisms of how many wires are remembered of an earlier part of a run.
const MOST_PAST: usize = 1 << 12;

/// What is to be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// How far packets may go.
    pub tier: Tier,
    /// Outside addresses that questions are about, the best first.
    pub destinations: Vec<Ipv4Addr>,
    /// Prefixes that are not the hospital's, and are looked for.
    pub foreign: Foreign,
    /// How often a question is asked that nobody answers.
    pub attempts: u32,
    /// How long an answer is waited for, at least.
    pub patience: Duration,
    /// What marks of questions are computed from.
    pub seed: u64,
    /// Names of mechanisms that are not used.
    pub without: BTreeSet<String>,
    /// What an earlier part of the run did.
    pub past: Past,
}

/// How far an earlier part of a run came, as its journal tells. The default is a run that begins.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Past {
    asked: BTreeMap<(String, usize), u32>,
    places: BTreeMap<(String, usize), usize>,
    done: BTreeSet<(String, usize)>,
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// How far each mechanism came on each wire.
    pub told: Vec<Told>,
    /// How many packets went out.
    pub sent: u64,
    /// Whether it was ended early.
    pub stopped: bool,
}

/// One of our ends on a wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wire {
    /// The place of the interface.
    pub(super) interface: usize,
    /// Its name.
    pub(super) name: String,
    /// Our hardware address.
    pub(super) mac: Mac,
    /// Our addresses of IPv4, with their networks.
    pub(super) networks: Vec<Ipv4Network>,
    /// Our link-local address.
    pub(super) link_local: Option<Ipv6Addr>,
    /// The network that reports name.
    shown: Option<IpNetwork>,
}

impl Plan {
    /// The plan that `consent` allows, in the manner of the sweep before it.
    pub fn of(consent: &Consent, manner: &Manner) -> Self {
        let responder = consent.responder.map(|responder| responder.ip());
        let v4 = |address: IpAddr| match address {
            IpAddr::V4(v4) => Some(v4),
            IpAddr::V6(_) => None,
        };
        let own = responder.and_then(v4);
        Self {
            tier: consent.tier,
            destinations: own.into_iter().chain(DESTINATIONS_V4).collect(),
            foreign: consent.foreign.clone(),
            attempts: 2,
            patience: manner.patience,
            seed: manner.seed,
            without: BTreeSet::new(),
            past: Past::default(),
        }
    }

    /// How many packets whole wires are sent at most, those to prefixes aside that are only heard of.
    pub fn packets(&self, interfaces: &[Interface]) -> u64 {
        let wires = Wire::all(interfaces).len() as u64;
        let announced = announced::packets(self) * u64::from(self.attempts);
        wires * (announced + foreign::packets(self))
    }

    /// Whether a mechanism is used.
    pub(super) fn uses(&self, mechanism: &str) -> bool {
        !self.without.contains(mechanism)
    }
}

impl Past {
    /// What the notes of a recording say. Lines of others are skipped.
    pub fn of<'a>(notes: impl IntoIterator<Item = &'a str>) -> Self {
        let mut past = Self::default();
        for note in notes {
            let words: Vec<&str> = note.split(' ').collect();
            let ["wire", what, mechanism, interface, ref rest @ ..] = words[..] else { continue };
            let Ok(interface) = interface.parse() else { continue };
            let key = (mechanism.to_owned(), interface);
            let full = past.asked.len() + past.places.len() + past.done.len() >= MOST_PAST;
            match (what, rest) {
                _ if full => {}
                ("asked", []) => *past.asked.entry(key).or_default() += 1,
                ("place", [place]) => {
                    past.places.extend(place.parse().ok().map(|place| (key, place)));
                }
                ("done", []) => drop(past.done.insert(key)),
                _ => {}
            }
        }
        past
    }

    /// Whether there is no more to ask.
    pub(super) fn is_done(&self, mechanism: &str, wire: &Wire) -> bool {
        self.done.contains(&(mechanism.to_owned(), wire.interface))
    }

    /// How often it was asked.
    pub(super) fn times(&self, mechanism: &str, wire: &Wire) -> u32 {
        self.asked.get(&(mechanism.to_owned(), wire.interface)).copied().unwrap_or_default()
    }

    /// How many of its list were asked for.
    pub(super) fn place(&self, mechanism: &str, wire: &Wire) -> usize {
        self.places.get(&(mechanism.to_owned(), wire.interface)).copied().unwrap_or_default()
    }
}

impl Wire {
    /// Our ends on the wires of `interfaces`.
    pub(super) fn all(interfaces: &[Interface]) -> Vec<Self> {
        let usable = interfaces.iter().enumerate().filter(|(_, known)| known.up && !known.loopback);
        usable.filter_map(|(interface, known)| Self::of(interface, known)).collect()
    }

    fn of(interface: usize, known: &Interface) -> Option<Self> {
        let mac = known.mac?;
        let v4 = |network: &IpNetwork| match network {
            IpNetwork::V4(v4) => Some(*v4),
            IpNetwork::V6(_) => None,
        };
        let link_local = |network: &IpNetwork| match network.ip() {
            IpAddr::V6(v6) if v6.is_unicast_link_local() => Some(v6),
            _ => None,
        };
        let routed = |network: &&IpNetwork| link_local(network).is_none();
        Some(Self {
            interface,
            name: known.name.clone(),
            mac,
            networks: known.addresses.iter().filter_map(v4).collect(),
            link_local: known.addresses.iter().find_map(link_local),
            shown: known
                .addresses
                .iter()
                .find(|network| network.is_ipv4())
                .or_else(|| known.addresses.iter().find(routed))
                .copied(),
        })
    }

    /// Our address of IPv4, the first where there are several.
    pub(super) fn address(&self) -> Option<Ipv4Addr> {
        self.networks.first().map(|network| network.ip())
    }

    /// How far a mechanism came here.
    pub(super) fn told(
        &self,
        mechanism: &'static str,
        state: State,
        count: u64,
        detail: impl Into<String>,
    ) -> Told {
        let vantage = Some(self.name.clone());
        Told { mechanism, network: self.shown, vantage, state, count, detail: detail.into() }
    }

    /// That a mechanism did not run here, and why.
    pub(super) fn silent(&self, mechanism: &'static str, reason: &str) -> Told {
        self.told(mechanism, State::NotMeasured, 0, reason)
    }
}

/// What came of trying to send something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Put {
    /// It is on the wire.
    Sent,
    /// Not before this moment.
    Later(Timestamp),
    /// It may not be sent, or cannot; a word for why.
    Refused(&'static str),
    /// The run is being stopped.
    Stopped,
}

/// A link that is spoken over in frames.
pub(super) struct Voice<'a, L> {
    pub(super) link: &'a mut L,
    pub(super) stopped: bool,
    pub(super) sent: u64,
}

impl<L: Link> Voice<'_, L> {
    /// Sends a frame, or says why not.
    pub(super) fn put(
        &mut self,
        interface: usize,
        bytes: &[u8],
        probe: &'static str,
        tier: Tier,
    ) -> Put {
        if self.stopped {
            return Put::Stopped;
        }
        match self.link.send(Act::Frame { interface, bytes, probe, tier }) {
            Ok(()) => {
                self.sent += 1;
                Put::Sent
            }
            Err(Refusal::TooSoon(ready)) => {
                Put::Later(ready.max(self.link.now().after(Duration::from_millis(1))))
            }
            Err(Refusal::Stopping) => {
                self.stopped = true;
                Put::Stopped
            }
            Err(refusal) => Put::Refused(reason(&refusal)),
        }
    }

    /// The next frame that comes until `until`, and the interface that it came in by.
    pub(super) fn next(&mut self, until: Timestamp) -> Option<(usize, Vec<u8>)> {
        while !self.stopped {
            match self.link.wait(until)?.what {
                What::Frame { interface, bytes } => return Some((interface, bytes)),
                What::Stop => self.stopped = true,
                _ => {}
            }
            if self.link.now() >= until {
                return None;
            }
        }
        None
    }

    /// Hears what comes until `until`. A wire that never falls silent ends it at that moment all the same.
    pub(super) fn hear_until(&mut self, until: Timestamp, heard: &mut dyn FnMut(usize, &[u8])) {
        while let Some((interface, bytes)) = self.next(until) {
            heard(interface, &bytes);
            if self.link.now() >= until {
                break;
            }
        }
    }

    /// Sends a frame when it may be, and hears what comes meanwhile. None when it is on the wire.
    pub(super) fn send(
        &mut self,
        frame: (usize, &[u8]),
        probe: &'static str,
        tier: Tier,
        heard: &mut dyn FnMut(usize, &[u8]),
    ) -> Option<Put> {
        loop {
            match self.put(frame.0, frame.1, probe, tier) {
                Put::Sent => return None,
                Put::Later(ready) => self.hear_until(ready, heard),
                other => return Some(other),
            }
        }
    }
}

/// The word by which reports know why something was not sent.
fn reason(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::FragileHost(_) | Refusal::FragilePort(_) => "fragile",
        other => other.name(),
    }
}

/// What a mechanism that ran tells of its answers.
pub(super) fn detail(answered: u64, asked: u64, attempts: u32) -> String {
    format!("answered={answered} silent={} attempts={attempts}", asked.saturating_sub(answered))
}

/// Asks all wires. `hosts` are those that answered on them.
pub fn ask(link: &mut impl Link, plan: &Plan, hosts: &[Host]) -> Outcome {
    let wires = Wire::all(link.interfaces());
    if wires.is_empty() {
        let silent = |mechanism| Told {
            mechanism,
            network: None,
            vantage: None,
            state: State::NotMeasured,
            count: 0,
            detail: "no_frames".to_owned(),
        };
        let told = announced::NAMES.into_iter().chain(foreign::NAMES).map(silent).collect();
        return Outcome { told, ..Outcome::default() };
    }
    let mut voice = Voice { link, stopped: false, sent: 0 };
    let mut told = announced::ask(&mut voice, plan, &wires);
    told.extend(foreign::ask(&mut voice, plan, &wires, hosts));
    Outcome { told, sent: voice.sent, stopped: voice.stopped }
}

#[cfg(test)]
mod tests;
