//! Asks a `RustDesk` rendezvous server which port of ours it sees.

use super::{Intrusion, Probe, settled, until};
use crate::{
    observe,
    wire::rustdesk::{self, Message},
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
    use super::*;
    use crate::probe::rehearsal::rehearse;
    use hex_literal::hex;

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
