//! What of a line and of a box is the same, as people and boxes spell it.

use std::collections::BTreeSet;

use crate::{
    import::{
        makers::same_maker,
        tidy::{folded, tidy},
    },
    observe::Mac,
};

/// The most names that a cell gives.
const MOST_NAMES: usize = 16;

/// Whether one digit of two hardware addresses differs, or two that stand side by side are exchanged.
pub(super) fn is_near(one: Mac, other: Mac) -> bool {
    let digits =
        |mac: Mac| -> Vec<u8> { mac.0.iter().flat_map(|byte| [byte >> 4, byte & 15]).collect() };
    let (one, other) = (digits(one), digits(other));
    let differ: Vec<(usize, u8, u8)> = (0..)
        .zip(one.iter().zip(&other))
        .filter(|(_, (a, b))| a != b)
        .map(|(at, (a, b))| (at, *a, *b))
        .collect();
    match differ.as_slice() {
        [_] => true,
        [(at, a, b), (next, c, d)] => *next == at + 1 && a == d && b == c,
        _ => false,
    }
}

/// Whether any of these hardware addresses is nearly one of those.
pub(super) fn any_near(one: &BTreeSet<Mac>, other: &BTreeSet<Mac>) -> bool {
    // A cell and a box have few; what has many is no box.
    one.iter().take(16).any(|a| other.iter().take(16).any(|b| is_near(*a, *b)))
}

/// The names by which a box may be called that is called so: the first label, folded, with and without what was added to
/// it (`RT-01(旧)`, `RT-01_予備`). None of what is an address or too short to be a name.
pub(super) fn names(text: &str) -> BTreeSet<String> {
    let text = tidy(text);
    let mut names = BTreeSet::new();
    for word in
        text.split([' ', ',', '、', '/', '\n']).filter(|word| !word.is_empty()).take(MOST_NAMES)
    {
        if word.parse::<std::net::IpAddr>().is_ok() {
            continue;
        }
        let label = word.split('.').next().unwrap_or_default();
        let bare = label.split(['(', '[', '_', '【']).next().unwrap_or_default();
        names.extend([label, bare].map(folded).into_iter().filter(|name| is_name(name)));
    }
    names
}

/// Whether a folded text may name one box: three characters or more, in Latin letters, and not only digits.
fn is_name(name: &str) -> bool {
    name.len() >= 3 && name.is_ascii() && name.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// Whether two sets of names are of one box: a name is in both; or nearly, so that nobody can say; or neither.
pub(super) fn same_name(one: &BTreeSet<String>, other: &BTreeSet<String>) -> Option<bool> {
    if one.is_empty() || other.is_empty() {
        return None;
    }
    if !one.is_disjoint(other) {
        return Some(true);
    }
    let near = |a: &str, b: &str| {
        let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
        // A number that differs is another box; a letter that does is a slip.
        let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
        long.starts_with(short) && short.len() >= 4 && digits(long) == digits(short)
            || (digits(a) == digits(b) && strsim::damerau_levenshtein(a, b) <= 1)
    };
    let some_near =
        one.iter().take(MOST_NAMES).any(|a| other.iter().take(MOST_NAMES).any(|b| near(a, b)));
    (!some_near).then_some(false)
}

/// Whether two texts name one model: `FG-60F`, `60F` and `EdgeGate 60F` do.
pub(super) fn same_model(one: &str, other: &str) -> bool {
    let (a, b) = (folded(one), folded(other));
    let within = |long: &str, short: &str| short.chars().count() >= 3 && long.contains(short);
    if a == b || within(&a, &b) || within(&b, &a) {
        return true;
    }
    let numbered = |text: &str| -> BTreeSet<String> {
        let words = tidy(text).to_lowercase();
        words
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| word.len() >= 2 && word.bytes().any(|byte| byte.is_ascii_digit()))
            .map(str::to_owned)
            .collect()
    };
    !numbered(one).is_disjoint(&numbered(other))
}

/// Whether two texts say one version, as far as both say it: `9.1` and `v9.1.3 build 17` do. None where one of them has no
/// number.
pub(super) fn same_version(one: &str, other: &str) -> Option<bool> {
    let (a, b) = (numbers(one)?, numbers(other)?);
    Some(a.iter().zip(&b).all(|(a, b)| a == b))
}

/// The first run of numbers with dots between them, each without the zeros before it.
fn numbers(text: &str) -> Option<Vec<String>> {
    let text = tidy(text);
    let words = text.split(|c: char| !c.is_ascii_digit() && c != '.');
    let runs: Vec<&str> =
        words.map(|run| run.trim_matches('.')).filter(|run| !run.is_empty()).collect();
    // `Rev.15.02.22` and `OS 10 version 9.1`: dots make a version, where there are any.
    let run = runs.iter().find(|run| run.contains('.')).or_else(|| runs.first())?;
    let plain = |part: &str| {
        let bare = part.trim_start_matches('0');
        if bare.is_empty() { "0".to_owned() } else { bare.to_owned() }
    };
    Some(run.split('.').map(plain).collect())
}

/// Whether two makers are one; see [`same_maker`].
pub(super) fn same_vendor(one: &str, other: &str) -> Option<bool> {
    same_maker(one, other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_in_a_hardware_address_is_near() {
        let mac = |text: &str| text.parse::<Mac>().unwrap();
        let own = mac("00:00:5e:00:53:12");
        assert!(is_near(own, mac("00:00:5e:00:53:13")));
        assert!(is_near(own, mac("00:00:5e:00:53:21")));
        assert!(is_near(own, mac("00:00:5e:00:35:12")));
        assert!(!is_near(own, own) && !is_near(own, mac("00:00:5e:00:54:13")));
    }

    #[test]
    fn names_are_compared_by_their_first_label() {
        let same = |one: &str, other: &str| same_name(&names(one), &names(other));
        assert_eq!(same("RT-01", "rt01.hospital.example"), Some(true));
        assert_eq!(same("RT-01(旧)", "RT-01"), Some(true));
        assert_eq!(same("RT-01_予備", "RT-01"), Some(true));
        assert_eq!(same("RT-01", "RT-02"), Some(false));
        assert_eq!(same("RTR-01", "RT-01"), None);
        assert_eq!(same("放射線科ルータ", "RT-01"), None);
        assert_eq!(same("10.1.1.1", "RT-01"), None);
    }

    #[test]
    fn models_and_versions_are_compared_as_they_are_written() {
        assert!(same_model("EG-60F", "EdgeGate 60F") && same_model("ＥＧ６０Ｆ", "EG-60F"));
        assert!(!same_model("EG-60F", "EG-100E"));
        assert_eq!(same_version("9.1", "v9.1.3 build 17"), Some(true));
        assert_eq!(same_version("Rev.09.01.02", "9.1.2"), Some(true));
        assert_eq!(same_version("9.1.2", "9.2"), Some(false));
        assert_eq!(same_version("最新", "9.2"), None);
    }
}
