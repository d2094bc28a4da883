//! Link, IP and TCP or UDP headers of every packet of the fixtures: ours beside etherparse's lax slicing, which also
//! takes cut packets.

use divan::{Bencher, black_box, counter::ItemsCount};
use etherparse::LaxSlicedPacket;
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
    let frames = fixtures::frames();
    bencher
        .counter(ItemsCount::new(frames.len()))
        .bench(|| frames.iter().filter(|frame| peel(black_box(frame)).is_some()).count());
}

#[divan::bench]
fn etherparse_lax(bencher: Bencher<'_, '_>) {
    let frames = fixtures::frames();
    bencher.counter(ItemsCount::new(frames.len())).bench(|| {
        let peeled = |frame: &&Vec<u8>| {
            LaxSlicedPacket::from_ethernet(black_box(frame)).is_ok_and(|p| p.transport.is_some())
        };
        frames.iter().filter(peeled).count()
    });
}

/// How long the payload behind all headers is.
fn peel(frame: &[u8]) -> Option<usize> {
    let frame = Frame::parse(frame).ok()?;
    let (protocol, payload) = match frame.kind {
        Kind::Type(ethernet::IPV4) => {
            let packet = ipv4::Packet::parse(frame.payload).ok()?;
            (packet.protocol, packet.payload)
        }
        Kind::Type(ethernet::IPV6) => {
            let packet = ipv6::Packet::parse(frame.payload).ok()?;
            (packet.protocol, packet.payload)
        }
        _ => return None,
    };
    match protocol {
        tcp::NUMBER => Some(Segment::parse(payload).ok()?.payload.len()),
        udp::NUMBER => Some(Datagram::parse(payload).ok()?.payload.len()),
        _ => None,
    }
}
