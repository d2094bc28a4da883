#![no_main]

#[path = "../targets/journal.rs"]
mod journal;

libfuzzer_sys::fuzz_target!(|input: &[u8]| journal::run(input));
