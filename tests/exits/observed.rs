//! What is read of a scan's recording is what the boxes answered: one observation for each reading, about the neighbour
//! that was asked, whoever answered.

use std::{collections::BTreeSet, fmt::Write as _};

use sekisho::{
    fingerprint::{Matcher, Signatures},
    observe::{Observation, Transport},
    scope::Tier,
};

use super::scan::{Case, scan};

/// Facts of an observation as one line: the hardware address's last byte, the time to live, the answer, who gave it, and
/// what else it told.
fn line(observation: &Observation) -> String {
    let fact = |field: &str| observation.facts.get(field).unwrap_or("-").to_owned();
    let mac = observation.speaker.mac.unwrap();
    let mut line = format!(
        "{:02x} {} {} {} {}",
        mac.0[5],
        fact("forward.destination"),
        fact("forward.time_to_live"),
        fact("forward.answer"),
        fact("forward.by")
    );
    for (name, field) in [
        ("size", "forward.size"),
        ("mtu", "forward.mtu"),
        ("gateway", "forward.gateway"),
        ("mapped", "forward.mapped"),
        ("borrowed", "forward.borrowed"),
    ] {
        if let Some(value) = observation.facts.get(field) {
            write!(line, " {name}={value}").unwrap();
        }
    }
    let route: Vec<&str> = observation.facts.all("forward.route").collect();
    if !route.is_empty() {
        write!(line, " route={}", route.join(",")).unwrap();
    }
    line
}

fn observed(name: &str, tier: Tier) -> BTreeSet<String> {
    let signatures = Signatures::built_in().unwrap();
    let matcher = Matcher::new(&signatures);
    let desk = tempfile::tempdir().unwrap();
    let case = Case::named(name);
    let path = desk.path().join("run.pcapng");
    let scanned = scan(case.sim(), &case.facility(tier), false, 7, &matcher, &path);
    let forward =
        scanned.outcome.observations.iter().filter(|observation| observation.protocol == "forward");
    forward
        .inspect(|observation| {
            assert_eq!(observation.speaker.transport, Transport::Ethernet);
            assert!(observation.speaker.ip.is_none() && observation.listener.is_none());
        })
        .map(line)
        .collect()
}

/// The readings of a network at the third tier; those of the route oracle are left out where there are many.
const READINGS: &[(&str, &[&str])] = &[
    ("exits_plain_host", &["30 2001:503:ba3e::2:30 1 no_route fe80::30"]),
    (
        "exits_translating",
        &[
            "22 198.51.100.7 1 expired 10.0.0.22",
            "22 198.51.100.7 2 expired 203.0.113.1",
            "22 198.51.100.7 2 expired 203.0.113.1 route=203.0.113.2,203.0.113.1",
            "22 198.51.100.7 2 expired 203.0.113.1 size=1500",
            "22 203.0.113.2 1 reply 203.0.113.2",
            "22 198.51.100.7 64 reply 198.51.100.7 mapped=203.0.113.2",
        ],
    ),
    (
        "exits_relay",
        &[
            "23 198.51.100.7 1 expired 10.0.0.23",
            "23 198.51.100.7 2 redirect 10.0.0.23 gateway=10.0.0.22",
            "23 198.51.100.7 2 expired 10.0.0.22",
            "23 198.51.100.7 64 reply 198.51.100.7 mapped=203.0.113.2",
        ],
    ),
    (
        "exits_hides_errors",
        &[
            "24 198.51.100.7 2 expired 203.0.113.5",
            "24 198.51.100.7 2 expired 203.0.113.5 route=203.0.113.6,203.0.113.5",
            "24 203.0.113.6 1 reply 203.0.113.6",
        ],
    ),
    (
        "exits_hides_itself",
        &[
            "25 198.51.100.7 2 expired 203.0.113.9",
            "25 198.51.100.7 64 reply 198.51.100.7 mapped=203.0.113.10",
        ],
    ),
    ("exits_narrow_line", &["26 198.51.100.7 2 too_big 10.0.0.26 size=1500 mtu=1454"]),
    ("exits_routed", &["27 198.51.100.7 64 reply 198.51.100.7 mapped=10.0.0.250"]),
    ("exits_no_route", &["31 198.51.100.7 1 no_route 10.0.0.31"]),
    (
        "exits_vendor_routes",
        &[
            "29 198.51.100.7 1 no_route 10.0.0.29",
            "29 172.30.0.1 1 expired 10.0.0.29",
            "29 172.29.0.1 1 host_unreachable 10.0.0.29",
            "29 172.28.0.1 1 no_route 10.0.0.29",
            "29 172.27.0.1 1 prohibited 10.0.0.29",
            "29 172.30.0.1 2 expired 192.0.2.29",
        ],
    ),
    (
        "exits_ipv6_router",
        &[
            "33 2001:503:ba3e::2:30 1 expired fe80::33",
            "33 2001:503:ba3e::2:30 2 beyond_scope fe80::33",
            "30 2001:503:ba3e::2:30 1 no_route fe80::30",
        ],
    ),
    (
        "exits_two_lines",
        &["34 198.51.100.7 2 expired 203.0.113.41", "34 172.16.0.1 2 expired 192.0.2.41"],
    ),
    ("exits_mute_host", &["28 192.168.42.129 1 reply 192.168.42.129"]),
    (
        "exits_foreign_prefix",
        &[
            "01 198.51.100.7 1 expired 192.168.1.1 borrowed=yes",
            "01 198.51.100.7 2 expired 203.0.113.33 borrowed=yes",
        ],
    ),
    ("exits_mobile", &["35 198.51.100.7 2 expired 100.72.3.1"]),
];

#[test]
fn every_answer_is_observed_of_the_neighbour_that_was_asked() {
    let mut missing = Vec::new();
    for (name, wanted) in READINGS {
        let observed = observed(name, Tier::Responder);
        let without = wanted.iter().filter(|line| !observed.contains(**line));
        missing.extend(without.map(|line| format!("{name}: {line} is not among {observed:#?}")));
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn what_a_tier_does_not_allow_is_not_observed() {
    for (name, _) in READINGS {
        let near = observed(name, Tier::Ask);
        let further: Vec<&String> =
            near.iter().filter(|line| line.split(' ').nth(2) != Some("1")).collect();
        assert!(further.is_empty(), "{name}: {further:?}");
        let silent = ["exits_hides_errors", "exits_hides_itself"].contains(name);
        assert_eq!(near.is_empty(), silent, "{name}: {near:?}");
    }
}
