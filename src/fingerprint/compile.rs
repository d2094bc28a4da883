//! Patterns: what each surely contains, and the bounds they must keep.
//!
//! A value is compared with a pattern only if it contains one of the pattern's required texts, so
//! hundreds of rules cost about as much as the few that come near. Patterns are compiled when first
//! needed; reading their required texts is enough to start.

use std::sync::OnceLock;

use regex::{Regex, RegexBuilder};
use regex_syntax::hir::{Class, Hir, HirKind, Literal, Look};

use super::refuse::refuse;

/// How long a pattern may be, in bytes.
const LONGEST_PATTERN: usize = 500;

/// How much memory a compiled pattern may take, in bytes.
const LARGEST_PROGRAM: usize = 1 << 20;

/// How many texts a pattern may require one of.
const MOST_LITERALS: usize = 512;

/// How many letters a class may have to be spelt out.
const MOST_LETTERS: usize = 40;

/// How many repetitions are spelt out, of one text and of several.
const LONGEST_RUN: u32 = 16;
const MOST_REPEATED: usize = 100;

/// How long a required text grows, in bytes; what follows begins another.
const LONGEST_LITERAL: usize = 256;

/// How short a required text may be, in bytes, unless the field's values are short.
pub(super) const SHORTEST_LITERAL: usize = 3;

/// A pattern and what it surely contains.
#[derive(Debug)]
pub(super) struct Pattern {
    text: String,
    /// One of these, in lower case, is in every text that matches. Empty: not known.
    pub(super) literals: Vec<String>,
    /// Every text that matches begins with one of these, in lower case. Empty: not known.
    pub(super) beginnings: Vec<String>,
    /// The names of its groups, which are numbered from 1; of some, there is none.
    groups: Vec<Option<String>>,
    shape: Shape,
    regex: OnceLock<Option<Regex>>,
}

/// What a pattern comes to; most need no automaton.
#[derive(Debug)]
enum Shape {
    /// This text and nothing else.
    Whole(String),
    /// Begins with this text.
    Beginning(String),
    /// Anything else.
    Other,
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
        if let Some(refusal) = refuse(&hir) {
            return Err(refusal);
        }
        let known = known(&hir);
        let literals = contained(&known);
        let mut groups = Vec::new();
        name_groups(&hir, &mut groups);
        Ok(Self {
            text: text.to_owned(),
            literals,
            beginnings: beginnings(&hir, known),
            groups,
            shape: shape(&hir),
            regex: OnceLock::new(),
        })
    }

    /// Whether it has groups with names, to be read.
    pub(super) fn captures(&self) -> bool {
        self.groups.iter().any(Option::is_some)
    }

    /// The number of the group of a name.
    pub(super) fn group(&self, name: &str) -> Option<usize> {
        let named = |group: &Option<String>| group.as_deref() == Some(name);
        self.groups.iter().position(named).map(|place| place + 1)
    }

    /// Whether a text matches, without saying what its groups hold.
    pub(super) fn is_match(&self, value: &str) -> bool {
        match &self.shape {
            Shape::Whole(text) => value == text,
            Shape::Beginning(text) => value.starts_with(text),
            Shape::Other => self.regex().is_some_and(|regex| regex.is_match(value)),
        }
    }

    /// How long the shortest required text is, in bytes.
    pub(super) fn shortest_literal(&self) -> usize {
        self.literals.iter().map(String::len).min().unwrap_or(0)
    }

    /// The compiled pattern, or nothing where it is larger than allowed.
    pub(super) fn regex(&self) -> Option<&Regex> {
        // Values are short. Thousands of patterns that each build an automaton while they search would drive each other
        // out of the processor's memory: without, the same values take two thirds of the time.
        let builder = &mut RegexBuilder::new(&self.text);
        let compile = || builder.size_limit(LARGEST_PROGRAM).dfa_size_limit(1).build().ok();
        self.regex.get_or_init(compile).as_ref()
    }
}

/// The names of the groups of a pattern, in the order of their numbers.
fn name_groups(hir: &Hir, names: &mut Vec<Option<String>>) {
    match hir.kind() {
        HirKind::Capture(capture) => {
            names.push(capture.name.as_deref().map(str::to_owned));
            name_groups(&capture.sub, names);
        }
        HirKind::Repetition(repetition) => name_groups(&repetition.sub, names),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            for part in parts {
                name_groups(part, names);
            }
        }
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => {}
    }
}

fn shape(hir: &Hir) -> Shape {
    let HirKind::Concat(parts) = hir.kind() else { return Shape::Other };
    let kinds: Vec<&HirKind> = parts.iter().map(Hir::kind).collect();
    let text = |literal: &Literal| String::from_utf8(literal.0.to_vec()).ok();
    match kinds.as_slice() {
        [HirKind::Look(Look::Start), HirKind::Literal(literal), HirKind::Look(Look::End)] => {
            text(literal).map_or(Shape::Other, Shape::Whole)
        }
        [HirKind::Look(Look::Start), HirKind::Literal(literal)] => {
            text(literal).map_or(Shape::Other, Shape::Beginning)
        }
        _ => Shape::Other,
    }
}

