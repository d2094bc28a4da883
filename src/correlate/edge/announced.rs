//! What a box says about ways out by itself: what it announces, offers, answers for, or dials.

use std::net::IpAddr;

use super::{
    super::{Kind, place::Place, sign::Sign},
    TELLS_OUTSIDE, sign_of,
};
use crate::{
    observe::{Endpoint, Heard, Observation, Side},
    scope::{
        Inside,
        inside::{is_global, is_nowhere},
    },
};

/// A router that offers itself for IPv6 with a prefix of the Internet.
pub(super) fn announces_ipv6<'a>(o: &'a Observation, _: &Inside) -> Option<Sign<'a>> {
    let lives = o.facts.get("ndp.lifetime").and_then(|value| value.parse::<u32>().ok());
    if o.protocol != "ndp" || lives.is_none_or(|seconds| seconds == 0) {
        return None;
    }
    let prefix = o.facts.all("ndp.prefix").find(|prefix| {
        let address = prefix.split('/').next().and_then(|text| text.parse::<IpAddr>().ok());
        address.is_some_and(is_global)
    })?;
    Some(sign_of(o, Some(Kind::Ipv6Exit), "router_advertisement", "ndp.prefix", prefix, 0.6))
}

/// A box that answers with its outside address.
pub(super) fn tells_outside<'a>(o: &'a Observation, inside: &Inside) -> Option<Sign<'a>> {
    let (field, value) =
        TELLS_OUTSIDE.iter().find_map(|field| Some((field, o.facts.get(field)?)))?;
    let outside = value.parse::<IpAddr>().ok().filter(|ip| !is_nowhere(*ip));
    // A router whose far side is the hospital's own network leads no further than that.
    if outside.is_some_and(|ip| inside.is_given() && inside.contains(ip) && !inside.faces(ip)) {
        return None;
    }
    let sign = sign_of(o, Some(Kind::InternetGateway), "tells_outside_address", field, value, 0.85);
    (o.side != Side::Client).then_some(Sign { outside, ..sign })
}

/// A box that says it is a gateway to the Internet (UPnP Forum, `InternetGatewayDevice`). Whether it has a line is
/// another question.
pub(super) fn claims_gateway<'a>(o: &'a Observation, _: &Inside) -> Option<Sign<'a>> {
    if o.protocol != "ssdp" || o.side == Side::Client {
        return None;
    }
    let fields = ["ssdp.st", "ssdp.nt", "ssdp.usn"];
    let mut said =
        fields.iter().flat_map(|field| o.facts.all(field).map(move |value| (*field, value)));
    let (field, value) = said.find(|(_, value)| value.contains(":InternetGatewayDevice:"))?;
    Some(sign_of(o, Some(Kind::InternetGateway), "claims_gateway", field, value, 0.65))
}

/// A box that opens an access line over PPPoE: the line is patched into what was captured.
pub(super) fn dials_access_line<'a>(o: &'a Observation, _: &Inside) -> Option<Sign<'a>> {
    if o.protocol != "pppoe" || o.side != Side::Client {
        return None;
    }
    let (field, value) = o.facts.iter().next()?;
    Some(sign_of(o, Some(Kind::InternetGateway), "access_line_pppoe", field, value, 0.7))
}

/// A concentrator that answered a question of ours: whoever is on this wire may dial its line.
pub(super) fn offers_access_line<'a>(o: &'a Observation, _: &Inside) -> Option<Sign<'a>> {
    if o.protocol != "pppoe" || o.side != Side::Server || o.heard != Heard::Replied {
        return None;
    }
    let mut told = ["pppoe.concentrator", "pppoe.step"].into_iter();
    let (field, value) = told.find_map(|field| Some((field, o.facts.get(field)?)))?;
    Some(sign_of(o, Some(Kind::InternetGateway), "access_line_offered", field, value, 0.8))
}

/// A box that answers for an address of the Internet when the link is asked who has it: it takes what goes there.
pub(super) fn answers_for_the_internet<'a>(
    o: &'a Observation,
    inside: &Inside,
) -> Option<Sign<'a>> {
    if o.protocol != "arp" || o.side != Side::Server || o.heard != Heard::Replied {
        return None;
    }
    let (field, value) = ("arp.ip", o.facts.get("arp.ip")?);
    let address = value.parse::<IpAddr>().ok()?;
    // The address is another's: it is about whoever has the hardware address.
    let about = Endpoint { ip: None, ..o.speaker };
    let sign = sign_of(o, Some(Kind::InternetGateway), "proxy_arp", field, value, 0.6);
    let internet = Place::of(address, inside) == Place::Internet && about.mac.is_some();
    internet.then_some(Sign { about, ..sign })
}
