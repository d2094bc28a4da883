//! What is known of each box at a moment: of each vantage the last that was seen of it, and rows that are one box as one
//! point. Nothing of it is written down: what later runs show changes it, and the order in which runs were read does not.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use rusqlite::{Connection, params};

use super::{
    decision::{Decisions, decisions},
    store::{SIGHTING, rows, sighting, unjson},
};
use crate::correlate::{
    Inquiry, Point, Vantage,
    join::{self, Claims, Proof},
    restriction,
};

/// Before what moment: when the first and the last packet of a run passed, and the run's number.
pub(super) type Moment = (i64, i64, i64);

/// After every run.
pub(super) const EVER: Moment = (i64::MAX, i64::MAX, i64::MAX);

/// A box, as it is known at a moment.
#[derive(Debug, Clone)]
pub(super) struct State {
    /// Its rows.
    pub rows: BTreeSet<i64>,
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
    /// From each vantage the last that was seen of it, together.
    pub point: Point,
    /// The runs that saw it, by their places among all.
    seen: BTreeMap<u64, Seen>,
    claims: Claims,
}

/// That a run saw a row.
#[derive(Debug)]
struct Seen {
    number: i64,
    run: String,
    own: String,
    from: BTreeSet<Vantage>,
}

/// Rows that are one box, all seen from inside or all from outside alone.
struct Group {
    rows: Vec<Known>,
    point: Point,
    claims: Claims,
    /// The last run that saw any of them.
    last: Option<u64>,
}

impl State {
    /// A point as one run saw it.
    pub(super) fn of_run(row: i64, run: &str, point: Point) -> Self {
        let (first, last) = (run.to_owned(), run.to_owned());
        let from = point.sides.seen_from.iter().map(|from| (from.clone(), last.clone()));
        let last_from = from.collect();
        let (rows, names) = (BTreeSet::from([row]), BTreeSet::from([point.id.clone()]));
        Self { rows, names, point, first, last, last_from }
    }

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
    pub(super) fn has_any(&self, rows: &BTreeSet<i64>) -> bool {
        !self.rows.is_disjoint(rows)
    }
}

