//! Editions of the checklist, the guideline's articles, and the words that rules go by: `checklists/`, compiled in.

use std::{collections::BTreeSet, sync::LazyLock};

use include_dir::{Dir, include_dir};
use serde::Deserialize;

use super::rules;
use crate::time::Day;

/// The files that come with the program.
static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/checklists");

/// The file of the guideline.
const GUIDELINE: &str = "guideline-6.0.toml";

/// The file of purposes and sorts of line.
const PURPOSES: &str = "purposes.toml";

/// The file of services.
const SERVICES: &str = "services.toml";

/// What can be wrong with a file of checklists.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is no TOML, or not in its shape.
    #[error("{file}:{line}: {problem}; docs/checklist.md describes the format")]
    Malformed {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What the TOML reader says.
        problem: String,
    },
    /// An entry says what cannot be.
    #[error("{file}: {entry}: {problem} `{value}`; {remedy}")]
    Entry {
        /// The file.
        file: String,
        /// Which entry.
        entry: String,
        /// What is wrong.
        problem: &'static str,
        /// With what.
        value: String,
        /// What to do.
        remedy: &'static str,
    },
    /// A file is missing.
    #[error("checklists/{file} is missing; bring it back")]
    Missing {
        /// Which one.
        file: &'static str,
    },
}

/// Whom or what an item is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// The house: people, plans, rules.
    Organisation,
    /// All the medical information systems.
    System,
    /// Servers.
    Server,
    /// Terminals.
    Terminal,
    /// Servers and terminals.
    ServerTerminal,
    /// Network equipment.
    Network,
}

/// An item as an edition has it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    /// Its number: `2-⑬`.
    pub number: String,
    /// Whether the number was read in the form or its manual, rather than told by the order of the items.
    #[serde(default = "yes")]
    pub number_certain: bool,
    /// What it asks for, in Japanese.
    pub ja: String,
    /// The same in English.
    pub en: String,
    /// Whom or what it is about.
    pub target: Target,
    /// On which sheets it stands: `hospital`, `vendor`.
    pub sheets: Vec<String>,
    /// The articles of the guideline that it rests on.
    #[serde(default)]
    pub articles: Vec<String>,
    /// The rules that give evidence for it; none where a network shows nothing of it.
    #[serde(default)]
    pub rules: Vec<String>,
}

/// An edition of the checklist.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edition {
    /// Its name: `R7`.
    pub edition: String,
    /// What it is called, in Japanese.
    pub ja: String,
    /// The same in English.
    pub en: String,
    /// Since which day it is the one to use.
    pub since: toml::value::Datetime,
    /// Where its items and numbers were learnt.
    pub source: Vec<String>,
    /// Its items, in their order.
    #[serde(rename = "item")]
    pub items: Vec<Written>,
}

/// An article of the guideline, as the data has it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Passage {
    /// Its number: `13⑥`.
    pub number: String,
    /// Its gist, in Japanese.
    pub ja: String,
    /// The same in English.
    pub en: String,
    /// Whether number and gist were read in the guideline itself.
    #[serde(default = "yes")]
    pub certain: bool,
    /// The rules that give evidence for it.
    #[serde(default)]
    pub rules: Vec<String>,
}

/// The guideline.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guideline {
    /// Its name: `guideline-6.0`.
    pub name: String,
    /// What it is called, in Japanese.
    pub ja: String,
    /// The same in English.
    pub en: String,
    /// Where its articles were learnt.
    pub source: Vec<String>,
    /// Its articles, in their order.
    #[serde(rename = "article")]
    pub articles: Vec<Passage>,
}

/// Words that betray one thing.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keywords {
    /// What they betray: a key of the word lists.
    pub id: String,
    /// The words.
    pub words: Vec<String>,
}

/// Purposes and sorts of line, by the words that betray them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Purposes {
    /// Purposes; the first of which a word is found counts.
    #[serde(rename = "purpose")]
    pub purposes: Vec<Keywords>,
    /// Sorts of line, likewise.
    #[serde(rename = "line")]
    pub lines: Vec<Keywords>,
}

