//! Waits for what a router that speaks BGP says first.

use super::{Intrusion, Probe, listen, settled};
use crate::{observe, wire::bgp::Message};

/// Connects, reads the first message, ends. Routers that do not expect us end the stream at once.
pub static PROBE: Probe = Probe {
    name: "bgp",
    asks: "reads the message with which a router opens a session, or refuses one",
    protocol: &observe::bgp::PROTOCOL,
    transport: observe::Transport::Tcp,
    ports: &[179],
    intrusion: Intrusion::Listens,
    source: "RFC 4271, 4.2",
    inside_tls: false,
    anywhere: false,
    next: |_, heard| listen(heard, |bytes| settled(&Message::parse(bytes))),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::{play::rehearse, rehearsal::reply};

    #[test]
    fn a_router_that_opens_names_its_network() {
        let played = rehearse(&PROBE, &[&reply("bgp/bird_open")]);
        assert!(played.said.is_empty() && !played.waited);
        assert!(played.understood(&PROBE).facts.get("bgp.system").is_some());
    }

    #[test]
    fn a_refusal_is_an_answer() {
        let played = rehearse(&PROBE, &[&reply("bgp/notification")]);
        assert!(!played.waited);
        assert!(played.understood(&PROBE).facts.get("bgp.error").is_some());
    }
}
