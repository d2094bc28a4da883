//! The shape of a value: what is fixed in it, and what another box of the same make would say otherwise.

use std::{ops::Range, sync::LazyLock};

use regex::Regex;

use super::{
    common::is_everybodys,
    identity::{Identity, Kind, words},
};

/// How long a pattern grows before the rest of the value is left open, in bytes.
const LONGEST: usize = 240;

/// How many bytes of fixed words a pattern takes in a row.
const LONGEST_WORDS: usize = 80;

/// A value as a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shape {
    /// A regular expression that the value and the example match.
    pub pattern: String,
    /// The value, with something made up for what identifies.
    pub example: String,
    /// The groups and what they hold in the example.
    pub yields: Vec<(&'static str, String)>,
    /// The longest fixed word that is not everybody's.
    pub telling: Option<String>,
}

/// A part of a value.
enum Part<'t> {
    /// Words as they are.
    Fixed(&'t str),
    /// What identifies.
    Hidden(&'t str, Kind),
    /// The version.
    Version(&'t str),
    /// The model: letters that stay, and digits that differ.
    Model(&'t str),
    /// Some number.
    Number(&'t str),
}

static VERSION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:^|[^0-9A-Za-z.]|\b[vVrR]|\b(?i:ver|rev|version|release|build)\.?)([0-9]+(?:\.[0-9]+)+[0-9A-Za-z._-]*[0-9A-Za-z]|[0-9]+\.[0-9]+)")
        .expect("tests read it")
});

static MODEL: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\b[A-Z][0-9A-Za-z]*(?:-[0-9A-Za-z]+)*\b").expect("tests read it")
});

static NUMBER: LazyLock<Regex> = LazyLock::new(|| Regex::new("[0-9]+").expect("tests read it"));

impl Shape {
    /// The shape of a value, if it has one: empty values have none.
    pub(super) fn of(value: &str, identity: &Identity) -> Option<Self> {
        let mut shape = Self {
            pattern: String::from("^"),
            example: String::new(),
            yields: Vec::new(),
            telling: None,
        };
        let (parts, mut whole) = without_tail(parts(value, identity));
        for part in parts {
            if let Part::Fixed(text) = part
                && text.len() > LONGEST_WORDS
            {
                let head = text.get(..text.floor_char_boundary(LONGEST_WORDS)).unwrap_or_default();
                shape.add(&Part::Fixed(head.rsplit_once(' ').map_or(head, |(words, _)| words)));
                whole = false;
                break;
            }
            if shape.pattern.len() > LONGEST {
                whole = false;
                break;
            }
            shape.add(&part);
        }
        if whole {
            shape.pattern.push('$');
        } else {
            // Values are compared without spaces at their ends.
            shape.pattern.truncate(shape.pattern.trim_end().len());
            shape.example.truncate(shape.example.trim_end().len());
        }
        if !whole && shape.pattern.ends_with(|c: char| c.is_ascii_alphanumeric()) {
            shape.pattern.push_str(r"\b");
        }
        // The groups hold what the expression finds, which is what a check will compare.
        let captures = Regex::new(&shape.pattern).ok()?;
        let captures = captures.captures(&shape.example)?;
        shape.yields = ["model", "version"]
            .into_iter()
            .filter_map(|name| Some((name, captures.name(name)?.as_str().trim().to_owned())))
            .filter(|(_, value)| !value.is_empty())
            .collect();
        Some(shape)
    }

    /// Whether a fixed word remains that is not everybody's.
    pub(super) fn tells(&self) -> bool {
        self.telling.is_some()
    }

