//! Who speaks on our wires from a private network that is none of theirs: a router that somebody left there with the
//! addresses it came with, a phone that shares its line, a host's other network.
//!
//! Only what stays on a wire shows them: ARP, DHCP, and what is said to everybody. A packet that a router handed on does
//! not.

use std::net::Ipv4Addr;

use ipnetwork::{IpNetwork, Ipv4Network};

use super::Interface;
use crate::{
    observe::Mac,
    scope::foreign::private,
    wire::{
        arp::Arp,
        dhcp,
        ethernet::{self, Frame, Kind},
        ipv4,
        udp::{self, Datagram},
    },
};

/// How many strangers, and how many of their networks, are remembered.
const MOST: usize = 1 << 10;

/// How many routers one DHCP server may name.
const MOST_NAMED: usize = 4;

/// The bits of a network of which only addresses are known.
const USUAL_PREFIX: u8 = 24;

/// Ports of what hosts say to everybody on a wire: SSDP and mDNS.
const SAID_TO_ALL: [u16; 2] = [1900, 5353];

/// Somebody who is in another network than the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stranger {
    /// The place of our interface on that wire.
    pub interface: usize,
    /// Its address.
    pub address: Ipv4Addr,
    /// Its hardware address; none where others named it.
    pub mac: Option<Mac>,
}

/// Those that were heard so far, in the order in which they were.
#[derive(Debug, Clone, Default)]
pub struct Strangers {
    all: Vec<Stranger>,
    /// Networks as a DHCP server there tells them.
    told: Vec<(usize, Ipv4Network)>,
}

impl Strangers {
    /// Those on the wire of an interface.
    pub fn on(&self, interface: usize) -> impl Iterator<Item = &Stranger> {
        self.all.iter().filter(move |stranger| stranger.interface == interface)
    }

    /// The network that `address` would be in on the wire of an interface; none when nobody in it was heard there.
    pub fn network_of(&self, interface: usize, address: Ipv4Addr) -> Option<Ipv4Network> {
        let told = self
            .told
            .iter()
            .filter(|(place, network)| *place == interface && network.contains(address));
        let smallest =
            told.max_by_key(|(_, network)| network.prefix()).map(|(_, network)| *network);
        let network = smallest.or_else(|| around(address, USUAL_PREFIX))?;
        (self.crowd(interface, network) > 0).then_some(network)
    }

    /// How many were heard in `network` on the wire of an interface.
    pub fn crowd(&self, interface: usize, network: Ipv4Network) -> usize {
        self.on(interface).filter(|stranger| network.contains(stranger.address)).count()
    }

    /// Remembers whom a frame shows that came in by `interface`, which has the place `place`.
    pub(super) fn hear(&mut self, place: usize, interface: &Interface, bytes: &[u8]) {
        let Ok(frame) = Frame::parse(bytes) else { return };
        let mac = Some(Mac(frame.source)).filter(|mac| !mac.is_group() && !mac.is_zero());
        match frame.kind {
            Kind::Type(ethernet::ARP) => {
                if let Ok(arp) = Arp::parse(frame.payload)
                    && arp.sender_mac == frame.source
                {
                    self.learn(place, interface, arp.sender, mac);
                }
            }
            Kind::Type(ethernet::IPV4) => {
                let Ok(packet) = ipv4::Packet::parse(frame.payload) else { return };
                if packet.protocol != udp::NUMBER || packet.is_fragment() {
                    return;
                }
                let Ok(datagram) = Datagram::parse(packet.payload) else { return };
                let to_all = packet.destination.is_multicast() || packet.destination.is_broadcast();
                if to_all && SAID_TO_ALL.contains(&datagram.destination) {
                    self.learn(place, interface, packet.source, mac);
                }
                if (datagram.source, datagram.destination) == (dhcp::SERVER_PORT, dhcp::CLIENT_PORT)
                    && let Ok(message) = dhcp::Message::parse(datagram.payload)
                {
                    self.learn(place, interface, packet.source, mac);
                    self.leases(place, interface, &message);
                }
            }
            _ => {}
        }
    }

    /// Remembers what a DHCP server tells of its network.
    fn leases(&mut self, place: usize, interface: &Interface, message: &dhcp::Message<'_>) {
        let routers = message.option(3).into_iter().flat_map(dhcp::addresses).take(MOST_NAMED);
        for router in routers {
            self.learn(place, interface, router, None);
        }
        let mask = message.option(1).and_then(|value| dhcp::address(value).ok());
        let network = mask.and_then(|mask| Ipv4Network::with_netmask(message.yours, mask).ok());
        let network = network.and_then(|told| around(message.yours, told.prefix()));
        if let Some(network) = network.filter(|_| is_strange(interface, message.yours))
            && self.told.len() < MOST
            && !self.told.contains(&(place, network))
        {
            self.told.push((place, network));
        }
    }

    fn learn(&mut self, place: usize, interface: &Interface, address: Ipv4Addr, mac: Option<Mac>) {
        if !is_strange(interface, address) {
            return;
        }
        let same = |known: &&mut Stranger| (known.interface, known.address) == (place, address);
        if let Some(known) = self.all.iter_mut().find(same) {
            known.mac = known.mac.or(mac);
        } else if self.all.len() < MOST {
            self.all.push(Stranger { interface: place, address, mac });
        }
    }
}

