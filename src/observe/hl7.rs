//! What an HL7 header tells: which programs of a hospital speak with which. Nothing of patients.

use super::{Carrier, Facts, Finding, Protocol, Said};
use crate::wire::{Error, Result, hl7::Header};

/// Where interface engines usually listen (TCP).
const PORTS: &[u16] = &[2575];

/// HL7 version 2, on any port: its start byte and header name it.
pub static PROTOCOL: Protocol = Protocol { name: "hl7", carriers: &[Carrier::Tcp(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let header = match Header::parse(said.bytes) {
        Err(Error::Truncated { .. }) if !said.open => Header::parse_cut(said.bytes)?,
        other => other?,
    };
    let mut facts = Facts::default();
    facts.add_text("hl7.sending_application", header.sending_application);
    facts.add_text("hl7.sending_facility", header.sending_facility);
    facts.add_text("hl7.receiving_application", header.receiving_application);
    facts.add_text("hl7.receiving_facility", header.receiving_facility);
    facts.add_text("hl7.type", header.kind);
    facts.add_text("hl7.version", header.version);
    Ok(Finding::certain(said.side(PORTS), facts))
}
