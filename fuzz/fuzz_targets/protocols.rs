#![no_main]

#[path = "../targets/protocols.rs"]
mod protocols;

libfuzzer_sys::fuzz_target!(|input: &[u8]| protocols::run(input));
