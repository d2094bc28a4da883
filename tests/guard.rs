//! Nothing reaches the network that a plain list forbids, and nothing faster than the pace.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what goes wrong should fail the test"
)]

use std::{
    cell::RefCell,
    collections::{HashMap, HashSet, VecDeque},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    rc::Rc,
    time::Duration,
};

use hex_literal::hex;
use proptest::prelude::*;
use sekisho::{
    link::{
        Act, Call, CallId, Event, Interface, Link, What,
        guard::{self, Guard},
        pace::burst,
    },
    observe::{Mac, Transport},
    scope::{Blocks, Consent, Foreign, Hours, Pace, Profile, Refusal, Tier},
    time::Timestamp,
    wire::{
        arp::{self, Arp},
        ethernet::{self, Frame, Kind},
        icmp, icmpv6, ipv4, ipv6, ndp,
        tcp::{Segment, flag},
        udp::Datagram,
    },
};

const OURS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const OUR_MAC: [u8; 6] = hex!("020000fe0001");
const FRAGILE: [u8; 3] = hex!("0040d1");
const OURS_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);

/// 2023-11-14 22:13:20 UTC, the 1333rd minute of the day.
const START: Timestamp = Timestamp::new(1_700_000_000, 0);

/// A link that writes down what reaches it.
#[derive(Debug)]
struct Paper {
    now: Timestamp,
    interfaces: Vec<Interface>,
    reached: Vec<(Timestamp, Reached)>,
    says: Rc<RefCell<VecDeque<What>>>,
}

#[derive(Debug, Clone)]
enum Reached {
    Frame(Vec<u8>, Tier),
    Open(Call),
    Say(CallId, usize),
    Close(CallId),
}

impl Paper {
    fn new() -> Self {
        let interface = Interface {
            name: "eth0".into(),
            mac: Some(Mac(OUR_MAC)),
            addresses: vec!["10.0.0.1/23".parse().unwrap(), "2001:db8::1/64".parse().unwrap()],
            mtu: 1500,
            up: true,
            loopback: false,
        };
        Self { now: START, interfaces: vec![interface], reached: Vec::new(), says: Rc::default() }
    }
}

impl Link for Paper {
    fn now(&self) -> Timestamp {
        self.now
    }

    fn send(&mut self, act: Act<'_>) -> Result<(), Refusal> {
        let reached = match act {
            Act::Frame { bytes, tier, .. } => Reached::Frame(bytes.to_vec(), tier),
            Act::Open(call) => {
                let from = SocketAddr::new(OURS.into(), 50_000);
                self.says.borrow_mut().push_back(What::Opened { id: call.id, from });
                Reached::Open(call)
            }
            Act::Say { id, bytes } => Reached::Say(id, bytes.len()),
            Act::Close { id } => Reached::Close(id),
        };
        self.reached.push((self.now, reached));
        Ok(())
    }

    fn wait(&mut self, until: Timestamp) -> Option<Event> {
        let Some(what) = self.says.borrow_mut().pop_front() else {
            self.now = self.now.max(until);
            return None;
        };
        Some(Event { at: self.now, what })
    }

    fn interfaces(&self) -> &[Interface] {
        &self.interfaces
    }
}

/// What may be sent, as lists that are gone through one by one.
#[derive(Debug, Clone)]
struct Plain {
    include: Vec<(u32, u32)>,
    exclude: Vec<(u32, u32)>,
    fragile_hosts: Vec<(u32, u32)>,
    fragile_ports: Vec<u16>,
    tier: Tier,
    hours: Vec<(u16, u16)>,
    rate: Option<u32>,
    per_host: Option<u32>,
    per_network: Option<u32>,
}

impl Plain {
    fn consent(&self) -> Consent {
        let blocks = |ranges: &[(u32, u32)]| {
            let address = |number: u32| IpAddr::V4(number.into());
            Blocks::new(ranges.iter().map(|(first, last)| (address(*first), address(*last))))
        };
        Consent {
            include: blocks(&self.include),
            exclude: blocks(&self.exclude),
            tier: self.tier,
            hours: Hours::new(self.hours.clone(), 0),
            pace: Pace {
                profile: Profile::Clinic,
                rate: self.rate,
                per_host: self.per_host,
                per_network: self.per_network,
                gateway_interval: Duration::from_secs(1),
            },
            fragile_ports: self.fragile_ports.clone(),
            fragile_hosts: blocks(&self.fragile_hosts),
            fragile_makers: vec![FRAGILE.into()],
            on_request: Vec::new(),
            responder: None,
            foreign: Foreign::default(),
        }
    }

    fn is_included(&self, address: Ipv4Addr) -> bool {
        is_in(&self.include, address) && !is_in(&self.exclude, address)
    }

    fn may(&self, address: Ipv4Addr, port: Option<u16>, tier: Tier, at: Timestamp) -> bool {
        let minute = u16::try_from(at.nanoseconds() / 60_000_000_000 % 1440).unwrap();
        let hours = self.hours.is_empty()
            || self.hours.iter().any(|(from, to)| {
                if from <= to {
                    *from <= minute && minute < *to
                } else {
                    *from <= minute || minute < *to
                }
            });
        let port = port.is_none_or(|port| !self.fragile_ports.contains(&port));
        self.is_included(address) && hours && port && tier != Tier::Listen && tier <= self.tier
    }

    fn is_fragile(&self, address: Ipv4Addr) -> bool {
        is_in(&self.fragile_hosts, address)
    }
}

