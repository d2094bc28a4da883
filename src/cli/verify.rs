//! `sekisho verify`: whether anybody changed what was seen or decided.

use std::path::PathBuf;

use super::{Exit, output};
use crate::{
    inventory::{Store, Verified},
    report::{visible, write_line},
};

/// Check that nobody changed what was seen or decided
///
/// Recomputes every hash of the log and the digests of what it tells of. The first thing that does not fit is told, and the
/// command ends with 3: such a store is input that cannot be relied on. Who can write to the file can also write the whole log
/// anew; only the hash of its head, written down elsewhere, shows that. It is on the reports, and `--until` looks for it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  sekisho verify --store hospital.sqlite\n  \
    sekisho verify --store hospital.sqlite --until 4f1d2a90b3c8")]
pub(super) struct Arguments {
    /// The inventory: a file that `replay --store` makes
    #[arg(long, value_name = "DB", env = "SEKISHO_STORE")]
    store: PathBuf,
    /// The head that was written down: it must be in the log. The first 12 of its digits are enough
    #[arg(long, value_name = "HASH")]
    until: Option<String>,
    /// Write what was found as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let store = Store::open_read(&arguments.store)?;
    let verified = store.verify(arguments.until.as_deref())?;
    tell(&verified, arguments.json)?;
    Ok(Exit::Clean)
}

/// Tells what was found.
pub(super) fn tell(verified: &Verified, json: bool) -> Result<(), output::Error> {
    output::write(std::path::Path::new("-"), |mut out| {
        if json {
            return write_line(verified, &mut out);
        }
        let kinds: Vec<String> =
            verified.kinds.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        writeln!(
            out,
            "{} entries, all as they were written ({})",
            verified.entries,
            visible(&kinds.join(", "))
        )?;
        if let Some(facility) = &verified.exported {
            let withheld = verified.withheld;
            writeln!(
                out,
                "exported: {} only; {withheld} entries of others are withheld",
                visible(facility)
            )?;
        }
        if let Some(number) = verified.until {
            writeln!(out, "what was written down is entry {number}")?;
        }
        match &verified.head {
            Some(head) => writeln!(out, "head {} {}", head.number, head.hash),
            None => writeln!(out, "nothing was done with this store yet"),
        }
    })
}
