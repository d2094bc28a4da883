//! What shows of the lines behind a gateway, and of the machines behind one address (MECHANISMS, M8, M11 and M12).
//!
//! A line lets through segments of its own size, and routers write the size into the openings that pass them
//! ("clamping"); a line also has a length of its own, in routers. Both show in openings that come from outside.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use hashbrown::HashMap;

use super::gateway::Noted;
use crate::{
    observe::Mac,
    scope::{Inside, inside::is_nowhere},
};

/// How many pairs of addresses, and how many addresses that forward, one shard notes of one hardware address.
const MOST_TALKS: usize = 256;

/// How many of both one shard notes of all of them.
const MOST_NOTED: usize = 1 << 14;

/// How many sizes, or distances, of one pair are told apart.
const MOST_KINDS: usize = 4;

/// How many sizes are told of one hardware address.
const MOST_SIZES: usize = 4;

/// How many addresses that several machines share are told of one hardware address.
const MOST_SHARES: usize = 8;

/// How often a size or a distance has to show before it counts.
const TWICE: u16 = 2;

/// How many openings of one pair that all look the same speak against a second line.
const MANY: u16 = 4;

/// How many networks of the outside have to show two lines.
const FEWEST_NETWORKS: usize = 2;

/// How many routers two lines differ by at least; carriers share packets out over ways that differ by one.
const LEAST_SHIFT: u16 = 2;

/// How many conversations have to show that several machines share an address.
const FEWEST_CONVERSATIONS: u32 = 3;

/// What systems put into the packets they send, as far as it tells one from another.
const INITIAL: [u8; 3] = [64, 128, 255];

/// What one shard noted, by hardware address.
#[derive(Debug, Default)]
pub(super) struct Lines {
    all: HashMap<Mac, Behind, foldhash::fast::RandomState>,
    noted: usize,
}

/// What one hardware address hands on.
#[derive(Debug, Default)]
struct Behind {
    /// By outside address and who talks with it.
    talks: BTreeMap<(IpAddr, IpAddr), Openings>,
    /// By address, the packets that came from it one router old.
    older: BTreeMap<IpAddr, Older>,
}

/// A segment that opens a connection, or answers one that does, as it came from a hardware address.
#[derive(Debug, Clone, Copy)]
pub(super) struct Opening {
    /// Who sent it.
    pub from: IpAddr,
    /// Whom it goes to.
    pub to: IpAddr,
    /// Both ports.
    pub ports: (u16, u16),
    /// The largest segment that the sender takes, as it arrived.
    pub size: Option<u16>,
    /// How many more routers could have forwarded it.
    pub time_to_live: u8,
}

/// How the openings of one pair looked.
#[derive(Debug, Default)]
struct Openings {
    sizes: Kinds,
    distances: Kinds,
}

/// Values of one pair, and the one that came last.
#[derive(Debug, Default)]
struct Kinds {
    all: Vec<Kind>,
    last: u16,
}

/// One value.
#[derive(Debug)]
struct Kind {
    value: u16,
    times: u16,
    /// The ports of its last opening.
    ports: (u16, u16),
    /// It came back after another.
    again: bool,
}

/// Packets of one address that some router handed on.
#[derive(Debug)]
struct Older {
    /// Conversations by what their sender must have put into its packets.
    conversations: [u16; INITIAL.len()],
    /// A packet that no router handed on came from the same address.
    is_own: bool,
    /// The first of them.
    first: Noted,
}

impl Lines {
    /// Notes that `opening` came from `mac`, from outside.
    pub(super) fn opens(&mut self, mac: Option<Mac>, opening: Opening) {
        let pair = (opening.from, opening.to);
        let Some((behind, noted)) = self.behind(mac) else { return };
        if !has_room(&behind.talks, &pair, noted) {
            return;
        }
        let talk = behind.talks.entry(pair).or_default();
        if let Some(size) = opening.size {
            talk.sizes.note(size, opening.ports);
        }
        talk.distances.note(distance(opening.time_to_live), opening.ports);
    }

