//! Conversations: who talks with whom, and what is known of it. Bounded in number and in bytes.

use std::{
    hash::BuildHasher,
    net::{IpAddr, Ipv6Addr},
};

use hashbrown::HashTable;

use super::{reassemble::Stream, seen::Seen};
use crate::observe::{End, Mac, Protocol};

/// How many conversations one shard follows. The one that was silent longest gives way.
const MOST_FLOWS: usize = 1 << 15;

/// How many bytes of streams one shard holds.
const MOST_BYTES: usize = 16 << 20;

/// How much of what was said last is kept.
const KEPT: usize = 128;

/// What the packets of a conversation share, whichever way they go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key {
    low: (u128, u16),
    high: (u128, u16),
    /// The protocol number in IP.
    protocol: u8,
    /// It stands in clear beside the encrypted one that it is.
    clear: bool,
}

/// Which way a packet goes: from the lower address and port to the higher, or back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// From the lower end.
    Up,
    /// From the higher end.
    Down,
}

impl Key {
    /// The conversation of a packet, and which way the packet goes.
    pub(super) fn new(from: (IpAddr, u16), to: (IpAddr, u16), protocol: u8) -> (Self, Direction) {
        let (from, to) = ((number(from.0), from.1), (number(to.0), to.1));
        if from <= to {
            (Self { low: from, high: to, protocol, clear: false }, Direction::Up)
        } else {
            (Self { low: to, high: from, protocol, clear: false }, Direction::Down)
        }
    }

    /// The conversation that a recording shows in clear beside this one, or this one.
    pub(super) fn in_clear(self, clear: bool) -> Self {
        Self { clear, ..self }
    }

    /// Sender and receiver of packets that go `direction`.
    pub(super) fn ends(&self, direction: Direction) -> ((IpAddr, u16), (IpAddr, u16)) {
        let end =
            |(address, port): (u128, u16)| (Ipv6Addr::from_bits(address).to_canonical(), port);
        match direction {
            Direction::Up => (end(self.low), end(self.high)),
            Direction::Down => (end(self.high), end(self.low)),
        }
    }

    /// The protocol number in IP.
    pub(super) fn protocol(&self) -> u8 {
        self.protocol
    }
}

/// An address as a number; IPv4 as IPv6 maps it.
fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => 0xffff_0000_0000 | u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// A conversation.
#[derive(Debug)]
pub(super) struct Flow {
    /// Whose it is.
    pub key: Key,
    /// Who began it, where that was seen.
    pub begun_by: Option<Direction>,
    /// What it was understood to be.
    pub protocol: Option<&'static Protocol>,
    up: Way,
    down: Way,
    /// It spoke since the last round of giving way.
    recent: bool,
}

/// What one end said.
#[derive(Debug, Default)]
pub(super) struct Way {
    /// Nothing further of it matters.
    pub done: bool,
    /// Between which hardware addresses it was last noted for the table of gateways.
    pub(crate) noted: Option<(Option<Mac>, Option<Mac>)>,
    /// How often it was noted.
    pub(crate) notes: u8,
    /// Its newest packet.
    pub seen: Option<Seen>,
    /// How many more routers could have forwarded that.
    pub time_to_live: u8,
    /// How many messages were read, or attempts made to read its stream.
    pub read: u16,
    /// How many of them were understood.
    pub understood: u16,
    /// What has arrived of its stream.
    pub stream: Stream,
    /// The beginning of its last datagram.
    pub last: Vec<u8>,
}

impl Way {
    /// How many bytes of a stream it holds. The beginnings of datagrams are few and short; the number of
    /// conversations bounds them.
    fn held(&self) -> usize {
        self.stream.held()
    }

    /// Nothing further matters; what it held is given back, but for the beginning of what it said last: the
    /// other side may answer it.
    pub(super) fn close(&mut self) {
        self.done = true;
        self.stream.close();
    }

    /// Keeps the beginning of `said`, to hold against what is said next.
    pub(super) fn remember(last: &mut Vec<u8>, said: &[u8]) {
        last.clear();
        last.extend_from_slice(said.get(..KEPT).unwrap_or(said));
    }
}

