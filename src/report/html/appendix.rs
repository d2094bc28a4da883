//! What the words mean, and which knowledge the report rests on.

use std::collections::BTreeSet;

use serde::Serialize;

use super::shown;
use crate::{
    correlate::Kind,
    report::{Report, Words, cut},
    time::Day,
};

/// A word that the report uses.
#[derive(Serialize)]
pub(super) struct Term<'a> {
    name: &'a str,
    plain: &'a str,
}

/// Something that was known before.
#[derive(Serialize)]
pub(super) struct Source {
    name: String,
    said: String,
}

/// The words this report uses: general ones, and the kinds that were found.
pub(super) fn glossary<'a>(report: &Report<'a>) -> Vec<Term<'a>> {
    let words: &'static Words = report.words;
    let restricted = report.is_restricted().then_some("restriction");
    let general = ["point", "inside", "grade", "confidence", "packet", "mac"].into_iter();
    let general = general.chain(restricted).map(|term| {
        let plain = words.list().get("term").and_then(|terms| terms.get(&format!("{term}_plain")));
        Term { name: words.get("term", term), plain: plain.map_or("", String::as_str) }
    });
    let kinds: BTreeSet<Kind> = report.run.points.iter().map(|point| point.kind).collect();
    let kinds = kinds
        .into_iter()
        .map(|kind| Term { name: words.kind(kind), plain: words.get("kind_plain", kind.name()) });
    general.chain(kinds).collect()
}

/// What the report rests on beside what was heard: the catalogue of vulnerabilities, the register, the checklist.
pub(super) fn sources(report: &Report<'_>) -> Vec<Source> {
    let words = report.words;
    let catalogue = report.run.coverage.iter().filter(|line| line.subject == "exploited_known");
    let mut sources: Vec<Source> = catalogue
        .filter_map(|line| {
            let said = shown(line.detail.as_deref()?);
            Some(Source { name: words.get("coverage", "exploited_known").to_owned(), said })
        })
        .collect();
    if let Some(register) = &report.meaning.reconciliation {
        let day = Day::of(register.loaded).map(|day| day.to_string()).unwrap_or_default();
        let said =
            format!("{}{}{day}", cut(&register.register, 80), words.get("language", "comma"));
        sources.push(Source { name: words.get("page", "register_short").to_owned(), said });
    }
    let editions: Vec<String> =
        report.meaning.checklists.iter().map(|one| cut(&one.edition, 24)).collect();
    if !editions.is_empty() {
        let said = editions.join(words.get("language", "comma"));
        sources.push(Source { name: words.get("page", "checklist").to_owned(), said });
    }
    sources
}
