//! The catalogue of exploited vulnerabilities, as somebody carried it along.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{self, Read as _, Write},
    path::Path,
};

use serde::{Deserialize, Serialize};

use super::{
    Error,
    advisory::{Advisories, Catalogued, Entry, InWords, Known, is_number, words},
    range::Branches,
};
use crate::time::Day;

/// How many bytes of a file are read; the catalogue has under two million.
const LARGEST: u64 = 64 << 20;

/// How many vulnerabilities a catalogue may have; it has under two thousand.
const MOST: usize = 1 << 16;

/// How long a name in it may be, in bytes.
const LONGEST: usize = 500;

/// What a kept catalogue calls its shape.
const SCHEMA: &str = "sekisho.kev/1";

/// What matters of a catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    schema: String,
    /// What it calls its version.
    pub version: String,
    /// The day it is of.
    pub released: Day,
    /// What it lists, by number.
    pub listed: Vec<Listed>,
}

/// A vulnerability of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listed {
    /// Its number.
    pub id: String,
    /// Whose product it is in.
    pub vendor: String,
    /// The product, as the catalogue calls it.
    pub product: String,
    /// When it was listed.
    pub added: Day,
    /// Whether ransomware is known to use it.
    pub ransomware: bool,
}

/// What a catalogue changed in what was known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Brought {
    /// How many of those known here it lists.
    pub known: usize,
    /// How many of these now have another date, or ransomware that uses them, or are exploited now.
    pub changed: usize,
    /// How many it adds to products known here.
    pub new: usize,
}

/// The catalogue as it is published; keys that do not matter are passed over.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Published {
    catalog_version: String,
    date_released: Day,
    count: u64,
    vulnerabilities: Vec<PublishedEntry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PublishedEntry {
    #[serde(rename = "cveID")]
    cve_id: String,
    vendor_project: String,
    product: String,
    date_added: Day,
    #[serde(default)]
    known_ransomware_campaign_use: String,
}

impl Catalogue {
    /// Reads the catalogue as it is published.
    pub fn open_published(path: &Path) -> Result<Self, Error> {
        Self::parse_published(path, &text_of(path)?)
    }

    /// Reads the text of the catalogue as it is published; `path` is for errors.
    pub fn parse_published(path: &Path, text: &str) -> Result<Self, Error> {
        let refused = |line, problem| no_catalogue(path, line, problem);
        let published: Published = serde_json::from_str(text.trim_start_matches('\u{feff}'))
            .map_err(|error| refused(error.line(), error.to_string()))?;
        let listed: Vec<Listed> = published
            .vulnerabilities
            .into_iter()
            .map(|entry| Listed {
                id: entry.cve_id.trim().to_owned(),
                vendor: entry.vendor_project.trim().to_owned(),
                product: entry.product.trim().to_owned(),
                added: entry.date_added,
                ransomware: entry.known_ransomware_campaign_use.trim() == "Known",
            })
            .collect();
        if usize::try_from(published.count) != Ok(listed.len()) {
            let problem = format!(
                "it says `count` is {}, and {} vulnerabilities are there",
                published.count,
                listed.len()
            );
            return Err(refused(1, problem));
        }
        Self {
            schema: SCHEMA.to_owned(),
            version: published.catalog_version,
            released: published.date_released,
            listed,
        }
        .checked(path)
    }

