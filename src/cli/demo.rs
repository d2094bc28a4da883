//! `sekisho demo`: a scan of an invented hospital, from the first question to the report, without a network.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    Exit, Lang, LangArguments,
    conclude::Outputs,
    data_folder::DataArguments,
    editions::ChecklistArguments,
    font::FontArguments,
    formats::{self, Chosen},
    loaded::LoadedArguments,
    nightly::NightlyArguments,
    output,
    signature_folders::SignatureFolders,
    survey::simulated,
};
use crate::{
    fingerprint::Matcher,
    import::{File, Mapping, load},
    inventory::{LoadedRegister, Store},
    link::{Link as _, live, sim::Sim},
    report::{FORMATS, Language, sent::LEDGER},
    scope::Facility,
    time::Timestamp,
};

/// Where the report goes unless it is said.
const FOLDER: &str = "sekisho-demo";

/// Who loads the register of the invented hospital.
const DEMO: &str = "demo";

/// What everything random in the demo follows from: it is the same every time.
const SEED: u64 = 0x5eed;

/// Scan an invented hospital, without a network and without privileges
///
/// The hospital has 1,200 addresses in 7 subnets and 32 connection points, two of which answer nothing and only forward, and a
/// register that tells of a third of them. It is scanned as a real one would be, at the pace of its facility file, by a clock that does not wait: the hours it would take are
/// over in seconds.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  sekisho demo\n  \
    sekisho demo --lang ja --report out --store demo.sqlite\n  \
    sekisho demo --record demo.pcapng    # then: sekisho replay demo.pcapng")]
pub(super) struct Arguments {
    /// Write the report into this folder, in both languages; otherwise into `sekisho-demo` here
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    #[arg(long, value_name = "FORMAT", value_delimiter = ',', value_parser = formats::named, help = formats::help())]
    format: Vec<&'static str>,
    /// Write the report in this language only
    #[arg(long, value_name = "LANG")]
    report_lang: Option<Lang>,
    // Not by the environment: an invented hospital has no place in a real inventory.
    /// The inventory to keep the points in; made if there is none
    #[arg(long, value_name = "DB")]
    store: Option<PathBuf>,
    /// Write the points as JSON (`sekisho.points/1`); `-` for standard output
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Keep the recording of the scan here
    #[arg(long, value_name = "RUN.pcapng")]
    record: Option<PathBuf>,
    /// Say nothing on standard error but errors
    #[arg(long, short)]
    quiet: bool,
    #[command(flatten)]
    lang: LangArguments,
}

/// Why the demo does not begin.
#[derive(Debug, thiserror::Error)]
#[error("{}: there is something in it that is no report of ours ({entry}); name another folder by --report", folder.display())]
pub(super) struct Taken {
    folder: PathBuf,
    entry: String,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let folder = match &arguments.report {
        Some(folder) => folder.clone(),
        None => free(Path::new(FOLDER))?,
    };
    let places = Places::of(arguments.record.as_deref(), arguments.store.as_deref())?;
    let outputs = Outputs {
        store: Some(places.store.clone()),
        json: arguments.json.clone(),
        report: Some(folder.clone()),
        format: arguments.format.clone(),
        report_lang: arguments.report_lang,
        font: FontArguments::default(),
        nightly: NightlyArguments::default(),
        observations: None,
        folders: SignatureFolders::default(),
        loaded: LoadedArguments::default(),
        // It says the same everywhere.
        data: DataArguments { data: Some(PathBuf::new()) },
        checklist: ChecklistArguments::default(),
        exit_zero: true,
        strict: false,
        quiet: arguments.quiet,
        lang: arguments.lang,
    };
    let desk = outputs.open()?;
    let facility = Facility::parse(Sim::hospital_facility(), "hospital.facility.toml")?;
    if !arguments.quiet {
        eprintln!("sekisho: a scan of an invented hospital; nothing is sent anywhere");
    }
    let network = Sim::hospital()?;
    let began = network.now();
    keep_register(&places.store, &facility, began)?;
    let matcher = Matcher::new(&desk.signatures);
    let (surveyed, network) =
        simulated(network, &facility, SEED, &matcher, &places.recording, &mut |_| {})?;
    if !arguments.quiet {
        let minutes = network.now().since(began) / 60_000_000_000;
        eprintln!(
            "sekisho: {} hosts answered, {} services opened; a real network would have taken {} hours {} minutes",
            surveyed.found.hosts.len(),
            surveyed.asked.open.len(),
            minutes / 60,
            minutes % 60
        );
    }
    let exit = desk.conclude(std::slice::from_ref(&places.recording), Some(facility))?;
    if !arguments.quiet {
        let chosen = Chosen::of(&arguments.format, arguments.report_lang);
        let language = arguments.lang.language();
        let languages = chosen.languages();
        let language =
            languages.iter().find(|one| **one == language).or(languages.first()).copied();
        let first = chosen.formats().next().zip(language);
        let first = first.map(|(format, language)| format.file_name(language));
        eprintln!("sekisho: open {}", folder.join(first.unwrap_or_default()).display());
    }
    Ok(exit)
}

