//! Asks a Radmin server how to log on.

use super::{Intrusion, Probe, settled, until};
use crate::{observe, wire::radmin::Message};

/// Asks how to log on; the answer tells the generation. No logon follows.
pub static PROBE: Probe = Probe {
    name: "radmin",
    asks: "asks how to log on, which tells the generation of the server",
    protocol: &observe::radmin::PROTOCOL,
    transport: observe::Transport::Tcp,
    ports: &[4899],
    intrusion: Intrusion::Ordinary,
    source: "public service probes",
    inside_tls: false,
    anywhere: false,
    next: |_, heard| until(heard, || Message::ASK.emit(), |bytes| settled(&Message::parse(bytes))),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::{play::rehearse, rehearsal::reply};
    use hex_literal::hex;

    #[test]
    fn an_answer_tells_the_generation() {
        let played = rehearse(&PROBE, &[b"", &reply("radmin/answer")]);
        assert_eq!(played.said, [hex!("01000000010000000808")]);
        assert!(!played.waited);
        assert_eq!(played.understood(&PROBE).facts.get("radmin.generation"), Some("3"));
    }
}
