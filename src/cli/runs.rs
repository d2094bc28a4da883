//! `sekisho runs`: what was read, and when.

use std::path::Path;

use super::{Exit, StoreArguments, output};
use crate::{inventory::Store, report::visible, scope::Vantage};

/// List the runs that the inventory holds
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  sekisho runs --store hospital.sqlite")]
pub(super) struct Arguments {
    #[command(flatten)]
    store: StoreArguments,
    /// Write them as JSON, one object a line
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let store = Store::open_read(&arguments.store.store)?;
    let mut runs = store.runs()?;
    if let Some(name) = &arguments.store.facility {
        let meant = store.meant(Some(name))?;
        runs.retain(|run| run.facility == meant);
    }
    output::write(Path::new("-"), |out| {
        for run in &runs {
            if arguments.json {
                serde_json::to_writer(&mut *out, run)?;
                writeln!(out)?;
                continue;
            }
            let facility = run.facility.as_deref().unwrap_or("-");
            let from: Vec<&str> = run.vantages.iter().map(Vantage::name).collect();
            writeln!(
                out,
                "{}  {} to {}  {} files, {} packets, {} points  {}  {}",
                run.id,
                run.began,
                run.ended,
                run.inputs,
                run.packets,
                run.points,
                from.join(","),
                visible(facility)
            )?;
        }
        Ok(())
    })?;
    Ok(Exit::Clean)
}
