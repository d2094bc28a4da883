//! Whatever is changed in a store past the program is found, and named.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what cannot be set up should fail the test"
)]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use assert_cmd::Command;
use proptest::prelude::*;
use rusqlite::{Connection, types::Value};
use sekisho::{
    correlate::{
        Because, Coverage, CoverageState, Direction, Grade, Kind, Point, Product, Reason, Said,
        Service, Sides, Unrecognised,
    },
    import::{Column, Entry, Register, declared},
    inventory::{Broken, Decided, Error, Input, Noted, ReviewState, Run, Store},
    observe::Transport,
    time::Timestamp,
};

fn point(id: &str, address: &str, mac: &str) -> Point {
    Point {
        id: id.into(),
        kind: Kind::VpnGateway,
        grade: Grade::Proved,
        confidence: 0.9,
        direction: Direction::In,
        addresses: BTreeSet::from([address.parse().unwrap()]),
        macs: BTreeSet::from([mac.parse().unwrap()]),
        outside: BTreeSet::from(["203.0.113.2".parse().unwrap()]),
        services: BTreeSet::from([Service {
            transport: Transport::Udp,
            port: Some(500),
            protocol: "ike".into(),
        }]),
        product: Some(Product {
            vendor: "Acme".into(),
            name: "EdgeGate".into(),
            model: None,
            version: Some("9.1".into()),
        }),
        names: BTreeSet::from(["gate".to_owned()]),
        lines: Vec::new(),
        because: vec![Because {
            evidence: "answers_vpn".into(),
            field: "ike.version".into(),
            value: "2".into(),
            observation: "a.pcap#7".into(),
        }],
        sides: Sides::default(),
    }
}

fn run(id: &str, began: i64, points: Vec<Point>) -> Run {
    Run {
        id: id.into(),
        facility: Some(FACILITY.into()),
        began: Timestamp::new(began, 0),
        ended: Timestamp::new(began + 60, 0),
        inputs: vec![Input { name: "a.pcap".into(), packets: 7, bytes: 700 }],
        coverage: vec![Coverage {
            subject: "packets_read".into(),
            state: CoverageState::Measured,
            count: Some(7),
            detail: Some("all".into()),
            network: Some("10.0.0.0/24".into()),
            vantage: Some("eth0".into()),
        }],
        points,
        unrecognised: vec![Unrecognised {
            id: "p0000000f".into(),
            addresses: BTreeSet::from(["10.0.0.9".parse().unwrap()]),
            macs: BTreeSet::from(["00:00:5e:00:53:09".parse().unwrap()]),
            why: BTreeSet::from([Reason::LoginPage]),
            said: vec![Said {
                protocol: "http".into(),
                transport: Transport::Tcp,
                port: Some(80),
                field: "http.title".into(),
                value: "関所".into(),
                observation: "a.pcap#9".into(),
            }],
        }],
        hosts: Vec::new(),
        vantages: Sides::default().seen_from,
        inquiries: Vec::new(),
    }
}

fn decided(at: i64) -> Decided<'static> {
    Decided { by: "山田", at: Timestamp::new(at, 0), reason: "見た" }
}

const FACILITY: &str = "関所記念病院";
const MAC_A: &str = "00:00:5e:00:53:01";
const MAC_B: &str = "00:00:5e:00:53:02";

/// A store with two runs, a review, a merge and a split.
fn store(folder: &Path) -> PathBuf {
    let path = folder.join("store.sqlite");
    let mut store = Store::open(&path).unwrap();
    let points = vec![point("p0000000a", "10.0.0.1", MAC_A), point("p0000000b", "10.0.0.2", MAC_B)];
    store.absorb(&run("r1", 100, points.clone())).unwrap();
    store.review("p0000000a", None, ReviewState::Confirmed, None, &decided(200)).unwrap();
    store.merge("p0000000a", "p0000000b", None, &decided(300)).unwrap();
    store.absorb(&run("r2", 400, points)).unwrap();
    store.split("p0000000a", Some("p0000000b"), None, &decided(500)).unwrap();
    let kinds: Vec<String> =
        store.log().unwrap().into_iter().map(|entry| entry.told.unwrap().kind).collect();
    assert_eq!(kinds, ["run", "review", "merge", "run", "split"]);
    let verified = store.verify(None).unwrap();
    assert_eq!(verified.head, store.head().unwrap());
    path
}

