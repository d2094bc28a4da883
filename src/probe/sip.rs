//! Asks a SIP server over a stream what it can do.

use super::{Ask, Heard, Intrusion, Probe, Step, settled, until};
use crate::{
    observe,
    wire::sip::{self, Message},
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
    use super::*;
    use crate::probe::rehearsal::{rehearse, reply};

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
