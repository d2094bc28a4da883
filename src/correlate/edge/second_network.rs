//! Hosts with a foot in another network: they say so, or answer for an address there.

use std::{collections::BTreeMap, net::IpAddr};

use super::{
    super::{
        Direction, Kind,
        device::{Device, Devices},
        place::{Place, is_elsewhere, is_internet, is_shared},
        sign::Sign,
    },
    sign_of,
};
use crate::{
    observe::{Heard, Observation, Side},
    scope::{Inside, inside::is_nowhere},
};

/// How many addresses of one telling are looked at.
const MOST_TOLD: usize = 16;

/// For how many addresses of other networks a host answers when the link is asked who has them. A box that answers for
/// more stands in for others.
const MOST_ANSWERED: usize = 2;

/// A field in which a box tells an address of its own, or perhaps of its own.
struct Telling {
    field: &'static str,
    /// What is read of its value.
    read: fn(&str) -> Option<IpAddr>,
    rule: &'static str,
    /// How likely an address in another network is another foot of the box: where the hospital's networks are given, or
    /// the address is of the Internet, and otherwise.
    weights: (f64, f64),
    /// A private address there may be anybody's: it adds to a point, and makes none.
    vague: bool,
}

/// A box lists its addresses.
const fn lists(field: &'static str) -> Telling {
    let (rule, weights) = ("second_network", (0.8, 0.45));
    Telling { field, read: literal, rule, weights, vague: false }
}

/// A box names an address, which may be of another box, or as its maker left it.
const fn names(field: &'static str, read: fn(&str) -> Option<IpAddr>) -> Telling {
    let (rule, weights) = ("names_second_network", (0.35, 0.2));
    Telling { field, read, rule, weights, vague: true }
}

static TELLINGS: [Telling; 8] = [
    lists("dcerpc.address"),
    lists("nbns.address"),
    lists("mdns.address"),
    lists("snmp.address"),
    Telling { vague: false, weights: (0.5, 0.3), ..names("ssdp.location", host) },
    names("tls.cert.address", literal),
    names("http.header.location", host),
    names("http.redirect", host),
];

/// Fields in which only computers list their addresses: a router that lists its own has no second foot, it is one.
const OF_COMPUTERS: [&str; 2] = ["dcerpc.address", "nbns.address"];

/// What a host says of addresses in networks that are not the hospital's.
pub(super) fn told<'a>(o: &'a Observation, inside: &Inside) -> Vec<Sign<'a>> {
    let Some(speaker) = o.speaker.ip else { return Vec::new() };
    // The other networks of what is asked from outside are the hospital's own.
    if o.side == Side::Client || inside.is_outside(speaker) || inside.faces(speaker) {
        return Vec::new();
    }
    // Multicast DNS also answers about names of the Internet, which are other machines'.
    let own_name = |name: &str| {
        let last = name.trim_end_matches('.').rsplit('.').next();
        last.is_some_and(|label| label.eq_ignore_ascii_case("local"))
    };
    if o.protocol == "mdns" && !o.facts.all("mdns.host").all(own_name) {
        return Vec::new();
    }
    let tellings = || {
        TELLINGS.iter().flat_map(|telling| {
            o.facts.all(telling.field).take(MOST_TOLD).map(move |value| (telling, value))
        })
    };
    // One that speaks from a link-local address must also tell an address of the hospital's: the other may be its
    // only one.
    let at_home = |(telling, value): (&Telling, &str)| {
        let ip = (telling.read)(value);
        ip.is_some_and(|ip| ip.is_ipv4() && !is_nowhere(ip) && inside.contains(ip))
    };
    if is_nowhere(speaker) && !tellings().any(at_home) {
        return Vec::new();
    }
    let sign = |(telling, value): (&Telling, &'a str)| {
        let other = (telling.read)(value)?;
        is_elsewhere(speaker, other, inside).then(|| sign(o, telling, value, other, inside))
    };
    tellings().filter_map(sign).collect()
}

fn sign<'a>(
    o: &'a Observation,
    telling: &Telling,
    value: &str,
    other: IpAddr,
    inside: &Inside,
) -> Sign<'a> {
    let outside = inside.is_outside(other);
    let (known, supposed) = telling.weights;
    // With the hospital's networks given, another is certainly not its own; otherwise it may be.
    let weight = if inside.is_given() || outside { known } else { supposed };
    let makes = !telling.vague || outside && (is_internet(other) || is_shared(other));
    let kind = makes.then_some(Kind::DualHomedHost);
    let sign = sign_of(o, kind, telling.rule, telling.field, value, weight);
    Sign { outside: outside.then_some(other), direction: Direction::Both, ..sign }
}

