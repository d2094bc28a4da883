//! The flow of a scan, over any link: who answers, what stands there, what it is. What was heard is in the recording.

use std::{collections::BTreeMap, net::IpAddr, path::Path, time::Duration};

use ipnetwork::IpNetwork;

use super::{
    exits::Exits,
    ports::{DISCOVERY, Ports},
};
use crate::{
    fingerprint::Matcher,
    link::{
        Interface, Link,
        guard::Guard,
        interface::{Neighbour, Route},
        journal::END,
        record::{self, Recorder},
        sim::Sim,
    },
    observe::Transport,
    passive::capture::COVERAGE,
    probe::{
        self,
        engine::{self, Context, Past, Service, State},
        plan,
    },
    scope::{Consent, Facility, Overrides, Request, Vantage, grant},
    sweep::{
        How,
        discover::{self, Found, Hop, Host, Targets},
        forward,
        listening::{self, Listened},
        wires,
    },
};

/// How many addresses are asked everything though they may be nobody's, from outside. Of more, those that show life.
const MOST_UNSEEN: u64 = 1 << 10;

/// How many single IPv6 addresses are asked from outside.
const MOST_NAMED: usize = 1 << 10;

/// What a scan is to do.
#[derive(Debug, Clone)]
pub struct Survey {
    /// How long is listened before anything is asked.
    pub listen: Duration,
    /// Whom to look for.
    pub targets: Targets,
    /// How.
    pub sweep: discover::Manner,
    /// What is asked of whole wires; none to find hosts only.
    pub wires: Option<wires::Plan>,
    /// How those that are found are asked; none to find them only.
    pub probe: Option<engine::Manner>,
    /// TCP ports of those that live. With handshakes they are asked in the conversation that opens them.
    pub ports: Vec<u16>,
    /// Communities that the facility gave in writing.
    pub communities: Vec<String>,
    /// What the facility file names to be asked though it is only asked on request.
    pub requested: Vec<Request>,
    /// Networks on our wires that no frames may go to: they are asked by connections alone.
    pub frameless: Vec<IpNetwork>,
    /// What is asked through neighbours.
    pub forward: forward::Plan,
    /// What an earlier part of the run asked through them.
    pub forwarded: forward::Past,
    /// What is otherwise because the run looks from outside, if it does.
    pub outside: Option<Outside>,
}

/// What a scan from outside is to do otherwise.
#[derive(Debug, Clone, Default)]
pub struct Outside {
    /// Who is asked everything without looking first who answers: boxes drop what they do not serve, and many serve
    /// nothing but datagrams. None where they are too many.
    pub everybody: Option<Vec<IpAddr>>,
    /// Networks of which no address is asked, since they cannot be gone through and nobody on a wire tells theirs.
    pub unasked: Vec<IpNetwork>,
}

/// What this machine knows of the networks around it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Surroundings<'a> {
    /// The interfaces that frames go out of.
    pub interfaces: &'a [Interface],
    /// The routes.
    pub routes: &'a [Route],
    /// Whom it has spoken with lately.
    pub neighbours: &'a [Neighbour],
}

impl Survey {
    /// A scan of all that `consent` allows: at `ports`, or at those of its profile.
    pub fn of(
        consent: &Consent,
        facility: Option<&Facility>,
        around: &Surroundings<'_>,
        ports: Option<&[u16]>,
        seed: u64,
    ) -> Self {
        let profile = consent.pace.profile;
        let place = |name: &str| around.interfaces.iter().position(|known| known.name == name);
        let hop = |route: &Route| {
            let gateway = route.gateway?.into();
            let interface = place(&route.interface)?;
            Some(Hop { prefix: route.prefix.into(), interface, gateway })
        };
        let known = |neighbour: &Neighbour| {
            let interface = place(&neighbour.interface)?;
            Some((interface, neighbour.address.into(), neighbour.mac))
        };
        let ports = match ports {
            Some(ports) => ports.to_vec(),
            None => Ports::of(profile, plan::tcp_ports()).list(),
        };
        // What may not be touched is not even tried.
        let ports =
            ports.into_iter().filter(|port| !consent.fragile_ports.contains(port)).collect();
        let sweep = discover::Manner::of(profile, seed);
        Self {
            listen: listening::time_of(profile),
            wires: Some(wires::Plan::of(consent, &sweep)),
            targets: Targets {
                blocks: consent.include.minus(&consent.exclude),
                hops: around.routes.iter().filter_map(hop).collect(),
                known: around.neighbours.iter().filter_map(known).collect(),
                discovery: DISCOVERY.to_vec(),
                ports: Vec::new(),
                ipv6: !around.interfaces.is_empty(),
            },
            sweep,
            probe: Some(engine::Manner::of(profile)),
            ports,
            communities: facility.map(|facility| facility.communities.clone()).unwrap_or_default(),
            requested: consent.on_request.clone(),
            frameless: Vec::new(),
            forward: forward::Plan {
                inside: facility.map(|known| known.inside.prefixes().to_vec()).unwrap_or_default(),
                ..forward::Plan::of(consent, seed)
            },
            forwarded: forward::Past::default(),
            outside: None,
        }
    }

