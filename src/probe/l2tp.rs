//! Asks an L2TP gateway to open a tunnel, and ends it politely.

use super::{Ask, Heard, Intrusion, Probe, Step};
use crate::{
    observe,
    wire::l2tp::{self, Control, attribute},
};

/// What we call ourselves.
const NAME: &[u8] = b"inventory";

/// The message with which a gateway opens the tunnel.
const REPLY: u16 = 2;

/// Asks for a tunnel; whoever grants one is told at once that it is not wanted.
pub static PROBE: Probe = Probe {
    name: "l2tp",
    asks: "asks to open a tunnel, reads who answers, and ends the tunnel; no session is begun",
    protocol: &observe::l2tp::PROTOCOL,
    transport: observe::Transport::Udp,
    ports: &[1701],
    intrusion: Intrusion::Dialogue,
    source: "RFC 2661, 5.1; tried on a gateway of Linux",
    inside_tls: false,
    anywhere: false,
    next,
};

fn next(ask: &Ask<'_>, heard: &Heard<'_>) -> Step {
    let tunnel = u16::from_be_bytes(ask.bytes("l2tp")) | 1;
    match heard {
        Heard { turn: 0, .. } => Step::Say(l2tp::ask(NAME, tunnel)),
        Heard { waited: true, .. } | Heard { ended: true, .. } => Step::Done,
        Heard { bytes: [], .. } => Step::Wait,
        Heard { bytes, .. } => {
            granted(bytes).map_or(Step::Done, |peer| Step::Last(l2tp::stop(peer, tunnel)))
        }
    }
}

/// The tunnel that a gateway opened.
fn granted(bytes: &[u8]) -> Option<u16> {
    let reply = Control::parse(bytes).ok().filter(|reply| reply.kind() == Some(REPLY))?;
    let tunnel = reply.attributes().find(|attribute| {
        attribute.vendor == 0 && !attribute.hidden && attribute.kind == attribute::ASSIGNED_TUNNEL
    })?;
    tunnel.value.first_chunk().map(|tunnel| u16::from_be_bytes(*tunnel))
}

#[cfg(test)]
mod tests {
    use super::{super::rehearsal::*, *};
    use crate::observe::{Confidence, Side};

    #[test]
    fn a_tunnel_that_is_granted_is_ended() {
        let ask = ask("192.0.2.1:1701");
        let question = question(&PROBE, &ask);
        assert!(Control::parse(&question).unwrap().is_well_formed());
        let answer = reply("l2tp/answer");
        let Step::Last(end) = hears(&PROBE, &ask, 1, &answer) else { panic!("no end") };
        let end = Control::parse(&end).unwrap();
        // The gateway assigned 0x036d, and its first message was number 0.
        assert_eq!((end.kind(), end.connection), (Some(4), 0x036d_0000));
        assert_eq!((end.sent, end.expected), (1, 1));
        let finding = understood(&PROBE, &ask, &question, &answer);
        assert_eq!((finding.side, finding.confidence), (Side::Server, Confidence::Certain));
        assert_eq!(finding.facts.get("l2tp.vendor_name"), Some("xelerance.com"));
    }

    #[test]
    fn a_refusal_ends_the_dialogue() {
        let ask = ask("192.0.2.1:1701");
        assert_eq!(hears(&PROBE, &ask, 1, &reply("l2tp/stop")), Step::Done);
        assert_eq!(hears(&PROBE, &ask, 1, &[]), Step::Wait);
        assert_eq!(waits(&PROBE, &ask, 1), Step::Done);
    }
}
