//! `sekisho signatures load`, `loaded` and `unload`: other people's knowledge, brought along and taken away.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::{Exit, data_folder::DataArguments, output};
use crate::fingerprint::{
    Loaded,
    loaded::{
        Collection, Counts, Error, Findings,
        keep::{self, Found, Manifest},
    },
};

/// Whether other people's knowledge takes part.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(super) struct LoadedArguments {
    /// Also ask what `sekisho signatures load` brought along. Answers then depend on this machine's data folder
    #[arg(long)]
    pub loaded: bool,
}

impl LoadedArguments {
    /// What was loaded, where it is asked for.
    pub(super) fn open(self, data: &DataArguments) -> anyhow::Result<Loaded> {
        if !self.loaded {
            return Ok(Loaded::default());
        }
        Ok(keep::open(&data.needed()?)?)
    }
}

/// Load other people's knowledge: recog XML, nmap-service-probes, IKE vendor IDs, hardware addresses
///
/// What each path is, is told by its content. Every rule is compiled and every example that the source has is run; what
/// cannot be used is counted. A copy is kept in the data folder with its licence, whole or not at all; it is asked only
/// with --loaded, and never before a signature of our own. Nothing of it comes with sekisho.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    sekisho signatures load recog/xml\n  \
    sekisho signatures load /usr/share/nmap/nmap-service-probes --check --list\n  \
    sekisho signatures load nmap-mac-prefixes --licence 'Nmap Public Source License'\n  \
    sekisho signatures load oui.csv ike-vendor-ids\n  \
    sekisho identify --loaded < facts.ndjson")]
pub(super) struct Load {
    /// Files, or folders of recog XML
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    data: DataArguments,
    /// The licence of what states none that is known
    #[arg(long, value_name = "TEXT")]
    licence: Option<String>,
    /// What to call it; otherwise after what it is. What had the name before is replaced
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Only look and count; keep nothing
    #[arg(long)]
    check: bool,
    /// Tell each rule that cannot be used, with file, line and reason
    #[arg(long)]
    list: bool,
}

/// List the knowledge that was loaded
#[derive(Debug, clap::Args)]
pub(super) struct List {
    #[command(flatten)]
    data: DataArguments,
}

/// Take away knowledge that was loaded
#[derive(Debug, clap::Args)]
pub(super) struct Unload {
    /// Its name
    name: String,
    #[command(flatten)]
    data: DataArguments,
}

/// A path that was read and proved, with the name and licence to keep it under.
struct Proved {
    found: Found,
    findings: Findings,
    name: String,
    licence: Option<String>,
}

pub(super) fn load(arguments: &Load) -> anyhow::Result<Exit> {
    let folder = if arguments.check { None } else { Some(arguments.data.needed()?) };
    let mut all: Vec<Proved> = Vec::new();
    for path in &arguments.paths {
        let found = keep::find(path)?;
        let name = arguments.name.clone().unwrap_or_else(|| keep::usual_name(&found));
        keep::check_name(&name)?;
        if let Some(other) = all.iter().find(|other| other.name == name) {
            return Err(Error::Twice {
                name,
                first: other.found.path.clone(),
                second: path.clone(),
            }
            .into());
        }
        let licence = arguments.licence.clone().or_else(|| found.licence.clone());
        if licence.is_none() && !arguments.check {
            return Err(Error::NoLicence { path: path.clone() }.into());
        }
        let findings = Collection::prove(&name, found.kind, &found.files)?;
        all.push(Proved { found, findings, name, licence });
    }
    output::write(Path::new("-"), |out| {
        for proved in &all {
            told(proved, arguments.list, out)?;
        }
        Ok(())
    })?;
    // Everything is whole before anything is kept.
    let Some(folder) = folder else { return Ok(Exit::Clean) };
    for Proved { found, findings, name, licence } in &all {
        let licence = licence.as_deref().unwrap_or_default();
        keep::keep(&folder, name, licence, found, findings)?;
        eprintln!("sekisho: `{name}` is kept in {}; --loaded asks it", folder.display());
    }
    Ok(Exit::Clean)
}

fn told(proved: &Proved, list: bool, out: &mut dyn Write) -> io::Result<()> {
    let Proved { found, findings, name, licence } = proved;
    writeln!(out, "{name} ({}), from {}", found.kind.name(), found.path.display())?;
    writeln!(
        out,
        "  licence   {}",
        licence.as_deref().unwrap_or("none stated that is known; give --licence")
    )?;
    let bytes: usize = found.files.iter().map(|file| file.bytes.len()).sum();
    writeln!(out, "  files     {} ({bytes} bytes)", found.files.len())?;
    counted(&findings.counts, out)?;
    for (reason, count) in &findings.reasons {
        writeln!(out, "  not used  {count}: {reason}")?;
    }
    if list {
        for problem in &findings.problems {
            let text: String =
                problem.text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            writeln!(out, "{}:{}: {}: {text}", problem.file, problem.line, problem.reason)?;
        }
    }
    Ok(())
}

fn counted(counts: &Counts, out: &mut dyn Write) -> io::Result<()> {
    let Counts {
        rules,
        usable,
        observed,
        silent,
        fancy,
        examples,
        passed,
        first,
        observable,
        kept,
    } = *counts;
    writeln!(
        out,
        "  rules     {rules} read, {usable} usable ({fancy} by going back), {observed} of fields that are observed, {silent} that name nobody"
    )?;
    if examples > 0 {
        writeln!(
            out,
            "  examples  {passed} of {examples} pass ({}), {first} reach their rule first",
            share(passed, examples)
        )?;
    }
    if observable > 0 {
        writeln!(
            out,
            "            {kept} of {observable} ({}) of observed fields still match when kept as a fact",
            share(kept, observable)
        )?;
    }
    Ok(())
}

/// A share in per cent, with two digits that are never rounded up.
fn share(part: usize, whole: usize) -> String {
    let hundredths = part * 10_000 / whole.max(1);
    format!("{}.{:02} %", hundredths / 100, hundredths % 100)
}

pub(super) fn list(arguments: &List) -> anyhow::Result<Exit> {
    let folder = arguments.data.needed()?;
    let manifests = keep::list(&folder)?;
    output::write(Path::new("-"), |out| {
        for manifest in &manifests {
            let Manifest { name, kind, licence, origin, files, counts, .. } = manifest;
            writeln!(out, "{name} ({}), from {origin}", kind.name())?;
            writeln!(out, "  licence   {licence}")?;
            let newest = files.iter().filter_map(|file| file.modified.as_deref()).max();
            let bytes: u64 = files.iter().map(|file| file.bytes).sum();
            writeln!(
                out,
                "  files     {} ({bytes} bytes), newest of {}",
                files.len(),
                newest.unwrap_or("?")
            )?;
            counted(counts, out)?;
        }
        Ok(())
    })?;
    if manifests.is_empty() {
        eprintln!("sekisho: nothing is loaded in {}", folder.display());
    }
    Ok(Exit::Clean)
}

pub(super) fn unload(arguments: &Unload) -> anyhow::Result<Exit> {
    keep::remove(&arguments.data.needed()?, &arguments.name)?;
    eprintln!("sekisho: `{}` is taken away", arguments.name);
    Ok(Exit::Clean)
}
