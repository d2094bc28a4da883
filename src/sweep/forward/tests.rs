//! The engine over a link that answers as it is told, and whose clock jumps.

use std::collections::VecDeque;

use super::*;
use crate::{
    link::{Act, Event, Interface, Link, What},
    observe::Mac,
    scope::Refusal,
    time::Timestamp,
    wire::{
        ethernet::{self, Frame, Kind as Type},
        icmp::{self, Icmp},
        ipv4,
    },
};

const OURS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);
const OUR_MAC: Mac = Mac([2, 0, 0, 0, 0, 9]);
const OUTSIDE: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);

/// Whom an answer comes from, what it is, and after how long.
type Says = (Ipv4Addr, (u8, u8), Duration);

/// A wire on which each neighbour answers as a function says.
struct Wire<F> {
    now: Timestamp,
    interfaces: Vec<Interface>,
    answers: F,
    coming: VecDeque<(Timestamp, Vec<u8>)>,
    sent: Vec<(Timestamp, Mac, Ipv4Addr, u8, Tier)>,
    notes: Vec<String>,
    /// After so many questions the user wants an end.
    most: usize,
}

impl<F: FnMut(u8, Ipv4Addr, u8) -> Vec<Says>> Wire<F> {
    fn new(answers: F) -> Self {
        let interface = Interface {
            name: "eth0".into(),
            mac: Some(OUR_MAC),
            addresses: vec!["10.0.0.9/24".parse().unwrap()],
            mtu: 1500,
            up: true,
            loopback: false,
        };
        Self {
            now: Timestamp::new(1_700_000_000, 0),
            interfaces: vec![interface],
            answers,
            coming: VecDeque::new(),
            sent: Vec::new(),
            notes: Vec::new(),
            most: usize::MAX,
        }
    }
}

impl<F: FnMut(u8, Ipv4Addr, u8) -> Vec<Says>> Link for Wire<F> {
    fn now(&self) -> Timestamp {
        self.now
    }

    fn send(&mut self, act: Act<'_>) -> Result<(), Refusal> {
        let Act::Frame { bytes, tier, .. } = act else { panic!("only frames are sent") };
        if self.sent.len() >= self.most {
            return Err(Refusal::Stopping);
        }
        let frame = Frame::parse(bytes).unwrap();
        let packet = ipv4::Packet::parse(frame.payload).unwrap();
        let (to, hops) = (packet.destination, packet.time_to_live);
        self.sent.push((self.now, Mac(frame.destination), to, hops, tier));
        for (by, (kind, code), after) in (self.answers)(frame.destination[5], to, hops) {
            let body = if kind == icmp::ECHO_REPLY { &packet.payload[8..] } else { frame.payload };
            let argument: [u8; 4] = match kind {
                icmp::ECHO_REPLY => packet.payload[4..8].try_into().unwrap(),
                icmp::REDIRECT => [10, 0, 0, 3],
                _ => [0; 4],
            };
            let payload = Icmp { kind, code, argument, body }.emit();
            let answer = ipv4::Packet {
                source: by,
                destination: OURS,
                time_to_live: 64,
                options: &[],
                payload: &payload,
                ..packet
            }
            .emit();
            let answer = Frame {
                destination: OUR_MAC.0,
                // Nobody is to go by who sends it.
                source: [2, 0, 0, 0, 0, 0xee],
                vlan: None,
                kind: Type::Type(ethernet::IPV4),
                payload: &answer,
            };
            self.coming.push_back((self.now.after(after), answer.emit()));
        }
        self.coming.make_contiguous().sort();
        Ok(())
    }

    fn wait(&mut self, until: Timestamp) -> Option<Event> {
        if self.coming.front().is_none_or(|(at, _)| *at > until) {
            self.now = self.now.max(until);
            return None;
        }
        let (at, bytes) = self.coming.pop_front()?;
        self.now = self.now.max(at);
        Some(Event { at: self.now, what: What::Frame { interface: 0, bytes } })
    }

