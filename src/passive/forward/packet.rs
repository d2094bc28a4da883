//! What one packet is to the question who forwards: it asks, it answers, or neither.

use std::net::{IpAddr, Ipv4Addr};

use crate::{
    observe::{Heard, Mac, PacketId},
    passive::{capture::Role, seen::Seen},
    scope::inside::{is_global, is_nowhere},
    time::Timestamp,
    wire::{
        Reader,
        icmp::{self, Icmp},
        icmpv6::{self, Icmpv6},
        ipv4, ipv6,
        ndp::{Extra, Message, Ndp},
        stun, tcp,
        udp::{self, Datagram},
    },
};

/// A question dies near when so many routers may forward it at most: at the neighbour, or at the one behind it.
pub(crate) const NEAR: u8 = 2;

/// The number of ICMP among IP protocols.
const ICMP: u8 = 1;

/// An echo of ours that is longer, in bytes, and may not be cut measures a line: every host takes as much (RFC 791, 3.2).
const EVERY_HOST_TAKES: u32 = 576;

/// The same for IPv6, where nothing is cut on the way (RFC 8200, 5).
const EVERY_LINK_TAKES: u32 = 1280;

/// Between whom a question goes, and what tells it from others. Its answer quotes this, or turns it round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    pub(super) mark: Mark,
}

/// What tells a question from others between the same addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Mark {
    /// Identifier and sequence of an echo.
    Echo([u8; 4]),
    /// TCP or UDP, and the ports.
    Ports(u8, u16, u16),
}

/// A question, as it was sent to a neighbour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question {
    /// The neighbour.
    pub(super) mac: Mac,
    /// When it was asked, and when for the last time.
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
    /// How many routers might forward it.
    pub(super) time_to_live: u8,
    /// How long its packet is, in bytes.
    pub(super) length: u32,
    /// It may not be cut.
    pub(super) whole: bool,
    /// Which datagram it is; 0 where that tells nothing.
    pub(super) identification: u16,
    /// A run of ours asked it.
    pub(super) ours: bool,
    /// Its source is an address that was borrowed.
    pub(super) borrowed: bool,
    /// The exchange, where it asks for its outside address.
    pub(super) exchange: Option<[u8; 12]>,
}

/// An answer, by whomever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) at: Timestamp,
    pub(super) packet: PacketId,
    pub(super) by: IpAddr,
    pub(super) mac: Option<Mac>,
    pub(super) time_to_live: u8,
    pub(super) says: Says,
    /// The addresses that routers wrote into the question, or into its answer.
    pub(super) route: Vec<Ipv4Addr>,
    /// What an error quotes of the question beside its key.
    pub(super) quoted: Option<Quote>,
    /// The exchange that it answers, and the outside address that it tells.
    pub(super) mapped: Option<([u8; 12], IpAddr)>,
}

/// What an error quotes of a question beside its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Quote {
    pub(super) time_to_live: u8,
    pub(super) length: u32,
    pub(super) whole: bool,
    pub(super) identification: u16,
}

/// What an answer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Says {
    Expired,
    NoRoute,
    HostUnreachable,
    Prohibited,
    /// With the MTU of the next line, where it is told.
    TooBig(Option<u32>),
    /// With the router that is nearer.
    Redirect(IpAddr),
    BeyondScope,
    Unreachable,
    Reply,
}

impl Says {
    /// The value of `forward.answer`.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::NoRoute => "no_route",
            Self::HostUnreachable => "host_unreachable",
            Self::Prohibited => "prohibited",
            Self::TooBig(_) => "too_big",
            Self::Redirect(_) => "redirect",
            Self::BeyondScope => "beyond_scope",
            Self::Unreachable => "unreachable",
            Self::Reply => "reply",
        }
    }

    /// Whether a router says it about the way, and not about the host or the port at its end.
    pub(super) const fn is_about_the_way(self) -> bool {
        !matches!(self, Self::HostUnreachable | Self::Unreachable | Self::Reply)
    }
}

