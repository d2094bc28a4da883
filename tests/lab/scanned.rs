//! A hospital with roads that lead outside, scanned: what was heard and concluded, and what passed its wires meanwhile.

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
    roles::Role,
    seen::{Seen, What, seen},
    topology::Topology,
};

/// The virtual router of the pair, and the console that is spared.
pub(crate) const VIRTUAL: &str = "00:00:5e:00:01:50";
pub(crate) const MODALITY: &str = "00:09:1f:00:53:70";

/// What counts as the hospital's own, and private networks that nobody need be asked about, so that looking for roads
/// takes seconds: six are left.
pub(crate) const INSIDE: [&str; 12] = [
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
pub(crate) const OUTSIDE: &str = "198.41.0.4";

/// The same in IPv6.
pub(crate) const OUTSIDE_V6: &str = "2001:503:ba3e::2:30";

/// Where captures are taken: the hospital's networks as their switches see them, the far ends of all lines, and what
/// lies behind those.
pub(crate) const LANS: [(&str, &str); 2] = [("wires", "office"), ("wires", "ward")];
pub(crate) const LINES: [(&str, &str); 3] =
    [("carrier", "line"), ("carrier", "radio"), ("farend", "maintenance")];
pub(crate) const BEYOND_THE_FIRST: [(&str, &str); 2] = [("beyond", "behind"), ("beyond", "far")];

/// The inspector's own responder, beyond the carrier's first router.
pub(crate) const RESPONDER: &str = "198.51.100.9:3478";

/// Words for a scan that does not ask what stands where, which is not what this is about.
pub(crate) const NOTHING_FURTHER: [&str; 1] = ["--no-ports"];

/// A hospital that was scanned, what was heard, and what passed its wires meanwhile.
pub(crate) struct Scanned {
    pub(crate) topology: Topology,
    observations: Vec<Value>,
    /// What was heard of forwarding, by the hardware address that was asked: field and value.
    pub(crate) heard: BTreeMap<String, Vec<BTreeMap<String, String>>>,
    points: Vec<Value>,
    coverage: Vec<Value>,
}

/// Scans the hospital of these roles at a tier; `scope` goes into that part of the facility file, `words` to
/// the command.
pub(crate) fn scanned(
    name: &str,
    roles: &[&Role],
    tier: u8,
    scope: &str,
    words: &[&str],
) -> Scanned {
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
    let read = |name: &str| fs::read_to_string(topology.path(name)).unwrap();
    let observations: Vec<Value> =
        read("heard.ndjson").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let document: Value = serde_json::from_str(&read("points.json")).unwrap();
    let of = |key: &str| document[key].as_array().unwrap().clone();
    Scanned {
        heard: forwarding(&observations),
        observations,
        points: of("points"),
        coverage: of("coverage"),
        topology,
    }
}

fn forwarding(observations: &[Value]) -> BTreeMap<String, Vec<BTreeMap<String, String>>> {
    let mut all: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for line in observations.iter().filter(|line| line["protocol"] == "forward") {
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
pub(crate) fn mac(last: u8) -> String {
    format!("00:00:5e:00:53:{last:02}")
}

impl Scanned {
    /// What was answered to short packets to `outside` with this time to live through a box: the answer and who gave it.
    pub(crate) fn answers(
        &self,
        mac: &str,
        outside: &str,
        time_to_live: u8,
    ) -> BTreeSet<(&str, &str)> {
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
    pub(crate) fn values(&self, mac: &str, field: &str) -> BTreeSet<&str> {
        let all = self.heard.get(mac).into_iter().flatten();
        all.filter_map(|facts| facts.get(field).map(String::as_str)).collect()
    }

    /// The values of a field of a protocol, whoever said them.
    pub(crate) fn facts(&self, protocol: &str, field: &str) -> BTreeSet<String> {
        let all = self.observations.iter().filter(|line| line["protocol"] == protocol);
        let values = all.map(|line| text(&line["facts"][format!("{protocol}.{field}")]));
        values.filter(|value| value != "-").collect()
    }

    /// Holds the points against these, each in a line: its first address, its kind, its grade, its outside addresses, and
    /// of each line the sort, the longest packet and the next router. Nobody else is one.
    pub(crate) fn concludes(&self, expected: &[&str]) {
        let found: BTreeSet<String> = self.points.iter().map(verdict).collect();
        assert_eq!(found, expected.iter().map(|line| (*line).to_owned()).collect());
    }

    /// The values of a reason for the point with an address.
    pub(crate) fn because(&self, address: &str, evidence: &str) -> BTreeSet<String> {
        let of_it = |point: &&Value| {
            point["addresses"].as_array().unwrap().iter().any(|known| known == address)
        };
        let because = |point: &Value| point["because"].as_array().unwrap().clone();
        let all = self.points.iter().filter(of_it).flat_map(because);
        let named = all.filter(|reason| reason["evidence"] == evidence);
        named.map(|reason| text(&reason["value"])).collect()
    }

    /// What is told of a mechanism in a network: the state and the details.
    pub(crate) fn told(&self, mechanism: &str, network: &str) -> Vec<String> {
        let lines = self.coverage.iter();
        let lines = lines.filter(|line| line["subject"] == mechanism && line["network"] == network);
        lines.map(|line| format!("{} {}", text(&line["state"]), text(&line["detail"]))).collect()
    }

    fn capture(&self, role: &str, interface: &str) -> PathBuf {
        self.topology.path(&format!("{role}-{interface}.pcap"))
    }

    /// Frames on these wires that are not what systems say there in any case.
    pub(crate) fn said(&self, wires: &[(&str, &str)]) -> Vec<Seen> {
        let there = |(role, interface): &&(&str, &str)| self.capture(role, interface).exists();
        let all = wires.iter().filter(there);
        let all = all.flat_map(|(role, interface)| seen(&self.capture(role, interface)));
        all.filter(|frame| !frame.is_housekeeping()).collect()
    }

    /// What the scan sent into the hospital's networks.
    pub(crate) fn sent(&self) -> Vec<Seen> {
        let ours: [Mac; 2] = ["00:00:5e:00:53:fe", "00:00:5e:00:53:fd"].map(read);
        self.said(&LANS).into_iter().filter(|frame| ours.contains(&frame.from)).collect()
    }

    /// What holds at every tier: whom the scan must not touch it did not touch, and nobody had to answer for packets to
    /// the outside more often than once a second.
    pub(crate) fn was_gentle(&self) {
        let sent = self.sent();
        assert!(sent.len() > 500, "only {} frames were written down", sent.len());
        for frame in &sent {
            let is_arp = matches!(frame.what, What::Arp(_));
            assert!(frame.to != read(MODALITY) || is_arp, "to medical equipment: {frame:?}");
            assert!(frame.to != read(&mac(80)), "to the excluded: {frame:?}");
            let about: Option<IpAddr> = match frame.what {
                What::Arp(about) => Some(about.into()),
                What::Packet(_, to, _) => Some(to),
                What::Other(_) => None,
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

/// A point in a line.
fn verdict(point: &Value) -> String {
    let first = |key: &str| point[key].get(0).map(text);
    let name = first("addresses").or_else(|| first("macs")).unwrap();
    let outside: Vec<String> = point["outside"].as_array().unwrap().iter().map(text).collect();
    let line = |line: &Value| {
        format!(" {}/{}/{}", text(&line["type"]), text(&line["mtu"]), text(&line["next_hop"]))
    };
    let lines: String = point["lines"].as_array().unwrap().iter().map(line).collect();
    let (kind, grade) = (text(&point["kind"]), text(&point["grade"]));
    format!("{name} {kind} {grade} [{}]{lines}", outside.join(" "))
}

/// A value as a person would write it.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "-".to_owned(),
        Value::Array(several) => several.iter().map(text).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

/// A hardware address.
pub(crate) fn read(text: &str) -> Mac {
    let bytes: Vec<u8> =
        text.split(':').map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect();
    Mac(bytes.try_into().unwrap())
}

/// Whom the facility leaves out.
fn excluded() -> IpAddr {
    "10.80.1.80".parse().unwrap()
}
