//! The roles of MECHANISMS, each with what it answers at every tier, and the verdict there.

use super::*;

/// One box, what it answers from which tier on, and what is concluded there.
struct Role {
    name: &'static str,
    known: Vec<Observation>,
    answers: [Vec<Observation>; 3],
    wanted: [&'static [&'static str]; 3],
}

fn roles() -> Vec<Role> {
    let responder = "192.0.2.9";
    let stun = |last, mapped: &str| {
        with(asked(last, responder, 64, "reply", responder), "forward.mapped", mapped)
    };
    let route = |observation, places: &[&str]| {
        places.iter().fold(observation, |o, place| with(o, "forward.route", place))
    };
    vec![
        Role {
            name: "A, a plain host, answers nothing",
            known: vec![at(0xa, "10.0.0.1")],
            answers: [vec![], vec![], vec![]],
            wanted: [&[], &[], &[]],
        },
        Role {
            name: "B, a router without a route",
            known: vec![at(0xb, "10.0.0.2")],
            answers: [vec![asked(0xb, ROOT, 1, "no_route", "10.0.0.2")], vec![], vec![]],
            wanted: [
                &["maintenance_router hint 0b [] forwards_without_route"],
                &["maintenance_router hint 0b [] forwards_without_route"],
                &["maintenance_router hint 0b [] forwards_without_route"],
            ],
        },
        Role {
            name: "C, a gateway with address translation",
            known: vec![at(0xc, "10.0.0.22")],
            answers: [
                vec![asked(0xc, ROOT, 1, "expired", "10.0.0.22")],
                vec![
                    route(
                        asked(0xc, ROOT, 2, "expired", "203.0.113.1"),
                        &["203.0.113.2", "203.0.113.1"],
                    ),
                    asked(0xc, "203.0.113.2", 1, "reply", "203.0.113.2"),
                ],
                vec![stun(0xc, "203.0.113.2")],
            ],
            wanted: [
                &["internet_gateway inferred 0c [] forwards_probe"],
                &["internet_gateway proved 0c [203.0.113.2] \
                   egress forwards_probe owns_outside_address record_route"],
                &["internet_gateway proved 0c [203.0.113.2] \
                   egress forwards_probe mapped_address owns_outside_address record_route"],
            ],
        },
        Role {
            name: "D, a relay to C, which is asked, too",
            known: vec![at(0xd, "10.0.0.23"), at(0xc, "10.0.0.22")],
            answers: [
                vec![
                    asked(0xd, ROOT, 1, "expired", "10.0.0.23"),
                    asked(0xc, ROOT, 1, "expired", "10.0.0.22"),
                ],
                vec![
                    with(
                        asked(0xd, ROOT, 2, "redirect", "10.0.0.23"),
                        "forward.gateway",
                        "10.0.0.22",
                    ),
                    but(
                        route(
                            asked(0xd, ROOT, 2, "expired", "10.0.0.22"),
                            &["10.0.0.23", "10.0.0.22"],
                        ),
                        "forward.by_mac",
                        "00:00:5e:00:53:0c",
                    ),
                    asked(0xc, ROOT, 2, "expired", "203.0.113.1"),
                    // Whether the relay has the exit's address: it only knows the way there.
                    asked(0xd, "203.0.113.2", 1, "expired", "10.0.0.23"),
                ],
                vec![stun(0xd, "203.0.113.2"), stun(0xc, "203.0.113.2")],
            ],
            wanted: [
                &[
                    "internet_gateway inferred 0c [] forwards_probe",
                    "internet_gateway inferred 0d [] forwards_probe",
                ],
                &["internet_gateway proved 0c [] egress forwards_probe relayed_by"],
                &["internet_gateway proved 0c [203.0.113.2] \
                   egress forwards_probe mapped_address relayed_by"],
            ],
        },
        Role {
            name: "E, a gateway that drops its own errors",
            known: vec![at(0xe, "10.0.0.24")],
            answers: [
                vec![],
                vec![route(
                    asked(0xe, ROOT, 2, "expired", "203.0.113.5"),
                    &["203.0.113.6", "203.0.113.5"],
                )],
                vec![stun(0xe, "203.0.113.6")],
            ],
            wanted: [
                &[],
                &["internet_gateway proved 0e [203.0.113.6] egress hides record_route"],
                &["internet_gateway proved 0e [203.0.113.6] \
                   egress hides mapped_address record_route"],
            ],
        },
        Role {
            name: "R, a gateway that drops everything addressed to itself",
            known: vec![at(0x12, "10.0.0.25")],
            answers: [
                vec![],
                vec![asked(0x12, ROOT, 2, "expired", "203.0.113.9")],
                vec![stun(0x12, "203.0.113.10")],
            ],
            wanted: [
                &[],
                &["internet_gateway proved 12 [] egress hides"],
                &["internet_gateway proved 12 [203.0.113.10] egress hides mapped_address"],
            ],
        },
        Role {
            name: "F, a narrow line",
            known: vec![at(0xf, "10.0.0.26")],
            answers: [
                vec![asked(0xf, ROOT, 1, "expired", "10.0.0.26")],
                vec![with(
                    with(asked(0xf, ROOT, 2, "too_big", "10.0.0.26"), "forward.mtu", "1454"),
                    "forward.size",
                    "1500",
                )],
                vec![],
            ],
            wanted: [
                &["internet_gateway inferred 0f [] forwards_probe"],
                &["internet_gateway corroborated 0f [] forwards_probe line_mtu"],
                &["internet_gateway corroborated 0f [] forwards_probe line_mtu"],
            ],
        },
        Role {
            name: "G, a router without address translation",
            known: vec![at(0x10, "10.0.0.27")],
            answers: [
                vec![asked(0x10, ROOT, 1, "expired", "10.0.0.27")],
                vec![],
                vec![stun(0x10, "10.0.0.10")],
            ],
            wanted: [
                &["internet_gateway inferred 10 [] forwards_probe"],
                &["internet_gateway inferred 10 [] forwards_probe"],
                &["internet_gateway corroborated 10 [] forwards_probe routed_without_nat"],
            ],
        },
        Role {
            name: "M, a weak host that does not forward",
            known: vec![at(0x11, "10.0.0.28")],
            answers: [
                vec![asked(0x11, "192.168.137.1", 1, "reply", "192.168.137.1")],
                vec![],
                vec![],
            ],
            wanted: [
                &["dual_homed_host proved 11 [192.168.137.1] owns_second_address"],
                &["dual_homed_host proved 11 [192.168.137.1] owns_second_address"],
                &["dual_homed_host proved 11 [192.168.137.1] owns_second_address"],
            ],
        },
        Role {
            name: "V, a vendor's router with that vendor's routes only",
            known: vec![at(0x16, "10.0.0.29")],
            answers: [
                vec![
                    asked(0x16, ROOT, 1, "no_route", "10.0.0.29"),
                    asked(0x16, "172.30.0.1", 1, "expired", "10.0.0.29"),
                    asked(0x16, "172.28.0.1", 1, "no_route", "10.0.0.29"),
                    asked(0x16, "172.29.0.1", 1, "prohibited", "10.0.0.29"),
                ],
                vec![but(
                    asked(0x16, "172.30.0.1", 2, "expired", "172.30.255.1"),
                    "forward.answer_time_to_live",
                    "63",
                )],
                vec![],
            ],
            wanted: [
                &["maintenance_router inferred 16 [] routes_to"],
                &["closed_network_gateway proved 16 [] egress routes_to"],
                &["closed_network_gateway proved 16 [] egress routes_to"],
            ],
        },
        Role {
            name: "a gateway of a foreign prefix on the same wire",
            known: vec![at(0x17, "192.168.1.1")],
            answers: [
                vec![borrowed(asked(0x17, ROOT, 1, "expired", "192.168.1.1"))],
                vec![borrowed(asked(0x17, ROOT, 2, "expired", "198.51.100.1"))],
                vec![],
            ],
            wanted: [
                &["internet_gateway inferred 17 [] foreign_prefix forwards_probe"],
                &["internet_gateway proved 17 [] egress foreign_prefix forwards_probe"],
                &["internet_gateway proved 17 [] egress foreign_prefix forwards_probe"],
            ],
        },
        Role {
            name: "a router of IPv6",
            known: vec![at(0x18, "10.0.0.30")],
            answers: [
                vec![asked(0x18, ROOT_V6, 1, "expired", "fe80::200:5eff:fe00:5318")],
                vec![asked(0x18, ROOT_V6, 2, "beyond_scope", "fe80::200:5eff:fe00:5318")],
                vec![],
            ],
            wanted: [
                &["ipv6_exit inferred 18 [] forwards_probe"],
                &["ipv6_exit proved 18 [] egress forwards_probe"],
                &["ipv6_exit proved 18 [] egress forwards_probe"],
            ],
        },
    ]
}

