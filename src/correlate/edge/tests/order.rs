//! The order in which something was heard changes nothing.

use proptest::prelude::*;

use super::*;

/// What many boxes of a network may answer, true or not.
fn heard() -> impl Strategy<Value = Vec<Observation>> {
    let address = prop_oneof![
        (1..6u8).prop_map(|n| format!("10.0.0.{n}")),
        (1..4u8).prop_map(|n| format!("203.0.113.{n}")),
        (1..3u8).prop_map(|n| format!("100.64.0.{n}")),
        (1..3u8).prop_map(|n| format!("172.31.0.{n}")),
        Just("fe80::200:5eff:fe00:5301".to_owned()),
        Just("2001:db8:1::1".to_owned()),
    ];
    let answer = proptest::sample::select(vec![
        "expired",
        "no_route",
        "host_unreachable",
        "prohibited",
        "too_big",
        "redirect",
        "beyond_scope",
        "unreachable",
        "reply",
    ]);
    let to = proptest::sample::select(vec![
        ROOT,
        ROOT_V6,
        "8.8.8.8",
        "203.0.113.2",
        "172.31.0.1",
        "10.0.7.1",
    ]);
    let question = (1..6u8, to, 1..4u8, answer, address.clone(), address, 1..6u8, any::<u8>());
    let question = question.prop_map(|(last, to, age, answer, by, other, beside, more)| {
        let mut o = asked(last, to, age, answer, &by);
        if more & 1 > 0 {
            o = but(o, "forward.by_mac", &mac(beside).to_string());
        }
        if more & 2 > 0 {
            o = with(o, "forward.mapped", &other);
        }
        if more & 4 > 0 {
            o = with(o, "forward.route", &other);
        }
        if answer == "redirect" {
            o = with(o, "forward.gateway", &other);
        }
        if answer == "too_big" {
            o = with(o, "forward.mtu", if more & 8 > 0 { "1454" } else { "1400" });
        }
        o
    });
    let known = (1..6u8).prop_map(|n| at(n, &format!("10.0.0.{n}")));
    let redirect = (1..6u8, 1..6u8).prop_map(|(from, next)| {
        let facts = Facts::default()
            .with("icmp.type", "redirect")
            .with("icmp.gateway", format!("10.0.0.{next}"))
            .with("icmp.quoted_destination", "8.8.8.8");
        let mut o = observed(from, "icmp", facts);
        o.speaker.ip = format!("10.0.0.{from}").parse().ok();
        o
    });
    proptest::collection::vec(prop_oneof![4 => question, 2 => known, 1 => redirect], 0..24)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_order_of_what_was_heard_changes_nothing(
        (heard, shuffled) in heard().prop_map(|heard| {
            (1..).zip(heard).map(|(number, o)| Observation { packet: PacketId { file: 0, number }, ..o })
                .collect::<Vec<_>>()
        }).prop_flat_map(|heard| (Just(heard.clone()), Just(heard).prop_shuffle()))
    ) {
        for inside in [given(), Inside::inferred([])] {
            let none = Signatures::default();
            let points = points_with(&none, &heard, &inside);
            prop_assert_eq!(&points, &points_with(&none, &shuffled, &inside));
            assert_reasons(&points);
            for point in &points {
                prop_assert!(!point.macs.is_empty() || !point.addresses.is_empty());
                prop_assert!(point.lines.len() <= 16);
            }
        }
    }
}
