//! What neighbour discovery tells: IPv6 routers and what they offer, and who has which address. Whom a
//! solicitation asks for is left out, or a sweep would fill the book.

use super::{Carrier, Facts, Finding, Mac, Protocol, Said, Side};
use crate::wire::{
    Result,
    ndp::{Extra, Message, Ndp},
};

/// Neighbour and router discovery of IPv6.
pub static PROTOCOL: Protocol = Protocol { name: "ndp", carriers: &[Carrier::Ip(58)], read };

fn read(said: &Said<'_>) -> Result<Finding> {
    let ndp = Ndp::parse(said.bytes)?;
    let mut facts = Facts::default();
    let side = match ndp.message {
        Message::RouterSolicitation => {
            facts.add("ndp.type", "router_solicitation");
            Side::Client
        }
        Message::RouterAdvertisement { hop_limit, flags, lifetime } => {
            facts.add("ndp.type", "router_advertisement");
            facts.add("ndp.lifetime", lifetime);
            facts.add("ndp.hop_limit", hop_limit);
            for (bit, word) in
                [(0x80, "managed"), (0x40, "other"), (0x20, "home_agent"), (0x04, "proxy")]
            {
                if flags & bit != 0 {
                    facts.add("ndp.flag", word);
                }
            }
            facts.add("ndp.preference", preference(flags));
            Side::Server
        }
        Message::NeighborSolicitation { .. } => {
            facts.add("ndp.type", "neighbor_solicitation");
            Side::Client
        }
        Message::NeighborAdvertisement { flags, target } => {
            facts.add("ndp.type", "neighbor_advertisement");
            facts.add("ndp.target", target);
            facts.add("ndp.router", flags & 0x80 != 0);
            Side::Server
        }
        Message::Redirect { target, destination } => {
            facts.add("ndp.type", "redirect");
            facts.add("ndp.gateway", target);
            facts.add("ndp.destination", destination);
            Side::Server
        }
    };
    for extra in ndp.extras() {
        match extra {
            Extra::SourceMac(mac) | Extra::TargetMac(mac) => facts.add("ndp.mac", Mac(mac)),
            Extra::Prefix(length, flags, prefix) => {
                facts.add("ndp.prefix", format!("{prefix}/{length}"));
                if flags & 0x40 == 0 {
                    facts.add("ndp.not_autonomous", format!("{prefix}/{length}"));
                }
            }
            Extra::Mtu(mtu) => facts.add("ndp.mtu", mtu),
            Extra::Route(length, wish, prefix) => {
                facts.add("ndp.route", format!("{prefix}/{length} {}", preference(wish)));
            }
            Extra::Resolver(address) => facts.add("ndp.dns", address),
            Extra::Search(domain) => facts.add_text("ndp.domain", &domain),
            Extra::Portal(address) => facts.add_text("ndp.portal", address),
            Extra::Translator(prefix) => facts.add("ndp.nat64", prefix),
            Extra::Redirected(_) | Extra::Other(_) => {}
        }
    }
    Ok(Finding::certain(side, facts))
}

/// A router's or route's preference (RFC 4191, 2.1).
fn preference(flags: u8) -> &'static str {
    match (flags >> 3) & 3 {
        0 => "medium",
        1 => "high",
        3 => "low",
        _ => "reserved",
    }
}
