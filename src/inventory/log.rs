//! What was done with a store, entry by entry: it only grows, and each entry is bound to the one before it by its hash.
//!
//! Whoever writes something that people answer for writes an entry in the same transaction, by [`note`]. The hash of the last
//! entry, the [`Head`], stands for all before it: written down on paper, it shows that nothing was changed or cut off.

use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, TransactionBehavior, params};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{Error, Result, Store, digest, file::explain};
use crate::{observe::facts::hex, time::Timestamp};

/// Who writes what nobody decided.
pub const PROGRAM: &str = "sekisho";

/// What stands before the first entry.
const NOTHING: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What an entry is about. A closed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Noted {
    /// The log begins in a store that had runs before.
    Begun,
    /// A run was read.
    Run,
    /// Somebody decided about a point.
    Review,
    /// Somebody says that two points are one.
    Merge,
    /// Somebody says that what was one point is two.
    Split,
    /// A register was loaded.
    Register,
    /// A form was read.
    Declared,
    /// One facility's part was written out, without what belongs to others.
    Exported,
}

impl Noted {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Begun,
        Self::Run,
        Self::Review,
        Self::Merge,
        Self::Split,
        Self::Register,
        Self::Declared,
        Self::Exported,
    ];

    /// The name in the file, in JSON and in the word lists (section `noted`).
    pub const fn name(self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::Run => "run",
            Self::Review => "review",
            Self::Merge => "merge",
            Self::Split => "split",
            Self::Register => "register",
            Self::Declared => "declared",
            Self::Exported => "exported",
        }
    }
}

/// What is about to be noted.
#[derive(Debug)]
pub(super) struct Note<'a> {
    /// What it is about.
    pub kind: Noted,
    /// Who did it.
    pub by: &'a str,
    /// When: of a run, when its last packet passed.
    pub at: Timestamp,
    /// The facility it belongs to; none where runs do not say.
    pub facility: Option<&'a str>,
    /// Which one: a point, a run, a file's name.
    pub subject: &'a str,
    /// What else is to be known of it. What stands elsewhere in the store is here as a digest.
    pub content: Value,
}

/// Adds an entry to the log, in the transaction of what it tells, and gives its hash.
pub(super) fn note(transaction: &Transaction<'_>, note: &Note<'_>) -> rusqlite::Result<String> {
    let last = last(transaction)?;
    let number = last.as_ref().map_or(1, |head| head.number.saturating_add(1));
    let previous = last.map_or_else(|| NOTHING.to_owned(), |head| head.hash);
    let content = canonical(&note.content);
    let told = Told {
        at: note.at,
        by: note.by.to_owned(),
        kind: note.kind.name().to_owned(),
        facility: note.facility.map(str::to_owned),
        subject: note.subject.to_owned(),
        content,
    };
    let body = told.body();
    let hash = bound(number, &previous, &body);
    transaction.execute(
        "INSERT INTO log VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            number.cast_signed(),
            told.at.nanoseconds(),
            told.by,
            told.kind,
            told.facility,
            told.subject,
            told.content,
            body,
            previous,
            hash
        ],
    )?;
    Ok(hash)
}

/// Notes a run that was just written, with a digest of all that is kept of it.
pub(super) fn note_run(transaction: &Transaction<'_>, number: i64) -> rusqlite::Result<()> {
    let (id, facility, ended): (String, Option<String>, i64) = transaction.query_row(
        "SELECT id, facility, ended FROM run WHERE number = ?1",
        [number],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    let content = serde_json::json!({ "digest": digest::of_run(transaction, number)? });
    note(
        transaction,
        &Note {
            kind: Noted::Run,
            by: PROGRAM,
            at: Timestamp::from_nanoseconds(ended),
            facility: facility.as_deref(),
            subject: &id,
            content,
        },
    )
    .map(drop)
}

/// Whether the file has a log already.
pub(super) fn is_there(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row(
        "SELECT count(*) > 0 FROM sqlite_schema WHERE type = 'table' AND name = 'log'",
        [],
        |row| row.get(0),
    )
}

/// Begins the log of a store that was made before there was one: an entry that says so, and one for each run that is there.
/// Nothing where no run is. The same store gets the same entries whenever and by whomever it is opened.
pub(super) fn begin(transaction: &Transaction<'_>, format: i64) -> rusqlite::Result<()> {
    let runs: Vec<(i64, i64)> = transaction
        .prepare("SELECT number, ended FROM run ORDER BY number")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let Some(last) = runs.iter().map(|(_, ended)| *ended).max() else { return Ok(()) };
    note(
        transaction,
        &Note {
            kind: Noted::Begun,
            by: PROGRAM,
            at: Timestamp::from_nanoseconds(last),
            facility: None,
            subject: "",
            content: serde_json::json!({ "format": format, "runs": runs.len() }),
        },
    )?;
    runs.into_iter().try_for_each(|(number, _)| note_run(transaction, number))
}

/// Where the log ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Head {
    /// The number of the last entry.
    pub number: u64,
    /// Its hash, which stands for everything before it: 64 hexadecimal digits.
    pub hash: String,
}

