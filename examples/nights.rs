//! Four hundred nights of a hospital of two thousand boxes in a store: how large it gets, and how long it takes to ask.
//! `cargo run --release --example nights [NIGHTS [HOSTS [STORE]]]`; docs/measurements.md has its figures. With STORE the store is
//! kept, for the commands to be timed on it.

#[path = "../tests/nights/hospital.rs"]
mod hospital;

use std::time::{Duration, Instant};

use hospital::Hospital;
use sekisho::inventory::Store;

fn timed<T>(ask: impl FnOnce() -> T) -> (Duration, T) {
    #[expect(clippy::disallowed_methods, reason = "a measurement of time")]
    let start = Instant::now();
    let told = ask();
    (start.elapsed(), told)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let kept = std::env::args().nth(3);
    let mut given = std::env::args().skip(1).take(2).map(|number| number.parse::<u32>());
    let nights = given.next().transpose()?.unwrap_or(400);
    let hosts = given.next().transpose()?.unwrap_or(2_000);
    let hospital = Hospital { hosts, points: 60, unrecognised: 12, networks: 20, nights };
    let folder = tempfile::tempdir()?;
    let path = kept.map_or_else(|| folder.path().join("store.sqlite"), Into::into);
    let mut store = Store::open(&path)?;
    let mut took = Vec::new();
    let (mut last, mut count) = (String::new(), 0_u32);
    for run in hospital.runs() {
        took.push(timed(|| store.absorb(&run).map(drop)).0);
        last.clone_from(&run.id);
        count += 1;
    }
    drop(store);
    took.sort();
    let megabytes = std::fs::metadata(&path)?.len() / (1 << 20);
    println!("{count} runs, {hosts} hosts: {megabytes} MiB");
    let (middle, longest) = (took.get(took.len() / 2), took.last());
    println!("absorb: median {middle:?}, longest {longest:?}");

    let facility = Some("関所記念病院");
    let first = Store::open_read(&path)?.runs()?.first().map(|run| run.id.clone());
    let first = first.unwrap_or_default();
    let (open, store) = timed(|| Store::open_read(&path));
    let store = store?;
    let (changes, changed) = timed(|| store.changes(&last).map(|found| found.len()));
    let (between, different) = timed(|| store.between(&first, &last).map(|found| found.len()));
    println!(
        "open {open:?}, diff {changes:?} ({}), of two runs {between:?} ({})",
        changed?, different?
    );
    let asked: [(&str, &dyn Fn() -> sekisho::inventory::Result<usize>); 7] = [
        ("runs", &|| Ok(store.runs()?.len())),
        ("run", &|| Ok(store.run(&last)?.hosts.len())),
        ("points", &|| Ok(store.points(facility)?.len())),
        ("looked", &|| Ok(store.looked(facility)?.len())),
        ("memory", &|| Ok(store.memory(facility)?.points.len())),
        ("vantages", &|| Ok(store.vantages(facility)?.len())),
        ("history of a point", &|| {
            let id = store.points(facility)?.first().map(|known| known.point.id.clone());
            Ok(store.point(&id.unwrap_or_default(), facility)?.history.len())
        }),
    ];
    let mut report = Duration::ZERO;
    for (name, ask) in asked {
        let (took, told) = timed(ask);
        report += took;
        println!("{name}: {took:?} ({})", told?);
    }
    println!("all that a report reads: {report:?}");
    Ok(())
}
