//! All rules of a field together: a fact goes in, evidence comes out.

use std::{borrow::Cow, cmp::Ordering, collections::BTreeMap, sync::OnceLock};

use serde::Serialize;

use super::{Condition, Loaded, Rule, Signature, Signatures, compile::Pattern, shelf::Shelf};
use crate::observe::{Confidence, Facts};

/// What one rule says about one fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evidence<'s> {
    /// The signature's id: its file's name. Of loaded knowledge, the collection's name.
    pub signature: &'s str,
    /// The rule's id.
    pub rule: &'s str,
    /// Who makes the product. Empty where loaded knowledge does not tell.
    pub vendor: Cow<'s, str>,
    /// What it is called. Empty where loaded knowledge does not tell.
    pub product: Cow<'s, str>,
    /// The model, when the fact tells.
    pub model: Option<String>,
    /// The version, when the fact tells.
    pub version: Option<String>,
    /// The serial number, when the fact tells.
    pub serial: Option<String>,
    /// What the product does at the edge.
    pub role: &'s str,
    /// Whether the product only says what is spoken.
    pub generic: bool,
    /// How far this alone can be trusted.
    pub confidence: Confidence,
    /// How much of the value the rule pins down: bytes of text, numbers of an identifier.
    pub specificity: usize,
    /// The collection of loaded knowledge that says so; none for signatures of our own.
    pub collection: Option<&'s str>,
}

/// A product, and how sure all the evidence for it makes us.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ranked<'s> {
    /// The signature's id: its file's name. Of loaded knowledge, the collection's name.
    pub signature: &'s str,
    /// Who makes the product. Empty where loaded knowledge does not tell.
    pub vendor: Cow<'s, str>,
    /// What it is called. Empty where loaded knowledge does not tell.
    pub product: Cow<'s, str>,
    /// The model, when a fact tells.
    pub model: Option<String>,
    /// The version, when a fact tells.
    pub version: Option<String>,
    /// The serial number, when a fact tells.
    pub serial: Option<String>,
    /// What the product does at the edge.
    pub role: &'s str,
    /// Whether the product only says what is spoken.
    #[serde(skip)]
    pub generic: bool,
    /// From 0 to 1.
    pub confidence: f64,
    /// How much of a value the most particular rule pins down.
    pub specificity: usize,
    /// The ids of the rules that speak for it, strongest first.
    pub rules: Vec<&'s str>,
    /// The collection of loaded knowledge that names it; none for signatures of our own.
    pub collection: Option<&'s str>,
}

/// Turns facts into evidence.
#[derive(Debug)]
pub struct Matcher<'s> {
    entries: Vec<Entry<'s>>,
    shelves: BTreeMap<&'s str, Shelf>,
    /// What the signatures that ask for paths ask for, by their ids.
    paths: BTreeMap<&'s str, &'s [String]>,
    /// Other people's knowledge, where it was asked for.
    loaded: Option<&'s Loaded>,
}

/// A rule with its product and, if it has one, its pattern.
#[derive(Debug)]
pub(super) struct Entry<'s> {
    pub(super) signature: &'s Signature,
    pub(super) rule: &'s Rule,
    /// Read when the rule's field is first asked about. One that cannot be read, which loading refuses, never matches.
    pattern: OnceLock<Option<Pattern>>,
}

impl<'s> Matcher<'s> {
    /// Sorts the rules by field. What finds them is made, and their patterns are read, when their field is first asked
    /// about.
    pub fn new(signatures: &'s Signatures) -> Self {
        let mut entries = Vec::new();
        let mut shelves: BTreeMap<&str, Shelf> = BTreeMap::new();
        for signature in signatures {
            for rule in &signature.rules {
                for field in &rule.fields {
                    shelves.entry(field).or_default().place(entries.len());
                }
                entries.push(Entry { signature, rule, pattern: OnceLock::new() });
            }
        }
        let asking = signatures.iter().filter(|signature| !signature.paths.is_empty());
        let paths = asking.map(|signature| (&*signature.id, &*signature.paths)).collect();
        Self { entries, shelves, paths, loaded: None }
    }

