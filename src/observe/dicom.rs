//! What DICOM tells as an association opens: the devices' titles, their software, and what they want to do. No images.

use super::{Carrier, Facts, Finding, Protocol, Said, Side};
use crate::wire::{
    Error, Result,
    dicom::{Association, Message},
    require,
};

/// Where archives and devices usually listen (TCP).
const PORTS: &[u16] = &[104, 11112, 2761, 2762, 4242];

/// DICOM, on any port: its opening names it.
pub static PROTOCOL: Protocol = Protocol { name: "dicom", carriers: &[Carrier::Tcp(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let message = match Message::parse(said.bytes) {
        Err(Error::Truncated { .. }) if !said.open => Message::parse_cut(said.bytes)?,
        other => other?,
    };
    let mut facts = Facts::default();
    match message {
        Message::Request(association) => {
            facts.add("dicom.message", "request");
            told(&association, &mut facts);
            Ok(Finding::certain(Side::Client, facts))
        }
        Message::Accept(association) => {
            facts.add("dicom.message", "accept");
            told(&association, &mut facts);
            Ok(Finding::certain(Side::Server, facts))
        }
        Message::Reject { result, source, reason } => {
            // Ten bytes; the question before them proves what they are.
            let asked = matches!(Message::parse_cut(said.answering), Ok(Message::Request(_)));
            require("result", (1..=2).contains(&result) && (1..=3).contains(&source))?;
            require("question", asked || said.on(PORTS))?;
            facts.add("dicom.message", "reject");
            facts.add("dicom.reject", format_args!("{result}.{source}.{reason}"));
            Ok(if asked {
                Finding::certain(Side::Server, facts)
            } else {
                Finding::weak(Side::Server, facts)
            })
        }
    }
}

fn told(association: &Association<'_>, facts: &mut Facts) {
    facts.add_text("dicom.called", association.called);
    facts.add_text("dicom.calling", association.calling);
    facts.add_text("dicom.implementation", association.implementation);
    facts.add_text("dicom.implementation_version", association.version);
    for class in association.abstract_syntaxes.iter().take(32) {
        facts.add_text("dicom.class", class);
    }
}
