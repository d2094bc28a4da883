//! What is handed over is whole, holds nothing of others, leads nowhere, and opens for those it was sealed for.
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
use sekisho::{
    correlate::{Because, Direction, Grade, Kind, Point, Reason, Said, Sides, Unrecognised},
    import::{Column, Entry, Register, declared},
    inventory::{
        Decided, ReviewState, Run, Store,
        bundle::{
            Content, Error, HEAD, STORE, SUMS, pack,
            seal::{self, Key},
            unpack,
        },
    },
    observe::Transport,
    time::Timestamp,
};
use sha2::{Digest as _, Sha256};

const HERE: &str = "関所記念病院";
const THERE: &str = "逢坂診療所";

fn point(id: &str, address: &str, said: &str) -> Point {
    Point {
        id: id.into(),
        kind: Kind::VpnGateway,
        grade: Grade::Proved,
        confidence: 0.9,
        direction: Direction::In,
        addresses: BTreeSet::from([address.parse().unwrap()]),
        macs: BTreeSet::new(),
        outside: BTreeSet::new(),
        services: BTreeSet::new(),
        product: None,
        names: BTreeSet::from([said.to_owned()]),
        lines: Vec::new(),
        because: vec![Because {
            evidence: "answers_vpn".into(),
            field: "ike.version".into(),
            value: said.into(),
            observation: "a.pcap#7".into(),
        }],
        sides: Sides::default(),
    }
}

fn run(id: &str, facility: &str, began: i64, points: Vec<Point>, said: &str) -> Run {
    Run {
        id: id.into(),
        facility: Some(facility.into()),
        began: Timestamp::new(began, 0),
        ended: Timestamp::new(began + 60, 0),
        inputs: Vec::new(),
        coverage: Vec::new(),
        points,
        unrecognised: vec![Unrecognised {
            id: "p0000000f".into(),
            addresses: BTreeSet::from(["10.0.0.9".parse().unwrap()]),
            macs: BTreeSet::new(),
            why: BTreeSet::from([Reason::LoginPage]),
            said: vec![Said {
                protocol: "http".into(),
                transport: Transport::Tcp,
                port: Some(80),
                field: "http.title".into(),
                value: said.into(),
                observation: "a.pcap#9".into(),
            }],
        }],
        hosts: Vec::new(),
        vantages: Sides::default().seen_from,
        inquiries: Vec::new(),
    }
}

struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    /// A store of two facilities, and a report.
    fn new() -> Self {
        let desk = Self { folder: tempfile::tempdir().unwrap() };
        let mut store = Store::open(desk.path("store.sqlite")).unwrap();
        let here = vec![point("p0000000a", "10.0.0.1", "gate-of-here")];
        store.absorb(&run("r1", HERE, 100, here.clone(), "title-of-here")).unwrap();
        let there = vec![
            point("p0000000b", "192.168.77.1", "gate-of-there"),
            point("p0000000c", "192.168.77.2", "second-of-there"),
        ];
        store.absorb(&run("r2", THERE, 200, there, "title-of-there")).unwrap();
        store.absorb(&run("r3", HERE, 300, here, "title-of-here")).unwrap();
        let decided = |by| Decided { by, at: Timestamp::new(400, 0), reason: "見た" };
        store.review("p0000000a", None, ReviewState::Confirmed, None, &decided("小町")).unwrap();
        store.review("p0000000b", None, ReviewState::Closed, None, &decided("蝉丸")).unwrap();
        fs::create_dir_all(desk.path("out/図")).unwrap();
        fs::write(desk.path("out/report.ja.html"), "<p>関所").unwrap();
        fs::write(desk.path("out/図/図.svg"), "<svg/>").unwrap();
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, arguments: &[&str]) -> std::process::Output {
        self.run_with(arguments, b"")
    }

    fn run_with(&self, arguments: &[&str], stdin: &[u8]) -> std::process::Output {
        Command::cargo_bin("sekisho")
            .unwrap()
            .args(arguments)
            .current_dir(self.folder.path())
            .env_remove("SEKISHO_STORE")
            .write_stdin(stdin)
            .output()
            .unwrap()
    }

    fn fine(&self, arguments: &[&str]) -> String {
        let done = self.run(arguments);
        let error = String::from_utf8(done.stderr).unwrap();
        assert_eq!(done.status.code(), Some(0), "{arguments:?}: {error}");
        String::from_utf8(done.stdout).unwrap()
    }

    fn refused(&self, arguments: &[&str]) -> String {
        let done = self.run(arguments);
        let error = String::from_utf8(done.stderr).unwrap();
        assert_eq!(done.status.code(), Some(3), "{arguments:?}: {error}");
        assert_eq!(error.lines().count(), 1, "{error}");
        error
    }

    /// The names of what lies here.
    fn names(&self) -> BTreeSet<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        entries.map(|one| one.unwrap().file_name().to_string_lossy().into_owned()).collect()
    }
}

