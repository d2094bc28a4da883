//! `sekisho probes`: what may be sent, looked at before anything is.

use std::path::Path;

use clap::Subcommand;
use serde::Serialize;

use super::{Exit, output};
use crate::{
    observe::facts::hex,
    probe,
    scope::Tier,
    sweep::{announced, foreign, forward},
};

/// How much of a question a line shows, in hexadecimal digits.
const SHOWN: usize = 64;

/// List what a scan asks, down to the bytes
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  sekisho probes list\n  sekisho probes list --json")]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List every probe: what it asks, where, how much it can disturb, and its first bytes; then every way to find exits
    List {
        /// Write them as JSON, one object a line, with the whole first question
        #[arg(long)]
        json: bool,
    },
}

/// A probe, as JSON shows it.
#[derive(Serialize)]
struct Shown {
    name: &'static str,
    protocol: &'static str,
    transport: &'static str,
    ports: &'static [u16],
    anywhere: bool,
    inside_tls: bool,
    intrusion: probe::Intrusion,
    asks: &'static str,
    source: &'static str,
    /// The first question to 192.0.2.1 with seed 0, in hexadecimal digits.
    bytes: Option<String>,
}

/// A way to find exits, as JSON shows it.
#[derive(Serialize)]
struct Way {
    mechanism: &'static str,
    /// The lowest tier at which it asks anything.
    tier: u8,
    asks: &'static str,
    source: &'static str,
}

/// The ways to find exits that send anything.
fn ways() -> impl Iterator<Item = Way> {
    let through = forward::ALL.iter().map(|way| (way.name, way.tier, way.finds, way.source));
    let all = announced::ALL.iter().map(|way| (way.name, Tier::Ask, way.asks, way.source));
    let others =
        foreign::LOOKS.into_iter().map(|(name, asks, source)| (name, Tier::Ask, asks, source));
    let ways = through.chain(all).chain(others);
    ways.map(|(mechanism, tier, asks, source)| Way { mechanism, tier: tier.number(), asks, source })
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let Command::List { json } = arguments.command;
    output::write(Path::new("-"), |out| {
        for probe in probe::ALL {
            // In pieces: one fact's digits are bounded, a question's must be whole.
            let digits: Option<String> =
                probe.example().map(|bytes| bytes.chunks(64).map(hex).collect());
            if json {
                let shown = Shown {
                    name: probe.name,
                    protocol: probe.protocol.name,
                    transport: probe.transport.name(),
                    ports: probe.ports,
                    anywhere: probe.anywhere,
                    inside_tls: probe.inside_tls,
                    intrusion: probe.intrusion,
                    asks: probe.asks,
                    source: probe.source,
                    bytes: digits,
                };
                serde_json::to_writer(&mut *out, &shown)?;
                writeln!(out)?;
                continue;
            }
            let ports: Vec<String> = probe.ports.iter().map(u16::to_string).collect();
            writeln!(
                out,
                "{:<16} {:<10} {} {:<24} {}",
                probe.name,
                probe.intrusion.name(),
                probe.transport.name(),
                ports.join(","),
                probe.asks
            )?;
            let first = match &digits {
                None => "says nothing first, or asks with what is known only then".to_owned(),
                Some(digits) => match digits.get(..SHOWN) {
                    Some(start) if digits.len() > SHOWN => {
                        format!("{} bytes: {start}…", digits.len() / 2)
                    }
                    _ => format!("{} bytes: {digits}", digits.len() / 2),
                },
            };
            writeln!(out, "{:<16} {first} ({})", "", probe.source)?;
        }
        for way in ways() {
            if json {
                serde_json::to_writer(&mut *out, &way)?;
                writeln!(out)?;
                continue;
            }
            let Way { mechanism, tier, asks, source } = way;
            writeln!(out, "{mechanism:<19} tier {tier}  {asks}")?;
            writeln!(out, "{:<19} ({source})", "")?;
        }
        Ok(())
    })?;
    Ok(Exit::Clean)
}
