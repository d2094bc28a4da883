//! `sekisho reconcile`: the register held against what was found.

use std::path::{Path, PathBuf};

use super::{
    Exit, LangArguments, StoreArguments, output,
    points::latest,
    register::{ReadingArguments, read, refuse_empty},
};
use crate::{
    assess::{Seen, reconcile},
    inventory::Store,
    link::live::Clock,
    report::{Words, write_reconciliation, write_reconciliation_json},
    time::Day,
};

/// Why there is nothing to hold against a run.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// No register was loaded.
    #[error(
        "{}: no register was loaded for {}; `sekisho register load FILE --store {} --by NAME` loads one, and \
         `--register FILE` uses one without keeping it", store.display(), facility, store.display()
    )]
    NoRegister {
        /// The store.
        store: PathBuf,
        /// For which facility, in words.
        facility: String,
    },
}

/// Hold the register against what was found: what it does not have, what differs, what was not seen and why
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit: 0 everything is as written, or was not seen; 1 points that are not in the register, or lines that differ.\n\n\
    Examples:\n  sekisho reconcile --store hospital.sqlite\n  \
    sekisho reconcile --store hospital.sqlite --register 機器台帳.xlsx --json -"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    store: StoreArguments,
    /// Only what this run saw
    #[arg(long, value_name = "RUN", conflicts_with = "facility")]
    run: Option<String>,
    /// This file instead of the register that was loaded
    #[arg(long, value_name = "FILE")]
    register: Vec<PathBuf>,
    #[command(flatten)]
    reading: ReadingArguments,
    /// Write it as JSON (`sekisho.reconciliation/1`); `-` for standard output
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// End with 0 whatever differs
    #[arg(long)]
    exit_zero: bool,
    #[command(flatten)]
    lang: LangArguments,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let words = Words::of(arguments.lang.language());
    output::check(&[("--json", arguments.json.as_deref())])?;
    let store = Store::open_read(&arguments.store.store)?;
    let run = match &arguments.run {
        Some(id) => store.run(id)?,
        None => latest(&store, arguments.store.facility.as_deref())?,
    };
    // With several facilities in the store and none named, the points are of all of them.
    let facility = match &arguments.run {
        Some(_) => run.facility.as_deref(),
        None => arguments.store.facility.as_deref().or(run.facility.as_deref()),
    };
    let register = if arguments.register.is_empty() {
        store.register(facility)?.ok_or_else(|| Error::NoRegister {
            store: arguments.store.store.clone(),
            facility: facility.map_or_else(|| "it".to_owned(), |name| format!("`{name}`")),
        })?
    } else {
        let (loaded, _) = read(&arguments.register, &arguments.reading, Clock::start().now())?;
        refuse_empty(&loaded)?;
        loaded.register
    };
    let seen = Seen { points: &run.points, hosts: &run.hosts, coverage: &run.coverage };
    let held = reconcile(&register, &seen);
    let memory = store.memory(facility)?;
    let day = Day::of(run.ended);
    let standing = |point: &str| memory.points.get(point).and_then(|known| known.standing(day));
    let decided = |point: &str| {
        standing(point).map(|review| words.get("review_state", review.state.name()).to_owned())
    };
    if let Some(path) = &arguments.json {
        output::write(path, |mut out| write_reconciliation_json(&held, &run.points, &mut out))?;
    }
    if !arguments.json.as_deref().is_some_and(output::is_stdout) {
        output::write(Path::new("-"), |mut out| {
            write_reconciliation(&held, &run.points, &decided, words, super::look(), &mut out)
        })?;
    }
    // What somebody decided on needs no line of its own.
    let undeclared = held
        .undeclared(&run.points)
        .into_iter()
        .any(|point| !standing(&point.id).is_some_and(|review| review.state.suppresses()));
    let differs = undeclared || held.count("mismatch") > 0;
    Ok(if differs && !arguments.exit_zero { Exit::Changed } else { Exit::Clean })
}
