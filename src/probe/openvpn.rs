//! Asks an OpenVPN server for its first answer.

use super::{Intrusion, Probe, once};
use crate::{observe, wire::openvpn};

/// The first packet of a client, and nothing after it: the server forgets it by itself.
pub static PROBE: Probe = Probe {
    name: "openvpn",
    asks: "begins a session; a server without tls-auth or tls-crypt answers with its own, others stay silent",
    protocol: &observe::openvpn::PROTOCOL,
    transport: observe::Transport::Udp,
    ports: &[1194, 443],
    intrusion: Intrusion::Ordinary,
    source: "OpenVPN protocol documentation, P_CONTROL_HARD_RESET_CLIENT_V2; tried on OpenVPN 2.6",
    inside_tls: false,
    anywhere: false,
    next: |ask, heard| {
        once(heard, || {
            // Sessions with zeros in them are taken for other protocols.
            let session: [u8; 8] = ask.bytes("openvpn");
            openvpn::ask(u64::from_be_bytes(session.map(|byte| byte.max(1))))
        })
    },
};

#[cfg(test)]
mod tests {
    use super::{super::rehearsal::*, *};
    use crate::observe::{Confidence, Side};

    #[test]
    fn a_server_that_repeats_our_session_is_certain() {
        let ask = ask("192.0.2.1:1194");
        let question = question(&PROBE, &ask);
        assert_eq!(question.len(), 14);
        let session = openvpn::Control::parse(&question).unwrap().session;
        let answer = openvpn::answer(&question, !session).unwrap();
        let finding = one_question(&PROBE, &ask, &answer);
        assert_eq!((finding.side, finding.confidence), (Side::Server, Confidence::Certain));
        assert_eq!(finding.facts.get("openvpn.mode"), Some("plain"));
    }

    #[test]
    fn a_recorded_answer_to_another_session_is_firm() {
        let finding = one_question(&PROBE, &ask("192.0.2.1:443"), &reply("openvpn/plain-server"));
        assert_eq!((finding.side, finding.confidence), (Side::Server, Confidence::Firm));
    }
}
