//! `sekisho sweep`: who answers, and nothing more.

use std::{
    collections::{BTreeSet, HashMap},
    io::{self, BufWriter, IsTerminal as _, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
    thread,
    time::Duration,
};

use ipnetwork::IpNetwork;

use super::{
    Exit,
    limits::Limits,
    ports::{DISCOVERY, Ports},
};
use crate::{
    link::{
        Interface,
        guard::Guard,
        interface,
        live::{self, Live},
        raw::{self, Filter, Gate, Opening, Want},
        stop,
    },
    observe::{Facts, Mac, Transport},
    probe::{self, Ask, Heard, Step},
    scope::{Blocks, Consent, Pace, hours},
    sweep::{
        Answer, How, Way, cookie,
        discover::{self, Found, Manner, Targets, discover},
        flight::{Plan, Question, Stop, Tally, fly},
    },
};

/// Bytes of the ring that frames come in through, where there is no cap on how fast they go out.
const WIDE_RING: usize = 32 << 20;
/// Threads that send, where there is no cap.
const MOST_SENDERS: usize = 2;
/// The same at a rate.
const RING: usize = 4 << 20;
/// Up to how many packets a second each answer is written at once.
const SLOW: u32 = 10_000;

/// Find which addresses answer, and write them as JSON, one object a line
///
/// On our own wires addresses are asked for by ARP, behind a router by echoes and handshakes; ports only where they are
/// named. With the right to raw frames (`CAP_NET_RAW`) nothing is remembered of who was asked, so that a network of
/// any size takes the same memory; without it connections are made. Each packet is held against the scope.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    sekisho sweep 10.10.0.0/24 --yes\n  \
    sekisho sweep 10.10.0.0/16 --ports 22,443,3389 --rate 500 --yes | jq 'select(.how == \"syn_ack\")'\n  \
    sekisho sweep --scope facility.toml --udp 500,161\n  \
    sekisho sweep 10.0.0.0/8 --ports 443 --gateway-mac 00:00:5e:00:53:01 --profile lab --rate 0 --yes")]
pub(super) struct Arguments {
    #[command(flatten)]
    limits: Limits,
    /// Ask these TCP ports: 22,80,8000-8010
    #[arg(long, value_name = "PORTS", value_parser = Ports::from_str)]
    ports: Option<Ports>,
    /// Ask these UDP ports, each a question of its own protocol
    #[arg(long, value_name = "PORTS", value_parser = Ports::from_str)]
    udp: Option<Ports>,
    /// Ask who has the addresses (ARP)
    #[arg(long)]
    arp: bool,
    /// Ask for echoes (ICMP)
    #[arg(long)]
    icmp: bool,
    /// Send everything to this hardware address: the router to go through
    #[arg(long, value_name = "MAC", value_parser = mac)]
    gateway_mac: Option<Mac>,
    /// Wait so long for the last answers, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 3)]
    wait: u64,
    /// What the order follows from; otherwise a random number, which is told
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// Go on from this place of the order, with the same targets, questions and seed
    #[arg(long, value_name = "PLACE", requires = "seed")]
    resume: Option<u64>,
}

/// Why a sweep cannot be made.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// No packet would leave.
    #[error("no interface leads to {0}; name one by --interface")]
    NoInterface(IpAddr),
    /// An interface of that name is not there, or cannot be used.
    #[error(
        "{0} is no interface with a hardware address and an IPv4 address; `sekisho sweep --iflist` lists them"
    )]
    Interface(String),
    /// The router does not answer.
    #[error("the router {0} does not answer; give its hardware address by --gateway-mac")]
    NoRouter(Ipv4Addr),
    /// Nobody knows what to ask.
    #[error("no probe asks UDP port {port}; there are {known}")]
    NoPayload {
        /// The port.
        port: u16,
        /// The ports that have one.
        known: String,
    },
    /// Not all that is asked for can be asked without frames.
    #[error(
        "{what} needs raw frames, which this process may not send ({source}); run it with CAP_NET_RAW"
    )]
    NoFrames {
        /// What was asked for.
        what: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// Where to go on is not one number.
    #[error(
        "--resume goes on with one round of questions; name targets of one wire and either --arp or ports with --gateway-mac"
    )]
    Resume,
}

