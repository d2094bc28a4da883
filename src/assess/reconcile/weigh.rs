//! How much speaks for it that a line is a box.
//!
//! A hardware address is surest, then a serial number, then addresses, then names; maker and model support or contradict,
//! and identify alone only where both sides have no other of the kind. An address can be another box's by now (DHCP), so what
//! contradicts counts too.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::Hash,
};

use super::{
    By, compare,
    known::{Box, Line, apart},
};

/// What must speak for a pair, in tenths.
const ENOUGH: i32 = 25;

/// The most boxes that one address or name is looked up to.
const MOST_ALIKE: usize = 8;

/// A line and a box, and what shows that they are one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) score: i32,
    pub(super) line: usize,
    pub(super) found: usize,
    pub(super) by: Vec<By>,
}

/// What speaks for a pair; none where it is not enough.
fn weigh(line: &Line<'_>, found: &Box, unique: &BTreeSet<&str>) -> Option<(i32, Vec<By>)> {
    let entry = line.entry;
    let (mut score, mut by, mut doubt) = (0, Vec::new(), false);
    let mut shared = entry.macs.intersection(&found.macs).peekable();
    if shared.peek().is_some() {
        // Routers that stand in for each other share a hardware address.
        score += if shared.all(|mac| mac.is_virtual_router()) { 50 } else { 120 };
        by.push(By::Mac);
    } else if apart(&entry.macs, &found.macs) {
        if compare::any_near(&entry.macs, &found.macs) {
            score += 30;
        } else {
            score -= 35;
            doubt = true;
        }
    }
    if let Some(serial) = line.serial.as_ref().filter(|_| !found.serials.is_empty()) {
        if found.serials.contains_key(serial) {
            score += 100;
            by.push(By::Serial);
        } else {
            score -= 30;
        }
    }
    if !entry.addresses.is_disjoint(&found.addresses) {
        score += 60;
        by.push(By::Address);
    } else if apart(&entry.addresses, &found.addresses) {
        score -= 10;
    }
    // A register does not always say which side an address is on.
    if !entry.outside.is_disjoint(&found.outside)
        || !entry.addresses.is_disjoint(&found.outside)
        || !entry.outside.is_disjoint(&found.addresses)
    {
        score += 60;
        by.push(By::Outside);
    }
    match compare::same_name(&line.names, &found.names) {
        Some(true) => {
            let names = line.names.intersection(&found.names);
            if names.into_iter().any(|name| unique.contains(name.as_str())) {
                score += 50;
                by.push(By::Name);
            } else {
                score += 15;
            }
        }
        Some(false) if line.is_host_name => {
            score -= 35;
            doubt = true;
        }
        _ => {}
    }
    for (same, agrees, differs) in
        [(found.is_vendor(entry), 15, -25), (found.is_model(entry), 30, -15)]
    {
        score += match same {
            // What many boxes are alike in takes no doubt away.
            Some(true) if doubt => 0,
            Some(true) => agrees,
            Some(false) => differs,
            None => 0,
        };
    }
    (!by.is_empty() && score >= ENOUGH).then_some((score, by))
}

/// Every pair that has enough for it, the surest first.
pub(super) fn pairs(lines: &[Line<'_>], boxes: &[Box]) -> Vec<Pair> {
    let mut by_mac: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    let mut by_address: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    let mut by_word: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut by_serial: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, found) in boxes.iter().enumerate() {
        add(&mut by_mac, found.macs.iter().copied(), at);
        add(&mut by_address, found.addresses.union(&found.outside).copied(), at);
        add(&mut by_word, found.names.iter().map(String::as_str), at);
        add(&mut by_serial, found.serials.keys().map(String::as_str), at);
    }
    let unique: BTreeSet<&str> =
        by_word.iter().filter(|(_, boxes)| boxes.len() == 1).map(|(name, _)| *name).collect();
    let mut pairs = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let entry = line.entry;
        let mut near: BTreeSet<usize> = BTreeSet::new();
        near.extend(entry.macs.iter().filter_map(|mac| by_mac.get(mac)).flatten());
        near.extend(
            line.serial.iter().filter_map(|serial| by_serial.get(serial.as_str())).flatten(),
        );
        let addresses = entry.addresses.union(&entry.outside);
        near.extend(addresses.filter_map(|address| by_address.get(address)).flatten());
        near.extend(line.names.iter().filter_map(|name| by_word.get(name.as_str())).flatten());
        for place in near {
            let weight = boxes.get(place).and_then(|found| weigh(line, found, &unique));
            pairs.extend(weight.map(|(score, by)| Pair { score, line: at, found: place, by }));
        }
    }
    pairs.sort_by_key(|pair| (std::cmp::Reverse(pair.score), pair.line, pair.found));
    pairs
}

