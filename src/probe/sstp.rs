//! Asks a web server for an SSTP tunnel, and ends before it begins.

use super::{Ask, Heard, Intrusion, Probe, Step, http, settled, until};
use crate::{
    observe,
    wire::{http::Head, sstp},
};

/// Asks for the endless exchange, and ends at the head of the answer: no call is connected.
pub static PROBE: Probe = Probe {
    name: "sstp",
    asks: "asks for the endless exchange in which a tunnel would run, and reads whether it is granted",
    protocol: &observe::sstp::PROTOCOL,
    transport: observe::Transport::Tcp,
    ports: &[443],
    intrusion: Intrusion::Dialogue,
    source: "MS-SSTP, 3.2.4.1",
    inside_tls: true,
    anywhere: false,
    next,
};

fn next(ask: &Ask<'_>, heard: &Heard<'_>) -> Step {
    let question =
        || sstp::ask(&http::host(ask.to, ask.known.get("tls.sni")), &ask.bytes("correlation"));
    until(heard, question, |bytes| settled(&Head::parse(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::Said;
    use crate::probe::{play::rehearse, rehearsal::reply};

    #[test]
    fn a_server_that_can_promises_an_endless_body() {
        let played = rehearse(&PROBE, &[b"", &reply("sstp/server")]);
        assert_eq!(played.said.len(), 1);
        assert!(!played.waited);
        let finding = played.understood(&PROBE);
        assert_eq!(finding.facts.get("sstp.status"), Some("200"));
        assert_eq!(finding.confidence, observe::Confidence::Certain);
    }

    #[test]
    fn another_web_server_refuses() {
        let refusal = b"HTTP/1.1 405 Not Allowed\r\nContent-Length: 0\r\n\r\n";
        let played = rehearse(&PROBE, &[b"", refusal]);
        assert!(!played.waited);
        let said = played.said.concat();
        let answer = Said { answering: &said, open: false, ..Said::stream(443, 50_000, refusal) };
        assert!((observe::sstp::PROTOCOL.read)(&answer).is_err());
    }
}
