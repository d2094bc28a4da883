//! Reading signatures, and refusing those that would mislead.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use include_dir::{Dir, include_dir};
use serde::Deserialize;

use super::{
    Condition, Error, Matcher, Rule, Signature,
    compile::{Pattern, SHORTEST_LITERAL},
    draft,
};
use crate::observe::Confidence;

/// The signatures that come with the program.
static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/signatures");

/// The words that signatures may use.
const VOCABULARY: &str = "vocabulary.toml";

/// The groups of a pattern that become attributes.
const ATTRIBUTES: [&str; 3] = ["model", "version", "serial"];

/// How many paths a signature may ask for.
const MOST_PATHS: usize = 4;

/// How long a path may be, in bytes.
const LONGEST_PATH: usize = 200;

/// Signatures that have been checked, in order of their ids.
#[derive(Debug, Clone, Default)]
pub struct Signatures(Vec<Signature>);

/// The words that signatures may use.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vocabulary {
    /// Who makes products.
    #[serde(default)]
    pub vendors: BTreeSet<String>,
    /// Fields whose values may be too short for a text of three bytes that a pattern must contain.
    #[serde(default)]
    pub short: BTreeSet<String>,
    /// Fields that only one product's own protocol tells, so that any value names it.
    #[serde(default)]
    pub own: BTreeSet<String>,
    /// What a product does at the edge, and what that means.
    #[serde(default)]
    pub roles: BTreeMap<String, String>,
    /// What observations tell, and what that is.
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
}

/// A file below the folder of signatures.
struct File {
    /// Its path below the folder, with `/`.
    name: String,
    text: String,
}

impl Signatures {
    /// The signatures that come with the program. They prove themselves in the program's own tests, so
    /// examples are not run again here.
    pub fn built_in() -> Result<Self, Error> {
        let (signatures, errors) = read(&built_in_files(), &Vocabulary::default(), Proof::Tested);
        errors.into_iter().next().map_or(Ok(signatures), Err)
    }

    /// Reads a folder laid out as `<role>/<vendor-product>.toml`. Its `vocabulary.toml`, if it has one,
    /// adds words to those that come with the program. The first fault ends it.
    pub fn load(folder: &Path) -> Result<Self, Error> {
        let (signatures, errors) = Self::load_leniently(folder);
        errors.into_iter().next().map_or(Ok(signatures), Err)
    }

    /// Reads a folder as [`Signatures::load`] does, keeps the signatures without a fault, and tells the
    /// faults of the others.
    pub fn load_leniently(folder: &Path) -> (Self, Vec<Error>) {
        let mut files = Vec::new();
        let mut errors = Vec::new();
        if let Err(error) = files_below(folder, "", &mut files) {
            errors.push(error);
        }
        let known = match Vocabulary::built_in() {
            Ok(known) => known,
            Err(error) => return (Self::default(), vec![error]),
        };
        let (signatures, more) = read(&files, &known, Proof::Run);
        errors.extend(more);
        (signatures, errors)
    }

    /// Reads the text of one signature file, `name` below its folder, in `known` words.
    pub fn from_text(name: &str, text: &str, known: &Vocabulary) -> (Self, Vec<Error>) {
        let file = File { name: name.to_owned(), text: text.to_owned() };
        read(&[file], known, Proof::Run)
    }

    /// These and others; where both have a signature of one id, the other's counts.
    pub fn with(self, others: Self) -> Self {
        let mut all: BTreeMap<String, Signature> =
            self.0.into_iter().map(|signature| (signature.id.clone(), signature)).collect();
        all.extend(others.0.into_iter().map(|signature| (signature.id.clone(), signature)));
        Self(all.into_values().collect())
    }

