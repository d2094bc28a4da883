//! For each network and each way to find exits a recording says what ran, from where, and what did not; it ends in the
//! JSON, the report and the exit code.
#![expect(clippy::unwrap_used, reason = "what cannot be set up should fail the test")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use sekisho::{
    correlate::{
        Coverage, CoverageState, coverage,
        mechanism::{MECHANISMS, REASONS},
    },
    link::{Link as _, record::Recorder, sim::Sim},
    passive::{
        self,
        anonymise::{self, Addresses},
        capture::{COVERAGE, Capture},
    },
    report::{Language, Words},
    sweep::told::{self, State, Told},
};
use serde_json::Value;

/// A desk with a recording `run.pcapng` in which mechanisms told these lines, and which came to its end.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new(lines: &[Told]) -> Self {
        let desk = tempfile::tempdir().unwrap();
        let quiet = Sim::parse("origin = \"made up\"\n", "quiet.toml").unwrap();
        let path = desk.path().join("run.pcapng");
        let mut recorder = Recorder::create(&path, "{}", quiet).unwrap();
        for line in lines {
            recorder.note(&format!("{COVERAGE} {}", line.line()));
        }
        recorder.note("end");
        recorder.finish().unwrap();
        Self(desk)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The lines of coverage that name a mechanism.
    fn lines(&self) -> Vec<Coverage> {
        let replay = passive::replay(&[self.path("run.pcapng")], None, &|_| {}).unwrap();
        of_mechanisms(coverage::of_replay(&replay, &["run.pcapng".to_owned()]))
    }

    /// Runs `sekisho` here.
    fn run(&self, arguments: &[&str]) -> assert_cmd::assert::Assert {
        assert_cmd::Command::new(env!("CARGO_BIN_EXE_sekisho"))
            .env("SEKISHO_DATA", self.path("data"))
            .env("SEKISHO_LANG", "en")
            .env_remove("SEKISHO_STORE")
            .current_dir(self.0.path())
            .args(arguments)
            .assert()
    }
}

fn of_mechanisms(lines: Vec<Coverage>) -> Vec<Coverage> {
    lines.into_iter().filter(|line| MECHANISMS.iter().any(|one| one.name == line.subject)).collect()
}

fn told(mechanism: &'static str, network: &str, vantage: Option<&str>) -> Told {
    Told {
        mechanism,
        network: Some(network.parse().unwrap()),
        vantage: vantage.map(str::to_owned),
        state: State::Measured,
        count: 23,
        detail: "answered=3 silent=20 attempts=3".to_owned(),
    }
}

fn missing(mechanism: &'static str, network: &str, vantage: Option<&str>, why: &str) -> Told {
    let (state, count, detail) = (State::NotMeasured, 0, why.to_owned());
    Told { state, count, detail, ..told(mechanism, network, vantage) }
}

/// Every mechanism, to its end, in one network.
fn whole() -> Vec<Told> {
    told::MECHANISMS.iter().map(|name| told(name, "10.0.0.0/24", Some("eth1"))).collect()
}

#[test]
fn the_stages_know_the_same_mechanisms_and_words_for_them() {
    let here: Vec<&str> = MECHANISMS.iter().map(|mechanism| mechanism.name).collect();
    assert_eq!(here, told::MECHANISMS);
    for words in Language::ALL.map(Words::of) {
        for section in ["mechanism", "mechanism_plain", "mechanism_open"] {
            for name in &here {
                assert!(words.find(section, name).is_some(), "{section}: {name}");
            }
        }
        for section in ["reason", "reason_short"] {
            for reason in REASONS.iter().chain(&["not_told", "not_said", "not_to_its_end"]) {
                assert!(words.find(section, reason).is_some(), "{section}: {reason}");
            }
        }
    }
}

#[test]
fn what_a_mechanism_tells_comes_back_as_it_was() {
    let mut lines = Vec::new();
    for (n, name) in told::MECHANISMS.iter().enumerate() {
        let state = [State::Measured, State::Partial, State::NotMeasured][n % 3];
        for (network, vantage) in [
            (Some("10.10.1.0/24"), Some("eth1")),
            (Some("2001:db8:1::/64"), Some("enp3s0.17")),
            (Some("192.0.2.0/31"), None),
            (None, Some("wlan0")),
            (None, None),
        ] {
            lines.push(Told {
                mechanism: name,
                network: network.map(|network| network.parse().unwrap()),
                vantage: vantage.map(str::to_owned),
                state,
                count: u64::MAX - n as u64,
                detail: if n % 2 == 0 { String::new() } else { "tier answered=3".to_owned() },
            });
        }
    }
    let came = Desk::new(&lines).lines();
    assert_eq!(came.len(), lines.len());
    // What is about the whole run comes first, each sort in its order.
    lines.sort_by_key(|line| line.network.is_some() || line.vantage.is_some());
    for (came, told) in came.iter().zip(&lines) {
        assert_eq!(came.subject, told.mechanism);
        assert_eq!(came.state.name(), told.state.name());
        assert_eq!(came.count, Some(told.count));
        assert_eq!(came.detail.as_deref().unwrap_or_default(), told.detail);
        assert_eq!(came.network, told.network.map(|network| network.to_string()));
        assert_eq!(came.vantage, told.vantage);
    }
}

