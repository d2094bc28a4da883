//! What filled-in forms say, kept apart from runs: no run sees a telephone line, so none misses it.
//!
//! An entry says something of a point that was found, or makes a point of its own. When a run sees the box of a declared
//! line, both are one point: it keeps the name under which it was declared, and what was written, and has the kind and the
//! grade of what was seen.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, Row, Transaction, TransactionBehavior, params};

use super::{
    Error, Memory, Result, Review, ReviewState, Store,
    column::{json, rows, unjson},
    digest,
    file::explain,
    log::{self, Note, Noted},
    state::{EVER, State, states_at},
};
use crate::{
    correlate::{Kind, declared as correlated},
    import::{
        Column, Entry,
        declared::{Declared, Form, is_withdrawn},
    },
    time::Timestamp,
};

/// An entry as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The point that it is about; none where a vendor says something of all that it looks after.
    pub point: Option<String>,
    /// It makes the point, rather than saying something of one that was found.
    pub makes: bool,
    /// What is written.
    pub entry: Entry,
    /// Where: file, sheet and row.
    pub cited: String,
    /// Who took it in.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// What came of one line of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Where it stands.
    pub cited: String,
    /// The point that it is about; none where a vendor says something of all that it looks after.
    pub point: Option<String>,
    /// What that point is.
    pub kind: Option<Kind>,
    /// What was done with it.
    pub what: What,
}

/// What is done with a line of a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// It makes a point.
    Makes,
    /// It says something of a point that was found.
    Adds,
    /// It says something new of a line that was declared before.
    Renews,
    /// It says that a point was taken away.
    Withdraws,
    /// A vendor says something of all that it looks after.
    Answers,
    /// It says what is known already.
    Same,
}

impl What {
    /// Everything that may be done.
    pub const ALL: [Self; 6] =
        [Self::Makes, Self::Adds, Self::Renews, Self::Withdraws, Self::Answers, Self::Same];

    /// The name in the word lists (section `line_taken`).
    pub const fn name(self) -> &'static str {
        match self {
            Self::Makes => "makes",
            Self::Adds => "adds",
            Self::Renews => "renews",
            Self::Withdraws => "withdraws",
            Self::Answers => "answers",
            Self::Same => "same",
        }
    }
}

impl Store {
    /// Takes forms into the inventory of `facility`, all of them or, where one line cannot be taken, none; and says for
    /// each line what was done. `by` is who takes them in, and `at` when. With `try_only` nothing is written.
    pub fn declare(
        &mut self,
        facility: Option<&str>,
        forms: &[Form],
        by: &str,
        at: Timestamp,
        try_only: bool,
    ) -> Result<Vec<Taken>> {
        let path = self.path.clone();
        let failed = |error| explain(&path, error);
        if try_only {
            let plan = plan(&self.connection, facility, forms).map_err(failed)??;
            return Ok(plan.into_iter().map(|line| line.taken).collect());
        }
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed)?;
        let plan = plan(&transaction, facility, forms).map_err(failed)??;
        write(&transaction, facility, &plan, by, at).map_err(failed)?;
        transaction.commit().map_err(failed)?;
        Ok(plan.into_iter().map(|line| line.taken).collect())
    }

    /// What is declared of each point of `facility`, and what each vendor said, in the order of their last entries.
    pub fn declared(&self, facility: Option<&str>) -> Result<Vec<Kept>> {
        kept(&self.connection, facility).map_err(|error| explain(&self.path, error))
    }
}

/// A line that will be taken in.
struct Planned<'a> {
    line: &'a Declared,
    file: &'a str,
    makes: bool,
    taken: Taken,
}