    /// The same from outside: no frames, nobody on a wire, and, where they are not too many, no address that is left out
    /// because it is silent to the first questions.
    pub fn from_outside(mut self) -> Self {
        let blocks = &self.targets.blocks;
        let networks = blocks.networks().into_iter();
        let unasked = networks.filter(|one| one.is_ipv6() && one.prefix() < 128).collect();
        let single = blocks.ranges_v6().filter(|(first, last)| first == last);
        let named = single.map(|(only, _)| IpAddr::V6(only)).take(MOST_NAMED);
        let v4 = (0..blocks.count_v4()).filter_map(|place| blocks.nth_v4(place)).map(IpAddr::V4);
        let few = blocks.count_v4() <= MOST_UNSEEN;
        let everybody = few.then(|| v4.chain(named).collect());
        self.outside = Some(Outside { everybody, unasked });
        self.targets.hops.clear();
        self.targets.known.clear();
        self.targets.ipv6 = false;
        self.sweep.handshakes = true;
        self.listen = Duration::ZERO;
        self
    }
}

/// Where a scan is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It listens.
    Listen,
    /// It looks who answers.
    Sweep,
    /// It looks who forwards.
    Forward,
    /// It asks those that answer.
    Probe(engine::Progress),
}

/// What came of it.
#[derive(Debug, Clone, Default)]
pub struct Surveyed {
    /// What was announced before anything was asked.
    pub listened: Listened,
    /// Who answered.
    pub found: Found,
    /// What came of asking through them.
    pub forwarded: forward::Outcome,
    /// What came of asking whole wires.
    pub wires: wires::Outcome,
    /// What came of asking them.
    pub asked: engine::Outcome,
}

impl Surveyed {
    /// Whether something was left out.
    pub fn is_partial(&self) -> bool {
        self.found.stopped
            || self.wires.stopped
            || self.forwarded.stopped
            || self.asked.is_partial()
    }
}

/// Probes whose answers could carry patients' data, or anybody's.
const BOUNDED: [&str; 2] = ["banner", "hl7"];

/// Keeps what was given in confidence, and what could be a patient's, out of a recording.
pub fn be_discreet<L: Link>(recorder: &mut Recorder<L>, facility: Option<&Facility>) {
    for community in facility.iter().flat_map(|facility| &facility.communities) {
        recorder.conceal(community);
    }
    for probe in BOUNDED {
        recorder.bound(probe, record::MOST_BOUNDED);
    }
}

