//! Who answers, over any link: on the wires that this machine is on by ARP and neighbour discovery, behind routers by
//! echoes and handshakes, without the right to frames by connections; then which ports of theirs are open.
//!
//! A host that may only be asked for its hardware address (fragile equipment) counts as refused, not as silent.

use std::{
    collections::{BTreeMap, HashMap},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use ipnetwork::{IpNetwork, Ipv4Network};

use super::{
    How, Way, arp, icmp, is_a_hosts, ndp,
    round::{Question, Round, Stage, Target},
    tcp_syn,
};
use crate::{
    link::{Interface, Link},
    observe::Mac,
    scope::{Blocks, Profile},
};

/// Single IPv6 addresses of the scope that are asked by name, at most.
const MOST_NAMED: usize = 4096;

/// The stages whose places are worth resuming, in their order.
const STAGES: [&str; 5] = ["arp", "echo", "syn", "connect", "ports"];

/// Whom to look for, and how they are reached.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Targets {
    /// The addresses. IPv6 ranges are not gone through: only single addresses of them are asked.
    pub blocks: Blocks,
    /// How to reach what is on none of our wires; the longest prefix counts.
    pub hops: Vec<Hop>,
    /// Hardware addresses that are known already, with the interface: routers that the system knows.
    pub known: Vec<(usize, IpAddr, Mac)>,
    /// Ports that show whether a host behind a router lives.
    pub discovery: Vec<u16>,
    /// Ports of those that live.
    pub ports: Vec<u16>,
    /// Whether neighbours with IPv6 are looked for.
    pub ipv6: bool,
}

/// A router, and where it leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hop {
    /// Where.
    pub prefix: IpNetwork,
    /// The interface that it is behind.
    pub interface: usize,
    /// Its address on that wire.
    pub gateway: IpAddr,
}

/// How it is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manner {
    /// How often a silent target is asked at most.
    pub attempts: u32,
    /// How long an answer is waited for.
    pub patience: Duration,
    /// What order and cookies follow from.
    pub seed: u64,
    /// Whether handshakes are finished (the system's connections) rather than broken off.
    pub handshakes: bool,
    /// The first number that may be given to a call.
    pub first_call: u32,
    /// What an earlier run that was killed had done.
    pub progress: Progress,
}

/// How far a sweep came, as its notes tell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Progress {
    /// The last stage that was noted, and the place before which all is done.
    pub reached: Option<(String, u64)>,
    /// Who had answered.
    pub hosts: Vec<Host>,
    /// What was open.
    pub open: Vec<(IpAddr, u16)>,
}

/// Somebody who answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Its address.
    pub address: IpAddr,
    /// Its hardware address, on one of our wires.
    pub mac: Option<Mac>,
    /// The interface that it is behind, on one of our wires.
    pub interface: Option<usize>,
    /// Whether it is on one of our wires.
    pub on_link: bool,
    /// How it answered, in the order in which it did.
    pub answers: Vec<How>,
}

/// Known answers that were asked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Loss {
    /// How many were.
    pub asked: u64,
    /// How many of them were silent then.
    pub silent: u64,
}

/// What a sweep found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// Who answered, by address.
    pub hosts: Vec<Host>,
    /// What is open.
    pub open: Vec<(IpAddr, u16)>,
    /// How much was lost on the way.
    pub loss: Loss,
    /// What the guard refused to send, by the kind of refusal.
    pub refused: BTreeMap<&'static str, u64>,
    /// How many questions were sent.
    pub sent: u64,
    /// Whether the user ended it early.
    pub stopped: bool,
    /// The next number that may be given to a call.
    pub next_call: u32,
}

impl Manner {
    /// The manner of a profile, from the beginning.
    pub fn of(profile: Profile, seed: u64) -> Self {
        let milliseconds = Duration::from_millis;
        let (attempts, patience, handshakes) = match profile {
            Profile::Clinic => (3, milliseconds(2000), true),
            Profile::Office => (3, milliseconds(1000), false),
            Profile::Lab => (2, milliseconds(500), false),
        };
        let progress = Progress::default();
        Self { attempts, patience, seed, handshakes, first_call: 1, progress }
    }
}

