//! Hidden exits: what a scan reads from real kernels, tier by tier, and how far its packets go meanwhile.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    net::IpAddr,
    path::PathBuf,
};

use sekisho::observe::Mac;
use serde_json::Value;

use super::{
    SEKISHO,
    roles::{self, Role},
    seen::{Seen, What, seen},
    topology::Topology,
};

/// What counts as the hospital's own, and private networks that nobody need be asked about, so that looking for roads
/// takes seconds: six are left.
const INSIDE: [&str; 12] = [
    "10.0.0.0/8",
    "100.64.0.0/10",
    "172.16.0.0/14",
    "172.24.0.0/14",
    "172.28.0.0/15",
    "172.31.0.0/16",
    "192.168.0.0/24",
    "192.168.2.0/23",
    "192.168.4.0/22",
    "192.168.8.0/21",
    "192.168.16.0/20",
    "2001:db8:80::/64",
];

/// Whom questions are for, as the scan has them: a root server.
const OUTSIDE: &str = "198.41.0.4";

/// The same in IPv6.
const OUTSIDE_V6: &str = "2001:503:ba3e::2:30";

/// The virtual router of the pair, and the console that is spared.
const VIRTUAL: &str = "00:00:5e:00:01:50";
const MODALITY: &str = "00:09:1f:00:53:70";

/// Where captures are taken: the hospital's networks as their switches see them, the far ends of all lines, and what
/// lies behind those.
const LANS: [(&str, &str); 2] = [("wires", "office"), ("wires", "ward")];
const LINES: [(&str, &str); 3] =
    [("carrier", "line"), ("carrier", "radio"), ("farend", "maintenance")];
const BEYOND_THE_FIRST: [(&str, &str); 2] = [("beyond", "behind"), ("beyond", "far")];

/// The inspector's own responder, beyond the carrier's first router.
const RESPONDER: &str = "198.51.100.9:3478";

/// Words for a scan that does not ask what stands where, which is not what this is about.
const NOTHING_FURTHER: [&str; 1] = ["--no-ports"];

/// A hospital that was scanned, what was heard, and what passed its wires meanwhile.
struct Scanned {
    topology: Topology,
    /// What was heard of forwarding, by the hardware address that was asked: field and value.
    heard: BTreeMap<String, Vec<BTreeMap<String, String>>>,
    points: Vec<Value>,
    coverage: Vec<Value>,
}

/// Scans the hospital of these roles at a tier; `scope` goes into that part of the facility file, `words` to
/// the command.
fn scanned(name: &str, roles: &[&Role], tier: u8, scope: &str, words: &[&str]) -> Scanned {
    let mut topology = Topology::open(name, roles);
    if roles.iter().any(|role| role.name == "first") {
        topology.await_address("first", "10.80.1.1");
    }
    let facility = format!(
        "[facility]\nname = \"関所記念病院\"\nauthorisation = \"委託 2026-041\"\n[scope]\ntier = {tier}\n\
         include = [\"10.80.1.0/24\", \"10.80.2.0/24\", \"10.80.3.27\"]\nexclude = [\"10.80.1.80\"]\n\
         inside = {INSIDE:?}\n{scope}\n[pace]\nprofile = \"lab\"\n[fragile]\nouis = [\"00:09:1f\"]\n"
    );
    let file = topology.path("facility.toml");
    fs::write(&file, facility).unwrap();
    let there = |role: &str| role == "wires" || roles.iter().any(|known| known.name == role);
    let watched = LANS.into_iter().chain(LINES).chain(BEYOND_THE_FIRST);
    for (role, interface) in watched.filter(|(role, _)| there(role)) {
        topology.watch(role, interface);
    }
    if tier == 3 {
        let words = ["responder", "--quiet", "--listen", RESPONDER];
        topology.begin("beyond", SEKISHO, &words, "answered.ndjson");
        topology.await_port("beyond", "3478");
    }
    let mut command = topology.at("scan", SEKISHO.as_ref());
    command.args(["scan", "--exit-zero", "--quiet", "--scope"]).arg(&file).args(words);
    command.args(["--json", "points.json", "--observations", "heard.ndjson"]);
    command.args(["--record", "run.pcapng"]).env_remove("SEKISHO_STORE");
    let done = command.current_dir(topology.path("")).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    topology.stop_watching();
    if let Ok(keep) = std::env::var("E_KEEP") {
        // e-debug
        for f in fs::read_dir(topology.path("")).unwrap().flatten().filter(|f| f.path().is_file()) {
            // e-debug
            let _ = fs::copy(f.path(), format!("{keep}/{name}-{}", f.file_name().display())); // e-debug
        } // e-debug
    } // e-debug
    let read = |name: &str| fs::read_to_string(topology.path(name)).unwrap();
    let document: Value = serde_json::from_str(&read("points.json")).unwrap();
    let of = |key: &str| document[key].as_array().unwrap().clone();
    Scanned {
        heard: forwarding(&read("heard.ndjson")),
        points: of("points"),
        coverage: of("coverage"),
        topology,
    }
}

