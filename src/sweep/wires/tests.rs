//! Scripted wires: what is asked of them, how often, and what is made of what comes.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use hex_literal::hex;

use super::*;
use crate::{
    link::{Event, guard::Guard},
    scope::{Facility, Overrides},
    wire::{
        arp::{self, Arp},
        dhcp,
        ethernet::{self, Frame, Kind},
        icmp::{self, Icmp},
        icmpv6, ipv4, ipv6,
        ndp::{self, Ndp},
        pppoe::{self, Pppoe},
        udp::Datagram,
    },
};

const START: Timestamp = Timestamp::new(1_700_000_000, 0);
const OUR_MAC: [u8; 6] = hex!("0200000000fa");
const OURS: Ipv4Addr = Ipv4Addr::new(10, 10, 1, 250);
const THEIR_MAC: [u8; 6] = hex!("020000000001");
const LEFT: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 1);

/// What others on a wire say to a frame of ours: after how many milliseconds, and what.
type Answers = Box<dyn FnMut(usize, &[u8]) -> Vec<(u64, Vec<u8>)>>;

/// A network that answers as a closure does.
struct Net {
    now: Timestamp,
    interfaces: Vec<Interface>,
    coming: BTreeMap<(Timestamp, usize), (usize, Vec<u8>)>,
    answers: Answers,
    sent: Vec<(Timestamp, usize, &'static str, Vec<u8>)>,
    notes: Vec<String>,
    stops_at: Option<usize>,
}

impl Net {
    fn new(answers: impl FnMut(usize, &[u8]) -> Vec<(u64, Vec<u8>)> + 'static) -> Self {
        let interface = |name: &str, addresses: &[&str]| Interface {
            name: name.to_owned(),
            mac: Some(Mac(OUR_MAC)),
            addresses: addresses.iter().map(|network| network.parse().unwrap()).collect(),
            mtu: 1500,
            up: true,
            loopback: false,
        };
        Self {
            now: START,
            interfaces: vec![
                interface("eth1", &["10.10.1.250/24", "fe80::fa/64"]),
                interface("eth2", &["10.10.2.250/24", "fe80::fa/64"]),
            ],
            coming: BTreeMap::new(),
            answers: Box::new(answers),
            sent: Vec::new(),
            notes: Vec::new(),
            stops_at: None,
        }
    }

    fn comes(&mut self, milliseconds: u64, interface: usize, bytes: Vec<u8>) {
        let at = self.now.after(Duration::from_millis(milliseconds));
        self.coming.insert((at, self.coming.len() + self.sent.len() * 100), (interface, bytes));
    }
}

impl Link for Net {
    fn now(&self) -> Timestamp {
        self.now
    }

    fn send(&mut self, act: Act<'_>) -> Result<(), Refusal> {
        let Act::Frame { interface, bytes, probe, .. } = act else { panic!("{act:?}") };
        self.sent.push((self.now, interface, probe, bytes.to_vec()));
        for (milliseconds, answer) in (self.answers)(interface, bytes) {
            self.comes(milliseconds, interface, answer);
        }
        Ok(())
    }

    fn wait(&mut self, until: Timestamp) -> Option<Event> {
        if self.stops_at.is_some_and(|count| self.sent.len() >= count) {
            self.stops_at = None;
            return Some(Event { at: self.now, what: What::Stop });
        }
        let next = self.coming.first_key_value().map(|((at, _), _)| *at);
        if next.is_none_or(|next| next > until) {
            self.now = self.now.max(until);
            return None;
        }
        let ((at, _), (interface, bytes)) = self.coming.pop_first()?;
        self.now = self.now.max(at);
        Some(Event { at: self.now, what: What::Frame { interface, bytes } })
    }

    fn note(&mut self, line: &str) {
        self.notes.push(line.to_owned());
    }

