//! What passed a wire, as captures tell it, for sentences about what was sent and what was not.

use std::{
    net::{IpAddr, Ipv4Addr},
    path::Path,
};

use sekisho::{
    observe::Mac,
    passive::capture::{Capture, Chunk},
    wire::{
        arp::Arp,
        ethernet::{self, Frame, Kind},
        ipv4, ipv6,
    },
};

/// A frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    /// When, in nanoseconds.
    pub(crate) at: i64,
    pub(crate) from: Mac,
    pub(crate) to: Mac,
    pub(crate) what: What,
}

/// What it was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// A question for the hardware address of somebody, or an answer to one.
    Arp(Ipv4Addr),
    /// A packet: from, to, and how far it may still go.
    Packet(IpAddr, IpAddr, u8),
    /// Anything else, by its Ethernet type; 0 where it has none.
    Other(u16),
}

/// The frames of a capture.
pub(crate) fn seen(file: &Path) -> Vec<Seen> {
    let mut capture = Capture::open(file).unwrap();
    let mut chunk = Chunk::default();
    while capture.read_chunk(&mut chunk, usize::MAX) {}
    let read = |packet| {
        let captured: &sekisho::passive::capture::Captured = packet;
        let frame = Frame::parse(chunk.bytes_of(captured)).unwrap();
        let what = match frame.kind {
            Kind::Type(ethernet::ARP) => What::Arp(Arp::parse(frame.payload).unwrap().target),
            Kind::Type(ethernet::IPV4) => {
                let packet = ipv4::Packet::parse(frame.payload).unwrap();
                let (from, to) = (packet.source.into(), packet.destination.into());
                What::Packet(from, to, packet.time_to_live)
            }
            Kind::Type(ethernet::IPV6) => {
                let packet = ipv6::Packet::parse(frame.payload).unwrap();
                What::Packet(packet.source.into(), packet.destination.into(), packet.hop_limit)
            }
            Kind::Type(other) => What::Other(other),
            Kind::Snap(..) | Kind::Llc(_) => What::Other(0),
        };
        Seen {
            at: captured.at.nanoseconds(),
            from: Mac(frame.source),
            to: Mac(frame.destination),
            what,
        }
    };
    chunk.packets.iter().map(read).collect()
}

impl Seen {
    /// Whether it is what systems with IPv6 tell their own wire in any case: groups they join, routers they look for.
    pub(crate) fn is_housekeeping(&self) -> bool {
        match self.what {
            What::Packet(IpAddr::V6(from), IpAddr::V6(to), _) => {
                (from.is_unspecified() || from.is_unicast_link_local())
                    && (to.is_multicast() || to.is_unicast_link_local())
            }
            _ => false,
        }
    }

    /// Whether it is a packet for somebody outside the hospital.
    pub(crate) fn is_for_the_outside(&self) -> bool {
        match self.what {
            What::Packet(_, IpAddr::V4(to), _) => {
                !(to.octets().starts_with(&[10, 80]) || to.is_multicast() || to.is_broadcast())
            }
            What::Packet(_, IpAddr::V6(to), _) => !to.is_multicast() && !to.is_unicast_link_local(),
            What::Arp(_) | What::Other(_) => false,
        }
    }
}
