//! What comes back: an error that quotes our question, or an answer to it.

use std::net::{IpAddr, Ipv4Addr};

use super::question::Mark;
use crate::wire::{
    ethernet::{self, Frame, Kind as Type},
    icmp::{self, Icmp, Quoted},
    icmpv6::{self, Icmpv6},
    ipv4, ipv6, stun,
    udp::{self, Datagram},
};

/// An answer to a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What it says.
    pub kind: Kind,
    /// The address that says so.
    pub by: IpAddr,
    /// The largest packet of the next line, in bytes, where it says that ours is too big.
    pub mtu: Option<u32>,
    /// What routers wrote into our packet, in their order.
    pub route: Vec<Ipv4Addr>,
    /// Our address as the responder sees it.
    pub mapped: Option<IpAddr>,
}

/// What an answer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The packet had come as far as it may.
    Expired,
    /// There is no route.
    NoRoute,
    /// There is no such host.
    HostUnreachable,
    /// It may not pass.
    Prohibited,
    /// It is too big for the next line.
    TooBig,
    /// Another router is the way.
    Redirect,
    /// It would leave the scope of its source address.
    BeyondScope,
    /// It cannot get there for another reason.
    Unreachable,
    /// It got there.
    Reply,
}

impl Kind {
    /// All of them.
    const ALL: [Self; 9] = [
        Self::Expired,
        Self::NoRoute,
        Self::HostUnreachable,
        Self::Prohibited,
        Self::TooBig,
        Self::Redirect,
        Self::BeyondScope,
        Self::Unreachable,
        Self::Reply,
    ];

    /// The name in journals and facts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::NoRoute => "no_route",
            Self::HostUnreachable => "host_unreachable",
            Self::Prohibited => "prohibited",
            Self::TooBig => "too_big",
            Self::Redirect => "redirect",
            Self::BeyondScope => "beyond_scope",
            Self::Unreachable => "unreachable",
            Self::Reply => "reply",
        }
    }

    /// What a name says.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }

    /// Whether the packet went on as far as it may.
    pub const fn passed(self) -> bool {
        matches!(self, Self::Expired | Self::Reply)
    }

    /// What an error of IPv4 says (RFC 792; RFC 1812, 5.2.7.1); none for those that say nothing about the way.
    const fn of_error(kind: u8, code: u8) -> Option<Self> {
        Some(match (kind, code) {
            (icmp::TIME_EXCEEDED, 0) => Self::Expired,
            (icmp::REDIRECT, _) => Self::Redirect,
            (icmp::UNREACHABLE, 0 | 6 | 11) => Self::NoRoute,
            (icmp::UNREACHABLE, 1 | 7 | 12) => Self::HostUnreachable,
            (icmp::UNREACHABLE, 4) => Self::TooBig,
            (icmp::UNREACHABLE, 9 | 10 | 13) => Self::Prohibited,
            (icmp::UNREACHABLE, _) => Self::Unreachable,
            _ => return None,
        })
    }

    /// What an error of IPv6 says (RFC 4443, 3).
    const fn of_error_v6(kind: u8, code: u8) -> Option<Self> {
        Some(match (kind, code) {
            (icmpv6::TIME_EXCEEDED, 0) => Self::Expired,
            (icmpv6::TOO_BIG, _) => Self::TooBig,
            (icmpv6::UNREACHABLE, 0) => Self::NoRoute,
            (icmpv6::UNREACHABLE, 1 | 5 | 6) => Self::Prohibited,
            (icmpv6::UNREACHABLE, 2) => Self::BeyondScope,
            (icmpv6::UNREACHABLE, 3) => Self::HostUnreachable,
            (icmpv6::UNREACHABLE, _) => Self::Unreachable,
            _ => return None,
        })
    }
}

/// What an answer is to: our address, whom the question was for, and its mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct About {
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    pub(super) mark: Mark,
}

