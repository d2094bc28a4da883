//! Runs that tests are made of.

use std::{collections::BTreeSet, path::PathBuf};

use super::{Input, Run};
use crate::{
    correlate::{
        Because, Coverage, CoverageState, Direction, Grade, Host, Kind, Line, Point, Sides,
    },
    time::Timestamp,
};

pub(super) fn point(id: &str, address: &str, mac: &str) -> Point {
    Point {
        id: id.into(),
        kind: Kind::VpnGateway,
        grade: Grade::Proved,
        confidence: 0.1 + 0.2,
        direction: Direction::In,
        addresses: BTreeSet::from([address.parse().unwrap()]),
        macs: BTreeSet::from([mac.parse().unwrap()]),
        outside: BTreeSet::new(),
        services: BTreeSet::new(),
        product: None,
        names: BTreeSet::from(["関所 <b>\u{202e}".to_owned()]),
        lines: vec![Line {
            kind: "flets_pppoe".into(),
            carrier: Some("関所通信 <b>".into()),
            mtu: Some(1454),
            outside: Some([203, 0, 113, 2].into()),
            next_hop: None,
            because: Vec::new(),
        }],
        because: vec![Because {
            evidence: "answers_vpn".into(),
            field: "ike.version".into(),
            value: "2".into(),
            observation: "a.pcap#7".into(),
        }],
        sides: Sides::default(),
    }
}

pub(super) fn run(id: &str, began: i64, points: Vec<Point>) -> Run {
    Run {
        id: id.into(),
        facility: Some("関所記念病院".into()),
        began: Timestamp::new(began, 0),
        ended: Timestamp::new(began + 60, 1),
        inputs: vec![Input { name: "a.pcap".into(), packets: 7, bytes: u64::MAX }],
        coverage: vec![Coverage {
            subject: "packets_read".into(),
            state: CoverageState::Partial,
            count: Some(u64::MAX),
            detail: None,
            network: Some("10.10.1.0/24".into()),
            vantage: Some("院内 <b>\u{202e}".into()),
        }],
        points,
        unrecognised: Vec::new(),
        hosts: Vec::new(),
        vantages: Sides::default().seen_from,
        inquiries: Vec::new(),
    }
}

pub(super) fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    (folder, path)
}

pub(super) const MAC_A: &str = "00:00:5e:00:53:01";
pub(super) const MAC_B: &str = "00:00:5e:00:53:02";

/// A run of some pages: many points, hosts and lines of coverage, some as the night before.
pub(super) fn night(number: u8) -> Run {
    let points = (0..20 + 20 * number).map(|n| {
        let mut one = point(
            &format!("p{n:08x}"),
            &format!("198.51.100.{n}"),
            &format!("00:00:5e:00:54:{n:02x}"),
        );
        one.names.insert(format!("{n} of {number}, {}", "x".repeat(400)));
        one
    });
    let hosts = (0..60).map(|n| Host {
        names: BTreeSet::from([format!("host {n}"), format!("{}", u16::from(number) * (n % 7))]),
        ..Host::default()
    });
    Run {
        hosts: hosts.collect(),
        ..run(&format!("night{number}"), 86_400 * i64::from(number), points.collect())
    }
}
