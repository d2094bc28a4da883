//! What a run of ours noted of what it could not measure, as lines of coverage. A recording may come from anywhere,
//! so nothing in it is taken for more than it is.

use std::collections::BTreeMap;

use super::{Coverage, CoverageState};
use crate::passive::capture::Notes;

/// What a run may be silent about; anything else is shown as what it is, a note.
const SUBJECTS: &[&str] = &[
    "questions_lost",
    "not_allowed",
    "left_alone",
    "questions_failed",
    "services_not_finished",
    "run_stopped",
];

/// What another release may have noted.
const OTHER: &str = "noted_otherwise";

/// How many lines of one subject are told one by one; the others are a sum.
const MOST_TOLD: usize = 32;

/// The lines of coverage that a run noted, in its order; those beyond [`MOST_TOLD`] follow as sums.
pub(super) fn lines(notes: &Notes) -> Vec<Coverage> {
    let mut lines = Vec::new();
    let mut told: BTreeMap<(String, CoverageState), (usize, u64)> = BTreeMap::new();
    let mut unread = notes.lost;
    for note in &notes.lines {
        let Some(line) = parse(note) else {
            unread += 1;
            continue;
        };
        let (shown, more) = told.entry((line.subject.to_string(), line.state)).or_default();
        *shown += 1;
        if *shown <= MOST_TOLD {
            lines.push(line);
        } else {
            *more = more.saturating_add(line.count.unwrap_or_default());
        }
    }
    for ((subject, state), (_, more)) in told.into_iter().filter(|(_, (_, more))| *more > 0) {
        lines.push(Coverage { subject: subject.into(), state, count: Some(more), detail: None });
    }
    if unread > 0 {
        let (subject, state) = ("notes_not_read".into(), CoverageState::Partial);
        lines.push(Coverage { subject, state, count: Some(unread), detail: None });
    }
    lines
}

/// Reads `<subject> <state> <count> <detail>`.
fn parse(note: &str) -> Option<Coverage> {
    let mut words = note.splitn(4, ' ');
    let (subject, state, count) = (words.next()?, words.next()?, words.next()?);
    let detail = words.next().filter(|detail| !detail.is_empty());
    let state = CoverageState::ALL.into_iter().find(|known| known.name() == state)?;
    let count = Some(count.parse().ok()?);
    if let Some(known) = SUBJECTS.iter().find(|known| **known == subject) {
        let detail = detail.map(str::to_owned);
        return Some(Coverage { subject: (*known).into(), state, count, detail });
    }
    let detail = format!("{subject} {}", detail.unwrap_or_default()).trim_end().to_owned();
    Some(Coverage { subject: OTHER.into(), state, count, detail: Some(detail) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(lines_of: &[&str], lost: u64) -> Vec<(String, &'static str, Option<u64>, String)> {
        let notes = Notes { lines: lines_of.iter().map(|line| (*line).to_owned()).collect(), lost };
        let told = |line: Coverage| {
            (
                line.subject.into_owned(),
                line.state.name(),
                line.count,
                line.detail.unwrap_or_default(),
            )
        };
        lines(&notes).into_iter().map(told).collect()
    }

    #[test]
    fn notes_are_lines_of_coverage_in_their_order() {
        assert_eq!(
            told(
                &[
                    "questions_lost measured 3 3 of 20",
                    "left_alone partial 1 10.0.0.7 slow",
                    "run_stopped partial 1",
                ],
                0
            ),
            [
                ("questions_lost".to_owned(), "measured", Some(3), "3 of 20".to_owned()),
                ("left_alone".to_owned(), "partial", Some(1), "10.0.0.7 slow".to_owned()),
                ("run_stopped".to_owned(), "partial", Some(1), String::new()),
            ]
        );
    }

    #[test]
    fn a_note_cannot_say_what_is_not_the_runs_to_say() {
        let hostile = "listens_only not_measured 1 nothing was sent";
        let said = told(&[hostile], 0);
        assert_eq!(said.len(), 1);
        assert_eq!((&*said[0].0, &*said[0].3), (OTHER, "listens_only nothing was sent"));
    }

    #[test]
    fn damaged_notes_are_counted_and_make_the_run_partial() {
        let damaged =
            ["", "left_alone", "left_alone perhaps 1 x", "left_alone partial -1 x", "\u{202e}"];
        let said = told(&damaged, 2);
        assert_eq!(said, [("notes_not_read".to_owned(), "partial", Some(7), String::new())]);
    }

    #[test]
    fn many_lines_of_one_subject_end_in_a_sum() {
        let many: Vec<String> =
            (0..200).map(|n| format!("left_alone partial 1 10.0.0.{n} stopped")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let said = told(&many, 0);
        assert_eq!(said.len(), MOST_TOLD + 1);
        assert_eq!(said.last().unwrap().2, Some(200 - MOST_TOLD as u64));
        let endless = vec![format!("questions_failed partial {}", u64::MAX); 40];
        let endless: Vec<&str> = endless.iter().map(String::as_str).collect();
        assert_eq!(told(&endless, 0).last().unwrap().2, Some(u64::MAX));
    }
}
