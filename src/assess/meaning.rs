//! All that the points of a run mean.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Article, Assessments, Checked, Contradiction, Plan, Reconciliation};

/// What the points of a run mean, as reports tell it.
#[derive(Debug, Clone, Default)]
pub struct Meaning {
    /// What their versions mean.
    pub assessments: Assessments,
    /// What the register says of them; none where no register was loaded.
    pub reconciliation: Option<Reconciliation>,
    /// What they say to the checklist, the newest edition first.
    pub checklists: Vec<Checked>,
    /// What they say to the guideline.
    pub articles: Vec<Article>,
    /// How they could become fewer.
    pub plan: Plan,
    /// Points that are seldom used, by their names.
    pub stale: BTreeMap<String, Stale>,
    /// What people said and the network contradicts, in the order of the points.
    pub contradictions: Vec<Contradiction>,
}

/// How seldom a point was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Stale {
    /// In how many runs it was seen.
    pub seen: usize,
    /// Of how many that could have seen it.
    pub runs: usize,
    /// In how many days.
    pub days: u32,
}
