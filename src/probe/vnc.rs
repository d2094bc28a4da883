//! Reads the version and the security types of a VNC server.

use super::{Ask, Heard, Intrusion, Probe, Step, listen, settled};
use crate::{
    observe,
    wire::vnc::{LINE, Security, Server, Version},
};

/// Reads the version, answers with one that both know, reads the security types, ends. Choosing one would let us in
/// where no password is asked, so none is chosen.
pub static PROBE: Probe = Probe {
    name: "vnc",
    asks: "reads the version and the security types that are offered, and chooses none",
    protocol: &observe::vnc::PROTOCOL,
    transport: observe::Transport::Tcp,
    ports: &[5900, 5901, 5902, 5903, 5904, 5905, 5906, 5907, 5908, 5909, 5910, 5500],
    intrusion: Intrusion::Dialogue,
    source: "RFC 6143, 7.1.1 and 7.1.2",
    inside_tls: false,
    anywhere: false,
    next,
};

fn next(_: &Ask<'_>, heard: &Heard<'_>) -> Step {
    let theirs = match Version::parse(heard.bytes) {
        Ok(Version::REPEATER) => return Step::Done,
        Ok(theirs) => theirs,
        reply @ Err(_) => return listen(heard, |_| settled(&reply)),
    };
    let ours = known(theirs);
    if heard.turn == 0 {
        return if heard.ended { Step::Done } else { Step::Say(ours.emit()) };
    }
    listen(heard, |bytes| {
        Server::parse(bytes, Some(ours)).is_ok_and(|server| match server.security {
            Security::Unsaid => bytes.len() > LINE && !server.more,
            Security::Decided(_) | Security::Offered(_) | Security::Refused(_) => true,
        })
    })
}

/// The latest version that is published and not later than theirs.
fn known(theirs: Version) -> Version {
    let minor = match (theirs.major, theirs.minor) {
        (..3, _) | (3, ..7) => 3,
        (3, 7) => 7,
        _ => 8,
    };
    Version { major: 3, minor }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::play::rehearse;
    use hex_literal::hex;

    /// Type 2, and 19 with it.
    const TYPES: &[u8] = &hex!("02 13 02");

    #[test]
    fn the_types_are_read_and_none_is_chosen() {
        let played = rehearse(&PROBE, &[b"RFB 003.008\n", TYPES]);
        assert_eq!(played.said, [b"RFB 003.008\n"]);
        assert!(!played.waited);
        let facts = played.understood(&PROBE).facts;
        assert!(facts.all("vnc.security").eq(["vencrypt", "vnc"]));
    }

    #[test]
    fn the_version_is_one_that_both_know() {
        for (theirs, ours) in [
            (b"RFB 003.889\n", b"RFB 003.008\n"),
            (b"RFB 005.000\n", b"RFB 003.008\n"),
            (b"RFB 003.007\n", b"RFB 003.007\n"),
            (b"RFB 003.005\n", b"RFB 003.003\n"),
        ] {
            assert_eq!(rehearse(&PROBE, &[theirs]).said, [ours]);
        }
    }

    #[test]
    fn an_old_server_decides() {
        let played = rehearse(
            &PROBE,
            &[b"RFB 003.003\n", &hex!("00000002 00112233445566778899aabbccddeeff")],
        );
        assert!(!played.waited);
        assert!(played.understood(&PROBE).facts.all("vnc.security").eq(["vnc"]));
    }

    #[test]
    fn a_repeater_is_not_answered() {
        let played = rehearse(&PROBE, &[b"RFB 000.000\n"]);
        assert!(played.said.is_empty() && !played.waited);
        assert_eq!(played.understood(&PROBE).facts.get("vnc.through"), Some("repeater"));
    }

    #[test]
    fn too_many_failures_are_told() {
        let refusal = hex!("00 00000010 546f6f206d616e79206661696c757265");
        let played = rehearse(&PROBE, &[b"RFB 003.008\n", &refusal]);
        assert!(!played.waited);
        assert_eq!(played.understood(&PROBE).facts.get("vnc.refusal"), Some("Too many failure"));
    }

    #[test]
    fn a_desktop_without_a_password_is_not_entered() {
        let played = rehearse(&PROBE, &[b"RFB 003.008\n", &hex!("01 01")]);
        assert_eq!(played.said.len(), 1, "one type, and it is not chosen");
        assert!(!played.waited);
        assert!(played.understood(&PROBE).facts.all("vnc.security").eq(["none"]));
    }
}
