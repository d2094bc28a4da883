//! Frames in: ARP, neighbour discovery, packets to one host or to all.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use ipnetwork::IpNetwork;

use super::{
    Sim,
    announce::ACCESS,
    network::{Ends, Passage, Segment as Wire},
    packet::{Packet, v6},
    routing::{Journey, Way},
};
use crate::{
    observe::Mac,
    wire::{
        arp::{self, Arp},
        ethernet::{self, Frame, Kind},
        icmpv6, ipv4, ipv6,
        ndp::{self, Message, Ndp},
        tcp::{self, Segment},
        udp::{self, Datagram},
    },
};

/// Where a frame came in, and whom answers go to.
#[derive(Clone, Copy)]
pub(super) struct Asker {
    pub(super) interface: usize,
    pub(super) segment: usize,
    pub(super) mac: [u8; 6],
}

impl Sim {
    /// Lets a frame that came out of our `interface` have its effects.
    pub(super) fn hear_frame(&mut self, interface: usize, bytes: &[u8]) {
        let on = |segment: &Wire| segment.interface == Some(interface);
        let Some(segment) = self.network.segments.iter().position(on) else { return };
        let Ok(frame) = Frame::parse(bytes) else { return };
        let asker = Asker { interface, segment, mac: frame.source };
        match frame.kind {
            Kind::Type(ethernet::ARP) => {
                if let Ok(arp) = Arp::parse(frame.payload) {
                    self.hear_arp(asker, frame.destination, &arp);
                }
            }
            Kind::Type(ethernet::IPV4 | ethernet::IPV6) => {
                if let Some(packet) = Packet::parse(frame.payload) {
                    self.hear_packet(asker, frame.destination, &packet);
                }
            }
            Kind::Type(ACCESS) => self.hear_access(asker, frame.payload),
            _ => {}
        }
    }

    fn hear_arp(&mut self, asker: Asker, destination: [u8; 6], arp: &Arp) {
        if arp.operation == arp::REPLY {
            let place = self.network.by_mac.get(&(asker.segment, Mac(destination))).copied();
            if let Some(place) = place.filter(|_| !arp.sender.is_unspecified()) {
                self.learn(place, arp.sender.into(), arp.sender_mac);
            }
            return;
        }
        if arp.operation != arp::REQUEST {
            return;
        }
        self.count_to(arp.target.into(), true);
        let Some((place, mac)) = self.resolved(asker, arp.target.into()) else { return };
        let Passage::Through(after) = self.passes(place, true) else { return };
        // Who is asked learns of the one who asks.
        if !arp.sender.is_unspecified() {
            self.learn(place, arp.sender.into(), arp.sender_mac);
        }
        let answer = Arp {
            operation: arp::REPLY,
            sender_mac: mac.0,
            sender: arp.target,
            target_mac: arp.sender_mac,
            target: arp.sender,
        };
        self.answer(asker, place, mac, ethernet::ARP, Journey::new(answer.emit(), after));
    }

    /// The host of the asker's link that answers for `target`, and with which hardware address: whoever has it there, has
    /// it on another network, or leads to it.
    fn resolved(&self, asker: Asker, target: IpAddr) -> Option<(usize, Mac)> {
        let network = &self.network;
        let on_link = network.segment_of(target) == Some(asker.segment);
        if let Some(place) = network.by_address.get(&target).copied().filter(|_| on_link) {
            return Some((place, network.hosts.get(place)?.mac_for(target)?));
        }
        let here = |place: &usize| {
            let host = network.hosts.get(*place);
            host.and_then(|host| host.mac)
                .is_some_and(|mac| network.by_mac.get(&(asker.segment, mac)) == Some(place))
        };
        let weak = |place: &usize| {
            network.hosts.get(*place).is_some_and(|host| host.nature.ends == Ends::Weak)
        };
        let elsewhere = network.elsewhere.get(&target).copied();
        let proxy = || {
            let leads =
                |place: &usize| here(place) && network.leads_away(*place, asker.segment, target);
            network.proxies.iter().copied().find(leads)
        };
        let place = elsewhere.filter(|place| here(place) && weak(place)).or_else(proxy)?;
        Some((place, network.hosts.get(place)?.mac?))
    }

    fn passes(&mut self, place: usize, resolves: bool) -> Passage {
        match self.network.hosts.get_mut(place) {
            Some(host) => host.pass(resolves, &mut self.chance),
            None => Passage::Silent,
        }
    }