fn is_in(ranges: &[(u32, u32)], address: Ipv4Addr) -> bool {
    ranges.iter().any(|(first, last)| *first <= address.to_bits() && address.to_bits() <= *last)
}

/// Every third machine is of a fragile maker.
fn mac(address: Ipv4Addr) -> [u8; 6] {
    let [_, _, c, d] = address.octets();
    let maker = if d % 3 == 0 { FRAGILE } else { hex!("020000") };
    [maker[0], maker[1], maker[2], 0, c, d]
}

fn frame(to: [u8; 6], kind: u16, payload: &[u8]) -> Vec<u8> {
    let kind = Kind::Type(kind);
    Frame { destination: to, source: OUR_MAC, vlan: None, kind, payload }.emit()
}

fn ask_arp(target: Ipv4Addr) -> Vec<u8> {
    let arp = Arp {
        operation: arp::REQUEST,
        sender_mac: OUR_MAC,
        sender: OURS,
        target_mac: [0; 6],
        target,
    };
    frame([0xff; 6], ethernet::ARP, &arp.emit())
}

fn answer_arp(sender: Ipv4Addr) -> Vec<u8> {
    let (sender_mac, target) = (mac(sender), OURS);
    let arp = Arp { operation: arp::REPLY, sender_mac, sender, target_mac: OUR_MAC, target }.emit();
    let kind = Kind::Type(ethernet::ARP);
    Frame { destination: OUR_MAC, source: sender_mac, vlan: None, kind, payload: &arp }.emit()
}

fn packet(to: Ipv4Addr, hops: u8, protocol: u8, payload: &[u8]) -> ipv4::Packet<'_> {
    ipv4::Packet {
        source: OURS,
        destination: to,
        time_to_live: hops,
        protocol,
        identification: 1,
        dont_fragment: false,
        more_fragments: false,
        fragment_offset: 0,
        options: &[],
        payload,
        missing: 0,
    }
}

fn echo(to: Ipv4Addr, via: [u8; 6], hops: u8) -> Vec<u8> {
    frame(via, ethernet::IPV4, &packet(to, hops, 1, &icmp::echo(1, 1, b"sekisho")).emit())
}

fn segment(to: Ipv4Addr, port: u16, flags: u8) -> Vec<u8> {
    let segment = Segment {
        source: 50_000,
        destination: port,
        sequence: 1,
        acknowledgement: 0,
        flags,
        window: 1024,
        options: &[],
        payload: &[],
    };
    let pseudo = packet(to, 64, 6, &[]).pseudo_header(20);
    frame(mac(to), ethernet::IPV4, &packet(to, 64, 6, &segment.emit(&pseudo)).emit())
}

/// What somebody who knows no scope might do.
#[derive(Debug, Clone)]
enum Move {
    Open { to: Ipv4Addr, port: u16, transport: Transport, tier: Tier },
    Say { which: usize, bytes: usize },
    Close { which: usize },
    Hear { which: usize, bytes: usize },
    Arp { to: Ipv4Addr, tier: Tier },
    Echo { to: Ipv4Addr, via: Ipv4Addr, hops: u8, tier: Tier },
    Syn { to: Ipv4Addr, port: u16, tier: Tier },
    Answer { from: Ipv4Addr },
    Pass { milliseconds: u16 },
    Stop,
}

fn address() -> impl Strategy<Value = Ipv4Addr> {
    (0..2_u8, 2..12_u8).prop_map(|(c, d)| Ipv4Addr::new(10, 0, c, d))
}

fn anywhere() -> impl Strategy<Value = Ipv4Addr> {
    prop_oneof![
        6 => address(),
        1 => (2..6_u8).prop_map(|d| Ipv4Addr::new(10, 9, 0, d)),
        1 => Just(Ipv4Addr::new(203, 0, 113, 7)),
    ]
}

fn range() -> impl Strategy<Value = (u32, u32)> {
    (anywhere(), anywhere()).prop_map(|(a, b)| (a.min(b).to_bits(), a.max(b).to_bits()))
}

fn tier() -> impl Strategy<Value = Tier> {
    prop_oneof![
        1 => Just(Tier::Listen),
        12 => Just(Tier::Ask),
        3 => Just(Tier::FirstRouter),
        1 => Just(Tier::Responder),
    ]
}

fn port() -> impl Strategy<Value = u16> {
    prop::sample::select(vec![22, 104, 443, 9100])
}

