//! Versions as makers write them, and which of two is the later.
//!
//! A [`Scheme`] turns a text into numbers that compare from the left, a missing one as zero. What a scheme cannot
//! read gives nothing, for a version that is guessed at would be placed wrongly.

use std::{cmp::Ordering, fmt};

/// How long a version may be, in bytes; what a device says beyond that is no version.
const LONGEST: usize = 80;

/// How many numbers a version may have.
const MOST_PARTS: usize = 8;

/// How many digits a number of a version may have.
const MOST_DIGITS: usize = 15;

/// One way of writing versions.
#[derive(Debug)]
pub struct Scheme {
    /// Its name in files of advisories.
    pub name: &'static str,
    /// What it looks like, in an example or two.
    pub like: &'static str,
    /// How many numbers say a version exactly; what has fewer stands for all that begin so.
    pub whole: usize,
    /// How many numbers name a branch that is maintained for itself.
    pub branch: usize,
    read: fn(&mut Cursor<'_>) -> Option<Vec<u64>>,
}

/// Every scheme, by name.
pub static SCHEMES: &[Scheme] = &[
    Scheme { name: "bracket", like: "9.16(4)85, 9.8.4.20", whole: 3, branch: 2, read: bracket },
    Scheme { name: "build", like: "14.1-43.56", whole: 4, branch: 2, read: build },
    Scheme { name: "candidate", like: "6.49.7, 6.42rc27", whole: 2, branch: 2, read: candidate },
    Scheme {
        name: "dashed",
        like: "7.0.1-5161, 10.2.1.14-75sv",
        whole: 4,
        branch: 2,
        read: dashed,
    },
    Scheme { name: "dotted", like: "7.2.3, Rev.14.01.40", whole: 3, branch: 2, read: dotted },
    Scheme { name: "hotfix", like: "10.2.9-h1", whole: 3, branch: 2, read: hotfix },
    Scheme { name: "lettered", like: "21.7.28B, 5.25.7H", whole: 3, branch: 2, read: lettered },
    Scheme {
        name: "maintenance",
        like: "19.5.3 MR-3-Build652",
        whole: 3,
        branch: 2,
        read: maintenance,
    },
    Scheme {
        name: "patch",
        like: "5.36 Patch 2, 4.35(ABAG.3), 9.7p1",
        whole: 3,
        branch: 2,
        read: patch,
    },
    Scheme { name: "release", like: "9.1R18.2, 22.7R2.5", whole: 3, branch: 2, read: release },
    Scheme { name: "revised", like: "6.3.0r21", whole: 4, branch: 3, read: revised },
    Scheme { name: "take", like: "R81.20 Take 26", whole: 3, branch: 2, read: take },
    Scheme { name: "train", like: "21.4R3-S5, 12.3X48-D105", whole: 4, branch: 3, read: train },
    Scheme { name: "update", like: "12.10.3, 12.5.9_U2", whole: 2, branch: 2, read: update },
    Scheme { name: "workshop", like: "15.2(4)M11, 17.03.04a", whole: 4, branch: 3, read: workshop },
];

impl Scheme {
    /// The scheme of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        SCHEMES.iter().find(|scheme| scheme.name == name)
    }

    /// Reads a version; nothing where the text is no version of this scheme, all of it.
    pub fn read(&self, text: &str) -> Option<Version> {
        let text = text.trim();
        if text.len() > LONGEST {
            return None;
        }
        let mut cursor = Cursor { rest: text };
        cursor.introduction();
        let parts = (self.read)(&mut cursor)?;
        cursor.remark();
        let fits = cursor.rest.is_empty() && !parts.is_empty() && parts.len() <= MOST_PARTS;
        fits.then(|| Version { text: text.to_owned(), parts })
    }
}

/// A version that was read. Only versions of one scheme compare.
#[derive(Debug, Clone)]
pub struct Version {
    /// As it was written.
    text: String,
    /// Its numbers, the weightiest first.
    parts: Vec<u64>,
}

impl Version {
    /// Its numbers, the weightiest first.
    pub fn parts(&self) -> &[u64] {
        &self.parts
    }

