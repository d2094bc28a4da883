//! Reads the reply with which SMTP servers greet.

use super::{Intrusion, Probe, ftp};
use crate::observe;

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
    // It is greeted in the same form.
    next: ftp::next,
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
