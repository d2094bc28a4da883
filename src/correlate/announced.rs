//! What servers of a wire say of ways out: the routers and routes that DHCP hands to everybody, and the ways in that a
//! gateway leads inside.
//!
//! A router that DHCP names is where everybody's packets go. That is no sign by itself: the hospital's own is named so,
//! too. It is one where the router is none of the hospital's, where two servers disagree, or where a route leads outside.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr},
};

use ipnetwork::Ipv4Network;

use super::{Direction, Kind, Service, sign::Sign};
use crate::{
    observe::{Endpoint, Observation, Side, Transport},
    scope::{
        Inside,
        inside::{is_global, is_nowhere},
    },
};

/// The prefix of a network of which a server does not tell the mask.
const USUAL_PREFIX: u8 = 24;

/// How many servers of one network, and routers of one server, are held against each other.
const MOST_SERVERS: usize = 16;

/// What a way in leads to, by the port inside.
static BEHIND: &[(&[u16], Kind)] = &[
    (&[3389, 3388, 3390, 5900, 5901, 5902, 1494], Kind::RemoteDesktop),
    (&[22, 23], Kind::RemoteShell),
    (&[500, 4500, 1194, 1701, 1723, 51_820], Kind::VpnGateway),
    (&[5938, 7070, 4899], Kind::RemoteControl),
    (&[1080, 3128], Kind::ProxyRelay),
];

/// What the DHCP servers of each network name as its routers.
#[derive(Debug, Default)]
pub(super) struct Named {
    routers: BTreeMap<Ipv4Network, BTreeMap<IpAddr, BTreeSet<Ipv4Addr>>>,
}

impl Named {
    /// What the servers in `observations` name.
    pub(super) fn new(observations: &[Observation]) -> Self {
        let mut named = Self::default();
        for o in observations.iter().filter(|o| is_lease(o)) {
            let Some((network, server)) = network(o).zip(server(o)) else { continue };
            let servers = named.routers.entry(network).or_default();
            if servers.len() < MOST_SERVERS || servers.contains_key(&server) {
                let known = servers.entry(server).or_default();
                known.extend(routers(o).take(MOST_SERVERS));
            }
        }
        named
    }

    /// Whether another server of the same network names none of the routers that this one does.
    fn disagrees(&self, o: &Observation) -> bool {
        let Some((network, server)) = network(o).zip(server(o)) else { return false };
        let Some(servers) = self.routers.get(&network) else { return false };
        let Some(own) = servers.get(&server).filter(|own| !own.is_empty()) else { return false };
        let others = servers.iter().filter(|(other, named)| **other != server && !named.is_empty());
        let mut others = others.map(|(_, named)| named);
        others.any(|named| named.is_disjoint(own))
    }
}

/// What `observation` says, held against what others named.
pub(super) fn signs<'a>(o: &'a Observation, inside: &Inside, named: &Named) -> Vec<Sign<'a>> {
    if is_lease(o) {
        return of_lease(o, inside, named);
    }
    if o.side == Side::Client {
        return Vec::new();
    }
    let ways_in = o.facts.all("upnp.mapping").flat_map(|value| of_way_in(o, value, inside));
    ways_in.chain(of_line(o)).collect()
}

/// Whether a server tells a client its settings.
fn is_lease(o: &Observation) -> bool {
    let kind = o.facts.get("dhcp.message");
    o.protocol == "dhcp" && o.side == Side::Server && matches!(kind, Some("offer" | "acknowledge"))
}

fn server(o: &Observation) -> Option<IpAddr> {
    o.facts.get("dhcp.server").and_then(|text| text.parse().ok()).or(o.speaker.ip)
}

fn routers(o: &Observation) -> impl Iterator<Item = Ipv4Addr> {
    o.facts.all("dhcp.router").filter_map(|text| text.parse().ok())
}

