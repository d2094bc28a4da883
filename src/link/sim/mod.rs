//! A network in a text file: hosts that answer as their lines say, and a clock that jumps to the next event, so that
//! a minute of retries takes a millisecond. The same acts give the same events, but for what TLS draws at random.

mod announce;
mod answers;
mod build;
mod chance;
mod conversation;
mod file;
mod frames;
mod keys;
mod line;
mod network;
mod packet;
mod roads;
mod routing;
mod script;
mod talk;
mod translate;

pub use file::Error;
pub use line::Crossed;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, HashMap},
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use ipnetwork::IpNetwork;

use self::{
    chance::Chance,
    conversation::Conversation,
    network::{Loss, Network, Segment},
    talk::Talk,
};
use super::{Act, CallId, Event, Interface, Link, What, interface::Route};
use crate::{observe::Mac, scope::Refusal, time::Timestamp};

/// When the clock of a network begins: 2026-04-01 00:00:00 UTC.
const BEGINS: Timestamp = Timestamp::new(1_775_001_600, 0);

/// How many sent things are kept word by word; all are counted.
const MOST_KEPT: usize = 1 << 16;

/// Of how many addresses what they were sent is counted.
const MOST_COUNTED: usize = 1 << 20;

/// What losses follow from unless a seed is given.
const SEED: u64 = 1;

/// A simulated network.
pub struct Sim {
    network: Network,
    now: Timestamp,
    serial: u64,
    queue: BinaryHeap<Reverse<Due>>,
    calls: HashMap<CallId, Conversation>,
    counts: BTreeMap<IpAddr, Count>,
    sent: Vec<Sent>,
    crossed: Vec<Crossed>,
    notes: Vec<String>,
    chance: Chance,
}

/// What one address was sent. Acknowledgements that a system sends by itself are not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// Questions for its hardware address (ARP, neighbour discovery).
    pub resolving: u64,
    /// All other packets.
    pub packets: u64,
}

/// One thing that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// When.
    pub at: Timestamp,
    /// Whom to, where the bytes show it.
    pub to: Option<SocketAddr>,
    /// A whole frame, or what was said in a conversation; empty where one was opened or ended.
    pub bytes: Vec<u8>,
}

/// Something that is due.
struct Due {
    at: Timestamp,
    serial: u64,
    what: Coming,
}

enum Coming {
    Event(What),
    /// The other end of a conversation says something unasked.
    Drip(CallId),
    /// A host announces something again.
    Announced(usize, usize),
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.serial == other.serial
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.serial).cmp(&(other.at, other.serial))
    }
}

impl Sim {
    /// Reads the text of a network; `file` is for messages.
    pub fn parse(text: &str, file: &str) -> Result<Self, Error> {
        let mut sim = Self {
            network: build::network(text, file)?,
            now: BEGINS,
            serial: 0,
            queue: BinaryHeap::new(),
            calls: HashMap::new(),
            counts: BTreeMap::new(),
            sent: Vec::new(),
            crossed: Vec::new(),
            notes: Vec::new(),
            chance: Chance::new(SEED),
        };
        sim.announce();
        Ok(sim)
    }

    /// The hospital of the demo, which is part of the program.
    pub fn hospital() -> Result<Self, Error> {
        Self::parse(keys::text("hospital.toml").unwrap_or_default(), "hospital.toml")
    }