fn forwarding(lines: &str) -> BTreeMap<String, Vec<BTreeMap<String, String>>> {
    let mut all: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for line in lines.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        if line["protocol"] != "forward" {
            continue;
        }
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            Value::Array(several) => {
                several.iter().map(|one| one.as_str().unwrap()).collect::<Vec<_>>().join(" ")
            }
            other => panic!("{other}"),
        };
        let facts = line["facts"].as_object().unwrap();
        let facts = facts
            .iter()
            .map(|(field, value)| (field.trim_start_matches("forward.").to_owned(), text(value)));
        let mac = line["speaker"]["mac"].as_str().unwrap().to_owned();
        all.entry(mac).or_default().push(facts.collect());
    }
    all
}

/// The hardware address of a box in the office, by the end of its address there.
fn mac(last: u8) -> String {
    format!("00:00:5e:00:53:{last:02}")
}

impl Scanned {
    /// What was answered to short packets to `outside` with this time to live through a box: the answer and who gave it.
    fn answers(&self, mac: &str, outside: &str, time_to_live: u8) -> BTreeSet<(&str, &str)> {
        let time_to_live = time_to_live.to_string();
        let short = |facts: &&BTreeMap<String, String>| {
            facts["destination"] == outside
                && facts["time_to_live"] == time_to_live
                && !facts.contains_key("size")
                && !facts.contains_key("route")
        };
        let all = self.heard.get(mac).into_iter().flatten().filter(short);
        all.map(|facts| (facts["answer"].as_str(), facts["by"].as_str())).collect()
    }

    /// The values of a field in what was heard of a box.
    fn values(&self, mac: &str, field: &str) -> BTreeSet<&str> {
        let all = self.heard.get(mac).into_iter().flatten();
        all.filter_map(|facts| facts.get(field).map(String::as_str)).collect()
    }

    /// The point with an address or a hardware address.
    fn point(&self, named: &str) -> Option<&Value> {
        let has = |point: &&Value| {
            ["addresses", "macs"]
                .iter()
                .any(|key| point[key].as_array().unwrap().iter().any(|known| known == named))
        };
        let mut all = self.points.iter().filter(has);
        let first = all.next();
        assert!(all.next().is_none(), "{named} is two points: {:#?}", self.points);
        first
    }

    fn capture(&self, role: &str, interface: &str) -> PathBuf {
        self.topology.path(&format!("{role}-{interface}.pcap"))
    }

    /// Frames on these wires that are not what systems say there in any case.
    fn said(&self, wires: &[(&str, &str)]) -> Vec<Seen> {
        let there = |(role, interface): &&(&str, &str)| self.capture(role, interface).exists();
        let all = wires.iter().filter(there);
        let all = all.flat_map(|(role, interface)| seen(&self.capture(role, interface)));
        all.filter(|frame| !frame.is_housekeeping()).collect()
    }

