//! What RIP tells: routers, what they reach, and who claims a way out.

use super::{Carrier, Facts, Finding, Protocol, Said, Side};
use crate::wire::{
    Result,
    rip::{self, REQUEST},
};

/// Where `RIPng` is spoken (UDP).
const SIX: &[u16] = &[521];

/// RIP, versions 1 and 2, and `RIPng`, only on their ports: the shape alone proves little.
pub static PROTOCOL: Protocol =
    Protocol { name: "rip", carriers: &[Carrier::UdpOnly(&[520, 521])], read };

/// From here on a network is out of reach.
const FAR: u32 = 16;

fn read(said: &Said<'_>) -> Result<Finding> {
    let mut facts = Facts::default();
    let command = if said.on(SIX) {
        let rip = rip::parse_six(said.bytes)?;
        facts.add("rip.version", "ng");
        for route in rip.routes.iter().filter(|route| u32::from(route.metric) < FAR) {
            if rip.command != REQUEST {
                facts.add("rip.route", format!("{}/{}", route.network, route.length));
            }
        }
        rip.command
    } else {
        let rip = rip::parse(said.bytes)?;
        facts.add("rip.version", rip.version);
        if let Some(kind) = rip.authentication {
            facts.add("rip.authentication", if kind == 2 { "text" } else { "digest" });
        }
        for route in rip.routes.iter().filter(|route| route.metric < FAR) {
            if rip.command != REQUEST {
                let length = route.mask.map(|mask| mask.to_bits().leading_ones());
                let length = length.or(route.network.is_unspecified().then_some(0));
                let length = length.map(|length| format!("/{length}")).unwrap_or_default();
                facts.add("rip.route", format!("{}{length}", route.network));
            }
        }
        rip.command
    };
    facts.add("rip.type", if command == REQUEST { "request" } else { "response" });
    let side = if command == REQUEST { Side::Client } else { Side::Server };
    Ok(Finding::firm(side, facts))
}
