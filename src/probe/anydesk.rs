//! Looks at the certificate of an `AnyDesk` that listens.

use super::{Intrusion, Probe, Step};
use crate::observe;

/// Takes the stream into TLS and ends: the certificate names it.
pub static PROBE: Probe = Probe {
    name: "anydesk",
    asks: "reads the certificate inside TLS, which names a client or relay",
    protocol: &observe::anydesk::PROTOCOL,
    transport: observe::Transport::Tcp,
    ports: &[7070, 6568],
    intrusion: Intrusion::Listens,
    source: "public service probes",
    inside_tls: true,
    anywhere: false,
    next: |_, _| Step::Done,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::play::rehearse;

    #[test]
    fn nothing_is_said_inside() {
        let played = rehearse(&PROBE, &[b"anything"]);
        assert!(played.said.is_empty() && !played.waited);
    }
}
