//! What boxes say unasked or to all: announcements, offers of addresses, of routes and of access lines.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
    time::Duration,
};

use ipnetwork::Ipv6Network;

use super::{
    Coming, Sim, What,
    frames::Asker,
    network::Passage,
    packet::{Packet, pseudo_header, v4, v6},
    routing::Journey,
};
use crate::wire::{
    Writer, dhcp, ethernet, icmpv6, ndp,
    pppoe::{self, Pppoe},
    udp::{self, Datagram},
};

/// The Ethernet type of the steps in which an access concentrator is found (RFC 2516, 4).
pub(super) const ACCESS: u16 = 0x8863;

/// What stands before the options of DHCP (RFC 2131, 3).
const COOKIE: u32 = 0x6382_5363;

/// Every node of a link (RFC 4291, 2.7.1).
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

/// A frame that a host says again and again.
#[derive(Debug, Clone)]
pub(super) struct Announced {
    pub(super) every: Duration,
    /// Our interface on the link on which it is said.
    pub(super) interface: usize,
    pub(super) frame: Arc<[u8]>,
}

/// What a server of addresses offers.
#[derive(Debug, Clone)]
pub(super) struct Offered {
    pub(super) address: Ipv4Addr,
    /// Options beside the kind of message and the server's name, as they stand in the offer.
    pub(super) options: Vec<u8>,
}

/// What a router of IPv6 tells when it is asked.
#[derive(Debug, Clone)]
pub(super) struct Advertised {
    /// For how many seconds it is a default router.
    pub(super) lifetime: u16,
    pub(super) prefixes: Vec<Ipv6Network>,
    pub(super) mtu: Option<u32>,
}

impl Sim {
    /// Begins what is said again and again.
    pub(super) fn announce(&mut self) {
        let hosts = self.network.hosts.iter().enumerate();
        let places: Vec<(usize, usize, Duration)> = hosts
            .flat_map(|(host, said)| {
                let said = said.announces.iter().enumerate();
                said.map(move |(place, announced)| (host, place, announced.every))
            })
            .collect();
        for (host, place, every) in places {
            self.queue_at(self.now.after(every), Coming::Announced(host, place));
        }
    }

    /// What is announced now, unless its host is silent; the next time is queued.
    pub(super) fn announced(&mut self, host: usize, place: usize) -> Option<What> {
        let said = self.network.hosts.get(host)?;
        let announced = said.announces.get(place)?.clone();
        let (silenced, loss) = (said.silenced, said.nature.loss.from);
        self.queue_at(self.now.after(announced.every), Coming::Announced(host, place));
        let Announced { interface, frame, .. } = announced;
        let heard = !silenced && !self.chance.happens(loss);
        heard.then(|| What::Frame { interface, bytes: frame.to_vec() })
    }

    /// Answers who looks for an access concentrator (RFC 2516, 5.2).
    pub(super) fn hear_access(&mut self, asker: Asker, payload: &[u8]) {
        let Ok(question) = Pppoe::parse(payload) else { return };
        if question.code != pppoe::PADI {
            return;
        }
        for place in 0..self.network.hosts.len() {
            let Some(host) = self.network.hosts.get_mut(place) else { return };
            let (Some(name), Some(mac)) = (host.concentrator.clone(), host.mac) else { continue };
            if self.network.by_mac.get(&(asker.segment, mac)) != Some(&place) {
                continue;
            }
            let Passage::Through(after) = host.pass(true, &mut self.chance) else { continue };
            let tags = Writer::new()
                .u16(pppoe::AC_NAME)
                .sized_u16(0, name.as_bytes())
                .bytes(question.payload)
                .finish();
            let offer = Pppoe { code: pppoe::PADO, session: 0, payload: &tags }.emit();
            self.answer(asker, place, mac, ACCESS, Journey::new(offer, after));
        }
    }