/// Goes through with `survey`. `past` is what an earlier part of the run did.
pub fn survey<L: Link>(
    link: &mut L,
    survey: &Survey,
    matcher: &Matcher<'_>,
    past: &dyn Past,
    watch: &mut dyn FnMut(Stage),
) -> Surveyed {
    watch(Stage::Listen);
    let listened = listening::listen(link, survey.listen);
    watch(Stage::Sweep);
    let handshakes = survey.sweep.handshakes || link.interfaces().is_empty();
    let ports = if handshakes { Vec::new() } else { survey.ports.clone() };
    let targets = Targets { ports, ..survey.targets.clone() };
    let outside = survey.outside.as_ref();
    let everybody = outside.and_then(|outside| outside.everybody.as_ref());
    let nobody = || Found { next_call: survey.sweep.first_call, ..Found::default() };
    let mut found = match everybody {
        _ if listened.stopped => Found { stopped: true, ..nobody() },
        Some(_) => nobody(),
        None => discover::discover(link, &targets, &survey.sweep),
    };
    // From outside there is no wire, and no neighbour to ask through.
    let plan = survey.wires.as_ref().filter(|_| !found.stopped && outside.is_none());
    let wires = plan.map(|plan| wires::ask(link, plan, &found.hosts)).unwrap_or_default();
    let mut exits = outside.is_none().then(|| {
        watch(Stage::Forward);
        let mut exits = Exits::new(link, survey, &found);
        if !wires.stopped {
            exits.look(link, &survey.forward);
        }
        exits
    });
    let stopped = found.stopped || wires.stopped || exits.as_ref().is_some_and(Exits::stopped);
    let mut asked = engine::Outcome::default();
    if let Some(manner) = survey.probe.filter(|_| !stopped) {
        let hosts: Vec<IpAddr> = match everybody {
            Some(everybody) => everybody.clone(),
            None => found.hosts.iter().map(|host| host.address).collect(),
        };
        let context = Context {
            seed: survey.sweep.seed,
            communities: &survey.communities,
            matcher,
            requested: &survey.requested,
            names: &past.names(),
            wanted: &hosts,
            past,
            first_call: found.next_call,
        };
        let watch = &mut |now| watch(Stage::Probe(now));
        // What hosts are called is asked first, for some answer only to whoever calls them by their names.
        let (naming, others): (Vec<Service>, Vec<Service>) =
            services(survey, &found, &hosts, handshakes).into_iter().partition(is_of_names);
        asked = engine::ask(link, naming, &manner, &context, watch);
        if !asked.stopped {
            let mut names = past.names();
            names.extend(asked.names.clone());
            let context = Context { names: &names, first_call: asked.next_call, ..context };
            asked.absorb(engine::ask(link, others, &manner, &context, watch));
        }
    }
    if everybody.is_some() {
        found.hosts = opened(&asked);
    }
    if let Some(exits) = exits.as_mut().filter(|_| !stopped && !asked.stopped) {
        // What boxes told of themselves is held against what they show.
        let told = past.addresses().into_iter().chain(asked.addresses.iter().copied());
        watch(Stage::Forward);
        exits.verify(link, &survey.forward, told);
    }
    let forwarded = exits.map(Exits::outcome).unwrap_or_default();
    let surveyed = Surveyed { listened, found, forwarded, wires, asked };
    for line in coverage(survey, &surveyed) {
        link.note(&line);
    }
    if !surveyed.is_partial() {
        link.note(END);
    }
    surveyed
}