/// The network that a client is given an address of.
fn network(o: &Observation) -> Option<Ipv4Network> {
    let address: Ipv4Addr = o.facts.get("dhcp.address")?.parse().ok()?;
    let mask = o.facts.get("dhcp.subnet").and_then(|text| text.parse().ok());
    let told = mask.and_then(|mask| Ipv4Network::with_netmask(address, mask).ok());
    let prefix = told.map_or(USUAL_PREFIX, ipnetwork::Ipv4Network::prefix);
    let network = Ipv4Network::new(address, prefix).ok()?;
    Ipv4Network::new(network.network(), prefix).ok()
}

/// The signs in what a DHCP server hands out, each about the router that it names.
fn of_lease<'a>(o: &'a Observation, inside: &Inside, named: &Named) -> Vec<Sign<'a>> {
    let mut signs = Vec::new();
    let disagrees = named.disagrees(o);
    for router in routers(o) {
        let value = router.to_string();
        // Only who says which prefixes are the hospital's can tell that one is not.
        if inside.is_given() && inside.is_outside(router.into()) {
            let rule = "dhcp_foreign_gateway";
            signs.push(about_router(o, router, Kind::InternetGateway, rule, &value, 0.6));
        }
        if disagrees {
            let rule = "dhcp_gateways_differ";
            signs.push(about_router(o, router, Kind::InternetGateway, rule, &value, 0.4));
        }
    }
    for value in o.facts.all("dhcp.route") {
        let Some((destination, router)) = route(value) else { continue };
        let leads_out = |ip: Ipv4Addr| !ip.is_unspecified() && inside.is_outside(ip.into());
        if !leads_out(destination) {
            continue;
        }
        let kind = if is_global(destination.into()) {
            Kind::InternetGateway
        } else {
            Kind::ClosedNetworkGateway
        };
        let sign = about_router(o, router, kind, "dhcp_route_outside", value, 0.5);
        signs.push(Sign { field: "dhcp.route".to_owned(), ..sign });
    }
    signs
}

/// Reads a route as the facts tell it: `172.30.0.0/16 via 10.0.0.9`, or one host without a prefix.
fn route(text: &str) -> Option<(Ipv4Addr, Ipv4Addr)> {
    let (destination, router) = text.split_once(" via ")?;
    let destination = destination.split('/').next()?;
    Some((destination.parse().ok()?, router.parse().ok()?))
}

fn about_router<'a>(
    o: &'a Observation,
    router: Ipv4Addr,
    kind: Kind,
    evidence: &str,
    value: &str,
    weight: f64,
) -> Sign<'a> {
    // A server that names itself is known by its hardware address, too, whatever its prefix.
    let itself = o.speaker.ip == Some(router.into());
    let mac = o.speaker.mac.filter(|_| itself);
    let ip = if mac.is_some() { None } else { Some(router.into()) };
    Sign {
        about: Endpoint { ip, mac, port: None, transport: Transport::Ip },
        kind: Some(kind),
        evidence: evidence.to_owned(),
        field: "dhcp.router".to_owned(),
        value: value.to_owned(),
        observation: o,
        weight,
        proves: false,
        direction: Direction::Out,
        service: None,
        outside: None,
    }
}

/// A way in, read from the words in which facts tell it: `tcp 8443 to 192.0.2.10:443 (camera)`.
struct WayIn {
    transport: Transport,
    outside: u16,
    client: Ipv4Addr,
    inside: u16,
}

impl WayIn {
    fn read(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let transport = match words.next()? {
            "tcp" => Transport::Tcp,
            "udp" => Transport::Udp,
            _ => return None,
        };
        let outside = words.next()?.parse().ok()?;
        let (client, inside) = words.nth(1)?.rsplit_once(':')?;
        Some(Self {
            transport,
            outside,
            client: client.parse().ok()?,
            inside: inside.parse().ok()?,
        })
    }
}

