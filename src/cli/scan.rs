//! `sekisho scan`: find who answers, ask what they are, and make points of what they said.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};
use ipnetwork::IpNetwork;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{
    Exit,
    aloud::{notice, warning},
    conclude::{Desk, Outputs},
    limits::Limits,
    output,
    ports::{DISCOVERY, Ports},
    survey::{Stage, Surroundings, Survey, Surveyed, be_discreet, survey},
};
use crate::{
    fingerprint::Matcher,
    link::{
        Interface, Link,
        guard::Guard,
        interface,
        journal::Journal,
        live::{self, Live},
        raw::{Filter, Frames, Want},
        record::Recorder,
        stop,
    },
    passive::capture::COVERAGE,
    probe::{engine, plan, resume::Resumed},
    scope::{
        Blocks, Consent, Facility, Profile, Tier, Vantage, hours, inside::is_nowhere, pace, reach,
    },
    sweep::{discover::Progress, forward, listening, told, wires},
};

/// Find the connection points of a network by asking
///
/// Looks who answers in the scope, asks what they are at the pace of a profile, and lists the points. Everything
/// that was sent and heard is in the recording; `sekisho replay` reads it again. Without a facility file only
/// loopback and directly connected private networks may be named, with --yes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    sekisho scan --scope facility.toml --store hospital.sqlite --report out --lang ja\n  \
    sekisho scan --scope facility.toml --dry-run                 # the plan and its packets; nothing is sent\n  \
    sekisho scan 127.0.0.1 --yes --profile lab                   # this machine\n  \
    sekisho scan --scope facility.toml --record run.pcapng       # go on later: --resume run.pcapng\n  \
    sekisho scan --scope facility.toml --vantage outside --store hospital.sqlite    # from your own line outside\n\n\
    The first Ctrl-C ends what is under way and tells what was found, the second stops at once.")]
pub(super) struct Arguments {
    #[command(flatten)]
    limits: Limits,
    /// The TCP ports of those that answer, such as 22,443,5900-5910; otherwise those of the profile
    #[arg(long, value_name = "PORTS")]
    ports: Option<Ports>,
    /// Find who answers and who forwards, and ask no port
    #[arg(long)]
    no_ports: bool,
    /// From where the run looks: `inside` (otherwise), the name of a place inside such as ward-3, or `outside`: from your own
    /// line in the Internet, and then nothing is asked but the addresses in [scope] outside of the facility file
    #[arg(long, value_name = "NAME")]
    vantage: Option<Vantage>,
    /// Write the recording of the run here; otherwise it stands beside the store while the run lasts
    #[arg(long, value_name = "RUN.pcapng", conflicts_with = "resume")]
    record: Option<PathBuf>,
    /// Go on with a run that was stopped or killed, from its recording, as it was begun
    #[arg(long, value_name = "RUN.pcapng", conflicts_with_all = ["targets", "input_list", "exclude", "exclude_file", "ports", "no_ports", "vantage", "seed", "dry_run", "list"])]
    resume: Option<PathBuf>,
    /// Listen for this long to what is announced before asking, such as 30s; 0 for not at all. Otherwise 2m, 30s or 5s by
    /// the profile
    #[arg(long, value_name = "TIME", value_parser = listening_time, conflicts_with = "resume")]
    listen: Option<Duration>,
    /// Ways to find exits that are not used, such as `routes,record_route`; `sekisho probes list` names them
    #[arg(long, value_name = "MECHANISM", value_delimiter = ',', value_parser = mechanism(), conflicts_with = "resume")]
    without: Vec<String>,
    /// What the order of targets and everything random follows from; otherwise random
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    #[command(flatten)]
    outputs: Outputs,
}

