//! One run of the engine: hosts that wait, conversations under way, and when to look at which again.

mod learn;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, VecDeque},
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use hashbrown::HashMap;

use super::{Context, Manner, Outcome, Progress};
use crate::{
    link::{Act, Call, CallId, Event, Link, What},
    observe::{Facts, PROTOCOLS, Protocol, Transport, dissect::Dissector},
    probe::{
        Ask, Intrusion, Probe,
        conversation::{self, Conversation},
        distress::{Distress, Neighbourhood, Pulse, network},
        dns, http,
        inside_tls::Clients,
        names,
        plan::{Course, Service, Stage},
        upnp,
    },
    scope::{Refusal, Tier},
    time::Timestamp,
};

/// How many packets opening and ending a stream takes from us.
const OPENING: u32 = 3;

/// How many bytes of a stream make one packet.
const SEGMENT: usize = 1400;

/// Whose pace is that of the run as a whole, for nobody asks there.
const NOBODY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED);

/// How long a link may be asked to wait when nothing is due.
const IDLE: Duration = Duration::from_secs(1);

type Map<K, V> = HashMap<K, V, foldhash::fast::FixedState>;

/// One run.
pub(super) struct Run<'r, 'c, L: ?Sized> {
    link: &'r mut L,
    manner: Manner,
    context: &'r Context<'c>,
    dissector: Dissector,
    clients: Clients,
    courses: Vec<Course>,
    places: Map<(SocketAddr, bool), usize>,
    hosts: Vec<Host>,
    by_address: Map<IpAddr, usize>,
    /// Networks, by their first addresses.
    networks: Map<IpAddr, Network>,
    /// Networks of which a conversation may begin.
    ready: VecDeque<IpAddr>,
    /// When the pace of the run lets one begin.
    begins: Timestamp,
    active: BTreeMap<u32, Box<Active>>,
    timers: BinaryHeap<Reverse<(Timestamp, Timer)>>,
    next_call: u32,
    stopping: bool,
    finished: usize,
    outcome: Outcome,
}

/// When to look at what again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    Call(u32),
    Host(usize),
    Network(IpAddr),
}

/// A network of which hosts wait: together, so that a pace that binds them all is looked at once.
#[derive(Debug, Default)]
struct Network {
    health: Neighbourhood,
    /// Hosts of which a conversation may begin.
    ready: VecDeque<usize>,
    /// It stands among the ready ones, or a timer will put it there.
    queued: bool,
}

/// A host and what is to be asked there.
#[derive(Debug)]
struct Host {
    address: IpAddr,
    pending: VecDeque<usize>,
    open: u32,
    /// It stands among the ready ones, or a timer will put it there.
    queued: bool,
    pulse: Pulse,
    left: bool,
}

/// A conversation under way.
#[derive(Debug)]
struct Active {
    conversation: Conversation,
    course: usize,
    host: usize,
    attempt: u32,
    began: Timestamp,
    /// When patience ends.
    quiet: Timestamp,
    /// When it ends, whatever happens.
    deadline: Timestamp,
    /// What is to be said waits for the pace until then.
    held: Option<Timestamp>,
    /// When it is looked at again; earlier timers count, later ones are ignored.
    timer: Option<Timestamp>,
    spoke: bool,
}

/// How a question ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Answered,
    Silent,
    Refused,
}

impl Ending {
    /// The name in journals.
    const fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Silent => "silent",
            Self::Refused => "refused",
        }
    }
}

/// What came of trying to begin.
enum Begun {
    Yes,
    TooSoon(Timestamp),
    Nothing,
}

impl<'r, 'c, L: Link + ?Sized> Run<'r, 'c, L> {
    pub(super) fn new(link: &'r mut L, manner: &Manner, context: &'r Context<'c>) -> Self {
        Self {
            link,
            manner: *manner,
            context,
            dissector: Dissector::new(),
            clients: Clients::new(),
            courses: Vec::new(),
            places: Map::default(),
            hosts: Vec::new(),
            by_address: Map::default(),
            networks: Map::default(),
            ready: VecDeque::new(),
            begins: Timestamp::default(),
            active: BTreeMap::new(),
            timers: BinaryHeap::new(),
            next_call: context.first_call,
            stopping: false,
            finished: 0,
            outcome: Outcome::default(),
        }
    }

