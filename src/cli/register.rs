//! `sekisho register`: what the hospital wrote down, loaded and listed.

use std::{
    fs,
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

use super::{Exit, LangArguments, output};
use crate::{
    import::{self, File, Loaded, Mapping, load},
    inventory::Store,
    link::live::Clock,
    observe::facts::hex,
    report::{Words, visible, words::moment, write_plain, write_readings},
    time::Timestamp,
};

/// The largest mapping file, in bytes.
const LARGEST_MAPPING: u64 = 1 << 20;

/// Why a register is not loaded.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// What is kept says who kept it.
    #[error(
        "a register that is kept says who loaded it; add `--by NAME`, or `--dry-run` to only look"
    )]
    NoName,
}

/// Load the hospital's register, or list what was loaded
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  sekisho register load 機器台帳.xlsx\n  \
    sekisho register load 機器台帳.xlsx --store hospital.sqlite --by Yamada\n  \
    sekisho register show --store hospital.sqlite")]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Load(Load),
    Show(Show),
}

/// Read a register from workbooks or CSV, show what each column was taken for, and keep it
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  sekisho register load 機器台帳.xlsx\n  \
    sekisho register load 機器台帳.xlsx --write-mapping map.toml\n  \
    sekisho register load 機器台帳.xlsx 回線.csv --mapping map.toml --store hospital.sqlite --by Yamada")]
struct Load {
    /// Files of one register: xlsx, xlsm, xls, ods, or text with commas, tabs or semicolons
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    reading: ReadingArguments,
    /// Keep it in this inventory
    #[arg(long, value_name = "DB", env = "SEKISHO_STORE")]
    store: Option<PathBuf>,
    /// The facility that it is of; otherwise the only one of the inventory
    #[arg(long, value_name = "NAME")]
    facility: Option<String>,
    /// Who loads it
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Only show what would be read
    #[arg(long)]
    dry_run: bool,
    /// Write what was guessed as a mapping file, to be changed and given back
    #[arg(long, value_name = "FILE")]
    write_mapping: Option<PathBuf>,
    #[command(flatten)]
    lang: LangArguments,
}

/// How the files of a register are read.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct ReadingArguments {
    /// What sheets and columns are, where the guess is wrong (docs/register.md)
    #[arg(long, value_name = "MAP.toml")]
    mapping: Option<PathBuf>,
    /// Only this sheet, even if it is hidden; may be given several times
    #[arg(long, value_name = "NAME")]
    sheet: Vec<String>,
}

/// List the registers that the inventory holds; the last of a facility counts
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  sekisho register show --store hospital.sqlite")]
struct Show {
    #[command(flatten)]
    store: super::StoreArguments,
    /// Write them as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    lang: LangArguments,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    match &arguments.command {
        Command::Load(arguments) => load_files(arguments),
        Command::Show(arguments) => show(arguments),
    }
}

fn load_files(arguments: &Load) -> anyhow::Result<Exit> {
    let words = Words::of(arguments.lang.language());
    let store = arguments.store.as_deref().filter(|_| !arguments.dry_run);
    let by = match (store, arguments.by.as_deref().filter(|name| !name.trim().is_empty())) {
        (Some(_), None) => return Err(Error::NoName.into()),
        (_, by) => by.unwrap_or_default(),
    };
    output::check(&[("--write-mapping", arguments.write_mapping.as_deref())])?;
    let (loaded, digest) = read(&arguments.files, &arguments.reading, Clock::start().now())?;
    if let Some(path) = &arguments.write_mapping {
        let text = Mapping::written(&loaded.readings);
        output::write(path, |out| out.write_all(text.as_bytes()))?;
    }
    // What a mapping file on standard output would be mixed with goes to standard error.
    let to_stdout = arguments.write_mapping.as_deref().is_some_and(output::is_stdout);
    if !to_stdout {
        output::write(Path::new("-"), |mut out| {
            write_readings(&loaded, words, super::look(), &mut out)
        })?;
    }
    refuse_empty(&loaded)?;
    let Some(path) = store else {
        eprintln!("{}", words.get("register", "not_kept"));
        return Ok(Exit::Clean);
    };
    let register = &loaded.register;
    let facility =
        Store::open(path)?.load_register(arguments.facility.as_deref(), register, &digest, by)?;
    let facility = facility.unwrap_or_else(|| words.get("register", "no_facility").to_owned());
    let lines = register.entries.len().to_string();
    let values = [
        ("name", visible(&register.name)),
        ("lines", lines.as_str().into()),
        ("facility", visible(&facility)),
        ("by", visible(by.trim())),
    ];
    let values = values.each_ref().map(|(name, value)| (*name, &**value));
    eprintln!("{}", words.fill("register", "kept", &values));
    Ok(Exit::Clean)
}

/// Reads files as one register, and gives the digest of their bytes.
pub(super) fn read(
    paths: &[PathBuf],
    arguments: &ReadingArguments,
    now: Timestamp,
) -> anyhow::Result<(Loaded, String)> {
    let mapping = match &arguments.mapping {
        Some(path) => {
            let unreadable = |source| import::Error::Unreadable { path: path.clone(), source };
            if fs::metadata(path).map_err(unreadable)?.len() > LARGEST_MAPPING {
                let (path, most) = (path.clone(), LARGEST_MAPPING);
                return Err(import::Error::TooLarge { path, most }.into());
            }
            let text = fs::read_to_string(path).map_err(unreadable)?;
            Mapping::parse(&text, &path.display().to_string())?
        }
        None => Mapping::default(),
    };
    let files: Vec<File> = paths.iter().map(|path| File::open(path)).collect::<Result<_, _>>()?;
    let mut digest = Sha256::new();
    for file in &files {
        digest.update(&file.digest);
    }
    let digest = match files.as_slice() {
        [file] => file.digest.clone(),
        _ => hex(&digest.finalize()),
    };
    Ok((load(&files, &mapping, &arguments.sheet, now)?, digest))
}

/// Refuses what is no register.
pub(super) fn refuse_empty(loaded: &Loaded) -> Result<(), import::Error> {
    if loaded.register.entries.is_empty() {
        return Err(import::Error::NoLines { names: vec![loaded.register.name.clone()] });
    }
    Ok(())
}

fn show(arguments: &Show) -> anyhow::Result<Exit> {
    let words = Words::of(arguments.lang.language());
    let store = Store::open_read(&arguments.store.store)?;
    let registers = store.registers(arguments.store.facility.as_deref())?;
    output::write(Path::new("-"), |mut out| {
        if arguments.json {
            return write_plain(&registers, &mut out);
        }
        if registers.is_empty() {
            return writeln!(out, "{}", words.get("register", "no_registers"));
        }
        for register in &registers {
            let facility = register.facility.as_deref();
            writeln!(
                out,
                "{}  {}  {}  {}  {}  {}  {}",
                words.get("register", if register.counts { "counts" } else { "superseded" }),
                moment(register.loaded),
                visible(&register.name),
                words.counted("register", "total", usize::try_from(register.lines).unwrap_or(0)),
                visible(facility.unwrap_or_else(|| words.get("register", "no_facility"))),
                visible(&register.by),
                register.digest.get(..12).unwrap_or_default(),
            )?;
        }
        Ok(())
    })?;
    Ok(Exit::Clean)
}
