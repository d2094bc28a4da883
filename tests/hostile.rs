//! Whatever a capture holds, reading it ends, stays within its bounds, keeps what was right, and says what was not.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test's own input is known to be right"
)]

use std::{
    collections::BTreeMap,
    fs,
    io::{Cursor, Write as _},
    path::Path,
};

use sekisho::{
    observe::Observation,
    passive::{
        Replay,
        capture::{Capture, Captured, Chunk, Error, Fault},
    },
    wire::{
        ethernet::{self, Frame, Kind},
        gre::Gre,
        ipv4, link,
        tcp::{self, Segment, flag},
        udp::{self, Datagram},
    },
};

#[path = "../fuzz/targets/capture.rs"]
mod capture;
#[path = "../fuzz/targets/cells.rs"]
mod cells;
#[path = "../fuzz/targets/dialogues.rs"]
mod dialogues;
#[path = "../fuzz/targets/facility.rs"]
mod facility;
#[path = "../fuzz/targets/frames.rs"]
mod frames;
#[path = "../fuzz/targets/identify.rs"]
mod identify;
#[path = "../fuzz/targets/journal.rs"]
mod journal;
#[path = "../fuzz/targets/loaded.rs"]
mod loaded;
#[path = "../fuzz/targets/network.rs"]
mod network;
#[path = "../fuzz/targets/protocols.rs"]
mod protocols;
#[path = "../fuzz/targets/register.rs"]
mod register;
#[path = "../fuzz/targets/round_trip.rs"]
mod round_trip;
#[path = "hostile/seeds.rs"]
mod seeds;
#[path = "../fuzz/targets/signature.rs"]
mod signature;
#[path = "../fuzz/targets/sweep.rs"]
mod sweep;

/// A fuzzing target: it panics where something is wrong.
type Target = fn(&[u8]);

/// What fuzzing runs, run here on its seeds.
const TARGETS: [(&str, Target); 14] = [
    ("capture", capture::run),
    ("cells", cells::run),
    ("dialogues", dialogues::run),
    ("facility", facility::run),
    ("frames", frames::run),
    ("identify", identify::run),
    ("journal", journal::run),
    ("loaded", loaded::run),
    ("network", network::run),
    ("protocols", protocols::run),
    ("register", register::run),
    ("round_trip", round_trip::run),
    ("signature", signature::run),
    ("sweep", sweep::run),
];

// Files.

/// A capture file and where its packets' records begin.
struct File {
    bytes: Vec<u8>,
    /// Where each record or block begins, and whether it is a packet.
    records: Vec<(usize, bool)>,
}

impl File {
    fn add(&mut self, is_packet: bool, record: &[u8]) {
        self.records.push((self.bytes.len(), is_packet));
        self.bytes.extend_from_slice(record);
    }

    /// How many packets are whole in the first `end` bytes, and where the record stands that is cut, if one is.
    fn whole(&self, end: usize) -> (usize, Option<usize>) {
        let ends = self.records.iter().skip(1).map(|(start, _)| *start).chain([self.bytes.len()]);
        let mut packets = 0;
        for ((start, is_packet), record_end) in self.records.iter().zip(ends) {
            if record_end > end {
                return (packets, (*start < end).then_some(*start));
            }
            packets += usize::from(*is_packet);
        }
        (packets, None)
    }
}

fn pcap() -> File {
    let mut file = File { bytes: frames::pcap(1, &[]), records: Vec::new() };
    for length in [60, 1, 0, 7] {
        let record = frames::pcap(1, &[&vec![0xaa; length]]);
        file.add(true, &record[24..]);
    }
    file
}

/// A pcapng block.
fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let mut body = body.to_vec();
    body.resize(body.len().next_multiple_of(4), 0);
    let length = u32::try_from(body.len() + 12).unwrap().to_le_bytes();
    [&kind.to_le_bytes(), &length, &body[..], &length].concat()
}

