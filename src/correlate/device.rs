//! Which addresses are one box.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use super::question::{Question, own_in_the_internet};
use crate::{
    observe::{Mac, Observation},
    scope::{Inside, inside::is_nowhere},
};

/// A hardware address with more network addresses than this forwards or answers for others.
const MOST_ADDRESSES: usize = 8;

/// Protocols in which routers that stand in for each other say for which address.
pub(super) const STANDING_IN: &[(&str, &str)] = &[
    ("vrrp", "vrrp.address"),
    ("hsrp", "hsrp.address"),
    ("glbp", "glbp.address"),
    ("carp", "carp.address"),
];

/// One way to name a box.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Name {
    Mac(Mac),
    Ip(IpAddr),
}

/// A box, by its place among [`Devices`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Device(usize);

#[cfg(test)]
impl Device {
    /// The box at a place.
    pub(super) const fn at(place: usize) -> Self {
        Self(place)
    }
}

/// The network and hardware addresses of a box.
pub(super) type Addresses = (BTreeSet<IpAddr>, BTreeSet<Mac>);

/// Boxes and their names.
#[derive(Debug, Default)]
pub(super) struct Devices {
    places: BTreeMap<Name, usize>,
    /// For each name, another name of the same box, or itself.
    parents: Vec<usize>,
}

impl Devices {
    /// Joins the addresses that `observations` show to be one box.
    pub(super) fn new(observations: &[Observation], inside: &Inside) -> Self {
        let mut devices = Self::default();
        let pairs = pairs(observations, inside);
        for (mac, addresses) in &pairs {
            if addresses.len() <= MOST_ADDRESSES {
                for address in addresses {
                    devices.join(Name::Mac(*mac), Name::Ip(*address));
                }
            }
        }
        for observation in
            observations.iter().filter(|observation| observation.protocol == "ethernet")
        {
            let Some(mac) = observation.speaker.mac else { continue };
            for field in ["ethernet.acts_as", "ethernet.also"] {
                for other in observation.facts.all(field).filter_map(|text| text.parse().ok()) {
                    devices.join(Name::Mac(mac), Name::Mac(other));
                }
            }
        }
        for observation in observations {
            let Some((_, field)) =
                STANDING_IN.iter().find(|(name, _)| *name == observation.protocol)
            else {
                continue;
            };
            let speaker = observation.speaker;
            let own = speaker.ip.map(Name::Ip).into_iter().chain(speaker.mac.map(Name::Mac));
            let shared =
                observation.facts.all(field).filter_map(|text| text.parse().ok()).map(Name::Ip);
            let mut names = own.chain(shared);
            if let Some(first) = names.next() {
                names.for_each(|name| devices.join(first, name));
            }
        }
        for (address, macs) in owners(observations, inside) {
            // An address that several boxes seem to have tells none of them from the others.
            if macs.iter().filter(|mac| !mac.is_virtual_router()).count() <= 1 {
                for mac in macs {
                    devices.join(Name::Mac(mac), Name::Ip(address));
                }
            }
        }
        devices
    }

    /// The box with this hardware address.
    pub(super) fn with_mac(&mut self, mac: Mac) -> Device {
        self.find(Name::Mac(mac))
    }

    /// The box with this network address.
    pub(super) fn with_ip(&mut self, ip: IpAddr) -> Device {
        self.find(Name::Ip(ip))
    }

    /// Every box with all its addresses.
    pub(super) fn addresses(&mut self) -> BTreeMap<Device, Addresses> {
        let names: Vec<(Name, usize)> =
            self.places.iter().map(|(name, place)| (*name, *place)).collect();
        let mut all: BTreeMap<Device, Addresses> = BTreeMap::new();
        for (name, place) in names {
            let (ips, macs) = all.entry(Device(self.root(place))).or_default();
            match name {
                Name::Ip(ip) => drop(ips.insert(ip)),
                Name::Mac(mac) => drop(macs.insert(mac)),
            }
        }
        all
    }

    fn find(&mut self, name: Name) -> Device {
        let place = self.place(name);
        Device(self.root(place))
    }

    fn place(&mut self, name: Name) -> usize {
        *self.places.entry(name).or_insert_with(|| {
            self.parents.push(self.parents.len());
            self.parents.len() - 1
        })
    }

    fn join(&mut self, one: Name, other: Name) {
        let (one, other) = (self.find(one).0, self.find(other).0);
        // The earlier name stays, so that the order of joining does not matter.
        if let Some(parent) = self.parents.get_mut(one.max(other)) {
            *parent = one.min(other);
        }
    }

