//! Starts a PPTP control connection, and stops it politely.

use super::{Ask, Heard, Intrusion, Probe, Step, listen, settled};
use crate::{
    observe,
    wire::pptp::{self, Message, Start, kind},
};

/// Starts a control connection, reads who answers, stops it. No call is placed, and no tunnel begins.
pub static PROBE: Probe = Probe {
    name: "pptp",
    asks: "starts a control connection, which tells host, vendor and firmware, and stops it",
    protocol: &observe::pptp::PROTOCOL,
    transport: observe::Transport::Tcp,
    ports: &[1723],
    intrusion: Intrusion::Dialogue,
    source: "RFC 2637, 2.1 to 2.4",
    inside_tls: false,
    anywhere: false,
    next,
};

fn next(_: &Ask<'_>, heard: &Heard<'_>) -> Step {
    match heard.turn {
        0 => Step::Say(pptp::ask(b"sekisho")),
        1 => match Message::parse(heard.bytes) {
            Ok(message) if has_started(&message) => Step::Say(pptp::stop()),
            reply => listen(heard, |_| settled(&reply)),
        },
        _ => listen(heard, |bytes| {
            let first = Message::parse(bytes).map_or(0, |message| message.length);
            settled(&Message::parse(bytes.get(first..).unwrap_or_default()))
        }),
    }
}

/// Whether there is something to stop.
fn has_started(message: &Message<'_>) -> bool {
    message.kind == kind::START_REPLY
        && Start::parse(message.body).is_ok_and(|start| start.result == 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::{play::rehearse, rehearsal::reply};
    use hex_literal::hex;

    #[test]
    fn a_start_is_stopped_politely() {
        let stopped = hex!("001000011a2b3c4d0004000001000000");
        let played = rehearse(&PROBE, &[b"", &reply("pptp/server"), &stopped]);
        assert_eq!(played.said, [pptp::ask(b"sekisho"), pptp::stop()]);
        assert!(!played.waited);
        let facts = played.understood(&PROBE).facts;
        assert_eq!(facts.get("pptp.vendor"), Some("linux"));
    }

    #[test]
    fn a_server_that_refuses_needs_no_stop() {
        let refusal = Start {
            version: [1, 0],
            result: 4,
            error: 0,
            firmware: 1,
            host_name: b"",
            vendor: b"",
        };
        let played = rehearse(&PROBE, &[b"", &refusal.emit()]);
        assert_eq!(played.said.len(), 1);
        assert_eq!(played.understood(&PROBE).facts.get("pptp.result"), Some("4"));
    }
}
