//! What was sent to whom ends in the report, and so does what a run could not measure.
//! `RECORD=1 cargo test --test ledger` takes the recording of `fixtures/captures/recorded_scan` again.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a fixture that cannot be read should fail the test"
)]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use sekisho::{
    cli::survey::{Surroundings, Survey, survey},
    correlate::{Coverage, CoverageState, coverage},
    fingerprint::{Matcher, Signatures},
    link::{Link as _, guard::Guard, record::Recorder, sim::Sim},
    passive::{self, Replay},
    probe::engine,
    report::write_ledger,
    scope::{Facility, Overrides},
};

const CASE: &str = "fixtures/captures/recorded_scan";

const GOLDEN: &str = "fixtures/reports/recorded_scan";

/// Scans the network of the case into a recording.
fn scan(path: &Path) -> Sim {
    let file = format!("{CASE}/network.toml");
    let network = Sim::parse(&fs::read_to_string(&file).unwrap(), &file).unwrap();
    let connected = network.interfaces()[0].addresses.clone();
    let facility = Facility::load(&Path::new(CASE).join("facility.toml")).unwrap();
    let consent = facility.consent(&Overrides::default(), &connected, Some(0)).unwrap();
    let profile = consent.pace.profile;
    let around = Surroundings { interfaces: network.interfaces(), ..Surroundings::default() };
    let ports = [22, 23, 80, 443, 1080, 3128, 3389, 5900, 8080];
    let plan = Survey::of(&consent, Some(&facility), &around, Some(&ports), 7);
    let signatures = Signatures::built_in().unwrap();
    let mut guard = Guard::new(Recorder::create(path, "{}", network).unwrap(), consent);
    survey(&mut guard, &plan, &Matcher::new(&signatures), &(), &mut |_| {});
    let soon = guard.now().after(engine::Manner::of(profile).ending);
    guard.finish(soon);
    guard.into_parts().0.finish().unwrap()
}

fn read(path: &Path) -> Replay {
    passive::replay(&[path.to_owned()], None, &|_| {}).unwrap()
}