impl Targets {
    /// Whether an answer of this address is one that was looked for.
    pub(super) fn concern(&self, address: IpAddr) -> bool {
        self.blocks.contains(address) || self.ipv6 && address.is_ipv6()
    }
}

impl Host {
    /// Its line in the journal: address, hardware address, interface, how it answered.
    pub(super) fn line(&self) -> String {
        let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        let how: Vec<&str> = self.answers.iter().map(|how| how.name()).collect();
        format!(
            "{} {} {} {}",
            self.address,
            or_none(self.mac.map(|mac| mac.to_string())),
            or_none(self.interface.map(|place| place.to_string())),
            how.join(",")
        )
    }
}

impl Progress {
    /// What the notes of a recording say about its sweep. Lines of others are skipped.
    pub fn of<'a>(notes: impl IntoIterator<Item = &'a str>) -> Self {
        let mut progress = Self::default();
        for note in notes {
            let words: Vec<&str> = note.split(' ').collect();
            match words[..] {
                ["sweep", "host", address, mac, interface, how] => {
                    progress.hosts.extend(read_host(address, mac, interface, how));
                }
                ["sweep", "open", address, port] => {
                    if let (Ok(address), Ok(port)) = (address.parse(), port.parse()) {
                        progress.open.push((address, port));
                    }
                }
                ["sweep", stage, place] if STAGES.contains(&stage) => {
                    if let Ok(place) = place.parse() {
                        progress.reached = Some((stage.to_owned(), place));
                    }
                }
                _ => {}
            }
        }
        progress
    }

    /// The place to begin a stage at.
    fn from(&self, stage: &str, count: u64) -> u64 {
        let number = |name: &str| STAGES.iter().position(|stage| *stage == name);
        match &self.reached {
            Some((reached, place)) if reached == stage => *place,
            Some((reached, _)) if number(reached) > number(stage) => count,
            _ => 0,
        }
    }
}

fn read_host(address: &str, mac: &str, interface: &str, how: &str) -> Option<Host> {
    let mut octets = [0; 6];
    let mut parts = mac.split(':');
    let whole = octets.iter_mut().all(|octet| {
        let read = parts.next().and_then(|part| u8::from_str_radix(part, 16).ok());
        *octet = read.unwrap_or_default();
        read.is_some()
    });
    let every = [
        How::Arp,
        How::Nd,
        How::Echo,
        How::SynAck,
        How::Reset,
        How::Udp,
        How::PortUnreachable,
        How::Unreachable,
        How::Connected,
        How::Refused,
    ];
    let named = |name: &str| every.into_iter().find(|how| how.name() == name);
    let interface = interface.parse().ok();
    Some(Host {
        address: address.parse().ok()?,
        mac: whole.then_some(Mac(octets)),
        interface,
        on_link: interface.is_some(),
        answers: how.split(',').filter_map(named).collect(),
    })
}

impl Loss {
    /// The share that was silent; none when nothing was asked again.
    #[expect(clippy::cast_precision_loss, reason = "a sample is a few dozen")]
    pub fn share(&self) -> Option<f64> {
        (self.asked > 0).then(|| self.silent as f64 / self.asked as f64)
    }
}

/// One of our ends: the place of an interface, its hardware address, and our address there.
#[derive(Debug, Clone, Copy)]
struct End {
    interface: usize,
    mac: Mac,
    address: IpAddr,
    prefix: IpNetwork,
}

/// Finds who of the targets answers.
pub fn discover(link: &mut impl Link, targets: &Targets, manner: &Manner) -> Found {
    let ends = ends(link.interfaces());
    let mut round = Round::new(link, targets, manner);
    let wires = Blocks::of_networks(ends.iter().map(|end| &end.prefix));
    on_link(&mut round, &ends, manner);
    if targets.ipv6 {
        neighbours(&mut round, &ends);
    }
    let routers = gateways(&mut round, &ends);
    let far = targets.blocks.minus(&wires);
    let named = named(&targets.blocks, &ends);
    beyond(&mut round, &far, &named, &routers, manner);
    ports(&mut round, &ends, &routers, manner);
    Found {
        hosts: round.hosts.into_values().collect(),
        open: round.open.into_iter().collect(),
        loss: round.loss,
        refused: round.refused,
        sent: round.sent,
        stopped: round.stopped,
        next_call: round.next_call,
    }
}

