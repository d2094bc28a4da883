//! A digest of all that is kept of a run, so that the log can say what it was.

use rusqlite::{Connection, Params, params, types::ValueRef};
use sha2::{Digest as _, Sha256};

use crate::observe::facts::hex;

/// All that is kept of a run, table by table, with what its rows point to. Numbers by which rows know each other are left
/// out: they differ between an inventory and an export of it.
const PARTS: &[(&str, &str)] = &[
    (
        "run",
        "SELECT r.id, r.facility, r.began, r.ended, r.vantages, c.body AS asked
         FROM run r LEFT JOIN content c ON c.number = r.asked WHERE r.number = ?1",
    ),
    ("input", "SELECT place, name, packets, bytes FROM input WHERE run = ?1 ORDER BY place"),
    (
        "coverage",
        "SELECT c.place, l.subject, l.state, c.count, l.detail, l.network, l.vantage
         FROM coverage c LEFT JOIN coverage_line l ON l.number = c.line WHERE c.run = ?1 ORDER BY c.place",
    ),
    (
        "sighting",
        "SELECT s.place, p.facility, p.id, s.own, s.confidence, l.body AS look, c.body AS claims,
           b.body AS because, s.packets
         FROM sighting s LEFT JOIN point p ON p.number = s.point
         LEFT JOIN content l ON l.number = s.look LEFT JOIN content c ON c.number = s.claims
         LEFT JOIN content b ON b.number = s.because WHERE s.run = ?1 ORDER BY s.place",
    ),
    (
        "unrecognised",
        "SELECT u.place, u.id, u.addresses, u.macs, u.why, s.said, u.packets
         FROM unrecognised u LEFT JOIN saying s ON s.number = u.saying WHERE u.run = ?1 ORDER BY u.place",
    ),
    // There are thousands of them, nearly the same every night: by the digests that they are kept by.
    (
        "host",
        "SELECT e.key AS place, h.digest FROM run r JOIN content l ON l.number = r.hosts JOIN json_each(l.body) e
         LEFT JOIN content h ON h.number = e.value WHERE r.number = ?1 ORDER BY e.key",
    ),
];

/// What one file said that was new, in the order in which it was taken in. Numbers count: of each column the last entry does.
const FORM: &str = "SELECT number, point, makes, entry, row, cited, who, at FROM declared
     WHERE form = ?1 AND file = ?2 AND facility IS ?3 ORDER BY number";

/// A register that was loaded.
const REGISTER: &str =
    "SELECT number, facility, name, loaded, who, digest, lines, entries FROM register
     WHERE number = ?1";

/// The SHA-256 of a run: of each part, row and column its name and its value. Columns without a value are left out.
pub(super) fn of_run(connection: &Connection, number: i64) -> rusqlite::Result<String> {
    let mut hash = Sha256::new();
    for (part, sql) in PARTS {
        rows(connection, &mut hash, part, sql, [number])?;
    }
    Ok(hex(&hash.finalize()))
}

/// The same of what a file said that was taken in as `form`; none where nothing of it is there.
pub(super) fn of_form(
    connection: &Connection,
    form: i64,
    file: &str,
    facility: Option<&str>,
) -> rusqlite::Result<Option<String>> {
    let mut hash = Sha256::new();
    let found = rows(connection, &mut hash, "declared", FORM, params![form, file, facility])?;
    Ok((found > 0).then(|| hex(&hash.finalize())))
}

/// The same of a register; none where it is not there.
pub(super) fn of_register(
    connection: &Connection,
    number: i64,
) -> rusqlite::Result<Option<String>> {
    let mut hash = Sha256::new();
    let found = rows(connection, &mut hash, "register", REGISTER, [number])?;
    Ok((found > 0).then(|| hex(&hash.finalize())))
}

/// Adds what a query gives, and counts its rows.
fn rows(
    connection: &Connection,
    hash: &mut Sha256,
    part: &str,
    sql: &str,
    values: impl Params,
) -> rusqlite::Result<usize> {
    let mut query = connection.prepare_cached(sql)?;
    let names: Vec<String> = query.column_names().map(str::to_owned).collect();
    let mut found = query.query(values)?;
    let mut count = 0;
    while let Some(row) = found.next()? {
        count += 1;
        hash.update(format!("{part}\n"));
        for (at, name) in names.iter().enumerate() {
            let (sort, bytes) = match row.get_ref(at)? {
                ValueRef::Null => continue,
                ValueRef::Integer(number) => ("integer", number.to_string().into_bytes()),
                ValueRef::Real(number) => ("real", number.to_bits().to_string().into_bytes()),
                ValueRef::Text(text) => ("text", text.to_vec()),
                ValueRef::Blob(blob) => ("blob", blob.to_vec()),
            };
            hash.update(format!("{name} {sort} {}\n", bytes.len()));
            hash.update(bytes);
        }
    }
    Ok(count)
}
