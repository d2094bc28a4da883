//! The promises of the command line: exit codes, data on standard output and words on standard error, and
//! errors that name the file, the place and the way out.
#![expect(clippy::unwrap_used, reason = "a file that cannot be written should fail the test")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use assert_cmd::{Command, assert::Assert};
use etherparse::PacketBuilder;
use serde_json::Value;
use tempfile::TempDir;

/// A folder with captures, facility files and room for results.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        let desk = Self(TempDir::new().unwrap());
        desk.put("gateway.pcap", &pcap(&gateway()));
        desk.put("tomorrow.pcap", &pcap(&[gateway(), gateway()].concat()));
        desk.put("quiet.pcap", &pcap(&[]));
        desk.put("facility.toml", "[facility]\nname = \"関所記念病院\"\n".as_bytes());
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn put(&self, name: &str, content: &[u8]) {
        fs::write(self.path(name), content).unwrap();
    }

    /// Runs `sekisho` in the folder, with nothing of the environment that would change its words.
    fn run(&self, arguments: &[&str]) -> Assert {
        self.command(arguments).assert()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sekisho"));
        for name in ["SEKISHO_STORE", "SEKISHO_LANG", "LC_ALL", "LC_MESSAGES", "LANG"] {
            command.env_remove(name);
        }
        // Knowledge that whoever runs the tests brought along is none of theirs.
        command.env("SEKISHO_DATA", self.path("data"));
        command.current_dir(self.0.path()).args(arguments);
        command
    }
}

/// A question and an answer of a tunnel's handshake: somebody outside asks 192.168.0.1 inside.
fn gateway() -> Vec<Vec<u8>> {
    let (outside, inside) = ([198, 51, 100, 7], [192, 168, 0, 1]);
    vec![
        datagram((outside, 40_001), (inside, 51_820), &reply("wireguard/initiation")),
        datagram((inside, 51_820), (outside, 40_001), &reply("wireguard/response")),
    ]
}

/// The bytes of a case of `fixtures/replies`.
fn reply(case: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/replies/{case}.toml"));
    let case: toml::Table = toml::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let digits: Vec<u8> = case
        .get("bytes")
        .and_then(toml::Value::as_str)
        .unwrap()
        .bytes()
        .filter(u8::is_ascii_hexdigit)
        .collect();
    let pairs = digits.as_chunks::<2>().0.iter();
    pairs.map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn datagram(from: ([u8; 4], u16), to: ([u8; 4], u16), payload: &[u8]) -> Vec<u8> {
    let builder = PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2])
        .ipv4(from.0, to.0, 64)
        .udp(from.1, to.1);
    let mut frame = Vec::new();
    builder.write(&mut frame, payload).unwrap();
    frame
}

/// A capture with these frames, a second apart.
fn pcap(frames: &[Vec<u8>]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut word = |number: u32| file.extend(number.to_le_bytes());
    [0xa1b2_c3d4, 0x0004_0002, 0, 0, 0x0004_0000, 1].into_iter().for_each(&mut word);
    for (second, frame) in (1_775_003_405..).zip(frames) {
        let length = u32::try_from(frame.len()).unwrap();
        file.extend([second, 0, length, length].map(u32::to_le_bytes).as_flattened());
        file.extend(frame);
    }
    file
}

fn stdout(done: &Assert) -> String {
    String::from_utf8(done.get_output().stdout.clone()).unwrap()
}

fn stderr(done: &Assert) -> String {
    String::from_utf8(done.get_output().stderr.clone()).unwrap()
}

