//! `sekisho diff`: between runs, between days, and what the last run changed, in words and as JSON.
#![expect(clippy::unwrap_used, reason = "what cannot be set up should fail the test")]

#[path = "nights/hospital.rs"]
mod hospital;

use std::{fs, path::PathBuf};

use hospital::Hospital;
use sekisho::inventory::{Run, Store};
use serde_json::Value;

const SMALL: Hospital = Hospital { hosts: 4, points: 12, unrecognised: 1, networks: 1, nights: 16 };

/// A folder with the inventory of a few nights.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new(runs: &[Run]) -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        let mut store = Store::open(desk.path("store.sqlite")).unwrap();
        for run in runs {
            store.absorb(run).unwrap();
        }
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn diff(&self, arguments: &[&str]) -> (i32, String, String) {
        let done = assert_cmd::Command::new(env!("CARGO_BIN_EXE_sekisho"))
            .env_remove("SEKISHO_STORE")
            .env("COLUMNS", "70")
            .current_dir(self.0.path())
            .args([&["diff", "--store", "store.sqlite", "--lang", "en"], arguments].concat())
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (done.status.code().unwrap(), text(done.stdout), text(done.stderr))
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let (code, _, said) = self.diff(&[&["--json", "changes.json"], arguments].concat());
        assert!(code < 2, "{code}: {said}");
        let document =
            serde_json::from_slice(&fs::read(self.path("changes.json")).unwrap()).unwrap();
        let schema = fs::read_to_string("docs/schema/changes-1.json").unwrap();
        let schema: Value = serde_json::from_str(&schema).unwrap();
        assert!(jsonschema::draft202012::meta::is_valid(&schema));
        let schema = jsonschema::draft202012::new(&schema).unwrap();
        let faults: Vec<String> = schema.iter_errors(&document).map(|f| f.to_string()).collect();
        assert!(faults.is_empty(), "{faults:#?}");
        document
    }
}

/// The first nights; nobody looks from outside in them.
fn nights(many: usize) -> Vec<Run> {
    SMALL.runs().take(many).collect()
}

#[test]
fn a_difference_is_told_whole_whether_runs_or_days_are_named() {
    let desk = Desk::new(&nights(12));
    let by_name = desk.json(&["r000000000002", "r00000000000b"]);
    // The first night is that of 1 April in Japan; a later day stands for the last night of all.
    assert_eq!(desk.json(&["2026-04-03", "2026-12-31"]), by_name);
    let changed: Vec<&Value> = by_name["changes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|change| change["change"] == "changed")
        .collect();
    let address = |change: &&&Value| change["what"][0]["facet"] == "addresses";
    let moved = changed.iter().find(address).unwrap();
    let (code, said, _) = desk.diff(&["r000000000002", "r00000000000b"]);
    assert_eq!(code, 1, "{said}");
    let text = |value: &Value| value[0].as_str().unwrap().to_owned();
    let was = text(&moved["what"][0]["before"]);
    let line = format!("inside addresses {was} → {}", text(&moved["what"][0]["now"]));
    let id = moved["id"].as_str().unwrap();
    let about = said.split(&format!("~ {id}")).nth(1).unwrap();
    assert!(about.lines().nth(1).unwrap().contains(&line), "{line} is not in {about}");
    assert!(said.contains("r000000000002 of 2026-04-03 02:00:00 (inside)"), "{said}");
    assert!(said.lines().all(|line| line.chars().count() <= 72), "{said}");
    let (zero, again, _) = desk.diff(&["r000000000002", "r00000000000b", "--exit-zero"]);
    assert_eq!((zero, again), (0, said));
}

#[test]
fn without_runs_it_is_what_the_last_one_changed() {
    let mut runs = nights(3);
    let gone = runs[2].points.remove(0);
    let last =
        Run { id: "rlast".into(), began: runs[2].ended, ended: runs[2].ended, ..runs[2].clone() };
    let desk = Desk::new(&runs);
    let one = desk.json(&[]);
    assert_eq!(one["earlier"], Value::Null);
    assert_eq!(one["later"]["run"], "r000000000002");
    let missed = one["changes"].as_array().unwrap().iter().find(|one| one["id"] == *gone.id);
    assert_eq!(missed.unwrap()["again"], false);
    assert_eq!(desk.json(&["r000000000002"]), one);
    assert_eq!(desk.diff(&[]).0, 1);
    // What the run before had missed already is told, and is no news.
    Store::open(desk.path("store.sqlite")).unwrap().absorb(&last).unwrap();
    let (code, said, _) = desk.diff(&[]);
    assert!(said.contains("the run before had not seen it either"), "{said}");
    assert_eq!(code, 0, "{said}");
}

#[test]
fn what_a_box_calls_itself_does_not_move_the_cursor() {
    let mut runs = nights(2);
    let evil = "\u{1b}[2J<script>\u{202e}=cmd|'";
    runs[1].points[0].names = [evil.to_owned()].into();
    let desk = Desk::new(&runs);
    let (code, said, _) = desk.diff(&[]);
    assert!(code == 1 && said.contains("<script>"), "{said}");
    let (_, json, _) = desk.diff(&["--json", "-"]);
    for text in [said, json] {
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text:?}");
    }
}

#[test]
fn what_cannot_be_compared_is_said_with_the_way_out() {
    let runs = nights(2);
    let other = Run { id: "rother".into(), facility: Some("another".into()), ..runs[0].clone() };
    let desk = Desk::new(&[&runs[..], &[other]].concat());
    for (arguments, wanted) in [
        (&[][..], "name one of them by --facility"),
        (&["2026-12-31"], "name one of them by --facility"),
        (&["rother", "r000000000001"], "runs of two facilities"),
        (&["--facility", "another", "2020-01-01"], "there is no run of 2020-01-01 or before"),
        (&["--facility", "nobody"], "known are: "),
        (&["rnone", "rother"], "there is no run `rnone`"),
        (&["r0", "rother"], "may be"),
        (&["--facility", "another", "r000000000001"], "there is no run `r000000000001`"),
    ] {
        let (code, _, said) = desk.diff(arguments);
        assert!(code == 3 && said.contains(wanted), "{arguments:?}: {code} {said}");
    }
    let (code, _, said) = desk.diff(&["--facility", "another"]);
    assert_eq!(code, 1, "{said}");
    let empty = Desk::new(&[]);
    let (code, _, said) = empty.diff(&[]);
    assert!(code == 3 && said.contains("no run is in this store"), "{said}");
}
