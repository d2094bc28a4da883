//! Who stands where: hosts on their links, and how each of them behaves.

use std::{
    cmp::Reverse,
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
    time::Duration,
};

use ipnetwork::IpNetwork;

use super::{
    announce::{Advertised, Announced, Offered},
    chance::Chance,
    file::Closed,
    line::{Line, Outside},
    routing::{Memory, Route},
    script::Service,
};
use crate::{link::Interface, observe::Mac};

/// How much later a host in distress answers.
const DISTRESSED: Duration = Duration::from_secs(2);

/// Hosts and links.
#[derive(Default)]
pub(super) struct Network {
    pub(super) frames: bool,
    pub(super) interfaces: Vec<Interface>,
    pub(super) segments: Vec<Segment>,
    pub(super) hosts: Vec<Host>,
    pub(super) by_address: HashMap<IpAddr, usize>,
    pub(super) by_mac: HashMap<(usize, Mac), usize>,
    /// Hosts by the addresses that they have on other networks than ours.
    pub(super) elsewhere: HashMap<IpAddr, usize>,
    /// Hosts that answer for others' hardware addresses.
    pub(super) proxies: Vec<usize>,
    pub(super) lines: Vec<Line>,
    pub(super) routers: Vec<Outside>,
}

pub(super) struct Segment {
    pub(super) name: String,
    pub(super) prefixes: Vec<IpNetwork>,
    /// Our interface on it.
    pub(super) interface: Option<usize>,
    /// The address of the router that leads to it.
    pub(super) behind: Option<IpAddr>,
    /// That router.
    pub(super) router: Option<usize>,
}

pub(super) struct Host {
    pub(super) name: String,
    pub(super) addresses: Vec<IpAddr>,
    /// Its addresses on other networks than ours, those on its lines among them.
    pub(super) elsewhere: Vec<IpAddr>,
    pub(super) mac: Option<Mac>,
    /// Addresses that it answers for with another hardware address.
    pub(super) acts_as: Vec<(IpAddr, Mac)>,
    pub(super) nature: Arc<Nature>,
    /// Where it forwards to; none for a host that forwards to the links behind it at most.
    pub(super) routes: Option<Vec<Route>>,
    pub(super) announces: Vec<Announced>,
    pub(super) offers: Option<Offered>,
    pub(super) advertises: Option<Advertised>,
    /// The name of the access concentrator that answers at it.
    pub(super) concentrator: Option<String>,
    /// Packets that came, but for those that ask for its hardware address.
    pub(super) packets: u64,
    /// Datagrams that came to each port that misses its first.
    pub(super) datagrams: HashMap<u16, u64>,
    pub(super) silenced: bool,
    /// What it remembers of what it forwarded.
    pub(super) memory: Memory,
}

/// How a host behaves.
#[derive(Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a way of its own, and all combine")]
pub(super) struct Nature {
    pub(super) resolves: bool,
    pub(super) echo: bool,
    pub(super) closed: Closed,
    pub(super) ttl: u8,
    pub(super) latency: Duration,
    pub(super) loses: Option<u64>,
    pub(super) loss: Loss,
    pub(super) misses: u64,
    pub(super) repeats: u32,
    pub(super) distress: Option<u64>,
    pub(super) fragile: bool,
    /// What it does with packets for its addresses on other networks.
    pub(super) ends: Ends,
    pub(super) hides: Hides,
    /// It answers ARP for what it has a route to.
    pub(super) proxies: bool,
    /// It drops what comes from a source that it would not answer by the same way.
    pub(super) checks_sources: bool,
    /// Though it does not forward, it says of IPv6 for others that it has no route.
    pub(super) refuses_ipv6: bool,
    /// How many bytes behind the header of a packet its errors quote.
    pub(super) quotes: usize,
    /// How long one error to one destination must be saved for, and how many may be saved up.
    pub(super) errors: Option<(Duration, u32)>,
    pub(super) tcp: HashMap<u16, Arc<Service>>,
    pub(super) udp: HashMap<u16, Arc<Service>>,
}

/// How many of a hundred packets are lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Loss {
    /// Of those to a host.
    pub(super) to: u8,
    /// Of those from it.
    pub(super) from: u8,
}

/// What a host does with what comes for an address that it has on another network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Ends {
    /// It answers ARP for it and packets to it.
    #[default]
    Weak,
    /// It answers packets to it, and no ARP.
    Mute,
    /// It answers neither.
    Strong,
}

/// What a host keeps from being seen of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Hides {
    /// Nothing.
    #[default]
    Nothing,
    /// It sends no errors.
    Errors,
    /// It drops everything to and from itself on its links, ARP and neighbour discovery aside.
    Itself,
}

impl Default for Nature {
    fn default() -> Self {
        Self {
            resolves: true,
            echo: true,
            closed: Closed::Reset,
            ttl: 64,
            latency: Duration::from_millis(1),
            loses: None,
            loss: Loss::default(),
            misses: 0,
            repeats: 1,
            distress: None,
            fragile: false,
            ends: Ends::Weak,
            hides: Hides::Nothing,
            proxies: false,
            checks_sources: false,
            refuses_ipv6: false,
            quotes: 8,
            errors: None,
            tcp: HashMap::new(),
            udp: HashMap::new(),
        }
    }
}

