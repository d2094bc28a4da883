//! What is known of each box at a moment: of each vantage the last that was seen of it, and rows that are one box as one
//! point. Nothing of it is written down: what later runs show changes it, and the order in which runs were read does not.
//!
//! Of the history only its ends are read: when each row was first and last seen under a name, with the same claims. What
//! a row looked like is read of its last sightings alone.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use rusqlite::{Connection, params};

use super::{
    column::{rows, unjson},
    decision::{Decisions, decisions},
    group::{Group, groups},
    sighting::{self, Claimed, Row, SIGHTING, TABLES},
};
use crate::correlate::{
    Inquiry, Kind, Point, Vantage,
    join::{self, Claims, Proof},
    restriction,
};

/// Before what moment: when the first and the last packet of a run passed, and the run's number.
pub(super) type Moment = (i64, i64, i64);

/// After every run.
pub(super) const EVER: Moment = (i64::MAX, i64::MAX, i64::MAX);

/// The runs of a facility before a moment, each with its place among them.
const PLACED: &str = "WITH placed AS (
       SELECT number, asked, row_number() OVER (ORDER BY began, ended, number) - 1 AS place FROM run
       WHERE facility IS ?1 AND (began, ended, number) < (?2, ?3, ?4))";

/// A box, as it is known at a moment.
#[derive(Debug, Clone)]
pub(super) struct State {
    /// Its rows, under each name that runs gave them.
    pub rows: BTreeSet<Row>,
    /// Every name that it was ever given.
    pub names: BTreeSet<String>,
    /// All that is known of it.
    pub point: Point,
    /// The run that saw it first.
    pub first: String,
    /// The run that saw it last.
    pub last: String,
    /// From each vantage the run that saw it last.
    pub last_from: BTreeMap<Vantage, String>,
}

/// A row of the inventory, as it is known at a moment.
#[derive(Debug)]
pub(super) struct Known {
    /// Its number.
    pub number: i64,
    /// Its name in the file.
    pub id: String,
    /// The names that runs gave it by themselves.
    pub own: BTreeSet<String>,
    /// People say that the row is two boxes, and this is one of them, by the names that runs gave it.
    pub is_part: bool,
    /// From each vantage the last that was seen of it, together.
    pub point: Point,
    /// When it was seen, as what.
    pub traces: Vec<Trace>,
    /// What it claimed.
    pub claims: Claims,
}

/// That runs saw a row under one name, from the same vantages, with the same claims.
#[derive(Debug)]
pub(super) struct Trace {
    /// The name.
    pub own: String,
    /// The vantages.
    pub from: BTreeSet<Vantage>,
    /// The place of the first such run among all.
    pub first: u64,
    /// The place of the last.
    pub last: u64,
    claims: Claims,
}

/// The runs of a facility before a moment, and what can be asked of them.
pub(super) struct Past<'a> {
    connection: &'a Connection,
    facility: Option<&'a str>,
    before: Moment,
    /// The number and the name of each run, by its place.
    runs: Vec<(i64, String)>,
}

impl State {
    /// A line that was declared, and that no run saw.
    pub(super) fn declared(name: &str, point: Point) -> Self {
        let point = Point { id: name.to_owned(), ..point };
        Self {
            rows: BTreeSet::new(),
            names: BTreeSet::from([name.to_owned()]),
            point,
            first: String::new(),
            last: String::new(),
            last_from: BTreeMap::new(),
        }
    }

    /// Whether a run that looked from these vantages should see it again. One that is known inside is looked for there:
    /// what no longer answers outside is told as a change of it.
    pub(super) fn is_expected(&self, from: &BTreeSet<Vantage>) -> bool {
        let inside = self.last_from.keys().any(|vantage| !vantage.is_outside());
        let where_known = self.last_from.keys().filter(|vantage| vantage.is_outside() != inside);
        where_known.into_iter().any(|vantage| from.contains(vantage))
    }

    /// Whether it has any of these rows.
    pub(super) fn has_any(&self, rows: &BTreeSet<Row>) -> bool {
        !self.rows.is_disjoint(rows)
    }
}

