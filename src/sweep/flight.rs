//! A sweep as fast as the wire takes it, or at a rate: threads ask, one hears, and nobody is remembered. Answers
//! are known by their cookies, so that a network of 16 million addresses takes no more memory than one of 256.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    io,
    net::{IpAddr, Ipv4Addr},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
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
/// Of how many answers one is asked again.
const ANSWERS_BETWEEN: u64 = 64;
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

/// Asks, each outlet on a thread of its own, and hands each answer over once. `stop` is looked at between batches;
/// `told` hears the tally every second.
pub fn fly<O: Outlet, I: Inlet>(
    mut outlets: Vec<Gate<O>>,
    mut inlet: I,
    plan: &Plan,
    stop: &(dyn Fn() -> Stop + Sync),
    mut answer: impl FnMut(&Answer) + Send,
    mut told: impl FnMut(&Tally),
) -> io::Result<Tally> {
    let shared = Shared::default();
    let Some((outlet, others)) = outlets.split_first_mut() else {
        return Err(io::Error::other("nothing to send with"));
    };
    let asking = Asking::new(plan, &shared, stop, outlet.now());
    let (asked, dropped) = thread::scope(|scope| {
        let named = |name: &str| thread::Builder::new().name(name.to_owned());
        let cookie = &asking.cookie;
        let hearing = named("answers").spawn_scoped(scope, || {
            let heard = hear(&mut inlet, plan, cookie, &shared, &mut answer);
            // Without ears there is no point in asking.
            shared.done.store(true, Ordering::Release);
            heard
        })?;
        let asked = thread::scope(|scope| {
            let asking = &asking;
            let mut helping = Vec::new();
            for other in others {
                helping.push(
                    named("questions").spawn_scoped(scope, || asking.share(other, &mut |_| ()))?,
                );
            }
            let asked = asking.share(outlet, &mut told);
            // One that cannot send any more ends the others too.
            if asked.is_err() {
                shared.done.store(true, Ordering::Release);
            }
            asked?;
            let ended = || io::Error::other("a thread that asks ended");
            helping.into_iter().try_for_each(|one| one.join().map_err(|_| ended())?)
        });
        let asked = asked.and_then(|()| asking.finish(outlet));
        shared.done.store(true, Ordering::Release);
        let ended = || io::Error::other("the thread that hears ended");
        Ok::<_, io::Error>((asked?, hearing.join().map_err(|_| ended())??))
    })?;
    let known = shared.known();
    Ok(Tally {
        answered: shared.answered.load(Ordering::Relaxed),
        refused: outlets.iter().map(Gate::refused).sum(),
        asked_again: known.asked,
        lost: known.asked - known.heard,
        dropped,
        ..asked
    })
}

/// What those that ask have in common.
struct Asking<'a> {
    plan: &'a Plan,
    shared: &'a Shared,
    stop: &'a (dyn Fn() -> Stop + Sync),
    cookie: Cookie,
    shapes: Vec<Shape>,
    order: Order,
    began: Timestamp,
    /// The place that nobody has taken yet.
    place: AtomicU64,
    sent: AtomicU64,
    pace: Mutex<Pace>,
}

impl<'a> Asking<'a> {
    fn new(
        plan: &'a Plan,
        shared: &'a Shared,
        stop: &'a (dyn Fn() -> Stop + Sync),
        began: Timestamp,
    ) -> Self {
        let shapes: Vec<Shape> =
            plan.questions.iter().filter_map(|question| Shape::new(question, &plan.way)).collect();
        let kinds = u64::try_from(shapes.len()).unwrap_or_default();
        Self {
            plan,
            shared,
            stop,
            cookie: Cookie::new(plan.seed),
            order: Order::new(plan.targets.count_v4() * kinds, plan.seed),
            shapes,
            began,
            place: AtomicU64::new(plan.from),
            sent: AtomicU64::new(0),
            pace: Mutex::new(Pace::new(plan.rate, began)),
        }
    }

