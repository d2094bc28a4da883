//! One stage of a sweep over a link: every target of it in a seeded order, each when the link is ready for it; then
//! the loss, measured with known answers, and the silent ones once more where it is high.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, VecDeque},
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use super::{
    Answer, Cookie, How, connect,
    discover::{Host, Loss, Manner, Targets},
    read,
};
use crate::{
    link::{Act, CallId, Event, Interface, Link, What, guard},
    observe::Mac,
    scope::{Order, Refusal, Tier},
    time::Timestamp,
};

/// Targets that wait until the link is ready for them, at most.
const MOST_WAITING: usize = 64;
/// Connections that are being made at a time, at most.
const MOST_CALLS: usize = 256;
/// Answers of a stage that are remembered, at most; the rest may be asked again.
const MOST_ANSWERS: usize = 1 << 18;
/// Known answers that are asked again to measure the loss.
const SAMPLE: u64 = 32;
/// The share of them, in hundredths, that may be silent before the silent targets are asked again.
const MOST_LOST: u64 = 2;
/// Targets of a stage so few that the silent ones are asked again in any case.
const FEW: u64 = 256;
/// Events that are heard after the moment until which was to be heard, at most.
const MOST_LATE: u32 = 64;
/// How often the place is noted.
const NOTED: Duration = Duration::from_secs(2);
/// How often the place that all answers came for is moved on.
const SETTLED: Duration = Duration::from_millis(100);

/// What a target is: an address, and the port where one is asked.
pub(super) type Target = (IpAddr, Option<u16>);

/// A question, ready to go out.
pub(super) enum Question {
    /// As a frame.
    Frame { interface: usize, bytes: Vec<u8>, probe: &'static str },
    /// As a connection.
    Connect(SocketAddr),
}

/// A stage: its targets by number, and how each is asked.
pub(super) struct Stage<'a> {
    /// Its name in the journal.
    pub(super) name: &'static str,
    /// How many numbers there are.
    pub(super) count: u64,
    /// The first place that is asked.
    pub(super) from: u64,
    /// Whether any answer of a host settles all that is asked of it.
    pub(super) wants_hosts: bool,
    /// The target with a number; none where there is nothing to ask.
    pub(super) target: &'a dyn Fn(u64) -> Option<Target>,
    /// How it is asked; none where there is no way.
    pub(super) ask: &'a dyn Fn(Target) -> Option<Question>,
}

/// A sweep over a link, and what it found so far.
pub(super) struct Round<'a, L> {
    pub(super) link: &'a mut L,
    pub(super) manner: &'a Manner,
    pub(super) targets: &'a Targets,
    pub(super) cookie: Cookie,
    pub(super) hosts: BTreeMap<IpAddr, Host>,
    pub(super) open: BTreeSet<(IpAddr, u16)>,
    pub(super) loss: Loss,
    pub(super) refused: BTreeMap<&'static str, u64>,
    pub(super) sent: u64,
    pub(super) stopped: bool,
    pub(super) next_call: u32,
    /// The hardware addresses of routers, as far as they answered.
    pub(super) resolved: HashMap<IpAddr, Mac>,
    /// What was answered in this stage, and whether that showed life.
    answered: HashMap<Target, bool>,
    /// What may not be asked.
    forbidden: HashSet<Target>,
    /// Known answers that were asked again and are silent so far.
    expected: HashSet<Target>,
    calls: HashMap<CallId, (SocketAddr, Timestamp)>,
}

impl<'a, L: Link> Round<'a, L> {
    pub(super) fn new(link: &'a mut L, targets: &'a Targets, manner: &'a Manner) -> Self {
        let progress = &manner.progress;
        Self {
            link,
            manner,
            targets,
            cookie: Cookie::new(manner.seed),
            hosts: progress.hosts.iter().map(|host| (host.address, host.clone())).collect(),
            open: progress.open.iter().copied().collect(),
            loss: Loss::default(),
            refused: BTreeMap::new(),
            sent: 0,
            stopped: false,
            next_call: manner.first_call,
            resolved: HashMap::new(),
            answered: HashMap::new(),
            forbidden: HashSet::new(),
            expected: HashSet::new(),
            calls: HashMap::new(),
        }
    }

    /// Runs a stage to its end.
    pub(super) fn run(&mut self, stage: &Stage<'_>) {
        if self.stopped || stage.count == 0 {
            return;
        }
        self.answered.clear();
        self.forbidden.clear();
        self.pass(stage, stage.from, true);
        self.listen();
        let mut high = self.measure(stage);
        for _ in 1..self.manner.attempts {
            if self.stopped || !(high || stage.count <= FEW) {
                break;
            }
            let before = self.sent;
            self.pass(stage, 0, false);
            if self.sent == before {
                break;
            }
            self.listen();
            high = high && self.measure(stage);
        }
        if !self.stopped {
            self.link.note(&format!("sweep {} {}", stage.name, stage.count));
        }
    }

