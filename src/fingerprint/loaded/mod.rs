//! Other people's knowledge, read from where the user has it and kept apart.
//!
//! A [`Collection`] is what was loaded from one place: a folder of recog XML, an `nmap-service-probes` file, a list of IKE
//! vendor IDs or of hardware addresses. It has a name, a kind, and a licence, is never part of the program, and speaks
//! only when it is asked: never more than firmly, and never before a signature of our own. [`Loaded`] is all of them. The
//! readers take [`File`]s, so that nothing here depends on where those lie; [`keep`] finds, copies and lists them.

mod base64;
mod book;
mod dialect;
mod hardware;
pub mod keep;
mod pattern;
mod reading;
mod recog;
mod roles;
mod says;
mod service_probes;
mod vendor_ids;
mod xml;

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Evidence;
use crate::observe::facts;
use book::Book;
use hardware::{Form, Makers};
use pattern::Pattern;
pub use pattern::Trouble;
use reading::Reading;

/// How many rules a collection may have.
const MOST_RULES: usize = 1 << 15;

/// How many blocks of hardware addresses a collection may have.
const MOST_BLOCKS: usize = 1 << 18;

/// How much memory the compiled expressions of a collection may take together, in bytes.
const LARGEST_PROGRAMS: usize = 2 << 30;

/// How many problems are told one by one; the others are counted.
const MOST_PROBLEMS: usize = 1 << 14;

/// How much of the text of a problem is kept, in bytes.
const LONGEST_EXCERPT: usize = 160;

/// A file of a collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its name below the place that it was read from, with `/`.
    pub name: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// What can be loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A folder of recog XML.
    Recog,
    /// An `nmap-service-probes` file.
    ServiceProbes,
    /// A list of IKE vendor IDs.
    VendorIds,
    /// A list of who was given which hardware addresses.
    Hardware,
}

impl Kind {
    /// The kind of a file by its content; nothing where it is none of those that can be loaded.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(bytes);
        if recog::is(&text) {
            Some(Self::Recog)
        } else if service_probes::is(&text) {
            Some(Self::ServiceProbes)
        } else if Form::of(&text).is_some() {
            Some(Self::Hardware)
        } else if vendor_ids::is(&text) {
            Some(Self::VendorIds)
        } else {
            None
        }
    }

    /// What it is called, in commands and in names of collections.
    pub fn name(self) -> &'static str {
        match self {
            Self::Recog => "recog",
            Self::ServiceProbes => "service-probes",
            Self::VendorIds => "vendor-ids",
            Self::Hardware => "hardware",
        }
    }
}

/// How much was read, and what came of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Rules, or blocks of hardware addresses.
    pub rules: usize,
    /// Of those, what can be used.
    pub usable: usize,
    /// Of those, what speaks of a field that is observed.
    pub observed: usize,
    /// Usable rules that name nobody, and only keep others from speaking.
    pub silent: usize,
    /// Usable rules for which the engine must go back.
    pub fancy: usize,
    /// The source's own examples.
    pub examples: usize,
    /// Of those, how many match and give what they say.
    pub passed: usize,
    /// Of those of usable rules, how many no earlier rule of their file takes.
    pub first: usize,
    /// Examples of usable rules that speak of a field that is observed.
    pub observable: usize,
    /// Of those, how many still match when they are kept as a fact is.
    pub kept: usize,
}

/// A rule that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// Why: what follows "the rule".
    pub reason: String,
    /// The beginning of what is wrong.
    pub text: String,
}

