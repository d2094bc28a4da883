//! What one run changes in what was known.

use std::{collections::BTreeSet, fmt::Display};

use serde::Serialize;

use super::ReviewState;
use crate::{
    correlate::{Direction, FromOutside, Kind, Point},
    time::Timestamp,
};

/// What one run says that was not known before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "change")]
pub enum Change {
    /// A point no earlier run saw.
    Appeared {
        /// The point.
        id: String,
        /// What it is.
        kind: Kind,
    },
    /// A known point that looks different.
    Changed {
        /// The point.
        id: String,
        /// What it is now.
        kind: Kind,
        /// What is different. Never empty.
        what: Vec<Difference>,
    },
    /// A point that somebody called closed, or no point at all, and that this later run saw: closed ones always, the
    /// others where they are of another kind or product now or have services that they did not have then.
    SeenAgain {
        /// The point.
        id: String,
        /// What it is now.
        kind: Kind,
        /// What was decided about it.
        state: ReviewState,
        /// When that was decided.
        decided: Timestamp,
        /// What is different since then.
        what: Vec<Difference>,
    },
    /// A known point this run did not see. Silence is unknown, never no: it may be there still.
    NotSeen {
        /// The point.
        id: String,
        /// What it was.
        kind: Kind,
        /// The run that saw it last.
        last_seen: String,
        /// The run before this one had missed it already.
        again: bool,
    },
}

impl Change {
    /// The point it is about.
    pub fn id(&self) -> &str {
        match self {
            Self::Appeared { id, .. }
            | Self::Changed { id, .. }
            | Self::SeenAgain { id, .. }
            | Self::NotSeen { id, .. } => id,
        }
    }

    /// What that point is, or was.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Appeared { kind, .. }
            | Self::Changed { kind, .. }
            | Self::SeenAgain { kind, .. }
            | Self::NotSeen { kind, .. } => *kind,
        }
    }

    /// Its place among other changes: what is new first.
    pub(super) fn order(&self) -> (u8, Kind, &str) {
        let place = match self {
            Self::Appeared { .. } => 0,
            Self::SeenAgain { .. } => 1,
            Self::Changed { .. } => 2,
            Self::NotSeen { .. } => 3,
        };
        (place, self.kind(), self.id())
    }

    /// The name in JSON and in the word lists.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Appeared { .. } => "appeared",
            Self::Changed { .. } => "changed",
            Self::SeenAgain { .. } => "seen_again",
            Self::NotSeen { .. } => "not_seen",
        }
    }
}

/// One thing that is different about a point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Which of its facets.
    pub facet: Facet,
    /// What was known and is not seen now.
    pub before: Vec<String>,
    /// What is seen now and was not known.
    pub now: Vec<String>,
}

/// The facets of a point that count as a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Facet {
    /// What it is.
    Kind,
    /// How good the proof is.
    Grade,
    /// Which way connections are opened.
    Direction,
    /// Its addresses on the inside.
    Addresses,
    /// Its hardware addresses.
    Macs,
    /// Its outside addresses. Only of points that listen: servers that are dialled move every day.
    Outside,
    /// What it serves or dials.
    Services,
    /// Which product it is.
    Product,
    /// Names it gives itself.
    Names,
    /// Services that answer to runs from outside.
    OpenFromOutside,
}

impl Facet {
    /// Every facet.
    pub const ALL: [Self; 10] = [
        Self::Kind,
        Self::Grade,
        Self::Direction,
        Self::Addresses,
        Self::Macs,
        Self::Outside,
        Self::Services,
        Self::Product,
        Self::Names,
        Self::OpenFromOutside,
    ];

    /// The name in JSON and in the word lists.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kind => "kind",
            Self::Grade => "grade",
            Self::Direction => "direction",
            Self::Addresses => "addresses",
            Self::Macs => "macs",
            Self::Outside => "outside",
            Self::Services => "services",
            Self::Product => "product",
            Self::Names => "names",
            Self::OpenFromOutside => "open_from_outside",
        }
    }

    /// What this facet of `point` is, as texts.
    pub(super) fn of(self, point: &Point) -> BTreeSet<String> {
        match self {
            Self::Kind => texts([point.kind.name()]),
            Self::Grade => texts([point.grade.name()]),
            Self::Direction => texts([point.direction.name()]),
            Self::Addresses => texts(&point.addresses),
            Self::Macs => texts(&point.macs),
            Self::Outside if point.direction == Direction::Out => BTreeSet::new(),
            Self::Outside => texts(&point.outside),
            Self::Services => texts(&point.services),
            Self::Product => texts(&point.product),
            Self::Names => texts(&point.names),
            Self::OpenFromOutside => {
                let answers = point.sides.restriction.iter();
                let open = answers.filter(|one| one.answer == FromOutside::Open);
                texts(open.map(|one| &one.service))
            }
        }
    }
}

fn texts<T: Display>(things: impl IntoIterator<Item = T>) -> BTreeSet<String> {
    things.into_iter().map(|thing| thing.to_string()).collect()
}

/// What is different between a point as it was known and as it is seen now. Its confidence and its
/// because may differ every time, and do not count.
pub fn differences(before: &Point, now: &Point) -> Vec<Difference> {
    Facet::ALL
        .into_iter()
        .filter_map(|facet| {
            let (was, is) = (facet.of(before), facet.of(now));
            (was != is).then(|| Difference {
                facet,
                before: was.difference(&is).cloned().collect(),
                now: is.difference(&was).cloned().collect(),
            })
        })
        .collect()
}
