#![no_main]

#[path = "../targets/register.rs"]
mod register;

libfuzzer_sys::fuzz_target!(|input: &[u8]| register::run(input));
