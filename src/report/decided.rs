//! What people decided about points, and why what several runs saw is one point: in sentences.

use std::io::{self, Write};

use super::{Look, Report, Words, cut, text::bracketed, words::moment, wrap};
use crate::{
    inventory::{Bond, Remembered, Review, ReviewState, Standing, Why},
    time::{Day, Timestamp},
};

/// How much of one reason is shown.
const LONGEST: usize = 400;

/// The last decision about a point, in one sentence; none where nobody decided anything.
pub(super) fn last(point: &str, report: &Report<'_>) -> Option<String> {
    let remembered = report.memory.points.get(point)?;
    Some(sentence(remembered.reviews.last()?, report.day(), report.words))
}

/// How many points were decided, and in which way; and how many decisions have run out. Nothing where there are none.
pub(super) fn sums(report: &Report<'_>) -> Vec<String> {
    let (words, run) = (report.words, report.run);
    let suppressed = run.points.iter().filter(|point| report.is_suppressed(&point.id)).count();
    let over = run
        .points
        .iter()
        .filter_map(|point| report.memory.points.get(&point.id)?.reviews.last())
        .filter(|review| review.standing(report.day()) == Standing::Over)
        .count();
    let mut said = Vec::new();
    if suppressed > 0 {
        let states = ReviewState::ALL.into_iter().filter(|state| state.suppresses());
        let counts = states.map(|state| {
            let is = |id: &str| report.review(id).is_some_and(|review| review.state == state);
            (state, run.points.iter().filter(|point| is(&point.id)).count())
        });
        let counts: Vec<String> = counts
            .filter(|(_, count)| *count > 0)
            .map(|(state, count)| format!("{} {count}", words.get("review_state", state.name())))
            .collect();
        let sum = words.counted("review", "suppressed_sum", suppressed);
        said.push(bracketed(&sum, &counts.join(words.get("language", "comma")), words));
    }
    if over > 0 {
        said.push(words.counted("review", "over_sum", over));
    }
    said
}

/// Where the log of the store ends, to be written down; nothing without a store.
pub(super) fn head(report: &Report<'_>) -> Option<String> {
    let head = report.memory.head.as_ref()?;
    let number = head.number.to_string();
    Some(report.words.fill("review", "head", &[("number", &number), ("hash", &head.hash)]))
}

/// The same for paper: which entry is the last, with its hash in groups that can be read aloud, and what it is for.
pub(super) fn ending(report: &Report<'_>) -> Option<[String; 2]> {
    let (words, head) = (report.words, report.memory.head.as_ref()?);
    let number = head.number.to_string();
    let mut hash = String::new();
    for (place, digit) in head.hash.chars().enumerate() {
        if place > 0 && place % 8 == 0 {
            hash.push(' ');
        }
        hash.push(digit);
    }
    let values = [("number", &*number), ("hash", &*hash)];
    let told = words.fill("review", "ending", &values);
    Some([told, words.get("review", "ending_plain").to_owned()])
}

/// A decision as a sentence: what, who, when, why, until when.
pub fn sentence(review: &Review, on: Option<Day>, words: &Words) -> String {
    let state = words.get("review_state", review.state.name());
    let (who, when) = (cut(&review.reviewer, 60), day(review.at));
    let reason = cut(&review.reason, LONGEST);
    let until = review.until.map(|until| until.to_string()).unwrap_or_default();
    let key = match (review.standing(on), review.until) {
        (Standing::Over, _) => "said_over",
        (Standing::RunsOut, _) => "said_runs_out",
        (Standing::Stands, Some(_)) => "said_until",
        (Standing::Stands, None) => "said",
    };
    let values = [
        ("state", state),
        ("who", &*who),
        ("day", &*when),
        ("reason", &*reason),
        ("until", &*until),
    ];
    words.fill("review", key, &values)
}