fn plain() -> impl Strategy<Value = Plain> {
    let rate = |most: u32| prop::option::of(1..most);
    let ranges = |most: usize| prop::collection::vec(range(), 0..most);
    let hours = prop::collection::vec((1331..1337_u16, 1331..1337_u16), 0..2);
    (ranges(4), ranges(3), ranges(2), tier(), hours, (rate(40), rate(6), rate(20))).prop_map(
        |(include, exclude, fragile_hosts, tier, hours, (rate, per_host, per_network))| Plain {
            include,
            exclude: exclude
                .into_iter()
                .map(|(first, last)| (first, last.min(first + 2)))
                .collect(),
            fragile_hosts: fragile_hosts.into_iter().map(|(first, _)| (first, first + 1)).collect(),
            fragile_ports: vec![104, 9100],
            tier,
            hours,
            rate,
            per_host,
            per_network,
        },
    )
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let transport = || prop::sample::select(vec![Transport::Tcp, Transport::Udp]);
    let one = prop_oneof![
        6 => (address(), port(), transport(), tier())
            .prop_map(|(to, port, transport, tier)| Move::Open { to, port, transport, tier }),
        6 => (0..20_usize, 0..5000_usize).prop_map(|(which, bytes)| Move::Say { which, bytes }),
        3 => (0..20_usize).prop_map(|which| Move::Close { which }),
        2 => (0..20_usize, 1..4096_usize).prop_map(|(which, bytes)| Move::Hear { which, bytes }),
        4 => (anywhere(), tier()).prop_map(|(to, tier)| Move::Arp { to, tier }),
        6 => (anywhere(), address(), prop::sample::select(vec![1, 2, 64]), tier())
            .prop_map(|(to, via, hops, tier)| Move::Echo { to, via, hops, tier }),
        4 => (address(), port(), tier()).prop_map(|(to, port, tier)| Move::Syn { to, port, tier }),
        4 => address().prop_map(|from| Move::Answer { from }),
        3 => (0..40_000_u16).prop_map(|milliseconds| Move::Pass { milliseconds }),
    ];
    (prop::collection::vec(one, 1..120), prop::option::of(60..120_usize)).prop_map(
        |(mut moves, stop)| {
            if let Some(place) = stop.filter(|place| *place < moves.len()) {
                moves.insert(place, Move::Stop);
            }
            moves
        },
    )
}

/// A run of somebody who tries everything, and what is known at each moment of it.
struct Run {
    guard: Guard<Paper>,
    says: Rc<RefCell<VecDeque<What>>>,
    plain: Plain,
    calls: Vec<Call>,
    /// Whose hardware address was told.
    known: HashSet<Ipv4Addr>,
    looked_at: usize,
    /// Conversations that are to end, and of these the ones whose other end talks on: they are ended at once, for
    /// each word costs an acknowledgement.
    ending: HashSet<CallId>,
    talking: HashSet<CallId>,
    /// Packets that were sent: when, whom to, how many.
    packets: Vec<(Timestamp, Ipv4Addr, u32)>,
    stopped: bool,
}

impl Run {
    fn new(plain: Plain) -> Self {
        let paper = Paper::new();
        Self {
            says: Rc::clone(&paper.says),
            guard: Guard::new(paper, plain.consent()),
            plain,
            calls: Vec::new(),
            ending: HashSet::new(),
            talking: HashSet::new(),
            known: HashSet::new(),
            looked_at: 0,
            packets: Vec::new(),
            stopped: false,
        }
    }

    /// Tries to send, and again at the moment that it is told to wait for: what waits for its end goes first.
    fn send(&mut self, act: Act<'_>) {
        for _ in 0..100 {
            let sent = self.guard.send(act);
            self.look();
            let Err(Refusal::TooSoon(ready)) = sent else { return };
            assert!(ready > self.guard.now(), "too soon, but not later");
            while self.guard.now() < ready {
                self.guard.wait(ready);
                self.look();
            }
        }
        panic!("{act:?} is always too soon");
    }

    fn does(&mut self, what: Move) {
        let call = |which: usize| self.calls.get(which % self.calls.len().max(1)).copied();
        match what {
            Move::Open { to, port, transport, tier } => {
                let id = CallId(u32::try_from(self.calls.len()).unwrap());
                let to = SocketAddr::new(to.into(), port);
                let call = Call { id, to, transport, probe: "test", tier };
                self.calls.push(call);
                self.send(Act::Open(call));
            }
            Move::Say { which, bytes } => {
                if let Some(Call { id, .. }) = call(which) {
                    self.send(Act::Say { id, bytes: &vec![0; bytes] });
                }
            }
            Move::Close { which } => {
                if let Some(Call { id, .. }) = call(which) {
                    self.ending.insert(id);
                    self.send(Act::Close { id });
                }
            }
            Move::Hear { which, bytes } => {
                if let Some(Call { id, .. }) = call(which) {
                    if self.ending.contains(&id) {
                        self.talking.insert(id);
                    }
                    self.hear(What::Heard { id, bytes: vec![0; bytes] });
                }
            }
            Move::Arp { to, tier } => self.frame(&ask_arp(to), tier),
            Move::Echo { to, via, hops, tier } => self.frame(&echo(to, mac(via), hops), tier),
            Move::Syn { to, port, tier } => self.frame(&segment(to, port, flag::SYN), tier),
            Move::Answer { from } => {
                self.hear(What::Frame { interface: 0, bytes: answer_arp(from) });
                self.known.insert(from);
            }
            Move::Pass { milliseconds } => {
                let until = self.guard.now().after(Duration::from_millis(milliseconds.into()));
                while self.guard.now() < until {
                    self.guard.wait(until);
                    self.look();
                }
            }
            Move::Stop => {
                self.hear(What::Stop);
                self.stopped = true;
            }
        }
    }

    fn frame(&mut self, bytes: &[u8], tier: Tier) {
        self.send(Act::Frame { interface: 0, bytes, probe: "test", tier });
    }

    fn hear(&mut self, what: What) {
        self.says.borrow_mut().push_back(what);
        while !self.says.borrow().is_empty() {
            self.guard.wait(self.guard.now());
        }
        self.look();
    }

