//! A sweep over networks in memory: who is found, what is asked of whom, and how it goes on.

use std::{cell::Cell, collections::VecDeque};

use super::*;
use crate::{
    link::{Act, Call, Event, Refused, What, raw::contact_of},
    scope::Refusal,
    sweep::packet,
    time::Timestamp,
    wire::{
        arp::Arp,
        ethernet::{self, Frame, Kind},
        icmp::Icmp,
        icmpv6, ipv4, ipv6, ndp,
        tcp::{Segment, flag},
    },
};

const OURS: Mac = Mac([2, 0, 0, 0, 0, 1]);
const ROUTER: Mac = Mac([2, 0, 0, 0, 0, 0xfe]);
const LATENCY: i64 = 1_000_000;

/// A wire 192.0.2.0/24 with a router to 10.0.0.0/24.
struct Net {
    now: Timestamp,
    interfaces: Vec<Interface>,
    /// Hosts, and their open ports; those behind the router answer no echo when they have ports.
    hosts: BTreeMap<IpAddr, Vec<u16>>,
    coming: VecDeque<Event>,
    sent: Vec<(Timestamp, IpAddr, Option<u16>)>,
    notes: Vec<String>,
    /// Every so many packets one is lost.
    lossy: Option<usize>,
    /// Packets a second.
    rate: Option<i64>,
    free: Timestamp,
    /// A host that may only be asked for its hardware address.
    fragile: Option<IpAddr>,
    stops_after: Option<usize>,
    open_calls: Cell<i32>,
}

fn net(hosts: &[(&str, &[u16])]) -> Net {
    let interface = Interface {
        name: "eth0".to_owned(),
        mac: Some(OURS),
        addresses: vec!["192.0.2.1/24".parse().unwrap(), "fe80::1/64".parse().unwrap()],
        mtu: 1500,
        up: true,
        loopback: false,
    };
    let hosts = hosts.iter().map(|(host, ports)| (host.parse().unwrap(), ports.to_vec()));
    Net {
        now: Timestamp::default(),
        interfaces: vec![interface],
        hosts: hosts.collect(),
        coming: VecDeque::new(),
        sent: Vec::new(),
        notes: Vec::new(),
        lossy: None,
        rate: None,
        free: Timestamp::default(),
        fragile: None,
        stops_after: None,
        open_calls: Cell::new(0),
    }
}

fn mac_of(address: IpAddr) -> Mac {
    let last = match address {
        IpAddr::V4(v4) => v4.octets()[3],
        IpAddr::V6(v6) => v6.octets()[15],
    };
    if address == IpAddr::from([192, 0, 2, 254]) { ROUTER } else { Mac([2, 0, 0, 0, 1, last]) }
}

fn is_near(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(v4) if v4.octets()[0] == 192) || address.is_ipv6()
}

impl Net {
    fn answers(&self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let frame = Frame::parse(bytes).unwrap();
        let contact = contact_of(bytes).unwrap();
        match frame.kind {
            Kind::Type(ethernet::ARP) => {
                let asked = Arp::parse(frame.payload).unwrap();
                let lives =
                    self.hosts.contains_key(&contact.address) || mac_of(contact.address) == ROUTER;
                let reply = Arp {
                    operation: 2,
                    sender_mac: mac_of(contact.address).0,
                    sender: asked.target,
                    target_mac: asked.sender_mac,
                    target: asked.sender,
                };
                let payload = reply.emit();
                let frame = Frame {
                    destination: OURS.0,
                    source: reply.sender_mac,
                    payload: &payload,
                    ..frame
                };
                if lives { vec![frame.emit()] } else { Vec::new() }
            }
            Kind::Type(ethernet::IPV4) => self.over_4(&frame),
            _ => self.over_6(&frame, contact.address),
        }
    }

    fn over_4(&self, frame: &Frame<'_>) -> Vec<Vec<u8>> {
        let asked = ipv4::Packet::parse(frame.payload).unwrap();
        let address = IpAddr::V4(asked.destination);
        let expected = if is_near(address) { mac_of(address) } else { ROUTER };
        assert_eq!(Mac(frame.destination), expected, "{address} is reached by another machine");
        let Some(ports) = self.hosts.get(&address) else { return Vec::new() };
        let way = Way { our_mac: expected, our_address: address, next_mac: OURS };
        let answer = if asked.protocol == 1 {
            let echo = Icmp::parse(asked.payload).unwrap();
            let silent = !ports.is_empty();
            let reply = Icmp { kind: 0, ..echo }.emit();
            (!silent).then(|| packet::frame(&way, asked.source.into(), 1, None, 0, |_| reply))
        } else {
            let segment = Segment::parse(asked.payload).unwrap();
            let open = ports.contains(&segment.destination);
            let back = Segment {
                source: segment.destination,
                destination: segment.source,
                acknowledgement: segment.sequence.wrapping_add(1),
                flags: flag::ACK | if open { flag::SYN } else { flag::RST },
                ..segment
            };
            Some(packet::frame(&way, asked.source.into(), 6, None, 24, |pseudo| back.emit(pseudo)))
        };
        answer.flatten().into_iter().collect()
    }