fn mac(text: &str) -> Result<Mac, String> {
    let mut octets = [0; 6];
    let parts: Vec<&str> = text.split([':', '-']).collect();
    let whole = parts.len() == 6
        && octets.iter_mut().zip(&parts).all(|(octet, part)| {
            u8::from_str_radix(part, 16).map(|read| *octet = read).is_ok() && part.len() <= 2
        });
    let mac = Mac(octets);
    if whole && !mac.is_group() {
        Ok(mac)
    } else {
        Err("it is no hardware address of one machine; write 00:00:5e:00:53:01".to_owned())
    }
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    if arguments.limits.iflist {
        super::doctor::write_interfaces()?;
        return Ok(Exit::Clean);
    }
    let interfaces = interface::all();
    let connected: Vec<IpNetwork> =
        interface::connected_prefixes().into_iter().map(|(_, prefix)| prefix).collect();
    let offset = hours::local_offset(live::Clock::start().now());
    let (_, mut consent) = arguments.limits.consent(&connected, offset)?;
    spare(&mut consent.exclude, &interfaces);
    let targets = consent.include.minus(&consent.exclude);
    if arguments.limits.list {
        list(&targets)?;
        return Ok(Exit::Clean);
    }
    let seed = match arguments.seed {
        Some(seed) => seed,
        None => getrandom::u64().map_err(io::Error::other)?,
    };
    let desk = Desk { arguments, consent: &consent, interfaces: &interfaces, seed };
    if arguments.limits.dry_run {
        return plan(&desk, &targets);
    }
    if let Err(source) = raw::permitted() {
        let needs = [
            ("--arp", arguments.arp),
            ("--icmp", arguments.icmp),
            ("--udp", arguments.udp.is_some()),
            ("--gateway-mac", arguments.gateway_mac.is_some()),
            ("--resume", arguments.resume.is_some()),
        ];
        if let Some((what, _)) = needs.into_iter().find(|(_, asked)| *asked) {
            return Err(Error::NoFrames { what, source }.into());
        }
        return by_connections(&desk, &targets);
    }
    let loopback = targets.first().is_some_and(|address| address.is_loopback());
    if loopback { by_connections(&desk, &targets) } else { by_frames(&desk, &targets) }
}

/// What everything here needs to know.
struct Desk<'a> {
    arguments: &'a Arguments,
    consent: &'a Consent,
    interfaces: &'a [Interface],
    seed: u64,
}

/// A part of the targets that is reached in one way.
struct Leg {
    interface: String,
    way: Way,
    targets: Blocks,
    /// On the wire itself, by hardware addresses that have to be asked for.
    near: bool,
}

/// Leaves out our own addresses, and those that are nobody's: the first and last of each wire.
fn spare(exclude: &mut Blocks, interfaces: &[Interface]) {
    let wires = interfaces.iter().filter(|interface| !interface.loopback);
    for own in wires.flat_map(|interface| &interface.addresses) {
        let mut nobody = vec![(own.ip(), own.ip())];
        if let IpNetwork::V4(own) = own
            && own.prefix() < 31
        {
            nobody.push((own.network().into(), own.network().into()));
            nobody.push((own.broadcast().into(), own.broadcast().into()));
        }
        *exclude = exclude.union(&Blocks::new(nobody));
    }
}

fn list(targets: &Blocks) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    (0..).map_while(|number| targets.nth_v4(number)).try_for_each(|at| writeln!(out, "{at}"))?;
    out.flush()
}

