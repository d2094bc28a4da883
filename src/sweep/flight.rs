//! A sweep as fast as the wire takes it, or at a rate: one thread asks, one hears, and nobody is remembered. Answers
//! are known by their cookies, so that a network of 16 million addresses takes no more memory than one of 256.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    io,
    net::{IpAddr, Ipv4Addr},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use super::{Answer, Cookie, How, Way, arp, icmp, read, tcp_syn, udp};
use crate::{
    link::raw::{BATCH, Batch, Gate, Inlet, Outlet},
    observe::Mac,
    scope::{Blocks, Order},
    time::Timestamp,
};

/// Answers that are remembered so that none is told twice: slots, of which a newer answer takes an older one's.
const SLOTS: usize = 1 << 20;
/// Known answers that wait to be asked again, at most.
const MOST_KNOWN: usize = 16;
/// Known answers that were asked again and have not answered yet, at most.
const MOST_EXPECTED: usize = 4096;
/// After how many batches a known answer is asked again.
const BATCHES_BETWEEN: u64 = 8;
/// How long the thread that hears waits before it looks whether it should end.
const TURN: Duration = Duration::from_millis(50);
/// How often somebody is told how far it is.
const TOLD: i64 = 1_000_000_000;

/// What the user wants by now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Go on.
    Not,
    /// Begin nothing new; hear what is on its way.
    Drain,
    /// End now.
    Now,
}

/// What is asked of each target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Who has the address.
    Arp,
    /// An echo.
    Echo,
    /// Whether a TCP port is open.
    Syn(u16),
    /// What a UDP port answers to this.
    Udp(u16, Vec<u8>),
}

/// What is to be asked, and how fast.
#[derive(Debug, Clone)]
pub struct Plan {
    /// From where, and to which hardware address unless `macs` knows another.
    pub way: Way,
    /// Whom.
    pub targets: Blocks,
    /// The hardware addresses of targets on the wire itself; without them all goes to that of `way`.
    pub macs: HashMap<Ipv4Addr, Mac>,
    /// What.
    pub questions: Vec<Question>,
    /// What order and cookies follow from.
    pub seed: u64,
    /// The place to begin at.
    pub from: u64,
    /// Packets a second; none for as fast as it goes.
    pub rate: Option<u32>,
    /// How long to wait for the last answers.
    pub wait: Duration,
}

/// How it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Questions that went out, those asked again among them.
    pub sent: u64,
    /// Answers, each once.
    pub answered: u64,
    /// Questions that the consent refused.
    pub refused: u64,
    /// Known answers that were asked again in the midst of it.
    pub asked_again: u64,
    /// How many of them were silent then.
    pub lost: u64,
    /// Frames that the system could not keep for us.
    pub dropped: u64,
    /// The place that comes next.
    pub place: u64,
    /// How many places there are.
    pub count: u64,
    /// When the first question went out, and when the last had.
    pub began: Timestamp,
    /// When the last question had gone out.
    pub ended: Timestamp,
}

/// What the two threads share.
#[derive(Default)]
struct Shared {
    done: AtomicBool,
    answered: AtomicU64,
    known: Mutex<Known>,
}

/// Answers by which the loss is measured.
#[derive(Default)]
struct Known {
    waiting: VecDeque<Key>,
    expected: HashSet<Key>,
    asked: u64,
    heard: u64,
}

/// An answer, as far as it tells one from another: the address, the port, and what it is.
type Key = (Ipv4Addr, Option<u16>, How);