#[test]
fn the_same_store_gives_the_same_bytes_and_everything_comes_back() {
    let desk = Desk::new();
    let before = desk.names();
    for bundle in ["a.tar", "b.tar"] {
        desk.fine(&["export", bundle, "--store", "store.sqlite", "--report", "out"]);
    }
    let bytes = fs::read(desk.path("a.tar")).unwrap();
    assert_eq!(bytes, fs::read(desk.path("b.tar")).unwrap());
    let piped = desk.run(&["export", "-", "--store", "store.sqlite", "--report", "out"]);
    assert_eq!(piped.stdout, bytes);
    let opened = desk.fine(&["export", "--open", "a.tar", "opened"]);
    assert_eq!(opened.lines().count(), 4, "{opened}");
    assert_eq!(fs::read_to_string(desk.path("opened/report/図/図.svg")).unwrap(), "<svg/>");
    let (kept, copy) = (
        Store::open_read(desk.path("store.sqlite")),
        Store::open_read(desk.path("opened/store.sqlite")),
    );
    let (kept, copy) = (kept.unwrap(), copy.unwrap());
    assert_eq!(kept.points(None).unwrap(), copy.points(None).unwrap());
    assert_eq!(kept.log().unwrap(), copy.log().unwrap());
    assert_eq!(copy.verify(None).unwrap().exported, None);
    let head = kept.head().unwrap().unwrap();
    let written = fs::read_to_string(desk.path("opened").join(HEAD)).unwrap();
    assert_eq!(written, format!("{} {}\n", head.number, head.hash));
    let said = desk.fine(&["verify", "a.tar", "--until", &head.hash]);
    assert!(said.contains(&format!("what was written down is entry {}", head.number)), "{said}");
    let added: Vec<String> = desk.names().difference(&before).cloned().collect();
    assert_eq!(added, ["a.tar", "b.tar", "opened"], "nothing else is left");
}

#[test]
fn other_programs_read_a_bundle_and_check_it() {
    let desk = Desk::new();
    desk.fine(&[
        "export",
        "a.tar",
        "--store",
        "store.sqlite",
        "--report",
        "out",
        "--report",
        "out",
    ]);
    fs::create_dir(desk.path("plain")).unwrap();
    let tar = std::process::Command::new("tar")
        .args(["xf", "../a.tar"])
        .current_dir(desk.path("plain"))
        .status()
        .unwrap();
    assert!(tar.success());
    assert!(desk.path("plain/report-2/report.ja.html").is_file());
    let sums = std::process::Command::new("sha256sum")
        .args(["--check", "--strict", "--quiet", SUMS])
        .current_dir(desk.path("plain"))
        .status()
        .unwrap();
    assert!(sums.success());
}

