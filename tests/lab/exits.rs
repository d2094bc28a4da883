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

/// A hospital that was scanned, what was heard, and what passed its wires meanwhile.
struct Scanned {
    topology: Topology,
    /// What was heard of forwarding, by the hardware address that was asked: field and value.
    heard: BTreeMap<String, Vec<BTreeMap<String, String>>>,
    points: Vec<Value>,
    coverage: Vec<Value>,
}

/// Scans the hospital of these roles at a tier; `scope` goes into that part of the facility file.
fn scanned(name: &str, roles: &[&Role], tier: u8, scope: &str) -> Scanned {
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
    command.args(["scan", "--exit-zero", "--quiet", "--ports", "22", "--scope"]).arg(&file);
    command.args(["--json", "points.json", "--observations", "heard.ndjson"]);
    command.args(["--record", "run.pcapng"]).env_remove("SEKISHO_STORE");
    let done = command.current_dir(topology.path("")).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    topology.stop_watching();
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

/// Which answer every box gives to a packet for the outside that may go no further than to it, and by which address.
fn first_hops() -> Vec<(String, &'static str, &'static str)> {
    let own = |last, answer, by| (mac(last), answer, by);
    vec![
        own(2, "expired", "10.80.1.2"),
        own(3, "expired", "10.80.1.3"),
        (VIRTUAL.to_owned(), "expired", "10.80.1.2"),
        own(11, "no_route", "10.80.1.11"),
        own(12, "expired", "10.80.1.12"),
        own(13, "expired", "10.80.1.13"),
        own(15, "expired", "10.80.1.15"),
        own(16, "expired", "10.80.1.16"),
        own(19, "no_route", "10.80.1.19"),
        own(24, "expired", "10.80.1.24"),
        own(28, "expired", "10.80.2.28"),
    ]
}

/// Those that say nothing to it: hosts, and two routers that hide.
const SILENT: [u8; 8] = [10, 14, 17, 18, 21, 22, 23, 26];

impl Scanned {
    /// What is read at every tier.
    fn first_hops_are_read(&self) {
        for (mac, answer, by) in first_hops() {
            assert_eq!(self.answers(&mac, OUTSIDE, 1), BTreeSet::from([(answer, by)]), "{mac}");
        }
        // The core has a foot on two wires.
        let core = BTreeSet::from([("expired", "10.80.1.254"), ("expired", "10.80.2.254")]);
        assert_eq!(self.answers(&mac(25), OUTSIDE, 1), core);
        for last in SILENT {
            assert_eq!(self.answers(&mac(last), OUTSIDE, 1), BTreeSet::new(), "{last}");
        }
        for never in [&mac(20), &mac(70), &mac(80), &mac(27), MODALITY] {
            assert!(!self.heard.contains_key(never), "{never} was asked");
        }
        // The vendor's router, road by road.
        let roads = [
            ("172.20.0.1", Some("host_unreachable")),
            ("172.21.0.1", Some("prohibited")),
            ("172.22.0.1", None),
            ("172.23.0.1", Some("no_route")),
            ("172.30.0.1", Some("expired")),
            ("192.168.1.1", Some("no_route")),
        ];
        for (road, answer) in roads {
            let expected = answer.map(|answer| (answer, "10.80.1.19")).into_iter().collect();
            assert_eq!(self.answers(&mac(19), road, 1), expected, "{road}");
            let nowhere = BTreeSet::from([("no_route", "10.80.1.11")]);
            assert_eq!(self.answers(&mac(11), road, 1), nowhere, "{road}");
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
    let scanned = scanned("one", &roles::ALL, 1, "");
    scanned.first_hops_are_read();
    scanned.was_gentle();
    assert_eq!(scanned.said(&LINES), [], "this left the hospital");
    assert_eq!(scanned.said(&BEYOND_THE_FIRST), []);
    scanned.ip_version_6_is_read(1);
}

#[test]
#[ignore = "needs root; .ci/run runs it"]
fn at_tier_2_the_way_behind_them_is_read_and_nothing_gets_beyond_the_first_routers() {
    let scanned = scanned("two", &roles::ALL, 2, "");
    scanned.first_hops_are_read();
    scanned.was_gentle();
    assert_eq!(scanned.said(&BEYOND_THE_FIRST), [], "this went beyond the first routers");
    // Whoever needs its next hop's hardware address asks for it; what is sent there dies there.
    for frame in scanned.said(&LINES) {
        let dies = matches!(frame.what, What::Arp(_) | What::Packet(_, _, 1));
        assert!(dies, "it would have been forwarded: {frame:?}");
    }
    let carrier = BTreeSet::from([("expired", "203.0.113.1")]);
    for whom in [2, 3, 12, 14, 15, 16, 18, 24, 28] {
        assert_eq!(scanned.answers(&mac(whom), OUTSIDE, 2), carrier, "{whom}");
        let route = format!("203.0.113.{whom} 203.0.113.1");
        assert_eq!(scanned.values(&mac(whom), "route"), BTreeSet::from([route.as_str()]), "{whom}");
        // Only the box itself answers for its far side; the one that drops what is for it does not.
        let far = format!("203.0.113.{whom}");
        let own =
            if whom == 18 { BTreeSet::new() } else { BTreeSet::from([("reply", far.as_str())]) };
        assert_eq!(scanned.answers(&mac(whom), &far, 1), own, "{whom}");
    }
    let relays = [
        (13, "10.80.1.13", "10.80.1.12", "10.80.1.12"),
        (25, "10.80.1.254", "10.80.1.1", "10.80.1.2"),
    ];
    for (whom, by, to, next) in relays {
        let passed_on = BTreeSet::from([("redirect", by), ("expired", next)]);
        assert_eq!(scanned.answers(&mac(whom), OUTSIDE, 2), passed_on, "{whom}");
        assert_eq!(scanned.values(&mac(whom), "gateway"), BTreeSet::from([to]), "{whom}");
    }
    let vendor = BTreeSet::from([("expired", "172.30.255.1")]);
    assert_eq!(scanned.answers(&mac(19), "172.30.0.1", 2), vendor);
    assert_eq!(scanned.values(&mac(15), "mtu"), BTreeSet::from(["1454"]));
    for whole in [2, 3, 12, 14, 16, 18, 24, 28] {
        assert_eq!(scanned.values(&mac(whole), "mtu"), BTreeSet::new(), "{whole}");
        assert!(scanned.values(&mac(whole), "size").contains("1500"), "{whole}");
    }
    scanned.ip_version_6_is_read(2);
}

#[test]
#[ignore = "needs root; .ci/run runs it"]
fn at_tier_3_the_responder_tells_each_road_its_address_and_hears_nothing_else() {
    use roles::{BEYOND, CARRIER, DARK, MUTE, NARROW, NAT, PLAIN, RELAY, ROUTED};
    let roles = [&CARRIER, &BEYOND, &NAT, &RELAY, &MUTE, &NARROW, &ROUTED, &DARK, &PLAIN];
    let scanned = scanned("three", &roles, 3, &format!("responder = \"{RESPONDER}\""));
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
    use roles::{BEYOND, CARRIER, FOREIGN, GUEST, NAT, PLAIN, STRICT, WEAK};
    let roles = [&CARRIER, &BEYOND, &FOREIGN, &GUEST, &NAT, &STRICT, &WEAK, &PLAIN];
    let foreign = "foreign = [\"heard\", \"192.168.42.16/28\", \"192.168.42.17/32\"]";
    let scanned = scanned("foreign", &roles, 2, foreign);
    scanned.was_gentle();
    assert_eq!(scanned.answers(&mac(20), OUTSIDE, 1), BTreeSet::from([("expired", "192.168.1.1")]));
    assert_eq!(scanned.answers(&mac(20), OUTSIDE, 2), BTreeSet::from([("expired", "203.0.113.1")]));
    assert_eq!(scanned.values(&mac(20), "borrowed"), BTreeSet::from(["yes"]));
    assert_eq!(scanned.said(&BEYOND_THE_FIRST), []);
    // One answers for its other foot by ARP, the other to what is sent to its hardware address.
    let strict = BTreeSet::from([("reply", "192.168.42.17")]);
    assert_eq!(scanned.answers(&mac(17), "192.168.42.17", 1), strict);
}
