//! A run that nobody watches: who is told of what, and that nothing is said where nothing is new.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a fixture that is not as it should be should fail the test"
)]
#![cfg(unix)]

use std::{
    fs::{self, File},
    os::unix::{fs::MetadataExt as _, net::UnixDatagram},
    path::{Path, PathBuf},
    process::{Command, Output},
};

use etherparse::PacketBuilder;
use serde_json::Value;
use tempfile::TempDir;

/// Captures of one night each, and whether the gateway answers in it.
const NIGHTS: [(&str, bool); 4] = [
    ("monday.pcap", true),
    ("tuesday.pcap", true),
    ("wednesday.pcap", false),
    ("thursday.pcap", false),
];

/// A folder with captures of a gateway and of nothing, a facility file, and a program that writes down what it is told.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        let desk = Self(TempDir::new().unwrap());
        for (day, (name, is_there)) in (0..).zip(NIGHTS) {
            fs::write(desk.path(name), pcap(day, is_there)).unwrap();
        }
        let name = "[facility]\nname = '関所\"記念\\病院 $(touch obeyed)'\n";
        fs::write(desk.path("facility.toml"), name).unwrap();
        let program = "printf '%s\\n' \"$@\" > words; env | grep ^SEKISHO_ | sort > environment; cat > changes.json; echo heard\n";
        fs::write(desk.path("tell.sh"), program).unwrap();
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sekisho"));
        for name in [
            "SEKISHO_STORE",
            "SEKISHO_LANG",
            "SEKISHO_FONT",
            "LC_ALL",
            "LC_MESSAGES",
            "LANG",
            "JOURNAL_STREAM",
        ] {
            command.env_remove(name);
        }
        command.env("SEKISHO_DATA", self.path("data"));
        command.current_dir(self.0.path()).args(arguments);
        command
    }

    /// Replays a capture into the store, as a night does.
    fn night(&self, capture: &str, more: &[&str]) -> Output {
        let usual =
            ["replay", capture, "--scope", "facility.toml", "--store", "s.sqlite", "--quiet"];
        self.command(&[&usual[..], more].concat()).output().unwrap()
    }
}

/// A capture of a day on which two hosts inside talk and, if the gateway is there, a tunnel's handshake from outside is
/// answered.
fn pcap(day: u32, is_there: bool) -> Vec<u8> {
    let reply = |case: &str| -> Vec<u8> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join(format!("fixtures/replies/wireguard/{case}.toml"));
        let case: toml::Table = toml::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        let digits: Vec<u8> =
            case["bytes"].as_str().unwrap().bytes().filter(u8::is_ascii_hexdigit).collect();
        digits
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    };
    let datagram = |from: ([u8; 4], u16), to: ([u8; 4], u16), payload: &[u8]| {
        let builder =
            PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]).ipv4(from.0, to.0, 64);
        let mut frame = Vec::new();
        builder.udp(from.1, to.1).write(&mut frame, payload).unwrap();
        frame
    };
    let (outside, inside) = (([198, 51, 100, 7], 40_001), ([192, 168, 0, 1], 51_820));
    let (one, other) = (([192, 168, 0, 5], 40_005), ([192, 168, 0, 6], 40_006));
    let mut frames =
        vec![datagram(one, other, b"good evening"), datagram(other, one, b"good night")];
    if is_there {
        frames.push(datagram(outside, inside, &reply("initiation")));
        frames.push(datagram(inside, outside, &reply("response")));
    }
    let mut file: Vec<u8> =
        [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 0x0004_0000, 1].map(u32::to_le_bytes).concat();
    for (second, frame) in (1_775_003_405 + day * 86_400..).zip(&frames) {
        let length = u32::try_from(frame.len()).unwrap();
        file.extend([second, 0, length, length].map(u32::to_le_bytes).as_flattened());
        file.extend(frame);
    }
    file
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_program_is_told_of_what_is_new_and_of_nothing_else() {
    let desk = Desk::new();
    let tell = ["--on-change", "/bin/sh tell.sh one $(touch obeyed);touch two"];
    let first = desk.night("monday.pcap", &tell);
    assert_eq!(first.status.code(), Some(1), "{}", text(&first.stderr));
    // The words are words, and what the program says does not mix with our results.
    assert_eq!(desk.read("words"), "one\n$(touch\nobeyed);touch\ntwo\n");
    assert_eq!(text(&first.stderr), "heard\n");
    assert!(!desk.path("obeyed").exists() && !desk.path("two").exists());
    let told: Value = serde_json::from_str(&desk.read("changes.json")).unwrap();
    assert_eq!((&told["schema"], &told["first"]), (&"sekisho.news/1".into(), &true.into()));
    assert_eq!(told["changes"][0]["change"], "appeared", "{told}");
    assert_eq!(told["points"][0]["addresses"][0], "192.168.0.1", "{told}");
    let environment = desk.read("environment");
    for line in [
        "SEKISHO_APPEARED=1",
        "SEKISHO_CHANGED=0",
        "SEKISHO_FIRST=1",
        "SEKISHO_NOT_SEEN=0",
        "SEKISHO_POINTS=1",
    ] {
        assert!(environment.lines().any(|one| one == line), "{line}: {environment}");
    }
    assert!(
        environment.contains("SEKISHO_FACILITY=関所\"記念\\病院 $(touch obeyed)\n"),
        "{environment}"
    );
    assert!(!environment.contains("192.168.0.1"), "what devices say is not in the environment");

    fs::remove_file(desk.path("changes.json")).unwrap();
    assert_eq!(desk.night("tuesday.pcap", &tell).status.code(), Some(0));
    assert!(!desk.path("changes.json").exists(), "nothing is new");
    assert_eq!(desk.night("wednesday.pcap", &tell).status.code(), Some(1));
    assert!(desk.read("changes.json").contains("not_seen"));
}