#[test]
fn the_exit_code_says_what_is_new() {
    let desk = Desk::new();
    desk.run(&["replay", "quiet.pcap"]).code(0);
    desk.run(&["replay", "gateway.pcap"]).code(1);
    desk.run(&["replay", "gateway.pcap", "--exit-zero"]).code(0);
    desk.run(&["replay", "gateway.pcap", "--store", "s.sqlite"]).code(1);
    desk.run(&["replay", "tomorrow.pcap", "--store", "s.sqlite"]).code(0);
    // The same captures are the same run, and get the same answer.
    desk.run(&["replay", "gateway.pcap", "--store", "s.sqlite"]).code(1);
    for read in [&["points", "--store", "s.sqlite"][..], &["runs", "--store", "s.sqlite"]] {
        assert!(!stdout(&desk.run(read).code(0)).is_empty(), "{read:?}");
    }
}

#[test]
fn a_capture_that_is_cut_is_partial_and_says_where() {
    let desk = Desk::new();
    let whole = pcap(&gateway());
    desk.put("cut.pcap", &whole[..whole.len() - 10]);
    for arguments in [&["replay", "cut.pcap"][..], &["replay", "cut.pcap", "--exit-zero"]] {
        let words = stdout(&desk.run(arguments).code(2));
        assert!(words.contains("cut.pcap: packet 2 at byte 230"), "{words}");
    }
}

#[test]
fn an_error_names_the_file_the_place_and_the_way_out() {
    let desk = Desk::new();
    desk.put("empty.pcap", b"");
    desk.put("letter.pcap", b"Dear administrator, this is no capture at all");
    desk.put("spelt.toml", b"[facility]\nname = \"x\"\n\n[scope]\nincldue = [\"10.0.0.0/8\"]\n");
    desk.put("bits.toml", b"[facility]\nname = \"x\"\n[scope]\ninside = [\"10.10.1.0/16\"]\n");
    desk.put("broken.toml", b"[facility\n");
    desk.put("nameless.toml", b"[facility]\nid = \"1310000\"\n");
    desk.put("letter.sqlite", b"Dear administrator, this is no inventory at all");
    let gateway = "gateway.pcap";
    let cases: &[(&[&str], &[&str])] = &[
        (&["replay", "missing.pcap"], &["missing.pcap", "No such file"]),
        (&["replay", "."], &["folder", "name the files"]),
        (&["replay", "empty.pcap"], &["empty.pcap", "empty"]),
        (&["replay", "letter.pcap"], &["letter.pcap", "pcapng", "editcap"]),
        (&["replay", gateway, "missing.pcap"], &["missing.pcap"]),
        (&["replay", gateway, "--scope", "missing.toml"], &["missing.toml", "No such file"]),
        (&["replay", gateway, "--scope", "broken.toml"], &["broken.toml", "line 1"]),
        (&["replay", gateway, "--scope", "nameless.toml"], &["nameless.toml", "name"]),
        (
            &["replay", gateway, "--scope", "spelt.toml"],
            &["spelt.toml", "line 5", "incldue", "did you mean `include`?"],
        ),
        (
            &["replay", gateway, "--scope", "bits.toml"],
            &["bits.toml", "line 4", "did you mean 10.10.0.0/16?"],
        ),
        (&["replay", gateway, "--store", "letter.sqlite"], &["letter.sqlite", "another file"]),
        (&["replay", gateway, "--store", "no/such/s.sqlite"], &["s.sqlite", "folder exists"]),
        (&["replay", gateway, "--json", "no/such/p.json"], &["p.json", "folder exists"]),
        (&["replay", gateway, "--report", gateway], &[gateway, "cannot be written"]),
        (&["replay", gateway, "--signatures", "missing"], &["missing", "<role>"]),
        (&["points", "--store", "missing.sqlite"], &["missing.sqlite", "replay"]),
        (&["points", "--store", "letter.sqlite"], &["letter.sqlite", "another file"]),
        (&["points", "--store", "x", "--kind", "vpn_gatway"], &["did you mean `vpn_gateway`?"]),
        (&["show", "p1", "--store", "missing.sqlite"], &["missing.sqlite", "replay"]),
        (&["report", "out", "--store", "missing.sqlite"], &["missing.sqlite", "replay"]),
        (&["signatures", "check", "missing"], &["missing"]),
        (&["replay"], &["<FILE>", "Usage"]),
        (&["repaly", gateway], &["repaly", "replay"]),
    ];
    for (arguments, wanted) in cases {
        let done = desk.run(arguments).code(3);
        let (words, data) = (stderr(&done), stdout(&done));
        for wanted in *wanted {
            assert!(words.contains(wanted), "{arguments:?}: no `{wanted}` in: {words}");
        }
        assert!(!words.contains("panicked"), "{arguments:?}: {words}");
        assert!(data.is_empty() || arguments[0] == "signatures", "{arguments:?} wrote {data}");
    }
}

