//! What reading a message costs: each protocol on its own replies, and all of them on bytes that are nobody's.

use std::collections::BTreeSet;

use divan::{Bencher, black_box, counter::ItemsCount};
use sekisho::observe::{Carrier, PROTOCOLS, Protocol, Said};

#[expect(dead_code, reason = "this stage needs the replies only")]
mod fixtures;

fn main() {
    divan::main();
}

fn names() -> impl Iterator<Item = &'static str> {
    let have: BTreeSet<&str> =
        fixtures::replies().iter().map(|reply| reply.protocol.name).collect();
    have.into_iter()
}

#[divan::bench(args = names())]
fn own_replies(bencher: Bencher<'_, '_>, name: &str) {
    let mut replies = fixtures::replies();
    replies.retain(|reply| reply.protocol.name == name);
    bencher.counter(ItemsCount::new(replies.len())).bench(|| {
        for reply in &replies {
            let _ = black_box((reply.protocol.read)(black_box(&reply.said())));
        }
    });
}

/// How many messages of random bytes are refused in one turn.
const MESSAGES: usize = 1000;

#[divan::bench]
fn random_datagrams_over_all_protocols(bencher: Bencher<'_, '_>) {
    refuse(
        bencher,
        |carrier| matches!(carrier, Carrier::Udp(_)),
        |bytes| Said::datagram(40_000, 50_000, bytes),
    );
}

#[divan::bench]
fn random_streams_over_all_protocols(bencher: Bencher<'_, '_>) {
    refuse(
        bencher,
        |carrier| matches!(carrier, Carrier::Tcp(_)),
        |bytes| Said::stream(40_000, 50_000, bytes),
    );
}

fn refuse(bencher: Bencher<'_, '_>, asked: fn(&Carrier) -> bool, said: fn(&[u8]) -> Said<'_>) {
    let asked: Vec<&Protocol> =
        PROTOCOLS.iter().copied().filter(|protocol| protocol.carriers.iter().any(asked)).collect();
    let mut state = 1u64;
    let mut random = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    let messages: Vec<Vec<u8>> =
        (0..MESSAGES).map(|_| (0..200).map(|_| random()).collect()).collect();
    bencher.counter(ItemsCount::new(MESSAGES)).bench(|| {
        for message in &messages {
            for protocol in &asked {
                let _ = black_box((protocol.read)(&said(black_box(message))));
            }
        }
    });
}
