//! `sekisho responder`: what an inspector runs on a host of his own outside, so that questions through a hospital's
//! gateways have somebody to arrive at.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
};

use serde::Serialize;

use super::Exit;
use crate::{
    link::{
        responder::{Answered, Error, Responder},
        stop,
    },
    observe::Transport,
    time::Timestamp,
};

/// The port of STUN.
const PORT: u16 = 3478;

/// Tell whoever asks from which address the question came, on a host of your own outside
///
/// Answers STUN binding requests with the address that they came from, and nothing else; questions that a scan of
/// tier 3 sends through each gateway arrive here. Each answer is one line of NDJSON on standard output: at, from,
/// transport, transaction. Needs no privilege. Ctrl-C ends it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    sekisho responder --tcp >> answered.ndjson                # port 3478, IPv4 and IPv6\n  \
    sekisho responder --listen 198.51.100.9:3478              # this address only\n\n\
    In the hospital's facility file: [scope] tier = 3, responder = \"198.51.100.9:3478\".")]
pub(super) struct Arguments {
    /// Where to listen, as address and port; may be given several times. Otherwise port 3478 of every address
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Vec<SocketAddr>,
    /// Answer over TCP too, for networks that let no UDP out
    #[arg(long)]
    tcp: bool,
    /// Say nothing on standard error but errors
    #[arg(long, short)]
    quiet: bool,
}

/// A line of the log.
#[derive(Serialize)]
struct Line {
    at: Timestamp,
    from: SocketAddr,
    transport: Transport,
    transaction: String,
}

impl Line {
    fn of(answered: &Answered) -> Self {
        let transaction = answered.transaction.iter().fold(String::new(), |mut text, byte| {
            // Writing to a text does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        });
        let Answered { at, from, transport, .. } = *answered;
        Self { at, from, transport, transaction }
    }
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let responder = open(arguments)?;
    let end = responder.stopper();
    let _watch = stop::watch(move || end.stop(), stop::at_once).map_err(Error::Network)?;
    if !arguments.quiet {
        for (address, transport) in responder.listens() {
            eprintln!("sekisho: answers on {address} over {}", transport.name());
        }
    }
    let count = responder.run(|answered| {
        let mut out = io::stdout().lock();
        serde_json::to_writer(&mut out, &Line::of(answered))?;
        writeln!(out)?;
        // Whoever looks on sees it at once.
        out.flush()
    })?;
    if !arguments.quiet {
        eprintln!(
            "sekisho: {} questions answered, {} came too fast, {} asked something else",
            count.answered, count.too_fast, count.others
        );
    }
    Ok(Exit::Clean)
}

/// Listens where it is told, or on every address of both versions, of which a machine may lack one.
fn open(arguments: &Arguments) -> Result<Responder, Error> {
    if !arguments.listen.is_empty() {
        return Responder::open(&arguments.listen, arguments.tcp);
    }
    let every: [SocketAddr; 2] =
        [(Ipv4Addr::UNSPECIFIED, PORT).into(), (Ipv6Addr::UNSPECIFIED, PORT).into()];
    Responder::open(&every, arguments.tcp).or_else(|error| match error {
        Error::Taken { address, ref source, .. }
            if address.is_ipv6() && source.kind() != io::ErrorKind::AddrInUse =>
        {
            Responder::open(every.get(..1).unwrap_or_default(), arguments.tcp)
        }
        error => Err(error),
    })
}
