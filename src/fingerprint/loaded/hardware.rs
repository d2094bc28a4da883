//! Lists of who was given which hardware addresses: the registry's own, and those that tools make of them.

use std::collections::BTreeMap;

use super::{Error, File, Problem, Read, reading::composed, says::one_line, text_of};
use crate::{fingerprint::Evidence, observe::Confidence};

/// The field that hardware addresses are looked up by.
const FIELD: &str = "mac.oui";

/// What a maker of hardware addresses is said to make.
const PRODUCT: &str = "network interface";

/// How long prefixes may be, in hexadecimal digits, the longest first.
const LENGTHS: [usize; 3] = [9, 7, 6];

/// How many lines of a file are looked at to tell what it is.
const FIRST_LINES: usize = 200;

/// How names begin that name nobody: blocks that are given on in parts, and makers who hide.
const NOBODY: [&str; 3] = ["ieee registration authority", "ieeeregi", "private"];

/// How the header of the registry's table begins.
const TABLE: &str = "Registry,Assignment,Organization Name";

/// Who was given which prefix.
#[derive(Debug, Default)]
pub(super) struct Makers(BTreeMap<String, Maker>);

#[derive(Debug)]
struct Maker {
    id: String,
    name: String,
}

/// The ways in which such lists are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// The registry's table.
    Table,
    /// The registry's text, two lines a block.
    Text,
    /// A prefix, then a name, one a line.
    Lines,
}

impl Form {
    /// The form of a list, if the text is one.
    pub(super) fn of(text: &str) -> Option<Self> {
        let lines =
            || text.lines().take(FIRST_LINES).map(|line| line.trim_start_matches('\u{feff}'));
        if lines().next().is_some_and(|line| line.starts_with(TABLE)) {
            return Some(Self::Table);
        }
        if lines().any(|line| hexadecimal_line(line).is_some()) {
            return Some(Self::Text);
        }
        let mut prefixed = lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
        prefixed.next().and_then(prefix_and_name).map(|_| Self::Lines)
    }

    /// Whether the registry itself writes so; it states no licence.
    pub(super) fn is_registrys(self) -> bool {
        self != Self::Lines
    }
}

impl Makers {
    /// Who was given the longest known prefix of a hardware address.
    pub(super) fn evidence<'s>(
        &'s self,
        collection: &'s str,
        field: &str,
        value: &str,
    ) -> Option<Evidence<'s>> {
        if field != FIELD {
            return None;
        }
        let digits = digits(value);
        let (length, maker) = LENGTHS
            .iter()
            .find_map(|length| Some((*length, self.0.get(digits.get(..*length)?)?)))?;
        Some(Evidence {
            signature: collection,
            rule: &maker.id,
            vendor: maker.name.as_str().into(),
            product: PRODUCT.into(),
            model: None,
            version: None,
            serial: None,
            role: super::roles::HOST,
            generic: true,
            confidence: Confidence::Weak,
            specificity: length,
            collection: Some(collection),
        })
    }
}

/// Reads such a list.
pub(super) fn read(name: &str, file: &File, form: Form, read: &mut Read) -> Result<(), Error> {
    let text = text_of(file)?;
    let mut add = |line: usize, block: Option<(String, &str)>, text: &str| -> Result<(), Error> {
        read.block()?;
        let problem = |reason: &str| Problem {
            file: file.name.clone(),
            line,
            reason: reason.to_owned(),
            text: text.to_owned(),
        };
        let Some((prefix, who)) = block else {
            read.problem(problem("is no prefix of 6, 7 or 9 digits with a name"));
            return Ok(());
        };
        let small = who.to_lowercase();
        read.counts.usable += 1;
        if NOBODY.iter().any(|nobody| small.starts_with(nobody)) {
            read.counts.silent += 1;
            return Ok(());
        }
        read.counts.observed += 1;
        let maker =
            Maker { id: format!("{name}:{}:{line}", file.name), name: one_line(&composed(who)) };
        // Where a block stands twice, the first counts.
        read.makers.0.entry(prefix).or_insert(maker);
        Ok(())
    };
    match form {
        Form::Table => {
            for (line, record) in records(text) {
                if line == 1 {
                    continue;
                }
                let block = match &*record {
                    [_, prefix, who, ..] => block(prefix, who),
                    _ => None,
                };
                add(line, block, &record.join(","))?;
            }
        }
        Form::Text => {
            let mut lines = text.lines().enumerate().peekable();
            while let Some((at, line)) = lines.next() {
                let Some((prefix, who)) = hexadecimal_line(line) else { continue };
                let range =
                    lines.peek().and_then(|(_, next)| shared_digits(next)).unwrap_or_default();
                add(at + 1, block(&format!("{prefix}{range}"), who), line)?;
            }
        }
        Form::Lines => {
            for (at, line) in text.lines().enumerate() {
                if !line.trim().is_empty() && !line.starts_with('#') {
                    let found = prefix_and_name(line);
                    add(at + 1, found, line)?;
                }
            }
        }
    }
    Ok(())
}

