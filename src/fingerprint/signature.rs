//! The format of a signature file: a product, its rules, and the proof that they fit.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::observe::Confidence;

/// One signature file: a product and the rules that betray it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// The file's name without `.toml`: vendor and product. Every rule's id begins with it.
    #[serde(skip)]
    pub id: String,
    /// Who makes it, as in the vocabulary.
    pub vendor: String,
    /// What it is called.
    pub product: String,
    /// The line of products it belongs to, where that has a name of its own.
    pub family: Option<String>,
    /// What it does at the edge, as in the vocabulary; also the folder the file is in.
    pub role: String,
    /// It only says what is spoken: any other product that is named comes before it.
    #[serde(default)]
    pub generic: bool,
    /// What may be fetched by HTTP from a service that gave evidence for it: paths that tell more.
    #[serde(default)]
    pub paths: Vec<String>,
    /// The rules, any one of which names the product.
    #[serde(rename = "rule", default)]
    pub rules: Vec<Rule>,
}

/// Fields, one condition, and the proof that they fit.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Written")]
pub struct Rule {
    /// Stable name, shown in reports as the reason.
    pub id: String,
    /// The observed fields it reads.
    pub fields: Vec<String>,
    /// What a value must be.
    pub condition: Condition,
    /// The model, where matching alone tells it.
    pub model: Option<String>,
    /// The version, where matching alone tells it.
    pub version: Option<String>,
    /// What a captured text stands for.
    pub lookup: Option<Lookup>,
    /// How far a match alone can be trusted.
    pub confidence: Confidence,
    /// Where it was learnt.
    pub source: String,
    /// Values that must match, with the attributes they yield.
    pub examples: Vec<Example>,
    /// Near misses that must not.
    pub unlike: Vec<String>,
}

/// What a value must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// A regular expression; the named groups `model`, `version` and `serial` become attributes.
    Matches(String),
    /// One of these texts, exactly.
    OneOf(Vec<String>),
    /// One of these names, or a name below one of them. Case and a final dot do not count.
    Domain(Vec<String>),
    /// An object identifier at or below one of these, compared number by number.
    OidPrefix(Vec<String>),
    /// Anything: only the product's own protocol tells this field.
    Present,
    /// A hardware address that begins with one of these 6, 7 or 9 hexadecimal digits.
    Oui(Vec<String>),
}

/// What a captured text stands for: a build's hash and its version, a serial's prefix and its model.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lookup {
    /// The named group whose text is looked up.
    pub by: String,
    /// The attribute it gives: `model` or `version`.
    pub gives: String,
    /// Text and what it stands for. What is not listed gives nothing.
    pub table: BTreeMap<String, String>,
}

/// A value that must match.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// The observed text.
    pub value: String,
    /// The attributes it must yield, all of them.
    #[serde(default)]
    pub yields: BTreeMap<String, String>,
}

/// A rule as written, before its condition is known to be one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: String,
    field: OneOrMore,
    matches: Option<String>,
    equals: Option<String>,
    one_of: Option<Vec<String>>,
    domain: Option<OneOrMore>,
    oid_prefix: Option<OneOrMore>,
    oui: Option<OneOrMore>,
    #[serde(default)]
    present: bool,
    model: Option<String>,
    version: Option<String>,
    lookup: Option<Lookup>,
    confidence: Confidence,
    source: String,
    example: Vec<Example>,
    #[serde(default)]
    unlike: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl From<OneOrMore> for Vec<String> {
    fn from(written: OneOrMore) -> Self {
        match written {
            OneOrMore::One(one) => vec![one],
            OneOrMore::More(more) => more,
        }
    }
}

impl TryFrom<Written> for Rule {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let mut conditions = [
            written.matches.map(Condition::Matches),
            written.equals.map(|text| Condition::OneOf(vec![text])),
            written.one_of.map(Condition::OneOf),
            written.domain.map(|names| Condition::Domain(names.into())),
            written.oid_prefix.map(|oids| Condition::OidPrefix(oids.into())),
            written.oui.map(|prefixes| Condition::Oui(prefixes.into())),
            written.present.then_some(Condition::Present),
        ]
        .into_iter()
        .flatten();
        let (Some(condition), None) = (conditions.next(), conditions.next()) else {
            return Err(format!(
                "rule `{}` must have exactly one of matches, equals, one_of, domain, oid_prefix, oui, present",
                written.id
            ));
        };
        Ok(Self {
            id: written.id,
            fields: written.field.into(),
            condition,
            model: written.model,
            version: written.version,
            lookup: written.lookup,
            confidence: written.confidence,
            source: written.source,
            examples: written.example,
            unlike: written.unlike,
        })
    }
}
