//! Which hardware addresses stand between the inside and the outside (MECHANISMS, M11).
//!
//! A frame whose far end is outside shows the gateway: it goes to the gateway's hardware address, or comes
//! from it. Each conversation is noted once a direction, so that the cost is per conversation.

use std::{collections::BTreeSet, net::IpAddr};

use hashbrown::HashMap;

use crate::{
    observe::{Mac, PacketId},
    scope::Inside,
    time::Timestamp,
};

/// How many different outside addresses a hardware address must speak for or be sent to.
pub const FEWEST_PEERS: usize = 3;

/// How many addresses are kept in each set, the first ones seen.
const MOST_ADDRESSES: usize = 64;

/// How many hardware addresses one shard notes.
const MOST_MACS: usize = 8192;

/// What one hardware address was seen to do. Sets hold the first 64 addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Station {
    /// Addresses that packets from it came from, with the first packet for each.
    pub speaks_for: Vec<Noted>,
    /// Addresses that packets to it went to, with the first packet for each.
    pub is_sent: Vec<Noted>,
    /// The time to live of packets that came from it, lowest and highest.
    pub time_to_live: Option<(u8, u8)>,
}

/// An address beyond a hardware address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Noted {
    /// The packet that shows it first.
    pub packet: PacketId,
    /// When it passed.
    pub at: Timestamp,
    /// The address.
    pub address: IpAddr,
    /// Who it talked with.
    pub with: IpAddr,
}

/// The hardware addresses of one shard.
#[derive(Debug, Default)]
pub struct Stations(HashMap<Mac, Station, foldhash::fast::RandomState>);

impl Stations {
    /// Notes a packet of a conversation: from which frame to which, and its ends.
    pub fn note(
        &mut self,
        source: Option<Mac>,
        destination: Option<Mac>,
        time_to_live: u8,
        packet: Noted,
    ) {
        if let Some(station) = source.and_then(|mac| self.station(mac)) {
            let (low, high) = station.time_to_live.unwrap_or((time_to_live, time_to_live));
            station.time_to_live = Some((low.min(time_to_live), high.max(time_to_live)));
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

    /// What all `shards` noted, by hardware address.
    pub fn join(shards: impl Iterator<Item = Self>) -> Vec<(Mac, Station)> {
        let mut all: HashMap<Mac, Station, foldhash::fast::RandomState> = HashMap::default();
        for (mac, station) in shards.flat_map(|shard| shard.0) {
            let known = all.entry(mac).or_default();
            known.speaks_for.extend(station.speaks_for);
            known.is_sent.extend(station.is_sent);
            known.time_to_live = match (known.time_to_live, station.time_to_live) {
                (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
                (known, other) => known.or(other),
            };
        }
        let mut all: Vec<_> = all.into_iter().collect();
        for (_, station) in &mut all {
            for noted in [&mut station.speaks_for, &mut station.is_sent] {
                noted.sort();
                let mut seen = BTreeSet::new();
                noted.retain(|noted| seen.insert(noted.address));
                noted.truncate(MOST_ADDRESSES);
            }
        }
        all.sort_by_key(|(mac, _)| *mac);
        all
    }
}

fn add(noted: &mut Vec<Noted>, packet: Noted) {
    if noted.len() < MOST_ADDRESSES && !noted.iter().any(|known| known.address == packet.address) {
        noted.push(packet);
    }
}

impl Station {
    /// What it forwards: outside addresses whose packets came from it, and to which packets were sent over
    /// it, by conversations with somebody inside.
    pub fn outside<'a>(&'a self, inside: &'a Inside) -> (Vec<&'a Noted>, Vec<&'a Noted>) {
        let leads_out =
            |noted: &&Noted| inside.is_outside(noted.address) && inside.contains(noted.with);
        (
            self.speaks_for.iter().filter(leads_out).collect(),
            self.is_sent.iter().filter(leads_out).collect(),
        )
    }

    /// The inside addresses whose packets came from it: its own, or those it forwards.
    pub fn inside<'a>(&'a self, inside: &'a Inside) -> impl Iterator<Item = IpAddr> + 'a {
        self.speaks_for.iter().map(|noted| noted.address).filter(|address| {
            inside.contains(*address) && !crate::scope::inside::is_nowhere(*address)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_is_who_outside_addresses_come_through() {
        let mut stations = Stations::default();
        let (client, gateway) = (Mac([0, 0, 0x5e, 0, 0x53, 1]), Mac([0, 0, 0x5e, 0, 0x53, 2]));
        for n in 1..=3 {
            let (host, peer) = (IpAddr::from([192, 168, 0, 5]), IpAddr::from([203, 0, 113, n]));
            let packet = Noted {
                packet: PacketId::default(),
                at: Timestamp::default(),
                address: host,
                with: peer,
            };
            stations.note(Some(client), Some(gateway), 64, packet);
            stations.note(
                Some(gateway),
                Some(client),
                55,
                Noted { address: peer, with: host, ..packet },
            );
        }
        let all = Stations::join([stations].into_iter());
        let inside = Inside::inferred([]);
        let peers = |mac| {
            let (_, station) = all.iter().find(|(known, _)| *known == mac).unwrap();
            let (from, to) = station.outside(&inside);
            (from.len(), to.len())
        };
        assert_eq!((peers(gateway), peers(client)), ((3, 3), (0, 0)));
    }

    #[test]
    fn groups_are_no_gateways() {
        let mut stations = Stations::default();
        let group = Mac([0x01, 0, 0x5e, 0, 0, 1]);
        let packet = Noted {
            packet: PacketId::default(),
            at: Timestamp::default(),
            address: IpAddr::from([10, 0, 0, 1]),
            with: IpAddr::from([203, 0, 113, 1]),
        };
        stations.note(None, Some(group), 64, packet);
        assert!(Stations::join([stations].into_iter()).is_empty());
    }
}
