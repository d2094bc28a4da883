//! What was sent to whom in a run that was recorded, and who answered.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr},
};

use super::capture::{Captured, Role};
use crate::wire::{
    arp::Arp,
    ethernet::{self, Kind},
    ipv4, ipv6,
    link::{Holds, Link},
    ndp::{Message, Ndp},
    tcp::{self, Segment, flag},
};

/// How many addresses are told apart.
const MOST_ADDRESSES: usize = 1 << 17;

/// How many probes are told apart.
const MOST_PROBES: usize = 1 << 10;

/// The ledger of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// Packets that were sent.
    pub packets: u64,
    /// Bytes of these packets, as far as they were kept; of sockets, from the IP header on.
    pub bytes: u64,
    /// Frames, datagrams and connections: what asks, without what only goes on or confirms.
    pub questions: u64,
    entries: BTreeMap<IpAddr, Entry>,
    /// Addresses for which there was no room, as often as they were asked.
    beyond: u64,
    probes: Vec<String>,
}

/// What one address was sent, and what came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// Packets that were sent to it.
    pub packets: u64,
    /// Bytes of these packets.
    pub bytes: u64,
    /// Packets that came from it in answer.
    pub answers: u64,
    /// The probes, by their places in the ledger's list.
    probes: BTreeSet<u16>,
}

impl Asked {
    /// How many addresses were asked, at least.
    pub fn addresses(&self) -> u64 {
        self.entries.len() as u64
    }

    /// How many of them answered.
    pub fn answered(&self) -> u64 {
        self.entries.values().filter(|entry| entry.answers > 0).count() as u64
    }

    /// Every address that was asked.
    pub fn iter(&self) -> impl Iterator<Item = (IpAddr, &Entry)> {
        self.entries.iter().map(|(address, entry)| (*address, entry))
    }

    /// What `address` was sent.
    pub fn of(&self, address: IpAddr) -> Option<&Entry> {
        self.entries.get(&address)
    }

    /// The names of the probes that asked an address.
    pub fn probes_of<'a>(&'a self, entry: &'a Entry) -> impl Iterator<Item = &'a str> {
        let names = |place: &u16| self.probes.get(usize::from(*place)).map(String::as_str);
        entry.probes.iter().filter_map(names)
    }

    /// Packets and bytes that went to addresses for which there was no room.
    pub fn others(&self) -> (u64, u64) {
        let told: u64 = self.entries.values().map(|entry| entry.bytes).sum();
        (self.beyond, self.bytes.saturating_sub(told))
    }

    /// Whether every address that was asked is told.
    pub fn is_whole(&self) -> bool {
        self.beyond == 0
    }

    /// Counts a packet that was sent, or came in answer; `comment` is what the recording says of it.
    pub(super) fn count(&mut self, packet: &Captured, bytes: &[u8], comment: &str) {
        let Some(ends) = Ends::of(packet.link_type, bytes) else { return };
        if packet.role == Role::Replied {
            if let Some(entry) = self.entries.get_mut(&ends.from) {
                entry.answers += 1;
            }
            return;
        }
        self.packets += 1;
        self.bytes += bytes.len() as u64;
        self.questions += u64::from(ends.asks);
        if self.entries.len() >= MOST_ADDRESSES && !self.entries.contains_key(&ends.to) {
            self.beyond += 1;
            return;
        }
        let probe = comment.split(' ').nth(1).and_then(|name| self.place(name));
        let entry = self.entries.entry(ends.to).or_default();
        entry.packets += 1;
        entry.bytes += bytes.len() as u64;
        entry.probes.extend(probe);
    }

    /// The place of a probe in the list of their names.
    fn place(&mut self, name: &str) -> Option<u16> {
        let known = self.probes.iter().position(|known| known == name);
        let place = known.unwrap_or(self.probes.len());
        if known.is_none() && place < MOST_PROBES {
            self.probes.push(name.to_owned());
        }
        u16::try_from(place).ok().filter(|_| place < MOST_PROBES)
    }
}

/// Between whom a packet goes, and whether it asks.
struct Ends {
    from: IpAddr,
    to: IpAddr,
    asks: bool,
}

impl Ends {
    fn of(link_type: i32, bytes: &[u8]) -> Option<Self> {
        let link = Link::parse(link_type, bytes).ok()?;
        match link.holds {
            Holds::Ethernet(Kind::Type(ethernet::ARP)) => {
                let arp = Arp::parse(link.payload).ok()?;
                Some(Self { from: arp.sender.into(), to: arp.target.into(), asks: true })
            }
            // It has no address of IP: everybody on the wire is asked, and offers are to us alone.
            Holds::Ethernet(Kind::Type(ethernet::PPPOE_DISCOVERY)) => {
                let everybody = IpAddr::V4(Ipv4Addr::BROADCAST);
                Some(Self { from: everybody, to: everybody, asks: true })
            }
            Holds::Ip | Holds::Ethernet(Kind::Type(ethernet::IPV4 | ethernet::IPV6)) => {
                Self::of_ip(link.payload)
            }
            _ => None,
        }
    }

    fn of_ip(bytes: &[u8]) -> Option<Self> {
        if bytes.first()? >> 4 == 4 {
            let packet = ipv4::Packet::parse(bytes).ok()?;
            let asks = asks(packet.protocol, packet.payload);
            return Some(Self { from: packet.source.into(), to: packet.destination.into(), asks });
        }
        let packet = ipv6::Packet::parse(bytes).ok()?;
        let asks = asks(packet.protocol, packet.payload);
        let neighbour = (packet.protocol == 58).then(|| Ndp::parse(packet.payload).ok()).flatten();
        let (from, to) = match neighbour.map(|ndp| ndp.message) {
            Some(Message::NeighborSolicitation { target }) => (packet.source, target),
            Some(Message::NeighborAdvertisement { target, .. }) => (target, packet.destination),
            _ => (packet.source, packet.destination),
        };
        Some(Self { from: from.into(), to: to.into(), asks })
    }
}

/// Whether a packet that we send asks, and does not just go on or confirm.
fn asks(protocol: u8, payload: &[u8]) -> bool {
    let begins = |segment: Segment<'_>| segment.has(flag::SYN);
    protocol != tcp::NUMBER || Segment::parse(payload).is_ok_and(begins)
}
