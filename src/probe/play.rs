//! Plays dialogues against scripts, as the engine plays them against the network. For tests only.

use std::net::SocketAddr;

use super::{ALL, Ask, Heard, Intrusion, Probe, Step};
use crate::observe::{End, Facts, Finding, Said, Transport};

/// More turns than any dialogue has.
const MOST_TURNS: usize = 500;

/// How a dialogue went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Played {
    /// What was said, one entry a turn.
    pub(super) said: Vec<Vec<u8>>,
    /// What was heard since the beginning, or since TLS began.
    pub(super) heard: Vec<u8>,
    /// What was heard before TLS began.
    pub(super) before_tls: Vec<u8>,
    /// TLS was begun.
    pub(super) tls: bool,
    /// Patience ended before the dialogue did.
    pub(super) waited: bool,
}

impl Played {
    /// What the probe's protocol reads of it at the end.
    pub(super) fn understood(&self, probe: &Probe) -> Finding {
        let said = self.said.concat();
        Self::read(probe, &self.heard, &said)
    }

    /// What the probe's protocol reads of `bytes`, in answer to `answering`.
    pub(super) fn read(probe: &Probe, bytes: &[u8], answering: &[u8]) -> Finding {
        let port = probe.ports.first().copied().unwrap_or_default();
        let said = Said {
            answering,
            open: false,
            begun_by: Some(End::Listener),
            ..Said::stream(port, 50_000, bytes)
        };
        (probe.protocol.read)(&said).unwrap_or_else(|error| panic!("{}: {error}", probe.name))
    }
}

/// Plays `probe` against `script`: one entry is heard after each turn, the first before any. However the stream is
/// split, the same is said.
#[track_caller]
pub(super) fn rehearse(probe: &Probe, script: &[&[u8]]) -> Played {
    rehearse_knowing(probe, script, &Facts::default())
}

/// Plays `probe`, which knows something already.
#[track_caller]
pub(super) fn rehearse_knowing(probe: &Probe, script: &[&[u8]], known: &Facts) -> Played {
    let port = probe.ports.first().copied().unwrap();
    let whole = play(probe, port, known, script, usize::MAX);
    for size in [1, 2, 3, 5, 7, 64] {
        let split = play(probe, port, known, script, size);
        assert_eq!(split.said.concat(), whole.said.concat(), "in pieces of {size}");
        assert_eq!((split.tls, split.waited), (whole.tls, whole.waited), "in pieces of {size}");
    }
    whole
}

/// Plays `probe` against `script` in pieces of `size`.
#[track_caller]
pub(super) fn play(
    probe: &Probe,
    port: u16,
    known: &Facts,
    script: &[&[u8]],
    size: usize,
) -> Played {
    let ask = Ask {
        to: SocketAddr::from(([192, 0, 2, 1], port)),
        from: SocketAddr::from(([192, 0, 2, 9], 50_000)),
        seed: 7,
        known,
        communities: &[],
    };
    let steps = MOST_TURNS + script.iter().map(|reply| reply.len()).sum::<usize>();
    let mut script = script.iter();
    let mut coming = script.next().map(|first| first.to_vec()).unwrap_or_default();
    let mut played = Played {
        said: Vec::new(),
        heard: Vec::new(),
        before_tls: Vec::new(),
        tls: false,
        waited: false,
    };
    let (mut turn, mut before) = (0, 0);
    for _ in 0..steps {
        let heard = Heard {
            turn,
            before_tls: &played.before_tls,
            bytes: &played.heard,
            before,
            ended: false,
            waited: played.waited,
        };
        let step = (probe.next)(&ask, &heard);
        match step {
            Step::Done => return played,
            Step::Last(bytes) => {
                played.said.push(bytes);
                return played;
            }
            Step::Wait => assert!(!played.waited, "{} waits for ever", probe.name),
            Step::Say(bytes) => {
                assert!(!bytes.is_empty(), "{} says nothing", probe.name);
                played.said.push(bytes);
                (turn, before) = (turn + 1, played.heard.len());
                coming.extend(script.next().copied().unwrap_or_default());
            }
            Step::StartTls => {
                assert!(!played.tls, "{} begins TLS twice", probe.name);
                played.before_tls = std::mem::take(&mut played.heard);
                (played.tls, turn, before) = (true, turn + 1, 0);
                coming = script.next().map(|next| next.to_vec()).unwrap_or_default();
                // A client speaks when TLS stands, whether or not something comes.
                continue;
            }
        }
        let piece: Vec<u8> = coming.drain(..size.min(coming.len())).collect();
        played.waited = piece.is_empty();
        played.heard.extend(piece);
    }
    panic!("{} does not end", probe.name)
}

