//! Lines and boxes by hand: what pairs, what does not, and what is told of it.

use std::collections::BTreeSet;

use super::*;
use crate::correlate::{Because, CoverageState, Direction, Grade, Kind, Product};

fn entry(columns: &[(Column, &str)]) -> Entry {
    let mut entry = Entry { row: 2, ..Entry::default() };
    for (column, text) in columns {
        match column {
            Column::Address => entry.addresses = crate::import::address::addresses(text),
            Column::Mac => entry.macs = crate::import::address::macs(text),
            Column::Outside => entry.outside = crate::import::address::addresses(text),
            _ => {}
        }
        entry.written.insert(*column, (*text).to_owned());
    }
    entry
}

fn point(id: &str, address: &str, mac: &str) -> Point {
    Point {
        id: id.to_owned(),
        kind: Kind::VpnGateway,
        grade: Grade::Proved,
        confidence: 0.9,
        direction: Direction::In,
        addresses: crate::import::address::addresses(address),
        macs: crate::import::address::macs(mac),
        outside: BTreeSet::new(),
        services: BTreeSet::new(),
        product: None,
        names: BTreeSet::new(),
        lines: Vec::new(),
        because: vec![Because {
            evidence: "test".into(),
            field: "snmp.sysdescr".into(),
            value: "x".into(),
            observation: "test.pcap#1".into(),
        }],
        sides: crate::correlate::Sides::default(),
    }
}

fn product(vendor: &str, model: &str, version: Option<&str>) -> Product {
    let (model, version) = (Some(model.to_owned()), version.map(str::to_owned));
    Product { vendor: vendor.to_owned(), name: "EdgeGate".to_owned(), model, version }
}

fn held(entries: Vec<Entry>, points: &[Point], coverage: &[Coverage]) -> Reconciliation {
    let register = Register { name: "register.xlsx".to_owned(), entries, ..Register::default() };
    reconcile(&register, &Seen { points, hosts: &[], coverage })
}

fn outcome(columns: &[(Column, &str)], points: &[Point]) -> Outcome {
    held(vec![entry(columns)], points, &[]).lines.remove(0).outcome
}

fn by(outcome: &Outcome) -> &[By] {
    match outcome {
        Outcome::Matched { by, .. } | Outcome::Mismatch { by, .. } => by,
        Outcome::NotSeen { .. } => &[],
    }
}

