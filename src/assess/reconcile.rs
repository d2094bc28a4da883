//! The register held against what was found.
//!
//! [`reconcile`] pairs every line with the box that it is, all lines at once: `known` is the two sides, `compare` says what is the
//! same however it is spelt, `weigh` how much speaks for a pair, and `unseen` why a line has none.

mod compare;
mod known;
#[cfg(test)]
mod tests;
mod unseen;
mod weigh;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    correlate::{Coverage, Host, Point},
    import::{Column, Entry, Register},
    time::Timestamp,
};

/// What a register is held against: the parts of a run that tell of boxes, and of what was looked at.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// The points.
    pub points: &'a [Point],
    /// Every box that was heard.
    pub hosts: &'a [Host],
    /// What was measured.
    pub coverage: &'a [Coverage],
}

/// Holds a register against what was seen. The same register and run give the same answer.
pub fn reconcile(register: &Register, seen: &Seen<'_>) -> Reconciliation {
    let boxes = known::Box::all(seen.points, seen.hosts);
    let lines: Vec<known::Line<'_>> = register.entries.iter().map(known::Line::of).collect();
    let looked = unseen::Looked::of(seen.coverage);
    let mut assigned = weigh::assign(&lines, &boxes);
    let mut result = Reconciliation {
        register: register.name.clone(),
        loaded: register.loaded,
        duplicates: duplicates(&register.entries),
        ..Reconciliation::default()
    };
    for (at, line) in lines.iter().enumerate() {
        let pair = assigned.remove(&at).and_then(|(found, by)| Some((boxes.get(found)?, by)));
        let outcome = match pair {
            None => Outcome::NotSeen { reason: unseen::why(line, &looked) },
            Some((known, by)) => {
                let found = known.found.clone();
                if let Found::Point(id) = &found {
                    result.points.entry(id.clone()).or_default().push(at);
                }
                match known.differences(line) {
                    fields if fields.is_empty() => Outcome::Matched { found, by },
                    fields => Outcome::Mismatch { found, by, fields },
                }
            }
        };
        result.lines.push(Reconciled { entry: line.entry.clone(), outcome });
    }
    result
}

/// What several lines say of themselves though it belongs to one box only.
fn duplicates(entries: &[Entry]) -> Vec<Duplicate> {
    let mut said: BTreeMap<(Column, String), Vec<usize>> = BTreeMap::new();
    for (at, entry) in entries.iter().enumerate() {
        let macs = entry.macs.iter().map(|mac| (Column::Mac, mac.to_string()));
        let addresses =
            entry.addresses.iter().map(|address| (Column::Address, address.to_string()));
        let serial = entry.get(Column::Serial).map(|serial| (Column::Serial, serial.to_owned()));
        for key in macs.chain(addresses).chain(serial) {
            said.entry(key).or_default().push(at);
        }
    }
    let several = said.into_iter().filter(|(_, lines)| lines.len() > 1);
    several.map(|((column, value), lines)| Duplicate { column, value, lines }).collect()
}

/// What came of holding a register against a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Reconciliation {
    /// The register's file, without its folder.
    pub register: String,
    /// When it was loaded.
    pub loaded: Timestamp,
    /// Each of its lines, in their order.
    pub lines: Vec<Reconciled>,
    /// For each point that is declared, the places in `lines` that declare it. A point that is missing here is undeclared.
    pub points: BTreeMap<String, Vec<usize>>,
    /// What more than one line says of itself: a hardware address, an address, a serial number.
    pub duplicates: Vec<Duplicate>,
}

/// What more than one line of the register says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Duplicate {
    /// The column.
    pub column: Column,
    /// What stands there.
    pub value: String,
    /// The places of the lines; two or more.
    pub lines: Vec<usize>,
}

/// A line of the register, and what was found of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reconciled {
    /// The line.
    pub entry: Entry,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What came of one line of the register.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum Outcome {
    /// It was found, as it is written.
    Matched {
        /// What it is.
        found: Found,
        /// What shows it, the surest first. Never empty.
        by: Vec<By>,
    },
    /// It was found, and something of it is written otherwise.
    Mismatch {
        /// What it is.
        found: Found,
        /// What shows it, the surest first. Never empty.
        by: Vec<By>,
        /// What differs. Never empty.
        fields: Vec<Mismatch>,
    },
    /// It was not found.
    NotSeen {
        /// Why not, as far as coverage tells.
        reason: Unseen,
    },
}

impl Outcome {
    /// The name in JSON and in the word lists.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Matched { .. } => "matched",
            Self::Mismatch { .. } => "mismatch",
            Self::NotSeen { .. } => "not_seen",
        }
    }

    /// What was found of the line.
    pub const fn found(&self) -> Option<&Found> {
        match self {
            Self::Matched { found, .. } | Self::Mismatch { found, .. } => Some(found),
            Self::NotSeen { .. } => None,
        }
    }
}

/// What a line of the register turned out to be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// A connection point, by its name.
    Point(String),
    /// A box that is no connection point, by its first address, or its hardware address.
    Host(String),
}

/// By what a line was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// A hardware address.
    Mac,
    /// A serial number that the box tells.
    Serial,
    /// An address inside.
    Address,
    /// An address outside.
    Outside,
    /// A name that the box gives itself.
    Name,
    /// Maker and model, which no other line and no other point has.
    Model,
}

impl By {
    /// Everything a line may be found by, the surest first.
    pub const ALL: [Self; 6] =
        [Self::Mac, Self::Serial, Self::Address, Self::Outside, Self::Name, Self::Model];

    /// The name in JSON and in the word lists.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mac => "mac",
            Self::Serial => "serial",
            Self::Address => "address",
            Self::Outside => "outside",
            Self::Name => "name",
            Self::Model => "model",
        }
    }
}

/// A column in which the register says something else than was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mismatch {
    /// Which column.
    pub column: Column,
    /// What the register says.
    pub written: String,
    /// What was found.
    pub found: String,
}

/// Why a declared line was not seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unseen {
    /// Its address is in no network that was looked at.
    OutOfScope,
    /// It was asked, or listened for, and said nothing. It may be switched off, or gone.
    Silent,
    /// It only dials out; nobody listened while it did.
    DialsOut,
    /// Nothing of it can be seen on a network: a telephone line, a bridged line.
    Dark,
    /// The line gives nothing by which it could be found.
    NothingToFindItBy,
}

impl Unseen {
    /// Every reason.
    pub const ALL: [Self; 5] =
        [Self::OutOfScope, Self::Silent, Self::DialsOut, Self::Dark, Self::NothingToFindItBy];

    /// The name in JSON and in the word lists.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OutOfScope => "out_of_scope",
            Self::Silent => "silent",
            Self::DialsOut => "dials_out",
            Self::Dark => "dark",
            Self::NothingToFindItBy => "nothing_to_find_it_by",
        }
    }
}

impl Reconciliation {
    /// The lines that declare a point, in their order; none where it is undeclared.
    pub fn of(&self, point: &str) -> impl Iterator<Item = &Reconciled> {
        let places = self.points.get(point).map(Vec::as_slice).unwrap_or_default();
        places.iter().filter_map(|place| self.lines.get(*place))
    }

    /// How many lines came out as this: a name of [`Outcome::name`].
    pub fn count(&self, outcome: &str) -> usize {
        self.lines.iter().filter(|line| line.outcome.name() == outcome).count()
    }

    /// The points that no line declares, in their order.
    pub fn undeclared<'p>(&self, points: &'p [Point]) -> Vec<&'p Point> {
        points.iter().filter(|point| !self.points.contains_key(&point.id)).collect()
    }
}