/// What is to be done with each line of `forms`; the inner error where one cannot be taken.
fn plan<'a>(
    connection: &Connection,
    facility: Option<&str>,
    forms: &'a [Form],
) -> rusqlite::Result<Result<Vec<Planned<'a>>>> {
    let mut kept = kept(connection, facility)?;
    let seen = states_at(connection, facility, EVER)?;
    let mut planned: Vec<Planned<'a>> = Vec::new();
    for form in forms {
        // What an earlier form says is known to a later one.
        let mut states = seen.clone();
        join(&mut states, &kept);
        let before = planned.len();
        let mut places: BTreeMap<Subject, usize> = BTreeMap::new();
        let vendor = form.vendor.iter().map(|line| (line, true));
        for (line, is_vendor) in form.lines.iter().map(|line| (line, false)).chain(vendor) {
            let (subject, makes, kind) = if is_vendor {
                (subject(None, &line.entry), false, None)
            } else {
                match about(line, &states, &kept, facility) {
                    Ok((point, makes, kind)) => {
                        (subject(Some(&point), &line.entry), makes, Some(kind))
                    }
                    Err(error) => return Ok(Err(error)),
                }
            };
            // The same said twice in one form is one; two things said of one line cannot both be.
            if let Some(first) = places.get(&subject).and_then(|first| planned.get(*first)) {
                if says_the_same(&first.line.entry, &line.entry) {
                    continue;
                }
                return Ok(Err(Error::DeclaredTwice {
                    first: first.line.cited.clone(),
                    second: line.cited.clone(),
                }));
            }
            let known = kept.iter().find(|kept| kept.subject() == subject);
            let what = match known {
                Some(known) if adds_nothing(&known.entry, &line.entry) => What::Same,
                _ if is_vendor => What::Answers,
                _ if is_withdrawn(&line.entry) => What::Withdraws,
                Some(_) => What::Renews,
                None if makes => What::Makes,
                None => What::Adds,
            };
            let point = subject.0.clone();
            places.insert(subject, planned.len());
            let taken = Taken { cited: line.cited.clone(), point, kind, what };
            planned.push(Planned { line, file: &form.name, makes, taken });
        }
        for line in planned.iter().skip(before) {
            absorb(
                &mut kept,
                Kept {
                    point: line.taken.point.clone(),
                    makes: line.makes,
                    entry: line.line.entry.clone(),
                    cited: line.line.cited.clone(),
                    by: String::new(),
                    at: Timestamp::default(),
                },
            );
        }
    }
    Ok(Ok(planned))
}

/// The point that a line is about, whether the line makes it, and what it is.
fn about(
    line: &Declared,
    states: &[State],
    kept: &[Kept],
    facility: Option<&str>,
) -> Result<(String, bool, Kind)> {
    let made: BTreeSet<&str> =
        kept.iter().filter(|kept| kept.makes).filter_map(|kept| kept.point.as_deref()).collect();
    let of = |state: &State| {
        let id = &state.point.id;
        // A declared line keeps its own name, whatever it turned out to be.
        let own = state.names.iter().find(|name| made.contains(name.as_str()));
        (own.unwrap_or(id).clone(), own.is_some(), state.point.kind)
    };
    if let Some(id) = line.entry.get(Column::Point) {
        let named = |state: &&State| state.point.id == id || state.names.contains(id);
        let by_id = states.iter().find(|state| state.point.id == id);
        return by_id.or_else(|| states.iter().find(named)).map(of).ok_or_else(|| {
            Error::NoSuchDeclared {
                cited: line.cited.clone(),
                id: id.to_owned(),
                facility: facility.unwrap_or("-").to_owned(),
            }
        });
    }
    let cited = line.cited.clone();
    let point = correlated::point(&line.entry, &cited).ok_or(Error::Nameless { cited })?;
    // A line that was declared before is known by its number, too, when it gets an address.
    let before =
        kept.iter().find(|kept| kept.makes && correlated::is_same(&kept.entry, &line.entry));
    if let Some(name) = before.and_then(|kept| kept.point.clone()) {
        return Ok((name, true, point.kind));
    }
    let state = states.iter().find(|state| state.names.contains(&point.id));
    let state = state.or_else(|| seen(&line.entry, point.kind, states));
    Ok(state.map_or((point.id, true, point.kind), of))
}

