//! Asks a SoftEther VPN server for its greeting.

use super::{Ask, Heard, Intrusion, Probe, Step, http, settled, until};
use crate::{
    observe,
    wire::{http::Head, softether},
};

/// Asks for the greeting, which tells product, version and build. No logon follows. On ports that others use, it asks only
/// those that granted SSTP, which SoftEther grants with the same words as others.
pub static PROBE: Probe = Probe {
    name: "softether",
    asks: "asks for the greeting, which tells product, version and build",
    protocol: &observe::softether::PROTOCOL,
    transport: observe::Transport::Tcp,
    ports: &[5555, 992, 443, 1194],
    intrusion: Intrusion::Dialogue,
    source: "SoftEtherVPN source, Cedar/Protocol.c",
    inside_tls: true,
    anywhere: false,
    next,
};

/// Ports on which no evidence is needed.
const HOME: [u16; 2] = [5555, 992];

fn next(ask: &Ask<'_>, heard: &Heard<'_>) -> Step {
    if !HOME.contains(&ask.to.port()) && ask.known.get("sstp.status") != Some("200") {
        return Step::Done;
    }
    until(
        heard,
        || softether::ask(&http::host(ask.to, ask.known.get("tls.sni"))),
        |bytes| match Head::parse(bytes) {
            Ok(head) => {
                let body = bytes.get(head.length..).unwrap_or_default();
                settled(&softether::pack(body, |_, _| {}))
            }
            Err(error) => !error.wants_more(),
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::Facts;
    use crate::probe::{
        play::{play, rehearse},
        rehearsal::reply,
    };

    #[test]
    fn a_server_greets() {
        let played = rehearse(&PROBE, &[b"", &reply("softether/hello")]);
        assert_eq!(played.said, [softether::ask("192.0.2.1:5555")]);
        assert!(!played.waited);
        let finding = played.understood(&PROBE);
        assert_eq!(finding.facts.get("softether.build"), Some("9807"));
        assert_eq!(finding.confidence, observe::Confidence::Certain);
    }

    #[test]
    fn on_the_ports_of_others_evidence_must_come_first() {
        let nothing = Facts::default();
        let granted = Facts::default().with("sstp.status", 200);
        let refused = Facts::default().with("sstp.status", 405);
        let said = |known: &Facts| play(&PROBE, 443, known, &[], usize::MAX).said.len();
        assert_eq!([&nothing, &refused, &granted].map(said), [0, 0, 1]);
    }

    #[test]
    fn a_web_server_is_left_at_its_answer() {
        let page = b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone";
        assert!(!rehearse(&PROBE, &[b"", page]).waited);
    }
}
