//! What a scan does in a hospital of real daemons. It needs the right to make network namespaces, so `cargo test`
//! leaves it out; `.ci/run` runs it with `--ignored`, and there it fails where it cannot.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a hospital that cannot be built should fail the test"
)]

mod exits;
mod hospital;
mod hosts;
mod listen;
mod roles;
mod scanned;
mod seen;
mod topology;

use std::{
    collections::BTreeMap,
    fs,
    net::{IpAddr, Ipv4Addr},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use hospital::{Hospital, NETWORK};
use sekisho::{
    passive::capture::{Capture, Chunk},
    wire::{
        arp::Arp,
        ethernet::{self, Frame, Kind},
        ipv4,
        tcp::{self, Segment, flag},
        udp::{self, Datagram},
    },
};
use serde_json::Value;

const SEKISHO: &str = env!("CARGO_BIN_EXE_sekisho");

/// A facility file for the hospital; `more` goes at its end.
fn facility(hospital: &Hospital, more: &str) -> std::path::PathBuf {
    facility_of(hospital, &[&format!("{NETWORK}.0/24")], more)
}

fn facility_of(hospital: &Hospital, include: &[&str], more: &str) -> std::path::PathBuf {
    let path = hospital.path("facility.toml");
    let text = format!(
        "[facility]\nname = \"関所記念病院\"\nauthorisation = \"委託 2026-041\"\n\n[scope]\ninclude = {include:?}\n\
         exclude = [\"{NETWORK}.80\"]\n{more}"
    );
    fs::write(&path, text).unwrap();
    path
}

/// `sekisho scan` with this facility file and these words, in the scanner's namespace.
fn scan(hospital: &Hospital, facility: &Path, words: &[&str]) -> Command {
    let mut command = hospital.at_scanner(Path::new(SEKISHO));
    command.args(["scan", "--exit-zero", "--quiet", "--scope"]).arg(facility).args(words);
    command.env_remove("SEKISHO_STORE").current_dir(hospital.path("")).stdin(Stdio::null());
    command
}

/// What one frame of the scanner was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sent {
    Question(Ipv4Addr),
    Tcp(Ipv4Addr, u16, u8),
    Udp(Ipv4Addr, u16),
    Other(Ipv4Addr),
}

impl Sent {
    fn to(self) -> Ipv4Addr {
        match self {
            Self::Question(to) | Self::Tcp(to, ..) | Self::Udp(to, _) | Self::Other(to) => to,
        }
    }
}

/// The IPv4 frames in a capture, with their moments in nanoseconds.
fn sent(file: &Path) -> Vec<(i64, Sent)> {
    let mut capture = Capture::open(file).unwrap();
    let mut chunk = Chunk::default();
    while capture.read_chunk(&mut chunk, usize::MAX) {}
    let mut all = Vec::new();
    for packet in &chunk.packets {
        let frame = Frame::parse(chunk.bytes_of(packet)).unwrap();
        let what = match frame.kind {
            Kind::Type(ethernet::IPV4) => {
                let ip = ipv4::Packet::parse(frame.payload).unwrap();
                match ip.protocol {
                    tcp::NUMBER => {
                        let segment = Segment::parse(ip.payload).unwrap();
                        Sent::Tcp(ip.destination, segment.destination, segment.flags)
                    }
                    udp::NUMBER => {
                        Sent::Udp(ip.destination, Datagram::parse(ip.payload).unwrap().destination)
                    }
                    _ => Sent::Other(ip.destination),
                }
            }
            Kind::Type(0x0806) => Sent::Question(Arp::parse(frame.payload).unwrap().target),
            _ => continue,
        };
        all.push((packet.at.nanoseconds(), what));
    }
    all
}

/// The points in the JSON that a scan wrote, by address.
fn points(file: &Path) -> BTreeMap<String, Value> {
    let document: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let points = document["points"].as_array().unwrap().clone();
    points
        .into_iter()
        .map(|point| (point["addresses"][0].as_str().unwrap().to_owned(), point))
        .collect()
}

fn at(last: u8) -> Ipv4Addr {
    format!("{NETWORK}.{last}").parse().unwrap()
}

