//! Which addresses answer.
//!
//! A kind of question a file, each as plain functions: the frame that asks, and the [`Answer`] in a frame that came.
//! Two who use them: [`discover()`] over a [`Link`](crate::link::Link), for scans, which knows each host; and
//! [`flight`], which asks as fast as the wire takes it and remembers nobody.

pub mod announced;
pub mod arp;
pub mod connect;
pub mod cookie;
pub mod discover;
pub mod flight;
pub mod foreign;
pub mod forward;
pub mod icmp;
pub mod listening;
pub mod ndp;
mod packet;
mod round;
pub mod tcp_syn;
pub mod told;
pub mod udp;
pub mod wires;

use std::net::{IpAddr, Ipv4Addr};

pub use cookie::{Cookie, Mark};
pub use discover::{Found, Host, Manner, Progress, Targets, discover};

use crate::{
    observe::Mac,
    time::Timestamp,
    wire::{
        ethernet::{self, Frame, Kind},
        icmp::{Icmp, Quoted},
        icmpv6, ipv4, ipv6, tcp, udp as wire_udp,
    },
};

/// From where to where a frame goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Way {
    /// Our hardware address.
    pub our_mac: Mac,
    /// Our address.
    pub our_address: IpAddr,
    /// The hardware address that frames go to: the target's, or the router's before it.
    pub next_mac: Mac,
}

/// Somebody answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// Whom we had asked.
    pub address: IpAddr,
    /// Who answered, where it is somebody else.
    pub by: IpAddr,
    /// The hardware address that the answer came from.
    pub mac: Option<Mac>,
    /// The port, where one was asked.
    pub port: Option<u16>,
    /// What the answer is.
    pub how: How,
    /// How many more routers might have forwarded it.
    pub time_to_live: Option<u8>,
    /// When.
    pub at: Timestamp,
}

/// What an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// It has the address (ARP).
    Arp,
    /// It has the address (neighbour discovery).
    Nd,
    /// An echo.
    Echo,
    /// The port is open.
    SynAck,
    /// The port is closed.
    Reset,
    /// A datagram came back.
    Udp,
    /// The port is closed, by an ICMP error.
    PortUnreachable,
    /// A router, or the host, says that it cannot be reached, or may not be.
    Unreachable,
    /// A connection was made by the system's own sockets.
    Connected,
    /// A connection was refused.
    Refused,
}

impl How {
    /// Whether the port that was asked is open.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::SynAck | Self::Udp | Self::Connected)
    }

    /// The name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Arp => "arp",
            Self::Nd => "nd",
            Self::Echo => "echo",
            Self::SynAck => "syn_ack",
            Self::Reset => "reset",
            Self::Udp => "udp",
            Self::PortUnreachable => "port_unreachable",
            Self::Unreachable => "unreachable",
            Self::Connected => "connected",
            Self::Refused => "refused",
        }
    }
}

impl Answer {
    /// Whether it shows that the address is somebody's: a router that cannot reach it does not.
    pub fn shows_life(&self) -> bool {
        self.how != How::Unreachable || self.by == self.address
    }
}

