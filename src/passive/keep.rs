//! Observations are kept once: the first time that a speaker says a thing.
//!
//! What a hospital's machines say all day is the same over and over; keeping it once is what keeps
//! memory flat as captures grow.

use std::{
    cmp::Ordering,
    hash::{BuildHasher, Hash, Hasher},
    net::IpAddr,
};

use foldhash::quality::FixedState;
use hashbrown::{HashMap, HashSet};

use crate::{
    observe::{Endpoint, Observation, Side},
    scope::{Inside, inside::is_global},
};

/// How many different things one speaker may say in one protocol. A client's name questions are the
/// largest honest case.
const MOST_PER_SPEAKER: u32 = 2048;

/// How many observations one shard keeps.
const MOST: usize = 1 << 15;

/// How many bytes of values one shard keeps.
const MOST_BYTES: usize = 32 << 20;

/// The observations of one shard.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// What a facility file gives as inside.
    inside: Option<Inside>,
    /// From where each file was heard, by number: what is heard from elsewhere is not the same.
    places: Vec<u32>,
    observations: Vec<Observation>,
    seen: HashSet<u64, foldhash::fast::RandomState>,
    speakers: HashMap<u64, u32, foldhash::fast::RandomState>,
    /// How many bytes their values hold.
    bytes: usize,
    /// How many observations were not kept, for lack of room.
    pub refused: u64,
}

impl Kept {
    /// None kept yet. What `inside` leaves out is outside; without it, what is global.
    pub(super) fn new(inside: Option<Inside>) -> Self {
        Self { inside, ..Self::default() }
    }

    /// Says that the file with this number was heard from the vantage with that one.
    pub(super) fn place(&mut self, file: u32, vantage: u32) {
        let file = file as usize;
        if self.places.len() <= file {
            self.places.resize(file + 1, 0);
        }
        if let Some(place) = self.places.get_mut(file) {
            *place = vantage;
        }
    }

    /// Whether `ip` is outside, as far as is known before everything was heard.
    pub(super) fn is_outside(&self, ip: IpAddr) -> bool {
        is_outside(self.inside.as_ref(), ip)
    }

    /// Keeps `observation` unless the same was said before.
    pub(super) fn add(&mut self, observation: Observation) {
        let same = sameness(&observation, self.inside.as_ref(), &self.places);
        if self.seen.contains(&same) {
            return;
        }
        let bytes: usize = observation.facts.iter().map(|(_, value)| value.len()).sum();
        if self.observations.len() >= MOST || self.bytes + bytes > MOST_BYTES {
            self.refused += 1;
            return;
        }
        let Endpoint { ip, mac, .. } = observation.speaker;
        let speaker =
            FixedState::default().hash_one((ip, ip.is_none().then_some(mac), observation.protocol));
        let said = self.speakers.entry(speaker).or_default();
        if *said >= MOST_PER_SPEAKER {
            self.refused += 1;
            return;
        }
        *said += 1;
        self.bytes += bytes;
        self.seen.insert(same);
        self.observations.push(observation);
    }

    /// What was kept by all `shards`, in the order in which it was said, each thing once; and how many
    /// were refused.
    pub(super) fn join(shards: impl Iterator<Item = Self>) -> (Vec<Observation>, u64) {
        let mut refused = 0;
        let mut all: Vec<Observation> = Vec::new();
        let (mut inside, mut places) = (None, Vec::new());
        for shard in shards {
            inside = inside.or(shard.inside);
            places = shard.places;
            refused += shard.refused;
            all.extend(shard.observations);
        }
        all.sort_by(in_order);
        let mut seen = HashSet::<u64, foldhash::fast::RandomState>::default();
        all.retain(|observation| seen.insert(sameness(observation, inside.as_ref(), &places)));
        (all, refused)
    }
}

fn is_outside(inside: Option<&Inside>, ip: IpAddr) -> bool {
    inside.map_or_else(|| is_global(ip), |inside| inside.is_outside(ip))
}

/// The order of observations: by packet, and within one packet by what they say.
fn in_order(a: &Observation, b: &Observation) -> Ordering {
    let place = |o: &Observation| (o.packet, o.protocol, o.side, o.speaker, o.listener);
    place(a).cmp(&place(b)).then_with(|| a.facts.iter().cmp(b.facts.iter()))
}

/// A number that two observations share when they say the same: the same speaker and facts, on the same
/// service. To whom a server says it does not matter, but that somebody outside hears it does, and from which vantage.
fn sameness(o: &Observation, inside: Option<&Inside>, places: &[u32]) -> u64 {
    let mut hasher = FixedState::default().build_hasher();
    places.get(o.packet.file as usize).copied().unwrap_or_default().hash(&mut hasher);
    (o.protocol, o.side, o.confidence, o.speaker.ip, o.speaker.mac, o.speaker.transport)
        .hash(&mut hasher);
    match o.side {
        Side::Client => o.listener.map(|listener| (listener.ip, listener.port)).hash(&mut hasher),
        Side::Server | Side::Peer => {
            let listener = o.listener.and_then(|listener| listener.ip);
            let outside = listener.is_some_and(|ip| is_outside(inside, ip));
            (o.speaker.port, outside).hash(&mut hasher);
        }
    }
    o.facts.hash(&mut hasher);
    hasher.finish()
}