fn ends(interfaces: &[Interface]) -> Vec<End> {
    let up = interfaces.iter().enumerate().filter(|(_, i)| i.up && !i.loopback);
    let each = up.filter_map(|(interface, found)| Some((interface, found, found.mac?)));
    each.flat_map(|(interface, found, mac)| {
        let end = move |own: &IpNetwork| End { interface, mac, address: own.ip(), prefix: *own };
        found.addresses.iter().map(end)
    })
    .collect()
}

/// Asks for every address on our wires.
fn on_link<L: Link>(round: &mut Round<'_, L>, ends: &[End], manner: &Manner) {
    struct Wire {
        end: End,
        address: Ipv4Addr,
        prefix: Ipv4Network,
        before: u64,
        places: Blocks,
    }
    let (mut wires, mut count) = (Vec::new(), 0);
    for end in ends {
        if let (IpAddr::V4(address), IpNetwork::V4(prefix)) = (end.address, end.prefix) {
            let places = round.targets.blocks.intersection(&Blocks::of_networks([&end.prefix]));
            let before = count;
            count += places.count_v4();
            wires.push(Wire { end: *end, address, prefix, before, places });
        }
    }
    let ours: Vec<IpAddr> = ends.iter().map(|end| end.address).collect();
    let target = |number: u64| {
        let place = wires.partition_point(|wire| wire.before <= number).checked_sub(1)?;
        let wire = wires.get(place)?;
        let address = wire.places.nth_v4(number - wire.before)?;
        let asked = is_a_hosts(address, wire.prefix) && !ours.contains(&address.into());
        asked.then_some((address.into(), None))
    };
    let ask = |(address, _): Target| {
        let IpAddr::V4(address) = address else { return None };
        let wire = wires.iter().find(|wire| wire.prefix.contains(address))?;
        let bytes = arp::ask(wire.end.mac, wire.address, address);
        Some(Question::Frame { interface: wire.end.interface, bytes, probe: "arp" })
    };
    let from = manner.progress.from("arp", count);
    round.run(&Stage { name: "arp", count, from, wants_hosts: false, target: &target, ask: &ask });
}

/// Looks for neighbours with IPv6, and asks those that answer for their hardware addresses.
fn neighbours<L: Link>(round: &mut Round<'_, L>, ends: &[End]) {
    let cookie = round.cookie;
    let of_6: Vec<&End> = ends.iter().filter(|end| end.address.is_ipv6()).collect();
    let number_of = |number: u64| of_6.get(usize::try_from(number).ok()?).copied();
    let ask = |(own, _): Target| {
        let end = of_6.iter().find(|end| end.address == own)?;
        let IpAddr::V6(own) = own else { return None };
        let bytes = ndp::ask_everybody(end.mac, own, &cookie)?;
        Some(Question::Frame { interface: end.interface, bytes, probe: "echo" })
    };
    // The question goes to everybody; what tells one from the next is who asks.
    round.run(&Stage {
        name: "everybody",
        count: u64::try_from(of_6.len()).unwrap_or_default(),
        from: 0,
        wants_hosts: false,
        target: &|number| Some((number_of(number)?.address, None)),
        ask: &ask,
    });
    let mut asked: Vec<IpAddr> = round.hosts.keys().filter(|a| a.is_ipv6()).copied().collect();
    let interfaces: HashMap<IpAddr, Option<usize>> =
        round.hosts.values().map(|host| (host.address, host.interface)).collect();
    let single = round.targets.blocks.ranges_v6().filter(|(first, last)| first == last);
    asked.extend(single.map(|(only, _)| IpAddr::V6(only)).take(MOST_NAMED));
    asked.sort_unstable();
    asked.dedup();
    let ask = |(address, _): Target| {
        let IpAddr::V6(target) = address else { return None };
        let known = interfaces.get(&address).copied().flatten();
        let behind = |end: &&&End| match known {
            Some(interface) => end.interface == interface,
            None => end.prefix.contains(address),
        };
        // From the end in the same prefix if there is one, for neighbours need not answer others.
        let fitting = of_6.iter().filter(behind);
        let end = fitting.clone().find(|end| end.prefix.contains(address));
        let end = end.or_else(|| fitting.clone().next())?;
        let IpAddr::V6(own) = end.address else { return None };
        let bytes = ndp::ask(end.mac, own, target)?;
        Some(Question::Frame { interface: end.interface, bytes, probe: "neighbour" })
    };
    round.run(&Stage {
        name: "neighbours",
        count: u64::try_from(asked.len()).unwrap_or_default(),
        from: 0,
        wants_hosts: false,
        target: &|number| Some((*asked.get(usize::try_from(number).ok()?)?, None)),
        ask: &ask,
    });
}