    fn note(&mut self, line: &str) {
        self.notes.push(line.to_owned());
    }

    fn interfaces(&self) -> &[Interface] {
        &self.interfaces
    }
}

fn neighbour(last: u8) -> Neighbour {
    let address = IpAddr::from([10, 0, 0, last]);
    Neighbour {
        interface: 0,
        mac: Mac([2, 0, 0, 0, 0, last]),
        address,
        addresses: [address].into(),
        link_local: None,
    }
}

fn plan(tier: Tier) -> Plan {
    Plan {
        tier: Some(tier),
        destinations: vec![[198, 41, 0, 4].into(), [8, 8, 8, 8].into()],
        inside: vec!["10.0.0.0/24".parse().unwrap()],
        seed: 7,
        ..Plan::default()
    }
}

const SOON: Duration = Duration::from_millis(3);
const EXPIRED: (u8, u8) = (icmp::TIME_EXCEEDED, 0);
const NO_ROUTE: (u8, u8) = (icmp::UNREACHABLE, 0);
const REPLY: (u8, u8) = (icmp::ECHO_REPLY, 0);

fn own(last: u8) -> Ipv4Addr {
    [10, 0, 0, last].into()
}

/// A plain host, a gateway, a relay to it, one that hides, and a vendor's router without a way to the Internet.
fn town(last: u8, to: Ipv4Addr, hops: u8) -> Vec<Says> {
    let vendors = to.octets()[..2] == [172, 30];
    match (last, hops) {
        (3 | 4, 1) => vec![(own(last), EXPIRED, SOON)],
        (3 | 5, 2) => vec![(OUTSIDE, EXPIRED, SOON)],
        (4, 2) => vec![(own(4), (icmp::REDIRECT, 1), SOON), (own(3), EXPIRED, SOON)],
        (6, 1) if vendors => vec![(own(6), EXPIRED, SOON)],
        (6, 1) => vec![(own(6), NO_ROUTE, SOON)],
        (6, 2) if vendors => vec![([172, 30, 0, 1].into(), REPLY, SOON)],
        _ => Vec::new(),
    }
}

fn answers(heard: &[Heard], mechanism: &str) -> Vec<(IpAddr, Kind, IpAddr)> {
    heard
        .iter()
        .filter(|heard| heard.mechanism == mechanism)
        .filter_map(|heard| match &heard.settled {
            Settled::Answered(answer) => Some((heard.question.destination, answer.kind, answer.by)),
            Settled::Silent => None,
        })
        .collect()
}

#[test]
fn every_role_gives_its_reading() {
    let neighbours: Vec<Neighbour> = (2..=6).map(neighbour).collect();
    let mut wire = Wire::new(town);
    let found = ask(&mut wire, &neighbours, &plan(Tier::FirstRouter), &Past::default());
    let [plain, gateway, relay, hidden, vendors] = &found.heard[..] else { panic!("five") };
    // This end has no address of IPv6, so that half of what is planned cannot be asked.
    let sent = wire.sent.iter().filter(|sent| sent.1 == neighbour(2).mac).count();
    assert_eq!(plan(Tier::FirstRouter).packets(), 2 * u64::try_from(sent).unwrap());
    assert!(plain.iter().all(|heard| heard.settled == Settled::Silent && heard.attempts == 3));
    let root = IpAddr::from([198, 41, 0, 4]);
    assert_eq!(answers(gateway, "forward"), [(root, Kind::Expired, own(3).into())]);
    assert_eq!(answers(gateway, "second_hop")[0], (root, Kind::Expired, OUTSIDE.into()));
    // Who redirects also forwards, and the answer to that counts.
    assert_eq!(answers(relay, "second_hop"), [(root, Kind::Expired, own(3).into())]);
    assert_eq!(answers(hidden, "forward"), []);
    assert_eq!(answers(hidden, "second_hop")[0], (root, Kind::Expired, OUTSIDE.into()));
    let closed = IpAddr::from([172, 30, 0, 1]);
    let routes = answers(vendors, "routes");
    let known: Vec<_> = routes.iter().filter(|(_, kind, _)| *kind == Kind::Expired).collect();
    assert_eq!(known, [&(closed, Kind::Expired, own(6).into())]);
    assert_eq!(answers(vendors, "second_hop"), [(closed, Kind::Reply, closed)]);
    // The hospital's own networks are not looked for.
    assert!(routes.iter().all(|(to, ..)| *to != IpAddr::from([10, 0, 0, 1])));
    // Who did not forward is asked with no options and no large packets.
    assert!(plain.iter().all(|heard| heard.question.carries == Carries::Echo));
    assert!(gateway.iter().any(|heard| heard.question.carries == Carries::Route));
}