    fn hear_packet(&mut self, asker: Asker, destination: [u8; 6], packet: &Packet<'_>) {
        if packet.protocol == icmpv6::NUMBER
            && let Ok(Ndp { message, .. }) = Ndp::parse(packet.payload)
        {
            match message {
                Message::NeighborSolicitation { target } => {
                    self.hear_solicitation(asker, packet, target);
                    return;
                }
                Message::RouterSolicitation => {
                    self.hear_router_solicitation(asker, packet);
                    return;
                }
                _ => {}
            }
        }
        self.count_to(packet.destination, false);
        let from = Way::Segment(asker.segment);
        if Mac(destination).is_group() {
            self.hear_discover(asker, packet);
            // What is for one host alone is heard by nobody else when it is told to all.
            let for_all = self.is_for_all(asker, packet.destination);
            for place in 0..self.network.hosts.len() {
                if let Some(own) = self.own_address(asker, place, packet.source.is_ipv4())
                    && (for_all || own == packet.destination)
                    && self.listens_to_all(place, packet)
                    && let Passage::Through(after) = self.passes(place, false)
                {
                    let journey = Journey::new(packet.whole.to_vec(), after);
                    self.deliver(place, from, own, &journey);
                }
            }
            return;
        }
        let place = self.network.by_mac.get(&(asker.segment, Mac(destination))).copied();
        if let Some(place) = place {
            let journey = Journey::new(packet.whole.to_vec(), std::time::Duration::ZERO);
            self.arrive_at(place, from, Journey { ours: true, ..journey });
        }
    }

    /// Whether an address is a group's, or everybody's on the asker's link.
    fn is_for_all(&self, asker: Asker, address: IpAddr) -> bool {
        let IpAddr::V4(address) = address else { return address.is_multicast() };
        let prefixes = self.network.segments.get(asker.segment).map(|segment| &segment.prefixes);
        let mut prefixes = prefixes.into_iter().flatten();
        address.is_multicast()
            || address.is_broadcast()
            || prefixes
                .any(|prefix| matches!(prefix, IpNetwork::V4(v4) if v4.broadcast() == address))
    }

    /// An address of a host on the asker's link, of the version wanted.
    pub(super) fn own_address(&self, asker: Asker, place: usize, is_ipv4: bool) -> Option<IpAddr> {
        let host = self.network.hosts.get(place)?;
        let fits = |address: &&IpAddr| {
            address.is_ipv4() == is_ipv4
                && self.network.segment_of(**address) == Some(asker.segment)
        };
        host.addresses.iter().find(fits).copied()
    }

    /// Whether a host answers what is said to everybody: an echo request of IPv6, or a datagram to a port it serves.
    fn listens_to_all(&self, place: usize, packet: &Packet<'_>) -> bool {
        let Some(host) = self.network.hosts.get(place) else { return false };
        match packet.protocol {
            icmpv6::NUMBER => host.nature.echo,
            udp::NUMBER => Datagram::parse(packet.payload)
                .is_ok_and(|datagram| host.nature.udp.contains_key(&datagram.destination)),
            _ => false,
        }
    }

    fn hear_solicitation(&mut self, asker: Asker, packet: &Packet<'_>, target: Ipv6Addr) {
        self.count_to(target.into(), true);
        let Some((place, mac)) = self.resolved(asker, target.into()) else { return };
        let Passage::Through(after) = self.passes(place, true) else { return };
        let IpAddr::V6(source) = packet.source else { return };
        // Solicited and override; with the target's hardware address.
        let body = [&[0x60, 0, 0, 0], &target.octets()[..], &[2, 1], &mac.0].concat();
        let payload = icmpv6::seal(target, source, ndp::NEIGHBOR_ADVERTISEMENT, &body);
        let answer = v6(target, source, 255, icmpv6::NUMBER, &payload).emit();
        self.answer(asker, place, mac, ethernet::IPV6, Journey::new(answer, after));
    }

    /// Answers on the asker's own link, whoever the asker is.
    pub(super) fn answer(
        &mut self,
        asker: Asker,
        place: usize,
        mac: Mac,
        kind: u16,
        journey: Journey,
    ) {
        let Some(host) = self.network.hosts.get(place) else { return };
        let (repeats, loss) = (host.nature.repeats, host.nature.loss.from);
        if !self.chance.happens(loss) {
            let journey = Journey { repeats, ..journey };
            self.hear(asker.interface, mac, asker.mac, kind, &journey);
        }
    }
}

/// Whom a frame goes to, with its port where it has one.
pub(super) fn receiver(bytes: &[u8]) -> Option<SocketAddr> {
    let frame = Frame::parse(bytes).ok()?;
    let (address, protocol, payload) = match frame.kind {
        Kind::Type(ethernet::ARP) => {
            return Some(SocketAddr::new(Arp::parse(frame.payload).ok()?.target.into(), 0));
        }
        Kind::Type(ethernet::IPV4) => {
            let packet = ipv4::Packet::parse(frame.payload).ok()?;
            (packet.destination.into(), packet.protocol, packet.payload)
        }
        Kind::Type(ethernet::IPV6) => {
            let packet = ipv6::Packet::parse(frame.payload).ok()?;
            (packet.destination.into(), packet.protocol, packet.payload)
        }
        _ => return None,
    };
    let port = match protocol {
        tcp::NUMBER => Segment::parse(payload).map_or(0, |segment| segment.destination),
        udp::NUMBER => Datagram::parse(payload).map_or(0, |datagram| datagram.destination),
        _ => 0,
    };
    Some(SocketAddr::new(address, port))
}
