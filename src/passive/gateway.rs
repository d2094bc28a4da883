//! Which hardware addresses stand between the inside and the outside (MECHANISMS, M11).
//!
//! A frame whose far end is outside shows the gateway: it goes to the gateway's hardware address, or comes
//! from it. Each conversation is noted once a direction, so that the cost is per conversation.

use std::{collections::BTreeSet, net::IpAddr};

use hashbrown::HashMap;

use crate::{
    observe::{Confidence, Endpoint, Facts, Heard, Mac, Observation, PacketId, Side, Transport},
    scope::{
        Inside,
        inside::{is_global, is_nowhere},
    },
    time::Timestamp,
};

/// How many addresses are kept in each set, the first ones seen.
const MOST_ADDRESSES: usize = 64;

/// How many hardware addresses one shard notes.
const MOST_MACS: usize = 8192;

/// What one hardware address was seen to do. Sets hold the first 64 addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Station {
    /// Addresses that packets from it came from, with the first packet for each.
    speaks_for: Vec<Noted>,
    /// Addresses that packets to it went to, with the first packet for each.
    is_sent: Vec<Noted>,
}

/// An address beyond a hardware address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Noted {
    /// The packet that shows it first.
    pub packet: PacketId,
    /// When it passed.
    pub at: Timestamp,
    /// The address.
    pub address: IpAddr,
    /// Who it talked with.
    pub with: IpAddr,
    /// How many more routers could have forwarded the packet.
    pub time_to_live: u8,
}

/// The hardware addresses of one shard.
#[derive(Debug, Default)]
pub(super) struct Stations(HashMap<Mac, Station, foldhash::fast::RandomState>);

impl Stations {
    /// Notes a packet of a conversation: from which frame to which, and its ends.
    pub(super) fn note(&mut self, source: Option<Mac>, destination: Option<Mac>, packet: Noted) {
        if let Some(station) = source.and_then(|mac| self.station(mac)) {
            add(&mut station.speaks_for, packet);
        }
        if let Some(station) = destination.and_then(|mac| self.station(mac)) {
            add(
                &mut station.is_sent,
                Noted { address: packet.with, with: packet.address, ..packet },
            );
        }
    }

    fn station(&mut self, mac: Mac) -> Option<&mut Station> {
        if mac.is_group() || mac.is_zero() {
            return None;
        }
        if self.0.len() >= MOST_MACS && !self.0.contains_key(&mac) {
            return None;
        }
        Some(self.0.entry(mac).or_default())
    }

    /// What all `shards` noted.
    pub(super) fn join(shards: impl Iterator<Item = Self>) -> Self {
        let mut all = Self::default();
        for (mac, station) in shards.flat_map(|shard| shard.0) {
            let known = all.0.entry(mac).or_default();
            known.speaks_for.extend(station.speaks_for);
            known.is_sent.extend(station.is_sent);
        }
        for noted in
            all.0.values_mut().flat_map(|station| [&mut station.speaks_for, &mut station.is_sent])
        {
            noted.sort();
            let mut seen = BTreeSet::new();
            noted.retain(|noted| seen.insert(noted.address));
            noted.truncate(MOST_ADDRESSES);
        }
        all
    }

    /// What the hardware addresses were seen to do, as observations: the outside addresses that each
    /// forwards, and the inside addresses that are its own.
    pub(super) fn observations(&self, inside: &Inside) -> Vec<Observation> {
        let mut all = Vec::new();
        for (mac, station) in &self.0 {
            let Some(mut observation) = station.observation(*mac, inside) else { continue };
            if let Some(next) = self.relays_to(*mac, station, inside) {
                observation.facts.add("ethernet.relays_to", next);
            }
            for virtual_mac in self.acts_as(*mac, station, inside) {
                observation.facts.add("ethernet.acts_as", virtual_mac);
            }
            all.push(observation);
        }
        all.sort_by_key(|observation| (observation.packet, observation.speaker));
        all
    }

    /// To whom a router on the inside hands on what it was sent: the same packets go to another hardware
    /// address next, a hop older. Whoever hands everything on is no exit.
    fn relays_to(&self, mac: Mac, station: &Station, inside: &Inside) -> Option<Mac> {
        let leads_out =
            |noted: &&Noted| inside.is_outside(noted.address) && inside.contains(noted.with);
        let next = |sent: &Noted| {
            let older = |other: &Noted| {
                (other.address, other.with) == (sent.address, sent.with)
                    && other.time_to_live < sent.time_to_live
            };
            let mut onward = self.0.iter().filter(|(other, _)| **other != mac);
            onward.find(|(_, other)| other.is_sent.iter().any(older)).map(|(other, _)| *other)
        };
        let mut sent = station.is_sent.iter().filter(leads_out).peekable();
        sent.peek()?;
        // By the lowest, so that the order of the table does not show.
        sent.map(next).collect::<Option<BTreeSet<Mac>>>()?.pop_first()
    }

