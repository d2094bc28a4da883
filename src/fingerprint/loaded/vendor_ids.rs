//! Lists of IKE vendor IDs: a name, a tab and a pattern for the hexadecimal digits, one a line.

use super::{
    Error, File, Problem, Read,
    book::{Book, Rule},
    dialect::{Dialect, Flags},
    pattern::Pattern,
    reading::{self, Reading, composed},
    says::{Says, Template},
    text_of,
};
use crate::observe::Confidence;

/// What the patterns are tried on.
static READINGS: [Reading; 1] = [reading::of("ike.vendor_id")];

/// How many digits a pattern must pin down for a name to be believed: the half of a hash.
const ENOUGH_DIGITS: usize = 16;

/// What names have in them that tell what is spoken, by many, and not who speaks.
const SPOKEN: [&str; 16] = [
    "_present",
    "cga version",
    "challenge-response",
    "dead peer",
    "discovery capable",
    "draft-",
    "espthru",
    "fragmentation",
    "gss",
    "heartbeat",
    "initial-contact",
    "mamieexists",
    "nat-t",
    "rfc ",
    "unity",
    "xauth",
];

/// How the names of what its list does not know begin.
const NOBODY: &str = "unknown";

/// How the names of guesses begin.
const GUESS: &str = "maybe";

/// Whether a text is such a list: its first line that is no comment has a name, a tab and a pattern of digits.
pub(super) fn is(text: &str) -> bool {
    let first = text.lines().find(|line| !line.trim().is_empty() && !line.starts_with('#'));
    first.and_then(parts).is_some_and(|(_, pattern)| {
        let digits = pattern.bytes().filter(u8::is_ascii_hexdigit).count();
        digits >= 8
            && pattern
                .bytes()
                .all(|b| b.is_ascii_hexdigit() || b"^$.[]{}()|*+?:,-xdigt".contains(&b))
    })
}

/// Reads such a list.
pub(super) fn read(name: &str, file: &File, read: &mut Read) -> Result<(), Error> {
    let text = text_of(file)?;
    let mut rules = Vec::new();
    for (at, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let place = |reason: String| Problem {
            file: file.name.clone(),
            line: at + 1,
            reason,
            text: line.to_owned(),
        };
        let Some((who, pattern)) = parts(line) else {
            read.rule()?;
            read.problem(place("is no name, tab and pattern".to_owned()));
            continue;
        };
        read.rule()?;
        let flags = Flags { ignore_case: true, dot_is_line_end: false };
        let id = format!("{name}:{}:{}", file.name, at + 1);
        let pattern = Pattern::read(pattern, Dialect::Perl, flags);
        let pattern = match read.checked(&id, pattern) {
            Ok(pattern) => pattern,
            Err(trouble) => {
                read.problem(place(trouble.to_string()));
                continue;
            }
        };
        read.counts.usable += 1;
        let small = who.to_lowercase();
        let spoken = SPOKEN.iter().any(|word| small.contains(word));
        let sure = pattern.specificity() >= ENOUGH_DIGITS && !spoken && !small.starts_with(GUESS);
        let (product, version) = version_apart(who);
        let says = Says {
            product: Template::words(&composed(product)).tidy(),
            version: Template::words(version).tidy(),
            // Whoever answers in IKE is one, as far as it is one; alone this makes no point.
            role: "vpn-gateway",
            ..Says::default()
        };
        let says = (!small.starts_with(NOBODY)).then_some(says);
        read.counts.silent += usize::from(says.is_none());
        rules.push(Rule {
            id,
            pattern,
            says,
            confidence: if sure { Confidence::Firm } else { Confidence::Weak },
            soft: spoken,
        });
    }
    read.counts.observed += rules.len();
    read.books.push((READINGS.to_vec(), Book::new(rules)));
    Ok(())
}

/// A name and its pattern.
fn parts(line: &str) -> Option<(&str, &str)> {
    let (name, pattern) = line.split_once('\t')?;
    let (name, pattern) = (name.trim(), pattern.trim());
    (!name.is_empty() && !pattern.is_empty() && !pattern.contains(char::is_whitespace))
        .then_some((name, pattern))
}

/// A name, and the version that is its last word if one is.
fn version_apart(name: &str) -> (&str, &str) {
    let Some((product, last)) = name.rsplit_once(' ') else { return (name, "") };
    let version = last.trim_start_matches('(').trim_end_matches(')');
    let is_version = version.contains('.') && version.starts_with(|c: char| c.is_ascii_digit());
    if is_version { (product.trim_end(), version) } else { (name, "") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_of_a_name_may_be_its_version() {
        assert_eq!(version_apart("Acme Gate 5.1.1rc1"), ("Acme Gate", "5.1.1rc1"));
        assert_eq!(version_apart("Acme Gate (3.0)"), ("Acme Gate", "3.0"));
        assert_eq!(version_apart("Acme Gate 2000"), ("Acme Gate 2000", ""));
    }

    #[test]
    fn a_list_is_known_by_its_first_line() {
        assert!(is("# comment\n\nAcme Gate\t^0a1b2c3d4e5f(00)?[[:xdigit:]]{8}$\n"));
        assert!(!is("Acme Gate\thello world\n"));
        assert!(!is("00005E\tAcme\n"));
        assert!(!is(""));
    }
}
