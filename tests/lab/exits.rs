//! Hidden exits: what a scan reads from real kernels, tier by tier, and how far its packets go meanwhile.

use std::{collections::BTreeSet, fs, net::IpAddr};

use sekisho::observe::Mac;
use serde_json::Value;

use super::{
    roles,
    scanned::{
        BEYOND_THE_FIRST, LINES, MODALITY, NOTHING_FURTHER, OUTSIDE, OUTSIDE_V6, RESPONDER,
        Scanned, VIRTUAL, mac, scanned,
    },
    seen::{Seen, What},
};

/// Types of frames by which a line's far end is looked for, and then spoken with (RFC 2516).
const PPPOE: u16 = 0x8863;
const PPPOE_SESSION: u16 = 0x8864;

/// Nobody stands there, but whoever gives addresses tells a vendor's network to be behind it.
const NAMED_BY_LEASES: &str = "10.80.2.19 closed_network_gateway inferred []";

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

impl Scanned {
    /// Who gives addresses, and a line that is patched in, are heard; no address is taken, and no line opened.
    fn wires_were_asked_once(&self) {
        assert_eq!(self.facts("dhcp", "router"), BTreeSet::from(["10.80.2.28".to_owned()]));
        assert!(self.facts("dhcp", "route").iter().any(|road| road.contains("172.30.0.0/16")));
        let proxy = "http://proxy.example/wpad.dat";
        assert_eq!(self.facts("dhcp", "wpad"), BTreeSet::from([proxy.to_owned()]));
        assert_eq!(
            self.facts("pppoe", "concentrator"),
            BTreeSet::from(["bas7-example".to_owned()])
        );
        let sent: Vec<Seen> = self.sent();
        let broadcast = IpAddr::from([255; 4]);
        let leases = sent
            .iter()
            .filter(|frame| matches!(frame.what, What::Packet(_, to, _) if to == broadcast));
        assert_eq!(leases.count(), 1, "one search, and nothing that takes what was offered");
        let lines =
            sent.iter().filter(|frame| matches!(frame.what, What::Other(PPPOE | PPPOE_SESSION)));
        let lines: Vec<&Seen> = lines.collect();
        assert!((1..=2).contains(&lines.len()), "{lines:?}");
        // Whoever wants a session asks one concentrator for it.
        assert!(lines.iter().all(|frame| frame.to == Mac([0xff; 6])), "{lines:?}");
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
    scanned.wires_were_asked_once();
    // A relay is told from an exit by what is behind it alone.
    scanned.concludes(&[
        "10.80.1.11 maintenance_router hint []",
        "10.80.1.12 internet_gateway inferred []",
        "10.80.1.13 internet_gateway inferred []",
        "10.80.1.15 internet_gateway inferred []",
        "10.80.1.16 internet_gateway inferred []",
        "10.80.1.19 maintenance_router inferred []",
        "10.80.1.24 internet_gateway inferred []",
        NAMED_BY_LEASES,
        "10.80.2.22 ipv6_exit corroborated []",
        "10.80.2.30 internet_gateway inferred [] pppoe/-/-",
        "10.80.2.28 internet_gateway corroborated []",
    ]);
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
    scanned.concludes(&[
        "10.80.1.11 maintenance_router hint []",
        "10.80.1.12 internet_gateway proved [203.0.113.12] ethernet/1500/203.0.113.1",
        "10.80.1.14 internet_gateway proved [203.0.113.14] ethernet/1500/203.0.113.1",
        "10.80.1.15 internet_gateway proved [203.0.113.15] flets_pppoe/1454/203.0.113.1",
        "10.80.1.16 internet_gateway proved [203.0.113.16] ethernet/1500/203.0.113.1",
        "10.80.1.18 internet_gateway proved [203.0.113.18] ethernet/1500/203.0.113.1",
        "10.80.1.19 closed_network_gateway proved [172.30.255.2] closed_network/1500/172.30.255.1",
        "10.80.1.24 internet_gateway proved [203.0.113.24] ethernet/1500/203.0.113.1",
        NAMED_BY_LEASES,
        "10.80.2.22 ipv6_exit proved []",
        "10.80.2.28 internet_gateway proved [203.0.113.28] ethernet/1500/203.0.113.1",
        "10.80.2.30 internet_gateway inferred [] pppoe/-/-",
    ]);
    // Whoever hands on to it is a reason of the exit, and no point.
    let relayed = &scanned.because("10.80.1.12", "relayed_by");
    assert_eq!(*relayed, BTreeSet::from(["10.80.1.13".to_owned()]));
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
    assert_eq!(scanned.told("forward", "10.80.3.0/24"), ["not_measured no_interface"]);
    assert_eq!(
        scanned.told("forward", "10.80.2.0/24"),
        ["measured answered=1 silent=1 attempts=3"]
    );
    // Nothing tells that the one that waits is of the pair; it has a line of its own.
    scanned.concludes(&[
        "10.80.1.1 internet_gateway proved [203.0.113.2] ethernet/1500/203.0.113.1",
        "10.80.1.3 internet_gateway proved [203.0.113.3] ethernet/1500/203.0.113.1",
    ]);
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
    scanned.concludes(&[
        "10.80.1.12 internet_gateway proved [203.0.113.12] ethernet/1500/203.0.113.1",
        "10.80.1.14 internet_gateway proved [203.0.113.14] ethernet/1500/203.0.113.1",
        "10.80.1.15 internet_gateway proved [203.0.113.15] flets_pppoe/1454/203.0.113.1",
        "10.80.1.16 internet_gateway proved [203.0.113.16] ethernet/1500/203.0.113.1",
        "10.80.1.18 internet_gateway proved [203.0.113.18] ethernet/1500/203.0.113.1",
    ]);
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
    scanned.concludes(&[
        "192.168.1.1 internet_gateway proved [] unknown/-/203.0.113.1",
        "10.80.1.17 dual_homed_host proved [192.168.42.17]",
        "10.80.1.21 dual_homed_host inferred [192.168.42.21]",
    ]);
}