impl Known {
    /// Whether a hardware address shows that `point` is this box.
    pub(super) fn shares_hardware(&self, point: &Point) -> bool {
        if is_elsewhere(&self.point, point) {
            own_macs(&self.point).any(|mac| point.macs.contains(mac))
        } else {
            self.point.kind == point.kind && !self.point.macs.is_disjoint(&point.macs)
        }
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
        shared && if is_elsewhere(known, point) { !alike } else { known.kind == point.kind }
    }
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

/// Every row of a facility as the runs before a moment saw it, in the order of their numbers.
pub(super) fn rows_at(
    connection: &Connection,
    facility: Option<&str>,
    before: Moment,
) -> rusqlite::Result<Vec<Known>> {
    let mut places: BTreeMap<i64, u64> = BTreeMap::new();
    let all = rows(
        connection,
        "SELECT s.point, p.id, r.number, r.id, s.own, json_extract(s.sides, '$.seen_from'),
           ifnull(json_extract(s.sides, '$.claims'), '[]'), ifnull(json_extract(s.sides, '$.faces'), '[]'),
           ifnull(json_extract(s.sides, '$.identities'), '[]')
         FROM sighting s JOIN point p ON p.number = s.point JOIN run r ON r.number = s.run
         WHERE p.facility IS ?1 AND (r.began, r.ended, r.number) < (?2, ?3, ?4)
         ORDER BY r.began, r.ended, r.number",
        params![facility, before.0, before.1, before.2],
        |row| {
            let (point, id, number): (i64, String, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let next = u64::try_from(places.len()).unwrap_or(u64::MAX);
            let place = *places.entry(number).or_insert(next);
            let own: String = row.get(4)?;
            let own = if own.is_empty() { id.clone() } else { own };
            let seen = Seen { number, run: row.get(3)?, own, from: unjson(row, 5)? };
            let claimed: [BTreeSet<IpAddr>; 2] = [unjson(row, 6)?, unjson(row, 7)?];
            let claims = Claims::told(claimed.into_iter().flatten(), unjson(row, 8)?, place);
            Ok((point, id, place, seen, claims))
        },
    )?;
    let mut known: BTreeMap<i64, (String, BTreeMap<u64, Seen>, Claims)> = BTreeMap::new();
    for (point, id, place, seen, claims) in all {
        let new = || (id, BTreeMap::new(), Claims::default());
        let (_, sightings, told) = known.entry(point).or_insert_with(new);
        told.absorb(claims);
        sightings.insert(place, seen);
    }
    let mut found = Vec::new();
    for (number, (id, seen, mut claims)) in known {
        let Some(point) = last_seen(connection, number, &seen, &mut claims)? else { continue };
        let own = seen.values().map(|one| one.own.clone()).collect();
        found.push(Known { number, id, own, point, seen, claims });
    }
    Ok(found)
}

/// What the last run from each vantage saw of a row, as one point; what was seen later counts more.
fn last_seen(
    connection: &Connection,
    number: i64,
    seen: &BTreeMap<u64, Seen>,
    claims: &mut Claims,
) -> rusqlite::Result<Option<Point>> {
    let mut last: BTreeMap<&Vantage, u64> = BTreeMap::new();
    for (place, one) in seen {
        last.extend(one.from.iter().map(|vantage| (vantage, *place)));
    }
    let mut parts: BTreeMap<u64, BTreeSet<Vantage>> = BTreeMap::new();
    for (vantage, place) in last {
        parts.entry(place).or_default().insert(vantage.clone());
    }
    let sql = format!(
        "SELECT {SIGHTING} FROM sighting s JOIN point p ON p.number = s.point
         JOIN run r ON r.number = s.run WHERE s.point = ?1 AND s.run = ?2"
    );
    let mut point: Option<Point> = None;
    for (place, vantages) in parts.iter().rev() {
        let Some(run) = seen.get(place).map(|one| one.number) else { continue };
        for read in rows(connection, &sql, [number, run], sighting)? {
            let part = read.point.narrowed(vantages);
            claims.absorb(Claims::of(&part, *place));
            point = Some(match point {
                Some(later) => join::merged(&later, &part, None),
                None => part,
            });
        }
    }
    Ok(point)
}

/// Every box of a facility as the runs before a moment saw it, and what of it is open to the outside.
pub(super) fn states_at(
    connection: &Connection,
    facility: Option<&str>,
    before: Moment,
) -> rusqlite::Result<Vec<State>> {
    let asked: Vec<Vec<Inquiry>> = rows(
        connection,
        "SELECT inquiries FROM run WHERE facility IS ?1 AND (began, ended, number) < (?2, ?3, ?4)
           AND inquiries <> '[]' ORDER BY began, ended, number",
        params![facility, before.0, before.1, before.2],
        |row| unjson(row, 0),
    )?;
    let asked: Vec<&[Inquiry]> = asked.iter().map(Vec::as_slice).collect();
    let decisions = decisions(connection, facility)?;
    let groups = groups(rows_at(connection, facility, before)?, &decisions);
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
            state(group, outside.get(&place).map(Vec::as_slice).unwrap_or_default())
        })
        .collect();
    for state in &mut states {
        restriction::restrict(&mut state.point, &asked);
    }
    part_names(&mut states);
    Ok(states)
}

/// Rows that show the same addresses, unless a run told them apart by seeing both; what people decided counts more.
fn groups(mut rows: Vec<Known>, decisions: &Decisions) -> Vec<Group> {
    rows.sort_by_key(|row| (row.seen.first_key_value().map(|(place, _)| *place), row.number));
    let mut groups: Vec<Group> = Vec::new();
    for row in rows {
        let mut group = Group::of(row);
        // The one it is may join others.
        let mut others = Vec::new();
        for known in groups {
            if known.is_one_with(&group, decisions) {
                group = known.with(group);
            } else {
                others.push(known);
            }
        }
        others.push(group);
        groups = others;
    }
    groups
}