    /// Holds what reached the network since the last look against the list.
    fn look(&mut self) {
        let reached: Vec<_> = self.guard.link().reached[self.looked_at..].to_vec();
        self.looked_at += reached.len();
        for (at, what) in reached {
            match what {
                Reached::Open(call) => {
                    assert!(!self.stopped, "{call:?} was opened after the stop");
                    self.may_converse(call, at);
                    if call.transport == Transport::Tcp {
                        self.packets.push((at, v4(call), 2));
                    }
                }
                Reached::Say(id, bytes) => {
                    let call = self.calls[usize::try_from(id.0).unwrap()];
                    self.may_converse(call, at);
                    let packets = u32::try_from(bytes.div_ceil(1400).max(1)).unwrap();
                    self.packets.push((at, v4(call), packets));
                }
                // A conversation is ended politely, whatever the hour.
                Reached::Close(id) => {
                    let call = self.calls[usize::try_from(id.0).unwrap()];
                    if call.transport == Transport::Tcp && !self.talking.contains(&id) {
                        self.packets.push((at, v4(call), 2));
                    }
                }
                Reached::Frame(bytes, tier) => {
                    assert!(!self.stopped, "a frame was sent after the stop");
                    let to = self.may_frame(&bytes, tier, at);
                    self.packets.push((at, to, 1));
                }
            }
        }
    }

    fn may_converse(&self, call: Call, at: Timestamp) {
        let to = v4(call);
        assert!(self.plain.may(to, Some(call.to.port()), call.tier, at), "{call:?} at {at}");
        assert!(!self.plain.is_fragile(to), "{call:?} is with a fragile host");
        let made = self.known.contains(&to) && mac(to).starts_with(&FRAGILE);
        assert!(!made, "{call:?} is with a host that is known to be of a fragile maker");
    }

    /// Reads a frame at fixed places, and gives the machine that it reaches.
    fn may_frame(&self, bytes: &[u8], tier: Tier, at: Timestamp) -> Ipv4Addr {
        let v4_at = |place: usize| -> Ipv4Addr {
            <[u8; 4]>::try_from(&bytes[place..place + 4]).unwrap().into()
        };
        if bytes[12..14] == [0x08, 0x06] {
            let target = v4_at(38);
            assert!(self.plain.may(target, None, tier, at), "ARP for {target} at {at}");
            return target;
        }
        let (to, hops) = (v4_at(30), bytes[22]);
        let port = (bytes[23] == 6).then(|| u16::from_be_bytes([bytes[36], bytes[37]]));
        let maker: [u8; 3] = bytes[..3].try_into().unwrap();
        assert_ne!(maker, FRAGILE, "a frame for {to} reaches fragile equipment");
        let machine = Ipv4Addr::new(10, 0, bytes[4], bytes[5]);
        let on_link = to.octets()[..2] == [10, 0];
        let dies_near = hops == 1 || (hops == 2 && tier == Tier::FirstRouter);
        assert!(tier != Tier::FirstRouter || hops <= 2);
        if self.plain.is_included(to) {
            assert!(self.plain.may(to, port, tier, at), "{to} at {at}");
            assert!(!self.plain.is_fragile(to), "{to} is fragile");
        } else {
            assert!(dies_near, "{to} is not included, and a frame goes {hops} hops");
            assert!(!is_in(&self.plain.exclude, to), "{to} is excluded");
            assert!(self.known.contains(&machine), "nobody knows whom the frame for {to} reaches");
        }
        if machine != to && self.known.contains(&machine) && (on_link || dies_near) {
            assert!(!is_in(&self.plain.exclude, machine), "{machine} is excluded");
            // Of the others the guard remembers nothing.
            if self.plain.is_included(machine) {
                assert!(self.plain.may(machine, None, tier, at), "{machine} at {at}");
                assert!(!self.plain.is_fragile(machine), "{machine} is fragile");
                return machine;
            }
        }
        to
    }

    /// In no window of a second more than the rate and the largest that may go at once.
    fn has_pace(&self) {
        let largest = self.packets.iter().map(|(.., count)| *count).max().unwrap_or_default();
        let mut groups: HashMap<(u8, Ipv4Addr), Vec<(Timestamp, u32)>> = HashMap::new();
        for (at, to, count) in &self.packets {
            let network = Ipv4Addr::from(to.to_bits() & 0xffff_ff00);
            for key in [(0, Ipv4Addr::UNSPECIFIED), (1, *to), (2, network)] {
                groups.entry(key).or_default().push((*at, *count));
            }
        }
        for ((kind, of), sent) in groups {
            let rate = [self.plain.rate, self.plain.per_host, self.plain.per_network];
            let Some(rate) = rate[usize::from(kind)] else { continue };
            for (from, _) in &sent {
                let within = |at: &Timestamp| (0..1_000_000_000).contains(&at.since(*from));
                let count: u32 = sent.iter().filter(|(at, _)| within(at)).map(|(_, n)| n).sum();
                let most = rate + burst(rate).max(largest);
                assert!(count <= most, "{count} packets a second to {of}, not {most}");
            }
        }
    }
}

fn v4(call: Call) -> Ipv4Addr {
    let IpAddr::V4(address) = call.to.ip() else { panic!("{call:?}") };
    address
}

