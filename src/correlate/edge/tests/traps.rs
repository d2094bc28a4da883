//! What looks like a way out and is none, or looks like another.

use super::*;

#[test]
fn a_plain_host_without_a_route_in_ipv6_is_no_router() {
    let own = "fe80::200:5eff:fe00:530a";
    let heard = [
        at(0xa, "10.0.0.1"),
        asked(0xa, ROOT_V6, 1, "no_route", own),
        asked(0xa, ROOT_V6, 2, "no_route", own),
    ];
    assert_eq!(verdict(&heard), [""; 0]);
    // It may answer from a global address that a router on the link gave it.
    let global = but(
        asked(0xa, ROOT_V6, 2, "no_route", "2001:db8:0:1::a"),
        "forward.answer_time_to_live",
        "64",
    );
    assert_eq!(verdict(&[at(0xa, "10.0.0.1"), global]), [""; 0]);
}

#[test]
fn a_host_with_a_global_address_of_its_link_has_no_second_foot() {
    let own = asked(0xa, "2001:db8:0:1::a", 1, "reply", "2001:db8:0:1::a");
    assert_eq!(verdict(&[at(0xa, "10.0.0.1"), own]), [""; 0]);
}

#[test]
fn a_second_address_of_the_hospitals_leads_nowhere() {
    let own = asked(0xa, "10.0.9.1", 1, "reply", "10.0.9.1");
    assert_eq!(verdict(&[at(0xa, "10.0.0.1"), own]), [""; 0]);
}

#[test]
fn an_inside_router_that_knows_only_the_inside_makes_no_point() {
    let heard = [
        at(1, "10.0.0.1"),
        asked(1, ROOT, 1, "no_route", "10.0.0.1"),
        asked(1, "10.0.7.1", 1, "expired", "10.0.0.1"),
        asked(1, "172.30.0.1", 1, "no_route", "10.0.0.1"),
    ];
    assert_eq!(verdict(&heard), [""; 0]);
    let rejects = [
        at(1, "10.0.0.1"),
        asked(1, ROOT, 1, "prohibited", "10.0.0.1"),
        asked(1, "10.0.7.1", 1, "expired", "10.0.0.1"),
    ];
    assert_eq!(verdict(&rejects), [""; 0]);
    assert_eq!(verdict(&rejects[..2]), ["internet_gateway hint 01 [] forwards_and_rejects"]);
}

#[test]
fn a_reply_from_far_away_is_no_address_of_the_box() {
    // A box that does not age what it forwards: the destination itself answers.
    let through = but(asked(1, ROOT, 1, "reply", ROOT), "forward.answer_time_to_live", "53");
    assert_eq!(verdict(&[at(1, "10.0.0.1"), through]), ["internet_gateway proved 01 [] egress"]);
    // One that ages neither way makes it look near; nobody has an address that everybody asks for.
    let near = asked(1, ROOT, 1, "reply", ROOT);
    assert_eq!(verdict(&[at(1, "10.0.0.1"), near]), [""; 0]);
    // Somebody else's hardware address proves nothing of this box.
    let beside = but(
        asked(1, "203.0.113.2", 1, "reply", "203.0.113.2"),
        "forward.by_mac",
        &mac(9).to_string(),
    );
    assert_eq!(verdict(&[at(1, "10.0.0.1"), beside]), [""; 0]);
}

#[test]
fn hosts_that_share_a_private_address_are_not_one_box() {
    let heard = [
        at(1, "10.0.0.1"),
        at(2, "10.0.0.2"),
        asked(1, "192.168.137.1", 1, "reply", "192.168.137.1"),
        asked(2, "192.168.137.1", 1, "reply", "192.168.137.1"),
    ];
    assert_eq!(
        verdict(&heard),
        [
            "dual_homed_host proved 01 [192.168.137.1] owns_second_address",
            "dual_homed_host proved 02 [192.168.137.1] owns_second_address",
        ]
    );
    // Nor are two that both seem to have one of the Internet.
    let twice = [
        at(1, "10.0.0.1"),
        at(2, "10.0.0.2"),
        asked(1, "203.0.113.2", 1, "reply", "203.0.113.2"),
        asked(2, "203.0.113.2", 1, "reply", "203.0.113.2"),
    ];
    assert_eq!(verdict(&twice).len(), 2);
}

#[test]
fn a_box_that_is_also_seen_from_outside_is_one_point() {
    let mut view = given();
    let heard = [
        at(1, "10.0.0.1"),
        asked(1, ROOT, 1, "expired", "10.0.0.1"),
        asked(1, "203.0.113.2", 1, "reply", "203.0.113.2"),
    ];
    let from_inside = points_in(&heard, &view);
    assert_eq!(
        said(&from_inside),
        ["internet_gateway proved 01 [203.0.113.2] forwards_probe owns_outside_address"]
    );
    assert_eq!(from_inside[0].addresses, BTreeSet::from(["10.0.0.1".parse().unwrap()]));
    // A view in which the facility's global address is inside, too: what it serves there is the same box's.
    view = Inside::given(vec!["10.0.0.0/16".parse().unwrap(), "203.0.113.2/32".parse().unwrap()]);
    let mut both = heard.to_vec();
    both.push(answers_vpn(Ipv4Addr::new(203, 0, 113, 2)));
    let apart = points_in(&both, &view);
    assert_eq!(
        apart.len(),
        2,
        "with the address given as inside, nothing shows that it is the box's"
    );
    both.pop();
    let mut outer = answers_vpn(Ipv4Addr::new(203, 0, 113, 2));
    outer.heard = Heard::Overheard;
    both.push(outer);
    assert_eq!(points_in(&both, &given()).len(), 1);
}

