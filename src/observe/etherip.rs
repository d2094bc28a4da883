//! What `EtherIP` tells: a layer-2 network reaches across this path.

use super::{Carrier, Facts, Finding, Protocol, Said, Side};
use crate::wire::{Result, etherip::EtherIp};

/// `EtherIP`.
pub static PROTOCOL: Protocol = Protocol { name: "etherip", carriers: &[Carrier::Ip(97)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let message = EtherIp::parse(said.bytes)?;
    let facts = Facts::default().with("etherip.payload", message.inner().word());
    Ok(Finding::certain(Side::Peer, facts))
}
