//! Asks a pcAnywhere host for its name, and reads the bytes with which it greets.

use super::{Intrusion, Probe, either, listen, settled};
use crate::{observe, wire::pcanywhere};

/// Two bytes, as its client sends them.
pub static PROBE: Probe = Probe {
    name: "pcanywhere",
    asks: "asks a host for its name and, to silence, for its status",
    protocol: &observe::pcanywhere::PROTOCOL,
    transport: observe::Transport::Udp,
    ports: &[5632],
    intrusion: Intrusion::Ordinary,
    source: "public service probes, as its own client searches",
    inside_tls: false,
    anywhere: false,
    next: |_, heard| {
        either(heard, || pcanywhere::ASK_NAME.to_vec(), || pcanywhere::ASK_STATUS.to_vec())
    },
};

/// Connects, reads the greeting, ends.
pub static STREAM: Probe = Probe {
    name: "pcanywhere_tcp",
    asks: "reads the bytes with which a host greets",
    protocol: &observe::pcanywhere::PROTOCOL,
    transport: observe::Transport::Tcp,
    ports: &[5631],
    intrusion: Intrusion::Listens,
    source: "public service probes",
    inside_tls: false,
    anywhere: false,
    next: |_, heard| listen(heard, |bytes| settled(&pcanywhere::greeting(bytes))),
};

#[cfg(test)]
mod tests {
    use super::{
        super::{Step, rehearsal::*},
        *,
    };
    use crate::observe::{Confidence, Side};
    use crate::probe::play::rehearse;

    #[test]
    fn a_host_tells_its_name() {
        let ask = ask("192.0.2.1:5632");
        let question = question(&PROBE, &ask);
        let answer = reply("pcanywhere/name");
        assert_eq!(hears(&PROBE, &ask, 1, &answer), Step::Done);
        let finding = understood(&PROBE, &ask, &question, &answer);
        assert_eq!((finding.side, finding.confidence), (Side::Server, Confidence::Firm));
        assert!(finding.facts.get("pcanywhere.host").is_some());
    }

    #[test]
    fn silence_is_asked_for_its_status() {
        let ask = ask("192.0.2.1:5632");
        assert_eq!(said(waits(&PROBE, &ask, 1)), b"ST");
        assert_eq!(waits(&PROBE, &ask, 2), Step::Done);
    }

    #[test]
    fn a_greeting_is_enough() {
        let played = rehearse(&STREAM, &[&reply("pcanywhere/greeting")]);
        assert!(!played.waited);
        assert_eq!(played.understood(&STREAM).confidence, observe::Confidence::Certain);
    }
}
