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
    inventory::{self, Run, Store},
    report::{Words, words::moment, write_json, write_text, write_unrecognised},
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
    let mut run = latest(&store, arguments.store.facility.as_deref(), &arguments.kind)?;
    let told = told(&mut run, &held, Some(&store))?;
    let report = told.report(&run, None, None, Words::of(arguments.lang.language()));
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

/// Everything known now, as one run: the points as they were last seen, the last run's coverage, and that of the networks
/// that earlier runs looked at.
pub(super) fn latest(store: &Store, facility: Option<&str>, kinds: &[Kind]) -> anyhow::Result<Run> {
    let runs = store.runs()?;
    let last =
        runs.iter().rev().find(|run| facility.is_none() || run.facility.as_deref() == facility);
    // Lines may have been declared of a facility that nobody has looked at yet.
    let known = store.facilities()?;
    if let (Some(name), None) = (facility, last)
        && !known.iter().any(|known| known == name)
    {
        return Err(inventory::Error::NoSuchFacility { name: name.to_owned(), known }.into());
    }
    let mut run = match last {
        Some(last) => store.run(&last.id)?,
        None => {
            let facility = facility.map(str::to_owned).or_else(|| known.first().cloned());
            let declared = store.declared(facility.as_deref())?;
            let at = declared.last().map(|kept| kept.at).unwrap_or_default();
            Run {
                id: String::new(),
                facility,
                began: at,
                ended: at,
                inputs: Vec::new(),
                coverage: Vec::new(),
                points: Vec::new(),
                unrecognised: Vec::new(),
                hosts: Vec::new(),
                vantages: BTreeSet::new(),
                inquiries: Vec::new(),
            }
        }
    };
    run.vantages = store.vantages(facility)?;
    add_earlier(&mut run, store)?;
    let known = store.points(facility)?.into_iter().map(|known| known.point);
    run.points = known.filter(|point| kinds.is_empty() || kinds.contains(&point.kind)).collect();
    Ok(run)
}