    /// Answers who looks for an address (RFC 2131, 3.1). Nothing is reserved.
    pub(super) fn hear_discover(&mut self, asker: Asker, packet: &Packet<'_>) {
        let Some(question) = Datagram::parse(packet.payload)
            .ok()
            .filter(|datagram| packet.protocol == udp::NUMBER && datagram.destination == 67)
        else {
            return;
        };
        let Ok(message) = dhcp::Message::parse(question.payload) else { return };
        let (Some([1]), Some(hardware)) = (message.option(53), message.hardware) else { return };
        for place in 0..self.network.hosts.len() {
            let Some(IpAddr::V4(server)) = self.own_address(asker, place, true) else { continue };
            let Some(host) = self.network.hosts.get_mut(place) else { return };
            let (Some(offered), Some(mac)) = (host.offers.clone(), host.mac) else { continue };
            let Passage::Through(after) = host.pass(true, &mut self.chance) else { continue };
            let Some(offer) = offer(question.payload, &offered, server, hardware) else { continue };
            // Who cannot take a packet for the address yet says so, and is answered as all are (RFC 2131, 4.1).
            let for_all = question.payload.get(10).is_some_and(|flags| flags & 0x80 != 0);
            let to = if for_all { Ipv4Addr::BROADCAST } else { offered.address };
            let datagram = Datagram { source: 67, destination: 68, payload: &offer };
            let length = 8 + offer.len();
            let payload =
                datagram.emit(&pseudo_header(server.into(), to.into(), udp::NUMBER, length));
            let bytes = v4(server, to, 64, udp::NUMBER, &payload).emit();
            let asker = if for_all { Asker { mac: [0xff; 6], ..asker } } else { asker };
            self.answer(asker, place, mac, ethernet::IPV4, Journey::new(bytes, after));
        }
    }

    /// Answers who looks for routers of IPv6 (RFC 4861, 6.2.6).
    pub(super) fn hear_router_solicitation(&mut self, asker: Asker, packet: &Packet<'_>) {
        let IpAddr::V6(source) = packet.source else { return };
        for place in 0..self.network.hosts.len() {
            let Some(host) = self.network.hosts.get_mut(place) else { return };
            let (Some(told), Some(mac)) = (host.advertises.clone(), host.mac) else { continue };
            let Some(own) = host.link_local() else { continue };
            if self.network.by_mac.get(&(asker.segment, mac)) != Some(&place) {
                continue;
            }
            let Passage::Through(after) = host.pass(true, &mut self.chance) else { continue };
            let all = source.is_unspecified();
            let to = if all { ALL_NODES } else { source };
            let payload =
                icmpv6::seal(own, to, ndp::ROUTER_ADVERTISEMENT, &advertisement(&told, mac.0));
            let bytes = v6(own, to, 255, icmpv6::NUMBER, &payload).emit();
            let asker = if all { Asker { mac: [0x33, 0x33, 0, 0, 0, 1], ..asker } } else { asker };
            self.answer(asker, place, mac, ethernet::IPV6, Journey::new(bytes, after));
        }
    }
}

/// An offer that answers `question`.
fn offer(
    question: &[u8],
    offered: &Offered,
    server: Ipv4Addr,
    hardware: [u8; 6],
) -> Option<Vec<u8>> {
    let (transaction, flags) = (question.get(4..8)?, question.get(10..12)?);
    let head = Writer::new().u8(2).u8(1).u8(6).u8(0).bytes(transaction).u16(0).bytes(flags);
    let addresses = head.u32(0).bytes(&offered.address.octets()).zeros(8);
    let names = addresses.bytes(&hardware).zeros(10 + 64 + 128).u32(COOKIE);
    let options = names.bytes(&[53, 1, 2, 54, 4]).bytes(&server.octets());
    Some(options.bytes(&offered.options).u8(255).finish())
}

/// What a router tells, from behind the checksum on.
fn advertisement(told: &Advertised, mac: [u8; 6]) -> Vec<u8> {
    let head = Writer::new().u8(64).u8(0).u16(told.lifetime).zeros(8).bytes(&[1, 1]).bytes(&mac);
    let head = match told.mtu {
        Some(mtu) => head.bytes(&[5, 1, 0, 0]).u32(mtu),
        None => head,
    };
    let prefixes = told.prefixes.iter().fold(head, |body, prefix| {
        let flags = body.bytes(&[3, 4, prefix.prefix(), 0xc0]);
        flags.u32(86_400).u32(14_400).u32(0).bytes(&prefix.network().octets())
    });
    prefixes.finish()
}