    fn interfaces(&self) -> &[Interface] {
        &self.interfaces
    }
}

fn consent(lines: &str) -> Consent {
    let text = format!(
        "[facility]\nname = \"x\"\nauthorisation = \"y\"\n[scope]\ninclude = [\"10.10.0.0/16\"]\n\
         inside = [\"10.10.0.0/16\"]\n{lines}\n"
    );
    Facility::parse(&text, "f.toml").unwrap().consent(&Overrides::default(), &[], Some(0)).unwrap()
}

/// Asks all wires of `net`, in the manner of a clinic, and gives it back.
fn asked(net: Net, lines: &str, notes: &[String], hosts: &[Host]) -> (Outcome, Net) {
    let consent = consent(lines);
    let manner = Manner::of(consent.pace.profile, 7);
    let past = Past::of(notes.iter().map(String::as_str));
    let plan = Plan { past, ..Plan::of(&consent, &manner) };
    let mut guard = Guard::new(net, consent);
    for host in hosts {
        guard.learn(host.address, host.mac.unwrap().0);
    }
    // What was said before, such as during the sweep.
    let until = guard.now().after(Duration::from_secs(1));
    while guard.wait(until).is_some() {}
    let outcome = ask(&mut guard, &plan, hosts);
    (outcome, guard.into_parts().0)
}

fn told(outcome: &Outcome) -> Vec<String> {
    outcome.told.iter().map(Told::line).collect()
}

/// How often each kind of question went out of each interface.
fn counts(net: &Net) -> BTreeMap<(usize, &'static str), usize> {
    let mut counts = BTreeMap::new();
    for (_, interface, probe, _) in &net.sent {
        *counts.entry((*interface, *probe)).or_default() += 1;
    }
    counts
}

fn frame(destination: [u8; 6], source: [u8; 6], kind: u16, payload: &[u8]) -> Vec<u8> {
    Frame { destination, source, vlan: None, kind: Kind::Type(kind), payload }.emit()
}

fn of_arp(operation: u16, mac: [u8; 6], sender: Ipv4Addr, target: Ipv4Addr) -> Vec<u8> {
    let arp = Arp { operation, sender_mac: mac, sender, target_mac: OUR_MAC, target }.emit();
    let to = if operation == arp::REPLY { OUR_MAC } else { [0xff; 6] };
    frame(to, mac, ethernet::ARP, &arp)
}

fn packet(source: Ipv4Addr, to: Ipv4Addr, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let packet = ipv4::Packet {
        source,
        destination: to,
        time_to_live: 64,
        protocol,
        identification: 0,
        dont_fragment: false,
        more_fragments: false,
        fragment_offset: 0,
        options: &[],
        payload,
        missing: 0,
    };
    packet.emit()
}

/// The question for an address in a frame, where it is one by ARP.
fn wanted(bytes: &[u8]) -> Option<Arp> {
    let frame = Frame::parse(bytes).unwrap();
    let arp = (frame.kind == Kind::Type(ethernet::ARP)).then(|| Arp::parse(frame.payload).unwrap());
    arp.filter(|arp| arp.operation == arp::REQUEST)
}

/// Servers and routers of everything that is looked for, on the first wire. `spoilt` answers what was not asked.
fn servers(interface: usize, bytes: &[u8], spoilt: bool) -> Vec<(u64, Vec<u8>)> {
    if interface != 0 {
        return Vec::new();
    }
    let frame_of = Frame::parse(bytes).unwrap();
    match frame_of.kind {
        Kind::Type(ethernet::PPPOE_DISCOVERY) => {
            let search = Pppoe::parse(frame_of.payload).unwrap();
            let mark = search.tags().find(|(kind, _)| *kind == pppoe::HOST_UNIQ).unwrap().1;
            let mark = if spoilt { &[9; 4] } else { mark };
            let tags = [&hex!("0101 0000 0102 0003 616331 0103 0004")[..], mark].concat();
            let offer = Pppoe { code: pppoe::PADO, session: 0, payload: &tags }.emit();
            vec![(3500, frame(OUR_MAC, THEIR_MAC, ethernet::PPPOE_DISCOVERY, &offer))]
        }
        Kind::Type(ethernet::IPV4) => {
            let packet_of = ipv4::Packet::parse(frame_of.payload).unwrap();
            let search = Datagram::parse(packet_of.payload).unwrap();
            let mut message = search.payload.to_vec();
            (message[0], message[242]) = (2, dhcp::OFFER);
            message[4] ^= u8::from(spoilt);
            let datagram = Datagram { source: 67, destination: 68, payload: &message }.emit(&[]);
            let offer = packet([10, 10, 1, 1].into(), Ipv4Addr::BROADCAST, 17, &datagram);
            vec![(3000, frame([0xff; 6], THEIR_MAC, ethernet::IPV4, &offer))]
        }
        Kind::Type(ethernet::IPV6) => {
            let packet_of = ipv6::Packet::parse(frame_of.payload).unwrap();
            assert_eq!(
                Ndp::parse(packet_of.payload).unwrap().message,
                ndp::Message::RouterSolicitation
            );
            let (from, to) = ("fe80::1".parse().unwrap(), packet_of.source);
            let body = hex!("40 00 0708 00000000 00000000");
            let message = icmpv6::seal(from, to, ndp::ROUTER_ADVERTISEMENT, &body);
            let answer = ipv6::Packet {
                source: from,
                destination: to,
                hop_limit: if spoilt { 64 } else { 255 },
                protocol: icmpv6::NUMBER,
                fragment: None,
                payload: &message,
                missing: 0,
            };
            vec![(400, frame(OUR_MAC, THEIR_MAC, ethernet::IPV6, &answer.emit()))]
        }
        _ => wanted(bytes)
            .filter(|asked| asked.target == DESTINATIONS_V4[0])
            .map(|asked| {
                let target = if spoilt { [9, 9, 9, 9].into() } else { asked.target };
                (1, of_arp(arp::REPLY, THEIR_MAC, target, asked.sender))
            })
            .into_iter()
            .collect(),
    }
}

#[test]
fn each_wire_is_asked_once_more_where_nobody_answers_and_nothing_goes_on_from_an_answer() {
    let net = Net::new(|interface, bytes| servers(interface, bytes, false));
    let (outcome, net) = asked(net, "", &[], &[]);
    let on = |mechanism: &str, wire: &str, came: &str| format!("{mechanism}@{wire} {came}");
    let (first, second) = ("10.10.1.0/24@eth1", "10.10.2.0/24@eth2");
    let answered = "measured 1 answered=1 silent=0 attempts=1";
    let silent = "measured 1 answered=0 silent=1 attempts=2";
    let mut expected = Vec::new();
    for mechanism in announced::NAMES {
        expected.extend([on(mechanism, first, answered), on(mechanism, second, silent)]);
    }
    for mechanism in foreign::NAMES {
        let off = "not_measured 0 not_asked_for";
        expected.extend([on(mechanism, first, off), on(mechanism, second, off)]);
    }
    assert_eq!(told(&outcome), expected);
    let once = ["proxy_arp", "router_solicitation", "access_line", "dhcp_offer"];
    let counts = counts(&net);
    for probe in once {
        // ARP asks for two addresses.
        let frames = if probe == "proxy_arp" { 2 } else { 1 };
        assert_eq!(counts.get(&(0, probe)), Some(&frames), "{probe}");
        assert_eq!(counts.get(&(1, probe)), Some(&(2 * frames)), "{probe}");
    }
    assert_eq!((counts.values().sum::<usize>() as u64, outcome.sent), (15, 15));
    let codes = net.sent.iter().filter(|(_, _, probe, _)| *probe == "access_line");
    assert!(codes.map(|(.., bytes)| bytes[15]).all(|code| code == pppoe::PADI));
    let kinds = net.sent.iter().filter(|(_, _, probe, _)| *probe == "dhcp_offer");
    assert!(kinds.map(|(.., bytes)| bytes[14 + 20 + 8 + 242]).all(|kind| kind == dhcp::DISCOVER));
}

#[test]
fn an_answer_to_somebody_else_is_none() {
    let net = Net::new(|interface, bytes| servers(interface, bytes, true));
    let (outcome, _) = asked(net, "", &[], &[]);
    let lines = told(&outcome);
    assert_eq!(
        lines.iter().filter(|line| line.contains("answered=0 silent=1")).count(),
        8,
        "{lines:?}"
    );
}

#[test]
fn a_run_that_goes_on_asks_no_wire_again_that_was_asked() {
    let (_, net) = asked(Net::new(|_, _| Vec::new()), "", &[], &[]);
    let of_file = consent("");
    let plan = Plan::of(&of_file, &Manner::of(of_file.pace.profile, 7));
    assert_eq!(plan.packets(&net.interfaces), net.sent.len() as u64, "so many were announced");
    let (outcome, again) = asked(Net::new(|_, _| Vec::new()), "", &net.notes, &[]);
    assert_eq!((again.sent.len(), outcome.told.len()), (0, 4), "{:?}", outcome.told);
    // Killed when everything had been asked once: once more, and no more.
    let killed: Vec<String> =
        net.notes.iter().filter(|note| note.starts_with("wire asked")).take(8).cloned().collect();
    let (_, again) = asked(Net::new(|_, _| Vec::new()), "", &killed, &[]);
    assert_eq!(again.sent.len() * 2, net.sent.len());
    // Stopped in the middle: what is missing is told.
    let mut net = Net::new(|_, _| Vec::new());
    net.stops_at = Some(3);
    let (outcome, net) = asked(net, "", &[], &[]);
    assert!(outcome.stopped && net.sent.len() <= 4, "{}", net.sent.len());
    assert!(outcome.told.iter().filter(|told| told.state == State::Partial).count() >= 6);
}

#[test]
fn a_wire_on_which_somebody_is_fragile_or_addresses_are_few_is_spared() {
    let mut net = Net::new(|_, _| Vec::new());
    net.interfaces[1].addresses = vec!["10.10.2.2/28".parse().unwrap()];
    let (outcome, net) = asked(net, "[fragile]\nhosts = [\"10.10.1.60\"]", &[], &[]);
    let lines = told(&outcome);
    for line in [
        "access_line@10.10.1.0/24@eth1 not_measured 0 fragile",
        "dhcp_offer@10.10.1.0/24@eth1 not_measured 0 fragile",
        "dhcp_offer@10.10.2.0/28@eth2 not_measured 0 small_network",
        "router_solicitation@10.10.2.0/28@eth2 not_measured 0 no_address",
        "proxy_arp@10.10.1.0/24@eth1 measured 1 answered=0 silent=1 attempts=2",
    ] {
        assert!(lines.iter().any(|told| told == line), "{line}: {lines:#?}");
    }
    assert_eq!(counts(&net).get(&(0, "access_line")), None);
    let mut net = Net::new(|_, _| Vec::new());
    net.interfaces.clear();
    let (outcome, _) = asked(net, "", &[], &[]);
    assert!(outcome.told.iter().all(|told| told.detail == "no_frames"), "{:?}", outcome.told);
    assert_eq!(outcome.told.len(), 6);
}

// In prefixes of others.

fn host(address: [u8; 4], mac: [u8; 6]) -> Host {
    let (address, mac) = (IpAddr::from(address), Some(Mac(mac)));
    Host { address, mac, interface: Some(0), on_link: true, answers: Vec::new() }
}

#[test]
fn a_host_that_answers_for_its_other_card_is_found_ten_questions_a_second() {
    let phones_end = Ipv4Addr::new(192, 168, 42, 77);
    let net = Net::new(move |_, bytes| {
        let asked = wanted(bytes).filter(|asked| asked.target == phones_end);
        asked.map(|_| (1, of_arp(arp::REPLY, THEIR_MAC, phones_end, OURS))).into_iter().collect()
    });
    let (outcome, net) =
        asked(net, "foreign = [\"tethering\"]", &[], &[host([10, 10, 1, 7], THEIR_MAC)]);
    let found = told(&outcome);
    let on_first =
        found.iter().find(|line| line.starts_with("weak_host@10.10.1.0/24@eth1")).unwrap();
    assert!(on_first.contains(" measured ") && on_first.contains("answered=1 "), "{on_first}");
    let looks: Vec<&(Timestamp, usize, &str, Vec<u8>)> =
        net.sent.iter().filter(|(_, wire, probe, _)| (*wire, *probe) == (0, "weak_host")).collect();
    let of_file = consent("foreign = [\"tethering\"]");
    let plan = Plan::of(&of_file, &Manner::of(of_file.pace.profile, 7));
    assert_eq!(plan.packets(&net.interfaces), 2 * (10 + looks.len() as u64));
    assert!(looks.len() > 500, "{}", looks.len());
    assert!(looks.windows(2).all(|pair| pair[1].0.since(pair[0].0) >= 100_000_000));
    assert!(looks.iter().all(|(.., bytes)| wanted(bytes).is_some()), "nothing but ARP");
    // Its address is nobody's gateway: it is in the scope, and asked from our own address.
    assert!(found.contains(&"borrowed@10.10.1.0/24@eth1 not_measured 0 nobody".to_owned()));
    // Killed in the middle, it goes on there.
    let half: Vec<String> = net
        .notes
        .iter()
        .filter(|note| *note == "wire place weak_host 0 300" || *note == "wire done weak_host 1")
        .cloned()
        .collect();
    assert_eq!(half.len(), 2, "{:?}", net.notes);
    let (_, again) = asked(Net::new(|_, _| Vec::new()), "foreign = [\"tethering\"]", &half, &[]);
    let rest = again.sent.iter().filter(|(_, _, probe, _)| *probe == "weak_host").count();
    assert_eq!(rest, looks.len() - 300);
}

#[test]
fn neighbours_that_are_silent_to_arp_are_asked_for_single_addresses_at_a_time_to_live_of_1() {
    let told_of = Ipv4Addr::new(192, 168, 42, 130);
    let silent = hex!("020000000009");
    let net = Net::new(move |_, bytes| {
        let frame_of = Frame::parse(bytes).unwrap();
        if frame_of.kind != Kind::Type(ethernet::IPV4) || frame_of.destination != silent {
            return Vec::new();
        }
        let asked = ipv4::Packet::parse(frame_of.payload).unwrap();
        if asked.protocol != 1 {
            return Vec::new();
        }
        assert_eq!((asked.destination, asked.time_to_live, asked.source), (told_of, 1, OURS));
        let echo = Icmp::parse(asked.payload).unwrap();
        let reply = Icmp { kind: icmp::ECHO_REPLY, ..echo }.emit();
        vec![(1, frame(OUR_MAC, silent, ethernet::IPV4, &packet(told_of, OURS, 1, &reply)))]
    });
    let fragile = hex!("0040d1000007");
    let hosts = [
        host([10, 10, 1, 7], THEIR_MAC),
        host([10, 10, 1, 9], silent),
        host([10, 10, 1, 60], fragile),
    ];
    let (outcome, net) = asked(net, "foreign = [\"192.168.42.130/32\"]", &[], &hosts);
    let lines = told(&outcome);
    let line = lines.iter().find(|line| line.starts_with("weak_host@10.10.1.0/24@eth1")).unwrap();
    // One by ARP, and two neighbours by an echo.
    assert!(line.contains("measured 3 answered=1 silent=2"), "{line}");
    let reached = net
        .sent
        .iter()
        .filter(|(_, _, probe, bytes)| *probe == "weak_host" && bytes[..6] == fragile);
    assert_eq!(reached.count(), 0, "fragile equipment is asked by ARP and nothing else");
}

/// A router with the address 192.168.1.1 that somebody left on the first wire: it knows no way to whoever asks from
/// another network, and asks by ARP where answers go. `other` says something when an address is tried.
fn left_router(mut other: impl FnMut(Ipv4Addr) -> Option<Vec<u8>> + 'static) -> Net {
    let mut waiting: Option<Vec<u8>> = None;
    let mut net = Net::new(move |interface, bytes| {
        let frame_of = Frame::parse(bytes).unwrap();
        if interface != 0 {
            return Vec::new();
        }
        if let Some(asked) = wanted(bytes) {
            return other(asked.target)
                .filter(|_| asked.sender.is_unspecified())
                .map(|said| (5, said))
                .into_iter()
                .collect();
        }
        if frame_of.destination != THEIR_MAC {
            return Vec::new();
        }
        if frame_of.kind == Kind::Type(ethernet::ARP) {
            let told = Arp::parse(frame_of.payload).unwrap();
            assert_eq!((told.operation, told.target), (arp::REPLY, LEFT));
            return waiting.take().map(|error| (1, error)).into_iter().collect();
        }
        let asked = ipv4::Packet::parse(frame_of.payload).unwrap();
        assert_eq!(asked.source.octets()[..3], [192, 168, 1], "from its own network");
        // Behind it is somebody who says the same at a time to live of 2.
        let by = if asked.time_to_live == 1 { LEFT } else { [203, 0, 113, 1].into() };
        let body = &frame_of.payload[..28];
        let error = Icmp { kind: icmp::TIME_EXCEEDED, code: 0, argument: [0; 4], body }.emit();
        let error = frame(OUR_MAC, THEIR_MAC, ethernet::IPV4, &packet(by, asked.source, 1, &error));
        if waiting.is_none() && asked.time_to_live == 1 {
            waiting = Some(error);
            return vec![(1, of_arp(arp::REQUEST, THEIR_MAC, LEFT, asked.source))];
        }
        vec![(1, error)]
    });
    net.comes(10, 0, of_arp(arp::REQUEST, THEIR_MAC, LEFT, [192, 168, 1, 9].into()));
    net
}

fn line_of<'l>(lines: &'l [String], beginning: &str) -> &'l str {
    lines.iter().find(|line| line.starts_with(beginning)).unwrap()
}

