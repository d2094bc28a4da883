//! The file: runs and points in SQLite.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{
    Connection, ErrorCode, OpenFlags, Params, Row, Transaction, TransactionBehavior, params,
    types::Type,
};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    Change, Error, Memory, Remembered, Result,
    change::differences,
    declared, log,
    run::{Input, Run},
    state::{self, EVER, Moment, State},
    unknown,
};
use crate::{
    correlate::{Coverage, Kind, Point, Vantage, join},
    time::Timestamp,
};

/// Marks the file as ours: `SEKI`, in SQLite's header.
const APPLICATION: i64 = 0x5345_4b49;

/// How the format grew: the n-th takes a store of format n - 1 to format n.
const MIGRATIONS: &[&str] = &[
    include_str!("schema/0001.sql"),
    include_str!("schema/0002.sql"),
    include_str!("schema/0003.sql"),
    include_str!("schema/0004.sql"),
    include_str!("schema/0005.sql"),
    include_str!("schema/0007.sql"),
    include_str!("schema/0009.sql"),
];

/// How long to wait for another process to finish writing.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a sighting is read from; the order [`sighting`] expects.
pub(super) const SIGHTING: &str = "p.number, p.id, r.id, r.began, s.kind, s.grade, s.confidence, s.direction, \
     s.addresses, s.macs, s.outside, s.services, s.product, s.names, s.because, s.lines, s.sides";

/// An inventory.
#[derive(Debug)]
pub struct Store {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
}

/// A point as it was last seen from each vantage.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// The facility it belongs to.
    pub facility: Option<String>,
    /// The run that saw it first.
    pub first_seen: String,
    /// The run that saw it last.
    pub last_seen: String,
    /// The point: from each vantage what the last run there saw of it.
    pub point: Point,
    /// Every run that saw it, the earliest first. Only [`Store::point`] fills this.
    pub history: Vec<Sighting>,
}

/// A point as one run saw it.
#[derive(Debug, Clone, PartialEq)]
pub struct Sighting {
    /// The run.
    pub run: String,
    /// When that run's first packet was heard.
    pub began: Timestamp,
    /// The point.
    pub point: Point,
}

/// A run in a few numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Its name.
    pub id: String,
    /// The facility it was made at.
    pub facility: Option<String>,
    /// When its first packet was heard.
    pub began: Timestamp,
    /// When its last packet was heard.
    pub ended: Timestamp,
    /// How many files it read.
    pub inputs: u64,
    /// How many packets it read.
    pub packets: u64,
    /// How many points it saw.
    pub points: u64,
    /// From where it looked.
    pub vantages: BTreeSet<Vantage>,
}

