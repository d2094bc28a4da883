//! Which points, each seen from another side, are one box; and the one point that they make.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use super::{Because, Direction, Grade, Line, Point, weigh};

/// How many reasons a point keeps that was seen from several sides.
const MOST_JOINED: usize = 64;

/// How many lines such a point keeps.
const MOST_LINES: usize = 16;

/// How many names such a point keeps.
const MOST_NAMES: usize = 16;

/// What tells whose an address in the Internet is.
#[derive(Debug, Clone)]
pub struct Claims {
    /// Nothing of the box was seen but from outside.
    pub only_outside: bool,
    /// Its addresses, each with a number that is the higher the later it was seen to have it.
    addresses: BTreeMap<IpAddr, u64>,
    /// What it alone tells.
    identities: BTreeSet<String>,
}

/// What shows that a point seen from outside is one that was seen from inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// The address that the one has and at which the other answered.
    Address(IpAddr),
    /// What no other box tells.
    Identity(String),
}

impl Default for Claims {
    /// None yet.
    fn default() -> Self {
        Self::told([], BTreeSet::new(), 0)
    }
}

impl Claims {
    /// What a point tells, as it was seen at `moment`.
    pub fn of(point: &Point, moment: u64) -> Self {
        let sides = &point.sides;
        let addresses = point.addresses.iter().chain(&sides.claims).chain(&sides.faces);
        Self {
            only_outside: point.is_only_outside(),
            addresses: addresses.map(|address| (*address, moment)).collect(),
            identities: sides.identities.clone(),
        }
    }

    /// What a box told at `moment` of its addresses, and of what it alone tells, as it was seen from outside.
    pub fn told(
        addresses: impl IntoIterator<Item = IpAddr>,
        identities: BTreeSet<String>,
        moment: u64,
    ) -> Self {
        let addresses = addresses.into_iter().map(|address| (address, moment)).collect();
        Self { only_outside: true, addresses, identities }
    }

    /// Takes in what the same box told at another moment.
    pub fn absorb(&mut self, other: Self) {
        self.only_outside &= other.only_outside;
        for (address, moment) in other.addresses {
            let known = self.addresses.entry(address).or_default();
            *known = moment.max(*known);
        }
        self.identities.extend(other.identities);
    }
}

/// For each box that was seen from outside alone, the place of the one that it is, and why: the only one that was last
/// seen to have its address, or else the only one that tells what it tells.
pub fn owners(claims: &[Claims]) -> Vec<Option<(usize, Proof)>> {
    let mut having: BTreeMap<IpAddr, (u64, BTreeSet<usize>)> = BTreeMap::new();
    let mut telling: BTreeMap<(&str, bool), BTreeSet<usize>> = BTreeMap::new();
    for (place, one) in claims.iter().enumerate() {
        for value in &one.identities {
            telling.entry((value, one.only_outside)).or_default().insert(place);
        }
        for (address, moment) in one.addresses.iter().filter(|_| !one.only_outside) {
            let (last, owners) = having.entry(*address).or_default();
            if *moment > *last {
                owners.clear();
            }
            if *moment >= *last {
                *last = *moment;
                owners.insert(place);
            }
        }
    }
    let owner = |one: &Claims| -> Option<(usize, Proof)> {
        let by_address: BTreeMap<usize, IpAddr> = one
            .addresses
            .keys()
            .filter_map(|address| Some((address, having.get(address)?)))
            .flat_map(|(address, (_, owners))| owners.iter().map(move |owner| (*owner, *address)))
            .collect();
        if let (1, Some((owner, address))) = (by_address.len(), by_address.first_key_value()) {
            return Some((*owner, Proof::Address(*address)));
        }
        let alone =
            |value: &&String| telling.get(&(&***value, true)).is_some_and(|all| all.len() == 1);
        let by_identity: BTreeMap<usize, &String> = one
            .identities
            .iter()
            .filter(alone)
            .filter_map(|value| {
                let tellers = telling.get(&(value, false)).filter(|all| all.len() == 1)?;
                Some((*tellers.first()?, value))
            })
            .filter(|(teller, _)| by_address.is_empty() || by_address.contains_key(teller))
            .collect();
        let (teller, value) = by_identity.first_key_value().filter(|_| by_identity.len() == 1)?;
        Some((*teller, Proof::Identity((*value).clone())))
    };
    claims.iter().map(|one| one.only_outside.then(|| owner(one))?).collect()
}

