//! What programs read: `sekisho.points/1` is what `docs/schema/points-1.json` says, and nothing else.
#![expect(clippy::unwrap_used, reason = "a fixture that cannot be read should fail the test")]

use std::fs;

use jsonschema::Validator;
use sekisho::{
    assess::{Answer, By, Condition, Contradicted, Ends, Known, SupportAnswer, Unseen},
    correlate::{CoverageState, Direction, FromOutside, Grade, Kind, Reason},
    import::Column,
    inventory::{Facet, ReviewState},
};
use serde_json::{Value, json};

const SCHEMA: &str = "docs/schema/points-1.json";

fn schema() -> Value {
    serde_json::from_str(&fs::read_to_string(SCHEMA).unwrap()).unwrap()
}

/// The schema with every object closed: a key that it does not describe is refused.
fn closed(mut schema: Value) -> Value {
    fn close(part: &mut Value) {
        match part {
            Value::Object(keys) => {
                if keys.contains_key("properties") {
                    keys.insert("additionalProperties".into(), false.into());
                }
                keys.values_mut().for_each(close);
            }
            Value::Array(items) => items.iter_mut().for_each(close),
            _ => {}
        }
    }
    close(&mut schema);
    schema
}

/// A validator for what this release writes.
fn strict() -> Validator {
    jsonschema::draft202012::new(&closed(schema())).unwrap()
}

/// A document with every kind of change and a product: the golden one of the reports.
fn golden() -> Value {
    let text = fs::read_to_string("fixtures/reports/clinic/points.json").unwrap();
    serde_json::from_str(&text).unwrap()
}

