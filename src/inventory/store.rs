//! What the inventory tells: its points, and what runs changed of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use rusqlite::{Connection, Params, Row, params};
use serde::Serialize;

use super::{
    Change, Error, Result,
    column::{rows, unjson},
    compare::compare,
    declared,
    facility::UNNAMED,
    file::{self, explain},
    sighting::{self, SIGHTING, Sighting, TABLES},
    state::{self, EVER, Moment, State},
};
use crate::{
    correlate::{Point, Vantage, join},
    time::Timestamp,
};

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
        Ok(Self { connection: file::open(path)?, path: path.to_owned() })
    }

    /// Opens a store to read it; there must be one. Nothing need be writable where the file is whole.
    pub fn open_read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Ok(Self { connection: file::open_read(path)?, path: path.to_owned() })
    }

    /// Opens a store to write what somebody decided; there must be one.
    pub fn open_to_decide(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        if !path.exists() {
            return Err(Error::Missing { path: path.to_owned() });
        }
        Self::open(path)
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
        let seen: BTreeSet<sighting::Row> = self
            .rows(
                "SELECT s.point, ifnull(nullif(s.own, ''), p.id) FROM sighting s
                 JOIN point p ON p.number = s.point WHERE s.run = ?1",
                [run.number],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )?
            .into_iter()
            .collect();
        let now: Vec<State> = after.into_iter().filter(|state| state.has_any(&seen)).collect();
        let from: BTreeSet<Vantage> = serde_json::from_str(&run.vantages).unwrap_or_default();
        let mut changes = compare(&before, &now, previous.first().map(String::as_str), &from);
        changes.extend(self.seen_again(run.facility.as_deref(), &now, run.began, run.ended)?);
        changes.sort_by(|a, b| a.order().cmp(&b.order()));
        Ok(changes)
    }

    /// What is different between two runs, whatever came between them.
    pub fn between(&self, earlier: &str, later: &str) -> Result<Vec<Change>> {
        let (earlier, later) = (self.find_run(earlier)?, self.find_run(later)?);
        // What is one box to the later of them, whichever was named first, is one in both.
        let known = [&earlier, &later].map(RunRow::with_itself).into_iter().max();
        let states = self.states(later.facility.as_deref(), known.unwrap_or(EVER))?;
        let seen = |run: &RunRow| self.seen_by(run, &states);
        let from = serde_json::from_str(&later.vantages).unwrap_or_default();
        Ok(compare(&seen(&earlier)?, &seen(&later)?, Some(&earlier.id), &from))
    }

    /// The points that one run saw, each with all rows of its box.
    fn seen_by(&self, run: &RunRow, states: &[State]) -> Result<Vec<State>> {
        let seen = self.sightings(run.number)?;
        let boxes: BTreeMap<String, BTreeSet<sighting::Row>> = seen
            .iter()
            .map(|(row, sighting)| match states.iter().find(|state| state.rows.contains(row)) {
                Some(state) => (state.point.id.clone(), state.rows.clone()),
                None => (sighting.point.id.clone(), BTreeSet::from([row.clone()])),
            })
            .collect();
        let points = as_kept(seen, states).into_iter();
        Ok(points
            .map(|point| State {
                rows: boxes.get(&point.id).cloned().unwrap_or_default(),
                names: BTreeSet::from([point.id.clone()]),
                first: run.id.clone(),
                last: run.id.clone(),
                last_from: (point.sides.seen_from.iter())
                    .map(|from| (from.clone(), run.id.clone()))
                    .collect(),
                point,
            })
            .collect())
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
        let numbers: BTreeSet<i64> = state.rows.iter().map(|(number, _)| *number).collect();
        let numbers = serde_json::to_string(&numbers).unwrap_or_default();
        let sql = format!(
            "SELECT {SIGHTING} FROM {TABLES} WHERE s.point IN (SELECT value FROM json_each(?1))
             ORDER BY r.began, r.ended, r.number, s.place"
        );
        let seen = self.rows(&sql, [numbers], sighting::read)?.into_iter();
        let mut history: Vec<Sighting> =
            seen.filter(|(row, _)| state.rows.contains(row)).map(|(_, seen)| seen).collect();
        for seen in &mut history {
            seen.point.id.clone_from(&state.point.id);
        }
        Ok(Known { history, ..known_of(facility, state) })
    }

    /// The only box of `facility`, or of any, that is or was named `id`, or whose name begins so.
    pub(super) fn only(&self, id: &str, facility: Option<&str>) -> Result<(Option<String>, State)> {
        let mut found = self.named(id, facility)?;
        // What it is called counts more than what it was called.
        let ways: [fn(&State, &str) -> bool; 2] =
            [|state, id| state.point.id == id, |state, id| state.names.contains(id)];
        for is in ways {
            if found.len() > 1 && found.iter().filter(|(_, state)| is(state, id)).count() == 1 {
                found.retain(|(_, state)| is(state, id));
            }
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

    /// The facility of this name, or every one that a run was made at, and none where runs do not say. Refuses one at which
    /// no run was made.
    pub(super) fn all_facilities(&self, facility: Option<&str>) -> Result<Vec<Option<String>>> {
        let all: Vec<Option<String>> = self.rows(
            "SELECT facility FROM run UNION SELECT facility FROM declared ORDER BY 1",
            [],
            |row| row.get(0),
        )?;
        let Some(name) = facility else { return Ok(all) };
        let meant = Some(name.to_owned());
        let unnamed = all.is_empty() || all.contains(&None);
        let unnamed = name == UNNAMED && unnamed && !all.contains(&meant);
        let meant = if unnamed { None } else { meant };
        if unnamed || all.contains(&meant) {
            return Ok(vec![meant]);
        }
        let known = all.into_iter().map(|name| name.unwrap_or_else(|| UNNAMED.to_owned()));
        Err(Error::NoSuchFacility { name: name.to_owned(), known: known.collect() })
    }

    pub(super) fn states(&self, facility: Option<&str>, before: Moment) -> Result<Vec<State>> {
        let mut states = state::states_at(&self.connection, facility, before)
            .map_err(|error| explain(&self.path, error))?;
        declared::join(&mut states, &self.declared(facility)?);
        Ok(states)
    }

    /// From where any run of `facility`, or any run that names none, looked.
    pub fn vantages(&self, facility: Option<&str>) -> Result<BTreeSet<Vantage>> {
        let all: Vec<BTreeSet<Vantage>> = self.rows(
            "SELECT DISTINCT vantages FROM run WHERE facility IS ?1",
            [facility],
            |row| unjson(row, 0),
        )?;
        Ok(all.into_iter().flatten().collect())
    }

    /// Where the store is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The whole name of the run named `id`, or of the only one whose name begins so.
    pub fn run_id(&self, id: &str) -> Result<String> {
        Ok(self.find_run(id)?.id)
    }

    pub(super) fn find_run(&self, id: &str) -> Result<RunRow> {
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

    /// What one run saw, by the row that it is of, in the run's order.
    pub(super) fn sightings(&self, run: i64) -> Result<Vec<(sighting::Row, Sighting)>> {
        let sql = format!("SELECT {SIGHTING} FROM {TABLES} WHERE s.run = ?1 ORDER BY s.place");
        self.rows(&sql, [run], sighting::read)
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
pub(super) struct RunRow {
    pub number: i64,
    pub id: String,
    pub facility: Option<String>,
    pub began: i64,
    pub ended: i64,
    /// From where it looked, as JSON.
    pub vantages: String,
}

impl RunRow {
    /// Before it.
    fn moment(&self) -> Moment {
        (self.began, self.ended, self.number)
    }

    /// Just after it.
    pub(super) fn with_itself(&self) -> Moment {
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
pub(super) fn as_kept(seen: Vec<(sighting::Row, Sighting)>, states: &[State]) -> Vec<Point> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        correlate::{
            Because, Coverage, CoverageState, Host, Inquiry, Kind, Sides, restriction::Ports,
        },
        inventory::{
            Run,
            example::{MAC_A, MAC_B, folder, point, run},
        },
    };

    #[test]
    fn a_run_comes_back_as_it_went_in() {
        let (_folder, path) = folder();
        let mut run = run(
            "r1",
            100,
            vec![point("p0000000b", "192.0.2.1", MAC_A), point("p0000000a", "2001:db8::1", MAC_B)],
        );
        let why = |packet: &str| Because {
            observation: packet.into(),
            ..run.points[0].because[0].clone()
        };
        let more = [why("b#2.pcap#8"), why("b#2.pcap#9"), why("")];
        run.points[1].because.extend(more.clone());
        run.points[1].lines[0].because.extend(more);
        run.points[1].sides.identities.insert("tls.cert.sha256=aa".into());
        run.points[1].sides.claims.insert("203.0.113.2".parse().unwrap());
        let host = |point: Option<&str>, name: &str| Host {
            names: BTreeSet::from([name.to_owned()]),
            point: point.map(str::to_owned),
            ..Host::default()
        };
        let hosts = [host(Some("p0000000b"), "院内 <b>\u{202e}"), host(None, ""), host(None, "")];
        run.hosts.extend(hosts);
        run.inquiries.push(Inquiry {
            vantage: "outside".parse().unwrap(),
            addresses: BTreeSet::from(["203.0.113.2".parse().unwrap()]),
            asked: Ports { tcp: "22,443".to_owned().try_into().unwrap(), ..Ports::default() },
            open: Ports::default(),
        });
        Store::open(&path).unwrap().absorb(&run).unwrap();
        let kept = Store::open_read(&path).unwrap().run("r1").unwrap();
        // What answers outside follows from what was asked there.
        run.points[1].sides.restriction.clone_from(&kept.points[1].sides.restriction);
        assert_eq!(kept, run);
    }

    #[test]
    fn a_host_is_the_point_that_is_kept() {
        let (_folder, path) = folder();
        let mut store = Store::open(&path).unwrap();
        let night = |id: &str, began, name: &str| {
            let host = Host { point: Some(name.to_owned()), ..Host::default() };
            Run { hosts: vec![host], ..run(id, began, vec![point(name, "192.0.2.1", MAC_A)]) }
        };
        store.absorb(&night("r1", 100, "p0000000a")).unwrap();
        store.absorb(&night("r2", 200, "p000000aa")).unwrap();
        assert_eq!(store.run("r2").unwrap().hosts[0].point.as_deref(), Some("p0000000a"));
        // A run that heard none does not make them go.
        store.absorb(&run("r3", 300, vec![])).unwrap();
        let hosts = store.run("r2").unwrap().hosts;
        assert_eq!(store.last_hosts(Some("関所記念病院")).unwrap(), hosts);
        assert!(store.last_hosts(None).unwrap().is_empty());
    }

    #[test]
    fn what_it_alone_tells_is_the_same_point_wherever_its_address_is_now() {
        let (_folder, path) = folder();
        let mut store = Store::open(&path).unwrap();
        let tells = |id: &str, address: &str, what: &str| {
            let mut point = point(id, address, MAC_A);
            point.macs.clear();
            point.sides.identities.insert(what.to_owned());
            point
        };
        store.absorb(&run("r1", 100, vec![tells("p0000000a", "10.0.0.1", "mac=a")])).unwrap();
        let changes =
            store.absorb(&run("r2", 200, vec![tells("p0000000b", "10.0.0.2", "mac=a")])).unwrap();
        assert!(matches!(changes.as_slice(), [Change::Changed { id, .. }] if id == "p0000000a"));
        // Other hardware says that it is another, whatever it tells.
        let mut met = tells("p0000000c", "10.0.0.3", "tls.cert.sha256=b");
        met.macs.insert(MAC_A.parse().unwrap());
        let mut other = tells("p0000000d", "10.0.0.4", "tls.cert.sha256=b");
        other.macs.insert(MAC_B.parse().unwrap());
        store.absorb(&run("r3", 300, vec![met])).unwrap();
        store.absorb(&run("r4", 400, vec![other])).unwrap();
        let names: Vec<String> =
            store.points(None).unwrap().into_iter().map(|known| known.point.id).collect();
        assert_eq!(names, ["p0000000a", "p0000000c", "p0000000d"]);
    }

    #[test]
    fn two_runs_are_held_against_each_other_by_boxes() {
        let (_folder, path) = folder();
        let mut store = Store::open(&path).unwrap();
        let a = |address| vec![point("p0000000a", address, MAC_A)];
        store.absorb(&run("r1", 100, a("192.0.2.1"))).unwrap();
        store.absorb(&run("r2", 200, vec![])).unwrap();
        store.absorb(&run("r3", 300, a("192.0.2.3"))).unwrap();
        let of = |earlier, later| store.between(earlier, later).unwrap();
        assert!(matches!(of("r1", "r2").as_slice(), [Change::NotSeen { again: false, .. }]));
        assert!(matches!(of("r2", "r3").as_slice(), [Change::Appeared { .. }]));
        for (earlier, later, was, is) in
            [("r1", "r3", "192.0.2.1", "192.0.2.3"), ("r3", "r1", "192.0.2.3", "192.0.2.1")]
        {
            let found = of(earlier, later);
            let [Change::Changed { what, .. }] = found.as_slice() else { panic!("{found:?}") };
            assert_eq!((what.len(), what[0].facet), (1, crate::inventory::Facet::Addresses));
            assert_eq!(
                (&what[0].before, &what[0].now),
                (&vec![was.to_owned()], &vec![is.to_owned()])
            );
        }
        assert!(of("r1", "r1").is_empty());
    }

    #[test]
    fn memory_has_every_run_and_who_saw_what() {
        let (_folder, path) = folder();
        let mut store = Store::open(&path).unwrap();
        let a = |id| vec![point(id, "192.0.2.1", MAC_A)];
        store.absorb(&run("r3", 300, vec![])).unwrap();
        store.absorb(&run("r2", 200, a("p000000aa"))).unwrap();
        store.absorb(&run("r1", 100, a("p0000000a"))).unwrap();
        store.absorb(&Run { facility: None, ..run("r0", 50, a("p0000000a")) }).unwrap();
        let memory = store.memory(Some("関所記念病院")).unwrap();
        let runs: Vec<&str> = memory.runs.iter().map(|run| &*run.id).collect();
        assert_eq!(runs, ["r1", "r2", "r3"]);
        assert_eq!(memory.runs[0].vantages, Sides::default().seen_from);
        assert_eq!(memory.points.len(), 1);
        let seen: Vec<(&str, i64)> = memory.points["p0000000a"]
            .seen
            .iter()
            .map(|(run, began)| (&**run, began.nanoseconds() / 1_000_000_000))
            .collect();
        assert_eq!(seen, [("r1", 100), ("r2", 200)]);
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
        assert!(matches!(store.points(Some("another")), Err(Error::NoSuchFacility { .. })));
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
}