/// Points of one run in which each box is one: what was seen from outside is told with what was seen from inside. The
/// order stays.
pub(super) fn join(points: Vec<Point>) -> Vec<Point> {
    let claims: Vec<Claims> = points.iter().map(|point| Claims::of(point, 0)).collect();
    let owners = owners(&claims);
    let mut joined = points.clone();
    for (point, owner) in points.iter().zip(&owners) {
        if let Some((place, proof)) = owner
            && let Some(main) = joined.get_mut(*place)
        {
            *main = merged(main, point, Some(proof));
        }
    }
    joined
        .into_iter()
        .zip(owners)
        .filter(|(_, owner)| owner.is_none())
        .map(|(one, _)| one)
        .collect()
}

/// The point that two make which are one box; it has the name of the first. `proof` is what shows it.
pub fn merged(main: &Point, other: &Point, proof: Option<&Proof>) -> Point {
    let rank = |point: &Point| {
        let strong = point.grade == Grade::Proved || point.confidence >= 0.6;
        (strong, weigh::nearness(point.kind), point.grade)
    };
    let (first, second) = if rank(other) > rank(main) { (other, main) } else { (main, other) };
    // What is said of it on both sides of it is said twice; on one side, again.
    let agree = proof.is_some() && first.grade.min(second.grade) >= Grade::Inferred;
    let both = 1.0 - (1.0 - first.confidence) * (1.0 - second.confidence);
    let (confidence, grade) = match (first.kind == second.kind, agree) {
        (true, true) => (both, first.grade.max(second.grade).max(Grade::Corroborated)),
        (true, false) => (first.confidence.max(second.confidence), first.grade.max(second.grade)),
        (false, _) => (first.confidence, first.grade),
    };
    let detailed = |point: &Point| {
        point.product.as_ref().map(|product| (product.version.is_some(), product.model.is_some()))
    };
    let product = if detailed(second) > detailed(first) { &second.product } else { &first.product };
    let mut sides = main.sides.clone();
    sides.absorb(&other.sides);
    let names = main.names.iter().chain(&other.names).take(MOST_NAMES).cloned();
    Point {
        id: main.id.clone(),
        kind: first.kind,
        grade,
        confidence: (confidence * 1000.0).round() / 1000.0,
        direction: if main.direction == other.direction { main.direction } else { Direction::Both },
        addresses: &main.addresses | &other.addresses,
        macs: &main.macs | &other.macs,
        outside: &main.outside | &other.outside,
        services: &main.services | &other.services,
        product: product.clone(),
        names: names.collect(),
        lines: lines(main, other),
        because: reasons(first, second, proof.and_then(|proof| reason(proof, other))),
        sides,
    }
}

/// The lines behind both, each once.
fn lines(main: &Point, other: &Point) -> Vec<Line> {
    let ends = |line: &Line| (line.kind.clone(), line.mtu, line.outside, line.next_hop);
    let known: BTreeSet<_> = main.lines.iter().map(ends).collect();
    let more = other.lines.iter().filter(|line| !known.contains(&ends(line)));
    main.lines.iter().chain(more).take(MOST_LINES).cloned().collect()
}

/// Why a point seen from outside is one that was seen from inside; the packet is one in which it answered.
fn reason(proof: &Proof, outside: &Point) -> Option<Because> {
    let (evidence, field, value) = match proof {
        Proof::Address(address) => ("same_box_by_address", "outside", address.to_string()),
        Proof::Identity(told) => {
            let (field, value) = told.split_once('=')?;
            ("same_box_by_identity", field, value.to_owned())
        }
    };
    let shown = outside.because.first()?.observation.clone();
    Some(Because { evidence: evidence.into(), field: field.into(), value, observation: shown })
}

