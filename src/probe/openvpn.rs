//! Asks an OpenVPN server for its first answer, in a datagram and over a stream.

use super::{Ask, Heard, Intrusion, Probe, Step, once, settled, until};
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

/// Begins a session; a server without a key of its own for that answers. Others end the stream without a word.
pub static STREAM: Probe = Probe {
    name: "openvpn_tcp",
    asks: "begins a session, which a server without a pre-shared key answers",
    protocol: &observe::openvpn::PROTOCOL,
    transport: observe::Transport::Tcp,
    ports: &[1194, 443],
    intrusion: Intrusion::Ordinary,
    source: "OpenVPN, doc/doxygen, network protocol",
    inside_tls: false,
    anywhere: true,
    next,
};

fn next(ask: &Ask<'_>, heard: &Heard<'_>) -> Step {
    let question = || {
        // Readers take a session with three zeros for another protocol.
        let session = ask.bytes("session").map(|byte| byte | 1);
        openvpn::in_stream(&openvpn::ask(u64::from_be_bytes(session)))
    };
    until(heard, question, |bytes| settled(&openvpn::parse_stream(bytes)))
}

#[cfg(test)]
mod tests {
    use super::{super::rehearsal::*, *};
    use crate::observe::{Confidence, Side};
    use crate::probe::play::rehearse;
    use hex_literal::hex;

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

    #[test]
    fn an_answer_echoes_our_session() {
        let asked = rehearse(&STREAM, &[]).said.concat();
        let (packet, _) = openvpn::parse_stream(&asked).unwrap();
        let answer = openvpn::in_stream(&openvpn::answer(packet, 0xa1b2_c3d4_e5f6_0718).unwrap());
        let played = rehearse(&STREAM, &[b"", &answer]);
        assert_eq!(played.said.len(), 1);
        assert!(!played.waited);
        let finding = played.understood(&STREAM);
        assert_eq!(finding.facts.get("openvpn.opcode"), Some("hard_reset_server_v2"));
        assert_eq!(finding.confidence, observe::Confidence::Certain);
    }

    #[test]
    fn a_web_server_is_left_at_its_first_bytes() {
        assert!(!rehearse(&STREAM, &[b"", b"HTTP/1.1 400 Bad Request\r\n"]).waited);
        assert!(!rehearse(&STREAM, &[b"", &hex!("15030100020246")]).waited);
    }
}
