//! Asks a host of the link which services it announces, then for their names, addresses and texts.

use super::{Ask, Heard, Intrusion, Probe, Step};
use crate::{
    observe,
    wire::dns::{self, IN, Message, PTR},
};

/// Under this name every host lists its services (RFC 6763, 9).
const SERVICES: &[u8] = b"_services._dns-sd._udp.local";

/// The bit of the class that asks for an answer to us alone (RFC 6762, 5.4).
const TO_US_ALONE: u16 = 0x8000;

/// How many services are asked for.
const MOST_SERVICES: usize = 8;

/// How long the name of a service may be.
const LONGEST_SERVICE: usize = 64;

/// Two questions, to one host, to be answered to us alone.
pub static PROBE: Probe = Probe {
    name: "mdns",
    asks: "asks which services a host announces, then for their names, addresses and models",
    protocol: &observe::mdns::PROTOCOL,
    transport: observe::Transport::Udp,
    ports: &[5353],
    intrusion: Intrusion::Ordinary,
    source: "RFC 6762, 5.4; RFC 6763, 9",
    inside_tls: false,
    anywhere: false,
    next,
};

fn next(ask: &Ask<'_>, heard: &Heard<'_>) -> Step {
    let id = u16::from_be_bytes(ask.bytes("mdns"));
    match heard {
        Heard { turn: 0, .. } => Step::Say(dns::ask(id, 0, SERVICES, PTR, IN | TO_US_ALONE)),
        Heard { waited: true, .. } | Heard { ended: true, .. } | Heard { turn: 2.., .. } => {
            Step::Done
        }
        Heard { bytes: [], .. } => Step::Wait,
        Heard { bytes, .. } => {
            let services = services(bytes);
            let names: Vec<&[u8]> = services.iter().map(Vec::as_slice).collect();
            match names[..] {
                [] => Step::Done,
                _ => Step::Say(dns::ask_all(id.wrapping_add(1), 0, &names, PTR, IN | TO_US_ALONE)),
            }
        }
    }
}

/// The services that a host lists.
fn services(bytes: &[u8]) -> Vec<Vec<u8>> {
    let Ok(message) = Message::parse(bytes) else { return Vec::new() };
    let listed = message.records.iter().filter(|record| {
        record.kind == PTR && record.name.eq_ignore_ascii_case(SERVICES) && message.answers()
    });
    let mut services: Vec<Vec<u8>> =
        listed.filter_map(|record| message.name_in(record, 0).ok()).collect();
    services.retain(|service| service.first() == Some(&b'_') && service.len() <= LONGEST_SERVICE);
    services.sort();
    services.dedup();
    services.truncate(MOST_SERVICES);
    services
}

#[cfg(test)]
mod tests {
    use super::{super::rehearsal::*, *};
    use crate::observe::{Confidence, Side};

    #[test]
    fn services_are_asked_for_then_what_stands_behind_them() {
        let ask = ask("192.0.2.9:5353");
        let first = question(&PROBE, &ask);
        let wanted = bytes(
            "0001000000000000095f7365727669636573075f646e732d7364045f756470056c6f63616c00000c8001",
        );
        assert_eq!(first[4..], wanted);
        let listed = reply("mdns/services");
        let second = said(hears(&PROBE, &ask, 1, &listed));
        let asked = Message::parse(&second).unwrap();
        let names: Vec<_> = asked.questions.iter().map(|question| &question.name[..]).collect();
        assert_eq!(names, [&b"_rfb._tcp.local"[..], b"_ssh._tcp.local"]);
        assert_eq!(hears(&PROBE, &ask, 2, &reply("mdns/announcement")), Step::Done);
        let finding = understood(&PROBE, &ask, &first, &listed);
        assert_eq!((finding.side, finding.confidence), (Side::Peer, Confidence::Firm));
        assert!(finding.facts.all("mdns.service").eq(["_ssh._tcp.local", "_rfb._tcp.local"]));
    }

    #[test]
    fn a_question_never_grows_beyond_a_packet() {
        let many: Vec<Vec<u8>> =
            (0..60).map(|n| format!("_{n:02}{}._tcp.local", "x".repeat(40)).into_bytes()).collect();
        let mut answer = bytes("0000 8400 0000 003c 0000 0000");
        for service in &many {
            let target = dns::ask(0, 0, service, PTR, IN);
            let target = &target[12..target.len() - 4];
            let name = dns::ask(0, 0, SERVICES, PTR, IN);
            answer.extend_from_slice(&name[12..]);
            answer.extend_from_slice(&[0, 0, 0, 10, 0, u8::try_from(target.len()).unwrap()]);
            answer.extend_from_slice(target);
        }
        let second = said(hears(&PROBE, &ask("192.0.2.9:5353"), 1, &answer));
        assert_eq!(Message::parse(&second).unwrap().questions.len(), MOST_SERVICES);
        assert!(second.len() <= 1232, "{}", second.len());
    }

    #[test]
    fn silence_and_an_empty_list_end_it() {
        let ask = ask("192.0.2.9:5353");
        assert_eq!(waits(&PROBE, &ask, 1), Step::Done);
        assert_eq!(hears(&PROBE, &ask, 1, &reply("mdns/announcement")), Step::Done);
    }
}
