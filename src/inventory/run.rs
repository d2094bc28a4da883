//! One run: what was read, what was measured, and the points it made.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    correlate::{Coverage, Host, Inquiry, Point, Sides, Unrecognised, Vantage},
    time::Timestamp,
};

/// One reading of one set of inputs, and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Its name; the same inputs read with the same knowledge have the same one.
    pub id: String,
    /// The facility it was made at, where a facility file says so.
    pub facility: Option<String>,
    /// When the first packet was heard.
    pub began: Timestamp,
    /// When the last packet was heard.
    pub ended: Timestamp,
    /// What was read, in the order packets are numbered by.
    pub inputs: Vec<Input>,
    /// What was measured, and what could not be seen.
    pub coverage: Vec<Coverage>,
    /// The connection points it saw.
    pub points: Vec<Point>,
    /// The boxes at the edge that no signature names.
    #[serde(default)]
    pub unrecognised: Vec<Unrecognised>,
    /// Every box inside that it heard, in the order of their addresses. Of an inventory: as the last run heard them.
    #[serde(default)]
    pub hosts: Vec<Host>,
    /// From where it looked. Never empty.
    #[serde(default = "usual")]
    pub vantages: BTreeSet<Vantage>,
    /// What it asked from outside.
    #[serde(default)]
    pub inquiries: Vec<Inquiry>,
}

/// From where a run looked of which nobody says it.
fn usual() -> BTreeSet<Vantage> {
    Sides::default().seen_from
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Its name, without its folder.
    pub name: String,
    /// Packets read from it.
    pub packets: u64,
    /// Its size in bytes.
    pub bytes: u64,
}