/// The answer in a frame, and what it is to; none where it is no answer to anything that could be ours.
pub(super) fn read(frame: &[u8]) -> Option<(About, Answer)> {
    let frame = Frame::parse(frame).ok()?;
    match frame.kind {
        Type::Type(ethernet::IPV4) => {
            let packet = ipv4::Packet::parse(frame.payload).ok()?;
            match packet.protocol {
                _ if packet.is_fragment() => None,
                1 => read_icmp(&packet),
                udp::NUMBER => read_binding(&packet),
                _ => None,
            }
        }
        Type::Type(ethernet::IPV6) => {
            let packet = ipv6::Packet::parse(frame.payload).ok()?;
            (packet.protocol == icmpv6::NUMBER && packet.fragment.is_none())
                .then(|| read_icmpv6(&packet))?
        }
        _ => None,
    }
}

fn read_icmp(packet: &ipv4::Packet<'_>) -> Option<(About, Answer)> {
    let message = Icmp::parse(packet.payload).ok()?;
    let by = IpAddr::V4(packet.source);
    if message.kind == icmp::ECHO_REPLY {
        let [a, b, c, d] = message.argument;
        let mark = Mark(u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        let about = About { source: packet.destination.into(), destination: by, mark };
        let route = ipv4::recorded(packet.options);
        return Some((about, Answer { route, ..Answer::of(Kind::Reply, by) }));
    }
    let kind = Kind::of_error(message.kind, message.code)?;
    let about = about(&message.quoted()?)?;
    let mtu = message.mtu().map(u32::from);
    Some((about, Answer { mtu, route: message.recorded(), ..Answer::of(kind, by) }))
}

fn read_icmpv6(packet: &ipv6::Packet<'_>) -> Option<(About, Answer)> {
    let message = Icmpv6::parse(packet.payload).ok()?;
    let by = IpAddr::V6(packet.source);
    if message.kind == icmpv6::ECHO_REPLY {
        let [a, b, c, d] = *message.body.first_chunk()?;
        let mark = Mark(u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        let about = About { source: packet.destination.into(), destination: by, mark };
        return Some((about, Answer::of(Kind::Reply, by)));
    }
    let kind = Kind::of_error_v6(message.kind, message.code)?;
    let about = about(&message.quoted()?)?;
    Some((about, Answer { mtu: message.mtu(), ..Answer::of(kind, by) }))
}

/// What the responder tells us.
fn read_binding(packet: &ipv4::Packet<'_>) -> Option<(About, Answer)> {
    let datagram = Datagram::parse(packet.payload).ok()?;
    let message = stun::Message::parse(datagram.payload).ok()?;
    let granted = message.class == stun::Class::Success && message.method == stun::BINDING;
    let transaction = *datagram.payload.get(8..20)?.last_chunk::<2>()?;
    let mapped = message.attributes.iter().find(|(number, _)| *number == stun::XOR_MAPPED_ADDRESS);
    let mapped = mapped.and_then(|(_, value)| message.address(value, true).ok());
    let mark = Mark(datagram.destination, u16::from_be_bytes(transaction));
    let by = IpAddr::V4(packet.source);
    let about = About { source: packet.destination.into(), destination: by, mark };
    let mapped = mapped.map(|mapped| mapped.ip());
    granted.then(|| (about, Answer { mapped, ..Answer::of(Kind::Reply, by) }))
}

/// What an error quotes, where it is an echo, or a datagram whose transaction is not told.
fn about(quoted: &Quoted) -> Option<About> {
    let mark = match (quoted.echo, quoted.ports) {
        (Some((identifier, sequence)), _) => Mark(identifier, sequence),
        // Eight bytes behind the header do not reach the transaction; the number of the packet stands for it.
        (None, Some((from, _))) if quoted.protocol == udp::NUMBER => {
            Mark(from, quoted.identification?)
        }
        _ => return None,
    };
    Some(About { source: quoted.source, destination: quoted.destination, mark })
}

impl Answer {
    /// An answer that says nothing more.
    pub const fn of(kind: Kind, by: IpAddr) -> Self {
        Self { kind, by, mtu: None, route: Vec::new(), mapped: None }
    }
}
