#![no_main]

#[path = "../targets/facility.rs"]
mod facility;

libfuzzer_sys::fuzz_target!(|input: &[u8]| facility::run(input));