    /// Notes the first packet of a conversation, which came from `mac`.
    pub(super) fn speaks(&mut self, mac: Option<Mac>, packet: Noted) {
        let older = |initial: &u8| initial - 1 == packet.time_to_live;
        let Some(place) = INITIAL.iter().position(older) else {
            let known = mac.and_then(|mac| self.all.get_mut(&mac));
            if let Some(known) = known.and_then(|known| known.older.get_mut(&packet.address)) {
                known.is_own |= INITIAL.contains(&packet.time_to_live);
            }
            return;
        };
        let Some((behind, noted)) = self.behind(mac) else { return };
        if !has_room(&behind.older, &packet.address, noted) {
            return;
        }
        let unknown = Older { conversations: [0; INITIAL.len()], is_own: false, first: packet };
        let known = behind.older.entry(packet.address).or_insert(unknown);
        if let Some(count) = known.conversations.get_mut(place) {
            *count = count.saturating_add(1);
        }
    }

    /// What is noted of one machine's hardware address, and how much of all.
    fn behind(&mut self, mac: Option<Mac>) -> Option<(&mut Behind, &mut usize)> {
        let mac = mac.filter(|mac| !mac.is_group() && !mac.is_zero())?;
        if self.noted >= MOST_NOTED && !self.all.contains_key(&mac) {
            return None;
        }
        Some((self.all.entry(mac).or_default(), &mut self.noted))
    }

    /// What all `shards` noted. A pair of addresses is one shard's alone; an address may be several's.
    pub(super) fn join(shards: impl Iterator<Item = Self>) -> Self {
        let mut all = Self::default();
        for (mac, behind) in shards.flat_map(|shard| shard.all) {
            let known = all.all.entry(mac).or_default();
            known.talks.extend(behind.talks);
            for (address, older) in behind.older {
                match known.older.entry(address) {
                    std::collections::btree_map::Entry::Vacant(vacant) => {
                        vacant.insert(older);
                    }
                    std::collections::btree_map::Entry::Occupied(mut known) => {
                        known.get_mut().join(&older);
                    }
                }
            }
        }
        all
    }

    /// The sizes of segments that those outside take as it arrives through `mac`, at most four in ascending order:
    /// those that most addresses showed.
    pub(super) fn sizes(&self, mac: Mac, inside: &Inside) -> BTreeSet<u16> {
        let mut peers: BTreeMap<u16, BTreeSet<IpAddr>> = BTreeMap::new();
        for ((peer, _), openings) in self.talks(mac, inside) {
            for kind in &openings.sizes.all {
                peers.entry(kind.value).or_default().insert(*peer);
            }
        }
        let mut sizes: Vec<(usize, u16)> =
            peers.into_iter().map(|(size, peers)| (peers.len(), size)).collect();
        sizes.sort_unstable_by(|a, b| b.cmp(a));
        sizes.into_iter().take(MOST_SIZES).map(|(_, size)| size).collect()
    }

    /// Whether two lines are behind `mac`.
    ///
    /// It takes two networks outside (that do not begin with the same sixteen bits; of IPv6, 32) in each of which an
    /// address shows the same to one client: either two sizes of segments, each in two connections, the same two
    /// sizes in both networks; or two distances that came in turns, each in two connections, at least two routers
    /// apart and as far apart in both. A server farm behind one address may show either, and so does a carrier that
    /// shares packets out; but not the same of two strangers. And at least as many networks have to show it as show,
    /// in four connections of one client or more, the larger size alone, or one distance alone.
    pub(super) fn are_two(&self, mac: Mac, inside: &Inside) -> bool {
        let talks: Vec<_> = self.talks(mac, inside).collect();
        let sizes = talks.iter().map(|((peer, _), openings)| (*peer, &openings.sizes));
        let distances = talks.iter().map(|((peer, _), openings)| (*peer, &openings.distances));
        show_two(sizes, Kinds::two_sizes, |(_, larger), only| larger == only)
            || show_two(distances, Kinds::shift, |_, _| true)
    }

    /// Addresses of the inside that `mac` owns and several machines share, each with the packet that shows it first:
    /// in three conversations or more it handed on packets of machines of different kinds. `owns` says whether an
    /// address is its own.
    pub(super) fn shares(
        &self,
        mac: Mac,
        inside: &Inside,
        owns: impl Fn(IpAddr) -> bool,
    ) -> Vec<Noted> {
        let older = self.all.get(&mac).into_iter().flat_map(|behind| &behind.older);
        older
            .filter(|(address, older)| {
                let own = older.is_own || owns(**address);
                own && inside.contains(**address) && !is_nowhere(**address) && older.are_several()
            })
            .map(|(_, older)| older.first)
            .take(MOST_SHARES)
            .collect()
    }