    /// Adds a service, unless it is known.
    pub(super) fn add(&mut self, service: Service) {
        let Service { to, transport, .. } = service;
        let key = (to, transport == Transport::Udp);
        if self.places.contains_key(&key) || self.context.past.finished(&to, transport) {
            return;
        }
        let mut course = Course::new(service, self.context.requested);
        let (clear, inside) = self.context.past.spoke(&to, transport);
        course.clear = clear.and_then(|name| named(&name));
        course.inside = inside.and_then(|name| named(&name));
        let place = self.courses.len();
        self.courses.push(course);
        self.places.insert(key, place);
        let hosts = &mut self.hosts;
        let host = *self.by_address.entry(to.ip()).or_insert_with(|| {
            hosts.push(Host {
                address: to.ip(),
                pending: VecDeque::new(),
                open: 0,
                queued: false,
                pulse: Pulse::default(),
                left: false,
            });
            hosts.len() - 1
        });
        if let Some(known) = self.hosts.get_mut(host) {
            known.pending.push_back(place);
        }
        self.queue(host);
    }

    /// Runs until there is nothing more to ask.
    pub(super) fn run(mut self, watch: &mut dyn FnMut(Progress)) -> Outcome {
        loop {
            self.due();
            self.begin();
            watch(self.progress());
            let waits = !self.stopping && (!self.ready.is_empty() || !self.timers.is_empty());
            if self.active.is_empty() && !waits {
                break;
            }
            let now = self.link.now();
            let mut until = self.timers.peek().map_or(now.after(IDLE), |Reverse((at, _))| *at);
            if !self.ready.is_empty() && self.begins > now {
                until = until.min(self.begins);
            }
            if let Some(event) = self.link.wait(until) {
                self.hear(event);
            }
        }
        self.outcome.unfinished =
            self.courses.iter().filter(|course| course.stage != Stage::Finished).count();
        let found = self.courses.iter().filter(|course| course.open);
        self.outcome.open =
            found.map(|course| (course.service.to, course.service.transport)).collect();
        self.outcome.next_call = self.next_call;
        self.outcome
    }

    fn progress(&self) -> Progress {
        Progress { finished: self.finished, services: self.courses.len(), open: self.active.len() }
    }

    /// Puts a host among those of which a conversation may begin.
    fn queue(&mut self, host: usize) {
        let Some(known) = self.hosts.get_mut(host) else { return };
        if !known.queued && !known.pending.is_empty() {
            known.queued = true;
            self.enqueue(host);
        }
    }

    fn enqueue(&mut self, host: usize) {
        let Some(known) = self.hosts.get(host) else { return };
        let address = network(known.address);
        let network = self.networks.entry(address).or_default();
        network.ready.push_back(host);
        if !std::mem::replace(&mut network.queued, true) {
            self.ready.push_back(address);
        }
    }

    /// Looks at what is due.
    fn due(&mut self) {
        let now = self.link.now();
        while let Some(Reverse((at, timer))) = self.timers.peek().copied() {
            if at > now {
                return;
            }
            self.timers.pop();
            match timer {
                Timer::Host(host) => self.enqueue(host),
                Timer::Network(network) => self.ready.push_back(network),
                Timer::Call(call) => self.look_at(call, at, now),
            }
        }
    }

    /// Looks whether a conversation may speak, has waited long enough, or must end.
    fn look_at(&mut self, call: u32, due: Timestamp, now: Timestamp) {
        let Some(active) = self.active.get_mut(&call) else { return };
        if active.timer != Some(due) {
            return;
        }
        active.timer = None;
        if now >= active.deadline {
            active.conversation.over = true;
            active.conversation.waiting.clear();
            return self.conclude(call, None);
        }
        if let Some(held) = active.held {
            if held <= now {
                active.held = None;
                return self.flush(call);
            }
            return self.set_timer(call);
        }
        if now < active.quiet {
            return self.set_timer(call);
        }
        let udp = active.conversation.probe.transport == Transport::Udp;
        let again = udp
            && active.spoke
            && !active.conversation.is_answered()
            && active.attempt < self.manner.attempts
            && !self.stopping;
        if again {
            active.attempt += 1;
            let last = active.conversation.last.clone();
            active.conversation.waiting.push_back(last);
            return self.flush(call);
        }
        if active.conversation.from.is_none() {
            return self.conclude(call, None);
        }
        active.conversation.wait(self.context, &self.clients);
        self.flush(call);
    }