impl Store {
    /// Opens a store to write to it, and makes it if there is none.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        create(path)?;
        Self::connect(path, true)
    }

    /// Opens a store to read it; there must be one.
    pub fn open_read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        if !path.exists() {
            return Err(Error::Missing { path: path.to_owned() });
        }
        Self::connect(path, false)
    }

    /// Opens the file at `path`. It is opened for writing even to read: what a process that was killed
    /// left half-written is rolled back by whoever opens it next.
    fn connect(path: &Path, write: bool) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection =
            Connection::open_with_flags(path, flags).map_err(|error| explain(path, error))?;
        let mut store = Self { connection, path: path.to_owned() };
        store.prepare(write).map_err(|error| match error {
            Unready::Sqlite(error) => explain(path, error),
            Unready::Ours(error) => error,
        })?;
        Ok(store)
    }

    /// Checks that the file is ours and brings it to this release's format.
    fn prepare(&mut self, write: bool) -> std::result::Result<(), Unready> {
        self.connection.busy_timeout(PATIENCE)?;
        self.connection.pragma_update(None, "foreign_keys", true)?;
        self.connection.pragma_update(None, "trusted_schema", false)?;
        if self.format(write)? < MIGRATIONS.len() {
            let transaction =
                self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let format: i64 =
                transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
            let logged = log::is_there(&transaction)?;
            for migration in MIGRATIONS.iter().skip(usize::try_from(format).unwrap_or_default()) {
                transaction.execute_batch(migration)?;
            }
            if !logged {
                log::begin(&transaction, format)?;
            }
            transaction.pragma_update(None, "application_id", APPLICATION)?;
            transaction.pragma_update(
                None,
                "user_version",
                i64::try_from(MIGRATIONS.len()).unwrap_or_default(),
            )?;
            transaction.commit()?;
        }
        if !write {
            self.connection.pragma_update(None, "query_only", true)?;
        }
        Ok(())
    }

    /// The format of the file: how many migrations it has had. An empty file, as a process leaves that
    /// was killed while making a store, has had none.
    fn format(&self, write: bool) -> std::result::Result<usize, Unready> {
        let number = |pragma: &str| -> rusqlite::Result<i64> {
            self.connection.pragma_query_value(None, pragma, |row| row.get(0))
        };
        let tables: i64 =
            self.connection
                .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        let (application, found) = (number("application_id")?, number("user_version")?);
        let foreign = |what: &str| {
            Err(Unready::Ours(Error::NotAStore { path: self.path.clone(), what: what.into() }))
        };
        match (application, found, tables) {
            (0, 0, 0) if write => Ok(0),
            (0, 0, 0) => foreign("it is empty"),
            (APPLICATION, found, _) => match usize::try_from(found) {
                Ok(format) if format <= MIGRATIONS.len() => Ok(format),
                _ => Err(Unready::Ours(Error::Newer {
                    path: self.path.clone(),
                    found,
                    known: i64::try_from(MIGRATIONS.len()).unwrap_or_default(),
                })),
            },
            _ => foreign("it is another program's SQLite file"),
        }
    }

    /// Remembers `run`, and says what it changes in what was known before it. A run that is known
    /// already is not written again, and changes what it changed then.
    ///
    /// A point is known by its name; failing that, a point of the same kind, or seen from another vantage, that shares a
    /// hardware address, or else an address, is the same one and keeps its earlier name. What was seen from outside
    /// alone is the point that has its address, and is called as that is. [`Store::run`] gives the run back under the
    /// names that were kept.
    pub fn absorb(&mut self, run: &Run) -> Result<Vec<Change>> {
        let twice: BTreeSet<&str> = run.points.iter().map(|point| point.id.as_str()).collect();
        if twice.len() < run.points.len() {
            let mut seen = BTreeSet::new();
            let twin = run.points.iter().find(|point| !seen.insert(&point.id));
            return Err(Error::TwoAlike {
                path: self.path.clone(),
                run: run.id.clone(),
                id: twin.map(|point| point.id.clone()).unwrap_or_default(),
            });
        }
        let path = self.path.clone();
        self.write(run).map_err(|error| explain(&path, error))?;
        self.changes(&run.id)
    }

    fn write(&mut self, run: &Run) -> rusqlite::Result<()> {
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let known: i64 =
            transaction
                .query_row("SELECT count(*) FROM run WHERE id = ?1", [&run.id], |row| row.get(0))?;
        if known == 0 {
            let number = insert(&transaction, run)?;
            log::note_run(&transaction, number)?;
        }
        transaction.commit()
    }

    /// What `run` changed in what earlier runs of its facility knew.
    pub fn changes(&self, run: &str) -> Result<Vec<Change>> {
        let run = self.find_run(run)?;
        let before = self.states(run.facility.as_deref(), run.moment())?;
        let after = self.states(run.facility.as_deref(), run.with_itself())?;
        let previous = self.rows(
            "SELECT id FROM run WHERE facility IS ?1 AND (began, ended, number) < (?2, ?3, ?4)
               AND EXISTS (SELECT 1 FROM json_each(vantages) a JOIN json_each(?5) b ON b.value = a.value)
             ORDER BY began DESC, ended DESC, number DESC LIMIT 1",
            params![run.facility, run.began, run.ended, run.number, run.vantages],
            |row| row.get::<_, String>(0),
        )?;
        let seen: BTreeSet<i64> =
            self.sightings(run.number)?.into_iter().map(|(number, _)| number).collect();
        let now: Vec<State> = after.into_iter().filter(|state| state.has_any(&seen)).collect();
        let from: BTreeSet<Vantage> = serde_json::from_str(&run.vantages).unwrap_or_default();
        let mut changes = compare(&before, &now, previous.first().map(String::as_str), &from);
        changes.extend(self.seen_again(run.facility.as_deref(), &now, run.began, run.ended)?);
        changes.sort_by(|a, b| order(a).cmp(&order(b)));
        Ok(changes)
    }

    /// What is different between two runs, whatever came between them.
    pub fn between(&self, earlier: &str, later: &str) -> Result<Vec<Change>> {
        let (earlier, later) = (self.find_run(earlier)?, self.find_run(later)?);
        let states = |run: &RunRow| -> Result<Vec<State>> {
            let seen = self.sightings(run.number)?.into_iter();
            Ok(seen.map(|(row, seen)| State::of_run(row, &seen.run, seen.point)).collect())
        };
        let from = serde_json::from_str(&later.vantages).unwrap_or_default();
        Ok(compare(&states(&earlier)?, &states(&later)?, Some(&earlier.id), &from))
    }

    /// Every point of `facility`, or of all of them, as it was last seen; by facility, kind and name.
    pub fn points(&self, facility: Option<&str>) -> Result<Vec<Known>> {
        let mut known = Vec::new();
        for facility in self.all_facilities(facility)? {
            let states = self.states(facility.as_deref(), EVER)?;
            known.extend(states.into_iter().map(|state| known_of(facility.clone(), state)));
        }
        known.sort_by(|a, b| {
            let key =
                |known: &Known| (known.facility.clone(), known.point.kind, known.point.id.clone());
            key(a).cmp(&key(b))
        });
        Ok(known)
    }

    /// The point of `facility`, or of any, that is or was named `id`, or the only one whose name begins so, with every
    /// run that saw it.
    pub fn point(&self, id: &str, facility: Option<&str>) -> Result<Known> {
        let (facility, state) = self.only(id, facility)?;
        let sql = format!(
            "SELECT {SIGHTING} FROM sighting s JOIN point p ON p.number = s.point
             JOIN run r ON r.number = s.run WHERE s.point IN (SELECT value FROM json_each(?1))
             ORDER BY r.began, r.ended, r.number, s.place"
        );
        let rows = serde_json::to_string(&state.rows).unwrap_or_default();
        let mut history = self.rows(&sql, [rows], sighting)?;
        for seen in &mut history {
            seen.point.id.clone_from(&state.point.id);
        }
        Ok(Known { history, ..known_of(facility, state) })
    }

    /// The only box of `facility`, or of any, that is or was named `id`, or whose name begins so.
    pub(super) fn only(&self, id: &str, facility: Option<&str>) -> Result<(Option<String>, State)> {
        let mut found = self.named(id, facility)?;
        let exact = |(_, state): &(_, State)| state.names.contains(id) || state.point.id == id;
        if found.len() > 1 && found.iter().filter(|one| exact(one)).count() == 1 {
            found.retain(exact);
        }
        // What was split is called by the name that it goes by, though others went by it once.
        let called = |(_, state): &(_, State)| state.point.id == id;
        if found.len() > 1 && found.iter().filter(|one| called(one)).count() == 1 {
            found.retain(called);
        }
        let path = self.path.clone();
        let Some((facility, state)) = found.pop() else {
            return Err(Error::NoSuchPoint { path, id: id.into() });
        };
        if !found.is_empty() {
            let mut candidates: Vec<String> = found
                .into_iter()
                .chain([(facility, state)])
                .map(|(facility, state)| match facility {
                    Some(facility) => format!("{} ({facility})", state.point.id),
                    None => state.point.id,
                })
                .collect();
            candidates.sort();
            candidates.truncate(8);
            return Err(Error::Ambiguous { path, id: id.into(), candidates });
        }
        Ok((facility, state))
    }

    /// The boxes of `facility`, or of any, of which a name begins with `id`.
    pub(super) fn named(
        &self,
        id: &str,
        facility: Option<&str>,
    ) -> Result<Vec<(Option<String>, State)>> {
        let mut found = Vec::new();
        for facility in self.all_facilities(facility)? {
            let states = self.states(facility.as_deref(), EVER)?.into_iter();
            let named = |state: &State| {
                state.point.id.starts_with(id)
                    || state.names.iter().any(|name| name.starts_with(id))
            };
            found.extend(states.filter(named).map(|state| (facility.clone(), state)));
        }
        Ok(found)
    }

    /// The facility of this name, or every one that a run was made at, and none where runs do not say.
    pub(super) fn all_facilities(&self, facility: Option<&str>) -> Result<Vec<Option<String>>> {
        match facility {
            Some(name) => Ok(vec![Some(name.to_owned())]),
            None => self.rows(
                "SELECT facility FROM run UNION SELECT facility FROM declared ORDER BY 1",
                [],
                |row| row.get(0),
            ),
        }
    }

    fn states(&self, facility: Option<&str>, before: Moment) -> Result<Vec<State>> {
        let mut states = state::states_at(&self.connection, facility, before)
            .map_err(|error| explain(&self.path, error))?;
        declared::join(&mut states, &self.declared(facility)?);
        Ok(states)
    }

    /// From where any run of `facility`, or of any, looked.
    pub fn vantages(&self, facility: Option<&str>) -> Result<BTreeSet<Vantage>> {
        let all: Vec<BTreeSet<Vantage>> = self.rows(
            "SELECT DISTINCT vantages FROM run WHERE ?1 IS NULL OR facility = ?1",
            [facility],
            |row| unjson(row, 0),
        )?;
        Ok(all.into_iter().flatten().collect())
    }

    /// Every run, the earliest first.
    pub fn runs(&self) -> Result<Vec<Summary>> {
        self.rows(
            "SELECT id, facility, began, ended,
               (SELECT count(*) FROM input WHERE run = number),
               (SELECT ifnull(sum(packets), 0) FROM input WHERE run = number),
               (SELECT count(*) FROM sighting WHERE run = number), vantages
             FROM run ORDER BY began, ended, number",
            [],
            |row| {
                Ok(Summary {
                    id: row.get(0)?,
                    facility: row.get(1)?,
                    began: Timestamp::from_nanoseconds(row.get(2)?),
                    ended: Timestamp::from_nanoseconds(row.get(3)?),
                    inputs: row.get::<_, i64>(4)?.cast_unsigned(),
                    packets: row.get::<_, i64>(5)?.cast_unsigned(),
                    points: row.get::<_, i64>(6)?.cast_unsigned(),
                    vantages: unjson(row, 7)?,
                })
            },
        )
    }

    /// The run named `id`, or the only one whose name begins so, its points under the names the store
    /// keeps.
    pub fn run(&self, id: &str) -> Result<Run> {
        let run = self.find_run(id)?;
        let inputs = self.rows(
            "SELECT name, packets, bytes FROM input WHERE run = ?1 ORDER BY place",
            [run.number],
            |row| {
                Ok(Input {
                    name: row.get(0)?,
                    packets: row.get::<_, i64>(1)?.cast_unsigned(),
                    bytes: row.get::<_, i64>(2)?.cast_unsigned(),
                })
            },
        )?;
        let coverage = self.rows(
            "SELECT subject, state, count, detail, network, vantage FROM coverage
             WHERE run = ?1 ORDER BY place",
            [run.number],
            covered,
        )?;
        let states = self.states(run.facility.as_deref(), run.with_itself())?;
        let unrecognised = self.boxes(run.number, &states)?;
        let points = as_kept(self.sightings(run.number)?, &states);
        let mut said = self.rows(
            "SELECT vantages, inquiries FROM run WHERE number = ?1",
            [run.number],
            |row| Ok((unjson(row, 0)?, unjson(row, 1)?)),
        )?;
        let (vantages, inquiries) = said.pop().unwrap_or_default();
        Ok(Run {
            id: run.id,
            facility: run.facility,
            began: Timestamp::from_nanoseconds(run.began),
            ended: Timestamp::from_nanoseconds(run.ended),
            inputs,
            coverage,
            points,
            unrecognised,
            hosts: Vec::new(),
            vantages,
            inquiries,
        })
    }

    /// What is known of each network of a facility from each interface: the lines of the last run that looked from
    /// there, with the run and its beginning, in the order of the runs.
    pub fn looked(&self, facility: Option<&str>) -> Result<Vec<(String, Timestamp, Coverage)>> {
        self.rows(
            "WITH seen AS (
               SELECT c.run, c.network, c.vantage, row_number() OVER (
                 PARTITION BY c.network, c.vantage
                 ORDER BY r.began DESC, r.ended DESC, r.number DESC) AS place
               FROM coverage c JOIN run r ON r.number = c.run
               WHERE r.facility IS ?1 AND c.network IS NOT NULL AND c.vantage IS NOT NULL
                 AND c.state <> 'not_measured')
             SELECT c.subject, c.state, c.count, c.detail, c.network, c.vantage, r.id, r.began
             FROM seen s JOIN run r ON r.number = s.run
             JOIN coverage c ON c.run = s.run AND c.network = s.network AND c.vantage = s.vantage
             WHERE s.place = 1 ORDER BY r.began, r.ended, r.number, c.place",
            [facility],
            |row| Ok((row.get(6)?, Timestamp::from_nanoseconds(row.get(7)?), covered(row)?)),
        )
    }

    /// What is known of a facility's points beyond one run.
    pub fn memory(&self, facility: Option<&str>) -> Result<Memory> {
        let mut points = BTreeMap::new();
        let states = self.states(facility, EVER)?;
        let mut reviews = self.reviews_of(facility, &states)?;
        for known in &states {
            let rows = serde_json::to_string(&known.rows).unwrap_or_default();
            let seen = self.rows(
                "SELECT DISTINCT r.id, r.began FROM sighting s JOIN run r ON r.number = s.run
                 WHERE s.point IN (SELECT value FROM json_each(?1)) ORDER BY r.began, r.ended, r.number",
                [rows],
                |row| Ok((row.get(0)?, Timestamp::from_nanoseconds(row.get(1)?))),
            )?;
            let reviews = reviews.remove(&known.point.id).unwrap_or_default();
            let reviews = reviews.into_iter().map(|kept| kept.review).collect();
            let remembered = Remembered { seen, reviews, ..Remembered::default() };
            points.insert(known.point.id.clone(), remembered);
        }
        let mut memory = Memory { points, ..Memory::default() };
        declared::remember(&mut memory, &states, self.declared(facility)?);
        Ok(memory)
    }

    /// Where the store is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn find_run(&self, id: &str) -> Result<RunRow> {
        let mut found = self.rows(
            "SELECT number, id, facility, began, ended, vantages FROM run
             WHERE substr(id, 1, length(?1)) = ?1 ORDER BY id <> ?1, id",
            [id],
            |row| {
                Ok(RunRow {
                    number: row.get(0)?,
                    id: row.get(1)?,
                    facility: row.get(2)?,
                    began: row.get(3)?,
                    ended: row.get(4)?,
                    vantages: row.get(5)?,
                })
            },
        )?;
        if found.is_empty() {
            return Err(Error::NoSuchRun { path: self.path.clone(), id: id.into() });
        }
        let first = found.swap_remove(0);
        if first.id == id || found.is_empty() {
            return Ok(first);
        }
        let mut candidates: Vec<String> = found.into_iter().map(|run| run.id).collect();
        candidates.push(first.id);
        candidates.sort();
        candidates.truncate(8);
        Err(Error::Ambiguous { path: self.path.clone(), id: id.into(), candidates })
    }

    /// What one run saw, by the point's number, in the run's order.
    pub(super) fn sightings(&self, run: i64) -> Result<Vec<(i64, Sighting)>> {
        let sql = format!(
            "SELECT {SIGHTING} FROM sighting s JOIN point p ON p.number = s.point
             JOIN run r ON r.number = s.run WHERE s.run = ?1 ORDER BY s.place"
        );
        self.rows(&sql, [run], state)
    }

    pub(super) fn rows<T>(
        &self,
        sql: &str,
        parameters: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>> {
        rows(&self.connection, sql, parameters, read).map_err(|error| explain(&self.path, error))
    }
}

