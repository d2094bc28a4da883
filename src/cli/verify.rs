//! `sekisho verify`: whether anybody changed what was seen or decided.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{Exit, export::KeyArguments, output, scratch::Scratch};
use crate::{
    inventory::{
        self, Store, Verified,
        bundle::{self, HEAD, STORE, unpack},
    },
    report::{visible, write_line},
};

/// Check that nobody changed what was seen or decided
///
/// Recomputes every hash of the log and the digests of what it tells of; of a bundle, also the digest of every file. The first
/// thing that does not fit is told, and the command ends with 3: such a store is input that cannot be relied on. Who can write to
/// the file can also write the whole log anew; only the hash of its head, written down elsewhere, shows that. It is on the
/// reports, and --until looks for it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  sekisho verify --store hospital.sqlite\n  \
    sekisho verify --store hospital.sqlite --until 4f1d2a90b3c8\n  \
    sekisho verify handover.tar.age --passphrase-file words.txt")]
pub(super) struct Arguments {
    /// A bundle that `export` made; it is not unpacked
    #[arg(value_name = "BUNDLE")]
    bundle: Option<PathBuf>,
    /// The inventory: a file that `replay --store` makes
    #[arg(long, value_name = "DB", env = "SEKISHO_STORE", required_unless_present = "bundle")]
    store: Option<PathBuf>,
    /// The head that was written down: it must be in the log. The first 12 of its digits are enough
    #[arg(long, value_name = "HASH")]
    until: Option<String>,
    #[command(flatten)]
    key: KeyArguments,
    /// Write what was found as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let until = arguments.until.as_deref();
    let verified = match (&arguments.bundle, &arguments.store) {
        (Some(path), _) => of_bundle(arguments, path)?,
        (None, store) => {
            Store::open_read(store.as_deref().unwrap_or(Path::new("")))?.verify(until)?
        }
    };
    tell(&verified, arguments.json)?;
    Ok(Exit::Clean)
}

/// Checks every file of a bundle, and the store in it, which SQLite reads of a file for that time.
fn of_bundle(arguments: &Arguments, path: &Path) -> anyhow::Result<Verified> {
    let key = arguments.key.read()?;
    let scratch = Scratch::within(&std::env::temp_dir())?;
    let folder = scratch.path().join("bundle");
    let unpacked = unpack(path, &key, Some(&folder), &|name| name == STORE || name == HEAD)?;
    if !unpacked.files.contains_key(STORE) {
        let what = format!("there is no {STORE} in it");
        return Err(bundle::Error::NotABundle { path: path.to_owned(), what }.into());
    }
    let store = Store::open_read(folder.join(STORE))?;
    let verified = store.verify(arguments.until.as_deref()).map_err(|error| match error {
        inventory::Error::Broken { broken, .. } => {
            inventory::Error::Broken { path: path.to_owned(), broken }
        }
        other => other,
    })?;
    let head = verified.head.as_ref();
    let head =
        head.map_or_else(|| "0 -".to_owned(), |head| format!("{} {}", head.number, head.hash));
    let written = fs::read_to_string(folder.join(HEAD)).unwrap_or_default();
    if written.trim_end() != head {
        let name = HEAD.to_owned();
        return Err(bundle::Error::Changed { path: path.to_owned(), name }.into());
    }
    Ok(verified)
}

/// Tells what was found.
fn tell(verified: &Verified, json: bool) -> Result<(), output::Error> {
    output::write(Path::new("-"), |mut out| {
        if json {
            return write_line(verified, &mut out);
        }
        let kinds: Vec<String> =
            verified.kinds.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        let kinds = visible(&kinds.join(", ")).into_owned();
        writeln!(out, "{} entries, all as they were written ({kinds})", verified.entries)?;
        if let Some(facility) = &verified.exported {
            let (facility, withheld) = (visible(facility), verified.withheld);
            writeln!(out, "exported: {facility} only; {withheld} entries of others are withheld")?;
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