/// The same with a register, and with what a form says of two lines.
fn store_with_papers(folder: &Path) -> PathBuf {
    let path = store(folder);
    let mut store = Store::open(&path).unwrap();
    let written = [(Column::Name, "関所ルータ".to_owned())].into();
    let entries = vec![Entry { row: 2, written, ..Entry::default() }];
    let register = Register { name: "a.csv".into(), loaded: Timestamp::new(600, 0), entries };
    store.load_register(Some(FACILITY), &register, "aa", "山田").unwrap();
    let form = "[[line]]\nname = \"電話交換機\"\nline = \"ISDN\"\nline_number = \"03-0000-0000\"\n\
                [[line]]\nname = \"警備\"\nline = \"ISDN\"\nline_number = \"03-0000-0001\"\n";
    let forms = [declared::read("lines.toml", form.as_bytes()).unwrap()];
    store.declare(Some(FACILITY), &forms, "山田", Timestamp::new(700, 0), false).unwrap();
    let kinds = store.verify(None).unwrap().kinds;
    assert_eq!((kinds["register"], kinds["declared"]), (1, 1));
    path
}

/// Another program's way into the file, with the log's guards put aside as somebody would who knows of them.
fn intrude(
    path: &Path,
    change: impl FnOnce(&Connection) -> rusqlite::Result<usize>,
) -> Option<usize> {
    let connection = Connection::open(path).unwrap();
    connection.pragma_update(None, "foreign_keys", false).unwrap();
    let guards: Vec<(String, String)> = connection
        .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .collect::<rusqlite::Result<_>>()
        .unwrap();
    for (name, _) in &guards {
        connection.execute(&format!("DROP TRIGGER \"{name}\""), []).unwrap();
    }
    let changed = change(&connection).ok();
    for (_, sql) in &guards {
        connection.execute(sql, []).unwrap();
    }
    changed
}

fn broken(path: &Path) -> Broken {
    match Store::open_read(path).unwrap().verify(None) {
        Err(Error::Broken { broken, .. }) => broken,
        other => panic!("{other:?}"),
    }
}

/// Every column of every row: table, column, row.
fn cells(path: &Path) -> Vec<(String, String, usize)> {
    let connection = Connection::open(path).unwrap();
    let list = |sql: &str| -> Vec<String> {
        let mut query = connection.prepare(sql).unwrap();
        query.query_map([], |row| row.get(0)).unwrap().collect::<rusqlite::Result<_>>().unwrap()
    };
    let tables = list(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
    );
    let mut cells = Vec::new();
    for table in tables {
        let count = list(&format!("SELECT CAST(count(*) AS TEXT) FROM \"{table}\""))[0].clone();
        for column in list(&format!("SELECT name FROM pragma_table_info('{table}')")) {
            let rows = count.parse().unwrap();
            cells.extend((0..rows).map(|row| (table.clone(), column.clone(), row)));
        }
    }
    cells
}

/// Another value than this one, told apart by `turn`.
fn other(value: Value, turn: u8) -> Value {
    match value {
        Value::Null => Value::Text("1".into()),
        Value::Integer(number) => Value::Integer(number ^ (1 << (turn % 40))),
        Value::Real(number) => Value::Real(number + 0.001 * f64::from(turn % 7 + 1)),
        Value::Text(text) => {
            let mut characters: Vec<char> = text.chars().collect();
            let at = usize::from(turn) % characters.len().max(1);
            match characters.get_mut(at) {
                Some(c) if turn.is_multiple_of(2) => *c = if *c == 'x' { 'y' } else { 'x' },
                _ => characters.insert(at, ' '),
            }
            Value::Text(characters.into_iter().collect())
        }
        Value::Blob(mut bytes) => {
            let at = usize::from(turn) % bytes.len().max(1);
            match bytes.get_mut(at) {
                Some(byte) => *byte ^= 1 << (turn % 8),
                None => bytes.push(turn),
            }
            Value::Blob(bytes)
        }
    }
}

