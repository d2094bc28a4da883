//! Processes that are killed while they write, and two that write at once: what was acknowledged is there, nothing half is,
//! and one waits or is told. The states that a power cut leaves on the disk are gone through in `src/inventory/cut.rs`.
#![expect(clippy::unwrap_used, reason = "what cannot be set up should fail the test")]

#[path = "nights/hospital.rs"]
mod hospital;

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use hospital::Hospital;
use rusqlite::Connection;
use sekisho::inventory::{Run, Store};

const SMALL: Hospital =
    Hospital { hosts: 150, points: 16, unrecognised: 3, networks: 4, nights: 240 };

/// Set for a child: the store, and which nights are its own: all, or every second from 0 or 1.
const CHILD: &str = "SEKISHO_TEST_POWER";

#[test]
#[ignore = "the other tests run it, as a process of its own"]
fn absorbs_nights_and_tells_each() {
    let told = std::env::var(CHILD).expect("this is a process that the other tests start");
    let (nights, path) = told.split_once(' ').unwrap();
    let mut store = Store::open(path).unwrap_or_else(|error| panic!("{error}"));
    let known: Vec<String> = store.runs().unwrap().into_iter().map(|run| run.id).collect();
    let own = |place: usize| nights == "all" || nights == (place % 2).to_string();
    let mine = SMALL.runs().enumerate().filter(|(place, _)| own(*place)).map(|(_, run)| run);
    for run in mine.filter(|run| !known.contains(&run.id)) {
        store.absorb(&run).unwrap_or_else(|error| panic!("{error}"));
        let mut out = std::io::stdout().lock();
        writeln!(out, "kept {}", run.id).unwrap();
        out.flush().unwrap();
    }
}

fn child(path: &Path, nights: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "absorbs_nights_and_tells_each", "--nocapture"])
        .env(CHILD, format!("{nights} {}", path.display()))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// What a child acknowledges, one by one, until it ends.
fn acknowledged(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    lines.filter_map(|line| line.split_once("kept ").map(|(_, id)| id.to_owned()))
}

/// Looks at all that a store holds: every run must be there as it was made.
fn whole(path: &Path) -> Vec<String> {
    let integrity = |path: &Path| -> String {
        let connection = Connection::open(path).unwrap();
        connection.pragma_query_value(None, "integrity_check", |row| row.get(0)).unwrap()
    };
    let store = Store::open_read(path).unwrap();
    assert_eq!(integrity(path), "ok");
    let made: BTreeMap<String, Run> = SMALL.runs().map(|run| (run.id.clone(), run)).collect();
    let runs: Vec<String> = store.runs().unwrap().into_iter().map(|run| run.id).collect();
    for id in &runs {
        let (kept, made) = (store.run(id).unwrap(), made.get(id).unwrap());
        assert_eq!(kept.coverage, made.coverage);
        assert_eq!((kept.points.len(), kept.hosts.len()), (made.points.len(), made.hosts.len()));
        let because = |run: &Run| -> Vec<_> {
            run.points.iter().map(|point| point.because.clone()).collect()
        };
        assert_eq!(because(&kept), because(made));
        assert_eq!(kept.unrecognised.len(), made.unrecognised.len());
    }
    runs
}

#[test]
fn whoever_is_killed_at_any_moment_loses_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    let mut kept: Vec<String> = Vec::new();
    let mut cut_short = 0;
    for round in 0..10_u64 {
        let mut child = child(&path, "all");
        let mut told = acknowledged(&mut child);
        // At times before anything is kept; else after some runs, and at another place of the next each time.
        let wanted = usize::try_from(round % 4).unwrap();
        kept.extend(told.by_ref().take(wanted));
        thread::sleep(Duration::from_millis(3 + round * 37 % 90));
        child.kill().unwrap();
        cut_short += usize::from(!child.wait().unwrap().success());
        kept.extend(told);
        drop(Store::open(&path).unwrap());
        let there = whole(&path);
        let lost: Vec<&String> = kept.iter().filter(|id| !there.contains(id)).collect();
        assert!(lost.is_empty(), "lost {lost:?} in round {round}");
        // The last may have been kept, and the word of it lost.
        assert!(there.len() <= kept.len() + usize::try_from(round).unwrap() + 1);
    }
    assert!(cut_short > 0 && !kept.is_empty(), "{cut_short} were killed, {} runs kept", kept.len());
}

#[test]
fn two_that_write_at_once_wait_for_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    let mut children = ["0", "1"].map(|nights| child(&path, nights));
    let own = |digit: usize, there: &[String]| {
        let runs: Vec<Run> = SMALL.runs().collect();
        runs.iter().skip(digit).step_by(2).any(|run| there.contains(&run.id))
    };
    // A third looks on, until both have written.
    for _ in 0..600 {
        let there = Store::open_read(&path).and_then(|store| store.runs()).unwrap_or_default();
        let there: Vec<String> = there.into_iter().map(|run| run.id).collect();
        if own(0, &there) && own(1, &there) {
            break;
        }
        thread::sleep(Duration::from_millis(50));
    }
    let mut kept: Vec<String> = Vec::new();
    for child in &mut children {
        child.kill().unwrap();
        kept.extend(acknowledged(child));
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert!(!said.contains("another process"), "{said}");
        child.wait().unwrap();
    }
    let there = whole(&path);
    kept.retain(|id| !there.contains(id));
    assert!(kept.is_empty(), "lost {kept:?}");
    assert!(own(0, &there) && own(1, &there), "{there:?}");
}

#[test]
fn who_has_waited_for_another_process_is_told_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    drop(Store::open(&path).unwrap());
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let done = child(&path, "all").wait_with_output().unwrap();
    let said =
        String::from_utf8_lossy(&done.stderr).into_owned() + &String::from_utf8_lossy(&done.stdout);
    assert!(!done.status.success() && said.contains("another process is writing"), "{said}");
    drop(other);
    assert!(Store::open(&path).unwrap().runs().unwrap().is_empty());
}