    /// The same, which asks other people's knowledge too.
    pub fn with(mut self, loaded: &'s Loaded) -> Self {
        self.loaded = Some(loaded);
        self
    }

    /// What other people's knowledge says about a fact, in order of the collections' names.
    pub(super) fn told(&self, field: &str, value: &str) -> Vec<Evidence<'s>> {
        self.loaded.map(|loaded| loaded.evidence(field, value)).unwrap_or_default()
    }

    /// What may be fetched by HTTP from a speaker of these facts: the paths of the products that they are evidence
    /// for, by more than a hint.
    pub fn paths(&self, facts: &Facts) -> Vec<&'s str> {
        if self.paths.is_empty() {
            return Vec::new();
        }
        let mut evidence: Vec<_> =
            facts.iter().flat_map(|(field, value)| self.evidence(field, value)).collect();
        evidence.retain(|one| one.collection.is_none() && self.paths.contains_key(one.signature));
        let enough = weight(Confidence::Firm) - f64::EPSILON;
        let ranked = combine(&evidence);
        let likely = ranked.iter().filter(|one| one.confidence >= enough);
        let paths = likely.filter_map(|one| self.paths.get(one.signature));
        paths.flat_map(|paths| paths.iter()).map(String::as_str).collect()
    }

    /// What the rules say about a fact, in order of the signatures' ids and the rules in them; then what other people's
    /// knowledge says.
    pub fn evidence(&self, field: &str, value: &str) -> Vec<Evidence<'s>> {
        let mut evidence = self.own_evidence(field, value);
        if self.loaded.is_some() {
            evidence.extend(self.told(field, value));
        }
        evidence
    }

    fn own_evidence(&self, field: &str, value: &str) -> Vec<Evidence<'s>> {
        let Some(shelf) = self.shelves.get(field) else { return Vec::new() };
        let value = plain(value);
        let candidates = shelf.candidates(&self.entries, &value);
        let entries = candidates.into_iter().filter_map(|place| self.entries.get(place));
        entries.filter_map(|entry| entry.evidence(&value)).collect()
    }

    /// Every rule of a field with what it says about a value, if it says anything.
    pub(super) fn judged(
        &self,
        field: &str,
        value: &str,
    ) -> impl Iterator<Item = (&Entry<'s>, Option<Evidence<'s>>)> {
        let value = plain(value).into_owned();
        let places = self.shelves.get(field).map(Shelf::all).unwrap_or_default();
        places.iter().filter_map(|place| self.entries.get(*place)).map(move |entry| {
            let evidence = entry.evidence(&value);
            (entry, evidence)
        })
    }

    /// How many rules there are.
    pub fn rules(&self) -> usize {
        self.entries.len()
    }
}

impl<'s> Entry<'s> {
    /// The rule's pattern, if it has one.
    pub(super) fn pattern(&self) -> Option<&Pattern> {
        let Condition::Matches(text) = &self.rule.condition else { return None };
        self.pattern.get_or_init(|| Pattern::parse(text).ok()).as_ref()
    }

    /// Texts of which a matching value contains one, in lower case.
    pub(super) fn literals(&self) -> impl Iterator<Item = &str> {
        self.pattern().into_iter().flat_map(|pattern| &pattern.literals).map(String::as_str)
    }