/// A run, as far as its own row tells.
struct RunRow {
    number: i64,
    id: String,
    facility: Option<String>,
    began: i64,
    ended: i64,
    /// From where it looked, as JSON.
    vantages: String,
}

impl RunRow {
    /// Before it.
    fn moment(&self) -> Moment {
        (self.began, self.ended, self.number)
    }

    /// Just after it.
    fn with_itself(&self) -> Moment {
        (self.began, self.ended, self.number.saturating_add(1))
    }
}

/// A point as it is known, without its history.
fn known_of(facility: Option<String>, state: State) -> Known {
    let State { first, last, point, .. } = state;
    Known { facility, first_seen: first, last_seen: last, point, history: Vec::new() }
}

/// What a run saw, in its order, under the names that are kept; and what is known to be open of each. What it saw of one
/// box from several sides is one point.
fn as_kept(seen: Vec<(i64, Sighting)>, states: &[State]) -> Vec<Point> {
    let mut points: Vec<Point> = Vec::new();
    for (row, Sighting { mut point, .. }) in seen {
        if let Some(state) = states.iter().find(|state| state.rows.contains(&row)) {
            point.id.clone_from(&state.point.id);
            point.sides.restriction.clone_from(&state.point.sides.restriction);
        }
        match points.iter_mut().find(|known| known.id == point.id) {
            Some(known) => {
                let restriction = point.sides.restriction.clone();
                *known = join::merged(known, &point, None);
                known.sides.restriction = restriction;
            }
            None => points.push(point),
        }
    }
    points
}