/// A prefix of a length that is given out, and a name.
fn block<'t>(prefix: &str, who: &'t str) -> Option<(String, &'t str)> {
    let prefix = digits(prefix);
    let who = who.trim();
    (LENGTHS.contains(&prefix.len()) && !who.is_empty()).then_some((prefix, who))
}

/// `00-00-5E   (hex)`, then a name
fn hexadecimal_line(line: &str) -> Option<(&str, &str)> {
    let (prefix, who) = line.split_once("(hex)")?;
    (digits(prefix).len() == 6 && prefix.trim().len() == 8).then_some((prefix, who))
}

/// The digits that both ends of `000000-0FFFFF     (base 16)` begin with.
fn shared_digits(line: &str) -> Option<String> {
    let (range, _) = line.split_once("(base 16)")?;
    let (from, to) = range.trim().split_once('-')?;
    let shared = from.chars().zip(to.chars()).take_while(|(a, b)| a == b && a.is_ascii_hexdigit());
    Some(shared.map(|(digit, _)| digit).collect())
}

/// `00005E`, `00:00:5E` or `00:1B:C5:00:00:00/36`, then one name or two
fn prefix_and_name(line: &str) -> Option<(String, &str)> {
    let (prefix, names) = line.trim_start_matches('\u{feff}').split_once([' ', '\t'])?;
    let (prefix, length) = match prefix.split_once('/') {
        Some((prefix, bits)) => (prefix, Some(bits.parse::<usize>().ok()? / 4)),
        None => (prefix, None),
    };
    if !prefix.bytes().all(|byte| byte.is_ascii_hexdigit() || b":-.".contains(&byte)) {
        return None;
    }
    let all = digits(prefix);
    let length = length.unwrap_or(all.len());
    let names = names.split('#').next().unwrap_or(names);
    let who = names.split('\t').map(str::trim).rfind(|name| !name.is_empty())?;
    block(all.get(..length)?, who)
}

/// The hexadecimal digits of a text, in lower case.
fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_hexdigit).take(12).map(|c| c.to_ascii_lowercase()).collect()
}

/// The records of a table (RFC 4180), each with the line that it begins in, from 1.
fn records(text: &str) -> impl Iterator<Item = (usize, Vec<String>)> {
    let mut letters = text.chars().peekable();
    let mut line = 1;
    std::iter::from_fn(move || {
        letters.peek()?;
        let begins = line;
        let mut record = vec![String::new()];
        let mut quoted = false;
        while let Some(letter) = letters.next() {
            line += usize::from(letter == '\n');
            let field = record.last_mut()?;
            match letter {
                '"' if quoted && letters.peek() == Some(&'"') => {
                    letters.next();
                    field.push('"');
                }
                '"' => quoted = !quoted,
                ',' if !quoted => record.push(String::new()),
                '\n' if !quoted => break,
                '\r' if !quoted => {}
                letter => field.push(letter),
            }
        }
        Some((begins, record))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_read_in_every_spelling() {
        let told = |line| prefix_and_name(line).map(|(prefix, who)| format!("{prefix} {who}"));
        assert_eq!(told("00005E Acme Works").as_deref(), Some("00005e Acme Works"));
        assert_eq!(told("00:00:5E\tAcme\tAcme Works").as_deref(), Some("00005e Acme Works"));
        assert_eq!(told("00-00-5E  Acme").as_deref(), Some("00005e Acme"));
        assert_eq!(
            told("00:1B:C5:01:20:00/36\tAcme\tAcme Works").as_deref(),
            Some("001bc5012 Acme Works")
        );
        assert_eq!(told("00:00:5E\tAcme # in Kyoto").as_deref(), Some("00005e Acme"));
        assert_eq!(told("00:00:5E:00:00:00/99\tAcme"), None);
        assert_eq!(told("deadbeef Acme"), None);
        assert_eq!(told("Acme Works"), None);
    }

    #[test]
    fn a_table_may_quote_commas_and_line_ends() {
        let table = "a,b\r\n\"1, \"\"one\"\"\",\"x\ny\"\n2,z";
        let found: Vec<_> = records(table).collect();
        assert_eq!(found[1], (2, vec!["1, \"one\"".to_owned(), "x\ny".to_owned()]));
        assert_eq!(found[2], (4, vec!["2".to_owned(), "z".to_owned()]));
    }

    #[test]
    fn parts_of_a_block_have_the_digits_that_they_share() {
        assert_eq!(shared_digits("2000000-2FFFFFF").as_deref(), None);
        assert_eq!(shared_digits("200000-2FFFFF     (base 16)\t\tAcme").as_deref(), Some("2"));
        assert_eq!(shared_digits("00005E     (base 16)\t\tAcme"), None);
    }
}
