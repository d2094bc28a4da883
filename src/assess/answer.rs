//! The answer about one box: which exploited vulnerabilities, until when support.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    advisory::{Advisories, Condition, Entry, Known, Line},
    range::{Place, Seen, place},
    support::{self, Support, SupportAnswer},
};
use crate::correlate::{Point, Product};
use crate::time::Day;

/// Whether a version is affected by an exploited vulnerability. None of these says that a box is safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The version is among those affected.
    Affected,
    /// No version was seen: ask.
    VersionNotVisible,
    /// A version was seen, and cannot be placed: ask.
    VersionUnclear,
    /// Which versions are affected is not known here: ask.
    RangeNotKnown,
    /// The version is not among those affected.
    NotInRange,
}

impl Answer {
    /// Every answer, the gravest first.
    pub const ALL: [Self; 5] = [
        Self::Affected,
        Self::VersionNotVisible,
        Self::VersionUnclear,
        Self::RangeNotKnown,
        Self::NotInRange,
    ];

    /// The name in JSON and in the word lists.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Affected => "affected",
            Self::VersionNotVisible => "version_not_visible",
            Self::VersionUnclear => "version_unclear",
            Self::RangeNotKnown => "range_not_known",
            Self::NotInRange => "not_in_range",
        }
    }

    /// Whether somebody has to ask.
    pub const fn asks(self) -> bool {
        matches!(self, Self::VersionNotVisible | Self::VersionUnclear | Self::RangeNotKnown)
    }
}

/// What is asked about.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Who makes it.
    pub vendor: &'a str,
    /// What it is called.
    pub product: &'a str,
    /// Its model, where it tells.
    pub model: Option<&'a str>,
    /// Its version, where it tells.
    pub version: Option<&'a str>,
}

impl<'a> From<&'a Product> for Subject<'a> {
    fn from(product: &'a Product) -> Self {
        Self {
            vendor: &product.vendor,
            product: &product.name,
            model: product.model.as_deref(),
            version: product.version.as_deref(),
        }
    }
}

/// The answer about one vulnerability.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Exploited {
    /// Its number: CVE or JVN.
    pub id: String,
    /// The answer.
    pub answer: Answer,
    /// Who knows it.
    pub known: Vec<Known>,
    /// When it came onto the list of those that are exploited.
    pub added: Option<Day>,
    /// Whether ransomware is known to use it.
    pub ransomware: bool,
    /// What must be so besides, and was not looked at.
    pub condition: Vec<Condition>,
    /// What mends it.
    pub fixed: Option<String>,
    /// Where that was learnt.
    pub source: String,
}

/// The answers about one box.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Assessment {
    /// About every vulnerability known of its product, the gravest answers first, of these the newest.
    pub exploited: Vec<Exploited>,
    /// About its support.
    pub support: Vec<Support>,
}

impl Assessment {
    /// How many have this answer.
    pub fn count(&self, answer: Answer) -> usize {
        self.exploited.iter().filter(|one| one.answer == answer).count()
    }

    /// How many somebody has to ask about.
    pub fn asks(&self) -> usize {
        self.exploited.iter().filter(|one| one.answer.asks()).count()
    }

    /// Whether all support had ended.
    pub fn has_ended(&self) -> bool {
        let ended = |one: &Support| {
            one.answer == SupportAnswer::Ended && one.what == Some(support::Ends::Support)
        };
        self.support.iter().any(ended)
    }

    /// The numbers of those that it is affected by. None where there are none and something is open: an empty list
    /// says that the version was placed against every entry.
    pub fn affected(&self) -> Option<Vec<&str>> {
        let affected: Vec<&str> = self
            .exploited
            .iter()
            .filter(|one| one.answer == Answer::Affected)
            .map(|one| one.id.as_str())
            .collect();
        let placed = self.exploited.iter().all(|one| one.answer == Answer::NotInRange);
        let something = !self.exploited.is_empty();
        (!affected.is_empty() || (placed && something)).then_some(affected)
    }
}

/// The answers about the points of a run, by their names.
#[derive(Debug, Clone, Default)]
pub struct Assessments(BTreeMap<String, Assessment>);

impl Assessments {
    /// The answer about a point; none where nothing is known of its product.
    pub fn of(&self, point: &str) -> Option<&Assessment> {
        self.0.get(point)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds the answer about a point.
    pub fn insert(&mut self, point: String, assessment: Assessment) {
        self.0.insert(point, assessment);
    }
}

impl Advisories {
    /// The answers about a box on `day`; none where nothing is known of its product.
    pub fn assess(&self, subject: Subject<'_>, day: Option<Day>) -> Option<Assessment> {
        let mut lines = self.find(subject.vendor, subject.product).peekable();
        lines.peek()?;
        let mut exploited = Vec::new();
        let mut support: Vec<Support> = Vec::new();
        for line in lines {
            let version = subject.version.map(str::trim).filter(|version| !version.is_empty());
            let read = version.and_then(|version| line.scheme.read(version));
            let model = subject.model.map(str::trim).filter(|model| !model.is_empty());
            let seen = read.as_ref().map(|version| Seen {
                version,
                model,
                whole: line.whole,
                branch: line.scheme.branch,
            });
            for entry in &line.exploited {
                let answer = answer(entry, version.is_some(), model, seen.as_ref());
                exploited.push(told(entry, answer));
            }
            let given = version.is_some();
            support.extend(support::answers(&line.lifetimes, seen.as_ref(), given, model, day));
        }
        exploited.sort_by(|a, b| {
            (a.answer, b.added, !a.ransomware, &b.id).cmp(&(
                b.answer,
                a.added,
                !b.ransomware,
                &a.id,
            ))
        });
        support.sort_by_key(|one| (one.answer, one.what));
        support.dedup();
        Some(Assessment { exploited, support })
    }

    /// The answers about points on `day`.
    pub fn assess_all(&self, points: &[Point], day: Option<Day>) -> Assessments {
        let about = |point: &Point| {
            let product = point.product.as_ref()?;
            Some((point.id.clone(), self.assess(product.into(), day)?))
        };
        Assessments(points.iter().filter_map(about).collect())
    }

    /// The product lines that go by these names.
    pub fn find<'k>(&'k self, vendor: &str, product: &str) -> impl Iterator<Item = &'k Line> {
        let (vendor, product) = (super::advisory::plain(vendor), super::advisory::plain(product));
        self.lines.iter().filter(move |line| line.is_called(&vendor, &product))
    }
}

fn answer(entry: &Entry, given: bool, model: Option<&str>, seen: Option<&Seen<'_>>) -> Answer {
    if entry.affected.is_empty() {
        return Answer::RangeNotKnown;
    }
    if entry.affected.iter().any(|range| range.is_all_of(model)) {
        return Answer::Affected;
    }
    match seen {
        None if given => Answer::VersionUnclear,
        None => Answer::VersionNotVisible,
        Some(seen) => match place(&entry.affected, entry.branches, seen) {
            Place::Inside => Answer::Affected,
            Place::Outside => Answer::NotInRange,
            Place::Unclear => Answer::VersionUnclear,
        },
    }
}

fn told(entry: &Entry, answer: Answer) -> Exploited {
    Exploited {
        id: entry.id.clone(),
        answer,
        known: entry.known.clone(),
        added: entry.added,
        ransomware: entry.ransomware,
        condition: entry.condition.clone(),
        fixed: entry.fixed.clone(),
        source: entry.source.clone(),
    }
}
