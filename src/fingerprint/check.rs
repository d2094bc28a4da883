//! What is refused of signatures, so that none misleads.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Condition, Error, Matcher, Rule, Signature, Signatures,
    compile::{Pattern, SHORTEST_LITERAL},
    draft,
    load::{File, MOST_RULES, VOCABULARY, Vocabulary, line_at},
};
use crate::observe::Confidence;

/// The groups of a pattern that become attributes.
const ATTRIBUTES: [&str; 3] = ["model", "version", "serial"];

/// How many letters of a faulty value an error shows.
const LONGEST_SHOWN: usize = 160;

/// How many paths a signature may ask for.
const MOST_PATHS: usize = 4;

/// How long a path may be, in bytes.
const LONGEST_PATH: usize = 200;

/// Whether a path is one that a page would link to: no way up, no other host, nothing that a shell or a reader of
/// escapes would see another thing in.
fn is_path(path: &str) -> bool {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let plain = |text: &str, marks: &[u8]| {
        text.bytes().all(|byte| byte.is_ascii_alphanumeric() || marks.contains(&byte))
    };
    path.starts_with('/')
        && !path.contains("//")
        && !path.split('/').any(|part| part == "." || part == "..")
        && plain(path, b"/-._~+,@")
        && plain(query, b"-._~=&,")
}

/// The faults found in a file.
pub(super) struct Faults<'f> {
    file: &'f File,
    found: Vec<Error>,
    refused: Refused,
}

/// What files before this one took.
#[derive(Debug, Default)]
pub(super) struct Taken {
    ids: BTreeSet<String>,
    /// Whose signature it is, by field and by what a value must be.
    claims: BTreeMap<(String, String), String>,
}

/// What the faults leave out.
#[derive(Debug, Default)]
pub(super) struct Refused {
    /// The whole signature.
    pub(super) signature: bool,
    /// Rules, by their ids.
    pub(super) rules: BTreeSet<String>,
}

impl<'f> Faults<'f> {
    /// None yet.
    pub(super) fn new(file: &'f File) -> Self {
        Self { file, found: Vec::new(), refused: Refused::default() }
    }

    /// What is refused, and why.
    pub(super) fn end(self) -> (Refused, Vec<Error>) {
        (self.refused, self.found)
    }

    /// Refuses a signature with more rules than are held against each other, and forgets those beyond.
    pub(super) fn of_length(&mut self, signature: &mut Signature) {
        if let Some(rule) = signature.rules.get(MOST_RULES) {
            let remedy = format!("make it several products of at most {MOST_RULES} each");
            self.signature("too many rules, from", &rule.id, remedy);
            signature.rules.truncate(MOST_RULES);
        }
    }

    /// Looks at words, ids and conditions. `taken` is what the files before took, and gets this one's.
    pub(super) fn of_signature(
        &mut self,
        signature: &Signature,
        words: &Vocabulary,
        taken: &mut Taken,
    ) {
        let role = self.file.name.split('/').next().unwrap_or_default();
        self.of_draft(signature, words);
        let is_missing = |word: &str| [draft::WHICH_VENDOR, draft::WHICH_ROLE].contains(&word);
        if !words.vendors.contains(&signature.vendor) && !is_missing(&signature.vendor) {
            let remedy = remedy(&signature.vendor, words.vendors.iter());
            self.signature("unknown vendor", &signature.vendor, remedy);
        }
        if !words.roles.contains_key(&signature.role) && !is_missing(&signature.role) {
            let remedy = remedy(&signature.role, words.roles.keys());
            self.signature("unknown role", &signature.role, remedy);
        }
        if role != signature.role && !is_missing(&signature.role) {
            let remedy = format!("move the file to {}/", signature.role);
            self.signature("the folder is not the role but", role, remedy);
        }
        if !taken.ids.insert(signature.id.clone()) {
            let remedy = "give one of the two files another name".to_owned();
            self.signature("a second file for", &signature.id, remedy);
        }
        if signature.rules.is_empty() {
            self.signature("no rule for", &signature.id, "add a [[rule]]".to_owned());
        }
        let is_no_path = |path: &&String| path.len() > LONGEST_PATH || !is_path(path);
        for path in signature.paths.iter().filter(is_no_path) {
            let remedy = format!(
                "begin it with `/`, write letters, digits and `-._~+,@` between single `/`, and perhaps `?name=value`; at \
                     most {LONGEST_PATH} bytes"
            );
            self.signature("no path is", path, remedy);
        }
        if let Some(path) = signature.paths.get(MOST_PATHS) {
            let remedy = format!("{MOST_PATHS} tell enough, for each is a connection");
            self.signature("too many paths, from", path, remedy);
        }
        for rule in &signature.rules {
            let named =
                rule.id.strip_prefix(signature.id.as_str()).and_then(|r| r.strip_prefix('.'));
            if named.is_none_or(str::is_empty) {
                let remedy = format!("begin it with `{}.`", signature.id);
                self.rule(rule, "the id does not begin with the file's name:", &rule.id, remedy);
            }
            if !taken.ids.insert(rule.id.clone()) {
                let remedy = "give one of the two another".to_owned();
                self.rule(rule, "the id is used twice:", &rule.id, remedy);
            }
            self.of_rule(rule, words);
            self.of_claims(signature, rule, taken);
            let covers = |other: &&Rule| other.id != rule.id && covers(other, rule);
            if let Some(other) = signature.rules.iter().find(covers) {
                let remedy = "remove it, or let it give what the other does not".to_owned();
                self.rule(rule, "all it could say is said by", &other.id, remedy);
            }
        }
    }

