//! Runs from several vantages: what is seen of a box from inside and from outside is one point, in whatever order it was
//! read, and what answers outside is told.
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

use sekisho::{
    cli::survey::simulated_from,
    fingerprint::{Matcher, Signatures},
    link::{Link as _, record::Recorder, sim::Sim},
    passive,
    scope::{Facility, Vantage},
    time::Timestamp,
};
use serde_json::Value;
use tempfile::TempDir;

/// The day of the first run: 2026-04-01.
const DAY: i64 = 1_775_001_600;

/// A folder with the facility file of two networks that are one hospital.
struct Desk(TempDir);

/// The text of a network, without the tables that are the test's.
fn network(name: &str) -> String {
    fs::read_to_string(format!("fixtures/networks/{name}.toml")).unwrap()
}

/// The facility file that stands in a network's file.
fn facility_of(text: &str) -> String {
    let table: toml::Table = toml::from_str(text).unwrap();
    table["facility"].as_str().unwrap().to_owned()
}

impl Desk {
    fn new() -> Self {
        let desk = Self(TempDir::new().unwrap());
        fs::write(desk.path("facility.toml"), facility_of(&network("outside"))).unwrap();
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Scans a network from a vantage on a day, and tells how long it took by the network's clock.
    fn scan(&self, text: &str, vantage: &str, day: i64, recording: &str) -> (Sim, i64) {
        let facility = Facility::parse(&facility_of(text), "facility.toml").unwrap();
        let signatures = Signatures::built_in().unwrap();
        let began = Timestamp::new(DAY + day * 86_400, 0);
        let sim = Sim::parse(text, "network.toml").unwrap().beginning(began);
        let (surveyed, sim) = simulated_from(
            &vantage.parse().unwrap(),
            sim,
            &facility,
            7,
            &Matcher::new(&signatures),
            &self.path(recording),
            &mut |_| {},
        )
        .unwrap();
        assert!(!surveyed.is_partial(), "{surveyed:?}");
        let took = sim.now().since(began) / 1_000_000_000;
        (sim, took)
    }

    fn run(&self, arguments: &[&str]) -> (i32, String) {
        let done = assert_cmd::Command::new(env!("CARGO_BIN_EXE_sekisho"))
            .env_remove("SEKISHO_STORE")
            .env("SEKISHO_DATA", self.path("no-data"))
            .env("COLUMNS", "160")
            .current_dir(self.0.path())
            .args(arguments)
            .output()
            .unwrap();
        let said = String::from_utf8(done.stdout).unwrap();
        let told = String::from_utf8(done.stderr).unwrap();
        (done.status.code().unwrap(), said + &told)
    }

    /// Reads recordings, and gives what is written as JSON.
    fn replay(&self, files: &[&str], more: &[&str]) -> Value {
        let own = ["--scope", "facility.toml", "--quiet", "--json", "out.json"];
        let arguments = [&["replay"], files, &own, more].concat();
        let (code, said) = self.run(&arguments);
        assert!(code < 2, "{code}: {said}");
        self.json("out.json")
    }

    /// What a store knows, as JSON.
    fn points(&self, store: &str) -> Value {
        let (code, said) = self.run(&["points", "--store", store, "--json", "points.json"]);
        assert_eq!(code, 0, "{said}");
        self.json("points.json")
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&fs::read(self.path(name)).unwrap()).unwrap()
    }
}

fn list(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect()
}

/// The point that has an address, inside or outside.
fn point<'a>(document: &'a Value, address: &str) -> &'a Value {
    let has = |point: &&Value| {
        list(&point["addresses"]).contains(&address) || list(&point["outside"]).contains(&address)
    };
    let mut found = document["points"].as_array().unwrap().iter().filter(has);
    let one = found.next().unwrap_or_else(|| panic!("nothing has {address}: {document:#}"));
    assert!(found.next().is_none(), "two have {address}: {document:#}");
    one
}

/// Whether a service answers outside, by its protocol and port.
fn answer(point: &Value, protocol: &str, port: u16) -> String {
    let all = point["restriction"].as_array().unwrap().iter();
    let mut found = all.filter(|one| one["protocol"] == protocol && one["port"] == port);
    found.next().map_or("-", |one| one["answer"].as_str().unwrap()).to_owned()
}

/// What counts of every point, in an order of its own.
fn told(document: &Value) -> BTreeSet<String> {
    let keys = ["id", "kind", "grade", "addresses", "macs", "outside", "services", "restriction"];
    let points = document["points"].as_array().unwrap().iter();
    points.map(|point| keys.map(|key| format!("{key} {}", point[key])).join("; ")).collect()
}