/// The signs of one way in: about the gateway, and about whom it leads to.
fn of_way_in<'a>(o: &'a Observation, value: &'a str, inside: &Inside) -> Vec<Sign<'a>> {
    let Some(way) = WayIn::read(value) else { return Vec::new() };
    let sign = |about: Endpoint, kind, evidence: &str, weight, port| Sign {
        about,
        kind,
        evidence: evidence.to_owned(),
        field: "upnp.mapping".to_owned(),
        value: value.to_owned(),
        observation: o,
        weight,
        proves: false,
        direction: Direction::In,
        service: Some(Service {
            transport: way.transport,
            port: Some(port),
            protocol: "upnp".to_owned(),
        }),
        outside: None,
    };
    let gateway = Some(Kind::InternetGateway);
    let mut signs = vec![sign(o.speaker, gateway, "forwards_port", 0.85, way.outside)];
    let client = IpAddr::V4(way.client);
    // A gateway may say anything; only hosts of the hospital's are told of.
    if inside.contains(client) && !is_nowhere(client) && o.speaker.ip != Some(client) {
        let behind = BEHIND.iter().find(|(ports, _)| ports.contains(&way.inside));
        let port = Some(way.inside);
        let about = Endpoint { ip: Some(client), mac: None, port, transport: way.transport };
        let kind = behind.map(|(_, kind)| *kind);
        signs.push(sign(about, kind, "reached_from_outside", 0.5, way.inside));
    }
    signs
}