#[test]
fn a_router_of_another_network_is_asked_from_an_address_that_nobody_has_there() {
    for (tier, questions) in [(1, 1), (2, 2)] {
        let lines = format!("foreign = [\"heard\"]\ntier = {tier}\n[pace]\nprofile = \"office\"");
        let (outcome, net) = asked(left_router(|_| None), &lines, &[], &[]);
        let lines = told(&outcome);
        let line = line_of(&lines, "borrowed@10.10.1.0/24@eth1");
        assert!(line.contains("measured 1 answered=1 silent=0"), "{line}");
        let sent: Vec<&Vec<u8>> = net
            .sent
            .iter()
            .filter(|(_, _, probe, _)| *probe == "borrowed")
            .map(|(.., bytes)| bytes)
            .collect();
        let tries = sent.iter().filter(|bytes| wanted(bytes).is_some()).count();
        let of_ip = sent.iter().filter(|bytes| bytes[12..14] == [8, 0]).count();
        assert_eq!((tries, of_ip, sent.len()), (3, questions, 3 + questions + 1), "and one answer");
        let of_ip = net.sent.iter().filter(|(.., bytes)| bytes[12..14] == [8, 0]);
        let asked: Vec<Timestamp> =
            of_ip.filter(|(.., bytes)| bytes[..6] == THEIR_MAC).map(|(at, ..)| *at).collect();
        assert!(asked.windows(2).all(|pair| pair[1].since(pair[0]) >= 1_000_000_000), "{asked:?}");
        assert!(net.notes.contains(&"wire done borrowed 0".to_owned()));
    }
}

