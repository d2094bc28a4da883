//! `sekisho plan`: how the points could become fewer, in the order of the work.

use std::path::Path;

use super::{
    Exit, LangArguments, StoreArguments, advisories::Held, data_folder::DataArguments, output,
    points::latest, told::told,
};
use crate::{
    inventory::Store,
    report::{Words, write_plain, write_plan},
};

/// Propose how the points could become fewer, in the order of the work
///
/// First what is exploited, out of support or open to the Internet, then what nobody knows, then what nobody uses, then what
/// could be one. Points of which a review says that they are none, or gone, are not counted.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  sekisho plan --store hospital.sqlite --lang ja\n  \
    sekisho plan --store hospital.sqlite --json | jq '{before, after}'")]
pub(super) struct Arguments {
    #[command(flatten)]
    store: StoreArguments,
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
    let told = told(&mut run, &held, Some(&store))?;
    let report = told.report(&run, None, None, Words::of(arguments.lang.language()));
    output::write(Path::new("-"), |mut out| {
        if arguments.json {
            return write_plain(&report.meaning.plan, &mut out);
        }
        write_plan(&report, super::look(), &mut out)
    })?;
    Ok(Exit::Clean)
}
