//! Asks a display to be let in, without a word on why.

use super::{Intrusion, Probe, settled, until};
use crate::{
    observe,
    wire::x11::{Answer, SetUp},
};

/// Sets up a connection without authorisation. A display that lets everybody in names its vendor; others say why not.
pub static PROBE: Probe = Probe {
    name: "x11",
    asks: "sets up a connection without authorisation, and reads the refusal or the vendor",
    protocol: &observe::x11::PROTOCOL,
    transport: observe::Transport::Tcp,
    ports: &[6000, 6001, 6002, 6003, 6004, 6005],
    intrusion: Intrusion::Ordinary,
    source: "X Window System Protocol, 8",
    inside_tls: false,
    anywhere: false,
    next: |_, heard| until(heard, || SetUp::ASK.emit(), |bytes| settled(&Answer::parse(bytes))),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::{play::rehearse, rehearsal::reply};
    use hex_literal::hex;

    #[test]
    fn a_refusal_says_why() {
        let played = rehearse(&PROBE, &[b"", &reply("x11/failed")]);
        assert_eq!(played.said, [hex!("6c00 0b00 0000 0000 0000 0000")]);
        assert!(!played.waited);
        assert_eq!(played.understood(&PROBE).facts.get("x11.refusal"), Some("Not permitted"));
    }

    #[test]
    fn an_open_display_names_its_vendor() {
        let played = rehearse(&PROBE, &[b"", &reply("x11/success")]);
        assert!(!played.waited);
        assert!(played.understood(&PROBE).facts.get("x11.vendor").is_some());
    }
}
