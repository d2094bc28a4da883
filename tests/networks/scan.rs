//! Scans every network in a text file, with the means of a real scan, and holds what came of it against what must.

use std::{fs, path::Path, time::Duration};

use sekisho::{
    cli::survey::{Surveyed, simulated},
    correlate,
    fingerprint::{Matcher, Signatures},
    link::sim::Sim,
    passive,
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
        simulated(sim, &facility, seed, &matcher, recording, &mut |_| {}).unwrap();
    let heard = passive::replay(&[recording.to_owned()], Some(&facility.inside), &|_| {}).unwrap();
    assert!(heard.is_recording && heard.files.iter().all(|file| file.fault.is_none()), "{name}");
    let points = correlate::points(&correlate::Heard {
        observations: &heard.observations,
        inside: &heard.inside,
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
    for case in
        cases().into_iter().filter(|c| std::env::var("CASE").is_ok_and(|n| n != c.name) == false)
    {
        let recording = desk.path().join(format!("{}.pcapng", case.name));
        let began = std::time::Instant::now();
        let Scanned { surveyed, sim, outcome } = scan(&case, SEED, &recording);
        eprintln!(
            "{}: {:?} virtual, {:?} real, {} packets, {} hosts, left {:?}, partial {}, counts {:?}",
            case.name,
            outcome.took,
            began.elapsed(),
            sim.counts().values().map(|c| c.packets).sum::<u64>(),
            surveyed.found.hosts.len(),
            surveyed.asked.left,
            surveyed.is_partial(),
            sim.counts()
                .iter()
                .filter(|(_, c)| c.packets > 0)
                .take(8)
                .map(|(a, c)| (a, c.packets))
                .collect::<Vec<_>>()
        );
        let wrong = case.expect.faults(&outcome, &sim);
        faults.extend(wrong.into_iter().map(|fault| format!("{}: {fault}", case.name)));
        fs::remove_file(recording).unwrap();
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