/// The same sign for a box that forwards: a router has addresses in other networks, and is not a host for it.
pub(in super::super) fn of_a_router(sign: Sign<'_>) -> Sign<'_> {
    let told = TELLINGS.iter().any(|telling| telling.rule == sign.evidence);
    let computer = OF_COMPUTERS.contains(&&*sign.field);
    Sign { kind: sign.kind.filter(|_| !told || computer), ..sign }
}

/// Hosts that answered for an address of another network when we asked the link who has it.
pub(super) fn answered<'o>(
    observations: &'o [Observation],
    devices: &mut Devices,
    inside: &Inside,
) -> Vec<(Device, Sign<'o>)> {
    let mut claims: BTreeMap<Device, BTreeMap<IpAddr, &Observation>> = BTreeMap::new();
    for o in observations.iter().filter(|o| o.protocol == "arp") {
        let address = o.facts.get("arp.ip").and_then(literal);
        let (Some(mac), Some(address)) = (o.speaker.mac, address) else { continue };
        let asked = o.heard == Heard::Replied && o.side == Side::Server;
        if asked && !mac.is_zero() && inside.is_outside(address) {
            let known = claims.entry(devices.with_mac(mac)).or_default();
            let first = known.entry(address).or_insert(o);
            if (o.packet, o.speaker) < (first.packet, first.speaker) {
                *first = o;
            }
        }
    }
    if claims.is_empty() {
        return Vec::new();
    }
    let addresses = devices.addresses();
    let at_home = |device: &Device| -> Option<IpAddr> {
        let (ips, _) = addresses.get(device)?;
        ips.iter().find(|ip| inside.contains(**ip) && !is_nowhere(**ip)).copied()
    };
    let mut signs = Vec::new();
    for (device, claims) in claims {
        let proxy = claims.keys().any(|address| Place::of(*address, inside) == Place::Internet);
        // A box of which no address of the hospital's is known has perhaps only this one.
        if proxy || claims.len() > MOST_ANSWERED || at_home(&device).is_none() {
            continue;
        }
        signs.extend(claims.into_iter().map(|(address, o)| {
            let (kind, address_told) = (Some(Kind::DualHomedHost), address.to_string());
            let rule = "answers_for_second_network";
            let sign = sign_of(o, kind, rule, "arp.ip", &address_told, 0.6);
            let direction = Direction::Both;
            (device, Sign { outside: Some(address), direction, ..sign })
        }));
    }
    signs
}

/// An address that is written as such.
fn literal(text: &str) -> Option<IpAddr> {
    text.parse().ok()
}

/// The address that a location names as its host.
fn host(location: &str) -> Option<IpAddr> {
    let (_, rest) = location.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if let Some(rest) = host.strip_prefix('[') {
        return literal(rest.split(']').next()?);
    }
    literal(host.split(':').next()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::{Confidence, Endpoint, Facts, PacketId, Transport};

    fn said(protocol: &'static str, field: &'static str, value: &str) -> Observation {
        let speaker: IpAddr = [10, 10, 0, 77].into();
        Observation {
            at: crate::time::Timestamp::default(),
            packet: PacketId::default(),
            heard: Heard::Replied,
            speaker: Endpoint {
                ip: Some(speaker),
                mac: None,
                port: Some(80),
                transport: Transport::Tcp,
            },
            listener: None,
            protocol,
            side: Side::Server,
            confidence: Confidence::Certain,
            facts: Facts::default().with(field, value),
        }
    }

    fn made(
        protocol: &'static str,
        field: &'static str,
        value: &str,
    ) -> Option<(bool, Option<IpAddr>)> {
        let inside = Inside::given(vec!["10.10.0.0/16".parse().unwrap()]);
        let o = said(protocol, field, value);
        let signs = told(&o, &inside);
        signs.first().map(|sign| (sign.kind.is_some(), sign.outside))
    }

    #[test]
    fn a_location_tells_its_host_only_where_that_is_an_address() {
        assert_eq!(host("http://192.168.1.1:8080/x?y"), Some([192, 168, 1, 1].into()));
        assert_eq!(host("https://user@203.0.113.9/"), Some([203, 0, 113, 9].into()));
        assert_eq!(host("http://[2001:db8::1]:80/"), "2001:db8::1".parse().ok());
        for none in ["/login", "http://gateway.example/", "http://", "192.168.1.1", "http://[::1"] {
            assert_eq!(host(none).filter(|ip| !is_nowhere(*ip)), None, "{none}");
        }
    }

    #[test]
    fn every_way_of_naming_another_network_is_heard_at_its_weight() {
        let wan: IpAddr = [203, 0, 113, 77].into();
        let lab: IpAddr = [192, 168, 42, 129].into();
        assert_eq!(made("dcerpc", "dcerpc.address", "203.0.113.77"), Some((true, Some(wan))));
        assert_eq!(made("dcerpc", "dcerpc.address", "192.168.42.129"), Some((true, Some(lab))));
        let location = "http://192.168.42.129:2869/d.xml";
        assert_eq!(made("ssdp", "ssdp.location", location), Some((true, Some(lab))));
        assert_eq!(made("tls", "tls.cert.address", "203.0.113.77"), Some((true, Some(wan))));
        // A maker's certificate or page names an address that every such box has.
        assert_eq!(made("tls", "tls.cert.address", "192.168.42.129"), Some((false, Some(lab))));
        assert_eq!(
            made("http", "http.redirect", "http://192.168.42.129/"),
            Some((false, Some(lab)))
        );
    }

    #[test]
    fn a_second_address_of_the_hospitals_is_no_second_network() {
        for (field, value) in [
            ("dcerpc.address", "10.10.9.9"),
            ("dcerpc.address", "169.254.3.4"),
            ("dcerpc.address", "2001:db8::9"),
            ("http.redirect", "http://10.10.0.78/"),
            ("http.header.location", "https://portal.example/"),
            ("tls.cert.address", "127.0.0.1"),
        ] {
            assert_eq!(made("dcerpc", field, value), None, "{field} {value}");
        }
    }
}
