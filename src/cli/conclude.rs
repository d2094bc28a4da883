//! From captures to connection points: the way that a replay and the recording of a scan go alike.

use std::{
    collections::BTreeSet,
    io::{self, IsTerminal as _},
    path::{Path, PathBuf},
};

use indicatif::{ProgressBar, ProgressStyle};
use sha2::{Digest as _, Sha256};

use super::{
    Exit, Lang, LangArguments,
    advisories::Held,
    aloud::{notice, warning},
    data_folder::DataArguments,
    editions::ChecklistArguments,
    font::FontArguments,
    formats::{self, Chosen},
    loaded::LoadedArguments,
    nightly::NightlyArguments,
    output,
    report::write_folder,
    signature_folders::SignatureFolders,
    told::{Told, told_of},
};
use crate::{
    correlate::{self, CoverageState, Grid, coverage, host::with_ledger, restriction},
    fingerprint::{Loaded, Matcher, Signatures},
    inventory::{Change, Input, Run, Store, Summary},
    observe::PacketId,
    passive::{self, Replay},
    report::{Language, News, Report, Words, write_json, write_observations, write_text},
    scope::Facility,
};

/// Where conclusions go, and what they are drawn with.
#[derive(Debug, clap::Args)]
pub(super) struct Outputs {
    /// The inventory to keep the points in; made if there is none
    #[arg(long, value_name = "DB", env = "SEKISHO_STORE")]
    pub store: Option<PathBuf>,
    /// Write the points as JSON (`sekisho.points/1`); `-` for standard output
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write the report into this folder, in both languages
    #[arg(long, value_name = "DIR")]
    pub report: Option<PathBuf>,
    #[arg(long, value_name = "FORMAT", value_delimiter = ',', value_parser = formats::named, help = formats::help(), requires = "report")]
    pub format: Vec<&'static str>,
    /// Write the report in this language only
    #[arg(long, value_name = "LANG", requires = "report")]
    pub report_lang: Option<Lang>,
    #[command(flatten)]
    pub font: FontArguments,
    /// Write what was heard, one JSON object a line; `-` for standard output
    #[arg(long, value_name = "FILE")]
    pub observations: Option<PathBuf>,
    #[command(flatten)]
    pub nightly: NightlyArguments,
    #[command(flatten)]
    pub folders: SignatureFolders,
    #[command(flatten)]
    pub loaded: LoadedArguments,
    #[command(flatten)]
    pub data: DataArguments,
    #[command(flatten)]
    pub checklist: ChecklistArguments,
    /// End with 0 where new or changed points would give 1
    #[arg(long)]
    pub exit_zero: bool,
    /// End with 2 also where a way to find exits did not run in some network: the tier, the options or the place of
    /// this machine did not allow it
    #[arg(long)]
    pub strict: bool,
    /// Say nothing on standard error but errors
    #[arg(long, short)]
    pub quiet: bool,
    #[command(flatten)]
    pub lang: LangArguments,
}

/// [`Outputs`] that were found to be writable, with what was opened on the way.
pub(super) struct Desk<'a> {
    outputs: &'a Outputs,
    /// The signatures that products are named with.
    pub signatures: Signatures,
    held: Held,
    /// Other people's knowledge, where it was asked for.
    loaded: Loaded,
    store: Option<Store>,
}

impl Outputs {
    /// Opens what is read and looks at where results will go: better now than after hours.
    pub(super) fn open(&self) -> anyhow::Result<Desk<'_>> {
        output::check(&[
            ("--json", self.json.as_deref()),
            ("--observations", self.observations.as_deref()),
            ("--prometheus", self.nightly.prometheus.as_deref()),
        ])?;
        self.font.choose()?;
        let signatures = self.folders.load()?;
        let held = Held::open(&self.data)?;
        let loaded = self.loaded.open(&self.data)?;
        let store = self.store.as_deref().map(Store::open).transpose()?;
        if let Some(folder) = &self.report {
            output::folder(folder)?;
        }
        Ok(Desk { outputs: self, signatures, held, loaded, store })
    }
}

