//! `sekisho show`: one point, with its proof.

use std::path::Path;

use super::{Exit, LangArguments, StoreArguments, output};
use crate::{
    inventory::Store,
    report::{Words, write_point},
};

/// Show one connection point with its proof, packet by packet
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  sekisho show p1a2b --store hospital.sqlite --lang ja")]
pub(super) struct Arguments {
    /// The point, or the beginning of its name
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    store: StoreArguments,
    #[command(flatten)]
    lang: LangArguments,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let facility = arguments.store.facility.as_deref();
    let known = Store::open_read(&arguments.store.store)?.point(&arguments.id, facility)?;
    let words = Words::of(arguments.lang.language());
    output::write(Path::new("-"), |mut out| {
        write_point(&known.point, &known.history, words, super::look(), &mut out)
    })?;
    Ok(Exit::Clean)
}
