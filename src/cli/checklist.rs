//! `sekisho checklist`: what the points say to the ministry's checklist and guideline.

use std::path::Path;

use super::{
    Exit, LangArguments, StoreArguments, advisories::Held, data_folder::DataArguments,
    editions::EditionArguments, output, points::latest, told::told_of,
};
use crate::{
    inventory::Store,
    report::{Words, write_checklist, write_plain},
};

/// Say what the points mean for the ministry's checklist and guideline
///
/// Each item gets いいえ (what was found speaks against it), 要確認 (somebody has to look), or nothing, where a network shows
/// nothing of it. はい is never said: that is for people.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  sekisho checklist --store hospital.sqlite --lang ja\n  \
    sekisho checklist --store hospital.sqlite --edition R6\n  \
    sekisho checklist --store hospital.sqlite --edition all --json | jq '.checklists[].items[]'")]
pub(super) struct Arguments {
    #[command(flatten)]
    store: StoreArguments,
    #[command(flatten)]
    edition: EditionArguments,
    /// Write it as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataArguments,
    #[command(flatten)]
    lang: LangArguments,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let held = Held::open(&arguments.data)?;
    let store = Store::open_read(&arguments.store.store)?;
    let mut run = latest(&store, arguments.store.facility.as_deref())?;
    let told = told_of(&mut run, &held, Some(&store), &arguments.edition.editions())?;
    let report = told.report(&run, None, None, Words::of(arguments.lang.language()));
    output::write(Path::new("-"), |mut out| {
        if arguments.json {
            let meaning = report.meaning;
            let whole = serde_json::json!({
                "checklists": meaning.checklists,
                "guideline": meaning.articles,
            });
            return write_plain(&whole, &mut out);
        }
        write_checklist(&report, super::look(), &mut out)
    })?;
    Ok(Exit::Clean)
}
