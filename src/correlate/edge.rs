//! What leads outside: the boxes that forward, announce or own a way out.

use std::net::IpAddr;

use ipnetwork::IpNetwork;

use super::{Direction, Kind, sign::Sign};
use crate::{
    observe::{Observation, Side},
    scope::{Inside, inside::is_nowhere},
};

/// How many different outside addresses make a gateway of a hardware address (MECHANISMS, M11): fewer may be
/// an address that moved, or a host with a second address.
const FEWEST_PEERS: usize = 3;

/// How many other inside addresses a router speaks for when it joins networks of the inside.
const FEWEST_JOINED: usize = 2;

/// Fields in which a box tells its own outside address to anyone who asks.
const TELLS_OUTSIDE: [&str; 3] = ["nat_pmp.outside", "upnp.outside", "ssdp.outside"];

/// Fields in which a box tells all its addresses.
const TELLS_ADDRESSES: [&str; 4] =
    ["dcerpc.address", "nbns.address", "mdns.address", "snmp.address"];

/// What `observation` says about ways out.
pub(super) fn signs<'a>(observation: &'a Observation, inside: &Inside) -> Vec<Sign<'a>> {
    [forwards, announces_ipv6, tells_outside, claims_gateway, dials_access_line, second_network]
        .iter()
        .filter_map(|rule| rule(observation, inside))
        .collect()
}

/// A hardware address through which outside addresses are spoken with.
fn forwards<'a>(o: &'a Observation, inside: &Inside) -> Option<Sign<'a>> {
    let number =
        |field| o.facts.get(field).and_then(|value| value.parse::<usize>().ok()).unwrap_or(0);
    // What a router handed on is no host's second address. Closed networks may have one server to speak with.
    let closed = inside.is_given()
        && number("ethernet.global_peers") == 0
        && number("ethernet.outside_forwarded") > 0;
    let fewest = if closed { 1 } else { FEWEST_PEERS };
    if o.protocol != "ethernet" || number("ethernet.outside_peers") < fewest {
        return None;
    }
    // A router that hands everything on to another is on the way out, not the way out.
    if o.facts.get("ethernet.relays_to").is_some() {
        return None;
    }
    // What goes out to a virtual router and comes back from this one goes both ways, too.
    let sent = number("ethernet.outside_sent") > 0 || o.facts.get("ethernet.acts_as").is_some();
    let heard = number("ethernet.outside_heard") > 0;
    let both_ways = heard && sent;
    // What is sent to a box and never answered by anybody may not have gone anywhere.
    let answered = heard || number("ethernet.outside_answered") > 0;
    let (kind, evidence) = match (number("ethernet.global_peers"), number("ethernet.ipv4_peers")) {
        (0, _) => (Kind::ClosedNetworkGateway, "forwards_to_closed_network"),
        (_, 0) => (Kind::Ipv6Exit, "forwards_to_outside"),
        _ => (Kind::InternetGateway, "forwards_to_outside"),
    };
    let peers: Vec<&str> = o.facts.all("ethernet.outside").collect();
    // A router that also joins networks of the inside may hand on to one that nobody listened to.
    let joins = number("ethernet.inside_forwarded") >= FEWEST_JOINED;
    let (evidence, weight) = match (both_ways, answered) {
        (_, true) if joins => ("on_the_way_outside", 0.6),
        (true, _) => (evidence, 0.97),
        (false, true) => (evidence, 0.8),
        (false, false) => ("is_sent_outside", 0.4),
    };
    let value = peers.join(", ");
    Some(Sign {
        proves: both_ways && !joins,
        ..sign(o, kind, evidence, "ethernet.outside", &value, weight, Direction::Out)
    })
}

/// A router that offers itself for IPv6 with a prefix of the Internet.
fn announces_ipv6<'a>(o: &'a Observation, _: &Inside) -> Option<Sign<'a>> {
    let lives = o.facts.get("ndp.lifetime").and_then(|value| value.parse::<u32>().ok());
    if o.protocol != "ndp" || lives.is_none_or(|seconds| seconds == 0) {
        return None;
    }
    let prefix = o.facts.all("ndp.prefix").find(|prefix| {
        let address = prefix.split('/').next().and_then(|text| text.parse::<IpAddr>().ok());
        address.is_some_and(crate::scope::inside::is_global)
    })?;
    Some(sign(o, Kind::Ipv6Exit, "router_advertisement", "ndp.prefix", prefix, 0.6, Direction::Out))
}

/// A box that answers with its outside address.
fn tells_outside<'a>(o: &'a Observation, inside: &Inside) -> Option<Sign<'a>> {
    let (field, value) =
        TELLS_OUTSIDE.iter().find_map(|field| Some((field, o.facts.get(field)?)))?;
    let outside = value.parse::<IpAddr>().ok().filter(|ip| !is_nowhere(*ip));
    // A router whose far side is the hospital's own network leads no further than that.
    if outside.is_some_and(|ip| inside.is_given() && inside.contains(ip) && !inside.faces(ip)) {
        return None;
    }
    let sign =
        sign(o, Kind::InternetGateway, "tells_outside_address", field, value, 0.85, Direction::Out);
    (o.side != Side::Client).then_some(Sign { outside, ..sign })
}