    /// Refuses a draft that nobody has named yet, with what to write.
    fn of_draft(&mut self, signature: &Signature, words: &Vocabulary) {
        let roles: Vec<&str> = words.roles.keys().map(String::as_str).collect();
        let vendor = "write the maker's name instead; `sekisho signatures list` shows those that are known, and \
                      a new one goes into `vendors` of a vocabulary.toml beside the folders";
        let missing = [
            (draft::WHICH_VENDOR, &signature.vendor, vendor.to_owned()),
            (
                draft::WHICH_PRODUCT,
                &signature.product,
                "write what the maker calls it instead".into(),
            ),
            (
                draft::WHICH_ROLE,
                &signature.role,
                format!("write one of these instead: {}", roles.join(", ")),
            ),
        ];
        for (_, value, remedy) in missing.into_iter().filter(|(word, value, _)| word == value) {
            self.signature("the draft does not say", value, remedy);
        }
    }

    fn of_rule(&mut self, rule: &Rule, words: &Vocabulary) {
        for field in &rule.fields {
            if !words.fields.contains_key(field) {
                let remedy = remedy(field, words.fields.keys());
                self.rule(rule, "unknown field", field, remedy);
            }
        }
        if rule.fields.is_empty() {
            self.rule(rule, "no field in", "field", "name at least one".to_owned());
        }
        if rule.source.trim().is_empty() {
            let remedy = "say where it was learnt".to_owned();
            self.rule(rule, "an empty", "source", remedy);
        }
        if rule.examples.is_empty() {
            let remedy = "give a value that must match".to_owned();
            self.rule(rule, "an empty list of", "example", remedy);
        }
        if let Some(lookup) = &rule.lookup
            && !ATTRIBUTES.contains(&lookup.gives.as_str())
        {
            self.rule(rule, "a lookup cannot give", &lookup.gives, attributes());
        }
        match &rule.condition {
            Condition::Matches(text) => self.of_pattern(rule, text, words),
            Condition::Present => {
                for field in rule.fields.iter().filter(|field| !words.own.contains(*field)) {
                    let remedy =
                        format!("say what the value must be, or add it to `own` in {VOCABULARY}");
                    self.rule(rule, "presence alone tells nothing of", field, remedy);
                }
            }
            Condition::OneOf(texts) => {
                self.no_empty(rule, "equals", texts, |text| !text.is_empty());
            }
            Condition::Domain(names) => self.no_empty(rule, "domain", names, |name| {
                name.contains('.') && name.bytes().all(|b| !b.is_ascii_uppercase() && b != b' ')
            }),
            Condition::OidPrefix(oids) => self.no_empty(rule, "oid_prefix", oids, |oid| {
                oid.split('.').count() >= 7 && oid.bytes().all(|b| b.is_ascii_digit() || b == b'.')
            }),
            Condition::Oui(prefixes) => {
                self.no_empty(rule, "oui", prefixes, |prefix| {
                    [6, 7, 9].contains(&prefix.len())
                        && prefix.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
                });
                if rule.confidence != Confidence::Weak {
                    let remedy = "a maker's address block is `weak`".to_owned();
                    self.rule(rule, "too much confidence in", "oui", remedy);
                }
            }
        }
    }

