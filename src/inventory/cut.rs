//! Power cuts: whatever of a change has reached the disk when the power goes, the store is as it was before the change.
//!
//! What SQLite promises is that it asks the disk in this order: what undoes the change, then its length, then the
//! change in any order, then that the undoing is taken away. Between two of these any part of what was
//! asked may be there, and no page need be whole. These states are made here from what the files hold at many moments of a
//! change, and opened.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use rusqlite::Connection;

use super::{
    Run, Store,
    example::{folder, night},
    file::{connect, journal_of, prepare},
    write::insert,
};

/// How a journal begins that counts: until all of it is on the disk, there are zeros.
const COUNTS: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];

/// The bytes of a page, as SQLite makes files by default.
const PAGE: usize = 4096;

/// The file and its journal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Disk {
    store: Vec<u8>,
    journal: Vec<u8>,
}

impl Disk {
    fn of(path: &Path) -> Self {
        let read = |path: &Path| fs::read(path).unwrap_or_default();
        Self { store: read(path), journal: read(&journal_of(path)) }
    }

    /// Puts it where the power was cut, under a name of its own.
    fn put(&self, folder: &Path) -> PathBuf {
        let path = folder.join("cut.sqlite");
        fs::write(&path, &self.store).unwrap();
        if self.journal.is_empty() {
            let _ = fs::remove_file(journal_of(&path));
        } else {
            fs::write(journal_of(&path), &self.journal).unwrap();
        }
        path
    }

    /// The same with a journal that counts, and its length in its only header, as it is once all of it is on the disk.
    fn synced(mut self) -> Self {
        let sector = u32::from_be_bytes(self.journal[20..24].try_into().unwrap()) as usize;
        let records = (self.journal.len() - sector) / (PAGE + 8);
        self.journal[..8].copy_from_slice(&COUNTS);
        self.journal[8..12].copy_from_slice(&u32::try_from(records).unwrap().to_be_bytes());
        self
    }

    /// The same with some pages of a later moment; one of them is half there.
    fn with_pages(&self, later: &Self, is_there: impl Fn(usize) -> bool) -> Self {
        let mut store = self.store.clone();
        let mut torn = false;
        for (place, page) in later.store.chunks(PAGE).enumerate().filter(|(n, _)| is_there(*n)) {
            let start = place * PAGE;
            let page = if torn { page } else { &page[..PAGE / 2] };
            torn = true;
            if store.len() < start + PAGE {
                store.resize(start + PAGE, 0);
            }
            store[start..start + page.len()].copy_from_slice(page);
        }
        Self { store, journal: self.journal.clone() }
    }
}

/// The states between two moments of a change: of the journal's growth any length; of the file's change, with the whole
/// journal, any pages.
fn between(earlier: &Disk, later: &Disk) -> Vec<Disk> {
    let mut found = Vec::new();
    let (from, to) = (earlier.journal.len(), later.journal.len());
    let step = ((to.saturating_sub(from)) / 6).max(1);
    for end in (from..to).step_by(step) {
        // What was there stays; behind it, as much as came.
        let grown = &later.journal[from..end];
        let journal = [&earlier.journal[..], grown].concat();
        found.push(Disk { store: earlier.store.clone(), journal });
    }
    let whole = Disk { store: earlier.store.clone(), journal: later.journal.clone() };
    let pages = later.store.len() / PAGE;
    for salt in 1..=4_usize {
        found.push(whole.with_pages(later, |page| page * 7919 % (salt + 2) == salt % 2));
        found.push(whole.with_pages(later, |page| page < pages * salt / 4));
    }
    found.push(whole);
    found
}

/// The moments of a change: what the files hold whenever something of them is different, and when it is done.
fn moments(
    connection: &mut Connection,
    path: &Path,
    change: impl FnOnce(&mut Connection),
) -> Vec<Disk> {
    let seen = Arc::new(Mutex::new(vec![Disk::of(path)]));
    let look = |seen: &Arc<Mutex<Vec<Disk>>>, path: &Path| {
        let now = Disk::of(path);
        let mut seen = seen.lock().unwrap();
        if seen.last() != Some(&now) {
            seen.push(now);
        }
        false
    };
    let (of_steps, of_commit) = (seen.clone(), seen.clone());
    let (here, there) = (path.to_owned(), path.to_owned());
    connection.progress_handler(100, Some(move || look(&of_steps, &here))).unwrap();
    connection.commit_hook(Some(move || look(&of_commit, &there))).unwrap();
    change(connection);
    connection.progress_handler(0, None::<fn() -> bool>).unwrap();
    connection.commit_hook(None::<fn() -> bool>).unwrap();
    look(&seen, path);
    let seen = seen.lock().unwrap();
    seen.clone()
}

