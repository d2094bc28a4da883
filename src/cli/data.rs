//! `sekisho data`: what is known of versions, looked at, asked and brought up to date.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde::Serialize;

use super::{
    Exit, LangArguments,
    advisories::{Held, kept_at},
    data_folder::DataArguments,
    output,
};
use crate::{
    assess::{Advisories, Assessment, Brought, Catalogue, Error as Fault, Subject},
    report::{Words, write_assessment, write_plain},
    time::Day,
};

/// Look at what is known of versions, ask it, and bring it up to date
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  sekisho data list\n  \
    sekisho data update /media/stick/known_exploited_vulnerabilities.json\n  \
    sekisho data match YAMAHA RTX --model RTX1210 --version Rev.14.01.38 --lang ja")]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Take a catalogue of exploited vulnerabilities (CISA KEV, as JSON) that was carried along
    Update {
        /// The catalogue, as it is published
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Take it even if it is older than the one that is kept
        #[arg(long)]
        older: bool,
        #[command(flatten)]
        data: DataArguments,
    },
    /// List what comes with the program, and what was brought along, of which day
    List {
        #[command(flatten)]
        data: DataArguments,
    },
    /// Tell what a version means, as somebody read it on a box
    Match {
        /// Who makes it
        vendor: String,
        /// What it is called
        product: String,
        /// Its version, as it is written
        #[arg(long, value_name = "V")]
        version: Option<String>,
        /// Its model
        #[arg(long, value_name = "M")]
        model: Option<String>,
        /// The day that support is held against; otherwise that of the catalogue
        #[arg(long, value_name = "DATE", value_parser = |text: &str| text.parse::<Day>())]
        at: Option<Day>,
        /// Write the answers as JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        data: DataArguments,
        #[command(flatten)]
        lang: LangArguments,
    },
}

/// What can be wrong with what was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// Nothing is known of the product.
    #[error("nothing is known of `{vendor} {product}`; {near} (`sekisho data list` names all)")]
    NoSuchProduct {
        /// Who was said to make it.
        vendor: String,
        /// What it was said to be.
        product: String,
        /// What might have been meant.
        near: String,
    },
}

/// The answers, for programs.
#[derive(Serialize)]
struct Answers<'a> {
    vendor: &'a str,
    product: &'a str,
    model: Option<&'a str>,
    version: Option<&'a str>,
    at: Day,
    catalogue: Day,
    exploited: Option<Vec<&'a str>>,
    assessment: &'a Assessment,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    match &arguments.command {
        Command::Update { file, older, data } => update(file, *older, data)?,
        Command::List { data } => list(data)?,
        Command::Match { vendor, product, version, model, at, json, data, lang } => {
            let held = Held::open(data)?;
            let advisories = &held.advisories;
            let at = at.unwrap_or_else(|| advisories.day());
            let (model, version) = (model.as_deref(), version.as_deref());
            let subject = Subject { vendor, product, model, version };
            let assessment = advisories.assess(subject, Some(at)).ok_or_else(|| {
                let near = near(advisories, vendor, product);
                Error::NoSuchProduct { vendor: vendor.clone(), product: product.clone(), near }
            })?;
            let answers = Answers {
                vendor,
                product,
                model,
                version,
                at,
                catalogue: advisories.day(),
                exploited: assessment.affected(),
                assessment: &assessment,
            };
            let words = Words::of(lang.language());
            output::write(Path::new("-"), |mut out| {
                if *json {
                    write_plain(&answers, &mut out)
                } else {
                    write_assessment(&assessment, words, super::look(), &mut out)
                }
            })?;
        }
    }
    Ok(Exit::Clean)
}