/// A gateway that says that its line is up (WANIPConnection:1, 2.2.2).
fn of_line(o: &Observation) -> Option<Sign<'_>> {
    let value = o.facts.get("upnp.status").filter(|value| *value == "Connected")?;
    Some(Sign {
        about: o.speaker,
        kind: Some(Kind::InternetGateway),
        evidence: "line_is_up".to_owned(),
        field: "upnp.status".to_owned(),
        value: value.to_owned(),
        observation: o,
        weight: 0.6,
        proves: false,
        direction: Direction::Out,
        service: None,
        outside: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::{Confidence, Facts, Heard, Mac, PacketId};

    fn said(speaker: [u8; 4], protocol: &'static str, facts: Facts) -> Observation {
        let speaker = Endpoint {
            ip: Some(speaker.into()),
            mac: Some(Mac([2, 0, 0, 0, 0, speaker[3]])),
            port: None,
            transport: Transport::Udp,
        };
        Observation {
            at: crate::time::Timestamp::default(),
            packet: PacketId::default(),
            heard: Heard::Replied,
            speaker,
            listener: None,
            protocol,
            side: Side::Server,
            confidence: Confidence::Certain,
            facts,
        }
    }

    /// An offer of an address in 10.0.0.0/24 by a server, with routers.
    fn offer(server: [u8; 4], routers: &[&str], routes: &[&str]) -> Observation {
        let facts = Facts::default()
            .with("dhcp.message", "offer")
            .with("dhcp.address", "10.0.0.77")
            .with("dhcp.subnet", "255.255.255.0")
            .with("dhcp.server", Ipv4Addr::from(server));
        let facts = routers.iter().fold(facts, |facts, router| facts.with("dhcp.router", router));
        let facts = routes.iter().fold(facts, |facts, route| facts.with("dhcp.route", route));
        said(server, "dhcp", facts)
    }

    fn given() -> Inside {
        Inside::given(vec!["10.0.0.0/16".parse().unwrap()])
    }

    /// Each sign of all that was said: about whom, its rule and its kind.
    fn told(heard: &[Observation], inside: &Inside) -> Vec<String> {
        let named = Named::new(heard);
        let signs = heard.iter().flat_map(|o| signs(o, inside, &named));
        signs
            .map(|sign| {
                let whom = sign.about.ip.map(|ip| ip.to_string());
                let whom = whom.or_else(|| sign.about.mac.map(|mac| mac.to_string()));
                let kind = sign.kind.map_or("-", Kind::name);
                format!("{} {} {kind}", whom.unwrap_or_default(), sign.evidence)
            })
            .collect()
    }

    #[test]
    fn the_router_of_a_hospital_s_own_network_is_no_sign() {
        let one = [offer([10, 0, 0, 1], &["10.0.0.1"], &["0.0.0.0/0 via 10.0.0.1"])];
        let pair = [
            offer([10, 0, 0, 2], &["10.0.0.1"], &["10.0.9.0/24 via 10.0.0.1"]),
            offer([10, 0, 0, 3], &["10.0.0.254", "10.0.0.1"], &[]),
            offer([10, 0, 0, 4], &[], &[]),
        ];
        for inside in [given(), Inside::inferred([])] {
            assert_eq!(told(&one, &inside), [""; 0]);
            assert_eq!(told(&pair, &inside), [""; 0]);
        }
    }

    #[test]
    fn a_router_that_is_none_of_the_hospitals_or_that_another_server_does_not_know_is_told() {
        let left = [offer([192, 168, 1, 1], &["192.168.1.1"], &[])];
        assert_eq!(
            told(&left, &given()),
            ["02:00:00:00:00:01 dhcp_foreign_gateway internet_gateway"]
        );
        assert_eq!(
            told(&left, &Inside::inferred([])),
            [""; 0],
            "nobody said what is the hospital's"
        );
        let both =
            [offer([10, 0, 0, 2], &["10.0.0.1"], &[]), offer([10, 0, 0, 60], &["10.0.0.60"], &[])];
        assert_eq!(
            told(&both, &given()),
            [
                "10.0.0.1 dhcp_gateways_differ internet_gateway",
                "02:00:00:00:00:3c dhcp_gateways_differ internet_gateway"
            ]
        );
        let facts = Facts::default()
            .with("dhcp.message", "offer")
            .with("dhcp.address", "10.0.1.77")
            .with("dhcp.router", "10.0.1.60");
        let elsewhere = said([10, 0, 1, 60], "dhcp", facts);
        assert_eq!(told(&[both[0].clone(), elsewhere], &given()), [""; 0], "another network");
    }

    #[test]
    fn a_route_to_the_outside_shows_who_is_the_way_there() {
        let routes =
            ["172.30.0.0/16 via 10.0.0.9", "203.0.113.7 via 10.0.0.8", "nonsense", "a via b"];
        let heard = [offer([10, 0, 0, 2], &["10.0.0.1"], &routes)];
        let of_internet = "10.0.0.8 dhcp_route_outside internet_gateway";
        let closed = "10.0.0.9 dhcp_route_outside closed_network_gateway";
        assert_eq!(told(&heard, &given()), [closed, of_internet]);
        assert_eq!(told(&heard, &Inside::inferred([])), [of_internet]);
        let asked = Observation { side: Side::Client, ..heard[0].clone() };
        assert_eq!(told(&[asked], &given()), [""; 0]);
    }

    #[test]
    fn a_way_in_is_told_of_the_gateway_and_of_whom_it_leads_to() {
        let gateway =
            |value: &str| said([10, 0, 0, 1], "http", Facts::default().with("upnp.mapping", value));
        let of = |value: &str| told(&[gateway(value)], &given());
        let own = "10.0.0.1 forwards_port internet_gateway";
        assert_eq!(
            of("tcp 33389 to 10.0.0.40:3389 (rdp)"),
            [own, "10.0.0.40 reached_from_outside remote_desktop"]
        );
        assert_eq!(of("udp 9999 to 10.0.0.41:9999"), [own, "10.0.0.41 reached_from_outside -"]);
        for nobody in ["192.168.9.9", "224.0.0.1", "10.0.0.1", "0.0.0.0"] {
            assert_eq!(of(&format!("tcp 80 to {nobody}:80")), [own], "{nobody}");
        }
        for nonsense in
            ["", "tcp", "gre 1 to 10.0.0.9:1", "tcp 80 to camera:80", "tcp x to 10.0.0.9:1"]
        {
            assert_eq!(of(nonsense), [""; 0], "{nonsense}");
        }
        let up = said([10, 0, 0, 1], "http", Facts::default().with("upnp.status", "Connected"));
        assert_eq!(told(&[up], &given()), ["10.0.0.1 line_is_up internet_gateway"]);
        let down =
            said([10, 0, 0, 1], "http", Facts::default().with("upnp.status", "Disconnected"));
        assert_eq!(told(&[down], &given()), [""; 0]);
    }
}
