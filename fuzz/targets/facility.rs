//! Any text as a facility file and as a list of targets: read or refused, with words that name the file.

use sekisho::scope::{Facility, Overrides, target};

/// Reads `input` as a facility file and as a list of targets.
pub(crate) fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    match Facility::parse(text, "facility.toml") {
        Ok(facility) => {
            if let Ok(consent) = facility.consent(&Overrides::default(), &[], Some(0)) {
                assert_eq!(consent.include, facility.include);
                assert!(!consent.include.minus(&consent.exclude).is_empty());
            }
        }
        Err(error) => assert!(error.to_string().starts_with("facility.toml: "), "{error}"),
    }
    match target::listed(text, "list") {
        Ok(blocks) => {
            let again = target::listed(&blocks.to_string().replace(',', ""), "list");
            assert_eq!(again.ok(), Some(blocks), "a set reads as itself");
        }
        Err(error) => assert!(error.to_string().starts_with("list: line "), "{error}"),
    }
}
