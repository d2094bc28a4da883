//! What people decided about which points are one box, where what was seen does not say it or says it wrongly.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;
use serde_json::Value;

use super::{
    Error, Noted, Result, ReviewState, Store,
    file::explain,
    log::{self, Logged, Note, Stopped, Told},
    state::{EVER, State, states_at},
};
use crate::time::{Day, Timestamp};

/// How many characters a name of somebody who decides may have.
const LONGEST_NAME: usize = 100;

/// How many characters a reason may have.
const LONGEST_REASON: usize = 2000;

/// Which points of a facility are one box, and which are not, as people decided. Points are named as runs named them or
/// as the store keeps them; a pair stands in one list only, that of the last decision about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Decisions {
    /// Pairs of names that are one box.
    pub together: Vec<(String, String)>,
    /// Pairs of names that are two boxes. They win where two boxes have several names.
    pub apart: Vec<(String, String)>,
}

impl Decisions {
    /// Whether a box with some of these names and one with others are one; `None` where nobody decided it.
    pub(super) fn are_one(&self, one: &BTreeSet<&str>, other: &BTreeSet<&str>) -> Option<bool> {
        if !between(&self.apart, one, other).is_empty() {
            return Some(false);
        }
        (!between(&self.together, one, other).is_empty()).then_some(true)
    }
}

/// The pairs of which one stands on either side.
fn between<'a>(
    pairs: &'a [(String, String)],
    one: &BTreeSet<&str>,
    other: &BTreeSet<&str>,
) -> Vec<&'a (String, String)> {
    let is_between = |(a, b): &&(String, String)| {
        let (a, b) = (&**a, &**b);
        one.contains(a) && other.contains(b) || one.contains(b) && other.contains(a)
    };
    pairs.iter().filter(is_between).collect()
}

/// What was decided about the points of a facility.
pub(super) fn decisions(
    connection: &Connection,
    facility: Option<&str>,
) -> rusqlite::Result<Decisions> {
    let entries = log::of_kinds(connection, &[Noted::Merge, Noted::Split], facility)?;
    let mut last: BTreeMap<(String, String), bool> = BTreeMap::new();
    for told in entries.iter().filter_map(|entry| entry.told.as_ref()) {
        let together = told.kind == Noted::Merge.name();
        last.extend(pairs(told).into_iter().map(|pair| (pair, together)));
    }
    let mut decisions = Decisions::default();
    for (pair, together) in last {
        let list = if together { &mut decisions.together } else { &mut decisions.apart };
        list.push(pair);
    }
    Ok(decisions)
}

/// The pairs of names that a decision is about.
pub(super) fn pairs(told: &Told) -> Vec<(String, String)> {
    let content: Value = serde_json::from_str(&told.content).unwrap_or_default();
    let pairs = content.get("pairs").and_then(Value::as_array);
    let name = |pair: &Value, at: usize| Some(pair.get(at).and_then(Value::as_str)?.to_owned());
    let pair = |pair: &Value| Some(ordered(&name(pair, 0)?, &name(pair, 1)?));
    pairs.into_iter().flatten().filter_map(pair).collect()
}

/// Two names as one pair, whichever was said first.
pub(super) fn ordered(one: &str, other: &str) -> (String, String) {
    let (first, second) = if one <= other { (one, other) } else { (other, one) };
    (first.to_owned(), second.to_owned())
}

/// Who decides something, when and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided<'a> {
    /// Who. Not empty, at most 100 characters.
    pub by: &'a str,
    /// When.
    pub at: Timestamp,
    /// Why. Not empty, at most 2000 characters.
    pub reason: &'a str,
}

impl Decided<'_> {
    /// Refuses what says nothing, or too much.
    pub(super) fn check(&self) -> std::result::Result<(), Fault> {
        for (option, text, most) in
            [("--by", self.by, LONGEST_NAME), ("--reason", self.reason, LONGEST_REASON)]
        {
            if text.trim().is_empty() {
                return Err(Fault::Empty { option });
            }
            let length = text.chars().count();
            if length > most {
                return Err(Fault::TooLong { option, length, most });
            }
        }
        Ok(())
    }
}

