//! What GTP-U tells: that a mobile network's inside is on this wire.

use super::{Carrier, Facts, Finding, Protocol, Said, Side};
use crate::wire::{Result, gtp, require};

/// GTP-U on its port, if what it carries is a packet.
pub static PROTOCOL: Protocol =
    Protocol { name: "gtp", carriers: &[Carrier::UdpOnly(&[gtp::PORT])], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let message = gtp::Gtp::parse(said.bytes)?;
    require("packet", message.inner().is_plausible())?;
    Ok(Finding::firm(Side::Peer, Facts::default().with("gtp.carries", message.inner().word())))
}
