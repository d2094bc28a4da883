//! Asks a DTLS server for its hello, as VPN clients and RDP clients do.

use super::{Intrusion, Probe, once};
use crate::{observe, wire::dtls};

/// The first hello; the cookie that is asked for is not sent back.
pub static PROBE: Probe = Probe {
    name: "dtls",
    asks: "says hello without a cookie; most servers ask for one and keep nothing, others tell version, cipher and certificate",
    protocol: &observe::dtls::PROTOCOL,
    transport: observe::Transport::Udp,
    ports: &[443, 3391, 4433, 8443, 10443],
    intrusion: Intrusion::Ordinary,
    source: "RFC 6347, 4.2.1",
    inside_tls: false,
    anywhere: false,
    next: |ask, heard| once(heard, || dtls::ask(&ask.bytes("dtls"))),
};

#[cfg(test)]
mod tests {
    use super::{super::rehearsal::*, *};
    use crate::observe::{Confidence, Side};

    #[test]
    fn a_server_asks_for_a_cookie() {
        let finding = one_question(&PROBE, &ask("192.0.2.1:443"), &reply("dtls/verify_request"));
        assert_eq!((finding.side, finding.confidence), (Side::Server, Confidence::Certain));
        assert_eq!(finding.facts.get("dtls.verifies"), Some("true"));
    }

    #[test]
    fn a_server_that_asks_for_none_tells_its_hello() {
        let finding = one_question(&PROBE, &ask("192.0.2.1:443"), &reply("dtls/ocserv_server"));
        assert_eq!(finding.side, Side::Server);
        assert!(finding.facts.get("dtls.version").is_some());
    }
}
