//! Reading signatures, and refusing those that would mislead.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, Read as _},
    ops::Range,
    path::Path,
};

use rayon::prelude::*;
use serde::Deserialize;

use super::{
    Error, Signature,
    check::{Faults, Taken, nearest},
};

/// The signatures that come with the program, by their ids, without examples and near misses.
const BUILT_IN: &str = include_str!(concat!(env!("OUT_DIR"), "/signatures.json"));

/// The words that come with the program.
const WORDS: &str = include_str!("../../signatures/vocabulary.toml");

/// The words that signatures may use.
pub(super) const VOCABULARY: &str = "vocabulary.toml";

/// How large a file of signatures may be, in bytes.
const LARGEST_FILE: u64 = 1 << 20;

/// How many files a folder of signatures may have.
const MOST_FILES: usize = 1 << 14;

/// How many rules a signature may have.
pub(super) const MOST_RULES: usize = 512;

/// How many rules of a file are told that cannot be read; each is another reading of the whole file.
const MOST_UNREADABLE: usize = 64;

/// Signatures that have been checked, in order of their ids.
#[derive(Debug, Clone, Default)]
pub struct Signatures(pub(super) Vec<Signature>);

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
pub(super) struct File {
    /// Its path below the folder, with `/`.
    pub(super) name: String,
    pub(super) text: String,
}

impl Signatures {
    /// The signatures that come with the program. They were checked and proved themselves in the program's own tests;
    /// their rules have no examples here.
    pub fn built_in() -> Result<Self, Error> {
        let signatures: BTreeMap<String, Signature> =
            serde_json::from_str(BUILT_IN).map_err(|error| Error::Malformed {
                file: "signatures that come with the program".to_owned(),
                line: error.line(),
                rule: String::new(),
                problem: error.to_string(),
            })?;
        let named = signatures.into_iter().map(|(id, signature)| Signature { id, ..signature });
        Ok(Self(named.collect()))
    }

    /// Reads a folder laid out as `<role>/<vendor-product>.toml`. Its `vocabulary.toml`, if it has one,
    /// adds words to those that come with the program. The first fault ends it.
    pub fn load(folder: &Path) -> Result<Self, Error> {
        let (signatures, errors) = Self::load_leniently(folder);
        errors.into_iter().next().map_or(Ok(signatures), Err)
    }

    /// Reads a folder as [`Signatures::load`] does, keeps the rules without a fault, and tells the faults of the
    /// others. A fault of a signature itself, or of all its rules, leaves out the signature.
    pub fn load_leniently(folder: &Path) -> (Self, Vec<Error>) {
        let mut files = Vec::new();
        let mut errors = Vec::new();
        if let Err(error) = files_below(folder, "", &mut files, &mut errors) {
            errors.push(error);
        }
        let known = match Vocabulary::built_in() {
            Ok(known) => known,
            Err(error) => return (Self::default(), vec![error]),
        };
        let (signatures, more) = read(&files, &known);
        errors.extend(more);
        (signatures, errors)
    }

    /// Reads the text of one signature file, `name` below its folder, in `known` words.
    pub fn from_text(name: &str, text: &str, known: &Vocabulary) -> (Self, Vec<Error>) {
        let file = File { name: name.to_owned(), text: text.to_owned() };
        read(&[file], known)
    }

    /// These and others. Where both have a signature of one id, the first says who makes what, and the rules of both
    /// count; of two rules of one id, the other's gets a `+` behind it. Nothing that was known is forgotten.
    pub fn with(self, others: Self) -> Self {
        let mut all: BTreeMap<String, Signature> =
            self.0.into_iter().map(|signature| (signature.id.clone(), signature)).collect();
        for other in others.0 {
            let Some(known) = all.get_mut(&other.id) else {
                all.insert(other.id.clone(), other);
                continue;
            };
            for mut rule in other.rules {
                while known.rules.iter().any(|one| one.id == rule.id) {
                    rule.id.push('+');
                }
                known.rules.push(rule);
            }
        }
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
        words.add(&File { name: VOCABULARY.to_owned(), text: WORDS.to_owned() })?;
        Ok(words)
    }

