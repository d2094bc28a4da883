//! What is the same from night to night, in the file once, whoever says it: JSON by its digest.

use rusqlite::{CachedStatement, Connection, OptionalExtension as _, params};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::column::json;
use crate::correlate::Coverage;

/// Keeps contents, each once.
pub(super) struct Keeper<'a> {
    connection: &'a Connection,
    find: CachedStatement<'a>,
    keep: CachedStatement<'a>,
}

impl<'a> Keeper<'a> {
    /// Keeps contents in the file of `connection`.
    pub(super) fn new(connection: &'a Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            connection,
            find: connection.prepare_cached("SELECT number FROM content WHERE digest = ?1")?,
            keep: connection
                .prepare_cached("INSERT INTO content (digest, body) VALUES (?1, ?2)")?,
        })
    }

    /// The number of `value` as a content, kept now if it was not before.
    pub(super) fn keep(&mut self, value: &impl Serialize) -> rusqlite::Result<i64> {
        let body = json(value)?;
        let digest = Sha256::digest(body.as_bytes());
        let known = self.find.query_row([digest.as_slice()], |row| row.get(0)).optional()?;
        if let Some(number) = known {
            return Ok(number);
        }
        self.keep.execute(params![digest.as_slice(), body])?;
        Ok(self.connection.last_insert_rowid())
    }

    /// The number of a list as a content; none of an empty one.
    pub(super) fn keep_list(&mut self, values: &[impl Serialize]) -> rusqlite::Result<Option<i64>> {
        if values.is_empty() { Ok(None) } else { self.keep(&values).map(Some) }
    }
}

/// Keeps the lines of coverage of a run, what they say beyond their numbers once.
pub(super) fn keep_coverage(
    connection: &Connection,
    run: i64,
    lines: &[Coverage],
) -> rusqlite::Result<()> {
    let mut text = connection.prepare_cached(
        "INSERT OR IGNORE INTO coverage_line (digest, subject, state, detail, network, vantage)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    let mut number = connection.prepare_cached(
        "INSERT INTO coverage (run, place, line, count)
         VALUES (?1, ?2, (SELECT number FROM coverage_line WHERE digest = ?3), ?4)",
    )?;
    for (place, line) in (0_i64..).zip(lines) {
        let Coverage { subject, state, count, detail, network, vantage } = line;
        let state = state.name();
        let digest = Sha256::digest(json(&(subject, state, detail, network, vantage))?.as_bytes());
        text.execute(params![digest.as_slice(), subject, state, detail, network, vantage])?;
        number.execute(params![run, place, digest.as_slice(), count.map(u64::cast_signed)])?;
    }
    Ok(())
}