#[test]
fn results_that_would_be_mixed_are_refused() {
    let desk = Desk::new();
    for place in ["-", "all.json"] {
        let arguments = ["replay", "gateway.pcap", "--json", place, "--observations", place];
        let words = stderr(&desk.run(&arguments).code(3));
        assert!(words.contains("--json and --observations both go to"), "{words}");
    }
    let arguments = ["report", "out", "--store", "s.sqlite", "--run", "r0", "--facility", "x"];
    desk.run(&arguments).code(3);
}

#[test]
fn the_same_captures_read_with_another_inside_are_another_run() {
    let desk = Desk::new();
    let inside =
        |prefix: &str| format!("[facility]\nname = \"x\"\n[scope]\ninside = [\"{prefix}\"]\n");
    desk.put("wrong.toml", inside("10.0.0.0/8").as_bytes());
    desk.put("right.toml", inside("192.168.0.0/16").as_bytes());
    let replay = |scope: &str| {
        let arguments =
            ["replay", "gateway.pcap", "--scope", scope, "--store", "s.sqlite", "--json", "-"];
        let done = desk.command(&arguments).arg("--exit-zero").assert().code(0);
        serde_json::from_str::<Value>(&stdout(&done)).unwrap()["points"].clone()
    };
    assert_eq!(replay("wrong.toml").as_array().map(Vec::len), Some(0));
    assert_eq!(replay("right.toml").as_array().map(Vec::len), Some(1));
}

#[test]
fn a_facility_narrows_what_is_shown_and_is_spelt_right() {
    let desk = Desk::new();
    let replay = |scope: &str| {
        desk.run(&["replay", "gateway.pcap", "--scope", scope, "--store", "s", "--exit-zero"])
            .code(0);
    };
    desk.put("other.toml", b"[facility]\nname = \"other\"\n");
    replay("facility.toml");
    replay("other.toml");
    let words = stderr(&desk.run(&["show", "p", "--store", "s"]).code(3));
    assert!(words.contains("name the facility"), "{words}");
    desk.run(&["show", "p", "--store", "s", "--facility", "other"]).code(0);
    let words = stderr(&desk.run(&["points", "--store", "s", "--facility", "othr"]).code(3));
    assert!(words.contains("othr") && words.contains("other, 関所記念病院"), "{words}");
}

#[test]
fn a_point_that_is_not_there_is_told_with_the_command_that_lists_them() {
    let desk = Desk::new();
    desk.run(&["replay", "gateway.pcap", "--store", "s.sqlite", "--exit-zero"]).code(0);
    let words = stderr(&desk.run(&["show", "pzzz", "--store", "s.sqlite"]).code(3));
    assert!(words.contains("pzzz") && words.contains("sekisho points"), "{words}");
    let words = stderr(&desk.run(&["report", "out", "--store", "s.sqlite", "--run", "r0"]).code(3));
    assert!(words.contains("r0") && words.contains("sekisho runs"), "{words}");
}

#[test]
fn the_first_command_of_the_readme_does_what_it_says() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(project.join("README.md")).unwrap();
    let line =
        readme.lines().find_map(|line| line.strip_prefix("cargo run --release -- ")).unwrap();
    let desk = Desk::new();
    // Fixtures are where the project is; results go to the desk.
    let arguments: Vec<String> = line
        .split(' ')
        .map(|word| match word.strip_prefix("fixtures/") {
            Some(rest) => project.join("fixtures").join(rest).display().to_string(),
            None => word.to_owned(),
        })
        .collect();
    desk.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).code(0);
    for file in ["hospital.sqlite", "out/report.ja.html", "out/report.en.html"] {
        assert!(desk.path(file).is_file(), "{file}");
        assert!(readme.contains(file.trim_start_matches("out/")), "README.md does not name {file}");
    }
}