fn fields(outcome: &Outcome) -> Vec<Column> {
    match outcome {
        Outcome::Mismatch { fields, .. } => fields.iter().map(|field| field.column).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn a_line_is_found_by_whatever_it_says() {
    let mut gate = point("p00000001", "10.1.1.1", "00:00:5e:00:53:01");
    gate.outside = crate::import::address::addresses("203.0.113.1");
    gate.names = BTreeSet::from(["gate01.hospital.example".to_owned()]);
    gate.product = Some(product("Acme", "EG-60", None));
    gate.because.push(Because {
        evidence: "test".into(),
        field: "snmp.serial".into(),
        value: "EG60-12345".into(),
        observation: "test.pcap#2".into(),
    });
    let points = [gate, point("p00000002", "10.1.1.2", "00:00:5e:00:53:02")];
    let found = |columns: &[(Column, &str)]| {
        let outcome = outcome(columns, &points);
        let id = match outcome.found() {
            Some(Found::Point(id)) => id.clone(),
            other => panic!("{columns:?}: {other:?}"),
        };
        (id, by(&outcome).to_vec())
    };
    let gate = |by: By| ("p00000001".to_owned(), vec![by]);
    assert_eq!(found(&[(Column::Mac, "0000.5e00.5301")]), gate(By::Mac));
    assert_eq!(found(&[(Column::Serial, "ＥＧ６０－１２３４５")]), gate(By::Serial));
    assert_eq!(found(&[(Column::Address, "10.1.1.1")]), gate(By::Address));
    assert_eq!(found(&[(Column::Outside, "203.0.113.1")]), gate(By::Outside));
    assert_eq!(found(&[(Column::HostName, "GATE-01")]), gate(By::Name));
    assert_eq!(found(&[(Column::Vendor, "アクメ"), (Column::Model, "EG60")]), gate(By::Model));
}

#[test]
fn what_differs_is_told_by_column() {
    let mut gate = point("p00000001", "10.1.1.1", "00:00:5e:00:53:01");
    gate.names = BTreeSet::from(["gate01".to_owned()]);
    gate.product = Some(product("Acme", "EG-60", Some("9.1.3")));
    let points = [gate];
    let of = |columns: &[(Column, &str)]| fields(&outcome(columns, &points));
    let (mac, address) = ((Column::Mac, "00:00:5e:00:53:01"), (Column::Address, "10.1.1.1"));
    assert_eq!(of(&[mac, (Column::Address, "10.1.1.9")]), [Column::Address]);
    assert_eq!(of(&[address, (Column::Mac, "00:00:5e:00:53:99")]), [Column::Mac]);
    assert_eq!(of(&[mac, (Column::HostName, "gate-02")]), [Column::HostName]);
    assert_eq!(of(&[mac, (Column::Version, "8.4")]), [Column::Version]);
    assert_eq!(of(&[mac, (Column::Version, "v9.1")]), []);
    assert_eq!(
        of(&[mac, (Column::Vendor, "Bolt"), (Column::Model, "X9")]),
        [Column::Vendor, Column::Model]
    );
    assert_eq!(of(&[mac, (Column::Vendor, "㈱アクメ"), (Column::Model, "ＥＧ６０")]), []);
    // One digit of the hardware address is wrong, and the rest is right.
    assert_eq!(
        of(&[(Column::Mac, "00:00:5e:00:53:07"), address, (Column::HostName, "gate01")]),
        [Column::Mac]
    );
}

#[test]
fn an_address_that_another_box_has_by_now_does_not_make_a_line_that_box() {
    let mut first = point("p00000001", "10.1.1.7", "00:00:5e:00:53:01");
    first.names = BTreeSet::from(["pc01".to_owned()]);
    let mut second = point("p00000002", "10.1.1.1", "00:00:5e:00:53:12");
    second.names = BTreeSet::from(["pc02".to_owned()]);
    let points = [first, second];
    // It moved, and is found by its hardware address or its name wherever it is.
    let moved =
        outcome(&[(Column::Mac, "00:00:5e:00:53:01"), (Column::Address, "10.1.1.1")], &points);
    assert_eq!(moved.found(), Some(&Found::Point("p00000001".into())));
    assert_eq!(fields(&moved), [Column::Address]);
    let named = outcome(&[(Column::HostName, "PC01"), (Column::Address, "10.1.1.1")], &points);
    assert_eq!(named.found(), Some(&Found::Point("p00000001".into())));
    // Somebody else has its address, under another name: told as that, unless the hardware address is another too.
    let other = [(Column::HostName, "PC77"), (Column::Address, "10.1.1.1")];
    assert_eq!(fields(&outcome(&other, &points)), [Column::HostName]);
    let gone = [other[0], other[1], (Column::Mac, "00:00:5e:00:53:77")];
    assert_eq!(outcome(&gone, &points), Outcome::NotSeen { reason: Unseen::Silent });
    // A retired line does not take the box from the line that has its hardware address.
    let both = held(
        vec![
            entry(&[(Column::AssetNumber, "A1"), (Column::Address, "10.1.1.1")]),
            entry(&[
                (Column::AssetNumber, "A2"),
                (Column::Mac, "00:00:5e:00:53:12"),
                (Column::Address, "10.1.1.1"),
            ]),
        ],
        &points,
        &[],
    );
    assert_eq!(both.points.get("p00000002"), Some(&vec![1]));
    assert_eq!(both.duplicates.len(), 1);
    assert_eq!(
        (both.duplicates[0].column, both.duplicates[0].lines.as_slice()),
        (Column::Address, &[0, 1][..])
    );
}

#[test]
fn points_that_no_line_declares_are_undeclared() {
    let points = [
        point("p00000001", "10.1.1.1", "00:00:5e:00:53:01"),
        point("p00000002", "10.1.1.2", "00:00:5e:00:53:22"),
    ];
    let held = held(vec![entry(&[(Column::Address, "10.1.1.1")])], &points, &[]);
    let undeclared: Vec<&str> =
        held.undeclared(&points).iter().map(|point| point.id.as_str()).collect();
    assert_eq!(undeclared, ["p00000002"]);
    assert_eq!((held.count("matched"), held.count("not_seen")), (1, 0));
}

#[test]
fn a_host_that_is_no_point_is_found_too() {
    let host = Host {
        addresses: crate::import::address::addresses("10.1.1.9"),
        macs: crate::import::address::macs("00:00:5e:00:53:09"),
        ..Host::default()
    };
    let lines = vec![entry(&[(Column::Mac, "00-00-5E-00-53-09")])];
    let register = Register { entries: lines, ..Register::default() };
    let held = reconcile(&register, &Seen { points: &[], hosts: &[host], coverage: &[] });
    assert_eq!(held.lines[0].outcome.found(), Some(&Found::Host("10.1.1.9".into())));
    assert!(held.points.is_empty());
}

#[test]
fn why_a_line_was_not_seen_follows_from_the_line_and_from_coverage() {
    let line = |subject: &'static str, network: &str, state| Coverage {
        network: Some(network.to_owned()),
        ..Coverage::of_run(subject, state, None, None)
    };
    let coverage = [
        Coverage::of_run(
            "inside_given",
            CoverageState::Measured,
            None,
            Some("10.1.0.0/16, 10.2.0.0/16".into()),
        ),
        line("forward", "10.1.1.0/24", CoverageState::Measured),
        line("forward", "10.1.9.0/24", CoverageState::NotMeasured),
    ];
    let why = |columns: &[(Column, &str)]| match held(vec![entry(columns)], &[], &coverage)
        .lines
        .remove(0)
        .outcome
    {
        Outcome::NotSeen { reason } => reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(why(&[(Column::Address, "10.1.1.5")]), Unseen::Silent);
    assert_eq!(why(&[(Column::Address, "10.2.0.5")]), Unseen::Silent);
    assert_eq!(why(&[(Column::Address, "10.1.9.5")]), Unseen::OutOfScope);
    assert_eq!(why(&[(Column::Address, "172.16.0.5")]), Unseen::OutOfScope);
    assert_eq!(why(&[(Column::Name, "検体検査 ＩＳＤＮ 回線")]), Unseen::Dark);
    assert_eq!(why(&[(Column::Name, "CT保守"), (Column::Line, "アナログ電話")]), Unseen::Dark);
    assert_eq!(
        why(&[
            (Column::Name, "血糖測定器"),
            (Column::Direction, "発信のみ"),
            (Column::Address, "10.1.1.5")
        ]),
        Unseen::DialsOut
    );
    assert_eq!(why(&[(Column::Name, "放射線科の箱")]), Unseen::NothingToFindItBy);
    assert_eq!(why(&[(Column::HostName, "PC-17")]), Unseen::Silent);
}

#[test]
fn a_register_of_nothing_and_a_run_of_nothing_are_held_too() {
    assert_eq!(held(Vec::new(), &[], &[]).lines, []);
    let empty = held(vec![Entry::default()], &[], &[]);
    assert_eq!(empty.lines[0].outcome, Outcome::NotSeen { reason: Unseen::NothingToFindItBy });
}
