//! Link, IP and TCP or UDP headers of every packet of the fixtures: ours beside etherparse's lax slicing, which also
//! takes cut packets.

use divan::{Bencher, black_box, counter::ItemsCount};
use etherparse::{LaxSlicedPacket, TransportSlice};
use sekisho::wire::{
    ethernet::{self, Frame, Kind},
    ipv4, ipv6,
    tcp::{self, Segment},
    udp::{self, Datagram},
};

#[expect(dead_code, reason = "this stage needs the frames only")]
mod fixtures;

fn main() {
    divan::main();
}

#[divan::bench]
fn sekisho(bencher: Bencher<'_, '_>) {
    measured(bencher, peel);
}

#[divan::bench]
fn etherparse_lax(bencher: Bencher<'_, '_>) {
    measured(bencher, slice);
}

/// Both must find the same number of segments and datagrams.
fn measured(bencher: Bencher<'_, '_>, found: fn(&[u8]) -> bool) {
    let frames = fixtures::frames();
    let count = |found: fn(&[u8]) -> bool| frames.iter().filter(|frame| found(frame)).count();
    assert_eq!(count(peel), count(slice));
    bencher.counter(ItemsCount::new(frames.len())).bench(|| count(found));
}

fn slice(frame: &[u8]) -> bool {
    let sliced = black_box(LaxSlicedPacket::from_ethernet(black_box(frame)));
    let transport = sliced.ok().and_then(|sliced| sliced.transport);
    matches!(transport, Some(TransportSlice::Tcp(_) | TransportSlice::Udp(_)))
}

fn peel(frame: &[u8]) -> bool {
    black_box(headers(black_box(frame))).is_some()
}

fn headers(frame: &[u8]) -> Option<(Frame<'_>, Option<Segment<'_>>, Option<Datagram<'_>>)> {
    let frame = Frame::parse(frame).ok()?;
    let (protocol, payload, is_part) = match frame.kind {
        Kind::Type(ethernet::IPV4) => {
            let packet = ipv4::Packet::parse(frame.payload).ok()?;
            (packet.protocol, packet.payload, packet.is_fragment())
        }
        Kind::Type(ethernet::IPV6) => {
            let packet = ipv6::Packet::parse(frame.payload).ok()?;
            (packet.protocol, packet.payload, packet.fragment.is_some())
        }
        _ => return None,
    };
    match protocol {
        _ if is_part => None,
        tcp::NUMBER => Some((frame, Some(Segment::parse(payload).ok()?), None)),
        udp::NUMBER => Some((frame, None, Some(Datagram::parse(payload).ok()?))),
        _ => None,
    }
}
