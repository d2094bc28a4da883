//! Captures to observations: the fixtures' captures, one after another, from memory.

use std::io::Cursor;

use divan::{Bencher, black_box, counter::BytesCount};
use sekisho::passive::{capture::Capture, hear};

#[expect(dead_code, reason = "this stage needs the captures only")]
mod fixtures;

fn main() {
    divan::main();
}

#[divan::bench]
fn fixtures_in_memory(bencher: Bencher<'_, '_>) {
    let files: Vec<Vec<u8>> = fixtures::captures();
    let bytes: usize = files.iter().map(Vec::len).sum();
    bencher.counter(BytesCount::new(bytes)).bench(|| {
        let captures = files.iter().filter_map(|file| {
            let capture = Capture::read(Box::new(Cursor::new(file.clone())), "fixture").ok()?;
            Some(Ok(("fixture".to_owned(), capture)))
        });
        black_box(hear(captures, None, &|_| {}).map(|heard| heard.observations.len()))
    });
}
