//! What the inventory knows of a facility's points beyond one run: since when, and what people said to them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Head;
use crate::{
    correlate::Vantage,
    import::Entry,
    time::{Day, Timestamp},
};

/// What is known of a facility's points, by their names.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Memory {
    /// What is known of each.
    pub points: BTreeMap<String, Remembered>,
    /// What vendors said of all that they look after, the earliest first.
    pub vendors: Vec<Entry>,
    /// Every run of the facility, the earliest first.
    pub runs: Vec<RunOfFacility>,
    /// Where the store's log ends: written down with a report, it shows later that nothing was changed or cut off.
    pub head: Option<Head>,
}

/// When a facility was looked at, and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunOfFacility {
    /// The run.
    pub id: String,
    /// When it began.
    pub began: Timestamp,
    /// From where it looked.
    pub vantages: BTreeSet<Vantage>,
}

/// What is known of a point beyond one run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Remembered {
    /// Every run that saw it, and when that began; the earliest first.
    pub seen: Vec<(String, Timestamp)>,
    /// What people said to it, the earliest first. Nothing is ever taken away.
    pub reviews: Vec<Review>,
    /// What a form says of it, where it was declared by one.
    pub declared: Option<Entry>,
    /// When that form was taken in.
    pub declared_at: Option<Timestamp>,
}

impl Remembered {
    /// The review that stands on a day: the last one, unless it has run out.
    pub fn standing(&self, day: Option<Day>) -> Option<&Review> {
        let last = self.reviews.last()?;
        let over = last.until.zip(day).is_some_and(|(until, day)| until < day);
        (!over).then_some(last)
    }
}

/// What somebody decided about a point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// What was decided.
    pub state: ReviewState,
    /// Who decided it.
    pub reviewer: String,
    /// When.
    pub at: Timestamp,
    /// Why. Never empty.
    pub reason: String,
    /// The last day on which it stands; none where it does not run out.
    pub until: Option<Day>,
}

/// What may be decided about a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReviewState {
    /// It is a connection point.
    Confirmed,
    /// It is none.
    FalsePositive,
    /// Its vendor says what it is for, and that is right.
    ExplainedByVendor,
    /// Its risk is known and taken.
    AcceptedRisk,
    /// It was taken away.
    Closed,
}

impl ReviewState {
    /// Every state.
    pub const ALL: [Self; 5] = [
        Self::Confirmed,
        Self::FalsePositive,
        Self::ExplainedByVendor,
        Self::AcceptedRisk,
        Self::Closed,
    ];

    /// The name in JSON, in the word lists and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::FalsePositive => "false_positive",
            Self::ExplainedByVendor => "explained_by_vendor",
            Self::AcceptedRisk => "accepted_risk",
            Self::Closed => "closed",
        }
    }

    /// Whether a point in this state is told apart from those that somebody has to look at. It is shown all the same.
    pub const fn suppresses(self) -> bool {
        matches!(self, Self::FalsePositive | Self::AcceptedRisk | Self::Closed)
    }
}