/// Whether a packet may ask or answer, by a glance at its header: most do neither.
pub(super) fn concerns(bytes: &[u8]) -> bool {
    let at = |place: usize| bytes.get(place).copied().unwrap_or_default();
    let (near, protocol, header) = match at(0) >> 4 {
        4 => (at(8), at(9), usize::from(at(0) & 15) * 4),
        6 => (at(7), at(6), 40),
        _ => return false,
    };
    let asks_outside = || {
        let begins = (at(header + 8), at(header + 9));
        protocol == udp::NUMBER && matches!(begins, (0 | 1, 1))
    };
    let has_options = at(0) >> 4 == 4 && header > 20;
    near <= NEAR || has_options || protocol == ICMP || protocol == icmpv6::NUMBER || asks_outside()
}

/// The packet that an ICMP error quotes, as it lies in the packet of IP that carries the error.
pub(crate) fn quoted(bytes: &[u8]) -> Option<&[u8]> {
    if bytes.first()? >> 4 == 4 {
        if *bytes.get(9)? != ICMP {
            return None;
        }
        let packet = ipv4::Packet::parse(bytes).ok().filter(|packet| !packet.is_fragment())?;
        return Error::of_icmp(packet.payload).map(|error| error.about);
    }
    if *bytes.get(6)? != icmpv6::NUMBER {
        return None;
    }
    let packet = ipv6::Packet::parse(bytes).ok().filter(|packet| packet.fragment.is_none())?;
    Error::of_icmpv6(packet.payload).map(|error| error.about)
}

/// What an error says, and the packet it quotes.
struct Error<'a> {
    says: Says,
    about: &'a [u8],
}

impl<'a> Error<'a> {
    fn of_icmp(bytes: &'a [u8]) -> Option<Self> {
        let message = Icmp::parse(bytes).ok()?;
        let says = match (message.kind, message.code) {
            (icmp::TIME_EXCEEDED, 0) => Says::Expired,
            (icmp::UNREACHABLE, 0) => Says::NoRoute,
            (icmp::UNREACHABLE, 1 | 7) => Says::HostUnreachable,
            (icmp::UNREACHABLE, 9 | 10 | 13) => Says::Prohibited,
            (icmp::UNREACHABLE, 4) => Says::TooBig(message.mtu().map(u32::from)),
            (icmp::UNREACHABLE, _) => Says::Unreachable,
            (icmp::REDIRECT, _) => Says::Redirect(message.gateway()?.into()),
            _ => return None,
        };
        Some(Self { says, about: message.body })
    }

    fn of_icmpv6(bytes: &'a [u8]) -> Option<Self> {
        let message = Icmpv6::parse(bytes).ok()?;
        let says = match (message.kind, message.code) {
            (icmpv6::TIME_EXCEEDED, 0) => Says::Expired,
            (icmpv6::UNREACHABLE, 0) => Says::NoRoute,
            (icmpv6::UNREACHABLE, 1 | 5 | 6) => Says::Prohibited,
            (icmpv6::UNREACHABLE, 2) => Says::BeyondScope,
            (icmpv6::UNREACHABLE, 3) => Says::HostUnreachable,
            (icmpv6::UNREACHABLE, _) => Says::Unreachable,
            (icmpv6::TOO_BIG, _) => Says::TooBig(message.mtu()),
            _ => return Self::of_redirect(bytes),
        };
        Some(Self { says, about: message.body.get(4..)? })
    }

    fn of_redirect(bytes: &'a [u8]) -> Option<Self> {
        let told = Ndp::parse(bytes).ok()?;
        let Message::Redirect { target, .. } = told.message else { return None };
        let about = told.extras().into_iter().find_map(|extra| match extra {
            Extra::Redirected(about) => Some(about),
            _ => None,
        });
        Some(Self { says: Says::Redirect(target.into()), about: about? })
    }
}

