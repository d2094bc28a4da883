//! What routers of the inside say, by ICMP, of packets of others: a nearer way, an end of time, a line that is too narrow.

use std::{collections::BTreeMap, net::IpAddr};

use super::{
    super::{
        device::{Device, Devices},
        place::Place,
    },
    asked::Next,
};
use crate::{
    observe::Observation,
    scope::{Inside, inside::is_nowhere},
};

/// How many of such sayings are kept of one box, of each sort.
const MOST_KEPT: usize = 64;

/// What one router was heard to say of packets that went to the Internet.
#[derive(Debug, Default)]
pub(super) struct Heard<'o> {
    /// Who is nearer.
    pub next: Vec<(&'o Observation, Next)>,
    /// Whither a packet went that died at it.
    pub expired: Vec<(&'o Observation, IpAddr)>,
    /// The MTU of its way on, in bytes.
    pub mtu: Vec<(&'o Observation, u32)>,
}

/// What every router of the inside was heard to say, in the order of the packets.
pub(super) fn heard<'o>(
    observations: &'o [Observation],
    devices: &mut Devices,
    inside: &Inside,
) -> BTreeMap<Device, Heard<'o>> {
    let mut errors: Vec<&Observation> =
        observations.iter().filter(|o| o.protocol == "icmp").collect();
    errors.sort_by_key(|o| (o.packet, o.speaker));
    let mut all: BTreeMap<Device, Heard<'o>> = BTreeMap::new();
    for o in errors {
        let address = |field| o.facts.get(field).and_then(|text| text.parse::<IpAddr>().ok());
        let (Some(router), Some(to)) = (o.speaker.ip, address("icmp.quoted_destination")) else {
            continue;
        };
        if !inside.contains(router)
            || is_nowhere(router)
            || Place::of(to, inside) != Place::Internet
        {
            continue;
        }
        let gateway = address("icmp.gateway").filter(|ip| inside.contains(*ip) && !is_nowhere(*ip));
        let mtu = o.facts.get("icmp.mtu").and_then(|text| text.parse().ok());
        let expired = o.facts.get("icmp.type") == Some("time_exceeded")
            && o.facts.get("icmp.code") == Some("in_transit");
        if gateway.is_none() && mtu.is_none() && !expired {
            continue;
        }
        let device = devices.with_ip(router);
        // What comes from another's hardware address anybody may have said.
        let is_its_own = o.speaker.mac.is_none_or(|mac| devices.with_mac(mac) == device);
        let gateway = gateway.filter(|_| is_its_own);
        let next = gateway.map(|ip| Next { device: devices.with_ip(ip), address: ip });
        let heard = all.entry(device).or_default();
        if let Some(next) =
            next.filter(|next| next.device != device && heard.next.len() < MOST_KEPT)
        {
            heard.next.push((o, next));
        }
        if let Some(mtu) = mtu.filter(|_| heard.mtu.len() < MOST_KEPT) {
            heard.mtu.push((o, mtu));
        }
        if expired && heard.expired.len() < MOST_KEPT {
            heard.expired.push((o, to));
        }
    }
    all
}
