//! Which hardware addresses stand between the inside and the outside (MECHANISMS, M11).
//!
//! A frame whose far end is outside shows the gateway: it goes to the gateway's hardware address, or comes
//! from it. Each conversation is noted once a direction, so that the cost is per conversation.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr},
};

use hashbrown::HashMap;

use super::lines::Lines;
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

/// How many addresses one shard notes about all of them. Each hardware address's first one is always noted.
const MOST_NOTED: usize = 1 << 16;

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
    /// How it reached us.
    pub heard: Heard,
}

impl Noted {
    /// Whether its time to live shows that a router handed it on.
    fn is_forwarded(&self) -> bool {
        self.time_to_live > 1 && !FRESH.contains(&self.time_to_live)
    }
}

/// The hardware addresses of one shard.
#[derive(Debug, Default)]
pub(super) struct Stations {
    all: HashMap<Mac, Station, foldhash::fast::RandomState>,
    /// How many addresses are noted about them.
    noted: usize,
}

impl Stations {
    /// Notes a packet of a conversation: from which frame to which, and its ends.
    pub(super) fn note(&mut self, source: Option<Mac>, destination: Option<Mac>, packet: Noted) {
        let full = self.noted >= MOST_NOTED;
        if let Some(station) = source.and_then(|mac| self.station(mac)) {
            self.noted += add(&mut station.speaks_for, packet, full);
        }
        if let Some(station) = destination.and_then(|mac| self.station(mac)) {
            let sent = Noted { address: packet.with, with: packet.address, ..packet };
            self.noted += add(&mut station.is_sent, sent, full);
        }
    }

    fn station(&mut self, mac: Mac) -> Option<&mut Station> {
        if mac.is_group() || mac.is_zero() {
            return None;
        }
        if self.all.len() >= MOST_MACS && !self.all.contains_key(&mac) {
            return None;
        }
        Some(self.all.entry(mac).or_default())
    }

    /// What all `shards` noted.
    pub(super) fn join(shards: impl Iterator<Item = Self>) -> Self {
        let mut all = Self::default();
        for (mac, station) in shards.flat_map(|shard| shard.all) {
            let known = all.all.entry(mac).or_default();
            known.speaks_for.extend(station.speaks_for);
            known.is_sent.extend(station.is_sent);
        }
        for noted in
            all.all.values_mut().flat_map(|station| [&mut station.speaks_for, &mut station.is_sent])
        {
            noted.sort();
            let mut seen = BTreeSet::new();
            noted.retain(|noted| seen.insert(noted.address));
            noted.truncate(MOST_ADDRESSES);
        }
        all
    }

    /// What the hardware addresses were seen to do, as observations: the outside addresses that each
    /// forwards, the inside addresses that are its own, and what `lines` show of those behind it. `claims` are
    /// the addresses that hardware addresses said to be their own.
    pub(super) fn observations(
        &self,
        inside: &Inside,
        lines: &Lines,
        claims: &BTreeSet<(Mac, IpAddr)>,
    ) -> Vec<Observation> {
        let sent = self.sent(inside);
        let stations = self.all.values();
        let speak: BTreeSet<IpAddr> =
            stations.flat_map(|station| &station.speaks_for).map(|noted| noted.address).collect();
        let handed = self.handed(inside);
        let mut all = Vec::new();
        for (mac, station) in &self.all {
            let owns = |address| station.owns(address) || claims.contains(&(*mac, address));
            let shares = lines.shares(*mac, inside, owns);
            let Some(mut observation) = station.observation(*mac, inside, &speak, &shares) else {
                continue;
            };
            if let Some(next) = station.relays_to(*mac, inside, &sent) {
                observation.facts.add("ethernet.relays_to", next);
            }
            for other in station.receives_as(*mac, inside, &handed) {
                observation.facts.add("ethernet.also", other);
            }
            for virtual_mac in station.acts_as(*mac, &sent) {
                observation.facts.add("ethernet.acts_as", virtual_mac);
            }
            for size in lines.sizes(*mac, inside) {
                observation.facts.add("ethernet.mss", size);
            }
            if lines.are_two(*mac, inside) {
                observation.facts.add("ethernet.lines", 2);
            }
            for shared in &shares {
                observation.facts.add("ethernet.shares", shared.address);
            }
            all.push(observation);
        }
        all.sort_by_key(|observation| (observation.packet, observation.speaker));
        all
    }

    /// For each conversation, to whom its packets were sent inside, and how old they were then.
    fn handed(&self, inside: &Inside) -> Sent {
        let mut handed = Sent::default();
        let mut stations: Vec<(&Mac, &Station)> = self.all.iter().collect();
        stations.sort_by_key(|(mac, _)| **mac);
        for (mac, station) in stations {
            for noted in station.is_sent.iter().filter(|noted| inside.contains(noted.with)) {
                let macs = handed.entry((noted.address, noted.with)).or_default();
                if macs.len() < MOST_HANDED {
                    macs.push((*mac, noted.time_to_live));
                }
            }
        }
        handed
    }