    fn add(&mut self, part: &Part<'_>) {
        match *part {
            Part::Fixed(text) => self.fixed(text),
            Part::Hidden(text, Kind::Name) => {
                // An ideograph is one word, and so is what stands for it.
                self.pattern.push_str(if text.contains(' ') { ".+" } else { r"\S+" });
                self.example.push_str(stand_in(text));
            }
            Part::Hidden(text, Kind::Serial) => {
                let letters = text.find(|c: char| !c.is_ascii_uppercase()).unwrap_or(text.len());
                // The letters before the digits are the maker's, if there are few.
                let kept = if (2..=4).contains(&letters) { letters } else { 0 };
                let (kept, rest) = text.split_at(kept);
                self.pattern.push_str(kept);
                let parted = rest.contains(['-', '_']);
                self.pattern.push_str(if parted { "[0-9A-Za-z_-]+" } else { "[0-9A-Za-z]+" });
                self.example.push_str(kept);
                self.example.push_str(&"0".repeat(rest.len()));
            }
            Part::Hidden(text, Kind::Date) => {
                self.pattern.push_str(&classes(text));
                let blank = |c: char| match c {
                    '0'..='9' => '0',
                    'A'..='Z' => 'X',
                    'a'..='z' => 'x',
                    other => other,
                };
                self.example.extend(text.chars().map(blank));
            }
            Part::Version(text) => {
                self.group("version", "[0-9][0-9A-Za-z._-]*");
                self.example.push_str(text);
            }
            Part::Model(text) => {
                let digits = text.find(|c: char| c.is_ascii_digit()).unwrap_or(text.len());
                let (letters, _) = text.split_at(digits);
                self.group("model", &format!("{}[0-9][0-9A-Za-z-]*", escaped(letters)));
                self.example.push_str(text);
                if letters.len() >= 2 {
                    self.word(letters.trim_end_matches('-'));
                }
            }
            Part::Number(text) => {
                self.pattern.push_str("[0-9]+");
                // Four digits may be a year, or somebody's telephone.
                if text.len() < 4 {
                    self.example.push_str(text);
                } else {
                    self.example.push_str(&"0".repeat(text.len()));
                }
            }
        }
    }

    /// A group, the first time; then the same without its name.
    fn group(&mut self, name: &str, pattern: &str) {
        let opening = format!("(?<{name}>");
        if self.pattern.contains(&opening) {
            self.pattern.push_str(pattern);
        } else {
            self.pattern.extend([opening.as_str(), pattern, ")"]);
        }
    }

    fn fixed(&mut self, text: &str) {
        self.pattern.push_str(&escaped(text));
        self.example.push_str(text);
        for word in words(text).filter(|word| is_telling(word)) {
            self.word(word);
        }
    }

    /// Remembers a fixed word, if it is longer than the longest and not everybody's.
    fn word(&mut self, word: &str) {
        let longest = self.telling.as_ref().map_or(0, String::len);
        if word.len() > longest && !is_made_of_everybodys(word) {
            self.telling = Some(word.to_owned());
        }
    }
}

/// Whether a word is everybody's, or several of everybody's written together, as Japanese is.
fn is_made_of_everybodys(word: &str) -> bool {
    if is_everybodys(word) {
        return true;
    }
    let letters: Vec<(usize, char)> = word.char_indices().collect();
    let parts = letters.iter().skip(1).map(|(at, _)| word.split_at(*at));
    !word.is_ascii()
        && parts.rev().any(|(head, tail)| is_everybodys(head) && is_made_of_everybodys(tail))
}

/// What stands for a name, in an example.
fn stand_in(name: &str) -> &'static str {
    if name.is_ascii() { "example" } else { "某所" }
}

/// Characters as the classes they are of.
fn classes(text: &str) -> String {
    let mut pattern = String::new();
    let mut last = "";
    for c in text.chars() {
        let class = match c {
            '0'..='9' => "[0-9]+",
            'A'..='Z' | 'a'..='z' => "[A-Za-z]+",
            _ => "",
        };
        if class.is_empty() {
            pattern.push_str(&escaped(&c.to_string()));
        } else if class != last {
            pattern.push_str(class);
        }
        last = class;
    }
    pattern
}

/// A text as a pattern of itself. What is neither ASCII nor a letter may be written otherwise elsewhere.
fn escaped(text: &str) -> String {
    let mut pattern = String::new();
    for c in text.chars() {
        match c {
            ' ' => pattern.push(' '),
            _ if c.is_ascii_graphic() => pattern.push_str(&regex::escape(&c.to_string())),
            _ if c.is_alphanumeric() || c == 'ー' => pattern.push(c),
            _ => pattern.push('.'),
        }
    }
    pattern
}