    /// Hears what comes until `until`.
    pub(super) fn hear_until(&mut self, until: Timestamp) {
        let mut late = 0;
        while let Some(event) = self.link.wait(until) {
            self.hear(event);
            // A network that never falls silent must not keep us from asking.
            if self.link.now() >= until {
                late += 1;
            }
            if late >= MOST_LATE {
                break;
            }
        }
        self.hang_up();
    }

    /// Hears what comes for as long as the sweep is patient.
    pub(super) fn listen(&mut self) {
        let until = self.link.now().after(self.manner.patience);
        self.hear_until(until);
    }

    /// Asks every target from a place on that is not settled.
    fn pass(&mut self, stage: &Stage<'_>, from: u64, noted: bool) {
        let order = Order::new(stage.count, self.manner.seed ^ seed_of(stage.name));
        let mut waiting: BinaryHeap<Reverse<(Timestamp, u64)>> = BinaryHeap::new();
        let (mut next, mut noted_at) = (from, self.link.now());
        // Moments, and the place that was next then: what lies before it has been asked.
        let mut asked: VecDeque<(Timestamp, u64)> = VecDeque::new();
        while !self.stopped {
            let now = self.link.now();
            let due = waiting.peek().is_some_and(|Reverse((ready, _))| *ready <= now);
            let room = waiting.len() < MOST_WAITING && next < stage.count;
            let place = match waiting.peek() {
                Some(_) if due => waiting.pop().map_or(next, |Reverse((_, place))| place),
                _ if room => {
                    next += 1;
                    next - 1
                }
                Some(Reverse((ready, _))) => {
                    self.hear_until(*ready);
                    continue;
                }
                None => break,
            };
            let question = (stage.target)(order.at(place))
                .filter(|target| !self.is_settled(stage, target))
                .and_then(|target| Some((target, (stage.ask)(target)?)));
            if let Some((target, question)) = question {
                if let Some(ready) = self.put(target, &question) {
                    waiting.push(Reverse((ready, place)));
                }
                self.hear_until(self.link.now());
            }
            if !noted {
                continue;
            }
            let now = self.link.now();
            if asked.back().is_none_or(|(at, _)| now.since(*at) >= nanoseconds(SETTLED)) {
                let first = waiting.iter().map(|Reverse((_, place))| *place).min();
                asked.push_back((now, first.unwrap_or(next)));
            }
            if now.since(noted_at) >= nanoseconds(NOTED) {
                noted_at = now;
                // Whoever goes on from here waits for the answers that may not have come.
                let patience = nanoseconds(self.manner.patience);
                while asked.len() > 1
                    && asked.get(1).is_some_and(|(at, _)| now.since(*at) >= patience)
                {
                    asked.pop_front();
                }
                if let Some((_, place)) = asked.front() {
                    self.link.note(&format!("sweep {} {place}", stage.name));
                }
            }
        }
    }

    /// Sends a question, or says when it may be sent.
    fn put(&mut self, target: Target, question: &Question) -> Option<Timestamp> {
        let now = self.link.now();
        let soon = now.after(Duration::from_millis(1));
        let sent = match question {
            Question::Frame { interface, bytes, probe } => {
                let ready = self.link.ready(target.0, 1);
                if ready > self.link.now() {
                    return Some(ready);
                }
                let (interface, probe) = (*interface, *probe);
                self.link.send(Act::Frame { interface, bytes, probe, tier: Tier::Ask })
            }
            Question::Connect(to) => {
                if self.calls.len() >= MOST_CALLS {
                    return Some(soon);
                }
                let ready = self.link.ready(target.0, guard::OPENING);
                if ready > self.link.now() {
                    return Some(ready);
                }
                let id = CallId(self.next_call);
                let opened = self.link.send(Act::Open(connect::ask(id, *to)));
                if opened.is_ok() {
                    self.next_call = self.next_call.saturating_add(1);
                    self.calls.insert(id, (*to, now));
                }
                opened
            }
        };
        match sent {
            Ok(()) => self.sent += 1,
            Err(Refusal::TooSoon(ready)) => return Some(ready.max(soon)),
            Err(Refusal::Stopping) => self.stopped = true,
            Err(refusal) => {
                *self.refused.entry(refusal.name()).or_default() += 1;
                if self.forbidden.len() < MOST_ANSWERS {
                    self.forbidden.insert(target);
                }
            }
        }
        None
    }

    fn is_settled(&self, stage: &Stage<'_>, target: &Target) -> bool {
        self.forbidden.contains(target)
            || self.answered.contains_key(target)
            || stage.wants_hosts && self.hosts.contains_key(&target.0)
    }