    fn over_6(&self, frame: &Frame<'_>, address: IpAddr) -> Vec<Vec<u8>> {
        let asked = ipv6::Packet::parse(frame.payload).unwrap();
        let reply = |host: &IpAddr| {
            let IpAddr::V6(own) = *host else { return None };
            let way = Way { our_mac: mac_of(*host), our_address: *host, next_mac: OURS };
            if asked.protocol == 6 {
                return None;
            }
            let (hops, bytes) = match ndp::Ndp::parse(asked.payload) {
                Ok(_) => {
                    let body =
                        [&[0x60, 0, 0, 0][..], &own.octets(), &[2, 1], &mac_of(*host).0].concat();
                    (255, icmpv6::seal(own, asked.source, 136, &body))
                }
                Err(_) => (64, icmpv6::seal(own, asked.source, 129, asked.payload.get(4..)?)),
            };
            packet::frame(&way, asked.source.into(), 58, Some(hops), 0, |_| bytes)
        };
        let everybody = address == IpAddr::V6(super::ndp::EVERYBODY);
        self.hosts.keys().filter(|host| everybody || **host == address).filter_map(reply).collect()
    }

    fn comes(&mut self, what: What) {
        let at = self.now.after(Duration::from_nanos(LATENCY.unsigned_abs()));
        self.coming.push_back(Event { at, what });
    }

    fn asked(&self, address: &str) -> usize {
        let address: IpAddr = address.parse().unwrap();
        self.sent.iter().filter(|(_, to, _)| *to == address).count()
    }
}

impl Link for Net {
    fn now(&self) -> Timestamp {
        self.now
    }

    fn ready(&self, _: IpAddr, _: u32) -> Timestamp {
        self.free.max(self.now)
    }

    fn send(&mut self, act: Act<'_>) -> Result<(), Refusal> {
        if self.free > self.now {
            return Err(Refusal::TooSoon(self.free));
        }
        let (address, port, resolves) = match act {
            Act::Frame { bytes, .. } => {
                let contact = contact_of(bytes).unwrap();
                (contact.address, contact.port, contact.resolves)
            }
            Act::Open(Call { to, .. }) => (to.ip(), Some(to.port()), false),
            Act::Close { .. } => {
                self.open_calls.set(self.open_calls.get() - 1);
                return Ok(());
            }
            Act::Say { .. } => panic!("a sweep says nothing"),
        };
        if self.fragile == Some(address) && !resolves {
            return Err(Refusal::FragileHost(address));
        }
        if self.stops_after.is_some_and(|most| self.sent.len() >= most) {
            return Err(Refusal::Stopping);
        }
        if let Some(rate) = self.rate {
            self.free = self.now.after(Duration::from_nanos((1_000_000_000 / rate).unsigned_abs()));
        }
        self.sent.push((self.now, address, port));
        let lost = self.lossy.is_some_and(|every| self.sent.len().is_multiple_of(every));
        match act {
            Act::Frame { interface, bytes, .. } if !lost => {
                for bytes in self.answers(bytes) {
                    self.comes(What::Frame { interface, bytes });
                }
            }
            Act::Open(Call { id, to, .. }) => match self.hosts.get(&to.ip()) {
                Some(ports) if ports.contains(&to.port()) => {
                    self.open_calls.set(self.open_calls.get() + 1);
                    self.comes(What::Opened { id, from: "192.0.2.1:40000".parse().unwrap() });
                }
                Some(_) => self.comes(What::Refused { id, how: Refused::Port }),
                None => self.open_calls.set(self.open_calls.get() + 1),
            },
            _ => {}
        }
        Ok(())
    }

    fn wait(&mut self, until: Timestamp) -> Option<Event> {
        match self.coming.front() {
            Some(event) if event.at <= until => {
                self.now = self.now.max(event.at);
                self.coming.pop_front()
            }
            _ => {
                self.now = self.now.max(until);
                None
            }
        }
    }

    fn note(&mut self, line: &str) {
        self.notes.push(line.to_owned());
    }

    fn interfaces(&self) -> &[Interface] {
        &self.interfaces
    }
}

