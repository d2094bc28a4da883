//! The same captures give the same bytes: again, in another order, on more cores. And a capture in two halves shows
//! the same points as the whole.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a fixture that cannot be read should fail the test"
)]

use std::{
    collections::BTreeMap,
    fs,
    io::Cursor,
    path::{Path, PathBuf},
};

use sekisho::passive::capture::{Capture, Chunk};
use serde_json::Value;

const HOSPITAL: &str = "fixtures/captures/hospital/hospital.pcap";

/// Captures of different kinds, whose conversations overlap in time or not at all.
fn captures() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir("fixtures/captures")
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .flat_map(|folder| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()))
        .filter(|path| path.extension().is_none_or(|extension| extension != "toml"))
        // Told by name as no captures; the commands refuse them.
        .filter(|path| Capture::open(path).is_ok())
        .collect();
    found.sort();
    assert!(found.len() > 10);
    found
}

/// Everything that `replay` writes about `files`, by name.
fn outputs(files: &[PathBuf], threads: &str) -> BTreeMap<String, Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let run = assert_cmd::Command::cargo_bin("sekisho")
        .unwrap()
        .env("SEKISHO_DATA", "target/no-data")
        .env("RAYON_NUM_THREADS", threads)
        .args(["replay", "--exit-zero", "--quiet", "--report"])
        .arg(path("report"))
        .arg("--json")
        .arg(path("points.json"))
        .arg("--observations")
        .arg(path("observations.json"))
        .args(files)
        .assert();
    let code = run.get_output().status.code();
    // 2 says that a capture is cut, which some are.
    assert!(matches!(code, Some(0 | 2)), "{}", String::from_utf8_lossy(&run.get_output().stderr));
    let mut all = BTreeMap::from([("stdout".to_owned(), run.get_output().stdout.clone())]);
    let written = fs::read_dir(path("report")).unwrap().map(|entry| entry.unwrap().path());
    for file in written.chain([path("points.json"), path("observations.json")]) {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        all.insert(name, fs::read(file).unwrap());
    }
    assert!(all.keys().any(|name| Path::new(name).extension().is_some_and(|e| e == "html")));
    all
}

fn same(one: &BTreeMap<String, Vec<u8>>, other: &BTreeMap<String, Vec<u8>>, how: &str) {
    assert!(one.keys().eq(other.keys()), "{how}: {:?} and {:?}", one.keys(), other.keys());
    for ((name, one), other) in one.iter().zip(other.values()) {
        if one != other {
            let lines = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let (one, other) = (lines(one), lines(other));
            let differ = one.lines().zip(other.lines()).find(|(a, b)| a != b);
            panic!("{name} differs {how}: {differ:?}");
        }
    }
}

#[test]
fn the_same_captures_give_the_same_bytes_whatever_the_order_and_the_cores() {
    let files = captures();
    let mut backwards = files.clone();
    backwards.reverse();
    let mut turned = files.clone();
    turned.rotate_left(files.len() / 3);
    let first = outputs(&files, "2");
    assert!(first["observations.json"].len() > 1000 && first["points.json"].len() > 1000);
    same(&first, &outputs(&files, "2"), "the second time");
    same(&first, &outputs(&backwards, "1"), "backwards on one core");
    same(&first, &outputs(&turned, "3"), "in another order on three cores");
}

#[test]
fn a_capture_in_two_halves_shows_the_same_points() {
    let mut capture = Capture::open(Path::new(HOSPITAL)).unwrap();
    let mut chunk = Chunk::default();
    while capture.read_chunk(&mut chunk, usize::MAX) {}
    let packets = chunk.packets.len();
    assert!(packets > 100);
    let whole = fs::read(HOSPITAL).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let whole_points = points(&[PathBuf::from(HOSPITAL)]);
    assert!(!whole_points.is_empty());
    for share in [10, 50, 90] {
        // Where the packet's record begins: behind the file's header and the records before it.
        let before: usize =
            chunk.packets.iter().take(packets * share / 100).map(|p| 16 + p.length).sum();
        let (first, second) = whole.split_at(24 + before);
        let halves =
            [("first.pcap", first.to_vec()), ("second.pcap", [&whole[..24], second].concat())];
        let files = halves.map(|(name, bytes)| {
            assert!(Capture::read(Box::new(Cursor::new(bytes.clone())), name).is_ok());
            let path = folder.path().join(name);
            fs::write(&path, bytes).unwrap();
            path
        });
        assert_eq!(points(&files), whole_points, "split at {share} %");
    }
}

/// The points of `files`, without where the proof stands.
fn points(files: &[PathBuf]) -> Vec<Value> {
    let all: Value = serde_json::from_slice(&outputs(files, "2")["points.json"]).unwrap();
    let mut points = all["points"].as_array().unwrap().clone();
    let uncited = |holder: &mut Value| {
        for because in holder["because"].as_array_mut().unwrap() {
            because.as_object_mut().unwrap().remove("observation").unwrap();
        }
    };
    for point in &mut points {
        uncited(point);
        point["lines"].as_array_mut().unwrap().iter_mut().for_each(uncited);
    }
    points
}
