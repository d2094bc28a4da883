//! `sekisho log`: what was done with a store.

use std::path::Path;

use super::{Exit, LangArguments, StoreArguments, output};
use crate::{
    inventory::{Logged, Noted, Store},
    report::{Words, cut, visible, words::moment, write_line},
};

/// List what was done with a store: runs, decisions, registers and forms
///
/// Each entry is bound to the one before it by its hash; `sekisho verify` recomputes them all. The last line names the head,
/// which stands for everything before it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  sekisho log --store hospital.sqlite\n  \
    sekisho log --store hospital.sqlite --json > log.ndjson")]
pub(super) struct Arguments {
    #[command(flatten)]
    store: StoreArguments,
    /// Write the entries as JSON, one object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    lang: LangArguments,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let words = Words::of(arguments.lang.language());
    let store = Store::open_read(&arguments.store.store)?;
    let mut log = store.log()?;
    if let Some(name) = &arguments.store.facility {
        let meant = store.meant(Some(name))?;
        log.retain(|entry| entry.told.as_ref().is_some_and(|told| told.facility == meant));
    }
    output::write(Path::new("-"), |mut out| {
        for entry in &log {
            if arguments.json {
                write_line(entry, &mut out)?;
            } else {
                writeln!(out, "{}", line(entry, words))?;
            }
        }
        Ok(())
    })?;
    if let Some(head) = store.head()?.filter(|_| !arguments.json) {
        eprintln!("sekisho: head {} {}", head.number, head.hash);
    }
    Ok(Exit::Clean)
}

/// An entry on one line.
fn line(entry: &Logged, words: &Words) -> String {
    let number = entry.number;
    let Some(told) = &entry.told else { return format!("{number:>6}  —") };
    let detail = ["state", "until", "pairs", "reason"].into_iter().filter_map(|key| told.get(key));
    let detail: Vec<String> = detail.map(|text| cut(&text, 120)).collect();
    let kind = Noted::ALL.iter().find(|kind| kind.name() == told.kind).map(|kind| kind.name());
    let said = [
        format!("{number:>6}"),
        moment(told.at),
        words.get("noted", kind.unwrap_or("?")).to_owned(),
        visible(&cut(&told.subject, 60)).into_owned(),
        cut(&told.by, 40),
        cut(told.facility.as_deref().unwrap_or("-"), 40),
        detail.join(", "),
    ];
    said.join("  ").trim_end().to_owned()
}
