//! The Debian package: what it is made of is there, its files agree with each other and with the program, and its scripts do
//! what the page on the nightly run says.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a fixture that is not as it should be should fail the test"
)]
#![cfg(unix)]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use sekisho::scope::Facility;
use tempfile::TempDir;

fn manifest() -> toml::Table {
    toml::from_str(&fs::read_to_string("Cargo.toml").unwrap()).unwrap()
}

fn unit() -> String {
    fs::read_to_string("packaging/systemd/sekisho-nightly.service").unwrap()
}

/// Where each file of ours comes to lie.
fn assets() -> Vec<(String, String)> {
    let manifest = manifest();
    let assets = manifest["package"]["metadata"]["deb"]["assets"].as_array().unwrap().clone();
    let assets = assets.into_iter().map(|asset| {
        let [from, to] = [0, 1].map(|at| asset[at].as_str().unwrap().to_owned());
        let name = from.rsplit('/').next().unwrap();
        (from.clone(), if to.ends_with('/') { format!("/{to}{name}") } else { format!("/{to}") })
    });
    assets.collect()
}

#[test]
fn what_the_package_is_made_of_is_there() {
    let assets = assets();
    assert!(assets.len() > 10);
    for (from, _) in &assets {
        // What is built is put there by packaging/build.
        assert!(from.starts_with("target/packaging/") || Path::new(from).is_file(), "{from}");
    }
    let placed: BTreeSet<&str> = assets.iter().map(|(_, to)| &**to).collect();
    let named = |key: &str| {
        unit().lines().find_map(|line| Some(line.strip_prefix(key)?.to_owned())).unwrap()
    };
    assert!(placed.contains(&*named("ExecStart=")));
    assert!(placed.contains(&*named("EnvironmentFile=-")));
    for conffile in manifest()["package"]["metadata"]["deb"]["conf-files"].as_array().unwrap() {
        assert!(placed.contains(conffile.as_str().unwrap()), "{conffile}");
    }
    for script in ["postinst", "prerm", "postrm"] {
        let text = fs::read_to_string(format!("packaging/debian/{script}")).unwrap();
        assert!(text.starts_with("#!/bin/sh\nset -e\n"), "{script}");
        for wrong in ["systemctl enable", "systemctl start", "deb-systemd-helper enable", "rm -r"] {
            assert!(!text.contains(wrong), "{script}: {wrong}");
        }
    }
}

#[test]
fn the_service_has_raw_frames_and_nothing_else_of_root() {
    let unit = unit();
    for line in [
        "User=sekisho",
        "AmbientCapabilities=CAP_NET_RAW",
        "CapabilityBoundingSet=CAP_NET_RAW",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "StateDirectory=sekisho",
        "SuccessExitStatus=1 2",
    ] {
        assert!(unit.lines().any(|one| one == line), "{line}");
    }
    assert_eq!(unit.matches("CAP_").count(), 2);
    let timer = fs::read_to_string("packaging/systemd/sekisho-nightly.timer").unwrap();
    assert!(timer.contains("Persistent=true") && timer.contains("RandomizedDelaySec="));
    let user = fs::read_to_string("packaging/sysusers.d/sekisho.conf").unwrap();
    assert!(user.contains("\nu sekisho ") && user.contains("nologin"));
}

#[test]
fn the_example_of_a_facility_file_can_be_read() {
    let facility = Facility::load(Path::new("packaging/etc/facility.example.toml")).unwrap();
    assert_eq!(facility.name, "関所記念病院");
}

/// A folder of settings and one of results, and a program that writes down its words.
struct Night(TempDir);