/// What can be wrong with what is to be loaded.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file is damaged, or breaks a bound.
    #[error("{file}:{line}: {problem}; load a whole copy of it")]
    Malformed {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong, without a subject.
        problem: String,
    },
    /// A file is nothing that can be loaded.
    #[error(
        "{file}: is none of a folder of recog XML, nmap-service-probes, a list of IKE vendor IDs (name, tab, pattern) \
         or of hardware addresses (the registry's csv or txt, or a prefix and a name a line)"
    )]
    Unknown {
        /// The file.
        file: String,
    },
    /// Nothing in it can be used.
    #[error("{file}: none of its {rules} rules can be used; load a whole copy of it")]
    Useless {
        /// The file or folder.
        file: String,
        /// How many rules it has.
        rules: usize,
    },
    /// It has more rules than are read.
    #[error("{file}: has more than {most} rules; load it in parts")]
    TooMany {
        /// The file or folder.
        file: String,
        /// How many are read.
        most: usize,
    },
    /// A file or folder could not be read, or is not what is read.
    #[error("{}: cannot be read ({source}); check that it is there and that you may read it", path.display())]
    Unreadable {
        /// Which one.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A file is larger than is read, or there are too many.
    #[error("{}: {problem}", path.display())]
    TooLarge {
        /// Which one.
        path: PathBuf,
        /// What it has too much of, and what to do.
        problem: String,
    },
    /// A folder has nothing that can be loaded.
    #[error("{}: has no recog XML in it; name the file that is to be loaded", path.display())]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// The source states no licence, and none was given.
    #[error(
        "{}: states no licence that is known; look it up where you have the file from, and give it with --licence TEXT",
        path.display()
    )]
    NoLicence {
        /// What was to be loaded.
        path: PathBuf,
    },
    /// A name cannot be that of a collection.
    #[error(
        "`{name}` cannot be a name; use small letters, digits, `-` and `.`, at most 40, and begin with a letter"
    )]
    Name {
        /// The name.
        name: String,
    },
    /// Two paths would be kept under one name.
    #[error("{} and {} would both be `{name}`; load them one by one, with --name", first.display(), second.display())]
    Twice {
        /// The name.
        name: String,
        /// One path.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// There is no collection of this name.
    #[error("{}: has no collection `{name}`; `sekisho signatures loaded` lists those that there are", path.display())]
    Missing {
        /// The folder of knowledge.
        path: PathBuf,
        /// The name.
        name: String,
    },
    /// What is kept is not what was loaded.
    #[error("{}: {problem}; load it again", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
        /// In which way.
        problem: String,
    },
    /// The folder of knowledge does not take it.
    #[error("{}: cannot be written ({source}); check that you may write there and that there is room", path.display())]
    Unwritable {
        /// Which file or folder.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

/// What was read from one place.
#[derive(Debug)]
pub struct Collection {
    name: String,
    /// What was read, as a digest (SHA-256, hexadecimal digits).
    digest: String,
    books: Vec<(Vec<Reading>, Book)>,
    makers: Makers,
}

/// What reading found out.
#[derive(Debug)]
pub struct Findings {
    /// What can be matched with.
    pub collection: Collection,
    /// How much there is.
    pub counts: Counts,
    /// Rules that cannot be used: as many as are told one by one.
    pub problems: Vec<Problem>,
    /// How many rules cannot be used, by their reason.
    pub reasons: BTreeMap<String, usize>,
    /// The ids of rules that are not used.
    pub left_out: BTreeSet<String>,
}

/// What is gathered while files are read.
struct Read {
    counts: Counts,
    problems: Vec<Problem>,
    reasons: BTreeMap<String, usize>,
    left_out: BTreeSet<String>,
    books: Vec<(Vec<Reading>, Book)>,
    makers: Makers,
    /// Whether expressions are compiled and examples run now: otherwise that has been done before.
    proves: bool,
    /// How much memory the expressions take at most when they are compiled, in bytes.
    programs: usize,
    /// What is read, for messages.
    place: String,
}

impl Read {
    /// One rule more.
    fn rule(&mut self) -> Result<(), Error> {
        self.counts.rules += 1;
        self.within(MOST_RULES)
    }

    /// One block of hardware addresses more.
    fn block(&mut self) -> Result<(), Error> {
        self.counts.rules += 1;
        self.within(MOST_BLOCKS)
    }

    fn within(&self, most: usize) -> Result<(), Error> {
        if self.counts.rules > most {
            return Err(Error::TooMany { file: self.place.clone(), most });
        }
        Ok(())
    }

    /// The pattern of the rule `id`, if it can be used. When everything is proved, it is compiled; otherwise what was
    /// found wrong then is left out.
    fn checked(&mut self, id: &str, pattern: Result<Pattern, Trouble>) -> Result<Pattern, Trouble> {
        if !self.proves {
            return pattern.and_then(|pattern| {
                if self.left_out.contains(id) { Err(Trouble::LeftOut) } else { Ok(pattern) }
            });
        }
        let checked = pattern.and_then(|pattern| {
            let size = self.programs + pattern.check()?;
            if size > LARGEST_PROGRAMS {
                return Err(Trouble::TooLarge);
            }
            self.programs = size;
            Ok(pattern)
        });
        match &checked {
            Ok(pattern) => self.counts.fancy += usize::from(pattern.is_fancy()),
            Err(_) => {
                self.left_out.insert(id.to_owned());
            }
        }
        checked
    }

    /// A rule that cannot be used.
    fn problem(&mut self, mut problem: Problem) {
        // What differs from rule to rule stands after a colon, and does not make a reason of its own.
        let reason = problem.reason.split(':').next().unwrap_or_default();
        *self.reasons.entry(reason.to_owned()).or_default() += 1;
        if self.problems.len() < MOST_PROBLEMS {
            problem.text.truncate(problem.text.floor_char_boundary(LONGEST_EXCERPT));
            self.problems.push(problem);
        }
    }
}

impl Collection {
    /// Reads files of a kind. Everything is proved: expressions are compiled and examples are run.
    pub fn prove(name: &str, kind: Kind, files: &[File]) -> Result<Findings, Error> {
        read(name, kind, files, None)
    }

    /// Reads files that have been proved before, without those rules that were then `left_out`.
    pub fn trust(
        name: &str,
        kind: Kind,
        files: &[File],
        left_out: BTreeSet<String>,
    ) -> Result<Self, Error> {
        read(name, kind, files, Some(left_out)).map(|findings| findings.collection)
    }

    /// Its name, which evidence tells.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it was read from, as a digest: two collections with the same one say the same.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// What it says about a fact: of each of its files, the first rule that matches.
    pub fn evidence(&self, field: &str, value: &str) -> Vec<Evidence<'_>> {
        let mut found: Vec<Evidence<'_>> = Vec::new();
        for (readings, book) in &self.books {
            let texts = readings.iter().filter(|reading| reading.field == field);
            let mut spoken = texts.flat_map(|reading| reading.texts(value));
            let first = spoken.find_map(|texts| book.evidence(&self.name, &texts));
            found.extend(first.and_then(|(_, evidence)| evidence));
        }
        found.extend(self.makers.evidence(&self.name, field, value));
        found
    }
}