/// Changes one cell of a copy of a store; whether the file took it.
fn change(path: &Path, (table, column, row): &(String, String, usize), turn: u8) -> bool {
    let changed = intrude(path, |connection| {
        let key = if table == "log"
            || connection.prepare(&format!("SELECT rowid FROM \"{table}\"")).is_ok()
        {
            vec!["rowid".to_owned()]
        } else {
            connection
                .prepare(&format!(
                    "SELECT name FROM pragma_table_info('{table}') WHERE pk > 0 ORDER BY pk"
                ))?
                .query_map([], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?
        };
        let keys = key.join(", ");
        let sql = format!(
            "SELECT {keys}, \"{column}\" FROM \"{table}\" ORDER BY {keys} LIMIT 1 OFFSET {row}"
        );
        let found: Vec<Value> = connection.query_row(&sql, [], |row| {
            (0..=key.len()).map(|at| row.get(at)).collect::<rusqlite::Result<_>>()
        })?;
        let before = found[key.len()].clone();
        let after = other(before.clone(), turn);
        if before == after {
            return Ok(0);
        }
        let at: Vec<String> =
            key.iter().enumerate().map(|(n, k)| format!("{k} = ?{}", n + 2)).collect();
        let sql = format!("UPDATE \"{table}\" SET \"{column}\" = ?1 WHERE {}", at.join(" AND "));
        let values: Vec<Value> =
            std::iter::once(after).chain(found.into_iter().take(key.len())).collect();
        connection.execute(&sql, rusqlite::params_from_iter(values))
    });
    changed.is_some_and(|rows| rows > 0)
}

#[test]
fn whatever_cell_is_changed_verify_finds_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = store_with_papers(folder.path());
    let cells = cells(&path);
    assert!(cells.len() > 100, "{}", cells.len());
    let copy = folder.path().join("copy.sqlite");
    let mut taken = 0;
    // Every cell once with either sort of change, and random ones besides.
    for turn in [0, 1] {
        for cell in &cells {
            fs::copy(&path, &copy).unwrap();
            if change(&copy, cell, turn) {
                taken += 1;
                let verified = Store::open_read(&copy).and_then(|store| store.verify(None));
                assert!(verified.is_err(), "{cell:?} {turn}: {verified:?}");
            }
        }
    }
    assert!(taken > cells.len() / 2, "{taken} of {} changes were taken", cells.len());
    proptest!(ProptestConfig::with_cases(200), |(at in any::<prop::sample::Index>(), turn: u8)| {
        fs::copy(&path, &copy).unwrap();
        let cell = &cells[at.index(cells.len())];
        if change(&copy, cell, turn) {
            let verified = Store::open_read(&copy).and_then(|store| store.verify(None));
            prop_assert!(verified.is_err(), "{:?} {}: {:?}", cell, turn, verified);
        }
    });
}

#[test]
fn whatever_row_is_taken_away_verify_finds_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = store_with_papers(folder.path());
    let copy = folder.path().join("copy.sqlite");
    let tables: BTreeSet<String> = cells(&path).into_iter().map(|(table, ..)| table).collect();
    for table in tables {
        fs::copy(&path, &copy).unwrap();
        // The end of the log is what only a head on paper shows.
        let rest = if table == "log" { "WHERE number < 7" } else { "" };
        let taken = intrude(&copy, |connection| {
            connection.execute(&format!("DELETE FROM \"{table}\" {rest}"), [])
        });
        if taken.is_some_and(|rows| rows > 0) {
            let verified = Store::open_read(&copy).and_then(|store| store.verify(None));
            assert!(verified.is_err(), "{table}: {verified:?}");
        }
    }
}