/// Which services mean what, by the names of protocols.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Services {
    /// Those that a server or terminal seldom needs to listen with.
    pub needless: Vec<String>,
    /// Those by which somebody comes in, or manages a box.
    pub entry: Vec<String>,
    /// Those that show pages.
    pub page: Vec<String>,
    /// VPN over TLS.
    pub over_tls: Vec<String>,
    /// Those that send passwords in clear.
    pub plain: Vec<String>,
    /// Versions that must not be spoken any more.
    pub old: Vec<String>,
    /// Words of the portal of a VPN over TLS.
    pub portal: Vec<String>,
}

/// Everything that `checklists/` holds.
#[derive(Debug, Clone)]
pub struct Library {
    /// Every edition of the checklist, the newest first.
    pub editions: Vec<Edition>,
    /// The guideline.
    pub guideline: Guideline,
    /// Purposes and sorts of line.
    pub purposes: Purposes,
    /// Which services mean what.
    pub services: Services,
}

static LIBRARY: LazyLock<Library> = LazyLock::new(|| {
    let files: Vec<(&str, &str)> = BUILT_IN
        .files()
        .filter_map(|file| Some((file.path().to_str()?, file.contents_utf8()?)))
        .collect();
    Library::read(&files).expect("the files are checked by a test")
});

const fn yes() -> bool {
    true
}

impl Edition {
    /// Since which day it is the one to use; none where the file gives a time, which `Library::read` refuses.
    pub fn since(&self) -> Option<Day> {
        self.since.to_string().parse().ok()
    }
}

impl Library {
    /// What comes with the program.
    pub fn built_in() -> &'static Self {
        &LIBRARY
    }

    /// Reads files by their names and texts, and refuses what contradicts itself.
    pub fn read(files: &[(&str, &str)]) -> Result<Self, Error> {
        let named = |wanted: &'static str| {
            let found = files.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, text)| *text).ok_or(Error::Missing { file: wanted })
        };
        let guideline: Guideline = parse(GUIDELINE, named(GUIDELINE)?)?;
        let purposes: Purposes = parse(PURPOSES, named(PURPOSES)?)?;
        let services: Services = parse(SERVICES, named(SERVICES)?)?;
        let articles = check_guideline(&guideline)?;
        let mut editions = Vec::new();
        let others = [GUIDELINE, PURPOSES, SERVICES];
        for (name, text) in files.iter().filter(|(name, _)| !others.contains(name)) {
            let edition: Edition = parse(name, text)?;
            check_edition(name, &edition, &articles)?;
            editions.push(edition);
        }
        editions.sort_by(|a, b| (b.since(), &b.edition).cmp(&(a.since(), &a.edition)));
        for words in purposes.purposes.iter().chain(&purposes.lines) {
            let plain = |word: &String| !word.is_empty() && *word == word.to_lowercase();
            if let Some(word) = words.words.iter().find(|word| !plain(word)) {
                let remedy = "write words in lower case";
                return Err(wrong(PURPOSES, &words.id, "no word to look for is", word, remedy));
            }
        }
        Ok(Self { editions, guideline, purposes, services })
    }

    /// The edition of a name, whatever its case.
    pub fn edition(&self, name: &str) -> Option<&Edition> {
        self.editions.iter().find(|edition| edition.edition.eq_ignore_ascii_case(name))
    }
}

/// Reads one file.
fn parse<T: for<'de> Deserialize<'de>>(file: &str, text: &str) -> Result<T, Error> {
    toml::from_str(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        let line = 1 + text.bytes().take(start).filter(|byte| *byte == b'\n').count();
        Error::Malformed { file: file.to_owned(), line, problem: error.message().to_owned() }
    })
}

fn wrong(
    file: &str,
    entry: &str,
    problem: &'static str,
    value: &str,
    remedy: &'static str,
) -> Error {
    let (file, entry, value) = (file.to_owned(), entry.to_owned(), value.to_owned());
    Error::Entry { file, entry, problem, value, remedy }
}

/// Refuses rules that there are none of.
fn check_rules(file: &str, entry: &str, named: &[String]) -> Result<(), Error> {
    match named.iter().find(|name| rules::named(name).is_none()) {
        Some(name) => Err(wrong(file, entry, "there is no rule", name, "name one of the rules")),
        None => Ok(()),
    }
}