/// The state of a box that was seen and is that of an entry; of the same kind, where one is.
fn seen<'a>(entry: &Entry, kind: Kind, states: &'a [State]) -> Option<&'a State> {
    let is_it = |state: &&State| !state.rows.is_empty() && correlated::is_of(entry, &state.point);
    states.iter().filter(is_it).min_by_key(|state| (state.point.kind != kind, &state.point.id))
}

/// Whether two entries say the same, wherever they stand.
fn says_the_same(one: &Entry, other: &Entry) -> bool {
    let written = |entry: &Entry| {
        let mut written = entry.written.clone();
        // It says where the answer belongs, and is no answer.
        written.remove(&Column::Point);
        written
    };
    let sets = |entry: &Entry| (entry.addresses.clone(), entry.macs.clone(), entry.outside.clone());
    written(one) == written(other) && sets(one) == sets(other)
}

/// Whether an entry says nothing beyond what was declared before.
fn adds_nothing(before: &Entry, entry: &Entry) -> bool {
    says_the_same(&laid_over(before.clone(), entry), before)
}

/// What an entry is about: a point, or all that a vendor looks after.
type Subject = (Option<String>, String);

impl Kept {
    fn subject(&self) -> Subject {
        subject(self.point.as_deref(), &self.entry)
    }
}

fn subject(point: Option<&str>, entry: &Entry) -> Subject {
    match point {
        Some(point) => (Some(point.to_owned()), String::new()),
        None => (None, entry.get(Column::Partner).unwrap_or_default().to_lowercase()),
    }
}

