//! What people wrote held against what was found: what the register does not have, has otherwise, and has alone; and what
//! somebody said that was seen to be otherwise.

use serde::Serialize;

use super::{LONGEST, MOST_ROWS, Named, more_of, shown};
use crate::{
    assess::{Found, Outcome, Reconciled},
    import::{Column, Entry},
    report::{Report, Words, cut},
    time::Day,
};

#[derive(Serialize)]
pub(super) struct Register<'a> {
    /// What the register is; empty where there is none, and only forms say something.
    sums: String,
    contradicted: Vec<Contradicted>,
    matched: String,
    undeclared: Vec<Undeclared<'a>>,
    mismatches: Vec<Mismatched>,
    not_seen: Vec<NotSeen<'a>>,
    more: String,
    whole: bool,
}

/// What somebody said of a point, and was seen to be otherwise.
#[derive(Serialize)]
struct Contradicted {
    point: Named,
    said: String,
}

/// A point that no row declares.
#[derive(Serialize)]
struct Undeclared<'a> {
    id: String,
    kind: &'a str,
    place: String,
    what: String,
}

/// A row that says something else than was found.
#[derive(Serialize)]
struct Mismatched {
    row: String,
    entry: String,
    found: Option<Named>,
    by: String,
    differs: Vec<String>,
}

/// A row of which nothing was seen.
#[derive(Serialize)]
struct NotSeen<'a> {
    row: String,
    entry: String,
    why: &'a str,
}

pub(super) fn register<'a>(report: &Report<'a>) -> Option<Register<'a>> {
    let words = report.words;
    let (contradicted, unsaid) = contradicted(report);
    let Some(register) = report.meaning.reconciliation.as_ref() else {
        return (!contradicted.is_empty()).then(|| Register {
            sums: String::new(),
            contradicted,
            matched: String::new(),
            undeclared: Vec::new(),
            mismatches: Vec::new(),
            not_seen: Vec::new(),
            more: more_of(unsaid, words),
            whole: false,
        });
    };
    let points = report.points().into_iter();
    let undeclared: Vec<Undeclared<'_>> = points
        .filter(|point| report.register(&point.id) == Some("undeclared"))
        .map(|point| Undeclared {
            id: shown(&point.id),
            kind: words.kind(point.kind),
            place: point.addresses.first().map(ToString::to_string).unwrap_or_default(),
            what: point
                .product
                .as_ref()
                .map(|product| shown(&product.to_string()))
                .unwrap_or_default(),
        })
        .collect();
    let (mut mismatches, mut not_seen, mut matched) = (Vec::new(), Vec::new(), 0_usize);
    for line in &register.lines {
        match &line.outcome {
            Outcome::Matched { .. } => matched += 1,
            Outcome::Mismatch { .. } => mismatches.extend(differs(line, report)),
            Outcome::NotSeen { reason } => not_seen.push(NotSeen {
                row: row(&line.entry),
                entry: brief(&line.entry, words),
                why: words.get("unseen", reason.name()),
            }),
        }
    }
    let over = unsaid
        + mismatches.len().saturating_sub(MOST_ROWS)
        + not_seen.len().saturating_sub(MOST_ROWS);
    mismatches.truncate(MOST_ROWS);
    not_seen.truncate(MOST_ROWS);
    let day = Day::of(register.loaded).map(|day| day.to_string()).unwrap_or_default();
    let sums = [
        ("register", cut(&register.register, 80)),
        ("day", day),
        ("lines", register.lines.len().to_string()),
    ];
    let sums = sums.each_ref().map(|(name, value)| (*name, value.as_str()));
    Some(Register {
        sums: words.fill("page_register", "sums", &sums),
        matched: words.fill("page_register", "matched", &[("count", &matched.to_string())]),
        whole: undeclared.is_empty() && mismatches.is_empty() && not_seen.is_empty(),
        contradicted,
        undeclared,
        mismatches,
        not_seen,
        more: more_of(over, words),
    })
}

/// What somebody said and the network contradicts, and how many more there are than are shown.
fn contradicted(report: &Report<'_>) -> (Vec<Contradicted>, usize) {
    let all = &report.meaning.contradictions;
    let told = all.iter().take(MOST_ROWS).map(|one| Contradicted {
        point: Named {
            id: shown(&one.point),
            here: report.run.points.iter().any(|point| point.id == one.point),
        },
        said: report.words.contradiction(one),
    });
    (told.collect(), all.len().saturating_sub(MOST_ROWS))
}

fn differs(line: &Reconciled, report: &Report<'_>) -> Option<Mismatched> {
    let words = report.words;
    let Outcome::Mismatch { found, by, fields } = &line.outcome else { return None };
    let by: Vec<&str> = by.iter().map(|by| words.get("by", by.name())).collect();
    let (Found::Point(found) | Found::Host(found)) = found;
    Some(Mismatched {
        row: row(&line.entry),
        entry: brief(&line.entry, words),
        found: Some(Named {
            id: shown(found),
            here: report.run.points.iter().any(|point| point.id == *found),
        }),
        by: by.join(words.get("language", "comma")),
        differs: fields
            .iter()
            .map(|field| {
                let values = [
                    ("column", words.get("column", field.column.name()).to_owned()),
                    ("written", shown(&field.written)),
                    ("found", shown(&field.found)),
                ];
                let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
                cut(&words.fill("page_sheet", "differs", &values), LONGEST * 2)
            })
            .collect(),
    })
}

/// Where a row stands.
fn row(entry: &Entry) -> String {
    match &entry.sheet {
        Some(sheet) => format!("{} {}", cut(sheet, 24), entry.row),
        None => entry.row.to_string(),
    }
}

/// What tells a row from others, in few words.
fn brief(entry: &Entry, words: &Words) -> String {
    let columns = [
        Column::Name,
        Column::System,
        Column::Vendor,
        Column::Model,
        Column::Place,
        Column::Partner,
    ];
    let told = columns.iter().filter_map(|column| entry.get(*column)).map(str::to_owned);
    let addresses = entry.addresses.iter().take(2).map(ToString::to_string);
    let told: Vec<String> = told.chain(addresses).take(5).collect();
    cut(&told.join(words.get("language", "comma")), LONGEST)
}
