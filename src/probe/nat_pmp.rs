//! Asks a gateway for its outside address, and whether it speaks the protocol's successor.

use super::{Intrusion, Probe, once};
use crate::{observe, wire::nat_pmp};

/// Asks for the outside address; a refusal counts too, for only gateways refuse.
pub static PROBE: Probe = Probe {
    name: "nat_pmp",
    asks: "asks a gateway for its outside address and how long it has been up",
    protocol: &observe::nat_pmp::PROTOCOL,
    transport: observe::Transport::Udp,
    ports: &[5351],
    intrusion: Intrusion::Ordinary,
    source: "RFC 6886, 3.2",
    inside_tls: false,
    anywhere: false,
    next: |_, heard| once(heard, nat_pmp::ask_outside),
};

/// Asks for no way in: that would be a change.
pub static SUCCESSOR: Probe = Probe {
    name: "pcp",
    asks: "announces us to a gateway, which changes nothing and makes it answer",
    protocol: &observe::nat_pmp::PROTOCOL,
    transport: observe::Transport::Udp,
    ports: &[5351],
    intrusion: Intrusion::Ordinary,
    source: "RFC 6887, 14.1",
    inside_tls: false,
    anywhere: false,
    next: |ask, heard| once(heard, || nat_pmp::announce(ask.from.ip())),
};

#[cfg(test)]
mod tests {
    use super::{super::rehearsal::*, *};
    use crate::observe::{Confidence, Side};

    #[test]
    fn a_gateway_tells_its_outside_address() {
        let ask = ask("192.0.2.1:5351");
        let finding = one_question(&PROBE, &ask, &reply("nat_pmp/outside"));
        assert_eq!((finding.side, finding.confidence), (Side::Server, Confidence::Firm));
        assert!(finding.facts.get("nat_pmp.outside").is_some());
    }

    #[test]
    fn an_announcement_names_our_own_address_and_is_answered() {
        let ask = ask("192.0.2.1:5351");
        let wanted = bytes("020000000000000000000000000000000000ffffc000020a");
        assert_eq!(question(&SUCCESSOR, &ask), wanted);
        // As RFC 6887, 7.2 writes it: success, an epoch of an hour.
        let answer = bytes("0280 0000 00000000 00000e10 000000000000000000000000");
        let finding = one_question(&SUCCESSOR, &ask, &answer);
        assert_eq!(finding.side, Side::Server);
        assert_eq!(finding.facts.get("nat_pmp.opcode"), Some("announce"));
    }
}