#[test]
fn every_command_of_the_readme_is_one() {
    let readme =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let desk = Desk::new();
    let commands = commands(&desk);
    let mut checked = 0;
    for line in readme.lines().filter(|line| !line.starts_with(['|', '`'])) {
        let called = line
            .split_once("sekisho ")
            .filter(|(before, _)| before.is_empty() || before.ends_with("| "));
        let Some((_, rest)) = called else { continue };
        let rest = rest.split(['#', '|', '>']).next().unwrap_or(rest);
        let words: Vec<&str> = rest.split_whitespace().collect();
        assert!(commands.iter().any(|command| command == words[0]), "{line}");
        let mut help = stdout(&desk.run(&[words[0], "--help"]).code(0));
        if help.contains("Commands:") {
            help = stdout(&desk.run(&[words[0], words[1], "--help"]).code(0));
        }
        for option in words.iter().filter(|word| word.starts_with("--")) {
            assert!(help.contains(option), "{line}: {option}");
        }
        checked += 1;
    }
    assert!(checked >= 10, "{checked}");
}

#[test]
fn json_on_standard_output_is_all_that_is_there() {
    let desk = Desk::new();
    let arguments = ["replay", "gateway.pcap", "--scope", "facility.toml", "--json", "-"];
    let done = desk.run(&arguments).code(1);
    let points: Value = serde_json::from_str(&stdout(&done)).unwrap();
    assert_eq!(points["schema"], "sekisho.points/1");
    assert_eq!(points["facility"], "関所記念病院");
    assert_eq!(points["points"][0]["kind"], "vpn_gateway");
    assert_eq!(points["points"][0]["because"][0]["observation"], "gateway.pcap#2");
    let done = desk.run(&["replay", "gateway.pcap", "--observations", "-"]).code(1);
    let lines: Vec<Value> =
        stdout(&done).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().any(|line| line["protocol"] == "wireguard"), "{lines:?}");
}

#[test]
fn a_capture_may_come_from_standard_input() {
    let desk = Desk::new();
    let arguments = ["replay", "-", "--quiet", "--json", "-"];
    let done = desk.command(&arguments).write_stdin(pcap(&gateway())).assert().code(1);
    let points: Value = serde_json::from_str(&stdout(&done)).unwrap();
    assert_eq!(points["points"][0]["addresses"][0], "192.168.0.1");
    assert_eq!(stderr(&done), "");
}

#[test]
fn the_report_is_written_in_both_languages() {
    let desk = Desk::new();
    let arguments = ["replay", "gateway.pcap", "--report", "out", "--store", "s.sqlite"];
    desk.run(&arguments).code(1);
    desk.run(&["report", "again", "--store", "s.sqlite"]).code(0);
    for folder in ["out", "again"] {
        for file in
            ["report.ja.html", "report.en.html", "report.ja.txt", "report.en.txt", "points.json"]
        {
            let written = fs::read_to_string(desk.path(folder).join(file)).unwrap();
            assert!(written.contains("192.168.0.1"), "{folder}/{file}");
        }
    }
}