/// The answer in a frame that came, if it is one to what the cookie marked.
pub fn read(frame: &[u8], cookie: &Cookie, at: Timestamp) -> Option<Answer> {
    let frame = Frame::parse(frame).ok()?;
    let mac = Some(Mac(frame.source));
    match frame.kind {
        Kind::Type(ethernet::ARP) => arp::read(frame.payload, at),
        Kind::Type(ethernet::IPV4) => {
            let packet = ipv4::Packet::parse(frame.payload).ok()?;
            let heard =
                Heard { from: packet.source.into(), mac, time_to_live: packet.time_to_live, at };
            match packet.protocol {
                _ if packet.is_fragment() => None,
                tcp::NUMBER => tcp_syn::read(packet.payload, cookie, &heard),
                wire_udp::NUMBER => udp::read(packet.payload, cookie, &heard),
                1 => icmp::read(packet.payload, cookie, &heard),
                _ => None,
            }
        }
        Kind::Type(ethernet::IPV6) => {
            let packet = ipv6::Packet::parse(frame.payload).ok()?;
            let heard =
                Heard { from: packet.source.into(), mac, time_to_live: packet.hop_limit, at };
            match packet.protocol {
                _ if packet.fragment.is_some() => None,
                tcp::NUMBER => tcp_syn::read(packet.payload, cookie, &heard),
                wire_udp::NUMBER => udp::read(packet.payload, cookie, &heard),
                icmpv6::NUMBER => ndp::read(packet.payload, cookie, &heard),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Who said something that may be an answer.
struct Heard {
    from: IpAddr,
    mac: Option<Mac>,
    time_to_live: u8,
    at: Timestamp,
}

impl Heard {
    fn answer(&self, port: Option<u16>, how: How) -> Answer {
        Answer {
            address: self.from,
            by: self.from,
            mac: self.mac,
            port,
            how,
            time_to_live: Some(self.time_to_live),
            at: self.at,
        }
    }

    /// What an error is about, if we asked that.
    fn about(&self, quoted: &Quoted, port_itself: bool, cookie: &Cookie) -> Option<Answer> {
        let how = if port_itself { How::PortUnreachable } else { How::Unreachable };
        let ours = |port| cookie.mark(quoted.destination, port).source_port;
        let port = match (quoted.protocol, quoted.ports) {
            (tcp::NUMBER | wire_udp::NUMBER, Some((from, to))) if from == ours(to) => Some(to),
            (1 | icmpv6::NUMBER, _) => None,
            _ => return None,
        };
        Some(Answer { address: quoted.destination, ..self.answer(port, how) })
    }
}

/// The answer in an ICMP error over IPv4.
fn read_error(message: &Icmp<'_>, cookie: &Cookie, heard: &Heard) -> Option<Answer> {
    let quoted = message.quoted()?;
    let port_itself = message.kind == crate::wire::icmp::UNREACHABLE && message.code == 3;
    heard.about(&quoted, port_itself, cookie)
}

/// Whether an address on the wire is one that machines have, within its prefix.
fn is_a_hosts(address: Ipv4Addr, prefix: ipnetwork::Ipv4Network) -> bool {
    prefix.prefix() >= 31 || (address != prefix.network() && address != prefix.broadcast())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::link::raw::{Filter, Want, contact_of};

    proptest! {
        #[test]
        fn no_frame_harms_who_reads_it(
            kind in prop::sample::select(vec![0x0806_u16, 0x0800, 0x86dd, 0x8100]),
            version in prop::sample::select(vec![0x45_u8, 0x46, 0x4f, 0x60]),
            rest in prop::collection::vec(any::<u8>(), 0..120),
        ) {
            let frame = [&[2; 12][..], &kind.to_be_bytes(), &[version], &rest].concat();
            let wanted = [Want::Arp, Want::Icmp, Want::Icmpv6, Want::Tcp(0..=9), Want::Udp(0..=9)];
            Filter::of(&wanted).passes(&frame);
            contact_of(&frame);
            // Nobody who does not know the seed makes up an answer to a SYN.
            let made_up = read(&frame, &Cookie::new(1), Timestamp::default());
            prop_assert!(made_up.is_none_or(|answer| answer.how != How::SynAck));
        }
    }

    #[test]
    fn a_router_that_cannot_reach_a_host_does_not_show_it() {
        let answer = Answer {
            address: [192, 0, 2, 9].into(),
            by: [192, 0, 2, 1].into(),
            mac: None,
            port: None,
            how: How::Unreachable,
            time_to_live: None,
            at: Timestamp::default(),
        };
        assert!(!answer.shows_life());
        assert!(Answer { by: answer.address, ..answer }.shows_life());
    }

    #[test]
    fn names_are_the_ones_in_json() {
        for how in [How::Arp, How::SynAck, How::PortUnreachable, How::Refused] {
            assert_eq!(serde_json::to_string(&how).unwrap(), format!("\"{}\"", how.name()));
        }
    }
}
