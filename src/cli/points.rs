//! `sekisho points`: what the inventory holds.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use super::{
    Exit, LangArguments, StoreArguments, advisories::Held, data_folder::DataArguments, output,
    told::told,
};
use crate::{
    correlate::{Coverage, Kind},
    inventory::{Run, Store, UNNAMED},
    report::{Words, cut, words::moment, write_json, write_text, write_unrecognised},
};

/// List the connection points that the inventory holds
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  sekisho points --store hospital.sqlite\n  \
    sekisho points --store hospital.sqlite --kind vpn_gateway,mobile_router --json -\n  \
    sekisho points --store hospital.sqlite --unrecognised")]
pub(super) struct Arguments {
    #[command(flatten)]
    store: StoreArguments,
    /// Only these kinds
    #[arg(long, value_name = "KIND", value_delimiter = ',', value_parser = kind)]
    kind: Vec<Kind>,
    /// The boxes at the edge that no signature names, as the last run saw them, with what they said
    #[arg(long, conflicts_with_all = ["kind", "json"])]
    unrecognised: bool,
    /// Write them as JSON (`sekisho.points/1`); `-` for standard output
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    #[command(flatten)]
    data: DataArguments,
    #[command(flatten)]
    lang: LangArguments,
}

/// Reads the name of a kind.
fn kind(text: &str) -> Result<Kind, String> {
    Kind::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(|| {
        let names = Kind::ALL.map(Kind::name);
        let nearest = names.iter().min_by_key(|name| strsim::damerau_levenshtein(name, text));
        format!(
            "no such kind; did you mean `{}`? All: {}",
            nearest.unwrap_or(&""),
            names.join(", ")
        )
    })
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let held = Held::open(&arguments.data)?;
    let store = Store::open_read(&arguments.store.store)?;
    let words = Words::of(arguments.lang.language());
    let facilities = store.overview(None)?;
    let named = arguments.store.facility.as_deref();
    // One document is of one facility; words are of each in turn.
    if named.is_some() || arguments.json.is_some() || facilities.len() < 2 {
        return tell(arguments, &store, named, &held, words);
    }
    for (place, one) in facilities.iter().enumerate() {
        let name = one.facility.as_deref().unwrap_or(UNNAMED);
        output::write(Path::new("-"), |out| {
            let values = [("facility", &*cut(name, 100))];
            if place > 0 {
                writeln!(out)?;
            }
            writeln!(out, "{}\n", words.fill("review", "facility", &values))
        })?;
        tell(arguments, &store, Some(name), &held, words)?;
    }
    Ok(Exit::Clean)
}

/// Tells of one facility.
fn tell(
    arguments: &Arguments,
    store: &Store,
    facility: Option<&str>,
    held: &Held,
    words: &'static Words,
) -> anyhow::Result<Exit> {
    let mut run = latest(store, facility)?;
    // What all points mean is told of those that are listed: a line of the register is not unseen because its kind is not.
    let told = told(&mut run, held, Some(store))?;
    let is_listed = |kind| arguments.kind.is_empty() || arguments.kind.contains(&kind);
    run.points.retain(|point| is_listed(point.kind));
    let report = told.report(&run, None, None, words);
    if arguments.unrecognised {
        output::write(Path::new("-"), |mut out| {
            write_unrecognised(&report, super::look(), &mut out)
        })?;
        return Ok(Exit::Clean);
    }
    match &arguments.json {
        Some(path) => output::write(path, |mut out| write_json(&report, &mut out))?,
        None => {
            output::write(Path::new("-"), |mut out| write_text(&report, super::look(), &mut out))?;
        }
    }
    Ok(Exit::Clean)
}

/// Adds what earlier runs told of networks at which `run` did not look from there; each line says which run, and on which
/// day.
fn add_earlier(run: &mut Run, store: &Store) -> anyhow::Result<()> {
    for (id, began, mut line) in store.looked(run.facility.as_deref())? {
        if id == run.id {
            continue;
        }
        let same = |known: &Coverage| {
            (&known.subject, &known.network, &known.vantage)
                == (&line.subject, &line.network, &line.vantage)
        };
        run.coverage.retain(|known| !same(known));
        let moment = moment(began);
        let day = moment.split(' ').next().unwrap_or_default();
        let detail = line.detail.unwrap_or_default();
        line.detail = Some(format!("{detail} seen={day} run={id}").trim_start().to_owned());
        run.coverage.push(line);
    }
    Ok(())
}

/// What forms tell of a facility at which no run was made.
fn declared_only(store: &Store, facility: Option<&str>) -> anyhow::Result<Run> {
    let at = store.declared(facility)?.last().map(|kept| kept.at).unwrap_or_default();
    let known = if store.overview(None)?.is_empty() {
        Vec::new()
    } else {
        store.points(Some(facility.unwrap_or(UNNAMED)))?
    };
    let points = known.into_iter().map(|known| known.point);
    Ok(Run {
        id: String::new(),
        facility: facility.map(str::to_owned),
        began: at,
        ended: at,
        inputs: Vec::new(),
        coverage: Vec::new(),
        points: points.collect(),
        unrecognised: Vec::new(),
        hosts: Vec::new(),
        vantages: BTreeSet::new(),
        inquiries: Vec::new(),
    })
}

/// Everything known now of one facility, as one run: the points as they were last seen, the last run's coverage, and that
/// of the networks that earlier runs looked at. The facility may be left out where there is only one.
pub(super) fn latest(store: &Store, facility: Option<&str>) -> anyhow::Result<Run> {
    let meant = store.meant(facility)?;
    let facility = meant.as_deref();
    let runs = store.runs()?;
    let last = runs.iter().rev().find(|run| run.facility.as_deref() == facility);
    let Some(last) = last else {
        return declared_only(store, facility);
    };
    let mut run = store.run(&last.id)?;
    run.vantages = store.vantages(facility)?;
    if run.hosts.is_empty() {
        run.hosts = store.last_hosts(run.facility.as_deref())?;
    }
    add_earlier(&mut run, store)?;
    let known = store.points(Some(facility.unwrap_or(UNNAMED)))?.into_iter();
    run.points = known.map(|known| known.point).collect();
    Ok(run)
}