impl Flow {
    fn new(key: Key) -> Self {
        let (up, down) = (Way::default(), Way::default());
        Self { key, begun_by: None, protocol: None, up, down, recent: true }
    }

    /// The way that goes `direction`, and the one back.
    pub(super) fn ways(&mut self, direction: Direction) -> (&mut Way, &mut Way) {
        match direction {
            Direction::Up => (&mut self.up, &mut self.down),
            Direction::Down => (&mut self.down, &mut self.up),
        }
    }

    /// Which end of a message that goes `direction` began the conversation.
    pub(super) fn begun_from(&self, direction: Direction) -> Option<End> {
        let begun_by = self.begun_by?;
        Some(if begun_by == direction { End::Speaker } else { End::Listener })
    }

    /// How many bytes of its streams it holds.
    pub(super) fn held(&self) -> usize {
        self.up.held() + self.down.held()
    }

    /// Whether anything said in it was understood.
    fn is_understood(&self) -> bool {
        self.up.understood > 0 || self.down.understood > 0
    }

    /// Forgets everything said: the same ends begin a new conversation.
    pub(super) fn restart(&mut self) {
        *self = Self { recent: true, ..Self::new(self.key) };
    }
}

/// The conversations of one shard.
#[derive(Debug, Default)]
pub(super) struct Flows {
    places: HashTable<u32>,
    hasher: foldhash::fast::RandomState,
    all: Vec<Flow>,
    /// Where the search for one to give way goes on.
    hand: usize,
    /// How many bytes of streams all hold.
    held: usize,
    /// How many gave way before they were understood.
    pub given_up: u64,
}

impl Flows {
    /// The conversation `key`. `give_way` is handed the one that makes room for it, if one must.
    pub(super) fn find(&mut self, key: Key, give_way: &mut impl FnMut(&mut Flow)) -> &mut Flow {
        let hash = self.hasher.hash_one(key);
        let known =
            self.places.find(hash, |place| self.flow(*place).is_some_and(|flow| flow.key == key));
        let place = match known.copied() {
            Some(place) => place as usize,
            None => self.insert(key, hash, give_way),
        };
        let flow = self.all.get_mut(place).expect("places hold only places of flows");
        flow.recent = true;
        flow
    }

    /// What was said that way in the conversation `key`, if it is followed.
    pub(super) fn way(&self, key: &Key, direction: Direction) -> Option<&Way> {
        let hash = self.hasher.hash_one(key);
        let known = |place: &u32| self.flow(*place).is_some_and(|flow| flow.key == *key);
        let flow = self.flow(*self.places.find(hash, known)?)?;
        Some(match direction {
            Direction::Up => &flow.up,
            Direction::Down => &flow.down,
        })
    }

    /// Notes that a conversation's bytes changed, and makes room if all hold too many.
    pub(super) fn account(
        &mut self,
        before: usize,
        after: usize,
        give_way: &mut impl FnMut(&mut Flow),
    ) {
        self.held = (self.held + after).saturating_sub(before);
        while self.held > MOST_BYTES {
            let place = self.longest_silent(|flow| flow.held() > 0);
            let Some(flow) = self.all.get_mut(place) else { return };
            let held = flow.held();
            give_way(flow);
            flow.up.close();
            flow.down.close();
            self.given_up += u64::from(!flow.is_understood());
            self.held = self.held.saturating_sub(held);
        }
    }

    /// Every conversation, for what is left to read at the end.
    pub(super) fn finish(&mut self) -> impl Iterator<Item = &mut Flow> {
        self.all.iter_mut()
    }

    /// How many conversations are followed, and how many bytes of streams they hold.
    #[cfg(test)]
    pub(super) fn size(&self) -> (usize, usize) {
        assert_eq!(self.held, self.all.iter().map(Flow::held).sum::<usize>());
        (self.all.len(), self.held)
    }

    fn flow(&self, place: u32) -> Option<&Flow> {
        self.all.get(place as usize)
    }