proptest! {
    #[test]
    fn nothing_reaches_the_network_that_the_list_forbids(plain in plain(), moves in moves()) {
        let mut run = Run::new(plain);
        for what in moves {
            run.does(what);
        }
        run.guard.finish(run.guard.now().after(Duration::from_hours(10)));
        run.look();
        run.has_pace();
        let told: u64 = run.guard.ledger().entries().iter().map(|(_, entry)| entry.packets).sum();
        let sent: u32 = run.packets.iter().map(|(.., count)| count).sum();
        prop_assert!(told >= u64::from(sent), "the ledger tells {told} of {sent} packets");
        let addresses: HashSet<_> = run.packets.iter().map(|(_, to, _)| IpAddr::V4(*to)).collect();
        for address in addresses {
            let entries = run.guard.ledger().entries();
            prop_assert!(entries.iter().any(|(of, _)| *of == address), "nothing about {address}");
        }
    }
}

/// Everything in 10.0.0.0/16, without a pace.
fn free() -> Plain {
    Plain {
        include: vec![(0x0a00_0000, 0x0a00_ffff)],
        exclude: Vec::new(),
        fragile_hosts: Vec::new(),
        fragile_ports: vec![104],
        tier: Tier::FirstRouter,
        hours: Vec::new(),
        rate: None,
        per_host: None,
        per_network: None,
    }
}

const HOST: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 4);
const EXCLUDED: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 5);

fn send(guard: &mut Guard<Paper>, bytes: &[u8], tier: Tier) -> Result<(), Refusal> {
    guard.send(Act::Frame { interface: 0, bytes, probe: "test", tier })
}

fn call(number: u32, transport: Transport) -> Call {
    let to = SocketAddr::new(HOST.into(), 443);
    Call { id: CallId(number), to, transport, probe: "test", tier: Tier::Ask }
}

#[test]
fn frames_that_no_honest_question_looks_like_are_refused() {
    let datagram = Datagram { source: 1, destination: 5353, payload: b"?" };
    let udp = datagram.emit(&packet(HOST, 64, 17, &[]).pseudo_header(9));
    let echo_v4 = icmp::echo(1, 1, b"");
    let whole = packet(HOST, 64, 1, &echo_v4);
    let ipv4_to =
        |mac: [u8; 6], packet: ipv4::Packet<'_>| frame(mac, ethernet::IPV4, &packet.emit());
    let to = mac(HOST);
    let told = Arp {
        operation: arp::REPLY,
        sender_mac: OUR_MAC,
        sender: OURS,
        target_mac: to,
        target: HOST,
    };
    let tagged = Frame {
        destination: to,
        source: OUR_MAC,
        vlan: Some(7),
        kind: Kind::Type(ethernet::IPV4),
        payload: &whole.emit(),
    };
    let group = Ipv4Addr::new(224, 0, 0, 251);
    let cases = [
        ("nothing", Vec::new()),
        ("an answer to ARP that nobody asked for", frame(to, ethernet::ARP, &told.emit())),
        ("an announcement", {
            let arp = Arp { operation: arp::REQUEST, target: OURS, ..told };
            frame([0xff; 6], ethernet::ARP, &arp.emit())
        }),
        ("ARP in another's name", {
            let arp = Arp { operation: arp::REQUEST, sender: EXCLUDED, ..told };
            frame([0xff; 6], ethernet::ARP, &arp.emit())
        }),
        ("a frame of another machine", {
            let mut bytes = ipv4_to(to, whole);
            bytes[6..12].copy_from_slice(&to);
            bytes
        }),
        ("a tagged frame", tagged.emit()),
        ("a packet to everybody's hardware", ipv4_to([0xff; 6], whole)),
        ("a packet to a group's hardware", ipv4_to(hex!("01005e0000fb"), whole)),
        ("a packet in another's name", ipv4_to(to, ipv4::Packet { source: EXCLUDED, ..whole })),
        ("a datagram to a group", {
            let packet = ipv4::Packet { protocol: 17, payload: &udp, ..whole };
            ipv4_to(hex!("01005e0000fb"), ipv4::Packet { destination: group, ..packet })
        }),
        ("a packet to everybody on the link", {
            ipv4_to(to, ipv4::Packet { destination: Ipv4Addr::new(10, 0, 1, 255), ..whole })
        }),
        ("a part of a packet", ipv4_to(to, ipv4::Packet { more_fragments: true, ..whole })),
        ("a packet that goes nowhere", ipv4_to(to, ipv4::Packet { time_to_live: 0, ..whole })),
        (
            "a source route",
            ipv4_to(to, ipv4::Packet { options: &hex!("83 07 04 0a000005"), ..whole }),
        ),
        ("routing information", ipv4_to(to, ipv4::Packet { protocol: 89, ..whole })),
        ("a redirect", ipv4_to(to, ipv4::Packet { payload: &hex!("0501 0000 0a000005"), ..whole })),
        ("SYN and FIN", segment(HOST, 22, flag::SYN | flag::FIN)),
        ("no flags", segment(HOST, 22, 0)),
        ("a link layer's own", frame(hex!("0180c2000000"), 0x88cc, &[0; 46])),
    ];
    let mut guard = Guard::new(Paper::new(), free().consent());
    for (what, bytes) in cases {
        let sent = send(&mut guard, &bytes, Tier::Ask);
        assert!(matches!(sent, Err(Refusal::Unreadable | Refusal::System(_))), "{what}: {sent:?}");
    }
    assert!(guard.link().reached.is_empty());
    send(&mut guard, &ipv4_to(to, whole), Tier::Ask).unwrap();
    send(&mut guard, &segment(HOST, 22, flag::SYN), Tier::Ask).unwrap();
    assert_eq!(
        send(&mut guard, &segment(HOST, 104, flag::SYN), Tier::Ask),
        Err(Refusal::FragilePort(104))
    );
}

