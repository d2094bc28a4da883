//! AH: that authenticated packets pass, and what they carry.

use super::{Carrier, Facts, Finding, Protocol, Said};
use crate::wire::{Result, ah};

/// AH, by its IP protocol number.
pub static PROTOCOL: Protocol =
    Protocol { name: "ah", carriers: &[Carrier::Ip(ah::IP_PROTOCOL)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let header = ah::Header::parse(said.bytes)?;
    let next = match header.next {
        1 => "icmp".to_owned(),
        2 => "igmp".to_owned(),
        4 => "ipv4".to_owned(),
        6 => "tcp".to_owned(),
        17 => "udp".to_owned(),
        41 => "ipv6".to_owned(),
        47 => "gre".to_owned(),
        50 => "esp".to_owned(),
        58 => "icmpv6".to_owned(),
        88 => "eigrp".to_owned(),
        89 => "ospf".to_owned(),
        103 => "pim".to_owned(),
        112 => "vrrp".to_owned(),
        other => other.to_string(),
    };
    let facts =
        Facts::default().with("ah.carries", next).with("ah.integrity_bytes", header.integrity);
    Ok(Finding::certain(said.side(&[]), facts))
}
