//! Asks a host for its NetBIOS names, then for all addresses behind its own name: a second network shows there.

use super::{Ask, Heard, Intrusion, Probe, Step};
use crate::{
    observe,
    wire::nbns::{self, Message, NB, Name},
};

/// Two questions: names, then the addresses of the unique one.
pub static PROBE: Probe = Probe {
    name: "nbns",
    asks: "asks for all names of a host, then for all addresses of its own name: those in another network show a host with two",
    protocol: &observe::nbns::PROTOCOL,
    transport: observe::Transport::Udp,
    ports: &[137],
    intrusion: Intrusion::Ordinary,
    source: "RFC 1002, 4.2.17 and 4.2.12",
    inside_tls: false,
    anywhere: false,
    next,
};

fn next(ask: &Ask<'_>, heard: &Heard<'_>) -> Step {
    let id = u16::from_be_bytes(ask.bytes("nbns"));
    match heard {
        Heard { turn: 0, .. } => Step::Say(nbns::ask_status(id)),
        Heard { waited: true, .. } | Heard { ended: true, .. } | Heard { turn: 2.., .. } => {
            Step::Done
        }
        Heard { bytes: [], .. } => Step::Wait,
        Heard { bytes, .. } => {
            own(bytes).map_or(Step::Done, |name| Step::Say(nbns::ask(id.wrapping_add(1), name, NB)))
        }
    }
}

/// The name that a host shares with nobody: of its file server, or of itself.
fn own(bytes: &[u8]) -> Option<Name> {
    let names = Message::parse(bytes).ok()?.names;
    let unique = |suffix: u8| {
        names.iter().find(|(name, group)| name.suffix == suffix && !group).map(|(name, _)| *name)
    };
    unique(0x20).or_else(|| unique(0))
}

#[cfg(test)]
mod tests {
    use super::{super::rehearsal::*, *};
    use crate::observe::{Confidence, Side};

    #[test]
    fn names_are_asked_then_the_addresses_of_the_own_one() {
        let ask = ask("192.0.2.1:137");
        let first = question(&PROBE, &ask);
        assert_eq!(first.len(), 50);
        let status = reply("nbns/status");
        let finding = understood(&PROBE, &ask, &first, &status);
        assert_eq!((finding.side, finding.confidence), (Side::Server, Confidence::Certain));
        let second = said(hears(&PROBE, &ask, 1, &status));
        let asked = Message::parse(&second).unwrap();
        assert_eq!((asked.name.trimmed(), asked.name.suffix), (&b"FILESRV"[..], 0x20));
        assert_eq!(asked.kind, NB);
        // Two addresses, as RFC 1002, 4.2.13 writes them.
        let answer = [
            &second[..2],
            &bytes("8500 0000 0001 0000 0000"),
            &second[12..46],
            &bytes("0020 0001 00000000 000c 0000 c0000201 0000 c6336407"),
        ]
        .concat();
        assert_eq!(hears(&PROBE, &ask, 2, &answer), Step::Done);
        let finding = understood(&PROBE, &ask, &second, &answer);
        assert!(finding.facts.all("nbns.address").eq(["192.0.2.1", "198.51.100.7"]));
    }

    #[test]
    fn silence_ends_it() {
        let ask = ask("192.0.2.1:137");
        assert_eq!(hears(&PROBE, &ask, 1, &[]), Step::Wait);
        assert_eq!(waits(&PROBE, &ask, 1), Step::Done);
        assert_eq!(waits(&PROBE, &ask, 2), Step::Done);
    }
}