#[test]
fn from_outside_every_own_address_is_asked_everything_and_nothing_else_anything() {
    let desk = Desk::new();
    let (sim, took) = desk.scan(&network("outside"), "outside", 0, "outside.pcapng");
    assert!(sim.sent().iter().all(|sent| {
        let own = |to: std::net::SocketAddr| to.ip().to_string().starts_with("203.0.113.");
        sent.to.is_some_and(own)
    }));
    // An address that is silent to everything was asked at each port, and so was the one that only answers IKE.
    let heard = passive::replay(&[desk.path("outside.pcapng")], None, &|_| {}).unwrap();
    assert!(heard.files[0].vantage.is_outside());
    let doors: Vec<_> = heard.asked.from_outside().collect();
    assert_eq!(doors.len(), 8);
    for (vantage, address, doors) in &doors {
        assert_eq!(vantage.name(), "outside");
        assert_eq!(doors.asked, doors_of(&heard, "203.0.113.2").asked, "{address}");
        assert!(doors.asked.len() > 150, "{address}: {}", doors.asked.len());
    }
    let open: Vec<usize> = doors.iter().map(|(.., doors)| doors.open.len()).collect();
    assert_eq!(open, [0, 0, 1, 1, 1, 0, 1, 0]);
    assert!(took < 1200, "{took} seconds");
}

fn doors_of<'a>(heard: &'a passive::Replay, address: &str) -> &'a passive::asked::Doors {
    let address: std::net::IpAddr = address.parse().unwrap();
    heard.asked.from_outside().find(|(_, at, _)| *at == address).unwrap().2
}

#[test]
fn a_box_seen_from_both_sides_is_one_point_with_what_answers_where() {
    let desk = Desk::new();
    desk.scan(&network("inside"), "inside", 0, "inside.pcapng");
    desk.scan(&network("outside"), "outside", 1, "outside.pcapng");
    let alone = desk.replay(&["inside.pcapng"], &[]);
    let gateway = point(&alone, "10.10.0.1");
    assert_eq!(gateway["restriction"], serde_json::json!([]), "nobody looked from outside");

    let both = desk.replay(&["inside.pcapng", "outside.pcapng"], &[]);
    assert_eq!(list(&both["vantages"]), ["inside", "outside"]);
    assert_eq!(both["points"].as_array().unwrap().len(), 5, "{both:#}");
    let found = point(&both, "203.0.113.2");
    assert_eq!(found["id"], gateway["id"], "the name stays that of inside");
    assert_eq!(list(&found["addresses"]), ["10.10.0.1"]);
    assert_eq!(list(&found["seen_from"]), ["inside", "outside"]);
    assert_eq!(answer(found, "ike", 500), "open_from_outside");
    assert_eq!(answer(found, "http", 443), "not_answered_from_outside");
    assert_eq!(answer(found, "nat_pmp", 5351), "-", "what makes no service of a point is none");
    let because = found["because"].as_array().unwrap();
    let why = because.iter().find(|one| one["evidence"] == "same_box_by_address").unwrap();
    assert_eq!(why["value"], "203.0.113.2");
    assert!(why["observation"].as_str().unwrap().starts_with("outside.pcapng#"));

    // It tells no outside address, and shows the same certificate on both sides.
    let portal = point(&both, "203.0.113.3");
    assert_eq!(list(&portal["addresses"]), ["10.10.0.11"]);
    assert!(portal["because"].to_string().contains("same_box_by_identity"));
    assert_eq!(answer(portal, "http", 443), "open_from_outside");

    // Whose desktop is forwarded shows nowhere: two points, and of the one inside nothing is known from outside.
    let (inside, forwarded) = (point(&both, "10.10.0.40"), point(&both, "203.0.113.4"));
    assert_eq!(inside["restriction"], serde_json::json!([]));
    assert_eq!(forwarded["addresses"], serde_json::json!([]));
    assert_eq!(forwarded["kind"], "remote_desktop");
    let shell = point(&both, "203.0.113.6");
    assert_eq!((&shell["kind"], &shell["grade"]), (&"remote_shell".into(), &"proved".into()));
}

