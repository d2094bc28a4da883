//! Who routes IPv6 on this wire: one solicitation (RFC 4861, 6.3.7), which routers answer with what they route, their
//! resolvers, and for how long they are a way out.

use std::time::Duration;

use super::{Question, Wire};
use crate::{
    sweep::{Way, packet},
    wire::{
        ethernet::{self, Frame, Kind},
        icmpv6, ipv6,
        ndp::{Message, Ndp, ask_routers},
    },
};

/// All routers of a link, and the hardware address of that group (RFC 2464, 7).
const ROUTERS: std::net::Ipv6Addr = std::net::Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);
const ROUTERS_MAC: [u8; 6] = [0x33, 0x33, 0, 0, 0, 2];

/// The hop limit that shows that no router handed a message on.
const FROM_HERE: u8 = 255;

/// The solicitation.
pub(super) static QUESTION: Question = Question {
    name: "router_solicitation",
    asks: "asks the routers of IPv6 on a wire for what they route",
    source: "RFC 4861, 4.1 and 6.3.7",
    // A router may wait half a second, and three seconds since it last told everybody (RFC 4861, 6.2.6).
    patience: Duration::from_secs(4),
    skips: |wire| wire.link_local.is_none().then_some("no_address"),
    ask: |wire, _| solicitation(wire).into_iter().collect(),
    is_answer: |_, _, frame| is_advertisement(frame),
};

fn solicitation(wire: &Wire) -> Option<Vec<u8>> {
    let own = wire.link_local?;
    let next_mac = crate::observe::Mac(ROUTERS_MAC);
    let way = Way { our_mac: wire.mac, our_address: own.into(), next_mac };
    let to = ROUTERS.into();
    packet::frame(&way, to, icmpv6::NUMBER, Some(FROM_HERE), 0, |_| {
        ask_routers(own, ROUTERS, wire.mac.0)
    })
}

fn is_advertisement(frame: &Frame<'_>) -> bool {
    if frame.kind != Kind::Type(ethernet::IPV6) {
        return false;
    }
    let Ok(packet) = ipv6::Packet::parse(frame.payload) else { return false };
    let near = packet.protocol == icmpv6::NUMBER && packet.hop_limit == FROM_HERE;
    let message = Ndp::parse(packet.payload).map(|ndp| ndp.message);
    near && matches!(message, Ok(Message::RouterAdvertisement { .. }))
}