fn v6(to: Ipv6Addr, destination: [u8; 6], hops: u8, payload: &[u8]) -> Vec<u8> {
    let packet = ipv6::Packet {
        source: OURS_V6,
        destination: to,
        hop_limit: hops,
        protocol: icmpv6::NUMBER,
        fragment: None,
        payload,
        missing: 0,
    };
    frame(destination, ethernet::IPV6, &packet.emit())
}

fn consent_v6() -> Consent {
    let ends = ["2001:db8::", "2001:db8::ffff:ffff:ffff:ffff"].map(|end| end.parse().unwrap());
    Consent { include: Blocks::new([(ends[0], ends[1])]), ..free().consent() }
}

#[test]
fn neighbours_of_ipv6_are_asked_one_by_one_or_all_where_all_may_be() {
    let target: Ipv6Addr = "2001:db8::12:3456".parse().unwrap();
    let solicited: Ipv6Addr = "ff02::1:ff12:3456".parse().unwrap();
    let all: Ipv6Addr = "ff02::1".parse().unwrap();
    let ask = |to, mac, target| v6(to, mac, 255, &ndp::ask_neighbor(OURS_V6, to, target, OUR_MAC));
    let everybody = v6(all, hex!("333300000001"), 255, &icmpv6::echo(OURS_V6, all, 1, 1, b""));
    let mut guard = Guard::new(Paper::new(), consent_v6());
    send(&mut guard, &ask(solicited, hex!("3333ff123456"), target), Tier::Ask).unwrap();
    send(&mut guard, &ask(target, hex!("020000000009"), target), Tier::Ask).unwrap();
    send(&mut guard, &everybody, Tier::Ask).unwrap();
    let outside = "2001:db9::1".parse().unwrap();
    let near = "ff02::1:ff00:1".parse().unwrap();
    assert_eq!(
        send(&mut guard, &ask(near, hex!("3333ff000001"), outside), Tier::Ask),
        Err(Refusal::NotIncluded(outside.into()))
    );
    for (what, bytes) in [
        ("another's group", ask(near, hex!("3333ff000001"), target)),
        ("an advertisement", {
            let body = [&[0x20, 0, 0, 0], &target.octets()[..]].concat();
            let message = icmpv6::seal(OURS_V6, target, ndp::NEIGHBOR_ADVERTISEMENT, &body);
            v6(target, hex!("020000000009"), 255, &message)
        }),
        ("a router's word", {
            let message = icmpv6::seal(OURS_V6, all, ndp::ROUTER_ADVERTISEMENT, &[0; 12]);
            v6(all, hex!("333300000001"), 255, &message)
        }),
        ("node information of all", {
            let message = icmpv6::seal(OURS_V6, all, 139, &[0; 12]);
            v6(all, hex!("333300000001"), 255, &message)
        }),
        ("a routing header", {
            let echo = icmpv6::echo(OURS_V6, target, 1, 1, b"");
            let mut bytes = v6(
                target,
                hex!("020000000009"),
                64,
                &[&hex!("3a00 0000 00000000"), &echo[..]].concat(),
            );
            bytes[20] = 43;
            bytes
        }),
    ] {
        assert_eq!(send(&mut guard, &bytes, Tier::Ask), Err(Refusal::Unreadable), "{what}");
    }
    assert_eq!(guard.link().reached.len(), 3);
}

#[test]
fn not_everybody_is_asked_where_somebody_must_not_be() {
    let all: Ipv6Addr = "ff02::1".parse().unwrap();
    let everybody = v6(all, hex!("333300000001"), 255, &icmpv6::echo(OURS_V6, all, 1, 1, b""));
    let one = |address: IpAddr| Blocks::new([(address, address)]);
    let excluded = Consent { exclude: one(EXCLUDED.into()), ..consent_v6() };
    let fragile = Consent { fragile_hosts: one("2001:db8::7".parse().unwrap()), ..consent_v6() };
    let elsewhere = Consent { include: one("192.0.2.1".parse().unwrap()), ..consent_v6() };
    let part = Consent { include: one("2001:db8::7".parse().unwrap()), ..consent_v6() };
    for consent in [excluded, fragile, elsewhere, part] {
        let mut guard = Guard::new(Paper::new(), consent);
        assert!(send(&mut guard, &everybody, Tier::Ask).is_err());
        assert!(guard.link().reached.is_empty());
    }
    let mut guard = Guard::new(Paper::new(), consent_v6());
    guard.learn("2001:db8::9".parse().unwrap(), hex!("0040d1000009"));
    assert!(send(&mut guard, &everybody, Tier::Ask).is_err(), "a fragile machine is on the link");
}

