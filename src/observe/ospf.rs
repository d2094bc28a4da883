//! What OSPF tells: routers, their links, and who claims a way out.

use super::{Carrier, Facts, Finding, Protocol, Said, Side};
use crate::wire::{
    Result,
    ospf::{Body, External, Ospf, State},
};

/// OSPF, versions 2 and 3.
pub static PROTOCOL: Protocol = Protocol { name: "ospf", carriers: &[Carrier::Ip(89)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let ospf = Ospf::parse(said.bytes)?;
    let mut facts = Facts::default().with("ospf.version", ospf.version);
    facts.add(
        "ospf.type",
        match ospf.kind {
            1 => "hello",
            2 => "description",
            3 => "request",
            4 => "update",
            _ => "acknowledgment",
        },
    );
    facts.add("ospf.router", ospf.router);
    facts.add("ospf.area", ospf.area);
    if let Some(kind) = ospf.authentication {
        facts.add(
            "ospf.authentication",
            match kind {
                0 => "none".to_owned(),
                1 => "text".to_owned(),
                2 => "digest".to_owned(),
                other => other.to_string(),
            },
        );
    }
    match ospf.body {
        Body::Hello(hello) => {
            if let Some(mask) = hello.mask {
                facts.add("ospf.mask", mask);
            }
            facts.add("ospf.interval", hello.interval);
            facts.add("ospf.priority", hello.priority);
            facts.add("ospf.designated", hello.designated);
            facts.add("ospf.backup", hello.backup);
            for neighbor in hello.neighbors {
                facts.add("ospf.neighbor", neighbor);
            }
        }
        Body::Description { mtu, states } => {
            facts.add("ospf.mtu", mtu);
            tell(&mut facts, &states);
        }
        Body::States(states) => tell(&mut facts, &states),
        Body::Other => {}
    }
    Ok(Finding::certain(Side::Peer, facts))
}

/// Adds the kinds of states, and whose they are where they lead out.
fn tell(facts: &mut Facts, states: &[State]) {
    let mut add = |field, value: String| {
        if !facts.all(field).any(|told| told == value) {
            facts.add(field, value);
        }
    };
    for state in states.iter().filter(|state| state.is_default()) {
        add("ospf.default_from", state.router.to_string());
    }
    for state in states {
        let kind = match state.kind {
            1 | 0x2001 => "router".to_owned(),
            2 | 0x2002 => "network".to_owned(),
            3 | 0x2003 => "summary".to_owned(),
            4 | 0x2004 => "boundary".to_owned(),
            5 | 0x4005 => "external".to_owned(),
            7 | 0x2007 => "stub_external".to_owned(),
            0x0008 => "link".to_owned(),
            0x2009 => "prefix".to_owned(),
            9..=11 => "opaque".to_owned(),
            other => format!("0x{other:x}"),
        };
        add("ospf.state", kind);
        match state.external {
            Some(External::Four(network, length)) => {
                add("ospf.external", format!("{network}/{length} from {}", state.router));
            }
            Some(External::Six(network, length)) => {
                add("ospf.external", format!("{network}/{length} from {}", state.router));
            }
            None => {}
        }
    }
}