/// Why a scan cannot begin, or cannot be gone on with.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The hours do not allow it.
    #[error(
        "it is outside the hours in which the facility file allows asking; run it within them, or change [scope] hours"
    )]
    Hours,
    /// The tier does not allow it.
    #[error("tier 0 sends nothing; give --tier 1 to ask, or `sekisho replay` a capture")]
    Silent,
    /// Nothing is left to ask.
    #[error("nothing is left to ask: what is excluded takes away all that is included")]
    Nobody,
    /// A run that was not finished lies where this one would be recorded.
    #[error(
        "{path}: the recording of a run that was not finished; go on with it by `--resume {path}`, or remove it", path = .0.display()
    )]
    Unfinished(PathBuf),
    /// The facility file is another than when the run began.
    #[error("{}: the facility file is another than when this run began; give the one it began with by --scope", .0.display())]
    OtherFacility(PathBuf),
    /// The plan of a recording cannot be read.
    #[error("{}: the plan of this run cannot be read ({what}); it was begun by another release", path.display())]
    Plan {
        /// The recording.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// Nothing is found from outside without asking.
    #[error(
        "--no-ports only looks who answers, and from outside that shows nothing of what they serve; leave it out, or name fewer --ports"
    )]
    NothingOutside,
    /// There is no such interface.
    #[error("there is no interface `{name}` here; `sekisho scan --iflist` lists them")]
    NoInterface {
        /// Its name.
        name: String,
    },
    /// The network cannot be reached at all.
    #[error("the network cannot be opened ({0})")]
    Network(std::io::Error),
}

/// What a run was begun with, as its recording keeps it. Everything a run that goes on must do alike is here; what was
/// given in confidence stays in the facility file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Plan {
    facility: Option<FacilityFile>,
    targets: Option<Vec<String>>,
    exclude: Vec<String>,
    tier: Option<Tier>,
    profile: Option<Profile>,
    rate: Option<u32>,
    per_host_rate: Option<u32>,
    gateway_interval_ms: Option<u64>,
    interface: Vec<String>,
    yes: bool,
    ports: Option<Vec<u16>>,
    no_ports: bool,
    #[serde(default)]
    without: Vec<String>,
    #[serde(default)]
    listen_ms: Option<u64>,
    seed: u64,
    /// Runs of before there were vantages looked from inside.
    #[serde(default, skip_serializing_if = "Vantage::is_usual")]
    vantage: Vantage,
}

/// The facility file that a run was begun with.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FacilityFile {
    path: PathBuf,
    sha256: String,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    if arguments.limits.iflist {
        super::doctor::write_interfaces()?;
        return Ok(Exit::Clean);
    }
    let desk = arguments.outputs.open()?;
    let journal = arguments.resume.as_deref().map(Journal::read).transpose()?;
    let (plan, limits) = match (&journal, &arguments.resume) {
        (Some(journal), Some(path)) => resumed_plan(arguments, journal, path)?,
        _ => new_plan(arguments)?,
    };
    if plan.vantage.is_outside() && plan.no_ports {
        return Err(Error::NothingOutside.into());
    }
    let connected: Vec<IpNetwork> =
        interface::connected_prefixes().into_iter().map(|(_, prefix)| prefix).collect();
    let now = live::Clock::start().now();
    let (facility, consent) = limits.consent(&connected, hours::local_offset(now))?;
    if consent.tier == Tier::Listen {
        return Err(Error::Silent.into());
    }
    let whom = consent.include.minus(&consent.exclude);
    if whom.is_empty() {
        return Err(Error::Nobody.into());
    }
    let asked_of = Asked { plan: &plan, facility: facility.as_ref(), consent: &consent, whom };
    if arguments.limits.list {
        output::write(Path::new("-"), |out| {
            asked_of.whom.iter().try_for_each(|address| writeln!(out, "{address}"))
        })?;
        return Ok(Exit::Clean);
    }
    let interfaces = asked_of.interfaces()?;
    if arguments.limits.dry_run {
        let survey = asked_of.survey(&interfaces, None);
        output::write(Path::new("-"), |out| budget(&asked_of, &survey, &interfaces, out))?;
        return Ok(Exit::Clean);
    }
    if !consent.hours.allow(now) {
        return Err(Error::Hours.into());
    }
    let recording = Recording::of(arguments, now)?;
    if let (Some(own), false) = (asked_of.looks_inside(&connected), arguments.outputs.quiet) {
        warning!(
            "sekisho: this machine is in {own}, which is inside: what answers here says nothing of the Internet; the report will say so"
        );
    }
    // Results take their time, too, and the second Ctrl-C ends that.
    let (surveyed, _watch) =
        go(arguments, &asked_of, &interfaces, &connected, &recording, journal.as_ref(), &desk)?;
    if !arguments.outputs.quiet {
        tell(&surveyed, &recording);
    }
    let concluded = desk.conclude(std::slice::from_ref(&recording.path), facility);
    let exit = concluded.inspect_err(|_| recording.stays())?;
    recording.done(&surveyed)?;
    Ok(exit)
}

