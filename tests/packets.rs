//! Links, IP, TCP and UDP are read as etherparse reads them: whole, cut by a snapshot length, and in VLANs.
#![expect(clippy::unwrap_used, reason = "a capture that cannot be read should fail the test")]

use std::{fs, net::IpAddr, path::Path};

use etherparse::{LaxNetSlice, LaxSlicedPacket, TransportSlice};
use sekisho::{
    passive::capture::{Capture, Chunk},
    wire::{
        ethernet, ipv4, ipv6,
        link::{ETHERNET, Holds, Link},
        tcp::{self, Segment},
        udp::{self, Datagram},
    },
};

/// What both readers must agree on.
#[derive(Debug, PartialEq, Default)]
struct Seen {
    macs: ([u8; 6], [u8; 6]),
    vlan: Option<u16>,
    ends: Option<(IpAddr, IpAddr)>,
    time_to_live: u8,
    protocol: u8,
    fragment: bool,
    ports: Option<(u16, u16)>,
    sequence: u32,
    payload: Vec<u8>,
}

#[test]
fn our_readers_agree_with_etherparse() {
    let mut compared = [0; 3];
    for path in captures() {
        let mut capture = Capture::open(&path).unwrap();
        let mut chunk = Chunk::default();
        capture.read_chunk(&mut chunk, usize::MAX);
        for packet in chunk.packets.iter().filter(|packet| packet.link_type == ETHERNET) {
            let bytes = chunk.bytes_of(packet);
            // Whole, and cut as `tcpdump -s 60` and `-s 96` cut.
            for (place, length) in [bytes.len(), 60, 96].into_iter().enumerate() {
                let bytes = bytes.get(..length).unwrap_or(bytes);
                if let (Some(ours), Some(theirs)) = (ours(bytes), theirs(bytes)) {
                    assert_eq!(ours, theirs, "{} packet {}", path.display(), packet.number);
                    compared[place] += 1;
                }
            }
        }
    }
    assert!(compared.iter().all(|count| *count > 5000), "only {compared:?} were compared");
}

/// The captures of single Ethernet wires among the fixtures.
fn captures() -> Vec<std::path::PathBuf> {
    let cases = fs::read_dir(Path::new("fixtures/captures")).unwrap();
    let mut files: Vec<_> = cases
        .flat_map(|case| fs::read_dir(case.unwrap().path()).into_iter().flatten())
        .map(|file| file.unwrap().path())
        .filter(|file| file.extension().is_some_and(|end| end == "pcap"))
        .filter(|file| !file.to_string_lossy().contains("format_"))
        .collect();
    files.sort();
    files
}

/// What our readers see; nothing where there is no IP, or not the whole header.
fn ours(bytes: &[u8]) -> Option<Seen> {
    let link = Link::parse(ETHERNET, bytes).ok()?;
    let mut seen =
        Seen { macs: (link.source?, link.destination?), vlan: link.vlan, ..Seen::default() };
    let payload = match link.holds {
        Holds::Ethernet(ethernet::Kind::Type(ethernet::IPV4)) => {
            let packet = ipv4::Packet::parse(link.payload).ok()?;
            seen.ends = Some((packet.source.into(), packet.destination.into()));
            (seen.time_to_live, seen.protocol) = (packet.time_to_live, packet.protocol);
            seen.fragment = packet.is_fragment();
            packet.payload
        }
        Holds::Ethernet(ethernet::Kind::Type(ethernet::IPV6)) => {
            let packet = ipv6::Packet::parse(link.payload).ok()?;
            seen.ends = Some((packet.source.into(), packet.destination.into()));
            (seen.time_to_live, seen.protocol) = (packet.hop_limit, packet.protocol);
            seen.fragment = packet.fragment.is_some();
            packet.payload
        }
        _ => return None,
    };
    if seen.fragment {
        return Some(seen);
    }
    seen.payload = match seen.protocol {
        tcp::NUMBER => {
            let segment = Segment::parse(payload).ok()?;
            seen.ports = Some((segment.source, segment.destination));
            seen.sequence = segment.sequence;
            segment.payload
        }
        udp::NUMBER => {
            let datagram = Datagram::parse(payload).ok()?;
            seen.ports = Some((datagram.source, datagram.destination));
            datagram.payload
        }
        _ => payload,
    }
    .to_vec();
    Some(seen)
}

/// What etherparse sees.
fn theirs(bytes: &[u8]) -> Option<Seen> {
    let packet = LaxSlicedPacket::from_ethernet(bytes).ok()?;
    let link = packet.link.as_ref()?.to_header()?.ethernet2()?;
    let mut seen = Seen {
        macs: (link.source, link.destination),
        vlan: packet.vlan_ids().first().map(|id| id.value()),
        ..Seen::default()
    };
    let payload = match packet.net.as_ref()? {
        LaxNetSlice::Ipv4(ip) => {
            let header = ip.header();
            seen.ends = Some((header.source_addr().into(), header.destination_addr().into()));
            seen.time_to_live = header.ttl();
            ip.payload()
        }
        LaxNetSlice::Ipv6(ip) => {
            let header = ip.header();
            seen.ends = Some((header.source_addr().into(), header.destination_addr().into()));
            seen.time_to_live = header.hop_limit();
            ip.payload()
        }
        LaxNetSlice::Arp(_) => return None,
    };
    seen.protocol = payload.ip_number.0;
    seen.fragment = payload.fragmented;
    if seen.fragment {
        return Some(seen);
    }
    seen.payload = match packet.transport.as_ref() {
        Some(TransportSlice::Tcp(tcp)) => {
            seen.ports = Some((tcp.source_port(), tcp.destination_port()));
            seen.sequence = tcp.sequence_number();
            tcp.payload()
        }
        Some(TransportSlice::Udp(udp)) => {
            seen.ports = Some((udp.source_port(), udp.destination_port()));
            udp.payload()
        }
        _ if matches!(seen.protocol, tcp::NUMBER | udp::NUMBER) => return None,
        _ => payload.payload,
    }
    .to_vec();
    Some(seen)
}