/// The day of a moment, in Japan's time.
fn day(at: Timestamp) -> String {
    moment(at).split(' ').next().unwrap_or_default().to_owned()
}

/// Why a part of a point belongs to another, as a sentence.
fn bond(bond: &Bond, words: &Words) -> String {
    let (value, who, when) = match &bond.why {
        Why::Hardware(mac) => (mac.to_string(), String::new(), String::new()),
        Why::Address(address) | Why::Outside(address) => {
            (address.to_string(), String::new(), String::new())
        }
        Why::Identity(told) => (cut(told, 80), String::new(), String::new()),
        Why::People { by, at, reason } => (cut(reason, LONGEST), cut(by, 60), day(*at)),
        Why::Others => Default::default(),
    };
    let (part, with) = (cut(&bond.part, 40), cut(&bond.with, 40));
    let values =
        [("part", &*part), ("with", &*with), ("value", &*value), ("who", &*who), ("day", &*when)];
    words.fill("bond", bond.why.name(), &values)
}

/// Writes every decision about a point, the earliest first, and why its parts are one; nothing where there is neither.
pub fn write_decided(
    remembered: &Remembered,
    bonds: &[Bond],
    on: Option<Day>,
    words: &Words,
    look: Look,
    out: &mut impl Write,
) -> io::Result<()> {
    let reviews = remembered.reviews.iter().rev().enumerate();
    // What another decision took the place of does not run out.
    let mut said: Vec<String> =
        reviews.map(|(place, review)| sentence(review, on.filter(|_| place == 0), words)).collect();
    said.reverse();
    let joined: Vec<String> = bonds.iter().map(|one| bond(one, words)).collect();
    for (heading, lines) in [("heading", said), ("bonds", joined)] {
        if lines.is_empty() {
            continue;
        }
        writeln!(out, "\n{}", look.strong(&cut(words.get("review", heading), look.columns)))?;
        for line in lines {
            for (at, line) in wrap(&line, look.columns.saturating_sub(4)).iter().enumerate() {
                writeln!(out, "  {}{line}", if at == 0 { "» " } else { "  " })?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Language;

    #[test]
    fn a_decision_reads_well_in_both_languages_and_says_when_it_has_run_out() {
        let review = Review {
            state: ReviewState::AcceptedRisk,
            reviewer: "山田 <b>\u{202e}".into(),
            at: Timestamp::new(1_775_003_405, 7),
            reason: "医療機器のため更新できない".into(),
            until: Some("2027-03-31".parse().unwrap()),
        };
        let said =
            |on: &str, language| sentence(&review, Some(on.parse().unwrap()), Words::of(language));
        let english = said("2026-05-01", Language::English);
        assert_eq!(
            english,
            "Risk accepted until 2027-03-31 (山田 <b>\\u{202e}, 2026-04-01): 医療機器のため更新できない"
        );
        assert!(said("2027-04-01", Language::English).contains("ran out on 2027-03-31"));
        assert!(said("2027-03-31", Language::Japanese).contains("まもなく期限"));
        assert!(said("2027-04-01", Language::Japanese).contains("期限切れ"));
    }

    #[test]
    fn every_value_of_the_closed_lists_has_words() {
        for words in Language::ALL.map(Words::of) {
            for state in ReviewState::ALL {
                assert!(words.find("review_state", state.name()).is_some(), "{state:?}");
                assert!(words.find("review_state_plain", state.name()).is_some(), "{state:?}");
            }
            for standing in Standing::ALL {
                assert!(words.find("standing", standing.name()).is_some(), "{standing:?}");
            }
            for noted in crate::inventory::Noted::ALL {
                assert!(words.find("noted", noted.name()).is_some(), "{noted:?}");
            }
            for why in ["hardware", "address", "outside", "identity", "people", "others"] {
                assert!(words.find("bond", why).is_some(), "{why}");
            }
            assert!(words.find("change", "seen_again").is_some());
        }
    }
}