#[test]
fn no_neighbour_is_asked_twice_within_a_second_and_silence_waits_for_two() {
    let neighbours: Vec<Neighbour> = (2..=6).map(neighbour).collect();
    let mut wire = Wire::new(town);
    ask(&mut wire, &neighbours, &plan(Tier::FirstRouter), &Past::default());
    for neighbour in &neighbours {
        let own: Vec<_> = wire.sent.iter().filter(|sent| sent.1 == neighbour.mac).collect();
        // Who never answers is asked the same again and again.
        let silent = neighbour.mac.0[5] == 2;
        let least = if silent { 2_000_000_000 } else { 1_000_000_000 };
        for pair in own.windows(2) {
            assert!(pair[1].0.since(pair[0].0) >= least, "{pair:?}");
        }
    }
    // All of them are asked at the same time.
    assert!(wire.sent[..5].iter().all(|sent| sent.0 == wire.sent[0].0));
}

#[test]
fn nothing_goes_further_than_the_tier() {
    let neighbours: Vec<Neighbour> = (2..=6).map(neighbour).collect();
    let mut wire = Wire::new(town);
    let found = ask(&mut wire, &neighbours, &plan(Tier::Ask), &Past::default());
    assert!(wire.sent.iter().all(|(.., hops, tier)| *hops == 1 && *tier == Tier::Ask));
    let told: Vec<_> = found.lines.iter().filter(|told| told.mechanism == "second_hop").collect();
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].state.name(), &*told[0].detail), ("not_measured", "tier"));
    let forward = found.lines.iter().find(|told| told.mechanism == "forward").unwrap();
    assert_eq!((forward.count, &*forward.detail), (5, "answered=3 silent=2 attempts=3"));
}

#[test]
fn a_run_that_was_killed_asks_nothing_again_and_knows_the_same() {
    let neighbours: Vec<Neighbour> = (2..=6).map(neighbour).collect();
    let mut wire = Wire::new(town);
    let whole = ask(&mut wire, &neighbours, &plan(Tier::FirstRouter), &Past::default());
    let key = |sent: &(Timestamp, Mac, Ipv4Addr, u8, Tier)| (sent.1, sent.2, sent.3);
    let mut once: Vec<_> = wire.sent.iter().map(key).collect();
    once.sort_unstable();
    for most in [1, 7, 40, 200] {
        let mut first = Wire::new(town);
        first.most = most;
        let cut = ask(&mut first, &neighbours, &plan(Tier::FirstRouter), &Past::default());
        assert!(cut.stopped);
        let past = Past::of(first.notes.iter().map(String::as_str));
        let mut second = Wire::new(town);
        let rest = ask(&mut second, &neighbours, &plan(Tier::FirstRouter), &past);
        let mut both: Vec<_> = first.sent.iter().chain(&second.sent).map(key).collect();
        both.sort_unstable();
        // What was on its way when the run ended is asked again, one more time for each neighbour at most.
        assert!(both.len() <= once.len() + neighbours.len(), "{} {}", both.len(), once.len());
        both.dedup();
        let mut different = once.clone();
        different.dedup();
        assert_eq!(both, different);
        for (all, after) in whole.heard.iter().zip(&rest.heard) {
            let what = |heard: &Heard| (heard.mechanism, heard.question, heard.settled.clone());
            assert_eq!(
                all.iter().map(what).collect::<Vec<_>>(),
                after.iter().map(what).collect::<Vec<_>>()
            );
        }
    }
}