#[test]
fn the_first_entry_that_does_not_fit_is_named_with_what_it_is_about() {
    let folder = tempfile::tempdir().unwrap();
    let path = store(folder.path());
    let copy = |name: &str, sql: &str| {
        let copy = folder.path().join(name);
        fs::copy(&path, &copy).unwrap();
        assert_eq!(intrude(&copy, |connection| connection.execute(sql, [])), Some(1), "{sql}");
        copy
    };
    let review =
        "UPDATE log SET content = replace(content, 'confirmed', 'closed') WHERE number = 2";
    let Broken::Entry { number, about } = broken(&copy("a", review)) else { panic!() };
    assert_eq!(number, 2);
    assert!(about.starts_with("review p0000000a by 山田"), "{about}");
    let run = "UPDATE input SET packets = 8 WHERE run = (SELECT number FROM run WHERE id = 'r2')";
    let Broken::Changed { number, about } = broken(&copy("b", run)) else { panic!() };
    assert_eq!(number, 4);
    assert!(about.starts_with("run r2"), "{about}");
    let missing = "DELETE FROM log WHERE number = 3";
    let Broken::Chain { number, .. } = broken(&copy("c", missing)) else { panic!() };
    assert_eq!(number, 4);
    let new = "INSERT INTO run (id, facility, began, ended) VALUES ('r9', NULL, 1, 2)";
    let Broken::Unlogged { run } = broken(&copy("d", new)) else { panic!() };
    assert_eq!(run, "r9");
    let empty = "UPDATE log SET at = NULL, who = NULL, kind = NULL, facility = NULL, subject = NULL, \
                 content = NULL WHERE number = 2";
    assert!(matches!(broken(&copy("e", empty)), Broken::Withheld { number: 2 }));
    let path = copy("f", review);
    let said = sekisho(&["verify", "--store", path.to_str().unwrap()]);
    assert_eq!(said.status.code(), Some(3));
    let error = String::from_utf8(said.stderr).unwrap();
    assert!(error.contains("entry 2 of the log (review p0000000a by 山田"), "{error}");
    assert!(error.contains("restore it from a copy"), "{error}");
}

#[test]
fn what_people_handed_in_is_held_against_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = store_with_papers(folder.path());
    let copy = |name: &str, sql: &str| {
        let copy = folder.path().join(name);
        fs::copy(&path, &copy).unwrap();
        assert_eq!(intrude(&copy, |connection| connection.execute(sql, [])), Some(1), "{sql}");
        broken(&copy)
    };
    for (name, sql, entry, what) in [
        (
            "a",
            "UPDATE declared SET entry = replace(entry, '警備', '電話') WHERE number = 2",
            7,
            "declared lines.toml",
        ),
        ("b", "DELETE FROM declared WHERE number = 2", 7, "declared lines.toml"),
        ("c", "UPDATE declared SET number = 9 WHERE number = 1", 7, "declared lines.toml"),
        (
            "d",
            "UPDATE register SET entries = replace(entries, '関所', '逢坂')",
            6,
            "register a.csv",
        ),
        ("e", "UPDATE register SET digest = 'bb'", 6, "register a.csv"),
    ] {
        let Broken::Changed { number, about } = copy(name, sql) else { panic!("{sql}") };
        assert_eq!(number, entry, "{sql}");
        assert!(about.starts_with(what), "{about}");
    }
    let gone = copy("f", "DELETE FROM register");
    assert!(matches!(&gone, Broken::Gone { number: 6, .. }), "{gone:?}");
    for (name, sql, told) in [
        (
            "g",
            "INSERT INTO register SELECT 9, facility, name, loaded, who, digest, lines, entries FROM register",
            Broken::Stray { table: "register", number: 9 },
        ),
        (
            "h",
            "INSERT INTO declared SELECT 9, 2, facility, point, makes, entry, file, row, cited, who, at FROM declared
             WHERE number = 1",
            Broken::Stray { table: "declared", number: 9 },
        ),
    ] {
        assert_eq!(copy(name, sql), told);
    }
}

#[test]
fn the_file_refuses_to_change_or_cut_its_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = store(folder.path());
    let connection = Connection::open(&path).unwrap();
    for sql in [
        "UPDATE log SET who = 'x'",
        "UPDATE log SET hash = hash WHERE number = 1",
        "DELETE FROM log WHERE number = 5",
        "DELETE FROM log",
    ] {
        let error = connection.execute(sql, []).unwrap_err().to_string();
        assert!(error.contains("the log only grows"), "{sql}: {error}");
    }
    connection.execute("DROP TRIGGER log_is_not_cut", []).unwrap();
    let error = Store::open_read(&path).unwrap().verify(None).unwrap_err();
    assert!(error.to_string().contains("log_is_not_cut"), "{error}");
}

