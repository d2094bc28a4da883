//! What is new in a run, for programs that are told of nothing else: `sekisho.news/1`.

use std::io::{self, Write};

use serde::Serialize;

use super::{Report, write_plain};
use crate::{
    correlate::{Kind, Point},
    inventory::{Change, ReviewState},
    time::Timestamp,
};

/// The name of the format; a change that could break a reader changes the number.
const SCHEMA: &str = "sekisho.news/1";

/// What a run changes in what was known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// The changes that somebody has to hear of: all but those of points that were missed before already, or
    /// that somebody decided about.
    pub changes: Vec<Change>,
    /// Whether nothing was known before, so that every point is new.
    pub first: bool,
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    facility: Option<&'a str>,
    run: &'a str,
    began: Timestamp,
    ended: Timestamp,
    first: bool,
    changes: &'a [Change],
    points: Vec<Brief<'a>>,
}

/// A point that a change names, as far as a message tells of it.
#[derive(Serialize)]
struct Brief<'a> {
    id: &'a str,
    kind: Kind,
    grade: crate::correlate::Grade,
    direction: crate::correlate::Direction,
    addresses: &'a std::collections::BTreeSet<std::net::IpAddr>,
    outside: &'a std::collections::BTreeSet<std::net::IpAddr>,
    product: Option<&'a crate::correlate::Product>,
    register: Option<&'static str>,
    review: Option<&'static str>,
}

impl News {
    /// What is new in the run of a report.
    pub fn of(report: &Report<'_>) -> Self {
        // What somebody decided about is no news by itself; that it is seen again is, and that what was taken as a risk
        // is another one now.
        let is_risk = |id: &str| {
            report.review(id).is_some_and(|review| review.state == ReviewState::AcceptedRisk)
        };
        let news = |change: &&Change| match change {
            Change::SeenAgain { .. } => true,
            Change::Changed { id, .. } if is_risk(id) => true,
            Change::NotSeen { again: true, .. } => false,
            other => !report.is_suppressed(other.id()),
        };
        if let Some(changes) = report.changes {
            let changes = changes.iter().filter(news).cloned();
            return Self { changes: changes.collect(), first: false };
        }
        let points = report.points().into_iter();
        let points = points.filter(|point| !report.is_suppressed(&point.id));
        let appeared = |point: &Point| Change::Appeared { id: point.id.clone(), kind: point.kind };
        Self { changes: points.map(appeared).collect(), first: true }
    }

    /// Whether there is nothing to tell.
    pub const fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// How many changes are called `name`.
    pub fn count(&self, name: &str) -> usize {
        self.changes.iter().filter(|change| change.name() == name).count()
    }

    /// Writes it as one JSON document.
    pub fn write(&self, report: &Report<'_>, out: &mut impl Write) -> io::Result<()> {
        let run = report.run;
        let named = |point: &&Point| self.changes.iter().any(|change| change.id() == point.id);
        let document = Document {
            schema: SCHEMA,
            facility: run.facility.as_deref(),
            run: &run.id,
            began: run.began,
            ended: run.ended,
            first: self.first,
            changes: &self.changes,
            points: report
                .points()
                .into_iter()
                .filter(named)
                .map(|point| brief(point, report))
                .collect(),
        };
        write_plain(&document, out)
    }
}

fn brief<'a>(point: &'a Point, report: &Report<'a>) -> Brief<'a> {
    Brief {
        id: &point.id,
        kind: point.kind,
        grade: point.grade,
        direction: point.direction,
        addresses: &point.addresses,
        outside: &point.outside,
        product: point.product.as_ref(),
        register: report.register(&point.id),
        review: report.review(&point.id).map(|review| review.state.name()),
    }
}