/// A router that can be used: our end, and its hardware address.
struct Routers(Vec<(Hop, Way)>);

impl Routers {
    /// The way to an address behind one of them. Loopback is behind none, though a default route covers it.
    fn way(&self, address: IpAddr) -> Option<(usize, Way)> {
        let leads = |(hop, _): &&(Hop, Way)| hop.prefix.contains(address) && !address.is_loopback();
        let best = self.0.iter().filter(leads).max_by_key(|(hop, _)| hop.prefix.prefix())?;
        Some((best.0.interface, best.1))
    }
}

/// Finds the hardware addresses of the routers.
fn gateways<L: Link>(round: &mut Round<'_, L>, ends: &[End]) -> Routers {
    let end_of = |hop: &Hop| {
        let behind = |end: &&End| end.interface == hop.interface;
        let same = |end: &&End| end.address.is_ipv4() == hop.gateway.is_ipv4();
        let mut fitting = ends.iter().filter(behind).filter(same);
        fitting.clone().find(|end| end.prefix.contains(hop.gateway)).or_else(|| fitting.next())
    };
    let targets = round.targets;
    let mac_of = |resolved: &HashMap<IpAddr, Mac>, hop: &Hop| {
        let mut known = targets.known.iter();
        let known = known.find(|(place, ip, _)| (*place, *ip) == (hop.interface, hop.gateway));
        known.map(|(_, _, mac)| *mac).or_else(|| resolved.get(&hop.gateway).copied())
    };
    let is_unknown = |hop: &&Hop| mac_of(&round.resolved, hop).is_none();
    let unknown: Vec<Hop> = targets.hops.iter().filter(is_unknown).copied().collect();
    let hop_of = |gateway: IpAddr| unknown.iter().find(|hop| hop.gateway == gateway);
    let ask = |(address, _): Target| {
        let hop = hop_of(address)?;
        let end = end_of(hop)?;
        let (bytes, probe) = match (end.address, address) {
            (IpAddr::V4(own), IpAddr::V4(to)) => (arp::ask(end.mac, own, to), "arp"),
            (IpAddr::V6(own), IpAddr::V6(to)) => (ndp::ask(end.mac, own, to)?, "neighbour"),
            _ => return None,
        };
        Some(Question::Frame { interface: end.interface, bytes, probe })
    };
    round.run(&Stage {
        name: "gateways",
        count: u64::try_from(unknown.len()).unwrap_or_default(),
        from: 0,
        wants_hosts: false,
        target: &|number| Some((unknown.get(usize::try_from(number).ok()?)?.gateway, None)),
        ask: &ask,
    });
    let way = |hop: &Hop| {
        let end = end_of(hop)?;
        let next_mac = mac_of(&round.resolved, hop)?;
        Some((*hop, Way { our_mac: end.mac, our_address: end.address, next_mac }))
    };
    Routers(targets.hops.iter().filter_map(way).collect())
}

/// Single IPv6 addresses of the scope that are on none of our wires.
fn named(blocks: &Blocks, ends: &[End]) -> Vec<IpAddr> {
    let single = blocks.ranges_v6().filter(|(first, last)| first == last);
    let single = single.map(|(only, _)| IpAddr::V6(only)).take(MOST_NAMED);
    single.filter(|address| !ends.iter().any(|end| end.prefix.contains(*address))).collect()
}

