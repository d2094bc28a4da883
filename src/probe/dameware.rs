//! Reads the forty bytes with which a `DameWare` host greets.

use super::{Intrusion, Probe, listen, settled};
use crate::{observe, wire::dameware::Greeting};

/// Connects, reads the greeting, ends.
pub static PROBE: Probe = Probe {
    name: "dameware",
    asks: "reads the greeting, which tells the version",
    protocol: &observe::dameware::PROTOCOL,
    transport: observe::Transport::Tcp,
    ports: &[6129],
    intrusion: Intrusion::Listens,
    source: "public service probes",
    inside_tls: false,
    anywhere: false,
    next: |_, heard| listen(heard, |bytes| settled(&Greeting::parse(bytes))),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::{play::rehearse, rehearsal::reply};

    #[test]
    fn a_greeting_is_enough() {
        let played = rehearse(&PROBE, &[&reply("dameware/greeting")]);
        assert!(!played.waited);
        assert!(played.understood(&PROBE).facts.get("dameware.version").is_some());
    }
}
