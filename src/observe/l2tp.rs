//! What L2TP's control messages tell: names, vendors, firmware, and why a tunnel ends.

use super::{Carrier, Facts, Finding, Protocol, Said, Side};
use crate::wire::{
    Error, Result,
    l2tp::{Control, Data, attribute},
    require,
};

/// Where gateways listen (UDP).
pub(super) const PORTS: &[u16] = &[1701];

/// L2TP version 2, on any port where it begins or ends a tunnel; data on its own port.
pub static PROTOCOL: Protocol = Protocol { name: "l2tp", carriers: &[Carrier::Udp(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let home = said.on(PORTS);
    match Control::parse(said.bytes) {
        Ok(control) => {
            require("version", control.version == 2)?;
            require("message", home || control.is_well_formed())?;
            let side = side(said, control.kind());
            let facts = facts(&control, &NAMES);
            Ok(match control.kind() {
                Some(_) if control.is_well_formed() => Finding::certain(side, facts),
                Some(_) => Finding::firm(side, facts),
                None if home && control.is_well_formed() => Finding::firm(side, facts),
                None => Finding::weak(side, facts),
            })
        }
        Err(error) if home => {
            let Ok(data) = Data::parse(said.bytes) else { return malformed(said, error) };
            let facts = Facts::default().with("l2tp.message", "data");
            let side = said.side(PORTS);
            let proved = data.is_ppp() || data.sized;
            Ok(if proved { Finding::firm(side, facts) } else { Finding::weak(side, facts) })
        }
        Err(error) => Err(error),
    }
}

/// A control message whose reserved bits are set is not one to obey, but is one to report.
fn malformed(said: &Said<'_>, error: Error) -> Result<Finding> {
    match said.bytes {
        [flags, version, ..] if flags & 0xc0 == 0xc0 && version & 0x0f == 2 => {
            let facts = Facts::default().with("l2tp.message", "malformed");
            Ok(Finding::weak(said.side(PORTS), facts))
        }
        _ => Err(error),
    }
}

/// Who sends a message: some types belong to the side that began.
pub(super) fn side(said: &Said<'_>, kind: Option<u16>) -> Side {
    match kind {
        Some(1 | 3) => Side::Client,
        Some(2) => Side::Server,
        _ => said.side(PORTS),
    }
}

/// The names of the facts that both versions tell.
pub(super) struct Names {
    pub(super) message: &'static str,
    pub(super) host_name: &'static str,
    pub(super) vendor_name: &'static str,
    pub(super) firmware: &'static str,
    pub(super) result: &'static str,
    pub(super) error: &'static str,
    pub(super) authentication: &'static str,
    pub(super) vendor: &'static str,
}

const NAMES: Names = Names {
    message: "l2tp.message",
    host_name: "l2tp.host_name",
    vendor_name: "l2tp.vendor_name",
    firmware: "l2tp.firmware",
    result: "l2tp.result",
    error: "l2tp.error",
    authentication: "l2tp.authentication",
    vendor: "l2tp.vendor_number",
};

/// What the attributes tell that stays the same from tunnel to tunnel.
pub(super) fn facts(control: &Control<'_>, names: &Names) -> Facts {
    let mut facts = Facts::default().with(names.message, message(control.kind()));
    for attribute in control.attributes().filter(|attribute| !attribute.hidden) {
        let value = attribute.value;
        if attribute.vendor != 0 {
            let vendor = attribute.vendor.to_string();
            if facts.all(names.vendor).all(|known| known != vendor) {
                facts.add(names.vendor, vendor);
            }
            continue;
        }
        match attribute.kind {
            attribute::HOST_NAME => facts.add_text(names.host_name, value),
            attribute::VENDOR_NAME => facts.add_text(names.vendor_name, value),
            attribute::FIRMWARE => facts.add_hex(names.firmware, value),
            attribute::CHALLENGE => facts.add(names.authentication, "challenge"),
            attribute::RESULT => {
                if let Some(code) = value.first_chunk() {
                    facts.add(names.result, u16::from_be_bytes(*code));
                }
                facts.add_text(names.error, value.get(4..).unwrap_or_default());
            }
            _ => {}
        }
    }
    facts
}

fn message(kind: Option<u16>) -> String {
    let name = match kind {
        None => "ack",
        Some(1) => "sccrq",
        Some(2) => "sccrp",
        Some(3) => "scccn",
        Some(4) => "stopccn",
        Some(6) => "hello",
        Some(7) => "ocrq",
        Some(8) => "ocrp",
        Some(9) => "occn",
        Some(10) => "icrq",
        Some(11) => "icrp",
        Some(12) => "iccn",
        Some(14) => "cdn",
        Some(15) => "wen",
        Some(16) => "sli",
        Some(20) => "explicit_ack",
        Some(other) => return other.to_string(),
    };
    name.to_owned()
}