/// What becomes of a packet on its way to a host.
pub(super) enum Passage {
    /// It arrives; what is said about it is heard after this long.
    Through(Duration),
    /// It is lost.
    Lost,
    /// Nobody answers.
    Silent,
}

impl Network {
    /// The segment and the prefix that `address` belongs to: the longest.
    pub(super) fn home(&self, address: IpAddr) -> Option<(usize, IpNetwork)> {
        let longest = |segment: &Segment| {
            let fitting = segment.prefixes.iter().filter(|prefix| prefix.contains(address));
            fitting.max_by_key(|prefix| prefix.prefix()).copied()
        };
        let fitting = self
            .segments
            .iter()
            .enumerate()
            .filter_map(|(place, segment)| Some((longest(segment)?, Reverse(place))));
        let best = fitting.max_by_key(|(prefix, place)| (prefix.prefix(), *place));
        best.map(|(prefix, Reverse(place))| (place, prefix))
    }

    /// The segment that `address` belongs to.
    pub(super) fn segment_of(&self, address: IpAddr) -> Option<usize> {
        self.home(address).map(|(segment, _)| segment)
    }

    /// Our address towards `address`, and whether it is on a link of ours.
    pub(super) fn our_address(&self, address: IpAddr) -> Option<(IpAddr, bool)> {
        let far = self.segments.get(self.segment_of(address)?)?;
        let near = match far.behind {
            None => far,
            Some(router) => self.segments.get(self.segment_of(router)?)?,
        };
        let interface = self.interfaces.get(near.interface?)?;
        let mut ours = interface.addresses.iter();
        // A prefix of the same wire in which we have no address is not reached from it.
        let ours = if far.behind.is_none() {
            ours.find(|ours| ours.contains(address))
        } else {
            ours.find(|ours| ours.ip().is_ipv4() == address.is_ipv4())
        };
        Some((ours?.ip(), far.behind.is_none()))
    }

    /// Whether `address` is one of our own on this segment.
    pub(super) fn is_ours(&self, segment: usize, address: IpAddr) -> bool {
        let interface = self.segments.get(segment).and_then(|segment| segment.interface);
        let interface = interface.and_then(|interface| self.interfaces.get(interface));
        interface.is_some_and(|known| known.addresses.iter().any(|ours| ours.ip() == address))
    }
}

impl Host {
    pub(super) fn new(
        name: String,
        addresses: Vec<IpAddr>,
        mac: Option<Mac>,
        nature: Arc<Nature>,
    ) -> Self {
        Self {
            name,
            addresses,
            elsewhere: Vec::new(),
            mac,
            acts_as: Vec::new(),
            nature,
            routes: None,
            announces: Vec::new(),
            offers: None,
            advertises: None,
            concentrator: None,
            packets: 0,
            datagrams: HashMap::new(),
            silenced: false,
            memory: Memory::default(),
        }
    }

    /// The hardware address that it answers for `address` with.
    pub(super) fn mac_for(&self, address: IpAddr) -> Option<Mac> {
        let acting = self.acts_as.iter().find(|(acting, _)| *acting == address);
        acting.map(|(_, mac)| *mac).or(self.mac)
    }

    /// Its link-local address.
    pub(super) fn link_local(&self) -> Option<Ipv6Addr> {
        self.addresses.iter().find_map(|address| match address {
            IpAddr::V6(address) if address.is_unicast_link_local() => Some(*address),
            _ => None,
        })
    }

    /// What becomes of the next packet to it.
    pub(super) fn pass(&mut self, resolves: bool, chance: &mut Chance) -> Passage {
        let nature = &self.nature;
        if self.silenced || resolves && !nature.resolves {
            return Passage::Silent;
        }
        if resolves {
            let lost = chance.happens(nature.loss.to);
            return if lost { Passage::Lost } else { Passage::Through(nature.latency) };
        }
        self.packets += 1;
        let distressed = |times: u64| {
            nature.distress.is_some_and(|most| self.packets > most.saturating_mul(times))
        };
        self.silenced = nature.fragile || distressed(2);
        if self.silenced {
            return Passage::Silent;
        }
        let nth = nature.loses.is_some_and(|nth| self.packets.is_multiple_of(nth));
        if nth || chance.happens(nature.loss.to) {
            return Passage::Lost;
        }
        let slower = if distressed(1) { DISTRESSED } else { Duration::ZERO };
        Passage::Through(nature.latency + slower)
    }

    /// Whether it misses the next datagram to `port`.
    pub(super) fn misses(&mut self, port: u16) -> bool {
        if self.nature.misses == 0 || !self.nature.udp.contains_key(&port) {
            return false;
        }
        let came = self.datagrams.entry(port).or_default();
        *came += 1;
        *came <= self.nature.misses
    }
}
