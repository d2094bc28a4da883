//! Boxes that no signature named, in the store: what is said alike is kept once, and nothing is deleted.

use std::collections::BTreeMap;

use rusqlite::{Row, Transaction, params};
use sha2::{Digest as _, Sha256};

use super::{
    Error, Result, Run, Store,
    citation::{shortened, whole},
    column::{json, unjson},
};
use crate::{
    correlate::{Said, Unrecognised},
    observe::{self, Transport},
    time::Timestamp,
};

/// What a box is read from; the order [`read`] expects.
const BOX: &str = "u.id, u.addresses, u.macs, u.why, s.said, u.packets";

/// A fact without its packet, as it is kept.
type Fact = (String, Transport, Option<u16>, String, String);

/// A box that no signature named, as it was last seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownBox {
    /// The facility it stands in.
    pub facility: Option<String>,
    /// The run that saw it last.
    pub run: String,
    /// When that run's first packet was heard.
    pub began: Timestamp,
    /// The box.
    pub known: Unrecognised,
}

impl Store {
    /// The box of `facility`, or of any, that no signature named and that is named `id`, or the only one whose name
    /// begins so, as it was last seen.
    pub fn unrecognised(&self, id: &str, facility: Option<&str>) -> Result<KnownBox> {
        match self.unrecognised_named(id, facility) {
            Err(Error::NoSuchBox { path, id }) => {
                // A box that makes a point is called as that is, whatever it was called before.
                let states = self.named(&id, facility)?;
                let mut names = states.iter().flat_map(|(_, state)| &state.names);
                let found = names.find_map(|name| self.unrecognised_named(name, facility).ok());
                found.ok_or(Error::NoSuchBox { path, id })
            }
            found => found,
        }
    }

    fn unrecognised_named(&self, id: &str, facility: Option<&str>) -> Result<KnownBox> {
        let sql = format!(
            "WITH named AS (
               SELECT u.run, u.place, row_number() OVER (
                 PARTITION BY u.id, r.facility ORDER BY r.began DESC, r.ended DESC, r.number DESC) AS past
               FROM unrecognised u JOIN run r ON r.number = u.run
               WHERE substr(u.id, 1, length(?1)) = ?1 AND (?2 OR r.facility IS ?3))
             SELECT {BOX}, r.facility, r.id, r.began FROM named n
             JOIN unrecognised u ON u.run = n.run AND u.place = n.place
             JOIN saying s ON s.number = u.saying JOIN run r ON r.number = u.run WHERE n.past = 1"
        );
        let meant = self.all_facilities(facility)?.pop().flatten();
        let seen = self.rows(&sql, params![id, facility.is_none(), meant], |row| {
            Ok(KnownBox {
                facility: row.get(6)?,
                run: row.get(7)?,
                began: Timestamp::from_nanoseconds(row.get(8)?),
                known: read(row)?,
            })
        })?;
        let mut last: BTreeMap<(String, Option<String>), KnownBox> = seen
            .into_iter()
            .map(|one| ((one.known.id.clone(), one.facility.clone()), one))
            .collect();
        if last.keys().filter(|(name, _)| name == id).count() == 1 {
            last.retain(|(name, _), _| name == id);
        }
        let path = self.path().to_owned();
        let Some((_, one)) = last.pop_first() else {
            return Err(Error::NoSuchBox { path, id: id.to_owned() });
        };
        if last.is_empty() {
            return Ok(one);
        }
        let others = last.into_keys().chain([(one.known.id, one.facility)]);
        let mut candidates: Vec<String> = others
            .map(|(name, facility)| match facility {
                Some(facility) => format!("{name} ({facility})"),
                None => name,
            })
            .collect();
        candidates.sort();
        candidates.truncate(8);
        Err(Error::Ambiguous { path, id: id.to_owned(), candidates })
    }

    /// The names of every facility that a run was made at, or that a form was taken in for.
    pub fn facilities(&self) -> Result<Vec<String>> {
        self.rows(
            "SELECT facility FROM run WHERE facility IS NOT NULL
             UNION SELECT facility FROM declared WHERE facility IS NOT NULL ORDER BY facility",
            [],
            |row| row.get(0),
        )
    }

    /// The boxes that one run saw, in its order, those that make a point under the name that is kept of it.
    pub(super) fn boxes(
        &self,
        run: i64,
        kept: &BTreeMap<String, String>,
    ) -> Result<Vec<Unrecognised>> {
        let sql = format!(
            "SELECT {BOX} FROM unrecognised u JOIN saying s ON s.number = u.saying
             WHERE u.run = ?1 ORDER BY u.place"
        );
        let mut boxes = self.rows(&sql, [run], read)?;
        for one in &mut boxes {
            if let Some(name) = kept.get(&one.id) {
                one.id.clone_from(name);
            }
        }
        Ok(boxes)
    }
}