fn numbers(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

fn section() -> Vec<u8> {
    block(0x0a0d_0d0a, &numbers(&[0x1a2b_3c4d, 1, u32::MAX, u32::MAX]))
}

fn interface(link_type: u32) -> Vec<u8> {
    block(1, &numbers(&[link_type, 0x4_0000]))
}

fn enhanced(interface: u32, packet: &[u8]) -> Vec<u8> {
    let length = u32::try_from(packet.len()).unwrap();
    block(6, &[&numbers(&[interface, 0, 1000, length, length]), packet].concat())
}

fn pcapng() -> File {
    let mut file = File { bytes: Vec::new(), records: Vec::new() };
    for _ in 0..2 {
        file.add(false, &section());
        file.add(false, &interface(1));
        file.add(true, &enhanced(0, &[0xaa; 60]));
        // A simple packet, a packet of the old form, names, statistics.
        file.add(true, &block(3, &[&numbers(&[13]), &[0xbb; 13][..]].concat()));
        file.add(true, &block(2, &[&numbers(&[0, 0, 1000, 9, 9]), &[0xcc; 9][..]].concat()));
        file.add(false, &block(4, &numbers(&[0])));
        file.add(false, &block(5, &numbers(&[0, 0, 1000])));
        file.add(true, &enhanced(0, &[0xdd; 7]));
    }
    file
}

fn read(file: &[u8]) -> Result<(Vec<Captured>, Option<Fault>), Error> {
    let mut capture = Capture::read(Box::new(Cursor::new(file.to_vec())), "test")?;
    let mut chunk = Chunk::default();
    while capture.read_chunk(&mut chunk, usize::MAX) {}
    Ok((chunk.packets, capture.fault().cloned()))
}

#[test]
fn a_capture_cut_at_any_byte_keeps_what_came_before_and_says_where() {
    for (file, header) in [(pcap(), 24), (pcapng(), 4)] {
        assert_eq!(read(&file.bytes).unwrap().1, None);
        for end in 0..file.bytes.len() {
            let Ok((packets, fault)) = read(&file.bytes[..end]) else {
                assert!(end < header, "{end} bytes are refused");
                continue;
            };
            let (whole, cut) = file.whole(end);
            assert_eq!(packets.len(), whole, "{end} bytes");
            let place = fault.map(|fault| (fault.packet, fault.offset));
            assert_eq!(place, cut.map(|start| (whole as u64 + 1, start as u64)), "{end} bytes");
        }
    }
}

#[test]
fn a_lying_number_anywhere_costs_no_more_than_what_follows_it() {
    let lies =
        [0, 1, 3, 8, 11, 13, 0xffff, 16 << 20, (16 << 20) + 4, 1 << 31, u32::MAX - 3, u32::MAX];
    for file in [pcap(), pcapng()] {
        for at in (0..file.bytes.len() - 4).step_by(4) {
            for lie in lies.into_iter().flat_map(|lie: u32| [lie.to_le_bytes(), lie.to_be_bytes()])
            {
                let mut bytes = file.bytes.clone();
                bytes[at..at + 4].copy_from_slice(&lie);
                let Ok((packets, fault)) = read(&bytes) else { continue };
                let (before, _) = file.whole(at);
                assert!(packets.len() >= before, "byte {at}: {} of {before}", packets.len());
                assert!(packets.iter().all(|packet| packet.length <= bytes.len()));
                if let Some(fault) = fault {
                    assert!(fault.packet > before as u64, "{fault:?}");
                    assert!(fault.offset <= bytes.len() as u64, "{fault:?}");
                    assert!(fault.reason.len() > 20, "{fault:?}");
                }
            }
        }
    }
}

#[test]
fn a_bomb_of_packed_emptiness_is_read_a_bounded_piece_at_a_time() {
    let mut bomb = frames::pcap(1, &[]);
    bomb.resize(24 + (16 << 20), 0);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&bomb).unwrap();
    for packed in [gzip.finish().unwrap(), zstd::encode_all(&bomb[..], 3).unwrap()] {
        assert!(packed.len() < 40_000, "{} bytes are no bomb", packed.len());
        let mut capture = Capture::read(Box::new(Cursor::new(packed)), "bomb").unwrap();
        let mut chunk = Chunk::default();
        let mut packets = 0;
        loop {
            let more = capture.read_chunk(&mut chunk, 1 << 20);
            assert!(chunk.weight() <= (1 << 20) + 100, "{}", chunk.weight());
            packets += chunk.packets.len();
            chunk.clear();
            if !more {
                break;
            }
        }
        assert_eq!((packets, capture.fault()), (1 << 20, None));
    }
}

#[test]
fn more_interfaces_than_any_machine_has_are_told() {
    let mut file = section();
    file.extend(interface(1));
    file.extend(enhanced(0, &[1; 60]));
    file.extend(interface(1).repeat(100_000));
    file.extend(enhanced(0, &[2; 60]));
    file.extend(enhanced(99_999, &[3; 60]));
    let (packets, fault) = read(&file).unwrap();
    assert_eq!(packets.len(), 2);
    let fault = fault.unwrap();
    assert!(fault.packet == 3 && fault.reason.contains("99999"), "{fault:?}");
}

// Packets.

const HERE: [u8; 4] = [10, 0, 0, 5];
const THERE: [u8; 4] = [203, 0, 113, 9];

