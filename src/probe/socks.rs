//! Asks a SOCKS proxy which way to log on it wants.

use super::{Intrusion, Probe, settled, until};
use crate::{
    observe,
    wire::socks::{self, Server},
};

/// Offers no authentication and a password, and reads which the proxy wants. No destination is ever named.
pub static PROBE: Probe = Probe {
    name: "socks",
    asks: "offers two ways to log on and reads which a proxy wants; never connects through it",
    protocol: &observe::socks::PROTOCOL,
    transport: observe::Transport::Tcp,
    ports: &[1080, 1081, 1085, 9050, 10808],
    intrusion: Intrusion::Ordinary,
    source: "RFC 1928, 3",
    inside_tls: false,
    anywhere: true,
    next: |_, heard| until(heard, || socks::offer(&[0, 2]), |bytes| settled(&Server::parse(bytes))),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::{play::rehearse, rehearsal::reply};
    use hex_literal::hex;

    #[test]
    fn a_proxy_chooses() {
        let played = rehearse(&PROBE, &[b"", &reply("socks/dante-method")]);
        assert_eq!(played.said, [hex!("05020002")]);
        assert!(!played.waited);
        let finding = played.understood(&PROBE);
        assert_eq!(finding.facts.get("socks.method"), Some("none"));
        assert_eq!(finding.confidence, observe::Confidence::Firm);
    }

    #[test]
    fn a_refusal_is_an_answer() {
        let played = rehearse(&PROBE, &[b"", &hex!("05ff")]);
        assert_eq!(played.understood(&PROBE).facts.get("socks.method"), Some("refused"));
    }
}