    fn batch(&self) -> Batch {
        Batch::new(self.shapes.iter().map(|shape| shape.frame().len()).max().unwrap_or(0))
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many packets may go out at `now`; where there is a rate they count as sent.
    fn grant(&self, now: Timestamp, most: usize) -> Result<usize, Duration> {
        if self.plan.rate.is_none() { Ok(BATCH.min(most)) } else { self.pace().grant(now, most) }
    }

    fn tally(&self) -> Tally {
        let count = self.order.count();
        Tally {
            place: self.place.load(Ordering::Relaxed).min(count),
            count,
            sent: self.sent.load(Ordering::Relaxed),
            answered: self.shared.answered.load(Ordering::Relaxed),
            began: self.began,
            ended: self.began,
            ..Tally::default()
        }
    }

    /// Asks what nobody else asks, until all is asked.
    fn share<O: Outlet>(
        &self,
        outlet: &mut Gate<O>,
        told: &mut impl FnMut(&Tally),
    ) -> io::Result<()> {
        let (count, mut batch) = (self.order.count(), self.batch());
        let kinds = u64::try_from(self.shapes.len()).unwrap_or_default();
        let (mut batches, mut told_at) = (0_u64, self.began);
        let ended = || (self.stop)() != Stop::Not || self.shared.done.load(Ordering::Acquire);
        while self.place.load(Ordering::Relaxed) < count && !ended() {
            let now = outlet.now();
            let most = match self.grant(now, BATCH) {
                Ok(most) => u64::try_from(most).unwrap_or(1),
                Err(pause) => {
                    outlet.rest(pause.min(TURN));
                    continue;
                }
            };
            batch.clear();
            batches += 1;
            let again = batches.is_multiple_of(BATCHES_BETWEEN) && most > 1;
            let again = again && self.ask_known(&mut batch);
            let most = most - u64::from(again);
            let from = self.place.fetch_add(most, Ordering::Relaxed);
            for number in (from..(from + most).min(count)).map(|place| self.order.at(place)) {
                let shape = usize::try_from(number % kinds).ok();
                let shape = shape.and_then(|kind| self.shapes.get(kind));
                let target = self.plan.targets.nth_v4(number / kinds);
                if let (Some(shape), Some(target)) = (shape, target) {
                    shape.push(&mut batch, self.plan, &self.cookie, target);
                }
            }
            self.send(outlet, &mut batch)?;
            if now.since(told_at) >= TOLD {
                told_at = now;
                told(&self.tally());
            }
        }
        Ok(())
    }

    fn send<O: Outlet>(&self, outlet: &mut Gate<O>, batch: &mut Batch) -> io::Result<()> {
        let sent = outlet.send(batch)?;
        self.sent.fetch_add(sent, Ordering::Relaxed);
        Ok(())
    }

    /// Waits for answers, and asks again what was not asked again on the way, because the way was short.
    fn finish<O: Outlet>(&self, outlet: &mut Gate<O>) -> io::Result<Tally> {
        let (ended, mut batch) = (outlet.now(), self.batch());
        self.wait(outlet);
        let mut more = false;
        let few = || self.shared.known().asked < u64::try_from(MOST_KNOWN).unwrap_or(1);
        while (self.stop)() == Stop::Not && few() {
            batch.clear();
            if !self.ask_known(&mut batch) {
                break;
            }
            while let Err(pause) = self.grant(outlet.now(), 1) {
                outlet.rest(pause);
            }
            self.send(outlet, &mut batch)?;
            more = true;
        }
        if more {
            self.wait(outlet);
        }
        Ok(Tally { ended, ..self.tally() })
    }

    /// Waits for answers, unless the user will not.
    fn wait<O: Outlet>(&self, outlet: &mut O) {
        let until = outlet.now().after(self.plan.wait);
        let ended = || (self.stop)() == Stop::Now || self.shared.done.load(Ordering::Acquire);
        while outlet.now() < until && !ended() {
            outlet.rest(TURN.min(self.plan.wait));
        }
    }

    /// Adds a question whose answer is known, and tells whether there was one.
    fn ask_known(&self, batch: &mut Batch) -> bool {
        let key = {
            let mut known = self.shared.known();
            if known.expected.len() >= MOST_EXPECTED {
                return false;
            }
            let Some(key) = known.waiting.pop_front() else { return false };
            known.expected.insert(key);
            known.asked += 1;
            key
        };
        let (target, port, how) = key;
        match self.shapes.iter().find(|shape| shape.is_answered_by(port, how)) {
            Some(shape) => shape.push(batch, self.plan, &self.cookie, target),
            None => self.shared.known().forget(&key),
        }
        !batch.is_empty()
    }
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
        let is_new = seen.add(&key);
        let mut known = shared.known();
        if known.expected.remove(&key) {
            known.heard += 1;
        } else if is_new {
            let before = shared.answered.fetch_add(1, Ordering::Relaxed);
            let one_of_many = before.is_multiple_of(ANSWERS_BETWEEN);
            if one_of_many && found.shows_life() && known.waiting.len() < MOST_KNOWN {
                known.waiting.push_back(key);
            }
            drop(known);
            answer(&found);
        }
    };
    while !shared.done.load(Ordering::Acquire) {
        inlet.receive(TURN, &mut each)?;
    }
    inlet.receive(Duration::ZERO, &mut each)?;
    inlet.dropped()
}

/// The answers that were told lately, the latest first in each bucket.
struct Seen(Vec<Bucket>);

/// Notes of answers that share a place: as many as a line of the cache holds.
type Bucket = [u64; 8];

impl Seen {
    fn new() -> Self {
        Self(vec![[0; 8]; SLOTS / 8])
    }

    /// Notes an answer, and tells whether it is new.
    fn add(&mut self, (address, port, how): &Key) -> bool {
        // The highest bit tells a note from an empty slot.
        let kind = u64::from(*how as u8) << 48 | 1 << 63;
        let note = u64::from(address.to_bits()) << 16 | u64::from(port.unwrap_or(0)) | kind;
        // The last steps of SplitMix64 (Steele, Lea, Flood 2014).
        let mixed = (note ^ note >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        let place = usize::try_from(mixed >> 32).unwrap_or_default() % (SLOTS / 8);
        let Some(bucket) = self.0.get_mut(place) else { return true };
        if bucket.contains(&note) {
            return false;
        }
        bucket.rotate_right(1);
        if let Some(first) = bucket.first_mut() {
            *first = note;
        }
        true
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

    /// Takes as many packets as may go out now, `most` at most, or says how long to wait.
    fn grant(&mut self, now: Timestamp, most: usize) -> Result<usize, Duration> {
        let Some(rate) = self.rate.map(u64::from) else { return Ok(most) };
        let elapsed = u64::try_from(now.since(self.at)).unwrap_or(0);
        self.at = self.at.max(now);
        // A hundredth of a second's worth goes out at a time, and is what a pause may leave over.
        let burst = (rate / 100).clamp(1, BATCH as u64);
        let whole = burst * Self::PACKET;
        self.credit = self.credit.saturating_add(elapsed.saturating_mul(rate)).min(whole);
        if self.credit < whole {
            return Err(Duration::from_nanos((whole - self.credit).div_ceil(rate)));
        }
        let packets = burst.min(u64::try_from(most).unwrap_or(u64::MAX));
        self.credit -= packets * Self::PACKET;
        Ok(usize::try_from(packets).unwrap_or(1))
    }
}

#[cfg(test)]
mod tests;