/// What is known about every text that part of a pattern matches. All texts are in lower case.
#[derive(Debug, Clone)]
struct Known {
    /// It begins with one of these.
    begins: Vec<String>,
    /// Nothing follows those.
    whole: bool,
    /// It contains one of these. Empty: nothing is known.
    contains: Vec<String>,
}

impl Known {
    fn nothing() -> Self {
        Self::begins(vec![String::new()], false)
    }

    fn exactly(text: &str) -> Self {
        Self::begins(vec![text.to_owned()], true)
    }

    fn begins(begins: Vec<String>, whole: bool) -> Self {
        Self { contains: begins.clone(), begins, whole }
    }

    /// Forgets all but the first letters of what it begins with.
    fn shorten(&mut self) {
        self.whole &= self.begins.iter().all(|text| text.chars().count() < 2);
        let first = |text: &String| text.chars().take(1).collect();
        self.begins = self.begins.iter().map(first).collect();
        self.begins.sort_unstable();
        self.begins.dedup();
    }
}

/// How long the shortest of some texts is; 0 if there are none.
fn shortest(texts: &[String]) -> usize {
    texts.iter().map(String::len).min().unwrap_or(0)
}

/// Texts in lower case, one of which every match contains; of several such sets, one whose shortest is
/// longest.
pub(super) fn required(hir: &Hir) -> Vec<String> {
    contained(&known(hir))
}

fn contained(known: &Known) -> Vec<String> {
    if shortest(&known.contains) == 0 { Vec::new() } else { known.contains.clone() }
}

/// Texts in lower case, with one of which every match begins that can only stand at the start of a value.
fn beginnings(hir: &Hir, known: Known) -> Vec<String> {
    let useful = shortest(&known.begins) >= SHORTEST_LITERAL && only_at_start(hir);
    if useful { known.begins } else { Vec::new() }
}

/// Whether every branch begins with the start of the value.
fn only_at_start(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Look(Look::Start) => true,
        HirKind::Concat(parts) => parts.first().is_some_and(only_at_start),
        HirKind::Alternation(branches) => branches.iter().all(only_at_start),
        HirKind::Capture(capture) => only_at_start(&capture.sub),
        _ => false,
    }
}

fn known(hir: &Hir) -> Known {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Known::exactly(""),
        HirKind::Literal(literal) => match std::str::from_utf8(&literal.0) {
            Ok(text) => Known::exactly(&text.to_ascii_lowercase()),
            Err(_) => Known::nothing(),
        },
        HirKind::Class(class) => match letters(class) {
            Some(letters) => Known::begins(letters, true),
            None => Known::nothing(),
        },
        HirKind::Capture(capture) => known(&capture.sub),
        HirKind::Repetition(repetition) => {
            let once = known(&repetition.sub);
            match (repetition.min, repetition.max) {
                (0, Some(1)) if once.whole => {
                    let mut begins = once.begins;
                    begins.push(String::new());
                    Known::begins(begins, true)
                }
                (0, _) => Known::nothing(),
                (least, most) => {
                    let ways = once.begins.len();
                    let fits = |times: &u32| {
                        ways.checked_pow(*times).is_some_and(|ways| ways <= MOST_REPEATED)
                    };
                    let times = (1..=least.min(LONGEST_RUN)).rev().find(fits).unwrap_or(1);
                    // The part is looked at once: repetitions of repetitions would be looked at without end.
                    let mut known = one_after_another(std::iter::repeat_n(once, times as usize));
                    known.whole &= most == Some(times);
                    known
                }
            }
        }
        HirKind::Concat(parts) => one_after_another(parts.iter().map(known)),
        HirKind::Alternation(branches) => {
            let mut either = Known { begins: Vec::new(), whole: true, contains: Vec::new() };
            for branch in branches {
                let branch = known(branch);
                either.whole &= branch.whole;
                either.begins.extend(branch.begins);
                either.contains.extend(branch.contains);
            }
            for texts in [&mut either.begins, &mut either.contains] {
                texts.sort_unstable();
                texts.dedup();
            }
            if either.begins.len() > MOST_LITERALS || either.contains.len() > MOST_LITERALS {
                return Known::nothing();
            }
            either
        }
    }
}