#[test]
fn the_checklist_and_the_plan_are_told_of_what_the_inventory_holds() {
    let desk = Desk::new();
    let edition = |name: &str| {
        let arguments = ["checklist", "--store", "s.sqlite", "--json", "--edition", name];
        let said = stdout(&desk.run(&arguments).code(0));
        let whole: Value = serde_json::from_str(&said).unwrap();
        let names = whole["checklists"].as_array().unwrap().iter();
        names.map(|one| one["edition"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    desk.run(&["replay", "gateway.pcap", "--store", "s.sqlite", "--checklist", "r6"]).code(1);
    assert_eq!(edition("R5"), ["R5"]);
    assert_eq!(edition("all"), ["R7", "R6", "R5"]);
    let refused =
        stderr(&desk.run(&["checklist", "--store", "s.sqlite", "--edition", "R4"]).code(3));
    assert!(refused.contains("no such edition; use one of R7, R6, R5, all"), "{refused}");
    let japanese = ["checklist", "--store", "s.sqlite", "--lang", "ja"];
    let japanese = stdout(&desk.run(&japanese).code(0));
    assert!(japanese.contains("2-①") && japanese.contains("要確認"), "{japanese}");
    let plan = ["plan", "--store", "s.sqlite", "--json"];
    let plan: Value = serde_json::from_str(&stdout(&desk.run(&plan).code(0))).unwrap();
    assert_eq!(plan["before"], 1, "{plan:#}");
    assert!(stdout(&desk.run(&["plan", "--store", "s.sqlite"]).code(0)).contains("points: 1 → 1"));
}

#[test]
fn the_language_is_asked_for_or_taken_from_the_locale() {
    let desk = Desk::new();
    let said = |command: &mut Command| stdout(&command.assert());
    let arguments = ["replay", "gateway.pcap"];
    let english = said(&mut desk.command(&arguments));
    let japanese = said(desk.command(&arguments).args(["--lang", "ja"]));
    assert_ne!(english, japanese);
    assert_eq!(said(desk.command(&arguments).env("LANG", "ja_JP.UTF-8")), japanese);
    assert_eq!(said(desk.command(&arguments).env("SEKISHO_LANG", "ja")), japanese);
    assert!(!english.contains('\u{1b}'), "colours belong on a terminal");
}

#[test]
fn the_same_capture_gives_the_same_bytes_whatever_the_order_and_the_cores() {
    let desk = Desk::new();
    desk.put("later.pcap", &pcap(&gateway()[..1]));
    let said = |threads: &str, files: [&str; 2]| {
        let arguments = ["replay", files[0], files[1], "--json", "-"];
        stdout(&desk.command(&arguments).env("RAYON_NUM_THREADS", threads).assert().code(1))
    };
    let once = said("1", ["gateway.pcap", "later.pcap"]);
    assert_eq!(said("4", ["later.pcap", "gateway.pcap"]), once);
}

#[test]
fn every_command_has_help_with_an_example() {
    let desk = Desk::new();
    for command in commands(&desk) {
        let help = stdout(&desk.run(&[&command, "--help"]).code(0));
        assert!(help.contains("Usage: sekisho"), "{command}: {help}");
        assert!(help.contains("Example") || command == "help", "{command} has no example");
        assert!(help.lines().all(|line| line.chars().count() <= 160), "{command}: {help}");
    }
    let help = stdout(&desk.run(&["--help"]).code(0));
    assert!(help.contains("Exit: 0"), "{help}");
    assert!(stdout(&desk.run(&["--version"]).code(0)).starts_with("sekisho "));
}

/// The commands that the help lists.
fn commands(desk: &Desk) -> Vec<String> {
    let help = stdout(&desk.run(&["--help"]).code(0));
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let commands: Vec<String> = listed
        .take_while(|line| line.starts_with("  "))
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next())
        .filter(|name| !name.is_empty() && *name != "help")
        .map(str::to_owned)
        .collect();
    assert!(commands.len() >= 8, "{help}");
    commands
}

#[test]
fn completions_are_there_for_the_usual_shells() {
    let desk = Desk::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = stdout(&desk.run(&["completions", shell]).code(0));
        for word in ["sekisho", "replay", "observations"] {
            assert!(script.contains(word), "{shell}: no {word}");
        }
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let desk = Desk::new();
    desk.run(&["man", "man1"]).code(0);
    for command in commands(&desk) {
        let page = desk.path("man1").join(format!("sekisho-{command}.1"));
        assert!(fs::read_to_string(&page).unwrap().contains(".SH SYNOPSIS"), "{command}");
    }
    assert!(desk.path("man1/sekisho.1").is_file());
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let desk = Desk::new();
    desk.run(&["replay", "gateway.pcap", "--store", "s.sqlite", "--exit-zero"]).code(0);
    for arguments in [
        &["completions", "bash"][..],
        &["replay", "gateway.pcap", "--observations", "-", "--exit-zero"],
        &["points", "--store", "s.sqlite"],
        &["runs", "--store", "s.sqlite"],
        &["report", "out", "--store", "s.sqlite"],
        &["signatures", "match", "ssh.banner", "x"],
        &["--help"],
    ] {
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_sekisho"))
            .current_dir(desk.0.path())
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let done = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&done.stderr), "", "{arguments:?}");
        assert!(done.status.success(), "{arguments:?}: {}", done.status);
    }
}