/// The plan of a run that begins.
fn new_plan(arguments: &Arguments) -> anyhow::Result<(Plan, Limits)> {
    let limits = &arguments.limits;
    let facility = limits.scope.as_deref().map(facility_file);
    let random = || {
        getrandom::u64().unwrap_or_else(|_| live::Clock::start().now().nanoseconds().unsigned_abs())
    };
    let plan = Plan {
        facility,
        targets: limits.named()?.map(|blocks| words(&blocks)),
        exclude: words(&limits.left_out()?),
        tier: limits.tier,
        profile: limits.profile.or(limits.template),
        rate: limits.rate,
        per_host_rate: limits.per_host_rate,
        gateway_interval_ms: limits
            .gateway_interval
            .map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
        interface: limits.interface.clone(),
        yes: limits.yes,
        ports: arguments.ports.as_ref().map(Ports::list),
        no_ports: arguments.no_ports,
        without: arguments.without.clone(),
        listen_ms: arguments.listen.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
        seed: arguments.seed.unwrap_or_else(random),
        vantage: arguments.vantage.clone().unwrap_or_default(),
    };
    let limits = Limits { vantage: plan.vantage.clone(), ..limits.clone() };
    Ok((plan, limits))
}

/// The plan that a recording was begun with.
fn resumed_plan(
    arguments: &Arguments,
    journal: &Journal,
    path: &Path,
) -> anyhow::Result<(Plan, Limits)> {
    let unreadable =
        |error: serde_json::Error| Error::Plan { path: path.to_owned(), what: error.to_string() };
    let plan: Plan = serde_json::from_str(&journal.plan).map_err(unreadable)?;
    let scope = match (&plan.facility, &arguments.limits.scope) {
        (Some(begun), given) => {
            let file = given.as_ref().unwrap_or(&begun.path);
            if file.exists() && facility_file(file).sha256 != begun.sha256 {
                return Err(Error::OtherFacility(file.clone()).into());
            }
            Some(file.clone())
        }
        (None, _) => None,
    };
    let limits = Limits {
        targets: plan.targets.clone().unwrap_or_default(),
        scope,
        exclude: plan.exclude.clone(),
        rate: plan.rate,
        per_host_rate: plan.per_host_rate,
        gateway_interval: plan.gateway_interval_ms.map(Duration::from_millis),
        max_runtime: arguments.limits.max_runtime,
        tier: plan.tier,
        profile: plan.profile,
        interface: plan.interface.clone(),
        yes: plan.yes,
        vantage: plan.vantage.clone(),
        ..Limits::default()
    };
    Ok((plan, limits))
}

/// How long is listened before asking.
fn listening_time(text: &str) -> Result<Duration, String> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    pace::duration(text).map_err(|error| error.to_string())
}

fn facility_file(path: &Path) -> FacilityFile {
    // What cannot be read is told by whoever loads it.
    let digest = Sha256::digest(fs::read(path).unwrap_or_default());
    let sha256 = digest.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    FacilityFile { path: path.to_owned(), sha256 }
}