#[test]
fn a_bundle_of_one_facility_holds_nothing_of_the_others() {
    let desk = Desk::new();
    let head = Store::open_read(desk.path("store.sqlite")).unwrap().head().unwrap().unwrap();
    desk.fine(&["export", "here.tar", "--store", "store.sqlite", "--facility", HERE]);
    let bundle = fs::read(desk.path("here.tar")).unwrap();
    for other in [
        THERE,
        "gate-of-there",
        "title-of-there",
        "second-of-there",
        "192.168.77",
        "p0000000b",
        "蝉丸",
    ] {
        let found = bundle.windows(other.len()).any(|bytes| bytes == other.as_bytes());
        assert!(!found, "{other}");
    }
    for own in [HERE, "gate-of-here", "title-of-here", "小町"] {
        assert!(bundle.windows(own.len()).any(|bytes| bytes == own.as_bytes()), "{own}");
    }
    let said = desk.fine(&["verify", "here.tar", "--until", &head.hash]);
    assert!(
        said.contains(&format!("exported: {HERE} only; 2 entries of others are withheld")),
        "{said}"
    );
    desk.fine(&["export", "--open", "here.tar", "here"]);
    let (kept, part) = (
        Store::open_read(desk.path("store.sqlite")).unwrap(),
        Store::open_read(desk.path("here/store.sqlite")).unwrap(),
    );
    assert_eq!(part.points(None).unwrap(), kept.points(Some(HERE)).unwrap());
    assert_eq!(part.run("r3").unwrap(), kept.run("r3").unwrap());
    let (kept_memory, memory) =
        (kept.memory(Some(HERE)).unwrap(), part.memory(Some(HERE)).unwrap());
    assert_eq!(memory.points, kept_memory.points);
    assert_eq!(part.overview(None).unwrap().len(), 1);
    // It is a store like any other, and may be exported again.
    drop(part);
    desk.fine(&["export", "again.tar", "--store", "here/store.sqlite", "--facility", HERE]);
    desk.fine(&["verify", "again.tar"]);
    let error =
        desk.refused(&["export", "x.tar", "--store", "store.sqlite", "--facility", "無関所"]);
    assert!(error.contains(HERE) && !desk.path("x.tar").exists(), "{error}");
}

/// A register of one line.
fn register(name: &str, box_name: &str) -> Register {
    let written = [(Column::Name, box_name.to_owned())].into();
    let entries = vec![Entry { row: 2, written, ..Entry::default() }];
    Register { name: name.into(), loaded: Timestamp::new(500, 0), entries }
}

/// Whether a file has these bytes anywhere.
fn has(path: &Path, text: &str) -> bool {
    fs::read(path).unwrap().windows(text.len()).any(|bytes| bytes == text.as_bytes())
}

#[test]
fn a_bundle_of_one_facility_has_its_papers_and_no_others() {
    let desk = Desk::new();
    let mut store = Store::open(desk.path("store.sqlite")).unwrap();
    for (facility, own) in [(HERE, "here"), (THERE, "there")] {
        let register = register(&format!("{own}.csv"), &format!("box-of-{own}"));
        store.load_register(Some(facility), &register, "aa", &format!("clerk-of-{own}")).unwrap();
        let form = format!(
            "[[line]]\nname = \"line-of-{own}\"\nline = \"ISDN\"\nline_number = \"03-0000-0000\"\n"
        );
        let forms = [declared::read(&format!("form-of-{own}.toml"), form.as_bytes()).unwrap()];
        store.declare(Some(facility), &forms, "小町", Timestamp::new(600, 0), false).unwrap();
    }
    // Nobody knows whose it is.
    store.keep_register(None, &register("old.csv", "box-of-nobody"), "aa", "小町").unwrap();
    for (facility, own, other) in [(HERE, "here", "there"), (THERE, "there", "here")] {
        let bundle = format!("{own}.tar");
        desk.fine(&["export", &bundle, "--store", "store.sqlite", "--facility", facility]);
        for what in ["box-of-", "clerk-of-", "line-of-", "form-of-"] {
            assert!(has(&desk.path(&bundle), &format!("{what}{own}")), "{what}{own}");
            assert!(!has(&desk.path(&bundle), &format!("{what}{other}")), "{what}{other}");
        }
        assert!(!has(&desk.path(&bundle), "box-of-nobody"));
        desk.fine(&["verify", &bundle]);
        desk.fine(&["export", "--open", &bundle, own]);
        let part = Store::open_read(desk.path(own).join("store.sqlite")).unwrap();
        assert_eq!(part.register(Some(facility)).unwrap(), store.register(Some(facility)).unwrap());
        assert_eq!(part.registers(None).unwrap(), store.registers(Some(facility)).unwrap());
        assert_eq!(part.declared(Some(facility)).unwrap(), store.declared(Some(facility)).unwrap());
        assert_eq!(part.declared(Some(facility)).unwrap().len(), 1);
    }
}