/// Asks what is on none of our wires: through routers where frames can go, else by connections.
fn beyond<L: Link>(
    round: &mut Round<'_, L>,
    far: &Blocks,
    named: &[IpAddr],
    routers: &Routers,
    manner: &Manner,
) {
    let (cookie, targets) = (round.cookie, round.targets);
    let count = far.count_v4() + u64::try_from(named.len()).unwrap_or_default();
    let address = |number: u64| match far.nth_v4(number) {
        Some(address) => Some(IpAddr::V4(address)),
        None => named.get(usize::try_from(number.checked_sub(far.count_v4())?).ok()?).copied(),
    };
    let ask = |(address, _): Target| {
        let (interface, way) = routers.way(address)?;
        let IpAddr::V4(target) = address else { return None };
        let bytes = icmp::ask(&way, &cookie, target)?;
        Some(Question::Frame { interface, bytes, probe: "echo" })
    };
    round.run(&Stage {
        name: "echo",
        count,
        from: manner.progress.from("echo", count),
        wants_hosts: true,
        target: &|number| Some((address(number)?, None)),
        ask: &ask,
    });

    let ports = u64::try_from(targets.discovery.len()).unwrap_or_default().max(1);
    let count = count * ports;
    let target = |number: u64| {
        let port = targets.discovery.get(usize::try_from(number % ports).ok()?)?;
        Some((address(number / ports)?, Some(*port)))
    };
    let by_frames = |address: IpAddr| routers.way(address).filter(|_| !manner.handshakes);
    let ask = |(address, port): Target| {
        let (interface, way) = by_frames(address)?;
        let bytes = tcp_syn::ask(&way, &cookie, address, port?)?;
        Some(Question::Frame { interface, bytes, probe: "tcp_syn" })
    };
    let from = manner.progress.from("syn", count);
    let wants_hosts = true;
    round.run(&Stage { name: "syn", count, from, wants_hosts, target: &target, ask: &ask });

    let ask = |(address, port): Target| match by_frames(address) {
        Some(_) => None,
        None => Some(Question::Connect(SocketAddr::new(address, port?))),
    };
    let from = manner.progress.from("connect", count);
    round.run(&Stage { name: "connect", count, from, wants_hosts, target: &target, ask: &ask });
}

/// Asks the ports of those that live.
fn ports<L: Link>(round: &mut Round<'_, L>, ends: &[End], routers: &Routers, manner: &Manner) {
    let (cookie, targets) = (round.cookie, round.targets);
    // Neighbours that answer everybody need not be in the scope.
    let in_scope = |host: &&Host| targets.blocks.contains(host.address);
    let hosts: Vec<Host> = round.hosts.values().filter(in_scope).cloned().collect();
    let ports = u64::try_from(targets.ports.len()).unwrap_or_default();
    let count = ports * u64::try_from(hosts.len()).unwrap_or_default();
    let target = |number: u64| {
        let host = hosts.get(usize::try_from(number / ports).ok()?)?;
        let port = targets.ports.get(usize::try_from(number % ports).ok()?)?;
        // What was found open before the run was killed needs no second question.
        let known = manner.progress.open.contains(&(host.address, *port));
        (!known).then_some((host.address, Some(*port)))
    };
    let way = |host: &Host| {
        let (Some(interface), Some(next_mac)) = (host.interface, host.mac) else {
            return routers.way(host.address);
        };
        let behind = |end: &&End| end.interface == interface;
        let same = |end: &&End| end.address.is_ipv4() == host.address.is_ipv4();
        let mut fitting = ends.iter().filter(behind).filter(same);
        let end = fitting.clone().find(|end| end.prefix.contains(host.address));
        let end = end.or_else(|| fitting.next())?;
        Some((interface, Way { our_mac: end.mac, our_address: end.address, next_mac }))
    };
    let ask = |(address, port): Target| {
        let place = hosts.binary_search_by_key(&address, |host| host.address).ok()?;
        let host = hosts.get(place)?;
        let link_local = matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local());
        match way(host).filter(|_| !manner.handshakes || link_local) {
            Some((interface, way)) => {
                let bytes = tcp_syn::ask(&way, &cookie, address, port?)?;
                Some(Question::Frame { interface, bytes, probe: "tcp_syn" })
            }
            None => Some(Question::Connect(SocketAddr::new(address, port?))),
        }
    };
    let from = manner.progress.from("ports", count);
    let wants_hosts = false;
    round.run(&Stage { name: "ports", count, from, wants_hosts, target: &target, ask: &ask });
}

#[cfg(test)]
mod tests;
