//! What `TeamViewer`'s messages tell: that it is there.

use super::{Carrier, Confidence, Facts, Finding, Protocol, Said, Transport};
use crate::wire::{Result, require, teamviewer::Header};

/// Where its routers usually listen (TCP and UDP).
const PORTS: &[u16] = &[5938];

/// `TeamViewer`. On other ports, such as 443 and 80, a message must end where it says or another begin.
pub static PROTOCOL: Protocol =
    Protocol { name: "teamviewer", carriers: &[Carrier::Tcp(PORTS), Carrier::Udp(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let side = said.side(PORTS);
    if said.transport == Transport::Udp {
        let header = Header::parse_datagram(said.bytes)?;
        let facts =
            Facts::default().with("teamviewer.command", format_args!("{:#04x}", header.command));
        return Ok(if said.on(PORTS) {
            Finding::certain(side, facts)
        } else {
            Finding::firm(side, facts)
        });
    }
    let header = Header::parse(said.bytes)?;
    let facts =
        Facts::default().with("teamviewer.command", format_args!("{:#04x}", header.command));
    let after = said.bytes.get(header.length..).unwrap_or_default();
    let chained = !after.is_empty() && Header::parse(after).is_ok();
    let answers = Header::parse(said.answering).is_ok();
    let confidence = if said.on(PORTS) || chained || answers {
        Confidence::Certain
    } else {
        require("length", said.open || header.length == said.bytes.len())?;
        Confidence::Firm
    };
    Ok(Finding { confidence, ..Finding::certain(side, facts) })
}