impl Known {
    /// Every name by which it is understood.
    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.own.iter().chain((!self.is_part).then_some(&self.id))
    }

    /// The places of the first and the last run that saw it.
    pub(super) fn ends(&self) -> (u64, u64) {
        let first = self.traces.iter().map(|trace| trace.first).min();
        let last = self.traces.iter().map(|trace| trace.last).max();
        (first.unwrap_or(u64::MAX), last.unwrap_or_default())
    }

    /// Whether `point` has a name that this box has. A name may come from an address that is leased to another now.
    pub(super) fn shares_name(&self, point: &Point) -> bool {
        let named = point.id == self.id || self.own.contains(&point.id);
        named && (stays_put(point.kind) || !are_others(&self.point, point))
    }

    /// Whether a hardware address shows that `point` is this box.
    pub(super) fn shares_hardware(&self, point: &Point) -> bool {
        if is_elsewhere(&self.point, point) {
            own_macs(&self.point).any(|mac| point.macs.contains(mac))
        } else {
            self.point.kind == point.kind && !self.point.macs.is_disjoint(&point.macs)
        }
    }

    /// Whether what it alone tells, as `point` does, shows that both are this box, wherever its address is now. Of the same
    /// kind and side, and no hardware address says otherwise.
    pub(super) fn shares_identity(&self, point: &Point) -> bool {
        let known = &self.point;
        known.kind == point.kind
            && known.is_only_outside() == point.is_only_outside()
            && !are_others(known, point)
            && !known.sides.identities.is_disjoint(&point.sides.identities)
    }

    /// Whether an address shows that `point` is this box.
    pub(super) fn shares_address(&self, point: &Point) -> bool {
        let known = &self.point;
        if known.is_only_outside() || point.is_only_outside() {
            let both = known.is_only_outside() && point.is_only_outside();
            return both && !known.sides.faces.is_disjoint(&point.sides.faces);
        }
        let shared = routed(known).any(|address| point.addresses.contains(&address));
        // Two wires on which different hardware has the same address, and no other, are numbered alike.
        let met = |point: &Point| !point.macs.is_empty() && routed(point).count() < 2;
        let alike = met(known) && met(point) && known.macs.is_disjoint(&point.macs);
        let same =
            || known.kind == point.kind && (stays_put(point.kind) || !are_others(known, point));
        shared && if is_elsewhere(known, point) { !alike } else { same() }
    }
}

/// Whether a point of this kind is its place in the network, and another box in that place is the same point: who leads
/// out is replaced where it stands, while a computer's address may be somebody else's tomorrow.
const fn stays_put(kind: Kind) -> bool {
    kind.is_at_edge()
}

/// Whether both tell hardware addresses of their own, and none that both have.
fn are_others(one: &Point, other: &Point) -> bool {
    let told = |point: &Point| -> BTreeSet<String> {
        let met = own_macs(point).map(|mac| format!("mac={mac}"));
        let named = point.sides.identities.iter().filter(|told| told.starts_with("mac=")).cloned();
        met.chain(named).collect()
    };
    let (one, other) = (told(one), told(other));
    !one.is_empty() && !other.is_empty() && one.is_disjoint(&other)
}

/// Whether two were seen from different vantages: then one box may look like two kinds.
fn is_elsewhere(one: &Point, other: &Point) -> bool {
    one.sides.seen_from.is_disjoint(&other.sides.seen_from)
}

/// The hardware addresses that no other box has.
pub(super) fn own_macs(point: &Point) -> impl Iterator<Item = &crate::observe::Mac> {
    point.macs.iter().filter(|mac| !mac.is_virtual_router())
}

/// The addresses that lead somewhere: many boxes are `fe80::1` on their links.
pub(super) fn routed(point: &Point) -> impl Iterator<Item = IpAddr> {
    let here = |ip: &&IpAddr| match ip {
        IpAddr::V4(v4) => !v4.is_link_local(),
        IpAddr::V6(v6) => !v6.is_unicast_link_local(),
    };
    point.addresses.iter().filter(here).copied()
}

