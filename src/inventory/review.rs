//! What people decided about points, one decision after the other: none is ever changed or taken away.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    Change, Decided, Difference, Facet, Noted, Result, Review, ReviewState, Store,
    decision::Fault,
    file::explain,
    log::{self, Note},
    state::{EVER, State, states_at},
};
use crate::time::{Day, Timestamp};

/// What of a point makes another one of what somebody called no point.
const TELLING: [Facet; 3] = [Facet::Kind, Facet::Services, Facet::Product];

/// A decision with what the point looked like to whoever took it.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    /// The decision.
    pub review: Review,
    /// What was known then, by the names of [`TELLING`].
    facts: BTreeMap<String, BTreeSet<String>>,
}

/// What stands, has run out or will run out soon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It stands.
    Stands,
    /// It stands, and runs out within thirty days.
    RunsOut,
    /// It has run out, and stands no more.
    Over,
}

impl Standing {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Stands, Self::RunsOut, Self::Over];

    /// The name in JSON and in the word lists (section `standing`).
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stands => "stands",
            Self::RunsOut => "runs_out",
            Self::Over => "over",
        }
    }
}

impl Review {
    /// Whether it stands on a day.
    pub fn standing(&self, day: Option<Day>) -> Standing {
        let Some((until, day)) = self.until.zip(day) else { return Standing::Stands };
        if until < day {
            Standing::Over
        } else if day.days_to(until) <= 30 {
            Standing::RunsOut
        } else {
            Standing::Stands
        }
    }
}

/// A point and what was decided about it last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reviewed {
    /// The facility it belongs to.
    pub facility: Option<String>,
    /// What the point is called.
    pub point: String,
    /// Every decision about it, the earliest first. Never empty.
    pub reviews: Vec<Review>,
}

impl Store {
    /// Writes what somebody decided about a point; it takes the place of what was decided before, which is kept. Tells the
    /// facility and the name of the point.
    pub fn review(
        &mut self,
        id: &str,
        facility: Option<&str>,
        state: ReviewState,
        until: Option<Day>,
        decided: &Decided<'_>,
    ) -> Result<(Option<String>, String)> {
        decided.check()?;
        match (until, Day::of(decided.at)) {
            (None, _) if state == ReviewState::AcceptedRisk => {
                return Err(Fault::NoUntil { state }.into());
            }
            (Some(until), Some(today)) if until < today => {
                return Err(Fault::Over { until, today }.into());
            }
            _ => {}
        }
        let (facility, known) = self.only(id, facility)?;
        let point = known.point;
        let facts: BTreeMap<&str, BTreeSet<String>> =
            TELLING.into_iter().map(|facet| (facet.name(), facet.of(&point))).collect();
        self.writing(|transaction| {
            log::note(
                transaction,
                &Note {
                    kind: Noted::Review,
                    by: decided.by.trim(),
                    at: decided.at,
                    facility: facility.as_deref(),
                    subject: &point.id,
                    content: serde_json::json!({
                        "state": state,
                        "reason": decided.reason.trim(),
                        "until": until,
                        "facts": facts,
                    }),
                },
            )?;
            Ok(())
        })?;
        Ok((facility, point.id))
    }

    /// Every point of a facility, or of all, about which something was decided; by facility and name.
    pub fn reviewed(&self, facility: Option<&str>) -> Result<Vec<Reviewed>> {
        let mut all = Vec::new();
        for facility in self.all_facilities(facility)? {
            let states = states_at(&self.connection, facility.as_deref(), EVER)
                .map_err(|error| explain(&self.path, error))?;
            for (point, kept) in self.reviews_of(facility.as_deref(), &states)? {
                let reviews = kept.into_iter().map(|kept| kept.review).collect();
                all.push(Reviewed { facility: facility.clone(), point, reviews });
            }
        }
        Ok(all)
    }

    /// What was decided about each point of a facility, by the names that they have now. A decision belongs to the point
    /// that is called as it was then, or else to the one that ever was.
    pub(super) fn reviews_of(
        &self,
        facility: Option<&str>,
        states: &[State],
    ) -> Result<BTreeMap<String, Vec<Kept>>> {
        let entries = log::of_kinds(&self.connection, &[Noted::Review], facility)
            .map_err(|error| explain(&self.path, error))?;
        let mut names: BTreeMap<&str, &str> = BTreeMap::new();
        for state in states {
            for name in &state.names {
                names.entry(name).or_insert(&state.point.id);
            }
        }
        for state in states {
            names.insert(&state.point.id, &state.point.id);
        }
        let mut kept: BTreeMap<String, Vec<Kept>> = BTreeMap::new();
        for told in entries.iter().filter_map(|entry| entry.told.as_ref()) {
            let Some(point) = names.get(&*told.subject) else { continue };
            kept.entry((*point).to_owned()).or_default().extend(read(told));
        }
        Ok(kept)
    }

    /// What a run saw again that somebody had called closed, or no point, before it began. Moments are nanoseconds.
    pub(super) fn seen_again(
        &self,
        facility: Option<&str>,
        now: &[State],
        began: i64,
        ended: i64,
    ) -> Result<Vec<Change>> {
        let (began, day) =
            (Timestamp::from_nanoseconds(began), Day::of(Timestamp::from_nanoseconds(ended)));
        let reviews = self.reviews_of(facility, now)?;
        let again = |state: &State| {
            let kept = reviews.get(&state.point.id)?.last()?;
            let review = &kept.review;
            if review.at >= began || review.standing(day) == Standing::Over {
                return None;
            }
            let what = kept.differences(state);
            let news = match review.state {
                ReviewState::Closed => true,
                ReviewState::FalsePositive => !what.is_empty(),
                _ => false,
            };
            news.then(|| Change::SeenAgain {
                id: state.point.id.clone(),
                kind: state.point.kind,
                state: review.state,
                decided: review.at,
                what,
            })
        };
        Ok(now.iter().filter_map(again).collect())
    }
}

impl Kept {
    /// What a point has now that it did not have then. What is not seen any more says nothing: silence is unknown.
    fn differences(&self, now: &State) -> Vec<Difference> {
        let differs = |facet: Facet| {
            let (was, is) = (self.facts.get(facet.name())?, facet.of(&now.point));
            let new: Vec<String> = is.difference(was).cloned().collect();
            let before = was.difference(&is).cloned().collect();
            (!new.is_empty()).then_some(Difference { facet, before, now: new })
        };
        TELLING.into_iter().filter_map(differs).collect()
    }
}

/// Reads a decision; none where it cannot be read, which only a file can be that was changed by hand.
fn read(told: &log::Told) -> Option<Kept> {
    let content: Value = serde_json::from_str(&told.content).ok()?;
    let state = serde_json::from_value(content.get("state")?.clone()).ok()?;
    let until = content.get("until").cloned().and_then(|day| serde_json::from_value(day).ok());
    let facts = content.get("facts").cloned().unwrap_or_default();
    Some(Kept {
        review: Review {
            state,
            reviewer: told.by.clone(),
            at: told.at,
            reason: content.get("reason")?.as_str()?.to_owned(),
            until: until.flatten(),
        },
        facts: serde_json::from_value(facts).unwrap_or_default(),
    })
}
