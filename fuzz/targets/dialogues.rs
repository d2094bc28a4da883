//! Whatever the other end says, in whatever pieces, each dialogue ends, and says nothing that is long.
//!
//! Input: which probe, how it ends (one byte each), what is known (behind its length), then pieces that are heard, each
//! behind its length (16 bits).

use std::net::SocketAddr;

use sekisho::{
    observe::{Facts, Transport},
    probe::{ALL, Ask, Heard, Probe, Step},
};

/// How often a dialogue may speak.
const MOST_TURNS: u32 = 16;

/// How much it may say at a time, in bytes.
const MOST_SAID: usize = 4096;

/// How much it hears at most, in bytes.
const MOST_HEARD: usize = 64 << 10;

/// What dialogues make use of that was said before.
const KNOWN: [&str; 8] = [
    "mdns.host",
    "names.wanted",
    "nbns.name",
    "ssdp.location",
    "sstp.status",
    "tls.sni",
    "upnp.control",
    "upnp.service",
];

/// Holds a dialogue.
pub(crate) fn run(input: &[u8]) {
    let Some(([which, how, length], rest)) = input.split_first_chunk() else { return };
    let (known, rest) = rest.split_at(rest.len().min((*length).into()));
    let probe = ALL[usize::from(*which) % ALL.len()];
    let known = facts(&String::from_utf8_lossy(known));
    let port = if how & 2 == 0 { probe.ports.first().copied().unwrap_or(443) } else { 40_000 };
    hold(probe, port, &known, rest, how & 1 == 0);
}

fn facts(text: &str) -> Facts {
    let mut facts = Facts::default();
    for field in KNOWN {
        facts.add(field, text);
    }
    // Only what may stand in a request is ever asked for.
    let path: String = text.chars().filter(char::is_ascii_graphic).take(1000).collect();
    facts.add("http.path", format!("/{path}"));
    facts
}

fn hold(probe: &Probe, port: u16, known: &Facts, mut rest: &[u8], hangs_up: bool) {
    let ask = Ask {
        to: SocketAddr::from(([192, 0, 2, 1], port)),
        from: SocketAddr::from(([192, 0, 2, 10], 40_000)),
        seed: 7,
        known,
        communities: &["given in writing".to_owned()],
    };
    let is_datagrams = probe.transport == Transport::Udp;
    let (mut turn, mut before, mut over) = (0, 0, false);
    let (mut heard, mut outside): (Vec<u8>, Option<Vec<u8>>) = (Vec::new(), None);
    loop {
        let step = (probe.next)(
            &ask,
            &Heard {
                turn,
                before_tls: outside.as_deref().unwrap_or_default(),
                bytes: &heard,
                before,
                ended: over && hangs_up && !is_datagrams,
                waited: over && (!hangs_up || is_datagrams),
            },
        );
        match &step {
            Step::Say(bytes) | Step::Last(bytes) => check(probe, bytes),
            Step::Wait | Step::StartTls | Step::Done => {}
        }
        match step {
            Step::Say(_) if !(over && hangs_up && !is_datagrams) => {
                turn += 1;
                before = heard.len();
                if is_datagrams {
                    (before, heard) = (0, Vec::new());
                }
            }
            Step::StartTls if outside.is_none() && !is_datagrams => {
                turn += 1;
                (before, outside) = (0, Some(std::mem::take(&mut heard)));
            }
            Step::Wait if !over => {}
            _ => return,
        }
        assert!(turn <= MOST_TURNS, "{} speaks without end", probe.name);
        match rest.split_first_chunk() {
            Some((length, after)) if heard.len() < MOST_HEARD => {
                let length = usize::from(u16::from_be_bytes(*length));
                let (piece, after) = after.split_at(after.len().min(length));
                if is_datagrams {
                    heard.clear();
                }
                heard.extend_from_slice(piece);
                rest = after;
            }
            _ => over = true,
        }
    }
}

fn check(probe: &Probe, said: &[u8]) {
    assert!(!said.is_empty(), "{} says nothing", probe.name);
    assert!(said.len() <= MOST_SAID, "{} says {} bytes", probe.name, said.len());
    // What others said before adds no line to a request.
    if said.starts_with(b"GET ") {
        let ends = said.windows(4).filter(|four| four == b"\r\n\r\n").count();
        assert!(ends == 1 && said.ends_with(b"\r\n\r\n"), "{}", String::from_utf8_lossy(said));
    }
}
