//! The rules of one field, by what finds them.
//!
//! A value is put to few of them: those whose beginning it has, those that contain a text it contains, those that
//! name it or what is above it. The index is made when the field is first asked about.

use std::{collections::BTreeMap, sync::OnceLock};

use aho_corasick::AhoCorasick;
use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::{
    Condition,
    compile::{Pattern, SHORTEST_LITERAL},
    matcher::{Entry, domain, hardware_digits, oid, prefixes, suffixes},
};

/// Nothing in it comes from the network.
type Map<K, V> = HashMap<K, V, FixedState>;

/// How many bytes of a value find the patterns that begin so.
const BEGINNING: usize = SHORTEST_LITERAL;

/// The rules of one field. Numbers are places in the list of entries.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    all: Vec<usize>,
    index: OnceLock<Index>,
}

/// What finds the rules.
#[derive(Debug, Default)]
struct Index {
    /// Patterns by the first bytes, in lower case, of a text that they begin with, and that text.
    by_beginning: Map<[u8; BEGINNING], Vec<(String, usize)>>,
    /// Patterns by a text they surely contain, in lower case.
    literals: Option<AhoCorasick>,
    by_literal: Vec<Vec<usize>>,
    /// Patterns that contain nothing for sure.
    always: Vec<usize>,
    by_text: Map<String, Vec<usize>>,
    by_domain: Map<String, Vec<usize>>,
    by_oid: Map<String, Vec<usize>>,
    by_oui: Map<String, Vec<usize>>,
}

impl Shelf {
    /// Adds the entry at a place. Entries come in their order.
    pub(super) fn place(&mut self, place: usize) {
        if self.all.last() != Some(&place) {
            self.all.push(place);
        }
    }

    /// Every rule of the field.
    pub(super) fn all(&self) -> &[usize] {
        &self.all
    }

    /// The rules that may say something about a value, in their order.
    pub(super) fn candidates(&self, entries: &[Entry<'_>], value: &str) -> Vec<usize> {
        self.index.get_or_init(|| Index::new(entries, &self.all)).candidates(value)
    }
}

impl Index {
    fn new(entries: &[Entry<'_>], places: &[usize]) -> Self {
        let mut index = Self::default();
        let mut literals: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (place, entry) in places.iter().filter_map(|place| Some((*place, entries.get(*place)?)))
        {
            let (map, keys) = match &entry.rule.condition {
                Condition::Matches(_) => {
                    if let Some(pattern) = entry.pattern() {
                        index.place(pattern, place, &mut literals);
                    }
                    continue;
                }
                Condition::Present => {
                    index.always.push(place);
                    continue;
                }
                Condition::OneOf(texts) => (&mut index.by_text, texts),
                Condition::Domain(names) => (&mut index.by_domain, names),
                Condition::OidPrefix(oids) => (&mut index.by_oid, oids),
                Condition::Oui(prefixes) => (&mut index.by_oui, prefixes),
            };
            for key in keys {
                map.entry(key.clone()).or_default().push(place);
            }
        }
        if !literals.is_empty() {
            index.literals = AhoCorasick::new(literals.keys()).ok();
            index.by_literal = literals.into_values().collect();
            if index.literals.is_none() {
                index.always.extend(index.by_literal.drain(..).flatten());
            }
        }
        index
    }

    /// Puts a pattern where a value finds it.
    fn place<'p>(
        &mut self,
        pattern: &'p Pattern,
        place: usize,
        literals: &mut BTreeMap<&'p str, Vec<usize>>,
    ) {
        let beginnings = pattern.beginnings.iter();
        let keyed: Option<Vec<([u8; BEGINNING], &String)>> =
            beginnings.map(|text| Some((*text.as_bytes().first_chunk()?, text))).collect();
        if let Some(keyed) = keyed.filter(|keyed| !keyed.is_empty()) {
            for (key, text) in keyed {
                self.by_beginning.entry(key).or_default().push((text.clone(), place));
            }
        } else if pattern.shortest_literal() < SHORTEST_LITERAL {
            self.always.push(place);
        } else {
            for literal in &pattern.literals {
                literals.entry(literal).or_default().push(place);
            }
        }
    }

    fn candidates(&self, value: &str) -> Vec<usize> {
        let mut places = self.always.clone();
        let lower;
        let folded = if value.bytes().any(|byte| byte.is_ascii_uppercase()) {
            lower = value.to_ascii_lowercase();
            &lower
        } else {
            value
        };
        let beginning = folded.as_bytes().first_chunk::<BEGINNING>();
        for (text, place) in
            beginning.and_then(|key| self.by_beginning.get(key)).into_iter().flatten()
        {
            if folded.starts_with(text.as_str()) {
                places.push(*place);
            }
        }
        if let Some(literals) = &self.literals {
            for found in literals.find_overlapping_iter(folded) {
                places
                    .extend(self.by_literal.get(found.pattern().as_usize()).into_iter().flatten());
            }
        }
        let mut add = |found: Option<&Vec<usize>>| places.extend(found.into_iter().flatten());
        add(self.by_text.get(value));
        if !self.by_domain.is_empty() {
            let name = domain(value);
            for suffix in suffixes(&name) {
                add(self.by_domain.get(suffix));
            }
        }
        if !self.by_oid.is_empty() {
            for prefix in prefixes(oid(value)) {
                add(self.by_oid.get(prefix));
            }
        }
        if !self.by_oui.is_empty() {
            let digits = hardware_digits(value);
            for length in [6, 7, 9] {
                add(digits.get(..length).and_then(|prefix| self.by_oui.get(prefix)));
            }
        }
        places.sort_unstable();
        places.dedup();
        places
    }
}