#[test]
fn every_dialogue_ends_whatever_is_heard() {
    let noise: Vec<u8> = (0..=255).cycle().take(2000).collect();
    let web = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";
    for probe in ALL {
        for port in probe.ports {
            for script in [
                &[][..],
                &[&noise[..]],
                &[b"", &noise],
                &[b"", web],
                &[web],
                &[b"", b"\x03", &noise],
            ] {
                let played = play(probe, *port, &Facts::default(), script, usize::MAX);
                assert!(played.said.len() <= 4, "{} says {:?}", probe.name, played.said);
            }
        }
    }
}

#[test]
fn an_end_of_the_stream_ends_every_dialogue() {
    let known = Facts::default();
    for probe in ALL {
        let to = SocketAddr::from(([192, 0, 2, 1], probe.ports.first().copied().unwrap_or(1)));
        let ask = Ask { to, from: to, seed: 7, known: &known, communities: &[] };
        for bytes in [&b""[..], b"\x03", b"RFB ", b"\xff\xfd"] {
            let heard = Heard { turn: 1, bytes, ended: true, ..Heard::default() };
            let step = (probe.next)(&ask, &heard);
            assert!(step != Step::Wait, "{} waits for the dead", probe.name);
        }
    }
}

#[test]
fn an_endless_stream_ends_every_dialogue() {
    let known = Facts::default();
    // What announces more than anybody should wait for, in several protocols.
    let announces: [&[u8]; 6] = [
        b"\x30\x83\xff\xff\xff\xa0\x03\x02\x01\x06",
        b"\x02\0\0\x0f\xff\xff\0\x01\0\0",
        b"\0\xff\xff\xff\xfeSMB",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"RFB 003.008\n",
        b"\xff\xfa\x18",
    ];
    for probe in ALL.iter().filter(|probe| probe.transport == Transport::Tcp) {
        let to = SocketAddr::from(([192, 0, 2, 1], probe.ports.first().copied().unwrap_or(1)));
        let ask = Ask { to, from: to, seed: 7, known: &known, communities: &[] };
        for start in announces {
            let bytes = [start, &vec![0; 1 << 20]].concat();
            for (turn, before_tls) in
                [(1, &b""[..]), (3, b"\x03\0\0\x13\x0e\xd0\0\0\x12\x34\0\x02\x1f\x08\0\x08\0\0\0")]
            {
                let before = bytes.len();
                let heard = Heard { turn, before_tls, bytes: &bytes, before, ..Heard::default() };
                assert_ne!(
                    (probe.next)(&ask, &heard),
                    Step::Wait,
                    "{} goes on for ever",
                    probe.name
                );
            }
        }
    }
}

#[test]
fn who_only_listens_says_nothing() {
    for probe in ALL.iter().filter(|probe| probe.intrusion == Intrusion::Listens) {
        for port in probe.ports {
            let script: &[&[u8]] = &[b"anything\r\n", b"more"];
            let played = play(probe, *port, &Facts::default(), script, 3);
            assert!(played.said.is_empty(), "{} says {:?}", probe.name, played.said);
        }
    }
}
