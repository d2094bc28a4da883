//! The ministry's checklist, and what was found for each of its items.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    edition::{Edition, Library, Passage, Written},
    matter::{Fit, Matter, fit},
    rules::{self, NOTHING, Rule},
};
use crate::correlate::Point;

/// An edition of the checklist with what a run says to its items.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// Which edition: `R7`.
    pub edition: String,
    /// Its items, in their order, those too of which a network shows nothing.
    pub items: Vec<Item>,
}

/// An item of the checklist, and what was found for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    /// Its number in the edition: `2-⑬`.
    pub number: String,
    /// What it asks for, in Japanese.
    pub ja: String,
    /// The same in English.
    pub en: String,
    /// Whether the number was read in the form or its manual; otherwise the order of the items tells it.
    pub number_certain: bool,
    /// On which sheets it stands: `hospital`, `vendor`.
    pub sheets: Vec<String>,
    /// The articles of the guideline that it rests on: `13⑪`.
    pub articles: Vec<String>,
    /// What may be answered. Never はい by itself: that is for people.
    pub suggestion: Suggestion,
    /// What speaks for that. Empty where nothing was found or nothing can be.
    pub grounds: Vec<Ground>,
}

/// What may be answered to an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Suggestion {
    /// いいえ: what was found speaks against it.
    No,
    /// 要確認: somebody has to look.
    ToConfirm,
    /// A network shows nothing of it.
    NotByNetwork,
}

impl Suggestion {
    /// Every suggestion.
    pub const ALL: [Self; 3] = [Self::No, Self::ToConfirm, Self::NotByNetwork];

    /// The name in JSON and in the word lists.
    pub const fn name(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::ToConfirm => "to_confirm",
            Self::NotByNetwork => "not_by_network",
        }
    }
}

/// Something that was found for an item or an article.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Ground {
    /// What it speaks for: `No` or `ToConfirm`.
    pub suggestion: Suggestion,
    /// What: a key of the word lists (section `ground`).
    pub finding: String,
    /// The points that show it.
    pub points: Vec<String>,
    /// What is filled into the words. A `kind` and a `service` are names, which have words of their own.
    pub values: BTreeMap<String, String>,
}

/// An article of the guideline, and what was found for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Article {
    /// Its number: `13⑥`.
    pub number: String,
    /// Its gist, in Japanese.
    pub ja: String,
    /// The same in English.
    pub en: String,
    /// Whether number and gist were read in the guideline itself.
    pub certain: bool,
    /// What was found. Empty where nothing was.
    pub grounds: Vec<Ground>,
}

impl Checked {
    /// What a run says to an edition's items.
    pub fn of(edition: &Edition, matter: &Matter<'_>) -> Self {
        let items = edition.items.iter().map(|written| Item::of(written, matter)).collect();
        Self { edition: edition.edition.clone(), items }
    }

    /// How many items have this suggestion.
    pub fn count(&self, suggestion: Suggestion) -> usize {
        self.items.iter().filter(|item| item.suggestion == suggestion).count()
    }
}

impl Item {
    fn of(written: &Written, matter: &Matter<'_>) -> Self {
        let rules = written.rules.iter().filter_map(|name| rules::named(name));
        let mut grounds: Vec<Ground> =
            rules.flat_map(|rule| looked(rule, written, matter)).collect();
        if grounds.is_empty() && !written.rules.is_empty() {
            grounds.push(Ground {
                suggestion: Suggestion::ToConfirm,
                finding: NOTHING.to_owned(),
                points: Vec::new(),
                values: BTreeMap::new(),
            });
        }
        // What speaks against it is told first.
        grounds.sort_by_key(|ground| ground.suggestion);
        let gravest = grounds.first().map(|ground| ground.suggestion);
        Self {
            number: written.number.clone(),
            ja: written.ja.clone(),
            en: written.en.clone(),
            number_certain: written.number_certain,
            sheets: written.sheets.clone(),
            articles: written.articles.clone(),
            suggestion: gravest.unwrap_or(Suggestion::NotByNetwork),
            grounds,
        }
    }
}

/// What a rule finds among the points that an item is about; and among those that it may be about, which somebody has to
/// confirm.
fn looked(rule: &Rule, written: &Written, matter: &Matter<'_>) -> Vec<Ground> {
    if rule.whole {
        return (rule.find)(matter);
    }
    let of = |wanted: Fit| -> Vec<&Point> {
        let points = matter.points.iter().copied();
        points.filter(|point| fit(written.target, point.kind) == wanted).collect()
    };
    let mut found = (rule.find)(&Matter { points: &of(Fit::Own), ..*matter });
    let perhaps = of(Fit::Perhaps);
    if !perhaps.is_empty() {
        let more = (rule.find)(&Matter { points: &perhaps, hosts: &[], ..*matter });
        let more = more.into_iter().filter(|ground| !ground.points.is_empty());
        found.extend(more.map(|ground| Ground { suggestion: Suggestion::ToConfirm, ..ground }));
    }
    found
}

/// What a run says to the guideline's articles.
pub fn articles(matter: &Matter<'_>) -> Vec<Article> {
    let said = |article: &Passage| {
        let rules = article.rules.iter().filter_map(|name| rules::named(name));
        let mut grounds: Vec<Ground> = rules.flat_map(|rule| (rule.find)(matter)).collect();
        grounds.sort_by_key(|ground| ground.suggestion);
        Article {
            number: article.number.clone(),
            ja: article.ja.clone(),
            en: article.en.clone(),
            certain: article.certain,
            grounds,
        }
    };
    Library::built_in().guideline.articles.iter().map(said).collect()
}
