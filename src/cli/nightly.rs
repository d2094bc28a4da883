//! What a run tells others when nobody sits before it: a command, the log of the machine, numbers for Prometheus.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use super::{
    Exit,
    aloud::{Priority, say},
    output,
};
use crate::{
    link::{
        live::Clock,
        syslog::{self, Log},
    },
    report::{News, Report, cut, syslog_lines, write_prometheus},
};

/// How long a command may take, in seconds.
const LONGEST_COMMAND: u64 = 300;

/// How often it is looked at, in milliseconds.
const LOOK_EVERY: u64 = 50;

/// How many columns of a name go into a variable of the command.
const LONGEST_VARIABLE: usize = 240;

/// Who else is told.
#[derive(Debug, Default, clap::Args)]
pub(super) struct NightlyArguments {
    /// When something is new, run this program with the changes as JSON on its standard input
    ///
    /// Its words are split at spaces; there is no shell, and no quoting. It has five minutes. That it fails is told, and
    /// ends this command with 3.
    #[arg(long, value_name = "CMD")]
    pub on_change: Option<String>,
    /// Write the run in numbers for Prometheus' collector of text files
    #[arg(long, value_name = "FILE.prom")]
    pub prometheus: Option<PathBuf>,
    /// Log a line for each change to this machine's log (RFC 5424), by its socket
    #[arg(long, value_name = "SOCKET", num_args = 0..=1, default_missing_value = syslog::USUAL, require_equals = true)]
    pub syslog: Option<PathBuf>,
    /// Write nothing on standard output when nothing is new
    #[arg(long)]
    pub only_changes: bool,
}

/// Why a command was not told, or did not hear.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error(
        "--on-change: nothing is named; give a program, and its arguments with spaces between them"
    )]
    Nothing,
    #[error("--on-change {program}: cannot be run ({source}); give the whole path of a program")]
    Start { program: String, source: io::Error },
    #[error("--on-change {program}: {status}; what it said stands above")]
    Failed { program: String, status: ExitStatus },
    #[error("--on-change {program}: did not end in {LONGEST_COMMAND} seconds, and was ended")]
    Endless { program: String },
}

impl NightlyArguments {
    /// Tells whoever wants to know, and how the command ends now: with 3 where somebody could not be told.
    pub(super) fn tell(&self, report: &Report<'_>, exit: Exit) -> anyhow::Result<Exit> {
        let news = News::of(report);
        let mut exit = exit;
        let mut faults: Vec<String> = Vec::new();
        if let (Some(command), false) = (&self.on_change, news.is_empty()) {
            faults.extend(run(command, &news, report).err().map(|fault| fault.to_string()));
        }
        if let (Some(path), false) = (&self.syslog, news.is_empty()) {
            faults.extend(log(path, &news, report).err().map(|fault| fault.to_string()));
        }
        for fault in &faults {
            say(Priority::Error, &format!("sekisho: {fault}"));
            exit = Exit::Usage;
        }
        if let Some(path) = &self.prometheus {
            output::write(path, |mut out| write_prometheus(report, exit.code(), &mut out))?;
        }
        Ok(exit)
    }
}

/// Logs each change.
fn log(path: &Path, news: &News, report: &Report<'_>) -> Result<(), syslog::Error> {
    let log = Log::open(path)?;
    let lines = syslog_lines(news, report, Clock::start().now(), std::process::id());
    lines.iter().try_for_each(|line| log.send(line))
}

/// Runs a command that hears of the changes. What devices say goes to its standard input only, as JSON: never into
/// its words or its environment.
fn run(command: &str, news: &News, report: &Report<'_>) -> Result<(), Fault> {
    let mut words = command.split_whitespace();
    let program = words.next().ok_or(Fault::Nothing)?;
    let failed = |source| Fault::Start { program: program.to_owned(), source };
    let mut document = Vec::new();
    news.write(report, &mut document).map_err(failed)?;
    let facility = cut(report.run.facility.as_deref().unwrap_or_default(), LONGEST_VARIABLE);
    let mut child = Command::new(program)
        .args(words)
        .env("SEKISHO_FACILITY", facility)
        .env("SEKISHO_RUN", cut(&report.run.id, LONGEST_VARIABLE))
        .env("SEKISHO_FIRST", if news.first { "1" } else { "0" })
        .env("SEKISHO_POINTS", report.run.points.len().to_string())
        .env("SEKISHO_APPEARED", news.count("appeared").to_string())
        .env("SEKISHO_CHANGED", news.count("changed").to_string())
        .env("SEKISHO_NOT_SEEN", news.count("not_seen").to_string())
        .stdin(Stdio::piped())
        // Standard output is for our own results.
        .stdout(io::stderr())
        .spawn()
        .map_err(failed)?;
    if let Some(mut input) = child.stdin.take() {
        // A program that reads nothing must not hold us; one that reads in part is its own matter.
        thread::spawn(move || input.write_all(&document));
    }
    match ended(&mut child).map_err(failed)? {
        Some(status) if status.success() => Ok(()),
        Some(status) => Err(Fault::Failed { program: program.to_owned(), status }),
        None => Err(Fault::Endless { program: program.to_owned() }),
    }
}

/// Waits for a child; one that takes too long is ended, and none is told.
fn ended(child: &mut Child) -> io::Result<Option<ExitStatus>> {
    // Nobody sends: this waits, and reads no clock.
    let (_never, wait) = mpsc::channel::<()>();
    for _ in 0..LONGEST_COMMAND * 1000 / LOOK_EVERY {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        let _ = wait.recv_timeout(Duration::from_millis(LOOK_EVERY));
    }
    child.kill()?;
    child.wait()?;
    Ok(None)
}