/// The numbers of the guideline's articles.
fn check_guideline(guideline: &Guideline) -> Result<BTreeSet<String>, Error> {
    let mut numbers = BTreeSet::new();
    for article in &guideline.articles {
        if !numbers.insert(article.number.clone()) {
            return Err(wrong(
                GUIDELINE,
                &article.number,
                "a second article",
                &article.number,
                "leave one",
            ));
        }
        check_rules(GUIDELINE, &article.number, &article.rules)?;
    }
    Ok(numbers)
}

fn check_edition(file: &str, edition: &Edition, articles: &BTreeSet<String>) -> Result<(), Error> {
    if edition.since().is_none() {
        let remedy = "write a day such as 2025-05-14";
        return Err(wrong(file, "since", "no day is", &edition.since.to_string(), remedy));
    }
    if edition.source.is_empty() {
        return Err(wrong(file, "source", "an empty", "source", "say where it was learnt"));
    }
    let mut numbers = BTreeSet::new();
    for item in &edition.items {
        if !numbers.insert(&item.number) {
            let remedy = "give each item a number of its own";
            return Err(wrong(file, &item.number, "a second item", &item.number, remedy));
        }
        if let Some(article) = item.articles.iter().find(|article| !articles.contains(*article)) {
            let remedy = "add it to the guideline's file, or take it out";
            return Err(wrong(file, &item.number, "there is no article", article, remedy));
        }
        let sheet = |sheet: &&String| !["hospital", "vendor"].contains(&sheet.as_str());
        if let Some(sheet) = item.sheets.iter().find(sheet) {
            let remedy = "use hospital or vendor";
            return Err(wrong(file, &item.number, "there is no sheet", sheet, remedy));
        }
        check_rules(file, &item.number, &item.rules)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> Vec<(&'static str, &'static str)> {
        let text = |file: &'static include_dir::File<'static>| {
            Some((file.path().to_str()?, file.contents_utf8()?))
        };
        BUILT_IN.files().filter_map(text).collect()
    }

    /// What is said where one text of a file is another.
    fn refused(file: &str, from: &str, to: &str) -> String {
        let changed: Vec<(&str, String)> = files()
            .into_iter()
            .map(|(name, text)| {
                let text = if name == file { text.replacen(from, to, 1) } else { text.to_owned() };
                (name, text)
            })
            .collect();
        let changed: Vec<(&str, &str)> =
            changed.iter().map(|(name, text)| (*name, text.as_str())).collect();
        Library::read(&changed).unwrap_err().to_string()
    }

    #[test]
    fn the_files_that_come_with_the_program_are_read() {
        let names: Vec<&str> =
            Library::built_in().editions.iter().map(|edition| edition.edition.as_str()).collect();
        assert_eq!(names, ["R7", "R6", "R5"], "the newest first");
        assert!(Library::built_in().edition("r6").is_some());
        assert!(Library::built_in().edition("R4").is_none());
    }

    #[test]
    fn what_contradicts_itself_is_refused_by_name() {
        for (file, from, to, said) in [
            ("R7.toml", "= \"2-②", "= \"2-①", "a second item `2-①`"),
            ("R7.toml", "\"10.1\"", "\"10.9\"", "there is no article `10.9`"),
            ("R7.toml", "\"patches\"", "\"luck\"", "there is no rule `luck`"),
            ("R7.toml", "\"vendor\"", "\"mayor\"", "there is no sheet `mayor`"),
            ("R7.toml", "2025-05-14", "12:00:00", "no day is `12:00:00`"),
            ("guideline-6.0.toml", "= \"13②", "= \"13①", "a second article `13①`"),
            ("guideline-6.0.toml", "\"channel\"", "\"luck\"", "there is no rule `luck`"),
            ("purposes.toml", "\"onshi\"", "\"ONSHI\"", "no word to look for is `ONSHI`"),
            ("services.toml", "needless", "useless", "services.toml:"),
        ] {
            let error = refused(file, from, to);
            assert!(error.contains(said) && error.starts_with(file), "{error}");
        }
        let without: Vec<_> = files().into_iter().filter(|(name, _)| *name != GUIDELINE).collect();
        assert_eq!(Library::read(&without).unwrap_err(), Error::Missing { file: GUIDELINE });
    }
}
