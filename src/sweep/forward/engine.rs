//! Asks the questions of all mechanisms: many neighbours at a time, one question of each.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, HashMap, VecDeque},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Duration,
};

use super::{
    super::{Way, cookie::PORTS, told},
    AFTER_REFUSAL, ALL, Answer, Case, Heard, INTERVAL, Kind, Neighbour, PATIENCE, Past, Plan,
    Question, Settled,
    answer::{self, About},
    past,
    question::{Carries, Mark},
    tally,
};
use crate::{
    link::{Act, Event, Interface, Link, What},
    observe::Mac,
    scope::Refusal,
    time::Timestamp,
};

/// Questions to one neighbour, at most, whatever it answers.
const MOST_QUESTIONS: usize = 512;

/// Questions whose answers are still taken when they come late.
const MOST_LATE: usize = 1 << 14;

/// Events that are heard at one moment before something is asked again.
const MOST_AT_ONCE: u32 = 256;

/// What came of it.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// What was settled about each neighbour, in the order in which they were given.
    pub heard: Vec<Vec<Heard>>,
    /// How many questions were sent.
    pub sent: u64,
    /// How many neighbours were not asked, by the kind of refusal.
    pub refused: BTreeMap<&'static str, u64>,
    /// Lines of coverage, wire by wire.
    pub lines: Vec<told::Told>,
    /// Whether the user ended it early.
    pub stopped: bool,
}

/// A question that is asked.
#[derive(Clone, Copy)]
struct Open {
    mechanism: &'static str,
    question: Question,
    /// How often it may be asked.
    most: u32,
    /// How often it was.
    attempts: u32,
    /// When last.
    last: Timestamp,
}

/// Where one neighbour stands.
struct Standing {
    heard: Vec<Heard>,
    /// What it is asked.
    open: Option<Open>,
    /// An answer that another may still follow.
    redirect: Option<Answer>,
    refused: Option<&'static str>,
    /// When it is looked at again. Of several entries in the queue this one counts.
    due: Option<Timestamp>,
}

struct Engine<'a, L> {
    link: &'a mut L,
    plan: &'a Plan,
    past: &'a Past,
    neighbours: &'a [Neighbour],
    ends: Vec<Option<Ends>>,
    standing: Vec<Standing>,
    due: BinaryHeap<Reverse<(Timestamp, usize)>>,
    /// What was asked, by what its answer is known by.
    asked: HashMap<About, (usize, &'static str, Question)>,
    /// The same, the oldest first.
    order: VecDeque<About>,
    /// When a box was asked last, by its hardware address: some have one on all their wires.
    spoken_to: HashMap<Mac, Timestamp>,
    number: u32,
    first: u32,
    sent: u64,
    stopped: bool,
}

/// Our ends on a wire.
struct Ends {
    mac: Mac,
    v4: Vec<ipnetwork::Ipv4Network>,
    link_local: Option<Ipv6Addr>,
    mtu: u32,
}

/// Asks every neighbour whatever the mechanisms of the plan want to know. `past` is what an earlier part of the run
/// did.
pub fn ask<L: Link>(link: &mut L, neighbours: &[Neighbour], plan: &Plan, past: &Past) -> Outcome {
    let now = link.now();
    // Another part of the same run must not take answers to this one's questions for its own.
    let first = fold(plan.seed ^ now.nanoseconds().unsigned_abs());
    let standing = |neighbour: &Neighbour| Standing {
        heard: past.settled(neighbour),
        open: None,
        redirect: None,
        refused: None,
        due: None,
    };
    let mut engine = Engine {
        ends: link.interfaces().iter().map(Ends::of).collect(),
        plan,
        past,
        neighbours,
        standing: neighbours.iter().map(standing).collect(),
        due: BinaryHeap::new(),
        asked: HashMap::new(),
        order: VecDeque::new(),
        spoken_to: HashMap::new(),
        number: 0,
        first,
        sent: 0,
        stopped: false,
        link,
    };
    // Whoever acts for a virtual router is asked by its own address first, so that no box is asked by two at a time.
    for virtual_ones in [false, true] {
        let mut first = engine.link.now();
        if virtual_ones {
            first = first.after(plan.interval.max(INTERVAL));
        }
        for (place, neighbour) in neighbours.iter().enumerate() {
            if neighbour.mac.is_virtual_router() == virtual_ones {
                engine.look_again(place, first);
            }
        }
        engine.run();
    }
    engine.outcome()
}