impl<'a> Past<'a> {
    fn of(
        connection: &'a Connection,
        facility: Option<&'a str>,
        before: Moment,
    ) -> rusqlite::Result<Self> {
        let runs = rows(
            connection,
            "SELECT number, id FROM run WHERE facility IS ?1 AND (began, ended, number) < (?2, ?3, ?4)
             ORDER BY began, ended, number",
            params![facility, before.0, before.1, before.2],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        Ok(Self { connection, facility, before, runs })
    }

    /// The run at a place.
    fn run(&self, place: u64) -> Option<&(i64, String)> {
        self.runs.get(usize::try_from(place).ok()?)
    }

    /// Whether any of these runs saw both.
    pub(super) fn saw_both(&self, one: &Known, other: &Known) -> rusqlite::Result<bool> {
        let ((first, last), (start, end)) = (one.ends(), other.ends());
        if one.number == other.number || last < start || end < first {
            return Ok(false);
        }
        let seen = rows(
            self.connection,
            "SELECT a.own, b.own FROM sighting a JOIN sighting b ON b.point = ?2 AND b.run = a.run
             JOIN run r ON r.number = a.run
             WHERE a.point = ?1 AND (r.began, r.ended, r.number) < (?3, ?4, ?5)",
            params![one.number, other.number, self.before.0, self.before.1, self.before.2],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        let is = |known: &Known, own: &String| {
            known.own.contains(if own.is_empty() { &known.id } else { own })
        };
        Ok(seen.iter().any(|(a, b)| is(one, a) && is(other, b)))
    }

    /// Every row as these runs saw it, in the order of their numbers; one that people say is two boxes is two.
    fn rows(&self, decisions: &Decisions) -> rusqlite::Result<Vec<Known>> {
        let sql = format!(
            "{PLACED}, trace AS (
               SELECT s.point, s.own, s.claims, min(p.place) AS first, max(p.place) AS last
               FROM placed p JOIN sighting s ON s.run = p.number GROUP BY s.point, s.own, s.claims)
             SELECT t.point, p.id, ifnull(nullif(t.own, ''), p.id), t.first, t.last, c.body
             FROM trace t JOIN point p ON p.number = t.point JOIN content c ON c.number = t.claims
             ORDER BY t.point, t.first, t.last"
        );
        let traces = rows(self.connection, &sql, self.parameters(), |row| {
            let claimed: Claimed = unjson(row, 5)?;
            let last = row.get::<_, i64>(4)?.cast_unsigned();
            let addresses = claimed.claims.into_iter().chain(claimed.faces);
            let trace = Trace {
                own: row.get(2)?,
                from: claimed.seen_from,
                first: row.get::<_, i64>(3)?.cast_unsigned(),
                last,
                claims: Claims::told(addresses, claimed.identities, last),
            };
            Ok(((row.get(0)?, row.get(1)?), trace))
        })?;
        let mut all: BTreeMap<(i64, String), Vec<Trace>> = BTreeMap::new();
        for (row, trace) in traces {
            all.entry(row).or_default().push(trace);
        }
        let mut found = Vec::new();
        for ((number, id), traces) in all {
            for (traces, is_part) in parted(&id, traces, decisions) {
                found.extend(self.known(number, &id, traces, is_part)?);
            }
        }
        Ok(found)
    }

    /// A row with what the last run from each vantage saw of it, as one point; what was seen later counts more.
    fn known(
        &self,
        number: i64,
        id: &str,
        traces: Vec<Trace>,
        is_part: bool,
    ) -> rusqlite::Result<Option<Known>> {
        let mut claims = Claims::default();
        let mut last: BTreeMap<&Vantage, u64> = BTreeMap::new();
        for trace in &traces {
            claims.absorb(trace.claims.clone());
            for vantage in &trace.from {
                let known = last.entry(vantage).or_default();
                *known = trace.last.max(*known);
            }
        }
        let mut parts: BTreeMap<u64, BTreeSet<Vantage>> = BTreeMap::new();
        for (vantage, place) in last {
            parts.entry(place).or_default().insert(vantage.clone());
        }
        let sql = format!("SELECT {SIGHTING} FROM {TABLES} WHERE s.point = ?1 AND s.run = ?2");
        let mut point: Option<Point> = None;
        for (place, vantages) in parts.iter().rev() {
            let Some((run, _)) = self.run(*place) else { continue };
            for (_, read) in rows(self.connection, &sql, [number, *run], sighting::read)? {
                let part = read.point.narrowed(vantages);
                claims.absorb(Claims::of(&part, *place));
                point = Some(match point {
                    Some(later) => join::merged(&later, &part, None),
                    None => part,
                });
            }
        }
        let own = traces.iter().map(|trace| trace.own.clone()).collect();
        let id = id.to_owned();
        Ok(point.map(|point| Known { number, id, own, is_part, point, traces, claims }))
    }

    /// What these runs asked from outside, the earliest first. What was asked alike stands where it was asked last: of
    /// each vantage the last counts.
    fn asked(&self) -> rusqlite::Result<Vec<Vec<Inquiry>>> {
        let sql = format!(
            "{PLACED} SELECT c.body FROM (
               SELECT asked, max(place) AS last FROM placed WHERE asked IS NOT NULL GROUP BY asked) a
             JOIN content c ON c.number = a.asked ORDER BY a.last"
        );
        rows(self.connection, &sql, self.parameters(), |row| unjson(row, 0))
    }

