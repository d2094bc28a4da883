//! Negotiates with a remote desktop, and asks inside TLS who it is.

use super::{Ask, Heard, Intrusion, Probe, Step, listen, settled};
use crate::{
    observe,
    wire::{
        credssp, ntlm,
        rdp::{Confirm, Message, Request},
    },
};

/// Asks for all kinds of security; what is chosen is begun, which shows the certificate. With CredSSP the server is asked
/// who it is, and left there: no message that logs on is ever sent.
pub static PROBE: Probe = Probe {
    name: "rdp",
    asks: "negotiates, reads the certificate, and with CredSSP reads who the server is; logs on to nothing",
    protocol: &observe::rdp::PROTOCOL,
    transport: observe::Transport::Tcp,
    ports: &[3389, 3388, 3390, 13389, 33389],
    intrusion: Intrusion::Dialogue,
    source: "MS-RDPBCGR, 2.2.1.1; MS-CSSP, 2.2.1; MS-NLMP, 2.2.1.1",
    inside_tls: false,
    anywhere: true,
    next,
};

/// TLS, CredSSP and CredSSP with an early answer (MS-RDPBCGR 2.2.1.1.1).
const ALL_KINDS: u32 = 0x0b;

/// Both kinds of CredSSP.
const CREDSSP: u32 = 0x0a;

/// The version of CredSSP that we speak.
const CREDSSP_VERSION: u8 = 6;

fn next(_: &Ask<'_>, heard: &Heard<'_>) -> Step {
    match chosen(heard.before_tls) {
        None => in_clear(heard),
        Some(kind) if kind & CREDSSP != 0 => inside(heard),
        Some(_) => Step::Done,
    }
}

/// The kind of security that a server chose.
fn chosen(bytes: &[u8]) -> Option<u32> {
    match Message::parse(bytes) {
        Ok((Message::Confirm(Confirm::Chosen { protocol, .. }), _)) => Some(protocol),
        _ => None,
    }
}

fn in_clear(heard: &Heard<'_>) -> Step {
    match heard.turn {
        0 => Step::Say(Request { token: None, asks: Some((0, ALL_KINDS)) }.emit()),
        // All kinds but classic security begin with TLS.
        _ if chosen(heard.bytes).is_some_and(|kind| kind != 0) => Step::StartTls,
        _ => listen(heard, |bytes| settled(&Message::parse(bytes))),
    }
}

fn inside(heard: &Heard<'_>) -> Step {
    // The second turn began TLS.
    if heard.turn == 2 && !heard.waited && !heard.ended {
        return Step::Say(credssp::Request::emit(CREDSSP_VERSION, &ntlm::Message::ask()));
    }
    listen(heard, |bytes| settled(&credssp::Request::parse(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::{
        play::{Played, rehearse},
        rehearsal::reply,
    };
    use hex_literal::hex;

    use crate::observe::{Said, Side};

    #[test]
    fn a_server_with_credssp_tells_who_it_is() {
        let challenge = reply("credssp/challenge");
        let played =
            rehearse(&PROBE, &[b"", &reply("rdp/freerdp-shadow-confirm"), &[], &challenge]);
        assert!(played.tls && !played.waited);
        let [first, second] = &*played.said else { panic!("{:?}", played.said) };
        assert_eq!(first[..], hex!("030000130ee00000000000010008000b000000"));
        assert_eq!(*second, credssp::Request::emit(6, &ntlm::Message::ask()));
        let clear = Played::read(&PROBE, &played.before_tls, first);
        assert_eq!(clear.facts.get("rdp.selected"), Some("credssp"));
        let said =
            Said { answering: second, open: false, ..Said::stream(3389, 50_000, &played.heard) };
        let finding = (observe::credssp::PROTOCOL.read)(&said).unwrap();
        assert_eq!(finding.side, Side::Server);
        assert!(finding.facts.get("ntlm.computer").is_some());
    }

    #[test]
    fn a_server_with_tls_alone_shows_its_certificate() {
        let played = rehearse(&PROBE, &[b"", &reply("rdp/xrdp-confirm"), b"", b"never heard"]);
        assert!(played.tls && !played.waited);
        assert_eq!(played.said.len(), 1, "nothing is said inside");
        let clear = Played::read(&PROBE, &played.before_tls, &played.said[0]);
        assert_eq!(clear.facts.get("rdp.selected"), Some("tls"));
    }

    #[test]
    fn classic_security_and_refusals_end_it() {
        for case in ["rdp/xrdp-classic-confirm", "rdp/failure"] {
            let played = rehearse(&PROBE, &[b"", &reply(case)]);
            assert!(!played.tls && !played.waited, "{case}");
            assert_eq!(played.understood(&PROBE).side, Side::Server, "{case}");
        }
    }

    #[test]
    fn a_server_that_is_silent_inside_is_asked_once() {
        let played = rehearse(&PROBE, &[b"", &reply("rdp/freerdp-shadow-confirm")]);
        assert_eq!(played.said.len(), 2);
        assert!(played.waited);
    }
}