    /// What holds at every tier: whom the scan must not touch it did not touch, and nobody had to answer for packets to
    /// the outside more often than once a second.
    fn was_gentle(&self) {
        let ours: [Mac; 2] = ["00:00:5e:00:53:fe", "00:00:5e:00:53:fd"].map(read);
        let sent: Vec<Seen> =
            self.said(&LANS).into_iter().filter(|frame| ours.contains(&frame.from)).collect();
        assert!(sent.len() > 500, "only {} frames were written down", sent.len());
        for frame in &sent {
            let is_arp = matches!(frame.what, What::Arp(_));
            assert!(frame.to != read(MODALITY) || is_arp, "to medical equipment: {frame:?}");
            assert!(frame.to != read(&mac(80)), "to the excluded: {frame:?}");
            let about: Option<IpAddr> = match frame.what {
                What::Arp(about) => Some(about.into()),
                What::Packet(_, to, _) => Some(to),
                What::Other => None,
            };
            assert!(about.is_none_or(|about| about != excluded()), "about the excluded: {frame:?}");
        }
        assert!(
            sent.iter().any(
                |frame| matches!(frame.what, What::Arp(about) if about.to_string() == "10.80.1.70")
            ),
            "the console was not looked for"
        );
        let mut asked: BTreeMap<Mac, Vec<i64>> = BTreeMap::new();
        for frame in sent.iter().filter(|frame| frame.is_for_the_outside()) {
            // Whoever is the virtual router answers for it, and by one hardware address on all its wires.
            let whom = if frame.to == read(VIRTUAL) { read(&mac(2)) } else { frame.to };
            asked.entry(whom).or_default().push(frame.at);
        }
        assert!(asked.len() > 2, "only {} were asked", asked.len());
        let second = 1_000_000_000;
        for (whom, mut moments) in asked {
            moments.sort_unstable();
            for (place, from) in moments.iter().enumerate() {
                let later = moments[place..].iter().take_while(|at| **at < from + 10 * second);
                // Ten seconds hold eleven moments a second apart.
                assert!(later.count() <= 11, "{whom:?} was asked too often: {moments:?}");
            }
        }
    }
}

/// A hardware address.
fn read(text: &str) -> Mac {
    let bytes: Vec<u8> =
        text.split(':').map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect();
    Mac(bytes.try_into().unwrap())
}

/// Whom the facility leaves out.
fn excluded() -> IpAddr {
    "10.80.1.80".parse().unwrap()
}

/// Which answer every box gives to a packet for the outside that may go no further than to it.
const FIRST_HOPS: [(u8, &str, &str); 8] = [
    (11, "no_route", "10.80.1.11"),
    (12, "expired", "10.80.1.12"),
    (13, "expired", "10.80.1.13"),
    (15, "expired", "10.80.1.15"),
    (16, "expired", "10.80.1.16"),
    (19, "no_route", "10.80.1.19"),
    (24, "expired", "10.80.1.24"),
    (28, "expired", "10.80.2.28"),
];

/// Those that say nothing to it: hosts, and two routers that hide.
const SILENT: [u8; 8] = [10, 14, 17, 18, 21, 22, 23, 26];

/// What the vendor's router says of one private network after the other. For the third it has a road that ends.
const ROADS: [(&str, Option<&str>); 6] = [
    ("172.20.0.1", Some("host_unreachable")),
    ("172.21.0.1", Some("prohibited")),
    ("172.22.0.1", None),
    ("172.23.0.1", Some("no_route")),
    ("172.30.0.1", Some("expired")),
    ("192.168.1.1", Some("no_route")),
];

impl Scanned {
    /// What is read at every tier.
    fn first_hops_are_read(&self) {
        for (last, answer, by) in FIRST_HOPS {
            let one = BTreeSet::from([(answer, by)]);
            assert_eq!(self.answers(&mac(last), OUTSIDE, 1), one, "{last}");
        }
        for last in SILENT {
            assert_eq!(self.answers(&mac(last), OUTSIDE, 1), BTreeSet::new(), "{last}");
        }
        for never in [&mac(20), &mac(80), MODALITY] {
            assert!(!self.heard.contains_key(never), "{never} was asked");
        }
        for (road, answer) in ROADS {
            let expected = answer.map(|answer| (answer, "10.80.1.19")).into_iter().collect();
            assert_eq!(self.answers(&mac(19), road, 1), expected, "{road}");
            let nowhere = BTreeSet::from([("no_route", "10.80.1.11")]);
            assert_eq!(self.answers(&mac(11), road, 1), nowhere, "{road}");
        }
    }

    /// What passes the lines at tier 2 dies at their far ends: whoever needs its next hop's hardware address asks for it,
    /// and no packet that is sent there would be forwarded.
    fn nothing_got_beyond_the_first_routers(&self) {
        assert_eq!(self.said(&BEYOND_THE_FIRST), [], "this went beyond the first routers");
        let lines = self.said(&LINES);
        assert!(lines.len() > 20, "nothing was asked over the lines: {lines:?}");
        for frame in lines {
            let dies = matches!(frame.what, What::Arp(_) | What::Packet(_, _, 1));
            assert!(dies, "it would have been forwarded: {frame:?}");
        }
    }

