//! Registers that were loaded: the last one of a facility counts, and none is ever taken away.

use rusqlite::params;
use serde::Serialize;

use super::{
    Error, Noted, Result, Store,
    column::unjson,
    decision::{Decided, Fault},
    digest as digests,
    log::{self, Note},
};
use crate::{
    import::{Entry, Register},
    time::Timestamp,
};

/// A register that was loaded, in a few words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LoadedRegister {
    /// The facility it is of; none where runs do not say.
    pub facility: Option<String>,
    /// Its files, without their folders.
    pub name: String,
    /// When it was loaded.
    pub loaded: Timestamp,
    /// Who loaded it.
    pub by: String,
    /// SHA-256 of its files, one after another, in hexadecimal.
    pub digest: String,
    /// How many lines it has.
    pub lines: u64,
    /// Whether it is the last of its facility, which counts.
    pub counts: bool,
}

impl Store {
    /// Keeps a register as that of a facility: the one of this name, or the only one that there is. In an inventory without
    /// runs any name will do: registers come before the first run. Tells the facility.
    pub fn load_register(
        &mut self,
        facility: Option<&str>,
        register: &Register,
        digest: &str,
        by: &str,
    ) -> Result<Option<String>> {
        let facility = if self.all_facilities(None)?.is_empty() {
            facility.map(str::to_owned)
        } else {
            self.only_facility(facility)?
        };
        self.keep_register(facility.as_deref(), register, digest, by)?;
        Ok(facility)
    }

