//! Asks a telephone or an exchange what it can do.

use super::{Intrusion, Probe, once};
use crate::{observe, wire::sip};

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

#[cfg(test)]
mod tests {
    use super::{super::rehearsal::*, *};
    use crate::observe::{Confidence, Side};

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
}
