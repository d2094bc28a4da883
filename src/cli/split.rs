//! `sekisho split`: what was one point is two boxes.

use super::{Exit, StoreArguments, decided::DecidedArguments};
use crate::{inventory::Store, report::visible};

/// Decide that a part of a point is a box of its own
///
/// A part is what runs called by one name; `sekisho show` lists the parts of a point and says why they are one. `merge` takes it
/// back. Nothing of what was seen is changed, and the decision is in the log.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    sekisho split p1a2b3c4d p5e6f7a8b --by 山田 --reason \"the box was replaced in May\" --store hospital.sqlite\n  \
    sekisho split p1a2b3c4d --by 山田 --reason \"two boxes with one address\" --store hospital.sqlite   # of two parts")]
pub(super) struct Arguments {
    /// The point, or the beginning of its name
    #[arg(value_name = "ID")]
    id: String,
    /// The part that is a box of its own; may be left out where there are two parts
    #[arg(value_name = "PART")]
    part: Option<String>,
    #[command(flatten)]
    decided: DecidedArguments,
    #[command(flatten)]
    store: StoreArguments,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let mut store = Store::open_to_decide(&arguments.store.store)?;
    let facility = arguments.store.facility.as_deref();
    let decided = arguments.decided.now();
    let split = store.split(&arguments.id, arguments.part.as_deref(), facility, &decided)?;
    eprintln!(
        "sekisho: they are {} points: {}",
        split.points.len(),
        visible(&split.points.join(", "))
    );
    Ok(Exit::Clean)
}