    /// Whether it says as much as a `whole` version does.
    pub const fn is_whole(&self, whole: usize) -> bool {
        self.parts.len() >= whole
    }

    /// The last of the versions that it stands for: itself if it is whole.
    pub fn last(&self, whole: usize) -> Self {
        let mut last = self.clone();
        if !self.is_whole(whole) {
            last.parts.push(u64::MAX);
        }
        last
    }

    /// Whether it is `branch` or lies in it.
    pub fn is_of(&self, branch: &Self) -> bool {
        self.parts.starts_with(&branch.parts)
    }

    /// How its first `length` numbers compare with those of another.
    pub fn compare_branch(&self, other: &Self, length: usize) -> Ordering {
        compare(self.parts.iter().take(length), other.parts.iter().take(length))
    }

    /// Whether it is the same release as `patched`, with that patch or a later one.
    pub fn has_patch(&self, patched: &Self) -> bool {
        let Some((patch, release)) = patched.parts.split_last() else { return false };
        let at = |at: usize| self.parts.get(at).copied().unwrap_or_default();
        release.iter().enumerate().all(|(place, number)| at(place) == *number)
            && at(release.len()) >= *patch
    }
}

impl fmt::Display for Version {
    /// As it was written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Version {}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        compare(self.parts.iter(), other.parts.iter())
    }
}

/// Number by number; a missing one is zero.
fn compare<'n>(
    ours: impl ExactSizeIterator<Item = &'n u64>,
    theirs: impl ExactSizeIterator<Item = &'n u64>,
) -> Ordering {
    let longest = ours.len().max(theirs.len());
    let zeros = || std::iter::repeat(&0);
    ours.chain(zeros()).take(longest).cmp(theirs.chain(zeros()).take(longest))
}

/// What is left of a text to read.
struct Cursor<'t> {
    rest: &'t str,
}

impl<'t> Cursor<'t> {
    /// A number of a few digits.
    fn number(&mut self) -> Option<u64> {
        let end = self.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        if digits.is_empty() || digits.len() > MOST_DIGITS {
            return None;
        }
        self.rest = rest;
        digits.parse().ok()
    }

    /// Passes `text`, whatever its case; whether it was there.
    fn skip(&mut self, text: &str) -> bool {
        let there = self.rest.get(..text.len()).is_some_and(|head| head.eq_ignore_ascii_case(text));
        if there {
            self.rest = self.rest.get(text.len()..).unwrap_or_default();
        }
        there
    }

    /// Passes the first of `texts` that is there.
    fn skip_one(&mut self, texts: &[&str]) -> bool {
        texts.iter().any(|text| self.skip(text))
    }

    /// The letters that come next; perhaps none.
    fn letters(&mut self) -> &'t str {
        let end = self.rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(self.rest.len());
        let (letters, rest) = self.rest.split_at(end);
        self.rest = rest;
        letters
    }

    /// Numbers with dots between them, at least one.
    fn dotted(&mut self) -> Option<Vec<u64>> {
        let mut numbers = vec![self.number()?];
        while let Some(rest) = self.rest.strip_prefix(['.', '_'])
            && rest.starts_with(|c: char| c.is_ascii_digit())
        {
            self.rest = rest;
            numbers.push(self.number()?);
        }
        Some(numbers)
    }

    /// Tries `read`, and goes back where it gives nothing.
    fn attempt<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let before = self.rest;
        let found = read(self);
        if found.is_none() {
            self.rest = before;
        }
        found
    }

    fn spaces(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '_']);
    }

    /// Passes a word that only says that a version comes.
    fn introduction(&mut self) {
        const WORDS: [&str; 8] = ["version", "firmware", "ver.", "ver", "rev.", "rev", "v.", "v"];
        for word in WORDS {
            let next = self.rest.get(word.len()..).map(|rest| rest.trim_start_matches([' ', ':']));
            let comes = next.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
            if comes && self.skip(word) {
                self.rest = self.rest.trim_start_matches([' ', ':']);
                return;
            }
        }
    }

    /// Passes what follows a version without being part of its order: a build beside it, a channel in brackets.
    fn remark(&mut self) {
        let rest = self.rest.trim_start_matches([' ', ',', '-', '.', '_']);
        let lower = rest.to_ascii_lowercase();
        let in_brackets = rest.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
        let is_remark = rest.is_empty()
            || lower.strip_prefix("build").is_some_and(|rest| {
                rest.starts_with(|c: char| c.is_ascii_digit() || matches!(c, ' ' | ':' | '-'))
            })
            || in_brackets.is_some_and(|inner| {
                !inner.contains(['(', ')']) && inner.starts_with(|c: char| c.is_ascii_alphabetic())
            });
        // A separator alone is no remark: something was cut off there.
        let cut_off = rest.is_empty() && !self.rest.trim_start().is_empty();
        if is_remark && !cut_off {
            self.rest = "";
        }
    }
}