    /// What the rule says about a plain value.
    fn evidence(&self, value: &str) -> Option<Evidence<'s>> {
        let Self { signature, rule, .. } = self;
        let mut evidence = Evidence {
            signature: &signature.id,
            rule: &rule.id,
            vendor: Cow::Borrowed(&signature.vendor),
            product: Cow::Borrowed(&signature.product),
            model: rule.model.clone(),
            version: rule.version.clone(),
            serial: None,
            role: &signature.role,
            generic: signature.generic,
            confidence: rule.confidence,
            specificity: 0,
            collection: None,
        };
        evidence.specificity = match &rule.condition {
            Condition::Matches(_) => {
                let pattern = self.pattern()?;
                if !pattern.captures() {
                    evidence.specificity = pattern.shortest_literal();
                    return pattern.is_match(value).then_some(evidence);
                }
                let captures = pattern.regex()?.captures(value)?;
                let capture = |name: &str| {
                    let text = captures.get(pattern.group(name)?)?.as_str().trim();
                    (!text.is_empty()).then(|| text.to_owned())
                };
                evidence.model = capture("model").or(evidence.model);
                evidence.version = capture("version").or(evidence.version);
                evidence.serial = capture("serial");
                if let Some(lookup) = &rule.lookup
                    && let Some(known) =
                        capture(&lookup.by).and_then(|text| lookup.table.get(&text))
                {
                    match lookup.gives.as_str() {
                        "model" => evidence.model = Some(known.clone()),
                        _ => evidence.version = Some(known.clone()),
                    }
                }
                pattern.shortest_literal()
            }
            Condition::Present if value.is_empty() => return None,
            Condition::Present => 1,
            Condition::OneOf(texts) => texts.iter().find(|text| *text == value)?.len(),
            Condition::Domain(names) => {
                let name = domain(value);
                let known = |suffix: &&str| names.iter().any(|name| name == suffix);
                let found = suffixes(&name).find(known)?;
                // A visit to a maker's pages is no use of its product.
                if name.strip_prefix("www.") == Some(found) {
                    return None;
                }
                found.len()
            }
            Condition::OidPrefix(oids) => {
                let known = |prefix: &&str| oids.iter().any(|oid| oid == prefix);
                prefixes(oid(value)).filter(known).last()?.split('.').count()
            }
            Condition::Oui(known) => {
                let digits = hardware_digits(value);
                known.iter().find(|prefix| digits.starts_with(prefix.as_str()))?.len()
            }
        };
        Some(evidence)
    }
}

/// How much evidence of a confidence weighs, from 0 to 1: how often it may be believed alone.
pub fn weight(confidence: Confidence) -> f64 {
    match confidence {
        Confidence::Weak => 0.4,
        Confidence::Firm => 0.75,
        Confidence::Certain => 0.95,
    }
}

/// Weighs the evidence of one speaker or one box: the products it may be, best first.
///
/// Rules that agree add up as independent witnesses do, 1 − Π(1 − weight); a rule counts once however
/// often it spoke. Of equally sure products the one whose maker more else speaks for comes first (the address
/// block of a network card, another product's enterprise number), then the one whose rule pins down more, then
/// the one that knows more about itself, then the alphabet decides. A product that other people's knowledge names
/// comes after every one that a signature of our own names, but those that only say what is spoken.
pub fn combine<'s>(evidence: &[Evidence<'s>]) -> Vec<Ranked<'s>> {
    // A signature is one product; a collection knows many.
    let mut by_product: BTreeMap<_, Vec<&Evidence<'s>>> = BTreeMap::new();
    for one in evidence {
        let of_collection = one.collection.map(|_| (&*one.vendor, &*one.product));
        by_product.entry((one.signature, of_collection)).or_default().push(one);
    }
    let mut ranked: Vec<Ranked<'s>> = by_product
        .into_values()
        .filter_map(|mut of_product| {
            of_product.sort_by(|a, b| {
                let strength = |e: &Evidence<'_>| (e.confidence, e.specificity);
                strength(b).cmp(&strength(a)).then_with(|| a.rule.cmp(b.rule))
            });
            let first = of_product.first()?;
            let mut rules: Vec<&str> = Vec::new();
            let mut doubt = 1.0;
            for one in &of_product {
                if !rules.contains(&one.rule) {
                    rules.push(one.rule);
                    doubt *= 1.0 - weight(one.confidence);
                }
            }
            Some(Ranked {
                signature: first.signature,
                vendor: first.vendor.clone(),
                product: first.product.clone(),
                model: of_product.iter().find_map(|one| one.model.clone()),
                version: of_product.iter().find_map(|one| one.version.clone()),
                serial: of_product.iter().find_map(|one| one.serial.clone()),
                role: first.role,
                generic: first.generic,
                confidence: (1.0 - doubt).clamp(0.0, 1.0),
                specificity: of_product.iter().map(|one| one.specificity).max().unwrap_or(0),
                rules,
                collection: first.collection,
            })
        })
        .collect();
    let mut makers: BTreeMap<Cow<'s, str>, f64> = BTreeMap::new();
    for one in ranked.iter().filter(|one| !one.generic && one.collection.is_none()) {
        *makers.entry(one.vendor.clone()).or_insert(1.0) *= 1.0 - one.confidence;
    }
    ranked.sort_by(|a, b| better_first(a, b, &makers));
    ranked
}