fn targets(prefixes: &[&str], ports: &[u16]) -> Targets {
    let prefixes = prefixes.iter().map(|prefix| prefix.parse::<IpNetwork>().unwrap());
    Targets {
        blocks: Blocks::new(prefixes.map(|prefix| (prefix.network(), prefix.broadcast()))),
        hops: vec![Hop {
            prefix: "0.0.0.0/0".parse().unwrap(),
            interface: 0,
            gateway: [192, 0, 2, 254].into(),
        }],
        known: Vec::new(),
        discovery: vec![443, 22],
        ports: ports.to_vec(),
        ipv6: false,
    }
}

fn manner() -> Manner {
    Manner {
        attempts: 3,
        patience: Duration::from_millis(500),
        seed: 7,
        handshakes: false,
        first_call: 100,
        progress: Progress::default(),
    }
}

fn addresses(found: &Found) -> Vec<String> {
    found.hosts.iter().map(|host| host.address.to_string()).collect()
}

#[test]
fn neighbours_are_found_by_arp_and_what_lies_beyond_through_the_router() {
    let mut net = net(&[
        ("192.0.2.9", &[22]),
        ("192.0.2.77", &[]),
        ("10.0.0.5", &[]),
        ("10.0.0.6", &[443]),
        ("198.51.100.1", &[443]),
    ]);
    let targets = targets(&["192.0.2.0/24", "10.0.0.0/24"], &[22, 443]);
    let found = discover(&mut net, &targets, &manner());
    let whole = ["10.0.0.5", "10.0.0.6", "192.0.2.9", "192.0.2.77", "192.0.2.254"];
    assert_eq!(addresses(&found), whole);
    let open = [("10.0.0.6".parse().unwrap(), 443), ("192.0.2.9".parse().unwrap(), 22)];
    assert_eq!(found.open, open);
    let near = &found.hosts[2];
    assert_eq!((near.on_link, near.mac), (true, Some(mac_of(near.address))));
    assert_eq!((found.hosts[0].on_link, found.hosts[0].mac), (false, None));
    assert_eq!(found.hosts[0].answers[0], How::Echo);
    assert_eq!(net.asked("192.0.2.1"), 0, "this machine itself");
    assert_eq!(net.asked("192.0.2.0") + net.asked("192.0.2.255"), 0, "nobody's addresses");
    assert_eq!((found.loss.silent, found.refused.len()), (0, 0));
    assert!(net.asked("198.51.100.1") == 0 && !found.stopped);
}

#[test]
fn the_same_seed_asks_in_the_same_order() {
    let asked = |seed| {
        let mut net = net(&[("192.0.2.9", &[22])]);
        let manner = Manner { seed, ..manner() };
        discover(&mut net, &targets(&["192.0.2.0/24"], &[22]), &manner);
        net.sent
    };
    assert_eq!(asked(7), asked(7));
    assert_ne!(asked(7), asked(8));
}

#[test]
fn what_is_lost_is_asked_again() {
    let ports: &[u16] = &[443];
    let names: Vec<String> = (0..1024).map(|n| format!("10.0.{}.{}", n / 256, n % 256)).collect();
    let hosts: Vec<(&str, &[u16])> = names.iter().map(|name| (&**name, ports)).collect();
    let mut net = net(&hosts);
    net.lossy = Some(5);
    let found = discover(&mut net, &targets(&["10.0.0.0/22"], &[]), &manner());
    assert!(found.loss.silent > 0 && found.loss.share().unwrap() > 0.02, "{:?}", found.loss);
    assert!(found.hosts.len() > 1010, "{} of 1024", found.hosts.len());
}

#[test]
fn a_fragile_host_is_refused_and_not_silent() {
    let mut net = net(&[("192.0.2.9", &[22]), ("192.0.2.10", &[22])]);
    net.fragile = Some([192, 0, 2, 9].into());
    let found = discover(&mut net, &targets(&["192.0.2.0/28"], &[22, 104]), &manner());
    assert_eq!(addresses(&found), ["192.0.2.9", "192.0.2.10"]);
    assert_eq!(found.refused, BTreeMap::from([("fragile_host", 2)]), "each port once");
    assert_eq!(found.open, [("192.0.2.10".parse().unwrap(), 22)]);
    assert_eq!(found.loss.silent, 0);
}

