#![no_main]

#[path = "../targets/cells.rs"]
mod cells;

libfuzzer_sys::fuzz_target!(|input: &[u8]| cells::run(input));
