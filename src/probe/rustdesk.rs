//! Asks a host whether a `RustDesk` client waits there, as clients ask each other.

use super::{Intrusion, Probe, once};
use crate::{observe, wire::rustdesk};

/// The search of one client for another. Its servers are not asked this way: they would note a peer.
pub static PROBE: Probe = Probe {
    name: "rustdesk",
    asks: "asks a client for its number, host name and platform, as clients ask each other",
    protocol: &observe::rustdesk::PROTOCOL,
    transport: observe::Transport::Udp,
    ports: &[21119],
    intrusion: Intrusion::Ordinary,
    source: "the public message definitions of its maker, PeerDiscovery",
    inside_tls: false,
    anywhere: false,
    next: |_, heard| once(heard, rustdesk::ping),
};

#[cfg(test)]
mod tests {
    use super::{super::rehearsal::*, *};
    use crate::observe::{Confidence, Side};

    #[test]
    fn a_client_tells_its_host() {
        let finding = one_question(&PROBE, &ask("192.0.2.1:21119"), &reply("rustdesk/discovery"));
        assert_eq!((finding.side, finding.confidence), (Side::Peer, Confidence::Certain));
        assert_eq!(finding.facts.get("rustdesk.hostname"), Some("pc.example"));
    }
}