    /// Refuses a field that is none, with the nearest that is one.
    pub fn field(&self, field: &str) -> Result<(), Error> {
        if self.fields.contains_key(field) {
            return Ok(());
        }
        let remedy = nearest(field, self.fields.keys()).map_or_else(
            || "see signatures/vocabulary.toml".to_owned(),
            |known| format!("did you mean `{known}`?"),
        );
        Err(Error::Field { field: field.to_owned(), remedy })
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

/// The TOML files at most one folder deep, where `below` is that folder.
fn files_below(
    folder: &Path,
    below: &str,
    files: &mut Vec<File>,
    errors: &mut Vec<Error>,
) -> Result<(), Error> {
    let unreadable = |path: &Path, source| Error::Unreadable { path: path.to_owned(), source };
    for entry in fs::read_dir(folder).map_err(|source| unreadable(folder, source))? {
        let path = entry.map_err(|source| unreadable(folder, source))?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = format!("{below}{}", name.unwrap_or_default());
        if path.is_dir() && below.is_empty() {
            files_below(&path, &format!("{name}/"), files, errors)?;
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            if files.len() >= MOST_FILES {
                let problem = format!("there are more than {MOST_FILES} files");
                return Err(unreadable(folder, io::Error::other(problem)));
            }
            match text_of(&path) {
                Ok(text) => files.push(File { name, text }),
                Err(error) => errors.push(Error::Malformed {
                    file: name,
                    line: 1,
                    rule: String::new(),
                    problem: format!("it cannot be read as UTF-8 text ({error})"),
                }),
            }
        }
    }
    Ok(())
}

/// The text of a file that is one, and not too large.
fn text_of(path: &Path) -> io::Result<String> {
    // Opening a pipe would wait for whoever writes to it.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut text = String::new();
    fs::File::open(path)?.take(LARGEST_FILE + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LARGEST_FILE {
        return Err(io::Error::other(format!("it is larger than {LARGEST_FILE} bytes")));
    }
    Ok(text)
}

/// Reads files into signatures; those with a fault are left out.
fn read(files: &[File], known: &Vocabulary) -> (Signatures, Vec<Error>) {
    let mut errors = Vec::new();
    let mut words = known.clone();
    let (vocabularies, mut files): (Vec<&File>, Vec<&File>) =
        files.iter().partition(|file| file.name == VOCABULARY);
    for file in vocabularies {
        errors.extend(words.add(file).err());
    }
    files.sort_by(|a, b| stem(a).cmp(stem(b)).then_with(|| a.name.cmp(&b.name)));
    let parsed: Vec<_> = files.par_iter().map(|file| parse(file)).collect();
    let mut taken = Taken::default();
    let mut signatures = Vec::new();
    for (file, (signature, unreadable)) in files.into_iter().zip(parsed) {
        errors.extend(unreadable);
        let Some(mut signature) = signature else { continue };
        stem(file).clone_into(&mut signature.id);
        let mut faults = Faults::new(file);
        faults.of_length(&mut signature);
        faults.of_signature(&signature, &words, &mut taken);
        faults.of_proof(&signature);
        let (refused, found) = faults.end();
        errors.extend(found);
        signature.rules.retain(|rule| !refused.rules.contains(&rule.id));
        if !refused.signature && !signature.rules.is_empty() {
            signatures.push(signature);
        }
    }
    (Signatures(signatures), errors)
}

/// Reads a file as far as it can be read: a rule that cannot is told and left out.
fn parse(file: &File) -> (Option<Signature>, Vec<Error>) {
    let mut text = file.text.clone();
    let mut errors = Vec::new();
    loop {
        let error = match toml::from_str::<Signature>(&text) {
            Ok(signature) => return (Some(signature), errors),
            Err(error) => error,
        };
        let start = error.span().map_or(0, |span| span.start);
        let rule = rule_at(&text, start);
        let written = rule.clone().and_then(|place| text.get(place)).map(str::to_owned);
        errors.push(Error::Malformed {
            file: file.name.clone(),
            line: line_at(&text, start),
            rule: written.as_deref().and_then(id_in).unwrap_or_default(),
            problem: error.message().to_owned(),
        });
        let (Some(place), Some(written)) = (rule, written) else { return (None, errors) };
        if errors.len() >= MOST_UNREADABLE {
            return (None, errors);
        }
        // Line ends stay, so that later faults are at their lines.
        let blank: String = written.chars().filter(|letter| *letter == '\n').collect();
        text.replace_range(place, &blank);
    }
}

/// Where the rule is written that a place is in.
fn rule_at(text: &str, place: usize) -> Option<Range<usize>> {
    const HEAD: &str = "[[rule]]";
    let heads = text.match_indices(HEAD).map(|(at, _)| at);
    let heads =
        heads.filter(|at| text.get(..*at).is_some_and(|t| t.is_empty() || t.ends_with('\n')));
    let heads: Vec<usize> = heads.collect();
    let after = heads.partition_point(|at| *at <= place);
    let start = *heads.get(after.checked_sub(1)?)?;
    Some(start..heads.get(after).copied().unwrap_or(text.len()))
}

/// The id that a rule is written with.
fn id_in(rule: &str) -> Option<String> {
    let value = rule.lines().find_map(|line| line.trim_start().strip_prefix("id"))?;
    Some(value.split('"').nth(1)?.to_owned())
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
        rule: String::new(),
        problem: error.message().to_owned(),
    }
}

/// The line of a place in a text, from 1.
pub(super) fn line_at(text: &str, place: usize) -> usize {
    1 + text.bytes().take(place).filter(|byte| *byte == b'\n').count()
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
        let (_, errors) = read(&[file], &words);
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_file_is_bounded_and_a_folder_of_that_name_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("acme-gate.toml");
        let largest = usize::try_from(LARGEST_FILE).unwrap();
        std::fs::write(&file, " ".repeat(largest)).unwrap();
        assert!(text_of(&file).is_ok());
        std::fs::write(&file, " ".repeat(largest + 1)).unwrap();
        assert!(text_of(&file).unwrap_err().to_string().contains("larger than"));
        assert!(text_of(folder.path()).unwrap_err().to_string().contains("no file"));
        let error = Signatures::load(folder.path()).unwrap_err().to_string();
        assert!(error.contains("acme-gate.toml") && error.contains("larger than"), "{error}");
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
        refused("'^Gate (?<version>[0-9.]+)$'", "'^Gate (?<release>9)'", "unknown group `release`");
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
        let rule = GOOD.split("[[rule]]").nth(1).unwrap();
        let many = format!("{GOOD}{}", format!("[[rule]]{rule}").repeat(MOST_RULES));
        assert!(faults(&many).iter().any(|f| f.contains("too many rules, from")));
        let unreadable = format!("{GOOD}{}", "[[rule]]\nid = 3\n".repeat(MOST_UNREADABLE * 4));
        assert_eq!(faults(&unreadable).len(), MOST_UNREADABLE);
        let twice = format!("{GOOD}\n[[rule]]{}", GOOD.split("[[rule]]").nth(1).unwrap());
        assert!(faults(&twice).iter().any(|f| f.contains("used twice")), "{:#?}", faults(&twice));
    }
}
