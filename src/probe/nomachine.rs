//! Reads the line with which `NoMachine` begins.

use super::{Intrusion, Probe, listen, settled};
use crate::{observe, wire::nomachine::Line};

/// Connects, reads the line, ends.
pub static PROBE: Probe = Probe {
    name: "nomachine",
    asks: "reads the line with which a server begins",
    protocol: &observe::nomachine::PROTOCOL,
    transport: observe::Transport::Tcp,
    ports: &[4000],
    intrusion: Intrusion::Listens,
    source: "public service probes",
    inside_tls: false,
    anywhere: false,
    next: |_, heard| listen(heard, |bytes| settled(&Line::parse(bytes))),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::{play::rehearse, rehearsal::reply};

    #[test]
    fn a_line_is_enough() {
        let played = rehearse(&PROBE, &[&reply("nomachine/version")]);
        assert!(!played.waited);
        assert!(played.understood(&PROBE).facts.get("nomachine.version").is_some());
    }
}
