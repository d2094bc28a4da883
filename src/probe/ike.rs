//! Asks IKE responders in both versions what they choose and who they say they are. Never in aggressive mode,
//! which would make a gateway send a digest of its shared key.

use super::{Ask, Heard, Intrusion, Probe, Step, either};
use crate::{
    observe,
    wire::ike::{self, Message, Notify, SaInit, payload},
};

/// Where a datagram of IKE needs no marker; elsewhere encrypted packets share the port (RFC 3948).
const PLAIN_PORT: u16 = 500;

/// The group that most responders of version 2 take.
const USUAL_GROUP: u16 = 14;

/// The notification that names the group wanted instead (RFC 7296, 1.2).
const INVALID_KE: u16 = 17;

/// Begins main mode of version 1 once; a second question with old suites follows only silence.
pub static VERSION_1: Probe = Probe {
    name: "ike_main",
    asks: "offers what gateways commonly take in main mode and, to silence, only what old ones take; the answer tells the suite that is chosen and the vendor identifiers",
    protocol: &observe::ike::PROTOCOL,
    transport: observe::Transport::Udp,
    ports: &[500, 4500],
    intrusion: Intrusion::Ordinary,
    source: "RFC 2409, 5; RFC 3947, 3.1",
    inside_tls: false,
    anywhere: false,
    next: main_mode,
};

/// Begins version 2 once. A responder that wants another group keeps no state until it gets it.
pub static VERSION_2: Probe = Probe {
    name: "ike_sa_init",
    asks: "offers what gateways commonly take; the answer tells the suite that is chosen, the vendor identifiers, or the group that is wanted, which is then asked with once",
    protocol: &observe::ike::PROTOCOL,
    transport: observe::Transport::Udp,
    ports: &[500, 4500],
    intrusion: Intrusion::Ordinary,
    source: "RFC 7296, 1.2 and 2.23",
    inside_tls: false,
    anywhere: false,
    next: sa_init,
};

/// Lets a responder of version 1 repeat its answer until patience ends. The recording has the times.
pub static BACKOFF: Probe = Probe {
    name: "ike_backoff",
    asks: "begins main mode, says nothing more, and listens when the answer is repeated: the times tell implementations apart, and cost the gateway a half-open state for so long",
    protocol: &observe::ike::PROTOCOL,
    transport: observe::Transport::Udp,
    ports: &[500],
    intrusion: Intrusion::OnRequest,
    source: "RFC 2408, 5.1",
    inside_tls: false,
    anywhere: false,
    next: back_off,
};

fn main_mode(ask: &Ask<'_>, heard: &Heard<'_>) -> Step {
    let question = |name, suites| carried(ask, ike::ask_main(cookie(ask, name), suites));
    either(
        heard,
        || question("ike_main", ike::COMMON),
        || question("ike_main, classic", ike::CLASSIC),
    )
}

fn sa_init(ask: &Ask<'_>, heard: &Heard<'_>) -> Step {
    let group = match heard {
        Heard { waited: true, .. } | Heard { ended: true, .. } | Heard { turn: 2.., .. } => None,
        Heard { turn: 0, .. } => Some(USUAL_GROUP),
        Heard { bytes: [], .. } => return Step::Wait,
        Heard { bytes, .. } => wanted(bytes, cookie(ask, "ike_sa_init")),
    };
    let question = group.and_then(|group| {
        let (initiator, nonce) = (cookie(ask, "ike_sa_init"), ask.bytes("ike_sa_init, nonce"));
        SaInit { initiator, nonce: &nonce, from: ask.from, to: ask.to, group }.emit()
    });
    question.map_or(Step::Done, |question| Step::Say(carried(ask, question)))
}

fn back_off(ask: &Ask<'_>, heard: &Heard<'_>) -> Step {
    match heard {
        Heard { turn: 0, .. } => {
            Step::Say(carried(ask, ike::ask_main(cookie(ask, "ike_backoff"), ike::COMMON)))
        }
        Heard { waited: false, ended: false, .. } => Step::Wait,
        _ => Step::Done,
    }
}

/// The group that the responder to our cookie wants instead of [`USUAL_GROUP`].
fn wanted(bytes: &[u8], initiator: u64) -> Option<u16> {
    let message = Message::parse(bytes).ok()?;
    let ours = message.header.version == 2 && message.header.initiator == initiator;
    let notify = message.payloads().find(|payload| payload.kind == payload::NOTIFY)?;
    let notify = Notify::parse(2, notify.body).ok()?;
    let group = notify.data.first_chunk().map(|group| u16::from_be_bytes(*group))?;
    (ours && notify.kind == INVALID_KE && group != USUAL_GROUP).then_some(group)
}

