//! What Modbus tells: controllers, who asks them for what, and what they are. No values.

use super::{Carrier, Facts, Finding, Protocol, Rest, Said};
use crate::wire::{Result, modbus::Message};

/// Where controllers listen (TCP).
const PORTS: &[u16] = &[502];

/// Modbus over TCP, on its own port: its form is shared by too many.
pub static PROTOCOL: Protocol =
    Protocol { name: "modbus", carriers: &[Carrier::TcpOnly(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let message = Message::parse(said.bytes)?;
    let mut facts = Facts::default().with("modbus.unit", message.unit);
    let function = match message.function {
        1 => "read-coils",
        2 => "read-inputs",
        3 => "read-registers",
        4 => "read-input-registers",
        5 | 15 => "write-coils",
        6 | 16 | 22 => "write-registers",
        17 => "report-identity",
        23 => "read-and-write-registers",
        43 => "encapsulated",
        other => &other.to_string(),
    };
    facts.add("modbus.function", function);
    for (number, text) in &message.identity {
        let field = match number {
            0 => "modbus.vendor",
            1 => "modbus.product",
            2 => "modbus.revision",
            3 => "modbus.vendor_url",
            4 => "modbus.product_name",
            5 => "modbus.model",
            6 => "modbus.application",
            _ => continue,
        };
        facts.add_text(field, text);
    }
    let side = said.side(PORTS);
    let finding =
        if message.exact { Finding::firm(side, facts) } else { Finding::weak(side, facts) };
    Ok(finding.then(Rest::Same(message.length)))
}
