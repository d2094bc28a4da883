//! The flow of a scan, over any link: who answers, what stands there, what it is. What was heard is in the recording.

use std::{collections::BTreeMap, net::IpAddr};

use crate::observe::Transport;
use crate::{
    fingerprint::Matcher,
    link::{
        Link,
        journal::END,
        record::{self, Recorder},
    },
    passive::capture::COVERAGE,
    probe::{
        engine::{self, Context, Past, Service, State},
        plan,
    },
    scope::{Blocks, Facility},
    sweep::discover::{self, Found, Targets},
};

/// What a scan is to do.
#[derive(Debug, Clone)]
pub struct Survey {
    /// Whom to look for.
    pub targets: Targets,
    /// How.
    pub sweep: discover::Manner,
    /// How those that are found are asked; none to find them only.
    pub probe: Option<engine::Manner>,
    /// TCP ports of those that live. With handshakes they are asked in the conversation that opens them.
    pub ports: Vec<u16>,
    /// Communities that the facility gave in writing.
    pub communities: Vec<String>,
    /// Hosts that the facility file names for probes on request.
    pub requested: Blocks,
}

/// Where a scan is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It looks who answers.
    Sweep,
    /// It asks those that answer.
    Probe(engine::Progress),
}

/// What came of it.
#[derive(Debug, Clone, Default)]
pub struct Surveyed {
    /// Who answered.
    pub found: Found,
    /// What came of asking them.
    pub asked: engine::Outcome,
}

impl Surveyed {
    /// Whether something was left out.
    pub fn is_partial(&self) -> bool {
        self.found.stopped || self.asked.is_partial()
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
    watch(Stage::Sweep);
    let handshakes = survey.sweep.handshakes || link.interfaces().is_empty();
    let ports = if handshakes { Vec::new() } else { survey.ports.clone() };
    let targets = Targets { ports, ..survey.targets.clone() };
    let found = discover::discover(link, &targets, &survey.sweep);
    let mut asked = engine::Outcome::default();
    if let Some(manner) = survey.probe.filter(|_| !found.stopped) {
        let names = BTreeMap::new();
        let context = Context {
            seed: survey.sweep.seed,
            communities: &survey.communities,
            matcher,
            requested: &survey.requested,
            names: &names,
            past,
            first_call: found.next_call,
        };
        let services = services(survey, &found, handshakes);
        asked = engine::ask(link, services, &manner, &context, &mut |now| watch(Stage::Probe(now)));
    }
    let surveyed = Surveyed { found, asked };
    for line in coverage(&surveyed) {
        link.note(&line);
    }
    if !surveyed.is_partial() {
        link.note(END);
    }
    surveyed
}

/// What those that live are asked at: ports that are open, or, where opening them is the question, all of them; and
/// every datagram question.
fn services(survey: &Survey, found: &Found, handshakes: bool) -> Vec<Service> {
    let transport = Transport::Tcp;
    let addresses = found.hosts.iter().map(|host| host.address);
    let hosts: Vec<IpAddr> =
        addresses.filter(|address| survey.targets.blocks.contains(*address)).collect();
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
    let datagrams = plan::datagram_services(hosts.iter().copied(), &survey.requested);
    open.chain(unknown).chain(datagrams).collect()
}

/// Lines of the journal that tell what could not be measured: subject, state, how many, details.
fn coverage(surveyed: &Surveyed) -> Vec<String> {
    let Surveyed { found, asked } = surveyed;
    let mut lines = Vec::new();
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
    add("questions_failed", "partial", asked.failed, "");
    let unfinished = u64::try_from(asked.unfinished).unwrap_or(u64::MAX);
    add("services_not_finished", "partial", unfinished, "");
    add("run_stopped", "partial", u64::from(found.stopped || asked.stopped), "");
    lines
}
