#![no_main]

#[path = "../targets/sweep.rs"]
mod sweep;

libfuzzer_sys::fuzz_target!(|input: &[u8]| sweep::run(input));
