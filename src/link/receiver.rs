//! Whom a frame goes to, read from its bytes. A frame that does not show it, or that no honest question looks like, is
//! refused.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Interface;
use crate::{
    observe::Mac,
    scope::{Refusal, Tier},
    wire::{
        Reader,
        arp::{self, Arp},
        ethernet::{self, Frame, Kind},
        icmp::Icmp,
        icmpv6::{self, Icmpv6},
        ipv4, ipv6,
        ndp::{Message, Ndp},
        tcp::{self, Segment},
        udp::Datagram,
    },
};

/// IP protocol numbers of what may be sent in frames.
const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
/// ICMP questions: echo, timestamp, mask.
const QUESTIONS: [u8; 3] = [8, 13, 17];
/// ICMPv6 questions to one host: echo, node information (RFC 4620).
const QUESTIONS_V6: [u8; 2] = [128, 139];
/// Options of IPv4: end, padding, and record route, which is for routers.
const OPTIONS: [u8; 3] = [0, 1, 7];
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
/// Every router on a link.
pub(super) const ALL_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);

/// Whom a frame goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Receiver {
    /// The address asked for, or the destination.
    pub(super) address: IpAddr,
    /// The hardware address, where it is one machine's.
    pub(super) mac: Option<[u8; 6]>,
    pub(super) port: Option<u16>,
    pub(super) way: Way,
}

/// What kind of way a frame goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// It asks for a hardware address.
    Resolves,
    /// It asks every node, or every router, on the link.
    Everyone,
    /// A packet to one address, over so many hops at most.
    Packet(u8),
}

/// Reads whom `bytes`, a frame out of `interface`, goes to.
pub(super) fn read(bytes: &[u8], interface: &Interface, tier: Tier) -> Result<Receiver, Refusal> {
    let frame = Frame::parse(bytes).map_err(unreadable)?;
    // A tag would lead into a network that the scope does not name.
    require(frame.vlan.is_none())?;
    if let Some(mac) = interface.mac
        && frame.source != mac.0
    {
        return Err(stranger(interface));
    }
    match frame.kind {
        Kind::Type(ethernet::ARP) => read_arp(&frame, interface),
        Kind::Type(ethernet::IPV4) => read_ipv4(&frame, interface, tier),
        Kind::Type(ethernet::IPV6) => read_ipv6(&frame, interface),
        _ => Err(Refusal::Unreadable),
    }
}

fn read_arp(frame: &Frame<'_>, interface: &Interface) -> Result<Receiver, Refusal> {
    let arp = Arp::parse(frame.payload).map_err(unreadable)?;
    // A question about one's own address is an announcement, which changes what others remember.
    require(arp.operation == arp::REQUEST && arp.sender != arp.target)?;
    let own = arp.sender.is_unspecified() || is_own(interface, arp.sender.into());
    if arp.sender_mac != frame.source || !own {
        return Err(stranger(interface));
    }
    let everybody = frame.destination == [0xff; 6];
    let mac = if everybody { None } else { one(frame.destination, interface)? };
    let address = IpAddr::V4(arp.target);
    require_one_host(address, interface)?;
    Ok(Receiver { address, mac, port: None, way: Way::Resolves })
}

fn read_ipv4(frame: &Frame<'_>, interface: &Interface, tier: Tier) -> Result<Receiver, Refusal> {
    let packet = ipv4::Packet::parse(frame.payload).map_err(unreadable)?;
    let whole = !packet.is_fragment() && packet.missing == 0;
    require(whole && packet.time_to_live > 0)?;
    // Other options, such as a source route, would choose another receiver than the one shown.
    let options = tcp::options(packet.options);
    require(packet.options.is_empty() || tier >= Tier::FirstRouter)?;
    require(options.into_iter().all(|(number, _)| OPTIONS.contains(&number)))?;
    if !is_own(interface, packet.source.into()) {
        return Err(stranger(interface));
    }
    let port = match packet.protocol {
        ICMP => {
            let message = Icmp::parse(packet.payload).map_err(unreadable)?;
            require(QUESTIONS.contains(&message.kind) && message.code == 0)?;
            None
        }
        other => Some(port(other, packet.payload)?),
    };
    let address = IpAddr::V4(packet.destination);
    require_one_host(address, interface)?;
    let mac = one(frame.destination, interface)?;
    Ok(Receiver { address, mac, port, way: Way::Packet(packet.time_to_live) })
}