#[test]
fn identify_answers_each_line_with_a_line() {
    let desk = Desk::new();
    let asked = "{\"field\": \"ssh.banner\", \"value\": \"nothing anybody makes\", \"id\": 7}\n\n\
        {\"field\": \"no.such_field\", \"value\": \"関所\"}\n";
    let done = desk.command(&["identify"]).write_stdin(asked).assert().code(0);
    let answers: Vec<Value> =
        stdout(&done).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), 2);
    assert_eq!(answers[0]["id"], 7);
    assert!(answers.iter().all(|answer| answer["matches"].is_array()), "{answers:?}");

    let done = desk.command(&["identify"]).write_stdin("{}\nssh.banner x\n").assert().code(3);
    assert!(stderr(&done).contains("line 1"), "{}", stderr(&done));
}

#[test]
fn a_faulty_rule_is_told_with_its_place_and_may_be_left_out() {
    let desk = Desk::new();
    let folder = desk.path("mine/router");
    fs::create_dir_all(&folder).unwrap();
    desk.put("mine/vocabulary.toml", b"vendors = [\"Acme\"]");
    let rule = |name: &str, pattern: &str| {
        format!(
            "[[rule]]\nid = \"acme-gate.{name}\"\nfield = \"http.title\"\nmatches = '{pattern}'\n\
             confidence = \"certain\"\nsource = \"by hand\"\nexample = [{{ value = \"Gate 9\" }}]\n\
             unlike = [\"Gate\"]\n\n"
        )
    };
    let head = "vendor = \"Acme\"\nproduct = \"Gate\"\nrole = \"router\"\n\n";
    let text = [head, &rule("good", "^Gate [0-9]$"), &rule("loose", "Gate [0-9]+")].concat();
    desk.put("mine/router/acme-gate.toml", text.as_bytes());
    let place = "router/acme-gate.toml:15: rule `acme-gate.loose`: pattern is not anchored";

    let fact = "{\"field\": \"http.title\", \"value\": \"Gate 9\"}\n";
    let identify = |more: &[&str]| {
        let arguments = [&["identify", "--signatures", "mine"], more].concat();
        desk.command(&arguments).write_stdin(fact).assert()
    };
    let refused = identify(&[]).code(3);
    assert!(stderr(&refused).contains(place), "{}", stderr(&refused));
    assert_eq!(stdout(&refused), "");
    let left = identify(&["--lenient"]).code(0);
    assert!(stderr(&left).contains(place), "{}", stderr(&left));
    let answer: Value = serde_json::from_str(&stdout(&left)).unwrap();
    assert_eq!(answer["matches"][0]["signature"], "acme-gate");
    assert_eq!(answer["matches"][0]["confidence"], 0.95, "one rule spoke");
    let checked = desk.run(&["signatures", "check", "mine"]).code(3);
    assert!(stderr(&checked).contains(place) && stdout(&checked).contains("1 rules, 1 errors"));
    let absent = desk.run(&["signatures", "list", "--signatures", "nowhere", "--lenient"]).code(3);
    assert!(stderr(&absent).contains("nowhere: cannot be read"), "{}", stderr(&absent));
}