impl Shared {
    fn known(&self) -> MutexGuard<'_, Known> {
        // Counts are right whatever happened to the other thread.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks, and hands each answer over once. `stop` is looked at between batches; `told` hears the tally every second.
pub fn fly<O: Outlet, I: Inlet>(
    mut outlet: Gate<O>,
    mut inlet: I,
    plan: &Plan,
    stop: &(dyn Fn() -> Stop + Sync),
    mut answer: impl FnMut(&Answer) + Send,
    mut told: impl FnMut(&Tally),
) -> io::Result<Tally> {
    let cookie = Cookie::new(plan.seed);
    let shared = Shared::default();
    let shapes: Vec<Shape> =
        plan.questions.iter().filter_map(|question| Shape::new(question, &plan.way)).collect();
    std::thread::scope(|scope| {
        let hearing = std::thread::Builder::new().name("answers".to_owned());
        let hearing = hearing.spawn_scoped(scope, || {
            let heard = hear(&mut inlet, plan, &cookie, &shared, &mut answer);
            // Without ears there is no point in asking.
            shared.done.store(true, Ordering::Release);
            heard
        })?;
        let asked = ask(&mut outlet, plan, &cookie, &shapes, &shared, stop, &mut told);
        shared.done.store(true, Ordering::Release);
        let dropped =
            hearing.join().map_err(|_| io::Error::other("the thread that hears ended"))??;
        let known = shared.known();
        Ok(Tally {
            answered: shared.answered.load(Ordering::Relaxed),
            refused: outlet.refused(),
            asked_again: known.asked,
            lost: known.asked - known.heard,
            dropped,
            ..asked?
        })
    })
}

/// Asks everything, then waits.
fn ask<O: Outlet>(
    outlet: &mut Gate<O>,
    plan: &Plan,
    cookie: &Cookie,
    shapes: &[Shape],
    shared: &Shared,
    stop: &(dyn Fn() -> Stop + Sync),
    told: &mut impl FnMut(&Tally),
) -> io::Result<Tally> {
    let kinds = u64::try_from(shapes.len()).unwrap_or_default();
    let count = plan.targets.count_v4() * kinds;
    let order = Order::new(count, plan.seed);
    let began = outlet.now();
    let mut tally =
        Tally { place: plan.from.min(count), count, began, ended: began, ..Tally::default() };
    let mut pace = Pace::new(plan.rate, began);
    let mut batch = Batch::new(shapes.iter().map(|shape| shape.frame().len()).max().unwrap_or(0));
    let (mut batches, mut told_at) = (0_u64, began);
    let ended = || stop() != Stop::Not || shared.done.load(Ordering::Acquire);
    while tally.place < count && !ended() {
        let now = outlet.now();
        let most = match pace.grant(now) {
            Ok(most) => u64::try_from(most).unwrap_or(1),
            Err(pause) => {
                outlet.rest(pause.min(TURN));
                continue;
            }
        };
        batch.clear();
        batches += 1;
        let again = batches.is_multiple_of(BATCHES_BETWEEN) && most > 1;
        let again = again && ask_known(&mut batch, plan, cookie, shapes, shared);
        let most = (most - u64::from(again)).min(count - tally.place);
        for number in (tally.place..tally.place + most).map(|place| order.at(place)) {
            let shape = usize::try_from(number % kinds).ok().and_then(|kind| shapes.get(kind));
            if let (Some(shape), Some(target)) = (shape, plan.targets.nth_v4(number / kinds)) {
                shape.push(&mut batch, plan, cookie, target);
            }
        }
        tally.place += most;
        pace.take(most + u64::from(again));
        tally.sent += outlet.send(&mut batch)?;
        if now.since(told_at) >= TOLD {
            told_at = now;
            told(&Tally { answered: shared.answered.load(Ordering::Relaxed), ..tally });
        }
    }
    tally.ended = outlet.now();
    wait(outlet, plan.wait, stop, shared);
    // What was not asked again on the way, because the way was short.
    let mut more = false;
    while stop() == Stop::Not && shared.known().asked < u64::try_from(MOST_KNOWN).unwrap_or(1) {
        batch.clear();
        if !ask_known(&mut batch, plan, cookie, shapes, shared) {
            break;
        }
        while let Err(pause) = pace.grant(outlet.now()) {
            outlet.rest(pause);
        }
        pace.take(1);
        tally.sent += outlet.send(&mut batch)?;
        more = true;
    }
    if more {
        wait(outlet, plan.wait, stop, shared);
    }
    Ok(tally)
}

/// Waits for answers, unless the user will not.
fn wait<O: Outlet>(
    outlet: &mut O,
    duration: Duration,
    stop: &(dyn Fn() -> Stop + Sync),
    shared: &Shared,
) {
    let until = outlet.now().after(duration);
    while outlet.now() < until && stop() != Stop::Now && !shared.done.load(Ordering::Acquire) {
        outlet.rest(TURN.min(duration));
    }
}

/// Adds a question whose answer is known, and tells whether there was one.
fn ask_known(
    batch: &mut Batch,
    plan: &Plan,
    cookie: &Cookie,
    shapes: &[Shape],
    shared: &Shared,
) -> bool {
    let key = {
        let mut known = shared.known();
        if known.expected.len() >= MOST_EXPECTED {
            return false;
        }
        let Some(key) = known.waiting.pop_front() else { return false };
        known.expected.insert(key);
        known.asked += 1;
        key
    };
    let (target, port, how) = key;
    match shapes.iter().find(|shape| shape.is_answered_by(port, how)) {
        Some(shape) => shape.push(batch, plan, cookie, target),
        None => shared.known().forget(&key),
    }
    !batch.is_empty()
}

impl Known {
    fn forget(&mut self, key: &Key) {
        if self.expected.remove(key) {
            self.asked -= 1;
        }
    }
}

/// Hears until all is done, and tells how much the system could not keep.
fn hear<I: Inlet>(
    inlet: &mut I,
    plan: &Plan,
    cookie: &Cookie,
    shared: &Shared,
    answer: &mut (impl FnMut(&Answer) + Send),
) -> io::Result<u64> {
    let mut seen = Seen::new();
    let mut each = |at: Timestamp, frame: &[u8]| {
        let Some(found) = read(frame, cookie, at) else { return };
        let IpAddr::V4(address) = found.address else { return };
        if !plan.targets.contains(found.address) {
            return;
        }
        let key = (address, found.port, found.how);
        if seen.add(&key) {
            let before = shared.answered.fetch_add(1, Ordering::Relaxed);
            // Not each answer: the lock is the other thread's too.
            if before.is_multiple_of(64) && found.shows_life() {
                let mut known = shared.known();
                if known.waiting.len() < MOST_KNOWN {
                    known.waiting.push_back(key);
                }
            }
            answer(&found);
        } else {
            let mut known = shared.known();
            if known.expected.remove(&key) {
                known.heard += 1;
            }
        }
    };
    while !shared.done.load(Ordering::Acquire) {
        inlet.receive(TURN, &mut each)?;
    }
    inlet.receive(Duration::ZERO, &mut each)?;
    inlet.dropped()
}

/// The answers that were told lately.
struct Seen(Vec<u64>);

impl Seen {
    fn new() -> Self {
        Self(vec![0; SLOTS])
    }

