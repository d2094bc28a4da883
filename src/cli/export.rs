//! `sekisho export`: what is handed over, in one file; and what was handed over, opened again.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{Exit, output, scratch::Scratch};
use crate::{
    inventory::{
        Store,
        bundle::{
            Content, Error, HEAD, STORE, pack, reports,
            seal::{self, Key, Lock},
            unpack,
        },
    },
    report::visible,
};

/// Write a store, its log's head and reports into one file that can be handed over, sealed if you like
///
/// The bundle is a tar with `store.sqlite`, `log-head.txt`, the reports and `SHA256SUMS`, which `sha256sum -c` reads too. The same
/// contents give the same bytes. With --facility it holds that facility's rows only; of others the log keeps nothing but hashes.
/// Sealed bundles are `age` files, and the program `age` opens them as well. A passphrase comes from a file or from standard input
/// (`-`), never from the command line, where others would see it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    sekisho export handover.tar --store hospital.sqlite --report out\n  \
    sekisho export handover.tar.age --store group.sqlite --facility 関所記念病院 --passphrase-file words.txt\n  \
    sekisho export handover.tar.age --store hospital.sqlite --recipient age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p\n  \
    sekisho export --open handover.tar.age handover --identity key.txt")]
pub(super) struct Arguments {
    /// The bundle; `-` for standard output
    #[arg(value_name = "BUNDLE")]
    bundle: PathBuf,
    /// With --open: the folder to unpack into, which must be empty or not there
    #[arg(value_name = "DIR", requires = "open")]
    folder: Option<PathBuf>,
    /// Unpack a bundle, and check every file in it
    #[arg(long, requires = "folder", conflicts_with_all = ["facility", "report", "recipient"])]
    open: bool,
    /// The inventory: a file that `replay --store` makes
    #[arg(long, value_name = "DB", env = "SEKISHO_STORE", required_unless_present = "open")]
    store: Option<PathBuf>,
    /// Only this facility's
    #[arg(long, value_name = "NAME")]
    facility: Option<String>,
    /// A folder with a report that goes along; may be given several times
    #[arg(long, value_name = "DIR")]
    report: Vec<PathBuf>,
    #[command(flatten)]
    key: KeyArguments,
    /// Seal for whoever has the key of this `age1…`; may be given several times
    #[arg(long, value_name = "RECIPIENT", conflicts_with_all = ["passphrase_file", "identity"])]
    recipient: Vec<String>,
}

/// By what a bundle is opened.
#[derive(Debug, clap::Args)]
pub(super) struct KeyArguments {
    /// A file with the passphrase on its first line; `-` for standard input
    #[arg(long, value_name = "FILE", conflicts_with = "identity")]
    passphrase_file: Option<PathBuf>,
    /// A file with the key that opens it, as `age-keygen` writes it
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,
}

/// Why a bundle is not made.
#[derive(Debug, thiserror::Error)]
#[error("--identity opens a bundle, and none is opened here; seal for keys by --recipient age1…")]
pub(super) struct NothingToOpen;

impl KeyArguments {
    /// The key, read from its file.
    pub(super) fn read(&self) -> Result<Key, seal::Error> {
        Ok(match (&self.passphrase_file, &self.identity) {
            (Some(path), _) => Key::Passphrase(seal::passphrase(path)?),
            (None, Some(path)) => Key::Identities(seal::identities(path)?),
            (None, None) => Key::None,
        })
    }
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    match &arguments.folder {
        Some(folder) => open(arguments, folder),
        None => export(arguments),
    }
}

fn open(arguments: &Arguments, folder: &Path) -> anyhow::Result<Exit> {
    let key = arguments.key.read()?;
    let unpacked = unpack(&arguments.bundle, &key, Some(folder), &|_| true)?;
    output::write(Path::new("-"), |out| {
        let files = unpacked.files.keys().map(|name| folder.join(name));
        files
            .into_iter()
            .try_for_each(|path| writeln!(out, "{}", visible(&path.display().to_string())))
    })?;
    let store = folder.join(STORE);
    eprintln!(
        "sekisho: every file is as {} says; `sekisho verify --store {}` checks the log",
        crate::inventory::bundle::SUMS,
        visible(&store.display().to_string())
    );
    Ok(Exit::Clean)
}

fn export(arguments: &Arguments) -> anyhow::Result<Exit> {
    let lock = match arguments.key.read()? {
        Key::Identities(_) => return Err(NothingToOpen.into()),
        Key::Passphrase(passphrase) => Lock::Passphrase(passphrase),
        Key::None if arguments.recipient.is_empty() => Lock::Open,
        Key::None => Lock::Recipients(arguments.recipient.clone()),
    };
    seal::check(&lock)?;
    let bundle = &arguments.bundle;
    output::check(&[("BUNDLE", Some(bundle))])?;
    let store = Store::open_read(arguments.store.as_deref().unwrap_or(Path::new("")))?;
    let mut files = reports(&arguments.report)?;
    let folder = if output::is_stdout(bundle) { None } else { bundle.parent() };
    let folder = folder.filter(|folder| !folder.as_os_str().is_empty());
    let scratch = Scratch::within(folder.unwrap_or(Path::new(".")))?;
    let (copy, note) = (scratch.path().join(STORE), scratch.path().join(HEAD));
    let head = store.export(&copy, arguments.facility.as_deref())?;
    let head =
        head.map_or_else(|| "0 -".to_owned(), |head| format!("{} {}", head.number, head.hash));
    fs::write(&note, format!("{head}\n"))
        .map_err(|source| output::Error::File { path: note.clone(), source })?;
    files.push(Content { name: STORE.to_owned(), path: copy });
    files.push(Content { name: HEAD.to_owned(), path: note });
    let count = files.len();
    let mut stopped = None;
    let written = output::write_for_owner(bundle, |out| {
        seal::sealed(&lock, out, |out| pack(files, bundle, out).map_err(Stopped::Bundle)).map_err(
            |error| {
                stopped = Some(error);
                io::Error::other("it is not whole")
            },
        )
    });
    match stopped {
        Some(Stopped::Bundle(error)) => return Err(error.into()),
        Some(Stopped::Seal(source)) => {
            return Err(Error::Seal { path: bundle.clone(), source }.into());
        }
        None => written?,
    }
    let sealed = match &lock {
        Lock::Open => "not sealed".to_owned(),
        Lock::Passphrase(_) => "sealed by a passphrase".to_owned(),
        Lock::Recipients(all) => format!("sealed for {}", all.len()),
    };
    let bundle = visible(&bundle.display().to_string()).into_owned();
    eprintln!("sekisho: {bundle}: {count} files, {sealed}; head {head}");
    Ok(Exit::Clean)
}

/// Why a bundle is not whole.
enum Stopped {
    Bundle(Error),
    Seal(seal::Error),
}

impl From<seal::Error> for Stopped {
    fn from(error: seal::Error) -> Self {
        Self::Seal(error)
    }
}