#[test]
fn a_program_that_cannot_be_told_is_an_error_and_the_results_are_kept() {
    let desk = Desk::new();
    for (command, said) in [
        ("/bin/sh -c exit", None),
        ("/no/such/program", Some("--on-change /no/such/program: cannot be run")),
        ("/bin/false", Some("--on-change /bin/false: exit status: 1")),
        (" ", Some("--on-change: nothing is named")),
    ] {
        let store = format!("{}.sqlite", command.len());
        let arguments = ["replay", "monday.pcap", "--store", &store, "-q", "--on-change", command];
        let done = desk.command(&arguments).output().unwrap();
        let words = text(&done.stderr);
        match said {
            Some(said) => assert!(done.status.code() == Some(3) && words.contains(said), "{words}"),
            None => assert_eq!((done.status.code(), &*words), (Some(1), "")),
        }
        let points = desk.command(&["points", "--store", &store]).output().unwrap();
        assert!(text(&points.stdout).contains("192.168.0.1"));
    }
}

#[test]
fn prometheus_reads_the_night_in_numbers() {
    let desk = Desk::new();
    let first = desk.night("monday.pcap", &["--prometheus", "sekisho.prom"]);
    assert_eq!(first.status.code(), Some(1), "{}", text(&first.stderr));
    let written = desk.read("sekisho.prom");
    let label = r#"facility="関所\"記念\\病院 $(touch obeyed)""#;
    for line in [
        format!("sekisho_points{{{label},kind=\"vpn_gateway\"}} 1"),
        format!("sekisho_points{{{label},kind=\"mobile_router\"}} 0"),
        format!("sekisho_changes{{{label},change=\"appeared\"}} 1"),
        format!("sekisho_run_timestamp_seconds{{{label}}} 1775003408"),
        format!("sekisho_run_duration_seconds{{{label}}} 3"),
        format!("sekisho_exit_code{{{label}}} 1"),
    ] {
        assert!(written.lines().any(|one| one == line), "{line}\n{written}");
    }
    // Nothing that was not counted reads as none, and nothing that was heard is in it.
    for absent in ["undeclared", "packets_sent", "192.168.0.1", ".part"] {
        assert!(!written.contains(absent), "{absent}\n{written}");
    }
    for line in written.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').unwrap();
        assert!(
            name.starts_with("sekisho_") && name.ends_with('}') && value.parse::<f64>().is_ok(),
            "{line}"
        );
    }
    let families = written.lines().filter_map(|line| line.strip_prefix("# TYPE ")).count();
    assert_eq!(families, written.lines().filter(|line| line.starts_with("# HELP ")).count());
    assert_eq!(
        desk.night("tuesday.pcap", &["--prometheus", "sekisho.prom"]).status.code(),
        Some(0)
    );
    assert!(desk.read("sekisho.prom").contains("sekisho_exit_code{"), "it is written anew");
    assert!(!desk.path("sekisho.prom.part").exists());
    // What could not be told is in the numbers too.
    desk.night("wednesday.pcap", &["--prometheus", "sekisho.prom", "--on-change", "/bin/false"]);
    assert!(desk.read("sekisho.prom").contains(&format!("sekisho_exit_code{{{label}}} 3\n")));
}