    /// For each conversation with the outside, to whom its packets were sent, and how old they were then.
    fn sent(&self, inside: &Inside) -> Sent {
        let mut sent = Sent::default();
        let mut macs: Vec<&Mac> = self.all.keys().collect();
        macs.sort();
        for mac in macs {
            for noted in self.all.get(mac).into_iter().flat_map(|station| &station.is_sent) {
                if inside.is_outside(noted.address) && inside.contains(noted.with) {
                    let handed = sent.entry((noted.address, noted.with)).or_default();
                    if handed.len() < MOST_HANDED {
                        handed.push((*mac, noted.time_to_live));
                    }
                }
            }
        }
        sent
    }
}

/// By outside address and who talks with it: the hardware addresses its packets were sent to, and their time
/// to live there.
type Sent = HashMap<(IpAddr, IpAddr), Vec<(Mac, u8)>, foldhash::fast::RandomState>;

/// How many hardware addresses one conversation is followed over.
const MOST_HANDED: usize = 16;

/// Notes an address unless it is known, and says how many were noted. Once the shard is `full`, only the first
/// of a station is.
fn add(noted: &mut Vec<Noted>, packet: Noted, full: bool) -> usize {
    let most = if full { 1 } else { MOST_ADDRESSES };
    if noted.len() >= most || noted.iter().any(|known| known.address == packet.address) {
        return 0;
    }
    noted.push(packet);
    1
}

/// The values that machines put into packets they send themselves; a router forwards lower ones.
const FRESH: [u8; 4] = [32, 64, 128, 255];

/// Whether `address` is on the Internet itself: not in the range that carriers share (RFC 6598) either, which closed
/// networks number their machines from.
fn is_internet(address: IpAddr) -> bool {
    let shared = |v4: Ipv4Addr| v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64;
    is_global(address) && !matches!(address, IpAddr::V4(v4) if shared(v4))
}

/// How many addresses an observation names.
const MOST_NAMED: usize = 8;

impl Station {
    /// To whom a router on the inside hands on what it was sent: the same packets go to another hardware
    /// address next, a hop older. Whoever hands everything on is no exit.
    fn relays_to(&self, mac: Mac, inside: &Inside, sent: &Sent) -> Option<Mac> {
        let next = |noted: &Noted| {
            let handed = sent.get(&(noted.address, noted.with))?;
            let older = |(other, left): &&(Mac, u8)| *other != mac && *left < noted.time_to_live;
            handed.iter().find(older).map(|(other, _)| *other)
        };
        let leads_out =
            |noted: &&Noted| inside.is_outside(noted.address) && inside.contains(noted.with);
        let onward =
            self.is_sent.iter().filter(leads_out).map(next).collect::<Option<BTreeSet<Mac>>>();
        onward?.pop_first()
    }

    /// The hardware addresses on which the router with this one takes in what it sends from here: packets that
    /// were sent to another leave from this one, one hop older.
    fn receives_as(&self, mac: Mac, inside: &Inside, handed: &Sent) -> BTreeSet<Mac> {
        let forwarded = |noted: &&Noted| {
            noted.is_forwarded() && inside.contains(noted.address) && !is_nowhere(noted.with)
        };
        let mut others = BTreeSet::new();
        for noted in self.speaks_for.iter().filter(forwarded) {
            let taken_in = handed.get(&(noted.with, noted.address)).into_iter().flatten();
            let one_older = |(other, left): &&(Mac, u8)| {
                *other != mac && left.checked_sub(1) == Some(noted.time_to_live)
            };
            others.extend(taken_in.filter(one_older).map(|(other, _)| *other));
        }
        others
    }

    /// The virtual routers' hardware addresses that this one acts for: what goes out to them comes back
    /// from it (RFC 9568, 7.3; RFC 2281).
    fn acts_as(&self, mac: Mac, sent: &Sent) -> BTreeSet<Mac> {
        self.speaks_for
            .iter()
            .filter_map(|noted| sent.get(&(noted.address, noted.with)))
            .flatten()
            .map(|(other, _)| *other)
            .filter(|other| *other != mac && other.is_virtual_router())
            .collect()
    }

    /// Whether packets that no router handed on came from `address`.
    fn owns(&self, address: IpAddr) -> bool {
        let fresh = |noted: &&Noted| FRESH.contains(&noted.time_to_live);
        self.speaks_for.iter().filter(fresh).any(|noted| noted.address == address)
    }

