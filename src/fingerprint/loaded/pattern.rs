//! A foreign expression that can be tried against texts, within bounds.

use std::{fmt, sync::OnceLock};

use super::dialect::{self, Dialect, Flags, Written};
use crate::fingerprint::compile::required;

/// How long a foreign expression may be, in bytes.
const LONGEST_PATTERN: usize = 16 << 10;

/// How much memory a compiled foreign expression may take, in bytes.
const LARGEST_PROGRAM: usize = 4 << 20;

/// Steps in which it is told how much one takes, in bytes. The first is small: what it takes too much of a usual one, a
/// collection takes thousands of times.
const PROGRAMS: [usize; 5] = [16 << 10, 64 << 10, 256 << 10, 1 << 20, LARGEST_PROGRAM];

/// How much memory its faster form may take, in bytes.
const LARGEST_CACHE: usize = 256 << 10;

/// How many steps an expression that goes back may take on one text.
const MOST_STEPS: usize = 50_000;

/// How short a text may be that a pattern surely contains, to look for it first.
const SHORTEST_LITERAL: usize = 3;

/// Why a foreign expression cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// It is longer than 16 KiB.
    TooLong,
    /// It is nested too deeply, takes more than 4 MiB when compiled, or is beyond what all may take.
    TooLarge,
    /// It says what neither engine can do.
    Unknown(&'static str),
    /// It is wrong in its own dialect.
    Unreadable(&'static str),
    /// It was found wrong when it was loaded.
    LeftOut,
    /// An engine does not take it.
    Refused(String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "longer than {LONGEST_PATTERN} bytes"),
            Self::TooLarge => {
                write!(f, "too large when compiled, alone or with the others, or nested too deeply")
            }
            Self::Unknown(what) => write!(f, "has {what}"),
            Self::Unreadable(what) => write!(f, "is wrong in itself: {what}"),
            Self::LeftOut => write!(f, "was found wrong when it was loaded"),
            Self::Refused(why) => write!(f, "is refused: {why}"),
        }
    }
}

/// A foreign expression.
#[derive(Debug)]
pub(super) struct Pattern {
    written: Written,
    /// One of these, in lower case, is in every text that matches. Empty: not known.
    literals: Vec<String>,
    engine: OnceLock<Result<Engine, Trouble>>,
}

#[derive(Debug)]
enum Engine {
    Plain(regex::Regex),
    Fancy(fancy_regex::Regex),
}

/// What the groups of an expression took, the whole first.
pub(super) type Taken<'t> = Vec<Option<&'t str>>;

impl Pattern {
    /// Reads a foreign expression, without compiling it.
    pub(super) fn read(text: &str, dialect: Dialect, flags: Flags) -> Result<Self, Trouble> {
        if text.len() > LONGEST_PATTERN {
            return Err(Trouble::TooLong);
        }
        let written = dialect::write(text, dialect, flags)?;
        let hir = regex_syntax::parse(&written.loose).map_err(|error| refused(&error))?;
        let mut literals = required(&hir);
        if literals.iter().any(|literal| literal.len() < SHORTEST_LITERAL) {
            literals.clear();
        }
        Ok(Self { written, literals, engine: OnceLock::new() })
    }

    /// Compiles it, and says what is wrong with it, or else how much memory it takes at most, in bytes. What was compiled
    /// is not kept.
    pub(super) fn check(&self) -> Result<usize, Trouble> {
        let mut checked = Err(Trouble::TooLarge);
        for size in PROGRAMS {
            checked = compiled(&self.written, size).map(|_| size);
            if checked != Err(Trouble::TooLarge) {
                break;
            }
        }
        checked
    }

    /// Whether it looks around, refers back or does not give back.
    pub(super) fn is_fancy(&self) -> bool {
        self.written.fancy
    }

    /// Whether it is written as beginning with `text`.
    pub(super) fn begins(&self, text: &str) -> bool {
        self.written.exact.trim_start_matches("(?i)").starts_with(text)
    }

    /// Texts in lower case, one of which every match contains. Empty: not known.
    pub(super) fn literals(&self) -> &[String] {
        &self.literals
    }

    /// How long the shortest text is that every match contains, in bytes.
    pub(super) fn specificity(&self) -> usize {
        self.literals.iter().map(String::len).min().unwrap_or(0)
    }

    /// What its groups take of `text`. Nothing where it does not match, cannot be compiled, or went back too often.
    pub(super) fn find<'t>(&self, text: &'t str) -> Option<Taken<'t>> {
        match self.engine().as_ref().ok()? {
            Engine::Plain(regex) => {
                let found = regex.captures(text)?;
                Some(found.iter().map(|group| group.map(|taken| taken.as_str())).collect())
            }
            Engine::Fancy(regex) => {
                let found = regex.captures(text).ok()??;
                Some(found.iter().map(|group| group.map(|taken| taken.as_str())).collect())
            }
        }
    }

    fn engine(&self) -> &Result<Engine, Trouble> {
        self.engine.get_or_init(|| compiled(&self.written, LARGEST_PROGRAM))
    }
}