/// Writes what is new, and notes each file.
fn write(
    transaction: &Transaction<'_>,
    facility: Option<&str>,
    plan: &[Planned<'_>],
    by: &str,
    at: Timestamp,
) -> rusqlite::Result<()> {
    let form: i64 =
        transaction
            .query_row("SELECT ifnull(max(form), 0) + 1 FROM declared", [], |row| row.get(0))?;
    let mut insert = transaction.prepare(
        "INSERT INTO declared (form, facility, point, makes, entry, file, row, cited, who, at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?;
    let mut files: BTreeMap<&str, usize> = BTreeMap::new();
    for line in plan.iter().filter(|line| line.taken.what != What::Same) {
        *files.entry(line.file).or_default() += 1;
        insert.execute(params![
            form,
            facility,
            line.taken.point,
            line.makes,
            json(&line.line.entry)?,
            line.file,
            line.line.entry.row,
            line.line.cited,
            by,
            at.nanoseconds()
        ])?;
    }
    for (subject, lines) in files {
        let digest = digest::of_form(transaction, form, subject, facility)?;
        let content = serde_json::json!({ "digest": digest, "form": form, "lines": lines });
        log::note(
            transaction,
            &Note { kind: Noted::Declared, by, at, facility, subject, content },
        )?;
    }
    Ok(())
}

/// What is declared of each point of a facility, and what each vendor said, in the order of their last entries. Of each
/// column the last entry counts that says something there.
pub(super) fn kept(connection: &Connection, facility: Option<&str>) -> rusqlite::Result<Vec<Kept>> {
    let all: Vec<Kept> = rows(
        connection,
        "SELECT point, makes, entry, cited, who, at FROM declared WHERE facility IS ?1 ORDER BY number",
        params![facility],
        read,
    )?;
    let mut kept = Vec::new();
    for one in all {
        absorb(&mut kept, one);
    }
    Ok(kept)
}

/// Takes in an entry that came after those that are known.
fn absorb(kept: &mut Vec<Kept>, one: Kept) {
    let subject = one.subject();
    let one = match kept.iter().position(|before| before.subject() == subject) {
        Some(place) => {
            let before = kept.remove(place);
            let makes = before.makes || one.makes;
            Kept { makes, entry: laid_over(before.entry, &one.entry), ..one }
        }
        None => one,
    };
    kept.push(one);
}

/// What two entries say of one point; the later counts where both say something.
fn laid_over(earlier: Entry, later: &Entry) -> Entry {
    let mut entry = Entry { sheet: later.sheet.clone(), row: later.row, ..earlier };
    entry.written.extend(later.written.iter().map(|(column, text)| (*column, text.clone())));
    for (sets, later) in
        [(&mut entry.addresses, &later.addresses), (&mut entry.outside, &later.outside)]
    {
        if !later.is_empty() {
            sets.clone_from(later);
        }
    }
    if !later.macs.is_empty() {
        entry.macs.clone_from(&later.macs);
    }
    entry
}

fn read(row: &Row<'_>) -> rusqlite::Result<Kept> {
    Ok(Kept {
        point: row.get(0)?,
        makes: row.get(1)?,
        entry: unjson(row, 2)?,
        cited: row.get(3)?,
        by: row.get(4)?,
        at: Timestamp::from_nanoseconds(row.get(5)?),
    })
}

/// Adds what was declared to what was seen: declared lines are points of their own until their box is seen.
pub(super) fn join(states: &mut Vec<State>, kept: &[Kept]) {
    for one in kept {
        let Some(name) = &one.point else { continue };
        let Some(point) = correlated::point(&one.entry, &one.cited) else {
            // What is said of a point that was found need not tell it from others.
            if let Some(state) = states.iter_mut().find(|state| state.names.contains(name)) {
                state.point.because.push(correlated::because(&one.entry, &one.cited));
            }
            continue;
        };
        let named = states.iter().position(|state| state.names.contains(name));
        let place = named.or_else(|| {
            let found = seen(&one.entry, point.kind, states)?.point.id.clone();
            states.iter().position(|state| one.makes && state.point.id == found)
        });
        match place.and_then(|place| states.get_mut(place)) {
            Some(state) => {
                state.point.because.push(correlated::because(&one.entry, &one.cited));
                // It keeps the name under which it was known first.
                if state.names.insert(name.clone()) {
                    state.point.id.clone_from(name);
                }
            }
            None if one.makes => states.push(State::declared(name, point)),
            None => {}
        }
    }
}

/// Adds what was declared to what is known of points: what is written, and that a line was taken away, unless it was seen
/// since.
pub(super) fn remember(memory: &mut Memory, states: &[State], kept: Vec<Kept>) {
    for one in kept {
        let Some(name) = &one.point else {
            memory.vendors.push(one.entry);
            continue;
        };
        let Some(state) = states.iter().find(|state| state.names.contains(name)) else { continue };
        let Some(known) = memory.points.get_mut(&state.point.id) else { continue };
        let seen_since = known.seen.iter().any(|(_, began)| *began > one.at);
        if is_withdrawn(&one.entry) && !seen_since {
            let status = one.entry.get(Column::Status).unwrap_or_default();
            let at = known.reviews.partition_point(|review| review.at <= one.at);
            known.reviews.insert(
                at,
                Review {
                    state: ReviewState::Closed,
                    reviewer: one.by.clone(),
                    at: one.at,
                    reason: format!("{status} ({})", one.cited),
                    until: None,
                },
            );
        }
        known.declared = Some(one.entry);
        known.declared_at = Some(one.at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::declared;

    fn forms(lines: &str) -> Vec<Form> {
        vec![declared::read("lines.toml", lines.as_bytes()).unwrap()]
    }

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store.sqlite")).unwrap();
        (folder, store)
    }

    fn declare(store: &mut Store, lines: &str, at: i64) -> Result<Vec<(What, String)>> {
        let taken = store.declare(
            Some("関所記念病院"),
            &forms(lines),
            "佐藤",
            Timestamp::new(at, 0),
            false,
        )?;
        Ok(taken.into_iter().map(|one| (one.what, one.point.unwrap_or_default())).collect())
    }

    const PBX: &str =
        "[[line]]\nname = \"電話交換機\"\nline = \"ISDN\"\nline_number = \"03-0000-0000\"\n";

    #[test]
    fn a_line_is_one_point_however_often_it_is_declared() {
        let (_folder, mut store) = store();
        let first = declare(&mut store, PBX, 1).unwrap();
        let id = first[0].1.clone();
        assert_eq!(first[0].0, What::Makes);
        assert_eq!(declare(&mut store, PBX, 2).unwrap(), [(What::Same, id.clone())]);
        let moved = PBX.replace("電話交換機", "交換機（地下へ移設）");
        assert_eq!(declare(&mut store, &moved, 3).unwrap(), [(What::Renews, id.clone())]);
        // It gets an address, and is the same line.
        let numbered = format!("{moved}address = \"192.0.2.9\"\n");
        assert_eq!(declare(&mut store, &numbered, 4).unwrap(), [(What::Renews, id.clone())]);
        let gone = format!("[[line]]\npoint = \"{id}\"\nstatus = \"廃止\"\n");
        assert_eq!(declare(&mut store, &gone, 5).unwrap(), [(What::Withdraws, id.clone())]);
        let points = store.points(None).unwrap();
        assert_eq!(points.len(), 1);
        let memory = store.memory(Some("関所記念病院")).unwrap();
        let review = memory.points[&id].standing(None).unwrap();
        assert_eq!((review.state, &*review.reviewer), (ReviewState::Closed, "佐藤"));
        assert_eq!(review.reason, "廃止 (lines.toml!1)");
    }

    #[test]
    fn nothing_is_written_where_one_line_cannot_be_taken() {
        let (_folder, mut store) = store();
        for (bad, says) in [
            (
                "[[line]]\npoint = \"p00000000\"\nnote = \"x\"\n",
                "lines.toml!5: no point of 関所記念病院 is named `p00000000`",
            ),
            ("[[line]]\nnote = \"x\"\n", "lines.toml!5: nothing by which this line"),
            (
                "[[line]]\nline = \"INS\"\nline_number = \"0300000000\"\n",
                "lines.toml!5: the same line as lines.toml!1",
            ),
        ] {
            let said = declare(&mut store, &format!("{PBX}{bad}"), 1).unwrap_err().to_string();
            assert!(said.contains(says), "{said}");
        }
        assert_eq!(store.declared(Some("関所記念病院")).unwrap(), []);
        assert!(store.points(None).unwrap().is_empty());
        // The same twice in one file is one.
        assert_eq!(declare(&mut store, &format!("{PBX}{PBX}"), 1).unwrap().len(), 1);
    }

    #[test]
    fn a_trial_writes_nothing() {
        let (_folder, mut store) = store();
        let taken = store.declare(None, &forms(PBX), "佐藤", Timestamp::new(1, 0), true).unwrap();
        assert_eq!(taken[0].what, What::Makes);
        assert_eq!(store.declared(None).unwrap(), []);
    }

    #[test]
    fn facilities_do_not_share_what_was_declared() {
        let (_folder, mut store) = store();
        declare(&mut store, PBX, 1).unwrap();
        assert_eq!(store.declared(None).unwrap(), []);
        assert_eq!(store.facilities().unwrap(), ["関所記念病院"]);
        assert!(store.memory(None).unwrap().points.is_empty());
    }

    #[test]
    fn what_was_declared_cannot_be_changed_or_taken_away() {
        let (_folder, mut store) = store();
        declare(&mut store, PBX, 1).unwrap();
        for sql in ["UPDATE declared SET who = 'x'", "DELETE FROM declared"] {
            let error = store.connection.execute(sql, []).unwrap_err().to_string();
            assert!(error.contains("what was declared is not"), "{error}");
        }
    }

    #[test]
    fn a_vendors_answer_for_all_is_its_last_one() {
        let (_folder, mut store) = store();
        let says =
            |answer: &str| format!("partner = \"関所電機\"\nremote_maintenance = \"{answer}\"\n");
        assert_eq!(declare(&mut store, &says("なし"), 1).unwrap()[0].0, What::Answers);
        assert_eq!(declare(&mut store, &says("なし"), 2).unwrap()[0].0, What::Same);
        declare(&mut store, &says("あり"), 3).unwrap();
        let memory = store.memory(Some("関所記念病院")).unwrap();
        let [vendor] = memory.vendors.as_slice() else { panic!("{:?}", memory.vendors) };
        assert_eq!(vendor.get(Column::RemoteMaintenance), Some("あり"));
    }
}