#[test]
fn what_was_loaded_before_the_only_facility_was_known_goes_with_it_and_registers_of_others_do_not()
{
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    let mut store = Store::open(&path).unwrap();
    store.load_register(None, &register("own.csv", "box-of-here"), "aa", "小町").unwrap();
    // Nothing was done there yet.
    store.load_register(Some(THERE), &register("there.csv", "box-of-there"), "bb", "蝉丸").unwrap();
    let points = vec![point("p0000000a", "10.0.0.1", "gate-of-here")];
    store.absorb(&run("r1", HERE, 600, points, "title-of-here")).unwrap();
    assert_eq!(store.register(Some(HERE)).unwrap().unwrap().name, "own.csv");
    let copy = folder.path().join("copy.sqlite");
    store.export(&copy, Some(HERE)).unwrap();
    assert!(has(&copy, "box-of-here"));
    assert!(!has(&copy, "box-of-there") && !has(&copy, THERE) && !has(&copy, "蝉丸"));
    let part = Store::open_read(&copy).unwrap();
    assert_eq!(part.register(Some(HERE)).unwrap(), store.register(Some(HERE)).unwrap());
    assert_eq!(part.verify(None).unwrap().withheld, 1);
    // Another facility comes: whose the register is, nobody knows any more.
    store.absorb(&run("r2", THERE, 700, Vec::new(), "title-of-there")).unwrap();
    assert_eq!(store.register(Some(HERE)).unwrap(), None);
    assert_eq!(store.register(Some(THERE)).unwrap().unwrap().name, "there.csv");
}

#[test]
fn whatever_is_changed_in_a_bundle_is_found_or_makes_no_difference() {
    let desk = Desk::new();
    desk.fine(&["export", "a.tar", "--store", "store.sqlite", "--report", "out"]);
    let bytes = fs::read(desk.path("a.tar")).unwrap();
    let read = |name: &str, into: &str| {
        unpack(&desk.path(name), &Key::None, Some(&desk.path(into)), &|_| true)
    };
    let contents = |folder: &str| -> Vec<Vec<u8>> {
        [SUMS, STORE, HEAD, "report/report.ja.html", "report/図/図.svg"]
            .iter()
            .map(|name| fs::read(desk.path(folder).join(name)).unwrap())
            .collect()
    };
    read("a.tar", "whole").unwrap();
    let whole = contents("whole");
    let found = std::cell::Cell::new(0);
    proptest!(ProptestConfig::with_cases(150), |(at in any::<prop::sample::Index>(), bit in 0..8_u8)| {
        let mut changed = bytes.clone();
        changed[at.index(bytes.len())] ^= 1 << bit;
        fs::write(desk.path("changed.tar"), &changed).unwrap();
        match read("changed.tar", "changed") {
            Ok(_) => {
                prop_assert_eq!(contents("changed"), whole.clone());
                fs::remove_dir_all(desk.path("changed")).unwrap();
            }
            Err(_) => found.set(found.get() + 1),
        }
        prop_assert!(!desk.path("changed").exists() && !desk.path("changed.part").exists());
    });
    assert!(found.get() > 75, "{} of 150 changes were found", found.get());
}

#[test]
fn a_bundle_that_is_cut_off_leaves_nothing_behind() {
    let desk = Desk::new();
    desk.fine(&["export", "a.tar", "--store", "store.sqlite", "--report", "out"]);
    let bytes = fs::read(desk.path("a.tar")).unwrap();
    for end in (0..bytes.len() - 1536).step_by(997) {
        fs::write(desk.path("cut.tar"), &bytes[..end]).unwrap();
        let error = unpack(&desk.path("cut.tar"), &Key::None, Some(&desk.path("cut")), &|_| true);
        let error = error.expect_err(&format!("{end} of {} bytes", bytes.len()));
        assert!(matches!(error, Error::Cut { .. } | Error::NotABundle { .. }), "{end}: {error}");
        assert!(!desk.path("cut").exists() && !desk.path("cut.part").exists());
    }
    let error = desk.refused(&["export", "--open", "cut.tar", "cut"]);
    assert!(error.contains("get it again"), "{error}");
    assert!(desk.refused(&["verify", "cut.tar"]).contains("cut.tar"));
}

