//! What was seen of a point from where, and what tells that a box seen from two sides is one.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use serde::{Deserialize, Serialize};

use super::{
    Access, Point, Service, access, device::Device, restriction::Restriction, sign::Sign,
    view::Views,
};
use crate::{
    observe::{Mac, Observation, Side},
    scope::Vantage,
};

/// How much a sign must weigh to show whose an outside address is: more than a hint.
const SUREST_HINT: f64 = 0.5;

/// What was seen of a point from where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sides {
    /// From where it was seen. Never empty.
    pub seen_from: BTreeSet<Vantage>,
    /// Its services, in their order, with where each was seen. What an earlier release kept has none.
    pub services: Vec<Seen>,
    /// Its addresses in the Internet that answered to a run from there.
    pub faces: BTreeSet<IpAddr>,
    /// Addresses outside that it was seen, from inside, to have itself.
    pub claims: BTreeSet<IpAddr>,
    /// What no other box that was seen tells: `tls.cert.sha256=…`, `snmp.engineid=…`, `mac=…`.
    pub identities: BTreeSet<String>,
    /// What of it is open to the outside, where that was looked at.
    pub restriction: Vec<Restriction>,
    /// What its services showed of how they guard what passes and whom they let in.
    pub access: Vec<Access>,
}

/// A service, and from where it was seen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Seen {
    /// The service.
    #[serde(flatten)]
    pub service: Service,
    /// It answers, rather than being dialled.
    pub listens: bool,
    /// The vantages from which it was seen. Never empty.
    pub seen_from: BTreeSet<Vantage>,
}

impl Default for Sides {
    /// Seen from inside, and nothing further known.
    fn default() -> Self {
        Self {
            seen_from: BTreeSet::from([Vantage::default()]),
            services: Vec::new(),
            faces: BTreeSet::new(),
            claims: BTreeSet::new(),
            identities: BTreeSet::new(),
            restriction: Vec::new(),
            access: Vec::new(),
        }
    }
}

impl Sides {
    /// The vantages from which a service was seen; none where that was not kept.
    pub fn of_service(&self, service: &Service) -> Option<&BTreeSet<Vantage>> {
        self.services.iter().find(|seen| seen.service == *service).map(|seen| &seen.seen_from)
    }

    /// Takes in what else was seen of the same box.
    pub(super) fn absorb(&mut self, other: &Self) {
        self.seen_from.extend(other.seen_from.iter().cloned());
        for seen in &other.services {
            match self.services.iter_mut().find(|known| known.service == seen.service) {
                Some(known) => {
                    known.listens |= seen.listens;
                    known.seen_from.extend(seen.seen_from.iter().cloned());
                }
                None => self.services.push(seen.clone()),
            }
        }
        self.services.sort();
        self.faces.extend(&other.faces);
        self.claims.extend(&other.claims);
        self.identities.extend(other.identities.iter().cloned());
        access::absorb(&mut self.access, &other.access);
    }
}

impl Point {
    /// Whether nothing of it was seen but from outside.
    pub fn is_only_outside(&self) -> bool {
        !self.sides.faces.is_empty() && self.addresses.is_empty() && self.macs.is_empty()
    }

    /// What is left of it when only these vantages count: services that were seen from elsewhere alone are left out.
    pub fn narrowed(mut self, to: &BTreeSet<Vantage>) -> Self {
        let elsewhere = |seen: &Seen| seen.seen_from.is_disjoint(to);
        let gone: BTreeSet<Service> = self
            .sides
            .services
            .iter()
            .filter(|seen| elsewhere(seen))
            .map(|s| s.service.clone())
            .collect();
        self.services.retain(|service| !gone.contains(service));
        self.sides.services.retain(|seen| !gone.contains(&seen.service));
        for seen in &mut self.sides.services {
            seen.seen_from.retain(|vantage| to.contains(vantage));
        }
        self.sides.access.retain(|access| !access.seen_from.is_disjoint(to));
        for access in &mut self.sides.access {
            access.seen_from.retain(|vantage| to.contains(vantage));
        }
        self.sides.seen_from.retain(|vantage| to.contains(vantage));
        self
    }
}

