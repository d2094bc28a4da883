//! A network in a text file: hosts that answer as their lines say, and a clock that jumps to the next event, so that
//! a minute of retries takes a millisecond. The same acts give the same events, but for what TLS draws at random.

mod build;
mod file;
mod frames;
mod keys;
mod script;
mod talk;

pub use file::Error;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, HashMap},
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use ipnetwork::IpNetwork;

use self::{
    file::Closed,
    script::{Service, Then, Uttered},
    talk::Talk,
};
use super::{Act, Call, CallId, Event, Interface, Link, Refused, What, interface::Route};
use crate::{
    observe::{Mac, Transport},
    scope::Refusal,
    time::Timestamp,
};

/// When the clock of a network begins: 2026-04-01 00:00:00 UTC.
const BEGINS: Timestamp = Timestamp::new(1_775_001_600, 0);

/// How many sent things are kept word by word; all are counted.
const MOST_KEPT: usize = 1 << 16;

/// Of how many addresses what they were sent is counted.
const MOST_COUNTED: usize = 1 << 20;

/// How many bytes of a stream are heard at once.
const MOST_AT_ONCE: usize = 8 << 10;

/// After how long a system gives up on an address of its own link that nobody has.
const NOBODY_THERE: Duration = Duration::from_secs(3);

/// After how long a system says again what was lost of a stream.
const SAID_AGAIN: Duration = Duration::from_secs(1);

/// How much later a host in distress answers.
const DISTRESSED: Duration = Duration::from_secs(2);

/// A simulated network.
pub struct Sim {
    network: Network,
    now: Timestamp,
    serial: u64,
    queue: BinaryHeap<Reverse<Due>>,
    calls: HashMap<CallId, Conversation>,
    counts: BTreeMap<IpAddr, Count>,
    sent: Vec<Sent>,
    notes: Vec<String>,
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

/// Hosts and links.
#[derive(Default)]
struct Network {
    frames: bool,
    interfaces: Vec<Interface>,
    segments: Vec<Segment>,
    hosts: Vec<Host>,
    by_address: HashMap<IpAddr, usize>,
    by_mac: HashMap<(usize, Mac), usize>,
}

struct Segment {
    prefixes: Vec<IpNetwork>,
    /// Our interface on it.
    interface: Option<usize>,
    /// The address of the router that leads to it.
    behind: Option<IpAddr>,
    /// That router.
    router: Option<usize>,
}

struct Host {
    name: String,
    addresses: Vec<IpAddr>,
    mac: Option<Mac>,
    nature: Arc<Nature>,
    /// Packets that came, but for those that ask for its hardware address.
    packets: u64,
    /// Datagrams that came to each port that misses its first.
    datagrams: HashMap<u16, u64>,
    silenced: bool,
}

/// How a host behaves.
#[derive(Clone)]
struct Nature {
    resolves: bool,
    echo: bool,
    closed: Closed,
    ttl: u8,
    latency: Duration,
    loses: Option<u64>,
    misses: u64,
    repeats: u32,
    distress: Option<u64>,
    fragile: bool,
    tcp: HashMap<u16, Arc<Service>>,
    udp: HashMap<u16, Arc<Service>>,
}

impl Default for Nature {
    fn default() -> Self {
        Self {
            resolves: true,
            echo: true,
            closed: Closed::Reset,
            ttl: 64,
            latency: Duration::from_millis(1),
            loses: None,
            misses: 0,
            repeats: 1,
            distress: None,
            fragile: false,
            tcp: HashMap::new(),
            udp: HashMap::new(),
        }
    }
}

struct Conversation {
    call: Call,
    host: Option<usize>,
    /// A stream that is open, from the other side.
    talk: Option<Talk>,
    turn: u32,
    /// When the last thing of it is heard; a stream stays in order.
    last: Timestamp,
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

/// What becomes of a packet on its way to a host.
enum Passage {
    /// It arrives; what is said about it is heard after this long.
    Through(Duration),
    /// It is lost.
    Lost,
    /// Nobody answers.
    Silent,
}

impl Network {
    /// The segment that `address` belongs to: the one with the longest prefix.
    fn segment_of(&self, address: IpAddr) -> Option<usize> {
        let longest = |segment: &Segment| {
            let fitting = segment.prefixes.iter().filter(|prefix| prefix.contains(address));
            fitting.map(IpNetwork::prefix).max()
        };
        let fitting = self
            .segments
            .iter()
            .enumerate()
            .filter_map(|(place, segment)| Some((longest(segment)?, Reverse(place))));
        fitting.max().map(|(_, Reverse(place))| place)
    }