/// Opens what is left, and says what it holds. It must be whole.
fn left(disk: &Disk, folder: &Path, told: &str) -> (Vec<Run>, Store) {
    let path = disk.put(folder);
    let store = Store::open(&path).unwrap_or_else(|error| panic!("{told}: {error}"));
    let whole: String = store
        .connection
        .pragma_query_value(None, "integrity_check", |row| row.get(0))
        .unwrap_or_else(|error| panic!("{told}: {error}"));
    assert_eq!(whole, "ok", "{told}");
    let broken: i64 = store
        .connection
        .query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(broken, 0, "{told}");
    let runs = store.runs().unwrap();
    let runs = runs.iter().map(|run| store.run(&run.id).unwrap()).collect();
    (runs, store)
}

fn absorb(connection: &mut Connection, run: &Run) {
    let transaction = connection.transaction().unwrap();
    insert(&transaction, run).unwrap();
    // The first page, which otherwise changes when all is done, and could not be seen to be kept for undoing.
    let format: i64 =
        transaction.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    transaction.pragma_update(None, "user_version", format).unwrap();
    transaction.commit().unwrap();
}

#[test]
fn wherever_in_a_run_the_power_is_cut_the_runs_before_it_are_there_and_nothing_of_it() {
    // Once with room for every page in memory, so that all is written at the end; once with so little that pages reach
    // the file all along.
    for (cache, spills) in [(-8000, false), (10, true)] {
        let (folder, path) = folder();
        let mut store = Store::open(&path).unwrap();
        store.absorb(&night(0)).unwrap();
        let kept = store.run(&night(0).id).unwrap();
        let points = store.points(None).unwrap();
        store.connection.pragma_update(None, "cache_size", cache).unwrap();
        store.connection.pragma_update(None, "cache_spill", spills).unwrap();
        let seen =
            moments(&mut store.connection, &path, |connection| absorb(connection, &night(1)));
        assert!(seen.len() > if spills { 12 } else { 3 }, "{} moments", seen.len());
        let grown = seen.iter().filter(|disk| disk.store != seen[0].store).count();
        assert_eq!(grown > 1, spills, "{grown} of {}", seen.len());
        let (done, under_way) = seen.split_last().unwrap();
        assert!(done.journal.is_empty());
        let mut states: Vec<Disk> =
            under_way.windows(2).flat_map(|pair| between(&pair[0], &pair[1])).collect();
        if !spills {
            // The end: the journal is whole and its length is written, then pages are.
            let last = under_way.last().unwrap().clone().synced();
            states.extend(between(&last, &Disk { store: done.store.clone(), ..last.clone() }));
        }
        for (place, state) in states.iter().enumerate() {
            let (runs, store) =
                left(state, folder.path(), &format!("spills {spills}, state {place}"));
            assert_eq!(runs, std::slice::from_ref(&kept), "state {place}");
            if place % 16 == 0 {
                assert_eq!(store.points(None).unwrap(), points);
            }
        }
        // What is on the disk when it was said to be kept is all of it.
        let (runs, store) = left(done, folder.path(), "done");
        assert_eq!((runs.len(), runs.first()), (2, Some(&kept)));
        assert_eq!(runs[1].hosts.len(), night(1).hosts.len());
        assert!(store.points(None).unwrap().len() > points.len());
    }
}

#[test]
fn wherever_in_the_making_of_a_store_the_power_is_cut_the_next_makes_it() {
    let (folder, path) = folder();
    fs::write(&path, b"").unwrap();
    let mut connection = connect(&path).unwrap();
    let seen = moments(&mut connection, &path, |connection| {
        assert!(prepare(connection, &path, true).is_ok());
    });
    let (done, under_way) = seen.split_last().unwrap();
    let mut states: Vec<Disk> =
        under_way.windows(2).flat_map(|pair| between(&pair[0], &pair[1])).collect();
    let last = under_way.last().unwrap().clone().synced();
    states.extend(between(&last, &Disk { store: done.store.clone(), ..last.clone() }));
    assert!(states.len() > 8, "{}", states.len());
    for (place, state) in states.iter().chain([done]).enumerate() {
        let (runs, mut store) = left(state, folder.path(), &format!("state {place}"));
        assert!(runs.is_empty());
        store.absorb(&night(0)).unwrap();
    }
}

#[test]
fn wherever_in_a_migration_the_power_is_cut_the_next_brings_it_to_its_end() {
    let (folder, path) = folder();
    fs::copy("fixtures/inventories/v5.sqlite", &path).unwrap();
    let mut connection = connect(&path).unwrap();
    connection.pragma_update(None, "cache_size", 10).unwrap();
    let seen = moments(&mut connection, &path, |connection| {
        assert!(prepare(connection, &path, true).is_ok());
    });
    let (done, under_way) = seen.split_last().unwrap();
    let wanted = left(done, folder.path(), "done").0;
    assert_eq!(wanted.len(), 1);
    let states: Vec<Disk> =
        under_way.windows(2).flat_map(|pair| between(&pair[0], &pair[1])).collect();
    assert!(states.len() > 30, "{}", states.len());
    for (place, state) in states.iter().enumerate() {
        assert_eq!(left(state, folder.path(), &format!("state {place}")).0, wanted);
    }
}