#[test]
fn a_packet_that_dies_at_a_gateway_is_the_gateways() {
    let (gateway, far) = (Ipv4Addr::new(10, 0, 0, 2), Ipv4Addr::new(203, 0, 113, 7));
    let plain = Plain { rate: Some(100), per_host: Some(10), ..free() };
    let mut guard = Guard::new(Paper::new(), plain.consent());
    let via = mac(gateway);
    assert_eq!(
        send(&mut guard, &echo(far, via, 1), Tier::Ask),
        Err(Refusal::NotIncluded(far.into())),
        "nobody knows whose hardware address it is"
    );
    guard.learn(gateway.into(), via);
    send(&mut guard, &echo(far, via, 1), Tier::Ask).unwrap();
    let next = START.after(Duration::from_secs(1));
    assert_eq!(send(&mut guard, &echo(far, via, 1), Tier::Ask), Err(Refusal::TooSoon(next)));
    assert_eq!(guard.ready(gateway.into(), 1), next, "it is given time for other questions, too");
    guard.wait(next);
    assert!(send(&mut guard, &echo(far, via, 2), Tier::Ask).is_err(), "it would go on");
    send(&mut guard, &echo(far, via, 2), Tier::FirstRouter).unwrap();
    assert_eq!(send(&mut guard, &echo(HOST, mac(HOST), 3), Tier::FirstRouter), Err(Refusal::Tier));
    assert!(guard.ledger().entries().iter().all(|(address, _)| *address == IpAddr::V4(gateway)));
}

#[test]
fn the_responder_is_asked_through_gateways_in_the_scope_and_nobody_else_is() {
    let (gateway, responder) = (Ipv4Addr::new(10, 0, 0, 2), Ipv4Addr::new(198, 51, 100, 9));
    let asks = |to: Ipv4Addr, port, via| {
        let datagram = Datagram { source: 61_000, destination: port, payload: b"?" };
        let whole = packet(to, 64, 17, &[]);
        let payload = datagram.emit(&whole.pseudo_header(9));
        let whole = ipv4::Packet { payload: &payload, ..whole };
        frame(via, ethernet::IPV4, &whole.emit())
    };
    let with = |tier| Consent {
        tier,
        responder: Some((responder, 3478).into()),
        exclude: Blocks::new([(EXCLUDED.into(), EXCLUDED.into())]),
        ..free().consent()
    };
    let mut guard = Guard::new(Paper::new(), with(Tier::Responder));
    guard.learn(gateway.into(), mac(gateway));
    guard.learn(EXCLUDED.into(), mac(EXCLUDED));
    guard.learn(HOST.into(), hex!("0040d1000004"));
    let mut ask = |to, port, via, tier| send(&mut guard, &asks(to, port, via), tier);
    ask(responder, 3478, mac(gateway), Tier::Responder).unwrap();
    for (what, to, port, via, tier) in [
        ("another port", responder, 53, mac(gateway), Tier::Responder),
        ("another machine", Ipv4Addr::new(198, 51, 100, 8), 3478, mac(gateway), Tier::Responder),
        ("a lower tier", responder, 3478, mac(gateway), Tier::FirstRouter),
        ("through somebody unknown", responder, 3478, hex!("020000000077"), Tier::Responder),
        ("through somebody excluded", responder, 3478, mac(EXCLUDED), Tier::Responder),
        ("through fragile equipment", responder, 3478, hex!("0040d1000004"), Tier::Responder),
    ] {
        assert!(ask(to, port, via, tier).is_err(), "{what}");
    }
    let mut guard = Guard::new(Paper::new(), with(Tier::FirstRouter));
    guard.learn(gateway.into(), mac(gateway));
    let sent = send(&mut guard, &asks(responder, 3478, mac(gateway)), Tier::Responder);
    assert_eq!(sent, Err(Refusal::Tier));
}

#[test]
fn who_is_only_known_by_a_link_local_address_is_asked_where_the_whole_link_may_be() {
    let far: Ipv6Addr = "2001:db9::1".parse().unwrap();
    let (via, theirs) = (hex!("020000000009"), "fe80::9".parse().unwrap());
    let question = v6(far, via, 1, &icmpv6::echo(OURS_V6, far, 1, 1, b""));
    let heard = |mac: [u8; 6]| {
        let body = [&[0x60, 0, 0, 0], &Ipv6Addr::octets(&theirs)[..], &[2, 1], &mac].concat();
        let message = icmpv6::seal(theirs, OURS_V6, ndp::NEIGHBOR_ADVERTISEMENT, &body);
        let packet = ipv6::Packet {
            source: theirs,
            destination: OURS_V6,
            hop_limit: 255,
            protocol: icmpv6::NUMBER,
            fragment: None,
            payload: &message,
            missing: 0,
        };
        let payload = packet.emit();
        let kind = Kind::Type(ethernet::IPV6);
        Frame { destination: OUR_MAC, source: mac, vlan: None, kind, payload: &payload }.emit()
    };
    let part = Consent { include: Blocks::new([(HOST.into(), HOST.into())]), ..free().consent() };
    for (consent, mac, may) in [
        (free().consent(), via, true),
        (part, via, false),
        (free().consent(), hex!("0040d1000009"), false),
    ] {
        let paper = Paper::new();
        paper.says.borrow_mut().push_back(What::Frame { interface: 0, bytes: heard(mac) });
        let mut guard = Guard::new(paper, consent);
        assert!(send(&mut guard, &question, Tier::Ask).is_err(), "nobody knows who it is");
        guard.wait(START);
        let question = v6(far, mac, 1, &icmpv6::echo(OURS_V6, far, 1, 1, b""));
        assert_eq!(send(&mut guard, &question, Tier::Ask).is_ok(), may);
    }
}