#[test]
fn an_interface_with_a_hostile_name_changes_nothing_but_its_name() {
    for name in
        ["a b", "a@b", "@", " measured 9 ", "\u{202e}eth\n1", "院内 LAN (1F)", &"x".repeat(900)]
    {
        let came = Desk::new(&[told("forward", "10.10.1.0/24", Some(name))]).lines();
        assert_eq!(came.len(), 1, "{name:?}");
        assert_eq!((&*came[0].subject, came[0].state), ("forward", CoverageState::Measured));
        assert_eq!(came[0].network.as_deref(), Some("10.10.1.0/24"));
        assert_eq!(came[0].count, Some(23));
        let vantage = came[0].vantage.as_deref().unwrap();
        assert!(!vantage.contains(['@', ' ', '\n']), "{vantage:?}");
    }
}

#[test]
fn a_hospital_of_many_networks_is_told_whole() {
    let networks: Vec<String> = (0..256).map(|n| format!("10.10.{n}.0/24")).collect();
    let of = |name: &'static str| {
        networks.iter().map(move |network| missing(name, network, Some("eth1"), "tier"))
    };
    let lines: Vec<Told> = told::MECHANISMS.into_iter().flat_map(of).collect();
    let desk = Desk::new(&lines);
    assert_eq!(desk.lines().len(), 256 * told::MECHANISMS.len());
    // On the screen they are a line each mechanism, and none of it makes the run partial.
    let done = desk.run(&["replay", "run.pcapng"]).code(0);
    let said = String::from_utf8(done.get_output().stdout.clone()).unwrap();
    assert!(said.lines().count() < 60, "{said}");
    assert!(said.contains("tier T2 not authorised: stealth gateways not excluded"), "{said}");
}

#[test]
fn an_anonymous_recording_names_other_networks() {
    let lines = [
        told("forward", "10.10.1.0/24", Some("eth1")),
        missing("second_hop", "172.16.5.0/24", None, "no_interface"),
    ];
    let desk = Desk::new(&lines);
    let path = desk.path("run.pcapng");
    let before = passive::replay(std::slice::from_ref(&path), None, &|_| {}).unwrap();
    let bytes = anonymise::read(&path).unwrap();
    let done = anonymise::anonymise(&bytes, &before, b"key", &|_, _| Vec::new());
    let capture = Capture::read(Box::new(std::io::Cursor::new(done.bytes)), "other").unwrap();
    let after = passive::hear([Ok(("other".to_owned(), capture))], None, &|_| {}).unwrap();
    let came = of_mechanisms(coverage::of_replay(&after, &["other".to_owned()]));
    let addresses = Addresses::new(b"key");
    assert_eq!(came.len(), lines.len());
    for (came, told) in came.iter().zip(&lines) {
        let there = addresses.network(told.network.unwrap()).to_string();
        assert_ne!(came.network.as_deref(), told.network.map(|known| known.to_string()).as_deref());
        assert_eq!((came.network.as_deref(), &came.vantage), (Some(&*there), &told.vantage));
    }
}

#[test]
fn the_exit_code_says_what_did_not_run_only_where_it_is_asked_for() {
    let with = |other: Told| -> Vec<Told> {
        let replaced = |line: Told| {
            if line.mechanism == other.mechanism { other.clone() } else { line }
        };
        whole().into_iter().map(replaced).collect::<Vec<_>>()
    };
    let eth1 = Some("eth1");
    let partial = Told {
        state: State::Partial,
        detail: "stopped answered=1".to_owned(),
        ..told("forward", "10.0.0.0/24", eth1)
    };
    let other = missing("forward", "10.0.9.0/24", None, "no_interface");
    let cases: Vec<(&str, Vec<Told>, i32, i32)> = vec![
        ("everything ran", whole(), 0, 0),
        ("nobody to ask", with(missing("routes", "10.0.0.0/24", eth1, "nobody")), 0, 0),
        ("not allowed", with(missing("second_hop", "10.0.0.0/24", eth1, "tier")), 0, 2),
        ("not asked for", with(missing("borrowed", "10.0.0.0/24", eth1, "not_asked_for")), 0, 2),
        ("another network", [whole(), vec![other]].concat(), 0, 2),
        ("not told", whole().split_off(1), 0, 2),
        ("broke off", with(partial), 2, 2),
        ("nothing told", Vec::new(), 0, 2),
    ];
    for (what, lines, usually, strictly) in cases {
        let desk = Desk::new(&lines);
        let done = |more: &[&str], code| {
            let arguments = [&["replay", "run.pcapng", "--exit-zero"], more].concat();
            let run = desk.run(&arguments);
            assert_eq!(run.get_output().status.code(), Some(code), "{what}: {arguments:?}");
            String::from_utf8(run.get_output().stderr.clone()).unwrap()
        };
        assert_eq!(done(&[], usually), "", "{what}");
        let said = done(&["--strict"], strictly);
        // Whoever asked for it is told what is missing.
        assert_eq!(said.contains("--strict"), strictly == 2, "{what}: {said}");
        assert_eq!(done(&["--strict", "--quiet"], strictly), "", "{what}");
    }
}

