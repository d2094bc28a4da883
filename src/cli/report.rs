//! `sekisho report`: the deliverable, from the inventory.

use std::path::{Path, PathBuf};

use super::{
    Exit, Lang, StoreArguments,
    advisories::Held,
    aloud::warning,
    data_folder::DataArguments,
    editions::ChecklistArguments,
    font::FontArguments,
    formats::{self, Chosen},
    forms, output,
    points::latest,
    told::{Told, told_of},
};
use crate::{
    inventory::{Change, Run, Store},
    passive::asked::Asked,
    report::{Words, sent::LEDGER, write_ledger},
};

/// Write the report on everything the inventory holds
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  sekisho report out --store hospital.sqlite\n  \
    sekisho report out --store hospital.sqlite --format xlsx,csv --lang ja\n  \
    sekisho report forms --store hospital.sqlite --forms --format xlsx,toml\n  \
    sekisho report out --store hospital.sqlite --run r1a2b3c4d5e6f")]
pub(super) struct Arguments {
    /// The folder for the report; made if there is none
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    #[command(flatten)]
    store: StoreArguments,
    /// Write forms to fill in instead of a report: a hearing sheet for each vendor, and a sheet for lines that no network
    /// shows; as xlsx, toml or csv, in Japanese unless `--lang en`
    #[arg(long)]
    forms: bool,
    /// Only what this run saw
    #[arg(long, value_name = "RUN", conflicts_with = "facility")]
    run: Option<String>,
    #[arg(long, value_name = "FORMAT", value_delimiter = ',', value_parser = forms::named, help = formats::help())]
    format: Vec<&'static str>,
    /// Write it in this language; otherwise in both
    #[arg(long, value_name = "LANG")]
    lang: Option<Lang>,
    #[command(flatten)]
    font: FontArguments,
    #[command(flatten)]
    checklist: ChecklistArguments,
    #[command(flatten)]
    data: DataArguments,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    arguments.font.choose()?;
    let held = Held::open(&arguments.data)?;
    let store = Store::open_read(&arguments.store.store)?;
    let (mut run, changes) = match &arguments.run {
        Some(id) => (store.run(id)?, Some(store.changes(id)?)),
        None => (latest(&store, arguments.store.facility.as_deref())?, None),
    };
    let told = told_of(&mut run, &held, Some(&store), &arguments.checklist.editions())?;
    let chosen = Chosen::of(&arguments.format, arguments.lang);
    let written = if arguments.forms {
        let (folder, format, lang) = (&arguments.folder, &arguments.format, arguments.lang);
        forms::write(folder, format, lang, &run, changes.as_deref(), &told)?
    } else {
        forms::refuse(&arguments.format)?;
        write_folder(&arguments.folder, &chosen, &run, changes.as_deref(), None, &told)?
    };
    output::write(Path::new("-"), |out| {
        written.iter().try_for_each(|path| writeln!(out, "{}", path.display()))
    })?;
    if !arguments.forms {
        chosen.left_out().for_each(|lacking| warning!("sekisho: {lacking}"));
    }
    Ok(Exit::Clean)
}

/// Writes the formats that were chosen into `folder`, in the languages that were where a format has words, and the ledger
/// where there is one, and tells the files. What this system cannot write is left out unless it was named.
pub(super) fn write_folder(
    folder: &Path,
    chosen: &Chosen,
    run: &Run,
    changes: Option<&[Change]>,
    asked: Option<&Asked>,
    told: &Told,
) -> anyhow::Result<Vec<PathBuf>> {
    output::folder(folder)?;
    let mut written = Vec::new();
    for format in chosen.formats() {
        if let Some(lacking) = format.lacks() {
            if chosen.names(format) {
                return Err(lacking.into());
            }
            continue;
        }
        for language in chosen.languages() {
            let path = folder.join(format.file_name(language));
            let words = Words::of(language);
            let report = told.report(run, changes, asked, words);
            if written.contains(&path) || !format.applies(&report) {
                continue;
            }
            output::write(&path, |out| (format.write)(&report, out))?;
            written.push(path);
        }
    }
    if let Some(asked) = asked {
        let path = folder.join(LEDGER);
        output::write(&path, |mut out| write_ledger(asked, &mut out))?;
        written.push(path);
    }
    Ok(written)
}
