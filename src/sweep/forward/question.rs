//! A question to a neighbour, and the frame that asks it.

use std::net::IpAddr;

use super::super::Way;
use crate::{
    scope::Tier,
    wire::{
        ethernet::{self, Frame, Kind},
        icmp, icmpv6, ipv4, ipv6, stun,
        udp::{self, Datagram},
    },
};

/// What an echo carries, so that whoever looks at the wire sees what it is.
const DATA: &[u8] = b"sekisho";

/// How many routers may forward what goes to the responder.
const FAR: u8 = 64;

/// Bytes of an IPv4 header without options, of an echo's head, and of IPv6's header.
const HEADS: (usize, usize, usize) = (20, 8, 40);

/// A packet that is sent to a neighbour for somebody beyond it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Question {
    /// Whom it is for.
    pub destination: IpAddr,
    /// How many routers may see it.
    pub time_to_live: u8,
    /// What it carries.
    pub carries: Carries,
    /// How far it goes.
    pub tier: Tier,
}

/// What a question carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Carries {
    /// A short echo.
    Echo,
    /// An echo in a packet of so many bytes that nobody may cut.
    Whole(u16),
    /// A short echo in a packet into which routers write their addresses.
    Route,
    /// The question for one's own outside address, to this port (RFC 8489).
    Binding(u16),
}

/// What marks a question, so that its answer is known: identifier and sequence of an echo, or the port that a
/// datagram comes from and the end of its transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Mark(pub(super) u16, pub(super) u16);

impl Question {
    /// A short echo that so many routers see.
    pub const fn echo(destination: IpAddr, time_to_live: u8) -> Self {
        let tier = if time_to_live > 1 { Tier::FirstRouter } else { Tier::Ask };
        Self { destination, time_to_live, carries: Carries::Echo, tier }
    }

    /// A packet of `size` bytes that nobody may cut, for two routers.
    pub const fn whole(destination: IpAddr, size: u16) -> Self {
        Self { carries: Carries::Whole(size), ..Self::echo(destination, 2) }
    }

    /// A packet that two routers write their addresses into.
    pub const fn route(destination: IpAddr) -> Self {
        Self { carries: Carries::Route, ..Self::echo(destination, 2) }
    }

    /// The question for one's outside address, all the way to the responder.
    pub const fn binding(responder: std::net::SocketAddr) -> Self {
        let carries = Carries::Binding(responder.port());
        let echo = Self::echo(responder.ip(), FAR);
        Self { carries, tier: Tier::Responder, ..echo }
    }

    /// The frame that asks it from our end `way`; none where the versions of IP do not fit.
    pub fn frame(&self, way: &Way, mark: Mark, transaction: [u8; 12]) -> Option<Vec<u8>> {
        let Mark(identifier, sequence) = mark;
        let (kind, packet) = match (way.our_address, self.destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                let options = match self.carries {
                    Carries::Route => ipv4::record_route(ipv4::MOST_RECORDED),
                    _ => Vec::new(),
                };
                let mut packet = ipv4::Packet {
                    source,
                    destination,
                    time_to_live: self.time_to_live,
                    protocol: 1,
                    // Some systems give every packet 0, which tells nothing.
                    identification: sequence.max(1),
                    dont_fragment: matches!(self.carries, Carries::Whole(_)),
                    more_fragments: false,
                    fragment_offset: 0,
                    options: &options,
                    payload: &[],
                    missing: 0,
                };
                let payload = match self.carries {
                    Carries::Binding(port) => {
                        packet.protocol = udp::NUMBER;
                        let asked = stun::ask(transaction);
                        let datagram =
                            Datagram { source: identifier, destination: port, payload: &asked };
                        datagram.emit(&packet.pseudo_header(asked.len() + 8))
                    }
                    carries => icmp::echo(identifier, sequence, &data(carries, HEADS.0)),
                };
                packet.payload = &payload;
                (ethernet::IPV4, packet.emit())
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                let data = data(self.carries, HEADS.2);
                let payload = icmpv6::echo(source, destination, identifier, sequence, &data);
                let packet = ipv6::Packet {
                    source,
                    destination,
                    hop_limit: self.time_to_live,
                    protocol: icmpv6::NUMBER,
                    fragment: None,
                    payload: &payload,
                    missing: 0,
                };
                (ethernet::IPV6, packet.emit())
            }
            _ => return None,
        };
        let kind = Kind::Type(kind);
        let (destination, source) = (way.next_mac.0, way.our_mac.0);
        Some(Frame { destination, source, vlan: None, kind, payload: &packet }.emit())
    }
}

/// What an echo carries behind its head, in a packet whose header has so many bytes.
fn data(carries: Carries, header: usize) -> Vec<u8> {
    let Carries::Whole(size) = carries else { return DATA.to_vec() };
    let room = usize::from(size).saturating_sub(header + HEADS.1);
    DATA.iter().copied().cycle().take(room).collect()
}