impl Desk<'_> {
    /// Reads `files`, makes points of what was said in them, keeps and tells them.
    pub(super) fn conclude(
        self,
        files: &[PathBuf],
        facility: Option<Facility>,
    ) -> anyhow::Result<Exit> {
        let Self { outputs, signatures, held, loaded, mut store } = self;
        let matcher = Matcher::new(&signatures).with(&loaded);
        let inside =
            facility.as_ref().map(|facility| &facility.inside).filter(|inside| inside.is_given());
        let progress = progress(outputs, files);
        let heard = passive::replay(files, inside, &|bytes| progress.inc(bytes))?;
        progress.finish_and_clear();
        for file in &heard.files {
            if let Some(fault) = &file.fault {
                warning!("sekisho: {}: {fault}; what came before is kept", file.name);
            }
        }

        let given: Vec<&str> = heard.files.iter().map(|file| file.name.as_str()).collect();
        let names = input_names(&given);
        let packet = |id: PacketId| {
            let name = names.get(id.file as usize).map_or("?", String::as_str);
            format!("{name}#{}", id.number)
        };
        let concluded = correlate::conclude(&correlate::Heard {
            observations: &heard.observations,
            inside: &heard.inside,
            vantages: &heard.vantages(),
            matcher: &matcher,
            packet: &packet,
        });
        let own = outputs.folders.is_own().then_some(&signatures);
        let mut run = describe(&heard, &names, facility, own, digests(&held, &loaded), concluded);
        let mut changes = None;
        if let Some(store) = &mut store {
            // A facility's first run has nothing to be held against: everything is new, and no list says so better.
            let earlier = |known: &Summary| known.facility == run.facility && known.id != run.id;
            let first = !store.runs()?.iter().any(earlier);
            let found = store.absorb(&run)?;
            changes = (!first).then_some(found);
            run = store.run(&run.id)?;
        }

        let editions = outputs.checklist.editions();
        let told = told_of(&mut run, &held, store.as_ref(), &editions)?;
        let asked = heard.is_recording.then_some(&heard.asked);
        write(outputs, &heard, &names, &run, changes.as_deref(), &told)?;
        let report = told.report(&run, changes.as_deref(), None, Words::of(Language::English));
        let exit = exit(outputs, &report);
        if outputs.strict && !outputs.quiet {
            for line in lacking(&run) {
                warning!("sekisho: --strict: {line}");
            }
        }
        let words = Words::of(outputs.lang.language());
        outputs.nightly.tell(&told.report(&run, changes.as_deref(), asked, words), exit)
    }
}

fn write(
    outputs: &Outputs,
    heard: &Replay,
    names: &[String],
    run: &Run,
    changes: Option<&[Change]>,
    told: &Told,
) -> anyhow::Result<()> {
    let language = outputs.lang.language();
    let asked = heard.is_recording.then_some(&heard.asked);
    let report = told.report(run, changes, asked, Words::of(language));
    if let Some(path) = &outputs.observations {
        output::write(path, |mut out| write_observations(&heard.observations, names, &mut out))?;
    }
    if let Some(path) = &outputs.json {
        output::write(path, |mut out| write_json(&report, &mut out))?;
    }
    if let Some(folder) = &outputs.report {
        let chosen = Chosen::of(&outputs.format, outputs.report_lang);
        for path in write_folder(folder, &chosen, run, changes, asked, told)? {
            if !outputs.quiet {
                notice!("{}", path.display());
            }
        }
        for lacking in chosen.left_out().filter(|_| !outputs.quiet) {
            warning!("sekisho: {lacking}");
        }
    }
    let on_stdout = [&outputs.observations, &outputs.json, &outputs.nightly.prometheus];
    let taken = on_stdout.iter().any(|path| path.as_deref().is_some_and(output::is_stdout));
    let silent = outputs.nightly.only_changes && News::of(&report).is_empty();
    if !taken && !silent {
        output::write(Path::new("-"), |mut out| write_text(&report, super::look(), &mut out))?;
    }
    Ok(())
}

fn exit(outputs: &Outputs, report: &Report<'_>) -> Exit {
    let run = report.run;
    let partial = run.coverage.iter().any(|line| line.state == CoverageState::Partial)
        || outputs.strict && !Grid::of(&run.coverage).is_whole();
    let changed = !News::of(report).is_empty();
    match (partial, changed) {
        (true, _) => Exit::Partial,
        (false, true) if !outputs.exit_zero => Exit::Changed,
        _ => Exit::Clean,
    }
}

/// Says what --strict misses, a line each; nothing where it misses nothing.
fn lacking(run: &Run) -> Vec<String> {
    let grid = Grid::of(&run.coverage);
    let summaries = grid.summaries();
    if summaries.is_empty() {
        let said =
            "nothing tells that any way to find exits ran; only the recording of a scan does";
        return vec![said.to_owned()];
    }
    let gaps = summaries.iter().filter(|one| !one.gaps.is_empty());
    let names: Vec<&str> = gaps.map(|one| one.mechanism.name).collect();
    let dark = grid.dark.len();
    let dark = (dark > 0).then(|| format!("networks not looked at: {dark}"));
    let names =
        (!names.is_empty()).then(|| format!("did not run in every network: {}", names.join(", ")));
    dark.into_iter().chain(names).collect()
}