    /// Begins what may begin.
    fn begin(&mut self) {
        while !self.stopping && self.active.len() < self.manner.at_once {
            let Some(&network) = self.ready.front() else { return };
            self.begins = self.link.ready(NOBODY, OPENING);
            let at = self.link.ready(network, OPENING);
            let now = self.link.now();
            if self.begins > now {
                return;
            }
            self.ready.pop_front();
            if at > now {
                self.timers.push(Reverse((at, Timer::Network(network))));
                continue;
            }
            let Some(known) = self.networks.get_mut(&network) else { continue };
            if let Some(host) = known.ready.pop_front() {
                self.begin_or_wait(host);
            }
            let Some(known) = self.networks.get_mut(&network) else { continue };
            known.queued = !known.ready.is_empty();
            if known.queued {
                self.ready.push_back(network);
            }
        }
    }

    fn begin_or_wait(&mut self, host: usize) {
        if let Some(known) = self.hosts.get_mut(host) {
            known.queued = false;
        }
        match self.begin_at(host) {
            Begun::Yes => self.queue(host),
            Begun::Nothing => {}
            Begun::TooSoon(at) => {
                if let Some(known) = self.hosts.get_mut(host) {
                    known.queued = true;
                }
                self.timers.push(Reverse((at, Timer::Host(host))));
            }
        }
    }

    /// Begins the next conversation with a host.
    fn begin_at(&mut self, place: usize) -> Begun {
        loop {
            let Some(host) = self.hosts.get_mut(place) else { return Begun::Nothing };
            let left =
                self.networks.get(&network(host.address)).is_some_and(|near| near.health.left);
            if left && !host.left {
                host.left = true;
                self.outcome.left.push((host.address, Distress::Network));
            }
            if host.left {
                host.pending.clear();
            }
            if host.open >= self.manner.per_host {
                return Begun::Nothing;
            }
            let Some(&course) = host.pending.front() else { return Begun::Nothing };
            let address = host.address;
            let Some((probe, to, transport)) = self.next_question(course) else {
                self.drop_first(place);
                self.finish(course);
                continue;
            };
            let packets = if transport == Transport::Udp { 1 } else { OPENING };
            // In this order: a clock goes on between the two.
            let (at, now) = (self.link.ready(address, packets), self.link.now());
            if at > now {
                return Begun::TooSoon(at);
            }
            let id = CallId(self.next_call);
            let call = Call { id, to, transport, probe: probe.name, tier: Tier::Ask };
            match self.link.send(Act::Open(call)) {
                Ok(()) => {
                    self.next_call += 1;
                    self.drop_first(place);
                    self.start(id.0, place, course, probe);
                    return Begun::Yes;
                }
                Err(Refusal::TooSoon(at)) => {
                    return Begun::TooSoon(at.max(now.after(Duration::from_millis(1))));
                }
                Err(Refusal::Stopping | Refusal::Hours) => {
                    self.stop();
                    return Begun::Nothing;
                }
                Err(Refusal::System(_) | Refusal::Unreadable) => {
                    self.outcome.failed += 1;
                    self.skip(course, probe);
                }
                Err(refusal @ Refusal::Tier) => {
                    self.forbid(&refusal);
                    self.skip(course, probe);
                }
                Err(refusal @ Refusal::FragilePort(_)) => {
                    self.forbid(&refusal);
                    self.drop_first(place);
                    self.finish(course);
                }
                Err(
                    refusal @ (Refusal::NotIncluded(_)
                    | Refusal::Excluded(_)
                    | Refusal::FragileHost(_)),
                ) => {
                    for course in self.drop_unrequested(place, course) {
                        self.forbid(&refusal);
                        self.finish(course);
                    }
                }
            }
        }
    }

    fn drop_first(&mut self, host: usize) -> Option<usize> {
        self.hosts.get_mut(host)?.pending.pop_front()
    }

    /// Takes away what was refused, and all else that waits there but what the facility file wants asked.
    fn drop_unrequested(&mut self, host: usize, refused: usize) -> Vec<usize> {
        let Some(host) = self.hosts.get_mut(host) else { return Vec::new() };
        let courses = &self.courses;
        let wanted = |place: usize| {
            place != refused && courses.get(place).is_some_and(|c| !c.requested.is_empty())
        };
        let (kept, dropped): (Vec<usize>, Vec<usize>) =
            host.pending.drain(..).partition(|place| wanted(*place));
        host.pending = kept.into();
        dropped
    }

    /// A question that cannot be asked counts as asked.
    fn skip(&mut self, course: usize, probe: &'static Probe) {
        if let Some(course) = self.courses.get_mut(course) {
            course.mark_asked(probe);
            course.visit = None;
        }
    }

