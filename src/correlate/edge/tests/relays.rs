//! Relays and exits: told apart, merged, and followed.

use super::*;

/// That a question to a relay died at another box, which answered by itself.
fn died_at(relay: u8, exit: u8, by: &str) -> Observation {
    but(asked(relay, ROOT, 2, "expired", by), "forward.by_mac", &mac(exit).to_string())
}

#[test]
fn an_exit_in_a_network_of_the_inside_that_nobody_stood_in_is_a_point() {
    let heard = [
        at(1, "10.0.0.1"),
        asked(1, ROOT, 1, "expired", "10.0.0.1"),
        asked(1, ROOT, 2, "expired", "10.0.3.2"),
    ];
    let points = points_in(&heard, &given());
    assert_eq!(
        said(&points),
        ["internet_gateway inferred 10.0.3.2 [] next_hop_outside relayed_by"]
    );
    let relay = points[0].because.iter().find(|because| because.evidence == "relayed_by").unwrap();
    assert_eq!((&*relay.value, &*relay.observation), ("10.0.0.1", "run.pcapng#3"));
    // What it serves is told of the same point.
    let mut serves = heard.to_vec();
    serves.push(answers_vpn([10, 0, 3, 2].into()));
    assert_eq!(
        verdict(&serves),
        ["vpn_gateway proved 10.0.3.2 [] answers_vpn next_hop_outside relayed_by"]
    );
}

#[test]
fn a_chain_of_relays_leads_to_its_end() {
    let heard = [
        at(1, "10.0.0.1"),
        at(2, "10.0.0.2"),
        at(3, "10.0.0.3"),
        asked(1, ROOT, 1, "expired", "10.0.0.1"),
        asked(2, ROOT, 1, "expired", "10.0.0.2"),
        asked(3, ROOT, 1, "expired", "10.0.0.3"),
        died_at(1, 2, "10.0.0.2"),
        died_at(2, 3, "10.0.0.3"),
        asked(3, ROOT, 2, "expired", "203.0.113.1"),
    ];
    let points = points_in(&heard, &given());
    assert_eq!(said(&points), ["internet_gateway proved 03 [] egress forwards_probe relayed_by"]);
    let relays = points[0].because.iter().filter(|because| because.evidence == "relayed_by");
    let mut relays: Vec<&str> = relays.map(|because| &*because.value).collect();
    relays.sort_unstable();
    assert_eq!(relays, ["10.0.0.1", "10.0.0.2"]);
}

#[test]
fn routers_that_hand_on_to_each_other_hide_no_way_out() {
    let heard = [
        at(1, "10.0.0.1"),
        at(2, "10.0.0.2"),
        asked(1, ROOT, 1, "expired", "10.0.0.1"),
        asked(2, ROOT, 1, "expired", "10.0.0.2"),
        died_at(1, 2, "10.0.0.2"),
        died_at(2, 1, "10.0.0.1"),
    ];
    assert_eq!(
        verdict(&heard),
        [
            "internet_gateway inferred 01 [] forwards_probe",
            "internet_gateway inferred 02 [] forwards_probe",
        ]
    );
}

#[test]
fn an_endless_chain_of_relays_takes_no_time_and_hides_nothing() {
    let heard: Vec<Observation> = (1..200)
        .flat_map(|n| {
            let ip = |n: u8| format!("10.0.0.{n}");
            [at(n, &ip(n)), asked(n, ROOT, 1, "expired", &ip(n)), died_at(n, n + 1, &ip(n + 1))]
        })
        .collect();
    let points = points_in(&heard, &given());
    assert!(points.len() > 150 && points.iter().all(|point| point.grade.name() == "inferred"));
}

#[test]
fn a_hidden_exit_behind_a_relay_is_found_once() {
    // The exit drops its own errors, and a question through the relay dies there in silence; the redirect names it.
    let redirect = with(asked(4, ROOT, 2, "redirect", "10.0.0.4"), "forward.gateway", "10.0.0.5");
    let heard =
        [at(4, "10.0.0.4"), at(5, "10.0.0.5"), asked(4, ROOT, 1, "expired", "10.0.0.4"), redirect];
    let known = "internet_gateway inferred 05 [] next_hop_outside relayed_by";
    assert_eq!(verdict(&heard), [known]);
    let mut later = heard.to_vec();
    later.push(asked(5, ROOT, 2, "expired", "203.0.113.5"));
    assert_eq!(verdict(&later), ["internet_gateway proved 05 [] egress hides relayed_by"]);
}

#[test]
fn a_box_that_comes_out_of_anothers_address_is_a_relay_to_it() {
    let responder = "192.0.2.9";
    let stun = |last| {
        with(asked(last, responder, 64, "reply", responder), "forward.mapped", "203.0.113.2")
    };
    let through = [
        at(1, "10.0.0.1"),
        at(2, "10.0.0.2"),
        asked(1, ROOT, 1, "expired", "10.0.0.1"),
        asked(2, ROOT, 1, "expired", "10.0.0.2"),
        stun(1),
        stun(2),
    ];
    // Nobody knows whose the address is: two boxes share a line.
    assert_eq!(
        verdict(&through),
        [
            "internet_gateway corroborated 01 [203.0.113.2] \
             forwards_probe mapped_address shares_line",
            "internet_gateway corroborated 02 [203.0.113.2] \
             forwards_probe mapped_address shares_line",
        ]
    );
    // One has it: the other hands on.
    let mut owned = through.to_vec();
    owned.push(asked(2, "203.0.113.2", 1, "reply", "203.0.113.2"));
    owned.push(asked(1, "203.0.113.2", 1, "expired", "10.0.0.1"));
    assert_eq!(
        verdict(&owned),
        ["internet_gateway proved 02 [203.0.113.2] \
          forwards_probe mapped_address owns_outside_address relayed_by"]
    );
}

