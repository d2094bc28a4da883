//! Verdicts, from observations as a run makes them.

mod lines;
mod order;
mod relays;
mod roles;
mod traps;

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr},
};

use super::super::{Point, conclude};
use crate::{
    fingerprint::{Matcher, Signatures},
    observe::{Confidence, Endpoint, Facts, Heard, Mac, Observation, PacketId, Side, Transport},
    scope::Inside,
};

/// Where questions go that nobody receives.
const ROOT: &str = "198.41.0.4";

/// The same in IPv6.
const ROOT_V6: &str = "2001:503:ba3e::2:30";

/// A hardware address, by its last byte.
const fn mac(last: u8) -> Mac {
    Mac([0, 0, 0x5e, 0, 0x53, last])
}

/// An observation of a protocol, of the box with a hardware address.
#[expect(clippy::default_trait_access, reason = "moments are no business of correlation's")]
fn observed(last: u8, protocol: &'static str, facts: Facts) -> Observation {
    let (mac, transport) = (Some(mac(last)), Transport::Ethernet);
    Observation {
        at: Default::default(),
        packet: PacketId::default(),
        heard: Heard::Replied,
        speaker: Endpoint { ip: None, mac, port: None, transport },
        listener: None,
        protocol,
        side: Side::Peer,
        confidence: Confidence::Certain,
        facts,
    }
}

/// That a box answered the link for an address.
fn at(last: u8, ip: &str) -> Observation {
    let arp = observed(last, "arp", Facts::default().with("arp.op", "reply").with("arp.ip", ip));
    Observation { side: Side::Server, ..arp }
}

/// A question to a box for a destination, with its time to live, and who answered what. The answer is as old as it is when
/// an inside box sends it itself, or when one router forwards it.
fn asked(last: u8, to: &str, time_to_live: u8, answer: &str, by: &str) -> Observation {
    let far = by.parse::<IpAddr>().is_ok_and(|by| match by {
        IpAddr::V4(v4) => !v4.is_private() && time_to_live > 1,
        IpAddr::V6(v6) => !v6.is_unicast_link_local() && time_to_live > 1,
    });
    let facts = Facts::default()
        .with("forward.destination", to)
        .with("forward.source", if to.contains(':') { "fe80::ff:fe00:10" } else { "10.0.0.10" })
        .with("forward.time_to_live", time_to_live)
        .with("forward.answer", answer)
        .with("forward.by", by)
        .with("forward.by_mac", mac(last))
        .with("forward.answer_time_to_live", if far { 254 } else { 64 });
    observed(last, "forward", facts)
}

/// A thing more that an answer tells.
fn with(mut observation: Observation, field: &'static str, value: &str) -> Observation {
    observation.facts.add(field, value);
    observation
}

/// The same with another value of a field.
fn but(observation: Observation, field: &'static str, value: &str) -> Observation {
    let mut facts = Facts::default();
    for (known, was) in observation.facts.iter() {
        facts.add(known, if known == field { value } else { was });
    }
    Observation { facts, ..observation }
}

/// The hospital's networks, as somebody gave them.
fn given() -> Inside {
    Inside::given(vec!["10.0.0.0/16".parse().unwrap()])
}

/// The points that observations make, each in its own packet.
fn points_in(observations: &[Observation], inside: &Inside) -> Vec<Point> {
    let numbered: Vec<Observation> = (1..)
        .zip(observations)
        .map(|(number, o)| Observation { packet: PacketId { file: 0, number }, ..o.clone() })
        .collect();
    points_of(&numbered, inside)
}

/// The points that observations make, as they are.
fn points_of(observations: &[Observation], inside: &Inside) -> Vec<Point> {
    points_with(&Signatures::built_in().unwrap(), observations, inside)
}

/// The same, with these signatures.
fn points_with(
    signatures: &Signatures,
    observations: &[Observation],
    inside: &Inside,
) -> Vec<Point> {
    conclude(&super::super::Heard {
        observations,
        inside,
        vantages: &[],
        matcher: &Matcher::new(signatures),
        packet: &|id| format!("run.pcapng#{}", id.number),
    })
    .points
}

/// The points in a few words each: kind, grade, the last bytes of its hardware addresses or its addresses, its outside
/// addresses, and its rules.
fn said(points: &[Point]) -> Vec<String> {
    let told = |point: &Point| {
        let macs: Vec<String> = point.macs.iter().map(|mac| format!("{:02x}", mac.0[5])).collect();
        let ips: Vec<String> = point.addresses.iter().map(ToString::to_string).collect();
        let outside: Vec<String> = point.outside.iter().map(ToString::to_string).collect();
        let rules: BTreeSet<&str> =
            point.because.iter().map(|because| because.evidence.as_str()).collect();
        let rules: Vec<&str> = rules.into_iter().collect();
        let place = if macs.is_empty() { ips } else { macs };
        format!(
            "{} {} {} [{}] {}",
            point.kind.name(),
            point.grade.name(),
            place.join("+"),
            outside.join(" "),
            rules.join(" ")
        )
    };
    points.iter().map(told).collect()
}

/// What the observations come to with the hospital's networks given.
fn verdict(observations: &[Observation]) -> Vec<String> {
    said(&points_in(observations, &given()))
}

/// That every reason names a packet, a field and a value.
fn assert_reasons(points: &[Point]) {
    for point in points {
        let lines = point.lines.iter().flat_map(|line| &line.because);
        assert!(!point.because.is_empty());
        for because in point.because.iter().chain(lines) {
            assert!(because.observation.starts_with("run.pcapng#"), "{because:?}");
            assert!(!because.field.is_empty() && !because.value.is_empty(), "{because:?}");
        }
    }
}

/// A VPN server's answer on a box with an address.
fn answers_vpn(ip: Ipv4Addr) -> Observation {
    let speaker =
        Endpoint { ip: Some(ip.into()), mac: None, port: Some(500), transport: Transport::Udp };
    let ike = observed(0, "ike", Facts::default().with("ike.version", "2"));
    Observation { speaker, side: Side::Server, ..ike }
}