#[test]
fn a_foreign_box_on_the_wire_is_not_called_dual_homed_for_its_only_address() {
    let own = asked(0x17, "192.168.1.1", 1, "reply", "192.168.1.1");
    assert_eq!(verdict(&[at(0x17, "192.168.1.1"), own]), [""; 0]);
}

#[test]
fn a_host_that_answers_the_link_for_another_network_has_a_foot_there_and_a_proxy_has_not() {
    assert_eq!(
        verdict(&[at(1, "10.0.0.1"), at(1, "192.168.42.129")]),
        ["dual_homed_host inferred 01 [192.168.42.129] answers_for_second_network"]
    );
    // As scans hear it: whoever answers is said to be at the address that was asked about.
    let said = at(1, "198.51.100.7");
    let speaker = Endpoint { ip: Some("198.51.100.7".parse().unwrap()), ..said.speaker };
    for answers in [said.clone(), Observation { speaker, ..said }] {
        let proxy = [at(1, "10.0.0.1"), at(1, "192.168.42.129"), answers];
        assert_eq!(verdict(&proxy), ["internet_gateway inferred 01 [] proxy_arp"]);
    }
}

#[test]
fn a_router_that_lists_its_addresses_is_a_router_and_a_computer_that_forwards_is_a_computer() {
    let lists = |field: &'static str, protocol: &'static str| {
        let mut o = observed(1, protocol, Facts::default().with(field, "203.0.113.77"));
        o.speaker.ip = "10.0.0.1".parse().ok();
        o.side = Side::Server;
        o
    };
    let with = |o: Observation| {
        verdict(&[
            at(1, "10.0.0.1"),
            asked(1, ROOT, 1, "expired", "10.0.0.1"),
            asked(1, ROOT, 2, "expired", "203.0.113.1"),
            o,
        ])
    };
    assert_eq!(
        with(lists("snmp.address", "snmp")),
        ["internet_gateway proved 01 [203.0.113.77] egress forwards_probe second_network"]
    );
    assert_eq!(
        with(lists("dcerpc.address", "dcerpc")),
        ["dual_homed_host proved 01 [203.0.113.77] egress forwards_probe second_network"]
    );
}

#[test]
fn our_own_questions_are_no_traffic_to_the_outside() {
    let facts = Facts::default()
        .with("ethernet.outside_peers", "12")
        .with("ethernet.outside_heard", "0")
        .with("ethernet.outside_sent", "12")
        .with("ethernet.outside_answered", "0")
        .with("ethernet.global_peers", "3")
        .with("ethernet.ipv4_peers", "12")
        .with("ethernet.outside", "198.41.0.4");
    let sent = observed(1, "ethernet", facts);
    assert_eq!(
        verdict(&[at(1, "10.0.0.1"), sent.clone()]),
        ["internet_gateway hint 01 [] is_sent_outside"]
    );
    let asked_by_us = [
        at(1, "10.0.0.1"),
        sent,
        asked(1, ROOT, 1, "no_route", "10.0.0.1"),
        asked(1, "10.0.7.1", 1, "expired", "10.0.0.1"),
    ];
    assert_eq!(verdict(&asked_by_us), [""; 0]);
}

#[test]
fn what_is_no_question_or_lacks_its_parts_is_passed_over() {
    let whole = asked(1, ROOT, 1, "expired", "10.0.0.1");
    for (field, value) in [
        ("forward.destination", "nowhere"),
        ("forward.destination", "224.0.0.1"),
        ("forward.time_to_live", "256"),
        ("forward.time_to_live", "-1"),
        ("forward.answer", "perhaps"),
    ] {
        let broken = but(whole.clone(), field, value);
        assert_eq!(verdict(&[at(1, "10.0.0.1"), broken]), [""; 0], "{field} {value}");
    }
    let mut nobody = whole;
    nobody.speaker.mac = None;
    assert_eq!(verdict(&[nobody]), [""; 0]);
}

#[test]
fn what_came_through_an_exit_from_a_shared_range_makes_no_closed_network_of_it() {
    let facts = Facts::default()
        .with("ethernet.outside_peers", "2")
        .with("ethernet.outside_heard", "2")
        .with("ethernet.outside_sent", "0")
        .with("ethernet.outside_answered", "0")
        .with("ethernet.outside_forwarded", "1")
        .with("ethernet.global_peers", "0")
        .with("ethernet.ipv4_peers", "2")
        .with("ethernet.outside", "100.72.3.1");
    let passed = observed(1, "ethernet", facts);
    let closed = [at(1, "10.0.0.1"), passed.clone()];
    assert_eq!(
        verdict(&closed),
        ["closed_network_gateway inferred 01 [] forwards_to_closed_network"]
    );
    let exit = [
        at(1, "10.0.0.1"),
        passed,
        asked(1, ROOT, 2, "expired", "100.72.3.1"),
        but(
            asked(1, "172.16.0.1", 2, "no_route", "100.72.3.1"),
            "forward.answer_time_to_live",
            "63",
        ),
    ];
    let points = points_in(&exit, &given());
    assert_eq!(
        said(&points),
        ["internet_gateway proved 01 [] egress forwards_to_closed_network hides"]
    );
    assert_eq!(points[0].lines[0].kind, "carrier_nat");
}
