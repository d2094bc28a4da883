//! Processes that are killed while they write, and two that write at once: what was acknowledged is there, nothing half is,
//! and one waits or is told. The states that a power cut leaves on the disk are gone through in `src/inventory/cut.rs`.
#![expect(clippy::unwrap_used, reason = "what cannot be set up should fail the test")]

#[path = "nights/hospital.rs"]
mod hospital;

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Write as _},
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

/// What a child acknowledged until it ended.
fn acknowledged(child: &mut Child) -> Vec<String> {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    lines.filter_map(|line| line.split_once("kept ").map(|(_, id)| id.to_owned())).collect()
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
        let (kept, made) = (store.run(id).unwrap(), &made[id]);
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
        // Long enough for some runs, and at another place of a run each time.
        thread::sleep(Duration::from_millis(80 + round * 37 % 190));
        child.kill().unwrap();
        cut_short += usize::from(!child.wait().unwrap().success());
        kept.extend(acknowledged(&mut child));
        if path.exists() && Store::open(&path).unwrap().runs().unwrap().is_empty() {
            continue;
        }
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
    // A third looks on.
    let mut looked = 0;
    while children.iter_mut().any(|child| child.try_wait().unwrap().is_none()) && looked < 20 {
        if let Ok(store) = Store::open_read(&path) {
            store.points(None).unwrap();
        }
        looked += 1;
        thread::sleep(Duration::from_millis(50));
        if looked == 10 {
            children.iter_mut().for_each(|child| child.kill().unwrap());
        }
    }
    let mut kept: Vec<String> = children.iter_mut().flat_map(acknowledged).collect();
    for mut child in children {
        let mut said = String::new();
        std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut said).unwrap();
        assert!(!said.contains("another process"), "{said}");
        child.wait().unwrap();
    }
    let there = whole(&path);
    kept.retain(|id| !there.contains(id));
    assert!(kept.is_empty(), "lost {kept:?}");
    let own = |digit: usize| {
        let runs: Vec<Run> = SMALL.runs().collect();
        runs.iter().skip(digit).step_by(2).any(|run| there.contains(&run.id))
    };
    assert!(own(0) && own(1), "{there:?}");
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