/// Why a file could not be made ready.
enum Unready {
    Sqlite(rusqlite::Error),
    Ours(Error),
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

pub(super) fn rows<T>(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    connection.prepare_cached(sql)?.query_map(parameters, read)?.collect()
}

/// Writes a run the store does not know, and gives its number.
fn insert(transaction: &Transaction<'_>, run: &Run) -> rusqlite::Result<i64> {
    // What is known is matched as it was last seen, whatever the time of this run.
    let known = state::rows_at(transaction, run.facility.as_deref(), EVER)?;
    let same = recognise(&run.points, &known);

    transaction.execute(
        "INSERT INTO run (id, facility, began, ended, vantages, inquiries)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            run.id,
            run.facility,
            run.began.nanoseconds(),
            run.ended.nanoseconds(),
            json(&run.vantages)?,
            json(&run.inquiries)?
        ],
    )?;
    let number = transaction.last_insert_rowid();
    let mut input = transaction.prepare("INSERT INTO input VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for (place, read) in (0_i64..).zip(&run.inputs) {
        let (packets, bytes) = (read.packets.cast_signed(), read.bytes.cast_signed());
        input.execute(params![number, place, read.name, packets, bytes])?;
    }
    let mut coverage = transaction.prepare(
        "INSERT INTO coverage (run, place, subject, state, count, detail, network, vantage)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    for (place, line) in (0_i64..).zip(&run.coverage) {
        let count = line.count.map(u64::cast_signed);
        coverage.execute(params![
            number,
            place,
            line.subject,
            line.state.name(),
            count,
            line.detail,
            line.network,
            line.vantage
        ])?;
    }
    let mut sighting = transaction.prepare(
        "INSERT INTO sighting (run, place, point, kind, grade, confidence, direction, addresses, macs,
           outside, services, product, names, because, lines, sides, own)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
    )?;
    let mut kept = BTreeMap::new();
    for ((place, point), same) in (0_i64..).zip(&run.points).zip(same) {
        let known = if let Some(number) = same {
            let earlier = known.iter().find(|known| known.number == number);
            kept.extend(earlier.map(|known| (&*point.id, known.id.clone())));
            number
        } else {
            transaction.execute(
                "INSERT INTO point (facility, id) VALUES (?1, ?2)",
                params![run.facility, point.id],
            )?;
            transaction.last_insert_rowid()
        };
        sighting.execute(params![
            number,
            place,
            known,
            point.kind.name(),
            point.grade.name(),
            if point.confidence.is_finite() { point.confidence } else { 0.0 },
            point.direction.name(),
            json(&point.addresses)?,
            json(&point.macs)?,
            json(&point.outside)?,
            json(&point.services)?,
            json(&point.product)?,
            json(&point.names)?,
            json(&point.because)?,
            json(&point.lines)?,
            json(&point.sides)?,
            point.id,
        ])?;
    }
    unknown::insert(transaction, number, run, &kept)?;
    Ok(number)
}

