//! A scan listens: what routers, switches and gateways announce anyway is in its recording and read like any capture;
//! what others say to each other is not, however much comes.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what cannot be set up should fail the test"
)]

use std::{collections::BTreeSet, fmt::Write as _, fs, net::Ipv4Addr, path::Path};

use sekisho::{
    cli::survey,
    correlate::{CoverageState, coverage},
    fingerprint::{Matcher, Signatures},
    link::sim::Sim,
    observe::Heard,
    passive::{
        self, Replay,
        capture::{Capture, Chunk, Role},
    },
    scope::Facility,
    wire::{
        ethernet::{self, Frame, Kind},
        ipv4, ipv6,
        udp::Datagram,
    },
};

const FACILITY: &str =
    "[facility]\nname = \"x\"\nauthorisation = \"y\"\n[scope]\ninclude = [\"10.0.0.0/28\"]\n";

/// Somebody who speaks on the wire: the last part of his addresses, whom he speaks to, and what.
struct Says {
    last: u8,
    to: [u8; 6],
    kind: Kind,
    payload: Vec<u8>,
}

impl Says {
    fn frame(&self) -> Vec<u8> {
        let source = [2, 0, 0, 0, 0, self.last];
        let Self { to: destination, kind, ref payload, .. } = *self;
        Frame { destination, source, vlan: None, kind, payload }.emit()
    }
}

/// The bytes of a case of `fixtures/replies`.
fn reply(case: &str) -> Vec<u8> {
    let path = format!("fixtures/replies/{case}.toml");
    let case: toml::Table = toml::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let digits: Vec<u8> =
        case["bytes"].as_str().unwrap().bytes().filter(u8::is_ascii_hexdigit).collect();
    let pairs = digits.as_chunks::<2>().0.iter();
    pairs.map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn packet(last: u8, to: [u8; 4], protocol: u8, payload: &[u8]) -> ipv4::Packet<'_> {
    ipv4::Packet {
        source: Ipv4Addr::new(10, 0, 0, last),
        destination: to.into(),
        time_to_live: 1,
        protocol,
        identification: 0,
        dont_fragment: false,
        more_fragments: false,
        fragment_offset: 0,
        options: &[],
        payload,
        missing: 0,
    }
}

/// Said to a group of IPv4.
fn to_group(last: u8, group: [u8; 4], protocol: u8, payload: &[u8]) -> Says {
    let to = [1, 0, 0x5e, group[1] & 0x7f, group[2], group[3]];
    let payload = packet(last, group, protocol, payload).emit();
    Says { last, to, kind: Kind::Type(ethernet::IPV4), payload }
}

fn to_port(last: u8, group: [u8; 4], port: u16, payload: &[u8]) -> Says {
    let datagram = Datagram { source: port, destination: port, payload };
    let bytes = datagram.emit(&packet(last, group, 17, &[]).pseudo_header(8 + payload.len()));
    to_group(last, group, 17, &bytes)
}

fn bare(last: u8, to: [u8; 6], kind: Kind, payload: Vec<u8>) -> Says {
    Says { last, to, kind, payload }
}

/// A router of IPv6 announces itself.
fn advertises(last: u8) -> Says {
    let payload = reply("ndp/radvd");
    let all = [0x33, 0x33, 0, 0, 0, 1];
    let packet = ipv6::Packet {
        source: "fe80::e".parse().unwrap(),
        destination: "ff02::1".parse().unwrap(),
        hop_limit: 255,
        protocol: 58,
        fragment: None,
        payload: &payload,
        missing: 0,
    };
    bare(last, all, Kind::Type(ethernet::IPV6), packet.emit())
}

/// What is announced, each by somebody else, and the protocols that it is.
fn announced() -> (Vec<Says>, BTreeSet<&'static str>) {
    let bridges = [1, 0x80, 0xc2, 0, 0, 0x0e];
    let says = vec![
        to_group(2, [224, 0, 0, 18], 112, &reply("vrrp/keepalived_v2")),
        to_port(3, [224, 0, 0, 2], 1985, &reply("hsrp/first")),
        to_port(4, [224, 0, 0, 102], 3222, &reply("glbp/hello")),
        to_group(5, [224, 0, 0, 5], 89, &reply("ospf/frr_hello")),
        to_group(6, [224, 0, 0, 10], 88, &reply("eigrp/hello")),
        to_port(7, [224, 0, 0, 9], 520, &reply("rip/second")),
        to_group(8, [224, 0, 0, 13], 103, &reply("pim/hello")),
        bare(9, bridges, Kind::Type(0x88cc), reply("lldp/inventory")),
        bare(10, [1, 0, 12, 0xcc, 0xcc, 0xcc], Kind::Snap(0x0c, 0x2000), reply("cdp/gateway")),
        bare(11, [0, 0xe0, 0x2b, 0, 0, 0], Kind::Snap(0xe02b, 0xbb), reply("edp/switch")),
        bare(12, [0xff; 6], Kind::Type(0x8863), reply("pppoe/padi")),
        to_port(13, [255, 255, 255, 255], 5678, &reply("mndp/router")),
        advertises(14),
    ];
    let names = [
        "vrrp", "hsrp", "glbp", "ospf", "eigrp", "rip", "pim", "lldp", "cdp", "edp", "pppoe",
        "mndp", "ndp",
    ];
    (says, BTreeSet::from(names))
}

