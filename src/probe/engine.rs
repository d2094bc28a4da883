//! Asks services what they are: many hosts at a time, one conversation a host, at the pace that the link allows.
//!
//! The engine sees time only as the link tells it, and holds no more than what is under way: what was said stands in
//! the recording, which is read like any other afterwards.
//!
//! Its lines in the journal, from which a run that was killed goes on ([`Past`]):
//!
//! ```text
//! spoke tcp 192.0.2.1:443 tls              recognised, in clear
//! spoke tcp 192.0.2.1:443 tls/http         recognised, inside TLS
//! done tcp 192.0.2.1:443 https answered    a question that ended: answered, silent or refused
//! finished tcp 192.0.2.1:443               nothing more to ask
//! address 192.0.2.1 203.0.113.7            another address that a host told of itself
//! left 192.0.2.1 stopped                   a host in distress: slow, stopped; of a network its first address
//! ```

mod run;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
    time::Duration,
};

pub use super::{
    distress::Distress,
    plan::{Service, State},
};
use crate::{
    fingerprint::Matcher,
    link::Link,
    observe::Transport,
    scope::{Profile, Request},
};

/// How patient, how broad, how many at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manner {
    /// How long an answer on a stream is awaited, and its opening.
    pub patience: Duration,
    /// How long what a service says by itself is awaited.
    pub banner_patience: Duration,
    /// How long the answer to a datagram is awaited before it is asked again.
    pub again_after: Duration,
    /// How often a datagram is asked, the first time included. Streams are asked once.
    pub attempts: u32,
    /// How many different questions an unknown service is asked.
    pub breadth: u32,
    /// How many conversations are under way in all.
    pub at_once: usize,
    /// How many conversations are under way with one host.
    pub per_host: u32,
    /// How long one conversation may take, whatever the other end does.
    pub longest: Duration,
    /// How long what is under way may go on after a stop.
    pub ending: Duration,
}

impl Manner {
    /// The manner of a profile.
    pub const fn of(profile: Profile) -> Self {
        let milliseconds = Duration::from_millis;
        match profile {
            Profile::Clinic => Self {
                patience: milliseconds(5000),
                banner_patience: milliseconds(5000),
                again_after: milliseconds(2000),
                attempts: 2,
                breadth: 3,
                at_once: 64,
                per_host: 1,
                longest: milliseconds(60_000),
                ending: milliseconds(5000),
            },
            Profile::Office => Self {
                patience: milliseconds(4000),
                banner_patience: milliseconds(2500),
                again_after: milliseconds(1000),
                attempts: 2,
                breadth: 5,
                at_once: 256,
                per_host: 1,
                longest: milliseconds(30_000),
                ending: milliseconds(5000),
            },
            Profile::Lab => Self {
                patience: milliseconds(3000),
                banner_patience: milliseconds(1000),
                again_after: milliseconds(500),
                attempts: 2,
                breadth: 12,
                at_once: 512,
                per_host: 8,
                longest: milliseconds(20_000),
                ending: milliseconds(3000),
            },
        }
    }
}

/// What an earlier part of the run did, as its journal tells. `()` is a run that begins.
pub trait Past {
    /// Whether the question was asked of the service to its end.
    fn done(&self, to: &SocketAddr, transport: Transport, probe: &str) -> bool {
        let _ = (to, transport, probe);
        false
    }

    /// How often the question was asked of the service.
    fn attempts(&self, to: &SocketAddr, transport: Transport, probe: &str) -> u32 {
        let _ = (to, transport, probe);
        0
    }

    /// Whether there was nothing more to ask the service.
    fn finished(&self, to: &SocketAddr, transport: Transport) -> bool {
        let _ = (to, transport);
        false
    }

    /// The names of the protocols that the service spoke in clear and inside TLS.
    fn spoke(&self, to: &SocketAddr, transport: Transport) -> (Option<String>, Option<String>) {
        let _ = (to, transport);
        (None, None)
    }

    /// The names that name servers told.
    fn names(&self) -> BTreeMap<IpAddr, String> {
        BTreeMap::new()
    }

    /// Addresses that hosts told of themselves, each with its host.
    fn addresses(&self) -> BTreeSet<(IpAddr, IpAddr)> {
        BTreeSet::new()
    }
}

impl Past for () {}

/// What the engine may use.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// What is random for the other end is computed from it.
    pub seed: u64,
    /// Communities that the facility gave in writing.
    pub communities: &'a [String],
    /// The signatures: which paths they ask for.
    pub matcher: &'a Matcher<'a>,
    /// What the facility file names to be asked though it is only asked on request.
    pub requested: &'a [Request],
    /// Names of hosts, where they are known.
    pub names: &'a BTreeMap<IpAddr, String>,
    /// Addresses, in order, whose names every name server is asked for.
    pub wanted: &'a [IpAddr],
    /// What was done before.
    pub past: &'a dyn Past,
    /// The number of the first conversation.
    pub first_call: u32,
}

/// How far it has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Services that there is nothing more to ask.
    pub finished: usize,
    /// Services in all; some are only found on the way.
    pub services: usize,
    /// Conversations under way.
    pub open: usize,
}

/// What came of asking. What was said stands in the recording.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Questions that were answered.
    pub answered: u64,
    /// Questions that were not.
    pub silent: u64,
    /// Questions that were refused: the port is closed, or the host cannot be reached.
    pub refused: u64,
    /// Questions that may not be asked, by the reason the guard gave ([`Refusal::line`](crate::scope::Refusal::line)).
    pub forbidden: BTreeMap<String, u64>,
    /// Questions that this machine could not send.
    pub failed: u64,
    /// Services that opened or answered.
    pub open: Vec<(SocketAddr, Transport)>,
    /// Hosts that were left alone, and why.
    pub left: Vec<(IpAddr, Distress)>,
    /// Names that name servers told.
    pub names: BTreeMap<IpAddr, String>,
    /// Further addresses that hosts told of themselves, each with its host.
    pub addresses: BTreeSet<(IpAddr, IpAddr)>,
    /// Services that were not asked to the end.
    pub unfinished: usize,
    /// It was stopped, or the hours ended.
    pub stopped: bool,
    /// The number of the next conversation.
    pub next_call: u32,
}

impl Outcome {
    /// Takes in what came of asking further.
    pub fn absorb(&mut self, more: Self) {
        self.answered += more.answered;
        self.silent += more.silent;
        self.refused += more.refused;
        for (reason, count) in more.forbidden {
            *self.forbidden.entry(reason).or_default() += count;
        }
        self.failed += more.failed;
        self.open.extend(more.open);
        self.left.extend(more.left);
        self.names.extend(more.names);
        self.addresses.extend(more.addresses);
        self.unfinished += more.unfinished;
        self.stopped |= more.stopped;
        self.next_call = more.next_call;
    }

    /// Whether something was left out.
    pub fn is_partial(&self) -> bool {
        self.stopped || self.unfinished > 0 || self.failed > 0
    }
}

/// Asks services what they are, until there is nothing more to ask or the link says stop.
pub fn ask<L: Link + ?Sized>(
    link: &mut L,
    services: impl IntoIterator<Item = Service>,
    manner: &Manner,
    context: &Context<'_>,
    watch: &mut dyn FnMut(Progress),
) -> Outcome {
    let mut run = run::Run::new(link, manner, context);
    for service in services {
        run.add(service);
    }
    run.run(watch)
}