#[test]
fn an_exit_that_answers_from_its_far_side_is_no_proof_for_the_relay() {
    let far = but(
        but(asked(1, ROOT, 2, "expired", "203.0.113.2"), "forward.by_mac", &mac(2).to_string()),
        "forward.answer_time_to_live",
        "255",
    );
    let heard = [
        at(1, "10.0.0.1"),
        at(2, "10.0.0.2"),
        asked(1, ROOT, 1, "expired", "10.0.0.1"),
        asked(2, ROOT, 1, "expired", "10.0.0.2"),
        far,
    ];
    assert_eq!(verdict(&heard), ["internet_gateway inferred 02 [] forwards_probe relayed_by"]);
}

#[test]
fn what_is_relayed_to_a_closed_network_names_the_box_that_leads_there() {
    let redirect =
        with(asked(1, "172.31.0.1", 2, "redirect", "10.0.0.1"), "forward.gateway", "10.0.0.11");
    let heard = [
        at(1, "10.0.0.1"),
        asked(1, ROOT, 1, "expired", "10.0.0.1"),
        asked(1, ROOT, 2, "expired", "203.0.113.1"),
        redirect,
    ];
    assert_eq!(
        verdict(&heard),
        [
            "internet_gateway proved 01 [] egress forwards_probe",
            "closed_network_gateway inferred 10.0.0.11 [] next_hop_outside relayed_by",
        ]
    );
}

#[test]
fn an_overheard_redirect_names_the_exit_and_a_forged_one_does_not() {
    let redirect = |from: u8| {
        let facts = Facts::default()
            .with("icmp.type", "redirect")
            .with("icmp.code", "host")
            .with("icmp.gateway", "10.0.0.254")
            .with("icmp.quoted_destination", "8.8.8.8");
        let mut o = observed(from, "icmp", facts);
        o.heard = Heard::Overheard;
        o.speaker.ip = "10.0.0.1".parse().ok();
        o.speaker.transport = Transport::Ip;
        o
    };
    assert_eq!(
        verdict(&[at(1, "10.0.0.1"), redirect(1)]),
        ["internet_gateway inferred 10.0.0.254 [] next_hop_outside relayed_by"]
    );
    assert_eq!(verdict(&[at(1, "10.0.0.1"), redirect(9)]), [""; 0]);
}

#[test]
fn a_router_at_which_somebodys_packet_died_is_a_hint_unless_it_was_asked() {
    let facts = Facts::default()
        .with("icmp.type", "time_exceeded")
        .with("icmp.code", "in_transit")
        .with("icmp.quoted_destination", "8.8.8.8");
    let mut died = observed(1, "icmp", facts);
    died.heard = Heard::Overheard;
    died.speaker.ip = "10.0.0.1".parse().ok();
    let known = [at(1, "10.0.0.1"), died.clone()];
    assert_eq!(verdict(&known), ["internet_gateway hint 01 [] expired_on_the_way"]);
    let relay = [
        at(1, "10.0.0.1"),
        died,
        asked(1, ROOT, 1, "expired", "10.0.0.1"),
        asked(1, ROOT, 2, "expired", "10.0.3.2"),
    ];
    assert_eq!(
        verdict(&relay),
        ["internet_gateway inferred 10.0.3.2 [] next_hop_outside relayed_by"]
    );
}

#[test]
fn a_relay_that_sends_ipv6_over_another_link_proves_no_exit() {
    let own = "fe80::200:5eff:fe00:5301";
    let both = [
        at(1, "10.0.0.1"),
        asked(1, ROOT, 1, "expired", "10.0.0.1"),
        asked(1, ROOT, 2, "expired", "10.0.3.2"),
        asked(1, ROOT_V6, 1, "expired", own),
        asked(1, ROOT_V6, 2, "beyond_scope", own),
    ];
    assert_eq!(
        verdict(&both),
        [
            "internet_gateway inferred 10.0.3.2 [] next_hop_outside relayed_by",
            "ipv6_exit inferred 01 [] forwards_probe",
        ]
    );
    let on_the_link = [
        at(1, "10.0.0.1"),
        asked(1, ROOT_V6, 1, "expired", own),
        asked(1, ROOT_V6, 2, "expired", "fe80::200:5eff:fe00:5302"),
        asked(2, ROOT_V6, 1, "expired", "fe80::200:5eff:fe00:5302"),
        asked(2, ROOT_V6, 2, "expired", "2001:db8:ffff::1"),
    ];
    assert_eq!(verdict(&on_the_link), ["ipv6_exit proved 02 [] egress forwards_probe relayed_by"]);
}
