//! The lines behind a box: how many, how wide, whose.

use super::super::super::{Kind, Line};
use super::*;

/// The lines of the only point, in a few words each.
fn lines(observations: &[Observation]) -> Vec<String> {
    let points = points_in(observations, &given());
    assert_reasons(&points);
    let [point] = &points[..] else { panic!("{points:#?}") };
    let word = |part: Option<String>| part.unwrap_or_else(|| "-".to_owned());
    let told = |line: &Line| {
        format!(
            "{} {} {} {} {}",
            line.kind,
            word(line.carrier.clone()),
            word(line.mtu.map(|mtu| mtu.to_string())),
            word(line.outside.map(|ip| ip.to_string())),
            word(line.next_hop.map(|ip| ip.to_string())),
        )
    };
    point.lines.iter().map(told).collect()
}

fn gateway(mut more: Vec<Observation>) -> Vec<Observation> {
    more.insert(0, at(1, "10.0.0.1"));
    more.insert(1, asked(1, ROOT, 1, "expired", "10.0.0.1"));
    more
}

fn too_big(mtu: &str) -> Observation {
    with(asked(1, ROOT, 2, "too_big", "10.0.0.1"), "forward.mtu", mtu)
}

#[test]
fn nothing_known_is_no_line() {
    assert_eq!(lines(&gateway(vec![])), [""; 0]);
}

#[test]
fn a_width_and_an_address_name_a_line() {
    assert_eq!(lines(&gateway(vec![too_big("1454")])), ["flets_pppoe - 1454 - -"]);
    assert_eq!(lines(&gateway(vec![too_big("1453")])), ["unknown - 1453 - -"]);
    let full = with(asked(1, ROOT, 2, "expired", "203.0.113.1"), "forward.size", "1500");
    assert_eq!(lines(&gateway(vec![full])), ["ethernet - 1500 - 203.0.113.1"]);
    let tunnelled = asked(1, ROOT, 2, "expired", "192.0.0.1");
    assert_eq!(
        lines(&gateway(vec![too_big("1460"), tunnelled])),
        ["ipv4_over_ipv6 - 1460 - 192.0.0.1"]
    );
}

#[test]
fn a_line_of_mobile_telephony_makes_a_mobile_router_of_what_forwards() {
    let responder = "192.0.2.9";
    let mapped = with(asked(1, responder, 64, "reply", responder), "forward.mapped", "49.98.160.7");
    let heard = gateway(vec![asked(1, ROOT, 2, "expired", "100.64.0.1"), mapped]);
    let points = points_in(&heard, &given());
    assert_eq!(
        said(&points),
        ["mobile_router proved 01 [49.98.160.7] egress forwards_probe mapped_address mobile_line"]
    );
    // The two destinations show one line; the address that the outside sees tells whose it is.
    assert_eq!(lines(&heard), ["mobile NTTドコモ - 49.98.160.7 100.64.0.1"]);
}

#[test]
fn a_carrier_that_shares_addresses_is_mobile_only_if_the_box_is_made_for_that() {
    let shared = gateway(vec![asked(1, ROOT, 2, "expired", "100.64.0.1")]);
    assert_eq!(lines(&shared), ["carrier_nat - - - 100.64.0.1"]);
    assert_eq!(verdict(&shared), ["internet_gateway proved 01 [] egress forwards_probe"]);
    // A maker of nothing but mobile routers gave the hardware address.
    let made: Vec<Observation> = shared
        .into_iter()
        .map(|mut o| {
            o.speaker.mac = "00:80:6d:00:53:01".parse().ok();
            but(o, "forward.by_mac", "00:80:6d:00:53:01")
        })
        .collect();
    let points = points_in(&made, &given());
    assert_eq!(points[0].kind, Kind::MobileRouter);
    // Such a box that leads nowhere is none.
    assert_eq!(points_in(&made[..1], &given()), []);
}

#[test]
fn two_lines_behind_one_gateway_are_two() {
    let second = "8.8.8.8";
    let route = |o, own| with(o, "forward.route", own);
    let heard = gateway(vec![
        route(asked(1, ROOT, 2, "expired", "203.0.113.1"), "203.0.113.2"),
        route(asked(1, second, 2, "expired", "198.51.100.1"), "198.51.100.2"),
        with(asked(1, second, 2, "too_big", "10.0.0.1"), "forward.mtu", "1454"),
    ]);
    assert_eq!(
        lines(&heard),
        ["flets_pppoe - 1454 198.51.100.2 198.51.100.1", "unknown - - 203.0.113.2 203.0.113.1",]
    );
    assert_eq!(
        verdict(&heard),
        ["internet_gateway proved 01 [198.51.100.2 203.0.113.2] \
          egress forwards_probe line_mtu record_route"]
    );
    // Two routers of one carrier's are one line.
    let balanced = gateway(vec![
        asked(1, ROOT, 2, "expired", "203.0.113.1"),
        asked(1, second, 2, "expired", "203.0.113.9"),
    ]);
    assert_eq!(lines(&balanced), ["unknown - - - 203.0.113.9"]);
}