/// One entry, as it stands in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Logged {
    /// Its number, from 1.
    pub number: u64,
    /// What it says; none where an export withholds what belongs to another facility.
    #[serde(flatten)]
    pub told: Option<Told>,
    /// The digest of what it says.
    pub body: String,
    /// The hash of the entry before.
    pub previous: String,
    /// Its own.
    pub hash: String,
}

/// What an entry says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Told {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// What it is about: a name of [`Noted`].
    pub kind: String,
    /// The facility it belongs to.
    pub facility: Option<String>,
    /// Which point, run or file.
    pub subject: String,
    /// What else is to be known of it, as canonical JSON.
    #[serde(serialize_with = "as_json")]
    pub content: String,
}

fn as_json<S: serde::Serializer>(
    text: &str,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    serde_json::from_str::<Value>(text).unwrap_or_default().serialize(serializer)
}

impl Told {
    /// The SHA-256 of all that it says, as one JSON object without spaces, its keys in the order of the alphabet.
    fn body(&self) -> String {
        let text = |text: &str| Value::from(text).to_string();
        let said = format!(
            "{{\"at\":{},\"by\":{},\"content\":{},\"facility\":{},\"kind\":{},\"subject\":{}}}",
            text(&self.at.to_string()),
            text(&self.by),
            self.content,
            self.facility.as_deref().map_or_else(|| "null".to_owned(), text),
            text(&self.kind),
            text(&self.subject),
        );
        hex(&Sha256::digest(said))
    }

    /// What a key of its content says.
    pub fn get(&self, key: &str) -> Option<String> {
        let content: Value = serde_json::from_str(&self.content).ok()?;
        match content.get(key)? {
            Value::String(text) => Some(text.clone()),
            Value::Null => None,
            other => Some(other.to_string()),
        }
    }
}

impl Logged {
    /// Reads an entry from the columns of the table, in their order.
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let at: Option<i64> = row.get(1)?;
        let told = at
            .map(|at| {
                Ok::<_, rusqlite::Error>(Told {
                    at: Timestamp::from_nanoseconds(at),
                    by: row.get(2)?,
                    kind: row.get(3)?,
                    facility: row.get(4)?,
                    subject: row.get(5)?,
                    content: row.get(6)?,
                })
            })
            .transpose()?;
        Ok(Self {
            number: row.get::<_, i64>(0)?.cast_unsigned(),
            told,
            body: row.get(7)?,
            previous: row.get(8)?,
            hash: row.get(9)?,
        })
    }

    /// Whether its own hashes are those of what it says.
    pub(super) fn is_sound(&self) -> bool {
        self.told.as_ref().is_none_or(|told| told.body() == self.body)
            && bound(self.number, &self.previous, &self.body) == self.hash
    }

    /// Whether it is the one that follows `before`.
    pub(super) fn follows(&self, before: Option<&Self>) -> bool {
        let number = before.map_or(1, |entry| entry.number.saturating_add(1));
        let hash = before.map_or(NOTHING, |entry| &entry.hash);
        self.number == number && self.previous == hash
    }
}

/// The hash of an entry: of its number, the hash before it and its body, each on a line.
fn bound(number: u64, previous: &str, body: &str) -> String {
    hex(&Sha256::digest(format!("{number}\n{previous}\n{body}\n")))
}