#[test]
fn a_capture_that_is_no_recording_is_never_strictly_whole() {
    let capture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/captures");
    let capture = capture.join("hospital/hospital.pcap");
    let desk = Desk::new(&[]);
    let done = desk.run(&["replay", capture.to_str().unwrap(), "--exit-zero", "--strict"]).code(2);
    let said = String::from_utf8(done.get_output().stderr.clone()).unwrap();
    assert!(said.contains("only the recording of a scan does"), "{said}");
}

#[test]
fn the_report_shows_it_from_the_recording_and_from_the_store_alike() {
    let mut lines = whole();
    lines.push(missing("forward", "10.0.9.0/24", None, "no_interface"));
    let desk = Desk::new(&lines);
    let arguments = ["replay", "run.pcapng", "--store", "s.sqlite", "--report", "now"];
    desk.run(&[&arguments[..], &["--exit-zero"]].concat()).code(0);
    desk.run(&["report", "later", "--store", "s.sqlite"]).code(0);
    for file in ["points.json", "report.en.html", "report.ja.html", "report.en.txt"] {
        let read = |folder: &str| fs::read_to_string(desk.path(folder).join(file)).unwrap();
        let (now, later) = (read("now"), read("later"));
        assert!(now.contains("10.0.9.0") && later.contains("10.0.9.0"), "{file}");
        if file == "points.json" {
            let lines = |text: &str| {
                let json: Value = serde_json::from_str(text).unwrap();
                let all = json["coverage"].as_array().unwrap().clone();
                all.into_iter().filter(|line| !line["network"].is_null()).collect::<Vec<_>>()
            };
            assert_eq!(lines(&now), lines(&later));
            assert_eq!(lines(&now).len(), 16);
            assert_eq!(lines(&now)[0]["vantage"], "eth1");
        }
    }
}

#[test]
fn a_report_on_everything_shows_the_networks_that_earlier_runs_looked_at() {
    let monday = Desk::new(&[
        told("forward", "10.0.1.0/24", Some("eth0")),
        missing("second_hop", "10.0.1.0/24", Some("eth0"), "tier"),
    ]);
    // The same machine, carried to another network.
    let tuesday = Desk::new(&[
        told("forward", "10.0.2.0/24", Some("eth0")),
        missing("forward", "10.0.1.0/24", None, "no_interface"),
    ]);
    fs::copy(tuesday.path("run.pcapng"), monday.path("tuesday.pcapng")).unwrap();
    for recording in ["run.pcapng", "tuesday.pcapng"] {
        monday.run(&["replay", recording, "--store", "s.sqlite", "--exit-zero"]).code(0);
    }
    let done = monday.run(&["points", "--store", "s.sqlite", "--json", "-"]).code(0);
    let json: Value = serde_json::from_slice(&done.get_output().stdout).unwrap();
    let all = json["coverage"].as_array().unwrap();
    let line = |subject: &str, network: &str, vantage: Value| {
        let same = |line: &&Value| {
            line["subject"] == subject && line["network"] == network && line["vantage"] == vantage
        };
        all.iter().find(same).unwrap_or_else(|| panic!("{subject} {network} {vantage}: {json:#}"))
    };
    let earlier = line("forward", "10.0.1.0/24", "eth0".into());
    assert_eq!(earlier["state"], "measured");
    assert!(earlier["detail"].as_str().unwrap().contains(" seen=1970-01-01 run=r"), "{earlier}");
    line("second_hop", "10.0.1.0/24", "eth0".into());
    assert!(!line("forward", "10.0.2.0/24", "eth0".into())["detail"].to_string().contains("seen="));
    line("forward", "10.0.1.0/24", Value::Null);
    let done = monday.run(&["points", "--store", "s.sqlite"]).code(0);
    let said = String::from_utf8(done.get_output().stdout.clone()).unwrap();
    assert!(!said.contains("Not looked at"), "{said}");
    assert!(said.contains("Ran in every network that was looked at: Forwarding"), "{said}");
    monday.run(&["report", "out", "--store", "s.sqlite"]).code(0);
    let page = fs::read_to_string(monday.path("out/report.en.html")).unwrap();
    assert!(page.contains("<bdi>eth0</bdi><small>1970-01-01</small>"), "{page}");
    // One run alone is shown as it was.
    let id = json["run"].as_str().unwrap();
    monday.run(&["report", "one", "--store", "s.sqlite", "--run", id]).code(0);
    let page = fs::read_to_string(monday.path("one/report.en.html")).unwrap();
    assert!(!page.contains("1970-01-01</small>"), "{page}");
}
