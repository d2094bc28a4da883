//! The words for what a version means: exploited vulnerabilities, support, and what has to be asked.

use super::Words;
use crate::assess::{Answer, Assessment, Exploited, Known, Support, SupportAnswer};

/// How many numbers of vulnerabilities are named that somebody has to ask about.
const MOST_NAMED: usize = 12;

/// What is told about one box, as text that still has to be made safe.
pub(super) struct Told {
    /// Each vulnerability that it is affected by: its number, and what is known of it.
    pub affected: Vec<(String, String)>,
    /// Each open answer: what it is, what that means, and about which.
    pub asks: Vec<Ask>,
    /// How many it was held against without being in their range, or that none is known.
    pub not_in_range: Option<String>,
    /// About its support.
    pub support: Vec<String>,
}

/// An open answer.
pub(super) struct Ask {
    /// The answer, and about how many.
    pub answer: String,
    /// What it means.
    pub plain: String,
    /// Their numbers.
    pub about: String,
}

/// Whether a box has a weakness that is known to be exploited.
pub(super) fn is_exploited(assessment: &Assessment) -> bool {
    let affected = assessment.exploited.iter().filter(|one| one.answer == Answer::Affected);
    affected.into_iter().any(|one| one.known.contains(&Known::Kev))
}

/// The answer about a box in a few words, for a cell of a table. It is never empty: an empty cell would read as safe.
pub(super) fn short(assessment: Option<&Assessment>, words: &Words) -> String {
    let not_known = || words.get("assessment", "not_known").to_owned();
    let Some(assessment) = assessment else { return not_known() };
    let mut said = Vec::new();
    let affected = assessment.count(Answer::Affected);
    if affected > 0 {
        said.push(words.counted("assessment", "affected", affected));
    }
    if assessment.asks() > 0 {
        said.push(words.get("assessment", "ask").to_owned());
    }
    if assessment.has_ended() {
        said.push(words.get("assessment", "ended").to_owned());
    }
    if said.is_empty() && assessment.affected().is_some() {
        said.push(words.get("answer", Answer::NotInRange.name()).to_owned());
    }
    if said.is_empty() {
        said.push(not_known());
    }
    said.join(words.get("language", "comma"))
}

/// The answers about a box.
pub(super) fn told(assessment: &Assessment, words: &Words) -> Told {
    let with = |answer: Answer| assessment.exploited.iter().filter(move |one| one.answer == answer);
    let asks = Answer::ALL.into_iter().filter(|answer| answer.asks()).filter_map(|answer| {
        let about: Vec<&str> = with(answer).map(|one| one.id.as_str()).collect();
        let more = about.len().saturating_sub(MOST_NAMED);
        let count = about.len();
        let mut about = about.into_iter().take(MOST_NAMED).map(str::to_owned).collect::<Vec<_>>();
        if more > 0 {
            about.push(words.fill("label", "more", &[("count", &more.to_string())]));
        }
        (count > 0).then(|| Ask {
            answer: words.fill(
                "assessment",
                "answer_count",
                &[("answer", words.get("answer", answer.name())), ("count", &count.to_string())],
            ),
            plain: words.get("answer_plain", answer.name()).to_owned(),
            about: about.join(words.get("language", "comma")),
        })
    });
    let placed = assessment.count(Answer::NotInRange);
    Told {
        affected: with(Answer::Affected)
            .map(|one| (one.id.clone(), affected(one, words)))
            .collect(),
        asks: asks.collect(),
        not_in_range: if assessment.exploited.is_empty() {
            Some(words.get("assessment", "none").to_owned())
        } else {
            (placed > 0).then(|| words.counted("assessment", "not_in_range", placed))
        },
        support: assessment.support.iter().map(|one| support(one, words)).collect(),
    }
}

/// What is known of a vulnerability.
fn affected(one: &Exploited, words: &Words) -> String {
    let said = |key, value: &str| words.fill("assessment", key, &[("value", value)]);
    let mut parts: Vec<String> =
        one.known.iter().map(|known| words.get("known", known.name()).to_owned()).collect();
    parts.extend(one.added.map(|day| said("added", &day.to_string())));
    if one.ransomware {
        parts.push(words.get("assessment", "ransomware").to_owned());
    }
    if !one.condition.is_empty() {
        let conditions: Vec<&str> =
            one.condition.iter().map(|one| words.get("condition", one.name())).collect();
        parts.push(said("condition", &conditions.join(words.get("assessment", "and"))));
    }
    parts.extend(one.fixed.as_deref().map(|fixed| said("fixed", fixed)));
    parts.push(said("source", &one.source));
    parts.join(words.get("assessment", "between"))
}

/// An answer about support.
fn support(one: &Support, words: &Words) -> String {
    let answer = words.get("support_answer", one.answer.name());
    match (one.what, one.until) {
        (Some(what), Some(until))
            if matches!(one.answer, SupportAnswer::Ended | SupportAnswer::SupportedUntil) =>
        {
            let values = [("what", words.get("ends", what.name())), ("until", &until.to_string())];
            let source = one.source.as_deref().unwrap_or_default();
            let source = words.fill("assessment", "source", &[("value", source)]);
            let said = words.fill("support_answer", one.answer.name(), &values);
            format!("{said}{}{source}", words.get("assessment", "between"))
        }
        _ => answer.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Language;

    #[test]
    fn of_what_nothing_is_known_the_cell_says_so() {
        let nothing = Assessment { exploited: Vec::new(), support: Vec::new() };
        for (language, wanted) in [(Language::English, "not known"), (Language::Japanese, "不明")]
        {
            let words = Words::of(language);
            assert_eq!(short(None, words), wanted);
            assert_eq!(short(Some(&nothing), words), wanted);
        }
    }
}