/// For each point, the number of the known row it is: by name, then by hardware address, then by
/// address. No known row is taken twice.
fn recognise(points: &[Point], known: &[state::Known]) -> Vec<Option<i64>> {
    let ways: [fn(&Point, &state::Known) -> bool; 4] = [
        |point, known| point.id == known.id,
        |point, known| known.own.contains(&point.id),
        |point, known| known.shares_hardware(point),
        |point, known| known.shares_address(point),
    ];
    let mut taken = BTreeSet::new();
    let mut same = vec![None; points.len()];
    for way in ways {
        for (point, same) in points.iter().zip(&mut same).filter(|(_, same)| same.is_none()) {
            let found = known.iter().find(|row| !taken.contains(&row.number) && way(point, row));
            if let Some(row) = found {
                taken.insert(row.number);
                *same = Some(row.number);
            }
        }
    }
    same
}

/// What `now` says that `before` did not know, new points first. `from` is from where was looked now, `previous` the run
/// before that looked from there.
fn compare(
    before: &[State],
    now: &[State],
    previous: Option<&str>,
    from: &BTreeSet<Vantage>,
) -> Vec<Change> {
    let mut changes = Vec::new();
    for State { rows, point, .. } in now {
        let (id, kind) = (point.id.clone(), point.kind);
        // What was two before is held against the one that kept its name.
        let known = before.iter().filter(|state| state.has_any(rows));
        let Some(known) = known.min_by_key(|state| (state.point.id != id, state.point.id.clone()))
        else {
            changes.push(Change::Appeared { id, kind });
            continue;
        };
        let what = differences(&known.point, point);
        if !what.is_empty() {
            changes.push(Change::Changed { id, kind, what });
        }
    }
    let missed = before.iter().filter(|state| {
        state.is_expected(from) && !now.iter().any(|seen| state.has_any(&seen.rows))
    });
    changes.extend(missed.map(|state| {
        let last = state.last_from.iter().filter(|(vantage, _)| from.contains(vantage));
        Change::NotSeen {
            again: !last.into_iter().any(|(_, run)| Some(run.as_str()) == previous),
            id: state.point.id.clone(),
            kind: state.point.kind,
            last_seen: state.last.clone(),
        }
    }));
    changes.sort_by(|a, b| order(a).cmp(&order(b)));
    changes
}

