//! What points mean, in words: suggestions, grounds, reasons, purposes.

use super::{Words, cut};
use crate::assess::{Ground, Proposal, Stale, Suggestion, Why};

/// How much of a value that somebody wrote is shown, in columns.
const LONGEST: usize = 120;

impl Words {
    /// What may be answered to an item.
    pub fn suggestion(&self, suggestion: Suggestion) -> &str {
        self.get("suggestion", suggestion.name())
    }

    /// What is proposed.
    pub fn proposal(&self, proposal: Proposal) -> &str {
        self.get("proposal", proposal.name())
    }

    /// What points are for: a name of ours, or as the register says it.
    pub fn purpose(&self, purpose: &str) -> String {
        self.find("purpose", purpose).map_or_else(|| cut(purpose, LONGEST), str::to_owned)
    }

    /// A sort of line.
    pub fn line_sort<'a>(&'a self, line: &'a str) -> &'a str {
        self.get("line_sort", line)
    }

    /// A ground as a sentence.
    pub fn ground(&self, ground: &Ground) -> String {
        self.said("ground", &ground.finding, ground.values.iter())
    }

    /// A reason of a plan as a sentence.
    pub fn why(&self, why: &Why) -> String {
        self.said("plan_reason", &why.reason, why.values.iter())
    }

    /// How seldom a point was seen.
    pub fn stale(&self, stale: &Stale) -> String {
        let values = [
            ("seen", stale.seen.to_string()),
            ("runs", stale.runs.to_string()),
            ("days", stale.days.to_string()),
        ];
        let values: Vec<(&str, &str)> =
            values.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.fill("stale", "seldom", &values)
    }

    /// A sentence with its values; those that are names are said in words.
    fn said<'v>(
        &self,
        section: &str,
        key: &str,
        values: impl Iterator<Item = (&'v String, &'v String)>,
    ) -> String {
        let values: Vec<(&str, String)> = values
            .map(|(name, value)| {
                let said = match name.as_str() {
                    "kind" => self.get("kind", value).to_owned(),
                    "purpose" => self.purpose(value),
                    "service" => match self.find("ground_service", value) {
                        Some(words) => words.to_owned(),
                        None => self.protocol(value).into_owned(),
                    },
                    _ => cut(value, LONGEST),
                };
                (name.as_str(), said)
            })
            .collect();
        let values: Vec<(&str, &str)> =
            values.iter().map(|(name, value)| (*name, value.as_str())).collect();
        if self.find(section, key).is_some() {
            return self.fill(section, key, &values);
        }
        // What is newer than the list is told by its name.
        let told: Vec<&str> = values.iter().map(|(_, value)| *value).collect();
        let colon = if told.is_empty() { "" } else { self.get("language", "colon") };
        cut(&format!("{key}{colon}{}", told.join(self.get("language", "comma"))), LONGEST)
    }
}