#[test]
fn a_capture_is_anonymised_by_a_key_and_never_over_itself() {
    let desk = tempfile::tempdir().unwrap();
    let (from, to) = (desk.path().join("a.pcapng"), desk.path().join("b.pcapng"));
    std::fs::copy("fixtures/captures/format_pcapng/capture.pcapng", &from).unwrap();
    let anonymise = |arguments: &[&str], to: &std::path::Path| {
        let mut command = assert_cmd::Command::cargo_bin("sekisho").unwrap();
        command.arg("anonymise").arg(&from).arg(to).args(arguments).output().unwrap()
    };
    assert_eq!(anonymise(&["--seed", "7"], &from).status.code(), Some(3));
    assert_eq!(anonymise(&["--seed", "7"], &to).status.code(), Some(0));
    let first = std::fs::read(&to).unwrap();
    assert_ne!(first, std::fs::read(&from).unwrap());
    assert_eq!(anonymise(&["--seed", "7"], &to).status.code(), Some(0));
    assert_eq!(std::fs::read(&to).unwrap(), first);
    let short = desk.path().join("short.key");
    std::fs::write(&short, b"1234").unwrap();
    let refused = anonymise(&["--key", short.to_str().unwrap()], &to);
    assert_eq!(refused.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("4 bytes can be guessed"));
}

/// A catalogue of invented vulnerabilities, as somebody carries it along.
fn stick(desk: &Desk) {
    let catalogue = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/kev/invented.json");
    desk.put("stick.json", &fs::read(catalogue).unwrap());
}

#[test]
fn a_catalogue_is_taken_whole_and_never_goes_back_unless_it_is_said() {
    let desk = Desk::new();
    stick(&desk);
    let before = stdout(&desk.run(&["data", "list"]).code(0));
    assert!(
        before.starts_with("shipped   2026-08-07: ") && before.contains("brought   nothing"),
        "{before}"
    );
    let done = stdout(&desk.run(&["data", "update", "stick.json"]).code(0));
    assert!(done.contains("of 2027-01-15: 6 vulnerabilities"), "{done}");
    assert!(done.contains("known here 2, changed 2, new 2"), "{done}");
    assert!(desk.path("data/kev.json").is_file());
    let after = stdout(&desk.run(&["data", "list"]).code(0));
    assert!(after.contains("brought   2027-01-15: 6 vulnerabilities"), "{after}");
    // The same again changes nothing.
    let again = stdout(&desk.run(&["data", "update", "stick.json"]).code(0));
    assert!(again.contains("known here 4, changed 0, new 0"), "{again}");

    let kept = fs::read(desk.path("data/kev.json")).unwrap();
    let text = fs::read_to_string(desk.path("stick.json")).unwrap();
    desk.put("older.json", text.replace("2027-01-15T", "2026-12-01T").as_bytes());
    let refused = stderr(&desk.run(&["data", "update", "older.json"]).code(3));
    assert!(
        refused.contains("older.json: of 2026-12-01, older than") && refused.contains("`--older`"),
        "{refused}"
    );
    desk.put("cut.json", &text.as_bytes()[..text.len() / 2]);
    let refused = stderr(&desk.run(&["data", "update", "cut.json"]).code(3));
    assert!(refused.contains("cut.json:") && refused.contains("fetch it again"), "{refused}");
    let refused = stderr(&desk.run(&["data", "update", "none.json"]).code(3));
    assert!(refused.contains("none.json: cannot be read"), "{refused}");
    assert_eq!(
        fs::read(desk.path("data/kev.json")).unwrap(),
        kept,
        "a refusal leaves what is kept"
    );
    desk.run(&["data", "update", "older.json", "--older"]).code(0);
    assert!(fs::read(desk.path("data/kev.json")).unwrap() != kept);

    // What is damaged stops whoever would read it, and the next update mends it.
    desk.put("data/kev.json", b"{\"schema\": \"other/9\"");
    let refused = stderr(&desk.run(&["replay", "gateway.pcap"]).code(3));
    assert!(refused.contains("kev.json:1"), "{refused}");
    assert!(refused.contains("`sekisho data update FILE` makes it anew"), "{refused}");
    let mended = desk.run(&["data", "update", "stick.json"]).code(0);
    assert!(stderr(&mended).contains("kev.json:1"), "{}", stderr(&mended));
    desk.run(&["replay", "gateway.pcap", "--exit-zero"]).code(0);
}