impl Group {
    fn of(row: Known) -> Self {
        let last = row.seen.last_key_value().map(|(place, _)| *place);
        Self { point: row.point.clone(), claims: row.claims.clone(), last, rows: vec![row] }
    }

    /// Whether people decided that both are one box, or are not.
    fn decided(&self, other: &Self, decisions: &Decisions) -> Option<bool> {
        decisions.are_one(&self.names(), &other.names())
    }

    /// Every name of its rows.
    fn names(&self) -> BTreeSet<&str> {
        self.rows.iter().flat_map(|row| row.own.iter().chain([&row.id])).map(|n| &**n).collect()
    }

    /// Whether rows of both show the same addresses, and no run saw both; or people say that they are one.
    fn is_one_with(&self, other: &Self, decisions: &Decisions) -> bool {
        if let Some(decided) = self.decided(other, decisions) {
            return decided;
        }
        let shares = |row: &Known, other: &Known| {
            let hidden = row.point.is_only_outside() || other.point.is_only_outside();
            !hidden && (row.shares_hardware(&other.point) || row.shares_address(&other.point))
        };
        let pairs =
            || self.rows.iter().flat_map(|row| other.rows.iter().map(move |one| (row, one)));
        let apart = |(row, other): (&Known, &Known)| {
            row.seen.keys().any(|place| other.seen.contains_key(place))
        };
        pairs().any(|(row, other)| shares(row, other)) && !pairs().any(apart)
    }

    /// All that is known of both; what was seen later counts more.
    fn with(mut self, other: Self) -> Self {
        self.point = if other.last > self.last {
            join::merged(&other.point, &self.point, None)
        } else {
            join::merged(&self.point, &other.point, None)
        };
        self.claims.absorb(other.claims);
        self.last = self.last.max(other.last);
        self.rows.extend(other.rows);
        self
    }

    /// The runs that saw any of its rows, the earliest first.
    fn seen(&self) -> impl Iterator<Item = (&u64, &Seen)> {
        self.rows.iter().flat_map(|row| &row.seen)
    }
}

/// A box with what was seen of it from outside. It is called what the first run called it that saw it inside, or else
/// the first of all.
fn state(group: &Group, outside: &[(&Group, &Proof)]) -> Option<State> {
    let inside = |seen: &Seen| seen.from.iter().any(|vantage| !vantage.is_outside());
    let (_, first) = group.seen().min_by_key(|(place, seen)| (!inside(seen), *place))?;
    let mut point = group.point.clone();
    for (other, proof) in outside {
        point = join::merged(&point, &other.point, Some(proof));
    }
    point.id.clone_from(&first.own);
    let all = || std::iter::once(group).chain(outside.iter().map(|(group, _)| *group));
    let rows = || all().flat_map(|group| &group.rows);
    let seen = || all().flat_map(Group::seen);
    let mut last_from: BTreeMap<Vantage, (u64, String)> = BTreeMap::new();
    for (place, one) in seen() {
        for vantage in &one.from {
            let known = last_from.entry(vantage.clone()).or_default();
            if known.1.is_empty() || known.0 <= *place {
                *known = (*place, one.run.clone());
            }
        }
    }
    Some(State {
        rows: rows().map(|row| row.number).collect(),
        names: rows().flat_map(|row| row.own.iter().chain([&row.id])).cloned().collect(),
        point,
        first: seen().min_by_key(|(place, _)| **place)?.1.run.clone(),
        last: seen().max_by_key(|(place, _)| **place)?.1.run.clone(),
        last_from: last_from.into_iter().map(|(from, (_, run))| (from, run)).collect(),
    })
}

/// Sees to it that no two boxes are called alike.
fn part_names(states: &mut [State]) {
    let mut taken = BTreeSet::new();
    for state in states {
        let name = state.point.id.clone();
        let names = [name.clone()].into_iter().chain(state.names.iter().cloned());
        let numbered = (2_u64..).map(|number| format!("{name}-{number}"));
        if let Some(free) = names.chain(numbered).find(|name| !taken.contains(name)) {
            taken.insert(free.clone());
            state.point.id = free;
        }
    }
}