/// A packet of either version that is no part of another, whole or as far as an error quotes it.
pub(super) struct Packet<'a> {
    source: IpAddr,
    destination: IpAddr,
    time_to_live: u8,
    protocol: u8,
    options: &'a [u8],
    payload: &'a [u8],
    length: u32,
    whole: bool,
    identification: u16,
}

impl<'a> Packet<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        if bytes.first()? >> 4 == 4 {
            let packet = ipv4::Packet::parse(bytes).ok().filter(|packet| !packet.is_fragment())?;
            let length = 20 + packet.options.len() + packet.payload.len() + packet.missing;
            return Some(Self {
                source: packet.source.into(),
                destination: packet.destination.into(),
                time_to_live: packet.time_to_live,
                protocol: packet.protocol,
                options: packet.options,
                payload: packet.payload,
                length: u32::try_from(length).ok()?,
                whole: packet.dont_fragment,
                identification: packet.identification,
            });
        }
        let packet = ipv6::Packet::parse(bytes).ok().filter(|packet| packet.fragment.is_none())?;
        let length = bytes.get(4..6)?.first_chunk::<2>().map(|two| u16::from_be_bytes(*two))?;
        let length = 40 + u32::from(length);
        Some(Self {
            source: packet.source.into(),
            destination: packet.destination.into(),
            time_to_live: packet.hop_limit,
            protocol: packet.protocol,
            options: &[],
            payload: packet.payload,
            length,
            whole: length > EVERY_LINK_TAKES,
            identification: 0,
        })
    }

    /// The key of this packet as a question.
    fn key(&self) -> Option<Key> {
        let mut r = Reader::new(self.payload);
        let mark = match self.protocol {
            tcp::NUMBER | udp::NUMBER => {
                let (from, to) = (r.u16("source port").ok()?, r.u16("destination port").ok()?);
                Mark::Ports(self.protocol, from, to)
            }
            ICMP if r.u8("type").ok()? == icmp::ECHO => echo_mark(&mut r)?,
            icmpv6::NUMBER if r.u8("type").ok()? == icmpv6::ECHO => echo_mark(&mut r)?,
            _ => return None,
        };
        Some(Key { source: self.source, destination: self.destination, mark })
    }

    /// The question that this packet is, where it is one about forwarding: it dies near, or writes down its way, or
    /// asks for an outside address, or is one of ours that measures a line.
    pub(super) fn question(&self, seen: &Seen) -> Option<(Key, Question)> {
        let mac = seen.destination.filter(|mac| !mac.is_group() && !mac.is_zero())?;
        // What came to us alone asks us.
        if seen.role == Role::Replied || is_nowhere(self.destination) || self.time_to_live == 0 {
            return None;
        }
        let key = self.key()?;
        let ours = seen.role == Role::Asked;
        let records = ipv4::options(self.options).any(|option| option.number == ipv4::RECORD_ROUTE);
        // Somebody else's may go to a server on the inside, which shows no way out.
        let exchange = self.exchange().filter(|_| ours || is_global(self.destination));
        let is_echo = matches!(key.mark, Mark::Echo(_));
        let measures = ours && is_echo && self.whole && self.length > EVERY_HOST_TAKES;
        let asks = self.time_to_live <= NEAR || records || exchange.is_some() || measures;
        asks.then(|| {
            let question = Question {
                mac,
                first: seen.at,
                last: seen.at,
                time_to_live: self.time_to_live,
                length: self.length,
                whole: self.whole,
                identification: self.identification,
                ours,
                borrowed: seen.borrowed,
                exchange,
            };
            (key, question)
        })
    }

    /// The exchange that this packet begins by asking for its outside address.
    fn exchange(&self) -> Option<[u8; 12]> {
        let datagram = self.datagram()?;
        let message = stun::Message::parse(datagram.payload).ok()?;
        let asks = message.class == stun::Class::Request && message.method == stun::BINDING;
        exchange_of(datagram.payload).filter(|_| asks && message.cookie)
    }

    fn datagram(&self) -> Option<Datagram<'a>> {
        (self.protocol == udp::NUMBER).then(|| Datagram::parse(self.payload).ok())?
    }

    /// The answer that this packet is, and the key of what it answers.
    pub(super) fn answer(&self, seen: &Seen) -> Option<(Key, Answer)> {
        // What we say ourselves answers nothing.
        seen.heard()?;
        let of = |says, quoted, route, mapped| Answer {
            at: seen.at,
            packet: seen.packet,
            by: self.source,
            mac: seen.source,
            time_to_live: self.time_to_live,
            says,
            route,
            quoted,
            mapped,
        };
        if let Some(mark) = self.echo_reply() {
            let route = ipv4::recorded(self.options);
            return Some((self.back(mark), of(Says::Reply, None, route, None)));
        }
        if let Some((mark, exchange, address)) = self.outside_address() {
            let mapped = Some((exchange, address));
            return Some((self.back(mark), of(Says::Reply, None, Vec::new(), mapped)));
        }
        let error = match self.protocol {
            ICMP => Error::of_icmp(self.payload)?,
            icmpv6::NUMBER => Error::of_icmpv6(self.payload)?,
            _ => return None,
        };
        // Neighbours alone may say where the way is shorter (RFC 4861, 8.1).
        let is_far = self.source.is_ipv6() && self.time_to_live != 255;
        if is_far && matches!(error.says, Says::Redirect(_)) {
            return None;
        }
        let about = Packet::parse(error.about)?;
        let Packet { time_to_live, length, whole, identification, .. } = about;
        let quote = Quote { time_to_live, length, whole, identification };
        let route = ipv4::recorded(about.options);
        Some((about.key()?, of(error.says, Some(quote), route, None)))
    }

    /// The key of what a reply from there to here answers.
    fn back(&self, mark: Mark) -> Key {
        Key { source: self.destination, destination: self.source, mark }
    }

    fn echo_reply(&self) -> Option<Mark> {
        let mut r = Reader::new(self.payload);
        let kind = r.u8("type").ok()?;
        let replies = match self.protocol {
            ICMP => kind == icmp::ECHO_REPLY,
            icmpv6::NUMBER => kind == icmpv6::ECHO_REPLY,
            _ => false,
        };
        replies.then(|| echo_mark(&mut r)).flatten()
    }

    /// The question's mark, the exchange and the outside address, where this tells one.
    fn outside_address(&self) -> Option<(Mark, [u8; 12], IpAddr)> {
        let datagram = self.datagram()?;
        let message = stun::Message::parse(datagram.payload).ok()?;
        let tells = message.class == stun::Class::Success && message.method == stun::BINDING;
        let exchange = exchange_of(datagram.payload).filter(|_| tells && message.cookie)?;
        let told = |number: u16, hidden: bool| {
            let (_, value) = message.attributes.iter().find(|(known, _)| *known == number)?;
            message.address(value, hidden).ok()
        };
        let address = told(stun::XOR_MAPPED, true).or_else(|| told(stun::MAPPED, false))?;
        let mark = Mark::Ports(udp::NUMBER, datagram.destination, datagram.source);
        Some((mark, exchange, address.ip()))
    }
}

impl Question {
    /// How its answers reach us.
    pub(super) const fn heard(&self) -> Heard {
        if self.ours { Heard::Replied } else { Heard::Overheard }
    }
}

/// Identifier and sequence, behind the type.
fn echo_mark(r: &mut Reader<'_>) -> Option<Mark> {
    r.skip("code and checksum", 3).ok()?;
    r.take("identifier and sequence").ok().map(Mark::Echo)
}

/// The number of an exchange, behind type, length and cookie.
fn exchange_of(message: &[u8]) -> Option<[u8; 12]> {
    message.get(8..)?.first_chunk().copied()
}
