//! Connects to an interface engine that the facility names.

use super::{Intrusion, Probe, listen, settled};
use crate::{observe, wire::hl7::Header};

/// Connects, listens, ends. Nothing is ever sent: a message here would be one about a patient.
pub static PROBE: Probe = Probe {
    name: "hl7",
    asks: "connects to an interface engine, and sends nothing",
    protocol: &observe::hl7::PROTOCOL,
    transport: observe::Transport::Tcp,
    ports: &[2575],
    intrusion: Intrusion::OnRequest,
    source: "HL7 version 2, appendix C (MLLP)",
    inside_tls: false,
    anywhere: false,
    next: |_, heard| listen(heard, |bytes| settled(&Header::parse(bytes))),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::{play::rehearse, rehearsal::reply};

    #[test]
    fn nothing_is_ever_sent() {
        let silent = rehearse(&PROBE, &[]);
        assert!(silent.said.is_empty() && silent.waited);
        let played = rehearse(&PROBE, &[&reply("hl7/result")]);
        assert!(played.said.is_empty());
    }
}