/// What one kind of target is asked.
fn questions(arguments: &Arguments, near: bool, seed: u64) -> Result<Vec<Question>, Error> {
    let named = arguments.ports.is_some() || arguments.udp.is_some() || arguments.icmp;
    let mut questions = Vec::new();
    if near && arguments.arp {
        questions.push(Question::Arp);
    }
    if arguments.icmp || !near && !named && !arguments.arp {
        questions.push(Question::Echo);
    }
    match &arguments.ports {
        Some(ports) => questions.extend(ports.list().into_iter().map(Question::Syn)),
        None if !near && !named && !arguments.arp => {
            questions.extend(DISCOVERY.map(Question::Syn));
        }
        None => {}
    }
    for port in arguments.udp.iter().flat_map(Ports::list) {
        questions.push(Question::Udp(port, payload(port, seed)?));
    }
    Ok(questions)
}

/// What the probe that is at home on a UDP port says first.
fn payload(port: u16, seed: u64) -> Result<Vec<u8>, Error> {
    let nobody = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port);
    let known = Facts::default();
    let ask = Ask { to: nobody, from: nobody, seed, known: &known, communities: &[] };
    let of_udp = || probe::ALL.iter().filter(|probe| probe.transport == Transport::Udp);
    let says =
        of_udp().filter(|probe| probe.ports.contains(&port)).find_map(|probe| {
            match (probe.next)(&ask, &Heard::default()) {
                Step::Say(bytes) | Step::Last(bytes) if !bytes.is_empty() => Some(bytes),
                _ => None,
            }
        });
    says.ok_or_else(|| {
        let known: BTreeSet<u16> = of_udp().flat_map(|probe| probe.ports).copied().collect();
        let known: Vec<String> = known.iter().map(u16::to_string).collect();
        Error::NoPayload { port, known: known.join(", ") }
    })
}

/// The end of ours on an interface from which `to` is asked.
fn end(interface: &Interface, to: Ipv4Addr) -> Option<(Mac, Ipv4Addr)> {
    match (interface.mac, interface::source_for(interface, to.into())) {
        (Some(mac), Some(IpAddr::V4(address))) if interface.up => Some((mac, address)),
        _ => None,
    }
}

/// Says what would be sent.
fn plan(desk: &Desk<'_>, targets: &Blocks) -> anyhow::Result<Exit> {
    let wires = desk.interfaces.iter().filter(|interface| interface.up && !interface.loopback);
    let near = Blocks::of_networks(wires.flat_map(|interface| &interface.addresses));
    let through_router = desk.arguments.gateway_mac.is_some();
    let near = if through_router { Blocks::default() } else { targets.intersection(&near) };
    let far = targets.minus(&near);
    let each = u64::try_from(questions(desk.arguments, false, desk.seed)?.len())?;
    let live = u64::try_from(questions(desk.arguments, true, desk.seed)?.len())?;
    let sure = near.count_v4() + far.count_v4() * each;
    let rate = rate(&desk.consent.pace, targets.count_v4());
    eprintln!(
        "sekisho: {} addresses on our wires, {} beyond: {sure} packets, and {live} more for each host on our wires that \
         answers; {}",
        near.count_v4(),
        far.count_v4(),
        rate.map_or("as fast as they go".to_owned(), |rate| format!(
            "at {rate} a second {} s",
            sure.div_ceil(rate.into())
        ))
    );
    Ok(Exit::Clean)
}

/// Packets a second that keep every limit, spread as the order spreads them.
fn rate(pace: &Pace, hosts: u64) -> Option<u32> {
    let networks = hosts.div_ceil(256).max(1);
    let share = |limit: Option<u32>, count: u64| {
        limit.map(|limit| u64::from(limit).saturating_mul(count.max(1)))
    };
    let limits =
        [pace.rate.map(u64::from), share(pace.per_host, hosts), share(pace.per_network, networks)];
    let least = limits.into_iter().flatten().min()?;
    Some(u32::try_from(least).unwrap_or(u32::MAX))
}