/// A tar with these files, each with its kind, and a list of digests that names them.
fn hostile(files: &[(&str, tar::EntryType, &[u8])]) -> Vec<u8> {
    let mut sums = String::new();
    for (name, _, content) in files {
        let digest = sekisho::observe::facts::hex(&Sha256::digest(content));
        sums.extend([&*digest, "  ", name, "\n"]);
    }
    let mut tar = tar::Builder::new(Vec::new());
    let mut put = |name: &str, kind, content: &[u8]| {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_entry_type(kind);
        // The crate refuses such names itself, so they are written past it.
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        if matches!(kind, tar::EntryType::Symlink | tar::EntryType::Link) {
            header.set_link_name("/etc/passwd").unwrap();
        }
        header.set_cksum();
        tar.append(&header, content).unwrap();
    };
    put(SUMS, tar::EntryType::Regular, sums.as_bytes());
    for (name, kind, content) in files {
        put(name, *kind, content);
    }
    tar.into_inner().unwrap()
}

#[test]
fn nothing_leads_out_of_the_folder_and_nothing_is_a_link() {
    use tar::EntryType;
    let desk = Desk::new();
    let long = vec![b'x'; 4096];
    let cases: [(&str, EntryType, &[u8]); 9] = [
        ("../out.txt", EntryType::Regular, b"x"),
        ("/sekisho-out.txt", EntryType::Regular, b"x"),
        ("a/../../out.txt", EntryType::Regular, b"x"),
        ("link", EntryType::Symlink, b""),
        ("link", EntryType::Link, b""),
        ("device", EntryType::Char, b""),
        ("folder", EntryType::Directory, b""),
        ("long", EntryType::GNULongName, &long),
        ("holes", EntryType::GNUSparse, b"x"),
    ];
    for case in cases {
        fs::write(
            desk.path("bad.tar"),
            hostile(&[("fine.txt", EntryType::Regular, b"fine"), case]),
        )
        .unwrap();
        let before = desk.names();
        let error = unpack(&desk.path("bad.tar"), &Key::None, Some(&desk.path("bad")), &|_| true)
            .expect_err(case.0);
        assert!(
            matches!(error, Error::Forbidden { .. } | Error::NotABundle { .. }),
            "{}: {error}",
            case.0
        );
        assert_eq!(desk.names(), before, "{}", case.0);
    }
    // A file that the list does not name, or names once and is there twice.
    let once = hostile(&[("a.txt", EntryType::Regular, b"a")]);
    let twice =
        hostile(&[("a.txt", EntryType::Regular, b"a"), ("a.txt", EntryType::Regular, b"a")]);
    fs::write(desk.path("once.tar"), &once).unwrap();
    unpack(&desk.path("once.tar"), &Key::None, None, &|_| true).unwrap();
    fs::write(desk.path("twice.tar"), &twice).unwrap();
    assert!(unpack(&desk.path("twice.tar"), &Key::None, None, &|_| true).is_err());
    // A size that the file does not have.
    let mut header = tar::Header::new_ustar();
    header.set_path(SUMS).unwrap();
    header.set_size(u64::MAX / 2);
    header.set_cksum();
    fs::write(desk.path("huge.tar"), header.as_bytes()).unwrap();
    assert!(unpack(&desk.path("huge.tar"), &Key::None, None, &|_| true).is_err());
}

#[test]
fn what_is_there_already_is_left_alone() {
    let desk = Desk::new();
    desk.fine(&["export", "a.tar", "--store", "store.sqlite"]);
    let error = desk.refused(&["export", "--open", "a.tar", "out"]);
    assert!(error.contains("empty or not there"), "{error}");
    assert!(desk.path("out/report.ja.html").is_file());
    fs::create_dir(desk.path("empty")).unwrap();
    desk.fine(&["export", "--open", "a.tar", "empty"]);
    assert!(desk.path("empty/store.sqlite").is_file());
    std::os::unix::fs::symlink("/etc/passwd", desk.path("out/link")).unwrap();
    let error = desk.refused(&["export", "b.tar", "--store", "store.sqlite", "--report", "out"]);
    assert!(error.contains("out") && error.contains("link"), "{error}");
    let error = desk.refused(&["export", "b.tar", "--store", "store.sqlite", "--report", "none"]);
    assert!(error.contains("none"), "{error}");
    assert!(!desk.path("b.tar").exists());
    for (content, what) in [(&b"text"[..], "no tar"), (b"", "empty")] {
        fs::write(desk.path("no.tar"), content).unwrap();
        let error = desk.refused(&["verify", "no.tar"]);
        assert!(error.contains("no bundle of ours") && error.contains(what), "{error}");
    }
}

