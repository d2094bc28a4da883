//! `sekisho completions` and `sekisho man`: made from the commands themselves.

use std::path::{Path, PathBuf};

use super::{Exit, output};

/// Print the completions for a shell
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  sekisho completions bash > ~/.local/share/bash-completion/completions/sekisho"
)]
pub(super) struct Arguments {
    /// The shell
    shell: clap_complete::Shell,
}

/// Write the manual pages into a folder, one a command
#[derive(Debug, clap::Args)]
pub(super) struct Man {
    /// The folder
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

pub(super) fn run(arguments: &Arguments, mut command: clap::Command) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "sekisho", &mut script);
    output::write(Path::new("-"), |out| out.write_all(&script))?;
    Ok(Exit::Clean)
}

pub(super) fn man(arguments: &Man, command: clap::Command) -> anyhow::Result<Exit> {
    output::folder(&arguments.folder)?;
    let mut pages = vec![("sekisho".to_owned(), command.clone())];
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        let name = format!("sekisho-{}", sub.get_name());
        pages.push((name.clone(), sub.clone().display_name(name)));
    }
    for (name, command) in pages {
        let page = clap_mangen::Man::new(command);
        output::write(&arguments.folder.join(format!("{name}.1")), |mut out| {
            page.render(&mut out)
        })?;
    }
    Ok(Exit::Clean)
}
