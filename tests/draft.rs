//! The page on unknown boxes is true: its commands, one after the other, say what it shows.
//! `RECORD=1 cargo test --test draft` takes the recording of `fixtures/captures/unknown_box` again.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a page or a fixture that cannot be read should fail the test"
)]

use std::{fs, path::Path};

use assert_cmd::Command;
use sekisho::{
    cli::survey::{Surroundings, Survey, survey},
    fingerprint::{Matcher, Signatures},
    link::{Link as _, guard::Guard, record::Recorder, sim::Sim},
    probe::engine,
    scope::{Facility, Overrides},
};

const CASE: &str = "fixtures/captures/unknown_box";

const PAGE: &str = "docs/signatures.md";

/// What stands for lines that the page leaves out.
const AND_SO_ON: &str = "…";

/// A command of the page and what it shows under it.
#[derive(Debug)]
struct Step {
    line: usize,
    command: String,
    shown: Vec<String>,
}

/// The commands in the page's `console` blocks.
fn steps(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut inside = false;
    for (line, text) in (1..).zip(page.lines()) {
        if text.starts_with("```") {
            inside = text == "```console";
        } else if let Some(command) = text.strip_prefix("$ ").filter(|_| inside) {
            steps.push(Step { line, command: command.to_owned(), shown: Vec::new() });
        } else if inside {
            steps.last_mut().unwrap().shown.push(text.to_owned());
        }
    }
    steps
}

/// The words of a command line; double quotes hold words together.
fn words(line: &str) -> Vec<String> {
    let parts = line.split('"').enumerate();
    parts
        .flat_map(|(at, part)| match at % 2 {
            0 => part.split_whitespace().map(str::to_owned).collect(),
            _ => vec![part.to_owned()],
        })
        .collect()
}

/// Whether `said` is what is `shown`, where a line of `…` stands for any number of lines.
fn is_shown(said: &[&str], shown: &[String]) -> bool {
    match shown.split_first() {
        None => said.is_empty(),
        Some((first, rest)) if first.trim() == AND_SO_ON => {
            (0..=said.len()).any(|skipped| is_shown(&said[skipped..], rest))
        }
        Some((first, rest)) => {
            said.first().is_some_and(|line| line.trim_end() == first.trim_end())
                && is_shown(&said[1..], rest)
        }
    }
}

/// What a command says in `folder`: standard output, then standard error.
fn said(folder: &Path, command: &str) -> String {
    let mut words = words(command);
    let program = words.remove(0);
    if program == "cat" {
        return fs::read_to_string(folder.join(&words[0])).unwrap();
    }
    assert_eq!(program, "sekisho", "the page runs nothing else");
    let mut run = Command::new(env!("CARGO_BIN_EXE_sekisho"));
    for name in ["SEKISHO_STORE", "SEKISHO_LANG", "LC_ALL", "LC_MESSAGES", "LANG"] {
        run.env_remove(name);
    }
    let output = run.current_dir(folder).args(words).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    format!("{}{}", text(output.stdout), text(output.stderr))
}

/// A folder with what the page begins with.
fn desk() -> tempfile::TempDir {
    let desk = tempfile::tempdir().unwrap();
    fs::copy(format!("{CASE}/run.pcapng"), desk.path().join("monday.pcapng")).unwrap();
    fs::copy(format!("{CASE}/facility.toml"), desk.path().join("facility.toml")).unwrap();
    desk
}

#[test]
fn the_recording_is_of_the_network_beside_it() {
    let desk = tempfile::tempdir().unwrap();
    let path = desk.path().join("run.pcapng");
    let file = format!("{CASE}/network.toml");
    let network = Sim::parse(&fs::read_to_string(&file).unwrap(), &file).unwrap();
    let facility = Facility::load(&Path::new(CASE).join("facility.toml")).unwrap();
    let consent = facility
        .consent(&Overrides::default(), &network.interfaces()[0].addresses, Some(0))
        .unwrap();
    let around = Surroundings { interfaces: network.interfaces(), ..Surroundings::default() };
    let plan = Survey::of(&consent, Some(&facility), &around, Some(&[23, 80, 1723]), 7);
    let signatures = Signatures::built_in().unwrap();
    let ending = engine::Manner::of(consent.pace.profile).ending;
    let mut guard = Guard::new(Recorder::create(&path, "{}", network).unwrap(), consent);
    survey(&mut guard, &plan, &Matcher::new(&signatures), &(), &mut |_| {});
    let until = guard.now().after(ending);
    guard.finish(until);
    guard.into_parts().0.finish().unwrap();
    if std::env::var_os("RECORD").is_some() {
        fs::copy(&path, format!("{CASE}/run.pcapng")).unwrap();
    }
    let points = |path: &Path| {
        let command = format!("sekisho replay {} --json - --quiet", path.display());
        let json: serde_json::Value = serde_json::from_str(&said(desk.path(), &command)).unwrap();
        json["unrecognised"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["id"].clone())
            .collect::<Vec<_>>()
    };
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join(CASE).join("run.pcapng");
    assert_eq!(points(&path), points(&kept));
}

