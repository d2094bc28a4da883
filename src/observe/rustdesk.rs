//! What `RustDesk`'s rendezvous messages tell.

use super::{Carrier, Confidence, Facts, Finding, Protocol, Said, Side, Transport};
use crate::wire::{
    Result,
    rustdesk::{Message, kind},
};

/// Where rendezvous and relay servers, and clients on their network, usually listen.
const PORTS: &[u16] = &[21115, 21116, 21117, 21118, 21119];

/// `RustDesk`. Off its ports only messages that name a peer count.
pub static PROTOCOL: Protocol =
    Protocol { name: "rustdesk", carriers: &[Carrier::Udp(PORTS), Carrier::Tcp(PORTS)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let datagram = said.transport == Transport::Udp;
    let parse = if datagram { Message::parse } else { Message::parse_framed };
    let message = parse(said.bytes)?;
    let mut facts = Facts::default().with("rustdesk.message", name(message.kind));
    let fields: &[(usize, &'static str)] = match message.kind {
        kind::REGISTER | kind::REGISTER_KEY => &[(1, "rustdesk.id")],
        kind::PUNCH => &[(1, "rustdesk.id"), (6, "rustdesk.version")],
        9 => &[(2, "rustdesk.relay")],
        10 => &[(2, "rustdesk.id"), (3, "rustdesk.relay"), (5, "rustdesk.version")],
        11 => &[(4, "rustdesk.relay")],
        kind::RELAY => &[(1, "rustdesk.id"), (4, "rustdesk.relay")],
        // The fourth is the user's name.
        kind::DISCOVERY => &[
            (1, "rustdesk.discovery"),
            (2, "rustdesk.mac"),
            (3, "rustdesk.id"),
            (5, "rustdesk.hostname"),
            (6, "rustdesk.platform"),
        ],
        _ => &[],
    };
    for (place, field) in fields {
        if let Some(text) = message.text(*place) {
            facts.add_text(field, text.as_bytes());
        }
    }
    let side = match message.kind {
        kind::REGISTERED | 9 | 11 | 12 | 14 | 16 | 17 | kind::TEST_NAT_RESPONSE | 24 => {
            Side::Server
        }
        kind::DISCOVERY => Side::Peer,
        _ => Side::Client,
    };
    let named = facts.get("rustdesk.id").is_some_and(is_identifier)
        || matches!(facts.get("rustdesk.discovery"), Some("ping" | "pong"));
    let answers = !said.answering.is_empty() && parse(said.answering).is_ok();
    let confidence = if named && said.on(PORTS) {
        Confidence::Certain
    } else if named || answers || message.exact && said.on(PORTS) {
        Confidence::Firm
    } else {
        Confidence::Weak
    };
    Ok(Finding { confidence, ..Finding::certain(side, facts) })
}

/// Peers are numbered with nine digits or more, or named by their owners.
fn is_identifier(id: &str) -> bool {
    (6..=16).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

fn name(kind: u32) -> String {
    match kind {
        kind::REGISTER => "register_peer",
        kind::REGISTERED => "register_peer_response",
        kind::PUNCH => "punch_hole_request",
        9 => "punch_hole",
        10 => "punch_hole_sent",
        11 => "punch_hole_response",
        12 => "fetch_local_address",
        13 => "local_address",
        14 => "configure_update",
        kind::REGISTER_KEY => "register_key",
        16 => "register_key_response",
        17 => "software_update",
        kind::RELAY => "request_relay",
        19 => "relay_response",
        kind::TEST_NAT => "test_nat_request",
        kind::TEST_NAT_RESPONSE => "test_nat_response",
        kind::DISCOVERY => "peer_discovery",
        23 => "online_request",
        24 => "online_response",
        25 => "key_exchange",
        _ => return kind.to_string(),
    }
    .to_owned()
}