fn packet(protocol: u8, payload: &[u8]) -> ipv4::Packet<'_> {
    ipv4::Packet {
        source: HERE.into(),
        destination: THERE.into(),
        time_to_live: 64,
        protocol,
        identification: 7,
        dont_fragment: false,
        more_fragments: false,
        fragment_offset: 0,
        options: &[],
        payload,
        missing: 0,
    }
}

fn framed(packet: &[u8]) -> Vec<u8> {
    let frame = Frame {
        source: [2, 0, 0, 0, 0, 1],
        destination: [2, 0, 0, 0, 0, 2],
        vlan: None,
        kind: Kind::Type(ethernet::IPV4),
        payload: packet,
    };
    frame.emit()
}

fn segment(sequence: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let segment = Segment {
        source: 50_000,
        destination: 22,
        sequence,
        acknowledgement: 0,
        flags,
        window: 1024,
        options: &[],
        payload,
    };
    packet(tcp::NUMBER, &segment.emit(&[])).emit()
}

/// A whole conversation that says who is there, in one packet.
fn hello() -> Vec<u8> {
    segment(1, flag::ACK, b"SSH-2.0-here\r\n")
}

fn heard(packets: &[Vec<u8>]) -> Replay {
    let packets: Vec<&[u8]> = packets.iter().map(Vec::as_slice).collect();
    frames::replay(&frames::pcap(u16::try_from(link::ETHERNET).unwrap(), &packets))
}

fn banners(heard: &Replay) -> Vec<&str> {
    let of = |observation: &'_ Observation| observation.protocol == "ssh";
    heard.observations.iter().filter(|o| of(o)).flat_map(|o| o.facts.all("ssh.banner")).collect()
}

#[test]
fn fragments_without_end_in_circles_and_over_each_other_hinder_nobody() {
    let datagram =
        Datagram { source: 500, destination: 500, payload: &vec![0x55; 60_000] }.emit(&[]);
    let part = |identification: u16, offset: usize, more: bool, length: usize| {
        let payload = &datagram[offset..(offset + length).min(datagram.len())];
        let part = ipv4::Packet {
            identification,
            fragment_offset: u16::try_from(offset).unwrap(),
            more_fragments: more,
            ..packet(udp::NUMBER, payload)
        };
        framed(&part.emit())
    };
    let mut packets: Vec<Vec<u8>> = Vec::new();
    // Never a last part; always the same parts; parts that overlap by all but eight bytes.
    packets.extend((0..3000).map(|n| part(1, n % 7000 * 8, true, 8)));
    packets.extend((0..3000).map(|n| part(2, n % 3 * 800, true, 800)));
    packets.extend((0..3000).map(|n| part(3, n * 8, true, 1400)));
    // Last parts at contradicting ends, and only last parts of ever new datagrams.
    packets.extend((1..3000).map(|n| part(4, n * 8, false, 8)));
    packets.extend((5..3000).map(|n| part(n, 800, false, 1400)));
    // One that is right, in the wrong order, with a contradicting copy of its first part.
    let whole = Segment {
        source: 50_000,
        destination: 22,
        sequence: 1,
        acknowledgement: 0,
        flags: flag::ACK,
        window: 1024,
        options: &[],
        payload: b"SSH-2.0-in_parts\r\n",
    };
    let whole = whole.emit(&[]);
    let right = |offset: usize, more, payload| {
        let part = ipv4::Packet {
            identification: 9000,
            fragment_offset: u16::try_from(offset).unwrap(),
            more_fragments: more,
            ..packet(tcp::NUMBER, payload)
        };
        framed(&part.emit())
    };
    packets.extend([
        right(24, false, &whole[24..]),
        right(8, true, &whole[8..24]),
        right(8, true, &[0xee; 16]),
        right(0, true, &whole[..8]),
    ]);
    assert_eq!(banners(&heard(&packets)), ["in_parts"]);
}

#[test]
fn tunnels_in_tunnels_are_followed_so_far_and_no_further() {
    for (depth, found) in [(1, true), (5, true), (50, false)] {
        let in_ip = (0..depth).fold(hello(), |inner, _| packet(4, &inner).emit());
        let in_gre = (0..depth).fold(hello(), |inner, _| {
            let gre = Gre {
                version: 0,
                protocol: ethernet::IPV4,
                key: None,
                sequence: None,
                acknowledgment: None,
                payload: &inner,
            };
            packet(47, &gre.emit()).emit()
        });
        for packet in [in_ip, in_gre] {
            assert_eq!(!banners(&heard(&[framed(&packet)])).is_empty(), found, "{depth} deep");
        }
    }
    let tags = [0x81, 0x00, 0x00, 0x01].repeat(50);
    let tagged = [&[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1][..], &tags, &[8, 0], &hello()].concat();
    assert!(heard(&[tagged]).observations.len() <= 2);
}

