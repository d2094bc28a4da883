//! Each folder in `fixtures/captures` is a capture, what must be heard in it, and which points it makes.
#![expect(clippy::unwrap_used, reason = "a fixture that cannot be read should fail the test")]

use std::{
    collections::BTreeMap,
    fs,
    net::IpAddr,
    path::{Path, PathBuf},
};

use sekisho::{
    correlate::{self, Kind, Point},
    fingerprint::{Matcher, Signatures},
    observe::{Mac, Observation},
    passive::{self, Replay},
    scope::Facility,
};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// Which daemons, which versions, real or imitated.
    origin: String,
    /// How to take it again.
    remake: String,
    /// Protocols that must not be heard.
    #[serde(default)]
    nothing: Vec<String>,
    #[serde(default)]
    heard: Vec<Wanted>,
    #[serde(default)]
    point: Vec<WantedPoint>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    protocol: String,
    /// An address, or a hardware address where there is none.
    speaker: String,
    side: Option<String>,
    #[serde(default)]
    facts: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WantedPoint {
    kind: Kind,
    address: String,
    mac: Option<String>,
    vendor: Option<String>,
}

/// A case that was read.
struct Played {
    name: String,
    case: Case,
    replay: Replay,
    points: Vec<Point>,
}

#[test]
fn every_capture_tells_what_its_case_says() {
    let mut faults = Vec::new();
    for Played { name, case, replay, points } in played() {
        if case.origin.is_empty() || case.remake.is_empty() {
            faults.push(format!("{name}: does not say where it comes from"));
        }
        for wanted in &case.heard {
            if !replay.observations.iter().any(|observation| wanted.is(observation)) {
                let near: Vec<_> = replay
                    .observations
                    .iter()
                    .filter(|o| o.protocol == wanted.protocol)
                    .take(3)
                    .collect();
                faults.push(format!("{name}: not heard: {wanted:?}; near {near:?}"));
            }
        }
        for protocol in &case.nothing {
            if let Some(wrong) = replay.observations.iter().find(|o| o.protocol == protocol) {
                faults.push(format!("{name}: {protocol} is not there: {wrong:?}"));
            }
        }
        for wanted in &case.point {
            if !points.iter().any(|point| wanted.is(point)) {
                let near: Vec<_> = points.iter().map(summary).collect();
                faults.push(format!("{name}: no point {wanted:?}; there are {near:#?}"));
            }
        }
        // These lists are complete: anything else is a wrong positive.
        if name == "hospital" || name.starts_with("decoy") {
            for point in
                points.iter().filter(|point| !case.point.iter().any(|wanted| wanted.is(point)))
            {
                faults.push(format!(
                    "{name}: wrong point {} because {:?}",
                    summary(point),
                    point.because
                ));
            }
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn every_point_says_why() {
    for Played { name, points, .. } in played() {
        for point in points {
            assert!(!point.because.is_empty(), "{name}: {}", point.id);
            assert!(
                point.because.iter().all(|because| because.observation.contains('#')),
                "{name}"
            );
            assert!((0.0..=1.0).contains(&point.confidence), "{name}: {}", point.confidence);
        }
    }
}

impl Wanted {
    fn is(&self, observation: &Observation) -> bool {
        let ip = self.speaker.parse::<IpAddr>().ok();
        let mac = self.speaker.parse::<Mac>().ok();
        let speaks = match (ip, mac) {
            (Some(_), _) => observation.speaker.ip == ip,
            (None, Some(_)) => observation.speaker.mac == mac,
            (None, None) => false,
        };
        let side = serde_json::to_value(observation.side).unwrap();
        let facts = self
            .facts
            .iter()
            .all(|(field, value)| observation.facts.all(field).any(|v| v == value));
        observation.protocol == self.protocol
            && speaks
            && self.side.as_ref().is_none_or(|wanted| side == *wanted)
            && facts
    }
}

impl WantedPoint {
    fn is(&self, point: &Point) -> bool {
        let address = self.address.parse::<IpAddr>().is_ok_and(|ip| point.addresses.contains(&ip));
        let own_mac = self.address.parse::<Mac>().is_ok_and(|mac| point.macs.contains(&mac));
        let mac = self.mac.as_ref().is_none_or(|mac| point.macs.contains(&mac.parse().unwrap()));
        let vendor = self.vendor.as_ref().is_none_or(|vendor| {
            point.product.as_ref().is_some_and(|product| product.vendor == *vendor)
        });
        point.kind == self.kind && (address || own_mac) && mac && vendor
    }
}

fn summary(point: &Point) -> String {
    let vendor = point.product.as_ref().map(|product| product.vendor.as_str());
    format!("{} {:?} {:?} {vendor:?}", point.kind.name(), point.addresses, point.macs)
}

/// Every case, replayed.
fn played() -> impl Iterator<Item = Played> {
    let signatures = Box::leak(Box::new(Signatures::built_in().unwrap()));
    let matcher = Matcher::new(signatures);
    let mut folders: Vec<PathBuf> = fs::read_dir("fixtures/captures")
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("expect.toml").exists())
        .collect();
    folders.sort();
    assert!(folders.len() > 100, "only {} cases", folders.len());
    folders.into_iter().map(move |folder| {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(folder.join("expect.toml")).unwrap();
        let case: Case = toml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let facility = folder.join("facility.toml");
        let facility = facility.exists().then(|| Facility::load(&facility).unwrap());
        let inside = facility.as_ref().map(|facility| &facility.inside);
        let replay =
            passive::replay(&[capture_in(&folder)], inside, &|_| {}).unwrap_or_else(|error| {
                panic!("{name}: {error}");
            });
        let points = correlate::points(&correlate::Heard {
            observations: &replay.observations,
            inside: &replay.inside,
            vantages: &[],
            matcher: &matcher,
            packet: &|id| format!("{name}#{}", id.number),
        });
        Played { name, case, replay, points }
    })
}

/// The one capture of a case.
fn capture_in(folder: &Path) -> PathBuf {
    let is_capture = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        name.contains(".pcap")
    };
    let found = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).find(is_capture);
    found.unwrap_or_else(|| panic!("{} holds no capture", folder.display()))
}
