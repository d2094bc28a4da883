//! What this machine is connected to: its interfaces, its routes, and whom its kernel knows on the wire.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr},
};

use ipnetwork::{IpNetwork, Ipv4Network};

use super::{Interface, raw};
use crate::observe::Mac;

/// What an interface without a told limit carries at most, in bytes.
const USUAL_MTU: u32 = 1500;

/// A route of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Where it leads.
    pub prefix: Ipv4Network,
    /// Out of which interface.
    pub interface: String,
    /// Through which router; none on the wire itself.
    pub gateway: Option<Ipv4Addr>,
    /// The lower is preferred.
    pub metric: u32,
}

/// Somebody on the wire, as this machine's kernel knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Neighbour {
    /// Its address.
    pub address: Ipv4Addr,
    /// Its hardware address.
    pub mac: Mac,
    /// The interface that it is behind.
    pub interface: String,
}

/// The interfaces of this machine, by their names.
pub fn all() -> Vec<Interface> {
    let mut all: Vec<Interface> = pnet_datalink::interfaces()
        .into_iter()
        .map(|interface| Interface {
            mtu: raw::mtu(&interface.name).unwrap_or(USUAL_MTU),
            mac: interface.mac.map(|mac| Mac(mac.octets())).filter(|mac| !mac.is_zero()),
            up: interface.is_up(),
            loopback: interface.is_loopback(),
            addresses: interface.ips,
            name: interface.name,
        })
        .collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

/// The prefixes on the wires of this machine, with the interface of each; not those of loopback.
pub fn connected_prefixes() -> Vec<(String, IpNetwork)> {
    let mut connected = Vec::new();
    for interface in all().into_iter().filter(|interface| interface.up && !interface.loopback) {
        for address in &interface.addresses {
            if let Ok(prefix) = IpNetwork::new(address.network(), address.prefix()) {
                connected.push((interface.name.clone(), prefix));
            }
        }
    }
    connected
}

/// The IPv4 routes of this machine; none where the system does not tell them.
pub fn routes() -> Vec<Route> {
    parse_routes(&fs::read_to_string("/proc/net/route").unwrap_or_default())
}

/// The route that packets to `address` take.
pub fn route_to(address: Ipv4Addr) -> Option<Route> {
    best(routes(), address)
}

/// The routers that lead everywhere.
pub fn default_gateways() -> Vec<Route> {
    routes().into_iter().filter(|route| route.prefix.prefix() == 0).collect()
}

/// Whom the kernel knows on the wire.
pub fn neighbours() -> Vec<Neighbour> {
    parse_neighbours(&fs::read_to_string("/proc/net/arp").unwrap_or_default())
}

/// Our address on `interface` from which `to` is asked: in its prefix if there is one, else the first of its family.
pub fn source_for(interface: &Interface, to: IpAddr) -> Option<IpAddr> {
    let same_family = |own: &&IpNetwork| own.is_ipv4() == to.is_ipv4();
    let own = interface.addresses.iter().filter(same_family);
    own.clone().find(|own| own.contains(to)).or_else(|| own.clone().next()).map(IpNetwork::ip)
}

fn best(routes: Vec<Route>, address: Ipv4Addr) -> Option<Route> {
    let leads = |route: &Route| route.prefix.contains(address);
    let rank = |route: &Route| (u32::from(route.prefix.prefix()), u32::MAX - route.metric);
    routes.into_iter().filter(leads).max_by_key(rank)
}

/// Reads the kernel's table: hexadecimal numbers in the machine's byte order, a route a line.
fn parse_routes(table: &str) -> Vec<Route> {
    const UP: u16 = 1;
    const REJECT: u16 = 0x200;
    let read = |line: &str| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let [interface, destination, gateway, flags, _, _, metric, mask, ..] = columns[..] else {
            return None;
        };
        let address = |text: &str| {
            let bits = u32::from_str_radix(text, 16).ok()?;
            Some(Ipv4Addr::from(bits.to_ne_bytes()))
        };
        let flags = u16::from_str_radix(flags, 16).ok()?;
        let prefix = Ipv4Network::with_netmask(address(destination)?, address(mask)?).ok()?;
        let route = Route {
            prefix,
            interface: interface.to_owned(),
            gateway: address(gateway).filter(|gateway| !gateway.is_unspecified()),
            metric: metric.parse().ok()?,
        };
        (flags & UP != 0 && flags & REJECT == 0).then_some(route)
    };
    table.lines().skip(1).filter_map(read).collect()
}

/// Reads the kernel's table: address, hardware type, flags, hardware address, mask, interface.
fn parse_neighbours(table: &str) -> Vec<Neighbour> {
    let read = |line: &str| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let [address, _, _, mac, _, interface] = columns[..] else { return None };
        let mut octets = [0; 6];
        let mut parts = mac.split(':');
        for octet in &mut octets {
            *octet = u8::from_str_radix(parts.next()?, 16).ok()?;
        }
        let mac = Some(Mac(octets)).filter(|mac| !mac.is_zero())?;
        Some(Neighbour { address: address.parse().ok()?, mac, interface: interface.to_owned() })
    };
    table.lines().skip(1).filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_leads_and_then_the_lowest_metric() {
        // As the kernel of a little-endian machine writes it.
        let table = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n\
            eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n\
            wlan0\t00000000\t026433C6\t0003\t0\t0\t600\t00000000\t0\t0\t0\n\
            eth0\t000200C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n\
            *\t00007100\t00000000\t0200\t0\t0\t0\t00FFFFFF\t0\t0\t0\n";
        let routes = parse_routes(table);
        assert_eq!(routes.len(), 3, "{routes:?}");
        if cfg!(target_endian = "little") {
            let away = best(routes.clone(), [203, 0, 113, 9].into()).unwrap();
            assert_eq!(away.gateway, Some([192, 0, 2, 1].into()));
            let near = best(routes, [192, 0, 2, 9].into()).unwrap();
            assert_eq!((near.gateway, near.prefix.prefix()), (None, 24));
        }
    }

    #[test]
    fn neighbours_without_an_answer_are_none() {
        let table = "IP address       HW type     Flags       HW address            Mask     Device\n\
            192.0.2.1        0x1         0x2         00:00:5e:00:53:01     *        eth0\n\
            192.0.2.2        0x1         0x0         00:00:00:00:00:00     *        eth0\n";
        let neighbours = parse_neighbours(table);
        assert_eq!(neighbours.len(), 1);
        assert_eq!(neighbours[0].mac, Mac([0, 0, 0x5e, 0, 0x53, 1]));
    }

    #[test]
    fn this_machine_has_loopback() {
        assert!(all().iter().any(|interface| interface.loopback && interface.mac.is_none()));
    }
}