#[test]
fn each_change_is_a_line_in_the_log_of_the_machine() {
    let desk = Desk::new();
    let log = UnixDatagram::bind(desk.path("log")).unwrap();
    log.set_nonblocking(true).unwrap();
    let mut bytes = [0; 4096];
    let mut line = || log.recv(&mut bytes).map(|read| text(&bytes[..read])).unwrap_or_default();
    assert_eq!(desk.night("monday.pcap", &["--syslog=log"]).status.code(), Some(1));
    let heard = line();
    assert!(
        heard.starts_with("<28>1 20")
            && heard.contains(" appeared - new connection point: point=\"p"),
        "{heard}"
    );
    assert!(
        heard.contains("kind=vpn_gateway") && !heard.contains('\n') && line().is_empty(),
        "{heard}"
    );
    assert_eq!(desk.night("tuesday.pcap", &["--syslog=log"]).status.code(), Some(0));
    assert_eq!(line(), "");
    assert_eq!(desk.night("wednesday.pcap", &["--syslog=log"]).status.code(), Some(1));
    assert!(line().contains(" not_seen - "));
    let nobody =
        desk.command(&["replay", "monday.pcap", "-q", "--syslog=nobody"]).output().unwrap();
    let words = text(&nobody.stderr);
    assert!(
        nobody.status.code() == Some(3)
            && words.contains("nobody: the log of this machine takes nothing"),
        "{words}"
    );
}

#[test]
fn where_nothing_is_new_nothing_is_said() {
    let desk = Desk::new();
    let first = desk.night("monday.pcap", &["--only-changes"]);
    assert!(text(&first.stdout).contains("192.168.0.1") && first.stderr.is_empty());
    let second = desk.night("tuesday.pcap", &["--only-changes"]);
    assert_eq!(
        (second.status.code(), &*text(&second.stdout), &*text(&second.stderr)),
        (Some(0), "", "")
    );
    let third = desk.night("wednesday.pcap", &["--only-changes", "--exit-zero"]);
    assert_eq!(third.status.code(), Some(0));
    assert!(!third.stdout.is_empty(), "a point that is not seen any more is news");
    // It was told once; the next night it is not.
    let fourth = desk.night("thursday.pcap", &["--only-changes"]);
    assert_eq!((fourth.status.code(), &*text(&fourth.stdout)), (Some(0), ""));
}

#[test]
fn lines_have_priorities_for_the_journal_and_for_nobody_else() {
    let desk = Desk::new();
    let said = |stream: Option<String>| {
        let file = File::create(desk.path("errors")).unwrap();
        let data = file.metadata().unwrap();
        let own = format!("{}:{}", data.dev(), data.ino());
        let mut command = desk.command(&["replay", "missing.pcap"]);
        command.env("JOURNAL_STREAM", stream.unwrap_or(own)).stderr(file).status().unwrap();
        desk.read("errors")
    };
    assert!(said(None).starts_with("<3>sekisho: missing.pcap"), "{}", said(None));
    let other = said(Some("1:2".to_owned()));
    assert!(other.starts_with("sekisho: missing.pcap"), "{other}");
}
