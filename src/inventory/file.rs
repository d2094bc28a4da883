//! The file: opening it, bringing it to this release's format, and what SQLite says as what it means.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{
    Connection, ErrorCode, OpenFlags, TransactionBehavior,
    backup::{Backup, StepResult},
    ffi,
    functions::FunctionFlags,
};
use sha2::{Digest as _, Sha256};

use super::{Error, Result, log};

/// Marks the file as ours: `SEKI`, in SQLite's header.
const APPLICATION: i64 = 0x5345_4b49;

/// How the format grew: the n-th takes a store of format n - 1 to format n.
const MIGRATIONS: &[&str] = &[
    include_str!("schema/0001.sql"),
    include_str!("schema/0002.sql"),
    include_str!("schema/0003.sql"),
    include_str!("schema/0004.sql"),
    include_str!("schema/0005.sql"),
    include_str!("schema/0006.sql"),
    include_str!("schema/0007.sql"),
];

/// How many statements are kept ready for the next time.
const STATEMENTS: usize = 64;

/// How long to wait for another process to finish writing.
const PATIENCE: Duration = Duration::from_secs(5);

/// Opens the file at `path` to write to it, and makes it if there is none.
pub(super) fn open(path: &Path) -> Result<Connection> {
    create(path)?;
    let mut connection = connect(path)?;
    prepare(&mut connection, path, true).map_err(|unready| unready.explained(path))?;
    Ok(connection)
}

/// Opens the file at `path` to read it; there must be one. Nothing need be writable where the file is whole: a store of an
/// earlier format is then brought to this one in memory.
pub(super) fn open_read(path: &Path) -> Result<Connection> {
    if !path.exists() {
        return Err(Error::Missing { path: path.to_owned() });
    }
    let mut connection = connect(path)?;
    match prepare(&mut connection, path, false) {
        Ok(()) => Ok(connection),
        Err(Unready::Sqlite(error)) if is_cut_off(path, &error) => {
            Err(Error::HalfWritten { path: path.to_owned(), journal: journal_of(path) })
        }
        Err(Unready::Sqlite(error)) if may_not_write(&error) => {
            let copied = in_memory(&connection).map_err(|error| explain(path, error));
            let mut memory = copied?;
            let ready = prepare(&mut memory, path, false);
            ready.map_err(|unready| unready.explained(path))?;
            Ok(memory)
        }
        Err(unready) => Err(unready.explained(path)),
    }
}

/// Opens the file. It is opened for writing even to read, where it can be: what a process that was killed left half-written
/// is rolled back by whoever opens it next.
pub(super) fn connect(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(path, flags).map_err(|error| explain(path, error))
}

/// A copy that needs no file.
fn in_memory(connection: &Connection) -> rusqlite::Result<Connection> {
    let mut memory = Connection::open_in_memory()?;
    let step = Backup::new(connection, &mut memory)?.step(-1)?;
    if step == StepResult::Done {
        return Ok(memory);
    }
    Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_BUSY), None))
}

