//! Patterns: what each surely contains, and the bounds they must keep.
//!
//! A value is compared with a pattern only if it contains one of the pattern's required texts, so
//! hundreds of rules cost about as much as the few that come near. Patterns are compiled when first
//! needed; reading their required texts is enough to start.

use std::sync::OnceLock;

use regex::{Regex, RegexBuilder};
use regex_syntax::hir::{Class, Hir, HirKind};

/// How long a pattern may be, in bytes.
const LONGEST_PATTERN: usize = 500;

/// How much memory a compiled pattern may take, in bytes.
const LARGEST_PROGRAM: usize = 1 << 20;

/// How many texts a pattern may require one of.
const MOST_LITERALS: usize = 64;

/// How short a required text may be, in bytes, unless the field's values are short.
pub(super) const SHORTEST_LITERAL: usize = 3;

/// A pattern and what it surely contains.
#[derive(Debug)]
pub(super) struct Pattern {
    text: String,
    /// One of these, in lower case, is in every text that matches. Empty: not known.
    pub(super) literals: Vec<String>,
    regex: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// Reads a pattern, without compiling it. The error says what is wrong and what to do.
    pub(super) fn parse(text: &str) -> Result<Self, (&'static str, String)> {
        if text.len() > LONGEST_PATTERN {
            let remedy = format!("split it into rules of at most {LONGEST_PATTERN} bytes");
            return Err(("pattern is too long:", remedy));
        }
        let hir = regex_syntax::parse(text).map_err(|error| {
            let problem = error.to_string();
            let last = problem.lines().last().unwrap_or_default().to_owned();
            ("pattern cannot be read:", last.trim_start_matches("error: ").to_owned())
        })?;
        if begins_with_anything(&hir) {
            return Err((
                "pattern begins with a repetition of nearly anything:",
                "remove the leading `.*` or the like; a pattern need not match from the start"
                    .to_owned(),
            ));
        }
        let literals = required(&hir);
        Ok(Self { text: text.to_owned(), literals, regex: OnceLock::new() })
    }

    /// How long the shortest required text is, in bytes.
    pub(super) fn shortest_literal(&self) -> usize {
        self.literals.iter().map(String::len).min().unwrap_or(0)
    }

    /// The compiled pattern, or nothing where it is larger than allowed.
    pub(super) fn regex(&self) -> Option<&Regex> {
        let compile = || RegexBuilder::new(&self.text).size_limit(LARGEST_PROGRAM).build().ok();
        self.regex.get_or_init(compile).as_ref()
    }
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

/// What is known about every text that part of a pattern matches.
enum Known {
    /// It is this, in lower case.
    Exactly(String),
    /// It contains one of these. Empty: nothing is known.
    Contains(Vec<String>),
}

impl Known {
    const NOTHING: Self = Self::Contains(Vec::new());

    fn into_contains(self) -> Vec<String> {
        match self {
            Self::Exactly(text) if text.is_empty() => Vec::new(),
            Self::Exactly(text) => vec![text],
            Self::Contains(texts) => texts,
        }
    }
}

/// Texts in lower case, one of which every match contains; the set whose shortest is longest.
fn required(hir: &Hir) -> Vec<String> {
    known(hir).into_contains()
}

fn known(hir: &Hir) -> Known {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Known::Exactly(String::new()),
        HirKind::Literal(literal) => match std::str::from_utf8(&literal.0) {
            Ok(text) => Known::Exactly(text.to_ascii_lowercase()),
            Err(_) => Known::NOTHING,
        },
        HirKind::Class(class) => match folded(class) {
            Some(letter) => Known::Exactly(letter.to_string()),
            None => Known::NOTHING,
        },
        HirKind::Capture(capture) => known(&capture.sub),
        HirKind::Repetition(repetition) => match (repetition.min, known(&repetition.sub)) {
            (0, _) => Known::NOTHING,
            (least, Known::Exactly(text)) if repetition.max == Some(least) && least <= 16 => {
                Known::Exactly(text.repeat(least as usize))
            }
            (_, inside) => Known::Contains(inside.into_contains()),
        },
        HirKind::Concat(parts) => one_after_another(parts),
        HirKind::Alternation(branches) => {
            let mut texts = Vec::new();
            for branch in branches {
                let inside = known(branch).into_contains();
                if inside.is_empty() {
                    return Known::NOTHING;
                }
                texts.extend(inside);
            }
            texts.sort_unstable();
            texts.dedup();
            if texts.len() > MOST_LITERALS {
                return Known::NOTHING;
            }
            Known::Contains(texts)
        }
    }
}

/// What is known of parts that follow each other: neighbours that are exactly known grow together, and
/// the set whose shortest text is longest wins.
fn one_after_another(parts: &[Hir]) -> Known {
    let mut best = Vec::new();
    let mut run = String::new();
    let mut exact = true;
    let mut offer = |texts: Vec<String>| {
        let shortest = |texts: &[String]| texts.iter().map(String::len).min().unwrap_or(0);
        if shortest(&texts) > shortest(&best) {
            best = texts;
        }
    };
    for part in parts {
        match known(part) {
            Known::Exactly(text) => run.push_str(&text),
            Known::Contains(texts) => {
                exact = false;
                offer(vec![std::mem::take(&mut run)]);
                offer(texts);
            }
        }
    }
    if exact {
        return Known::Exactly(run);
    }
    offer(vec![run]);
    Known::Contains(best)
}

/// The letter that a class of one letter in both cases stands for.
fn folded(class: &Class) -> Option<char> {
    let Class::Unicode(class) = class else { return None };
    let mut letters = class
        .ranges()
        .iter()
        .take(4)
        .flat_map(|range| range.start()..=range.end())
        // Unicode folds the long s and the Kelvin sign too; no device writes them.
        .filter(|letter| !matches!(letter, '\u{17f}' | '\u{212a}'))
        .map(|letter| letter.to_ascii_lowercase())
        .take(4);
    let first = letters.next()?;
    letters.all(|letter| letter == first).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn requires(pattern: &str, wanted: &[&str]) {
        assert_eq!(Pattern::parse(pattern).unwrap().literals, wanted, "{pattern}");
    }

    #[test]
    fn finds_what_a_match_surely_contains() {
        requires("^FortiGate$", &["fortigate"]);
        requires(r"^[0-9.]+-(?:Array|Net)OS$", &["array", "net"]);
        requires("(?i)^cisco-ios", &["cisco-ios"]);
        requires(r"Version (?<version>[0-9.]+), build", &["version "]);
        requires("^(?:abc)?[a-z]+$", &[]);
        requires("a{3}b+c", &["aaa"]);
        requires("(?:one|two|[0-9]+)", &[]);
    }

    #[test]
    fn refuses_patterns_that_try_everything_everywhere() {
        for pattern in [".*admin", r"\S+ login", "(?:.+|x)y", "(.*)title"] {
            assert!(Pattern::parse(pattern).is_err(), "{pattern}");
        }
        assert!(Pattern::parse("^.*admin").is_ok());
        assert!(Pattern::parse("[0-9]+ login").is_ok());
        assert!(Pattern::parse(&"a".repeat(501)).is_err());
        assert!(Pattern::parse(r"\w{1000}abc").unwrap().regex().is_none());
    }
}
