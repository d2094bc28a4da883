//! What of a point is open to the outside, in words.

use super::{Words, cut};
use crate::correlate::{FromOutside, Point, Restriction, Service, Vantage};

/// How much of the names of vantages is shown.
const LONGEST: usize = 80;

/// A service, and from where it was seen, where that is more than from inside.
pub(super) fn service(service: &Service, point: &Point, words: &Words) -> String {
    let said = words.service(service);
    let from = point.sides.of_service(service).into_iter().flatten();
    let names: Vec<&str> = from.map(Vantage::name).collect();
    if point.sides.seen_from.iter().all(Vantage::is_usual) || names.is_empty() {
        return said;
    }
    let names = names.join(words.get("language", "comma"));
    let (open, close) = (words.get("language", "open"), words.get("language", "close"));
    format!("{said}{open}{}{close}", cut(&names, LONGEST))
}

/// A service and whether it answers outside, with the vantages that show it.
pub(super) fn line(one: &Restriction, words: &Words) -> String {
    let names: Vec<&str> = one.vantages.iter().map(Vantage::name).collect();
    let (colon, comma) = (words.get("language", "colon"), words.get("language", "comma"));
    let said = format!("{}{colon}{}", words.service(&one.service), answer(one.answer, words));
    if names.is_empty() {
        return said;
    }
    let (open, close) = (words.get("language", "open"), words.get("language", "close"));
    format!("{said}{open}{}{close}", cut(&names.join(comma), LONGEST))
}

/// Whether a service answers outside.
pub(super) fn answer(answer: FromOutside, words: &Words) -> &str {
    words.get("restriction", answer.name())
}

/// How many services answer outside, do not, and were not asked, on one line; empty where nobody looked.
pub(super) fn short(point: &Point, words: &Words) -> String {
    let count = |answer| point.sides.restriction.iter().filter(|one| one.answer == answer).count();
    let told = FromOutside::ALL.into_iter().map(|answer| (answer, count(answer)));
    let told: Vec<String> = told
        .filter(|(_, count)| *count > 0)
        .map(|(answer, count)| format!("{} {count}", words.get("restriction_short", answer.name())))
        .collect();
    told.join(words.get("language", "comma"))
}