#[test]
fn an_address_that_somebody_has_is_not_borrowed() {
    let has = |target: Ipv4Addr| Some(of_arp(arp::REPLY, hex!("020000000107"), target, OURS));
    let (outcome, net) = asked(left_router(has), "foreign = [\"heard\"]", &[], &[]);
    let lines = told(&outcome);
    assert_eq!(
        line_of(&lines, "borrowed@10.10.1.0/24@eth1"),
        "borrowed@10.10.1.0/24@eth1 not_measured 0 in_use"
    );
    let of_ip = net
        .sent
        .iter()
        .filter(|(_, _, probe, bytes)| *probe == "borrowed" && bytes[12..14] == [8, 0]);
    assert_eq!(of_ip.count(), 0);
    let tries = net.sent.iter().filter(|(_, _, probe, _)| *probe == "borrowed").count();
    assert_eq!(tries, 1, "the first word ends it");
}

#[test]
fn without_consent_a_router_of_another_network_is_left_alone() {
    for lines in ["", "foreign = [\"tethering\"]"] {
        let (outcome, net) = asked(left_router(|_| None), lines, &[], &[]);
        let lines = told(&outcome);
        assert!(line_of(&lines, "borrowed@10.10.1.0/24@eth1").contains(" not_measured 0 "));
        let reached = net.sent.iter().any(|(.., bytes)| bytes[..6] == THEIR_MAC);
        assert!(!reached, "{lines:?}");
    }
}
