//! Which points could become fewer, into what, and in which order.

use std::collections::BTreeMap;

use serde::Serialize;

/// A proposal for fewer points. Nothing in it is a decision: each part says its reason.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// How many points there are.
    pub before: usize,
    /// How many would be left.
    pub after: usize,
    /// Points that belong together, in the order of the work. Every point is in one.
    pub groups: Vec<Group>,
}

/// Points of one purpose, one vendor, one sort of line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Group {
    /// Its place in the order of the work, from 1.
    pub order: usize,
    /// What they are for: a key of the word lists (section `purpose`), or as the register says it.
    pub purpose: String,
    /// Whose equipment, or which partner; none where they differ or nobody says it.
    pub vendor: Option<String>,
    /// The sort of line; none where they differ or nothing tells.
    pub line: Option<String>,
    /// The points.
    pub points: Vec<String>,
    /// What is proposed.
    pub proposal: Proposal,
    /// How many points would be left of them.
    pub after: usize,
    /// Why: keys of the word lists (section `plan_reason`) with what is filled into them. Never empty.
    pub reasons: Vec<Why>,
}

/// A reason of a proposal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Why {
    /// A key of the word lists.
    pub reason: String,
    /// What is filled into the words.
    pub values: BTreeMap<String, String>,
}

/// What is proposed for a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Proposal {
    /// Close what nobody uses or nobody knows, after asking.
    Close,
    /// Mend or replace before anything else.
    Renew,
    /// Make one of them.
    Merge,
    /// Find out first: whose, and what for.
    Ask,
    /// Leave as it is.
    Keep,
}

impl Proposal {
    /// Every proposal.
    pub const ALL: [Self; 5] = [Self::Close, Self::Renew, Self::Merge, Self::Ask, Self::Keep];

    /// The name in JSON and in the word lists.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Close => "close",
            Self::Renew => "renew",
            Self::Merge => "merge",
            Self::Ask => "ask",
            Self::Keep => "keep",
        }
    }
}