#[test]
fn an_end_that_was_cut_off_is_found_by_the_head_that_was_written_down() {
    let folder = tempfile::tempdir().unwrap();
    let path = store(folder.path());
    let head = Store::open_read(&path).unwrap().head().unwrap().unwrap();
    let short = head.hash[..12].to_uppercase();
    let spaced = format!("{} {}", &head.hash[..32], &head.hash[32..]);
    let mut grown = Store::open(&path).unwrap();
    for written in [&head.hash, &short, &spaced] {
        assert_eq!(grown.verify(Some(written)).unwrap().until, Some(5));
    }
    grown.review("p0000000b", None, ReviewState::Closed, None, &decided(600)).unwrap();
    assert_eq!(grown.verify(Some(&head.hash)).unwrap().until, Some(5), "the log may have grown");
    drop(grown);
    intrude(&path, |connection| connection.execute("DELETE FROM log WHERE number > 4", []));
    let store = Store::open_read(&path).unwrap();
    assert_eq!(store.verify(None).unwrap().entries, 4, "by itself it fits");
    let error = store.verify(Some(&head.hash)).unwrap_err();
    assert!(
        matches!(&error, Error::Broken { broken: Broken::Head { last: 4, .. }, .. }),
        "{error}"
    );
    for no_hash in ["", "p0000000a", "4f1d", &format!("{}0", head.hash)] {
        let error = store.verify(Some(no_hash)).unwrap_err();
        assert!(matches!(error, Error::NoHash { .. }), "{error}");
    }
}

#[test]
fn a_store_of_before_the_log_gets_the_same_first_entries_every_time() {
    let folder = tempfile::tempdir().unwrap();
    let mut versions = 0;
    for fixture in fs::read_dir("fixtures/inventories").unwrap().map(|one| one.unwrap().path()) {
        let name = fixture.file_name().unwrap().to_string_lossy().into_owned();
        if fixture.extension().is_none_or(|end| end != "sqlite") {
            continue;
        }
        let heads: BTreeSet<String> = (0..2)
            .map(|copy| {
                let path = folder.path().join(format!("{copy}-{name}"));
                fs::copy(&fixture, &path).unwrap();
                let store = Store::open_read(&path).unwrap();
                let verified = store.verify(None).unwrap();
                let runs = u64::try_from(store.runs().unwrap().len()).unwrap();
                assert!(runs > 0, "{name}");
                assert_eq!(verified.kinds[Noted::Run.name()], runs, "{name}");
                verified.head.unwrap().hash
            })
            .collect();
        assert_eq!(heads.len(), 1, "{name}");
        versions += 1;
    }
    assert!(versions >= 5);
}

#[test]
fn a_run_that_is_absorbed_twice_is_noted_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = store(folder.path());
    let mut store = Store::open(&path).unwrap();
    let before = store.head().unwrap();
    let points = vec![point("p0000000a", "10.0.0.1", MAC_A)];
    store.absorb(&run("r1", 100, points)).unwrap();
    assert_eq!(store.head().unwrap(), before);
}

#[test]
fn the_log_is_listed_for_people_and_for_programs() {
    let folder = tempfile::tempdir().unwrap();
    let path = store(folder.path());
    let at = ["--store", path.to_str().unwrap()];
    let listed = sekisho(&[&["log"], &at[..], &["--lang", "en"]].concat());
    let text = String::from_utf8(listed.stdout).unwrap();
    assert_eq!(text.lines().count(), 5, "{text}");
    assert!(text.contains("Decision  p0000000a  山田  関所記念病院  confirmed, 見た"), "{text}");
    let json = sekisho(&[&["log", "--json"], &at[..]].concat());
    let entries: Vec<serde_json::Value> = String::from_utf8(json.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let kinds: Vec<&str> = entries.iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["run", "review", "merge", "run", "split"]);
    for pair in entries.windows(2) {
        assert_eq!(pair[0]["hash"], pair[1]["previous"]);
    }
    assert_eq!(entries[1]["content"]["state"], "confirmed");
}

fn sekisho(arguments: &[&str]) -> std::process::Output {
    Command::cargo_bin("sekisho")
        .unwrap()
        .args(arguments)
        .env_remove("SEKISHO_STORE")
        .output()
        .unwrap()
}