    /// Our address towards `address`, and whether it is on a link of ours.
    fn our_address(&self, address: IpAddr) -> Option<(IpAddr, bool)> {
        let far = self.segments.get(self.segment_of(address)?)?;
        let near = match far.behind {
            None => far,
            Some(router) => self.segments.get(self.segment_of(router)?)?,
        };
        let interface = self.interfaces.get(near.interface?)?;
        let mut ours = interface.addresses.iter().map(IpNetwork::ip);
        let ours = ours.find(|ours| ours.is_ipv4() == address.is_ipv4())?;
        Some((ours, far.behind.is_none()))
    }
}

impl Host {
    fn new(name: String, addresses: Vec<IpAddr>, mac: Option<Mac>, nature: Arc<Nature>) -> Self {
        Self {
            name,
            addresses,
            mac,
            nature,
            packets: 0,
            datagrams: HashMap::new(),
            silenced: false,
        }
    }

    /// What becomes of the next packet.
    fn pass(&mut self, resolves: bool) -> Passage {
        let nature = &self.nature;
        if self.silenced || resolves && !nature.resolves {
            return Passage::Silent;
        }
        if resolves {
            return Passage::Through(nature.latency);
        }
        self.packets += 1;
        let distressed = |times: u64| {
            nature.distress.is_some_and(|most| self.packets > most.saturating_mul(times))
        };
        self.silenced = nature.fragile || distressed(2);
        if self.silenced {
            return Passage::Silent;
        }
        let lost = nature.loses.is_some_and(|nth| self.packets.is_multiple_of(nth));
        if lost {
            return Passage::Lost;
        }
        let slower = if distressed(1) { DISTRESSED } else { Duration::ZERO };
        Passage::Through(nature.latency + slower)
    }

    /// Whether it misses the next datagram to `port`.
    fn misses(&mut self, port: u16) -> bool {
        if self.nature.misses == 0 || !self.nature.udp.contains_key(&port) {
            return false;
        }
        let came = self.datagrams.entry(port).or_default();
        *came += 1;
        *came <= self.nature.misses
    }
}

impl Sim {
    /// Reads the text of a network; `file` is for messages.
    pub fn parse(text: &str, file: &str) -> Result<Self, Error> {
        Ok(Self {
            network: build::network(text, file)?,
            now: BEGINS,
            serial: 0,
            queue: BinaryHeap::new(),
            calls: HashMap::new(),
            counts: BTreeMap::new(),
            sent: Vec::new(),
            notes: Vec::new(),
        })
    }

    /// The hospital of the demo, which is part of the program.
    pub fn hospital() -> Result<Self, Error> {
        Self::parse(keys::text("hospital.toml").unwrap_or_default(), "hospital.toml")
    }

    /// The facility file of the demo's hospital.
    pub fn hospital_facility() -> &'static str {
        keys::text("hospital.facility.toml").unwrap_or_default()
    }