/// The parts without what a place added behind the maker's words, and whether that is all of them: elsewhere something
/// else stands there, or nothing.
fn without_tail(mut parts: Vec<Part<'_>>) -> (Vec<Part<'_>>, bool) {
    let is_makers = |part: &Part<'_>| match part {
        Part::Fixed(text) => words(text).any(is_telling),
        Part::Version(_) | Part::Model(_) => true,
        Part::Hidden(..) | Part::Number(_) => false,
    };
    let is_name = |part: &Part<'_>| matches!(part, Part::Hidden(_, Kind::Name));
    let end = parts.iter().rposition(is_makers).map_or(0, |last| last + 1);
    let has_tail = end > 0 && parts.iter().skip(end).any(is_name);
    if has_tail {
        parts.truncate(end);
        if let Some(Part::Fixed(text)) = parts.last_mut() {
            *text = text.trim_end_matches(|c: char| !c.is_alphanumeric());
        }
    }
    (parts, !has_tail)
}

/// Whether a fixed word is long enough to tell something, and not everybody's.
fn is_telling(word: &str) -> bool {
    let long = word.chars().count() >= if word.is_ascii() { 3 } else { 2 };
    long && !is_made_of_everybodys(word)
}

/// A value in its parts.
fn parts<'t>(value: &'t str, identity: &Identity) -> Vec<Part<'t>> {
    let mut parts = Vec::new();
    let mut from = 0;
    let slice = |range: Range<usize>| value.get(range).unwrap_or_default();
    for (range, kind) in identity.spans(value) {
        plain_parts(slice(from..range.start), &mut parts);
        parts.push(Part::Hidden(slice(range.clone()), kind));
        from = range.end;
    }
    plain_parts(slice(from..value.len()), &mut parts);
    parts
}

/// Which part a piece of text becomes.
type Mark<'t> = fn(&'t str) -> Part<'t>;

/// The parts of a text that identifies nobody.
fn plain_parts<'t>(text: &'t str, parts: &mut Vec<Part<'t>>) {
    let mut marks: Vec<(Range<usize>, Mark<'t>)> = Vec::new();
    let mut add = |range: Range<usize>, part: Mark<'t>| {
        let apart =
            |(known, _): &(Range<usize>, _)| range.end <= known.start || known.end <= range.start;
        if marks.iter().all(apart) {
            marks.push((range, part));
        }
    };
    for captures in VERSION.captures_iter(text) {
        if let Some(version) = captures.get(1) {
            add(version.range(), Part::Version);
        }
    }
    for hit in MODEL.find_iter(text).filter(|hit| is_model(hit.as_str())) {
        add(hit.range(), Part::Model);
    }
    for hit in NUMBER.find_iter(text) {
        let beside = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphabetic());
        let before = text.get(..hit.start()).and_then(|before| before.chars().next_back());
        let after = text.get(hit.end()..).and_then(|after| after.chars().next());
        // The digit of `IPv4` or `SSL3` is part of a word.
        if hit.len() > 1 || !beside(before) && !beside(after) {
            add(hit.range(), Part::Number);
        }
    }
    marks.sort_by_key(|(range, _)| range.start);
    let mut from = 0;
    for (range, part) in marks {
        if let Some(fixed) = text.get(from..range.start).filter(|fixed| !fixed.is_empty()) {
            parts.push(Part::Fixed(fixed));
        }
        parts.push(part(text.get(range.clone()).unwrap_or_default()));
        from = range.end;
    }
    if let Some(fixed) = text.get(from..).filter(|fixed| !fixed.is_empty()) {
        parts.push(Part::Fixed(fixed));
    }
}

/// Whether a word is built as models are: capitals, then at least two digits.
fn is_model(word: &str) -> bool {
    let digits = word.chars().filter(char::is_ascii_digit).count();
    let letters = word.find(|c: char| c.is_ascii_digit()).and_then(|at| word.get(..at));
    digits >= 2 && letters.is_some_and(|letters| !is_everybodys(letters.trim_end_matches('-')))
}
