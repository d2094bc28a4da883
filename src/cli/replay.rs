//! `sekisho replay`: captures to connection points.

use std::path::PathBuf;

use super::{Exit, conclude::Outputs};
use crate::scope::Facility;

/// List the connection points that packet captures show
///
/// Reads pcap and pcapng files (plain, .gz, .zst; `-` for standard input), of any length, in any order. Nothing
/// is sent. The table goes to standard output, unless --json or --observations goes there.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    sekisho replay monday.pcapng tuesday.pcapng.zst\n  \
    sekisho replay mirror.pcap --scope facility.toml --store hospital.sqlite --report out --lang ja\n  \
    sekisho replay mirror.pcap --json - | jq '.points[] | {id, kind, addresses}'\n  \
    tcpdump -i eth1 -w - | sekisho replay -")]
pub(super) struct Arguments {
    /// Captures
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The facility file: whose network this is, and which prefixes are inside
    #[arg(long, value_name = "FILE")]
    scope: Option<PathBuf>,
    #[command(flatten)]
    outputs: Outputs,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let facility = arguments.scope.as_deref().map(Facility::load).transpose()?;
    arguments.outputs.open()?.conclude(&arguments.files, facility)
}
