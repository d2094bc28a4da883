#![no_main]

#[path = "../targets/network.rs"]
mod network;

libfuzzer_sys::fuzz_target!(|input: &[u8]| network::run(input));
