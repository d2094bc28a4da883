//! Why a value is taken for a product, and which rules it narrowly missed.

use super::{Condition, Evidence, Matcher, matcher::plain};

/// Why a value is taken for what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation<'s> {
    /// What the rules say.
    pub evidence: Vec<Evidence<'s>>,
    /// The rules of the field that came near, in their order.
    pub near_misses: Vec<NearMiss<'s>>,
}

/// A rule that came near.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearMiss<'s> {
    /// The rule's id.
    pub rule: &'s str,
    /// What the rule asks for: its pattern, text or prefix.
    pub wanted: String,
    /// What the value has of it.
    pub has: String,
}

/// How many numbers the identifier of an enterprise has.
const ENTERPRISE: usize = 7;

/// Says which rules a fact fits, and which it narrowly misses.
pub fn explain<'s>(matcher: &Matcher<'s>, field: &str, value: &str) -> Explanation<'s> {
    let text = plain(value).to_lowercase();
    let mut evidence = Vec::new();
    let mut near_misses = Vec::new();
    for (entry, found) in matcher.judged(field, value) {
        if let Some(found) = found {
            evidence.push(found);
        } else if let Some((wanted, has)) = entry.nearly(&text) {
            near_misses.push(NearMiss { rule: &entry.rule.id, wanted, has });
        }
    }
    evidence.extend(matcher.told(field, value));
    Explanation { evidence, near_misses }
}

impl super::matcher::Entry<'_> {
    /// What the rule asks for, and what a text in lower case has of it.
    fn nearly(&self, text: &str) -> Option<(String, String)> {
        match &self.rule.condition {
            Condition::Matches(pattern) => {
                let literals = self.literals().filter(|literal| literal.len() > 3);
                let has =
                    literals.filter(|literal| text.contains(*literal)).max_by_key(|l| l.len());
                has.map(|has| (pattern.clone(), has.to_owned()))
            }
            Condition::OneOf(texts) => texts
                .iter()
                .find(|wanted| wanted.len() > 3 && text.contains(&wanted.to_lowercase()))
                .map(|wanted| (wanted.clone(), wanted.to_lowercase())),
            Condition::Domain(names) => names
                .iter()
                .find(|name| text.contains(name.as_str()))
                .map(|name| (name.clone(), name.clone())),
            Condition::OidPrefix(oids) => oids.iter().find_map(|oid| {
                let given = text.trim_start_matches('.').split('.');
                let shared = oid.split('.').zip(given).take_while(|(a, b)| a == b).count();
                let has: Vec<&str> = oid.split('.').take(shared).collect();
                (shared >= ENTERPRISE).then(|| (oid.clone(), has.join(".")))
            }),
            Condition::Oui(_) | Condition::Present => None,
        }
    }
}
