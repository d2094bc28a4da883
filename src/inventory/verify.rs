//! Whether a store still says what its log says: every hash, every run, every decision.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use rusqlite::{Connection, Row};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{
    Error, Noted, Result, Store, digest,
    file::explain,
    log::{GUARDS, Head, Logged, Told},
};
use crate::observe::facts::hex;

/// How many characters of a name in the log an error repeats.
const MOST_SHOWN: usize = 80;

/// How few digits of a hash stand for it.
const FEWEST_DIGITS: usize = 12;

/// What gives the digest of something that an entry of some kind tells of, as it stands in the store now; none where it is
/// not there. What stands in the entry itself, such as a decision, needs none.
type Stands = fn(&Connection, &Told) -> rusqlite::Result<Option<String>>;

/// What stands elsewhere in the store, under the key `digest` of its entry.
const STANDING: &[(Noted, Stands)] =
    &[(Noted::Run, run), (Noted::Declared, declared), (Noted::Register, register)];

/// What gives a row of a table of which no entry tells.
type Stray = fn(&Connection, &[&Told]) -> rusqlite::Result<Option<i64>>;

/// Tables of which every row is one that an entry tells of.
const TOLD: &[(&str, Stray)] = &[("declared", stray_declared), ("register", stray_register)];

/// Whether a row of what several runs share is what its digest says.
type IsSound = fn(&Row<'_>) -> rusqlite::Result<bool>;

/// What several runs share, by its digest: a run's own digest holds the texts, and this the digests that they are found by.
const SHARED: &[(&str, &str, IsSound)] = &[
    ("saying", "SELECT digest, said FROM saying", |row| {
        let (digest, said): (String, String) = (row.get(0)?, row.get(1)?);
        Ok(hex(&Sha256::digest(said)) == digest)
    }),
    ("content", "SELECT digest, body FROM content", |row| {
        Ok(Sha256::digest(row.get_ref(1)?.as_bytes()?).as_slice() == row.get_ref(0)?.as_bytes()?)
    }),
    (
        "coverage_line",
        "SELECT digest, json_array(subject, state, detail, network, vantage) FROM coverage_line",
        |row| {
            let said = row.get_ref(1)?.as_bytes()?;
            Ok(Sha256::digest(said).as_slice() == row.get_ref(0)?.as_bytes()?)
        },
    ),
];

/// The run that an entry tells of.
fn run(connection: &Connection, told: &Told) -> rusqlite::Result<Option<String>> {
    let numbers: Vec<i64> = connection
        .prepare_cached("SELECT number FROM run WHERE id = ?1 AND facility IS ?2")?
        .query_map((&told.subject, &told.facility), |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    numbers.first().map(|number| digest::of_run(connection, *number)).transpose()
}

/// The number that stands under a key of an entry.
fn number(told: &Told, key: &str) -> Option<i64> {
    told.get(key)?.parse().ok()
}

/// What the file said that an entry tells of.
fn declared(connection: &Connection, told: &Told) -> rusqlite::Result<Option<String>> {
    let Some(form) = number(told, "form") else { return Ok(None) };
    digest::of_form(connection, form, &told.subject, told.facility.as_deref())
}

/// The register that an entry tells of.
fn register(connection: &Connection, told: &Told) -> rusqlite::Result<Option<String>> {
    let Some(number) = number(told, "number") else { return Ok(None) };
    digest::of_register(connection, number)
}

/// The first row of what forms say of which no entry tells.
fn stray_declared(connection: &Connection, told: &[&Told]) -> rusqlite::Result<Option<i64>> {
    let known: BTreeSet<(i64, &str, Option<&str>)> = told
        .iter()
        .filter(|told| told.kind == Noted::Declared.name())
        .filter_map(|told| Some((number(told, "form")?, &*told.subject, told.facility.as_deref())))
        .collect();
    let mut query = connection.prepare(
        "SELECT min(number), form, file, facility FROM declared GROUP BY form, file, facility ORDER BY 1",
    )?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let (file, facility): (String, Option<String>) = (row.get(2)?, row.get(3)?);
        if !known.contains(&(row.get(1)?, &*file, facility.as_deref())) {
            return row.get(0).map(Some);
        }
    }
    Ok(None)
}

/// The first register of which no entry tells.
fn stray_register(connection: &Connection, told: &[&Told]) -> rusqlite::Result<Option<i64>> {
    let known: BTreeSet<i64> = told
        .iter()
        .filter(|told| told.kind == Noted::Register.name())
        .filter_map(|told| number(told, "number"))
        .collect();
    let mut query = connection.prepare("SELECT number FROM register ORDER BY number")?;
    let all: Vec<i64> = query.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    Ok(all.into_iter().find(|number| !known.contains(number)))
}

/// A store in which everything fits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// How many entries the log has.
    pub entries: u64,
    /// How many of them tell of each kind.
    pub kinds: BTreeMap<String, u64>,
    /// How many say nothing because they belong to other facilities than the one that was exported.
    pub withheld: u64,
    /// The facility whose part of another store this is, where it was exported; an empty name is of runs that say none.
    pub exported: Option<String>,
    /// Where the log ends; none where nothing was done yet.
    pub head: Option<Head>,
    /// The entry that was asked for by its hash.
    pub until: Option<u64>,
}

