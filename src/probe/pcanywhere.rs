//! Reads the bytes with which a pcAnywhere host greets.

use super::{Intrusion, Probe, listen, settled};
use crate::{observe, wire::pcanywhere};

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
    use super::*;
    use crate::probe::rehearsal::{rehearse, reply};

    #[test]
    fn a_greeting_is_enough() {
        let played = rehearse(&STREAM, &[&reply("pcanywhere/greeting")]);
        assert!(!played.waited);
        assert_eq!(played.understood(&STREAM).confidence, observe::Confidence::Certain);
    }
}