    fn talks(
        &self,
        mac: Mac,
        inside: &Inside,
    ) -> impl Iterator<Item = (&(IpAddr, IpAddr), &Openings)> {
        let leads_out = |(peer, client): &(IpAddr, IpAddr)| {
            inside.is_outside(*peer) && inside.contains(*client) && !is_nowhere(*client)
        };
        let talks = self.all.get(&mac).into_iter().flat_map(|behind| &behind.talks);
        talks.filter(move |(pair, _)| leads_out(pair))
    }
}

impl Older {
    fn join(&mut self, other: &Self) {
        self.is_own |= other.is_own;
        for (count, more) in self.conversations.iter_mut().zip(other.conversations) {
            *count = count.saturating_add(more);
        }
        self.first = self.first.min(other.first);
    }

    fn are_several(&self) -> bool {
        let kinds = self.conversations.iter().filter(|count| **count > 0).count();
        let conversations: u32 = self.conversations.iter().map(|count| u32::from(*count)).sum();
        kinds >= 2 && conversations >= FEWEST_CONVERSATIONS
    }
}

impl Kinds {
    fn note(&mut self, value: u16, ports: (u16, u16)) {
        let last = std::mem::replace(&mut self.last, value);
        if let Some(kind) = self.all.iter_mut().find(|kind| kind.value == value) {
            // The same opening may be sent again.
            if kind.ports != ports {
                kind.times = kind.times.saturating_add(1);
                kind.ports = ports;
                kind.again |= last != value;
            }
        } else if self.all.len() < MOST_KINDS {
            self.all.push(Kind { value, times: 1, ports, again: false });
        }
    }

    /// The two values that there are, the smaller first, if there are just two that showed often enough.
    fn two(&self) -> Option<[&Kind; 2]> {
        let [one, other] = self.all.as_slice() else { return None };
        let often = one.times >= TWICE && other.times >= TWICE;
        let pair = if one.value < other.value { [one, other] } else { [other, one] };
        often.then_some(pair)
    }

    fn two_sizes(&self) -> Option<(u16, u16)> {
        self.two().map(|[smaller, larger]| (smaller.value, larger.value))
    }

    /// How far apart two distances are that came in turns, as the second of a pair.
    fn shift(&self) -> Option<(u16, u16)> {
        let [nearer, farther] = self.two()?;
        let shift = farther.value - nearer.value;
        (nearer.again && farther.again && shift >= LEAST_SHIFT).then_some((0, shift))
    }

    /// The value that there is, if there is only one that showed often.
    fn only(&self) -> Option<u16> {
        let [only] = self.all.as_slice() else { return None };
        (only.times >= MANY).then_some(only.value)
    }
}

/// Whether enough networks show the `same` two values, and no more show but one that `speaks_against` it.
fn show_two<'a>(
    talks: impl Iterator<Item = (IpAddr, &'a Kinds)> + Clone,
    same: impl Fn(&Kinds) -> Option<(u16, u16)>,
    speaks_against: impl Fn((u16, u16), u16) -> bool,
) -> bool {
    let mut two: BTreeMap<(u16, u16), BTreeSet<u32>> = BTreeMap::new();
    for (peer, kinds) in talks.clone() {
        if let Some(pair) = same(kinds) {
            two.entry(pair).or_default().insert(network(peer));
        }
    }
    two.into_iter().filter(|(_, networks)| networks.len() >= FEWEST_NETWORKS).any(
        |(pair, networks)| {
            let against = talks.clone().filter_map(|(peer, kinds)| {
                let only = kinds.only().filter(|only| speaks_against(pair, *only));
                only.map(|_| network(peer))
            });
            networks.len() >= against.collect::<BTreeSet<u32>>().len()
        },
    )
}

/// Whether something about `key` may be noted; what is new takes room.
fn has_room<K: Ord, V>(known: &BTreeMap<K, V>, key: &K, noted: &mut usize) -> bool {
    if known.contains_key(key) {
        return true;
    }
    let room = known.len() < MOST_TALKS && *noted < MOST_NOTED;
    *noted += usize::from(room);
    room
}