/// The rows of the ledger, by address: packets, bytes, answers, probes.
fn ledger(replay: &Replay) -> BTreeMap<String, [String; 4]> {
    let mut out = Vec::new();
    write_ledger(&replay.asked, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    let rows = text.strip_prefix("\u{feff}address,packets,bytes,answers,probes\r\n").unwrap();
    let row = |line: &str| {
        let cells: Vec<&str> = line.splitn(5, ',').collect();
        let [address, packets, bytes, answers, probes] = cells[..] else { panic!("{line}") };
        (address.to_owned(), [packets, bytes, answers, probes].map(str::to_owned))
    };
    rows.split_terminator("\r\n").map(row).collect()
}

fn lines(replay: &Replay) -> Vec<Coverage> {
    coverage::of_replay(replay, &["run.pcapng".to_owned()])
}

#[test]
fn the_ledger_tells_what_the_network_got() {
    let desk = tempfile::tempdir().unwrap();
    let path = desk.path().join("run.pcapng");
    let network = scan(&path);
    if std::env::var_os("RECORD").is_some() {
        fs::copy(&path, Path::new(CASE).join("run.pcapng")).unwrap();
    }
    let replay = read(&path);
    let rows = ledger(&replay);
    let sum = |at: usize| rows.values().map(|row| row[at].parse::<u64>().unwrap()).sum::<u64>();
    assert_eq!((sum(0), sum(1)), (replay.asked.packets, replay.asked.bytes));
    assert!(!rows.contains_key("10.0.0.5"), "it is excluded");
    assert_eq!(rows["10.0.0.7"][3], "arp", "it is fragile");
    assert!(rows["10.0.0.4"][3].split(' ').any(|probe| probe == "vnc"), "{rows:?}");
    for (address, row) in &rows {
        let got = network.count(address.parse().unwrap());
        if row[3] == "arp" {
            assert_eq!((row[0].parse(), got.packets), (Ok(got.resolving), 0), "{address}");
        }
        assert!(got.resolving > 0, "{address} got nothing, and has {row:?}");
    }
}

#[test]
fn a_recorded_run_tells_what_it_could_not_measure() {
    let replay = read(&Path::new(CASE).join("run.pcapng"));
    let lines = lines(&replay);
    let of = |subject: &str| lines.iter().filter(|l| l.subject == subject).collect::<Vec<_>>();
    let left = of("left_alone");
    assert_eq!(left.len(), 1, "{lines:?}");
    assert_eq!(left[0].state, CoverageState::Partial);
    assert!(left[0].detail.as_ref().unwrap().starts_with("10.0.0.3 "), "{left:?}");
    let spared = of("not_allowed");
    let about = |line: &&&Coverage| line.detail.as_deref() == Some("fragile_host 10.0.0.7");
    assert!(spared.iter().any(|line| about(&line)), "{spared:?}");
    assert!(of("notes_not_read").is_empty(), "{lines:?}");
    assert_eq!(of("packets_sent")[0].count, Some(replay.asked.packets));
    assert_eq!(of("bytes_sent")[0].count, Some(replay.asked.bytes));
}

/// The recording of the case with bytes replaced by others of the same length.
fn altered(from: &str, to: &str) -> (tempfile::TempDir, PathBuf) {
    assert_eq!(from.len(), to.len());
    let mut bytes = fs::read(Path::new(CASE).join("run.pcapng")).unwrap();
    let places: Vec<usize> = bytes
        .windows(from.len())
        .enumerate()
        .filter(|(_, window)| *window == from.as_bytes())
        .map(|(at, _)| at)
        .collect();
    assert!(!places.is_empty(), "{from}");
    for at in places {
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
    }
    let desk = tempfile::tempdir().unwrap();
    let path = desk.path().join("run.pcapng");
    fs::write(&path, bytes).unwrap();
    (desk, path)
}

#[test]
fn a_probe_with_a_hostile_name_is_no_formula() {
    let (_desk, path) = altered("asked arp ", "asked =A1 ");
    let rows = ledger(&read(&path));
    assert_eq!(rows["10.0.0.7"][3], "'=A1");
}

#[test]
fn a_damaged_journal_breaks_nothing_and_is_told() {
    for (from, to) in [
        ("coverage left_alone partial", "coverage listens_on parti@l"),
        ("coverage left_alone partial 1", "coverage left_alone partial x"),
    ] {
        let (_desk, path) = altered(from, to);
        let lines = lines(&read(&path));
        let unread = lines.iter().find(|line| line.subject == "notes_not_read").unwrap();
        assert_eq!((unread.state, unread.count), (CoverageState::Partial, Some(1)));
    }
    // Another release may know other subjects.
    let (_desk, path) = altered("coverage left_alone ", "coverage left_later ");
    let said = lines(&read(&path));
    let other = said.iter().find(|line| line.subject == "noted_otherwise").unwrap();
    assert_eq!(other.state, CoverageState::Partial);
    assert!(other.detail.as_ref().unwrap().starts_with("left_later 10.0.0.3"), "{other:?}");
}

#[test]
fn a_run_that_was_gone_on_with_tells_what_its_last_part_missed() {
    let first = fs::read(Path::new(CASE).join("run.pcapng")).unwrap();
    let (_desk, path) = altered("coverage left_alone partial", "coverage left_again partial");
    let both = [first, fs::read(&path).unwrap()].concat();
    fs::write(&path, both).unwrap();
    let lines = lines(&read(&path));
    assert!(lines.iter().any(|line| line.subject == "noted_otherwise"));
    assert!(!lines.iter().any(|line| line.subject == "left_alone"), "{lines:?}");
}

#[test]
fn a_recording_is_reported_with_its_ledger_and_is_partial() {
    let desk = tempfile::tempdir().unwrap();
    let report = desk.path().join("report");
    let run = assert_cmd::Command::cargo_bin("sekisho")
        .unwrap()
        .env("SEKISHO_DATA", "target/no-data")
        .args(["replay", "--exit-zero", "--quiet", "--lang", "ja", "--scope"])
        .arg(Path::new(CASE).join("facility.toml"))
        .arg("--report")
        .arg(&report)
        .arg(Path::new(CASE).join("run.pcapng"))
        .assert()
        .code(2);
    let said = String::from_utf8(run.get_output().stdout.clone()).unwrap();
    assert!(said.contains("送信の記録"), "{said}");
    for name in ["ledger.csv", "report.en.html", "report.ja.html", "report.ja.txt"] {
        let written = fs::read_to_string(report.join(name)).unwrap();
        let golden = Path::new(GOLDEN).join(name);
        if std::env::var_os("BLESS").is_some() {
            fs::write(&golden, &written).unwrap();
        }
        let was = fs::read_to_string(&golden).unwrap_or_default();
        assert!(was == written, "{name} is different; look at it, then BLESS=1\n{written}");
    }
    assert!(fs::read(report.join("ledger.csv")).unwrap().starts_with(b"\xef\xbb\xbfaddress,"));
}

/// Waits on a port of this machine, and greets as a remote desktop does.
#[expect(clippy::disallowed_types, reason = "somebody must be there to be asked")]
fn desktop() -> u16 {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut version = [0; 12];
            if stream.write_all(b"RFB 003.008\n").is_ok() && stream.read_exact(&mut version).is_ok()
            {
                let _ = stream.write_all(&[1, 2]);
            }
            let _ = stream.read(&mut version);
        }
    });
    port
}

#[test]
fn this_machine_is_asked_without_a_wire_and_without_a_facility_file() {
    let port = desktop();
    let desk = tempfile::tempdir().unwrap();
    let report = desk.path().join("report");
    let scan = |more: &[&str]| {
        let mut command = assert_cmd::Command::cargo_bin("sekisho").unwrap();
        command.env("SEKISHO_DATA", "target/no-data");
        command.args(["scan", "127.0.0.1", "--profile", "lab", "--json", "-", "--report"]);
        command.arg(&report).arg("--ports").arg(port.to_string()).args(more).assert()
    };
    let run = scan(&["--yes", "--record", desk.path().join("run.pcapng").to_str().unwrap()]);
    let run = run.get_output().clone();
    let said = String::from_utf8_lossy(&run.stderr);
    let found: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(found["points"][0]["kind"], "remote_desktop", "{said}\n{found:#}");
    assert_eq!(found["points"][0]["addresses"][0], "127.0.0.1");
    assert_eq!(run.status.code(), Some(1), "{said}");
    assert!(fs::read_to_string(report.join("ledger.csv")).unwrap().contains("\r\n127.0.0.1,"));
    scan(&["--yes", "--tier", "0"]).code(3);
    scan(&[]).code(3);
}