    /// Reads the catalogue that is kept at `path`; none where there is none.
    pub fn open_kept(path: &Path) -> Result<Option<Self>, Error> {
        let text = match text_of(path) {
            Err(Error::Unreadable { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                return Ok(None);
            }
            text => text?,
        };
        let kept: Self = serde_json::from_str(&text)
            .map_err(|error| no_catalogue(path, error.line(), kept_is(&error.to_string())))?;
        if kept.schema != SCHEMA {
            return Err(no_catalogue(path, 1, kept_is(&format!("`schema` is not {SCHEMA}"))));
        }
        kept.checked(path).map(Some)
    }

    /// Writes what matters, one vulnerability a line.
    pub fn write(&self, out: &mut (impl Write + ?Sized)) -> io::Result<()> {
        let head = |value: &str| serde_json::to_string(value).map_err(io::Error::other);
        writeln!(out, "{{\"schema\": {},", head(&self.schema)?)?;
        writeln!(out, " \"version\": {},", head(&self.version)?)?;
        writeln!(out, " \"released\": \"{}\",", self.released)?;
        write!(out, " \"listed\": [")?;
        for (at, listed) in self.listed.iter().enumerate() {
            let line = serde_json::to_string(listed).map_err(io::Error::other)?;
            write!(out, "{}\n  {line}", if at == 0 { "" } else { "," })?;
        }
        writeln!(out, "\n]}}")
    }

    /// Refuses what is not a catalogue, and puts the rest in order.
    fn checked(mut self, path: &Path) -> Result<Self, Error> {
        if self.listed.is_empty() || self.listed.len() > MOST {
            let problem =
                format!("{} vulnerabilities are there, not 1 to {MOST}", self.listed.len());
            return Err(no_catalogue(path, 1, problem));
        }
        let names = |listed: &Listed| {
            [&listed.vendor, &listed.product]
                .into_iter()
                .all(|name| !name.is_empty() && name.len() <= LONGEST)
        };
        let wrong = self.listed.iter().find(|listed| !is_number(&listed.id) || !names(listed));
        if let Some(listed) = wrong {
            let id = listed.id.chars().take(40).collect::<String>();
            let problem = format!(
                "`{}` is no entry with a number, a vendor and a product",
                id.escape_debug()
            );
            return Err(no_catalogue(path, 1, problem));
        }
        if self.version.len() > LONGEST {
            return Err(no_catalogue(path, 1, "the version is too long".to_owned()));
        }
        self.listed.sort_by(|a, b| a.id.cmp(&b.id));
        if let Some([twice, _]) =
            self.listed.windows(2).find(|two| matches!(two, [a, b] if a.id == b.id))
        {
            return Err(no_catalogue(path, 1, format!("`{}` is listed twice", twice.id)));
        }
        Ok(self)
    }
}

impl Advisories {
    /// Adds what a catalogue says: dates and ransomware of what is known here, and what is new about products that
    /// are known here. Nothing is taken away.
    pub fn bring(&mut self, catalogue: &Catalogue) -> Brought {
        let mut brought = Brought::default();
        let listed: BTreeMap<&str, &Listed> =
            catalogue.listed.iter().map(|listed| (listed.id.as_str(), listed)).collect();
        let mut known = BTreeSet::new();
        for entry in self.lines.iter_mut().flat_map(|line| &mut line.exploited) {
            let Some(listed) = listed.get(entry.id.as_str()) else { continue };
            let first = known.insert(entry.id.clone());
            brought.known += usize::from(first);
            let is_new = !entry.known.contains(&Known::Kev);
            let is_changed = is_new
                || entry.added != Some(listed.added)
                || (listed.ransomware && !entry.ransomware);
            brought.changed += usize::from(first && is_changed);
            if is_new {
                entry.known.insert(0, Known::Kev);
            }
            entry.known.retain(|known| *known != Known::Cve);
            entry.added = Some(listed.added);
            entry.ransomware |= listed.ransomware;
        }
        let ours: BTreeSet<String> = self
            .lines
            .iter()
            .flat_map(|line| line.exploited.iter().map(|entry| entry.id.clone()))
            .collect();
        let names: Vec<Vec<InWords>> = self
            .lines
            .iter()
            .map(|line| line.catalogued.iter().map(Catalogued::in_words).collect())
            .collect();
        for listed in catalogue.listed.iter().filter(|listed| !ours.contains(&listed.id)) {
            let (vendor, product) = (words(&listed.vendor), words(&listed.product));
            let is_about = |named: &InWords| named.is_about(&vendor, &product);
            let lines = self.lines.iter_mut().zip(&names);
            let mut is_new = false;
            for (line, _) in lines.filter(|(_, names)| names.iter().any(is_about)) {
                is_new = true;
                line.exploited.push(Entry {
                    id: listed.id.clone(),
                    known: vec![Known::Kev],
                    added: Some(listed.added),
                    ransomware: listed.ransomware,
                    affected: Vec::new(),
                    branches: Branches::Some,
                    condition: Vec::new(),
                    fixed: None,
                    source: format!("KEV {}", catalogue.released),
                });
            }
            brought.new += usize::from(is_new);
        }
        self.brought = Some(catalogue.released);
        brought
    }
}

fn text_of(path: &Path) -> Result<String, Error> {
    let unreadable = |source| Error::Unreadable { path: path.to_owned(), source };
    let file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > LARGEST {
        return Err(Error::TooLarge { path: path.to_owned(), most: LARGEST });
    }
    String::from_utf8(bytes).map_err(|_| no_catalogue(path, 1, "it is no UTF-8 text".to_owned()))
}

/// What is wrong with the catalogue that is kept, and what mends it.
fn kept_is(problem: &str) -> String {
    format!("{problem}; `sekisho data update FILE` makes it anew")
}

fn no_catalogue(path: &Path, line: usize, problem: String) -> Error {
    Error::NoCatalogue { path: path.to_owned(), line, problem }
}