fn read(
    name: &str,
    kind: Kind,
    files: &[File],
    trusted: Option<BTreeSet<String>>,
) -> Result<Findings, Error> {
    let place = files.first().map(|file| file.name.clone()).unwrap_or_default();
    let mut read = Read {
        counts: Counts::default(),
        problems: Vec::new(),
        reasons: BTreeMap::new(),
        proves: trusted.is_none(),
        left_out: trusted.unwrap_or_default(),
        books: Vec::new(),
        makers: Makers::default(),
        programs: 0,
        place: place.clone(),
    };
    match kind {
        Kind::Recog => recog::read(name, files, &mut read)?,
        Kind::ServiceProbes => {
            for file in files {
                service_probes::read(name, file, &mut read)?;
            }
        }
        Kind::VendorIds => {
            for file in files {
                vendor_ids::read(name, file, &mut read)?;
            }
        }
        Kind::Hardware => {
            for file in files {
                let form = Form::of(&String::from_utf8_lossy(&file.bytes));
                let form = form.ok_or_else(|| Error::Unknown { file: file.name.clone() })?;
                hardware::read(name, file, form, &mut read)?;
            }
        }
    }
    if read.proves && read.counts.usable == 0 {
        return Err(Error::Useless { file: place, rules: read.counts.rules });
    }
    read.books.retain(|(_, book)| !book.rules().is_empty());
    let mut digest = Sha256::new();
    for file in files {
        digest.update(format!("{}\0{}\0", file.name, file.bytes.len()));
        digest.update(&file.bytes);
    }
    let collection = Collection {
        name: name.to_owned(),
        digest: facts::hex(&digest.finalize()),
        books: read.books,
        makers: read.makers,
    };
    let Read { counts, problems, reasons, left_out, .. } = read;
    Ok(Findings { collection, counts, problems, reasons, left_out })
}

/// A file as text. The error tells the line of the first byte that is none.
fn text_of(file: &File) -> Result<&str, Error> {
    std::str::from_utf8(&file.bytes).map_err(|error| {
        let before = file.bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = 1 + memchr::memchr_iter(b'\n', before).count();
        Error::Malformed {
            file: file.name.clone(),
            line,
            problem: "has bytes that are no UTF-8".to_owned(),
        }
    })
}

/// Every collection that takes part.
#[derive(Debug, Default)]
pub struct Loaded(Vec<Collection>);

impl Loaded {
    /// Puts collections together, in the order of their names.
    pub fn new(mut collections: Vec<Collection>) -> Self {
        collections.sort_by(|a, b| a.name.cmp(&b.name));
        Self(collections)
    }

    /// What they say about a fact, in their order.
    pub fn evidence(&self, field: &str, value: &str) -> Vec<Evidence<'_>> {
        self.0.iter().flat_map(|collection| collection.evidence(field, value)).collect()
    }

    /// The collections.
    pub fn collections(&self) -> &[Collection] {
        &self.0
    }
}

/// A vendor and a product in one text, where either may be missing.
pub fn called<'a>(vendor: &'a str, product: &'a str) -> Cow<'a, str> {
    match (vendor, product) {
        ("", product) => Cow::Borrowed(product),
        (vendor, "") => Cow::Borrowed(vendor),
        (vendor, product) => Cow::Owned(format!("{vendor} {product}")),
    }
}
