//! Any text as a facility file: read or refused, with words that name the file.

use sekisho::scope::Facility;

/// Reads `input` as a facility file.
pub(crate) fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    if let Err(error) = Facility::parse(text, "facility.toml") {
        assert!(error.to_string().starts_with("facility.toml: "), "{error}");
    }
}