/// What `signs` of a box with these addresses show of its sides; `identities` is what it alone tells.
pub(super) fn of_signs(
    signs: &[Sign<'_>],
    addresses: &BTreeSet<IpAddr>,
    identities: BTreeSet<String>,
    views: &Views<'_>,
) -> Sides {
    let mut seen_from = BTreeSet::new();
    let mut services: BTreeMap<&Service, (bool, BTreeSet<Vantage>)> = BTreeMap::new();
    let mut claims = BTreeSet::new();
    for sign in signs {
        let vantage = views.vantage(sign.observation);
        seen_from.insert(vantage.clone());
        if let Some(service) = &sign.service {
            let o = sign.observation;
            let (listens, from) = services.entry(service).or_default();
            *listens |= o.side == Side::Server && o.speaker == sign.about;
            from.insert(vantage.clone());
        }
        // What is dialled has a service; an outside address without one is the box's own.
        let own = sign.service.is_none() && !views.is_from_outside(sign.observation);
        if own && (sign.proves || sign.weight >= SUREST_HINT) {
            claims.extend(sign.outside);
        }
    }
    let services = services.into_iter().map(|(service, (listens, seen_from))| Seen {
        service: service.clone(),
        listens,
        seen_from,
    });
    let (faces, services) = (views.faces(addresses), services.collect());
    Sides { seen_from, services, faces, claims, identities, ..Sides::default() }
}

/// Gives a point its sides; its addresses in the Internet are outside, unless the facility uses them inside, too.
pub(super) fn add(point: &mut Point, sides: Sides, views: &Views<'_>) {
    for face in sides.faces.iter().filter(|face| !views.is_inside(**face)) {
        point.addresses.remove(face);
        point.outside.insert(*face);
    }
    point.sides = sides;
}

/// Values that tell one box from all others, by box.
#[derive(Default)]
pub(super) struct Identities {
    of: BTreeMap<Device, BTreeSet<String>>,
}

impl Identities {
    /// Notes what `o` tells of the box that says it.
    pub(super) fn note(&mut self, device: Device, o: &Observation) {
        if o.side == Side::Client {
            return;
        }
        let known = told(o);
        if !known.is_empty() {
            self.of.entry(device).or_default().extend(known);
        }
    }

    /// Notes the hardware addresses of a box.
    pub(super) fn note_macs(&mut self, device: Device, macs: &BTreeSet<Mac>) {
        let own = macs.iter().filter(|mac| is_own(**mac)).map(|mac| format!("mac={mac}"));
        self.of.entry(device).or_default().extend(own);
    }

    /// What each box alone tells: no other does that was seen from the same side. `is_outside` says which boxes were seen
    /// from outside alone.
    pub(super) fn unique(
        self,
        is_outside: impl Fn(Device) -> bool,
    ) -> BTreeMap<Device, BTreeSet<String>> {
        let mut tellers: BTreeMap<(&str, bool), usize> = BTreeMap::new();
        for (device, told) in &self.of {
            for value in told {
                *tellers.entry((value, is_outside(*device))).or_default() += 1;
            }
        }
        let several: BTreeSet<String> = tellers
            .iter()
            .filter(|(_, count)| **count > 1)
            .map(|((v, _), _)| (*v).to_owned())
            .collect();
        let alone = |told: BTreeSet<String>| told.difference(&several).cloned().collect();
        self.of.into_iter().map(|(device, told)| (device, alone(told))).collect()
    }
}

/// What an observation tells that no two boxes have. A certificate for any name below a domain stands on many.
fn told(o: &Observation) -> Vec<String> {
    let mut all = Vec::new();
    let names = ["tls.cert.name", "tls.cert.subject.cn"];
    let shared =
        names.iter().flat_map(|field| o.facts.all(field)).any(|name| name.starts_with('*'));
    if let Some(hash) = o.facts.get("tls.cert.sha256").filter(|_| !shared) {
        all.push(format!("tls.cert.sha256={hash}"));
    }
    // An engine may be called by a text or by an address, which others are called by, too.
    let made_up = ["snmp.engineid.address", "snmp.engineid.text"];
    if let Some(engine) = o.facts.get("snmp.engineid")
        && made_up.iter().all(|field| o.facts.get(field).is_none())
    {
        all.push(format!("snmp.engineid={engine}"));
    }
    let macs = ["snmp.engineid.mac", "snmp.mac", "nbns.mac"];
    let macs = macs.iter().flat_map(|field| o.facts.all(field));
    let macs = macs.filter_map(|text| text.parse::<Mac>().ok()).filter(|mac| is_own(*mac));
    all.extend(macs.map(|mac| format!("mac={mac}")));
    all
}

/// Whether a hardware address is one machine's.
fn is_own(mac: Mac) -> bool {
    !mac.is_zero() && !mac.is_virtual_router() && mac.0.first().is_some_and(|first| first & 1 == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::{Confidence, Endpoint, Facts, Heard, PacketId, Transport};

    fn says(facts: &[(&'static str, &str)]) -> Observation {
        let mut all = Facts::default();
        for (field, value) in facts {
            all.add(field, value);
        }
        let ip = Some([10, 0, 0, 1].into());
        Observation {
            at: crate::time::Timestamp::default(),
            packet: PacketId::default(),
            heard: Heard::Replied,
            speaker: Endpoint { ip, mac: None, port: Some(443), transport: Transport::Tcp },
            listener: None,
            protocol: "tls",
            side: Side::Server,
            confidence: Confidence::Certain,
            facts: all,
        }
    }

    #[test]
    fn what_others_may_be_called_too_is_no_identity() {
        let hash = ("tls.cert.sha256", "aa");
        assert_eq!(told(&says(&[hash])), ["tls.cert.sha256=aa"]);
        for wildcard in [("tls.cert.name", "*.example.jp"), ("tls.cert.subject.cn", "*.example.jp")]
        {
            assert_eq!(told(&says(&[hash, wildcard])), Vec::<String>::new());
        }
        let engine = ("snmp.engineid", "8000");
        assert_eq!(told(&says(&[engine])), ["snmp.engineid=8000"]);
        assert!(told(&says(&[engine, ("snmp.engineid.address", "192.168.1.1")])).is_empty());
        assert!(told(&says(&[engine, ("snmp.engineid.text", "router")])).is_empty());
        assert_eq!(told(&says(&[("nbns.mac", "02:00:00:00:00:01")])), ["mac=02:00:00:00:00:01"]);
        for none in ["00:00:00:00:00:00", "00:00:5e:00:01:07", "ff:ff:ff:ff:ff:ff"] {
            assert!(told(&says(&[("nbns.mac", none)])).is_empty(), "{none}");
        }
    }

    #[test]
    fn what_two_boxes_tell_from_one_side_is_told_of_neither() {
        let tells = |devices: &[(usize, &str)]| {
            let mut identities = Identities::default();
            for (place, hash) in devices {
                identities.note(Device::at(*place), &says(&[("tls.cert.sha256", hash)]));
            }
            // Devices from 10 on were seen from outside alone.
            let unique = identities.unique(|device| device >= Device::at(10));
            unique.values().filter(|told| !told.is_empty()).count()
        };
        assert_eq!(tells(&[(1, "aa"), (10, "aa")]), 2);
        assert_eq!(tells(&[(1, "aa"), (2, "aa"), (10, "aa")]), 0);
        assert_eq!(tells(&[(1, "aa"), (10, "aa"), (11, "aa")]), 0);
        assert_eq!(tells(&[(1, "aa"), (2, "bb")]), 2);
    }
}