/// Checks that the file is ours and brings it to this release's format.
pub(super) fn prepare(
    connection: &mut Connection,
    path: &Path,
    write: bool,
) -> std::result::Result<(), Unready> {
    connection.busy_timeout(PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    // Nothing of the list lies about in the system's folder for passing things.
    connection.pragma_update(None, "temp_store", "memory")?;
    // A run that is told to be kept is kept, whatever happens to the power (ADR 20).
    connection.pragma_update(None, "synchronous", "extra")?;
    connection.pragma_update(None, "fullfsync", true)?;
    if format(connection, path, write)? < MIGRATIONS.len() {
        migrate(connection, path, write)?;
    }
    if write {
        // Another program may have changed it, and the file would remember.
        connection.pragma_update_and_check(None, "journal_mode", "delete", |_| Ok(()))?;
    } else {
        connection.pragma_update(None, "query_only", true)?;
    }
    Ok(())
}

/// Brings a file of an earlier format to this one, whole or not at all.
fn migrate(
    connection: &mut Connection,
    path: &Path,
    write: bool,
) -> std::result::Result<(), Unready> {
    let flags = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_DIRECTONLY;
    connection.create_scalar_function("sha256", 1, flags, |context| {
        Ok(Sha256::digest(context.get_raw(0).as_bytes()?).to_vec())
    })?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have been faster, and may be a later release.
    let format = format(&transaction, path, write)?;
    let logged = log::is_there(&transaction)?;
    for (number, migration) in (1_i64..).zip(MIGRATIONS).skip(format) {
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "user_version", number)?;
    }
    if !logged {
        log::begin(&transaction, i64::try_from(format).unwrap_or_default())?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.commit()?;
    connection.remove_function("sha256", 1)?;
    Ok(())
}

/// The format of the file: how many migrations it has had. An empty file, as a process leaves that was killed while
/// making a store, has had none.
fn format(
    connection: &Connection,
    path: &Path,
    write: bool,
) -> std::result::Result<usize, Unready> {
    let number = |pragma: &str| -> rusqlite::Result<i64> {
        connection.pragma_query_value(None, pragma, |row| row.get(0))
    };
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let (application, found) = (number("application_id")?, number("user_version")?);
    let foreign = |what: &str| {
        Err(Unready::Ours(Error::NotAStore { path: path.to_owned(), what: what.into() }))
    };
    match (application, found, tables) {
        (0, 0, 0) if write => Ok(0),
        (0, 0, 0) => foreign("it is empty"),
        (APPLICATION, found, _) => match usize::try_from(found) {
            Ok(format) if format <= MIGRATIONS.len() => Ok(format),
            _ => Err(Unready::Ours(Error::Newer {
                path: path.to_owned(),
                found,
                known: i64::try_from(MIGRATIONS.len()).unwrap_or_default(),
            })),
        },
        _ => foreign("it is another program's SQLite file"),
    }
}

/// Why a file could not be made ready.
pub(super) enum Unready {
    Sqlite(rusqlite::Error),
    Ours(Error),
}

impl Unready {
    fn explained(self, path: &Path) -> Error {
        match self {
            Self::Sqlite(error) => explain(path, error),
            Self::Ours(error) => error,
        }
    }
}

impl From<rusqlite::Error> for Unready {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// Makes the file if there is none, for its owner only: the list is what an attacker would want.
fn create(path: &Path) -> Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::StorageFull => {
            Err(Error::Full { path: path.to_owned() })
        }
        Err(error) => Err(Error::NoAccess { path: path.to_owned(), what: error.to_string() }),
    }
}

/// Where SQLite keeps what undoes a change that is under way.
pub(super) fn journal_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-journal");
    name.into()
}

/// Whether what failed would have needed to write.
fn may_not_write(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied)
    )
}

/// Whether a change that was cut off would have to be undone first, and cannot.
fn is_cut_off(path: &Path, error: &rusqlite::Error) -> bool {
    let undo = [ffi::SQLITE_READONLY_ROLLBACK, ffi::SQLITE_IOERR_DELETE];
    let code = error.sqlite_error().map(|error| error.extended_code);
    let left = || fs::metadata(journal_of(path)).is_ok_and(|journal| journal.len() > 0);
    code.is_some_and(|code| undo.contains(&code)) || may_not_write(error) && left()
}

