#![no_main]

#[path = "../targets/signature.rs"]
mod signature;

libfuzzer_sys::fuzz_target!(|input: &[u8]| signature::run(input));
