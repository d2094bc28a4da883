//! Taking in a run, whole or not at all.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Transaction, TransactionBehavior, params};

use super::{
    Change, Error, Result, Run, Store,
    column::{json, rows},
    content::{Keeper, keep_coverage},
    file::explain,
    log,
    sighting::Writer,
    state::{self, EVER},
    unknown,
};
use crate::correlate::Point;

impl Store {
    /// Remembers `run`, and says what it changes in what was known before it. A run that is known
    /// already is not written again, and changes what it changed then. When this returns, the run is on the disk.
    ///
    /// A point is known by its name; failing that, a point of the same kind, or seen from another vantage, that shares a
    /// hardware address, or else what no other box tells, or else an address, is the same one and keeps its earlier name.
    /// What was seen from outside alone is the point that has its address, and is called as that is. [`Store::run`] gives
    /// the run back under the names that were kept.
    pub fn absorb(&mut self, run: &Run) -> Result<Vec<Change>> {
        let twice: BTreeSet<&str> = run.points.iter().map(|point| point.id.as_str()).collect();
        if twice.len() < run.points.len() {
            let mut seen = BTreeSet::new();
            let twin = run.points.iter().find(|point| !seen.insert(&point.id));
            return Err(Error::TwoAlike {
                path: self.path().to_owned(),
                run: run.id.clone(),
                id: twin.map(|point| point.id.clone()).unwrap_or_default(),
            });
        }
        let path = self.path().to_owned();
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
}

/// Writes a run the store does not know, and gives its number.
pub(super) fn insert(transaction: &Transaction<'_>, run: &Run) -> rusqlite::Result<i64> {
    // What is known is matched as it was last seen, whatever the time of this run.
    let known = state::rows_at(transaction, run.facility.as_deref(), EVER)?;
    let same = recognise(&run.points, &known);

    let mut keeper = Keeper::new(transaction)?;
    let asked = keeper.keep_list(&run.inquiries)?;
    let hosts: Vec<i64> =
        run.hosts.iter().map(|host| keeper.keep(host)).collect::<rusqlite::Result<_>>()?;
    let hosts = keeper.keep_list(&hosts)?;
    transaction.execute(
        "INSERT INTO run (id, facility, began, ended, vantages, asked, hosts)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            run.id,
            run.facility,
            run.began.nanoseconds(),
            run.ended.nanoseconds(),
            json(&run.vantages)?,
            asked,
            hosts
        ],
    )?;
    let number = transaction.last_insert_rowid();
    let mut input = transaction.prepare("INSERT INTO input VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for (place, read) in (0_i64..).zip(&run.inputs) {
        let (packets, bytes) = (read.packets.cast_signed(), read.bytes.cast_signed());
        input.execute(params![number, place, read.name, packets, bytes])?;
    }
    keep_coverage(transaction, number, &run.coverage)?;
    let mut sightings = Writer::new(transaction)?;
    let mut kept = BTreeMap::new();
    let mut taken: BTreeSet<String> =
        rows(transaction, "SELECT id FROM point WHERE facility IS ?1", [&run.facility], |row| {
            row.get(0)
        })?
        .into_iter()
        .collect();
    for ((place, point), same) in (0_i64..).zip(&run.points).zip(same) {
        let row = if let Some(row) = same {
            (row.number, row.id.clone())
        } else {
            // Its name may be another's, who had its address before.
            let id = state::free(&point.id, |name| taken.contains(name));
            transaction.execute(
                "INSERT INTO point (facility, id) VALUES (?1, ?2)",
                params![run.facility, id],
            )?;
            taken.insert(id.clone());
            (transaction.last_insert_rowid(), id)
        };
        sightings.write(&mut keeper, (number, place), (row.0, &row.1), point)?;
        kept.insert(&*point.id, row.1);
    }
    unknown::insert(transaction, number, run, &kept)?;
    Ok(number)
}

/// For each point, the known row that it is: by name, then by hardware address, by what it alone tells, by address. No
/// known row is taken twice.
fn recognise<'a>(points: &[Point], known: &'a [state::Known]) -> Vec<Option<&'a state::Known>> {
    let ways: [fn(&Point, &state::Known) -> bool; 5] = [
        |point, known| point.id == known.id && known.shares_name(point),
        |point, known| known.shares_name(point),
        |point, known| known.shares_hardware(point),
        |point, known| known.shares_identity(point),
        |point, known| known.shares_address(point),
    ];
    let mut taken = BTreeSet::new();
    let mut same = vec![None; points.len()];
    for (place, way) in ways.into_iter().enumerate() {
        // A row that people say is two boxes says by names alone which of them it is.
        let candidates: Vec<&state::Known> =
            known.iter().filter(|row| place < 2 || !row.is_part).collect();
        for (point, same) in points.iter().zip(&mut same).filter(|(_, same)| same.is_none()) {
            let found =
                candidates.iter().find(|row| !taken.contains(&row.number) && way(point, row));
            if let Some(row) = found {
                taken.insert(row.number);
                *same = Some(*row);
            }
        }
    }
    same
}
