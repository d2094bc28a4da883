//! Any text as a simulated network: read or refused, with words that name the file.

use sekisho::link::{Link as _, sim::Sim};

/// Reads `input` as a network.
pub(crate) fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    match Sim::parse(text, "network.toml") {
        Ok(mut sim) => {
            let now = sim.now();
            assert!(sim.wait(now).is_none_or(|event| event.at <= now));
        }
        Err(error) => assert!(error.to_string().starts_with("network.toml"), "{error}"),
    }
}