    /// Keeps a register as that of a facility, whether or not a run was made there.
    pub fn keep_register(
        &mut self,
        facility: Option<&str>,
        register: &Register,
        digest: &str,
        by: &str,
    ) -> Result<()> {
        Decided { by, at: register.loaded, reason: "register" }.check()?;
        let entries = super::column::json(&register.entries)
            .map_err(|error| super::file::explain(self.path(), error))?;
        let lines = i64::try_from(register.entries.len()).unwrap_or(i64::MAX);
        self.writing(|transaction| {
            transaction.execute(
                "INSERT INTO register (facility, name, loaded, who, digest, lines, entries)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![
                    facility,
                    register.name,
                    register.loaded.nanoseconds(),
                    by.trim(),
                    digest,
                    lines,
                    entries
                ],
            )?;
            let number = transaction.last_insert_rowid();
            let kept = digests::of_register(transaction, number)?;
            log::note(
                transaction,
                &Note {
                    kind: Noted::Register,
                    by: by.trim(),
                    at: register.loaded,
                    facility,
                    subject: &register.name,
                    content: serde_json::json!({
                        "digest": kept, "files": digest, "lines": lines, "number": number,
                    }),
                },
            )?;
            Ok(())
        })
    }

    /// The register of a facility that was loaded last. One that was loaded before any run named a facility counts where
    /// there is only one: of two, nobody knows whose it is.
    pub fn register(&self, facility: Option<&str>) -> Result<Option<Register>> {
        let mut found = self.rows(
            "SELECT name, loaded, entries FROM register WHERE facility IS ?1 OR (facility IS NULL
               AND (SELECT count(*) FROM (SELECT facility FROM run UNION SELECT facility FROM declared)) < 2)
             ORDER BY facility IS ?1 DESC, number DESC LIMIT 1",
            [facility],
            |row| {
                Ok(Register {
                    name: row.get(0)?,
                    loaded: Timestamp::from_nanoseconds(row.get(1)?),
                    entries: unjson::<Vec<Entry>>(row, 2)?,
                })
            },
        )?;
        Ok(found.pop())
    }

    /// Every register that was loaded, for one facility or all, the earliest first.
    pub fn registers(&self, facility: Option<&str>) -> Result<Vec<LoadedRegister>> {
        self.rows(
            "SELECT facility, name, loaded, who, digest, lines,
               number = max(number) OVER (PARTITION BY facility)
             FROM register WHERE ?1 IS NULL OR facility IS ?1 ORDER BY number",
            [facility],
            |row| {
                Ok(LoadedRegister {
                    facility: row.get(0)?,
                    name: row.get(1)?,
                    loaded: Timestamp::from_nanoseconds(row.get(2)?),
                    by: row.get(3)?,
                    digest: row.get(4)?,
                    lines: row.get::<_, i64>(5)?.cast_unsigned(),
                    counts: row.get(6)?,
                })
            },
        )
    }

    /// The facility of this name, which must be one that runs were made at where any was; or the only one.
    fn only_facility(&self, facility: Option<&str>) -> Result<Option<String>> {
        let known: Vec<Option<String>> =
            self.rows("SELECT DISTINCT facility FROM run ORDER BY 1", [], |row| row.get(0))?;
        let names: Vec<String> = known.iter().flatten().cloned().collect();
        match (facility, known.as_slice()) {
            (Some(name), _) if names.is_empty() || names.iter().any(|known| known == name) => {
                Ok(Some(name.to_owned()))
            }
            (Some(name), _) => Err(Error::NoSuchFacility { name: name.to_owned(), known: names }),
            (None, [only]) => Ok(only.clone()),
            (None, []) => Ok(None),
            (None, _) => Err(Fault::WhichFacility { known: names }.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{import::Column, inventory::Run};

    fn register(name: &str, second: i64) -> Register {
        let mut entry = Entry { row: 2, ..Entry::default() };
        entry.written.insert(Column::Name, name.to_owned());
        entry.macs.insert("00:00:5e:00:53:01".parse().unwrap());
        Register { name: name.to_owned(), loaded: Timestamp::new(second, 0), entries: vec![entry] }
    }

    fn run(facility: &str) -> Run {
        serde_json::from_value(serde_json::json!({
            "id": format!("r-{facility}"), "facility": facility, "began": "2026-04-01T00:00:00Z",
            "ended": "2026-04-01T01:00:00Z", "inputs": [], "coverage": [], "points": [],
        }))
        .unwrap()
    }

    #[test]
    fn the_last_register_of_a_facility_counts_and_the_others_stay() {
        let desk = tempfile::tempdir().unwrap();
        let mut store = Store::open(desk.path().join("s.sqlite")).unwrap();
        assert_eq!(store.register(None).unwrap(), None);
        let (first, second) = (register("a.xlsx", 1), register("b.xlsx", 2));
        assert_eq!(store.load_register(None, &first, "aa", "inspector").unwrap(), None);
        store.load_register(None, &second, "bb", "inspector").unwrap();
        assert_eq!(store.register(None).unwrap(), Some(second.clone()));
        // Loaded before any run said whose it is.
        assert_eq!(store.register(Some("関所記念病院")).unwrap(), Some(second));
        let kept = store.registers(None).unwrap();
        let told: Vec<(&str, bool)> =
            kept.iter().map(|kept| (kept.name.as_str(), kept.counts)).collect();
        assert_eq!(told, [("a.xlsx", false), ("b.xlsx", true)]);
        assert!(store.connection.execute("DELETE FROM register", []).is_err());
        assert!(store.connection.execute("UPDATE register SET name = 'x'", []).is_err());
    }

    #[test]
    fn a_register_belongs_to_a_facility_that_is_known() {
        let desk = tempfile::tempdir().unwrap();
        let mut store = Store::open(desk.path().join("s.sqlite")).unwrap();
        store.absorb(&run("north")).unwrap();
        let only = store.load_register(None, &register("a.csv", 1), "aa", "inspector").unwrap();
        assert_eq!(only.as_deref(), Some("north"));
        store.absorb(&run("south")).unwrap();
        let refused =
            store.load_register(None, &register("b.csv", 2), "bb", "inspector").unwrap_err();
        assert!(refused.to_string().contains("north, south"), "{refused}");
        let refused =
            store.load_register(Some("west"), &register("b.csv", 2), "bb", "i").unwrap_err();
        assert!(refused.to_string().contains("`west`"), "{refused}");
        assert!(store.load_register(Some("south"), &register("b.csv", 2), "bb", " ").is_err());
        store.load_register(Some("south"), &register("b.csv", 2), "bb", "inspector").unwrap();
        assert_eq!(store.register(Some("north")).unwrap().unwrap().name, "a.csv");
        assert_eq!(store.register(Some("south")).unwrap().unwrap().name, "b.csv");
        assert_eq!(store.register(None).unwrap(), None);
    }
}
