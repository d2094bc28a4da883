//! What goes to a whole wire, or into a prefix of others, goes where the facility file says so and nowhere else; nothing
//! comes from an address that was not tried, or that somebody has.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what goes wrong should fail the test"
)]

use std::{
    cell::RefCell,
    collections::VecDeque,
    net::{IpAddr, Ipv4Addr},
    rc::Rc,
    time::Duration,
};

use hex_literal::hex;
use proptest::prelude::*;
use sekisho::{
    correlate,
    fingerprint::{Matcher, Signatures},
    link::{Act, Event, Interface, Link, What, guard::Guard, record::Recorder},
    observe::Mac,
    passive,
    scope::{
        Blocks, Consent, DESTINATIONS_V4, Facility, Overrides, Refusal, Tier, destination, target,
    },
    sweep::{discover, wires},
    time::Timestamp,
    wire::{
        arp::{self, Arp},
        dhcp,
        ethernet::{self, Frame, Kind},
        icmp, icmpv6, ipv4, ipv6, ndp, pppoe,
        udp::Datagram,
    },
};

const OURS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 250);
const OUR_MAC: [u8; 6] = hex!("020000fe0001");
/// A router that somebody left on the wire, in another prefix.
const LEFT: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 1);
const LEFT_MAC: [u8; 6] = hex!("020000000101");
/// An address there that nobody has.
const FREE: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 247);
const FRAGILE_MAC: [u8; 6] = hex!("0040d1000001");

const START: Timestamp = Timestamp::new(1_700_000_000, 0);

/// A link that writes down what reaches it.
struct Paper {
    now: Timestamp,
    interfaces: Vec<Interface>,
    reached: Vec<(Timestamp, Vec<u8>, Tier)>,
    says: Rc<RefCell<VecDeque<What>>>,
}

impl Paper {
    fn new() -> Self {
        let interface = |name: &str, addresses: &[&str]| Interface {
            name: name.into(),
            mac: Some(Mac(OUR_MAC)),
            addresses: addresses.iter().map(|network| network.parse().unwrap()).collect(),
            mtu: 1500,
            up: true,
            loopback: false,
        };
        let interfaces = vec![
            interface("eth0", &["10.0.0.250/24", "fe80::250/64"]),
            interface("eth1", &["10.0.1.250/24"]),
        ];
        Self { now: START, interfaces, reached: Vec::new(), says: Rc::default() }
    }
}

impl Link for Paper {
    fn now(&self) -> Timestamp {
        self.now
    }

