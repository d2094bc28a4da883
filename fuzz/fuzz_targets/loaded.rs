#![no_main]

#[path = "../targets/loaded.rs"]
mod loaded;

libfuzzer_sys::fuzz_target!(|input: &[u8]| loaded::run(input));