/// Compiles an expression to no more than `largest` bytes.
fn compiled(written: &Written, largest: usize) -> Result<Engine, Trouble> {
    let Written { exact, fancy, .. } = written;
    if *fancy {
        let regex = fancy_regex::RegexBuilder::new(exact)
            .backtrack_limit(MOST_STEPS)
            .delegate_size_limit(largest)
            .delegate_dfa_size_limit(LARGEST_CACHE)
            .build();
        return regex.map(Engine::Fancy).map_err(|error| match error {
            fancy_regex::Error::CompileError(error)
                if matches!(&*error, fancy_regex::CompileError::InnerError(inner) if inner.size_limit().is_some()) =>
            {
                Trouble::TooLarge
            }
            error => refused(&error),
        });
    }
    let regex =
        regex::RegexBuilder::new(exact).size_limit(largest).dfa_size_limit(LARGEST_CACHE).build();
    match regex {
        Ok(regex) => Ok(Engine::Plain(regex)),
        Err(regex::Error::CompiledTooBig(_)) => Err(Trouble::TooLarge),
        Err(error) => Err(refused(&error)),
    }
}

/// The last line of what an engine says, which says why.
fn refused(error: &dyn fmt::Display) -> Trouble {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    Trouble::Refused(last.trim_start_matches("error: ").to_owned())
}

#[cfg(test)]
mod tests {
    use super::{
        super::{LARGEST_PROGRAMS, MOST_RULES},
        *,
    };

    const NO_FLAGS: Flags = Flags { ignore_case: false, dot_is_line_end: false };

    #[track_caller]
    fn takes(dialect: Dialect, pattern: &str, text: &str, wanted: &[&str]) {
        let pattern = Pattern::read(pattern, dialect, NO_FLAGS).unwrap();
        pattern.check().unwrap();
        let taken = pattern.find(text).unwrap_or_else(|| panic!("{pattern:?} does not match"));
        let groups: Vec<&str> = taken.iter().skip(1).map(|group| group.unwrap_or("-")).collect();
        assert_eq!(groups, wanted, "{pattern:?}");
        let fold = text.to_lowercase();
        let contained = pattern.literals().iter().any(|literal| fold.contains(literal));
        assert!(contained || pattern.literals().is_empty(), "{pattern:?}");
    }

    #[track_caller]
    fn misses(dialect: Dialect, pattern: &str, text: &str) {
        let pattern = Pattern::read(pattern, dialect, NO_FLAGS).unwrap();
        pattern.check().unwrap();
        assert_eq!(pattern.find(text), None, "{pattern:?}");
    }

    #[test]
    fn ruby_ends_lines_where_perl_ends_the_text() {
        use Dialect::{Perl, Ruby};
        takes(Ruby, "^gate (\\d+)$", "hello\ngate 7\nbye", &["7"]);
        misses(Perl, "^gate (\\d+)$", "hello\ngate 7\nbye");
        takes(Perl, "^gate (\\d+)$", "gate 7\n", &["7"]);
        misses(Perl, "^gate (\\d+)$", "gate 7\n\n");
        takes(Perl, "^(?:gate (\\d+)$|post)", "gate 7\n", &["7"]);
        takes(Ruby, r"\Agate\Z", "gate\n", &[]);
        misses(Ruby, r"\Agate\z", "gate\n");
        takes(Ruby, "(?m)a(.)b", "a\nb", &["\n"]);
        misses(Ruby, "a(.)b", "a\nb");
        takes(Perl, "(?s)a(.)b", "a\nb", &["\n"]);
        takes(Perl, "(?m)^b$", "a\nb\nc", &[]);
        takes(Perl, "(?s:a.)b.c", "a\nbxc", &[]);
        misses(Perl, "(?s:a.)b.c", "a\nb\nc");
    }

    #[test]
    fn what_one_engine_cannot_do_the_other_does() {
        use Dialect::{Perl, Ruby};
        takes(Perl, r"^gate (?!post)(\w+)", "gate way", &["way"]);
        misses(Perl, r"^gate (?!post)(\w+)", "gate post");
        takes(Ruby, r"(?<=v)(\d+)(?= beta)", "v7 beta", &["7"]);
        takes(Perl, r"^([a-z]+)-\1$", "gate-gate", &["gate"]);
        misses(Perl, r"^([a-z]+)-\1$", "gate-post");
        misses(Perl, "^a++ab", "aaab");
        takes(Perl, "^[^b]*+b", "aaab", &[]);
        misses(Ruby, "^(?>a*)ab", "aaab");
        takes(Perl, r"^(?<word>\w+) \k<word>$", "no no", &["no"]);
        takes(Perl, r"gate$\n", "gate\n", &[]);
        assert!(Pattern::read(r"(a)\1", Perl, NO_FLAGS).unwrap().is_fancy());
        assert!(!Pattern::read(r"(a)+", Perl, NO_FLAGS).unwrap().is_fancy());
    }

