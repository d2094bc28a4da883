//! A copy of a store to be handed over, of all its facilities or of one.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use rusqlite::{Connection, OpenFlags, Transaction, params};

use super::{
    Error, Head, Noted, Result, Store,
    file::explain,
    log::{self, Note, PROGRAM},
};
use crate::time::Timestamp;

/// The contents that lists of boxes name, which no column points to.
const LISTED: &str = " UNION SELECT e.value FROM run r JOIN content l ON l.number = r.hosts JOIN json_each(l.body) e";

/// A column that points to a table: whose it is, its name, and the column that it points to.
type Pointer = (String, String, String);

impl Store {
    /// Writes a copy to a file that is not there yet: as the store is at one moment, whoever writes to it meanwhile. With a
    /// facility, of that one only: of what the log says of others, the hashes are left, and an entry says so. Gives the
    /// head of the copy's log. The same store gives the same bytes.
    pub fn export(&self, to: &Path, facility: Option<&str>) -> Result<Option<Head>> {
        let only = self.all_facilities(None)?.len() < 2;
        let part = facility.map(|name| self.all_facilities(Some(name))).transpose()?;
        // A register may be that of a facility at which nothing was done yet.
        let registers = self.registers(None)?;
        let has_others = |part: &Option<String>| {
            !only || registers.iter().any(|one| one.facility.is_some() && one.facility != *part)
        };
        let part = part.and_then(|mut one| one.pop()).filter(has_others);
        let explained = |error| explain(to, error);
        let Some(part) = part else {
            self.copy(to)?;
            return self.head();
        };
        let mut beside = to.as_os_str().to_owned();
        beside.push(".whole");
        let beside = Path::new(&beside);
        self.copy(beside)?;
        let cut = (|| {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let mut whole = Connection::open_with_flags(beside, flags)?;
            // Of the only facility is also what was loaded before any run said whose it is.
            keep_only(&mut whole, part.as_deref(), only)?;
            into(&whole, to)?;
            log::last(&whole)
        })();
        // What belongs to others must not stay behind.
        let removed = fs::remove_file(beside);
        let head = cut.map_err(explained)?;
        removed
            .map_err(|error| Error::NoAccess { path: to.to_owned(), what: error.to_string() })?;
        Ok(head)
    }

    /// Copies all of it.
    fn copy(&self, to: &Path) -> Result<()> {
        let read_only = |on: bool| self.connection.pragma_update(None, "query_only", on);
        let before: bool = self
            .connection
            .pragma_query_value(None, "query_only", |row| row.get(0))
            .map_err(|error| explain(&self.path, error))?;
        let copied = read_only(false).and_then(|()| into(&self.connection, to));
        let after = read_only(before);
        copied.and(after).map_err(|error| explain(to, error))
    }
}

fn into(connection: &Connection, to: &Path) -> rusqlite::Result<()> {
    let to = to.to_string_lossy();
    connection.execute("VACUUM INTO ?1", [to]).map(drop)
}

/// Takes away what belongs to other facilities, and notes that. What names none stays where `unnamed`.
fn keep_only(
    whole: &mut Connection,
    facility: Option<&str>,
    unnamed: bool,
) -> rusqlite::Result<()> {
    whole.pragma_update(None, "foreign_keys", false)?;
    let transaction = whole.transaction()?;
    let head = log::last(&transaction)?;
    let guards: Vec<(String, String)> = transaction
        .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (name, _) in &guards {
        transaction.execute_batch(&format!("DROP TRIGGER {}", quoted(name)))?;
    }
    transaction.execute(
        "UPDATE log SET at = NULL, who = NULL, kind = NULL, facility = NULL, subject = NULL, content = NULL
         WHERE facility IS NOT ?1 AND kind NOT IN (?2, ?3) AND NOT (?4 AND facility IS NULL)",
        params![facility, Noted::Begun.name(), Noted::Exported.name(), unnamed],
    )?;
    take_away(&transaction, facility, unnamed)?;
    for (_, sql) in &guards {
        transaction.execute_batch(sql)?;
    }
    let withheld: i64 =
        transaction.query_row("SELECT count(*) FROM log WHERE at IS NULL", [], |row| row.get(0))?;
    let at: Option<i64> = transaction.query_row("SELECT max(at) FROM log", [], |row| row.get(0))?;
    log::note(
        &transaction,
        &Note {
            kind: Noted::Exported,
            by: PROGRAM,
            // The same store gives the same bytes, whenever it is exported.
            at: Timestamp::from_nanoseconds(at.unwrap_or_default()),
            facility,
            subject: "",
            content: serde_json::json!({ "withheld": withheld, "head": head.map(|head| head.hash) }),
        },
    )?;
    transaction.commit()
}

/// Takes away the rows of other facilities, then whatever points to rows that are gone, then what nothing points to that is
/// kept only to be pointed to.
fn take_away(
    transaction: &Transaction<'_>,
    facility: Option<&str>,
    unnamed: bool,
) -> rusqlite::Result<()> {
    let tables: Vec<String> = transaction
        .prepare(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'log'
             ORDER BY name",
        )?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut owned: BTreeSet<&str> = BTreeSet::new();
    let mut pointers: BTreeMap<String, Vec<Pointer>> = BTreeMap::new();
    for table in &tables {
        let has: bool = transaction.query_row(
            "SELECT count(*) > 0 FROM pragma_table_info(?1) WHERE name = 'facility'",
            [table],
            |row| row.get(0),
        )?;
        if has {
            owned.insert(table);
            let sql = format!(
                "DELETE FROM {} WHERE facility IS NOT ?1 AND NOT (?2 AND facility IS NULL)",
                quoted(table)
            );
            transaction.execute(&sql, params![facility, unnamed])?;
        }
        let mut keys = transaction.prepare(
            "SELECT f.\"table\", f.\"from\",
               ifnull(f.\"to\", (SELECT name FROM pragma_table_info(f.\"table\") WHERE pk = 1))
             FROM pragma_foreign_key_list(?1) f",
        )?;
        let found = keys.query_map([table], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
        })?;
        for pointer in found {
            let (target, from, to) = pointer?;
            pointers.entry(target).or_default().push((table.clone(), from, to));
        }
    }
    loop {
        let mut gone = 0;
        for (target, from) in &pointers {
            for (table, column, to) in from {
                let sql = format!(
                    "DELETE FROM {0} WHERE {1} IS NOT NULL AND {1} NOT IN (SELECT {2} FROM {3})",
                    quoted(table),
                    quoted(column),
                    quoted(to),
                    quoted(target)
                );
                gone += transaction.execute(&sql, [])?;
            }
        }
        for (target, from) in pointers.iter().filter(|(target, _)| !owned.contains(&***target)) {
            gone += unreferenced(transaction, target, from)?;
        }
        if gone == 0 {
            return Ok(());
        }
    }
}

/// Takes away the rows of a table to which nothing points.
fn unreferenced(
    transaction: &Transaction<'_>,
    target: &str,
    from: &[Pointer],
) -> rusqlite::Result<usize> {
    let Some((_, _, to)) = from.first() else { return Ok(0) };
    let kept: Vec<String> = from
        .iter()
        .map(|(table, column, _)| {
            format!("SELECT {0} FROM {1} WHERE {0} IS NOT NULL", quoted(column), quoted(table))
        })
        .collect();
    let mut kept = kept.join(" UNION ");
    if target == "content" {
        kept.push_str(LISTED);
    }
    let sql = format!("DELETE FROM {} WHERE {} NOT IN ({kept})", quoted(target), quoted(to));
    transaction.execute(&sql, [])
}

/// A name as SQL has it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