/// The reasons of both, the first's before the second's, each once.
fn reasons(first: &Point, second: &Point, joined: Option<Because>) -> Vec<Because> {
    let mut known = BTreeSet::new();
    let mut all: Vec<Because> = first.because.iter().chain(&second.because).cloned().collect();
    let end = all.len().min(1);
    if let Some(joined) = joined {
        all.insert(end, joined);
    }
    all.retain(|because| known.insert(because.clone()));
    all.truncate(MOST_JOINED);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn claims(only_outside: bool, moment: u64, addresses: &[&str], identities: &[&str]) -> Claims {
        let addresses = addresses.iter().map(|text| at(text));
        let identities = identities.iter().map(|text| (*text).to_owned()).collect();
        Claims { only_outside, ..Claims::told(addresses, identities, moment) }
    }

    fn owner_of_last(all: &[Claims]) -> Option<usize> {
        owners(all).pop().flatten().map(|(place, _)| place)
    }

    #[test]
    fn an_address_belongs_to_the_only_one_that_was_last_seen_to_have_it() {
        let face = claims(true, 3, &["203.0.113.2"], &[]);
        let has = |moment| claims(false, moment, &["10.0.0.1", "203.0.113.2"], &[]);
        let not = claims(false, 9, &["10.0.0.2"], &[]);
        assert_eq!(owner_of_last(&[not.clone(), has(1), face.clone()]), Some(1));
        assert_eq!(owner_of_last(&[has(1), has(2), face.clone()]), Some(1), "the later one");
        assert_eq!(owner_of_last(&[has(2), has(1), face.clone()]), Some(0));
        assert_eq!(owner_of_last(&[has(1), has(1), face.clone()]), None, "two at a time");
        assert_eq!(owner_of_last(&[not, face.clone()]), None);
        let others = claims(true, 5, &["203.0.113.2"], &[]);
        assert_eq!(owner_of_last(&[others, face]), None, "who is outside alone owns nobody");
    }

    #[test]
    fn one_that_answers_at_the_addresses_of_two_is_neither() {
        let both = claims(true, 3, &["203.0.113.2", "203.0.113.3"], &[]);
        let one = |address| claims(false, 1, &[address], &[]);
        assert_eq!(owner_of_last(&[one("203.0.113.2"), one("203.0.113.3"), both.clone()]), None);
        assert_eq!(owner_of_last(&[one("203.0.113.2"), one("10.0.0.3"), both]), Some(0));
    }

    #[test]
    fn what_two_boxes_tell_is_no_identity() {
        let key = "tls.cert.sha256=aa";
        let face = claims(true, 3, &["203.0.113.2"], &[key]);
        let inside = |address| claims(false, 1, &[address], &[key]);
        let found = owners(&[inside("10.0.0.1"), face.clone()]).pop().flatten();
        assert_eq!(found, Some((0, Proof::Identity(key.to_owned()))));
        assert_eq!(owner_of_last(&[inside("10.0.0.1"), inside("10.0.0.2"), face.clone()]), None);
        let other = claims(true, 3, &["203.0.113.3"], &[key]);
        assert_eq!(owner_of_last(&[inside("10.0.0.1"), other, face.clone()]), None);
        // Whose the address is counts more than what it tells; of two that have it, the one that tells the same.
        let owner = claims(false, 1, &["203.0.113.2"], &[]);
        assert_eq!(owner_of_last(&[inside("10.0.0.1"), owner, face.clone()]), Some(1));
        let has = claims(false, 1, &["203.0.113.2"], &[]);
        let same = claims(false, 1, &["203.0.113.2"], &[key]);
        assert_eq!(owner_of_last(&[has, same, face]), Some(1));
    }
}