    #[test]
    fn letters_are_read_however_they_are_spelt() {
        use Dialect::{Perl, Ruby};
        takes(Perl, r"^\xff\xfd\x01(\w+)", "\u{ff}\u{fd}\u{1}gate", &["gate"]);
        takes(Perl, r"^\0\x0\01\012\e\/\<\-\_$", "\0\0\u{1}\n\u{1b}/<-_", &[]);
        takes(Perl, r"^[\w-.]+ []x]+ [^]x]$", "a-b. x] y", &[]);
        takes(Perl, r"^[[:alpha:]]+[^[:digit:]] [\]\\a-c&&~-]+$", "gate a-]&~\\", &[]);
        takes(Ruby, r"^\h+ [\h:]+ [^\s\d]$", "0aF 0a:b x", &[]);
        takes(Perl, r"^\h\Qa.b\E(?#nothing)(?i)GATE", "\ta.bgate", &[]);
        takes(Perl, r"(?x) ^ g a \x20 t [ ] e # ends", "ga t e", &[]);
        takes(Perl, "^{a} b{ c{1,2} d{2}$", "{a} b{ cc dd", &[]);
        takes(Ruby, "^c{,2}$", "cc", &[]);
        takes(Ruby, "^caf\u{e9} \u{30eb}", "caf\u{e9} \u{30eb}", &[]);
        let flags = Flags { ignore_case: true, dot_is_line_end: true };
        let pattern = Pattern::read("^GATE.(?-i:x)$", Ruby, flags).unwrap();
        assert!(pattern.find("gate\nx").is_some() && pattern.find("gate\nX").is_none());
    }

    #[test]
    fn what_cannot_be_done_has_a_reason() {
        #[track_caller]
        fn refused(pattern: &str, wanted: &str) {
            let read = Pattern::read(pattern, Dialect::Perl, NO_FLAGS);
            let trouble = read.and_then(|pattern| pattern.check()).unwrap_err().to_string();
            assert!(trouble.contains(wanted), "{pattern}: {trouble}");
        }
        refused("gate(", "a group that does not end");
        refused("gate)", "a `)` without");
        refused("[gate", "a set that does not end");
        refused("*gate", "a repetition of nothing");
        refused("(?|a|b)", "has branches that share their groups");
        refused("(?R)", "a call of a group");
        refused(r"(a)\2", "a group that is not there");
        refused("[b-a]", "a range that ends before it begins");
        refused("(?(1)a|b)", "a condition");
        refused(r"\Kgate", r"\K");
        refused("gate\\", "a final backslash");
        refused(r"\w{1000}{1000}", "too large");
        refused(&"a".repeat(LONGEST_PATTERN + 1), "longer than");
        refused(&"(".repeat(1000), "nested too deeply");
        refused("a{3,2}", "refused");
    }

    #[test]
    fn as_many_usual_expressions_as_a_collection_may_have_fit_into_it() {
        for usual in
            [r"^SSH-([\d.]+)-Gate[_-]([\w.]+)\r?\n", r"^220 [-\w.]+ Gate (\d[\w.]*) ready(?!x)"]
        {
            let size = Pattern::read(usual, Dialect::Perl, NO_FLAGS).unwrap().check().unwrap();
            assert!(size * MOST_RULES <= LARGEST_PROGRAMS, "{usual}: {size}");
        }
    }

    #[test]
    fn whoever_goes_back_and_back_is_stopped() {
        let pattern = Pattern::read(r"^(?=(a+)+$)\1!", Dialect::Perl, NO_FLAGS).unwrap();
        assert_eq!(pattern.find(&"a".repeat(4000)), None);
        let pattern = Pattern::read(r"(?!x)((a|aa)+)+\1b", Dialect::Perl, NO_FLAGS).unwrap();
        assert_eq!(pattern.find(&"a".repeat(4000)), None);
    }

    #[test]
    fn finds_first_what_a_match_surely_contains() {
        let literals =
            |text: &str| Pattern::read(text, Dialect::Perl, NO_FLAGS).unwrap().literals().to_vec();
        assert_eq!(literals(r"^(?=x)GateWay ([\d.]+)$"), ["gateway "]);
        assert_eq!(literals(r"^(\w+) \1 gate"), [" gate"]);
        assert_eq!(literals("a|gate"), [""; 0]);
    }
}