impl<L: Link> Engine<'_, L> {
    fn run(&mut self) {
        while !self.stopped
            && let Some(Reverse((at, place))) = self.due.peek().copied()
        {
            let now = self.link.now();
            if at > now {
                // What is heard may make somebody due before.
                if let Some(event) = self.link.wait(at) {
                    self.hear(&event);
                }
                continue;
            }
            self.due.pop();
            let counts = |standing: &mut Standing| standing.due.take_if(|due| *due == at);
            if self.standing.get_mut(place).and_then(counts).is_none() {
                continue;
            }
            if let Some(next) = self.turn(place, now) {
                self.look_again(place, next);
            }
            self.hear_until(self.link.now());
        }
    }

    /// Sees to it that a neighbour is looked at again at a moment, and not before.
    fn look_again(&mut self, place: usize, at: Timestamp) {
        if let Some(standing) = self.standing.get_mut(place) {
            standing.due = Some(at);
            self.due.push(Reverse((at, place)));
        }
    }

    /// Does what is due about a neighbour, and says when the next thing is; none when there is nothing more to ask.
    fn turn(&mut self, place: usize, now: Timestamp) -> Option<Timestamp> {
        let neighbour = self.neighbours.get(place)?;
        let standing = self.standing.get_mut(place)?;
        if standing.refused.is_some() {
            return None;
        }
        let interval = self.plan.interval.max(INTERVAL);
        let patience = PATIENCE.max(interval);
        if let Some(open) = standing.open {
            let until = open.last.after(patience);
            if now < until {
                return Some(until);
            }
            let answered = standing.redirect.take();
            if answered.is_some() || open.attempts >= open.most {
                self.settle(place, answered.map_or(Settled::Silent, Settled::Answered));
                return Some(now);
            }
            return self.put(place, open);
        }
        if standing.heard.len() >= MOST_QUESTIONS {
            return None;
        }
        let case = Case { neighbour, plan: self.plan, heard: &standing.heard };
        let uses = ALL.iter().filter(|mechanism| self.plan.uses(mechanism));
        let mut next = uses.filter_map(|known| Some((known.name, (known.next)(&case)?)));
        let (mechanism, (question, most)) =
            next.find(|(_, (question, _))| self.plan.allows(question.tier))?;
        let attempts = self.past.attempts(neighbour, mechanism, question);
        let open = Open { mechanism, question, most, attempts, last: now };
        if attempts >= most {
            standing.open = Some(open);
            self.settle(place, Settled::Silent);
            return Some(now);
        }
        self.put(place, open)
    }

    /// Sends a question, and says when to look again.
    fn put(&mut self, place: usize, open: Open) -> Option<Timestamp> {
        let Open { mechanism, question, attempts, .. } = open;
        let neighbour = self.neighbours.get(place)?;
        let patience = PATIENCE.max(self.plan.interval);
        let interval = self.plan.interval.max(INTERVAL);
        let free = self.spoken_to.get(&neighbour.mac).map(|last| last.after(interval));
        let ready = self.link.ready(neighbour.address, 1);
        let ready = free.map_or(ready, |free| ready.max(free));
        let now = self.link.now();
        if ready > now {
            return Some(ready);
        }
        let Some((about, bytes)) = self.frame(neighbour, &question) else {
            // There is no way to ask it from here, and so nothing to wait for.
            let heard = Heard { mechanism, question, attempts: 0, settled: Settled::Silent };
            self.standing.get_mut(place)?.heard.push(heard);
            return Some(now);
        };
        let act = Act::Frame {
            interface: neighbour.interface,
            bytes: &bytes,
            probe: mechanism,
            tier: question.tier,
        };
        match self.link.send(act) {
            Ok(()) => {}
            Err(Refusal::TooSoon(ready)) => {
                return Some(ready.max(now.after(Duration::from_millis(1))));
            }
            Err(Refusal::Stopping) => {
                self.stopped = true;
                return None;
            }
            Err(refusal) => {
                let standing = self.standing.get_mut(place)?;
                standing.open = None;
                standing.refused = Some(refusal.name());
                return None;
            }
        }
        self.sent += 1;
        self.spoken_to.insert(neighbour.mac, now);
        self.number = self.number.wrapping_add(1);
        self.remember(about, (place, mechanism, question));
        self.link.note(&past::asked(neighbour, mechanism, &question));
        let standing = self.standing.get_mut(place)?;
        standing.open = Some(Open { attempts: attempts + 1, last: now, ..open });
        Some(now.after(patience))
    }

    /// The frame that asks a question next, and what its answer is known by.
    fn frame(&self, neighbour: &Neighbour, question: &Question) -> Option<(About, Vec<u8>)> {
        let ends = self.ends.get(neighbour.interface)?.as_ref()?;
        let our_address = match question.destination {
            IpAddr::V4(_) => ends.towards(neighbour)?.into(),
            IpAddr::V6(_) => ends.link_local?.into(),
        };
        if let Carries::Whole(size) = question.carries
            && u32::from(size) > ends.mtu
        {
            return None;
        }
        let number = self.first.wrapping_add(self.number);
        let [a, b, c, d] = number.to_be_bytes();
        let (mut high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        if matches!(question.carries, Carries::Binding(_)) {
            high |= *PORTS.start();
        }
        let mark = Mark(high, low);
        let mut transaction = [0; 12];
        transaction[..8].copy_from_slice(&self.plan.seed.to_be_bytes());
        transaction[8..].copy_from_slice(&number.to_be_bytes());
        let way = Way { our_mac: ends.mac, our_address, next_mac: neighbour.mac };
        let frame = question.frame(&way, mark, transaction)?;
        let about = About { source: our_address, destination: question.destination, mark };
        Some((about, frame))
    }

    fn remember(&mut self, about: About, asked: (usize, &'static str, Question)) {
        if self.order.len() >= MOST_LATE
            && let Some(oldest) = self.order.pop_front()
        {
            self.asked.remove(&oldest);
        }
        if self.asked.insert(about, asked).is_none() {
            self.order.push_back(about);
        }
    }

    fn hear_until(&mut self, until: Timestamp) {
        let mut heard = 0;
        while let Some(event) = self.link.wait(until) {
            self.hear(&event);
            heard += 1;
            if self.stopped || heard >= MOST_AT_ONCE && self.link.now() >= until {
                break;
            }
        }
    }

    fn hear(&mut self, event: &Event) {
        match &event.what {
            What::Stop => self.stopped = true,
            What::Frame { bytes, .. } => {
                if let Some((about, answer)) = answer::read(bytes)
                    && let Some((place, mechanism, question)) = self.asked.get(&about).copied()
                {
                    self.take(place, mechanism, question, answer);
                }
            }
            _ => {}
        }
    }

    fn take(&mut self, place: usize, mechanism: &'static str, question: Question, answer: Answer) {
        let Some(standing) = self.standing.get_mut(place) else { return };
        let is_it = |open: &Open| (open.mechanism, open.question) == (mechanism, question);
        if let Some(Open { last, .. }) = standing.open.filter(is_it) {
            // Whoever names another router also sends the packet there, whose answer says more.
            if answer.kind == Kind::Redirect {
                standing.redirect = Some(answer);
                return;
            }
            standing.redirect = None;
            let pause = self.pause_after(answer.kind);
            self.settle(place, Settled::Answered(answer));
            let next = last.after(pause).max(self.link.now());
            self.look_again(place, next);
            return;
        }
        // It comes after patience had ended.
        let late = |heard: &&mut Heard| {
            (heard.mechanism, heard.question, &heard.settled)
                == (mechanism, question, &Settled::Silent)
        };
        if let Some(known) = standing.heard.iter_mut().find(late) {
            known.settled = Settled::Answered(answer);
            let line = self.neighbours.get(place).map(|neighbour| past::told(neighbour, known));
            let is_done = standing.open.is_none() && standing.due.is_none();
            self.link.note(&line.unwrap_or_default());
            // Something more may follow from it.
            if is_done {
                let next = self.link.now().after(self.plan.interval.max(INTERVAL));
                self.look_again(place, next);
            }
        }
    }

    /// How long a neighbour is left alone after such an answer.
    fn pause_after(&self, kind: Kind) -> Duration {
        let refused = matches!(kind, Kind::NoRoute | Kind::HostUnreachable | Kind::Prohibited);
        let least = if refused { AFTER_REFUSAL } else { INTERVAL };
        self.plan.interval.max(least)
    }

    fn settle(&mut self, place: usize, settled: Settled) {
        let Some(standing) = self.standing.get_mut(place) else { return };
        let Some(open) = standing.open.take() else { return };
        let Open { mechanism, question, attempts, .. } = open;
        let heard = Heard { mechanism, question, attempts, settled };
        let line = self.neighbours.get(place).map(|neighbour| past::told(neighbour, &heard));
        standing.heard.push(heard);
        self.link.note(&line.unwrap_or_default());
    }

    fn outcome(self) -> Outcome {
        let mut refused: BTreeMap<&'static str, u64> = BTreeMap::new();
        let (mut told, mut spared) = (Vec::new(), Vec::new());
        for (neighbour, standing) in self.neighbours.iter().zip(&self.standing) {
            if let Some(reason) = standing.refused {
                *refused.entry(reason).or_default() += 1;
                if standing.heard.is_empty() {
                    spared.push((neighbour, spared_for(reason)));
                    continue;
                }
            }
            told.push((neighbour, standing.heard.as_slice()));
        }
        let lines = tally::lines(self.plan, self.link.interfaces(), &told, &spared, self.stopped);
        let (sent, stopped) = (self.sent, self.stopped);
        let heard = self.standing.into_iter().map(|standing| standing.heard).collect();
        Outcome { heard, sent, refused, lines, stopped }
    }
}

/// The word of coverage for a refusal.
fn spared_for(reason: &'static str) -> &'static str {
    if reason.starts_with("fragile") { "fragile" } else { "not_allowed" }
}

impl Ends {
    fn of(interface: &Interface) -> Option<Self> {
        let mac = interface.mac.filter(|_| interface.up && !interface.loopback)?;
        let (mut v4, mut link_local) = (Vec::new(), None);
        for network in &interface.addresses {
            match network {
                ipnetwork::IpNetwork::V4(network) => v4.push(*network),
                ipnetwork::IpNetwork::V6(network) if network.ip().is_unicast_link_local() => {
                    link_local = link_local.or(Some(network.ip()));
                }
                ipnetwork::IpNetwork::V6(_) => {}
            }
        }
        Some(Self { mac, v4, link_local, mtu: interface.mtu })
    }

    /// Our address in the network of a neighbour; none where it has no address of IPv4 beside one of ours.
    fn towards(&self, neighbour: &Neighbour) -> Option<Ipv4Addr> {
        let beside = |address: &IpAddr| match address {
            IpAddr::V4(v4) => self.v4.iter().find(|network| network.contains(*v4)),
            IpAddr::V6(_) => None,
        };
        neighbour.addresses.iter().find_map(beside).map(|network| network.ip())
    }
}

/// A number of 32 bits from one of 64.
fn fold(number: u64) -> u32 {
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    u32::try_from(mixed >> 32).unwrap_or_default()
}