#[test]
fn a_gateway_of_a_foreign_prefix_has_the_address_that_it_answered_from() {
    let heard = [
        borrowed(asked(0x17, ROOT, 1, "expired", "192.168.1.1")),
        borrowed(asked(0x17, ROOT, 2, "expired", "198.51.100.1")),
    ];
    let points = points_in(&heard, &given());
    assert_eq!(points[0].addresses, ["192.168.1.1".parse().unwrap()].into());
}

fn borrowed(question: Observation) -> Observation {
    with(but(question, "forward.source", "192.168.1.250"), "forward.borrowed", "yes")
}

#[test]
fn every_role_gets_its_verdict_at_every_tier() {
    for role in roles() {
        let mut heard = role.known.clone();
        for (tier, (answers, wanted)) in (1..).zip(role.answers.into_iter().zip(role.wanted)) {
            heard.extend(answers);
            let points = points_in(&heard, &given());
            assert_eq!(said(&points), wanted, "{} at tier {tier}", role.name);
            assert_reasons(&points);
        }
    }
}

#[test]
fn all_roles_on_one_wire_are_told_from_each_other() {
    let heard: Vec<Observation> = roles()
        .into_iter()
        .flat_map(|role| role.known.into_iter().chain(role.answers.into_iter().flatten()))
        .collect();
    let points = points_in(&heard, &given());
    let count = |kind: &str| points.iter().filter(|point| point.kind.name() == kind).count();
    assert_eq!(count("internet_gateway"), 6, "C, E, R, F, G and the foreign prefix's: {points:#?}");
    assert_eq!(count("closed_network_gateway"), 1);
    assert_eq!(count("maintenance_router"), 1);
    assert_eq!(count("dual_homed_host"), 1);
    assert_eq!(count("ipv6_exit"), 1);
    assert_eq!(points.len(), 10);
    assert!(points.iter().all(|point| !point.macs.contains(&mac(0xd))), "the relay makes none");
}

