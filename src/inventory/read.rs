//! What the inventory tells of runs: each as it was kept, and all of them together.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Row;

use super::{
    Input, Memory, Remembered, Result, Run, Store, Summary,
    column::{named, unjson},
    declared,
    memory::RunOfFacility,
    state::{EVER, State},
    store::as_kept,
};
use crate::{
    correlate::{Coverage, Host, Inquiry},
    time::Timestamp,
};

impl Store {
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
            "SELECT l.subject, l.state, c.count, l.detail, l.network, l.vantage
             FROM coverage c JOIN coverage_line l ON l.number = c.line WHERE c.run = ?1 ORDER BY c.place",
            [run.number],
            covered,
        )?;
        let states = self.states(run.facility.as_deref(), run.with_itself())?;
        let seen = self.sightings(run.number)?;
        let kept = self.kept_names(run.facility.as_deref(), &states)?;
        let unrecognised = self.boxes(run.number, &kept)?;
        // What a run called its points counts more than what others were called.
        let of_run: BTreeMap<&str, &str> = seen
            .iter()
            .filter_map(|(row, _)| {
                let state = states.iter().find(|state| state.rows.contains(row))?;
                Some((&*row.1, &*state.point.id))
            })
            .collect();
        let mut hosts: Vec<Host> = self.rows(
            "SELECT h.body FROM run r JOIN content l ON l.number = r.hosts
             JOIN json_each(l.body) place JOIN content h ON h.number = place.value
             WHERE r.number = ?1 ORDER BY place.key",
            [run.number],
            |row| unjson(row, 0),
        )?;
        for point in hosts.iter_mut().filter_map(|host| host.point.as_mut()) {
            let name = of_run.get(&**point).map(|name| (*name).to_owned());
            if let Some(name) = name.or_else(|| kept.get(point).cloned()) {
                *point = name;
            }
        }
        let points = as_kept(seen.clone(), &states);
        let asked: Vec<Vec<Inquiry>> = self.rows(
            "SELECT c.body FROM run r JOIN content c ON c.number = r.asked WHERE r.number = ?1",
            [run.number],
            |row| unjson(row, 0),
        )?;
        Ok(Run {
            id: run.id,
            facility: run.facility,
            began: Timestamp::from_nanoseconds(run.began),
            ended: Timestamp::from_nanoseconds(run.ended),
            inputs,
            coverage,
            points,
            unrecognised,
            hosts,
            vantages: serde_json::from_str(&run.vantages).unwrap_or_default(),
            inquiries: asked.into_iter().flatten().collect(),
        })
    }

    /// The name by which each point is known, by the name of its row in the file, or else by any that it was given.
    fn kept_names(
        &self,
        facility: Option<&str>,
        states: &[State],
    ) -> Result<BTreeMap<String, String>> {
        let rows =
            self.rows("SELECT number, id FROM point WHERE facility IS ?1", [facility], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
            })?;
        let mut of_row: BTreeMap<i64, &String> = BTreeMap::new();
        for state in states {
            for (number, _) in &state.rows {
                of_row.entry(*number).or_insert(&state.point.id);
            }
        }
        let named = rows.into_iter();
        let mut kept: BTreeMap<String, String> =
            named.filter_map(|(number, id)| Some((id, (*of_row.get(&number)?).clone()))).collect();
        for state in states {
            for name in &state.names {
                kept.entry(name.clone()).or_insert_with(|| state.point.id.clone());
            }
        }
        Ok(kept)
    }

    /// The boxes of a facility as the last run heard them that heard any: one from outside hears none.
    pub fn last_hosts(&self, facility: Option<&str>) -> Result<Vec<Host>> {
        let last: Vec<String> = self.rows(
            "SELECT id FROM run WHERE facility IS ?1 AND hosts IS NOT NULL
             ORDER BY began DESC, ended DESC, number DESC LIMIT 1",
            [facility],
            |row| row.get(0),
        )?;
        last.first().map_or(Ok(Vec::new()), |id| Ok(self.run(id)?.hosts))
    }

    /// What is known of each network of a facility from each interface: the lines of the last run that looked from
    /// there, with the run and its beginning, in the order of the runs.
    pub fn looked(&self, facility: Option<&str>) -> Result<Vec<(String, Timestamp, Coverage)>> {
        self.rows(
            "WITH placed AS (
               SELECT number, id, began, row_number() OVER (ORDER BY began, ended, number) AS place
               FROM run WHERE facility IS ?1),
             seen AS (
               SELECT l.network, l.vantage, max(p.place) AS place
               FROM placed p JOIN coverage c ON c.run = p.number JOIN coverage_line l ON l.number = c.line
               WHERE l.network IS NOT NULL AND l.vantage IS NOT NULL AND l.state <> 'not_measured'
               GROUP BY l.network, l.vantage)
             SELECT l.subject, l.state, c.count, l.detail, l.network, l.vantage, p.id, p.began
             FROM seen s JOIN placed p ON p.place = s.place JOIN coverage c ON c.run = p.number
             JOIN coverage_line l ON l.number = c.line
             WHERE l.network = s.network AND l.vantage = s.vantage ORDER BY p.place, c.place",
            [facility],
            |row| Ok((row.get(6)?, Timestamp::from_nanoseconds(row.get(7)?), covered(row)?)),
        )
    }

    /// What is known of a facility's points beyond one run.
    pub fn memory(&self, facility: Option<&str>) -> Result<Memory> {
        let mut places = BTreeMap::new();
        let mut runs = Vec::new();
        let all = self.rows(
            "SELECT number, id, began, vantages FROM run WHERE facility IS ?1
             ORDER BY began, ended, number",
            [facility],
            |row| {
                let began = Timestamp::from_nanoseconds(row.get(2)?);
                let run = RunOfFacility { id: row.get(1)?, began, vantages: unjson(row, 3)? };
                Ok((row.get::<_, i64>(0)?, run))
            },
        )?;
        for (number, run) in all {
            places.insert(number, runs.len());
            runs.push(run);
        }
        let states = self.states(facility, EVER)?;
        let mut owner: BTreeMap<(i64, &str), usize> = BTreeMap::new();
        for (place, state) in states.iter().enumerate() {
            owner.extend(state.rows.iter().map(|(number, own)| ((*number, &**own), place)));
        }
        let mut seen: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); states.len()];
        self.rows(
            "SELECT s.run, s.point, ifnull(nullif(s.own, ''), p.id) FROM run r
             JOIN sighting s ON s.run = r.number JOIN point p ON p.number = s.point
             WHERE r.facility IS ?1",
            [facility],
            |row| {
                let own = row.get_ref(2)?.as_str()?;
                let state = owner.get(&(row.get(1)?, own)).and_then(|place| seen.get_mut(*place));
                if let (Some(seen), Some(place)) = (state, places.get(&row.get(0)?)) {
                    seen.insert(*place);
                }
                Ok(())
            },
        )?;
        let mut reviews = self.reviews_of(facility, &states)?;
        let mut remembered = |id: &str, places: BTreeSet<usize>| {
            let seen = places.into_iter().filter_map(|place| runs.get(place));
            let seen = seen.map(|run| (run.id.clone(), run.began)).collect();
            let reviews = reviews.remove(id).unwrap_or_default().into_iter();
            let reviews = reviews.map(|kept| kept.review).collect();
            Remembered { seen, reviews, ..Remembered::default() }
        };
        let points = states.iter().zip(seen);
        let points =
            points.map(|(state, seen)| (state.point.id.clone(), remembered(&state.point.id, seen)));
        let mut memory =
            Memory { points: points.collect(), runs, head: self.head()?, vendors: Vec::new() };
        declared::remember(&mut memory, &states, self.declared(facility)?);
        Ok(memory)
    }
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