/// `makers` tells how much doubt is left of each maker, by all its products together.
fn better_first(a: &Ranked<'_>, b: &Ranked<'_>, makers: &BTreeMap<Cow<'_, str>, f64>) -> Ordering {
    let known = |r: &Ranked<'_>| usize::from(r.model.is_some()) + usize::from(r.version.is_some());
    let doubt = |r: &Ranked<'_>| makers.get(&*r.vendor).copied().unwrap_or(1.0);
    let rank = |r: &Ranked<'_>| match (r.generic, r.collection) {
        (false, None) => 0,
        (false, Some(_)) => 1,
        (true, None) => 2,
        (true, Some(_)) => 3,
    };
    rank(a)
        .cmp(&rank(b))
        .then_with(|| b.confidence.total_cmp(&a.confidence))
        .then_with(|| doubt(a).total_cmp(&doubt(b)))
        .then_with(|| b.specificity.cmp(&a.specificity))
        .then_with(|| known(b).cmp(&known(a)))
        .then_with(|| {
            (a.signature, &a.vendor, &a.product).cmp(&(b.signature, &b.vendor, &b.product))
        })
}

/// A value as rules see it: line ends and other controls, also where an observation shows them as a
/// middle dot, are spaces; there are none at the ends.
pub(super) fn plain(value: &str) -> Cow<'_, str> {
    let odd = |c: char| c.is_control() || c == '\u{b7}';
    // The further controls and the middle dot begin with this byte; few values hold it.
    let may_be_odd = |byte: u8| byte.is_ascii_control() || byte == 0xc2;
    if value.bytes().any(may_be_odd) && value.contains(odd) {
        Cow::Owned(value.replace(odd, " ").trim().to_owned())
    } else {
        Cow::Borrowed(value.trim())
    }
}

/// A name for comparison: lower case, without the final dot and the port that a proxy is told.
pub(super) fn domain(value: &str) -> String {
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let name =
        value.rsplit_once(':').filter(|(_, port)| is_port(port)).map_or(value, |(name, _)| name);
    name.trim_end_matches('.').to_ascii_lowercase()
}

/// A name and every name above it, longest first.
pub(super) fn suffixes(name: &str) -> impl Iterator<Item = &str> {
    let dots = name.match_indices('.').filter_map(|(at, _)| name.get(at + 1..));
    std::iter::once(name).chain(dots)
}

/// An object identifier without the marks some tools put before it.
pub(super) fn oid(value: &str) -> &str {
    value.trim_start_matches('.')
}

/// Every prefix of an object identifier, shortest first, the whole last.
pub(super) fn prefixes(oid: &str) -> impl Iterator<Item = &str> {
    let dots = oid.match_indices('.').filter_map(|(at, _)| oid.get(..at));
    dots.chain(std::iter::once(oid))
}

