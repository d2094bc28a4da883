//! What the marks of Citrix ICA tell.

use super::{Carrier, Facts, Finding, Protocol, Said, Side};
use crate::observe::Transport;
use crate::wire::{
    Result,
    ica::{self, Start},
};

/// Where sessions and session reliability usually listen (TCP).
const PORTS: &[u16] = &[1494, 2598];

/// Where the browser usually listens (UDP).
const BROWSER: &[u16] = &[1604];

/// Citrix ICA, on any port: each of its streams begins with a mark.
pub static PROTOCOL: Protocol =
    Protocol { name: "ica", carriers: &[Carrier::Tcp(PORTS), Carrier::Udp(BROWSER)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let facts = Facts::default();
    if said.transport == Transport::Udp {
        let kind = ica::browser(said.bytes)?;
        let side = if kind == 1 { Side::Client } else { Side::Server };
        return Ok(Finding::firm(side, facts.with("ica.service", "browser")));
    }
    let side = said.side(PORTS);
    Ok(match Start::parse(said.bytes)? {
        Start::Session => Finding::certain(side, facts.with("ica.service", "session")),
        Start::Reliable(version) => {
            let facts = facts.with("ica.service", "session_reliability");
            Finding::certain(side, facts.with_text("ica.cgp_version", version))
        }
    })
}
