//! A bad network, for tests: what is lost, late, twice, out of order, cut, garbled, endless or broken off follows from
//! a seed, the same every time.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    time::Duration,
};

use super::{Act, CallId, Event, Interface, Link, Speaker, What};
use crate::{observe::Transport, scope::Refusal, time::Timestamp};

/// Events that wait at a time; what comes when there are more is lost.
const MOST_WAITING: usize = 1 << 16;

/// Bytes of each piece of a stream without an end.
const PIECE: usize = 4096;

/// How often a stream without an end says something.
const PULSE: Duration = Duration::from_millis(1);

/// What goes wrong. Shares are in a thousand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Faults {
    /// What it follows from.
    pub seed: u64,
    /// Frames and datagrams that are lost on the way out, and conversations that are never answered.
    pub lost_sent: u32,
    /// Frames and datagrams that are lost on the way in.
    pub lost_heard: u32,
    /// Frames and datagrams that come twice.
    pub twice: u32,
    /// Frames and datagrams that come after what was said later.
    pub out_of_order: u32,
    /// Frames and datagrams that come cut, and streams that end early.
    pub cut: u32,
    /// Frames, datagrams and pieces of streams of which some bytes are others.
    pub garbled: u32,
    /// Streams that are broken off.
    pub reset: u32,
    /// Streams that never end once they have begun.
    pub endless: u32,
    /// Streams come in single bytes.
    pub bytewise: bool,
    /// Everything comes late, by up to so much.
    pub delay: Duration,
}

/// A link on which something goes wrong.
#[derive(Debug)]
pub struct Fault<L> {
    link: L,
    faults: Faults,
    state: u64,
    /// What comes, in the order in which it does.
    waiting: BTreeMap<(Timestamp, u64), Event>,
    /// How much has come so far, to keep what comes at one moment in order.
    count: u64,
    calls: HashMap<CallId, Stream>,
}

/// A conversation.
#[derive(Debug, Clone, Copy)]
struct Stream {
    transport: Transport,
    /// Nothing gets through.
    lost: bool,
    /// It was ended here, whatever the other end thinks.
    over: bool,
    /// When it says the next of what never ends.
    endless: Option<Timestamp>,
    /// The last moment at which something of it comes: streams stay in order.
    last: Timestamp,
}

impl<L: Link> Fault<L> {
    /// `link`, with faults.
    pub fn new(link: L, faults: Faults) -> Self {
        Self {
            link,
            faults,
            state: faults.seed,
            waiting: BTreeMap::new(),
            count: 0,
            calls: HashMap::new(),
        }
    }

    /// The link behind the faults.
    pub fn link(&self) -> &L {
        &self.link
    }