#[test]
fn the_page_shows_what_its_commands_say() {
    let desk = desk();
    let steps = steps(&fs::read_to_string(PAGE).unwrap());
    assert!(steps.len() >= 8, "the page has {} commands", steps.len());
    for step in &steps {
        let said = said(desk.path(), &step.command);
        let lines: Vec<&str> = said.lines().collect();
        assert!(is_shown(&lines, &step.shown), "{PAGE}:{}: $ {}\n{said}", step.line, step.command);
    }
}

#[test]
fn a_draft_tells_nothing_of_the_hospital_and_names_the_box_and_its_sister() {
    let desk = desk();
    let run = |command: &str| said(desk.path(), command);
    run("sekisho replay monday.pcapng --scope facility.toml --store s.sqlite");
    let list: serde_json::Value =
        serde_json::from_str(&run("sekisho points --store s.sqlite --json -")).unwrap();
    let first = &list["unrecognised"][0];
    assert_eq!(list["unrecognised"].as_array().unwrap().len(), 2);
    let id = first["id"].as_str().unwrap();
    let made = run(&format!(
        "sekisho signatures draft --from {id} --store s.sqlite --vendor Acme --product EdgeGate --role vpn-gateway --output mine"
    ));
    assert!(made.contains("acme-edgegate.toml"), "{made}");
    let draft =
        fs::read_to_string(desk.path().join("mine/vpn-gateway/acme-edgegate.toml")).unwrap();
    let lower = draft.to_lowercase();
    for secret in [
        "関所",
        "病院",
        "救急",
        "gw-er",
        "gw-ope",
        "sekisho-hospital",
        "10.0.0.3",
        "eg4012345678",
        "02:00:00",
        "020000",
        id,
        "hospital",
    ] {
        assert!(!lower.contains(secret), "{secret}\n{draft}");
    }
    assert!(run("sekisho signatures check mine").contains("1 products"), "{draft}");
    let json =
        run("sekisho replay monday.pcapng --scope facility.toml --add-signatures mine --json -");
    let named: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(named["unrecognised"], serde_json::json!([]));
    let models: Vec<&str> = named["points"]
        .as_array()
        .unwrap()
        .iter()
        .map(|point| point["product"]["model"].as_str().unwrap())
        .collect();
    assert_eq!(models, ["X20", "X40"]);
}

#[test]
fn what_a_draft_cannot_do_is_said_with_the_way_out() {
    let desk = desk();
    let run = |command: &str| said(desk.path(), command);
    run("sekisho replay monday.pcapng --scope facility.toml --store s.sqlite");
    let unknown = run("sekisho signatures draft --from q --store s.sqlite");
    assert!(unknown.contains("points --unrecognised"), "{unknown}");
    let folder = run("sekisho signatures draft --from p --store s.sqlite --output mine");
    assert!(folder.contains("write more of the name"), "{folder}");
    let list: serde_json::Value =
        serde_json::from_str(&run("sekisho points --store s.sqlite --json -")).unwrap();
    let id = list["unrecognised"][0]["id"].as_str().unwrap().to_owned();
    let draft = format!("sekisho signatures draft --from {id} --store s.sqlite");
    let folder = run(&format!("{draft} --output mine"));
    assert!(folder.contains("--vendor, --product and --role"), "{folder}");
    let role = run(&format!("{draft} --role doorman"));
    assert!(role.contains("no role `doorman`") && role.contains("vpn-gateway"), "{role}");
    fs::create_dir_all(desk.path().join("mine/router")).unwrap();
    run(&format!("{draft} --output mine/router/some-box.toml"));
    let again = run(&format!("{draft} --output mine/router/some-box.toml"));
    assert!(again.contains("there is a file already"), "{again}");
    fs::create_dir_all(desk.path().join("taken/router")).unwrap();
    fs::write(desk.path().join("taken/router/acme-gate.toml"), "mine").unwrap();
    let named = format!("{draft} --vendor Acme --product Gate --role router --output taken");
    assert!(run(&named).contains("there is a file already"));
    assert!(!desk.path().join("taken/vocabulary.toml").exists(), "nothing is half done");
    let checked = run("sekisho signatures check mine");
    assert!(checked.contains("the draft does not say `who makes it?`"), "{checked}");
}
