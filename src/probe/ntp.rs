//! Asks a time server for the time.

use super::{Intrusion, Probe, once};
use crate::{observe, wire::ntp};

/// A client's question, which tells nothing of our clock.
pub static PROBE: Probe = Probe {
    name: "ntp",
    asks: "asks for the time; the answer names the clock or the server above, which may be one outside",
    protocol: &observe::ntp::PROTOCOL,
    transport: observe::Transport::Udp,
    ports: &[123],
    intrusion: Intrusion::Ordinary,
    source: "RFC 5905, 8; draft-ietf-ntp-data-minimization",
    inside_tls: false,
    anywhere: false,
    next: |ask, heard| once(heard, || ntp::ask_time(ask.bytes("ntp"))),
};

#[cfg(test)]
mod tests {
    use super::{super::rehearsal::*, *};
    use crate::observe::{Confidence, Side};

    #[test]
    fn a_server_that_repeats_what_we_sent_is_firm() {
        let ask = ask("192.0.2.1:123");
        let question = question(&PROBE, &ask);
        let mut answer = reply("ntp/answer");
        answer[24..32].copy_from_slice(&question[40..48]);
        let finding = one_question(&PROBE, &ask, &answer);
        assert_eq!((finding.side, finding.confidence), (Side::Server, Confidence::Firm));
    }
}