/// Why a decision is not taken.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// A decision has somebody who takes it and a reason.
    #[error("{option} is empty; a decision says who took it and why")]
    Empty {
        /// The option.
        option: &'static str,
    },
    /// Nobody will read that.
    #[error(
        "{option} has {length} characters, and at most {most} are kept; name the document that says more"
    )]
    TooLong {
        /// The option.
        option: &'static str,
        /// How long it is.
        length: usize,
        /// How long it may be.
        most: usize,
    },
    /// What belongs to one facility says to which.
    #[error("this store has several facilities; say --facility with one of: {}", known.join(", "))]
    WhichFacility {
        /// Those there are.
        known: Vec<String>,
    },
    /// A risk is not taken for ever.
    #[error("`{}` needs a day on which it is looked at again; say --until 2027-03-31", state.name())]
    NoUntil {
        /// What was decided.
        state: ReviewState,
    },
    /// It would have run out already.
    #[error("--until {until} is before today, {today}; name a day that is still to come")]
    Over {
        /// The day.
        until: Day,
        /// The day of the decision.
        today: Day,
    },
    /// There is nothing to merge.
    #[error("`{one}` and `{other}` are one point already ({id}); `sekisho show {id}` says why")]
    OneAlready {
        /// What was named first.
        one: String,
        /// What was named second.
        other: String,
        /// What both are called.
        id: String,
    },
    /// There is nothing to split.
    #[error("point {id} has one part only; there is nothing to split")]
    OnePart {
        /// The point.
        id: String,
    },
    /// That is no part of the point.
    #[error("`{other}` is no part of point {id}; its parts are {}", parts.join(", "))]
    NoPart {
        /// The point.
        id: String,
        /// What was named.
        other: String,
        /// The names of its parts.
        parts: Vec<String>,
    },
    /// Points of two facilities are never one.
    #[error("{one} and {other} belong to two facilities; points are merged within one")]
    Elsewhere {
        /// What was named first.
        one: String,
        /// What was named second.
        other: String,
    },
    /// Other decisions say otherwise.
    #[error(
        "{one} and {other} stay one point: another decision, or a third part, joins both; split them from that first \
         (`sekisho show {one}` names it)"
    )]
    StaysOne {
        /// The point.
        one: String,
        /// The part.
        other: String,
    },
    /// Other decisions say otherwise.
    #[error(
        "{one} and {other} stay two points: people said that parts of them are two boxes; merge those first"
    )]
    StaysTwo {
        /// What was named first.
        one: String,
        /// What was named second.
        other: String,
    },
}

/// Two points that were made one, or a point that was made several: how they are called now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parted {
    /// The facility they belong to.
    pub facility: Option<String>,
    /// What the points are called now: one after a merge, several after a split.
    pub points: Vec<String>,
}

impl Store {
    /// Writes that two points of one facility are one box. Each may be named as any run named it, or by the beginning of
    /// a name. `split` takes it back.
    pub fn merge(
        &mut self,
        one: &str,
        other: &str,
        facility: Option<&str>,
        decided: &Decided<'_>,
    ) -> Result<Parted> {
        decided.check()?;
        let (place, first) = self.only(one, facility)?;
        let (elsewhere, second) = self.only(other, facility)?;
        if place != elsewhere {
            let (one, other) = (first.point.id, second.point.id);
            return Err(Fault::Elsewhere { one, other }.into());
        }
        if first.rows == second.rows {
            let (one, other) = (one.to_owned(), other.to_owned());
            return Err(Fault::OneAlready { one, other, id: first.point.id }.into());
        }
        let decisions = self.decisions(place.as_deref())?;
        let main = ordered(&part_of(&first), &part_of(&second));
        let pairs = turned(&decisions.apart, &first, &second, main.clone());
        self.decide(Noted::Merge, &first.point.id, place, &pairs, decided, |states| {
            let one = holder(states, &main.0)?;
            let (one, other) = (one, holder(states, &main.1)?);
            if one.rows == other.rows && one.point.id == other.point.id {
                return Ok(vec![one.point.id.clone()]);
            }
            let (one, other) = (first.point.id.clone(), second.point.id.clone());
            Err(Fault::StaysTwo { one, other })
        })
    }