fn by_frames(desk: &Desk<'_>, targets: &Blocks) -> anyhow::Result<Exit> {
    let legs = legs(desk, targets)?;
    let mut course = Course::new(desk)?;
    let live = |leg: &Leg| questions(desk.arguments, leg.near, desk.seed);
    let rounds = |leg: &Leg| -> Result<usize, Error> {
        let further = live(leg)?.iter().any(|question| *question != Question::Arp);
        Ok(if leg.near && further { 2 } else { 1 })
    };
    let one = legs.len() == 1 && legs.first().map(rounds).transpose()? == Some(1);
    if desk.arguments.resume.is_some() && !one {
        return Err(Error::Resume.into());
    }
    for leg in &legs {
        let mut questions = live(leg)?;
        if !leg.near {
            course.fly(leg, questions, leg.targets.clone(), HashMap::new())?;
            continue;
        }
        questions.retain(|question| *question != Question::Arp);
        let targets = leg.targets.clone();
        let macs = course.fly(leg, vec![Question::Arp], targets, HashMap::new())?;
        if !questions.is_empty() && !macs.is_empty() {
            let found = Blocks::new(macs.keys().map(|found| ((*found).into(), (*found).into())));
            course.fly(leg, questions, found, macs)?;
        }
    }
    course.end(one)
}

/// Sorts the targets by how they are reached.
fn legs(desk: &Desk<'_>, targets: &Blocks) -> anyhow::Result<Vec<Leg>> {
    let named = &desk.arguments.limits.interface;
    let usable = desk.interfaces.iter().filter(|interface| {
        interface.up
            && !interface.loopback
            && interface.mac.is_some()
            && (named.is_empty() || named.contains(&interface.name))
    });
    let usable: Vec<&Interface> = usable.collect();
    if let Some(missing) = named.iter().find(|name| !usable.iter().any(|i| i.name == **name)) {
        return Err(Error::Interface(missing.clone()).into());
    }
    let mut rest = Blocks::new(targets.ranges_v4().map(|(a, b)| (a.into(), b.into())));
    let mut legs = Vec::new();
    for interface in &usable {
        for own in interface.addresses.iter().filter(|own| own.is_ipv4()) {
            let near = rest.intersection(&Blocks::of_networks([own]));
            let Some(first) = near.nth_v4(0) else { continue };
            let Some((our_mac, our_address)) = end(interface, first) else { continue };
            rest = rest.minus(&near);
            let next_mac = desk.arguments.gateway_mac;
            let way = Way {
                our_mac,
                our_address: our_address.into(),
                next_mac: next_mac.unwrap_or(Mac([0xff; 6])),
            };
            let interface = interface.name.clone();
            legs.push(Leg { interface, way, targets: near, near: next_mac.is_none() });
        }
    }
    if let Some(first) = rest.nth_v4(0) {
        legs.push(beyond(desk, &usable, first, rest)?);
    }
    Ok(legs)
}

/// The leg through the router that leads to `first`.
fn beyond(
    desk: &Desk<'_>,
    usable: &[&Interface],
    first: Ipv4Addr,
    targets: Blocks,
) -> anyhow::Result<Leg> {
    let route = interface::route_to(first);
    let of_route = |interface: &&&Interface| match &route {
        Some(route) => route.interface == interface.name,
        None => false,
    };
    let only = usable.first().filter(|_| usable.len() == 1);
    let interface =
        usable.iter().find(of_route).or(only).ok_or(Error::NoInterface(first.into()))?;
    let (our_mac, our_address) =
        end(interface, first).ok_or_else(|| Error::Interface(interface.name.clone()))?;
    let way = |next_mac| Way { our_mac, our_address: our_address.into(), next_mac };
    let name = interface.name.clone();
    if let Some(mac) = desk.arguments.gateway_mac {
        return Ok(Leg { interface: name, way: way(mac), targets, near: false });
    }
    let gateway = route.and_then(|route| route.gateway).ok_or(Error::NoInterface(first.into()))?;
    let known = interface::neighbours().into_iter();
    let known = known.filter(|known| known.address == gateway && known.interface == name);
    let mac = match known.map(|known| known.mac).next() {
        Some(mac) => mac,
        None => resolve(desk, &name, way(Mac([0xff; 6])), gateway)?,
    };
    Ok(Leg { interface: name, way: way(mac), targets, near: false })
}