#[test]
fn what_a_conversation_costs_is_spent() {
    let mut guard =
        Guard::new(Paper::new(), Consent { pace: Pace::of(Profile::Clinic), ..free().consent() });
    assert_eq!(guard::OPENING, 2);
    guard.send(Act::Open(call(1, Transport::Tcp))).unwrap();
    guard.send(Act::Open(call(2, Transport::Udp))).unwrap();
    let ready = guard.ready(HOST.into(), 1);
    assert_eq!(ready, START.after(Duration::from_millis(500)), "2 packets a second");
    assert_eq!(guard.send(Act::Say { id: CallId(1), bytes: b"?" }), Err(Refusal::TooSoon(ready)));
    let ready = guard.ready(HOST.into(), 3);
    assert_eq!(ready, START.after(Duration::from_secs(1)), "more than a burst wants a full bucket");
    while guard.now() < ready {
        guard.wait(ready);
    }
    guard.send(Act::Say { id: CallId(1), bytes: &[0; 2801] }).unwrap();
    assert_eq!(guard.ready(HOST.into(), 1), ready.after(Duration::from_secs(1)), "3 packets");
    let (id, bytes) = (CallId(1), vec![0; 1401]);
    guard.link().says.borrow_mut().push_back(What::Heard { id, bytes });
    assert!(guard.wait(ready).is_some());
    assert_eq!(guard.ready(HOST.into(), 1), ready.after(Duration::from_secs(2)), "2 ACKs");
    guard.send(Act::Close { id }).unwrap();
    let is_end = |(_, reached): &(Timestamp, Reached)| matches!(reached, Reached::Close(_));
    assert!(!guard.link().reached.iter().any(is_end), "the end waits for its pace");
    assert!(guard.send(Act::Say { id, bytes: b"?" }).is_err(), "but it is the end");
    guard.finish(ready.after(Duration::from_secs(10)));
    let ended = guard.link().reached.iter().find(|reached| is_end(reached)).unwrap().0;
    assert_eq!(ended, ready.after(Duration::from_millis(2500)));
    let entry = guard.ledger().entries()[0].1.clone();
    assert_eq!((entry.packets, entry.bytes, entry.conversations), (2 + 3 + 2 + 2, 2801, 2));
}

#[test]
fn a_handshake_that_took_longer_than_the_systems_patience_cost_a_packet_more() {
    let mut guard = Guard::new(Paper::new(), free().consent());
    guard.send(Act::Open(call(1, Transport::Tcp))).unwrap();
    let opened = guard.link().says.borrow_mut().pop_front().unwrap();
    guard.wait(START.after(Duration::from_millis(1100)));
    guard.link().says.borrow_mut().push_back(opened);
    guard.wait(START.after(Duration::from_secs(2)));
    assert_eq!(guard.ledger().total().packets, 3);
}

#[test]
fn after_a_stop_what_is_open_may_finish_and_nothing_begins() {
    let mut guard = Guard::new(Paper::new(), free().consent());
    guard.send(Act::Open(call(1, Transport::Tcp))).unwrap();
    guard.wait(START);
    guard.link().says.borrow_mut().extend([What::Stop, What::Stop]);
    assert_eq!(guard.wait(START).map(|event| event.what), Some(What::Stop));
    assert_eq!(guard.wait(START), None, "it comes once");
    assert_eq!(guard.send(Act::Open(call(2, Transport::Udp))), Err(Refusal::Stopping));
    assert_eq!(send(&mut guard, &ask_arp(HOST), Tier::Ask), Err(Refusal::Stopping));
    guard.send(Act::Say { id: CallId(1), bytes: b"bye" }).unwrap();
    guard.send(Act::Close { id: CallId(1) }).unwrap();
    assert!(matches!(guard.link().reached.last(), Some((_, Reached::Close(_)))));
}

#[test]
fn a_run_ends_when_its_time_is_over() {
    let end = START.after(Duration::from_mins(1));
    let mut guard = Guard::new(Paper::new(), free().consent()).until(end);
    guard.send(Act::Open(call(1, Transport::Udp))).unwrap();
    guard.wait(START);
    let far = START.after(Duration::from_mins(10));
    assert_eq!(guard.wait(far), Some(Event { at: end, what: What::Stop }));
    assert_eq!(guard.send(Act::Open(call(2, Transport::Udp))), Err(Refusal::Stopping));
    assert_eq!(guard.wait(far), None);
    assert_eq!(guard.now(), far);
}

#[test]
fn a_conversation_says_nothing_outside_the_hours_but_ends() {
    let plain = Plain { hours: vec![(1333, 1334)], ..free() };
    let mut guard = Guard::new(Paper::new(), plain.consent());
    guard.send(Act::Open(call(1, Transport::Tcp))).unwrap();
    guard.wait(START);
    guard.wait(START.after(Duration::from_mins(1)));
    let id = CallId(1);
    assert_eq!(guard.send(Act::Say { id, bytes: b"?" }), Err(Refusal::Hours));
    guard.send(Act::Close { id }).unwrap();
    assert_eq!(guard.link().reached.len(), 2);
}

#[test]
fn a_host_whose_maker_is_fragile_is_not_talked_to_once_it_is_known() {
    let mut guard = Guard::new(Paper::new(), free().consent());
    guard.send(Act::Open(call(1, Transport::Tcp))).unwrap();
    guard.wait(START);
    guard.learn(HOST.into(), [0x00, 0x40, 0xd1, 0, 0, 1]);
    let refusal = Err(Refusal::FragileHost(HOST.into()));
    assert_eq!(guard.send(Act::Say { id: CallId(1), bytes: b"?" }), refusal);
    assert_eq!(guard.send(Act::Open(call(2, Transport::Tcp))), refusal);
    send(&mut guard, &ask_arp(HOST), Tier::Ask).unwrap();
}
