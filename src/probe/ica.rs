//! Asks the browser of an ICA farm for its servers.

use super::{Intrusion, Probe, once};
use crate::{observe, wire::ica};

/// The search for farms, sent to one host.
pub static PROBE: Probe = Probe {
    name: "ica_browser",
    asks: "asks an old farm which servers it has",
    protocol: &observe::ica::PROTOCOL,
    transport: observe::Transport::Udp,
    ports: &[1604],
    intrusion: Intrusion::Ordinary,
    source: "public service probes, as its own client searches",
    inside_tls: false,
    anywhere: false,
    next: |_, heard| once(heard, ica::ask_browser),
};

#[cfg(test)]
mod tests {
    use super::{super::rehearsal::*, *};
    use crate::observe::{Confidence, Side};

    #[test]
    fn a_farm_answers() {
        let ask = ask("192.0.2.1:1604");
        assert_eq!(question(&PROBE, &ask).len(), 30);
        let finding = one_question(&PROBE, &ask, &reply("ica/browser-answer"));
        assert_eq!((finding.side, finding.confidence), (Side::Server, Confidence::Firm));
    }
}