/// A letter as a number: 1 for `a`.
fn rank(letter: char) -> u64 {
    u64::from(u32::from(letter.to_ascii_lowercase())) - u64::from(u32::from('a')) + 1
}

/// Numbers with dots.
fn dotted(c: &mut Cursor<'_>) -> Option<Vec<u64>> {
    c.dotted()
}

/// Numbers with dots; a letter may raise the last, and a number that letter.
fn lettered(c: &mut Cursor<'_>) -> Option<Vec<u64>> {
    let mut parts = c.dotted()?;
    match c.letters().as_bytes() {
        [] => {}
        [letter] => {
            parts.resize(parts.len().max(3), 0);
            parts.push(rank(char::from(*letter)));
            parts.extend(c.number());
        }
        _ => return None,
    }
    Some(parts)
}

/// Numbers with dots, and perhaps a stage before the release: `6.42rc27`, `1.4.4_Beta`.
fn candidate(c: &mut Cursor<'_>) -> Option<Vec<u64>> {
    let mut parts = c.dotted()?;
    let stage = c.attempt(|c| {
        c.rest = c.rest.trim_start_matches([' ', '_', '-']);
        if c.skip("beta") {
            Some(0)
        } else if c.skip("rc") {
            Some(1)
        } else {
            None
        }
    });
    if parts.len() < 2 {
        return stage.is_none().then_some(parts);
    }
    parts.resize(parts.len().max(4), 0);
    // The release comes after its candidates.
    parts.push(stage.unwrap_or(2));
    if stage.is_some() {
        c.spaces();
        parts.extend(c.number());
    }
    Some(parts)
}

/// A release and a hotfix: `10.2.9-h1`.
fn hotfix(c: &mut Cursor<'_>) -> Option<Vec<u64>> {
    let mut parts = c.dotted()?;
    if c.skip("-h") {
        parts.resize(parts.len().max(3), 0);
        parts.push(c.number()?);
    }
    Some(parts)
}

/// A release, and a build behind a dash, which may itself have dots and end in letters: `10.2.1.14-75sv`. A
/// revision behind a second dash, `-R2034`, does not count.
fn dashed(c: &mut Cursor<'_>) -> Option<Vec<u64>> {
    let mut parts = c.dotted()?;
    if c.skip("-") {
        parts.extend(c.dotted()?);
        c.letters();
        c.attempt(|c| (c.skip("-") && !c.letters().is_empty()).then(|| c.number())?);
    }
    Some(parts)
}

/// A branch and a build of two numbers: `14.1-43.56`, `NS13.1: Build 48.47.nc`, and `14,1,43,56` as scripts are told.
fn build(c: &mut Cursor<'_>) -> Option<Vec<u64>> {
    if let Some(parts) = c.attempt(four_with_commas) {
        return Some(parts);
    }
    if c.skip("NS") {
        c.spaces();
    }
    let mut parts = c.dotted()?;
    if parts.len() != 2 {
        return (parts.len() == 4).then_some(parts);
    }
    let build = c.attempt(|c| {
        let parted = c.skip("-") || c.rest.starts_with([' ', ':', '.']);
        c.rest = c.rest.trim_start_matches([' ', ':', ',', '.']);
        c.skip("build");
        c.rest = c.rest.trim_start_matches([' ', ':']);
        if parted { c.dotted() } else { None }
    });
    if let Some(build) = build {
        if build.len() > 2 {
            return None;
        }
        parts.extend(build);
        c.skip(".nc");
    }
    Some(parts)
}