#[test]
fn who_looks_from_a_private_address_behind_a_line_of_his_own_is_outside_all_the_same() {
    let desk = Desk::new();
    let home = network("outside").replace("198.51.100.", "192.168.1.");
    desk.scan(&home, "outside", 0, "home.pcapng");
    for scope in [&["--scope", "facility.toml"][..], &[]] {
        let arguments = ["replay", "home.pcapng", "--quiet", "--exit-zero", "--json", "-"];
        let (code, said) = desk.run(&[&arguments, scope].concat());
        assert_eq!(code, 0, "{said}");
        let found: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(found["points"].as_array().unwrap().len(), 4, "{scope:?}: {found:#}");
        let shell = point(&found, "203.0.113.6");
        assert_eq!((&shell["kind"], &shell["grade"]), (&"remote_shell".into(), &"proved".into()));
        assert!(!said.contains("192.168.1."), "nobody at home is a point: {said}");
    }
}

#[test]
fn an_inventory_says_the_same_in_whatever_order_its_runs_were_read() {
    let desk = Desk::new();
    desk.scan(&network("inside"), "inside", 0, "inside.pcapng");
    desk.scan(&network("outside"), "outside", 1, "outside.pcapng");
    let read = |file: &str, store: &str| desk.replay(&[file], &["--store", store]);
    read("inside.pcapng", "a.sqlite");
    let later = read("outside.pcapng", "a.sqlite");
    read("outside.pcapng", "b.sqlite");
    read("inside.pcapng", "b.sqlite");
    desk.replay(&["inside.pcapng", "outside.pcapng"], &["--store", "c.sqlite"]);
    let (a, b, c) = (desk.points("a.sqlite"), desk.points("b.sqlite"), desk.points("c.sqlite"));
    assert_eq!(told(&a), told(&b));
    assert_eq!(told(&a), told(&c));
    let alone = desk.replay(&["inside.pcapng"], &[]);
    let id = point(&alone, "10.10.0.1")["id"].as_str().unwrap();
    assert_eq!(point(&a, "203.0.113.2")["id"], id);
    assert_eq!(list(&a["vantages"]), ["inside", "outside"]);

    // The run from outside tells of the points by the names that they have, and what is new of them; it misses nobody.
    assert_eq!(point(&later, "203.0.113.2")["id"], id);
    assert_eq!(answer(point(&later, "203.0.113.2"), "http", 443), "not_answered_from_outside");
    let changes = later["changes"].as_array().unwrap();
    let of = |id: &str| changes.iter().find(|change| change["id"] == id);
    let gateway = of(id).unwrap();
    assert_eq!(gateway["change"], "changed");
    let what: Vec<&str> =
        gateway["what"].as_array().unwrap().iter().map(|w| w["facet"].as_str().unwrap()).collect();
    assert!(what.contains(&"open_from_outside"), "{what:?}");
    assert!(!changes.iter().any(|change| change["change"] == "not_seen"), "{changes:#?}");

    // The name that the outside had before is still understood, and history has both runs.
    let outside = desk.replay(&["outside.pcapng"], &[]);
    let before = point(&outside, "203.0.113.2")["id"].as_str().unwrap();
    let (code, said) = desk.run(&["show", before, "--store", "a.sqlite", "--lang", "ja"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains(id) && said.contains("10.10.0.1") && said.contains("203.0.113.2"));
    assert!(said.contains("接続元制限"), "{said}");
    assert!(
        said.contains("外部から応答あり（outside）")
            && said.contains("外部から応答なし（outside）")
    );
    let history = said.split("これまでの調査").nth(1).unwrap();
    assert_eq!(history.lines().filter(|line| line.contains(" r")).count(), 2, "{history}");
    let (_, table) = desk.run(&["points", "--store", "a.sqlite", "--lang", "en"]);
    assert!(table.contains("From outside") && table.contains("open 1, silent "), "{table}");
    let (_, runs) = desk.run(&["runs", "--store", "a.sqlite"]);
    assert!(runs.contains("points  outside  case"), "{runs}");
}

#[test]
fn another_box_that_has_the_address_takes_it_and_silence_takes_nothing() {
    let desk = Desk::new();
    let inside = network("inside");
    let tells = "port = 5351\nrule = [{ begins = { hex = \"0000\" }, answer = { hex = \"0080 0000 00012345 cb007102\" } }]";
    assert!(inside.contains(tells));
    desk.scan(&inside, "inside", 0, "first.pcapng");
    desk.scan(&network("outside"), "outside", 1, "outside.pcapng");
    // The gateway no longer tells its address; that is no word against it.
    let silent = inside.replace(tells, "port = 5351");
    desk.scan(&silent, "inside", 2, "silent.pcapng");
    // The line is moved to another box, which tells the same.
    let moved = silent.replace(
        "[[host]]\nname = \"computer",
        &format!(
            "[[host]]\nname = \"new gateway\"\naddresses = [\"10.10.0.2\"]\nmac = \"02:10:00:00:00:02\"\n\
             [[host.udp]]\n{tells}\n\n[[host]]\nname = \"computer"
        ),
    );
    desk.scan(&moved, "inside", 3, "moved.pcapng");
    for files in [["first", "outside", "silent"], ["outside", "silent", "first"]] {
        let store = format!("{}.sqlite", files.concat());
        for file in files {
            desk.replay(&[&format!("{file}.pcapng")], &["--store", &store]);
        }
        let known = desk.points(&store);
        assert_eq!(list(&point(&known, "203.0.113.2")["addresses"]), ["10.10.0.1"]);
        let now = desk.replay(&["moved.pcapng"], &["--store", &store]);
        let known = desk.points(&store);
        let owner = point(&known, "203.0.113.2");
        assert_eq!(list(&owner["addresses"]), ["10.10.0.2"], "{owner:#}");
        let former = point(&known, "10.10.0.1");
        assert_eq!(list(&former["outside"]), Vec::<&str>::new(), "{former:#}");
        assert_eq!(former["restriction"], serde_json::json!([]));
        assert!(now["changes"].to_string().contains("open_from_outside"), "{:#}", now["changes"]);
    }
}

#[test]
fn a_service_that_falls_silent_outside_is_a_change_and_the_point_is_not_missed() {
    let desk = Desk::new();
    desk.scan(&network("inside"), "inside", 0, "inside.pcapng");
    desk.scan(&network("outside"), "outside", 1, "open.pcapng");
    // The firewall lets nobody in any more.
    let closed = network("outside").replace("port = 500\n", "port = 501\n");
    desk.scan(&closed, "outside", 2, "closed.pcapng");
    for file in ["inside.pcapng", "open.pcapng"] {
        desk.replay(&[file], &["--store", "s.sqlite"]);
    }
    let id = point(&desk.points("s.sqlite"), "203.0.113.2")["id"].clone();
    desk.replay(&["closed.pcapng"], &["--store", "s.sqlite"]);
    let known = desk.points("s.sqlite");
    let gateway = point(&known, "203.0.113.2");
    assert_eq!(gateway["id"], id);
    assert_eq!(answer(gateway, "ike", 500), "not_answered_from_outside");
    // What is open to one place outside is open, whatever another one sees.
    desk.scan(&network("outside"), "outside-mobile", 3, "mobile.pcapng");
    desk.replay(&["mobile.pcapng"], &["--store", "s.sqlite"]);
    let known = desk.points("s.sqlite");
    let gateway = point(&known, "203.0.113.2");
    assert_eq!(answer(gateway, "ike", 500), "open_from_outside");
    let ike =
        gateway["restriction"].as_array().unwrap().iter().find(|one| one["protocol"] == "ike");
    assert_eq!(list(&ike.unwrap()["vantages"]), ["outside-mobile"]);
}

/// A computer that answers remote desktop at `addresses`, on a wire of ours or behind a router.
fn ward(name: &str, ours: &str, router: &str, behind: bool) -> String {
    let facility = facility_of(&network("inside"));
    let facility = facility.replace("10.10.0.0/24\"", "10.10.3.0/24\", \"10.10.5.0/24\"");
    let rdp = "[[host.tcp]]\nport = 3389\notherwise = \"close\"\nrule = [{ begins = { hex = \"0300\" }, answer = { hex = \"030000130ed000001234000200080000000000\" } }]\n";
    let prefix = &ours[..ours.rfind('.').unwrap()];
    let far = if behind { "3" } else { "9" };
    format!(
        "origin = \"a test\"\nfacility = '''\n{facility}'''\n\
         segment = [{{ name = \"{name}\", prefixes = [\"{prefix}.0/24\"], interface = {{ name = \"{name}\", mac = \"02:10:00:00:00:fa\", \
         addresses = [\"{ours}\"] }} }}, {{ name = \"far\", prefixes = [\"10.10.{far}.0/24\"], behind = \"{prefix}.1\" }}]\n\
         [[host]]\naddresses = [{router}]\nmac = \"02:10:00:00:0{far}:01\"\n{rdp}"
    )
}

#[test]
fn one_box_on_two_vlans_and_over_a_router_is_one_point_where_addresses_overlap() {
    let desk = Desk::new();
    // Ward 3 sees the box on its wire. Ward 5 sees it on its own wire by other hardware, and its other address behind it.
    let third = ward("ward-3", "10.10.3.250", "\"10.10.3.1\"", false);
    let fifth = ward("ward-5", "10.10.5.250", "\"10.10.5.1\", \"10.10.3.1\"", true);
    desk.scan(&third, "ward-3", 0, "third.pcapng");
    desk.scan(&fifth, "ward-5", 1, "fifth.pcapng");
    let both = desk.replay(&["third.pcapng", "fifth.pcapng"], &[]);
    assert_eq!(list(&both["vantages"]), ["ward-3", "ward-5"]);
    let id = point(&desk.replay(&["third.pcapng"], &[]), "10.10.3.1")["id"].clone();
    for order in [["third.pcapng", "fifth.pcapng"], ["fifth.pcapng", "third.pcapng"]] {
        let store = format!("{}.sqlite", order[0]);
        for file in order {
            desk.replay(&[file], &["--store", &store]);
        }
        let known = desk.points(&store);
        let one = point(&known, "10.10.3.1");
        assert_eq!(one["id"], id, "{order:?}: {known:#}");
        assert_eq!(list(&one["seen_from"]), ["ward-3", "ward-5"]);
        let rdp = &one["services"].as_array().unwrap()[0];
        assert_eq!(list(&rdp["seen_from"]), ["ward-3", "ward-5"]);
    }
}

#[test]
fn a_recording_of_before_there_were_vantages_looked_from_inside() {
    let desk = Desk::new();
    let of = |plan: &str| {
        let path = desk.path("run.pcapng");
        let _ = fs::remove_file(&path);
        let sim = Sim::parse(&network("inside"), "network.toml").unwrap();
        Recorder::create(&path, plan, sim).unwrap().finish().unwrap();
        vantage_of(&path).to_string()
    };
    assert_eq!(of("{}"), "inside");
    assert_eq!(of("{\"seed\": 7}"), "inside");
    assert_eq!(of("{\"vantage\": \"outside\", \"more\": [1]}"), "outside");
    for damaged in ["", "no plan", "{\"vantage\": 7}", "{\"vantage\": \"a\\u001b b\"}"] {
        assert_eq!(of(damaged), "inside", "{damaged}");
    }
}

fn vantage_of(path: &Path) -> Vantage {
    passive::replay(&[path.to_owned()], None, &|_| {}).unwrap().files[0].vantage.clone()
}

#[test]
fn recordings_from_two_vantages_in_one_file_are_kept_apart() {
    let desk = Desk::new();
    desk.scan(&network("inside"), "inside", 0, "inside.pcapng");
    desk.scan(&network("outside"), "outside", 1, "outside.pcapng");
    let all = ["inside.pcapng", "outside.pcapng"].map(|name| fs::read(desk.path(name)).unwrap());
    fs::write(desk.path("all.pcapng"), all.concat()).unwrap();
    let heard = passive::replay(&[desk.path("all.pcapng")], None, &|_| {}).unwrap();
    let fault = heard.files[0].fault.as_ref().unwrap().to_string();
    assert!(fault.contains("keep recordings apart"), "{fault}");
    assert_eq!(heard.asked.from_outside().count(), 0);
}

#[test]
fn a_scan_from_outside_says_what_it_would_do_and_what_it_needs() {
    let desk = Desk::new();
    let (code, said) =
        desk.run(&["scan", "--scope", "facility.toml", "--vantage", "outside", "--list"]);
    assert_eq!((code, said.lines().count()), (0, 8), "{said}");
    let (code, said) =
        desk.run(&["scan", "--scope", "facility.toml", "--vantage", "outside", "--dry-run"]);
    assert_eq!(code, 0, "{said}");
    for words in ["vantage    outside", "addresses  8, over the Internet", "sweep      0 packets"] {
        assert!(said.contains(words), "{words} is not in {said}");
    }
    let text = fs::read_to_string(desk.path("facility.toml")).unwrap();
    fs::write(desk.path("without.toml"), text.replace("outside = ", "hours = [] # ")).unwrap();
    for (arguments, wanted) in [
        (
            &["--scope", "without.toml", "--vantage", "outside"][..],
            "write them into [scope] outside",
        ),
        (
            &["--scope", "facility.toml", "--vantage", "outside", "10.10.0.1"],
            "add its network to [scope] outside",
        ),
        (&["--vantage", "outside", "127.0.0.1", "--yes"], "name the file by --scope"),
        (
            &["--scope", "facility.toml", "--vantage", "outside", "--tier", "2"],
            "nothing goes further than tier 1",
        ),
        (&["--scope", "facility.toml", "--vantage", "outside", "--no-ports"], "leave it out"),
        (&["--scope", "facility.toml", "--vantage", "ward 3"], "such as ward-3"),
    ] {
        let (code, said) = desk.run(&[&["scan"], arguments].concat());
        assert!(code == 3 && said.contains(wanted), "{arguments:?}: {code} {said}");
    }
}
