//! What IS-IS tells: routers, their names and addresses, and who claims a way out.

use super::{Carrier, Facts, Finding, Protocol, Said, Side};
use crate::wire::{Result, isis::Isis};

/// IS-IS.
pub static PROTOCOL: Protocol = Protocol { name: "isis", carriers: &[Carrier::Llc(0xfe)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let isis = Isis::parse(said.bytes)?;
    let [a, b, c, d, e, f] = isis.system;
    let mut facts = Facts::default();
    facts.add(
        "isis.type",
        match isis.kind {
            15..=17 => "hello",
            18 | 20 => "state",
            _ => "list",
        },
    );
    facts.add("isis.system", format!("{a:02x}{b:02x}.{c:02x}{d:02x}.{e:02x}{f:02x}"));
    if let Some(priority) = isis.priority {
        facts.add("isis.priority", priority);
    }
    for area in isis.areas {
        facts.add_hex("isis.area", area);
    }
    for address in isis.addresses {
        facts.add("isis.address", address);
    }
    for address in isis.addresses6 {
        facts.add("isis.address", address);
    }
    facts.add_text("isis.name", isis.name.unwrap_or_default());
    if isis.default {
        facts.add("isis.default", true);
    }
    Ok(Finding::certain(Side::Peer, facts))
}
