//! The checklist and the guideline: what may be answered, and what speaks for it.

use serde::Serialize;

use super::{LONGEST, Named, named};
use crate::{
    assess::{Ground as Known, Suggestion},
    report::{Language, Report, cut},
};

/// How many grounds an item shows.
const MOST_GROUNDS: usize = 24;

/// An edition of the checklist.
#[derive(Serialize)]
pub(super) struct Edition<'a> {
    name: String,
    items: Vec<Item<'a>>,
    /// Items of which a network shows nothing.
    others: String,
}

#[derive(Serialize)]
struct Item<'a> {
    number: String,
    asks: String,
    articles: String,
    suggestion: &'a str,
    alert: bool,
    grounds: Vec<Ground>,
}

#[derive(Serialize)]
struct Ground {
    said: String,
    points: Vec<Named>,
    more: String,
}

/// An article of the guideline, and what was found.
#[derive(Serialize)]
pub(super) struct Article<'a> {
    number: &'a str,
    gist: String,
    grounds: Vec<Ground>,
}

pub(super) fn editions<'a>(report: &Report<'a>) -> Vec<Edition<'a>> {
    let words = report.words;
    let japanese = words.language() == Language::Japanese;
    let comma = words.get("language", "comma");
    let editions = report.meaning.checklists.iter().map(|checked| {
        let (other, items): (Vec<_>, Vec<_>) = checked.items.iter().partition(|item| {
            item.suggestion == Suggestion::NotByNetwork && item.grounds.is_empty()
        });
        let others: Vec<&str> = other.iter().map(|item| item.number.as_str()).collect();
        let items = items.into_iter().map(|item| Item {
            number: cut(&item.number, 16),
            asks: cut(if japanese { &item.ja } else { &item.en }, LONGEST),
            articles: if item.articles.is_empty() {
                String::new()
            } else {
                words.fill(
                    "page_checklist",
                    "articles",
                    &[("articles", &item.articles.join(comma))],
                )
            },
            suggestion: words.get("suggestion", item.suggestion.name()),
            alert: item.suggestion == Suggestion::No,
            grounds: grounds(&item.grounds, report),
        });
        Edition {
            name: words.fill(
                "page_checklist",
                "edition",
                &[("edition", &cut(&checked.edition, 24))],
            ),
            items: items.collect(),
            others: if others.is_empty() {
                String::new()
            } else {
                words.fill("page_checklist", "others", &[("numbers", &others.join(comma))])
            },
        }
    });
    editions.collect()
}

pub(super) fn guideline<'a>(report: &Report<'a>) -> Vec<Article<'a>> {
    let japanese = report.words.language() == Language::Japanese;
    let articles = report.meaning.articles.iter().filter(|article| !article.grounds.is_empty());
    articles
        .map(|article| Article {
            number: &article.number,
            gist: cut(if japanese { &article.ja } else { &article.en }, LONGEST),
            grounds: grounds(&article.grounds, report),
        })
        .collect()
}

fn grounds(grounds: &[Known], report: &Report<'_>) -> Vec<Ground> {
    let grounds = grounds.iter().take(MOST_GROUNDS).map(|ground| {
        let (points, more) = named(&ground.points, report);
        Ground { said: report.words.ground(ground), points, more }
    });
    grounds.collect()
}