/// The place of a change among others.
fn order(change: &Change) -> (u8, Kind, &str) {
    let place = match change {
        Change::Appeared { .. } => 0,
        Change::SeenAgain { .. } => 1,
        Change::Changed { .. } => 2,
        Change::NotSeen { .. } => 3,
    };
    (place, change.kind(), change.id())
}

/// Reads a sighting and the number of its point.
fn state(row: &Row<'_>) -> rusqlite::Result<(i64, Sighting)> {
    Ok((row.get(0)?, sighting(row)?))
}

/// Reads a sighting from the columns [`SIGHTING`] names.
pub(super) fn sighting(row: &Row<'_>) -> rusqlite::Result<Sighting> {
    Ok(Sighting {
        run: row.get(2)?,
        began: Timestamp::from_nanoseconds(row.get(3)?),
        point: Point {
            id: row.get(1)?,
            kind: named(row, 4)?,
            grade: named(row, 5)?,
            confidence: row.get(6)?,
            direction: named(row, 7)?,
            addresses: unjson(row, 8)?,
            macs: unjson(row, 9)?,
            outside: unjson(row, 10)?,
            services: unjson(row, 11)?,
            product: unjson(row, 12)?,
            names: unjson(row, 13)?,
            because: unjson(row, 14)?,
            lines: unjson(row, 15)?,
            sides: unjson(row, 16)?,
        },
    })
}

/// Reads a line of coverage from its first columns: subject, state, count, detail, network, vantage.
fn covered(row: &Row<'_>) -> rusqlite::Result<Coverage> {
    Ok(Coverage {
        subject: row.get::<_, String>(0)?.into(),
        state: named(row, 1)?,
        count: row.get::<_, Option<i64>>(2)?.map(i64::cast_unsigned),
        detail: row.get(3)?,
        network: row.get(4)?,
        vantage: row.get(5)?,
    })
}

/// A column that holds a name out of a closed list.
fn named<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let name: String = row.get(column)?;
    serde_json::from_value(name.into()).map_err(|error| unreadable(column, error))
}

/// A column that holds JSON.
pub(super) fn unjson<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|error| unreadable(column, error))
}

fn unreadable(column: usize, error: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
}

