//! A point as one run saw it, in the file: what it looked like is kept once, and apart from the packets that show it.

use std::{collections::BTreeSet, net::IpAddr};

use rusqlite::{CachedStatement, Connection, params};
use serde::{Deserialize, Serialize};

use super::{
    citation::{shortened, whole},
    column::{json, unjson},
    content::Keeper,
};
use crate::{
    correlate::{
        Access, Because, Direction, Grade, Kind, Line, Point, Product, Restriction, Seen, Service,
        Sides, Vantage,
    },
    observe::Mac,
    time::Timestamp,
};

/// What a sighting is read from; the order [`read`] expects.
pub(super) const SIGHTING: &str = "p.number, ifnull(nullif(s.own, ''), p.id), p.id, r.id, r.began, s.confidence, \
     l.body, c.body, b.body, s.packets";

/// Where [`SIGHTING`] stands.
pub(super) const TABLES: &str = "run r JOIN sighting s ON s.run = r.number JOIN point p ON p.number = s.point \
     JOIN content l ON l.number = s.look JOIN content c ON c.number = s.claims \
     JOIN content b ON b.number = s.because";

/// A row of the inventory under one of the names that runs gave it: its number, and that name.
pub(super) type Row = (i64, String);

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

/// What a point looked like. What changes every night is not part of it.
#[derive(Serialize, Deserialize)]
struct Look {
    kind: Kind,
    grade: Grade,
    direction: Direction,
    addresses: BTreeSet<IpAddr>,
    macs: BTreeSet<Mac>,
    outside: BTreeSet<IpAddr>,
    services: BTreeSet<Service>,
    product: Option<Product>,
    names: BTreeSet<String>,
    lines: Vec<Line>,
    seen: Vec<Seen>,
    restriction: Vec<Restriction>,
    // Kept since later than the rest.
    #[serde(default)]
    access: Vec<Access>,
}

/// From where a point was seen, and what tells whose it is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Claimed {
    /// From where it was seen.
    pub seen_from: BTreeSet<Vantage>,
    /// Addresses outside that it was seen to have.
    pub claims: BTreeSet<IpAddr>,
    /// Its addresses that answered outside.
    pub faces: BTreeSet<IpAddr>,
    /// What it alone tells.
    pub identities: BTreeSet<String>,
}

/// Writes sightings.
pub(super) struct Writer<'a> {
    sighting: CachedStatement<'a>,
}

impl<'a> Writer<'a> {
    /// Writes to the file of `connection`.
    pub(super) fn new(connection: &'a Connection) -> rusqlite::Result<Self> {
        let sighting = connection.prepare_cached(
            "INSERT INTO sighting (run, place, point, own, confidence, look, claims, because, packets)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?;
        Ok(Self { sighting })
    }

    /// Writes that a run saw `point` in its `place`: the row with this number, which is called `id`.
    pub(super) fn write(
        &mut self,
        keeper: &mut Keeper<'_>,
        (run, place): (i64, i64),
        (number, id): (i64, &str),
        point: &Point,
    ) -> rusqlite::Result<()> {
        let own = if point.id == id { "" } else { &point.id };
        let packets: Vec<&str> =
            reasons(&point.because, &point.lines).map(|why| &*why.observation).collect();
        let packets = json(&shortened(packets))?;
        let (confidence, look, claims, because) = taken_apart(point.clone());
        let confidence = if confidence.is_finite() { confidence } else { 0.0 };
        self.sighting.execute(params![
            run,
            place,
            number,
            own,
            confidence,
            keeper.keep(&look)?,
            keeper.keep(&claims)?,
            keeper.keep(&because)?,
            packets
        ])?;
        Ok(())
    }
}

/// A point's parts as they are kept, without packets.
fn taken_apart(mut point: Point) -> (f64, Look, Claimed, Vec<Because>) {
    for why in reasons_mut(&mut point.because, &mut point.lines) {
        why.observation.clear();
    }
    let Point {
        id: _,
        kind,
        grade,
        confidence,
        direction,
        addresses,
        macs,
        outside,
        services,
        product,
        names,
        lines,
        because,
        sides,
    } = point;
    let Sides { seen_from, services: seen, faces, claims, identities, restriction, access } = sides;
    let look = Look {
        kind,
        grade,
        direction,
        addresses,
        macs,
        outside,
        services,
        product,
        names,
        lines,
        seen,
        restriction,
        access,
    };
    (confidence, look, Claimed { seen_from, claims, faces, identities }, because)
}

/// Reads a sighting from the columns [`SIGHTING`] names, with the row that it is of.
pub(super) fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<(Row, Sighting)> {
    let Look {
        kind,
        grade,
        direction,
        addresses,
        macs,
        outside,
        services,
        product,
        names,
        mut lines,
        seen,
        restriction,
        access,
    } = unjson(row, 6)?;
    let Claimed { seen_from, claims, faces, identities } = unjson(row, 7)?;
    let mut because: Vec<Because> = unjson(row, 8)?;
    let cited = whole(unjson(row, 9)?);
    for (why, packet) in reasons_mut(&mut because, &mut lines).zip(cited) {
        why.observation = packet;
    }
    let point = Point {
        id: row.get(2)?,
        kind,
        grade,
        confidence: row.get(5)?,
        direction,
        addresses,
        macs,
        outside,
        services,
        product,
        names,
        lines,
        because,
        sides: Sides { seen_from, services: seen, faces, claims, identities, restriction, access },
    };
    let began = Timestamp::from_nanoseconds(row.get(4)?);
    Ok(((row.get(0)?, row.get(1)?), Sighting { run: row.get(3)?, began, point }))
}

/// All that cites a packet, in the order in which packets are kept.
fn reasons<'a>(because: &'a [Because], lines: &'a [Line]) -> impl Iterator<Item = &'a Because> {
    because.iter().chain(lines.iter().flat_map(|line| &line.because))
}

/// The same, to be changed.
fn reasons_mut<'a>(
    because: &'a mut [Because],
    lines: &'a mut [Line],
) -> impl Iterator<Item = &'a mut Because> {
    because.iter_mut().chain(lines.iter_mut().flat_map(|line| &mut line.because))
}