    fn parameters(&self) -> (Option<&'a str>, i64, i64, i64) {
        (self.facility, self.before.0, self.before.1, self.before.2)
    }

    /// A box with what was seen of it from outside. It is called what the first run called it that saw it inside, or else
    /// the first of all.
    fn state(&self, group: &Group, outside: &[(&Group, &Proof)]) -> Option<State> {
        let inside = |trace: &Trace| trace.from.iter().any(|vantage| !vantage.is_outside());
        let called = group.traces().min_by_key(|trace| (!inside(trace), trace.first))?;
        let mut point = group.point.clone();
        for (other, proof) in outside {
            point = join::merged(&point, &other.point, Some(proof));
        }
        point.id.clone_from(&called.own);
        let all = || std::iter::once(group).chain(outside.iter().map(|(group, _)| *group));
        let rows = || all().flat_map(|group| &group.rows);
        let traces = || all().flat_map(Group::traces);
        let run = |place: u64| self.run(place).map(|(_, id)| id.clone());
        let mut last_from: BTreeMap<&Vantage, u64> = BTreeMap::new();
        for trace in traces() {
            for vantage in &trace.from {
                let known = last_from.entry(vantage).or_default();
                *known = trace.last.max(*known);
            }
        }
        let under = |row: &Known| {
            let number = row.number;
            row.own.iter().map(move |own| (number, own.clone())).collect::<Vec<_>>()
        };
        Some(State {
            rows: rows().flat_map(under).collect(),
            names: rows().flat_map(Known::names).cloned().collect(),
            point,
            first: run(traces().map(|trace| trace.first).min()?)?,
            last: run(traces().map(|trace| trace.last).max()?)?,
            last_from: last_from
                .into_iter()
                .filter_map(|(from, place)| Some((from.clone(), run(place)?)))
                .collect(),
        })
    }
}

/// The traces of a row, and apart from them those under names that people say are another box.
fn parted(id: &str, traces: Vec<Trace>, decisions: &Decisions) -> Vec<(Vec<Trace>, bool)> {
    let has = |name: &str| name == id || traces.iter().any(|trace| trace.own == name);
    let others: BTreeSet<&str> = decisions
        .apart
        .iter()
        .filter(|(one, other)| one != other && has(one) && has(other))
        .map(|(one, other)| if other == id { &**one } else { &**other })
        .collect();
    if others.is_empty() {
        return vec![(traces, false)];
    }
    let mut parts: BTreeMap<String, Vec<Trace>> = BTreeMap::new();
    for trace in traces {
        let part = if others.contains(&*trace.own) { trace.own.clone() } else { String::new() };
        parts.entry(part).or_default().push(trace);
    }
    parts.into_iter().map(|(part, traces)| (traces, !part.is_empty())).collect()
}

/// Every row of a facility as the runs before a moment saw it, in the order of their numbers.
pub(super) fn rows_at(
    connection: &Connection,
    facility: Option<&str>,
    before: Moment,
) -> rusqlite::Result<Vec<Known>> {
    Past::of(connection, facility, before)?.rows(&decisions(connection, facility)?)
}