    /// Asks some of those that answered again: whether more are silent now than may be.
    fn measure(&mut self, stage: &Stage<'_>) -> bool {
        let alive = self.answered.iter().filter(|(_, alive)| **alive).map(|(target, _)| *target);
        let mut known: Vec<Target> = alive.collect();
        known.sort_unstable();
        let count = u64::try_from(known.len()).unwrap_or_default();
        let order = Order::new(count, self.manner.seed);
        let sample = (0..count.min(SAMPLE))
            .filter_map(|place| known.get(usize::try_from(order.at(place)).ok()?).copied());
        let mut asked = 0;
        for target in sample {
            let Some(question) = (stage.ask)(target) else { continue };
            let before = self.sent;
            self.expected.insert(target);
            while let Some(ready) = self.put(target, &question) {
                if self.stopped {
                    break;
                }
                self.hear_until(ready);
            }
            if self.sent == before {
                self.expected.remove(&target);
            } else {
                asked += 1;
            }
            if self.stopped {
                break;
            }
        }
        if asked > 0 {
            self.listen();
        }
        let silent = u64::try_from(self.expected.drain().count()).unwrap_or_default();
        self.loss.asked += asked;
        self.loss.silent += silent;
        silent * 100 > asked * MOST_LOST
    }

    fn hear(&mut self, event: Event) {
        match &event.what {
            What::Frame { interface, bytes } => {
                if let Some(answer) = read(bytes, &self.cookie, event.at) {
                    self.take(&answer, Some(*interface));
                }
            }
            What::Stop => self.stopped = true,
            What::Opened { id, .. } | What::Refused { id, .. } | What::Ended { id, .. } => {
                let id = *id;
                let Some((to, _)) = self.calls.remove(&id) else { return };
                if let Some(answer) = connect::read(&event.what, to, event.at) {
                    self.take(&answer, None);
                }
                if matches!(event.what, What::Opened { .. }) {
                    // A call that the other end has just ended has nothing to close.
                    let _ = self.link.send(Act::Close { id });
                }
            }
            What::Heard { .. } => {}
        }
    }

    /// Ends connections that nobody answers.
    fn hang_up(&mut self) {
        let (now, patience) = (self.link.now(), nanoseconds(self.manner.patience));
        let late = |(id, (_, at)): (&CallId, &(SocketAddr, Timestamp))| {
            (now.since(*at) >= patience).then_some(*id)
        };
        let late: Vec<CallId> = self.calls.iter().filter_map(late).collect();
        for id in late {
            self.calls.remove(&id);
            // As above.
            let _ = self.link.send(Act::Close { id });
        }
    }

    fn take(&mut self, answer: &Answer, interface: Option<usize>) {
        let target = (answer.address, answer.port);
        self.expected.remove(&target);
        let alive = answer.shows_life();
        let resolved = matches!(answer.how, How::Arp | How::Nd);
        if let Some(mac) = answer.mac.filter(|_| resolved)
            && self.targets.hops.iter().any(|hop| hop.gateway == answer.address)
        {
            self.resolved.insert(answer.address, mac);
        }
        if self.answered.len() < MOST_ANSWERS {
            *self.answered.entry(target).or_default() |= alive;
        }
        if !alive || !self.targets.concern(answer.address) {
            return;
        }
        let on_link = interface.is_some_and(|place| {
            let interface = self.link.interfaces().get(place);
            interface.is_some_and(|interface| is_on_link(interface, answer.address))
        });
        let mac = answer.mac.filter(|_| on_link);
        let new = !self.hosts.contains_key(&answer.address);
        let host = self.hosts.entry(answer.address).or_insert_with(|| Host {
            address: answer.address,
            mac,
            interface: interface.filter(|_| on_link),
            on_link,
            answers: Vec::new(),
        });
        if on_link && (host.mac.is_none() || resolved) {
            (host.mac, host.interface, host.on_link) = (mac, interface, true);
        }
        if !host.answers.contains(&answer.how) {
            host.answers.push(answer.how);
        }
        if new {
            let line = format!("sweep host {}", host.line());
            self.link.note(&line);
        }
        if let Some(port) = answer.port.filter(|_| answer.how.is_open())
            && self.open.insert((answer.address, port))
        {
            self.link.note(&format!("sweep open {} {port}", answer.address));
        }
    }
}

/// Whether an address is on the wire of an interface.
pub(super) fn is_on_link(interface: &Interface, address: IpAddr) -> bool {
    let link_local = matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local());
    link_local || interface.addresses.iter().any(|prefix| prefix.contains(address))
}

fn nanoseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

/// A number that is another for each stage.
fn seed_of(stage: &str) -> u64 {
    stage.bytes().fold(0, |number: u64, byte| (number.rotate_left(8)) ^ u64::from(byte))
}