fn cookie(ask: &Ask<'_>, what: &str) -> u64 {
    // Zero would be no cookie.
    u64::from_be_bytes(ask.bytes(what)) | 1
}

fn carried(ask: &Ask<'_>, message: Vec<u8>) -> Vec<u8> {
    if ask.to.port() == PLAIN_PORT { message } else { ike::marked(&message) }
}

#[cfg(test)]
mod tests {
    use super::{super::rehearsal::*, *};
    use crate::observe::{Confidence, Side};

    #[test]
    fn main_mode_is_asked_and_its_answer_understood() {
        let ask = ask("192.0.2.1:500");
        let answer = reply("ike/v1-main-answer");
        let question = question(&VERSION_1, &ask);
        assert_eq!(question.len(), 1232);
        assert_eq!(hears(&VERSION_1, &ask, 1, &answer), Step::Done);
        let finding = understood(&VERSION_1, &ask, &question, &answer);
        assert_eq!((finding.side, finding.confidence), (Side::Server, Confidence::Certain));
        assert!(finding.facts.get("ike.vendor_id").is_some());
    }

    #[test]
    fn only_silence_is_asked_with_old_suites() {
        let ask = ask("192.0.2.1:500");
        let classic = said(waits(&VERSION_1, &ask, 1));
        assert!(classic.len() < 500 && Message::parse(&classic).unwrap().is_well_formed());
        assert_eq!(waits(&VERSION_1, &ask, 2), Step::Done);
        let refusal = reply("ike/v1-no-proposal-chosen");
        assert_eq!(hears(&VERSION_1, &ask, 1, &refusal), Step::Done);
    }

    #[test]
    fn where_encrypted_packets_share_the_port_the_marker_stands_first() {
        for probe in [&VERSION_1, &VERSION_2] {
            let plain = question(probe, &ask("192.0.2.1:500"));
            let marked = question(probe, &ask("192.0.2.1:4500"));
            assert!(!Message::parse(&plain).unwrap().marked);
            assert!(Message::parse(&marked).unwrap().marked);
            assert_eq!(marked.len(), plain.len() + 4);
        }
    }

    #[test]
    fn an_answer_of_version_2_is_understood() {
        let ask = ask("192.0.2.1:500");
        let answer = reply("ike/v2-init-answer");
        let question = question(&VERSION_2, &ask);
        assert_eq!(question.len(), 672);
        assert_eq!(hears(&VERSION_2, &ask, 1, &[]), Step::Wait);
        assert_eq!(hears(&VERSION_2, &ask, 1, &answer), Step::Done);
        let finding = understood(&VERSION_2, &ask, &question, &answer);
        assert_eq!((finding.side, finding.confidence), (Side::Server, Confidence::Certain));
        assert!(finding.facts.get("ike.encryption").is_some());
    }

    #[test]
    fn the_wanted_group_is_asked_with_once() {
        let ask = ask("192.0.2.1:500");
        let first = question(&VERSION_2, &ask);
        // The responder repeats our cookie before its refusal.
        let refusal = [
            &first[..8],
            &bytes("0102030405060708 29202220 00000000 00000026 0000000a 00000011 0013"),
        ]
        .concat();
        let again = said(hears(&VERSION_2, &ask, 1, &refusal));
        let message = Message::parse(&again).unwrap();
        assert!(message.is_well_formed() && again[..8] == first[..8]);
        let key = message.payloads().find(|payload| payload.kind == payload::KEY).unwrap();
        assert_eq!(key.body[..2], [0, 19]);
        assert_eq!(hears(&VERSION_2, &ask, 2, &refusal), Step::Done);
        let foreign = reply("ike/v2-wanted-group");
        assert_eq!(hears(&VERSION_2, &ask, 1, &foreign), Step::Done, "not our cookie");
        assert_eq!(hears(&VERSION_2, &ask, 1, &reply("ike/v2-cookie")), Step::Done, "under load");
    }

    #[test]
    fn a_back_off_is_listened_to_until_patience_ends() {
        let ask = ask("192.0.2.1:500");
        assert_eq!(BACKOFF.intrusion, Intrusion::OnRequest);
        let answer = reply("ike/v1-main-answer");
        assert_eq!(question(&BACKOFF, &ask).len(), 1232);
        assert_eq!(hears(&BACKOFF, &ask, 1, &answer), Step::Wait);
        assert_eq!(waits(&BACKOFF, &ask, 1), Step::Done);
    }

    #[test]
    fn nothing_is_ever_aggressive() {
        for probe in [&VERSION_1, &VERSION_2, &BACKOFF] {
            let question = question(probe, &ask("192.0.2.1:500"));
            let exchange = Message::parse(&question).unwrap().header.exchange;
            assert_ne!(exchange, ike::exchange::AGGRESSIVE);
        }
    }
}