fn add<K: Ord + Hash>(
    index: &mut BTreeMap<K, Vec<usize>>,
    keys: impl Iterator<Item = K>,
    at: usize,
) {
    for key in keys {
        let boxes = index.entry(key).or_default();
        if boxes.len() < MOST_ALIKE {
            boxes.push(at);
        }
    }
}

/// Which box each line is. The surest pair goes first; a line is one box, and a box may have several lines, as far as these
/// do not contradict each other.
pub(super) fn assign(lines: &[Line<'_>], boxes: &[Box]) -> BTreeMap<usize, (usize, Vec<By>)> {
    let mut assigned: BTreeMap<usize, (usize, Vec<By>)> = BTreeMap::new();
    let mut of_box: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for pair in pairs(lines, boxes) {
        if assigned.contains_key(&pair.line) {
            continue;
        }
        let sure = pair.by.iter().any(|by| matches!(by, By::Mac | By::Serial));
        let others = of_box.entry(pair.found).or_default();
        let line = lines.get(pair.line);
        let contradicted = || {
            let mut others = others.iter().filter_map(|other| lines.get(*other));
            line.is_some_and(|line| others.any(|other| line.contradicts(other)))
        };
        if !sure && contradicted() {
            continue;
        }
        others.push(pair.line);
        assigned.insert(pair.line, (pair.found, pair.by));
    }
    for (line, found) in only_of_their_kind(lines, boxes) {
        let free = !assigned.contains_key(&line) && !of_box.contains_key(&found);
        if free
            && !lines
                .get(line)
                .is_some_and(|line| boxes.get(found).is_some_and(|found| is_other(line, found)))
        {
            assigned.insert(line, (found, vec![By::Model]));
            of_box.insert(found, vec![line]);
        }
    }
    assigned
}

/// Whether something says that a line is not this box.
fn is_other(line: &Line<'_>, found: &Box) -> bool {
    let near = compare::any_near(&line.entry.macs, &found.macs);
    (apart(&line.entry.macs, &found.macs) && !near)
        || (line.is_host_name && compare::same_name(&line.names, &found.names) == Some(false))
        || line
            .serial
            .as_ref()
            .is_some_and(|serial| !found.serials.is_empty() && !found.serials.contains_key(serial))
}

/// Lines and boxes of whose maker and model there is no other on either side.
fn only_of_their_kind(lines: &[Line<'_>], boxes: &[Box]) -> Vec<(usize, usize)> {
    use crate::import::{Column, makers::maker, tidy::folded};
    let mut declared: BTreeMap<(String, String), Vec<usize>> = BTreeMap::new();
    for (at, line) in lines.iter().enumerate() {
        let both = line.entry.get(Column::Vendor).zip(line.entry.get(Column::Model));
        if let Some((vendor, model)) = both {
            declared.entry((maker(vendor), folded(model))).or_default().push(at);
        }
    }
    let mut seen: BTreeMap<(String, String), Vec<usize>> = BTreeMap::new();
    for (at, found) in boxes.iter().enumerate() {
        let Some(product) = &found.product else { continue };
        let model = product.model.as_deref().unwrap_or(&product.name);
        seen.entry((maker(&product.vendor), folded(model))).or_default().push(at);
    }
    let one = |places: &Vec<usize>| Some(*places.first()?).filter(|_| places.len() == 1);
    declared
        .iter()
        .filter(|((vendor, model), _)| !vendor.is_empty() && model.len() >= 3)
        .filter_map(|(kind, lines)| Some((one(lines)?, one(seen.get(kind)?)?)))
        .collect()
}