#[test]
fn of_contradicting_segments_the_first_counts() {
    let packets = [
        segment(0, flag::SYN, b""),
        segment(1, flag::ACK, b"SSH-2.0-fi"),
        segment(1, flag::ACK, b"SSH-2.0-SECOND\r\n"),
        segment(9, flag::ACK, b"XXrst\r\n"),
        segment(1, flag::ACK, b"HTTP/1.1 200 OK\r\n\r\n"),
    ];
    let packets: Vec<Vec<u8>> = packets.iter().map(|packet| framed(packet)).collect();
    assert_eq!(banners(&heard(&packets)), ["fiCOND"]);
}

// Words.

#[test]
fn what_devices_call_themselves_rewrites_no_output() {
    let banner =
        "SSH-2.0-<script>alert(1)</script>\"'&\u{1b}]0;owned\u{7}\u{202e}dne\u{85}|=1+1\r\n";
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("<img src=x>\u{1b}[2J\u{202e}.pcap");
    let speaks = [segment(0, flag::SYN, b""), segment(1, flag::ACK, banner.as_bytes())];
    let answers = speaks.iter().map(|bytes| {
        // The same from outside, so that somebody listens there.
        let mut bytes = bytes.clone();
        bytes[12..16].copy_from_slice(&THERE);
        bytes[16..20].copy_from_slice(&HERE);
        bytes
    });
    let packets: Vec<Vec<u8>> =
        speaks.iter().cloned().chain(answers).map(|packet| framed(&packet)).collect();
    let packets: Vec<&[u8]> = packets.iter().map(Vec::as_slice).collect();
    fs::write(&input, frames::pcap(1, &packets)).unwrap();
    let path = |name: &str| folder.path().join(name);
    let run = assert_cmd::Command::cargo_bin("sekisho")
        .unwrap()
        .env("SEKISHO_DATA", "target/no-data")
        .args(["replay", "--report"])
        .arg(path("report"))
        .arg("--json")
        .arg(path("points.json"))
        .arg("--observations")
        .arg(path("observations.json"))
        .arg(&input)
        .assert();
    let mut outputs: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    outputs.insert("stdout".into(), run.get_output().stdout.clone());
    for file in ["points.json", "observations.json"] {
        outputs.insert(file.into(), fs::read(path(file)).unwrap());
    }
    // What is no text is read back in `tests/tables.rs`.
    let is_text = |file: &std::path::PathBuf| {
        !file.extension().is_some_and(|extension| extension == "xlsx" || extension == "pdf")
    };
    let files = fs::read_dir(path("report")).unwrap().map(|entry| entry.unwrap().path());
    for file in files.filter(is_text) {
        outputs.insert(file.display().to_string(), fs::read(&file).unwrap());
    }
    assert!(outputs["observations.json"].windows(8).any(|bytes| bytes == b"alert(1)"));
    for (name, bytes) in &outputs {
        let text = std::str::from_utf8(bytes).unwrap_or_else(|e| panic!("{name}: {e}"));
        // Rows of CSV end with both.
        let is_table = Path::new(name).extension().is_some_and(|extension| extension == "csv");
        let hostile = |c: char| {
            (c.is_control() && !matches!(c, '\n' | '\t') && !(is_table && c == '\r'))
                || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        if let Some(at) = text.find(hostile) {
            panic!(
                "{name}: {:?}",
                text.get(at.saturating_sub(60)..)
                    .unwrap_or(&text[at..])
                    .chars()
                    .take(80)
                    .collect::<String>()
            );
        }
        if Path::new(name).extension().is_some_and(|extension| extension == "html") {
            assert!(!text.contains("<script>alert") && !text.contains("<img src=x"), "{name}");
        }
    }
}

// Fuzzing's seeds.

#[test]
fn every_target_survives_its_seeds() {
    let keep = std::env::var_os("SEKISHO_SEEDS");
    for (name, seeds) in seeds::all() {
        let (_, run) = TARGETS.iter().find(|(target, _)| *target == name).unwrap();
        assert!(!seeds.is_empty(), "{name} has no seeds");
        for (number, seed) in (0u32..).zip(&seeds) {
            if let Some(folder) = &keep {
                let folder = Path::new(folder).join(name);
                fs::create_dir_all(&folder).unwrap();
                fs::write(folder.join(format!("fixture-{number}")), seed).unwrap();
                continue;
            }
            run(seed);
            run(&seed[..seed.len() / 2]);
            let mut flipped = seed.clone();
            let at = number.wrapping_mul(2_654_435_761) as usize % flipped.len().max(1);
            if let Some(byte) = flipped.get_mut(at) {
                *byte ^= 1 << (number % 8);
                run(&flipped);
            }
        }
    }
}