fn four_with_commas(c: &mut Cursor<'_>) -> Option<Vec<u64>> {
    let mut parts = vec![c.number()?];
    for _ in 0..3 {
        if !c.skip(",") {
            return None;
        }
        parts.push(c.number()?);
    }
    Some(parts)
}

/// A release of a branch and its maintenance: `9.1R18.2`. Dots alone, as in what clients are told (`9.1.18.25055`),
/// leave the maintenance open, and are not read.
fn release(c: &mut Cursor<'_>) -> Option<Vec<u64>> {
    let mut parts = c.dotted()?;
    if parts.len() > 2 {
        return None;
    }
    if parts.len() == 2 && c.skip("R") {
        parts.extend(c.dotted()?);
        // `:B2` is a build of a beta that some banners append.
        c.attempt(|c| (c.skip(":B")).then(|| c.number())?);
    }
    Some(parts)
}

/// A release and its revision: `6.3.0r21`, `6.3.0r12b`, `6.3.0r24.0`.
fn revised(c: &mut Cursor<'_>) -> Option<Vec<u64>> {
    let mut parts = c.dotted()?;
    if c.skip("r") {
        parts.resize(parts.len().max(3), 0);
        parts.push(c.number()?);
        match c.letters().as_bytes() {
            [] => {}
            [letter] => parts.push(rank(char::from(*letter))),
            _ => return None,
        }
        // The spin of the same revision.
        c.attempt(|c| (c.skip(".")).then(|| c.number())?);
    }
    Some(parts)
}

/// A release and the take of fixes on it: `R81.20`, `R81.20 Take 26`, `R81.20 Jumbo Hotfix Take 26`.
fn take(c: &mut Cursor<'_>) -> Option<Vec<u64>> {
    c.skip("R");
    let mut parts = c.dotted()?;
    if parts.len() > 2 {
        return None;
    }
    parts.resize(2, 0);
    let take = c.attempt(|c| {
        c.rest = c.rest.trim_start_matches([' ', ',', '-', '(']);
        let mut named = false;
        while c.skip_one(&["jumbo", "hotfix", "accumulator", "jhf", "jha", "take", "t"]) {
            named = true;
            c.rest = c.rest.trim_start_matches([' ', '#', ':']);
        }
        let take = c.number().filter(|_| named);
        c.skip(")");
        take
    });
    parts.extend(take);
    Some(parts)
}

/// A branch, and behind a letter its releases and services: `21.4R3-S5`, `12.3X48-D105`. A branch with `X` is a
/// line of its own. The spin behind a last dot says no more.
fn train(c: &mut Cursor<'_>) -> Option<Vec<u64>> {
    let mut parts = c.dotted()?;
    if parts.len() != 2 {
        return (parts.len() == 1).then_some(parts);
    }
    if c.skip("R") {
        parts.extend([0, c.number()?]);
        if c.skip("-S") {
            parts.push(c.number()?);
        }
    } else if c.skip("X") {
        parts.push(c.number()?);
        if c.skip("-D") {
            parts.push(c.number()?);
        }
    }
    if parts.len() > 3 {
        c.attempt(|c| (c.skip(".")).then(|| c.number())?);
    }
    Some(parts)
}

/// A release and a patch of it: `5.36 Patch 2`, `5.21p1`, `9.7p1`; or in brackets with the letters of a model,
/// `4.35(ABAG.3)C0`.
fn patch(c: &mut Cursor<'_>) -> Option<Vec<u64>> {
    if c.skip("ZLD") {
        c.spaces();
        c.introduction();
    }
    let mut parts = c.dotted()?;
    if parts.len() > 2 {
        return (parts.len() == 3).then_some(parts);
    }
    parts.resize(2, 0);
    let patch = c.attempt(|c| {
        if c.skip("(") {
            let code = c.letters();
            let patch = (!code.is_empty() && c.skip(".")).then(|| c.number())??;
            let closed = c.skip(")");
            c.attempt(|c| (c.skip("C")).then(|| c.number())?);
            return closed.then_some(patch);
        }
        c.spaces();
        if c.skip_one(&["patch", "p"]) {
            c.spaces();
            return c.number();
        }
        None
    });
    parts.extend(patch);
    Some(parts)
}

