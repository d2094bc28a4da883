//! The two sides that are held against each other: lines of a register, and boxes that were seen.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use super::{Found, Mismatch, compare};
use crate::{
    correlate::{Host, Point, Product},
    import::{Column, Entry, tidy::folded},
    observe::Mac,
};

/// A line, ready to be compared.
#[derive(Debug)]
pub(super) struct Line<'a> {
    pub(super) entry: &'a Entry,
    /// Names by which a box may call itself.
    pub(super) names: BTreeSet<String>,
    /// Whether they stand in the column of host names, rather than being what people call it.
    pub(super) is_host_name: bool,
    pub(super) serial: Option<String>,
}

impl<'a> Line<'a> {
    pub(super) fn of(entry: &'a Entry) -> Self {
        let own = entry.get(Column::HostName).map(compare::names).unwrap_or_default();
        let is_host_name = !own.is_empty();
        let mut names = own;
        if names.is_empty() {
            names = entry.get(Column::Name).map(compare::names).unwrap_or_default();
        }
        let serial = entry.get(Column::Serial).map(folded).filter(|serial| serial.len() >= 4);
        Self { entry, names, is_host_name, serial }
    }

    /// Whether two lines cannot be of one box.
    pub(super) fn contradicts(&self, other: &Self) -> bool {
        let (a, b) = (self.entry, other.entry);
        let differ = |column: Column| {
            let both = a.get(column).zip(b.get(column));
            both.is_some_and(|(one, other)| folded(one) != folded(other))
        };
        let macs = !a.macs.is_empty()
            && !b.macs.is_empty()
            && a.macs.is_disjoint(&b.macs)
            && !compare::any_near(&a.macs, &b.macs);
        let vendors = a.get(Column::Vendor).zip(b.get(Column::Vendor));
        let models = a.get(Column::Model).zip(b.get(Column::Model));
        macs || differ(Column::AssetNumber)
            || self
                .serial
                .as_ref()
                .zip(other.serial.as_ref())
                .is_some_and(|(one, other)| one != other)
            || compare::same_name(&self.names, &other.names) == Some(false)
            || vendors.is_some_and(|(one, other)| compare::same_vendor(one, other) == Some(false))
            || models.is_some_and(|(one, other)| !compare::same_model(one, other))
            || a.get(Column::Name)
                .zip(b.get(Column::Name))
                .is_some_and(|(one, other)| !is_alike(one, other))
    }
}

/// Whether two names that people gave may mean one thing.
fn is_alike(one: &str, other: &str) -> bool {
    let (a, b) = (folded(one), folded(other));
    a == b
        || a.contains(&b)
        || b.contains(&a)
        || strsim::normalized_damerau_levenshtein(&a, &b) >= 0.8
}

/// A box that was seen: a point, or a host that is none.
#[derive(Debug)]
pub(super) struct Box {
    pub(super) found: Found,
    pub(super) addresses: BTreeSet<IpAddr>,
    pub(super) macs: BTreeSet<Mac>,
    pub(super) outside: BTreeSet<IpAddr>,
    pub(super) names: BTreeSet<String>,
    /// The names as the box writes them.
    written: BTreeSet<String>,
    pub(super) serials: BTreeMap<String, String>,
    pub(super) product: Option<Product>,
}

impl Box {
    /// Every box of a run, points first.
    pub(super) fn all(points: &[Point], hosts: &[Host]) -> Vec<Self> {
        let mut boxes: Vec<Self> = points.iter().map(Self::of_point).collect();
        let mut by_id = BTreeMap::new();
        let (mut by_mac, mut by_address) = (BTreeMap::new(), BTreeMap::new());
        for (at, point) in points.iter().enumerate() {
            by_id.insert(point.id.as_str(), at);
            by_mac.extend(
                point.macs.iter().filter(|mac| !mac.is_virtual_router()).map(|mac| (*mac, at)),
            );
            by_address.extend(point.addresses.iter().map(|address| (*address, at)));
        }
        for host in hosts {
            let same = host.point.as_deref().and_then(|id| by_id.get(id));
            let same = same.or_else(|| host.macs.iter().find_map(|mac| by_mac.get(mac)));
            let same =
                same.or_else(|| host.addresses.iter().find_map(|address| by_address.get(address)));
            match same.and_then(|at| boxes.get_mut(*at)) {
                Some(known) => known.add(host),
                None => boxes.extend(Self::of_host(host)),
            }
        }
        boxes
    }

