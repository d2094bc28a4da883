//! `sekisho diff`: what changed between two runs, or what one changed.

use std::path::{Path, PathBuf};

use super::{Exit, LangArguments, StoreArguments, output};
use crate::{
    inventory::{self, Change, Store, Summary},
    report::{Diff, Words, write_diff, write_diff_json},
    time::Day,
};

/// Show what changed between two runs, or what the last one changed
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A day stands for the last run that began on it or before. Exit: 1 when there are changes.\n\n\
    Examples:\n  sekisho diff --store hospital.sqlite\n  \
    sekisho diff r1a2b3 r4d5e6 --store hospital.sqlite\n  \
    sekisho diff 2026-10-01 2026-11-01 --store hospital.sqlite --lang ja --json changes.json"
)]
pub(super) struct Arguments {
    /// Two runs or days: what is different in the second; one: what it changed in what was known; none: what the last
    /// run changed
    #[arg(value_name = "RUN", num_args = 0..=2)]
    runs: Vec<String>,
    #[command(flatten)]
    store: StoreArguments,
    /// Write it as JSON (`sekisho.changes/1`); `-` for standard output
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// End with 0 where changes would give 1
    #[arg(long)]
    exit_zero: bool,
    #[command(flatten)]
    lang: LangArguments,
}

/// Why there is nothing to compare.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// No run yet.
    #[error("{}: no run is in this store; `sekisho replay --store` or `sekisho scan --store` adds one", path.display())]
    Empty {
        /// The store.
        path: PathBuf,
    },
    /// The first run is later than the day.
    #[error("there is no run of {day} or before; `sekisho runs` lists them")]
    NoneBy {
        /// The day.
        day: Day,
    },
    /// Runs of several facilities.
    #[error("the store holds runs of several facilities; name one of them by --facility: {}", known.join(", "))]
    WhichFacility {
        /// Those there are.
        known: Vec<String>,
    },
    /// Runs of two facilities.
    #[error("{earlier} and {later} are runs of two facilities; name two of one")]
    TwoFacilities {
        /// One run.
        earlier: String,
        /// The other.
        later: String,
    },
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let store = Store::open_read(&arguments.store.store)?;
    let runs = runs(&store, arguments)?;
    let (earlier, later) = match arguments.runs.as_slice() {
        [earlier, later] => (Some(named(&store, &runs, earlier)?), named(&store, &runs, later)?),
        [later] => (None, named(&store, &runs, later)?),
        _ => (None, of_one(&runs)?),
    };
    let changes = match earlier {
        Some(earlier) if earlier.facility != later.facility => {
            let (earlier, later) = (earlier.id.clone(), later.id.clone());
            return Err(Error::TwoFacilities { earlier, later }.into());
        }
        Some(earlier) => store.between(&earlier.id, &later.id)?,
        None => store.changes(&later.id)?,
    };
    let diff = Diff { earlier, later, changes: &changes };
    if let Some(path) = &arguments.json {
        output::write(path, |mut out| write_diff_json(&diff, &mut out))?;
    }
    if !arguments.json.as_deref().is_some_and(output::is_stdout) {
        let words = Words::of(arguments.lang.language());
        output::write(Path::new("-"), |mut out| write_diff(&diff, words, super::look(), &mut out))?;
    }
    // What the run before had missed already is told again, and is no news.
    let news = |change: &Change| !matches!(change, Change::NotSeen { again: true, .. });
    let changed = changes.iter().any(news) && !arguments.exit_zero;
    Ok(if changed { Exit::Changed } else { Exit::Clean })
}

/// The runs that may be meant, the earliest first.
fn runs(store: &Store, arguments: &Arguments) -> anyhow::Result<Vec<Summary>> {
    let mut runs = store.runs()?;
    if runs.is_empty() {
        return Err(Error::Empty { path: arguments.store.store.clone() }.into());
    }
    if let Some(name) = &arguments.store.facility {
        runs.retain(|run| run.facility.as_ref() == Some(name));
        if runs.is_empty() {
            let known = store.facilities()?;
            return Err(inventory::Error::NoSuchFacility { name: name.clone(), known }.into());
        }
    }
    Ok(runs)
}

/// The run that `text` names, or the last by the day that it names.
fn named<'a>(store: &Store, runs: &'a [Summary], text: &str) -> anyhow::Result<&'a Summary> {
    if let Ok(day) = text.parse::<Day>() {
        let by = |run: &&Summary| Day::of(run.began).is_some_and(|began| began <= day);
        let until = runs.iter().filter(by).count();
        let until = runs.get(..until).filter(|runs| !runs.is_empty());
        return Ok(of_one(until.ok_or(Error::NoneBy { day })?)?);
    }
    let id = store.run_id(text)?;
    let found = runs.iter().find(|run| run.id == id);
    Ok(found.ok_or_else(|| inventory::Error::NoSuchRun { path: store.path().into(), id })?)
}

/// The last of runs, which must be of one facility.
fn of_one(runs: &[Summary]) -> Result<&Summary, Error> {
    let mut known: Vec<String> =
        runs.iter().map(|run| run.facility.clone().unwrap_or_else(|| "-".to_owned())).collect();
    known.sort();
    known.dedup();
    match runs.last() {
        Some(last) if known.len() < 2 => Ok(last),
        _ => Err(Error::WhichFacility { known }),
    }
}
