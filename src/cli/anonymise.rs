//! `sekisho anonymise`: a capture without a hospital's addresses and names.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::{Exit, output};
use crate::{
    fingerprint::{Matcher, Signatures},
    passive::{self, anonymise},
};

/// Replace the addresses and names in a capture, so that it can be handed on
///
/// Addresses keep which prefixes they share, private ones stay private, and hardware addresses keep their maker. Names
/// and serial numbers that protocols tell are replaced by others as long. The result makes the same connection
/// points. Blocks that hold names or keys are left out.
///
/// What is encrypted, packed or written in base64 is not looked into, and a picture or a page may show more than its
/// protocol tells: look at the result before it leaves the house.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    sekisho anonymise run.pcapng fixture.pcapng --key hospital.key\n  \
    sekisho anonymise monday.pcap.gz monday.pcap --seed 7")]
pub(super) struct Arguments {
    /// The capture or recording
    #[arg(value_name = "IN")]
    from: PathBuf,
    /// The file to write; `-` for standard output
    #[arg(value_name = "OUT")]
    to: PathBuf,
    /// A file whose content is the key: the same key replaces the same everywhere; without it or --seed, one that is forgotten
    #[arg(long, value_name = "FILE", conflicts_with = "seed")]
    key: Option<PathBuf>,
    /// A number as the key, for what is no secret
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

/// The shortest a key may be, in bytes.
const SHORTEST_KEY: usize = 16;

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    output::check(&[("OUT", Some(&arguments.to))])?;
    if is_same(&arguments.from, &arguments.to) {
        return Err(output::Error::Twice {
            first: "IN",
            second: "OUT",
            path: arguments.to.clone(),
        }
        .into());
    }
    let key = key(arguments)?;
    let signatures = Signatures::built_in()?;
    let matcher = Matcher::new(&signatures);
    let rules = |field: &str, value: &str| -> Vec<String> {
        matcher
            .evidence(field, value)
            .into_iter()
            .map(|evidence| evidence.rule.to_owned())
            .collect()
    };
    let capture = anonymise::read(&arguments.from)?;
    let heard = passive::replay(std::slice::from_ref(&arguments.from), None, &|_| {})?;
    let done = anonymise::anonymise(&capture, &heard, &key, &rules);
    output::write(&arguments.to, |out| out.write_all(&done.bytes))?;
    eprintln!(
        "sekisho: replaced {} addresses, {} hardware addresses, {} names",
        done.addresses.len(),
        done.macs.len(),
        done.names.len()
    );
    if let Some(fault) = done.fault {
        eprintln!("sekisho: {}: {fault}; what came before is kept", arguments.from.display());
        return Ok(Exit::Partial);
    }
    Ok(Exit::Clean)
}

fn key(arguments: &Arguments) -> anyhow::Result<Vec<u8>> {
    if let Some(seed) = arguments.seed {
        return Ok(seed.to_be_bytes().to_vec());
    }
    if let Some(path) = &arguments.key {
        let unreadable = |source| anonymise::Error::Unreadable { path: path.clone(), source };
        let key = std::fs::read(path).map_err(unreadable)?;
        if key.len() < SHORTEST_KEY {
            return Err(anonymise::Error::ShortKey {
                path: path.clone(),
                found: key.len(),
                least: SHORTEST_KEY,
            }
            .into());
        }
        return Ok(key);
    }
    let mut key = vec![0; 32];
    getrandom::fill(&mut key).context("the system gives no random numbers; give a key by --key")?;
    Ok(key)
}

/// Whether both are the same file, whatever they are called.
fn is_same(from: &Path, to: &Path) -> bool {
    from.canonicalize().ok().zip(to.canonicalize().ok()).is_some_and(|(from, to)| from == to)
}
