//! Every released inventory opens, and says what it said. `BLESS=1 cargo test --test inventory` makes a
//! missing one.
#![expect(clippy::unwrap_used, reason = "a fixture that cannot be read should fail the test")]

use std::{fs, path::Path};

use sekisho::{
    correlate::{Coverage, CoverageState},
    inventory::{Change, Run, Store},
};

/// The newest format; a release that changes it adds a number here and a file beside the others.
const FORMATS: u32 = 4;

/// The run that every format holds, as far as the format holds it: the first kept nothing of unknown boxes, the second
/// not which network a line of coverage is about, the third nothing of lines.
fn run(format: u32) -> Run {
    let text = fs::read_to_string("fixtures/reports/clinic/run.json").unwrap();
    let mut run: Run = serde_json::from_str(&text).unwrap();
    assert!(!run.unrecognised.is_empty());
    if format == 1 {
        run.unrecognised.clear();
    }
    if format >= 3 {
        let ran = Coverage::of_run("forward", CoverageState::Measured, Some(23), None);
        let (network, vantage) = (Some("10.10.1.0/24".to_owned()), Some("eth1".to_owned()));
        run.coverage.push(Coverage { network, vantage, ..ran });
    }
    if format <= 3 {
        run.points.iter_mut().for_each(|point| point.lines.clear());
    }
    run
}

#[test]
fn every_released_inventory_opens() {
    for format in 1..=FORMATS {
        let fixture = format!("fixtures/inventories/v{format}.sqlite");
        if !Path::new(&fixture).exists() && std::env::var_os("BLESS").is_some() {
            Store::open(&fixture).unwrap().absorb(&run(format)).unwrap();
        }
        // A copy, since opening an old one brings it to the newest format.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.sqlite");
        fs::copy(&fixture, &path).unwrap();
        let mut store = Store::open(&path).unwrap();
        assert_eq!(store.run("r5f0c2a91d3").unwrap(), run(format), "{fixture}");
        let later = Run { id: "later".into(), points: Vec::new(), ..run(FORMATS) };
        let changes = store.absorb(&later).unwrap();
        assert_eq!(changes.len(), 3, "{fixture}");
        assert!(changes.iter().all(|change| matches!(change, Change::NotSeen { .. })));
        // What a format did not have, the store has from now on.
        let known = store.unrecognised("p", None).unwrap();
        assert_eq!(
            (known.run.as_str(), known.known),
            ("later", run(FORMATS).unrecognised[0].clone())
        );
    }
}

#[test]
fn what_is_missing_or_foreign_is_said_with_the_file_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    let said = Store::open_read(&path).unwrap_err().to_string();
    assert!(said.contains("store.sqlite") && said.contains("--store"), "{said}");
    fs::write(&path, "a text".repeat(200)).unwrap();
    let said = Store::open(&path).unwrap_err().to_string();
    assert!(said.contains("store.sqlite") && said.contains("another file"), "{said}");
}