/// The folder, if nothing in it would be lost or mistaken for a part of the report.
fn free(folder: &Path) -> anyhow::Result<PathBuf> {
    let ours = |name: &str| {
        name == LEDGER
            || FORMATS.iter().any(|format| {
                [Language::Japanese, Language::English]
                    .map(|l| format.file_name(l))
                    .contains(&name.to_owned())
            })
    };
    // What is no folder is refused by whoever makes it one.
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let entry = entry?.file_name().to_string_lossy().into_owned();
        if !ours(&entry) {
            return Err(Taken { folder: folder.to_owned(), entry }.into());
        }
    }
    Ok(folder.to_owned())
}

/// Keeps the register of the invented hospital in the store, unless it is kept there already.
fn keep_register(store: &Path, facility: &Facility, now: Timestamp) -> anyhow::Result<()> {
    let (name, text) = Sim::hospital_register();
    let file = File::parse(name, text.as_bytes())?;
    let mut store = Store::open(store)?;
    let facility = Some(facility.name.as_str());
    let is_kept = |kept: &LoadedRegister| kept.counts && kept.digest == file.digest;
    if !store.registers(facility)?.iter().any(is_kept) {
        let loaded = load(std::slice::from_ref(&file), &Mapping::default(), &[], now)?;
        store.keep_register(facility, &loaded.register, &file.digest, DEMO)?;
    }
    Ok(())
}

/// Where the recording and the inventory are: where somebody wants them, or in a folder that goes when the demo ends.
struct Places {
    recording: PathBuf,
    store: PathBuf,
    passing: Option<PathBuf>,
}

impl Places {
    fn of(recording: Option<&Path>, store: Option<&Path>) -> Result<Self, output::Error> {
        if let (Some(recording), Some(store)) = (recording, store) {
            return Ok(Self { recording: recording.into(), store: store.into(), passing: None });
        }
        let now = live::Clock::start().now().nanoseconds();
        let folder = std::env::temp_dir().join(format!("sekisho-{}-{now}", std::process::id()));
        output::folder(&folder)?;
        // Reports cite the recording by its name, which is the same every time.
        let place =
            |given: Option<&Path>, name| given.map_or_else(|| folder.join(name), PathBuf::from);
        let (recording, store) = (place(recording, "demo.pcapng"), place(store, "demo.sqlite"));
        Ok(Self { recording, store, passing: Some(folder) })
    }
}

impl Drop for Places {
    fn drop(&mut self) {
        if let Some(folder) = &self.passing {
            // A folder that cannot be removed is the system's to clear.
            let _ = fs::remove_dir_all(folder);
        }
    }
}