    /// Refuses what another product's rule says word by word: neither could ever be told from the other.
    fn of_claims(&mut self, signature: &Signature, rule: &Rule, taken: &mut Taken) {
        let texts = match &rule.condition {
            Condition::Matches(text) => std::slice::from_ref(text),
            Condition::OneOf(texts)
            | Condition::Domain(texts)
            | Condition::OidPrefix(texts)
            | Condition::Oui(texts) => texts,
            Condition::Present => &[],
        };
        for field in &rule.fields {
            for text in texts {
                let claim = (field.clone(), text.clone());
                let first = taken.claims.entry(claim).or_insert_with(|| signature.id.clone());
                if *first != signature.id {
                    let remedy = format!(
                        "the same stands in {first}: keep it where it belongs, or say what tells the two apart"
                    );
                    self.rule(rule, "another product claims", text, remedy);
                }
            }
        }
    }

    fn of_pattern(&mut self, rule: &Rule, text: &str, words: &Vocabulary) {
        let pattern = match Pattern::parse(text) {
            Ok(pattern) => pattern,
            Err((problem, remedy)) => return self.rule(rule, problem, text, remedy),
        };
        let short = rule.fields.iter().all(|field| words.short.contains(field));
        if !short && pattern.shortest_literal() < SHORTEST_LITERAL {
            let remedy = format!(
                "every branch must contain a text of at least {SHORTEST_LITERAL} bytes that is always there"
            );
            self.rule(rule, "the pattern could match nearly anything:", text, remedy);
        }
        for name in groups(text) {
            let known = ATTRIBUTES.contains(&name)
                || rule.lookup.as_ref().is_some_and(|lookup| lookup.by == name);
            if !known {
                self.rule(rule, "the pattern has an unknown group", name, attributes());
            }
        }
    }

    /// Refuses an empty list, and entries that are not `good`.
    fn no_empty(&mut self, rule: &Rule, what: &str, texts: &[String], good: fn(&str) -> bool) {
        let remedy = || {
            "texts are not empty; names are lower case with a dot; identifiers have 7 numbers or more; \
             address blocks are 6, 7 or 9 lower-case hexadecimal digits"
                .to_owned()
        };
        if texts.is_empty() {
            self.rule(rule, "nothing in", what, remedy());
        }
        for text in texts.iter().filter(|text| !good(text)) {
            self.rule(rule, "cannot be compared with", text, remedy());
        }
    }

    /// Runs every example and every near miss of the rules that were not refused.
    pub(super) fn of_proof(&mut self, signature: &Signature) {
        let mut alone = signature.clone();
        alone.rules.retain(|rule| !self.refused.rules.contains(&rule.id));
        let alone = Signatures(vec![alone]);
        let matcher = Matcher::new(&alone);
        for rule in alone.iter().flat_map(|signature| &signature.rules) {
            if let Condition::Matches(text) = &rule.condition
                && Pattern::parse(text).is_ok_and(|pattern| pattern.regex().is_none())
            {
                let remedy = "use smaller repetitions, and [0-9] for \\d".to_owned();
                self.rule(rule, "the pattern is too large:", text, remedy);
                continue;
            }
            for field in &rule.fields {
                let said = |value: &str| {
                    matcher.evidence(field, value).into_iter().find(|e| e.rule == rule.id)
                };
                for example in &rule.examples {
                    let Some(evidence) = said(&example.value) else {
                        let remedy = "mend the rule or the example".to_owned();
                        self.rule(rule, "the rule misses its example", &example.value, remedy);
                        continue;
                    };
                    let told = [
                        ("model", evidence.model),
                        ("version", evidence.version),
                        ("serial", evidence.serial),
                    ];
                    let told: BTreeMap<String, String> = told
                        .into_iter()
                        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
                        .collect();
                    if told != example.yields {
                        let remedy = format!("it yields {told:?}");
                        self.rule(rule, "other attributes than said from", &example.value, remedy);
                    }
                }
                for near_miss in rule.unlike.iter().filter(|value| said(value).is_some()) {
                    let remedy = "make the rule stricter".to_owned();
                    self.rule(rule, "the rule takes for its own", near_miss, remedy);
                }
            }
        }
    }