    /// Routers with a line to the carrier: who answers behind them, by which address they stand there, and that they
    /// answer for it themselves, unless they drop whatever is for them.
    fn lines_are_read(&self, routers: &[u8], dark: &[u8]) {
        for last in routers {
            let (mac, far) = (mac(*last), format!("203.0.113.{last}"));
            let carrier = BTreeSet::from([("expired", "203.0.113.1")]);
            assert_eq!(self.answers(&mac, OUTSIDE, 2), carrier, "{last}");
            let route = format!("{far} 203.0.113.1");
            assert_eq!(self.values(&mac, "route"), BTreeSet::from([route.as_str()]), "{last}");
            let own = (!dark.contains(last)).then_some(("reply", far.as_str()));
            assert_eq!(self.answers(&mac, &far, 1), own.into_iter().collect(), "{last}");
            let mtu = (*last == 15).then_some("1454");
            assert_eq!(self.values(&mac, "mtu"), mtu.into_iter().collect(), "{last}");
            assert!(self.values(&mac, "size").contains("1500"), "{last}");
        }
    }

    /// Routers that hand on to another on the same wire: who they are, whom they name, and who answers there.
    fn relays_are_read(&self, relays: &[(u8, &str, &str, &str)]) {
        for (last, own, named, next) in relays {
            let passed_on = BTreeSet::from([("redirect", *own), ("expired", *next)]);
            assert_eq!(self.answers(&mac(*last), OUTSIDE, 2), passed_on, "{last}");
            assert_eq!(self.values(&mac(*last), "gateway"), BTreeSet::from([*named]), "{last}");
        }
    }
}

impl Scanned {
    /// A router of IPv6 is told from a host that only says that it knows no way.
    fn ip_version_6_is_read(&self, tier: u8) {
        let (router, host) = ("fe80::200:5eff:fe00:5322", "fe80::200:5eff:fe00:5323");
        let expired = BTreeSet::from([("expired", router)]);
        assert_eq!(self.answers(&mac(22), OUTSIDE_V6, 1), expired);
        assert_eq!(self.answers(&mac(23), OUTSIDE_V6, 1), BTreeSet::from([("no_route", host)]));
        assert_eq!(self.answers(&mac(26), OUTSIDE_V6, 1), BTreeSet::new());
        let left_its_scope = BTreeSet::from([("beyond_scope", router)]);
        let second = if tier < 2 { BTreeSet::new() } else { left_its_scope };
        assert_eq!(self.answers(&mac(22), OUTSIDE_V6, 2), second);
        assert_eq!(self.answers(&mac(26), OUTSIDE_V6, 2), BTreeSet::new());
    }
}

#[test]
#[ignore = "needs root; .ci/run runs it"]
fn at_tier_1_those_who_forward_say_so_and_nothing_leaves_the_hospital() {
    let scanned = scanned("one", &roles::MOST, 1, "", &["--ports", "22"]);
    scanned.was_gentle();
    assert_eq!(scanned.said(&LINES), [], "this left the hospital");
    assert_eq!(scanned.said(&BEYOND_THE_FIRST), []);
    scanned.first_hops_are_read();
    scanned.ip_version_6_is_read(1);
}

#[test]
#[ignore = "needs root; .ci/run runs it"]
fn at_tier_2_the_way_behind_them_is_read_and_nothing_gets_beyond_the_first_routers() {
    let scanned = scanned("two", &roles::MOST, 2, "", &NOTHING_FURTHER);
    scanned.was_gentle();
    scanned.nothing_got_beyond_the_first_routers();
    scanned.first_hops_are_read();
    scanned.ip_version_6_is_read(2);
    scanned.lines_are_read(&[12, 14, 15, 16, 18, 24, 28], &[18]);
    scanned.relays_are_read(&[(13, "10.80.1.13", "10.80.1.12", "10.80.1.12")]);
    let vendor = BTreeSet::from([("expired", "172.30.255.1")]);
    assert_eq!(scanned.answers(&mac(19), "172.30.0.1", 2), vendor);
}

