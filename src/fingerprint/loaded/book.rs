//! The rules of one file for one kind of text: the first that matches wins, as in the tools they come from.

use std::borrow::Cow;

use aho_corasick::AhoCorasick;

use super::{pattern::Pattern, says::Says};
use crate::{fingerprint::Evidence, observe::Confidence};

/// A rule that was loaded.
#[derive(Debug)]
pub(super) struct Rule {
    /// Collection, file and line: `recog:http_servers.xml:812`.
    pub id: String,
    /// What a text must be.
    pub pattern: Pattern,
    /// What it says; nothing where it only keeps the rules after it from speaking.
    pub says: Option<Says>,
    /// How far it can be trusted: never more than firm.
    pub confidence: Confidence,
    /// It only names what is spoken: another rule that matches comes before it.
    pub soft: bool,
}

/// Rules in the order of their file.
#[derive(Debug)]
pub(super) struct Book {
    rules: Vec<Rule>,
    /// Finds the rules whose patterns surely contain a text.
    literals: Option<AhoCorasick>,
    by_literal: Vec<Vec<usize>>,
    /// The places of the other rules.
    always: Vec<usize>,
}

impl Book {
    /// Puts rules in the order they are given where they are found by what they contain.
    pub(super) fn new(rules: Vec<Rule>) -> Self {
        let mut found: std::collections::BTreeMap<&str, Vec<usize>> =
            std::collections::BTreeMap::new();
        let mut always = Vec::new();
        for (place, rule) in rules.iter().enumerate() {
            if rule.pattern.literals().is_empty() {
                always.push(place);
            }
            for literal in rule.pattern.literals() {
                found.entry(literal).or_default().push(place);
            }
        }
        let literals = AhoCorasick::builder().ascii_case_insensitive(true).build(found.keys()).ok();
        let mut by_literal: Vec<Vec<usize>> = found.into_values().collect();
        if literals.is_none() {
            always.extend(by_literal.drain(..).flatten());
            always.sort_unstable();
            always.dedup();
        }
        Self { rules, literals, by_literal, always }
    }

    /// Every rule, in order.
    pub(super) fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rule that speaks for a text, and what it says: the first that matches, the soft ones last. Where the text may
    /// have been several, the rule matches each, and speaks of the first.
    pub(super) fn evidence<'s>(
        &'s self,
        collection: &'s str,
        texts: &[String],
    ) -> Option<(&'s Rule, Option<Evidence<'s>>)> {
        let (text, others) = texts.split_first()?;
        let mut soft = None;
        for place in self.candidates(text) {
            let Some(rule) = self.rules.get(place) else { continue };
            if rule.soft && soft.is_some() {
                continue;
            }
            let Some(taken) = rule.pattern.find(text) else { continue };
            if !others.iter().all(|other| rule.pattern.find(other).is_some()) {
                continue;
            }
            let evidence = rule.says.as_ref().and_then(|says| {
                let told =
                    |template: &super::says::Template| template.told(&taken).map(Cow::into_owned);
                let product = says.product.told(&taken);
                let vendor = says.vendor.told(&taken);
                // Without a name there is nothing to tell.
                if product.is_none() && vendor.is_none() {
                    return None;
                }
                Some(Evidence {
                    signature: collection,
                    rule: &rule.id,
                    vendor: vendor.unwrap_or_default(),
                    product: product.unwrap_or_default(),
                    model: told(&says.model),
                    version: told(&says.version),
                    serial: told(&says.serial),
                    role: says.role,
                    generic: rule.soft,
                    confidence: rule.confidence,
                    specificity: rule.pattern.specificity(),
                    collection: Some(collection),
                })
            });
            if !rule.soft {
                return Some((rule, evidence));
            }
            soft = Some((rule, evidence));
        }
        soft
    }

    /// The places of the rules that may match, in order.
    fn candidates(&self, text: &str) -> Vec<usize> {
        let mut places = self.always.clone();
        if let Some(literals) = &self.literals {
            for found in literals.find_overlapping_iter(text) {
                places
                    .extend(self.by_literal.get(found.pattern().as_usize()).into_iter().flatten());
            }
        }
        places.sort_unstable();
        places.dedup();
        places
    }
}