    fn insert(&mut self, key: Key, hash: u64, give_way: &mut impl FnMut(&mut Flow)) -> usize {
        let hasher = self.hasher.clone();
        let place = if self.all.len() < MOST_FLOWS {
            self.all.push(Flow::new(key));
            self.all.len() - 1
        } else {
            let place = self.longest_silent(|_| true);
            if let Some(flow) = self.all.get_mut(place) {
                let old = hasher.hash_one(flow.key);
                let held = flow.held();
                if let Ok(entry) = self.places.find_entry(old, |known| *known as usize == place) {
                    entry.remove();
                }
                if held > 0 {
                    give_way(flow);
                    self.given_up += u64::from(!flow.is_understood());
                }
                self.held = self.held.saturating_sub(held);
                *flow = Flow::new(key);
            }
            place
        };
        let all = &self.all;
        let number = u32::try_from(place).expect("fewer flows than MOST_FLOWS");
        self.places.insert_unique(hash, number, |known| {
            hasher.hash_one(all.get(*known as usize).map_or(key, |flow| flow.key))
        });
        place
    }

    /// The place of a conversation that fits and has not spoken for a round.
    fn longest_silent(&mut self, fits: impl Fn(&Flow) -> bool) -> usize {
        for _ in 0..=2 * self.all.len() {
            self.hand = (self.hand + 1) % self.all.len().max(1);
            let Some(flow) = self.all.get_mut(self.hand) else { break };
            if !fits(flow) {
                continue;
            }
            if !std::mem::take(&mut flow.recent) {
                break;
            }
        }
        self.hand
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(n: u32) -> (IpAddr, u16) {
        (IpAddr::from(n.to_be_bytes()), 80)
    }

    #[test]
    fn both_ways_are_one_conversation() {
        let (key, way) = Key::new(end(1), end(2), 6);
        let (same, back) = Key::new(end(2), end(1), 6);
        assert_eq!((key, way, back), (same, Direction::Up, Direction::Down));
        assert_eq!(key.ends(Direction::Down), (end(2), end(1)));
    }

    #[test]
    fn what_is_shown_in_clear_is_another_conversation() {
        let (key, _) = Key::new(end(1), end(2), 6);
        assert_ne!(key, key.in_clear(true));
        assert_eq!(key, key.in_clear(false));
    }

    #[test]
    fn a_million_half_open_conversations_stay_within_bounds() {
        let mut flows = Flows::default();
        for n in 0..1_000_000 {
            let (key, way) = Key::new(end(n), end(u32::MAX), 6);
            let flow = flows.find(key, &mut |_| {});
            let before = flow.held();
            flow.ways(way).0.stream.add(1, &[0; 100]);
            let after = flow.held();
            flows.account(before, after, &mut |_| {});
        }
        assert!(flows.all.len() <= MOST_FLOWS && flows.places.len() <= MOST_FLOWS);
        assert!(flows.held <= MOST_BYTES);
        assert_eq!(flows.held, flows.all.iter().map(Flow::held).sum::<usize>());
    }

    #[test]
    fn datagrams_that_give_way_leave_the_count_of_streams_right() {
        let mut flows = Flows::default();
        for n in 0..4 * u32::try_from(MOST_FLOWS).unwrap() {
            let protocol = if n % 2 == 0 { 6 } else { 17 };
            let (key, way) = Key::new(end(n), end(u32::MAX), protocol);
            let flow = flows.find(key, &mut |_| {});
            let before = flow.held();
            let way = flow.ways(way).0;
            if protocol == 6 {
                way.stream.add(1, &[0; 1000]);
            } else {
                way.last = vec![0; 128];
            }
            let after = flow.held();
            flows.account(before, after, &mut |_| {});
        }
        assert_eq!(flows.held, flows.all.iter().map(Flow::held).sum::<usize>());
        assert!(flows.held <= MOST_BYTES);
    }

    #[test]
    fn the_one_that_goes_on_speaking_stays() {
        let mut flows = Flows::default();
        let (talker, _) = Key::new(end(7), end(8), 17);
        for n in 0..3 * u32::try_from(MOST_FLOWS).unwrap() {
            flows.find(talker, &mut |_| {}).ways(Direction::Up).0.read = 5;
            flows.find(Key::new(end(n + 100), end(u32::MAX), 6).0, &mut |_| {});
        }
        assert_eq!(flows.find(talker, &mut |_| {}).ways(Direction::Up).0.read, 5);
    }
}
