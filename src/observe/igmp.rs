//! What IGMP tells: who asks, which is a router or a switch, and who listens to groups at all.

use super::{Carrier, Facts, Finding, Protocol, Said, Side};
use crate::wire::{
    Result,
    igmp::{Igmp, QUERY},
};

/// IGMP.
pub static PROTOCOL: Protocol = Protocol { name: "igmp", carriers: &[Carrier::Ip(2)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let igmp = Igmp::parse(said.bytes)?;
    let (kind, side) = match igmp.kind {
        QUERY if igmp.group.is_unspecified() => ("general_query".to_owned(), Side::Client),
        QUERY => ("group_query".to_owned(), Side::Client),
        0x12 | 0x16 | 0x22 => ("report".to_owned(), Side::Server),
        0x17 => ("leave".to_owned(), Side::Peer),
        other => (format!("0x{other:02x}"), Side::Peer),
    };
    let mut facts = Facts::default().with("igmp.type", kind);
    if igmp.version > 0 {
        facts.add("igmp.version", igmp.version);
    }
    Ok(Finding::certain(side, facts))
}
