//! What Teredo tells: an IPv6 road through the address translator, and the outside address it uses.

use super::{Carrier, Facts, Finding, Protocol, Said, Side};
use crate::wire::{
    Result,
    teredo::{Teredo, holder},
};

/// Where servers listen (UDP); clients use any port.
const PORTS: &[u16] = &[3544];

/// Teredo, on any port if the packet inside is whole and its addresses are Teredo's.
pub static PROTOCOL: Protocol = Protocol { name: "teredo", carriers: &[Carrier::Udp(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let teredo = Teredo::parse(said.bytes)?;
    let from_server = teredo.origin.is_some() || said.from == 3544;
    let mut facts = Facts::default();
    if let Some(origin) = teredo.origin {
        facts.add("teredo.origin", origin);
    }
    // Only the speaker's own address: whom it talks to would make a fact of every partner.
    if let Some(holder) = holder(teredo.source) {
        facts.add("teredo.server", holder.server);
        facts.add("teredo.outside", holder.outside);
    }
    let side = match (from_server, said.to == 3544) {
        (true, _) => Side::Server,
        (false, true) => Side::Client,
        _ => Side::Peer,
    };
    let solicitation = teredo.authenticated || teredo.origin.is_some();
    let ours = holder(teredo.source).or(holder(teredo.destination)).is_some();
    Ok(match (said.on(PORTS), solicitation || ours) {
        (true, _) => Finding::certain(side, facts),
        (false, true) => Finding::firm(side, facts),
        (false, false) => Finding::weak(side, facts),
    })
}
