//! The commands. Each reads as the flow it runs; one file a command.
//!
//! Data goes to standard output, words and progress to standard error. Exit codes are in [`exit`].

mod advisories;
mod aloud;
mod anonymise;
mod checklist;
mod completions;
mod conclude;
mod data;
mod data_folder;
mod decided;
mod demo;
mod diff;
mod doctor;
mod draft;
mod editions;
mod exit;
mod exits;
mod export;
mod facilities;
mod font;
mod formats;
mod forms;
mod identify;
mod import;
mod limits;
mod listen;
mod loaded;
mod log;
mod meant;
mod merge;
mod nightly;
mod output;
mod plan;
mod points;
mod ports;
mod probes;
mod reconcile;
mod register;
mod replay;
mod report;
mod responder;
mod review;
mod runs;
mod scan;
mod scratch;
mod show;
mod signature_folders;
mod signatures;
mod split;
pub mod survey;
mod sweep;
mod told;
mod verify;

use std::{
    io::{self, IsTerminal as _},
    path::PathBuf,
    process::ExitCode,
};

use clap::{CommandFactory as _, Parser, Subcommand};

pub use exit::Exit;

use crate::report::{Language, Look, visible};

/// Finds every road that leaves a hospital's network, says what stands there, and proves it.
#[derive(Debug, Parser)]
#[command(name = "sekisho", version, max_term_width = 100, arg_required_else_help = true)]
#[command(
    after_help = "Exit: 0 nothing new; 1 new or changed points; 2 partial, something could not be measured; \
    3 usage, scope or unreadable input; 4 internal error.\n\nExamples:\n  \
    sekisho replay monday.pcapng --scope facility.toml --store hospital.sqlite --report out\n  \
    sekisho points --store hospital.sqlite\n  \
    sekisho show p1a2b3c4d --store hospital.sqlite --lang ja"
)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Scan(Box<scan::Arguments>),
    Sweep(sweep::Arguments),
    Listen(listen::Arguments),
    Replay(replay::Arguments),
    Demo(demo::Arguments),
    Anonymise(anonymise::Arguments),
    Points(points::Arguments),
    Show(show::Arguments),
    Runs(runs::Arguments),
    Facilities(facilities::Arguments),
    Review(review::Arguments),
    Merge(merge::Arguments),
    Split(split::Arguments),
    Log(log::Arguments),
    Verify(verify::Arguments),
    Export(export::Arguments),
    Diff(diff::Arguments),
    Report(report::Arguments),
    Register(register::Arguments),
    Reconcile(reconcile::Arguments),
    Checklist(checklist::Arguments),
    Plan(plan::Arguments),
    Import(import::Arguments),
    Identify(identify::Arguments),
    Signatures(signatures::Arguments),
    Data(data::Arguments),
    Probes(probes::Arguments),
    Responder(responder::Arguments),
    Doctor(doctor::Arguments),
    Completions(completions::Arguments),
    #[command(hide = true)]
    Man(completions::Man),
}

/// Options of every command that opens a store.
#[derive(Debug, clap::Args)]
struct StoreArguments {
    /// The inventory: a file that `replay --store` makes
    #[arg(long, value_name = "DB", env = "SEKISHO_STORE")]
    store: PathBuf,
    /// Only this facility's
    #[arg(long, value_name = "NAME")]
    facility: Option<String>,
}

/// The language of words.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Lang {
    /// Japanese
    Ja,
    /// English
    En,
}

/// Options of every command that writes words.
#[derive(Debug, Clone, Copy, clap::Args)]
struct LangArguments {
    /// The language of words; otherwise that of the locale (`LC_ALL`, `LANG`)
    #[arg(long, value_name = "LANG", env = "SEKISHO_LANG")]
    lang: Option<Lang>,
}

impl LangArguments {
    fn language(self) -> Language {
        match self.lang {
            Some(Lang::Ja) => Language::Japanese,
            Some(Lang::En) => Language::English,
            None => {
                let locale = ["LC_ALL", "LC_MESSAGES", "LANG"];
                let set = locale
                    .iter()
                    .find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()));
                if set.is_some_and(|value| value.starts_with("ja")) {
                    Language::Japanese
                } else {
                    Language::English
                }
            }
        }
    }
}

/// How words look on standard output: plain, unless a terminal shows them.
fn look() -> Look {
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if plain { Look::plain() } else { Look::of(io::stdout().is_terminal()) }
}

/// Runs the command that the arguments name.
pub fn run() -> ExitCode {
    let arguments = match Arguments::try_parse_from(limits::spelt(std::env::args_os())) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Nothing is left to do when even the message cannot be written.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage.into() } else { Exit::Clean.into() };
        }
    };
    let done = match arguments.command {
        Command::Scan(arguments) => scan::run(&arguments),
        Command::Sweep(arguments) => sweep::run(&arguments),
        Command::Listen(arguments) => listen::run(&arguments),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Anonymise(arguments) => anonymise::run(&arguments),
        Command::Points(arguments) => points::run(&arguments),
        Command::Show(arguments) => show::run(&arguments),
        Command::Runs(arguments) => runs::run(&arguments),
        Command::Facilities(arguments) => facilities::run(&arguments),
        Command::Review(arguments) => review::run(&arguments),
        Command::Merge(arguments) => merge::run(&arguments),
        Command::Split(arguments) => split::run(&arguments),
        Command::Log(arguments) => log::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Export(arguments) => export::run(&arguments),
        Command::Diff(arguments) => diff::run(&arguments),
        Command::Report(arguments) => report::run(&arguments),
        Command::Register(arguments) => register::run(&arguments),
        Command::Reconcile(arguments) => reconcile::run(&arguments),
        Command::Checklist(arguments) => checklist::run(&arguments),
        Command::Plan(arguments) => plan::run(&arguments),
        Command::Import(arguments) => import::run(&arguments),
        Command::Identify(arguments) => identify::run(&arguments),
        Command::Signatures(arguments) => signatures::run(&arguments),
        Command::Data(arguments) => data::run(&arguments),
        Command::Probes(arguments) => probes::run(&arguments),
        Command::Responder(arguments) => responder::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments, Arguments::command()),
        Command::Man(arguments) => completions::man(&arguments, Arguments::command()),
    };
    match done {
        Ok(exit) => exit.into(),
        Err(error) if is_closed_pipe(&error) => Exit::Clean.into(),
        Err(error) => {
            let said = format!("sekisho: {}", visible(&error.to_string()));
            aloud::say(aloud::Priority::Error, &said);
            exit::of(&error).into()
        }
    }
}

/// Whether whoever read our output went away, as `head` does.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let io = error.chain().find_map(|cause| cause.downcast_ref::<io::Error>());
    io.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