    fn forbid(&mut self, refusal: &Refusal) {
        *self.outcome.forbidden.entry(refusal.line()).or_default() += 1;
    }

    /// What to ask a service next that was not asked before.
    fn next_question(&mut self, course: usize) -> Option<(&'static Probe, SocketAddr, Transport)> {
        let course = self.courses.get_mut(course)?;
        let Service { to, transport, .. } = course.service;
        loop {
            let ask = Ask {
                to,
                from: to,
                seed: self.context.seed,
                known: &course.facts,
                communities: self.context.communities,
            };
            // Nobody is called by a dialogue that does not know yet what it would ask with.
            let knows = |probe: &'static Probe| {
                probe.intrusion == Intrusion::Listens || !probe.passes(&ask)
            };
            let probe = course.next(self.manner.breadth, knows)?;
            let past = self.context.past;
            let tried = transport == Transport::Udp
                && past.attempts(&to, transport, probe.name) >= self.manner.attempts;
            if course.visit.is_none() && (tried || past.done(&to, transport, probe.name)) {
                course.mark_asked(probe);
                continue;
            }
            let web = std::ptr::eq(probe.protocol, http::PROBE.protocol)
                && [http::PROBE.name, http::INSIDE_TLS.name].contains(&probe.name);
            if web && course.visit.is_none() {
                let name = self.context.names.get(&to.ip()).cloned();
                course.visit = Some(Box::new(http::Visit::new(to, name, probe.inside_tls, "/")));
            }
            return Some((probe, to, transport));
        }
    }

    fn start(&mut self, call: u32, host: usize, place: usize, probe: &'static Probe) {
        let Some(course) = self.courses.get_mut(place) else { return };
        let Service { to, transport, .. } = course.service;
        course.stage = Stage::Active;
        let mut known = Facts::default();
        if let Some(path) = course.visit.as_ref().and_then(|visit| visit.next()) {
            known.add("http.path", path);
        }
        if let Some(name) = self.context.names.get(&to.ip()) {
            known.add("tls.sni", name);
        }
        if probe.name == dns::NAMES.name {
            let lot = self.context.wanted.chunks(names::MOST).nth(course.lots);
            known =
                lot.map(names::wanted).and_then(|lots| lots.into_iter().next()).unwrap_or(known);
        }
        if probe.name == upnp::MAPPINGS.name {
            known.add(upnp::INDEX, course.lots);
        }
        conversation::add(&mut known, &course.facts);
        let now = self.link.now();
        let before = self.context.past.attempts(&to, transport, probe.name);
        let active = Active {
            conversation: Conversation::new(probe, to, known),
            course: place,
            host,
            attempt: 1 + if transport == Transport::Udp { before } else { 0 },
            began: now,
            quiet: now.after(self.manner.patience),
            deadline: now.after(self.manner.longest),
            held: None,
            timer: None,
            spoke: false,
        };
        self.active.insert(call, Box::new(active));
        if let Some(host) = self.hosts.get_mut(host) {
            host.open += 1;
        }
        self.set_timer(call);
    }

    /// Looks at a conversation again when patience or its time ends.
    fn set_timer(&mut self, call: u32) {
        let Some(active) = self.active.get_mut(&call) else { return };
        let at = active.held.unwrap_or(active.quiet).min(active.deadline);
        if active.timer.is_none_or(|known| at < known) {
            active.timer = Some(at);
            self.timers.push(Reverse((at, Timer::Call(call))));
        }
    }

    /// Takes in what happened.
    fn hear(&mut self, event: Event) {
        let Event { at, what } = event;
        match what {
            What::Frame { .. } => {}
            What::Stop => self.stop(),
            What::Opened { id, from } => self.opened(id.0, from, at),
            What::Refused { id, how } => self.conclude(id.0, Some(how)),
            What::Heard { id, bytes } => {
                let Some(active) = self.active.get_mut(&id.0) else { return };
                if active.conversation.probe.name == dns::NAMES.name
                    && let Some((address, name)) = names::answered(&bytes)
                    && self.context.wanted.binary_search(&address).is_ok()
                    && !self.outcome.names.contains_key(&address)
                {
                    self.link.note(&format!("name {address} {name}"));
                    self.outcome.names.insert(address, name);
                }
                active.conversation.hear(&bytes, self.context, &self.clients, &self.dissector);
                active.quiet = at.after(patience(&self.manner, active.conversation.probe));
                let (host, address) = (active.host, active.conversation.to.ip());
                self.answered(host, address);
                self.flush(id.0);
            }
            What::Ended { id, .. } => {
                let Some(active) = self.active.get_mut(&id.0) else { return };
                active.conversation.end(self.context, &self.clients);
                active.conversation.waiting.clear();
                self.flush(id.0);
            }
        }
    }

    fn opened(&mut self, call: u32, from: SocketAddr, at: Timestamp) {
        let Some(active) = self.active.get_mut(&call) else { return };
        let place = active.host;
        let took = at.since(active.began);
        active.quiet = at.after(patience(&self.manner, active.conversation.probe));
        active.deadline = at.after(self.manner.longest);
        active.conversation.open(from, self.context, &self.clients);
        let tcp = active.conversation.probe.transport == Transport::Tcp;
        if tcp && let Some(course) = self.courses.get_mut(active.course) {
            course.open = true;
        }
        let distress = match self.hosts.get_mut(place) {
            Some(host) if tcp => host.pulse.opened(took),
            _ => None,
        };
        self.flush(call);
        if let Some(distress) = distress {
            self.leave(place, distress);
        }
    }

    fn answered(&mut self, host: usize, address: IpAddr) {
        if let Some(host) = self.hosts.get_mut(host) {
            host.pulse.answered();
        }
        self.networks.entry(network(address)).or_default().health.answered();
    }

    /// Says what waits to be said, and ends what is over.
    fn flush(&mut self, call: u32) {
        loop {
            let Some(active) = self.active.get_mut(&call) else { return };
            for (speaker, bytes) in active.conversation.revealed.drain(..) {
                self.link.reveal(CallId(call), speaker, &bytes);
            }
            if active.held.is_some() {
                return self.set_timer(call);
            }
            let to = active.conversation.to.ip();
            let Some(bytes) = active.conversation.waiting.pop_front() else {
                if active.conversation.over {
                    return self.conclude(call, None);
                }
                if active.conversation.blocked {
                    active.conversation.go_on(self.context, &self.clients, false);
                    if !active.conversation.waiting.is_empty() || active.conversation.over {
                        continue;
                    }
                }
                return self.set_timer(call);
            };
            let packets = u32::try_from(bytes.len().div_ceil(SEGMENT)).unwrap_or(1).max(1);
            let (ready, now) = (self.link.ready(to, packets), self.link.now());
            let refusal = if ready > now {
                Err(Refusal::TooSoon(ready))
            } else {
                self.link.send(Act::Say { id: CallId(call), bytes: &bytes })
            };
            match refusal {
                Ok(()) => {
                    active.spoke = true;
                    active.quiet = now.after(patience(&self.manner, active.conversation.probe));
                    if active.conversation.probe.transport == Transport::Udp {
                        active.conversation.last = bytes;
                    }
                }
                Err(Refusal::TooSoon(at)) => {
                    active.held = Some(at.max(now.after(Duration::from_millis(1))));
                    active.conversation.waiting.push_front(bytes);
                    return self.set_timer(call);
                }
                Err(refusal) => {
                    if matches!(refusal, Refusal::Stopping | Refusal::Hours) {
                        active.conversation.over = true;
                        active.conversation.waiting.clear();
                        self.stop();
                        continue;
                    }
                    active.conversation.over = true;
                    active.conversation.waiting.clear();
                    match refusal {
                        Refusal::System(_) | Refusal::Unreadable => self.outcome.failed += 1,
                        refusal => self.forbid(&refusal),
                    }
                }
            }
        }
    }

    /// Begins nothing new, and lets what is under way end soon.
    fn stop(&mut self) {
        if self.stopping {
            return;
        }
        self.stopping = true;
        self.outcome.stopped = true;
        let end = self.link.now().after(self.manner.ending);
        for (call, active) in &mut self.active {
            active.deadline = active.deadline.min(end);
            if active.timer.is_none_or(|known| end < known) {
                active.timer = Some(end);
                self.timers.push(Reverse((end, Timer::Call(*call))));
            }
        }
    }
}

/// How long to wait for this question's answer.
fn patience(manner: &Manner, probe: &Probe) -> Duration {
    match (probe.transport, probe.intrusion) {
        (Transport::Udp, _) => manner.again_after,
        (_, Intrusion::Listens) => manner.banner_patience,
        _ => manner.patience,
    }
}

fn named(name: &str) -> Option<&'static Protocol> {
    PROTOCOLS.iter().copied().find(|protocol| protocol.name == name)
}