    /// Every signature, in order of their ids.
    pub fn iter(&self) -> std::slice::Iter<'_, Signature> {
        self.0.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'s> IntoIterator for &'s Signatures {
    type Item = &'s Signature;
    type IntoIter = std::slice::Iter<'s, Signature>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Vocabulary {
    /// The words that come with the program.
    pub fn built_in() -> Result<Self, Error> {
        let mut words = Self::default();
        for file in built_in_files().iter().filter(|file| file.name == VOCABULARY) {
            words.add(file)?;
        }
        Ok(words)
    }

    /// Adds the words of a file.
    fn add(&mut self, file: &File) -> Result<(), Error> {
        let more: Self = toml::from_str(&file.text).map_err(|error| malformed(file, &error))?;
        self.vendors.extend(more.vendors);
        self.short.extend(more.short);
        self.own.extend(more.own);
        self.roles.extend(more.roles);
        self.fields.extend(more.fields);
        Ok(())
    }
}

/// Whether examples and near misses are run while reading.
#[derive(Clone, Copy, PartialEq)]
enum Proof {
    /// Now.
    Run,
    /// Not now: `tests/signatures.rs` runs them.
    Tested,
}

/// The files that come with the program.
fn built_in_files() -> Vec<File> {
    let mut files = Vec::new();
    let mut folders = vec![&BUILT_IN];
    while let Some(folder) = folders.pop() {
        folders.extend(folder.dirs());
        for file in folder.files() {
            let name = file.path().to_string_lossy().replace('\\', "/");
            if file.path().extension().is_some_and(|extension| extension == "toml") {
                let text = file.contents_utf8().unwrap_or_default().to_owned();
                files.push(File { name, text });
            }
        }
    }
    files
}

/// The TOML files at most one folder deep, where `below` is that folder.
fn files_below(folder: &Path, below: &str, files: &mut Vec<File>) -> Result<(), Error> {
    let unreadable = |path: &Path, source| Error::Unreadable { path: path.to_owned(), source };
    for entry in fs::read_dir(folder).map_err(|source| unreadable(folder, source))? {
        let path = entry.map_err(|source| unreadable(folder, source))?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = format!("{below}{}", name.unwrap_or_default());
        if path.is_dir() && below.is_empty() {
            files_below(&path, &format!("{name}/"), files)?;
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            let text = fs::read_to_string(&path).map_err(|source| unreadable(&path, source))?;
            files.push(File { name, text });
        }
    }
    Ok(())
}

/// Reads files into signatures; those with a fault are left out.
fn read(files: &[File], known: &Vocabulary, proof: Proof) -> (Signatures, Vec<Error>) {
    let mut errors = Vec::new();
    let mut words = known.clone();
    let (vocabularies, mut files): (Vec<&File>, Vec<&File>) =
        files.iter().partition(|file| file.name == VOCABULARY);
    for file in vocabularies {
        errors.extend(words.add(file).err());
    }
    files.sort_by(|a, b| stem(a).cmp(stem(b)).then_with(|| a.name.cmp(&b.name)));
    let mut ids = BTreeSet::new();
    let mut signatures = Vec::new();
    for file in files {
        match toml::from_str::<Signature>(&file.text) {
            Err(error) => errors.push(malformed(file, &error)),
            Ok(mut signature) => {
                stem(file).clone_into(&mut signature.id);
                let mut faults = Faults { file, found: Vec::new() };
                faults.of_signature(&signature, &words, &mut ids);
                if proof == Proof::Run && faults.found.is_empty() {
                    faults.of_examples(&signature);
                }
                if faults.found.is_empty() {
                    signatures.push(signature);
                }
                errors.append(&mut faults.found);
            }
        }
    }
    (Signatures(signatures), errors)
}

fn is_in_path(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'#' | b'"' | b'<' | b'>')
}

/// A file's name without folder and ending.
fn stem(file: &File) -> &str {
    let name = file.name.rsplit('/').next().unwrap_or(&file.name);
    name.strip_suffix(".toml").unwrap_or(name)
}

fn malformed(file: &File, error: &toml::de::Error) -> Error {
    let start = error.span().map_or(0, |span| span.start);
    Error::Malformed {
        file: file.name.clone(),
        line: line_at(&file.text, start),
        problem: error.message().to_owned(),
    }
}

/// The line of a place in a text, from 1.
fn line_at(text: &str, place: usize) -> usize {
    1 + text.bytes().take(place).filter(|byte| *byte == b'\n').count()
}

/// The faults found in a file.
struct Faults<'f> {
    file: &'f File,
    found: Vec<Error>,
}

