//! `sekisho signatures draft`: a signature from what a box said that nobody knows.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{Exit, StoreArguments, output, signature_folders::SignatureFolders};
use crate::{
    fingerprint::{
        Matcher, Vocabulary,
        draft::{Named, Seen, draft},
    },
    inventory::{KnownBox, Store},
    observe::Mac,
};

/// Draft a signature from what an unrecognised box said, without what tells whose box it is
///
/// Names, addresses, serial numbers, places and dates are taken out; what is left is tried before it is written. Read it
/// before you give it away. With --vendor, --product and --role it passes `signatures check` as it is.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    sekisho points --unrecognised --store hospital.sqlite\n  \
    sekisho signatures draft --from p1a2b --store hospital.sqlite\n  \
    sekisho signatures draft --from p1a2b --store hospital.sqlite --vendor Acme --product EdgeGate --role router --output my-signatures\n  \
    sekisho signatures check my-signatures\n  \
    sekisho replay monday.pcapng --add-signatures my-signatures")]
pub(super) struct Arguments {
    /// The box, or the beginning of its name; `sekisho points --unrecognised` lists them
    #[arg(long, value_name = "ID")]
    from: String,
    #[command(flatten)]
    store: StoreArguments,
    /// Who makes it
    #[arg(long, value_name = "NAME")]
    vendor: Option<String>,
    /// What the maker calls it
    #[arg(long, value_name = "NAME")]
    product: Option<String>,
    /// What it does at the edge: a role of the vocabulary, such as `router`
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// Where to: a file that ends in `.toml`, or a folder of signatures, in which it gets its place; otherwise standard output
    #[arg(long, value_name = "FILE|DIR")]
    output: Option<PathBuf>,
    #[command(flatten)]
    folders: SignatureFolders,
}

/// What is wrong with what was asked for.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// The role is none.
    #[error("there is no role `{role}`; use one of {}", known.join(", "))]
    Role {
        /// What was given.
        role: String,
        /// Those there are.
        known: Vec<String>,
    },
    /// A folder has a place for what is named only.
    #[error("{}: a folder needs --vendor, --product and --role, for the file's name and place; or name a file that ends in `.toml`", folder.display())]
    Unnamed {
        /// The folder.
        folder: PathBuf,
    },
    /// There is a file already.
    #[error("{}: there is a file already; name another by --output, or remove it", path.display())]
    Taken {
        /// The file.
        path: PathBuf,
    },
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let signatures = arguments.folders.load()?;
    let known = Vocabulary::built_in()?;
    if let Some(role) = arguments.role.as_ref().filter(|role| !known.roles.contains_key(*role)) {
        let known = known.roles.into_keys().collect();
        return Err(Fault::Role { role: role.clone(), known }.into());
    }
    let store = Store::open_read(&arguments.store.store)?;
    let seen = store.unrecognised(&arguments.from, arguments.store.facility.as_deref())?;
    let secrets = secrets(&store, &seen)?;
    let facts: Vec<(Option<u16>, &str, &str)> =
        seen.known.said.iter().map(|said| (said.port, &*said.field, &*said.value)).collect();
    let macs: Vec<Mac> = seen.known.macs.iter().copied().collect();
    let began = seen.began.to_string();
    let seen = Seen {
        facts: &facts,
        macs: &macs,
        secrets: &secrets,
        month: began.get(..7).unwrap_or_default(),
    };
    let mut named = Named {
        vendor: arguments.vendor.as_deref(),
        product: arguments.product.as_deref(),
        role: arguments.role.as_deref(),
        file: None,
    };
    let is_file = |path: &Path| path.extension().is_some_and(|ending| ending == "toml");
    let stem = arguments.output.as_deref().filter(|path| is_file(path)).and_then(Path::file_stem);
    let stem = stem.map(|stem| stem.to_string_lossy().into_owned());
    named.file = stem.as_deref();
    let drafted = draft(&seen, &named, &known, &Matcher::new(&signatures));
    if drafted.rules == 0 {
        eprintln!(
            "sekisho: nothing that this box said tells its product; the draft says what was left out, and why"
        );
    }
    let mut folder = None;
    let path = match &arguments.output {
        None => PathBuf::from("-"),
        Some(path) if output::is_stdout(path) || is_file(path) => path.clone(),
        Some(given) => match (&arguments.vendor, &arguments.product, &arguments.role) {
            (Some(vendor), Some(_), Some(role)) => {
                folder = Some((given, vendor));
                given.join(role).join(format!("{}.toml", drafted.id))
            }
            _ => return Err(Fault::Unnamed { folder: given.clone() }.into()),
        },
    };
    // A link that leads nowhere is somebody's, too.
    if !output::is_stdout(&path) && path.symlink_metadata().is_ok() {
        return Err(Fault::Taken { path }.into());
    }
    if let Some((folder, vendor)) = folder {
        output::folder(path.parent().unwrap_or(folder))?;
        add_vendor(folder, vendor, &known)?;
    }
    output::write(&path, |out| write!(out, "{}", drafted.text))?;
    if !output::is_stdout(&path) {
        let (path, rules) = (path.display(), drafted.rules);
        output::write(Path::new("-"), |out| writeln!(out, "{path}: {rules} rules"))?;
    }
    Ok(Exit::Clean)
}

/// What must not be told besides what the box said: names of facilities, of points, addresses.
fn secrets(store: &Store, seen: &KnownBox) -> anyhow::Result<Vec<String>> {
    let mut secrets = store.facilities()?;
    secrets.extend(seen.known.addresses.iter().map(ToString::to_string));
    for known in store.points(seen.facility.as_deref())? {
        let point = known.point;
        secrets.extend(point.addresses.iter().chain(&point.outside).map(ToString::to_string));
        let ends = point.lines.iter().flat_map(|line| [line.outside, line.next_hop]);
        secrets.extend(ends.flatten().map(|address| address.to_string()));
        // It may be called otherwise by now.
        let same = !point.addresses.is_disjoint(&seen.known.addresses)
            || !point.macs.is_disjoint(&seen.known.macs);
        if same || point.id == seen.known.id {
            secrets.extend(point.names);
        }
    }
    Ok(secrets)
}

/// Adds a vendor that is not known to the folder's words, if the folder has none yet; otherwise says what to add.
fn add_vendor(folder: &Path, vendor: &str, known: &Vocabulary) -> anyhow::Result<()> {
    let words = folder.join("vocabulary.toml");
    if known.vendors.contains(vendor) {
        return Ok(());
    }
    if words.exists() {
        let told = fs::read_to_string(&words).unwrap_or_default();
        let own: Option<Vocabulary> = toml::from_str(&told).ok();
        if !own.is_some_and(|own| own.vendors.contains(vendor)) {
            eprintln!("sekisho: add \"{vendor}\" to `vendors` in {}", words.display());
        }
        return Ok(());
    }
    let vendor = toml::Value::String(vendor.to_owned());
    output::write(&words, |out| {
        writeln!(
            out,
            "# Who makes what is described here, where nobody knew them.\nvendors = [{vendor}]"
        )
    })?;
    Ok(())
}
