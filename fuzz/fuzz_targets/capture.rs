#![no_main]

#[path = "../targets/capture.rs"]
mod capture;
#[expect(dead_code, reason = "of this, the capture target needs only how to replay")]
#[path = "../targets/frames.rs"]
mod frames;

libfuzzer_sys::fuzz_target!(|input: &[u8]| capture::run(input));
