//! Until when a version or model has its maker's support.

use serde::{Deserialize, Serialize};

use super::range::{Branches, Place, Range, Seen, fits, place};
use crate::time::Day;

/// What ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ends {
    /// Ordinary mending of faults; what is dangerous may still be mended.
    Maintenance,
    /// All support: nothing is mended any more.
    Support,
}

impl Ends {
    /// Everything that ends.
    pub const ALL: [Self; 2] = [Self::Maintenance, Self::Support];

    /// The name in JSON and in the word lists.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Maintenance => "maintenance",
            Self::Support => "support",
        }
    }
}

/// Whether there is support, on the day that was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SupportAnswer {
    /// It had ended.
    Ended,
    /// It lasts until a day that is known.
    SupportedUntil,
    /// The version, or the model, was not seen: ask.
    VersionNotVisible,
    /// No date is known here: ask.
    NotKnown,
}

impl SupportAnswer {
    /// Every answer.
    pub const ALL: [Self; 4] =
        [Self::Ended, Self::SupportedUntil, Self::VersionNotVisible, Self::NotKnown];

    /// The name in JSON and in the word lists.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::SupportedUntil => "supported_until",
            Self::VersionNotVisible => "version_not_visible",
            Self::NotKnown => "not_known",
        }
    }
}

/// An answer about support.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Support {
    /// Whether there is support.
    pub answer: SupportAnswer,
    /// What ends, where that is known.
    pub what: Option<Ends>,
    /// The last day of it.
    pub until: Option<Day>,
    /// Where that was learnt.
    pub source: Option<String>,
}

/// A date of a maker's.
#[derive(Debug, Clone)]
pub struct Lifetime {
    /// The versions it is about; all of them where there is none.
    pub versions: Option<Range>,
    /// The models it is about, where it is about models.
    pub models: Vec<String>,
    /// What ends.
    pub ends: Ends,
    /// The last day.
    pub until: Day,
    /// Where it was learnt.
    pub source: String,
}

/// What `lifetimes` say about a box on `day`; without a day nothing has ended.
pub(super) fn answers(
    lifetimes: &[Lifetime],
    seen: Option<&Seen<'_>>,
    version_given: bool,
    model: Option<&str>,
    day: Option<Day>,
) -> Vec<Support> {
    if lifetimes.is_empty() {
        return vec![none(SupportAnswer::NotKnown)];
    }
    let mut found: Vec<&Lifetime> = Vec::new();
    let mut hidden = false;
    for lifetime in lifetimes {
        let is_model = lifetime.models.is_empty()
            || model
                .is_some_and(|model| lifetime.models.iter().any(|pattern| fits(pattern, model)));
        hidden |= !lifetime.models.is_empty() && model.is_none();
        let is_version = match (&lifetime.versions, seen) {
            (None, _) => true,
            (Some(range), Some(seen)) => {
                place(std::slice::from_ref(range), Branches::All, seen) == Place::Inside
            }
            (Some(_), None) => {
                hidden |= !version_given;
                false
            }
        };
        if is_model && is_version {
            found.push(lifetime);
        }
    }
    // Of several dates for one thing the earliest is the one to know.
    found.sort_by_key(|lifetime| (lifetime.ends, lifetime.until));
    found.dedup_by_key(|lifetime| lifetime.ends);
    if found.is_empty() {
        let answer =
            if hidden { SupportAnswer::VersionNotVisible } else { SupportAnswer::NotKnown };
        return vec![none(answer)];
    }
    found
        .into_iter()
        .map(|lifetime| {
            let ended = day.is_some_and(|day| lifetime.until < day);
            Support {
                answer: if ended { SupportAnswer::Ended } else { SupportAnswer::SupportedUntil },
                what: Some(lifetime.ends),
                until: Some(lifetime.until),
                source: Some(lifetime.source.clone()),
            }
        })
        .collect()
}

const fn none(answer: SupportAnswer) -> Support {
    Support { answer, what: None, until: None, source: None }
}
