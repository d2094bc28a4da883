//! What passed through a box: the outside addresses that were spoken with over a hardware address.

use super::{
    super::{Kind, sign::Sign},
    sign_of,
};
use crate::{observe::Observation, scope::Inside};

/// How many different outside addresses make a gateway of a hardware address (MECHANISMS, M11): fewer may be
/// an address that moved, or a host with a second address.
const FEWEST_PEERS: usize = 3;

/// How many other inside addresses a router speaks for when it joins networks of the inside.
const FEWEST_JOINED: usize = 2;

/// The rule for traffic that nobody was heard to answer.
pub(in super::super) const IS_SENT: &str = "is_sent_outside";

/// A hardware address through which outside addresses are spoken with.
pub(super) fn forwards<'a>(o: &'a Observation, inside: &Inside) -> Option<Sign<'a>> {
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
        (false, false) => (IS_SENT, 0.4),
    };
    let value = peers.join(", ");
    Some(Sign {
        proves: both_ways && !joins,
        ..sign_of(o, Some(kind), evidence, "ethernet.outside", &value, weight)
    })
}

/// Two lines that leave a trace in what passes, and boxes that hide behind one address.
pub(super) fn traces<'a>(o: &'a Observation, _: &Inside) -> Option<Sign<'a>> {
    if o.protocol != "ethernet" {
        return None;
    }
    let said = |rule, field| Some(sign_of(o, None, rule, field, o.facts.get(field)?, 0.0));
    said("several_lines", "ethernet.lines").or_else(|| said("nat_signs", "ethernet.shares"))
}

/// The same sign for a box that is known to lead to the Internet: what is not of the Internet went over the same way.
pub(in super::super) fn of_an_exit(sign: Sign<'_>) -> Sign<'_> {
    let passed = sign.observation.protocol == "ethernet";
    let closed = passed && sign.kind == Some(Kind::ClosedNetworkGateway);
    Sign { kind: if closed { Some(Kind::InternetGateway) } else { sign.kind }, ..sign }
}
