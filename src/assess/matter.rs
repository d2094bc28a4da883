//! What a run found, as it is held against checklists, the guideline and a plan.

use std::collections::{BTreeMap, BTreeSet};

use super::{Assessments, Reconciliation, Stale, edition::Target};
use crate::{
    correlate::{Host, Kind, Point},
    import::Entry,
};

/// What a run found, and what is known of it. Points of which somebody decided that they are none, or gone, are left out
/// by whoever makes it.
#[derive(Debug, Clone, Copy)]
pub struct Matter<'a> {
    /// The connection points.
    pub points: &'a [&'a Point],
    /// Every box that was heard.
    pub hosts: &'a [Host],
    /// What their versions mean.
    pub assessments: &'a Assessments,
    /// What the register says; none where none was loaded.
    pub reconciliation: Option<&'a Reconciliation>,
    /// What forms say, by the names of points.
    pub declared: &'a BTreeMap<&'a str, &'a Entry>,
    /// Points of which their vendor explained what they are for.
    pub explained: &'a BTreeSet<&'a str>,
    /// Points whose risk somebody took.
    pub accepted: &'a BTreeSet<&'a str>,
    /// Points that are seldom used.
    pub stale: &'a BTreeMap<String, Stale>,
    /// Whether any run looked from outside.
    pub outside: bool,
}

/// Whether an item is about a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// It is.
    Own,
    /// It may be: what it is cannot be seen well enough.
    Perhaps,
    /// It is not.
    Not,
}

impl<'a> Matter<'a> {
    /// What people wrote down of a point: the register, or else a form.
    pub(super) fn written(&self, point: &str) -> Option<&'a Entry> {
        let line = self.reconciliation.and_then(|register| register.of(point).next());
        line.map(|line| &line.entry).or_else(|| self.declared.get(point).copied())
    }

    /// Whether anybody wrote anything down: a register was loaded, or there are forms.
    pub(super) fn is_written(&self) -> bool {
        self.reconciliation.is_some() || !self.declared.is_empty()
    }

    /// The points of some kinds.
    pub(super) fn of_kinds(&self, kinds: &[Kind]) -> Vec<&'a Point> {
        self.points.iter().copied().filter(|point| kinds.contains(&point.kind)).collect()
    }
}

/// Whether an item about `target` is about a point of this kind. From the network a server and a terminal look alike.
pub(super) fn fit(target: Target, kind: Kind) -> Fit {
    let network = kind.is_at_edge() || kind == Kind::VpnClient;
    match (target, network) {
        (Target::Organisation | Target::System, _)
        | (Target::Network, true)
        | (Target::ServerTerminal, false) => Fit::Own,
        (Target::Server | Target::Terminal, false) | (Target::ServerTerminal, true) => Fit::Perhaps,
        (Target::Network, false) | (Target::Server | Target::Terminal, true) => Fit::Not,
    }
}
