//! Asks a STUN server how it sees us.

use super::{Intrusion, Probe, once};
use crate::{observe, wire::stun};

/// A binding request without attributes.
pub static PROBE: Probe = Probe {
    name: "stun",
    asks: "asks a server how it sees us; the answer names its software and its other addresses",
    protocol: &observe::stun::PROTOCOL,
    transport: observe::Transport::Udp,
    ports: &[3478],
    intrusion: Intrusion::Ordinary,
    source: "RFC 8489, 2; tried on a server of Linux",
    inside_tls: false,
    anywhere: false,
    next: |ask, heard| once(heard, || stun::ask(ask.bytes("stun"))),
};

#[cfg(test)]
mod tests {
    use super::{super::rehearsal::*, *};
    use crate::observe::{Confidence, Side};

    #[test]
    fn a_server_tells_how_it_sees_us() {
        let finding = one_question(&PROBE, &ask("192.0.2.1:3478"), &reply("stun/answer"));
        assert_eq!((finding.side, finding.confidence), (Side::Server, Confidence::Certain));
        assert!(finding.facts.get("stun.mapped").is_some());
    }
}