#[test]
#[ignore = "needs root; .ci/run runs it"]
fn a_pair_with_a_virtual_address_and_the_core_that_leaves_by_it_are_read() {
    let scanned = scanned("pair", &roles::PAIRED, 2, "", &NOTHING_FURTHER);
    scanned.was_gentle();
    scanned.nothing_got_beyond_the_first_routers();
    for (mac, by) in
        [(mac(2), "10.80.1.2"), (mac(3), "10.80.1.3"), (VIRTUAL.to_owned(), "10.80.1.2")]
    {
        assert_eq!(scanned.answers(&mac, OUTSIDE, 1), BTreeSet::from([("expired", by)]), "{mac}");
    }
    scanned.lines_are_read(&[2, 3], &[]);
    let virtual_route = BTreeSet::from(["203.0.113.2 203.0.113.1"]);
    assert_eq!(scanned.values(VIRTUAL, "route"), virtual_route);
    // The core has a foot on two wires, and names the pair on that of the pair alone.
    let core = BTreeSet::from([("expired", "10.80.1.254"), ("expired", "10.80.2.254")]);
    assert_eq!(scanned.answers(&mac(25), OUTSIDE, 1), core);
    scanned.relays_are_read(&[(25, "10.80.1.254", "10.80.1.1", "10.80.1.2")]);
    // Nobody can be asked by a hardware address on a wire where the scan has no foot, and it is said.
    assert!(!scanned.heard.contains_key(&mac(27)));
}

#[test]
#[ignore = "needs root; .ci/run runs it"]
fn at_tier_3_the_responder_tells_each_road_its_address_and_hears_nothing_else() {
    use roles::{BEYOND, CARRIER, DARK, MUTE, NARROW, NAT, PLAIN, RELAY, ROUTED};
    let roles = [&CARRIER, &BEYOND, &NAT, &RELAY, &MUTE, &NARROW, &ROUTED, &DARK, &PLAIN];
    let responder = format!("responder = \"{RESPONDER}\"");
    let scanned = scanned("three", &roles, 3, &responder, &NOTHING_FURTHER);
    scanned.was_gentle();
    // Without NAT it sees our own address. Through a relay it sees what it sees through the router behind.
    let mapped = [
        (12, "203.0.113.12"),
        (13, "203.0.113.12"),
        (14, "203.0.113.14"),
        (15, "203.0.113.15"),
        (16, "10.80.1.240"),
        (18, "203.0.113.18"),
    ];
    for (last, address) in mapped {
        assert_eq!(scanned.values(&mac(last), "mapped"), BTreeSet::from([address]), "{last}");
    }
    assert_eq!(scanned.values(&mac(10), "mapped"), BTreeSet::new());
    let told = fs::read_to_string(scanned.topology.path("answered.ndjson")).unwrap();
    let from = told.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let from: BTreeSet<String> = from
        .map(|line| line["from"].as_str().unwrap().split(':').next().unwrap().to_owned())
        .collect();
    assert_eq!(from, mapped.iter().map(|(_, address)| (*address).to_owned()).collect());
    let responder: IpAddr = RESPONDER.split(':').next().unwrap().parse().unwrap();
    let beyond = scanned.said(&BEYOND_THE_FIRST);
    assert!(beyond.len() >= mapped.len(), "{beyond:?}");
    for frame in beyond {
        let for_it = matches!(frame.what, What::Packet(_, to, _) if to == responder);
        assert!(for_it || matches!(frame.what, What::Arp(_)), "somebody else was sent {frame:?}");
    }
}

#[test]
#[ignore = "needs root; .ci/run runs it"]
fn with_consent_routers_of_other_prefixes_and_hosts_with_a_telephone_are_found() {
    use roles::{BEYOND, CARRIER, FOREIGN, GUEST, PLAIN, STRICT, WEAK};
    let roles = [&CARRIER, &BEYOND, &FOREIGN, &GUEST, &STRICT, &WEAK, &PLAIN];
    let foreign = "foreign = [\"heard\", \"192.168.42.16/28\", \"192.168.42.17/32\"]";
    let scanned = scanned("foreign", &roles, 2, foreign, &NOTHING_FURTHER);
    scanned.was_gentle();
    assert_eq!(scanned.answers(&mac(20), OUTSIDE, 1), BTreeSet::from([("expired", "192.168.1.1")]));
    assert_eq!(scanned.answers(&mac(20), OUTSIDE, 2), BTreeSet::from([("expired", "203.0.113.1")]));
    assert_eq!(scanned.values(&mac(20), "borrowed"), BTreeSet::from(["yes"]));
    assert_eq!(scanned.said(&BEYOND_THE_FIRST), []);
    // One answers for its other foot by ARP, the other to what is sent to its hardware address.
    let strict = BTreeSet::from([("reply", "192.168.42.17")]);
    assert_eq!(scanned.answers(&mac(17), "192.168.42.17", 1), strict);
}