#[test]
#[ignore = "needs root; .ci/run runs it"]
fn a_scan_lists_every_point_that_listens_and_touches_nobody_else() {
    let mut hospital = Hospital::open(
        "a",
        &[
            hosts::IPSEC,
            hosts::OPENVPN,
            hosts::OPENVPN_TCP,
            hosts::PPTP,
            hosts::L2TP,
            hosts::XRDP,
            hosts::VNC,
            hosts::PORTAL,
            hosts::SERVER,
            hosts::PRINTER,
            hosts::MODALITY,
            hosts::EXCLUDED,
        ],
    );
    let file = facility(
        &hospital,
        "[pace]\nprofile = \"lab\"\n[fragile]\nouis = [\"00:09:1f\"]\nports = [104, 9100]\n",
    );
    hospital.watch("sent.pcap");
    let words =
        ["--json", "points.json", "--record", "run.pcapng", "--observations", "live.ndjson"];
    let done = scan(&hospital, &file, &words).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    hospital.stop_watching();

    let found = points(&hospital.path("points.json"));
    let kinds: BTreeMap<&str, &str> = found
        .iter()
        .map(|(address, point)| (address.as_str(), point["kind"].as_str().unwrap()))
        .collect();
    let expected = [
        ("10.77.0.10", "vpn_gateway"),
        ("10.77.0.20", "vpn_gateway"),
        ("10.77.0.21", "vpn_gateway"),
        ("10.77.0.26", "vpn_gateway"),
        ("10.77.0.27", "vpn_gateway"),
        ("10.77.0.30", "remote_desktop"),
        ("10.77.0.32", "remote_desktop"),
        ("10.77.0.40", "vpn_gateway"),
    ];
    assert_eq!(kinds, BTreeMap::from(expected));
    assert_eq!(found["10.77.0.40"]["product"]["vendor"], "Fortinet");
    assert_eq!(found["10.77.0.10"]["product"]["name"], "strongSwan");

    let sent = sent(&hospital.path("sent.pcap"));
    assert!(sent.len() > 500, "only {} frames were written down", sent.len());
    let to =
        |last: u8| sent.iter().map(|(_, sent)| *sent).filter(move |sent| sent.to() == at(last));
    assert_eq!(to(80).count(), 0, "who is excluded was sent something");
    let beyond = to(70).filter(|sent| !matches!(sent, Sent::Question(_))).count();
    assert_eq!(
        beyond, 0,
        "medical equipment was sent more than a question for its hardware address"
    );
    let fragile =
        |sent: &Sent| matches!(sent, Sent::Tcp(_, 104 | 9100, _) | Sent::Udp(_, 104 | 9100));
    assert_eq!(to(60).filter(fragile).count(), 0, "a fragile port was touched");
    assert!(
        to(60).any(|sent| matches!(sent, Sent::Tcp(_, 80, _))),
        "the printer's page was not asked"
    );

    // What was recorded says the same again.
    let again = Command::new(SEKISHO)
        .args([
            "replay",
            "--exit-zero",
            "--quiet",
            "--json",
            "again.json",
            "--observations",
            "again.ndjson",
        ])
        .args(["--scope".as_ref(), file.as_os_str()])
        .arg("run.pcapng")
        .current_dir(hospital.path(""))
        .output()
        .unwrap();
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
    let read = |name: &str| fs::read_to_string(hospital.path(name)).unwrap();
    assert_eq!(read("live.ndjson"), read("again.ndjson"));
    assert_eq!(points(&hospital.path("points.json")), points(&hospital.path("again.json")));
}

#[test]
#[ignore = "needs root; .ci/run runs it"]
fn outside_the_hours_and_below_the_tier_nothing_is_sent() {
    let mut hospital = Hospital::open("h", &[hosts::SERVER]);
    hospital.watch("sent.pcap");
    // The two hours that begin twelve hours from now.
    let now = Command::new("date").arg("+%H").output().unwrap();
    let hour: u32 = String::from_utf8(now.stdout).unwrap().trim().parse().unwrap();
    let (from, to) = ((hour + 12) % 24, (hour + 14) % 24);
    let closed = facility(
        &hospital,
        &format!("hours = [\"{from:02}:00-{to:02}:00\"]\n[pace]\nprofile = \"lab\"\n"),
    );
    let done = scan(&hospital, &closed, &["--json", "points.json"]).output().unwrap();
    assert!(!done.status.success(), "a scan outside the hours passed");
    let silent = facility(&hospital, "tier = 0\n[pace]\nprofile = \"lab\"\n");
    let done = scan(&hospital, &silent, &["--json", "points.json"]).output().unwrap();
    assert!(!done.status.success(), "a scan that may not ask passed");
    hospital.stop_watching();
    let sent = sent(&hospital.path("sent.pcap"));
    assert!(sent.is_empty(), "{sent:?}");
}

