//! Reads the mark with which a Splashtop streamer greets.

use super::{Intrusion, Probe, listen, settled};
use crate::{observe, wire::splashtop};

/// Connects, reads the mark, ends.
pub static PROBE: Probe = Probe {
    name: "splashtop",
    asks: "reads the mark with which a streamer greets",
    protocol: &observe::splashtop::PROTOCOL,
    transport: observe::Transport::Tcp,
    ports: &[6783, 6784, 6785],
    intrusion: Intrusion::Listens,
    source: "public service probes",
    inside_tls: false,
    anywhere: false,
    next: |_, heard| listen(heard, |bytes| settled(&splashtop::parse(bytes))),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::{play::rehearse, rehearsal::reply};

    #[test]
    fn a_mark_is_enough() {
        let played = rehearse(&PROBE, &[&reply("splashtop/ready")]);
        assert!(!played.waited);
        assert_eq!(played.understood(&PROBE).facts.get("splashtop.banner"), Some("SRS:Ready"));
    }
}