/// Whether `address` is private, and of no network of the interface.
fn is_strange(interface: &Interface, address: Ipv4Addr) -> bool {
    let own = |network: &IpNetwork| network.contains(address.into());
    private().contains(address.into()) && !interface.addresses.iter().any(own)
}

/// The network with `prefix` bits that `address` is in.
fn around(address: Ipv4Addr, prefix: u8) -> Option<Ipv4Network> {
    let network = Ipv4Network::new(address, prefix).ok()?;
    Ipv4Network::new(network.network(), prefix).ok()
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;

    use super::*;

    fn interface() -> Interface {
        Interface {
            name: "eth1".into(),
            mac: Some(Mac([2, 0, 0, 0, 0, 1])),
            addresses: vec!["10.10.1.250/24".parse().unwrap()],
            mtu: 1500,
            up: true,
            loopback: false,
        }
    }

    fn frame(kind: u16, payload: &[u8]) -> Vec<u8> {
        let source = hex!("00005e005302");
        Frame { destination: [0xff; 6], source, vlan: None, kind: Kind::Type(kind), payload }.emit()
    }

    fn asks(sender: [u8; 4]) -> Vec<u8> {
        let arp = Arp {
            operation: crate::wire::arp::REQUEST,
            sender_mac: hex!("00005e005302"),
            sender: sender.into(),
            target_mac: [0; 6],
            target: [10, 10, 1, 1].into(),
        };
        frame(ethernet::ARP, &arp.emit())
    }

    fn says(source: [u8; 4], ports: (u16, u16), payload: &[u8]) -> Vec<u8> {
        let datagram = Datagram { source: ports.0, destination: ports.1, payload };
        let packet = ipv4::Packet {
            source: source.into(),
            destination: Ipv4Addr::BROADCAST,
            time_to_live: 64,
            protocol: udp::NUMBER,
            identification: 0,
            dont_fragment: false,
            more_fragments: false,
            fragment_offset: 0,
            options: &[],
            payload: &datagram.emit(&[]),
            missing: 0,
        };
        frame(ethernet::IPV4, &packet.emit())
    }

    /// A server's offer of `yours`, with a mask and a router.
    fn offer(yours: [u8; 4], mask: [u8; 4], router: [u8; 4]) -> Vec<u8> {
        let mut message = dhcp::discover(1, [2; 6], 0);
        message[0] = 2;
        message[16..20].copy_from_slice(&yours);
        message.truncate(240);
        let options = [&[53, 1, 2, 1, 4][..], &mask, &[3, 4], &router, &[255]].concat();
        [message, options].concat()
    }

    fn heard(frames: &[Vec<u8>]) -> Strangers {
        let mut strangers = Strangers::default();
        for bytes in frames {
            strangers.hear(0, &interface(), bytes);
        }
        strangers
    }

    #[test]
    fn whoever_speaks_from_another_private_network_is_a_stranger() {
        let known = heard(&[
            asks([10, 10, 1, 7]),
            asks([192, 168, 1, 1]),
            asks([192, 168, 1, 1]),
            asks([203, 0, 113, 1]),
            asks([0, 0, 0, 0]),
            says([192, 168, 42, 129], (1900, 1900), b"NOTIFY"),
            says([192, 168, 43, 1], (40_000, 7777), b"?"),
        ]);
        let all: Vec<_> = known.on(0).map(|stranger| stranger.address.to_string()).collect();
        assert_eq!(all, ["192.168.1.1", "192.168.42.129"]);
        assert!(known.on(0).all(|stranger| stranger.mac == Some(Mac(hex!("00005e005302")))));
        assert_eq!(known.on(1).count(), 0);
        let network = known.network_of(0, [192, 168, 1, 200].into()).unwrap();
        assert_eq!((network.to_string().as_str(), known.crowd(0, network)), ("192.168.1.0/24", 1));
        assert_eq!(known.network_of(0, [192, 168, 2, 1].into()), None);
        assert_eq!(known.network_of(1, [192, 168, 1, 1].into()), None);
    }

    #[test]
    fn a_dhcp_server_tells_its_router_and_how_large_its_network_is() {
        let told = offer([192, 168, 9, 20], [255, 255, 255, 240], [192, 168, 9, 17]);
        let known = heard(&[says([192, 168, 9, 18], (67, 68), &told)]);
        let all: Vec<_> = known.on(0).map(|one| (one.address, one.mac.is_some())).collect();
        let at = |last| Ipv4Addr::new(192, 168, 9, last);
        assert_eq!(all, [(at(18), true), (at(17), false)]);
        assert_eq!(known.network_of(0, at(30)).unwrap().prefix(), 28);
        assert_eq!(known.network_of(0, at(200)).map(ipnetwork::Ipv4Network::prefix), Some(24));
    }

    #[test]
    fn no_frame_harms_who_listens_and_only_so_many_are_remembered() {
        let whole = says([192, 168, 9, 18], (67, 68), &offer([10; 4], [255; 4], [10; 4]));
        for end in 0..whole.len() {
            heard(&[whole[..end].to_vec()]);
        }
        let many: Vec<Vec<u8>> = (0..2000_u16)
            .map(|n| asks([172, 16, n.to_be_bytes()[0], n.to_be_bytes()[1]]))
            .collect();
        assert_eq!(heard(&many).on(0).count(), MOST);
    }
}