    /// The facility file of the demo's hospital.
    pub fn hospital_facility() -> &'static str {
        keys::text("hospital.facility.toml").unwrap_or_default()
    }

    /// The name and the text of the register of the demo's hospital, as somebody there keeps it.
    pub fn hospital_register() -> (&'static str, &'static str) {
        let name = "hospital.register.csv";
        (name, keys::text(name).unwrap_or_default())
    }

    /// The same network with a clock that begins at `moment`.
    pub fn beginning(mut self, moment: Timestamp) -> Self {
        self.now = moment;
        self.queue.retain(|Reverse(due)| !matches!(due.what, Coming::Announced(..)));
        self.announce();
        self
    }

    /// The same network with losses that follow from `seed`.
    pub fn seeded(mut self, seed: u64) -> Self {
        self.chance = Chance::new(seed);
        self
    }

    /// The same network in which of a hundred packets to each host `to` are lost, and of a hundred from it `from`,
    /// whatever the file says.
    pub fn losing(mut self, to: u8, from: u8) -> Self {
        for host in &mut self.network.hosts {
            Arc::make_mut(&mut host.nature).loss = Loss { to: to.min(100), from: from.min(100) };
        }
        self
    }

    /// Lets the user want an end at `moment`.
    pub fn stop_at(&mut self, moment: Timestamp) {
        self.queue_at(moment, Coming::Event(What::Stop));
    }

    /// The routes of the machine that stands in this network: to what lies behind its routers.
    pub fn routes(&self) -> Vec<Route> {
        let network = &self.network;
        let far = |segment: &Segment| {
            let IpAddr::V4(gateway) = segment.behind? else { return None };
            let near = network.segments.get(network.segment_of(gateway.into())?)?;
            let interface = network.interfaces.get(near.interface?)?.name.clone();
            Some((segment.prefixes.clone(), gateway, interface))
        };
        let far = network.segments.iter().filter_map(far);
        far.flat_map(|(prefixes, gateway, interface)| {
            prefixes.into_iter().filter_map(move |prefix| match prefix {
                IpNetwork::V4(prefix) => {
                    let interface = interface.clone();
                    Some(Route { prefix, interface, gateway: Some(gateway), metric: 0 })
                }
                IpNetwork::V6(_) => None,
            })
        })
        .collect()
    }

    /// How many addresses answer to somebody.
    pub fn addresses(&self) -> usize {
        self.network.by_address.len()
    }

    /// What each address was sent.
    pub fn counts(&self) -> &BTreeMap<IpAddr, Count> {
        &self.counts
    }

    /// What `address` was sent.
    pub fn count(&self, address: IpAddr) -> Count {
        self.counts.get(&address).copied().unwrap_or_default()
    }

    /// How many packets came to the hardware address of the host that has `address`, whomever they were for; questions for
    /// hardware addresses are not counted.
    pub fn reached(&self, address: IpAddr) -> u64 {
        let place = self.network.by_address.get(&address);
        let host = place.and_then(|place| self.network.hosts.get(*place));
        host.map_or(0, |host| host.packets)
    }

    /// The first address of the host that has a hardware address, or acts with it, on any link.
    pub fn owner(&self, mac: Mac) -> Option<IpAddr> {
        let segments = 0..self.network.segments.len();
        let place =
            segments.into_iter().find_map(|place| self.network.by_mac.get(&(place, mac)))?;
        self.network.hosts.get(*place)?.addresses.first().copied()
    }

    /// What was sent, in order, as far as it is kept.
    pub fn sent(&self) -> &[Sent] {
        &self.sent
    }

    /// Lines written into the journal.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Names and first addresses of hosts that were silenced by what they were sent.
    pub fn harmed(&self) -> Vec<(&str, IpAddr)> {
        let harmed = self.network.hosts.iter().filter(|host| host.silenced);
        harmed.filter_map(|host| Some((host.name.as_str(), *host.addresses.first()?))).collect()
    }

    fn queue_at(&mut self, at: Timestamp, what: Coming) {
        self.serial += 1;
        self.queue.push(Reverse(Due { at, serial: self.serial, what }));
    }

    fn keep(&mut self, to: Option<SocketAddr>, bytes: &[u8]) {
        if self.sent.len() < MOST_KEPT {
            self.sent.push(Sent { at: self.now, to, bytes: bytes.to_vec() });
        }
    }

    fn count_to(&mut self, address: IpAddr, resolving: bool) {
        if self.counts.len() >= MOST_COUNTED && !self.counts.contains_key(&address) {
            return;
        }
        let count = self.counts.entry(address).or_default();
        if resolving {
            count.resolving += 1;
        } else {
            count.packets += 1;
        }
    }
}

impl Link for Sim {
    fn now(&self) -> Timestamp {
        self.now
    }

    fn send(&mut self, act: Act<'_>) -> Result<(), Refusal> {
        match act {
            Act::Frame { interface, bytes, .. } => {
                if !self.network.frames || interface >= self.network.interfaces.len() {
                    let reason =
                        format!("there is no interface {interface} that frames may leave by");
                    return Err(Refusal::System(reason));
                }
                self.keep(frames::receiver(bytes), bytes);
                self.hear_frame(interface, bytes);
                Ok(())
            }
            Act::Open(call) => self.open(call),
            Act::Say { id, bytes } => self.say(id, bytes),
            Act::Close { id } => {
                self.close(id);
                Ok(())
            }
        }
    }

    fn wait(&mut self, until: Timestamp) -> Option<Event> {
        while self.queue.peek().is_some_and(|Reverse(due)| due.at <= until) {
            let Reverse(due) = self.queue.pop()?;
            self.now = self.now.max(due.at);
            match due.what {
                Coming::Drip(id) => {
                    let talk = self.calls.get(&id).and_then(|call| call.talk.as_ref());
                    let Some((bytes, every)) = talk.and_then(Talk::drip) else { continue };
                    self.queue_at(self.now.after(every), Coming::Drip(id));
                    return Some(Event { at: self.now, what: What::Heard { id, bytes } });
                }
                Coming::Announced(host, place) => {
                    if let Some(what) = self.announced(host, place) {
                        return Some(Event { at: self.now, what });
                    }
                }
                Coming::Event(what) => {
                    let concerns = match &what {
                        What::Opened { id, .. }
                        | What::Refused { id, .. }
                        | What::Heard { id, .. }
                        | What::Ended { id, .. } => Some(*id),
                        What::Frame { .. } | What::Stop => None,
                    };
                    if concerns.is_some_and(|id| !self.calls.contains_key(&id)) {
                        continue;
                    }
                    return Some(Event { at: self.now, what });
                }
            }
        }
        self.now = self.now.max(until);
        None
    }

    fn note(&mut self, line: &str) {
        if self.notes.len() < MOST_KEPT {
            self.notes.push(line.to_owned());
        }
    }

    fn interfaces(&self) -> &[Interface] {
        if self.network.frames { &self.network.interfaces } else { &[] }
    }
}
