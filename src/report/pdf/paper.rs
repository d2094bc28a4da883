//! What is told on paper, in the order in which a hospital reads it.

mod meaning;
mod points;
mod run;
mod summary;

use super::block::{Block, Look, Table, Text};
use crate::{
    report::{Report, Words, cut},
    time::Day,
};

/// How many columns of one value are shown; a device may call itself anything.
const LONGEST: usize = 240;

/// How many points a sentence names.
const MOST_NAMED: usize = 8;

/// The whole paper.
pub(super) fn blocks(report: &Report<'_>) -> Vec<Block> {
    let mut blocks = summary::blocks(report);
    for chapter in [
        points::changes(report),
        points::list(report),
        points::records(report),
        meaning::register(report),
        meaning::checklist(report),
        meaning::guideline(report),
        meaning::plan(report),
        run::unrecognised(report),
        run::coverage(report),
        run::sent(report),
        run::method(report),
        run::last(report),
    ] {
        if !chapter.is_empty() {
            blocks.push(Block::Chapter);
            blocks.extend(chapter);
        }
    }
    blocks
}

/// Whose report it is.
pub(super) fn facility(report: &Report<'_>) -> String {
    let none = || report.words.get("label", "no_facility").to_owned();
    report.run.facility.as_deref().map_or_else(none, shown)
}

/// What stands at the foot of every page.
pub(super) fn foot(report: &Report<'_>) -> String {
    let words = report.words;
    let run = format!("{} {}", words.get("label", "run"), shown(&report.run.id));
    let day = report.day().as_ref().map(Day::to_string).unwrap_or_default();
    format!("{}  {run}  {day}", words.get("heading", "title"))
}

/// A value as paper shows it.
fn shown(text: &str) -> String {
    cut(text, LONGEST)
}

/// A chapter's heading.
fn chapter(words: &str, anchor: &str) -> Block {
    Block::Heading { level: 1, words: words.to_owned(), anchor: anchor.to_owned() }
}

/// A paragraph of the usual look.
fn paragraph(words: impl Into<String>) -> Block {
    Block::Paragraph(Text::new(words, Look::BODY))
}

/// A note below or above something.
fn note(words: impl Into<String>) -> Block {
    Block::Paragraph(Text::new(words, Look::NOTE))
}

/// A cell of one text.
fn cell(words: impl AsRef<str>) -> Vec<Text> {
    vec![Text::cell(shown(words.as_ref()))]
}

/// A row of facts: what it is about, and what is known of it; none where nothing is.
fn fact(label: &str, values: Vec<Text>) -> Option<Vec<Vec<Text>>> {
    let values: Vec<Text> = values.into_iter().filter(|value| !value.words.is_empty()).collect();
    (!values.is_empty()).then(|| vec![vec![Text::new(label, Look::LABEL)], values])
}

/// A table of facts.
fn facts(rows: Vec<Vec<Vec<Text>>>) -> Block {
    Block::Table(Table { columns: vec![(String::new(), 21.0), (String::new(), 79.0)], rows })
}

/// A table with these headings and shares of the width.
fn table(words: &Words, columns: &[(&str, &str, f32)], rows: Vec<Vec<Vec<Text>>>) -> Block {
    let heading =
        |(section, key, share): &(&str, &str, f32)| (words.get(section, key).to_owned(), *share);
    Block::Table(Table { columns: columns.iter().map(heading).collect(), rows })
}

/// The name of a point, leading to its record.
fn point(id: &str) -> Text {
    Text::new(shown(id), Look::CELL.strong().in_colour(super::block::INDIGO))
        .leading_to(&anchor(id))
}

/// By what a point's record is led to.
fn anchor(id: &str) -> String {
    format!("point {id}")
}

/// The names of a few points, and how many more there are.
fn named<'a>(points: impl IntoIterator<Item = &'a str>, words: &Words) -> String {
    let points: Vec<&str> = points.into_iter().collect();
    let mut said: Vec<String> = points.iter().take(MOST_NAMED).map(|id| cut(id, 40)).collect();
    if points.len() > MOST_NAMED {
        said.push(more(points.len() - MOST_NAMED, words));
    }
    said.join(words.get("language", "comma"))
}

/// That there are more.
fn more(count: usize, words: &Words) -> String {
    words.fill("label", "more", &[("count", &count.to_string())])
}
