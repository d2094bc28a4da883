//! The ministry's checklist with what was found for each item, and room for the answer.

use super::{Cell, Column, Row, Table, Tone};
use crate::{
    assess::{Article, Ground, Item},
    report::{Language, Report, Words},
};

/// The checklist, and after it the guideline; without rows where nothing was held against them.
pub(super) fn table(report: &Report<'_>) -> Table {
    let words = report.words;
    let tones = [("no", Tone::Bad), ("to_confirm", Tone::Warn), ("not_by_network", Tone::Faint)];
    let answers = ["yes", "no", "not_applicable"];
    let answers = answers.map(|key| words.get("checklist_answer", key).to_owned());
    let columns = vec![
        Column::new("edition", 14, words),
        Column::new("number", 10, words),
        Column::new("item", 46, words),
        Column::new("articles", 14, words),
        Column::new("suggestion", 18, words).tones("checklist_answer", &tones, words),
        Column::new("grounds", 46, words),
        Column::new("shown_by", 14, words),
        Column { choices: answers.into(), ..Column::new("answer", 14, words).open() },
        Column::new("checked", 12, words).open(),
        Column::new("person", 14, words).open(),
    ];
    let mut table = Table::new("checklist", columns);
    let key = if report.meaning.checklists.is_empty() && report.meaning.articles.is_empty() {
        "no_checklist"
    } else {
        "checklist"
    };
    table.notes.push(words.get("sheet_note", key).to_owned());
    for checked in &report.meaning.checklists {
        for item in &checked.items {
            table.add(of_item(item, &checked.edition, words));
        }
    }
    for article in &report.meaning.articles {
        table.add(of_article(article, words));
    }
    Table { fixed: 2, ..table }
}

fn of_item(item: &Item, edition: &str, words: &Words) -> Row {
    let asks = if words.language() == Language::Japanese { &item.ja } else { &item.en };
    let [grounds, points] = shown(&item.grounds, words);
    let cells = vec![
        Cell::of(edition),
        Cell::of(&item.number),
        Cell::of(asks),
        Cell::lines(&item.articles),
        Cell::of(words.get("checklist_answer", item.suggestion.name())),
        grounds,
        points,
        Cell::default(),
        Cell::default(),
        Cell::default(),
    ];
    Row { cells, ..Row::default() }
}

fn of_article(article: &Article, words: &Words) -> Row {
    let gist = if words.language() == Language::Japanese { &article.ja } else { &article.en };
    let [grounds, points] = shown(&article.grounds, words);
    let cells = vec![
        Cell::of(words.get("checklist_answer", "guideline")),
        Cell::of(&article.number),
        Cell::of(gist),
        Cell::dash(),
        Cell::dash(),
        grounds,
        points,
        Cell::dash(),
        Cell::dash(),
        Cell::dash(),
    ];
    Row { cells, ..Row::default() }
}

/// What was found, and which points show it.
fn shown(grounds: &[Ground], words: &Words) -> [Cell; 2] {
    let points: std::collections::BTreeSet<&String> =
        grounds.iter().flat_map(|one| &one.points).collect();
    let said = Cell::lines(grounds.iter().map(|one| words.ground(one)));
    [said.or(Cell::dash), Cell::lines(points).or(Cell::dash)]
}
