//! What is refused of patterns, though they could be read.
//!
//! A pattern that stands nowhere takes words out of the middle of others. One whose repetitions can share a text
//! in many ways is slow for whoever tries them one by one, as other engines do, and never says what it means.

use regex_syntax::hir::{Class, Hir, HirKind};

/// How many marks a class may have that is an edge.
const MOST_MARKS: usize = 64;

/// Whether a pattern has a fault.
type IsFaulty = fn(&Hir) -> bool;

/// What is wrong with a pattern, and what to do.
pub(super) fn refuse(hir: &Hir) -> Option<(&'static str, String)> {
    let refusals: [(IsFaulty, _, _); 3] = [
        (
            begins_with_anything,
            "pattern begins with a repetition of nearly anything:",
            "remove the leading `.*` or the like; a pattern need not match from the start",
        ),
        (
            |hir| !is_anchored(hir),
            "pattern is not anchored:",
            r"begin every branch with `^`, `\b` or a mark that is no letter, or end it with `$` or `\b`",
        ),
        (
            repeats_a_repetition,
            "pattern repeats what is a repetition itself:",
            "say it with one repetition: `[a-z ]+` instead of `(?:[a-z]+ ?)+`",
        ),
    ];
    let (_, problem, remedy) = refusals.into_iter().find(|(is_so, ..)| is_so(hir))?;
    Some((problem, remedy.to_owned()))
}

/// Whether a pattern that may match anywhere begins with `.*`, `\S+` or the like: every place of a long
/// value would be tried to its end.
fn begins_with_anything(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Repetition(repetition) => {
            repetition.max.is_none()
                && matches!(repetition.sub.kind(), HirKind::Class(class) if is_wide(class))
        }
        HirKind::Capture(capture) => begins_with_anything(&capture.sub),
        HirKind::Concat(parts) => parts.first().is_some_and(begins_with_anything),
        HirKind::Alternation(branches) => branches.iter().any(begins_with_anything),
        _ => false,
    }
}

/// Whether a class holds most characters.
fn is_wide(class: &Class) -> bool {
    match class {
        Class::Unicode(class) => {
            class.ranges().iter().map(|r| u32::from(r.end()) - u32::from(r.start())).sum::<u32>()
                > 0x8_0000
        }
        Class::Bytes(class) => {
            class.ranges().iter().map(|r| u32::from(r.end()) - u32::from(r.start())).sum::<u32>()
                > 128
        }
    }
}

/// Whether every branch begins or ends at a place that is told: the value's, a line's or a word's edge, or a mark
/// that is no part of a word.
fn is_anchored(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Capture(capture) => is_anchored(&capture.sub),
        HirKind::Alternation(branches) => branches.iter().all(is_anchored),
        HirKind::Concat(parts) => {
            parts.first().is_some_and(leads)
                || parts.last().is_some_and(|part| is_edge(part, End::Last))
        }
        _ => is_edge(hir, End::First) || is_edge(hir, End::Last),
    }
}

/// Whether what follows a part begins at an edge: each way through the part begins or ends with one.
fn leads(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Capture(capture) => leads(&capture.sub),
        HirKind::Alternation(branches) => {
            branches.iter().all(|branch| is_edge(branch, End::First) || is_edge(branch, End::Last))
        }
        _ => is_edge(hir, End::First),
    }
}

/// Which end of a part.
#[derive(Clone, Copy)]
enum End {
    First,
    Last,
}

/// Whether a part of a pattern has, at an end, an edge.
fn is_edge(hir: &Hir, end: End) -> bool {
    match hir.kind() {
        HirKind::Look(_) => true,
        HirKind::Capture(capture) => is_edge(&capture.sub, end),
        HirKind::Alternation(branches) => branches.iter().all(|branch| is_edge(branch, end)),
        HirKind::Concat(parts) => {
            let part = match end {
                End::First => parts.first(),
                End::Last => parts.last(),
            };
            part.is_some_and(|part| is_edge(part, end))
        }
        HirKind::Literal(literal) => {
            let byte = match end {
                End::First => literal.0.first(),
                End::Last => literal.0.last(),
            };
            byte.is_some_and(|byte| byte.is_ascii() && !byte.is_ascii_alphanumeric())
        }
        HirKind::Class(Class::Unicode(class)) => {
            let letters = class.ranges().iter().flat_map(|range| range.start()..=range.end());
            let mut letters = letters.take(MOST_MARKS + 1).enumerate();
            letters.all(|(place, letter)| place < MOST_MARKS && !letter.is_alphanumeric())
        }
        HirKind::Repetition(repetition) => repetition.min > 0 && is_edge(&repetition.sub, end),
        HirKind::Empty | HirKind::Class(Class::Bytes(_)) => false,
    }
}

/// Whether something without an end is repeated without an end, and nothing else must stand between.
fn repeats_a_repetition(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Repetition(repetition) => {
            repetition.max.is_none() && may_be_a_repetition(&repetition.sub)
                || repeats_a_repetition(&repetition.sub)
        }
        HirKind::Capture(capture) => repeats_a_repetition(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().any(repeats_a_repetition)
        }
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => false,
    }
}

/// Whether a part may match by one repetition without an end, and by nothing beside it.
fn may_be_a_repetition(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Repetition(repetition) => {
            repetition.max.is_none() || may_be_a_repetition(&repetition.sub)
        }
        HirKind::Capture(capture) => may_be_a_repetition(&capture.sub),
        HirKind::Alternation(branches) => branches.iter().any(may_be_a_repetition),
        HirKind::Concat(parts) => {
            let needed = |part: &&Hir| part.properties().minimum_len() != Some(0);
            let mut needed = parts.iter().filter(needed);
            match (needed.next(), needed.next()) {
                (None, _) => parts.iter().any(may_be_a_repetition),
                (Some(one), None) => may_be_a_repetition(one),
                _ => false,
            }
        }
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(pattern: &str) -> Option<&'static str> {
        refuse(&regex_syntax::parse(pattern).unwrap()).map(|(problem, _)| problem)
    }

    #[test]
    fn refuses_patterns_that_try_everything_everywhere() {
        for pattern in [".*admin", r"\S+ login", "(?:.+|x)y", "(.*)title"] {
            assert!(refused(pattern).unwrap().contains("nearly anything"), "{pattern}");
        }
        assert_eq!(refused("^.*admin"), None);
        assert_eq!(refused("[0-9]+ login$"), None);
    }

    #[test]
    fn refuses_patterns_that_stand_nowhere() {
        for pattern in ["Gate", "Gate|^Post", "(?i)gate [0-9]+", "^Gate|Post [0-9]"] {
            assert!(refused(pattern).unwrap().contains("anchored"), "{pattern}");
        }
        for pattern in [
            "^Gate",
            "Gate$",
            r"\bGate",
            "(?:^|[ ,])Gate",
            r"(?:^|O=|\s)Gate",
            r"\(Gate",
            "/gate/x",
            "O=Gate$|^Gate",
        ] {
            assert_eq!(refused(pattern), None, "{pattern}");
        }
    }

    #[test]
    fn refuses_repetitions_of_repetitions() {
        for pattern in ["^(a+)+$", r"^(?:\w+\s?)*x", "^(?:a|b+)*c", r"^(?:(?:[a-z]+)?,?)+$"] {
            assert!(refused(pattern).unwrap().contains("repetition itself"), "{pattern}");
        }
        for pattern in [r"^(?:\w+\.)+x", "^(?:a+b)*c", "^[a-z ]+$", "^(?:[0-9]+,)*[0-9]+$"] {
            assert_eq!(refused(pattern), None, "{pattern}");
        }
    }
}
