//! Any bytes as a capture file: reading ends, in bounds, and says where.

use std::io::Cursor;

use sekisho::passive::capture::{Capture, Chunk};

use crate::frames;

/// Reads `input` as a capture and replays it.
pub(crate) fn run(input: &[u8]) {
    let Ok(mut capture) = Capture::read(Box::new(Cursor::new(input.to_vec())), "input") else {
        return;
    };
    let mut chunk = Chunk::default();
    let mut packets = 0;
    while capture.read_chunk(&mut chunk, 1 << 16) {
        packets += chunk.packets.len();
        chunk.clear();
        // A few bytes of gzip may hold any number of packets.
        if packets > 100_000 {
            return;
        }
    }
    packets += chunk.packets.len();
    if let Some(fault) = capture.fault() {
        assert_eq!(fault.packet, packets as u64 + 1, "{fault:?}");
    }
    frames::told(&frames::replay(input));
}
