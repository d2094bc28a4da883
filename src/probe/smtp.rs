//! Reads the reply with which SMTP servers greet.

use super::{Intrusion, Probe, listen};
use crate::{observe, wire::greeting::Greeting};

/// Connects, reads the greeting, ends. Nothing is said.
pub static PROBE: Probe = Probe {
    name: "smtp",
    asks: "reads the greeting that a server sends first",
    protocol: &observe::smtp::PROTOCOL,
    transport: observe::Transport::Tcp,
    ports: &[25, 587],
    intrusion: Intrusion::Listens,
    source: "RFC 5321, 4.2",
    inside_tls: false,
    anywhere: false,
    // Whatever is no greeting, or a whole one, is enough.
    next: |_, heard| {
        listen(heard, |bytes| !Greeting::parse(bytes).is_err_and(|error| error.wants_more()))
    },
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::play::rehearse;

    #[test]
    fn a_greeting_of_several_lines_is_waited_for() {
        let played = rehearse(&PROBE, &[b"220-For authorised use\r\n220 SMTP ready\r\n"]);
        assert!(played.said.is_empty() && !played.waited);
        let facts = played.understood(&PROBE).facts;
        assert_eq!(facts.get("smtp.banner"), Some("For authorised use·SMTP ready"));
    }

    #[test]
    fn another_protocol_is_left_at_once() {
        assert!(!rehearse(&PROBE, &[b"SSH-2.0-example\r\n", b"more"]).waited);
    }
}