/// The beginning of an address: sixteen bits of IPv4, 32 of IPv6.
fn network(address: IpAddr) -> u32 {
    match address {
        IpAddr::V4(v4) => v4.to_bits() >> 16,
        IpAddr::V6(v6) => u32::try_from(v6.to_bits() >> 96).unwrap_or_default(),
    }
}

/// How many routers handed a packet on, when it began with what systems put into packets.
fn distance(time_to_live: u8) -> u16 {
    let initial = INITIAL.into_iter().find(|initial| *initial >= time_to_live);
    u16::from(initial.unwrap_or(u8::MAX) - time_to_live)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::{
        observe::{Heard, PacketId},
        passive::{capture::Capture, hear},
        time::Timestamp,
        wire::{
            arp::{self, Arp},
            ethernet::{self, Frame, Kind},
            ipv4, pcapng,
            tcp::{self, Segment, flag},
        },
    };

    const GATEWAY: Mac = Mac([2, 0, 0, 0, 0, 1]);
    const CLIENT: [u8; 4] = [10, 0, 0, 5];

    /// Openings from outside, one after another: who sends it, its size, its time to live.
    fn opened(openings: &[([u8; 4], u16, u8)]) -> Lines {
        let mut lines = Lines::default();
        for (port, (from, size, time_to_live)) in (40_000..).zip(openings) {
            let opening = Opening {
                from: (*from).into(),
                to: CLIENT.into(),
                ports: (443, port),
                size: Some(*size),
                time_to_live: *time_to_live,
            };
            // Each comes twice, as when nobody answers in time.
            lines.opens(Some(GATEWAY), opening);
            lines.opens(Some(GATEWAY), opening);
        }
        Lines::join([lines].into_iter())
    }

    fn are_two(openings: &[([u8; 4], u16, u8)]) -> bool {
        opened(openings).are_two(GATEWAY, &Inside::inferred([]))
    }

    /// The openings of `peer`, by size.
    fn sized(peer: [u8; 4], sizes: &[u16]) -> Vec<([u8; 4], u16, u8)> {
        sizes.iter().map(|size| (peer, *size, 50)).collect()
    }

    /// The openings of `peer`, by time to live.
    fn aged(peer: [u8; 4], ages: &[u8]) -> Vec<([u8; 4], u16, u8)> {
        ages.iter().map(|age| (peer, 1460, *age)).collect()
    }

    const ONE: [u8; 4] = [203, 0, 113, 7];
    const TWO: [u8; 4] = [198, 51, 100, 7];
    const THREE: [u8; 4] = [192, 0, 2, 7];

    #[test]
    fn the_sizes_that_most_show_are_told() {
        let inside = Inside::inferred([]);
        let shown = [(ONE, 1414), (TWO, 1414), (THREE, 1380), (ONE, 536), (TWO, 1220), (ONE, 1220)];
        let mut openings: Vec<_> = shown.map(|(peer, size)| (peer, size, 50)).to_vec();
        openings.push((THREE, 1300, 50));
        // What is inside shows nothing of a line.
        openings.push(([10, 0, 9, 9], 1460, 64));
        let sizes = opened(&openings).sizes(GATEWAY, &inside);
        assert_eq!(sizes.into_iter().collect::<Vec<_>>(), [1220, 1300, 1380, 1414]);
    }

    #[test]
    fn two_networks_that_show_the_same_two_sizes_show_two_lines() {
        let both = [1414, 1460, 1414, 1460];
        assert!(are_two(&[sized(ONE, &both), sized(TWO, &both)].concat()));
        // When the first line breaks, all goes over the second.
        let moved = [1414, 1414, 1460, 1460];
        assert!(are_two(&[sized(ONE, &moved), sized(TWO, &moved)].concat()));
    }

    #[test]
    fn farms_of_servers_are_no_second_line() {
        let both = [1414, 1460, 1414, 1460];
        let near = [203, 0, 200, 9];
        assert!(!are_two(&sized(ONE, &both)), "one");
        assert!(!are_two(&[sized(ONE, &both), sized(near, &both)].concat()), "one network");
        let other = [1380, 1440, 1380, 1440];
        assert!(!are_two(&[sized(ONE, &both), sized(TWO, &other)].concat()), "other sizes");
        let once = [1414, 1414, 1460];
        assert!(!are_two(&[sized(ONE, &both), sized(TWO, &once)].concat()), "once");
        let three = [1414, 1460, 1400, 1414, 1460, 1400];
        assert!(!are_two(&[sized(ONE, &both), sized(TWO, &three)].concat()), "three sizes");
        // Two farms, and three others whose segments always come whole.
        let whole =
            [[192, 0, 2, 7], [100, 64, 0, 7], [192, 88, 99, 7]].map(|p| sized(p, &[1460; 4]));
        let farms = [sized(ONE, &both), sized(TWO, &both), whole.concat()].concat();
        assert!(!are_two(&farms), "others contradict");
        // Those who take little show little of any line.
        let small =
            [[192, 0, 2, 7], [100, 64, 0, 7], [192, 88, 99, 7]].map(|p| sized(p, &[1200; 4]));
        assert!(are_two(&[sized(ONE, &both), sized(TWO, &both), small.concat()].concat()));
    }

    #[test]
    fn two_networks_that_are_as_far_apart_in_turns_show_two_lines() {
        let (one, two) = ([50, 47, 50, 47], [115, 112, 115, 112]);
        assert!(are_two(&[aged(ONE, &one), aged(TWO, &two)].concat()));
        let changed = [50, 50, 47, 47];
        assert!(!are_two(&[aged(ONE, &changed), aged(TWO, &two)].concat()), "a way changed");
        let other = [115, 110, 115, 110];
        assert!(!are_two(&[aged(ONE, &one), aged(TWO, &other)].concat()), "another shift");
        let (next, near) = ([50, 49, 50, 49], [115, 114, 115, 114]);
        assert!(!are_two(&[aged(ONE, &next), aged(TWO, &near)].concat()), "shared out");
        let third = aged(THREE, &[60; 4]);
        let fourth = aged([100, 64, 0, 1], &[60; 4]);
        let fifth = aged([192, 88, 99, 1], &[60; 4]);
        let all = [aged(ONE, &one), aged(TWO, &two), third, fourth, fifth].concat();
        assert!(!are_two(&all), "others contradict");
    }

    /// Conversations of 10.0.0.9, each by the time to live of its first packet.
    fn spoke(ages: &[u8]) -> Lines {
        let mut lines = Lines::default();
        for (number, time_to_live) in (1..).zip(ages) {
            let (packet, at) = (PacketId { file: 0, number }, Timestamp::default());
            let (address, with) = ([10, 0, 0, 9].into(), [10, 0, 0, 5].into());
            let time_to_live = *time_to_live;
            let heard = Heard::Overheard;
            lines.speaks(Some(GATEWAY), Noted { packet, at, address, with, time_to_live, heard });
        }
        Lines::join([lines].into_iter())
    }

    #[test]
    fn machines_of_two_kinds_behind_one_address_share_it() {
        let shares = |ages: &[u8], owns: bool| {
            let shared = spoke(ages).shares(GATEWAY, &Inside::inferred([]), |_| owns);
            shared.iter().map(|noted| (noted.address.to_string(), noted.packet.number)).collect()
        };
        let told: Vec<(String, u64)> = shares(&[63, 127, 127], true);
        assert_eq!(told, [("10.0.0.9".to_owned(), 1)]);
        assert_eq!(shares(&[63, 64, 127, 63], false).len(), 1, "its own packets show whose it is");
        for (ages, owns, why) in [
            (&[63, 127][..], true, "two conversations"),
            (&[63, 63, 63], true, "one kind"),
            (&[64, 128, 64, 128], true, "nobody between"),
            (&[62, 126, 62], true, "two routers between"),
            (&[63, 127, 127], false, "another's address"),
        ] {
            assert_eq!(shares(ages, owns), [], "{why}");
        }
        let given = Inside::given(vec!["10.1.0.0/16".parse().unwrap()]);
        assert!(spoke(&[63, 127, 127]).shares(GATEWAY, &given, |_| true).is_empty());
    }

    #[test]
    fn shards_add_up() {
        let lines = Lines::join([spoke(&[63, 64]), spoke(&[127]), spoke(&[63])].into_iter());
        assert_eq!(lines.shares(GATEWAY, &Inside::inferred([]), |_| false).len(), 1);
    }

    /// A segment that opens or answers, as it comes from the gateway to the client.
    fn segment(from: [u8; 4], ports: (u16, u16), flags: u8, size: u16, age: u8) -> Vec<u8> {
        let [high, low] = size.to_be_bytes();
        let segment = Segment {
            source: ports.0,
            destination: ports.1,
            sequence: 1,
            acknowledgement: 0,
            flags,
            window: 1024,
            options: &[2, 4, high, low],
            payload: &[],
        };
        let packet = ipv4::Packet {
            source: from.into(),
            destination: CLIENT.into(),
            time_to_live: age,
            protocol: tcp::NUMBER,
            identification: 0,
            dont_fragment: true,
            more_fragments: false,
            fragment_offset: 0,
            options: &[],
            payload: &segment.emit(&[]),
            missing: 0,
        };
        frame(ethernet::IPV4, &packet.emit())
    }

    fn frame(kind: u16, payload: &[u8]) -> Vec<u8> {
        let (source, destination) = (GATEWAY.0, [2, 0, 0, 0, 0, 5]);
        Frame { source, destination, vlan: None, kind: Kind::Type(kind), payload }.emit()
    }

    #[test]
    fn a_capture_shows_the_lines_and_the_sharing_of_a_gateway() {
        let own = [10, 0, 0, 9];
        let claim = Arp {
            operation: arp::REPLY,
            sender_mac: GATEWAY.0,
            sender: own.into(),
            target_mac: [2, 0, 0, 0, 0, 5],
            target: CLIENT.into(),
        };
        let mut frames = vec![frame(ethernet::ARP, &claim.emit())];
        for (port, age) in [(1, 63), (2, 127), (3, 63)] {
            frames.push(segment(own, (port, 80), flag::SYN, 1460, age));
        }
        for (port, size) in (40_000..).zip([1414, 1460, 1414, 1460]) {
            for peer in [ONE, TWO] {
                frames.push(segment(peer, (443, port), flag::SYN | flag::ACK, size, 50));
            }
        }
        let mut file = pcapng::section("dumpcap", "");
        file.extend(pcapng::interface(1, "eth0"));
        for bytes in &frames {
            let length = u32::try_from(bytes.len()).unwrap();
            file.extend(pcapng::packet(0, 0, bytes, length, ""));
        }
        let capture = Capture::read(Box::new(Cursor::new(file)), "a.pcapng");
        let captures = capture.map(|capture| ("a.pcapng".to_owned(), capture));
        let heard = hear([captures], None, &|_| {}).unwrap().observations;
        let gateway = heard.iter().find(|o| o.protocol == "ethernet").unwrap();
        assert_eq!(gateway.facts.all("ethernet.mss").collect::<Vec<_>>(), ["1414", "1460"]);
        assert_eq!(gateway.facts.get("ethernet.lines"), Some("2"));
        assert_eq!(gateway.facts.get("ethernet.shares"), Some("10.0.0.9"));
    }

    #[test]
    fn a_flood_of_invented_addresses_is_bounded() {
        let mut lines = Lines::default();
        for n in 0..200_000u32 {
            let [a, b, c, d] = n.wrapping_mul(2_654_435_761).to_be_bytes();
            let mac = Some(Mac([2, 0, 0, a & 7, b & 15, c & 15]));
            let (from, to) = (IpAddr::from([203, b, c, d]), IpAddr::from([10, a, b, c]));
            let opening = Opening { from, to, ports: (1, 2), size: Some(1460), time_to_live: 50 };
            lines.opens(mac, opening);
            let (packet, at) = (PacketId::default(), Timestamp::default());
            let (time_to_live, heard) = (63, Heard::Overheard);
            lines.speaks(mac, Noted { packet, at, address: to, with: from, time_to_live, heard });
        }
        let held = |behind: &Behind| behind.talks.len() + behind.older.len();
        assert_eq!(lines.all.values().map(held).sum::<usize>(), lines.noted);
        assert!(lines.noted <= MOST_NOTED && lines.all.len() <= lines.noted);
        assert!(lines.all.values().all(|behind| behind.talks.len() <= MOST_TALKS));
    }
}