    fn signature(&mut self, problem: &'static str, value: &str, remedy: String) {
        self.refused.signature = true;
        let (file, value) = (self.file.name.clone(), shown(value));
        self.found.push(Error::Signature { file, problem, value, remedy });
    }

    fn rule(&mut self, rule: &Rule, problem: &'static str, value: &str, remedy: String) {
        self.refused.rules.insert(rule.id.clone());
        let text = &self.file.text;
        let place = text.find(&format!("\"{}\"", rule.id)).unwrap_or(0);
        self.found.push(Error::Rule {
            file: self.file.name.clone(),
            line: line_at(text, place),
            rule: rule.id.clone(),
            problem,
            value: shown(value),
            remedy,
        });
    }
}

/// Whether whatever fits `rule` fits `other` too, which says as much of it: two witnesses that are one.
fn covers(other: &Rule, rule: &Rule) -> bool {
    let tells = |rule: &Rule| {
        let named = match &rule.condition {
            Condition::Matches(text) => groups(text).next().is_some(),
            _ => false,
        };
        named || rule.model.is_some() || rule.version.is_some() || rule.lookup.is_some()
    };
    let same = other.condition == rule.condition && !tells(rule);
    // Of two that are the same, the earlier stays.
    let earlier = other.id < rule.id || other.fields.len() > rule.fields.len();
    let below = |all: &[String], some: &[String], is_below: fn(&str, &str) -> bool| {
        some.iter().all(|one| all.iter().any(|above| is_below(one, above)))
    };
    let named = |one: &str, above: &str| {
        one.strip_suffix(above).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    let numbered = |one: &str, above: &str| {
        one.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    rule.fields.iter().all(|field| other.fields.contains(field))
        && other.confidence >= rule.confidence
        && !tells(rule)
        && (!same || earlier)
        && match (&other.condition, &rule.condition) {
            (Condition::Matches(_), Condition::Matches(_)) => same,
            (Condition::Matches(text), Condition::OneOf(some)) => Pattern::parse(text)
                .is_ok_and(|pattern| some.iter().all(|one| pattern.is_match(one))),
            (Condition::OneOf(all), Condition::OneOf(some)) => below(all, some, |a, b| a == b),
            (Condition::Domain(all), Condition::Domain(some)) => below(all, some, named),
            (Condition::OidPrefix(all), Condition::OidPrefix(some)) => below(all, some, numbered),
            (Condition::Oui(all), Condition::Oui(some)) => {
                below(all, some, |one, above| one.starts_with(above))
            }
            (Condition::Present, _) => true,
            _ => false,
        }
}

/// As much of a value as an error has room for.
fn shown(value: &str) -> String {
    match value.char_indices().nth(LONGEST_SHOWN) {
        Some((end, _)) => format!("{}…", value.get(..end).unwrap_or_default()),
        None => value.to_owned(),
    }
}

fn attributes() -> String {
    format!("known are {}", ATTRIBUTES.join(", "))
}

/// What to do about a word that is not in the vocabulary.
fn remedy<'w>(word: &str, known: impl Iterator<Item = &'w String>) -> String {
    match nearest(word, known) {
        Some(nearest) => format!("did you mean `{nearest}`? If not, add it to {VOCABULARY}"),
        None => format!("add it to {VOCABULARY}"),
    }
}

/// The word that is most like another, if any is.
pub(super) fn nearest<'w>(
    word: &str,
    known: impl Iterator<Item = &'w String>,
) -> Option<&'w String> {
    let likeness = |known: &str| strsim::jaro_winkler(&word.to_lowercase(), &known.to_lowercase());
    known.max_by(|a, b| likeness(a).total_cmp(&likeness(b))).filter(|one| likeness(one) > 0.8)
}

/// The names of a pattern's groups.
fn groups(pattern: &str) -> impl Iterator<Item = &str> {
    pattern
        .match_indices("(?<")
        .chain(pattern.match_indices("(?P<"))
        .filter_map(|(at, opening)| pattern.get(at + opening.len()..)?.split('>').next())
}
