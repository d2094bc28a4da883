//! Begins an OpenVPN session over a stream, and ends it there.

use super::{Ask, Heard, Intrusion, Probe, Step, settled, until};
use crate::{observe, wire::openvpn};

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
    anywhere: false,
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
    use super::*;
    use crate::probe::rehearsal::rehearse;
    use hex_literal::hex;

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