#[test]
fn an_answer_that_comes_late_is_heard_and_one_to_another_question_is_not() {
    let late = |last: u8, _, hops: u8| match (last, hops) {
        (3, 1) => vec![(own(3), EXPIRED, Duration::from_secs(20))],
        _ => Vec::new(),
    };
    let neighbours = [neighbour(3), neighbour(4)];
    let mut wire = Wire::new(late);
    // A stranger's errors about packets of its own.
    for number in 0..50u8 {
        let asked = Question::echo([198, 41, 0, 4].into(), 1);
        let way = crate::sweep::Way {
            our_mac: OUR_MAC,
            our_address: OURS.into(),
            next_mac: Mac([2, 0, 0, 0, 0, 4]),
        };
        let mark = question::Mark(1000 + u16::from(number), 1);
        let frame = asked.frame(&way, mark, [0; 12]).unwrap();
        let payload = Icmp { kind: 11, code: 0, argument: [0; 4], body: &frame[14..] }.emit();
        let packet = ipv4::Packet::parse(&frame[14..]).unwrap();
        let lie = ipv4::Packet { source: own(4), destination: OURS, payload: &payload, ..packet };
        let lie = Frame {
            destination: OUR_MAC.0,
            source: [2, 0, 0, 0, 0, 4],
            vlan: None,
            kind: Type::Type(ethernet::IPV4),
            payload: &lie.emit(),
        };
        wire.coming.push_back((wire.now.after(Duration::from_secs(1)), lie.emit()));
    }
    // The second question keeps the run going until the late answer comes.
    let found = ask(&mut wire, &neighbours, &plan(Tier::FirstRouter), &Past::default());
    assert_eq!(answers(&found.heard[1], "forward"), []);
    assert!(found.heard[0].iter().all(|heard| heard.attempts == 3));
    let again = ask(&mut wire, &neighbours, &plan(Tier::FirstRouter), &Past::default());
    assert_eq!(answers(&again.heard[0], "forward"), [], "they were another part's questions");
}

#[test]
fn an_address_that_is_told_of_a_neighbour_is_held_against_it() {
    let owner = Ipv4Addr::new(203, 0, 113, 7);
    let mut wire = Wire::new(move |last: u8, to: Ipv4Addr, hops: u8| match (last, hops) {
        (3, 1) if to == owner => vec![(owner, REPLY, SOON)],
        (4, 1) if to == owner => vec![(own(4), EXPIRED, SOON)],
        _ => Vec::new(),
    });
    let neighbours = [neighbour(2), neighbour(3), neighbour(4)];
    let mut plan = plan(Tier::Ask);
    for neighbour in &neighbours {
        plan.candidates.insert(neighbour.mac, [owner.into(), neighbour.address].into());
    }
    let found = ask(&mut wire, &neighbours, &plan, &Past::default());
    let of = |place: usize| answers(&found.heard[place], "ownership");
    assert_eq!(of(0), []);
    assert_eq!(of(1), [(owner.into(), Kind::Reply, owner.into())]);
    assert_eq!(of(2), [(owner.into(), Kind::Expired, own(4).into())]);
    assert!(wire.sent.iter().all(|(_, mac, to, ..)| *to != own(mac.0[5])));
}

#[test]
fn every_mechanism_is_known_to_coverage_by_its_name() {
    for mechanism in ALL {
        assert!(crate::sweep::told::MECHANISMS.contains(&mechanism.name), "{}", mechanism.name);
        assert!(!mechanism.finds.ends_with('.') && !mechanism.source.is_empty());
    }
}