/// A box that says it is a gateway to the Internet (UPnP Forum, `InternetGatewayDevice`). Whether it has a line is
/// another question.
fn claims_gateway<'a>(o: &'a Observation, _: &Inside) -> Option<Sign<'a>> {
    if o.protocol != "ssdp" || o.side == Side::Client {
        return None;
    }
    let fields = ["ssdp.st", "ssdp.nt", "ssdp.usn"];
    let mut said =
        fields.iter().flat_map(|field| o.facts.all(field).map(move |value| (*field, value)));
    let (field, value) = said.find(|(_, value)| value.contains(":InternetGatewayDevice:"))?;
    Some(sign(o, Kind::InternetGateway, "claims_gateway", field, value, 0.65, Direction::Out))
}

/// A box that opens an access line over PPPoE: the line is patched into what was captured.
fn dials_access_line<'a>(o: &'a Observation, _: &Inside) -> Option<Sign<'a>> {
    if o.protocol != "pppoe" || o.side != Side::Client {
        return None;
    }
    let (field, value) = o.facts.iter().next()?;
    Some(sign(o, Kind::InternetGateway, "access_line_pppoe", field, value, 0.7, Direction::Out))
}

/// A host that says it has an address in a network that is not the hospital's.
fn second_network<'a>(o: &'a Observation, inside: &Inside) -> Option<Sign<'a>> {
    let speaker = o.speaker.ip?;
    // The other networks of what is asked from outside are the hospital's own.
    if o.side == Side::Client || inside.is_outside(speaker) || inside.faces(speaker) {
        return None;
    }
    let foreign = |text: &str| {
        let other = text.parse::<IpAddr>().ok()?;
        let elsewhere = !is_nowhere(other) && is_elsewhere(speaker, other, inside);
        elsewhere.then_some(other)
    };
    // Multicast DNS also answers about names of the Internet, which are other machines'.
    let own_name = |name: &str| {
        let last = name.trim_end_matches('.').rsplit('.').next();
        last.is_some_and(|label| label.eq_ignore_ascii_case("local"))
    };
    if o.protocol == "mdns" && !o.facts.all("mdns.host").all(own_name) {
        return None;
    }
    // One that speaks from a link-local address must also tell an address of the hospital's: the other may be its
    // only one.
    let at_home = |text: &str| {
        let ip = text.parse::<IpAddr>();
        ip.is_ok_and(|ip| ip.is_ipv4() && !is_nowhere(ip) && inside.contains(ip))
    };
    let mut told = TELLS_ADDRESSES.iter().flat_map(|field| o.facts.all(field));
    if is_nowhere(speaker) && !told.any(at_home) {
        return None;
    }
    let (field, value, other) = TELLS_ADDRESSES.iter().find_map(|field| {
        o.facts.all(field).find_map(|value| Some((*field, value, foreign(value)?)))
    })?;
    // With the hospital's networks given, another is certainly not its own; otherwise it may be.
    let weight = if inside.is_given() || inside.is_outside(other) { 0.8 } else { 0.45 };
    let sign =
        sign(o, Kind::DualHomedHost, "second_network", field, value, weight, Direction::Both);
    Some(Sign { outside: inside.is_outside(other).then_some(other), ..sign })
}

/// Whether `other` is in a network that `host`'s hospital does not have; with nothing given, in one whose
/// first half differs. Every host of a link has a global IPv6 address when one router there offers it: that shows
/// the router, not the host, unless the hospital's IPv6 prefixes were given.
fn is_elsewhere(host: IpAddr, other: IpAddr, inside: &Inside) -> bool {
    let ipv6_known = inside.is_given() && inside.prefixes().iter().any(IpNetwork::is_ipv6);
    match (host, other) {
        (_, IpAddr::V6(_)) if !ipv6_known => false,
        _ if inside.is_outside(other) => true,
        (IpAddr::V4(host), IpAddr::V4(other)) if !inside.is_given() => {
            host.octets()[..2] != other.octets()[..2]
        }
        _ => false,
    }
}

fn sign<'a>(
    o: &'a Observation,
    kind: Kind,
    evidence: &str,
    field: &str,
    value: &str,
    weight: f64,
    direction: Direction,
) -> Sign<'a> {
    Sign {
        about: o.speaker,
        kind: Some(kind),
        evidence: evidence.to_owned(),
        field: field.to_owned(),
        value: value.to_owned(),
        observation: o,
        weight,
        proves: false,
        direction,
        service: None,
        outside: None,
    }
}