    /// Writes that a part of a point is a box of its own; of a point of two parts, which one may be left out. `merge` takes
    /// it back.
    pub fn split(
        &mut self,
        id: &str,
        other: Option<&str>,
        facility: Option<&str>,
        decided: &Decided<'_>,
    ) -> Result<Parted> {
        decided.check()?;
        let (place, state) = self.only(id, facility)?;
        let parts: Vec<String> = state.names.iter().cloned().collect();
        let own = part_of(&state);
        let begins = |name: &&String| other.map_or(**name != own, |other| name.starts_with(other));
        let others: Vec<&String> = match other {
            Some(other) if state.names.contains(other) => {
                parts.iter().filter(|name| *name == other).collect()
            }
            _ => parts.iter().filter(begins).collect(),
        };
        let part = match (others.as_slice(), other) {
            _ if parts.len() < 2 => return Err(Fault::OnePart { id: state.point.id }.into()),
            ([part], _) => (*part).clone(),
            (_, other) => {
                let other = other.unwrap_or("").to_owned();
                return Err(Fault::NoPart { id: state.point.id, other, parts }.into());
            }
        };
        // Named by the part that is to go, the others stay together.
        let own = if own == part {
            parts.iter().find(|name| **name != part).cloned().unwrap_or_default()
        } else {
            own
        };
        let decisions = self.decisions(place.as_deref())?;
        let main = ordered(&own, &part);
        let names = BTreeSet::from([&*part]);
        let rest: BTreeSet<&str> =
            parts.iter().map(|name| &**name).filter(|n| *n != part).collect();
        let mut pairs: BTreeSet<(String, String)> =
            between(&decisions.together, &names, &rest).into_iter().cloned().collect();
        pairs.insert(main.clone());
        let pairs: Vec<_> = pairs.into_iter().collect();
        self.decide(Noted::Split, &state.point.id, place, &pairs, decided, |states| {
            let (one, other) = (holder(states, &main.0)?, holder(states, &main.1)?);
            if one.point.id == other.point.id {
                return Err(Fault::StaysOne { one: own.clone(), other: part.clone() });
            }
            Ok(vec![one.point.id.clone(), other.point.id.clone()])
        })
    }

    /// What was decided about the points of a facility.
    fn decisions(&self, facility: Option<&str>) -> Result<Decisions> {
        decisions(&self.connection, facility).map_err(|error| explain(&self.path, error))
    }

    /// Every decision about which points are one box, of a facility or of all, the earliest first.
    pub fn joints(&self) -> Result<Vec<Logged>> {
        let kinds = [Noted::Merge.name(), Noted::Split.name()];
        let all = self.log()?.into_iter();
        Ok(all
            .filter(|entry| entry.told.as_ref().is_some_and(|told| kinds.contains(&&*told.kind)))
            .collect())
    }

    /// Writes a decision, and holds that what follows from it is what was meant.
    fn decide(
        &mut self,
        kind: Noted,
        subject: &str,
        facility: Option<String>,
        pairs: &[(String, String)],
        decided: &Decided<'_>,
        outcome: impl FnOnce(&[State]) -> std::result::Result<Vec<String>, Fault>,
    ) -> Result<Parted> {
        let points = self.writing(|transaction| {
            log::note(
                transaction,
                &Note {
                    kind,
                    by: decided.by.trim(),
                    at: decided.at,
                    facility: facility.as_deref(),
                    subject,
                    content: serde_json::json!({ "pairs": pairs, "reason": decided.reason.trim() }),
                },
            )?;
            let states = states_at(transaction, facility.as_deref(), EVER)?;
            outcome(&states).map_err(|fault| Stopped::from(Error::from(fault)))
        })?;
        Ok(Parted { facility, points })
    }
}

/// The name by which decisions know a point: one that some run gave it.
fn part_of(state: &State) -> String {
    let own = state.names.contains(&state.point.id).then_some(&state.point.id);
    own.or_else(|| state.names.first()).cloned().unwrap_or_default()
}

/// The pairs that a decision turns round, and its own.
fn turned<'a>(
    against: &[(String, String)],
    one: &'a State,
    other: &'a State,
    main: (String, String),
) -> Vec<(String, String)> {
    let names = |state: &'a State| state.names.iter().map(|name| &**name).collect();
    let (one, other): (BTreeSet<&str>, BTreeSet<&str>) = (names(one), names(other));
    let mut pairs: BTreeSet<_> = between(against, &one, &other).into_iter().cloned().collect();
    pairs.insert(main);
    pairs.into_iter().collect()
}

/// The box that has a name.
fn holder<'a>(states: &'a [State], name: &str) -> std::result::Result<&'a State, Fault> {
    let called = states.iter().find(|state| state.point.id == name);
    let named = || states.iter().find(|state| state.names.contains(name));
    called.or_else(named).ok_or_else(|| Fault::NoPart {
        id: name.to_owned(),
        other: name.to_owned(),
        parts: Vec::new(),
    })
}