    fn send(&mut self, act: Act<'_>) -> Result<(), Refusal> {
        if let Act::Frame { bytes, tier, .. } = act {
            self.reached.push((self.now, bytes.to_vec(), tier));
        }
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

/// What a facility file with these lines in `[scope]` consents to.
fn consent(lines: &str) -> Consent {
    let text = format!(
        "[facility]\nname = \"x\"\nauthorisation = \"y\"\n[scope]\n{lines}\n[pace]\nrate = 0\n\
         per_host = 0\nprofile = \"office\"\n"
    );
    Facility::parse(&text, "f.toml").unwrap().consent(&Overrides::default(), &[], Some(0)).unwrap()
}

const WHOLE: &str = "include = [\"10.0.0.0/23\"]";

fn frame(destination: [u8; 6], kind: u16, payload: &[u8]) -> Vec<u8> {
    let kind = Kind::Type(kind);
    Frame { destination, source: OUR_MAC, vlan: None, kind, payload }.emit()
}

fn of_arp(operation: u16, sender: Ipv4Addr, target: Ipv4Addr, to: [u8; 6]) -> Vec<u8> {
    let known = if operation == arp::REPLY { to } else { [0; 6] };
    let arp = Arp { operation, sender_mac: OUR_MAC, sender, target_mac: known, target };
    frame(to, ethernet::ARP, &arp.emit())
}

fn looks_for(target: Ipv4Addr) -> Vec<u8> {
    of_arp(arp::REQUEST, OURS, target, [0xff; 6])
}

fn tries(target: Ipv4Addr) -> Vec<u8> {
    of_arp(arp::REQUEST, Ipv4Addr::UNSPECIFIED, target, [0xff; 6])
}

fn packet(source: Ipv4Addr, to: Ipv4Addr, hops: u8, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let packet = ipv4::Packet {
        source,
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
    };
    packet.emit()
}

fn echo(source: Ipv4Addr, to: Ipv4Addr, hops: u8, via: [u8; 6]) -> Vec<u8> {
    frame(via, ethernet::IPV4, &packet(source, to, hops, 1, &icmp::echo(1, 1, b"sekisho")))
}

/// What somebody else says by ARP.
fn said(mac: [u8; 6], operation: u16, sender: Ipv4Addr, target: Ipv4Addr) -> What {
    let arp = Arp { operation, sender_mac: mac, sender, target_mac: [0; 6], target }.emit();
    let kind = Kind::Type(ethernet::ARP);
    let frame = Frame { destination: [0xff; 6], source: mac, vlan: None, kind, payload: &arp };
    What::Frame { interface: 0, bytes: frame.emit() }
}

fn guard(consent: Consent) -> (Guard<Paper>, Rc<RefCell<VecDeque<What>>>) {
    let paper = Paper::new();
    let says = Rc::clone(&paper.says);
    (Guard::new(paper, consent), says)
}

fn send(guard: &mut Guard<Paper>, bytes: &[u8], tier: Tier) -> Result<(), Refusal> {
    guard.send(Act::Frame { interface: 0, bytes, probe: "test", tier })
}

fn hear(guard: &mut Guard<Paper>, says: &Rc<RefCell<VecDeque<What>>>, what: What) {
    says.borrow_mut().push_back(what);
    guard.wait(guard.now());
}

fn pass(guard: &mut Guard<Paper>, milliseconds: u64) {
    let until = guard.now().after(Duration::from_millis(milliseconds));
    while guard.now() < until {
        guard.wait(until);
    }
}

// To everybody.

fn search_for_lines() -> Vec<u8> {
    frame([0xff; 6], ethernet::PPPOE_DISCOVERY, &pppoe::ask(7))
}

fn search_for_servers(message: &[u8]) -> Vec<u8> {
    let datagram = Datagram { source: 68, destination: 67, payload: message }.emit(&[]);
    let all = Ipv4Addr::BROADCAST;
    frame([0xff; 6], ethernet::IPV4, &packet(Ipv4Addr::UNSPECIFIED, all, 64, 17, &datagram))
}

fn search_for_routers() -> Vec<u8> {
    let (from, to) = ("fe80::250".parse().unwrap(), "ff02::2".parse().unwrap());
    let message = ndp::ask_routers(from, to, OUR_MAC);
    let packet = ipv6::Packet {
        source: from,
        destination: to,
        hop_limit: 255,
        protocol: icmpv6::NUMBER,
        fragment: None,
        payload: &message,
        missing: 0,
    };
    frame(hex!("333300000002"), ethernet::IPV6, &packet.emit())
}

#[test]
fn a_wire_that_may_be_asked_as_a_whole_is_asked_for_lines_servers_routers_and_stand_ins() {
    let (mut guard, _) = guard(consent(WHOLE));
    for bytes in [
        search_for_lines(),
        search_for_servers(&dhcp::discover(7, OUR_MAC, 0)),
        search_for_routers(),
        looks_for(DESTINATIONS_V4[0]),
    ] {
        send(&mut guard, &bytes, Tier::Ask).unwrap();
    }
    assert_eq!(guard.link().reached.len(), 4);
    let asked: Vec<String> =
        guard.ledger().entries().iter().map(|(address, _)| address.to_string()).collect();
    assert_eq!(asked, ["198.41.0.4", "255.255.255.255", "ff02::2"], "all of it is in the ledger");
}

#[test]
fn nothing_goes_to_everybody_that_would_go_on_or_that_is_another_question() {
    let discover = dhcp::discover(7, OUR_MAC, 0);
    let changed = |place: usize, byte: u8| {
        let mut message = discover.clone();
        message[place] = byte;
        search_for_servers(&message)
    };
    let with = |options: &[u8]| {
        search_for_servers(&[&discover[..240], options, &[255][..], &[0; 40][..]].concat())
    };
    let of_pppoe = |code, tags: &[u8]| {
        let message = pppoe::Pppoe { code, session: 0, payload: tags }.emit();
        frame([0xff; 6], ethernet::PPPOE_DISCOVERY, &message)
    };
    let cases = [
        ("a wish for a session", of_pppoe(pppoe::PADR, &hex!("01010000"))),
        ("the end of a session", of_pppoe(pppoe::PADT, &[])),
        ("an offer of a line", of_pppoe(pppoe::PADO, &hex!("01010000"))),
        ("a search for one service", of_pppoe(pppoe::PADI, &hex!("0101000161"))),
        ("a search with a cookie", of_pppoe(pppoe::PADI, &hex!("01010000 01040002 abcd"))),
        ("a search of one concentrator", {
            frame(LEFT_MAC, ethernet::PPPOE_DISCOVERY, &pppoe::ask(7))
        }),
        ("a session", frame([0xff; 6], 0x8864, &hex!("1100 0001 0000"))),
        ("a request for a lease", with(&hex!("350103 3d07 01 020000fe0001"))),
        ("the end of a lease", with(&hex!("350107"))),
        ("a wish for one address", with(&hex!("350101 3204 0a000007"))),
        ("a name of a host", with(&hex!("350101 0c01 61"))),
        ("a search of one server", with(&hex!("350101 3604 0a000001"))),
        ("another's hardware address", changed(33, 9)),
        ("an address that one has", changed(15, 9)),
        ("a relay", changed(27, 9)),
        ("an answer", changed(0, 2)),
    ];
    let (mut guard, _) = guard(consent(WHOLE));
    for (what, bytes) in cases {
        let sent = send(&mut guard, &bytes, Tier::Ask);
        assert!(matches!(sent, Err(Refusal::Unreadable)), "{what}: {sent:?}");
    }
    let quiet = Datagram { source: 68, destination: 67, payload: &discover }.emit(&[]);
    let one = packet(Ipv4Addr::UNSPECIFIED, [10, 0, 0, 1].into(), 64, 17, &quiet);
    assert!(send(&mut guard, &frame([0xff; 6], ethernet::IPV4, &one), Tier::Ask).is_err());
    assert!(guard.link().reached.is_empty());
}

#[test]
fn not_everybody_is_asked_where_somebody_must_not_be_and_a_wire_is_not_another() {
    let everybody = [search_for_lines(), search_for_servers(&dhcp::discover(7, OUR_MAC, 0))];
    let resolving = [search_for_routers(), looks_for(DESTINATIONS_V4[0])];
    let file = |lines: &str| consent(&format!("{WHOLE}\n{lines}"));
    let part = consent("include = [\"10.0.0.1-20\"]");
    let fragile =
        Consent { fragile_hosts: target::blocks(["10.0.0.60"]).unwrap(), ..file("tier = 1") };
    // Whom the questions to everybody reach, and those that only resolve.
    for (what, consent, all, few) in [
        ("excluded", file("exclude = [\"10.0.0.101\"]"), [false, false], [false, true]),
        ("fragile", fragile, [false, false], [true, true]),
        ("part", part, [false, false], [false, true]),
        ("tier 0", file("tier = 0"), [false, false], [false, false]),
        (
            "the other wire's exclusion",
            file("exclude = [\"10.0.1.9\"]"),
            [true, true],
            [true, true],
        ),
        ("elsewhere", consent("include = [\"10.9.0.0/24\"]"), [false, false], [false, false]),
        ("not that", file("exclude = [\"198.41.0.4\"]"), [true, true], [true, false]),
    ] {
        let (mut guard, _) = guard(consent);
        let sent =
            |bytes: &Vec<u8>, guard: &mut Guard<Paper>| send(guard, bytes, Tier::Ask).is_ok();
        assert_eq!(everybody.clone().map(|bytes| sent(&bytes, &mut guard)), all, "{what}");
        assert_eq!(resolving.clone().map(|bytes| sent(&bytes, &mut guard)), few, "{what}");
    }
    // Fragile equipment that is heard counts on its own wire.
    for (address, allowed) in [([10, 0, 0, 60], false), ([10, 0, 1, 60], true)] {
        let (mut guard, _) = guard(consent(WHOLE));
        guard.learn(address.into(), FRAGILE_MAC);
        assert_eq!(
            send(&mut guard, &search_for_lines(), Tier::Ask).is_ok(),
            allowed,
            "{address:?}"
        );
        send(&mut guard, &search_for_routers(), Tier::Ask).unwrap();
    }
}

// In a prefix of others.

#[test]
fn nobody_is_looked_for_in_a_prefix_of_others_unless_the_file_says_so() {
    let told = |lines: &str, address: Ipv4Addr| {
        let (mut guard, says) = guard(consent(&format!("{WHOLE}\n{lines}")));
        hear(&mut guard, &says, said(LEFT_MAC, arp::REQUEST, LEFT, [192, 168, 1, 9].into()));
        send(&mut guard, &looks_for(address), Tier::Ask).is_ok()
    };
    let phone = Ipv4Addr::new(192, 168, 42, 129);
    for (lines, of_left, of_phone) in [
        ("", false, false),
        ("foreign = [\"heard\"]", true, false),
        ("foreign = [\"tethering\"]", false, true),
        ("foreign = [\"192.168.1.0/24\"]", true, false),
        ("foreign = [\"tethering\", \"heard\"]\nexclude = [\"192.168.0.0/16\"]", false, false),
        ("foreign = [\"tethering\", \"heard\"]\ntier = 0", false, false),
    ] {
        assert_eq!(told(lines, LEFT), of_left, "{lines}");
        assert_eq!(told(lines, phone), of_phone, "{lines}");
        assert!(
            !told(lines, [203, 0, 113, 7].into()) && !told(lines, [10, 9, 0, 1].into()),
            "{lines}"
        );
    }
    let (mut guard, _) = guard(consent(&format!("{WHOLE}\nforeign = [\"tethering\"]")));
    send(&mut guard, &looks_for(phone), Tier::Ask).unwrap();
    let next = START.after(Duration::from_millis(100));
    let other = looks_for([192, 168, 42, 130].into());
    assert_eq!(send(&mut guard, &other, Tier::Ask), Err(Refusal::TooSoon(next)), "ten a second");
    let on_the_other = Act::Frame { interface: 1, bytes: &other, probe: "test", tier: Tier::Ask };
    assert!(guard.send(on_the_other).is_err(), "our address there is another");
}

/// A guard that knows a router that somebody left there.
fn left_there(lines: &str) -> (Guard<Paper>, Rc<RefCell<VecDeque<What>>>) {
    let (mut guard, says) = guard(consent(&format!("{WHOLE}\n{lines}")));
    hear(&mut guard, &says, said(LEFT_MAC, arp::REQUEST, LEFT, [192, 168, 1, 9].into()));
    (guard, says)
}

fn tries_three_times(guard: &mut Guard<Paper>, address: Ipv4Addr) {
    for _ in 0..3 {
        send(guard, &tries(address), Tier::Ask).unwrap();
        pass(guard, 1000);
    }
}

#[test]
fn an_address_that_nobody_has_is_borrowed_for_a_minute_and_told_to_whoever_asks_for_it() {
    let (mut guard, says) = left_there("foreign = [\"heard\"]\ntier = 2");
    let outside = DESTINATIONS_V4[0];
    assert!(send(&mut guard, &echo(FREE, outside, 1, LEFT_MAC), Tier::Ask).is_err(), "not tried");
    send(&mut guard, &tries(FREE), Tier::Ask).unwrap();
    pass(&mut guard, 500);
    let next = START.after(Duration::from_secs(1));
    assert_eq!(send(&mut guard, &tries(FREE), Tier::Ask), Err(Refusal::TooSoon(next)));
    pass(&mut guard, 500);
    send(&mut guard, &tries(FREE), Tier::Ask).unwrap();
    pass(&mut guard, 1000);
    send(&mut guard, &tries(FREE), Tier::Ask).unwrap();
    let ready = guard.now().after(Duration::from_secs(2));
    let asked = send(&mut guard, &echo(FREE, outside, 1, LEFT_MAC), Tier::Ask);
    assert_eq!(asked, Err(Refusal::TooSoon(ready)), "whoever has it may answer yet");
    pass(&mut guard, 2000);
    assert!(send(&mut guard, &tries(FREE), Tier::Ask).is_err(), "three times are enough");
    send(&mut guard, &echo(FREE, outside, 1, LEFT_MAC), Tier::Ask).unwrap();
    // It asks where the answer goes, and is told once.
    let answer = of_arp(arp::REPLY, FREE, LEFT, LEFT_MAC);
    assert!(send(&mut guard, &answer, Tier::Ask).is_err(), "nobody asked");
    hear(&mut guard, &says, said(LEFT_MAC, arp::REQUEST, LEFT, FREE));
    for wrong in [
        of_arp(arp::REPLY, FREE, LEFT, [0xff; 6]),
        of_arp(arp::REPLY, FREE, [192, 168, 1, 9].into(), LEFT_MAC),
        of_arp(arp::REPLY, LEFT, LEFT, LEFT_MAC),
        of_arp(arp::REPLY, FREE, FREE, LEFT_MAC),
        of_arp(arp::REQUEST, FREE, FREE, [0xff; 6]),
        of_arp(arp::REQUEST, FREE, LEFT, [0xff; 6]),
    ] {
        assert!(send(&mut guard, &wrong, Tier::Ask).is_err(), "{wrong:02x?}");
    }
    send(&mut guard, &answer, Tier::Ask).unwrap();
    assert!(send(&mut guard, &answer, Tier::Ask).is_err(), "once for each question");
    // One second a gateway, and no further than the tier.
    pass(&mut guard, 1000);
    assert!(send(&mut guard, &echo(FREE, outside, 2, LEFT_MAC), Tier::Ask).is_err());
    send(&mut guard, &echo(FREE, outside, 2, LEFT_MAC), Tier::FirstRouter).unwrap();
    pass(&mut guard, 1000);
    for (what, bytes) in [
        ("further", echo(FREE, outside, 3, LEFT_MAC)),
        ("to the router itself", echo(FREE, LEFT, 1, LEFT_MAC)),
        ("to somebody", echo(FREE, [203, 0, 113, 7].into(), 1, LEFT_MAC)),
        ("through another", echo(FREE, outside, 1, hex!("020000000102"))),
        ("to everybody", echo(FREE, outside, 1, [0xff; 6])),
        ("from another address", echo([192, 168, 1, 246].into(), outside, 1, LEFT_MAC)),
        ("a datagram", {
            let datagram = Datagram { source: 1, destination: 53, payload: b"?" }.emit(&[]);
            frame(LEFT_MAC, ethernet::IPV4, &packet(FREE, outside, 1, 17, &datagram))
        }),
    ] {
        assert!(send(&mut guard, &bytes, Tier::FirstRouter).is_err(), "{what}");
    }
    pass(&mut guard, 60_000);
    assert!(send(&mut guard, &echo(FREE, outside, 1, LEFT_MAC), Tier::Ask).is_err(), "a minute");
}

#[test]
fn whoever_has_an_address_or_wants_it_ends_its_loan() {
    let outside = DESTINATIONS_V4[0];
    let other = hex!("020000000107");
    let its_word = |what: What, before: bool| {
        let (mut guard, says) = left_there("foreign = [\"heard\"]");
        send(&mut guard, &tries(FREE), Tier::Ask).unwrap();
        if before {
            hear(&mut guard, &says, what.clone());
            pass(&mut guard, 1000);
            return send(&mut guard, &tries(FREE), Tier::Ask).is_ok();
        }
        pass(&mut guard, 1000);
        for _ in 0..2 {
            send(&mut guard, &tries(FREE), Tier::Ask).unwrap();
            pass(&mut guard, 2000);
        }
        send(&mut guard, &echo(FREE, outside, 1, LEFT_MAC), Tier::Ask).unwrap();
        hear(&mut guard, &says, what);
        pass(&mut guard, 1000);
        send(&mut guard, &echo(FREE, outside, 1, LEFT_MAC), Tier::Ask).is_ok()
    };
    let from_it = {
        let bytes = packet(FREE, outside, 64, 1, &icmp::echo(1, 1, b""));
        let kind = Kind::Type(ethernet::IPV4);
        let frame =
            Frame { destination: LEFT_MAC, source: other, vlan: None, kind, payload: &bytes };
        What::Frame { interface: 0, bytes: frame.emit() }
    };
    for (what, before, ends) in [
        (said(other, arp::REPLY, FREE, Ipv4Addr::UNSPECIFIED), true, true),
        (said(other, arp::REQUEST, FREE, FREE), true, true),
        (said(other, arp::REQUEST, Ipv4Addr::UNSPECIFIED, FREE), true, true),
        (said(LEFT_MAC, arp::REQUEST, LEFT, FREE), true, true),
        (said(other, arp::REQUEST, [192, 168, 1, 9].into(), LEFT), true, false),
        (said(other, arp::REPLY, FREE, LEFT), false, true),
        (said(other, arp::REQUEST, Ipv4Addr::UNSPECIFIED, FREE), false, true),
        (said(LEFT_MAC, arp::REQUEST, LEFT, FREE), false, false),
        (from_it, false, true),
    ] {
        assert_eq!(its_word(what.clone(), before), !ends, "{what:?}, before: {before}");
    }
}

#[test]
fn no_address_is_borrowed_where_it_may_be_missed_or_that_somebody_else_must_not_hear_of() {
    let outside = DESTINATIONS_V4[0];
    let borrows =
        |lines: &str, address: Ipv4Addr, learn: Option<(Ipv4Addr, [u8; 6])>, crowd: u8| {
            let (mut guard, says) = left_there(lines);
            for last in 2..crowd {
                let one =
                    said(hex!("020000000199"), arp::REQUEST, [192, 168, 1, last].into(), LEFT);
                hear(&mut guard, &says, one);
            }
            if let Some((address, mac)) = learn {
                guard.learn(address.into(), mac);
            }
            for _ in 0..3 {
                if send(&mut guard, &tries(address), Tier::Ask).is_err() {
                    return false;
                }
                pass(&mut guard, 2000);
            }
            send(&mut guard, &echo(address, outside, 1, LEFT_MAC), Tier::Ask).is_ok()
        };
    let heard = "foreign = [\"heard\"]";
    assert!(borrows(heard, FREE, None, 0));
    assert!(borrows(heard, FREE, None, 100) && !borrows(heard, FREE, None, 140), "half are in use");
    assert!(!borrows("foreign = [\"192.168.1.240/28\"]", FREE, None, 0), "a few addresses");
    assert!(!borrows(heard, [192, 168, 1, 255].into(), None, 0), "everybody's");
    assert!(!borrows(&format!("{heard}\nexclude = [\"192.168.1.247\"]"), FREE, None, 0));
    assert!(!borrows(&format!("{heard}\nexclude = [\"192.168.1.1\"]"), FREE, None, 0));
    let inside = Some(([10, 0, 0, 7].into(), LEFT_MAC));
    assert!(!borrows(heard, FREE, inside, 0), "who is in the scope is asked from our own address");
    let (mut guard, says) = left_there(heard);
    let fragile = said(FRAGILE_MAC, arp::REQUEST, [192, 168, 1, 3].into(), LEFT);
    hear(&mut guard, &says, fragile);
    tries_three_times(&mut guard, FREE);
    pass(&mut guard, 2000);
    let sent = send(&mut guard, &echo(FREE, outside, 1, FRAGILE_MAC), Tier::Ask);
    assert_eq!(sent, Err(Refusal::FragileHost([192, 168, 1, 3].into())));
}

/// What somebody who knows no scope might do.
#[derive(Debug, Clone)]
enum Move {
    Look {
        for_: Ipv4Addr,
        tries: bool,
    },
    Answer {
        from: Ipv4Addr,
        to: Ipv4Addr,
        mac: [u8; 6],
    },
    Echo {
        from: Ipv4Addr,
        to: Ipv4Addr,
        via: [u8; 6],
        hops: u8,
        tier: Tier,
    },
    Hear {
        mac: [u8; 6],
        operation: u16,
        sender: Ipv4Addr,
        target: Ipv4Addr,
    },
    Pass {
        milliseconds: u64,
    },
    /// Does as somebody would who knows the rules.
    Borrow {
        address: Ipv4Addr,
    },
}

fn abroad() -> impl Strategy<Value = Ipv4Addr> {
    prop_oneof![
        5 => (0..4_u8).prop_map(|d| Ipv4Addr::new(192, 168, 1, [1, 2, 246, 247][usize::from(d)])),
        2 => (1..4_u8).prop_map(|d| Ipv4Addr::new(192, 168, 42, d)),
        1 => Just(Ipv4Addr::new(192, 168, 7, 1)),
        1 => Just(Ipv4Addr::new(10, 0, 0, 7)),
        1 => Just(DESTINATIONS_V4[0]),
        1 => Just(Ipv4Addr::UNSPECIFIED),
    ]
}

fn mac() -> impl Strategy<Value = [u8; 6]> {
    prop::sample::select(vec![LEFT_MAC, hex!("020000000102"), FRAGILE_MAC, [0xff; 6]])
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let tier = || prop::sample::select(vec![Tier::Ask, Tier::FirstRouter, Tier::Responder]);
    let one = prop_oneof![
        4 => (abroad(), any::<bool>()).prop_map(|(for_, tries)| Move::Look { for_, tries }),
        3 => (abroad(), abroad(), mac()).prop_map(|(from, to, mac)| Move::Answer { from, to, mac }),
        5 => (abroad(), abroad(), mac(), 1..4_u8, tier())
            .prop_map(|(from, to, via, hops, tier)| Move::Echo { from, to, via, hops, tier }),
        4 => (mac(), 1..3_u16, abroad(), abroad())
            .prop_map(|(mac, operation, sender, target)| Move::Hear { mac, operation, sender, target }),
        3 => (0..3000_u64).prop_map(|milliseconds| Move::Pass { milliseconds }),
        3 => abroad().prop_map(|address| Move::Borrow { address }),
    ];
    prop::collection::vec(one, 1..60)
}

/// What happened so far, as a list that is gone through from the beginning each time.
#[derive(Default)]
struct Story(Vec<(Timestamp, Happened)>);

#[derive(Clone, Copy)]
enum Happened {
    Heard([u8; 6], u16, Ipv4Addr, Ipv4Addr),
    Tried(Ipv4Addr),
    Used(Ipv4Addr),
}

impl Story {
    /// Whether `address` may be borrowed at `now`, by RFC 5227 and what docs/scope.md says.
    fn is_lent(&self, address: Ipv4Addr, now: Timestamp) -> bool {
        let seconds = |from: Timestamp, to: Timestamp| to.since(from) / 1_000_000_000;
        let (mut tries, mut used) = (Vec::new(), false);
        for (at, happened) in &self.0 {
            match *happened {
                Happened::Tried(of) if of == address => tries.push(*at),
                Happened::Used(of) if of == address => used = true,
                Happened::Heard(_, _, sender, _) if sender == address => return false,
                Happened::Heard(_, arp::REQUEST, sender, target)
                    if target == address
                        && !tries.is_empty()
                        && (sender.is_unspecified() || !used) =>
                {
                    return false;
                }
                _ => {}
            }
        }
        let spread = tries.windows(2).all(|pair| seconds(pair[0], pair[1]) >= 1);
        let last = tries.last().copied();
        tries.len() == 3 && spread && last.is_some_and(|last| (2..60).contains(&seconds(last, now)))
    }

    fn heard(&self) -> impl Iterator<Item = (Timestamp, [u8; 6], u16, Ipv4Addr, Ipv4Addr)> {
        self.0.iter().filter_map(|(at, happened)| match *happened {
            Happened::Heard(mac, operation, sender, target) => {
                Some((*at, mac, operation, sender, target))
            }
            _ => None,
        })
    }

    fn is_in_the_network_of(&self, address: Ipv4Addr, mac: [u8; 6]) -> bool {
        let near = |one: &Ipv4Addr| one.octets()[..3] == address.octets()[..3];
        self.heard().any(|(_, of, _, sender, _)| of == mac && near(&sender))
    }
}

proptest! {
    #[test]
    fn nothing_comes_from_an_address_that_the_rules_do_not_lend(
        told in any::<bool>(),
        heard in any::<bool>(),
        tier in 1..3_u8,
        moves in moves(),
    ) {
        let words: Vec<&str> = [told.then_some("\"192.168.42.0/24\""), heard.then_some("\"heard\"")]
            .into_iter().flatten().collect();
        let lines = format!("{WHOLE}\nforeign = [{}]\ntier = {tier}", words.join(", "));
        let (mut guard, says) = guard(consent(&lines));
        let mut story = Story::default();
        let mut looked_at = 0;
        for what in moves {
            match what {
                Move::Look { for_, tries: true } => drop(send(&mut guard, &tries(for_), Tier::Ask)),
                Move::Look { for_, .. } => drop(send(&mut guard, &looks_for(for_), Tier::Ask)),
                Move::Answer { from, to, mac } => {
                    drop(send(&mut guard, &of_arp(arp::REPLY, from, to, mac), Tier::Ask));
                }
                Move::Echo { from, to, via, hops, tier } => {
                    drop(send(&mut guard, &echo(from, to, hops, via), tier));
                }
                Move::Hear { mac, operation, sender, target } if mac != [0xff; 6] => {
                    story.0.push((guard.now(), Happened::Heard(mac, operation, sender, target)));
                    hear(&mut guard, &says, said(mac, operation, sender, target));
                }
                Move::Hear { .. } => {}
                Move::Pass { milliseconds } => pass(&mut guard, milliseconds),
                Move::Borrow { address } => {
                    for _ in 0..3 {
                        drop(send(&mut guard, &tries(address), Tier::Ask));
                        pass(&mut guard, 1000);
                    }
                    pass(&mut guard, 1000);
                    drop(send(&mut guard, &echo(address, DESTINATIONS_V4[0], 1, LEFT_MAC), Tier::Ask));
                }
            }
            let reached = guard.link().reached[looked_at..].to_vec();
            looked_at += reached.len();
            for (at, bytes, tier) in reached {
                let v4_at = |place: usize| Ipv4Addr::from(<[u8; 4]>::try_from(&bytes[place..place + 4]).unwrap());
                let destination: [u8; 6] = bytes[..6].try_into().unwrap();
                let is_told = |address: Ipv4Addr| told && address.octets()[..3] == [192, 168, 42];
                let is_abroad = |address: Ipv4Addr| is_told(address) || heard
                    && address.octets()[0] == 192
                    && story.heard().any(|(_, _, _, sender, _)| sender.octets()[..3] == address.octets()[..3]);
                if bytes[12..14] == [8, 6] {
                    let (operation, sender, target) = (bytes[21], v4_at(28), v4_at(38));
                    if operation == 2 {
                        prop_assert!(story.is_lent(sender, at), "{sender} was told");
                        let asked = story.heard().any(|(then, mac, operation, who, for_)| {
                            operation == 1 && mac == destination && who == target && for_ == sender
                                && at.since(then) < 5_000_000_000
                        });
                        prop_assert!(asked, "nobody asked for {sender}");
                        continue;
                    }
                    let included = target.octets()[..3] == [10, 0, 0];
                    prop_assert!(included || is_abroad(target) || destination::is_destination(target.into()), "{target}");
                    prop_assert!(sender == OURS || sender.is_unspecified());
                    if sender.is_unspecified() && is_abroad(target) {
                        story.0.push((at, Happened::Tried(target)));
                    }
                    continue;
                }
                let (from, to, hops) = (v4_at(26), v4_at(30), bytes[22]);
                prop_assert_ne!(from, OURS, "none of these goes from our own address");
                prop_assert!(story.is_lent(from, at), "{} was used", from);
                prop_assert!(is_abroad(from) && destination::is_destination(to.into()));
                prop_assert!(hops == 1 || hops == 2 && tier == Tier::FirstRouter && tier.number() <= 2);
                prop_assert!(story.is_in_the_network_of(from, destination) && destination != FRAGILE_MAC);
                story.0.push((at, Happened::Used(from)));
            }
        }
        let all = guard.ledger().total().packets;
        prop_assert_eq!(all, guard.link().reached.len() as u64, "the ledger tells all of it");
    }
}

/// The networks of the hospital's own are never somebody else's.
#[test]
fn what_is_included_is_asked_as_ever() {
    let (mut guard, _) = guard(consent(&format!("{WHOLE}\nforeign = [\"tethering\", \"heard\"]")));
    let own = Ipv4Addr::new(10, 0, 0, 7);
    for _ in 0..20 {
        send(&mut guard, &looks_for(own), Tier::Ask).unwrap();
    }
    let address = IpAddr::V4(own);
    let excluded =
        Consent { exclude: Blocks::new([(address, address)]), ..guard.consent().clone() };
    let (mut guard, _) = self::guard(excluded);
    assert_eq!(send(&mut guard, &looks_for(own), Tier::Ask), Err(Refusal::Excluded(address)));
}

// In the recording.

/// A wire on which a concentrator, a DHCP server, a router of IPv6 and three routers that stand in for the outside
/// answer.
struct Busy {
    paper: Paper,
}

const TELLERS: [[u8; 6]; 3] = [hex!("020000000011"), hex!("020000000012"), hex!("020000000013")];

impl Busy {
    fn says(&mut self, source: [u8; 6], to: [u8; 6], kind: u16, payload: &[u8]) {
        let kind = Kind::Type(kind);
        let frame = Frame { destination: to, source, vlan: None, kind, payload };
        self.paper.says.borrow_mut().push_back(What::Frame { interface: 0, bytes: frame.emit() });
    }

    fn hears(&mut self, bytes: &[u8]) {
        let asked = Frame::parse(bytes).unwrap();
        match asked.kind {
            Kind::Type(ethernet::PPPOE_DISCOVERY) => {
                let mark = &asked.payload[10..];
                let named = hex!("0101 0000 0102 0006 6272617337 33");
                let tags = [&named[..], mark].concat();
                let offer = pppoe::Pppoe { code: pppoe::PADO, session: 0, payload: &tags };
                self.says(TELLERS[0], OUR_MAC, ethernet::PPPOE_DISCOVERY, &offer.emit());
            }
            Kind::Type(ethernet::IPV4) => {
                let search = &ipv4::Packet::parse(asked.payload).unwrap().payload[8..];
                let options = hex!(
                    "350102 36040a00000b 0104ffffff00 03040a00000b 2108cb007107 0a000009
                     7907 10 ac1e 0a000009 fc10 687474703a2f2f3139322e302e322e31 ff"
                );
                let mut offer = [&search[..240], &options[..]].concat();
                offer[0] = 2;
                offer[16..20].copy_from_slice(&[10, 0, 0, 99]);
                offer[24..28].copy_from_slice(&[10, 0, 0, 11]);
                let datagram = Datagram { source: 67, destination: 68, payload: &offer }.emit(&[]);
                let from = Ipv4Addr::new(10, 0, 0, 11);
                let bytes = packet(from, Ipv4Addr::BROADCAST, 64, 17, &datagram);
                self.says(TELLERS[0], [0xff; 6], ethernet::IPV4, &bytes);
            }
            Kind::Type(ethernet::IPV6) => {
                let (from, to) = ("fe80::11".parse().unwrap(), "ff02::1".parse().unwrap());
                let body = hex!(
                    "40 00 0708 00000000 00000000 0501 0000 000005ae
                     0304 40 c0 00015180 00003840 00000000 2001 0db8 0001 0000 0000000000000000
                     1903 0000 00000708 20010db8000000000000000000000035"
                );
                let message = icmpv6::seal(from, to, ndp::ROUTER_ADVERTISEMENT, &body);
                let packet = ipv6::Packet {
                    source: from,
                    destination: to,
                    hop_limit: 255,
                    protocol: icmpv6::NUMBER,
                    fragment: None,
                    payload: &message,
                    missing: 0,
                };
                let all = hex!("333300000001");
                self.says(TELLERS[1], all, ethernet::IPV6, &packet.emit());
            }
            _ => {
                let target = Arp::parse(asked.payload).unwrap().target;
                for sender_mac in TELLERS {
                    let (sender, target_mac) = (target, OUR_MAC);
                    let operation = arp::REPLY;
                    let told = Arp { operation, sender_mac, sender, target_mac, target: OURS };
                    self.says(sender_mac, OUR_MAC, ethernet::ARP, &told.emit());
                }
            }
        }
    }
}

impl Link for Busy {
    fn now(&self) -> Timestamp {
        self.paper.now
    }

    fn send(&mut self, act: Act<'_>) -> Result<(), Refusal> {
        if let Act::Frame { interface: 0, bytes, .. } = act {
            self.hears(bytes);
        }
        self.paper.send(act)
    }

    fn wait(&mut self, until: Timestamp) -> Option<Event> {
        self.paper.wait(until)
    }

    fn interfaces(&self) -> &[Interface] {
        &self.paper.interfaces
    }
}

#[test]
fn what_a_wire_answers_is_in_the_recording_and_nobody_is_given_an_address_that_he_stands_in_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.pcapng");
    let consent = consent(WHOLE);
    let manner = discover::Manner::of(consent.pace.profile, 7);
    let plan = wires::Plan::of(&consent, &manner);
    let recorder = Recorder::create(&path, "{}", Busy { paper: Paper::new() }).unwrap();
    let mut guard = Guard::new(recorder, consent);
    let outcome = wires::ask(&mut guard, &plan, &[]);
    let told = guard.ledger().total().packets;
    drop(guard.into_parts().0.finish().unwrap());
    assert_eq!(outcome.sent, told);

    let replay = passive::replay(&[path], None, &|_| {}).unwrap();
    assert_eq!(replay.asked.packets, told, "the recording's ledger is the guard's");
    let everybody = replay.asked.of(Ipv4Addr::BROADCAST.into()).unwrap();
    let probes: Vec<&str> = replay.asked.probes_of(everybody).collect();
    assert_eq!(probes, ["access_line", "dhcp_offer"]);
    assert!(replay.asked.of(DESTINATIONS_V4[0].into()).unwrap().answers > 0);
    for (protocol, field, value) in [
        ("pppoe", "pppoe.step", "pado"),
        ("pppoe", "pppoe.concentrator", "bras73"),
        ("dhcp", "dhcp.message", "offer"),
        ("dhcp", "dhcp.server", "10.0.0.11"),
        ("dhcp", "dhcp.router", "10.0.0.11"),
        ("dhcp", "dhcp.relay", "10.0.0.11"),
        ("dhcp", "dhcp.route", "203.0.113.7 via 10.0.0.9"),
        ("dhcp", "dhcp.wpad", "http://192.0.2.1"),
        ("ndp", "ndp.lifetime", "1800"),
        ("ndp", "ndp.mtu", "1454"),
        ("ndp", "ndp.prefix", "2001:db8:1::/64"),
        ("ndp", "ndp.dns", "2001:db8::35"),
        ("arp", "arp.ip", "198.41.0.4"),
    ] {
        let of_protocol = replay.observations.iter().filter(|o| o.protocol == protocol);
        let said = of_protocol.flat_map(|o| o.facts.all(field).collect::<Vec<_>>());
        assert!(said.into_iter().any(|said| said == value), "{field} {value}");
    }
    // Three hardware addresses that answer for it do not make its network the hospital's.
    assert!(replay.inside.is_outside(DESTINATIONS_V4[0].into()), "{:?}", replay.inside);
    let signatures = Signatures::built_in().unwrap();
    let points = correlate::points(&correlate::Heard {
        observations: &replay.observations,
        inside: &replay.inside,
        matcher: &Matcher::new(&signatures),
        packet: &|id| id.number.to_string(),
        vantages: &[],
    });
    let address = IpAddr::V4(DESTINATIONS_V4[0]);
    assert!(
        points.iter().all(|point| !point.addresses.contains(&address) || point.macs.is_empty())
    );
    let rules: Vec<&str> =
        points.iter().flat_map(|point| &point.because).map(|one| one.evidence.as_str()).collect();
    assert!(rules.contains(&"dhcp_route_outside"), "{rules:?}");
}