/// What SQLite said, as what it means to whoever called us.
pub(super) fn explain(path: &Path, error: rusqlite::Error) -> Error {
    let path = path.to_owned();
    match &error {
        rusqlite::Error::SqliteFailure(failure, said) => {
            let what = said.clone().unwrap_or_else(|| failure.to_string());
            match failure.code {
                ErrorCode::NotADatabase => {
                    Error::NotAStore { path, what: "it is not an SQLite file".into() }
                }
                ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Error::Locked { path },
                ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied => {
                    Error::NoAccess { path, what }
                }
                ErrorCode::DiskFull => Error::Full { path },
                ErrorCode::DatabaseCorrupt => Error::Damaged { path, what },
                _ => Error::Sqlite { path, source: error },
            }
        }
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::IntegralValueOutOfRange(..) => {
            Error::Damaged { path, what: error.to_string() }
        }
        _ => Error::Sqlite { path, source: error },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{
        Store,
        example::{MAC_A, folder, point, run},
        write::insert,
    };

    #[test]
    fn a_process_killed_while_writing_leaves_the_store_as_it_was() {
        let (folder, path) = folder();
        let mut store = Store::open(&path).unwrap();
        store.absorb(&run("r1", 100, vec![point("p0000000a", "192.0.2.1", MAC_A)])).unwrap();
        // So small a cache that pages reach the file before the end, as in a long run.
        store.connection.pragma_update(None, "cache_size", 1).unwrap();
        store.connection.pragma_update(None, "cache_spill", 1).unwrap();
        let transaction = store.connection.transaction().unwrap();
        let many = (0..200).map(|n| {
            point(
                &format!("p{n:08x}"),
                &format!("198.51.100.{n}"),
                &format!("00:00:5e:00:54:{n:02x}"),
            )
        });
        insert(&transaction, &run("r2", 200, many.collect())).unwrap();
        // What is on the disk now is what a kill or a power cut leaves.
        let left = folder.path().join("left.sqlite");
        assert!(fs::metadata(&path).unwrap().len() > 60_000);
        fs::copy(&path, &left).unwrap();
        fs::copy(
            folder.path().join("store.sqlite-journal"),
            folder.path().join("left.sqlite-journal"),
        )
        .unwrap();
        let left = Store::open_read(&left).unwrap();
        assert_eq!(left.runs().unwrap().len(), 1);
        assert_eq!(left.points(None).unwrap().len(), 1);
        drop(transaction);
        assert_eq!(store.runs().unwrap().len(), 1);
    }

    #[test]
    fn a_full_disk_leaves_the_store_as_it_was() {
        let (_folder, path) = folder();
        let mut store = Store::open(&path).unwrap();
        store.absorb(&run("r1", 100, vec![point("p0000000a", "192.0.2.1", MAC_A)])).unwrap();
        let pages: i64 =
            store.connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
        store.connection.pragma_update(None, "max_page_count", pages + 2).unwrap();
        let many = (0..200).map(|n| {
            point(
                &format!("p{n:08x}"),
                &format!("198.51.100.{n}"),
                &format!("00:00:5e:00:54:{n:02x}"),
            )
        });
        let error = store.absorb(&run("r2", 200, many.collect())).unwrap_err();
        assert!(matches!(error, Error::Full { .. }), "{error}");
        assert_eq!(store.runs().unwrap().len(), 1);
        drop(store);
        assert_eq!(Store::open(&path).unwrap().points(None).unwrap().len(), 1);
    }

    #[test]
    fn a_kill_while_making_the_store_leaves_one_that_opens() {
        let (_folder, path) = folder();
        fs::write(&path, b"").unwrap();
        assert!(matches!(Store::open_read(&path), Err(Error::NotAStore { .. })));
        assert!(Store::open(&path).unwrap().runs().unwrap().is_empty());
        assert!(Store::open_read(&path).unwrap().runs().unwrap().is_empty());
    }

    #[test]
    fn a_later_format_is_refused() {
        let (_folder, path) = folder();
        let store = Store::open(&path).unwrap();
        store.connection.pragma_update(None, "user_version", 99).unwrap();
        drop(store);
        let error = Store::open(&path).unwrap_err();
        assert!(matches!(error, Error::Newer { found: 99, .. }), "{error}");
    }

    #[test]
    fn what_is_not_a_store_is_refused_and_left_alone() {
        let (folder, path) = folder();
        assert!(matches!(Store::open_read(&path), Err(Error::Missing { .. })));
        assert!(!path.exists());
        fs::write(
            &path,
            "facility = \"a text, and a rather long one, longer than a header\"\n".repeat(40),
        )
        .unwrap();
        let before = fs::read(&path).unwrap();
        assert!(matches!(Store::open(&path), Err(Error::NotAStore { .. })));
        assert_eq!(fs::read(&path).unwrap(), before);
        let other = folder.path().join("other.sqlite");
        Connection::open(&other).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
        let error = Store::open(&other).unwrap_err();
        assert!(error.to_string().contains("another program's"), "{error}");
        let error = Store::open(folder.path()).unwrap_err();
        assert!(matches!(error, Error::NoAccess { .. }), "{error}");
        let error = Store::open(folder.path().join("missing/store.sqlite")).unwrap_err();
        assert!(matches!(error, Error::NoAccess { .. }), "{error}");
    }

    #[test]
    fn a_broken_store_is_said_to_be_broken() {
        let (_folder, path) = folder();
        let mut store = Store::open(&path).unwrap();
        store.absorb(&run("r1", 100, vec![point("p0000000a", "192.0.2.1", MAC_A)])).unwrap();
        store.connection.execute("UPDATE content SET body = '[\"no look\"]'", []).unwrap();
        let error = store.points(None).unwrap_err();
        assert!(matches!(error, Error::Damaged { .. }), "{error}");
    }

    #[test]
    fn a_locked_store_is_waited_for_and_then_named() {
        let (_folder, path) = folder();
        let mut store = Store::open(&path).unwrap();
        store.connection.busy_timeout(Duration::ZERO).unwrap();
        let other = Connection::open(&path).unwrap();
        other.execute_batch("BEGIN EXCLUSIVE").unwrap();
        let error = store.absorb(&run("r1", 100, vec![])).unwrap_err();
        assert!(matches!(error, Error::Locked { .. }), "{error}");
        assert!(matches!(Store::open(&path), Err(Error::Locked { .. })));
    }

    #[test]
    fn a_store_opened_to_read_cannot_be_written() {
        let (_folder, path) = folder();
        drop(Store::open(&path).unwrap());
        let error = Store::open_read(&path).unwrap().absorb(&run("r1", 100, vec![])).unwrap_err();
        assert!(matches!(error, Error::NoAccess { .. }), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_may_read_a_store() {
        use std::os::unix::fs::PermissionsExt as _;
        let (_folder, path) = folder();
        drop(Store::open(&path).unwrap());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