    /// Notes an answer, and tells whether it is new.
    fn add(&mut self, (address, port, how): &Key) -> bool {
        // No port and port 0 are of two kinds of answers; the highest bit tells a note from an empty slot.
        let kind = u64::from(*how as u8) << 48 | 1 << 63;
        let note = u64::from(address.to_bits()) << 16 | u64::from(port.unwrap_or(0)) | kind;
        let spread = note.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 44;
        let slot = usize::try_from(spread).ok().and_then(|slot| self.0.get_mut(slot));
        slot.is_some_and(|slot| std::mem::replace(slot, note) != note)
    }
}

/// A question with its frame.
enum Shape {
    Arp(arp::Template),
    Echo(icmp::Template),
    Syn(tcp_syn::Template, u16),
    Udp(udp::Template),
}

impl Shape {
    fn new(question: &Question, way: &Way) -> Option<Self> {
        match question {
            Question::Arp => arp::Template::new(way).map(Self::Arp),
            Question::Echo => icmp::Template::new(way).map(Self::Echo),
            Question::Syn(port) => {
                tcp_syn::Template::new(way).map(|template| Self::Syn(template, *port))
            }
            Question::Udp(port, payload) => udp::Template::new(way, *port, payload).map(Self::Udp),
        }
    }

    fn frame(&self) -> &[u8] {
        match self {
            Self::Arp(template) => template.frame(),
            Self::Echo(template) => template.frame(),
            Self::Syn(template, _) => template.frame(),
            Self::Udp(template) => template.frame(),
        }
    }

    fn push(&self, batch: &mut Batch, plan: &Plan, cookie: &Cookie, target: Ipv4Addr) {
        let Some(copy) = batch.push(self.frame()) else { return };
        match self {
            Self::Arp(template) => template.aim(copy, target),
            Self::Echo(template) => template.aim(copy, cookie, target),
            Self::Syn(template, port) => template.aim(copy, cookie, target, *port),
            Self::Udp(template) => template.aim(copy, cookie, target),
        }
        if !plan.macs.is_empty()
            && let (Some(mac), Some(place)) = (plan.macs.get(&target), copy.first_chunk_mut::<6>())
        {
            *place = mac.0;
        }
    }

    fn is_answered_by(&self, port: Option<u16>, how: How) -> bool {
        match self {
            Self::Arp(_) => how == How::Arp,
            Self::Echo(_) => how == How::Echo,
            Self::Syn(_, own) => port == Some(*own) && matches!(how, How::SynAck | How::Reset),
            Self::Udp(template) => {
                port == Some(template.port()) && matches!(how, How::Udp | How::PortUnreachable)
            }
        }
    }
}

/// A token bucket, in billionths of a packet.
struct Pace {
    rate: Option<u32>,
    credit: u64,
    at: Timestamp,
}

impl Pace {
    const PACKET: u64 = 1_000_000_000;

    fn new(rate: Option<u32>, at: Timestamp) -> Self {
        // The first packet goes out at once.
        Self { rate: rate.map(|rate| rate.max(1)), credit: Self::PACKET, at }
    }

    /// How many packets may go out now, or how long to wait.
    fn grant(&mut self, now: Timestamp) -> Result<usize, Duration> {
        let Some(rate) = self.rate.map(u64::from) else { return Ok(BATCH) };
        let elapsed = u64::try_from(now.since(self.at)).unwrap_or(0);
        self.at = now;
        // A hundredth of a second's worth goes out at a time, and is what a pause may leave over.
        let burst = (rate / 100).clamp(1, BATCH as u64);
        let most = burst * Self::PACKET;
        self.credit = self.credit.saturating_add(elapsed.saturating_mul(rate)).min(most);
        if self.credit < most {
            return Err(Duration::from_nanos((most - self.credit).div_ceil(rate)));
        }
        Ok(usize::try_from(burst).unwrap_or(1))
    }

    fn take(&mut self, packets: u64) {
        self.credit = self.credit.saturating_sub(packets * Self::PACKET);
    }
}

#[cfg(test)]
mod tests;