fn read_ipv6(frame: &Frame<'_>, interface: &Interface) -> Result<Receiver, Refusal> {
    let packet = ipv6::Packet::parse(frame.payload).map_err(unreadable)?;
    let mut r = Reader::new(frame.payload);
    r.skip("version and length", 6).map_err(unreadable)?;
    // An extension header, such as a routing header, could choose another receiver than the one shown.
    let bare = r.u8("next header").map_err(unreadable)? == packet.protocol;
    require(bare && packet.fragment.is_none() && packet.missing == 0 && packet.hop_limit > 0)?;
    if !is_own(interface, packet.source.into()) {
        return Err(stranger(interface));
    }
    let to = packet.destination;
    let whole = |way, port| {
        require_one_host(to.into(), interface)?;
        Ok(Receiver { address: to.into(), mac: one(frame.destination, interface)?, port, way })
    };
    if packet.protocol != icmpv6::NUMBER {
        let port = port(packet.protocol, packet.payload)?;
        return whole(Way::Packet(packet.hop_limit), Some(port));
    }
    let everyone = Receiver { address: to.into(), mac: None, port: None, way: Way::Everyone };
    if let Ok(Ndp { message, .. }) = Ndp::parse(packet.payload) {
        require(packet.hop_limit == 255)?;
        return match message {
            Message::NeighborSolicitation { target } => {
                let address = IpAddr::V6(target);
                require_one_host(address, interface)?;
                let mac = if to == solicited(target) {
                    require(frame.destination == multicast(to))?;
                    None
                } else {
                    require(to == target)?;
                    one(frame.destination, interface)?
                };
                Ok(Receiver { address, mac, port: None, way: Way::Resolves })
            }
            Message::RouterSolicitation => {
                require(to == ALL_ROUTERS && frame.destination == multicast(to))?;
                Ok(everyone)
            }
            // The others tell something, which changes what others remember.
            _ => Err(Refusal::Unreadable),
        };
    }
    let message = Icmpv6::parse(packet.payload).map_err(unreadable)?;
    require(QUESTIONS_V6.contains(&message.kind))?;
    if to == ALL_NODES {
        require(message.kind == icmpv6::ECHO && frame.destination == multicast(to))?;
        return Ok(everyone);
    }
    whole(Way::Packet(packet.hop_limit), None)
}

/// The port that `payload`, of this protocol, goes to.
fn port(protocol: u8, payload: &[u8]) -> Result<u16, Refusal> {
    match protocol {
        TCP => {
            let segment = Segment::parse(payload).map_err(unreadable)?;
            let (begins, ends, resets) = (
                segment.has(tcp::flag::SYN),
                segment.has(tcp::flag::FIN),
                segment.has(tcp::flag::RST),
            );
            let alone = u8::from(begins) + u8::from(ends) + u8::from(resets) <= 1;
            require(alone && (begins || resets || segment.has(tcp::flag::ACK)))?;
            Ok(segment.destination)
        }
        UDP => Datagram::parse(payload).map(|datagram| datagram.destination).map_err(unreadable),
        _ => Err(Refusal::Unreadable),
    }
}

/// The solicited-node address of `target` (RFC 4291, 2.7.1).
fn solicited(target: Ipv6Addr) -> Ipv6Addr {
    let low = target.to_bits() & 0x00ff_ffff;
    Ipv6Addr::from_bits(0xff02_0000_0000_0000_0000_0001_ff00_0000 | low)
}

/// The hardware address that a multicast address is sent to (RFC 2464, 7).
fn multicast(address: Ipv6Addr) -> [u8; 6] {
    let [.., a, b, c, d] = address.octets();
    [0x33, 0x33, a, b, c, d]
}

/// `mac`, when it is one machine's. Loopback has none.
fn one(mac: [u8; 6], interface: &Interface) -> Result<Option<[u8; 6]>, Refusal> {
    if interface.loopback {
        return Ok(None);
    }
    require(!Mac(mac).is_group() && !Mac(mac).is_zero())?;
    Ok(Some(mac))
}

/// Refuses addresses that are not one host's, as far as the interface shows.
fn require_one_host(address: IpAddr, interface: &Interface) -> Result<(), Refusal> {
    let many = match address {
        IpAddr::V4(v4) => v4.is_broadcast() || is_broadcast_of(interface, v4),
        IpAddr::V6(_) => false,
    };
    require(!many && !address.is_multicast() && !address.is_unspecified())
}

fn is_broadcast_of(interface: &Interface, address: Ipv4Addr) -> bool {
    interface.addresses.iter().any(|network| match network {
        ipnetwork::IpNetwork::V4(v4) => v4.prefix() < 31 && v4.broadcast() == address,
        ipnetwork::IpNetwork::V6(_) => false,
    })
}

/// Whether an address is the interface's own.
pub(super) fn is_own(interface: &Interface, address: IpAddr) -> bool {
    interface.addresses.iter().any(|network| network.ip() == address)
}

fn stranger(interface: &Interface) -> Refusal {
    Refusal::System(format!("the sender of the frame is not {} itself", interface.name))
}

/// Refuses a frame that is not what it has to be.
pub(super) fn require(holds: bool) -> Result<(), Refusal> {
    if holds { Ok(()) } else { Err(Refusal::Unreadable) }
}

/// What is said of a frame that cannot be read.
pub(super) fn unreadable(_: crate::wire::Error) -> Refusal {
    Refusal::Unreadable
}