    fn of_point(point: &Point) -> Self {
        let mut serials = BTreeMap::new();
        for because in &point.because {
            // A certificate's serial number is the certificate's.
            let (of, last) = because.field.rsplit_once('.').unwrap_or(("", &because.field));
            let value = folded(&because.value);
            if last == "serial" && !of.starts_with("tls") && value.len() >= 4 {
                serials.insert(value, because.value.clone());
            }
        }
        Self {
            found: Found::Point(point.id.clone()),
            addresses: point.addresses.clone(),
            macs: point.macs.clone(),
            outside: point.outside.clone(),
            names: names_of(&point.names),
            written: point.names.clone(),
            serials,
            product: point.product.clone(),
        }
    }

    /// None of a host that has neither address.
    fn of_host(host: &Host) -> Option<Self> {
        let address = host.addresses.first().map(ToString::to_string);
        let called = address.or_else(|| host.macs.first().map(ToString::to_string))?;
        Some(Self {
            found: Found::Host(called),
            addresses: host.addresses.clone(),
            macs: host.macs.clone(),
            outside: BTreeSet::new(),
            names: names_of(&host.names),
            written: host.names.clone(),
            serials: BTreeMap::new(),
            product: host.product.clone(),
        })
    }

    /// Adds what is known of the same box as a host.
    fn add(&mut self, host: &Host) {
        self.addresses.extend(&host.addresses);
        self.macs.extend(&host.macs);
        self.names.extend(names_of(&host.names));
        self.written.extend(host.names.iter().cloned());
        if self.product.is_none() {
            self.product.clone_from(&host.product);
        }
    }

    /// Whether it is of the model that a line says: none where nobody can say.
    pub(super) fn is_model(&self, entry: &Entry) -> Option<bool> {
        let written = entry.get(Column::Model)?;
        let product = self.product.as_ref()?;
        if let Some(model) = &product.model {
            let whole = format!("{} {model}", product.name);
            return Some(
                compare::same_model(written, model) || compare::same_model(written, &whole),
            );
        }
        compare::same_model(written, &product.name).then_some(true)
    }

    /// Whether it is of the maker that a line says: none where nobody can say.
    pub(super) fn is_vendor(&self, entry: &Entry) -> Option<bool> {
        let product = self.product.as_ref().filter(|product| !product.vendor.is_empty())?;
        compare::same_vendor(entry.get(Column::Vendor)?, &product.vendor)
    }

    /// What a line says of it otherwise.
    pub(super) fn differences(&self, line: &Line<'_>) -> Vec<Mismatch> {
        let entry = line.entry;
        let mut fields = Vec::new();
        let mut differs = |column: Column, written: Option<String>, found: String| {
            let written =
                written.or_else(|| entry.get(column).map(str::to_owned)).unwrap_or_default();
            fields.push(Mismatch { column, written, found });
        };
        let product = self.product.as_ref();
        let of_product =
            |what: fn(&Product) -> Option<String>| product.and_then(what).unwrap_or_default();
        if self.is_vendor(entry) == Some(false) {
            differs(Column::Vendor, None, of_product(|product| Some(product.vendor.clone())));
        }
        if self.is_model(entry) == Some(false) {
            differs(Column::Model, None, of_product(|product| product.model.clone()));
        }
        let serial = line.serial.as_ref().filter(|_| !self.serials.is_empty());
        if serial.is_some_and(|serial| !self.serials.contains_key(serial)) {
            differs(Column::Serial, None, listed(self.serials.values()));
        }
        let version = product.and_then(|product| product.version.as_deref());
        let versions = entry.get(Column::Version).zip(version);
        if versions.is_some_and(|(one, other)| compare::same_version(one, other) == Some(false)) {
            differs(Column::Version, None, version.unwrap_or_default().to_owned());
        }
        if line.is_host_name && !self.names.is_empty() && line.names.is_disjoint(&self.names) {
            differs(Column::HostName, None, listed(&self.written));
        }
        if apart(&entry.addresses, &self.addresses) && entry.addresses.is_disjoint(&self.outside) {
            differs(Column::Address, Some(listed(&entry.addresses)), listed(&self.addresses));
        }
        if apart(&entry.macs, &self.macs) {
            differs(Column::Mac, Some(listed(&entry.macs)), listed(&self.macs));
        }
        fields
    }
}

/// Whether both sides have something, and nothing in common.
pub(super) fn apart<T: Ord>(one: &BTreeSet<T>, other: &BTreeSet<T>) -> bool {
    !one.is_empty() && !other.is_empty() && one.is_disjoint(other)
}

fn names_of(written: &BTreeSet<String>) -> BTreeSet<String> {
    written.iter().flat_map(|name| compare::names(name)).collect()
}

/// The first few values, with commas.
fn listed<T: ToString>(values: impl IntoIterator<Item = T>) -> String {
    let values: Vec<String> = values.into_iter().take(8).map(|value| value.to_string()).collect();
    values.join(", ")
}
