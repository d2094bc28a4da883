//! What IPv6 in IPv4 tells: a road around everything that only looks at IPv4.

use super::{Carrier, Facts, Finding, Protocol, Said, Side};
use crate::wire::{
    Result,
    six_in_four::{Kind, SixInFour},
};

/// 6in4, 6to4, ISATAP and 6rd.
pub static PROTOCOL: Protocol = Protocol { name: "6in4", carriers: &[Carrier::Ip(41)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let packet = SixInFour::parse(said.bytes)?;
    let kind = match packet.kind() {
        Kind::SixToFour => "6to4",
        Kind::Isatap => "isatap",
        Kind::Configured => "configured",
    };
    Ok(Finding::certain(Side::Peer, Facts::default().with("6in4.kind", kind)))
}