impl Night {
    fn new(exit: u8) -> Self {
        let night = Self(TempDir::new().unwrap());
        let folder = night.0.path().display();
        // Reads as `sh program`: what was just written need not be run itself.
        let program = format!("for word; do echo \"$word\"; done >{folder}/words\nexit {exit}\n");
        fs::write(night.path("program"), program).unwrap();
        night
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs the script of the service, and tells how it ended and what the program was told.
    fn pass(&self, settings: &[(&str, &str)]) -> (Option<i32>, Vec<String>) {
        let _ = fs::remove_file(self.path("words"));
        let script = fs::read_to_string("packaging/nightly").unwrap();
        let script = script.replace("\"$sekisho\" \"$@\"", "sh \"$sekisho\" \"$@\"");
        let done = Command::new("/bin/sh")
            .args(["-c", &script])
            .env("SEKISHO_PROGRAM", self.path("program"))
            .env("STATE_DIRECTORY", self.path("state"))
            .env("SEKISHO_CONFIG", self.path("etc"))
            .envs(settings.iter().copied())
            .output()
            .unwrap();
        let words = fs::read_to_string(self.path("words")).unwrap_or_default();
        (done.status.code(), words.lines().map(str::to_owned).collect())
    }
}

#[test]
fn a_night_is_recorded_once_and_goes_on_where_it_was_cut_off() {
    let night = Night::new(2);
    let settings =
        [("SEKISHO_ON_CHANGE", "/bin/tell one two"), ("SEKISHO_OPTIONS", "--syslog --exit-zero")];
    let (exit, words) = night.pass(&settings);
    assert_eq!(exit, Some(2));
    let facility = night.path("etc/facility.toml").display().to_string();
    for (option, value) in [("--scope", &*facility), ("--on-change", "/bin/tell one two")] {
        let at = words.iter().position(|word| word == option).unwrap();
        assert_eq!(words[at + 1], value);
    }
    assert!(
        words.contains(&"--record".to_owned())
            && words.ends_with(&["--syslog".into(), "--exit-zero".into()])
    );
    // Every option is one that the program has.
    let help =
        Command::new(env!("CARGO_BIN_EXE_sekisho")).args(["scan", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    for option in words.iter().filter(|word| word.starts_with("--")) {
        assert!(help.contains(&**option), "{option}");
    }
    // The same night again: it is done.
    assert_eq!(night.pass(&settings), (Some(0), Vec::new()));

    let cut_off = Night::new(137);
    assert_eq!(cut_off.pass(&[("SEKISHO_SCAN_OPTIONS", "--seed 1")]).0, Some(137));
    let recordings = cut_off.path("state/recordings");
    let words = cut_off.pass(&[]).1;
    let at = words.iter().position(|word| word == "--record").unwrap();
    fs::write(&words[at + 1], "").unwrap();
    let (_, words) = cut_off.pass(&[("SEKISHO_SCAN_OPTIONS", "--seed 1")]);
    assert!(words.contains(&"--resume".to_owned()), "{words:?}");
    assert!(
        !words.iter().any(|word| matches!(&**word, "--scope" | "--seed")),
        "it goes on as it was begun: {words:?}"
    );
    assert_eq!(fs::read_dir(recordings).unwrap().count(), 1, "a night that failed is not done");
}

fn mail(to: &str, folder: &Path) -> Output {
    let sendmail = folder.join("sendmail");
    fs::write(&sendmail, format!("cat >{}\n", folder.join("message").display())).unwrap();
    let script = fs::read_to_string("packaging/mail").unwrap();
    let script = script
        .replace("\"${SENDMAIL:-/usr/sbin/sendmail}\"", &format!("sh {}", sendmail.display()));
    assert!(script.contains("sh /"), "the script calls sendmail as the test expects");
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &script, "mail", to]);
    for (name, value) in [
        ("SEKISHO_FACILITY", "関所記念病院"),
        ("SEKISHO_RUN", "r1"),
        ("SEKISHO_POINTS", "48"),
        ("SEKISHO_APPEARED", "1"),
        ("SEKISHO_CHANGED", "0"),
        ("SEKISHO_NOT_SEEN", "2"),
    ] {
        command.env(name, value);
    }
    command.output().unwrap()
}

#[test]
fn what_is_mailed_has_one_subject_and_one_address() {
    let folder = tempfile::tempdir().unwrap();
    assert!(mail("infosys@hospital.example", folder.path()).status.success());
    let message = fs::read_to_string(folder.path().join("message")).unwrap();
    let (head, body) = message.split_once("\n\n").unwrap();
    assert!(
        head.contains(
            "To: infosys@hospital.example\nSubject: sekisho: 1 new, 0 changed, 2 not seen\n"
        ),
        "{head}"
    );
    assert!(body.starts_with("関所記念病院\nRun r1, 48 points."), "{body}");
    for wrong in ["a b", "x\nBcc: y@example.org", "$(id)", "/queue"] {
        let refused = mail(wrong, folder.path());
        assert_eq!(refused.status.code(), Some(2), "{wrong}");
    }
}
