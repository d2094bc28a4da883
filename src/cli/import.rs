//! `sekisho import`: what people wrote down, into the inventory.

use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use super::{Exit, LangArguments, output, told::contradicted};
use crate::{
    import::{
        declared::{self, Form},
        file::LARGEST_FILE,
    },
    inventory::{Store, Taken, What},
    link::live::Clock,
    report::{Words, visible},
    time::Timestamp,
};

/// The most names of unanswered points that are told.
const MOST_TOLD: usize = 20;

/// Take what people wrote down into the inventory
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  \
    sekisho import declared dark-lines.ja.xlsx --store hospital.sqlite --by 佐藤")]
pub(super) struct Arguments {
    #[command(subcommand)]
    what: Sort,
}

#[derive(Debug, clap::Subcommand)]
enum Sort {
    Declared(Declared),
}

/// Take filled-in forms into the inventory: vendors' answers, and lines that no network shows
///
/// Forms are those that `sekisho report DIR --forms` writes, filled in: workbooks, CSV or TOML. An answer beside a connection
/// point's ID is added to that point; a line without one becomes a point of its own, which no scan can miss. One fault and
/// nothing is written.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    sekisho import declared hearing-acme.ja.xlsx dark-lines.ja.xlsx --store hospital.sqlite --by 佐藤 --dry-run\n  \
    sekisho import declared lines.toml --store hospital.sqlite --by 佐藤 --facility 関所記念病院")]
struct Declared {
    /// The forms: .xlsx, .ods, .csv or .toml
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The inventory to keep them in; made if there is none
    #[arg(long, value_name = "DB", env = "SEKISHO_STORE")]
    store: PathBuf,
    /// Who takes them in
    #[arg(long, value_name = "NAME", value_parser = name)]
    by: String,
    /// The facility they are of; otherwise the one that they name, or the only one of the inventory
    #[arg(long, value_name = "NAME")]
    facility: Option<String>,
    /// Say what would be done, and write nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    lang: LangArguments,
}

/// Why forms cannot be taken in.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// A form is another facility's.
    #[error(
        "{file}: this form is of {named}, and {given} was asked for; name the right one by --facility"
    )]
    Another { file: String, named: String, given: String },
    /// Nothing says which facility.
    #[error("there are several facilities ({}), and the form names none; name one by --facility", known.join(", "))]
    WhichFacility { known: Vec<String> },
    /// The store holds other facilities.
    #[error(
        "{file}: the form is of {named}, which the inventory does not know; known are: {}; name the facility by --facility \
         if it is new", known.join(", ")
    )]
    Unknown { file: String, named: String, known: Vec<String> },
}

fn name(text: &str) -> Result<String, String> {
    let name = text.trim();
    let sound = !name.is_empty() && name.chars().count() <= 100 && visible(name) == name;
    sound
        .then(|| name.to_owned())
        .ok_or_else(|| "name a person in at most 100 characters".to_owned())
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    match &arguments.what {
        Sort::Declared(arguments) => declared(arguments),
    }
}

fn declared(arguments: &Declared) -> anyhow::Result<Exit> {
    let forms = arguments.files.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
    // A trial of a store that is not there yet leaves none.
    let passing;
    let mut store = if arguments.dry_run && !arguments.store.exists() {
        passing = Passing::new();
        Store::open(&passing.0)?
    } else if arguments.dry_run {
        Store::open_read(&arguments.store)?
    } else {
        Store::open(&arguments.store)?
    };
    let facility = facility(&forms, arguments.facility.as_deref(), &store)?;
    let facility = facility.as_deref();
    let at = Clock::start().now();
    let taken = store.declare(facility, &forms, &arguments.by, at, arguments.dry_run)?;
    let words = Words::of(arguments.lang.language());
    let mut lines: Vec<String> = taken.iter().map(|one| told(one, words)).collect();
    lines.extend(forms.iter().filter_map(|form| unanswered(form, words)));
    lines.extend(contradictions(&store, facility, &forms, &taken, at, arguments.dry_run, words)?);
    let count = taken.iter().filter(|one| one.what != What::Same).count().to_string();
    let key = if arguments.dry_run { "tried" } else { "written" };
    lines.push(words.fill("line_taken", key, &[("by", &arguments.by), ("count", &count)]));
    output::write(Path::new("-"), |out| {
        lines.iter().try_for_each(|line| writeln!(out, "{}", visible(line)))
    })?;
    Ok(Exit::Clean)
}