fn words(blocks: &Blocks) -> Vec<String> {
    blocks.networks().iter().map(ToString::to_string).collect()
}

/// What is asked, and of whom.
struct Asked<'a> {
    plan: &'a Plan,
    facility: Option<&'a Facility>,
    consent: &'a Consent,
    whom: Blocks,
}

impl Asked<'_> {
    /// The interfaces that frames go out of: those that are named, else those with a network or a route that matters.
    fn interfaces(&self) -> Result<Vec<Interface>, Error> {
        let all = interface::all();
        let of_facility =
            self.facility.map(|facility| facility.interfaces.clone()).unwrap_or_default();
        let named = match &*self.plan.interface {
            // Those of the facility file are in the facility.
            [] if !self.plan.vantage.is_outside() => of_facility,
            named => named.to_vec(),
        };
        if let Some(name) = named.iter().find(|name| !all.iter().any(|known| known.name == **name))
        {
            return Err(Error::NoInterface { name: name.clone() });
        }
        // Between us and the facility lies the Internet: frames show nothing that connections do not.
        if self.plan.vantage.is_outside() {
            return Ok(Vec::new());
        }
        // A default route covers loopback, too, and does not lead there.
        let outside = self.whom.minus(reach::loopback());
        let routed: Vec<String> = interface::routes()
            .into_iter()
            .filter(|route| !outside.intersection(&of_network(route.prefix.into())).is_empty())
            .map(|route| route.interface)
            .collect();
        let fits = |known: &Interface| {
            let connected = known
                .addresses
                .iter()
                .any(|own| !self.whom.intersection(&of_network(*own)).is_empty());
            if named.is_empty() {
                connected || routed.contains(&known.name)
            } else {
                named.contains(&known.name)
            }
        };
        Ok(all
            .into_iter()
            .filter(|known| known.up && !known.loopback && known.mac.is_some() && fits(known))
            .collect())
    }

    /// The network on our own wires that is the facility's, where the run is to look from outside.
    fn looks_inside(&self, connected: &[IpNetwork]) -> Option<IpNetwork> {
        let inside = &self.facility?.inside;
        let is_inside = |own: &&IpNetwork| inside.is_given() && overlaps(own, inside.prefixes());
        connected.iter().filter(|_| self.plan.vantage.is_outside()).find(is_inside).copied()
    }

    /// The networks of `interfaces` that are asked.
    fn networks(&self, interfaces: &[Interface]) -> Vec<IpNetwork> {
        let all = interfaces.iter().flat_map(|known| &known.addresses);
        all.filter(|own| !self.whom.intersection(&of_network(**own)).is_empty())
            .filter_map(|own| IpNetwork::new(own.network(), own.prefix()).ok())
            .collect()
    }

    /// What the run does.
    fn survey(&self, interfaces: &[Interface], journal: Option<&Journal>) -> Survey {
        let Self { plan, facility, consent, .. } = self;
        let around = Surroundings {
            interfaces,
            routes: &interface::routes(),
            neighbours: &interface::neighbours(),
        };
        let mut survey = Survey::of(consent, *facility, &around, plan.ports.as_deref(), plan.seed);
        if plan.no_ports {
            survey.probe = None;
        }
        if let Some(milliseconds) = plan.listen_ms {
            survey.listen = Duration::from_millis(milliseconds);
        }
        if plan.without.iter().any(|name| name == listening::NAME) {
            survey.listen = Duration::ZERO;
        }
        if plan.vantage.is_outside() {
            survey = survey.from_outside();
        }
        survey.forward.without.extend(plan.without.iter().cloned());
        if let Some(wires) = &mut survey.wires {
            wires.without.extend(plan.without.iter().cloned());
        }
        if let Some(journal) = journal {
            let notes = || journal.notes.iter().map(String::as_str);
            survey.forwarded = forward::Past::of(notes());
            survey.sweep.progress = Progress::of(notes());
            if let Some(wires) = &mut survey.wires {
                wires.past = wires::Past::of(notes());
            }
            survey.sweep.first_call = journal.highest.map_or(1, |highest| highest.0 + 1);
        }
        survey
    }
}

