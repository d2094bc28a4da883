//! Asks name servers for their software, and for the names behind addresses.

use std::net::IpAddr;

use super::{
    Ask, Heard, Intrusion, Probe, Step,
    names::{self, WANTED},
    once,
};
use crate::observe;

/// `version.bind` in the class that is never looked up elsewhere.
pub static VERSION: Probe = Probe {
    name: "dns_version",
    asks: "asks a name server for the version of its software",
    protocol: &observe::dns::PROTOCOL,
    transport: observe::Transport::Udp,
    ports: &[53],
    intrusion: Intrusion::Ordinary,
    source: "RFC 4892, 2.1",
    inside_tls: false,
    anywhere: false,
    next: |ask, heard| {
        once(heard, || names::version_question(u16::from_be_bytes(ask.bytes("dns_version"))))
    },
};

/// One question after the other, until the server is silent.
pub static NAMES: Probe = Probe {
    name: "dns_names",
    asks: "asks a name server for the names behind addresses, its own when no others are wanted",
    protocol: &observe::dns::PROTOCOL,
    transport: observe::Transport::Udp,
    ports: &[53],
    intrusion: Intrusion::Ordinary,
    source: "RFC 1035, 3.5",
    inside_tls: false,
    anywhere: false,
    next,
};

fn next(ask: &Ask<'_>, heard: &Heard<'_>) -> Step {
    match heard {
        Heard { turn: 0, .. } => {}
        Heard { waited: true, .. } | Heard { ended: true, .. } => return Step::Done,
        Heard { bytes: [], .. } => return Step::Wait,
        Heard { .. } => {}
    }
    let turn = usize::try_from(heard.turn).unwrap_or(usize::MAX);
    let mut wanted = ask.known.all(WANTED).take(names::MOST).filter_map(|at| at.parse().ok());
    let address: Option<IpAddr> = match wanted.nth(turn) {
        None if turn == 0 => Some(ask.to.ip()),
        address => address,
    };
    let first = u16::from_be_bytes(ask.bytes("dns_names"));
    let id = first.wrapping_add(u16::try_from(turn).unwrap_or_default());
    address.map_or(Step::Done, |address| Step::Say(names::ptr_question(id, address)))
}

#[cfg(test)]
mod tests {
    use super::{super::rehearsal::*, *};
    use crate::{
        observe::{Confidence, Side},
        wire::dns::Message,
    };

    fn asked(step: Step) -> String {
        let question = said(step);
        let name = Message::parse(&question).unwrap().questions[0].name.clone();
        String::from_utf8(name).unwrap()
    }

    #[test]
    fn a_server_tells_its_version() {
        let ask = ask("192.0.2.53:53");
        let question = question(&VERSION, &ask);
        // What the server adds to the question: one answer that points back at its name, `example 1.2`.
        let answer = [
            &question[..2],
            &bytes("8400 0001 0001 0000 0000"),
            &question[12..],
            &bytes("c00c 0010 0003 00000000 000c 0b 6578616d706c6520312e32"),
        ]
        .concat();
        let finding = one_question(&VERSION, &ask, &answer);
        assert_eq!((finding.side, finding.confidence), (Side::Server, Confidence::Firm));
        assert_eq!(finding.facts.get("dns.version"), Some("example 1.2"));
    }

    #[test]
    fn the_names_of_all_wanted_addresses_are_asked_in_turn() {
        let wanted = ["192.0.2.1", "192.0.2.2"].map(|at| at.parse().unwrap());
        let known = &names::wanted(&wanted)[0];
        let ask = Ask { known, ..ask("192.0.2.53:53") };
        let answer = reply("dns/answer");
        assert_eq!(asked(hears(&NAMES, &ask, 0, &[])), "1.2.0.192.in-addr.arpa");
        assert_eq!(hears(&NAMES, &ask, 1, &[]), Step::Wait);
        assert_eq!(asked(hears(&NAMES, &ask, 1, &answer)), "2.2.0.192.in-addr.arpa");
        assert_eq!(hears(&NAMES, &ask, 2, &answer), Step::Done);
        assert_eq!(waits(&NAMES, &ask, 1), Step::Done, "who is silent once is not asked again");
        let question = question(&NAMES, &ask);
        assert_eq!(understood(&NAMES, &ask, &question, &answer).side, Side::Server);
    }

    #[test]
    fn without_wishes_a_server_is_asked_for_its_own_name() {
        let ask = ask("192.0.2.53:53");
        assert_eq!(asked(hears(&NAMES, &ask, 0, &[])), "53.2.0.192.in-addr.arpa");
        assert_eq!(hears(&NAMES, &ask, 1, &reply("dns/answer")), Step::Done);
    }
}