/// Why a simulated network could not be scanned.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its facility file does not allow it.
    #[error(transparent)]
    Grant(#[from] grant::Error),
    /// It could not be recorded.
    #[error(transparent)]
    Record(#[from] record::Error),
}

/// Scans a simulated network as its facility file allows, into a new recording at `path`. The network comes back as
/// the scan left it.
pub fn simulated(
    network: Sim,
    facility: &Facility,
    seed: u64,
    matcher: &Matcher<'_>,
    path: &Path,
    watch: &mut dyn FnMut(Stage),
) -> Result<(Surveyed, Sim), Error> {
    simulated_from(&Vantage::default(), network, facility, seed, matcher, path, watch)
}

/// As [`simulated`], from a vantage: the network is as it shows from there.
pub fn simulated_from(
    vantage: &Vantage,
    network: Sim,
    facility: &Facility,
    seed: u64,
    matcher: &Matcher<'_>,
    path: &Path,
    watch: &mut dyn FnMut(Stage),
) -> Result<(Surveyed, Sim), Error> {
    let interfaces = network.interfaces().to_vec();
    let connected: Vec<IpNetwork> =
        interfaces.iter().flat_map(|known| known.addresses.iter().copied()).collect();
    let overrides = Overrides { vantage: vantage.clone(), ..Overrides::default() };
    let consent = facility.consent(&overrides, &connected, Some(0))?;
    let around =
        Surroundings { interfaces: &interfaces, routes: &network.routes(), neighbours: &[] };
    let mut plan = Survey::of(&consent, Some(facility), &around, None, seed);
    if vantage.is_outside() {
        plan = plan.from_outside();
    }
    let text =
        if vantage.is_usual() { "{}".to_owned() } else { format!("{{\"vantage\":\"{vantage}\"}}") };
    let mut recorder = Recorder::create(path, &text, network)?;
    be_discreet(&mut recorder, Some(facility));
    let ending = engine::Manner::of(consent.pace.profile).ending;
    let mut guard = Guard::new(recorder, consent);
    let surveyed = survey(&mut guard, &plan, matcher, &(), watch);
    let until = guard.now().after(ending);
    guard.finish(until);
    Ok((surveyed, guard.into_parts().0.finish()?))
}

/// What is asked: what the facility file names; of those that live ports that are open, or, where opening them is the
/// question, all of them; and every datagram question.
fn services(survey: &Survey, found: &Found, hosts: &[IpAddr], handshakes: bool) -> Vec<Service> {
    let transport = Transport::Tcp;
    let in_scope = |address: &IpAddr| survey.targets.blocks.contains(*address);
    let hosts: Vec<IpAddr> = hosts.iter().copied().filter(in_scope).collect();
    let open = found.open.iter().map(|(address, port)| Service {
        to: (*address, *port).into(),
        transport,
        state: State::Open,
    });
    let unknown = hosts.iter().filter(|_| handshakes).flat_map(|address| {
        survey.ports.iter().map(|port| Service {
            to: (*address, *port).into(),
            transport,
            state: State::Unknown,
        })
    });
    let requested = plan::requested_services(&survey.requested);
    let datagrams = plan::datagram_services(hosts.iter().copied());
    requested.chain(open).chain(unknown).chain(datagrams).collect()
}

/// Whether a service is where name servers are asked.
fn is_of_names(service: &Service) -> bool {
    let here = probe::dns::NAMES.ports.contains(&service.to.port());
    here && service.transport == probe::dns::NAMES.transport
}

/// Whoever opened a port or answered, where nobody looked for hosts before.
fn opened(asked: &engine::Outcome) -> Vec<Host> {
    let mut hosts: BTreeMap<IpAddr, Vec<How>> = BTreeMap::new();
    for (to, transport) in &asked.open {
        let how = if *transport == Transport::Udp { How::Udp } else { How::Connected };
        let answers = hosts.entry(to.ip()).or_default();
        if !answers.contains(&how) {
            answers.push(how);
        }
    }
    let (mac, interface, on_link) = (None, None, false);
    let host = |(address, answers)| Host { address, mac, interface, on_link, answers };
    hosts.into_iter().map(host).collect()
}

/// Lines of the journal that tell what could not be measured: subject, state, how many, details.
fn coverage(survey: &Survey, surveyed: &Surveyed) -> Vec<String> {
    let Surveyed { listened, found, wires, forwarded, asked } = surveyed;
    let told = listened.lines.iter().chain(&wires.told).chain(&forwarded.lines);
    let mut lines: Vec<String> = told.map(|told| format!("{COVERAGE} {}", told.line())).collect();
    let mut add = |subject: &str, state: &str, count: u64, detail: &str| {
        if count > 0 {
            lines.push(
                format!("{COVERAGE} {subject} {state} {count} {detail}").trim_end().to_owned(),
            );
        }
    };
    add(
        "questions_lost",
        "measured",
        found.loss.silent,
        &format!("{} of {}", found.loss.silent, found.loss.asked),
    );
    let refused = found.refused.iter().map(|(kind, count)| ((*kind).to_owned(), *count));
    let mut kinds: BTreeMap<String, u64> = BTreeMap::new();
    for (kind, count) in refused.chain(asked.forbidden.clone()) {
        *kinds.entry(kind).or_default() += count;
    }
    for (kind, count) in &kinds {
        add("not_allowed", "not_measured", *count, kind);
    }
    for (address, distress) in &asked.left {
        add("left_alone", "partial", 1, &format!("{address} {}", distress.name()));
    }
    for network in survey.outside.iter().flat_map(|outside| &outside.unasked) {
        add("network_not_gone_through", "not_measured", 1, &network.to_string());
    }
    add("questions_failed", "partial", asked.failed, "");
    let unfinished = u64::try_from(asked.unfinished).unwrap_or(u64::MAX);
    add("services_not_finished", "partial", unfinished, "");
    let stopped = found.stopped || wires.stopped || forwarded.stopped || asked.stopped;
    add("run_stopped", "partial", u64::from(stopped), "");
    lines
}