    fn random(&mut self) -> u64 {
        // SplitMix64 (Steele, Lea, Flood 2014).
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`.
    fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.random() % limit).unwrap_or_default()
    }

    /// Whether this time it is one of a share in a thousand.
    fn hits(&mut self, share: u32) -> bool {
        share > 0 && self.random() % 1000 < u64::from(share)
    }

    fn late(&mut self) -> Duration {
        let most = u64::try_from(self.faults.delay.as_nanos()).unwrap_or(u64::MAX);
        if most == 0 { Duration::ZERO } else { Duration::from_nanos(self.random() % most) }
    }

    fn push(&mut self, at: Timestamp, what: What) {
        if self.waiting.len() < MOST_WAITING {
            self.waiting.insert((at, self.count), Event { at, what });
            self.count += 1;
        }
    }

    fn garble(&mut self, bytes: &mut [u8]) {
        for _ in 0..bytes.len().div_ceil(8) {
            let (place, other) = (self.below(bytes.len()), self.random().to_be_bytes()[0]);
            if let Some(byte) = bytes.get_mut(place) {
                *byte = other;
            }
        }
    }

    /// Takes what the network says, and makes of it what comes.
    fn admit(&mut self, event: Event) {
        let late = self.late();
        let at = event.at.after(late);
        match event.what {
            What::Stop => self.push(event.at, What::Stop),
            What::Frame { interface, bytes } => {
                self.loose(at, bytes, |bytes| What::Frame { interface, bytes });
            }
            What::Heard { id, bytes } => match self.calls.get(&id).copied() {
                Some(stream) if stream.over || stream.lost => {}
                Some(Stream { transport: Transport::Udp, .. }) => {
                    self.loose(at, bytes, |bytes| What::Heard { id, bytes });
                }
                _ => self.piece(at, id, bytes),
            },
            What::Opened { id, .. } | What::Refused { id, .. } | What::Ended { id, .. } => {
                let Some(stream) = self.calls.get_mut(&id) else {
                    return self.push(at, event.what);
                };
                let stays = stream.endless.is_some() && matches!(event.what, What::Ended { .. });
                if stream.over || stream.lost || stays {
                    return;
                }
                stream.last = stream.last.max(at);
                let at = stream.last;
                self.push(at, event.what);
            }
        }
    }

    /// A frame or a datagram.
    fn loose(&mut self, at: Timestamp, mut bytes: Vec<u8>, what: impl Fn(Vec<u8>) -> What) {
        let faults = self.faults;
        if self.hits(faults.lost_heard) {
            return;
        }
        if self.hits(faults.cut) {
            let length = self.below(bytes.len());
            bytes.truncate(length);
        }
        if self.hits(faults.garbled) {
            self.garble(&mut bytes);
        }
        let at = if self.hits(faults.out_of_order) {
            at.after(faults.delay.max(PULSE * 10))
        } else {
            at
        };
        if self.hits(faults.twice) {
            let late = self.late();
            self.push(at.after(late), what(bytes.clone()));
        }
        self.push(at, what(bytes));
    }

    /// A piece of a stream.
    fn piece(&mut self, at: Timestamp, id: CallId, mut bytes: Vec<u8>) {
        let faults = self.faults;
        let Some(mut stream) = self.calls.get(&id).copied() else { return };
        let at = at.max(stream.last);
        stream.last = at;
        let (cut, reset) = (self.hits(faults.cut), self.hits(faults.reset));
        if cut || reset {
            stream.over = true;
            let length = self.below(bytes.len());
            bytes.truncate(length);
        }
        if self.hits(faults.garbled) {
            self.garble(&mut bytes);
        }
        if faults.bytewise {
            for byte in bytes {
                self.push(at, What::Heard { id, bytes: vec![byte] });
            }
        } else if !bytes.is_empty() {
            self.push(at, What::Heard { id, bytes });
        }
        if stream.over {
            self.push(at, What::Ended { id, reset });
        } else if stream.endless.is_none() && self.hits(faults.endless) {
            stream.endless = Some(self.go_on(at, id));
        }
        self.calls.insert(id, stream);
    }

    /// The next piece of a stream without an end, and when it comes.
    fn go_on(&mut self, at: Timestamp, id: CallId) -> Timestamp {
        let mut bytes = vec![0; PIECE];
        self.garble(&mut bytes);
        let at = at.after(PULSE);
        self.push(at, What::Heard { id, bytes });
        at
    }

    fn next_at(&self) -> Option<Timestamp> {
        self.waiting.keys().next().map(|(at, _)| *at)
    }

    /// Hands out what is due.
    fn deliver(&mut self) -> Option<Event> {
        let (_, event) = self.waiting.pop_first()?;
        if let What::Heard { id, .. } = event.what
            && self.calls.get(&id).is_some_and(|stream| stream.endless == Some(event.at))
        {
            let next = self.go_on(event.at, id);
            if let Some(stream) = self.calls.get_mut(&id) {
                stream.endless = Some(next);
            }
        }
        Some(event)
    }
}

impl<L: Link> Link for Fault<L> {
    fn now(&self) -> Timestamp {
        self.link.now()
    }

    fn ready(&self, to: IpAddr, packets: u32) -> Timestamp {
        self.link.ready(to, packets)
    }

    fn send(&mut self, act: Act<'_>) -> Result<(), Refusal> {
        let share = self.faults.lost_sent;
        match act {
            Act::Frame { .. } if self.hits(share) => Ok(()),
            Act::Frame { .. } => self.link.send(act),
            Act::Open(call) => {
                let lost = call.transport == Transport::Tcp && self.hits(share);
                if !lost {
                    self.link.send(act)?;
                }
                let last = self.link.now();
                let transport = call.transport;
                let stream = Stream { transport, lost, over: false, endless: None, last };
                self.calls.insert(call.id, stream);
                Ok(())
            }
            Act::Say { id, .. } => {
                let stream = self.calls.get(&id).copied();
                let swallowed = stream.is_some_and(|stream| stream.lost || stream.over);
                let datagram = stream.is_some_and(|stream| stream.transport == Transport::Udp);
                if swallowed || (datagram && self.hits(share)) {
                    return Ok(());
                }
                self.link.send(act)
            }
            Act::Close { id } => {
                let stream = self.calls.remove(&id);
                self.waiting.retain(|_, event| {
                    let (What::Opened { id: of, .. }
                    | What::Refused { id: of, .. }
                    | What::Heard { id: of, .. }
                    | What::Ended { id: of, .. }) = &event.what
                    else {
                        return true;
                    };
                    *of != id
                });
                if stream.is_some_and(|stream| stream.lost) {
                    return Ok(());
                }
                self.link.send(act)
            }
        }
    }

    fn wait(&mut self, until: Timestamp) -> Option<Event> {
        loop {
            let now = self.link.now();
            let due = self.next_at();
            if due.is_some_and(|due| due <= now) {
                return self.deliver();
            }
            let limit = due.map_or(until, |due| due.min(until));
            match self.link.wait(limit) {
                Some(event) => self.admit(event),
                // What is late may have become due just now.
                None if due.is_some_and(|due| due <= self.link.now()) => {}
                None => return None,
            }
        }
    }

    fn reveal(&mut self, call: CallId, speaker: Speaker, bytes: &[u8]) {
        self.link.reveal(call, speaker, bytes);
    }

    fn note(&mut self, line: &str) {
        self.link.note(line);
    }

    fn interfaces(&self) -> &[Interface] {
        self.link.interfaces()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;
    use crate::{link::Call, scope::Tier};

    /// Says the numbers from 0 on in frames, or whatever it is given.
    #[derive(Debug, Default)]
    struct Paper {
        now: Timestamp,
        says: VecDeque<What>,
        sent: usize,
    }

    impl Link for Paper {
        fn now(&self) -> Timestamp {
            self.now
        }

        fn send(&mut self, _: Act<'_>) -> Result<(), Refusal> {
            self.sent += 1;
            Ok(())
        }

        fn wait(&mut self, until: Timestamp) -> Option<Event> {
            let Some(what) = self.says.pop_front() else {
                self.now = self.now.max(until);
                return None;
            };
            Some(Event { at: self.now, what })
        }
    }

    const ID: CallId = CallId(1);

    fn call(transport: Transport) -> Act<'static> {
        let to = "192.0.2.1:443".parse().unwrap();
        Act::Open(Call { id: ID, to, transport, probe: "test", tier: Tier::Ask })
    }

    /// Everything that comes within a second.
    fn all<L: Link>(link: &mut L) -> Vec<Event> {
        let until = link.now().after(Duration::from_secs(1));
        std::iter::from_fn(|| link.wait(until)).take(10_000).collect()
    }

    fn frames(faults: Faults) -> Vec<Event> {
        let says = (0..1000_u32)
            .map(|number| What::Frame { interface: 0, bytes: number.to_be_bytes().to_vec() });
        all(&mut Fault::new(Paper { says: says.collect(), ..Paper::default() }, faults))
    }

    fn stream(faults: Faults) -> Vec<Event> {
        let says = (0..100_u8).map(|number| What::Heard { id: ID, bytes: vec![number; 10] });
        let mut link = Fault::new(Paper { says: says.collect(), ..Paper::default() }, faults);
        link.send(call(Transport::Tcp)).unwrap();
        all(&mut link)
    }

    fn heard(events: &[Event]) -> Vec<u8> {
        let bytes = events.iter().filter_map(|event| match &event.what {
            What::Heard { bytes, .. } => Some(&bytes[..]),
            _ => None,
        });
        bytes.collect::<Vec<_>>().concat()
    }

    #[test]
    fn the_same_seed_makes_the_same_faults() {
        let faults = Faults {
            seed: 7,
            lost_heard: 100,
            twice: 100,
            out_of_order: 100,
            cut: 100,
            garbled: 100,
            delay: Duration::from_millis(5),
            ..Faults::default()
        };
        assert_eq!(frames(faults), frames(faults));
        assert_ne!(frames(faults), frames(Faults { seed: 8, ..faults }));
    }

    #[test]
    fn nothing_goes_wrong_by_itself() {
        assert_eq!(frames(Faults::default()).len(), 1000);
        assert_eq!(heard(&stream(Faults::default())).len(), 1000);
    }

    #[test]
    fn shares_are_in_a_thousand() {
        let kept = frames(Faults { lost_heard: 300, ..Faults::default() }).len();
        assert!((620..780).contains(&kept), "{kept}");
        let doubled = frames(Faults { twice: 300, ..Faults::default() }).len();
        assert!((1220..1380).contains(&doubled), "{doubled}");
        let late = frames(Faults { out_of_order: 300, ..Faults::default() });
        assert_eq!(late.len(), 1000);
        assert!(late.is_sorted_by_key(|event| event.at));
        assert!(late[700..].iter().any(|event| event.what == frames(Faults::default())[0].what
            || matches!(&event.what, What::Frame { bytes, .. } if bytes[2..] < [0, 100][..])));
    }

    #[test]
    fn a_stream_stays_in_order_when_it_is_late_and_split() {
        let faults =
            Faults { bytewise: true, delay: Duration::from_millis(50), ..Faults::default() };
        let events = stream(faults);
        assert_eq!(events.len(), 1000);
        assert_eq!(heard(&events), heard(&stream(Faults::default())));
    }

    #[test]
    fn a_stream_is_broken_off_once() {
        let events = stream(Faults { reset: 1000, ..Faults::default() });
        let ends = |event: &&Event| matches!(event.what, What::Ended { reset: true, .. });
        assert_eq!(events.iter().filter(ends).count(), 1);
        assert!(heard(&events).len() < 10);
    }

    #[test]
    fn a_stream_without_an_end_goes_on_until_it_is_closed() {
        let says = VecDeque::from([What::Heard { id: ID, bytes: vec![1] }]);
        let mut link = Fault::new(
            Paper { says, ..Paper::default() },
            Faults { endless: 1000, ..Faults::default() },
        );
        link.send(call(Transport::Tcp)).unwrap();
        assert_eq!(all(&mut link).len(), 1001, "one piece a millisecond");
        link.send(Act::Close { id: ID }).unwrap();
        assert_eq!(all(&mut link), []);
    }

    #[test]
    fn what_is_lost_on_the_way_out_does_not_arrive() {
        let faults = Faults { lost_sent: 1000, ..Faults::default() };
        for transport in [Transport::Tcp, Transport::Udp] {
            let mut link = Fault::new(Paper::default(), faults);
            link.send(call(transport)).unwrap();
            link.send(Act::Say { id: ID, bytes: b"?" }).unwrap();
            let opened = usize::from(transport == Transport::Udp);
            assert_eq!(link.link().sent, opened, "a UDP socket opens, and says nothing");
        }
    }
}