#[test]
fn a_full_disk_is_one_clear_error() {
    let desk = Desk::new();
    fs::create_dir(desk.path("d")).unwrap();
    let before = desk.names();
    let error = desk.refused(&["export", "/dev/full", "--store", "store.sqlite"]);
    assert!(error.contains("/dev/full") && error.contains("room"), "{error}");
    assert_eq!(desk.names(), before);
}

#[test]
fn a_store_that_was_changed_is_found_within_its_bundle() {
    let desk = Desk::new();
    let connection = rusqlite::Connection::open(desk.path("store.sqlite")).unwrap();
    connection.execute("UPDATE run SET ended = ended + 1 WHERE id = 'r1'", []).unwrap();
    drop(connection);
    desk.fine(&["export", "a.tar", "--store", "store.sqlite"]);
    let error = desk.refused(&["verify", "a.tar"]);
    assert!(error.contains("a.tar: what entry 1 of the log tells of (run r1"), "{error}");
}

#[cfg(not(feature = "encrypt"))]
#[test]
fn without_encryption_the_options_say_so() {
    let desk = Desk::new();
    fs::write(desk.path("words"), "関所\n").unwrap();
    let error =
        desk.refused(&["export", "a.age", "--store", "store.sqlite", "--passphrase-file", "words"]);
    assert!(error.contains("built without encryption"), "{error}");
}

#[cfg(feature = "encrypt")]
mod sealed {
    use super::*;

    const SEALED: &str = "fixtures/bundles";

    #[test]
    fn a_passphrase_seals_and_opens_and_another_does_not() {
        let desk = Desk::new();
        fs::write(desk.path("words"), "逢坂の関 清少納言\n").unwrap();
        fs::write(desk.path("other"), "逢坂の関\n").unwrap();
        let by = ["--passphrase-file", "words"];
        let export = ["export", "a.age", "--store", "store.sqlite", "--report", "out"];
        desk.fine(&[&export[..], &by].concat());
        let bytes = fs::read(desk.path("a.age")).unwrap();
        assert!(!bytes.windows(7).any(|piece| piece == b"SQLite "));
        let error = desk.refused(&["verify", "a.age"]);
        assert!(error.contains("give --passphrase-file"), "{error}");
        let error = desk.refused(&["verify", "a.age", "--passphrase-file", "other"]);
        assert!(error.contains("the passphrase does not open the bundle"), "{error}");
        let piped = desk.run_with(
            &["export", "--open", "a.age", "opened", "--passphrase-file", "-"],
            "逢坂の関 清少納言".as_bytes(),
        );
        assert_eq!(piped.status.code(), Some(0), "{}", String::from_utf8_lossy(&piped.stderr));
        assert!(desk.path("opened/report/図/図.svg").is_file());
        // Cut off, or changed, anywhere behind its head.
        for end in [bytes.len() - 1, bytes.len() / 2, 300] {
            fs::write(desk.path("cut.age"), &bytes[..end]).unwrap();
            let error = desk.refused(&[&["export", "--open", "cut.age", "cut"][..], &by].concat());
            assert!(error.contains("get it again"), "{end}: {error}");
            assert!(!desk.path("cut").exists() && !desk.path("cut.part").exists());
        }
        let error = desk.refused(&[&["export", "--open", "a.age", "opened"][..], &by].concat());
        assert!(error.contains("empty or not there"), "{error}");
        fs::write(desk.path("blank"), "\n").unwrap();
        let blank = ["export", "b.age", "--store", "store.sqlite", "--passphrase-file", "blank"];
        let error = desk.refused(&blank);
        assert!(error.contains("first line") && !desk.path("b.age").exists(), "{error}");
    }

