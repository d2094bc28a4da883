//! What pcAnywhere's greeting and its answers to searches tell.

use super::{Carrier, Facts, Finding, Protocol, Said, Side, Transport};
use crate::wire::{
    Result,
    pcanywhere::{self, Datagram},
};

/// Where hosts listen (TCP).
const HOST: &[u16] = &[5631];

/// Where hosts answer searches (UDP).
const SEARCH: &[u16] = &[5632];

/// pcAnywhere. Datagrams are so short that only those on the usual port count.
pub static PROTOCOL: Protocol = Protocol {
    name: "pcanywhere",
    carriers: &[Carrier::Tcp(HOST), Carrier::UdpOnly(SEARCH)],
    read,
};

fn read(said: &Said<'_>) -> Result<Finding> {
    let mut facts = Facts::default();
    if said.transport == Transport::Tcp {
        pcanywhere::greeting(said.bytes)?;
        return Ok(Finding::certain(Side::Server, facts));
    }
    Ok(match Datagram::parse(said.bytes)? {
        Datagram::Ask => Finding::weak(Side::Client, facts),
        Datagram::Name(name) => {
            facts.add_text("pcanywhere.host", name);
            Finding::firm(Side::Server, facts)
        }
        Datagram::Status => Finding::weak(Side::Server, facts),
    })
}