/// What does not fit first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Broken {
    /// An entry is missing, or stands twice, or the one before it was changed.
    Chain {
        /// The entry that does not follow the one before it.
        number: u64,
        /// What it tells of.
        about: String,
    },
    /// An entry was changed.
    Entry {
        /// Its number.
        number: u64,
        /// What it tells of.
        about: String,
    },
    /// What an entry tells of was changed.
    Changed {
        /// The entry's number.
        number: u64,
        /// What it tells of.
        about: String,
    },
    /// What an entry tells of is not there any more.
    Gone {
        /// The entry's number.
        number: u64,
        /// What it tells of.
        about: String,
    },
    /// An entry says nothing, and no export says that it withheld it.
    Withheld {
        /// The entry's number.
        number: u64,
    },
    /// A run of which no entry tells.
    Unlogged {
        /// The run.
        run: String,
    },
    /// A row of what people said of which no entry tells.
    Stray {
        /// The table that it stands in.
        table: &'static str,
        /// Its number.
        number: i64,
    },
    /// The log ends before what was written down, or was written anew.
    Head {
        /// The hash that was written down.
        hash: String,
        /// The last entry there is.
        last: u64,
    },
    /// What several runs share is not what its digest says.
    Shared {
        /// The table that it stands in.
        table: &'static str,
    },
    /// What refuses changes was taken away.
    Guard {
        /// The trigger.
        name: &'static str,
    },
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chain { number, about } => {
                write!(f, "entry {number} of the log ({about}) does not follow the entry before it")
            }
            Self::Entry { number, about } => {
                write!(f, "entry {number} of the log ({about}) was changed")
            }
            Self::Changed { number, about } => {
                write!(
                    f,
                    "what entry {number} of the log tells of ({about}) was changed afterwards"
                )
            }
            Self::Gone { number, about } => {
                write!(f, "what entry {number} of the log tells of ({about}) is not there any more")
            }
            Self::Withheld { number } => {
                write!(f, "entry {number} of the log says nothing, and no export withheld it")
            }
            Self::Unlogged { run } => write!(f, "no entry of the log tells of run {run}"),
            Self::Stray { table, number } => {
                write!(f, "no entry of the log tells of row {number} of the table {table}")
            }
            Self::Head { hash, last } => write!(
                f,
                "the head {hash} is not in the log, which ends with entry {last}; its end was cut off, or it was written anew"
            ),
            Self::Shared { table } => {
                write!(
                    f,
                    "a row of the table {table}, which several runs share, is not what its digest says"
                )
            }
            Self::Guard { name } => {
                write!(f, "the trigger {name}, which refuses changes of the log, was taken away")
            }
        }
    }
}