    #[test]
    fn a_bundle_for_keys_opens_with_any_of_them() {
        let desk = Desk::new();
        let keys: Vec<(String, String)> = ["one", "two"]
            .iter()
            .map(|name| {
                let text = fs::read_to_string(format!("{SEALED}/{name}.key")).unwrap();
                let public = text.lines().find_map(|line| line.split_once("public key: "));
                let public = public.unwrap().1.to_owned();
                fs::write(desk.path(name), text).unwrap();
                ((*name).to_owned(), public)
            })
            .collect();
        let export = ["export", "a.age", "--store", "store.sqlite", "--recipient", &keys[0].1];
        desk.fine(&export);
        desk.fine(&["verify", "a.age", "--identity", "one"]);
        let error = desk.refused(&["verify", "a.age", "--identity", "two"]);
        assert!(error.contains("the key does not open the bundle"), "{error}");
        desk.fine(&[&export[..], &["--recipient", &keys[1].1]].concat());
        desk.fine(&["verify", "a.age", "--identity", "two"]);
        fs::write(desk.path("words"), "x\n").unwrap();
        let error = desk.refused(&["verify", "a.age", "--passphrase-file", "words"]);
        assert!(error.contains("sealed for keys; give --identity"), "{error}");
        for wrong in ["age1xyz", "ssh-ed25519 AAAA", ""] {
            let error =
                desk.refused(&["export", "b.age", "--store", "store.sqlite", "--recipient", wrong]);
            assert!(error.contains("age1") && !desk.path("b.age").exists(), "{error}");
        }
        let error =
            desk.refused(&["export", "b.age", "--store", "store.sqlite", "--identity", "one"]);
        assert!(error.contains("--recipient"), "{error}");
    }

    /// The two files that the fixtures were made of.
    fn plain(folder: &Path) -> Vec<Content> {
        [("a.txt", "関所\n".repeat(5000)), ("b/c.txt", "x".to_owned())]
            .into_iter()
            .map(|(name, text)| {
                let path = folder.join(name.replace('/', "-"));
                fs::write(&path, text).unwrap();
                Content { name: name.to_owned(), path }
            })
            .collect()
    }

    #[test]
    fn what_the_program_age_sealed_opens_here() {
        let folder = tempfile::tempdir().unwrap();
        let key = fs::read_to_string(format!("{SEALED}/one.key")).unwrap();
        let keys = [
            ("by-key.tar.age", Key::Identities(key)),
            ("by-passphrase.tar.age", Key::Passphrase("逢坂の関".to_owned())),
        ];
        let mut whole = Vec::new();
        pack(plain(folder.path()), Path::new("plain.tar"), &mut whole).unwrap();
        for (name, key) in keys {
            let into = folder.path().join(name);
            let bundle = Path::new(SEALED).join(name);
            let unpacked = unpack(&bundle, &key, Some(&into), &|_| true).unwrap();
            assert_eq!(unpacked.files.len(), 2, "{name}");
            assert_eq!(fs::read_to_string(into.join("a.txt")).unwrap(), "関所\n".repeat(5000));
            assert!(matches!(
                unpack(&bundle, &Key::Passphrase("逢坂".to_owned()), None, &|_| true),
                Err(Error::Seal { .. })
            ));
        }
    }

    #[test]
    fn what_is_sealed_here_opens_by_the_program_age_where_it_is_installed() {
        let Ok(version) = std::process::Command::new("age").arg("--version").output() else {
            return;
        };
        assert!(version.status.success());
        let folder = tempfile::tempdir().unwrap();
        let key = format!("{SEALED}/one.key");
        let text = fs::read_to_string(&key).unwrap();
        let public = text.lines().find_map(|line| line.split_once("public key: ")).unwrap().1;
        let mut plain_bytes = Vec::new();
        pack(plain(folder.path()), Path::new("plain.tar"), &mut plain_bytes).unwrap();
        let mut bytes = Vec::new();
        let lock = seal::Lock::Recipients(vec![public.to_owned()]);
        seal::sealed(&lock, &mut bytes, |out| {
            out.write_all(&plain_bytes).map_err(seal::Error::Unwritten)
        })
        .unwrap();
        fs::write(folder.path().join("a.age"), bytes).unwrap();
        let opened = std::process::Command::new("age")
            .args(["--decrypt", "--identity", &key])
            .arg(folder.path().join("a.age"))
            .output()
            .unwrap();
        assert!(opened.status.success(), "{}", String::from_utf8_lossy(&opened.stderr));
        assert_eq!(opened.stdout, plain_bytes);
    }
}
