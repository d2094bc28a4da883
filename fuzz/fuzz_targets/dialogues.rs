#![no_main]

#[path = "../targets/dialogues.rs"]
mod dialogues;

libfuzzer_sys::fuzz_target!(|input: &[u8]| dialogues::run(input));
