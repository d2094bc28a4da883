//! A scan of a simulated network at a tier, and what is read of its recording.

use std::{collections::HashMap, net::IpAddr, path::Path, time::Duration};

use ipnetwork::IpNetwork;
use sekisho::{
    cli::survey::{self, Surroundings, Survey, Surveyed},
    correlate::{self, Coverage},
    fingerprint::Matcher,
    link::{Link as _, guard::Guard, record::Recorder, sim::Sim},
    observe::Mac,
    passive,
    scope::{Facility, Overrides, Tier},
    time::Timestamp,
    wire::{
        ethernet::{self, Frame, Kind},
        ipv4, ipv6,
    },
};

use super::expectation::{Expectation, Outcome};

/// A network with what it is scanned by and what must come of it.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) facility: String,
    pub(crate) expect: Expectation,
}

#[derive(serde::Deserialize)]
struct Beside {
    facility: String,
    expect: Expectation,
}

impl Case {
    /// The network of this name in `fixtures/networks`.
    pub(crate) fn named(name: &str) -> Self {
        let text = std::fs::read_to_string(format!("fixtures/networks/{name}.toml")).unwrap();
        let Beside { facility, expect } =
            toml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        Self { name: name.to_owned(), text, facility, expect }
    }

    /// Every one whose name begins with `exits`.
    pub(crate) fn all() -> Vec<Self> {
        let names = std::fs::read_dir("fixtures/networks").unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
        let mut names: Vec<String> = names
            .filter_map(|name| name.strip_suffix(".toml").map(str::to_owned))
            .filter(|name| name.starts_with("exits"))
            .collect();
        names.sort();
        names.iter().map(|name| Self::named(name)).collect()
    }

    pub(crate) fn sim(&self) -> Sim {
        Sim::parse(&self.text, &self.name).unwrap_or_else(|error| panic!("{error}"))
    }

    pub(crate) fn facility(&self, tier: Tier) -> Facility {
        let number = format!("tier = {}", tier.number());
        let facility = self.facility.replace("tier = 3", &number);
        Facility::parse(&facility, &self.name).unwrap_or_else(|error| panic!("{error}"))
    }
}

/// What came of a scan.
pub(crate) struct Scanned {
    pub(crate) surveyed: Surveyed,
    pub(crate) sim: Sim,
    pub(crate) outcome: Outcome,
    pub(crate) coverage: Vec<Coverage>,
}

/// Scans a network as `facility` allows; without `ports`, only who answers and who forwards is looked for.
pub(crate) fn scan(
    sim: Sim,
    facility: &Facility,
    ports: bool,
    seed: u64,
    matcher: &Matcher<'_>,
    recording: &Path,
) -> Scanned {
    let interfaces = sim.interfaces().to_vec();
    let connected: Vec<IpNetwork> =
        interfaces.iter().flat_map(|known| known.addresses.iter().copied()).collect();
    let consent = facility.consent(&Overrides::default(), &connected, Some(0)).unwrap();
    let routes = sim.routes();
    let around = Surroundings { interfaces: &interfaces, routes: &routes, neighbours: &[] };
    let mut plan = Survey::of(&consent, Some(facility), &around, None, seed);
    if !ports {
        plan.probe = None;
        plan.ports.clear();
    }
    let mut recorder = Recorder::create(recording, "{}", sim).unwrap();
    survey::be_discreet(&mut recorder, Some(facility));
    let mut guard = Guard::new(recorder, consent);
    let surveyed = survey::survey(&mut guard, &plan, matcher, &(), &mut |_| {});
    let until = guard.now().after(Duration::from_secs(10));
    guard.finish(until);
    let sim = guard.into_parts().0.finish().unwrap();
    let paths = [recording.to_owned()];
    let heard = passive::replay(&paths, Some(&facility.inside), &|_| {}).unwrap();
    assert!(heard.is_recording && heard.files.iter().all(|file| file.fault.is_none()));
    let points = correlate::points(&correlate::Heard {
        observations: &heard.observations,
        inside: &heard.inside,
        vantages: &[],
        matcher,
        packet: &|id| id.number.to_string(),
    });
    let coverage = correlate::coverage::of_replay(&heard, &["run.pcapng".to_owned()]);
    let began = heard.files.iter().filter_map(|file| file.began).min().unwrap();
    let took = Duration::from_nanos(sim.now().since(began).try_into().unwrap());
    let outcome = Outcome {
        points: points.iter().map(Into::into).collect(),
        observations: heard.observations,
        took,
    };
    Scanned { surveyed, sim, outcome, coverage }
}

/// When each box was sent questions that a gateway must answer itself, or send on: those that may go one or two hops. A box
/// is known by its first address, whichever of its hardware addresses they went to.
pub(crate) fn through(sim: &Sim) -> HashMap<IpAddr, Vec<Timestamp>> {
    let mut times: HashMap<IpAddr, Vec<Timestamp>> = HashMap::new();
    for sent in sim.sent() {
        let Ok(frame) = Frame::parse(&sent.bytes) else { continue };
        let ttl = match frame.kind {
            Kind::Type(ethernet::IPV4) => {
                ipv4::Packet::parse(frame.payload).map(|packet| packet.time_to_live)
            }
            Kind::Type(ethernet::IPV6) => {
                ipv6::Packet::parse(frame.payload).map(|packet| packet.hop_limit)
            }
            _ => continue,
        };
        let owner = sim.owner(Mac(frame.destination));
        if let Some(owner) = owner.filter(|_| ttl.is_ok_and(|ttl| ttl <= 2)) {
            times.entry(owner).or_default().push(sent.at);
        }
    }
    times
}