#[track_caller]
fn accept(document: &Value) {
    let faults: Vec<String> = strict()
        .iter_errors(document)
        .map(|fault| format!("{}: {fault}", fault.instance_path()))
        .collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn the_schema_is_a_schema() {
    assert!(jsonschema::draft202012::meta::is_valid(&schema()));
}

#[test]
fn the_golden_points_are_as_the_schema_says() {
    accept(&golden());
}

#[test]
fn points_with_a_register_and_decisions_are_as_the_schema_says() {
    let text = fs::read_to_string("fixtures/reports/tables/points.json").unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    accept(&document);
    let vpn = document["points"].as_array().unwrap().iter().find(|one| one["id"] == "p1a2b3c4d");
    let vpn = vpn.unwrap();
    // That something is written otherwise is told beside, so that earlier readers understand it.
    assert_eq!(vpn["register"], "matched");
    assert_eq!(vpn["mismatches"][0]["column"], "model");
    assert_eq!(vpn["written"]["serial"], "001234567890123456");
    assert_eq!(vpn["first_seen"], "2026-03-20T09:46:40Z");
    assert_eq!(vpn["last_seen"], "2026-04-01T00:30:05Z");
    assert!(vpn["review"].is_null());
    assert_eq!(document["reconciliation"]["points"], json!({ "p1a2b3c4d": [0] }));
    for place in [
        "/reconciliation",
        "/reconciliation/lines/0",
        "/reconciliation/lines/0/entry",
        "/reconciliation/lines/0/fields/0",
        "/points/0/mismatches/0",
        "/points/1/review",
    ] {
        let keys = document.pointer(place).unwrap().as_object().unwrap().keys();
        for key in keys.filter(|key| !["found", "by", "fields", "reason"].contains(&key.as_str())) {
            let mut cut = document.clone();
            cut.pointer_mut(place).unwrap().as_object_mut().unwrap().remove(key);
            assert!(!strict().is_valid(&cut), "{place}/{key} can go without being missed");
        }
    }
}

#[test]
fn hosts_are_as_their_schema_says() {
    let schema: Value =
        serde_json::from_str(&fs::read_to_string("docs/schema/hosts-1.json").unwrap()).unwrap();
    assert!(jsonschema::draft202012::meta::is_valid(&schema));
    let strict = jsonschema::draft202012::new(&closed(schema)).unwrap();
    let text = fs::read_to_string("fixtures/reports/tables/hosts.json").unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    let faults: Vec<String> = strict.iter_errors(&document).map(|one| one.to_string()).collect();
    assert!(faults.is_empty(), "{faults:#?}");
    assert_eq!(document["hosts"].as_array().unwrap().len(), 4);
    for key in document["hosts"][0].as_object().unwrap().keys() {
        let mut cut = document.clone();
        cut["hosts"][0].as_object_mut().unwrap().remove(key);
        assert!(!strict.is_valid(&cut), "{key} can go without being missed");
    }
}

#[test]
fn the_points_of_a_hospital_are_as_the_schema_says() {
    let done = assert_cmd::Command::new(env!("CARGO_BIN_EXE_sekisho"))
        // Knowledge that whoever runs the tests brought along is none of theirs.
        .env("SEKISHO_DATA", "target/no-data")
        .args(["replay", "fixtures/captures/hospital/hospital.pcap", "--quiet", "--exit-zero"])
        .args(["--scope", "fixtures/captures/hospital/facility.toml", "--json", "-"])
        .output()
        .unwrap();
    let document: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert!(document["points"].as_array().unwrap().len() > 10, "{document:#}");
    accept(&document);
}

#[test]
fn every_key_the_schema_requires_is_missed() {
    let validator = strict();
    let whole = golden();
    for place in [
        "",
        "/inputs/0",
        "/coverage/0",
        "/changes/0",
        "/points/0",
        "/points/0/because/0",
        "/points/0/services/0",
        "/points/0/restriction/0",
        "/asked_from_outside/0",
        "/points/0/assessment",
        "/points/0/assessment/exploited/0",
        "/points/0/assessment/support/0",
    ] {
        let keys: Vec<String> =
            whole.pointer(place).unwrap().as_object().unwrap().keys().cloned().collect();
        for key in keys {
            let mut cut = whole.clone();
            cut.pointer_mut(place).unwrap().as_object_mut().unwrap().remove(&key);
            assert!(!validator.is_valid(&cut), "{place}/{key} can go without being missed");
        }
    }
}

#[test]
fn what_does_not_belong_is_refused() {
    let validator = strict();
    for (place, value) in [
        ("/schema", json!("sekisho.points/2")),
        ("/began", json!("yesterday")),
        ("/points/0/kind", json!("hole")),
        ("/points/0/confidence", json!(1.5)),
        ("/points/0/addresses", json!(["the server room"])),
        ("/points/0/macs", json!(["00-00-5E-00-53-01"])),
        ("/points/0/seen_from", json!(["the <b> roof"])),
        ("/points/0/restriction/0/answer", json!("closed")),
        ("/asked_from_outside/0/open/tcp", json!("many")),
        ("/points/0/because", json!([])),
        ("/points/0/exploited", json!(["CVE-1"])),
        ("/points/0/assessment/exploited/0/answer", json!("safe")),
        ("/points/0/assessment/support/0/until", json!("soon")),
        ("/coverage/0/network", json!("the ward")),
        ("/coverage/0/network", json!("10.0.0.0/8,")),
        ("/coverage/0/vantage", json!(1)),
        ("/points/0/services", json!([{ "transport": "tcp", "port": 70000, "protocol": "ssh" }])),
    ] {
        let mut document = golden();
        *document.pointer_mut(place).unwrap() = value.clone();
        assert!(!validator.is_valid(&document), "{place} may be {value}");
    }
}

#[test]
fn the_schema_lists_the_words_of_the_program() {
    let schema = schema();
    let listed = |place: &str| -> Vec<String> {
        let words = schema.pointer(place).unwrap().as_array().unwrap();
        words.iter().map(|word| word.as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(listed("/$defs/kind/enum"), Kind::ALL.map(Kind::name));
    assert_eq!(listed("/$defs/grade/enum"), Grade::ALL.map(Grade::name));
    assert_eq!(listed("/$defs/direction/enum"), Direction::ALL.map(Direction::name));
    let states = CoverageState::ALL.map(CoverageState::name);
    assert_eq!(listed("/$defs/coverage/properties/state/enum"), states);
    let answers = listed("/$defs/restriction/properties/answer/enum");
    assert_eq!(answers, FromOutside::ALL.map(FromOutside::name));
    let exploited = |key: &str| listed(&format!("/$defs/exploited/properties/{key}/enum"));
    assert_eq!(exploited("answer"), Answer::ALL.map(Answer::name));
    assert_eq!(exploited("known/items"), Known::ALL.map(Known::name));
    assert_eq!(exploited("condition/items"), Condition::ALL.map(Condition::name));
    let support = SupportAnswer::ALL.map(SupportAnswer::name);
    assert_eq!(listed("/$defs/support/properties/answer/enum"), support);
    let ends = schema.pointer("/$defs/support/properties/what/enum").unwrap();
    assert_eq!(*ends, json!([Ends::ALL[0].name(), Ends::ALL[1].name(), null]));
    let reasons = Reason::ALL.map(Reason::name);
    assert_eq!(listed("/$defs/unrecognised/properties/why/items/enum"), reasons);
    assert_eq!(listed("/$defs/column/enum"), Column::ALL.map(Column::name));
    let states = ReviewState::ALL.map(ReviewState::name);
    assert_eq!(listed("/$defs/review/properties/state/enum"), states);
    let by = listed("/$defs/reconciled/properties/by/items/enum");
    assert_eq!(by, By::ALL.map(By::name));
    let unseen = listed("/$defs/reconciled/properties/reason/enum");
    assert_eq!(unseen, Unseen::ALL.map(Unseen::name));
    let contradicted = Contradicted::ALL.map(Contradicted::name);
    assert_eq!(listed("/$defs/contradiction/properties/sort/enum"), contradicted);
    let facets = Facet::ALL.map(Facet::name);
    assert_eq!(listed("/$defs/difference/properties/facet/enum"), facets);
}
