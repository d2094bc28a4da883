//! A hospital that is looked at every night for a year and more: names stay, what changed is told and nothing else, and a
//! night costs little. `cargo run --release --example nights` does the same at full size, and measures.
#![expect(clippy::indexing_slicing, reason = "what cannot be set up should fail the test")]

#[path = "nights/hospital.rs"]
mod hospital;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use hospital::Hospital;
use sekisho::{
    correlate::Point,
    inventory::{Change, Facet, Memory, Run, Store},
};

const SMALL: Hospital =
    Hospital { hosts: 120, points: 24, unrecognised: 2, networks: 3, nights: 100 };

/// The box that a point is, in truth.
fn number(point: &Point) -> u32 {
    let told: Vec<u32> = point
        .names
        .iter()
        .filter_map(|name| name.strip_prefix("box-").and_then(|number| number.parse().ok()))
        .collect();
    assert_eq!(told.len(), 1, "{point:#?}");
    told[0]
}

#[test]
fn names_stay_and_only_what_changed_is_told_however_long_it_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    let mut store = Store::open(&path).unwrap();
    let mut names: BTreeMap<u32, String> = BTreeMap::new();
    let mut half = 0;
    for night in 0..SMALL.nights {
        if night == SMALL.nights / 2 {
            half = fs::metadata(&path).unwrap().len();
        }
        let run = SMALL.night(night);
        let changes = store.absorb(&run).unwrap();
        let mut appeared = BTreeSet::new();
        for point in &store.run(&run.id).unwrap().points {
            let name = names.entry(number(point)).or_insert_with(|| {
                appeared.insert(point.id.clone());
                point.id.clone()
            });
            assert_eq!(*name, point.id, "night {night}: box {} has another name", number(point));
        }
        let told: BTreeSet<String> = changes
            .iter()
            .filter(|change| matches!(change, Change::Appeared { .. }))
            .map(|change| change.id().to_owned())
            .collect();
        assert_eq!(told, appeared, "night {night}");
        let seen: BTreeSet<u32> = SMALL.seen(night).collect();
        let missed: BTreeSet<&str> = names
            .iter()
            .filter(|(number, _)| !seen.contains(number))
            .map(|(_, id)| &**id)
            .collect();
        let told: BTreeSet<&str> = changes
            .iter()
            .filter(|change| matches!(change, Change::NotSeen { .. }))
            .map(Change::id)
            .collect();
        assert_eq!(told, missed, "night {night}");
        for change in &changes {
            let Change::Changed { what, id, .. } = change else { continue };
            let usual = |facet| matches!(facet, Facet::Addresses | Facet::Product);
            assert!(what.iter().all(|one| usual(one.facet)), "night {night}: {id} {what:#?}");
        }
    }
    let known = store.points(None).unwrap();
    assert_eq!(known.len(), names.len());
    assert!(names.len() > 20, "{names:?}");
    let memory = store.memory(Some("関所記念病院")).unwrap();
    assert_eq!(memory.runs.len(), usize::try_from(SMALL.nights).unwrap());
    for (number, name) in &names {
        let nights = (0..SMALL.nights).filter(|night| SMALL.seen(*night).any(|one| one == *number));
        assert_eq!(memory.points[name].seen.len(), nights.count(), "box {number}");
    }
    drop(store);
    let whole = fs::metadata(&path).unwrap().len();
    let a_night = (whole - half) / u64::from(SMALL.nights / 2);
    assert!(a_night < 14_000, "{a_night} bytes a night");
}

#[test]
fn a_host_that_stays_as_it_is_costs_next_to_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    let mut store = Store::open(&path).unwrap();
    let still = Hospital { hosts: 0, points: 0, unrecognised: 0, networks: 0, nights: 101 };
    let hosts = Hospital { hosts: 1_000, ..still }.night(0).hosts;
    let mut size = || {
        let mut runs = still.runs().map(|run| Run { hosts: hosts.clone(), ..run });
        store.absorb(&runs.next().unwrap()).unwrap();
        let first = fs::metadata(&path).unwrap().len();
        runs.for_each(|run| {
            store.absorb(&run).unwrap();
        });
        (first, fs::metadata(&path).unwrap().len())
    };
    let (first, last) = size();
    // A hundred runs with their entries in the log, and no host.
    assert!(last - first < 80_000, "{first} bytes, then {last}");
    assert_eq!(store.run("r000000000064").unwrap().hosts, hosts);
}

#[test]
fn nights_read_in_another_order_make_the_same_inventory() {
    let small = Hospital { hosts: 5, points: 16, unrecognised: 1, networks: 1, nights: 36 };
    let runs: Vec<Run> = small.runs().collect();
    let absorbed = |order: &mut dyn Iterator<Item = &Run>| {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path().join("store.sqlite")).unwrap();
        for run in order {
            store.absorb(run).unwrap();
        }
        let changes: Vec<Vec<Change>> =
            runs.iter().map(|run| store.changes(&run.id).unwrap()).collect();
        let last = store.run(&runs.last().unwrap().id).unwrap();
        // The log tells in which order they were read.
        let memory = Memory { head: None, ..store.memory(runs[0].facility.as_deref()).unwrap() };
        (store.points(None).unwrap(), changes, last, memory)
    };
    let forwards = absorbed(&mut runs.iter());
    assert!(forwards == absorbed(&mut runs.iter().rev()), "backwards, it is another");
    let (even, odd) = (runs.iter().step_by(2), runs.iter().skip(1).step_by(2));
    assert!(forwards == absorbed(&mut odd.chain(even)), "mixed, it is another");
}
