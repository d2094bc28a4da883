//! Who gives addresses on this wire, and which routers and routes they name: a search for DHCP servers (RFC 2131,
//! 4.4.1). Each keeps an address for us for a moment and lets it go when nobody asks for it; a server that knows our
//! hardware address offers the address that we have. On small networks, where an address may be missed, it is not asked.

use std::{net::Ipv4Addr, ops::RangeInclusive, time::Duration};

use super::{Asking, Question, Wire};
use crate::wire::{
    dhcp::{self, CLIENT_PORT, MESSAGE, Message, OFFER, SERVER_PORT},
    ethernet::{self, Frame, Kind},
    ipv4,
    udp::{self, Datagram},
};

/// The ports that offers come to.
pub const PORTS: RangeInclusive<u16> = CLIENT_PORT..=CLIENT_PORT;

/// The prefix from which on a network is so small that an address kept for a moment may be missed.
const SMALL: u8 = 28;

/// How many routers may forward what is for everybody on the wire anyway.
const TIME_TO_LIVE: u8 = 64;

/// The search.
pub(super) static QUESTION: Question = Question {
    name: "dhcp_offer",
    asks: "looks for DHCP servers, which offer an address and tell routers, routes and proxies; none is taken",
    source: "RFC 2131, 4.4.1; RFC 2132; RFC 3442",
    // Many servers try by an echo first whether an address is free, for up to three seconds.
    patience: Duration::from_secs(5),
    skips,
    ask: |wire, asking| vec![search(wire, asking)],
    is_answer,
};

fn skips(wire: &Wire) -> Option<&'static str> {
    let small = wire.networks.iter().any(|network| network.prefix() >= SMALL);
    small.then_some("small_network")
}

fn search(wire: &Wire, asking: &Asking<'_>) -> Vec<u8> {
    let transaction = asking.mark("dhcp_offer", wire);
    let message = dhcp::discover(transaction, wire.mac.0, asking.seconds);
    let mut packet = ipv4::Packet {
        source: Ipv4Addr::UNSPECIFIED,
        destination: Ipv4Addr::BROADCAST,
        time_to_live: TIME_TO_LIVE,
        protocol: udp::NUMBER,
        identification: 0,
        dont_fragment: false,
        more_fragments: false,
        fragment_offset: 0,
        options: &[],
        payload: &[],
        missing: 0,
    };
    let datagram = Datagram { source: CLIENT_PORT, destination: SERVER_PORT, payload: &message };
    let datagram = datagram.emit(&packet.pseudo_header(message.len() + 8));
    packet.payload = &datagram;
    let (kind, payload) = (Kind::Type(ethernet::IPV4), &packet.emit());
    Frame { destination: [0xff; 6], source: wire.mac.0, vlan: None, kind, payload }.emit()
}

fn is_answer(wire: &Wire, asking: &Asking<'_>, frame: &Frame<'_>) -> bool {
    let offer = || {
        let packet = ipv4::Packet::parse(frame.payload).ok()?;
        let udp = packet.protocol == udp::NUMBER && !packet.is_fragment();
        let datagram = Datagram::parse(packet.payload).ok().filter(|_| udp)?;
        let ports = (datagram.source, datagram.destination) == (SERVER_PORT, CLIENT_PORT);
        let message = Message::parse(datagram.payload).ok().filter(|_| ports)?;
        let ours = message.transaction == asking.mark("dhcp_offer", wire);
        Some(ours && message.op == 2 && message.option(MESSAGE) == Some(&[OFFER]))
    };
    frame.kind == Kind::Type(ethernet::IPV4) && offer() == Some(true)
}
