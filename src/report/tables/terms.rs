//! What the words of the other tables mean.

use super::{Cell, Column, Row, Table};
use crate::{
    correlate::{Grade, Kind},
    report::{Language, Words},
};

/// The words, in both languages, and what they mean.
pub(super) fn table(words: &'static Words) -> Table {
    let other = match words.language() {
        Language::Japanese => Words::of(Language::English),
        Language::English => Words::of(Language::Japanese),
    };
    let columns = vec![
        Column::new("term", 26, words),
        Column::new("other_language", 30, words),
        Column::new("meaning", 90, words),
    ];
    let mut table = Table::new("terms", columns);
    let terms = words.list().get("term").into_iter().flatten();
    let terms = terms.filter_map(|(key, _)| {
        let plain = words.find("term", &format!("{key}_plain"))?;
        Some(("term", key.as_str(), plain))
    });
    let kinds = Kind::ALL.map(Kind::name);
    let kinds = kinds.iter().map(|key| ("kind", *key, words.get("kind_plain", key)));
    let grades = Grade::ALL.map(Grade::name);
    let grades = grades.iter().map(|key| ("grade", *key, words.get("grade_plain", key)));
    for (section, key, plain) in terms.chain(kinds).chain(grades) {
        let cells = vec![
            Cell::of(words.get(section, key)),
            Cell::of(other.get(section, key)),
            Cell::of(plain),
        ];
        table.add(Row { cells, ..Row::default() });
    }
    table
}