/// Asks a router for its hardware address, as the system does before it sends anything through it.
fn resolve(desk: &Desk<'_>, interface: &str, way: Way, gateway: Ipv4Addr) -> anyhow::Result<Mac> {
    let only = Blocks::new([(gateway.into(), gateway.into())]);
    let consent = Consent { include: only.clone(), ..desk.consent.clone() };
    let filter = Filter::of(&[Want::Arp]);
    let opening = Opening { interface, filter: &filter, ring: RING, bypass: false };
    let (outlet, inlet) = raw::open(&opening)?;
    let plan = Plan {
        way,
        targets: only,
        macs: HashMap::new(),
        questions: vec![Question::Arp],
        seed: desk.seed,
        from: 0,
        rate: Some(1),
        wait: Duration::from_secs(1),
    };
    let mut mac = None;
    let gate = Gate::new(outlet, consent);
    fly(vec![gate], inlet, &plan, &|| Stop::Not, |answer| mac = answer.mac, |_| ())?;
    Ok(mac.ok_or(Error::NoRouter(gateway))?)
}

/// Flights one after another, and what became of them.
struct Course<'a> {
    desk: &'a Desk<'a>,
    out: BufWriter<io::Stdout>,
    whole: Tally,
    stopped: Arc<AtomicU8>,
    _watch: stop::Watch,
}

impl<'a> Course<'a> {
    fn new(desk: &'a Desk<'a>) -> io::Result<Self> {
        let stopped = Arc::<AtomicU8>::default();
        let (first, second) = (Arc::clone(&stopped), Arc::clone(&stopped));
        let watch = stop::watch(
            move || {
                eprintln!("sekisho: stopping; once more to stop at once");
                first.store(1, Ordering::Relaxed);
            },
            move || second.store(2, Ordering::Relaxed),
        )?;
        let out = BufWriter::with_capacity(1 << 16, io::stdout());
        Ok(Self { desk, out, whole: Tally::default(), stopped, _watch: watch })
    }

    /// Flies over targets, and gives the hardware addresses of those that told them.
    fn fly(
        &mut self,
        leg: &Leg,
        questions: Vec<Question>,
        targets: Blocks,
        macs: HashMap<Ipv4Addr, Mac>,
    ) -> anyhow::Result<HashMap<Ipv4Addr, Mac>> {
        let arguments = self.desk.arguments;
        let rate = rate(&self.desk.consent.pace, targets.count_v4());
        let (mut found, broken) = (HashMap::new(), AtomicBool::new(false));
        if self.stopped.load(Ordering::Relaxed) != 0 {
            return Ok(found);
        }
        let asks_arp = questions.contains(&Question::Arp);
        let filter = Filter::of(&[
            Want::Arp,
            Want::Icmp,
            Want::Tcp(cookie::PORTS),
            Want::Udp(cookie::PORTS),
        ]);
        let ring = if rate.is_none() { WIDE_RING } else { RING };
        let opening =
            Opening { interface: &leg.interface, filter: &filter, ring, bypass: rate.is_none() };
        let (outlet, inlet) = raw::open(&opening)?;
        let mut outlets = vec![Gate::new(outlet, self.desk.consent.clone())];
        if rate.is_none() {
            // A sender keeps a core busy, and the answers another.
            let senders =
                thread::available_parallelism().map_or(1, usize::from).clamp(1, MOST_SENDERS);
            for _ in 1..senders {
                let outlet = raw::open_outlet(&opening)?;
                outlets.push(Gate::new(outlet, self.desk.consent.clone()));
            }
        }
        let plan = Plan {
            way: leg.way,
            targets,
            macs,
            questions,
            seed: self.desk.seed,
            from: arguments.resume.unwrap_or(0),
            rate,
            wait: Duration::from_secs(arguments.wait),
        };
        let stop = || match self.stopped.load(Ordering::Relaxed) {
            _ if broken.load(Ordering::Relaxed) => Stop::Now,
            0 => Stop::Not,
            1 => Stop::Drain,
            _ => Stop::Now,
        };
        let (out, mut failed) = (&mut self.out, None);
        let at_once = rate.is_some_and(|rate| rate <= SLOW);
        let answer = |answer: &Answer| {
            if asks_arp && let (IpAddr::V4(address), Some(mac)) = (answer.address, answer.mac) {
                found.insert(address, mac);
            }
            let written = write_answer(out, answer);
            let written = written.and_then(|()| if at_once { out.flush() } else { Ok(()) });
            if let Err(error) = written {
                broken.store(true, Ordering::Relaxed);
                failed = Some(error);
            }
        };
        let quiet = !io::stderr().is_terminal();
        let mut last = 0;
        let told = |tally: &Tally| {
            if !quiet {
                let Tally { place, count, answered, sent, .. } = tally;
                eprint!("\r{place} of {count}, {} a second, {answered} answers ", sent - last);
                last = *sent;
            }
        };
        let tally = fly(outlets, inlet, &plan, &stop, answer, told)?;
        if let Some(error) = failed {
            return Err(error.into());
        }
        self.out.flush()?;
        if !quiet {
            eprintln!();
        }
        let whole = &mut self.whole;
        whole.sent += tally.sent;
        whole.answered += tally.answered;
        whole.refused += tally.refused;
        whole.asked_again += tally.asked_again;
        whole.lost += tally.lost;
        whole.dropped += tally.dropped;
        (whole.place, whole.count) = (tally.place, tally.count);
        // The time of all flights, as if there had been one.
        whole.ended = whole.ended.after(Duration::from_nanos(
            u64::try_from(tally.ended.since(tally.began)).unwrap_or_default(),
        ));
        Ok(found)
    }

