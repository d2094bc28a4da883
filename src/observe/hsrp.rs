//! What HSRP tells: a pair of Cisco routers, the address they share, and who leads.

use super::{Carrier, Facts, Finding, Mac, Protocol, Said, Side};
use crate::wire::{
    Result,
    hsrp::{Authentication, Hsrp},
};

/// HSRP, versions 1 and 2, for both families.
pub static PROTOCOL: Protocol =
    Protocol { name: "hsrp", carriers: &[Carrier::UdpOnly(&[1985, 2029])], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let hsrp = Hsrp::parse(said.bytes)?;
    let mut facts = Facts::default().with("hsrp.version", hsrp.version);
    facts.add(
        "hsrp.operation",
        match hsrp.operation {
            0 => "hello",
            1 => "coup",
            _ => "resign",
        },
    );
    facts.add(
        "hsrp.state",
        match hsrp.state {
            6 => "active",
            5 => "standby",
            4 => "speak",
            3 => "listen",
            2 => "learn",
            1 => "initial",
            _ => "disabled",
        },
    );
    facts.add("hsrp.group", hsrp.group);
    facts.add("hsrp.priority", hsrp.priority);
    if !hsrp.address.is_unspecified() {
        facts.add("hsrp.address", hsrp.address);
    }
    if let Some(identifier) = hsrp.identifier {
        facts.add("hsrp.mac", Mac(identifier));
    }
    facts.add(
        "hsrp.authentication",
        match hsrp.authentication {
            Authentication::None => "none",
            Authentication::Default => "default",
            Authentication::Text => "text",
            Authentication::Md5 => "md5",
        },
    );
    Ok(Finding::firm(Side::Peer, facts))
}