fn overlaps(own: &IpNetwork, networks: &[IpNetwork]) -> bool {
    let shared = of_network(*own).intersection(&Blocks::of_networks(networks));
    !is_nowhere(own.ip()) && !shared.is_empty()
}

fn of_network(network: IpNetwork) -> Blocks {
    Blocks::of_networks([&network])
}

/// Opens the network, and goes through with it.
fn go(
    arguments: &Arguments,
    asked_of: &Asked<'_>,
    interfaces: &[Interface],
    connected: &[IpNetwork],
    recording: &Recording,
    journal: Option<&Journal>,
    desk: &Desk<'_>,
) -> anyhow::Result<(Surveyed, stop::Watch)> {
    // Frames have their interfaces; without them a named one is for the conversations.
    let named = asked_of.plan.interface.first().filter(|_| asked_of.plan.vantage.is_outside());
    let options = live::Options { interface: named.cloned(), from: Vec::new() };
    let mut network = Live::new(&options).map_err(Error::Network)?;
    let inlet = network.inlet();
    let frames = open_frames(interfaces, &inlet);
    let mut frameless = Vec::new();
    let interfaces = match frames {
        Ok(frames) => {
            network.attach(Box::new(frames));
            interfaces
        }
        Err(error) => {
            if !arguments.outputs.quiet && !interfaces.is_empty() {
                warning!(
                    "sekisho: without raw frames ({error}): hosts are looked for by connecting to them; `sekisho doctor` says what is missing"
                );
            }
            frameless = asked_of.networks(interfaces);
            &[]
        }
    };
    let watch = stop::watch(move || inlet.stop(), stop::at_once).map_err(Error::Network)?;
    let text = serde_json::to_string(asked_of.plan)?;
    let mut recorder = if journal.is_some() {
        Recorder::resume(&recording.path, network)?.0
    } else {
        Recorder::create(&recording.path, &text, network)?
    };
    be_discreet(&mut recorder, asked_of.facility);
    let began = recorder.now();
    let mut guard = Guard::new(recorder, asked_of.consent.clone());
    if let Some(time) = arguments.limits.max_runtime {
        guard = guard.until(began.after(time));
    }
    for neighbour in interface::neighbours() {
        guard.learn(neighbour.address.into(), neighbour.mac.0);
    }
    if let Some(own) = asked_of.looks_inside(connected) {
        guard.note(&format!("{COVERAGE} vantage_in_doubt not_measured 1 {own}"));
    }
    let mut plan = asked_of.survey(interfaces, journal);
    plan.frameless = frameless;
    for host in &plan.sweep.progress.hosts {
        if let Some(mac) = host.mac {
            guard.learn(host.address, mac.0);
        }
    }
    let past = journal.map(Resumed::of).unwrap_or_default();
    let matcher = Matcher::new(&desk.signatures);
    let progress = progress(arguments);
    let surveyed = survey(&mut guard, &plan, &matcher, &past, &mut |stage| show(&progress, stage));
    let ends = guard.now().after(engine::Manner::of(asked_of.consent.pace.profile).ending);
    guard.finish(ends);
    progress.finish_and_clear();
    let (recorder, _) = guard.into_parts();
    recorder.finish()?;
    Ok((surveyed, watch))
}

/// The names of mechanisms.
fn mechanism() -> clap::builder::PossibleValuesParser {
    told::MECHANISMS.into()
}

