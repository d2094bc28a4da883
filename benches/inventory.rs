//! A night more in an inventory of a hundred nights, and what is asked of it.

#[path = "../tests/nights/hospital.rs"]
mod hospital;

use divan::Bencher;
use hospital::Hospital;
use sekisho::inventory::{Run, Store};

const HOSPITAL: Hospital =
    Hospital { hosts: 2_000, points: 60, unrecognised: 12, networks: 20, nights: 101 };

fn main() {
    divan::main();
}

/// An inventory of every run but the last, and that one.
fn store() -> (tempfile::TempDir, Store, Run) {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let mut store = Store::open(folder.path().join("store.sqlite")).expect("a store can be made");
    let mut runs: Vec<Run> = HOSPITAL.runs().collect();
    let last = runs.pop().expect("there are nights");
    for run in runs {
        store.absorb(&run).expect("it is taken");
    }
    (folder, store, last)
}

#[divan::bench(sample_count = 5)]
fn absorb(bencher: Bencher<'_, '_>) {
    let (folder, store, run) = store();
    drop(store);
    let (whole, copy) = (folder.path().join("store.sqlite"), folder.path().join("copy.sqlite"));
    bencher
        .with_inputs(|| {
            std::fs::copy(&whole, &copy).expect("there is room");
            Store::open(&copy).expect("it is a store")
        })
        .bench_values(|mut store| store.absorb(&run).expect("it is taken"));
}

#[divan::bench(sample_count = 20)]
fn points(bencher: Bencher<'_, '_>) {
    let (_folder, store, _) = store();
    bencher.bench_local(|| store.points(None).expect("it is whole"));
}

#[divan::bench(sample_count = 20)]
fn changes(bencher: Bencher<'_, '_>) {
    let (_folder, store, _) = store();
    let last = store.runs().expect("it is whole").pop().expect("there are runs").id;
    bencher.bench_local(|| store.changes(&last).expect("it is whole"));
}

#[divan::bench(sample_count = 20)]
fn memory(bencher: Bencher<'_, '_>) {
    let (_folder, store, _) = store();
    bencher.bench_local(|| store.memory(Some("関所記念病院")).expect("it is whole"));
}