#[test]
fn a_version_from_a_label_is_answered_in_words_and_in_json() {
    let desk = Desk::new();
    let asked = |more: &[&str]| {
        let line = ["data", "match", "yamaha", "RTX", "--model", "RTX1210"];
        stdout(&desk.run(&[&line, more].concat()).code(0))
    };
    assert!(asked(&["--version", "Rev.14.01.38"]).contains("! CVE-2021-20843  affected"));
    assert!(asked(&["--version", "Rev.14.01.40"]).contains("not among those"));
    assert!(asked(&["--lang", "ja"]).contains("版が見えない：要確認"));
    let json: Value = serde_json::from_str(&asked(&["--version", "14.01.38", "--json"])).unwrap();
    assert_eq!(json["exploited"], serde_json::json!(["CVE-2021-20843"]));
    assert_eq!(json["catalogue"], "2026-08-07");
    let json: Value = serde_json::from_str(&asked(&["--json", "--at", "2030-01-01"])).unwrap();
    assert!(json["exploited"].is_null(), "{json:#}");
    assert_eq!(json["at"], "2030-01-01");

    let refused = stderr(&desk.run(&["data", "match", "Fortinet", "FortiGato"]).code(3));
    assert!(
        refused.contains("nothing is known of `Fortinet FortiGato`; known of that vendor"),
        "{refused}"
    );
    let refused = stderr(&desk.run(&["data", "match", "Yamha", "RTX"]).code(3));
    assert!(refused.contains("the nearest vendor is `YAMAHA`"), "{refused}");
    let refused = stderr(&desk.run(&["data", "match", "YAMAHA", "RTX", "--at", "soon"]).code(3));
    assert!(refused.contains("write it as 2026-08-07"), "{refused}");
}

#[test]
fn a_run_says_which_catalogue_it_was_held_against_and_is_another_with_another() {
    let desk = Desk::new();
    stick(&desk);
    let json = || -> Value {
        let done = desk.run(&["replay", "gateway.pcap", "--json", "-", "--quiet", "--exit-zero"]);
        serde_json::from_str(&stdout(&done.code(0))).unwrap()
    };
    let day = |json: &Value| {
        let lines = json["coverage"].as_array().unwrap();
        let line = lines.iter().find(|line| line["subject"] == "exploited_known").unwrap();
        line["detail"].as_str().unwrap().to_owned()
    };
    let without = json();
    assert_eq!(day(&without), "2026-08-07");
    desk.run(&["data", "update", "stick.json"]).code(0);
    let with = json();
    assert_eq!(day(&with), "2027-01-15");
    assert_ne!(with["run"], without["run"]);
    // What was brought along elsewhere does not count.
    let line = ["replay", "gateway.pcap", "--data", "elsewhere", "--json", "-", "--exit-zero"];
    let json: Value = serde_json::from_str(&stdout(&desk.run(&line).code(0))).unwrap();
    assert_eq!(json["run"], without["run"]);
    // Who has no folder for data is told how to name one.
    let mut command = desk.command(&["data", "update", "stick.json"]);
    for name in ["SEKISHO_DATA", "XDG_DATA_HOME", "HOME"] {
        command.env_remove(name);
    }
    let done = command.assert().code(3);
    assert!(stderr(&done).contains("give one with --data DIR"), "{}", stderr(&done));
}
