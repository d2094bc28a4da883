//! Reads the line with which a node of tinc begins.

use super::{Intrusion, Probe, listen, settled};
use crate::{observe, wire::tinc::Identification};

/// Connects, reads the line, ends; nodes of tinc 1.1 wait for ours and stay silent.
pub static PROBE: Probe = Probe {
    name: "tinc",
    asks: "reads the line with which a node names itself",
    protocol: &observe::tinc::PROTOCOL,
    transport: observe::Transport::Tcp,
    ports: &[655],
    intrusion: Intrusion::Listens,
    source: "tinc manual, the meta-protocol",
    inside_tls: false,
    anywhere: false,
    next: |_, heard| listen(heard, |bytes| settled(&Identification::parse(bytes))),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::play::rehearse;

    #[test]
    fn a_line_is_enough() {
        let played = rehearse(&PROBE, &[b"0 clinic 17\n"]);
        assert!(!played.waited);
        assert_eq!(played.understood(&PROBE).facts.get("tinc.name"), Some("clinic"));
    }
}
