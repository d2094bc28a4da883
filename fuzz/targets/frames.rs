//! Any packets of any link layer are replayed, as a capture and as the recording of a run, and what was heard can be
//! told.
//!
//! Input: the link type (16 bits), then packets, each behind its length (16 bits).

use std::io::Cursor;

use sekisho::{
    passive::{Replay, capture::Capture, hear},
    report::write_observations,
    wire::pcapng,
};

/// How many packets are replayed.
const MOST_PACKETS: usize = 64;

/// Replays the packets of `input`.
pub(crate) fn run(input: &[u8]) {
    let Some((link_type, mut rest)) = input.split_first_chunk() else { return };
    let mut packets = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk()
        && packets.len() < MOST_PACKETS
    {
        let (packet, after) = after.split_at(after.len().min(u16::from_be_bytes(*length).into()));
        packets.push(packet);
        rest = after;
    }
    let link_type = u16::from_be_bytes(*link_type);
    told(&replay(&pcap(link_type, &packets)));
    let recorded = replay(&recording(link_type, &packets));
    told(&recorded);
    let asked: u64 = recorded.asked.iter().map(|(_, entry)| entry.packets).sum();
    assert!(asked <= recorded.asked.packets, "{:?}", recorded.asked);
}

/// A recording of `packets`, in which questions and answers take turns, a millisecond apart.
fn recording(link_type: u16, packets: &[&[u8]]) -> Vec<u8> {
    let mut file = pcapng::section("sekisho 0", "{}");
    file.extend(pcapng::interface(link_type, "eth1"));
    let turns = ["asked forward -", "replied - -", "asked borrowed -", "replied forward -"];
    for ((at, packet), comment) in (1..).zip(packets).zip(turns.iter().cycle()) {
        let length = u32::try_from(packet.len()).unwrap_or(u32::MAX);
        file.extend(pcapng::packet(0, at * 1_000_000, packet, length, comment));
    }
    file
}

/// A pcap file of `packets`, a millisecond apart.
pub(crate) fn pcap(link_type: u16, packets: &[&[u8]]) -> Vec<u8> {
    let mut file = Vec::new();
    for number in [0xa1b2_c3d4, 0x0004_0002, 0, 0, 0x0004_0000, u32::from(link_type)] {
        file.extend(number.to_le_bytes());
    }
    for (number, packet) in (0u32..).zip(packets) {
        let length = u32::try_from(packet.len()).unwrap_or(u32::MAX);
        for field in [1_700_000_000 + number / 1000, number % 1000 * 1000, length, length] {
            file.extend(field.to_le_bytes());
        }
        file.extend_from_slice(packet);
    }
    file
}

/// What is heard in a capture file that lies in memory; nothing when it is none.
pub(crate) fn replay(file: &[u8]) -> Replay {
    let capture = Capture::read(Box::new(Cursor::new(file.to_vec())), "input.pcap");
    hear(
        capture.map(|capture| ("input.pcap".to_owned(), capture)).into_iter().map(Ok),
        None,
        &|_| {},
    )
    .unwrap_or_default()
}

/// Writes what was heard, and checks that nothing of it could rewrite a terminal.
pub(crate) fn told(heard: &Replay) {
    let names: Vec<String> = heard.files.iter().map(|file| file.name.clone()).collect();
    let mut written = Vec::new();
    write_observations(&heard.observations, &names, &mut written).expect("memory takes everything");
    let written = String::from_utf8(written).expect("JSON is UTF-8");
    assert!(!written.contains(|c: char| c.is_control() && c != '\n'));
    for forward in heard.observations.iter().filter(|heard| heard.protocol == "forward") {
        let asked = forward.speaker.mac.filter(|mac| !mac.is_group() && !mac.is_zero());
        assert!(asked.is_some() && forward.facts.get("forward.answer").is_some(), "{forward:?}");
    }
    for fault in heard.files.iter().filter_map(|file| file.fault.as_ref()) {
        assert!(!fault.reason.contains(char::is_control), "{fault:?}");
    }
}
