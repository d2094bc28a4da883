//! The ministry's checklist, and what was found for each of its items.

use std::collections::BTreeMap;

use serde::Serialize;

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
    /// What: a key of the word lists (section `ground`).
    pub finding: String,
    /// The points that show it.
    pub points: Vec<String>,
    /// What is filled into the words.
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
    /// What was found. Empty where nothing was.
    pub grounds: Vec<Ground>,
}