    /// The virtual routers' hardware addresses that this one acts for: what goes out to them comes back
    /// from it (RFC 9568, 7.3; RFC 2281).
    fn acts_as(&self, mac: Mac, station: &Station, inside: &Inside) -> BTreeSet<Mac> {
        let virtual_ones =
            self.0.iter().filter(|(other, _)| **other != mac && other.is_virtual_router());
        let comes_back = |sent: &Noted| {
            inside.is_outside(sent.address)
                && station
                    .speaks_for
                    .iter()
                    .any(|noted| (noted.address, noted.with) == (sent.address, sent.with))
        };
        virtual_ones
            .filter(|(_, other)| other.is_sent.iter().any(comes_back))
            .map(|(other, _)| *other)
            .collect()
    }
}

fn add(noted: &mut Vec<Noted>, packet: Noted) {
    if noted.len() < MOST_ADDRESSES && !noted.iter().any(|known| known.address == packet.address) {
        noted.push(packet);
    }
}

/// The values that machines put into packets they send themselves; a router forwards lower ones.
const FRESH: [u8; 4] = [32, 64, 128, 255];

/// How many addresses an observation names.
const MOST_NAMED: usize = 8;

impl Station {
    fn observation(&self, mac: Mac, inside: &Inside) -> Option<Observation> {
        let leads_out = |noted: &&Noted| {
            inside.is_outside(noted.address)
                && !is_nowhere(noted.with)
                && inside.contains(noted.with)
        };
        let from: Vec<&Noted> = self.speaks_for.iter().filter(leads_out).collect();
        let to: Vec<&Noted> = self.is_sent.iter().filter(leads_out).collect();
        let own =
            |noted: &&Noted| inside.contains(noted.address) && FRESH.contains(&noted.time_to_live);
        let own: Vec<&Noted> = self.speaks_for.iter().filter(own).collect();
        let clients: BTreeSet<IpAddr> = from.iter().chain(&to).map(|noted| noted.with).collect();
        let first = from.iter().chain(&to).chain(&own).min()?;
        let peers: BTreeSet<IpAddr> = from.iter().chain(&to).map(|noted| noted.address).collect();
        let mut facts = Facts::default();
        for noted in own.iter().take(MOST_NAMED) {
            facts.add("ethernet.address", noted.address);
        }
        if !peers.is_empty() {
            facts.add("ethernet.outside_peers", peers.len());
            facts.add("ethernet.outside_heard", from.len());
            facts.add("ethernet.outside_sent", to.len());
            facts.add("ethernet.inside_clients", clients.len());
            let global = peers.iter().filter(|address| is_global(**address)).count();
            facts.add("ethernet.global_peers", global);
            let ipv4 = peers.iter().filter(|address| address.is_ipv4()).count();
            facts.add("ethernet.ipv4_peers", ipv4);
            for peer in peers.iter().take(MOST_NAMED) {
                facts.add("ethernet.outside", peer);
            }
        }
        let transport = Transport::Ethernet;
        Some(Observation {
            at: first.at,
            packet: first.packet,
            heard: Heard::Overheard,
            speaker: Endpoint { ip: None, mac: Some(mac), port: None, transport },
            listener: None,
            protocol: "ethernet",
            side: Side::Peer,
            confidence: Confidence::Certain,
            facts,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(address: [u8; 4], with: [u8; 4], time_to_live: u8) -> Noted {
        let (packet, at) = (PacketId::default(), Timestamp::default());
        Noted { packet, at, address: address.into(), with: with.into(), time_to_live }
    }

    #[test]
    fn a_gateway_is_who_outside_addresses_come_through() {
        let mut stations = Stations::default();
        let (client, gateway) = (Mac([0, 0, 0x5e, 0, 0x53, 1]), Mac([0, 0, 0x5e, 0, 0x53, 2]));
        for n in 1..=3 {
            let (host, peer) = ([192, 168, 0, 5], [203, 0, 113, n]);
            stations.note(Some(client), Some(gateway), packet(host, peer, 64));
            stations.note(Some(gateway), Some(client), packet(peer, host, 55));
        }
        let heard = Stations::join([stations].into_iter()).observations(&Inside::inferred([]));
        let of = |mac| heard.iter().find(|o| o.speaker.mac == Some(mac)).map(|o| &o.facts).unwrap();
        assert_eq!(of(gateway).get("ethernet.outside_peers"), Some("3"));
        assert_eq!(of(gateway).get("ethernet.address"), None);
        assert_eq!(of(client).get("ethernet.outside_peers"), None);
        assert_eq!(of(client).get("ethernet.address"), Some("192.168.0.5"));
    }

    #[test]
    fn groups_are_no_gateways() {
        let mut stations = Stations::default();
        let group = Mac([0x01, 0, 0x5e, 0, 0, 1]);
        stations.note(None, Some(group), packet([10, 0, 0, 1], [203, 0, 113, 1], 64));
        assert!(stations.observations(&Inside::inferred([])).is_empty());
    }
}
