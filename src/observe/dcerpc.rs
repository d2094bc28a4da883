//! What DCE/RPC tells: the interfaces a client wants, and in answer to ServerAlive2 a host's name and every
//! address it has, on whichever network.

use super::{Carrier, Facts, Finding, Protocol, Rest, Said, Side};
use crate::wire::{
    Result,
    dcerpc::{Alive, Body, Fragment},
};

/// The endpoint mapper (TCP).
const PORTS: &[u16] = &[135];

/// DCE/RPC over TCP, on any port: its header names it.
pub static PROTOCOL: Protocol = Protocol { name: "dcerpc", carriers: &[Carrier::Tcp(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let fragment = Fragment::parse(said.bytes)?;
    let mut facts = Facts::default();
    let method = match fragment.authentication {
        Some(9) => Some("negotiate"),
        Some(10) => Some("ntlm"),
        Some(14) => Some("schannel"),
        Some(16) => Some("kerberos"),
        _ => None,
    };
    if let Some(method) = method {
        facts.add("dcerpc.authentication", method);
    }
    let next = Rest::Same(fragment.length);
    let (side, rest) = match &fragment.body {
        Body::Bind(interfaces) => {
            for interface in interfaces {
                facts.add("dcerpc.interface", interface);
            }
            (Side::Client, next)
        }
        Body::BindAcknowledge { address } => {
            facts.add_text("dcerpc.endpoint", address);
            (Side::Server, next)
        }
        Body::Request { operation } => {
            facts.add("dcerpc.operation", operation);
            (Side::Client, Rest::Done)
        }
        Body::Response { stub } => {
            if let Ok(alive) = Alive::parse(stub) {
                told(&alive, &mut facts);
            }
            (Side::Server, Rest::Done)
        }
        Body::Other(_) => (said.side(PORTS), next),
    };
    Ok(Finding::certain(side, facts).then(rest))
}

fn told(alive: &Alive, facts: &mut Facts) {
    facts.add("dcerpc.dcom", format_args!("{}.{}", alive.version.0, alive.version.1));
    for binding in &alive.bindings {
        // A port may stand behind the address, in brackets.
        let end = binding.find('[').filter(|at| *at > 0).unwrap_or(binding.len());
        let binding = binding.get(..end).unwrap_or_default();
        let bare = binding.split('%').next().unwrap_or_default();
        let address = bare.parse::<std::net::IpAddr>().is_ok();
        let field = if address { "dcerpc.address" } else { "dcerpc.host" };
        if facts.all(field).all(|before| before != binding) {
            facts.add_text(field, binding.as_bytes());
        }
    }
}