/// The hexadecimal digits of a hardware address, in lower case.
pub(super) fn hardware_digits(value: &str) -> String {
    value.chars().filter(char::is_ascii_hexdigit).take(12).map(|c| c.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(
        signature: &'static str,
        rule: &'static str,
        confidence: Confidence,
    ) -> Evidence<'static> {
        Evidence {
            signature,
            rule,
            vendor: "Acme".into(),
            product: signature.into(),
            model: None,
            version: None,
            serial: None,
            role: "router",
            generic: false,
            confidence,
            specificity: 4,
            collection: None,
        }
    }

    #[test]
    fn witnesses_that_agree_add_up_and_repetition_does_not() {
        let firm = one("acme-gate", "acme-gate.title", Confidence::Firm);
        let weak = one("acme-gate", "acme-gate.oui", Confidence::Weak);
        let other = one("acme-post", "acme-post.title", Confidence::Firm);
        let ranked = combine(&[weak.clone(), other, firm.clone(), firm, weak]);
        let order: Vec<_> = ranked.iter().map(|r| r.signature).collect();
        assert_eq!(order, ["acme-gate", "acme-post"]);
        assert!((ranked[0].confidence - 0.85).abs() < 1e-9, "{ranked:?}");
        assert_eq!(ranked[0].rules, ["acme-gate.title", "acme-gate.oui"]);
    }

    #[test]
    fn of_two_products_the_one_whose_maker_is_seen_elsewhere_comes_first() {
        let a = one("a", "a.title", Confidence::Firm);
        let b = Evidence { vendor: "Other".into(), ..one("b", "b.title", Confidence::Firm) };
        let card = Evidence { vendor: "Other".into(), ..one("c", "c.oui", Confidence::Weak) };
        let order = |evidence: &[Evidence<'static>]| {
            combine(evidence).iter().map(|r| r.signature).collect::<Vec<_>>()
        };
        assert_eq!(order(&[a.clone(), b.clone()]), ["a", "b"]);
        assert_eq!(order(&[a.clone(), b.clone(), card.clone()]), ["b", "a", "c"]);
        let sure = one("a", "a.banner", Confidence::Certain);
        assert_eq!(order(&[a, b, card, sure]), ["a", "b", "c"], "a maker does not outweigh a rule");
    }

    #[test]
    fn a_name_is_the_same_with_a_final_dot_in_capitals_and_with_the_port_that_a_proxy_is_told() {
        for value in ["relay.example.com", "Relay.Example.COM.", "relay.example.com:443"] {
            assert_eq!(domain(value), "relay.example.com");
        }
        assert_eq!(domain("relay.example.com:https"), "relay.example.com:https");
    }

    #[test]
    fn ties_go_to_the_more_particular_then_to_the_alphabet() {
        let a = one("b", "b.1", Confidence::Firm);
        let b = one("a", "a.1", Confidence::Firm);
        let c = Evidence { specificity: 9, ..one("c", "c.1", Confidence::Firm) };
        let ranked = combine(&[a, b, c]);
        let order: Vec<_> = ranked.iter().map(|r| r.signature).collect();
        assert_eq!(order, ["c", "a", "b"]);
    }

    #[test]
    fn other_peoples_knowledge_comes_after_our_own_but_before_what_is_spoken() {
        let weak = one("acme-gate", "acme-gate.oui", Confidence::Weak);
        let spoken =
            Evidence { generic: true, ..one("acme-web", "acme-web.1", Confidence::Certain) };
        let loaded = |product: &'static str, rule| Evidence {
            product: product.into(),
            collection: Some("list"),
            ..one("list", rule, Confidence::Firm)
        };
        let (post, again) = (loaded("Post", "list:1"), loaded("Post", "list:2"));
        let other = loaded("Other", "list:3");
        let ranked = combine(&[other, spoken, post, weak, again]);
        let order: Vec<_> = ranked.iter().map(|r| &*r.product).collect();
        assert_eq!(order, ["acme-gate", "Post", "Other", "acme-web"]);
        assert_eq!(ranked[1].rules, ["list:1", "list:2"]);
        assert_eq!(ranked[1].collection, Some("list"));
    }

    #[test]
    fn sees_line_ends_as_spaces_however_they_are_shown() {
        assert_eq!(plain("a v5\r\nLogin:\n"), "a v5  Login:");
        assert_eq!(plain("a v5··Login:"), "a v5  Login:");
    }

    #[test]
    fn names_and_identifiers_are_walked_part_by_part() {
        assert_eq!(suffixes("a.b.c").collect::<Vec<_>>(), ["a.b.c", "b.c", "c"]);
        assert_eq!(prefixes("1.3.6").collect::<Vec<_>>(), ["1", "1.3", "1.3.6"]);
        assert_eq!(hardware_digits("00:09:0F:aa"), "00090faa");
    }
}
