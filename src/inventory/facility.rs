//! The facilities of a store, each in a few numbers.

use serde::Serialize;

use super::{Error, Result, Standing, Store, state::EVER};
use crate::time::{Day, Timestamp};

/// How runs that name no facility are named where one is asked for.
pub const UNNAMED: &str = "-";

/// A facility in a few numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Overview {
    /// Its name; none of runs that name none.
    pub facility: Option<String>,
    /// How many points are known of it.
    pub points: usize,
    /// How many of them nobody decided about, or whose decision has run out.
    pub open: usize,
    /// How many of those have a decision that has run out.
    pub over: usize,
    /// How many runs were made there.
    pub runs: u64,
    /// The last of them, in time.
    pub last_run: String,
    /// When that ended.
    pub last_ended: Timestamp,
}

impl Store {
    /// Every facility that a run was made at, by name; runs that name none first. Decisions stand or not on `day`.
    pub fn overview(&self, day: Option<Day>) -> Result<Vec<Overview>> {
        let facilities = self.all_facilities(None)?;
        facilities.into_iter().map(|facility| self.in_numbers(facility, day)).collect()
    }

    fn in_numbers(&self, facility: Option<String>, day: Option<Day>) -> Result<Overview> {
        let states = self.states(facility.as_deref(), EVER)?;
        let reviews = self.reviews_of(facility.as_deref(), &states)?;
        let last = reviews.values().filter_map(|kept| kept.last());
        let over = last.filter(|kept| kept.review.standing(day) == Standing::Over).count();
        let mut ended = self.rows(
            "SELECT id, ended, (SELECT count(*) FROM run WHERE facility IS ?1) FROM run WHERE facility IS ?1
             ORDER BY began DESC, ended DESC, number DESC LIMIT 1",
            [&facility],
            |row| {
                let ended = Timestamp::from_nanoseconds(row.get(1)?);
                Ok((row.get(0)?, ended, row.get::<_, i64>(2)?.cast_unsigned()))
            },
        )?;
        let (last_run, last_ended, runs) = ended.pop().unwrap_or_default();
        let points = states.len();
        let open = points.saturating_sub(reviews.len()).saturating_add(over);
        Ok(Overview { facility, points, open, over, runs, last_run, last_ended })
    }

    /// The only facility that is meant: the one that is named, or the only one that there is. Runs that name none are named
    /// by [`UNNAMED`]. None of a store without runs, and of runs that name none.
    pub fn meant(&self, facility: Option<&str>) -> Result<Option<String>> {
        let mut meant = self.all_facilities(facility)?;
        if meant.len() > 1 {
            let known = meant.into_iter().map(called).collect();
            return Err(Error::Several { path: self.path.clone(), known });
        }
        Ok(meant.pop().flatten())
    }
}

/// How a facility is named on the command line.
fn called(facility: Option<String>) -> String {
    facility.unwrap_or_else(|| UNNAMED.to_owned())
}