#[test]
fn the_pace_of_the_link_is_kept_and_nobody_is_forgotten() {
    let mut net = net(&[("192.0.2.9", &[22]), ("10.0.0.3", &[])]);
    net.rate = Some(20);
    let found = discover(&mut net, &targets(&["192.0.2.0/26", "10.0.0.0/28"], &[22]), &manner());
    assert_eq!(addresses(&found), ["10.0.0.3", "192.0.2.9"]);
    let gaps = net.sent.windows(2).map(|two| two[1].0.since(two[0].0));
    assert!(gaps.min().unwrap() >= 50_000_000);
}

#[test]
fn without_frames_connections_find_who_lives() {
    let mut net = net(&[("127.0.0.1", &[22]), ("127.0.0.2", &[80])]);
    net.interfaces.clear();
    let found = discover(&mut net, &targets(&["127.0.0.0/29"], &[22, 80]), &manner());
    assert_eq!(addresses(&found), ["127.0.0.1", "127.0.0.2"]);
    let open = [("127.0.0.1".parse().unwrap(), 22), ("127.0.0.2".parse().unwrap(), 80)];
    assert_eq!(found.open, open);
    assert_eq!(net.open_calls.get(), 0, "every call was ended");
    assert!(found.next_call > 100);
}

#[test]
fn loopback_is_not_behind_the_router_that_everything_else_is_behind() {
    let mut net = net(&[("127.0.0.1", &[22]), ("192.0.2.254", &[])]);
    let found = discover(&mut net, &targets(&["127.0.0.1/32"], &[22, 80]), &manner());
    assert_eq!(found.open, [("127.0.0.1".parse().unwrap(), 22)]);
    assert!(net.sent.iter().all(|(_, address, port)| !address.is_loopback() || port.is_some()));
}

#[test]
fn neighbours_with_ip_version_6_answer_everybodys_echo() {
    let mut net = net(&[("fe80::9", &[]), ("fe80::a", &[])]);
    let targets = Targets { ipv6: true, ..targets(&["fe80::b/128"], &[]) };
    let found = discover(&mut net, &targets, &manner());
    assert_eq!(addresses(&found), ["fe80::9", "fe80::a"]);
    assert!(found.hosts.iter().all(|host| host.answers == [How::Echo, How::Nd] && host.on_link));
    assert_eq!(found.hosts[0].mac, Some(mac_of("fe80::9".parse().unwrap())));
    let prefixes = net.sent.iter().filter(|(_, to, _)| to.is_ipv6()).count();
    assert!(prefixes < 20, "{prefixes} questions");
}

#[test]
fn a_sweep_that_was_killed_goes_on_from_its_notes() {
    let hosts: &[(&str, &[u16])] =
        &[("192.0.2.9", &[22]), ("192.0.2.200", &[22]), ("10.0.0.3", &[])];
    let swept = targets(&["192.0.2.0/24", "10.0.0.0/24"], &[22]);
    let whole = discover(&mut net(hosts), &swept, &manner());
    let mut first = net(hosts);
    (first.rate, first.stops_after) = (Some(20), Some(200));
    let killed = discover(&mut first, &swept, &manner());
    assert!(killed.stopped && first.sent.len() == 200);
    let progress = Progress::of(first.notes.iter().map(String::as_str));
    let (stage, place) = progress.reached.clone().unwrap();
    assert!(stage == "arp" && (100..200).contains(&place), "{stage} {place}");
    let mut second = net(hosts);
    let found = discover(&mut second, &swept, &Manner { progress, ..manner() });
    assert_eq!((found.hosts, found.open), (whole.hosts, whole.open));
    let both = first
        .sent
        .iter()
        .chain(&second.sent)
        .filter(|(_, to, _)| *to == IpAddr::from([192, 0, 2, 40]));
    assert!(both.count() <= 3, "not beyond the retries");
}

#[test]
fn notes_tell_hosts_as_they_were() {
    let host = Host {
        address: [192, 0, 2, 9].into(),
        mac: Some(OURS),
        interface: Some(1),
        on_link: true,
        answers: vec![How::Arp, How::SynAck],
    };
    let far = Host { mac: None, interface: None, on_link: false, ..host.clone() };
    let lines = [format!("sweep host {}", host.line()), format!("sweep host {}", far.line())];
    let others = ["sweep open 192.0.2.9 22", "asked ssh 4", "sweep host x", "sweep syn 7"];
    let progress = Progress::of(lines.iter().map(String::as_str).chain(others));
    assert_eq!(progress.hosts, [host, far]);
    assert_eq!(progress.open, [([192, 0, 2, 9].into(), 22)]);
    assert_eq!(progress.reached, Some(("syn".to_owned(), 7)));
    assert_eq!(progress.from("arp", 99), 99);
    assert_eq!((progress.from("syn", 99), progress.from("ports", 99)), (7, 0));
}