/// A branch and its maintenance release: `19.5.3`, `19.5.3 MR-3-Build652`, `18.5MR3`, `19.0 GA`, `19.5.3.652`.
fn maintenance(c: &mut Cursor<'_>) -> Option<Vec<u64>> {
    let mut parts = c.dotted()?;
    if parts.len() > 3 {
        // A fourth is the build.
        let is_build = parts.len() == 4;
        parts.truncate(3);
        return is_build.then_some(parts);
    }
    let said = c.attempt(|c| {
        c.rest = c.rest.trim_start_matches([' ', '-']);
        if c.skip("GA") {
            return Some(0);
        }
        if !c.skip("MR") {
            return None;
        }
        c.rest = c.rest.trim_start_matches([' ', '-']);
        c.number()
    });
    if let Some(said) = said {
        match parts.get(2) {
            None if parts.len() == 2 => parts.push(said),
            Some(number) if *number == said => {}
            _ => return None,
        }
    }
    Some(parts)
}

/// A release and an update of it: `12.10.3`, `12.5.9_U2`, `12.7.2 Update 1`.
fn update(c: &mut Cursor<'_>) -> Option<Vec<u64>> {
    let mut parts = c.dotted()?;
    let update = c.attempt(|c| {
        c.spaces();
        c.skip_one(&["update", "U"]).then(|| {
            c.spaces();
            c.number()
        })?
    });
    if let Some(update) = update {
        parts.resize(parts.len().max(3), 0);
        parts.push(update);
    }
    Some(parts)
}

/// Numbers of which the third may be in brackets: `9.16(4)85`, which is `9.16.4.85`; `V02.11(00)`.
fn bracket(c: &mut Cursor<'_>) -> Option<Vec<u64>> {
    let mut parts = c.dotted()?;
    if parts.len() == 2 && c.skip("(") {
        parts.push(c.number()?);
        if !c.skip(")") {
            return None;
        }
        parts.extend(c.number());
    }
    Some(parts)
}

/// A branch, the letters of its line, and numbers within: `15.2(4)M11`, `12.4(24)T3`, `15.4.3.M5`. Newer
/// software has no lines: `17.03.04a`, `3.18S`. The letters come before the numbers in its order, for the
/// numbers of two lines do not compare.
fn workshop(c: &mut Cursor<'_>) -> Option<Vec<u64>> {
    let numbers = c.dotted()?;
    let bracketed = numbers.len() == 2 && c.skip("(");
    let (branch, mut within) = if bracketed {
        let maintenance = c.number()?;
        let letter = c.letters();
        if letter.len() > 1 || !c.skip(")") {
            return None;
        }
        let mut within = vec![maintenance];
        within.extend(letter.chars().map(rank));
        // A letter inside the brackets raises the number before it.
        within.resize(2, 0);
        (numbers, within)
    } else {
        let (branch, within) = numbers.split_at(numbers.len().min(2));
        let mut within = within.to_vec();
        if !within.is_empty() {
            within.resize(within.len().max(2), 0);
        }
        (branch.to_vec(), within)
    };
    let dotted_line = !within.is_empty() && !bracketed && c.skip(".");
    let letters = c.letters();
    let is_line = letters.starts_with(|c: char| c.is_ascii_uppercase());
    if letters.len() > 4
        || (dotted_line && !is_line)
        || (within.is_empty() && !is_line && !letters.is_empty())
    {
        return None;
    }
    let line = if is_line {
        letters.chars().fold(0, |line, letter| line * 27 + rank(letter))
    } else {
        within.extend(letters.chars().map(rank));
        0
    };
    let mut parts = branch;
    if is_line || !within.is_empty() {
        parts.resize(2, 0);
        parts.push(line);
    }
    parts.extend(within);
    if is_line {
        parts.extend(c.number());
        parts.extend(c.letters().chars().take(1).map(rank));
    }
    Some(parts)
}
