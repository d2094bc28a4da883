//! Reads the reply with which FTP servers greet.

use super::{Ask, Heard, Intrusion, Probe, Step, listen, settled};
use crate::{observe, wire::greeting::Greeting};

/// Connects, reads the greeting, ends. Nothing is said.
pub static PROBE: Probe = Probe {
    name: "ftp",
    asks: "reads the greeting that a server sends first",
    protocol: &observe::ftp::PROTOCOL,
    transport: observe::Transport::Tcp,
    ports: &[21, 2121],
    intrusion: Intrusion::Listens,
    source: "RFC 959, 5.4",
    inside_tls: false,
    anywhere: false,
    next,
};

/// Whatever is no greeting, or a whole one, is enough.
pub(super) fn next(_: &Ask<'_>, heard: &Heard<'_>) -> Step {
    listen(heard, |bytes| settled(&Greeting::parse(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::play::rehearse;

    #[test]
    fn a_greeting_of_several_lines_is_waited_for() {
        let played = rehearse(&PROBE, &[b"220-For authorised use\r\n220 FTP ready\r\n"]);
        assert!(played.said.is_empty() && !played.waited);
        let facts = played.understood(&PROBE).facts;
        assert_eq!(facts.get("ftp.banner"), Some("For authorised use·FTP ready"));
    }

    #[test]
    fn another_protocol_is_left_at_once() {
        assert!(!rehearse(&PROBE, &[b"SSH-2.0-example\r\n", b"more"]).waited);
    }
}