    fn observation(
        &self,
        mac: Mac,
        inside: &Inside,
        speak: &BTreeSet<IpAddr>,
        shares: &[Noted],
    ) -> Option<Observation> {
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
        let first = from.iter().chain(&to).chain(&own).copied().chain(shares).min()?;
        let peers: BTreeSet<IpAddr> = from.iter().chain(&to).map(|noted| noted.address).collect();
        let mut facts = Facts::default();
        for noted in own.iter().take(MOST_NAMED) {
            facts.add("ethernet.address", noted.address);
        }
        if !peers.is_empty() {
            facts.add("ethernet.outside_peers", peers.len());
            facts.add("ethernet.outside_heard", from.len());
            facts.add("ethernet.outside_sent", to.len());
            let answered = to.iter().filter(|noted| speak.contains(&noted.address)).count();
            facts.add("ethernet.outside_answered", answered);
            let forwarded = from.iter().filter(|noted| noted.is_forwarded()).count();
            facts.add("ethernet.outside_forwarded", forwarded);
            facts.add("ethernet.inside_clients", clients.len());
            let joined = |noted: &&Noted| {
                inside.contains(noted.address)
                    && noted.is_forwarded()
                    && !is_nowhere(noted.with)
                    && !own.iter().any(|own| own.address == noted.address)
            };
            facts.add("ethernet.inside_forwarded", self.speaks_for.iter().filter(joined).count());
            let global = peers.iter().filter(|address| is_internet(**address)).count();
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
            heard: first.heard,
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
        let heard = Heard::Overheard;
        Noted { packet, at, address: address.into(), with: with.into(), time_to_live, heard }
    }

    /// What the stations of one shard are seen to do, with nothing else noted.
    fn told(stations: Stations) -> Vec<Observation> {
        let (lines, claims) = (Lines::default(), BTreeSet::new());
        Stations::join([stations].into_iter()).observations(&Inside::inferred([]), &lines, &claims)
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
        let heard = told(stations);
        let of = |mac| heard.iter().find(|o| o.speaker.mac == Some(mac)).map(|o| &o.facts).unwrap();
        assert_eq!(of(gateway).get("ethernet.outside_peers"), Some("3"));
        assert_eq!(of(gateway).get("ethernet.address"), None);
        assert_eq!(of(client).get("ethernet.outside_peers"), None);
        assert_eq!(of(client).get("ethernet.address"), Some("192.168.0.5"));
    }

    #[test]
    fn a_router_is_one_box_on_all_its_links_and_joins_them() {
        let mut stations = Stations::default();
        let mac = |last| Some(Mac([0, 0, 0x5e, 0, 0x53, last]));
        for n in 1..=3 {
            let (host, server) = ([10, 0, 1, n], [10, 0, 2, n]);
            stations.note(mac(10 + n), mac(1), packet(host, server, 64));
            stations.note(mac(2), mac(20 + n), packet(host, server, 63));
            stations.note(mac(2), mac(20 + n), packet([10, 0, 2, 254], server, 64));
        }
        let heard = told(stations);
        let of = |last| heard.iter().find(|o| o.speaker.mac == mac(last)).map(|o| &o.facts);
        assert!(of(11).is_some_and(|facts| facts.get("ethernet.also").is_none()));
        assert_eq!(
            of(2).and_then(|facts| facts.get("ethernet.also")),
            mac(1).map(|m| m.to_string()).as_deref()
        );
    }

    #[test]
    fn what_is_only_sent_is_not_answered() {
        let mut stations = Stations::default();
        let mac = |last| Some(Mac([0, 0, 0x5e, 0, 0x53, last]));
        for n in 1..=3 {
            stations.note(mac(1), mac(2), packet([10, 0, 0, 5], [203, 0, 113, n], 64));
        }
        let heard = told(stations);
        let facts = heard.iter().find(|o| o.speaker.mac == mac(2)).map(|o| &o.facts).unwrap();
        assert_eq!(facts.get("ethernet.outside_sent"), Some("3"));
        assert_eq!(facts.get("ethernet.outside_answered"), Some("0"));
    }

    #[test]
    fn a_flood_of_invented_hardware_addresses_is_bounded() {
        let mut stations = Stations::default();
        for n in 0..200_000u32 {
            let [_, a, b, c] = n.wrapping_mul(2_654_435_761).to_be_bytes();
            let mac = |last| Some(Mac([2, 0, 0, a, b & 15, last]));
            stations.note(mac(1), mac(2), packet([10, a, b, c], [203, 0, 113, c], 64));
        }
        let noted = |s: &Station| s.speaks_for.len() + s.is_sent.len();
        let held: usize = stations.all.values().map(noted).sum();
        assert_eq!(held, stations.noted);
        assert!(held <= MOST_NOTED + 2 * MOST_MACS && stations.all.len() <= MOST_MACS);
    }

    #[test]
    fn groups_are_no_gateways() {
        let mut stations = Stations::default();
        let group = Mac([0x01, 0, 0x5e, 0, 0, 1]);
        stations.note(None, Some(group), packet([10, 0, 0, 1], [203, 0, 113, 1], 64));
        assert!(told(stations).is_empty());
    }
}