#[test]
fn with_nothing_given_a_router_to_private_networks_may_be_of_the_inside() {
    let inferred = Inside::inferred([]);
    let vendors = [
        at(0x16, "10.0.0.29"),
        asked(0x16, ROOT, 1, "no_route", "10.0.0.29"),
        asked(0x16, "172.30.0.1", 1, "expired", "10.0.0.29"),
    ];
    assert_eq!(said(&points_in(&vendors, &inferred)), [""; 0]);
    let gateway = [
        at(0xc, "10.0.0.22"),
        asked(0xc, ROOT, 1, "expired", "10.0.0.22"),
        asked(0xc, ROOT, 2, "expired", "100.64.0.1"),
    ];
    assert_eq!(
        said(&points_in(&gateway, &inferred)),
        ["internet_gateway proved 0c [] egress forwards_probe"]
    );
}

#[test]
fn a_box_of_both_versions_is_one_gateway() {
    let heard = [
        at(0xc, "10.0.0.22"),
        asked(0xc, ROOT, 1, "expired", "10.0.0.22"),
        asked(0xc, ROOT, 2, "expired", "203.0.113.1"),
        asked(0xc, ROOT_V6, 1, "expired", "fe80::200:5eff:fe00:530c"),
        asked(0xc, ROOT_V6, 2, "expired", "2001:db8:ffff::1"),
    ];
    assert_eq!(verdict(&heard), ["internet_gateway proved 0c [] egress forwards_probe"]);
}

#[test]
fn routers_that_stand_in_for_each_other_are_one_point_of_a_closed_network() {
    let vrrp = |last: u8, ip: &str| {
        let facts = Facts::default().with("vrrp.address", "10.0.0.11");
        let mut o = observed(last, "vrrp", facts);
        o.speaker.ip = ip.parse().ok();
        o.speaker.transport = Transport::Ip;
        o
    };
    let virtual_mac = "00:00:5e:00:01:33".parse().unwrap();
    let mut through = asked(0x1a, "172.31.0.1", 1, "expired", "10.0.0.12");
    through.speaker.mac = Some(virtual_mac);
    let heard = [
        at(0x1a, "10.0.0.12"),
        at(0x1b, "10.0.0.13"),
        vrrp(0x1a, "10.0.0.12"),
        vrrp(0x1b, "10.0.0.13"),
        through,
        asked(0x1a, "172.31.0.1", 1, "expired", "10.0.0.12"),
        asked(0x1b, "172.31.0.1", 1, "expired", "10.0.0.13"),
        asked(0x1a, ROOT, 1, "no_route", "10.0.0.12"),
    ];
    let points = points_in(&heard, &given());
    assert_eq!(said(&points), ["closed_network_gateway inferred 33+1a+1b [] routes_to"]);
    let addresses: Vec<String> = points[0].addresses.iter().map(ToString::to_string).collect();
    assert_eq!(addresses, ["10.0.0.11", "10.0.0.12", "10.0.0.13"]);
}
