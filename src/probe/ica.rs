//! Reads the mark with which ICA sessions begin.

use super::{Intrusion, Probe, listen, settled};
use crate::{observe, wire::ica};

/// Connects, reads the mark, ends. A session reliability that waits for us stays silent.
pub static PROBE: Probe = Probe {
    name: "ica",
    asks: "reads the mark with which a session begins",
    protocol: &observe::ica::PROTOCOL,
    transport: observe::Transport::Tcp,
    ports: &[1494, 2598],
    intrusion: Intrusion::Listens,
    source: "public service probes",
    inside_tls: false,
    anywhere: false,
    next: |_, heard| listen(heard, |bytes| settled(&ica::Start::parse(bytes))),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::rehearsal::{rehearse, reply};

    #[test]
    fn a_mark_is_enough() {
        let played = rehearse(&PROBE, &[&reply("ica/session")]);
        assert!(played.said.is_empty() && !played.waited);
        assert_eq!(played.understood(&PROBE).facts.get("ica.service"), Some("session"));
    }
}
