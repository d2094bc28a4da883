#![no_main]

#[path = "../targets/identify.rs"]
mod identify;

libfuzzer_sys::fuzz_target!(|input: &[u8]| identify::run(input));