    fn root(&mut self, mut place: usize) -> usize {
        while let Some(parent) = self.parent(place) {
            // The next search has half the way, however long a chain somebody announces.
            let beyond = self.parent(parent).unwrap_or(parent);
            if let Some(known) = self.parents.get_mut(place) {
                *known = beyond;
            }
            place = parent;
        }
        place
    }

    /// Another name of the same box, unless this is the one it is known by.
    fn parent(&self, place: usize) -> Option<usize> {
        self.parents.get(place).copied().filter(|parent| *parent != place)
    }
}

/// Whether an address can be told apart from other boxes': not one that leads nowhere, nor one that many
/// routers give themselves on every link, such as `fe80::1`.
fn is_own(address: IpAddr) -> bool {
    match address {
        IpAddr::V6(v6) if v6.is_unicast_link_local() => {
            v6.to_bits() & u128::from(u64::MAX) > 0xffff
        }
        _ => !is_nowhere(address),
    }
}

/// The network addresses that each hardware address claims or sends from itself.
fn pairs(observations: &[Observation], inside: &Inside) -> BTreeMap<Mac, BTreeSet<IpAddr>> {
    let mut pairs: BTreeMap<Mac, BTreeSet<IpAddr>> = BTreeMap::new();
    for observation in observations {
        let field = match observation.protocol {
            "arp" => "arp.ip",
            "ethernet" => "ethernet.address",
            // Who answers a question that could go no further than a hardware address is the box with that one, and so
            // is whoever acts for a virtual router's.
            "forward" => {
                let question = Question::of(observation);
                let from = question.as_ref().and_then(|q| Some((q.mac, q.answers_from()?)));
                if let Some((mac, ip)) = from.filter(|(_, ip)| inside.contains(*ip) && is_own(*ip))
                {
                    pairs.entry(mac).or_default().insert(ip);
                }
                continue;
            }
            _ => continue,
        };
        let Some(mac) = observation.speaker.mac else { continue };
        let addresses = observation.facts.all(field).filter_map(|text| text.parse::<IpAddr>().ok());
        let known = pairs.entry(mac).or_default();
        known.extend(addresses.filter(|ip| inside.contains(*ip) && is_own(*ip)));
    }
    pairs
}

/// The hardware addresses that each address of the Internet was shown to be an own one of, so that a box that is also
/// seen from outside is one.
fn owners(observations: &[Observation], inside: &Inside) -> BTreeMap<IpAddr, BTreeSet<Mac>> {
    let mut owners: BTreeMap<IpAddr, BTreeSet<Mac>> = BTreeMap::new();
    for question in observations.iter().filter_map(Question::of) {
        if let Some(address) = own_in_the_internet(&question, inside) {
            owners.entry(address).or_default().insert(question.mac);
        }
    }
    owners
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::{
        Confidence, Endpoint, Facts, Heard, Observation, PacketId, Side, Transport,
    };

    /// A virtual router's announcement: the speaker stands in for `shared`.
    fn stands_in(speaker: IpAddr, shared: IpAddr) -> Observation {
        let (ip, transport) = (Some(speaker), Transport::Ip);
        Observation {
            at: crate::time::Timestamp::default(),
            packet: PacketId::default(),
            heard: Heard::Overheard,
            speaker: Endpoint { ip, mac: None, port: None, transport },
            listener: None,
            protocol: "vrrp",
            side: Side::Peer,
            confidence: Confidence::Certain,
            facts: Facts::default().with("vrrp.address", shared),
        }
    }

    #[test]
    fn a_long_chain_of_announcements_is_one_box_and_takes_no_time() {
        let at = |n: u32| IpAddr::from((0x0a00_0000 + n).to_be_bytes());
        let last = 200_000;
        // Each is known before it is joined to the one before it.
        let named = (0..=last).map(|n| stands_in(at(n), at(n)));
        let joined = (0..last).rev().map(|n| stands_in(at(n + 1), at(n)));
        let heard: Vec<Observation> = named.chain(joined).collect();
        let mut devices = Devices::new(&heard, &Inside::inferred([]));
        let box_ = devices.with_ip(at(0));
        assert!((0..=last).all(|n| devices.with_ip(at(n)) == box_));
        let all = devices.addresses();
        assert_eq!(all.len(), 1);
        assert_eq!(all[&box_].0.len(), last as usize + 1);
    }
}