/// Keeps a catalogue, whole or not at all, and says what it changed.
fn update(file: &Path, older: bool, data: &DataArguments) -> anyhow::Result<()> {
    let folder = data.needed()?;
    let path = kept_at(&folder);
    let given = Catalogue::open_published(file)?;
    let kept = match Catalogue::open_kept(&path) {
        // What is kept is damaged, and this is how it is mended.
        Err(fault @ Fault::NoCatalogue { .. }) => {
            eprintln!("sekisho: {fault}");
            None
        }
        kept => kept?,
    };
    if let Some(kept) = kept.as_ref().filter(|kept| kept.released > given.released && !older) {
        let path = file.to_owned();
        return Err(Fault::Older { path, given: given.released, kept: kept.released }.into());
    }
    let mut advisories = Advisories::built_in()?;
    let shipped = advisories.shipped;
    if let Some(kept) = &kept {
        advisories.bring(kept);
    }
    let Brought { known, changed, new } = advisories.bring(&given);
    output::folder(&folder)?;
    output::write(&path, |out| given.write(out))?;
    if given.released < shipped {
        eprintln!(
            "sekisho: it is of {}, older than what comes with the program ({shipped}); what that knows stays",
            given.released
        );
    }
    output::write(Path::new("-"), |out| {
        writeln!(out, "{}", path.display())?;
        writeln!(
            out,
            "catalogue {} of {}: {} vulnerabilities",
            given.version.escape_debug(),
            given.released,
            given.listed.len()
        )?;
        writeln!(out, "known here {known}, changed {changed}, new {new}")
    })?;
    Ok(())
}

fn list(data: &DataArguments) -> anyhow::Result<()> {
    let held = Held::open(data)?;
    let advisories = &held.advisories;
    let entries = |placed: bool| -> usize {
        let lines = advisories.lines().iter().flat_map(|line| &line.exploited);
        lines.filter(|entry| !placed || !entry.affected.is_empty()).count()
    };
    output::write(Path::new("-"), |out| {
        writeln!(
            out,
            "shipped   {}: {} product lines, {} vulnerabilities, {} of them with versions",
            advisories.shipped,
            advisories.lines().len(),
            entries(false),
            entries(true)
        )?;
        match (&held.kept, data.folder()) {
            (Some(kept), Some(folder)) => writeln!(
                out,
                "brought   {}: {} vulnerabilities, {}",
                kept.released,
                kept.listed.len(),
                kept_at(&folder).display()
            )?,
            (_, Some(folder)) => {
                writeln!(out, "brought   nothing; it would be {}", kept_at(&folder).display())?;
            }
            (_, None) => writeln!(out, "brought   nothing; there is no folder for it")?,
        }
        for line in advisories.lines() {
            let names: Vec<String> =
                line.products.iter().map(|one| format!("{} {}", one.vendor, one.product)).collect();
            writeln!(
                out,
                "{:<28} {} ({} vulnerabilities, {} dates of support)",
                line.name,
                names.join(", "),
                line.exploited.len(),
                line.lifetimes.len()
            )?;
        }
        Ok(())
    })?;
    Ok(())
}

/// What might have been meant: the vendor's products, or else the nearest vendor.
fn near(advisories: &Advisories, vendor: &str, product: &str) -> String {
    let lower = |text: &str| text.chars().take(60).collect::<String>().to_lowercase();
    let all = || advisories.lines().iter().flat_map(|line| &line.products);
    let distance = |a: &str, b: &str| strsim::damerau_levenshtein(&lower(a), &lower(b));
    let mut of_vendor: Vec<&str> = all()
        .filter(|named| lower(&named.vendor) == lower(vendor))
        .map(|named| named.product.as_str())
        .collect();
    if of_vendor.is_empty() {
        let nearest = all().min_by_key(|named| distance(&named.vendor, vendor));
        return nearest
            .map_or_else(String::new, |named| format!("the nearest vendor is `{}`", named.vendor));
    }
    of_vendor.sort_by_key(|name| distance(name, product));
    of_vendor.truncate(5);
    format!("known of that vendor: `{}`", of_vendor.join("`, `"))
}