/// What two others say to each other: a card may let it in.
fn conversation() -> Says {
    let datagram = Datagram { source: 40_000, destination: 104, payload: b"PATIENT^NAME" };
    let of = packet(2, [10, 0, 0, 3], 17, &[]);
    let bytes = datagram.emit(&of.pseudo_header(8 + 12));
    let payload = ipv4::Packet { payload: &bytes, ..of }.emit();
    bare(2, [2, 0, 0, 0, 0, 3], Kind::Type(ethernet::IPV4), payload)
}

/// A network in which all these are said, every so many milliseconds.
fn network(all: &[Says], every: u32) -> Sim {
    let mut text = "origin = \"this test\"\nsegment = [{ name = \"wire\", prefixes = [\"10.0.0.0/24\"], \
        interface = { name = \"wire\", mac = \"02:00:00:00:00:fa\", addresses = [\"10.0.0.250\"] } }]\n"
        .to_owned();
    for (place, says) in (20..).zip(all) {
        let hex = says.frame().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        // Who speaks stands on the wire under an address that is not asked.
        write!(
            text,
            "[[host]]\nname = \"{place}\"\naddresses = [\"10.0.0.{place}\"]\nmac = \"02:00:00:00:01:{place:02x}\"\n\
             announces = [{{ every = {every}, frame = {{ hex = \"{hex}\" }} }}]\n"
        )
        .unwrap();
    }
    Sim::parse(&text, "wire.toml").unwrap()
}

fn scan(network: Sim, path: &Path) -> Replay {
    let facility = Facility::parse(FACILITY, "facility.toml").unwrap();
    let signatures = Signatures::built_in().unwrap();
    let matcher = Matcher::new(&signatures);
    let (surveyed, _) =
        survey::simulated(network, &facility, 7, &matcher, path, &mut |_| {}).unwrap();
    assert!(!surveyed.is_partial());
    passive::replay(&[path.to_owned()], None, &|_| {}).unwrap()
}

#[test]
fn what_is_announced_is_overheard_and_told_with_its_time() {
    let desk = tempfile::tempdir().unwrap();
    let (all, names) = announced();
    let replay = scan(network(&all, 11_000), &desk.path().join("run.pcapng"));
    let heard: BTreeSet<&str> = replay
        .observations
        .iter()
        .filter(|heard| heard.heard == Heard::Overheard && heard.protocol != "ethernet")
        .map(|heard| heard.protocol)
        .collect();
    assert_eq!(heard, names);
    let lines = coverage::of_replay(&replay, &["run.pcapng".to_owned()]);
    let line = lines.iter().find(|line| line.subject == "listening").unwrap();
    assert_eq!(
        (line.state, line.detail.as_deref()),
        (CoverageState::Measured, Some("seconds=120"))
    );
    assert_eq!(
        (line.network.as_deref(), line.vantage.as_deref()),
        (Some("10.0.0.0/24"), Some("wire"))
    );
    // Thirteen of them, each ten times in two minutes.
    assert_eq!(line.count, Some(130));
    assert!(!lines.iter().any(|line| line.subject == "overheard_not_kept"));
}

#[test]
fn of_each_the_first_are_kept_and_of_others_conversations_nothing() {
    let desk = tempfile::tempdir().unwrap();
    let path = desk.path().join("run.pcapng");
    let (mut all, _) = announced();
    all.push(conversation());
    let replay = scan(network(&all, 100), &path);
    let mut capture = Capture::open(&path).unwrap();
    let mut chunk = Chunk::default();
    while capture.read_chunk(&mut chunk, usize::MAX) {}
    let overheard = |says: &Says| {
        let frame = says.frame();
        let same = chunk.packets.iter().filter(|packet| chunk.bytes_of(packet) == frame);
        assert!(same.clone().all(|packet| packet.role == Role::Overheard));
        same.count()
    };
    let (conversation, announcements) = all.split_last().unwrap();
    assert_eq!(overheard(conversation), 0);
    for says in announcements {
        assert_eq!(overheard(says), 64, "{}", says.last);
    }
    let lines = coverage::of_replay(&replay, &["run.pcapng".to_owned()]);
    let line = lines.iter().find(|line| line.subject == "overheard_not_kept").unwrap();
    assert_eq!(line.state, CoverageState::Measured);
    // Two minutes of ten a second, thirteen times, at least.
    assert!(line.count.unwrap() > 13 * (1200 - 64), "{:?}", line.count);
}
