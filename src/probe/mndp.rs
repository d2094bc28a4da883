//! Asks a router that speaks MNDP what it is.

use super::{Intrusion, Probe, once};
use crate::{observe, wire::mndp};

/// Four zeros, which make a router say what it is.
pub static PROBE: Probe = Probe {
    name: "mndp",
    asks: "asks a router for its name, version, model and addresses",
    protocol: &observe::mndp::PROTOCOL,
    transport: observe::Transport::Udp,
    ports: &[5678],
    intrusion: Intrusion::Ordinary,
    source: "its maker's neighbour discovery, as its own tools send it",
    inside_tls: false,
    anywhere: false,
    next: |_, heard| once(heard, || mndp::ASK.to_vec()),
};

#[cfg(test)]
mod tests {
    use super::{super::rehearsal::*, *};
    use crate::observe::{Confidence, Side};

    #[test]
    fn a_router_tells_what_it_is() {
        let finding = one_question(&PROBE, &ask("192.0.2.1:5678"), &reply("mndp/router"));
        assert_eq!((finding.side, finding.confidence), (Side::Server, Confidence::Certain));
        assert!(finding.facts.get("mndp.version").is_some());
    }
}
