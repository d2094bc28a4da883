//! What a scan of a simulated network must give, and the faults of what it gave.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    time::Duration,
};

use sekisho::{
    correlate::{Grade, Kind, Point},
    link::sim::Sim,
    observe::{Mac, Observation},
    scope::Tier,
};
use serde::Deserialize;

/// What must come of a scan. Every list but `point` says only what it says; the points are complete.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Expectation {
    /// All points.
    pub(crate) point: Vec<WantedPoint>,
    /// Addresses of which no point may be made.
    no_point: Vec<IpAddr>,
    /// Addresses of which points may be made that are not wanted, as long as they are not proved.
    unsure: Vec<IpAddr>,
    /// The same of scans at the first tier; no point may be made of them at a higher one.
    relays: Vec<IpAddr>,
    /// What must be heard.
    heard: Vec<WantedFacts>,
    /// Addresses that get no packet.
    untouched: Vec<IpAddr>,
    /// Addresses that are asked for their hardware address and nothing else.
    arp_only: Vec<IpAddr>,
    /// Ports that get no packet, on any host.
    untouched_ports: Vec<u16>,
    /// No host falls silent because of what it was sent.
    unharmed: bool,
    /// The most packets that an address gets, ARP and neighbour discovery aside.
    most_packets: BTreeMap<IpAddr, u64>,
    /// The longest that the scan takes by the network's clock.
    within_seconds: Option<u64>,
}

/// A point that must be found.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WantedPoint {
    /// Its kind.
    pub(crate) kind: Kind,
    /// One of its addresses.
    pub(crate) address: IpAddr,
    /// Who makes it, where that must be named.
    pub(crate) vendor: Option<String>,
    /// What it is called, where that must be named.
    pub(crate) product: Option<String>,
    /// How good its proof is, where that is said.
    grade: Option<Grade>,
    /// Addresses that it must have outside.
    #[serde(default)]
    outside: BTreeSet<IpAddr>,
    /// How many lines are told of behind it, where that is said.
    lines: Option<usize>,
    /// It answers nothing: only what it forwards shows it.
    #[serde(default)]
    #[allow(dead_code, reason = "of the tests that share this, one looks at it")]
    pub(crate) hidden: bool,
    /// The tiers of scans that find it; all when none is named.
    #[serde(default)]
    tiers: Vec<u8>,
}

/// Facts that must be heard of a speaker, each in some observation.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WantedFacts {
    speaker: IpAddr,
    facts: BTreeMap<String, String>,
}

/// A point as far as expectations go.
#[derive(Debug, Clone)]
pub(crate) struct FoundPoint {
    pub(crate) kind: Kind,
    pub(crate) addresses: BTreeSet<IpAddr>,
    pub(crate) vendor: Option<String>,
    pub(crate) product: Option<String>,
    pub(crate) grade: Grade,
    pub(crate) outside: BTreeSet<IpAddr>,
    pub(crate) lines: usize,
    #[allow(dead_code, reason = "of the tests that share this, one looks at it")]
    pub(crate) macs: BTreeSet<Mac>,
    pub(crate) services: usize,
}

/// What a scan gave.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) points: Vec<FoundPoint>,
    pub(crate) observations: Vec<Observation>,
    pub(crate) took: Duration,
}

impl From<&Point> for FoundPoint {
    fn from(point: &Point) -> Self {
        let product = point.product.as_ref();
        Self {
            kind: point.kind,
            addresses: &point.addresses | &point.sides.faces,
            vendor: product.map(|product| product.vendor.clone()),
            product: product.map(|product| product.name.clone()),
            grade: point.grade,
            outside: point.outside.clone(),
            lines: point.lines.len(),
            macs: point.macs.clone(),
            services: point.services.len(),
        }
    }
}

impl WantedPoint {
    fn is(&self, found: &FoundPoint) -> bool {
        let named =
            |wanted: &Option<String>, found: &Option<String>| wanted.is_none() || wanted == found;
        self.kind == found.kind
            && found.addresses.contains(&self.address)
            && named(&self.vendor, &found.vendor)
            && named(&self.product, &found.product)
            && self.grade.is_none_or(|grade| grade == found.grade)
            && self.outside.is_subset(&found.outside)
            && self.lines.is_none_or(|lines| lines == found.lines)
            && (!self.hidden || found.services == 0)
    }
}

impl Expectation {
    /// The points that a scan at `tier` must find.
    pub(crate) fn wanted(&self, tier: Tier) -> impl Iterator<Item = &WantedPoint> {
        let number = tier.number();
        self.point
            .iter()
            .filter(move |wanted| wanted.tiers.is_empty() || wanted.tiers.contains(&number))
    }

    /// What is wrong with an outcome of a scan at `tier`, and with what was sent on the way to it; empty when nothing
    /// is.
    pub(crate) fn faults(&self, outcome: &Outcome, sim: &Sim, tier: Tier) -> Vec<String> {
        let mut faults = self.wrong_points(&outcome.points, tier);
        for wanted in self.wanted(tier) {
            if !outcome.points.iter().any(|found| wanted.is(found)) {
                let near = outcome.points.iter().filter(|p| p.addresses.contains(&wanted.address));
                faults
                    .push(format!("missing: {wanted:?}; there are {:?}", near.collect::<Vec<_>>()));
            }
        }
        for wanted in &self.heard {
            for (field, value) in &wanted.facts {
                let told = |o: &Observation| {
                    o.speaker.ip == Some(wanted.speaker) && o.facts.all(field).any(|v| v == value)
                };
                if !outcome.observations.iter().any(told) {
                    faults.push(format!("not heard: {field} = {value} of {}", wanted.speaker));
                }
            }
        }
        for address in &self.untouched {
            let count = sim.count(*address);
            if count.resolving + count.packets > 0 {
                faults.push(format!("{address} was touched: {count:?}"));
            }
        }
        for address in &self.arp_only {
            let count = sim.count(*address);
            if count.packets > 0 || sim.reached(*address) > 0 {
                faults.push(format!("{address} got more than ARP: {count:?}"));
            }
        }
        for sent in sim.sent() {
            if let Some(to) = sent.to.filter(|to| self.untouched_ports.contains(&to.port())) {
                faults.push(format!("{to} was touched"));
            }
        }
        if self.unharmed && !sim.harmed().is_empty() {
            faults.push(format!("harmed: {:?}", sim.harmed()));
        }
        for (address, most) in &self.most_packets {
            let packets = sim.count(*address).packets;
            if packets > *most {
                faults.push(format!("{address} got {packets} packets; {most} are enough"));
            }
        }
        if let Some(most) = self.within_seconds.map(Duration::from_secs)
            && outcome.took > most
        {
            faults.push(format!("it took {:?}; {most:?} are enough", outcome.took));
        }
        faults
    }

    /// Whether a point is made of an address of which none may be.
    pub(crate) fn forbids(&self, found: &FoundPoint) -> bool {
        self.no_point.iter().any(|address| found.addresses.contains(address))
    }

    /// Points that a scan at `tier` may not find.
    pub(crate) fn wrong_points(&self, found: &[FoundPoint], tier: Tier) -> Vec<String> {
        let mut faults = Vec::new();
        for found in found {
            let of_one = |addresses: &[IpAddr]| {
                addresses.iter().any(|address| found.addresses.contains(address))
            };
            let near = tier <= Tier::Ask && of_one(&self.relays);
            let unsure = found.grade < Grade::Proved && (near || of_one(&self.unsure));
            if self.forbids(found) || !unsure && !self.wanted(tier).any(|w| w.is(found)) {
                faults.push(format!("wrong: {found:?}"));
            }
        }
        faults
    }
}