/// Writes the boxes of a run under the names that the points they make are kept under.
pub(super) fn insert(
    transaction: &Transaction<'_>,
    number: i64,
    run: &Run,
    kept: &BTreeMap<&str, String>,
) -> rusqlite::Result<()> {
    let mut saying =
        transaction.prepare("INSERT OR IGNORE INTO saying (digest, said) VALUES (?1, ?2)")?;
    let mut row = transaction.prepare(
        "INSERT INTO unrecognised VALUES (?1, ?2, ?3, ?4, ?5, ?6,
           (SELECT number FROM saying WHERE digest = ?7), ?8)",
    )?;
    for (place, one) in (0_i64..).zip(&run.unrecognised) {
        let facts: Vec<Fact> = one.said.iter().map(fact).collect();
        let said = json(&facts)?;
        let digest = Sha256::digest(said.as_bytes());
        let digest = observe::facts::hex(&digest);
        saying.execute(params![digest, said])?;
        row.execute(params![
            number,
            place,
            kept.get(&*one.id).unwrap_or(&one.id),
            json(&one.addresses)?,
            json(&one.macs)?,
            json(&one.why)?,
            digest,
            json(&shortened(one.said.iter().map(|said| &*said.observation)))?,
        ])?;
    }
    Ok(())
}

fn fact(said: &Said) -> Fact {
    let (protocol, field) = (said.protocol.clone(), said.field.clone());
    (protocol, said.transport, said.port, field, said.value.clone())
}

/// Reads a box from the columns [`BOX`] names.
fn read(row: &Row<'_>) -> rusqlite::Result<Unrecognised> {
    let facts: Vec<Fact> = unjson(row, 4)?;
    let packets = whole(unjson(row, 5)?);
    let said = facts.into_iter().zip(packets).map(|(fact, observation)| {
        let (protocol, transport, port, field, value) = fact;
        Said { protocol, transport, port, field, value, observation }
    });
    Ok(Unrecognised {
        said: said.collect(),
        id: row.get(0)?,
        addresses: unjson(row, 1)?,
        macs: unjson(row, 2)?,
        why: unjson(row, 3)?,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::correlate::Reason;

    fn said(field: &str, value: &str, observation: &str) -> Said {
        Said {
            protocol: "http".into(),
            transport: Transport::Tcp,
            port: Some(80),
            field: field.into(),
            value: value.into(),
            observation: observation.into(),
        }
    }

    fn unknown(id: &str, packet: &str) -> Unrecognised {
        Unrecognised {
            id: id.into(),
            addresses: BTreeSet::from(["192.0.2.9".parse().unwrap()]),
            macs: BTreeSet::from(["00:00:5e:00:53:09".parse().unwrap()]),
            why: BTreeSet::from([Reason::LoginPage]),
            said: vec![
                said("http.title", "EdgeGate X20 関所 <b>\u{202e}", &format!("a.pcap#{packet}")),
                said("http.header.server", "EdgeHTTP", "a.pcap#8"),
                said("http.status", "200", "b#c.pcap#9"),
                said("http.version", "1.1", "b#c.pcap#10"),
            ],
        }
    }

    fn run(id: &str, began: i64, unrecognised: Vec<Unrecognised>) -> Run {
        Run {
            id: id.into(),
            facility: Some("関所記念病院".into()),
            began: Timestamp::new(began, 0),
            ended: Timestamp::new(began + 60, 1),
            inputs: Vec::new(),
            coverage: Vec::new(),
            points: Vec::new(),
            unrecognised,
            hosts: Vec::new(),
            vantages: crate::correlate::Sides::default().seen_from,
            inquiries: Vec::new(),
        }
    }

    #[test]
    fn what_a_box_said_comes_back_as_it_went_in() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.sqlite");
        let run = run("r1", 100, vec![unknown("p0000000a", "7"), unknown("p0000000b", "70")]);
        Store::open(&path).unwrap().absorb(&run).unwrap();
        let store = Store::open_read(&path).unwrap();
        assert_eq!(store.run("r1").unwrap(), run);
        assert_eq!(store.facilities().unwrap(), ["関所記念病院"]);
        assert!(matches!(store.unrecognised("p", None), Err(Error::Ambiguous { .. })));
        assert!(matches!(store.unrecognised("q", None), Err(Error::NoSuchBox { .. })));
        assert!(matches!(store.unrecognised("p", Some("x")), Err(Error::NoSuchFacility { .. })));
        assert_eq!(store.unrecognised("p0000000b", None).unwrap().known, run.unrecognised[1]);
    }

    #[test]
    fn the_last_that_a_box_said_counts_and_an_older_run_read_later_is_still_older() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path().join("store.sqlite")).unwrap();
        let mut later = unknown("p0000000a", "7");
        later.said[0].value = "EdgeGate X21".into();
        store.absorb(&run("r2", 200, vec![later.clone()])).unwrap();
        store.absorb(&run("r1", 100, vec![unknown("p0000000a", "7")])).unwrap();
        let found = store.unrecognised("p0", None).unwrap();
        assert_eq!((found.run.as_str(), found.known), ("r2", later));
    }

    #[test]
    fn four_hundred_nights_of_the_same_boxes_are_a_small_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.sqlite");
        let mut store = Store::open(&path).unwrap();
        for night in 0..400 {
            let boxes = (0..10).map(|n| {
                let mut one = unknown(&format!("p{n:08x}"), &night.to_string());
                let text = "x".repeat(900);
                one.said.extend(
                    (0..10).map(|n| said("telnet.banner", &format!("{n}{text}"), "a.pcap#11")),
                );
                one
            });
            store.absorb(&run(&format!("r{night}"), 86_400 * night, boxes.collect())).unwrap();
        }
        drop(store);
        let bytes = std::fs::metadata(&path).unwrap().len();
        assert!(bytes < 4 << 20, "{bytes} bytes");
    }
}
