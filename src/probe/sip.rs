//! Asks a telephone or an exchange what it can do, in a datagram and over a stream.

use super::{Ask, Heard, Intrusion, Probe, Step, once, settled, until};
use crate::{
    observe,
    wire::sip::{self, Message},
};

/// The question for capabilities, which is not passed on.
pub static PROBE: Probe = Probe {
    name: "sip",
    asks: "asks what a telephone or exchange can do; nobody is called, and nothing rings",
    protocol: &observe::sip::PROTOCOL,
    transport: observe::Transport::Udp,
    ports: &[5060],
    intrusion: Intrusion::Ordinary,
    source: "RFC 3261, 11.1",
    inside_tls: false,
    anywhere: false,
    next: |ask, heard| {
        once(heard, || {
            let branch = u32::from_be_bytes(ask.bytes("sip"));
            sip::options(&ask.to.to_string(), &ask.from.to_string(), branch)
        })
    },
};

/// Asks what a server can do. Nobody is called, and nothing registers.
pub static STREAM: Probe = Probe {
    name: "sip_tcp",
    asks: "asks what a server can do, which tells its software",
    protocol: &observe::sip::PROTOCOL,
    transport: observe::Transport::Tcp,
    ports: &[5060],
    intrusion: Intrusion::Ordinary,
    source: "RFC 3261, 11",
    inside_tls: false,
    anywhere: false,
    next,
};

fn next(ask: &Ask<'_>, heard: &Heard<'_>) -> Step {
    let question = || {
        let host = match ask.to.ip() {
            std::net::IpAddr::V4(address) => address.to_string(),
            std::net::IpAddr::V6(address) => format!("[{address}]"),
        };
        let branch = u32::from_be_bytes(ask.bytes("branch"));
        sip::options_in_stream(&host, &ask.from.to_string(), branch)
    };
    let whole = |bytes: &[u8]| settled(&Message::parse(bytes).and_then(Message::whole));
    until(heard, question, whole)
}

#[cfg(test)]
mod tests {
    use super::{super::rehearsal::*, *};
    use crate::observe::{Confidence, Side};
    use crate::probe::play::rehearse;

    #[test]
    fn an_exchange_tells_its_software() {
        let finding = one_question(&PROBE, &ask("192.0.2.1:5060"), &reply("sip/ok"));
        assert_eq!((finding.side, finding.confidence), (Side::Server, Confidence::Certain));
        assert_eq!(finding.facts.get("sip.server"), Some("SIP-GW kamailio"));
    }

    #[test]
    fn the_question_goes_no_further_than_whom_it_is_sent_to() {
        let question = String::from_utf8(question(&PROBE, &ask("[2001:db8::1]:5060"))).unwrap();
        assert!(question.starts_with("OPTIONS sip:[2001:db8::1]:5060 SIP/2.0\r\n"));
        assert!(
            question.contains("Max-Forwards: 1\r\n") && question.contains(" 192.0.2.10:40000;")
        );
    }

    #[test]
    fn an_answer_names_the_software() {
        let played = rehearse(&STREAM, &[b"", &reply("sip/ok")]);
        assert!(
            played
                .said
                .concat()
                .starts_with(b"OPTIONS sip:192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.9:50000;")
        );
        assert!(!played.waited);
        assert_eq!(played.understood(&STREAM).facts.get("sip.status"), Some("200"));
    }
}
