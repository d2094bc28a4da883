//! What shows `AnyDesk` inside TLS.

use super::{Carrier, Facts, Finding, Protocol, Said, Side};
use crate::wire::{Result, anydesk::Sign};

/// Where relays and waiting clients usually listen (TCP). At home on the ports of the web too, so that it
/// is asked there before TLS is.
const PORTS: &[u16] = &[7070, 6568, 443, 80];

/// `AnyDesk`. Stands before TLS, of which it is a special case.
pub static PROTOCOL: Protocol =
    Protocol { name: "anydesk", carriers: &[Carrier::Tcp(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    Ok(match Sign::parse(said.bytes)? {
        Sign::Asked(name) => {
            let facts = Facts::default().with_text("anydesk.relay", name);
            Finding::certain(Side::Client, facts)
        }
        Sign::Certificate { name, server } => {
            let facts = Facts::default().with("anydesk.certificate", name);
            Finding::certain(if server { Side::Server } else { Side::Client }, facts)
        }
    })
}
