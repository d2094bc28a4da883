//! Asks devices that speak Ubiquiti's discovery what they are.

use super::{Intrusion, Probe, either};
use crate::{observe, wire::ubiquiti};

/// The empty question of either version.
pub static PROBE: Probe = Probe {
    name: "ubiquiti",
    asks: "asks a device for its model, firmware, name and addresses; in version 2 when version 1 meets silence",
    protocol: &observe::ubiquiti::PROTOCOL,
    transport: observe::Transport::Udp,
    ports: &[10001],
    intrusion: Intrusion::Ordinary,
    source: "its maker's discovery, as its own tools send it",
    inside_tls: false,
    anywhere: false,
    next: |_, heard| either(heard, ubiquiti::ask, ubiquiti::ask_second),
};

#[cfg(test)]
mod tests {
    use super::{
        super::{Step, rehearsal::*},
        *,
    };
    use crate::observe::{Confidence, Side};

    #[test]
    fn a_device_tells_what_it_is() {
        let ask = ask("192.0.2.1:10001");
        let question = question(&PROBE, &ask);
        assert_eq!(question, bytes("01000000"));
        let answer = reply("ubiquiti/answer");
        assert_eq!(hears(&PROBE, &ask, 1, &answer), Step::Done);
        let finding = understood(&PROBE, &ask, &question, &answer);
        assert_eq!((finding.side, finding.confidence), (Side::Server, Confidence::Firm));
        assert_eq!(finding.facts.get("ubiquiti.firmware"), Some("EX.v1.2.3"));
    }

    #[test]
    fn silence_is_asked_in_version_2() {
        let ask = ask("192.0.2.1:10001");
        assert_eq!(said(waits(&PROBE, &ask, 1)), bytes("02080000"));
        assert_eq!(waits(&PROBE, &ask, 2), Step::Done);
    }
}
