//! Negotiates with a file server, and asks who it is.

use super::{Ask, Heard, Intrusion, Probe, Step, listen, settled};
use crate::{
    observe,
    wire::{
        ntlm,
        smb::{self, Chosen, Frame, Message},
    },
};

/// Offers dialects, then begins a session far enough to be told who the server is. No proof is sent, so nobody logs on.
pub static PROBE: Probe = Probe {
    name: "smb",
    asks: "negotiates, and reads who the server is; logs on to nothing",
    protocol: &observe::smb::PROTOCOL,
    transport: observe::Transport::Tcp,
    ports: &[445],
    intrusion: Intrusion::Dialogue,
    source: "MS-SMB2, 2.2.3 to 2.2.6; MS-NLMP, 2.2.1.1",
    inside_tls: false,
    anywhere: false,
    next,
};

fn next(ask: &Ask<'_>, heard: &Heard<'_>) -> Step {
    match heard.turn {
        0 => Step::Say(smb::offer(&ask.bytes("identifier"), &ask.bytes("salt"))),
        1 => match Frame::parse(heard.bytes) {
            Ok(frame) if is_choice(&frame.message) => {
                Step::Say(smb::begin_session(&smb::negotiate(&ntlm::Message::ask())))
            }
            reply => listen(heard, |_| settled(&reply)),
        },
        _ => listen(heard, |bytes| {
            let first = Frame::parse(bytes).map_or(0, |frame| frame.length);
            settled(&Frame::parse(bytes.get(first..).unwrap_or_default()))
        }),
    }
}

/// Whether a server chose a dialect of SMB 2 or 3.
fn is_choice(message: &Message<'_>) -> bool {
    matches!(message, Message::Choice(choice) if matches!(choice.dialect, Chosen::Number(_)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::{
        play::{Played, rehearse},
        rehearsal::reply,
    };

    #[test]
    fn a_server_tells_who_it_is() {
        let played =
            rehearse(&PROBE, &[b"", &reply("smb/samba-choice"), &reply("smb/samba-challenge")]);
        assert_eq!(played.said.len(), 2);
        assert!(!played.waited);
        let choice = played.understood(&PROBE);
        assert_eq!(choice.facts.get("smb.dialect"), Some("3.1.1"));
        let observe::Rest::Same(next) = choice.rest else { panic!("{choice:?}") };
        let challenge = Played::read(&PROBE, &played.heard[next..], &played.said.concat());
        assert_eq!(challenge.facts.get("ntlm.computer"), Some("FILESRV"));
    }

    #[test]
    fn what_is_asked_is_understood() {
        let played = rehearse(&PROBE, &[b"", &reply("smb/samba-choice")]);
        for said in &played.said {
            let finding = Played::read(&PROBE, said, b"");
            assert_eq!(finding.side, observe::Side::Client);
        }
    }

    #[test]
    fn a_server_of_before_is_left_at_its_end() {
        let played = rehearse(&PROBE, &[]);
        assert_eq!(played.said.len(), 1);
    }
}
