//! Asks a DICOM node that the facility names what software it is.

use super::{Ask, Heard, Intrusion, Probe, Step, listen, settled};
use crate::{
    observe,
    wire::dicom::{self, Message},
};

/// Opens an association for verification, reads whose software grants or refuses it, releases it. No verification and no
/// image is asked for.
pub static PROBE: Probe = Probe {
    name: "dicom",
    asks: "opens an association and releases it, which tells the software of a node",
    protocol: &observe::dicom::PROTOCOL,
    transport: observe::Transport::Tcp,
    ports: &[104, 11112, 2761, 4242],
    intrusion: Intrusion::OnRequest,
    source: "PS3.8, 9.3",
    inside_tls: false,
    anywhere: false,
    next,
};

fn next(_: &Ask<'_>, heard: &Heard<'_>) -> Step {
    match heard.turn {
        0 => Step::Say(dicom::ask("ANY-SCP", "SEKISHO")),
        1 => match Message::parse(heard.bytes) {
            Ok(Message::Accept(_)) => Step::Say(dicom::release()),
            reply => listen(heard, |_| settled(&reply)),
        },
        _ => listen(heard, |bytes| {
            let opening = dicom::length(bytes).unwrap_or_default();
            settled(&dicom::releases(bytes.get(opening..).unwrap_or_default()))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::{play::rehearse, rehearsal::reply};
    use hex_literal::hex;

    #[test]
    fn what_is_granted_is_released() {
        let released = hex!("06000000000400000000");
        let played = rehearse(&PROBE, &[b"", &reply("dicom/accept"), &released]);
        assert_eq!(played.said, [dicom::ask("ANY-SCP", "SEKISHO"), dicom::release()]);
        assert!(!played.waited);
        let facts = played.understood(&PROBE).facts;
        assert_eq!(facts.get("dicom.implementation_version"), Some("OFFIS_DCMTK_367"));
    }

    #[test]
    fn a_refusal_needs_no_release() {
        let played = rehearse(&PROBE, &[b"", &reply("dicom/reject")]);
        assert_eq!(played.said.len(), 1);
        let finding = played.understood(&PROBE);
        assert_eq!(finding.facts.get("dicom.reject"), Some("1.1.7"));
        assert_eq!(finding.confidence, observe::Confidence::Certain);
    }
}