/// A bar on standard error, where somebody looks at it.
fn progress(outputs: &Outputs, files: &[PathBuf]) -> ProgressBar {
    if outputs.quiet || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let sizes = files.iter().map(|path| std::fs::metadata(path).map(|data| data.len()));
    let total = sizes.sum::<io::Result<u64>>().ok();
    let style = if total.is_some() {
        "{wide_bar} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left"
    } else {
        "{spinner} {bytes}, {bytes_per_sec}"
    };
    let style =
        ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar());
    total.map_or_else(ProgressBar::new_spinner, ProgressBar::new).with_style(style)
}

/// The names by which packets are cited: the files' own, with as many folders as tell them apart.
fn input_names(files: &[&str]) -> Vec<String> {
    let ending = |name: &str, parts: usize| {
        let all: Vec<_> = Path::new(name).iter().collect();
        let from = all.len().saturating_sub(parts);
        let ending: PathBuf = all.iter().skip(from).collect();
        ending.to_string_lossy().into_owned()
    };
    let deepest = files.iter().map(|name| Path::new(name).iter().count()).max().unwrap_or(1);
    let names = |parts| files.iter().map(|name| ending(name, parts)).collect::<Vec<_>>();
    let differ = |names: &Vec<String>| names.iter().collect::<BTreeSet<_>>().len() == files.len();
    (1..deepest).map(names).find(differ).unwrap_or_else(|| names(deepest))
}

/// What was brought along and takes part, as it tells runs apart.
fn digests(held: &Held, loaded: &Loaded) -> Vec<String> {
    let collections = loaded.collections();
    let collections = collections
        .iter()
        .map(|collection| format!("{}\0{}", collection.name(), collection.digest()));
    held.digest().into_iter().chain(collections).collect()
}

fn describe(
    heard: &Replay,
    names: &[String],
    facility: Option<Facility>,
    signatures: Option<&Signatures>,
    brought: Vec<String>,
    concluded: correlate::Conclusion,
) -> Run {
    let inputs: Vec<Input> = heard
        .files
        .iter()
        .zip(names)
        .map(|(file, name)| Input { name: name.clone(), packets: file.packets, bytes: file.bytes })
        .collect();
    let began = heard.files.iter().filter_map(|file| file.began).min().unwrap_or_default();
    let ended = heard.files.iter().filter_map(|file| file.ended).max().unwrap_or_default();
    // The same captures of the same facility, read by the same release with the same knowledge, are the same
    // run, whenever and wherever they are read.
    let mut digest = Sha256::new();
    digest.update(env!("CARGO_PKG_VERSION"));
    digest.update(facility.as_ref().map_or("", |facility| &facility.name));
    for input in &inputs {
        digest.update(format!("\0{}\0{}\0{}", input.name, input.packets, input.bytes));
    }
    digest.update(format!("\0{began}\0{ended}"));
    for prefix in facility.iter().flat_map(|facility| facility.inside.prefixes()) {
        digest.update(format!("\0{prefix}"));
    }
    for signature in signatures.into_iter().flatten() {
        digest.update(format!("\0{signature:?}"));
    }
    for brought in brought {
        digest.update(format!("\0{brought}"));
    }
    let id =
        digest.finalize().iter().take(6).fold("r".to_owned(), |id, byte| format!("{id}{byte:02x}"));
    let mut coverage = coverage::of_replay(heard, names);
    let inquiries = restriction::inquiries(&heard.asked);
    let mut points = concluded.points;
    for point in &mut points {
        restriction::restrict(point, &[&inquiries]);
    }
    coverage.extend(coverage::of_boxes(concluded.not_kept));
    let (hosts, beyond) = with_ledger(concluded.hosts, &heard.asked, &heard.inside);
    coverage.extend(coverage::of_hosts(beyond));
    Run {
        id,
        facility: facility.map(|facility| facility.name),
        began,
        ended,
        inputs,
        coverage,
        points,
        unrecognised: concluded.unrecognised,
        hosts,
        vantages: heard.vantages().into_iter().collect(),
        inquiries,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_with_as_many_folders_as_tell_them_apart() {
        assert_eq!(input_names(&["/here/monday.pcap"]), ["monday.pcap"]);
        assert_eq!(input_names(&["a/x/m.pcap", "a/y/m.pcap"]), ["x/m.pcap", "y/m.pcap"]);
        assert_eq!(input_names(&["m.pcap", "old/m.pcap"]), ["m.pcap", "old/m.pcap"]);
        assert_eq!(input_names(&["-", "/a/b"]), ["-", "b"]);
    }
}
