//! Values that name nobody: what boxes of many makers say alike. The list is data, `signatures/common-values.tsv`.

use std::{collections::BTreeSet, sync::LazyLock};

use regex::{Regex, RegexBuilder};

/// The list, as it comes with the program.
const LIST: &str = include_str!("../../signatures/common-values.tsv");

/// Who says a value that names nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sayer {
    /// Boxes of many makers.
    Anybody,
    /// The same, and rather a computer than a box.
    Computer,
}

/// A line of the list.
struct Value {
    field: &'static str,
    sayer: Sayer,
    pattern: Regex,
}

static VALUES: LazyLock<Vec<Value>> = LazyLock::new(|| lines().filter_map(value).collect());

static WORDS: LazyLock<BTreeSet<&'static str>> = LazyLock::new(|| {
    let words = lines().filter(|[_, kind, _]| *kind == "word");
    words.flat_map(|[.., words]| words.split_whitespace()).collect()
});

fn lines() -> impl Iterator<Item = [&'static str; 3]> {
    LIST.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let mut parts = line.split('\t');
        Some([parts.next()?, parts.next()?, parts.next()?])
    })
}

fn value([field, kind, pattern]: [&'static str; 3]) -> Option<Value> {
    let sayer = match kind {
        "anybody" => Sayer::Anybody,
        "computer" => Sayer::Computer,
        _ => return None,
    };
    let pattern = RegexBuilder::new(pattern).case_insensitive(true).build().ok()?;
    Some(Value { field, sayer, pattern })
}

/// Who says this value of a field, if the value names nobody.
pub fn sayer(field: &str, value: &str) -> Option<Sayer> {
    let value = value.trim();
    let says = |known: &&Value| known.field == field && known.pattern.is_match(value);
    VALUES.iter().find(says).map(|known| known.sayer)
}

/// Whether a word is everybody's, and so no part of a name.
pub fn is_everybodys(word: &str) -> bool {
    WORDS.contains(word.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_list_is_read() {
        let known = |kind: &str| ["anybody", "computer", "word"].contains(&kind);
        assert!(lines().all(|[_, kind, _]| known(kind)));
        assert_eq!(lines().filter(|[_, kind, _]| *kind != "word").count(), VALUES.len());
        let written = LIST.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        assert_eq!(written.count(), lines().count());
    }

    #[test]
    fn what_many_makers_say_names_nobody_and_what_one_says_may() {
        assert_eq!(sayer("http.header.server", "lighttpd/1.4.59"), Some(Sayer::Anybody));
        assert_eq!(sayer("http.header.server", "nginx"), Some(Sayer::Computer));
        assert_eq!(sayer("http.header.server", "EdgeGate-HTTPD/2.1"), None);
        assert_eq!(sayer("http.title", "404 Not Found"), Some(Sayer::Anybody));
        assert_eq!(sayer("http.title", "EdgeGate X20"), None);
        assert!(is_everybodys("Login") && is_everybodys("ログイン") && !is_everybodys("EdgeGate"));
    }
}
