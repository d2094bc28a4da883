//! Why what runs called by several names is one point.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use serde::Serialize;

use super::{
    Noted, Result, Store,
    file::explain,
    log::{self, Told},
    sighting::{self, SIGHTING, Sighting, TABLES},
    state::{own_macs, routed},
};
use crate::{correlate::Point, observe::Mac, time::Timestamp};

/// Why one part of a point belongs to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bond {
    /// What a run called the part by itself.
    pub part: String,
    /// The part, seen earlier, that it is one with.
    pub with: String,
    /// What shows it.
    #[serde(flatten)]
    pub why: Why,
}

/// What shows that two parts are one box.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "why", content = "value")]
pub enum Why {
    /// Both have this hardware address.
    Hardware(Mac),
    /// Both have this address inside.
    Address(IpAddr),
    /// The one answers at this address outside, and the other has it.
    Outside(IpAddr),
    /// Nobody else tells this of itself.
    Identity(String),
    /// Somebody says so.
    People {
        /// Who.
        by: String,
        /// When.
        at: Timestamp,
        /// Why.
        reason: String,
    },
    /// Other parts join them.
    Others,
}

impl Why {
    /// The name in JSON and in the word lists (section `bond`).
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Hardware(_) => "hardware",
            Self::Address(_) => "address",
            Self::Outside(_) => "outside",
            Self::Identity(_) => "identity",
            Self::People { .. } => "people",
            Self::Others => "others",
        }
    }
}

/// All that was seen under one name.
struct Part {
    name: String,
    points: Vec<Point>,
}

impl Store {
    /// Why the parts of a point are one, a line for each part but the first; a part is what runs called by one name. Empty
    /// where every run called it alike.
    pub fn bonds(&self, id: &str, facility: Option<&str>) -> Result<Vec<Bond>> {
        let (facility, state) = self.only(id, facility)?;
        let numbers: BTreeSet<i64> = state.rows.iter().map(|(number, _)| *number).collect();
        let numbers = serde_json::to_string(&numbers).unwrap_or_default();
        let sql = format!(
            "SELECT {SIGHTING} FROM {TABLES} WHERE s.point IN (SELECT value FROM json_each(?1))
             ORDER BY r.began, r.ended, r.number, s.place"
        );
        let seen = self.rows(&sql, [numbers], sighting::read)?.into_iter();
        let seen = seen.filter(|(row, _)| state.rows.contains(row));
        let mut parts: Vec<Part> = Vec::new();
        for ((_, name), Sighting { point, .. }) in seen {
            match parts.iter_mut().find(|part| part.name == name) {
                Some(part) => part.points.push(point),
                None => parts.push(Part { name, points: vec![point] }),
            }
        }
        let told = self.told_together(facility.as_deref())?;
        let bonds = parts.iter().enumerate().skip(1).map(|(place, part)| {
            let earlier = || parts.iter().take(place);
            let shown = earlier().find_map(|one| Some((one, shared(one, part)?)));
            let said = || {
                let all = parts.iter().filter(|one| one.name != part.name);
                all.into_iter().find_map(|one| Some((one, said(&told, &one.name, &part.name)?)))
            };
            let (with, why) = if let Some((one, why)) = shown.or_else(said) {
                (one.name.clone(), why)
            } else {
                let first = earlier().next().map(|one| one.name.clone());
                (first.unwrap_or_default(), Why::Others)
            };
            Bond { part: part.name.clone(), with, why }
        });
        Ok(bonds.collect())
    }

    /// The last decision about each pair of names that people put together.
    fn told_together(
        &self,
        facility: Option<&str>,
    ) -> Result<BTreeMap<(String, String), Option<Told>>> {
        let entries = log::of_kinds(&self.connection, &[Noted::Merge, Noted::Split], facility)
            .map_err(|error| explain(&self.path, error))?;
        let mut last = BTreeMap::new();
        for told in entries.into_iter().filter_map(|entry| entry.told) {
            for pair in super::decision::pairs(&told) {
                let kept = (told.kind == Noted::Merge.name()).then(|| told.clone());
                last.insert(pair, kept);
            }
        }
        Ok(last)
    }
}

/// What both parts show; the strongest.
fn shared(one: &Part, other: &Part) -> Option<Why> {
    let pairs = || one.points.iter().flat_map(|a| other.points.iter().map(move |b| (a, b)));
    let hardware =
        || pairs().find_map(|(a, b)| own_macs(a).find(|mac| b.macs.contains(mac)).copied());
    let address = || pairs().find_map(|(a, b)| routed(a).find(|ip| b.addresses.contains(ip)));
    let outside = || pairs().find_map(|(a, b)| face(a, b).or_else(|| face(b, a)));
    let identity = || {
        pairs()
            .find_map(|(a, b)| a.sides.identities.intersection(&b.sides.identities).next().cloned())
    };
    hardware()
        .map(Why::Hardware)
        .or_else(|| address().map(Why::Address))
        .or_else(|| outside().map(Why::Outside))
        .or_else(|| identity().map(Why::Identity))
}

/// An address outside at which the one answers and that the other has.
fn face(one: &Point, other: &Point) -> Option<IpAddr> {
    let sides = &other.sides;
    let has = |ip: &&IpAddr| {
        sides.claims.contains(ip) || sides.faces.contains(ip) || other.addresses.contains(ip)
    };
    one.sides.faces.iter().find(has).copied()
}

/// What somebody said of both names.
fn said(told: &BTreeMap<(String, String), Option<Told>>, one: &str, other: &str) -> Option<Why> {
    let pair = super::decision::ordered(one, other);
    let told = told.get(&pair)?.as_ref()?;
    Some(Why::People {
        by: told.by.clone(),
        at: told.at,
        reason: told.get("reason").unwrap_or_default(),
    })
}
