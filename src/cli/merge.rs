//! `sekisho merge`: two points are one box.

use super::{Exit, StoreArguments, decided::DecidedArguments};
use crate::{inventory::Store, report::visible};

/// Decide that two points are one box
///
/// The store shows both as one point from now on, under the name of the one that was seen first, whatever else is seen. `split`
/// takes it back. Nothing of what was seen is changed, and the decision is in the log.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  sekisho merge p1a2b3c4d p5e6f7a8b --by 山田 --reason \"one box, two cards; seen in rack 3\" \
    --store hospital.sqlite"
)]
pub(super) struct Arguments {
    /// A point, or the beginning of its name
    #[arg(value_name = "ID")]
    one: String,
    /// The point that is the same box
    #[arg(value_name = "ID")]
    other: String,
    #[command(flatten)]
    decided: DecidedArguments,
    #[command(flatten)]
    store: StoreArguments,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let mut store = Store::open_to_decide(&arguments.store.store)?;
    let facility = arguments.store.facility.as_deref();
    let decided = arguments.decided.now();
    let merged = store.merge(&arguments.one, &arguments.other, facility, &decided)?;
    eprintln!("sekisho: they are one point: {}", visible(&merged.points.join(", ")));
    Ok(Exit::Clean)
}
