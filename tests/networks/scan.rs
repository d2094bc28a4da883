//! Scans every network in a text file, with the means of a real scan, and holds what came of it against what must.

use std::{fs, path::Path, time::Duration};

use sekisho::{
    cli::survey::{Surveyed, simulated_from},
    correlate,
    fingerprint::{Matcher, Signatures},
    link::sim::Sim,
    passive, report,
    scope::Facility,
};

use super::{Case, cases, expectation::Outcome};

const SEED: u64 = 7;

/// A scan that came to its end.
struct Scanned {
    surveyed: Surveyed,
    sim: Sim,
    outcome: Outcome,
}

fn scan(case: &Case, seed: u64, recording: &Path) -> Scanned {
    let name = &case.name;
    let sim = Sim::parse(&case.text, name).unwrap();
    let facility = Facility::parse(&case.facility, name).unwrap();
    let signatures = Signatures::built_in().unwrap();
    let matcher = Matcher::new(&signatures);
    let (surveyed, sim) =
        simulated_from(&case.vantage, sim, &facility, seed, &matcher, recording, &mut |_| {})
            .unwrap();
    let heard = passive::replay(&[recording.to_owned()], Some(&facility.inside), &|_| {}).unwrap();
    assert!(heard.is_recording && heard.files.iter().all(|file| file.fault.is_none()), "{name}");
    let points = correlate::points(&correlate::Heard {
        observations: &heard.observations,
        inside: &heard.inside,
        vantages: &heard.vantages(),
        matcher: &matcher,
        packet: &|id| id.number.to_string(),
    });
    let began = heard.files.iter().filter_map(|file| file.began).min().unwrap();
    let took = sekisho::link::Link::now(&sim).since(began);
    let outcome = Outcome {
        points: points.iter().map(Into::into).collect(),
        observations: heard.observations,
        took: Duration::from_nanos(took.try_into().unwrap()),
    };
    Scanned { surveyed, sim, outcome }
}

#[test]
fn every_network_gives_what_it_says_that_a_scan_gives() {
    let desk = tempfile::tempdir().unwrap();
    let mut faults = Vec::new();
    // Those with hidden exits are scanned by tests/exits.rs, at every tier.
    for case in cases().into_iter().filter(|case| !case.name.starts_with("exits")) {
        let recording = desk.path().join(format!("{}.pcapng", case.name));
        let Scanned { surveyed, sim, outcome } = scan(&case, SEED, &recording);
        let ends = !surveyed.found.stopped && !surveyed.asked.stopped && surveyed.asked.failed == 0;
        assert!(ends, "{}: it does not come to its end", case.name);
        let tier = Facility::parse(&case.facility, &case.name).unwrap().tier;
        let wrong = case.expect.faults(&outcome, &sim, tier);
        faults.extend(wrong.into_iter().map(|fault| format!("{}: {fault}", case.name)));
        fs::remove_file(recording).unwrap();
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The gateways of the hospital, which speak most of what is spoken, with TLS.
fn gateways() -> Case {
    let hospital = cases().into_iter().find(|case| case.name == "hospital").unwrap();
    let facility = hospital.facility.replace("\"10.10.0.0/24\",", "\"10.10.0.0/27\",");
    let others = (1..=6).map(|subnet| format!("\"10.10.{subnet}.0/24\","));
    let facility = others.fold(facility, |facility, other| facility.replace(&other, ""));
    let facility = facility.replace("exclude = [\"10.10.2.13\"]", "exclude = []");
    Case { facility, ..hospital }
}

#[test]
fn the_same_network_and_seed_give_the_same_observations() {
    let desk = tempfile::tempdir().unwrap();
    let case = gateways();
    let one = scan(&case, SEED, &desk.path().join("one.pcapng")).outcome;
    let again = scan(&case, SEED, &desk.path().join("again.pcapng")).outcome;
    assert!(one.observations.len() > 100, "{}", one.observations.len());
    for (one, again) in one.observations.iter().zip(&again.observations) {
        assert_eq!(one, again);
    }
    assert_eq!((one.observations.len(), one.took), (again.observations.len(), again.took));
}

#[test]
fn a_scan_and_the_replay_of_its_recording_agree() {
    let desk = tempfile::tempdir().unwrap();
    let case = gateways();
    let path = |name: &str| desk.path().join(name);
    let Scanned { outcome, .. } = scan(&case, SEED, &path("run.pcapng"));
    fs::write(path("facility.toml"), &case.facility).unwrap();
    assert_cmd::Command::new(env!("CARGO_BIN_EXE_sekisho"))
        .env_remove("SEKISHO_STORE")
        .env("SEKISHO_DATA", path("data"))
        .current_dir(desk.path())
        .args(["replay", "run.pcapng", "--scope", "facility.toml", "--exit-zero", "--quiet"])
        .args(["--observations", "replayed.ndjson", "--json", "points.json"])
        .assert()
        .code(0);
    let mut live = Vec::new();
    report::write_observations(&outcome.observations, &["run.pcapng"], &mut live).unwrap();
    let replayed = fs::read(path("replayed.ndjson")).unwrap();
    assert!(!live.is_empty() && live == replayed);
    let points: serde_json::Value =
        serde_json::from_slice(&fs::read(path("points.json")).unwrap()).unwrap();
    let kinds = |point: &serde_json::Value| point["kind"].as_str().unwrap().to_owned();
    let mut replayed: Vec<String> =
        points["points"].as_array().unwrap().iter().map(kinds).collect();
    let mut live: Vec<String> = outcome
        .points
        .iter()
        .map(|point| kinds(&serde_json::json!({ "kind": point.kind })))
        .collect();
    replayed.sort();
    live.sort();
    assert!(live.len() > 10 && live == replayed, "{live:?} and {replayed:?}");
}