    /// Says how it went.
    fn end(mut self, one: bool) -> anyhow::Result<Exit> {
        self.out.flush()?;
        let whole = self.whole;
        let stopped = self.stopped.load(Ordering::Relaxed) != 0;
        if stopped && one {
            let seed = self.desk.seed;
            eprintln!("sekisho: go on by --seed {seed} --resume {}", whole.place);
        }
        let nanoseconds = whole.ended.nanoseconds().max(1);
        let rate = i128::from(whole.sent) * 1_000_000_000 / i128::from(nanoseconds);
        eprintln!(
            "sekisho: sent {}, answered {}, lost {} of {} asked again, dropped {}, refused {}; {}.{:03} s, {rate} a second",
            whole.sent,
            whole.answered,
            whole.lost,
            whole.asked_again,
            whole.dropped,
            whole.refused,
            nanoseconds / 1_000_000_000,
            nanoseconds / 1_000_000 % 1000
        );
        let lossy = whole.lost * 50 > whole.asked_again;
        if lossy || whole.dropped > 0 {
            eprintln!("sekisho: answers were lost on the way; a lower --rate loses fewer");
        }
        Ok(if stopped || lossy || whole.dropped > 0 { Exit::Partial } else { Exit::Clean })
    }
}

/// Writes an answer. Nothing of it is text that somebody else chose.
fn write_answer(out: &mut impl Write, answer: &Answer) -> io::Result<()> {
    write!(out, "{{\"at\":\"{}\",\"address\":\"{}\"", answer.at, answer.address)?;
    if let Some(port) = answer.port {
        write!(out, ",\"port\":{port}")?;
    }
    write!(out, ",\"how\":\"{}\"", answer.how.name())?;
    if answer.by != answer.address {
        write!(out, ",\"by\":\"{}\"", answer.by)?;
    }
    if let Some(mac) = answer.mac {
        write!(out, ",\"mac\":\"{mac}\"")?;
    }
    if let Some(time_to_live) = answer.time_to_live {
        write!(out, ",\"time_to_live\":{time_to_live}")?;
    }
    writeln!(out, "}}")
}