/// Every box of a facility as the runs before a moment saw it, and what of it is open to the outside.
pub(super) fn states_at(
    connection: &Connection,
    facility: Option<&str>,
    before: Moment,
) -> rusqlite::Result<Vec<State>> {
    let past = Past::of(connection, facility, before)?;
    let decisions = decisions(connection, facility)?;
    let groups = groups(past.rows(&decisions)?, &decisions, &past)?;
    let claims: Vec<Claims> = groups.iter().map(|group| group.claims.clone()).collect();
    let mut owners = join::owners(&claims);
    for (group, owner) in groups.iter().zip(&mut owners) {
        let is_another = |(owner, _): &(usize, Proof)| {
            groups.get(*owner).is_some_and(|owner| group.decided(owner, &decisions) == Some(false))
        };
        if owner.as_ref().is_some_and(is_another) {
            *owner = None;
        }
    }
    let mut outside: BTreeMap<usize, Vec<(&Group, &Proof)>> = BTreeMap::new();
    for (group, owner) in groups.iter().zip(&owners) {
        if let Some((owner, proof)) = owner {
            outside.entry(*owner).or_default().push((group, proof));
        }
    }
    let mut states: Vec<State> = groups
        .iter()
        .zip(&owners)
        .enumerate()
        .filter(|(_, (_, owner))| owner.is_none())
        .filter_map(|(place, (group, _))| {
            past.state(group, outside.get(&place).map(Vec::as_slice).unwrap_or_default())
        })
        .collect();
    let asked = past.asked()?;
    let asked: Vec<&[Inquiry]> = asked.iter().map(Vec::as_slice).collect();
    for state in &mut states {
        restriction::restrict(&mut state.point, &asked);
    }
    part_names(&mut states);
    Ok(states)
}

/// Sees to it that no two boxes are called alike: the one that was seen first keeps the name.
fn part_names(states: &mut [State]) {
    let mut taken = BTreeSet::new();
    for state in states {
        let name = free(&state.point.id, |name| taken.contains(name));
        taken.insert(name.clone());
        state.point.id = name;
    }
}

/// `name`, or with the first number behind it that makes it nobody else's.
pub(super) fn free(name: &str, taken: impl Fn(&str) -> bool) -> String {
    let numbered = (2_u64..).map(|number| format!("{name}-{number}"));
    let mut all = std::iter::once(name.to_owned()).chain(numbered);
    all.find(|name| !taken(name)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(own: &str) -> Trace {
        let from = BTreeSet::from([Vantage::default()]);
        Trace { own: own.into(), from, first: 0, last: 0, claims: Claims::default() }
    }

    /// The names of each part of a row `a` that was called `a`, `b` and `c`.
    fn parts(apart: &[(&str, &str)]) -> Vec<(Vec<String>, bool)> {
        let apart = apart.iter().map(|(one, other)| ((*one).into(), (*other).into())).collect();
        let decisions = Decisions { apart, ..Decisions::default() };
        let names = |traces: Vec<Trace>| traces.into_iter().map(|trace| trace.own).collect();
        let parts = parted("a", ["a", "b", "c"].map(trace).into(), &decisions);
        parts.into_iter().map(|(traces, is_part)| (names(traces), is_part)).collect()
    }

    #[test]
    fn a_row_is_two_boxes_when_people_say_so_and_its_own_name_stays_where_it_was() {
        let part = |names: &[&str], is_part| {
            (names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>(), is_part)
        };
        let whole = [part(&["a", "b", "c"], false)];
        assert_eq!(parts(&[]), whole);
        assert_eq!(parts(&[("a", "x"), ("y", "b"), ("a", "a")]), whole);
        let two = [part(&["a", "c"], false), part(&["b"], true)];
        assert_eq!(parts(&[("a", "b")]), two);
        assert_eq!(parts(&[("b", "a")]), two);
        let three = [part(&["a"], false), part(&["b"], true), part(&["c"], true)];
        assert_eq!(parts(&[("a", "b"), ("b", "c")]), three);
    }

    #[test]
    fn a_name_that_is_taken_gets_a_number() {
        assert_eq!(free("p1", |_| false), "p1");
        assert_eq!(free("p1", |name| ["p1", "p1-2"].contains(&name)), "p1-3");
    }
}
