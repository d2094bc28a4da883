//! Asks the browser of an ICA farm for its servers, and reads the mark with which sessions begin.

use super::{Intrusion, Probe, listen, once, settled};
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

/// Connects, reads the mark, ends. A session reliability that waits for us stays silent.
pub static SESSION: Probe = Probe {
    name: "ica",
    asks: "reads the mark with which a session begins",
    protocol: &observe::ica::PROTOCOL,
    transport: observe::Transport::Tcp,
    ports: &[1494, 2598],
    intrusion: Intrusion::Listens,
    source: "public service probes",
    inside_tls: false,
    anywhere: false,
    next: |_, heard| listen(heard, |bytes| settled(&ica::Start::parse(bytes))),
};

#[cfg(test)]
mod tests {
    use super::{super::rehearsal::*, *};
    use crate::observe::{Confidence, Side};
    use crate::probe::play::rehearse;

    #[test]
    fn a_farm_answers() {
        let ask = ask("192.0.2.1:1604");
        assert_eq!(question(&PROBE, &ask).len(), 30);
        let finding = one_question(&PROBE, &ask, &reply("ica/browser-answer"));
        assert_eq!((finding.side, finding.confidence), (Side::Server, Confidence::Firm));
    }

    #[test]
    fn a_mark_is_enough() {
        let played = rehearse(&SESSION, &[&reply("ica/session")]);
        assert!(played.said.is_empty() && !played.waited);
        assert_eq!(played.understood(&SESSION).facts.get("ica.service"), Some("session"));
    }
}