#[test]
#[ignore = "needs root; .ci/run runs it"]
fn in_a_clinic_no_second_sees_more_than_twenty_packets_and_no_host_more_than_two() {
    let mut hospital = Hospital::open("c", &[hosts::OPENVPN, hosts::VNC, hosts::SERVER]);
    let hosts = [20, 32, 50].map(|last| at(last).to_string());
    let file = facility_of(&hospital, &hosts.each_ref().map(String::as_str), "");
    hospital.watch("sent.pcap");
    let words = ["--json", "points.json", "--max-runtime", "40s", "--listen", "0"];
    let done = scan(&hospital, &file, &words).output().unwrap();
    // 2 says that the run was cut short, which forty seconds do to a clinic's pace.
    let code = done.status.code();
    assert!(matches!(code, Some(0 | 2)), "{code:?} {}", String::from_utf8_lossy(&done.stderr));
    hospital.stop_watching();
    let sent = sent(&hospital.path("sent.pcap"));
    assert!(sent.len() > 60, "{} packets in forty seconds", sent.len());
    let most_in = |window: i64, of: &[i64]| {
        of.iter()
            .enumerate()
            .map(|(n, from)| of[n..].iter().take_while(|at| **at < from + window).count())
            .max()
            .unwrap_or(0)
    };
    let second = 1_000_000_000;
    let all: Vec<i64> = sent.iter().map(|(moment, _)| *moment).collect();
    // A bucket may hold two packets, and the kernel's acknowledgements of what is heard come when they come.
    assert!(
        most_in(10 * second, &all) <= 204,
        "{} packets in ten seconds",
        most_in(10 * second, &all)
    );
    for last in [20, 32, 50] {
        let own: Vec<i64> = sent
            .iter()
            .filter(|(_, sent)| sent.to() == at(last))
            .map(|(moment, _)| *moment)
            .collect();
        assert!(own.len() > 2, "nothing was asked of {last}");
        assert!(
            most_in(10 * second, &own) <= 24,
            "{} packets to {last} in ten seconds",
            most_in(10 * second, &own)
        );
    }
}

#[test]
#[ignore = "needs root; .ci/run runs it"]
fn a_scan_that_was_killed_goes_on_and_asks_nothing_again() {
    let mut hospital = Hospital::open(
        "k",
        &[hosts::IPSEC, hosts::OPENVPN, hosts::PPTP, hosts::XRDP, hosts::SERVER],
    );
    let file = facility(&hospital, "[pace]\nprofile = \"office\"\n");
    hospital.watch("sent.pcap");
    let words = ["--json", "points.json", "--store", "hospital.sqlite"];
    let words = [&words[..], &["--record", "run.pcapng", "--listen", "0"]].concat();
    let mut child = scan(&hospital, &file, &words).spawn().unwrap();
    std::thread::sleep(Duration::from_secs(9));
    // Not the process of `ip`, which became the scan, but that very one.
    child.kill().unwrap();
    child.wait().unwrap();
    let before = sent(&hospital.path("sent.pcap")).len();
    assert!(before > 100, "only {before} packets were sent before the end");
    let runs = Command::new(SEKISHO)
        .args(["runs", "--store"])
        .arg(hospital.path("hospital.sqlite"))
        .output()
        .unwrap();
    assert!(runs.status.success(), "{}", String::from_utf8_lossy(&runs.stderr));

    let words = ["--json", "points.json", "--store", "hospital.sqlite", "--resume", "run.pcapng"];
    let done = scan(&hospital, &file, &words).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    hospital.stop_watching();
    let found = points(&hospital.path("points.json"));
    for last in [10, 20, 26, 30] {
        assert!(found.contains_key(&at(last).to_string()), "{last} is missing: {:?}", found.keys());
    }
    // One SYN a question; a port may be asked by the sweep and by a few probes, in all no more than without the kill.
    let mut questions: BTreeMap<(IpAddr, u16, bool), usize> = BTreeMap::new();
    for (_, sent) in sent(&hospital.path("sent.pcap")) {
        match sent {
            Sent::Tcp(to, port, flags) if flags & (flag::SYN | flag::ACK) == flag::SYN => {
                *questions.entry((to.into(), port, true)).or_default() += 1;
            }
            Sent::Udp(to, port) => *questions.entry((to.into(), port, false)).or_default() += 1,
            _ => {}
        }
    }
    let closed = |(address, port, _): &(IpAddr, u16, bool)| {
        *address == IpAddr::from(at(26)) && *port != 1723
    };
    let most = questions
        .iter()
        .filter(|(key, _)| closed(key) && key.2)
        .map(|(_, count)| *count)
        .max()
        .unwrap();
    assert!(most <= 2, "a closed port was asked {most} times");
}