/// Without frames: the system's own connections, through the guard that scans use.
fn by_connections(desk: &Desk<'_>, targets: &Blocks) -> anyhow::Result<Exit> {
    let named = desk.arguments.limits.interface.first().cloned();
    let live = Live::new(&live::Options { interface: named, from: Vec::new() })?;
    let inlet = live.inlet();
    let _watch = stop::watch(move || inlet.stop(), stop::at_once)?;
    let clock = live.inlet().clock();
    let ports = desk.arguments.ports.as_ref().map(Ports::list);
    let asked = Targets {
        blocks: targets.clone(),
        discovery: ports.clone().unwrap_or_else(|| DISCOVERY.to_vec()),
        ports: ports.unwrap_or_default(),
        ..Targets::default()
    };
    let mut guard = Guard::new(live, desk.consent.clone());
    let manner = Manner::of(desk.consent.pace.profile, desk.seed);
    let found = discover(&mut guard, &asked, &manner);
    guard.finish(clock.now().after(Duration::from_secs(desk.arguments.wait)));
    let at = clock.now();
    let mut out = BufWriter::new(io::stdout().lock());
    for host in &found.hosts {
        let of_host = found.open.iter().filter(|(address, _)| *address == host.address);
        let open = of_host.map(|(_, port)| (Some(*port), How::Connected));
        let closed = host.answers.contains(&How::Refused).then_some((None, How::Refused));
        for (port, how) in open.chain(closed) {
            let address = host.address;
            let answer =
                Answer { address, by: address, mac: None, port, how, time_to_live: None, at };
            write_answer(&mut out, &answer)?;
        }
    }
    out.flush()?;
    tell(&found);
    let discover::Loss { asked, silent } = found.loss;
    Ok(if found.stopped || silent * 50 > asked { Exit::Partial } else { Exit::Clean })
}

fn tell(found: &Found) {
    let refused: u64 = found.refused.values().sum();
    eprintln!(
        "sekisho: sent {}, answered {}, lost {} of {} asked again, dropped 0, refused {refused}; by connections",
        found.sent,
        found.hosts.len(),
        found.loss.silent,
        found.loss.asked
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{scope::Profile, time::Timestamp};

    #[test]
    fn a_hardware_address_is_one_machines() {
        assert_eq!(mac("00:00:5e:00:53:01"), Ok(Mac([0, 0, 0x5e, 0, 0x53, 1])));
        assert_eq!(mac("00-00-5E-00-53-01"), mac("00:00:5e:00:53:01"));
        for wrong in ["", "00:00:5e:00:53", "01:00:5e:00:00:01", "00:00:5e:00:53:01:02", "0000:0"] {
            assert!(mac(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_rate_keeps_every_limit() {
        let clinic = Pace::of(Profile::Clinic);
        assert_eq!(rate(&clinic, 1), Some(2), "one host");
        assert_eq!(rate(&clinic, 200), Some(10), "one network");
        assert_eq!(rate(&clinic, 65_536), Some(20), "all");
        assert_eq!(rate(&Pace::of(Profile::Lab), 65_536), None);
    }

    #[test]
    fn an_answer_is_an_object_on_a_line() {
        let address = IpAddr::from([192, 0, 2, 9]);
        let answer = Answer {
            address,
            by: [192, 0, 2, 1].into(),
            mac: Some(Mac([2; 6])),
            port: Some(443),
            how: How::SynAck,
            time_to_live: Some(63),
            at: Timestamp::new(1_700_000_000, 0),
        };
        let mut line = Vec::new();
        write_answer(&mut line, &answer).unwrap();
        let read: serde_json::Value = serde_json::from_slice(&line).unwrap();
        let whole = serde_json::json!({
            "at": "2023-11-14T22:13:20Z", "address": "192.0.2.9", "port": 443, "how": "syn_ack",
            "by": "192.0.2.1", "mac": "02:02:02:02:02:02", "time_to_live": 63,
        });
        assert_eq!(read, whole);
    }

    #[test]
    fn a_udp_port_is_asked_in_its_own_protocol() {
        assert!(!payload(5351, 1).unwrap().is_empty());
        let error = payload(1, 1).unwrap_err();
        assert!(error.to_string().contains("5351"), "{error}");
    }
}
