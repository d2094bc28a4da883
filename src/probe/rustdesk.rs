//! Asks a host whether a `RustDesk` client waits there, as clients ask each other, and a rendezvous server what it sees.

use super::{Intrusion, Probe, once, settled, until};
use crate::{
    observe,
    wire::rustdesk::{self, Message},
};

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

/// Asks which port of ours it sees: the one question that needs no number of a peer.
pub static STREAM: Probe = Probe {
    name: "rustdesk_tcp",
    asks: "asks a rendezvous server which port of ours it sees",
    protocol: &observe::rustdesk::PROTOCOL,
    transport: observe::Transport::Tcp,
    ports: &[21115, 21116],
    intrusion: Intrusion::Ordinary,
    source: "rendezvous.proto of the project, TestNatRequest",
    inside_tls: false,
    anywhere: false,
    next: |_, heard| until(heard, rustdesk::ask, |bytes| settled(&Message::parse_framed(bytes))),
};

#[cfg(test)]
mod tests {
    use super::{super::rehearsal::*, *};
    use crate::observe::{Confidence, Side};
    use crate::probe::play::rehearse;
    use hex_literal::hex;

    #[test]
    fn a_client_tells_its_host() {
        let finding = one_question(&PROBE, &ask("192.0.2.1:21119"), &reply("rustdesk/discovery"));
        assert_eq!((finding.side, finding.confidence), (Side::Peer, Confidence::Certain));
        assert_eq!(finding.facts.get("rustdesk.hostname"), Some("pc.example"));
    }

    #[test]
    fn an_answer_shows_a_rendezvous_server() {
        let played = rehearse(&STREAM, &[b"", &hex!("1c aa0104 08d08603")]);
        assert_eq!(played.said, [hex!("0ca20100")]);
        let finding = played.understood(&STREAM);
        assert_eq!(finding.facts.get("rustdesk.message"), Some("test_nat_response"));
        assert_eq!(finding.side, observe::Side::Server);
        assert!(finding.confidence >= observe::Confidence::Firm);
    }
}