/// JSON without spaces, the keys of every object in the order of the alphabet.
pub(super) fn canonical(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(canonical).collect();
            format!("[{}]", items.join(","))
        }
        Value::Object(members) => {
            let mut members: Vec<(&String, &Value)> = members.iter().collect();
            members.sort_by_key(|(key, _)| *key);
            let members: Vec<String> = members
                .into_iter()
                .map(|(key, value)| format!("{}:{}", Value::from(key.as_str()), canonical(value)))
                .collect();
            format!("{{{}}}", members.join(","))
        }
        plain => plain.to_string(),
    }
}

/// What the log refuses, by the names of its triggers.
pub(super) const GUARDS: [&str; 2] = ["log_is_not_changed", "log_is_not_cut"];

/// The last entry of a log.
pub(super) fn last(connection: &Connection) -> rusqlite::Result<Option<Head>> {
    let sql = "SELECT number, hash FROM log ORDER BY number DESC LIMIT 1";
    let read = |row: &Row<'_>| {
        Ok(Head { number: row.get::<_, i64>(0)?.cast_unsigned(), hash: row.get(1)? })
    };
    connection.query_row(sql, [], read).optional()
}

/// The entries of some kinds that belong to a facility, the first first.
pub(super) fn of_kinds(
    connection: &Connection,
    kinds: &[Noted],
    facility: Option<&str>,
) -> rusqlite::Result<Vec<Logged>> {
    let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
    let names = Value::from(names).to_string();
    connection
        .prepare_cached(
            "SELECT * FROM log WHERE kind IN (SELECT value FROM json_each(?1)) AND facility IS ?2
             ORDER BY number",
        )?
        .query_map(params![names, facility], Logged::read)?
        .collect()
}

impl Store {
    /// Every entry of the log, the first first.
    pub fn log(&self) -> Result<Vec<Logged>> {
        self.rows("SELECT * FROM log ORDER BY number", [], Logged::read)
    }

    /// Where the log ends; none where nothing was done yet.
    pub fn head(&self) -> Result<Option<Head>> {
        last(&self.connection).map_err(|error| explain(self.path(), error))
    }

    /// Writes what `write` writes, all of it or, where it fails, nothing.
    pub(super) fn writing<T>(
        &mut self,
        write: impl FnOnce(&Transaction<'_>) -> std::result::Result<T, Stopped>,
    ) -> Result<T> {
        let path = self.path.clone();
        let done = (|| {
            let transaction =
                self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = write(&transaction)?;
            transaction.commit()?;
            Ok(done)
        })();
        done.map_err(|stopped| match stopped {
            Stopped::Sqlite(error) => explain(&path, error),
            Stopped::Ours(error) => *error,
        })
    }
}

/// Why nothing was written.
#[derive(Debug)]
pub(super) enum Stopped {
    /// By SQLite.
    Sqlite(rusqlite::Error),
    /// Because it would be wrong.
    Ours(Box<Error>),
}

impl From<rusqlite::Error> for Stopped {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self::Ours(Box::new(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_written_one_way() {
        let value = serde_json::json!({ "b": [1, null, { "z": "関所\u{1b}", "a": 0.5 }], "a": {} });
        assert_eq!(
            canonical(&value),
            "{\"a\":{},\"b\":[1,null,{\"a\":0.5,\"z\":\"関所\\u001b\"}]}"
        );
    }

    #[test]
    fn an_entry_can_be_recomputed_by_hand() {
        let told = Told {
            at: Timestamp::new(1_700_000_000, 0),
            by: "山田".into(),
            kind: "review".into(),
            facility: None,
            subject: "p0000000a".into(),
            content: "{\"reason\":\"x\"}".into(),
        };
        let said = "{\"at\":\"2023-11-14T22:13:20Z\",\"by\":\"山田\",\"content\":{\"reason\":\"x\"},\
                    \"facility\":null,\"kind\":\"review\",\"subject\":\"p0000000a\"}";
        assert_eq!(told.body(), hex(&Sha256::digest(said)));
        let entry = bound(1, NOTHING, &told.body());
        assert_eq!(entry, hex(&Sha256::digest(format!("1\n{NOTHING}\n{}\n", told.body()))));
    }
}