#[test]
fn a_line_to_the_internet_is_not_closed_because_the_carrier_answers_for_other_networks_too() {
    let heard = gateway(vec![
        asked(1, ROOT, 2, "expired", "203.0.113.1"),
        asked(1, "172.20.0.1", 2, "expired", "203.0.113.1"),
        with(asked(1, ROOT, 2, "expired", "203.0.113.1"), "forward.size", "1500"),
    ]);
    assert_eq!(lines(&heard), ["ethernet - 1500 - 203.0.113.1"]);
}

#[test]
fn what_passes_tells_how_many_lines_there_are_and_how_wide() {
    let passed = |facts: Facts| {
        let facts = facts
            .with("ethernet.outside_peers", "9")
            .with("ethernet.outside_heard", "9")
            .with("ethernet.outside_sent", "9")
            .with("ethernet.outside_answered", "9")
            .with("ethernet.global_peers", "9")
            .with("ethernet.ipv4_peers", "9")
            .with("ethernet.outside", "203.0.113.80");
        vec![at(1, "10.0.0.1"), observed(1, "ethernet", facts)]
    };
    let sizes = |sizes: &[&str]| {
        sizes.iter().fold(Facts::default(), |facts, size| facts.with("ethernet.mss", size))
    };
    // A server outside may take less than the line does.
    assert_eq!(lines(&passed(sizes(&["1380", "1414"]))), ["flets_pppoe - 1454 - -"]);
    assert_eq!(lines(&passed(sizes(&["1460"]))), [""; 0]);
    assert_eq!(
        lines(&passed(sizes(&["1414", "1452"]).with("ethernet.lines", "2"))),
        ["flets_pppoe - 1454 - -", "pppoe - 1492 - -"]
    );
    assert_eq!(
        lines(&passed(sizes(&["1380", "1414", "1460"]).with("ethernet.lines", "2"))),
        ["ethernet - 1500 - -", "flets_pppoe - 1454 - -"]
    );
    assert_eq!(lines(&passed(sizes(&["x"]).with("ethernet.lines", "9999"))).len(), 8);
}

#[test]
fn a_prefix_and_a_concentrators_name_tell_whose_line_it_is() {
    let ndp = Facts::default()
        .with("ndp.type", "router_advertisement")
        .with("ndp.lifetime", "1800")
        .with("ndp.prefix", "240b:11:1234::/64");
    let heard = vec![at(1, "10.0.0.1"), observed(1, "ndp", ndp)];
    assert_eq!(lines(&heard), ["ipoe JPNE（v6プラス） - - -"]);
    let offered = |name: &str| {
        let facts = Facts::default().with("pppoe.step", "pado").with("pppoe.concentrator", name);
        vec![Observation { side: Side::Server, ..observed(7, "pppoe", facts) }]
    };
    assert_eq!(lines(&offered("bas-flets-7")), ["flets_pppoe - - - -"]);
    assert_eq!(lines(&offered("bras7")), ["pppoe - - - -"]);
    assert_eq!(verdict(&offered("bras7")), ["internet_gateway inferred 07 [] access_line_offered"]);
}

#[test]
fn a_network_without_the_internet_behind_a_box_is_closed() {
    let heard = vec![
        at(1, "10.0.0.1"),
        asked(1, ROOT, 1, "expired", "10.0.0.1"),
        but(asked(1, ROOT, 2, "no_route", "172.31.0.1"), "forward.answer_time_to_live", "63"),
    ];
    assert_eq!(verdict(&heard), ["closed_network_gateway proved 01 [] egress forwards_probe"]);
}

#[test]
fn an_address_that_the_box_tells_belongs_to_its_only_line() {
    let mut told = observed(1, "nat_pmp", Facts::default().with("nat_pmp.outside", "203.0.113.2"));
    told.speaker.ip = "10.0.0.1".parse().ok();
    told.side = Side::Server;
    let heard = gateway(vec![asked(1, ROOT, 2, "expired", "203.0.113.1"), told.clone()]);
    assert_eq!(lines(&heard), ["unknown - - 203.0.113.2 203.0.113.1"]);
    assert_eq!(lines(&[at(1, "10.0.0.1"), told]), ["unknown - - 203.0.113.2 -"]);
}