impl Faults<'_> {
    fn of_signature(
        &mut self,
        signature: &Signature,
        words: &Vocabulary,
        ids: &mut BTreeSet<String>,
    ) {
        let role = self.file.name.split('/').next().unwrap_or_default();
        self.of_draft(signature, words);
        let missing = [draft::WHICH_VENDOR, draft::WHICH_ROLE];
        let is_missing = |word: &str| missing.contains(&word);
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
        if !ids.insert(signature.id.clone()) {
            let remedy = "give one of the two files another name".to_owned();
            self.signature("a second file for", &signature.id, remedy);
        }
        if signature.rules.is_empty() {
            self.signature("no rule for", &signature.id, "add a [[rule]]".to_owned());
        }
        let is_no_path = |path: &&String| {
            !path.starts_with('/') || path.len() > LONGEST_PATH || !path.bytes().all(is_in_path)
        };
        for path in signature.paths.iter().filter(is_no_path) {
            let remedy =
                format!("begin it with `/`, without spaces, in {LONGEST_PATH} bytes or fewer");
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
            if !ids.insert(rule.id.clone()) {
                let remedy = "give one of the two another".to_owned();
                self.rule(rule, "the id is used twice:", &rule.id, remedy);
            }
            self.of_rule(rule, words);
        }
    }

    /// Refuses a draft that nobody has named yet, with what to write.
    fn of_draft(&mut self, signature: &Signature, words: &Vocabulary) {
        let roles: Vec<&str> = words.roles.keys().map(String::as_str).collect();
        let vendor = "write the maker's name instead; `sekisho signatures list` shows those that are known, and a new one goes \
                      into `vendors` of a vocabulary.toml beside the folders";
        let missing = [
            (draft::WHICH_VENDOR, &signature.vendor, vendor.to_owned()),
            (
                draft::WHICH_PRODUCT,
                &signature.product,
                "write what the maker calls it instead".to_owned(),
            ),
            (
                draft::WHICH_ROLE,
                &signature.role,
                format!("write one of these instead: {}", roles.join(", ")),
            ),
        ];
        for (_, value, remedy) in missing.into_iter().filter(|(missing, value, _)| missing == value)
        {
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

    /// Runs every example and every near miss.
    fn of_examples(&mut self, signature: &Signature) {
        let alone = Signatures(vec![signature.clone()]);
        let matcher = Matcher::new(&alone);
        for rule in &signature.rules {
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
        let (file, value) = (self.file.name.clone(), value.to_owned());
        self.found.push(Error::Signature { file, problem, value, remedy });
    }

    fn rule(&mut self, rule: &Rule, problem: &'static str, value: &str, remedy: String) {
        let text = &self.file.text;
        let place = text.find(&format!("\"{}\"", rule.id)).unwrap_or(0);
        self.found.push(Error::Rule {
            file: self.file.name.clone(),
            line: line_at(text, place),
            rule: rule.id.clone(),
            problem,
            value: value.to_owned(),
            remedy,
        });
    }
}

fn attributes() -> String {
    format!("known are {}", ATTRIBUTES.join(", "))
}

/// What to do about a word that is not in the vocabulary.
fn remedy<'w>(word: &str, known: impl Iterator<Item = &'w String>) -> String {
    let likeness = |known: &str| strsim::jaro_winkler(&word.to_lowercase(), &known.to_lowercase());
    let nearest = known.max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    match nearest.filter(|nearest| likeness(nearest) > 0.8) {
        Some(nearest) => format!("did you mean `{nearest}`? If not, add it to {VOCABULARY}"),
        None => format!("add it to {VOCABULARY}"),
    }
}

/// The names of a pattern's groups.
fn groups(pattern: &str) -> impl Iterator<Item = &str> {
    pattern
        .match_indices("(?<")
        .chain(pattern.match_indices("(?P<"))
        .filter_map(|(at, opening)| pattern.get(at + opening.len()..)?.split('>').next())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<String> {
        let file = File { name: "router/acme-gate.toml".to_owned(), text: text.to_owned() };
        let words = Vocabulary {
            vendors: ["Acme".to_owned()].into(),
            short: ["mac.oui".to_owned()].into(),
            own: BTreeSet::new(),
            roles: [("router".to_owned(), String::new())].into(),
            fields: ["http.title", "mac.oui"].map(|f| (f.to_owned(), String::new())).into(),
        };
        let (_, errors) = read(&[file], &words, Proof::Run);
        errors.iter().map(ToString::to_string).collect()
    }

    const GOOD: &str = r#"
vendor = "Acme"
product = "Gate"
role = "router"

[[rule]]
id = "acme-gate.title"
field = "http.title"
matches = '^Gate (?<version>[0-9.]+)$'
confidence = "certain"
source = "by hand"
example = [{ value = "Gate 9.1", yields = { version = "9.1" } }]
unlike = ["Gate nine"]
"#;

    #[test]
    fn takes_a_good_one() {
        assert_eq!(faults(GOOD), [""; 0]);
    }

    #[test]
    fn refuses_with_place_reason_and_remedy() {
        #[track_caller]
        fn refused(from: &str, to: &str, wanted: &str) {
            assert!(GOOD.contains(from), "`{from}` is not in the good one");
            let found = faults(&GOOD.replace(from, to));
            assert!(found.iter().any(|fault| fault.contains(wanted)), "{found:#?}");
        }
        refused("\"Acme\"", "\"Akme\"", "unknown vendor `Akme`; did you mean `Acme`?");
        refused("\"http.title\"", "\"http.titel\"", "acme-gate.toml:7: rule `acme-gate.title`");
        refused("role = \"router\"", "role = \"root\"", "move the file to root/");
        refused("'^Gate (?<version>[0-9.]+)$'", "'^[A-Z].*'", "could match nearly anything");
        refused("'^Gate (?<version>[0-9.]+)$'", "'Gate('", "pattern cannot be read");
        refused("'^Gate (?<version>[0-9.]+)$'", "'Gate (?<release>9)'", "unknown group `release`");
        refused(
            "example = [{ value = \"Gate 9.1\", yields = { version = \"9.1\" } }]",
            "example = []",
            "empty list",
        );
        refused("version = \"9.1\"", "version = \"9.2\"", "it yields {\"version\": \"9.1\"}");
        refused("\"Gate nine\"", "\"Gate 9\"", "takes for its own `Gate 9`");
        refused("id = \"acme-gate.title\"", "id = \"title\"", "begin it with `acme-gate.`");
        refused("matches =", "equals = 'x'\nmatches =", "exactly one of");
        refused("confidence", "confident", "README");
        refused(
            "matches = '^Gate (?<version>[0-9.]+)$'",
            "present = true",
            "presence alone tells nothing of `http.title`",
        );
        let twice = format!("{GOOD}\n[[rule]]{}", GOOD.split("[[rule]]").nth(1).unwrap());
        assert!(faults(&twice).iter().any(|f| f.contains("used twice")), "{:#?}", faults(&twice));
    }
}
