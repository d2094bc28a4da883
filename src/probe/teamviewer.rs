//! Asks whether a `TeamViewer` is there.

use super::{Intrusion, Probe, settled, until};
use crate::{
    observe,
    wire::teamviewer::{self, Header},
};

/// Asks whether somebody is there. What answers, answers in kind.
pub static PROBE: Probe = Probe {
    name: "teamviewer",
    asks: "asks whether a client or router is there",
    protocol: &observe::teamviewer::PROTOCOL,
    transport: observe::Transport::Tcp,
    ports: &[5938],
    intrusion: Intrusion::Ordinary,
    source: "public service probes",
    inside_tls: false,
    anywhere: false,
    next: |_, heard| until(heard, teamviewer::ping, |bytes| settled(&Header::parse(bytes))),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::{play::rehearse, rehearsal::reply};
    use hex_literal::hex;

    #[test]
    fn an_answer_in_kind_is_enough() {
        let played = rehearse(&PROBE, &[b"", &reply("teamviewer/ping")]);
        assert_eq!(played.said, [hex!("172410040000000000")]);
        assert!(!played.waited);
        assert_eq!(played.understood(&PROBE).confidence, observe::Confidence::Certain);
    }

    #[test]
    fn one_that_greets_first_is_asked_all_the_same() {
        let greeting =
            hex!("17240a2000 9c1f3a01 88138000000000000000100000011800000000000000000000000000");
        let played = rehearse(&PROBE, &[&greeting]);
        assert_eq!(played.understood(&PROBE).facts.get("teamviewer.command"), Some("0x0a"));
    }
}
