//! `sekisho facilities`: whose points a store holds.

use std::path::{Path, PathBuf};

use super::{Exit, LangArguments, decided::now, output};
use crate::{
    inventory::Store,
    report::{Words, cut, words::moment, write_line},
    time::Day,
};

/// List the facilities that a store holds
///
/// Of each: how many points are known, how many runs were made and when the last one ended, and about how many points nobody
/// decided, or whose decision has run out by today.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  sekisho facilities --store group.sqlite")]
pub(super) struct Arguments {
    /// The inventory: a file that `replay --store` makes
    #[arg(long, value_name = "DB", env = "SEKISHO_STORE")]
    store: PathBuf,
    /// Write them as JSON, one object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    lang: LangArguments,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let words = Words::of(arguments.lang.language());
    let all = Store::open_read(&arguments.store)?.overview(Day::of(now()))?;
    output::write(Path::new("-"), |mut out| {
        for one in &all {
            if arguments.json {
                write_line(one, &mut out)?;
                continue;
            }
            let name = one.facility.as_deref().map(|name| cut(name, 60));
            let ended = moment(one.last_ended);
            let day = ended.split(' ').next().unwrap_or_default();
            let said = [
                name.unwrap_or_else(|| words.get("review", "no_facility").to_owned()),
                words.counted("review", "points", one.points),
                words.counted("review", "open_reviews", one.open),
                words.counted("review", "over_reviews", one.over),
                words.counted("review", "runs", usize::try_from(one.runs).unwrap_or(usize::MAX)),
                words.fill("review", "last_run", &[("day", day)]),
            ];
            writeln!(out, "{}", said.join("  "))?;
        }
        Ok(())
    })?;
    Ok(Exit::Clean)
}