    /// The same network with a clock that begins at `moment`.
    pub fn beginning(mut self, moment: Timestamp) -> Self {
        self.now = moment;
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

    fn open(&mut self, call: Call) -> Result<(), Refusal> {
        let address = call.to.ip();
        let Some((ours, on_link)) = self.network.our_address(address) else {
            return Err(Refusal::System(format!("there is no route to {address}")));
        };
        if self.calls.contains_key(&call.id) {
            return Err(Refusal::System(format!("conversation {} is there already", call.id.0)));
        }
        let host = self.network.by_address.get(&address).copied();
        let conversation = Conversation { call, host, talk: None, turn: 0, last: self.now };
        self.calls.insert(call.id, conversation);
        let port = 32_768 + u16::try_from(call.id.0 % 28_000).unwrap_or_default();
        let opened = What::Opened { id: call.id, from: SocketAddr::new(ours, port) };
        if call.transport == Transport::Udp {
            self.queue_at(self.now, Coming::Event(opened));
            return Ok(());
        }
        self.keep(Some(call.to), &[]);
        self.count_to(address, false);
        let Some(place) = host else {
            if on_link {
                let what = What::Refused { id: call.id, how: Refused::Unreachable };
                self.queue_at(self.now.after(NOBODY_THERE), Coming::Event(what));
            }
            return Ok(());
        };
        let Some((delay, nature)) = self.arrive(place) else { return Ok(()) };
        let at = self.now.after(delay);
        match nature.tcp.get(&call.to.port()) {
            None if nature.closed == Closed::Drop => {}
            None => {
                let what = What::Refused { id: call.id, how: Refused::Port };
                self.queue_at(at, Coming::Event(what));
            }
            Some(service) => {
                self.queue_at(at, Coming::Event(opened));
                let (talk, greeting) = Talk::begin(service.clone());
                let drip = talk.drip();
                if let Some(conversation) = self.calls.get_mut(&call.id) {
                    conversation.talk = Some(talk);
                }
                self.hear_from(call.id, at, greeting);
                if let Some((_, every)) = drip {
                    self.queue_at(at.after(every), Coming::Drip(call.id));
                }
            }
        }
        Ok(())
    }

    /// Lets a packet of a stream go to a host: lost ones are said again by the system.
    fn arrive(&mut self, place: usize) -> Option<(Duration, Arc<Nature>)> {
        let host = self.network.hosts.get_mut(place)?;
        let mut delay = Duration::ZERO;
        // A system says a thing again a few times, then gives up.
        for _ in 0..4 {
            match host.pass(false) {
                Passage::Through(latency) => {
                    return Some((delay + latency, host.nature.clone()));
                }
                Passage::Lost => delay += SAID_AGAIN,
                Passage::Silent => return None,
            }
        }
        None
    }

    fn say(&mut self, id: CallId, bytes: &[u8]) -> Result<(), Refusal> {
        let Some(conversation) = self.calls.get(&id) else {
            return Err(Refusal::System(format!("conversation {} is not open", id.0)));
        };
        let (to, host) = (conversation.call.to, conversation.host);
        let is_datagram = conversation.call.transport == Transport::Udp;
        self.keep(Some(to), bytes);
        let packets = if is_datagram { 1 } else { bytes.len().div_ceil(1448) };
        for _ in 0..packets {
            self.count_to(to.ip(), false);
        }
        if is_datagram {
            self.say_datagram(id, to, host, bytes);
            return Ok(());
        }
        let Some((delay, _)) = host.and_then(|place| self.arrive(place)) else { return Ok(()) };
        let at = self.now.after(delay);
        let talk = self.calls.get_mut(&id).and_then(|conversation| conversation.talk.as_mut());
        let said = talk.map(|talk| talk.hear(bytes)).unwrap_or_default();
        self.hear_from(id, at, said);
        Ok(())
    }

    fn say_datagram(&mut self, id: CallId, to: SocketAddr, host: Option<usize>, bytes: &[u8]) {
        let Some(host) = host.and_then(|place| self.network.hosts.get_mut(place)) else { return };
        let Passage::Through(delay) = host.pass(false) else { return };
        if host.misses(to.port()) {
            return;
        }
        let (at, nature) = (self.now.after(delay), host.nature.clone());
        let Some(conversation) = self.calls.get_mut(&id) else { return };
        conversation.turn += 1;
        match nature.udp.get(&to.port()) {
            None if nature.closed == Closed::Drop => {}
            None => {
                let what = What::Refused { id, how: Refused::Port };
                self.queue_at(at, Coming::Event(what));
            }
            Some(service) => {
                for Uttered { bytes, after, .. } in service.answer(bytes, conversation.turn) {
                    for _ in 0..nature.repeats {
                        let what = What::Heard { id, bytes: bytes.clone() };
                        self.queue_at(at.after(after), Coming::Event(what));
                    }
                }
            }
        }
    }

    /// Queues what the other end of a stream says.
    fn hear_from(&mut self, id: CallId, at: Timestamp, said: Vec<Uttered>) {
        let Some(conversation) = self.calls.get_mut(&id) else { return };
        let mut last = conversation.last.max(at);
        let mut coming = Vec::new();
        for Uttered { bytes, after, then } in said {
            last = last.after(after);
            for chunk in bytes.chunks(MOST_AT_ONCE) {
                coming.push((last, What::Heard { id, bytes: chunk.to_vec() }));
            }
            if matches!(then, Then::Close | Then::Reset) {
                coming.push((last, What::Ended { id, reset: then == Then::Reset }));
            }
        }
        conversation.last = last;
        for (at, what) in coming {
            self.queue_at(at, Coming::Event(what));
        }
    }

    /// Ends a conversation from our side; what was still under way is not heard.
    fn close(&mut self, id: CallId) {
        let Some(conversation) = self.calls.remove(&id) else { return };
        if conversation.talk.is_some() {
            self.keep(Some(conversation.call.to), &[]);
            self.count_to(conversation.call.to.ip(), false);
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