impl Store {
    /// Recomputes every hash of the log and every digest of what it tells of, and holds that nothing is missing and nothing
    /// is there of which it does not tell. With `until`, a hash that was written down, also that this is in the log, so that
    /// an end that was cut off is found. A store that does not fit is [`Error::Broken`], with what does not fit first.
    pub fn verify(&self, until: Option<&str>) -> Result<Verified> {
        let until = until.map(written).transpose()?;
        let damage: Vec<String> = self.rows("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
        if let Some(what) = damage.into_iter().find(|line| line != "ok") {
            return Err(Error::Damaged { path: self.path.clone(), what });
        }
        let broken = |broken| Error::Broken { path: self.path.clone(), broken };
        let guards: BTreeSet<String> = self
            .rows("SELECT name FROM sqlite_schema WHERE type = 'trigger'", [], |row| row.get(0))?
            .into_iter()
            .collect();
        if let Some(name) = GUARDS.into_iter().find(|name| !guards.contains(*name)) {
            return Err(broken(Broken::Guard { name }));
        }
        let log = self.log()?;
        let mut verified = Verified {
            entries: u64::try_from(log.len()).unwrap_or(u64::MAX),
            kinds: BTreeMap::new(),
            withheld: 0,
            exported: None,
            head: None,
            until: None,
        };
        let exported = log.iter().rev().filter_map(|entry| entry.told.as_ref());
        let exported = exported.into_iter().find(|told| told.kind == Noted::Exported.name());
        verified.exported = exported.map(|told| told.facility.clone().unwrap_or_default());
        let may_be_withheld = exported.and_then(|told| told.get("withheld")?.parse().ok());
        let (mut before, mut told_runs): (Option<&Logged>, BTreeSet<&str>) =
            (None, BTreeSet::new());
        for entry in &log {
            self.fits(entry, before).map_err(|error| match error {
                Unfit::Broken(found) => broken(found),
                Unfit::Sqlite(error) => explain(&self.path, error),
            })?;
            match &entry.told {
                Some(told) => {
                    *verified.kinds.entry(told.kind.clone()).or_default() += 1;
                    if told.kind == Noted::Run.name() {
                        told_runs.insert(&told.subject);
                    }
                }
                None => verified.withheld += 1,
            }
            if verified.withheld > may_be_withheld.unwrap_or(0) {
                return Err(broken(Broken::Withheld { number: entry.number }));
            }
            if until.as_ref().is_some_and(|until| entry.hash.starts_with(until)) {
                verified.until = Some(entry.number);
            }
            before = Some(entry);
        }
        for (table, sql, digest) in SHARED {
            let other = self.rows(sql, [], |row| Ok(!digest(row)?))?;
            if other.into_iter().any(|other| other) {
                return Err(broken(Broken::Shared { table }));
            }
        }
        let runs: Vec<String> =
            self.rows("SELECT id FROM run ORDER BY number", [], |row| row.get(0))?;
        if let Some(run) = runs.into_iter().find(|run| !told_runs.contains(&**run)) {
            return Err(broken(Broken::Unlogged { run }));
        }
        let told: Vec<&Told> = log.iter().filter_map(|entry| entry.told.as_ref()).collect();
        for (table, stray) in TOLD {
            let found =
                stray(&self.connection, &told).map_err(|error| explain(&self.path, error))?;
            if let Some(number) = found {
                return Err(broken(Broken::Stray { table, number }));
            }
        }
        verified.head = before.map(|entry| Head { number: entry.number, hash: entry.hash.clone() });
        if let (Some(hash), None) = (until, verified.until) {
            return Err(broken(Broken::Head { hash, last: verified.entries }));
        }
        Ok(verified)
    }

    /// Whether an entry follows the one before it, is what it was, and tells of what is there.
    fn fits(&self, entry: &Logged, before: Option<&Logged>) -> std::result::Result<(), Unfit> {
        let (number, about) = (entry.number, about(entry));
        if !entry.follows(before) {
            return Err(Unfit::Broken(Broken::Chain { number, about }));
        }
        if !entry.is_sound() {
            return Err(Unfit::Broken(Broken::Entry { number, about }));
        }
        let Some(told) = &entry.told else { return Ok(()) };
        let Some((_, stands)) = STANDING.iter().find(|(kind, _)| kind.name() == told.kind) else {
            return Ok(());
        };
        match stands(&self.connection, told).map_err(Unfit::Sqlite)? {
            None => Err(Unfit::Broken(Broken::Gone { number, about })),
            Some(digest) if told.get("digest").is_none_or(|noted| noted != digest) => {
                Err(Unfit::Broken(Broken::Changed { number, about }))
            }
            Some(_) => Ok(()),
        }
    }
}

/// Why an entry does not fit.
enum Unfit {
    Broken(Broken),
    Sqlite(rusqlite::Error),
}

/// What an entry tells of, in a few words.
fn about(entry: &Logged) -> String {
    match &entry.told {
        Some(told) => {
            let [kind, subject, by] = [&told.kind, &told.subject, &told.by]
                .map(|text| text.chars().take(MOST_SHOWN).collect::<String>());
            format!("{kind} {subject} by {by}, {}", told.at)
        }
        None => "withheld".to_owned(),
    }
}

/// A hash as somebody wrote it down: in groups, in capitals, or only its beginning.
fn written(hash: &str) -> Result<String> {
    let digits: String =
        hash.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_lowercase()).collect();
    let is_hash = digits.chars().all(|c| c.is_ascii_hexdigit())
        && (FEWEST_DIGITS..=64).contains(&digits.len());
    if is_hash { Ok(digits) } else { Err(Error::NoHash { hash: hash.chars().take(80).collect() }) }
}
