//! An inventory on a stick that may not be written: every command that only reads works, or says what it needs.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "what cannot be set up should fail the test")]

#[path = "nights/hospital.rs"]
mod hospital;

use std::{
    fs,
    os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Command, Output},
};

use hospital::Hospital;
use rusqlite::Connection;
use sekisho::inventory::Store;

const SMALL: Hospital = Hospital { hosts: 4, points: 8, unrecognised: 1, networks: 1, nights: 3 };

/// A user that owns nothing.
const NOBODY: u32 = 65_534;

/// A folder with an inventory, which nobody may write once it is closed.
struct Stick {
    folder: tempfile::TempDir,
    program: PathBuf,
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

impl Stick {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // The one that was built may lie where nobody may go.
        let program = folder.path().join("sekisho");
        let built = env!("CARGO_BIN_EXE_sekisho");
        if fs::hard_link(built, &program).is_err() {
            fs::copy(built, &program).unwrap();
        }
        fs::create_dir(folder.path().join("stick")).unwrap();
        Self { folder, program }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("stick").join(name)
    }

    /// From now on nothing of it may be written.
    fn close(self) -> Self {
        for entry in fs::read_dir(self.path("")).unwrap() {
            mode(&entry.unwrap().path(), 0o444);
        }
        mode(&self.path(""), 0o555);
        mode(self.folder.path(), 0o755);
        self
    }

    /// Runs a command as somebody who may not write there: whoever runs the tests, or nobody if that is the superuser.
    fn run(&self, arguments: &[&str]) -> (i32, String) {
        let mut command = Command::new(&self.program);
        if fs::metadata(self.folder.path()).unwrap().uid() == 0 {
            command.uid(NOBODY).gid(NOBODY);
        }
        let Output { status, stdout, stderr } = command
            .env_remove("SEKISHO_STORE")
            .env("SEKISHO_DATA", "/nowhere")
            .current_dir("/")
            .args(arguments)
            .arg("--store")
            .arg(self.path("store.sqlite"))
            .output()
            .unwrap();
        let said = [stdout, stderr].concat();
        (status.code().unwrap(), String::from_utf8(said).unwrap())
    }

    fn files(&self) -> usize {
        fs::read_dir(self.path("")).unwrap().count()
    }
}

impl Drop for Stick {
    fn drop(&mut self) {
        // So that it can be taken away by whoever is not the superuser.
        let _ = fs::set_permissions(self.path(""), fs::Permissions::from_mode(0o755));
    }
}

#[test]
fn whoever_only_reads_needs_to_write_nothing() {
    let stick = Stick::new();
    let mut store = Store::open(stick.path("store.sqlite")).unwrap();
    for run in SMALL.runs() {
        store.absorb(&run).unwrap();
    }
    let id = store.points(None).unwrap()[0].point.id.clone();
    drop(store);
    let stick = stick.close();
    let commands: [&[&str]; 6] = [
        &["runs"],
        &["points", "--json", "-"],
        &["points", "--unrecognised"],
        &["show", &id],
        &["diff", "--exit-zero"],
        &["diff", "2026-04-01", "2026-04-03", "--exit-zero", "--json", "-"],
    ];
    for arguments in commands {
        let (code, said) = stick.run(arguments);
        assert_eq!(code, 0, "{arguments:?}: {said}");
        assert!(said.len() > 80, "{arguments:?}: {said}");
    }
    assert_eq!(stick.files(), 1);
}

#[test]
fn an_inventory_of_an_earlier_format_is_read_without_writing() {
    for format in 1..=5 {
        let stick = Stick::new();
        let path = stick.path("store.sqlite");
        fs::copy(format!("fixtures/inventories/v{format}.sqlite"), &path).unwrap();
        let before = fs::read(&path).unwrap();
        let stick = stick.close();
        let (code, said) = stick.run(&["runs"]);
        assert!(code == 0 && said.contains("r5f0c2a91d3"), "format {format}: {code} {said}");
        let (code, said) = stick.run(&["points", "--json", "-"]);
        assert!(code == 0 && said.contains("sekisho.points/1"), "format {format}: {code} {said}");
        assert!(fs::read(&path).unwrap() == before && stick.files() == 1, "format {format}");
    }
}

#[test]
fn what_was_cut_off_says_what_it_needs() {
    let desk = tempfile::tempdir().unwrap();
    let here = desk.path().join("store.sqlite");
    Store::open(&here).unwrap().absorb(&SMALL.night(0)).unwrap();
    // A change that has reached the file and is not done.
    let connection = Connection::open(&here).unwrap();
    connection.pragma_update(None, "cache_size", 1).unwrap();
    connection
        .execute_batch(
            "BEGIN; WITH RECURSIVE n(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM n WHERE n < 3000)
             INSERT INTO content (digest, body) SELECT randomblob(32), json_quote(hex(randomblob(50))) FROM n;",
        )
        .unwrap();
    let stick = Stick::new();
    for name in ["store.sqlite", "store.sqlite-journal"] {
        fs::copy(desk.path().join(name), stick.path(name)).unwrap();
    }
    let stick = stick.close();
    let (code, said) = stick.run(&["runs"]);
    assert_eq!(code, 3, "{said}");
    for words in ["cut off", "store.sqlite-journal", "to a folder that you may write to"] {
        assert!(said.contains(words), "`{words}` is not in {said}");
    }
    // As it says: a copy of both where one may write is the store as it was before.
    let copy = tempfile::tempdir().unwrap();
    for name in ["store.sqlite", "store.sqlite-journal"] {
        fs::copy(stick.path(name), copy.path().join(name)).unwrap();
        mode(&copy.path().join(name), 0o600);
    }
    let store = Store::open_read(copy.path().join("store.sqlite")).unwrap();
    assert_eq!(store.runs().unwrap().len(), 1);
}

#[test]
fn whoever_would_write_is_told_that_he_may_not() {
    let stick = Stick::new();
    let path = stick.path("store.sqlite");
    drop(Store::open(&path).unwrap());
    let before = fs::read(&path).unwrap();
    let stick = stick.close();
    let capture = std::env::current_dir().unwrap().join("fixtures/captures/hospital/hospital.pcap");
    let copy = stick.folder.path().join("a.pcap");
    fs::copy(capture, &copy).unwrap();
    let (code, said) = stick.run(&["replay", copy.to_str().unwrap(), "--quiet"]);
    assert!(code == 3 && said.contains("cannot be opened or written"), "{code} {said}");
    assert_eq!(fs::read(stick.path("store.sqlite")).unwrap(), before);
}
