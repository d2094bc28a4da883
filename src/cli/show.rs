//! `sekisho show`: one point, with its proof.

use std::path::Path;

use super::{
    Exit, LangArguments, StoreArguments, advisories::Held, data_folder::DataArguments, output,
    points::latest,
};
use crate::{
    inventory::{Store, UNNAMED},
    report::{Words, write_decided, write_point},
    time::Day,
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
    data: DataArguments,
    #[command(flatten)]
    lang: LangArguments,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let held = Held::open(&arguments.data)?;
    let facility = arguments.store.facility.as_deref();
    let store = Store::open_read(&arguments.store.store)?;
    let known = store.point(&arguments.id, facility)?;
    // Held against the same day as in the list of points, however long ago it was seen.
    let here = known.facility.as_deref().unwrap_or(UNNAMED);
    let day = Day::of(latest(&store, Some(here))?.ended);
    let product = known.point.product.as_ref();
    let assessment = product.and_then(|product| held.advisories.assess(product.into(), day));
    let mut memory = store.memory(known.facility.as_deref())?;
    let remembered = memory.points.remove(&known.point.id).unwrap_or_default();
    let bonds = store.bonds(&known.point.id, Some(here))?;
    let words = Words::of(arguments.lang.language());
    output::write(Path::new("-"), |mut out| {
        let (assessment, look) = (assessment.as_ref(), super::look());
        write_point(&known.point, assessment, &known.history, words, look, &mut out)?;
        write_decided(&remembered, &bonds, day, words, look, &mut out)
    })?;
    Ok(Exit::Clean)
}
