//! `sekisho signatures`: the knowledge, looked at and checked.

use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::{
    Exit,
    data_folder::DataArguments,
    draft,
    loaded::{self, LoadedArguments},
    output,
    signature_folders::SignatureFolders,
};
use crate::{
    fingerprint::{Matcher, Signatures, Vocabulary, explain, loaded::called},
    report::visible,
};

/// How many rules that nearly match are told.
const MOST_NEAR: usize = 8;

/// List, check, try or draft signatures; load other people's
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  sekisho signatures list\n  sekisho signatures check my-signatures\n  \
    sekisho signatures match ssh.banner dropbear_2022.83\n  \
    sekisho signatures draft --from p1a2b --store hospital.sqlite\n  sekisho signatures load recog/xml"
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the products that signatures know
    List {
        #[command(flatten)]
        folders: SignatureFolders,
    },
    /// Check a folder of signatures: every rule against its examples and near misses
    Check {
        /// The folder
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
    /// Tell which rules match a fact, and which nearly do
    Match {
        /// The field, such as `ssh.banner`
        field: String,
        /// Its value
        value: String,
        #[command(flatten)]
        folders: SignatureFolders,
        #[command(flatten)]
        loaded: LoadedArguments,
        #[command(flatten)]
        data: DataArguments,
    },
    Draft(Box<draft::Arguments>),
    Load(loaded::Load),
    Loaded(loaded::List),
    Unload(loaded::Unload),
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let mut exit = Exit::Clean;
    match &arguments.command {
        Command::Draft(arguments) => return draft::run(arguments),
        Command::List { folders } => {
            let signatures = folders.load()?;
            output::write(Path::new("-"), |out| {
                for signature in &signatures {
                    let rules = signature.rules.len();
                    writeln!(
                        out,
                        "{:<18} {} {} ({rules} rules)",
                        signature.role,
                        visible(&signature.vendor),
                        visible(&signature.product)
                    )?;
                }
                Ok(())
            })?;
        }
        Command::Check { folder } => {
            let (signatures, errors) = Signatures::load_leniently(folder);
            for error in &errors {
                eprintln!("{}", visible(&error.to_string()));
            }
            if !errors.is_empty() {
                exit = Exit::Usage;
            }
            output::write(Path::new("-"), |out| {
                let rules: usize = signatures.iter().map(|signature| signature.rules.len()).sum();
                writeln!(
                    out,
                    "{} products, {rules} rules, {} errors",
                    signatures.len(),
                    errors.len()
                )
            })?;
        }
        Command::Match { field, value, folders, loaded, data } => {
            let signatures = folders.load()?;
            let loaded = loaded.open(data)?;
            let matcher = Matcher::new(&signatures).with(&loaded);
            // A folder of one's own may have fields of its own.
            if folders.are_built_in() {
                Vocabulary::built_in()?.field(field)?;
            }
            let explained = explain(&matcher, field, value);
            output::write(Path::new("-"), |out| {
                for found in &explained.evidence {
                    let model = found.model.as_deref().unwrap_or("-");
                    let version = found.version.as_deref().unwrap_or("-");
                    writeln!(
                        out,
                        "matches  {}: {}, model {model}, version {version} ({:?})",
                        found.rule,
                        visible(&called(&found.vendor, &found.product)),
                        found.confidence
                    )?;
                }
                for miss in explained.near_misses.iter().take(MOST_NEAR) {
                    writeln!(
                        out,
                        "near     {}: wants {}, has only {}",
                        miss.rule,
                        visible(&miss.wanted),
                        visible(&miss.has)
                    )?;
                }
                let more = explained.near_misses.len().saturating_sub(MOST_NEAR);
                if more > 0 {
                    writeln!(out, "near     and {more} more")?;
                }
                if explained.evidence.is_empty() && explained.near_misses.is_empty() {
                    writeln!(out, "nothing  no rule of `{field}` comes near")?;
                }
                Ok(())
            })?;
        }
        Command::Load(arguments) => return loaded::load(arguments),
        Command::Loaded(arguments) => return loaded::list(arguments),
        Command::Unload(arguments) => return loaded::unload(arguments),
    }
    Ok(exit)
}