/// Reads a form, no further than a form may be long.
fn read(path: &Path) -> Result<Form, declared::Error> {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    let unreadable =
        |source| declared::Error::Unreadable { file: path.display().to_string(), source };
    let file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(LARGEST_FILE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    declared::read(&name, &bytes)
}

/// The facility that forms are of: the one that is asked for, the one that they name, or the only one that is known.
fn facility(forms: &[Form], asked: Option<&str>, store: &Store) -> anyhow::Result<Option<String>> {
    let known = store.facilities()?;
    let named = forms.iter().find_map(|form| Some((form, form.facility.clone()?)));
    let chosen = match (asked, &named, known.as_slice()) {
        (Some(asked), ..) => Some(asked.to_owned()),
        (None, Some((_, named)), []) => Some(named.clone()),
        (None, Some((form, named)), known) if !known.contains(named) => {
            let (file, named) = (form.name.clone(), named.clone());
            return Err(Fault::Unknown { file, named, known: known.to_vec() }.into());
        }
        (None, Some((_, named)), _) => Some(named.clone()),
        (None, None, [only]) => Some(only.clone()),
        (None, None, []) => None,
        (None, None, several) => {
            return Err(Fault::WhichFacility { known: several.to_vec() }.into());
        }
    };
    for form in forms {
        let given = chosen.clone().unwrap_or_default();
        if let Some(named) = form.facility.clone().filter(|named| *named != given) {
            return Err(Fault::Another { file: form.name.clone(), named, given }.into());
        }
    }
    Ok(chosen)
}

/// What was done with a line, in words.
fn told(one: &Taken, words: &Words) -> String {
    let point = one.point.as_deref().unwrap_or_default();
    let kind = one.kind.map(|kind| words.kind(kind)).unwrap_or_default();
    let key = match (one.what, &one.point) {
        (What::Same, Some(_)) => "point_same",
        (what, _) => what.name(),
    };
    let said = words.fill("line_taken", key, &[("point", point), ("kind", kind)]);
    format!("{}{}{said}", one.cited, words.get("language", "colon"))
}

/// The points that a form asks about and says nothing of, in words.
fn unanswered(form: &Form, words: &Words) -> Option<String> {
    let count = form.unanswered.len();
    let mut points = form.unanswered.iter().take(MOST_TOLD).cloned().collect::<Vec<_>>();
    if count > MOST_TOLD {
        points.push("…".to_owned());
    }
    let (count, points) = (count.to_string(), points.join(words.get("language", "comma")));
    let values = [("file", &*form.name), ("count", &*count), ("points", &*points)];
    (!form.unanswered.is_empty()).then(|| words.fill("line_taken", "unanswered", &values))
}

/// What was seen and contradicts what is declared, a line each. In a trial, what the forms say counts as if it were kept.
fn contradictions(
    store: &Store,
    facility: Option<&str>,
    forms: &[Form],
    taken: &[Taken],
    at: Timestamp,
    is_trial: bool,
    words: &Words,
) -> anyhow::Result<Vec<String>> {
    let mut memory = store.memory(facility)?;
    if is_trial {
        memory
            .vendors
            .extend(forms.iter().filter_map(|form| Some(form.vendor.as_ref()?.entry.clone())));
        for line in forms.iter().flat_map(|form| &form.lines) {
            let point =
                taken.iter().find(|one| one.cited == line.cited).and_then(|one| one.point.clone());
            if let Some(known) = point.and_then(|point| memory.points.get_mut(&point)) {
                known.declared = Some(line.entry.clone());
                known.declared_at = Some(at);
            }
        }
    }
    let points =
        store.points(facility)?.into_iter().filter(|known| known.facility.as_deref() == facility);
    let points: Vec<_> = points.map(|known| known.point).collect();
    let found = contradicted(&points, &memory);
    Ok(found.iter().map(|one| words.contradiction(one)).collect())
}

/// A store that goes when the command ends.
struct Passing(PathBuf);

impl Passing {
    fn new() -> Self {
        let now = Clock::start().now().nanoseconds();
        let name = format!("sekisho-{}-{now}.sqlite", std::process::id());
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        // A file that cannot be removed is the system's to clear.
        let _ = std::fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_takes_a_form_in_has_a_name() {
        assert_eq!(name(" 佐藤 ").unwrap(), "佐藤");
        for bad in ["", "  ", "\u{1b}[31m", "a\u{202e}b"] {
            assert!(name(bad).is_err(), "{bad:?}");
        }
        assert!(name(&"x".repeat(101)).is_err());
    }
}