fn open_frames(interfaces: &[Interface], inlet: &live::Inlet) -> std::io::Result<Frames> {
    let names: Vec<&str> = interfaces.iter().map(|known| known.name.as_str()).collect();
    // Answers to handshakes come to the ports that cookies choose; those of the system's own conversations stand above.
    let filter = Filter::of(&[
        Want::Arp,
        Want::Icmp,
        Want::Icmpv6,
        Want::Tcp(crate::sweep::cookie::PORTS),
        // What the inspector's own responder says.
        Want::Udp(crate::sweep::cookie::PORTS),
        Want::Announced,
        Want::AccessLines,
        Want::Udp(crate::sweep::announced::LEASES),
    ]);
    let inlet = inlet.clone();
    if names.is_empty() {
        return Err(std::io::Error::other("no interface leads to what is asked"));
    }
    Frames::open(&names, &filter, move |at, interface, bytes| inlet.frame(at, interface, bytes))
}

fn progress(arguments: &Arguments) -> ProgressBar {
    if arguments.outputs.quiet || !std::io::IsTerminal::is_terminal(&std::io::stderr()) {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{spinner} {elapsed_precise} {msg}");
    let bar = ProgressBar::new_spinner();
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    bar
}

fn show(bar: &ProgressBar, stage: Stage) {
    bar.set_message(match stage {
        Stage::Listen => "listening to what is announced".to_owned(),
        Stage::Sweep => "looking who answers".to_owned(),
        Stage::Forward => "looking who forwards".to_owned(),
        Stage::Probe(now) => {
            format!(
                "asking: {} of {} services, {} conversations open",
                now.finished, now.services, now.open
            )
        }
    });
    bar.tick();
}

/// Says in a few lines what was done, and what was not.
fn tell(surveyed: &Surveyed, recording: &Recording) {
    let Surveyed { found, forwarded, asked, .. } = surveyed;
    notice!(
        "sekisho: {} hosts answered, {} services opened; {} questions were answered, {} were silent",
        found.hosts.len(),
        asked.open.len(),
        asked.answered,
        asked.silent
    );
    let forward = forwarded.heard.iter().filter(|heard| heard.iter().any(forward::Heard::forwards));
    notice!(
        "sekisho: {} neighbours were asked to forward, {} of them do",
        forwarded.heard.iter().filter(|heard| !heard.is_empty()).count(),
        forward.count()
    );
    for (address, distress) in &asked.left {
        warning!("sekisho: {address} was left alone: {}", distress.name());
    }
    if surveyed.is_partial() {
        warning!(
            "sekisho: the run is not finished; go on with it by `sekisho scan --resume {}`",
            recording.path.display()
        );
    }
}

/// Where the run is recorded.
struct Recording {
    path: PathBuf,
    /// The user named it, and keeps it.
    kept: bool,
}

impl Recording {
    fn of(arguments: &Arguments, now: crate::time::Timestamp) -> anyhow::Result<Self> {
        if let Some(path) = arguments.resume.as_ref().or(arguments.record.as_ref()) {
            return Ok(Self { path: path.clone(), kept: true });
        }
        let path = match &arguments.outputs.store {
            Some(store) => {
                let mut beside = store.clone().into_os_string();
                beside.push(".run.pcapng");
                PathBuf::from(beside)
            }
            None => std::env::temp_dir().join(format!(
                "sekisho-{}-{}.pcapng",
                std::process::id(),
                now.nanoseconds()
            )),
        };
        if path.exists() {
            return Err(Error::Unfinished(path).into());
        }
        Ok(Self { path, kept: false })
    }

    /// Says where what was heard stands, when nothing could be made of it.
    fn stays(&self) {
        let path = self.path.display();
        warning!("sekisho: what was heard is kept; make its results by `sekisho replay {path}`");
    }

    /// A run that came to its end and whose recording nobody asked for is in the store or on the screen.
    fn done(&self, surveyed: &Surveyed) -> anyhow::Result<()> {
        if !self.kept && !surveyed.is_partial() {
            fs::remove_file(&self.path)?;
        }
        Ok(())
    }
}

/// The plan of a run, and how many packets it takes at most.
fn budget(
    asked_of: &Asked<'_>,
    survey: &Survey,
    interfaces: &[Interface],
    out: &mut dyn std::io::Write,
) -> std::io::Result<()> {
    let Asked { whom, consent, .. } = asked_of;
    let pace = &consent.pace;
    let addresses = whom.count_v4();
    let wired: u64 = interfaces
        .iter()
        .flat_map(|known| &known.addresses)
        .map(|own| whom.intersection(&of_network(*own)).count_v4())
        .sum();
    let far = addresses.saturating_sub(wired);
    let attempts = u64::from(survey.sweep.attempts);
    let everybody = survey.outside.as_ref().and_then(|outside| outside.everybody.as_ref());
    let sweep = match everybody {
        Some(_) => 0,
        None => wired * attempts + far * attempts * (1 + DISCOVERY.len() as u64),
    };
    let datagrams = plan::datagram_services([std::net::Ipv4Addr::LOCALHOST.into()]).count();
    let a_host = survey.ports.len() as u64
        + datagrams as u64 * u64::from(survey.probe.map_or(0, |probe| probe.attempts));
    let rate = |limit: Option<u32>| {
        limit.map_or_else(|| "no cap".to_owned(), |limit| format!("{limit} packets/s"))
    };
    writeln!(out, "scope      {}", words(whom).join(", "))?;
    writeln!(
        out,
        "profile    {}: {} in all, {} a host",
        pace.profile.name(),
        rate(pace.rate),
        rate(pace.per_host)
    )?;
    let names: Vec<&str> = interfaces.iter().map(|known| known.name.as_str()).collect();
    writeln!(
        out,
        "interfaces {}",
        if names.is_empty() { "the system's choice".to_owned() } else { names.join(", ") }
    )?;
    let outside = asked_of.plan.vantage.is_outside();
    if outside {
        writeln!(out, "vantage    {}", asked_of.plan.vantage)?;
        writeln!(out, "addresses  {addresses}, over the Internet")?;
    } else {
        writeln!(out, "addresses  {addresses}: {wired} on our wires, {far} behind routers")?;
    }
    if !outside && !survey.listen.is_zero() && !interfaces.is_empty() {
        writeln!(out, "listening  {} seconds first; nothing is sent", survey.listen.as_secs())?;
    }
    writeln!(out, "sweep      {sweep} packets at most")?;
    if let Some(wires) = survey.wires.as_ref().filter(|_| !outside) {
        writeln!(out, "wires      {} packets at most", wires.packets(interfaces))?;
    }
    if !outside && !interfaces.is_empty() {
        let packets = survey.forward.packets();
        writeln!(
            out,
            "exits      {packets} packets to every neighbour that answers, more to those that forward"
        )?;
    }
    writeln!(
        out,
        "a host     {a_host} questions: {} TCP ports, {datagrams} of datagrams",
        survey.ports.len()
    )?;
    if let (Some(rate), Some(all)) = (pace.rate, everybody) {
        let packets = a_host * all.len() as u64;
        let minutes = packets.div_ceil(u64::from(rate) * 60);
        // What is silent is waited for, port by port.
        let silent = survey.probe.map_or(0, |manner| {
            let ports = manner.patience.as_secs() * survey.ports.len() as u64;
            let datagrams =
                manner.again_after.as_secs() * u64::from(manner.attempts) * datagrams as u64;
            let rounds = (all.len() as u64).div_ceil(manner.at_once as u64);
            (ports + datagrams) * rounds / u64::from(manner.per_host.max(1))
        });
        writeln!(
            out,
            "time       {minutes} minutes at least, {} where most are silent: every address is asked everything",
            silent.div_ceil(60).max(minutes)
        )?;
    } else if let Some(rate) = pace.rate {
        let minutes = |packets: u64| packets.div_ceil(u64::from(rate) * 60);
        writeln!(
            out,
            "time       {} minutes for the sweep, and {} for every ten hosts that answer, at least",
            minutes(sweep),
            minutes(a_host * 10)
        )?;
    }
    writeln!(out, "seed       {}", asked_of.plan.seed)
}