/// What is known of parts that follow each other: as long as each is known whole, every way through
/// them is a text of its own.
fn one_after_another(parts: impl Iterator<Item = Known>) -> Known {
    let mut begins: Option<Vec<String>> = None;
    let mut whole = true;
    let mut contains = Vec::new();
    let mut offer = |texts: &[String]| {
        if shortest(texts) > shortest(&contains) {
            contains = texts.to_vec();
        }
    };
    let mut run = vec![String::new()];
    for mut part in parts {
        // A run that is long enough grows only where it does not branch.
        let grows = shortest(&run) < SHORTEST_LITERAL
            || part.begins.len() == 1 && shortest(&run) < LONGEST_LITERAL;
        if grows && run.len() * part.begins.len() > MOST_LITERALS {
            part.shorten();
        }
        let fits = grows && run.len() * part.begins.len() <= MOST_LITERALS;
        if fits && part.begins.iter().any(|text| !text.is_empty()) {
            let both = |a: &String, b: &String| [a.as_str(), b].concat();
            run = run.iter().flat_map(|a| part.begins.iter().map(move |b| both(a, b))).collect();
        }
        offer(&run);
        offer(&part.contains);
        if !(fits && part.whole) {
            whole = false;
            begins.get_or_insert_with(|| run.clone());
            run = if part.whole { part.begins } else { vec![String::new()] };
            offer(&run);
        }
    }
    let begins = begins.unwrap_or(run);
    let contains = if whole { begins.clone() } else { contains };
    Known { begins, whole, contains }
}

/// The few letters of a class, in lower case.
fn letters(class: &Class) -> Option<Vec<String>> {
    let Class::Unicode(class) = class else { return None };
    let mut letters: Vec<char> = class
        .ranges()
        .iter()
        .flat_map(|range| range.start()..=range.end())
        .take(MOST_LETTERS + 1)
        // Unicode folds the long s and the Kelvin sign too; no device writes them.
        .filter(|letter| !matches!(letter, '\u{17f}' | '\u{212a}'))
        .map(|letter| letter.to_ascii_lowercase())
        .collect();
    if letters.len() >= MOST_LETTERS {
        return None;
    }
    letters.sort_unstable();
    letters.dedup();
    Some(letters.into_iter().map(String::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn requires(pattern: &str, wanted: &[&str]) {
        assert_eq!(required(&regex_syntax::parse(pattern).unwrap()), wanted, "{pattern}");
    }

    #[test]
    fn finds_what_a_match_surely_contains() {
        requires("^FortiGate$", &["fortigate"]);
        requires("^(?:Array|Net)OS$", &["arrayos", "netos"]);
        requires("^(?:A-|B-)?Z9+$", &["a-z9", "b-z9", "z9"]);
        requires("(?:RT|DSL)-[0-9A-Za-z]+$", &["dsl-", "rt-"]);
        requires("(?i)^cisco-ios", &["cisco-ios"]);
        requires(r"Version (?<version>[0-9.]+), build", &["version "]);
        requires("^(?:abc)?[a-z]*$", &[]);
        requires("a{3}b+c", &["aaab"]);
        requires("(?:one|two|[0-9]*)", &[]);
    }

    #[test]
    fn finds_what_a_match_surely_begins_with() {
        #[track_caller]
        fn begins(pattern: &str, wanted: &[&str]) {
            let hir = regex_syntax::parse(pattern).unwrap();
            assert_eq!(beginnings(&hir, known(&hir)), wanted, "{pattern}");
        }
        begins("^FortiGate$", &["fortigate"]);
        begins("(?i)^cisco-ios", &["cisco-ios"]);
        begins("^(?:Array|Net)OS.", &["arrayos", "netos"]);
        begins("^AcmeOS$|^(?<model>EdgeGate) 9", &["acmeos", "edgegate 9"]);
        begins("FortiGate$", &[]);
        begins("^AcmeOS|EdgeGate", &[]);
        begins("^[A-Z]+ Gate", &[]);
        begins("^a|b", &[]);
    }

    #[test]
    fn numbers_its_groups_as_the_expression_does() {
        let pattern = Pattern::parse("^a(b)(?<model>c(?:d(?<version>e))?)f").unwrap();
        assert_eq!((pattern.group("model"), pattern.group("version")), (Some(2), Some(3)));
        assert_eq!(pattern.group("serial"), None);
        let captures = pattern.regex().unwrap().captures("abcdef").unwrap();
        assert_eq!(captures.get(2).unwrap().as_str(), &captures["model"]);
        assert_eq!(captures.get(3).unwrap().as_str(), &captures["version"]);
    }

    #[test]
    fn a_pattern_is_bounded() {
        assert!(Pattern::parse(&format!("^{}", "a".repeat(500))).is_err());
        assert!(Pattern::parse(r"^\w{1000}abc").unwrap().regex().is_none());
        let nested = (0..40).fold("gate".to_owned(), |inner, _| format!("(?:{inner}){{9}}"));
        let nested = Pattern::parse(&format!("^{nested}$")).unwrap();
        assert!(nested.literals.iter().all(|literal| literal.starts_with("gate")));
        assert!(nested.shortest_literal() < 64 * LONGEST_LITERAL && nested.regex().is_none());
    }
}