pub(super) fn json(value: &impl Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
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
    use crate::correlate::{Because, CoverageState, Direction, Grade, Kind, Line, Sides};

    fn point(id: &str, address: &str, mac: &str) -> Point {
        Point {
            id: id.into(),
            kind: Kind::VpnGateway,
            grade: Grade::Proved,
            confidence: 0.1 + 0.2,
            direction: Direction::In,
            addresses: BTreeSet::from([address.parse().unwrap()]),
            macs: BTreeSet::from([mac.parse().unwrap()]),
            outside: BTreeSet::new(),
            services: BTreeSet::new(),
            product: None,
            names: BTreeSet::from(["関所 <b>\u{202e}".to_owned()]),
            lines: vec![Line {
                kind: "flets_pppoe".into(),
                carrier: Some("関所通信 <b>".into()),
                mtu: Some(1454),
                outside: Some([203, 0, 113, 2].into()),
                next_hop: None,
                because: Vec::new(),
            }],
            because: vec![Because {
                evidence: "answers_vpn".into(),
                field: "ike.version".into(),
                value: "2".into(),
                observation: "a.pcap#7".into(),
            }],
            sides: Sides::default(),
        }
    }

    fn run(id: &str, began: i64, points: Vec<Point>) -> Run {
        Run {
            id: id.into(),
            facility: Some("関所記念病院".into()),
            began: Timestamp::new(began, 0),
            ended: Timestamp::new(began + 60, 1),
            inputs: vec![Input { name: "a.pcap".into(), packets: 7, bytes: u64::MAX }],
            coverage: vec![Coverage {
                subject: "packets_read".into(),
                state: CoverageState::Partial,
                count: Some(u64::MAX),
                detail: None,
                network: Some("10.10.1.0/24".into()),
                vantage: Some("院内 <b>\u{202e}".into()),
            }],
            points,
            unrecognised: Vec::new(),
            hosts: Vec::new(),
            vantages: Sides::default().seen_from,
            inquiries: Vec::new(),
        }
    }

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.sqlite");
        (folder, path)
    }

    const MAC_A: &str = "00:00:5e:00:53:01";
    const MAC_B: &str = "00:00:5e:00:53:02";

    #[test]
    fn a_run_comes_back_as_it_went_in() {
        let (_folder, path) = folder();
        let run = run(
            "r1",
            100,
            vec![point("p0000000b", "192.0.2.1", MAC_A), point("p0000000a", "2001:db8::1", MAC_B)],
        );
        Store::open(&path).unwrap().absorb(&run).unwrap();
        assert_eq!(Store::open_read(&path).unwrap().run("r1").unwrap(), run);
    }

    #[test]
    fn a_network_is_known_from_the_last_run_that_looked_from_there() {
        let (_folder, path) = folder();
        let mut store = Store::open(&path).unwrap();
        let line = |subject: &'static str, state, place: &str| {
            let (network, vantage) = place.split_once('@').unwrap();
            let vantage = Some(vantage).filter(|name| !name.is_empty()).map(str::to_owned);
            let line = Coverage::of_run(subject, state, Some(1), None);
            Coverage { network: Some(network.to_owned()), vantage, ..line }
        };
        let (ran, not) = (CoverageState::Measured, CoverageState::NotMeasured);
        for (id, began, coverage) in [
            (
                "r1",
                100,
                vec![line("forward", ran, "10.0.1.0/24@a"), line("routes", not, "10.0.1.0/24@a")],
            ),
            (
                "r2",
                200,
                vec![line("forward", ran, "10.0.2.0/24@a"), line("forward", not, "10.0.1.0/24@")],
            ),
            (
                "r3",
                300,
                vec![line("forward", ran, "10.0.1.0/24@b"), line("forward", ran, "10.0.2.0/24@a")],
            ),
            // It looked at nothing there.
            ("r4", 400, vec![line("forward", not, "10.0.2.0/24@a")]),
        ] {
            store.absorb(&Run { coverage, ..run(id, began, vec![]) }).unwrap();
        }
        let other = Run { facility: None, ..run("r5", 500, vec![]) };
        store
            .absorb(&Run { coverage: vec![line("forward", ran, "10.0.1.0/24@a")], ..other })
            .unwrap();
        let known = store.looked(Some("関所記念病院")).unwrap();
        let known: Vec<_> = known
            .iter()
            .map(|(id, _, line)| {
                (
                    &**id,
                    &*line.subject,
                    line.network.as_deref().unwrap(),
                    line.vantage.as_deref().unwrap(),
                )
            })
            .collect();
        assert_eq!(
            known,
            [
                ("r1", "forward", "10.0.1.0/24", "a"),
                ("r1", "routes", "10.0.1.0/24", "a"),
                ("r3", "forward", "10.0.1.0/24", "b"),
                ("r3", "forward", "10.0.2.0/24", "a"),
            ]
        );
        assert_eq!(store.looked(None).unwrap().len(), 1);
    }

    #[test]
    fn the_same_run_twice_is_one_run() {
        let (_folder, path) = folder();
        let mut store = Store::open(&path).unwrap();
        let run = run("r1", 100, vec![point("p0000000a", "192.0.2.1", MAC_A)]);
        let first = store.absorb(&run).unwrap();
        assert_eq!(first, [Change::Appeared { id: "p0000000a".into(), kind: Kind::VpnGateway }]);
        assert_eq!(store.absorb(&run).unwrap(), first);
        assert_eq!(store.runs().unwrap().len(), 1);
        assert_eq!(store.point("p0", None).unwrap().history.len(), 1);
    }

    #[test]
    fn a_point_keeps_its_earlier_name_by_hardware_address_then_by_address() {
        let (_folder, path) = folder();
        let mut store = Store::open(&path).unwrap();
        store
            .absorb(&run(
                "r1",
                100,
                vec![
                    point("p0000000a", "192.0.2.1", MAC_A),
                    point("p0000000b", "192.0.2.2", MAC_B),
                ],
            ))
            .unwrap();
        // They swapped addresses: the boxes are known by their hardware.
        let changes = store
            .absorb(&run(
                "r2",
                200,
                vec![
                    point("p000000aa", "192.0.2.2", MAC_A),
                    point("p000000bb", "192.0.2.1", MAC_B),
                ],
            ))
            .unwrap();
        assert_eq!(changes.iter().map(Change::id).collect::<Vec<_>>(), ["p0000000a", "p0000000b"]);
        assert!(changes.iter().all(|change| matches!(change, Change::Changed { what, .. }
            if matches!(what.as_slice(), [one] if one.facet == super::super::Facet::Addresses))));
        // A new box at an old address, of the same kind: the same point, another box.
        store
            .absorb(&run("r3", 300, vec![point("p000000cc", "192.0.2.2", "00:00:5e:00:53:03")]))
            .unwrap();
        let names: Vec<String> =
            store.points(None).unwrap().into_iter().map(|known| known.point.id).collect();
        assert_eq!(names, ["p0000000a", "p0000000b"]);
        // Another kind is another point.
        let other = Point { kind: Kind::RemoteDesktop, ..point("p000000dd", "192.0.2.2", MAC_A) };
        store.absorb(&run("r4", 400, vec![other])).unwrap();
        assert_eq!(store.points(None).unwrap().len(), 3);
    }

    #[test]
    fn what_is_not_seen_is_said_and_kept() {
        let (_folder, path) = folder();
        let mut store = Store::open(&path).unwrap();
        store.absorb(&run("r1", 100, vec![point("p0000000a", "192.0.2.1", MAC_A)])).unwrap();
        let missing = |again| {
            vec![Change::NotSeen {
                id: "p0000000a".into(),
                kind: Kind::VpnGateway,
                last_seen: "r1".into(),
                again,
            }]
        };
        assert_eq!(store.absorb(&run("r2", 200, vec![])).unwrap(), missing(false));
        assert_eq!(store.absorb(&run("r3", 300, vec![])).unwrap(), missing(true));
        assert_eq!(store.between("r1", "r3").unwrap(), missing(false));
        let known = store.points(Some("関所記念病院")).unwrap();
        assert_eq!((known.len(), known[0].last_seen.as_str()), (1, "r1"));
        assert!(store.points(Some("another")).unwrap().is_empty());
    }

    #[test]
    fn an_older_capture_read_later_is_still_older() {
        let (_folder, path) = folder();
        let mut store = Store::open(&path).unwrap();
        store.absorb(&run("r2", 200, vec![point("p0000000a", "192.0.2.2", MAC_A)])).unwrap();
        store.absorb(&run("r1", 100, vec![point("p0000000a", "192.0.2.1", MAC_A)])).unwrap();
        let known = store.point("p0000000a", None).unwrap();
        assert_eq!((known.first_seen.as_str(), known.last_seen.as_str()), ("r1", "r2"));
        assert_eq!(known.point.addresses.first().unwrap().to_string(), "192.0.2.2");
    }

    #[test]
    fn facilities_do_not_share_points() {
        let (_folder, path) = folder();
        let mut store = Store::open(&path).unwrap();
        let here = run("r1", 100, vec![point("p0000000a", "192.0.2.1", MAC_A)]);
        let there = Run { id: "r2".into(), facility: None, ..here.clone() };
        store.absorb(&here).unwrap();
        assert!(matches!(store.absorb(&there).unwrap().as_slice(), [Change::Appeared { .. }]));
        assert!(matches!(store.point("p0", None), Err(Error::Ambiguous { .. })));
        assert_eq!(store.point("p0", here.facility.as_deref()).unwrap().history.len(), 1);
        assert!(matches!(store.point("p1", None), Err(Error::NoSuchPoint { .. })));
    }

    #[test]
    fn two_points_named_alike_are_refused_before_writing() {
        let (_folder, path) = folder();
        let mut store = Store::open(&path).unwrap();
        let twins = vec![point("p0000000a", "192.0.2.1", MAC_A); 2];
        assert!(matches!(store.absorb(&run("r1", 1, twins)), Err(Error::TwoAlike { .. })));
        assert!(store.runs().unwrap().is_empty());
    }

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
        store.connection.execute("UPDATE sighting SET macs = '[\"no address\"]'", []).unwrap();
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
