//! Probes rehearsed without a network, for the tests of this room.

use std::{fs, path::Path, sync::LazyLock};

use super::{Ask, Heard, Probe, Step};
use crate::observe::{End, Facts, Finding, Said, Transport};

static NOTHING_KNOWN: LazyLock<Facts> = LazyLock::new(Facts::default);

/// What is asked of `to` when nothing is known.
pub(super) fn ask(to: &str) -> Ask<'static> {
    Ask {
        to: to.parse().unwrap(),
        from: "192.0.2.10:40000".parse().unwrap(),
        seed: 7,
        known: &NOTHING_KNOWN,
        communities: &[],
    }
}

/// The bytes of a case in `fixtures/replies`, such as `ike/v1-main-answer`.
pub(super) fn reply(case: &str) -> Vec<u8> {
    let file = Path::new("fixtures/replies").join(case).with_extension("toml");
    let case: toml::Table = fs::read_to_string(file).unwrap().parse().unwrap();
    bytes(case["bytes"].as_str().unwrap())
}

/// Hexadecimal digits as bytes; spaces and line ends are ignored.
pub(super) fn bytes(digits: &str) -> Vec<u8> {
    let digits: Vec<u32> = digits.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] << 4 | pair[1]).unwrap()).collect()
}

/// What the probe does at `turn` when `bytes` have come.
pub(super) fn hears(probe: &Probe, ask: &Ask<'_>, turn: u32, bytes: &[u8]) -> Step {
    (probe.next)(ask, &Heard { turn, bytes, ..Heard::default() })
}

/// What the probe does at `turn` when patience has ended.
pub(super) fn waits(probe: &Probe, ask: &Ask<'_>, turn: u32) -> Step {
    (probe.next)(ask, &Heard { turn, waited: true, ..Heard::default() })
}

/// What a step says.
#[track_caller]
pub(super) fn said(step: Step) -> Vec<u8> {
    match step {
        Step::Say(bytes) | Step::Last(bytes) => bytes,
        other => panic!("{other:?} says nothing"),
    }
}

/// The first question.
#[track_caller]
pub(super) fn question(probe: &Probe, ask: &Ask<'_>) -> Vec<u8> {
    probe.question(ask).unwrap()
}

/// What the probe's reader understands when `answer` answers `question`.
#[track_caller]
pub(super) fn understood(probe: &Probe, ask: &Ask<'_>, question: &[u8], answer: &[u8]) -> Finding {
    let said = Said {
        transport: probe.transport,
        bytes: answer,
        from: ask.to.port(),
        to: ask.from.port(),
        answering: question,
        earlier: &[],
        open: probe.transport == Transport::Tcp,
        begun_by: Some(End::Listener),
    };
    (probe.protocol.read)(&said).unwrap()
}

/// A dialogue of one question: asks, ends at `answer`, gives up in silence; and what is understood.
#[track_caller]
pub(super) fn one_question(probe: &Probe, ask: &Ask<'_>, answer: &[u8]) -> Finding {
    let question = question(probe, ask);
    assert_eq!(hears(probe, ask, 1, &[]), Step::Wait);
    assert_eq!(hears(probe, ask, 1, answer), Step::Done);
    assert_eq!(waits(probe, ask, 1), Step::Done);
    understood(probe, ask, &question, answer)
}
