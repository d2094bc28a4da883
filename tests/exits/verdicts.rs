//! What scans of the networks conclude at each tier, what they say that they could not see, and what they sent for it.

use std::{collections::BTreeSet, net::IpAddr};

use rayon::prelude::*;
use sekisho::{
    correlate::{Coverage, CoverageState},
    fingerprint::{Matcher, Signatures},
    link::sim::Sim,
    scope::Tier,
};

use super::scan::{Case, Scanned, scan, through};

const TIERS: [Tier; 3] = [Tier::Ask, Tier::FirstRouter, Tier::Responder];

const SECOND: i64 = 1_000_000_000;

/// Where the responder of the networks stands.
const RESPONDER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 7));

/// Mechanisms that need a tier beyond the first.
const BEYOND: [(&str, Tier); 4] = [
    ("second_hop", Tier::FirstRouter),
    ("record_route", Tier::FirstRouter),
    ("line_mtu", Tier::FirstRouter),
    ("responder", Tier::Responder),
];

/// What left the house although the tier does not allow it.
pub(crate) fn left_wrongly(sim: &Sim, tier: Tier) -> Vec<String> {
    let wrong = |crossed: &&sekisho::link::sim::Crossed| match tier {
        Tier::Listen | Tier::Ask => true,
        Tier::FirstRouter => crossed.ours && crossed.time_to_live > 1 || crossed.further,
        Tier::Responder => crossed.further && crossed.destination != RESPONDER,
    };
    sim.crossed().iter().filter(wrong).map(|crossed| format!("left: {crossed:?}")).collect()
}

/// Neighbours that were asked through more than once a second.
pub(crate) fn asked_too_fast(sim: &Sim) -> Vec<String> {
    let mut faults = Vec::new();
    for (address, times) in through(sim) {
        for pair in times.windows(2) {
            if pair[1].since(pair[0]) < SECOND {
                faults.push(format!("{address} was asked at {} and {}", pair[0], pair[1]));
            }
        }
    }
    faults
}

fn faults(case: &Case, tier: Tier, scanned: &Scanned) -> Vec<String> {
    let Scanned { surveyed, sim, outcome, coverage } = scanned;
    let mut faults = case.expect.faults(outcome, sim, tier);
    faults.extend(left_wrongly(sim, tier));
    faults.extend(asked_too_fast(sim));
    if surveyed.is_partial() {
        faults.push("it does not come to its end".to_owned());
    }
    for (mechanism, needs) in BEYOND {
        let lines: Vec<&Coverage> =
            coverage.iter().filter(|line| line.subject == mechanism).collect();
        let not_authorised = |line: &&&Coverage| {
            line.state == CoverageState::NotMeasured && line.detail.as_deref() == Some("tier")
        };
        let told = lines.iter().filter(not_authorised).count();
        if lines.is_empty() || (told > 0) != (tier < needs) {
            faults.push(format!("{mechanism} tells {lines:?}"));
        }
    }
    faults.iter().map(|fault| format!("{} at tier {}: {fault}", case.name, tier.number())).collect()
}

#[test]
fn every_network_gives_the_exits_that_it_says_at_every_tier() {
    let signatures = Signatures::built_in().unwrap();
    let matcher = Matcher::new(&signatures);
    let desk = tempfile::tempdir().unwrap();
    let cases = Case::all();
    assert!(cases.len() > 18, "only {} networks", cases.len());
    let runs: Vec<(&Case, Tier)> =
        cases.iter().flat_map(|case| TIERS.map(|tier| (case, tier))).collect();
    let faults: Vec<String> = runs
        .into_par_iter()
        .flat_map_iter(|(case, tier)| {
            let path = desk.path().join(format!("{}-{}.pcapng", case.name, tier.number()));
            let scanned = scan(case.sim(), &case.facility(tier), true, 7, &matcher, &path);
            faults(case, tier, &scanned)
        })
        .collect();
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn every_mechanism_tells_of_every_network_what_it_did() {
    let signatures = Signatures::built_in().unwrap();
    let matcher = Matcher::new(&signatures);
    let desk = tempfile::tempdir().unwrap();
    let case = Case::named("exits");
    let path = desk.path().join("run.pcapng");
    let facility = case.facility(Tier::Ask);
    let scanned = scan(case.sim(), &facility, false, 7, &matcher, &path);
    let lines = &scanned.surveyed.forwarded.lines;
    let wires: BTreeSet<_> = lines.iter().filter_map(|line| line.vantage.as_deref()).collect();
    assert_eq!(wires, ["instruments", "office", "wards"].into());
    for mechanism in sekisho::sweep::forward::ALL {
        let told = lines.iter().filter(|line| line.mechanism == mechanism.name);
        let wires: BTreeSet<_> = told.filter_map(|line| line.vantage.as_deref()).collect();
        assert_eq!(wires.len(), 3, "{} tells of {wires:?}", mechanism.name);
    }
}
