//! What changed between runs: in words, nothing cut off, and as `sekisho.changes/1`.

use std::{
    collections::BTreeSet,
    io::{self, Write},
};

use serde::Serialize;

use super::{
    Look, Words,
    text::{detail, difference, sign},
    visible,
    words::moment,
    wrap, write_plain,
};
use crate::{
    correlate::Vantage,
    inventory::{Change, Summary},
    time::Timestamp,
};

/// The name of the format; a change that could break a reader changes the number.
const SCHEMA: &str = "sekisho.changes/1";

/// What is different between two runs, or what one changed.
#[derive(Debug, Clone, Copy)]
pub struct Diff<'a> {
    /// The run that the later one is held against; none where that is held against all that was known before it.
    pub earlier: Option<&'a Summary>,
    /// The later run.
    pub later: &'a Summary,
    /// What is different.
    pub changes: &'a [Change],
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    facility: Option<&'a str>,
    earlier: Option<Named<'a>>,
    later: Named<'a>,
    changes: &'a [Change],
}

#[derive(Serialize)]
struct Named<'a> {
    run: &'a str,
    began: Timestamp,
    ended: Timestamp,
    vantages: &'a BTreeSet<Vantage>,
    points: u64,
}

impl<'a> Named<'a> {
    fn of(run: &'a Summary) -> Self {
        let Summary { id, began, ended, vantages, points, .. } = run;
        Self { run: id, began: *began, ended: *ended, vantages, points: *points }
    }
}

/// Writes a difference in words, each change with all that is different about it.
pub fn write_diff(
    diff: &Diff<'_>,
    words: &Words,
    look: Look,
    out: &mut impl Write,
) -> io::Result<()> {
    let run = |run: &Summary| {
        let from: Vec<&str> = run.vantages.iter().map(Vantage::name).collect();
        let (began, from) = (moment(run.began), from.join(", "));
        words.fill("diff", "run", &[("run", &run.id), ("began", &began), ("vantages", &from)])
    };
    let later = run(diff.later);
    let head = match diff.earlier.map(run) {
        Some(earlier) => words.fill("diff", "between", &[("earlier", &earlier), ("later", &later)]),
        None => words.fill("diff", "last", &[("later", &later)]),
    };
    let facility = diff.later.facility.as_deref().unwrap_or(words.get("label", "no_facility"));
    for line in wrap(&visible(facility), look.columns) {
        writeln!(out, "{}", look.strong(&line))?;
    }
    for line in wrap(&visible(&head), look.columns) {
        writeln!(out, "{line}")?;
    }
    for change in diff.changes {
        writeln!(out)?;
        let (kind, what) = (words.kind(change.kind()), words.get("change", change.name()));
        let said = format!("{} {}  {kind}  {what}", sign(change), change.id());
        for line in wrap(&visible(&said), look.columns) {
            writeln!(out, "{}", look.strong(&line))?;
        }
        let details = match change {
            Change::Appeared { .. } => Vec::new(),
            Change::SeenAgain { .. } => vec![detail(change, words)],
            Change::Changed { what, .. } => what.iter().map(|one| difference(one, words)).collect(),
            Change::NotSeen { again, .. } => {
                let again = again.then(|| words.get("diff", "again").to_owned());
                [detail(change, words)].into_iter().chain(again).collect()
            }
        };
        for detail in details {
            for line in wrap(&visible(&detail), look.columns.saturating_sub(4)) {
                writeln!(out, "    {line}")?;
            }
        }
    }
    writeln!(out)?;
    let of = |name: &str| diff.changes.iter().filter(|change| change.name() == name).count();
    let again = (of("seen_again") > 0).then_some("seen_again");
    let names = ["appeared"].into_iter().chain(again).chain(["changed", "not_seen"]);
    let sum = names
        .map(|name| words.counted("diff", name, of(name)))
        .collect::<Vec<_>>()
        .join(words.get("language", "comma"));
    for line in wrap(&sum, look.columns) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// Writes a difference as one JSON document.
pub fn write_diff_json(diff: &Diff<'_>, out: &mut impl Write) -> io::Result<()> {
    let document = Document {
        schema: SCHEMA,
        facility: diff.later.facility.as_deref(),
        earlier: diff.earlier.map(Named::of),
        later: Named::of(diff.later),
        changes: diff.changes,
    };
    write_plain(&document, out)
}
