//! Facts: field names and values, in the order they were said.

use std::fmt::Write as _;

use serde::ser::{Serialize, SerializeMap, Serializer};

/// How long a value may be, in bytes; longer ones are cut at a character.
pub const LONGEST_VALUE: usize = 1024;

/// How many facts one message may give.
const MOST_FACTS: usize = 96;

/// Field names and values, such as `ssh.banner` and its text. A field may come more than once
/// (`ike.vendor_id`); values stay in the order they were said. Bounded: what a hostile speaker says
/// beyond [`LONGEST_VALUE`] or 96 facts is cut.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Facts(Vec<(&'static str, String)>);

impl Facts {
    /// Adds a fact.
    pub fn with(mut self, field: &'static str, value: impl ToString) -> Self {
        self.add(field, value);
        self
    }

    /// Adds a fact whose value came from the network as text: controls and broken UTF-8 are replaced.
    pub fn with_text(mut self, field: &'static str, value: &[u8]) -> Self {
        self.add_text(field, value);
        self
    }

    /// Adds a fact whose value is best shown as hexadecimal digits.
    pub fn with_hex(mut self, field: &'static str, value: &[u8]) -> Self {
        self.add_hex(field, value);
        self
    }

    /// Adds a fact.
    pub fn add(&mut self, field: &'static str, value: impl ToString) {
        if self.0.len() < MOST_FACTS {
            let mut value = value.to_string();
            value.truncate(value.floor_char_boundary(LONGEST_VALUE));
            self.0.push((field, value));
        }
    }

    /// Adds a fact whose value came from the network as text. Empty texts are not facts.
    pub fn add_text(&mut self, field: &'static str, value: &[u8]) {
        let text = text(value);
        if !text.is_empty() {
            self.add(field, text);
        }
    }

    /// Adds a fact whose value is best shown as hexadecimal digits. Empty ones are not facts.
    pub fn add_hex(&mut self, field: &'static str, value: &[u8]) {
        if !value.is_empty() {
            self.add(field, hex(value));
        }
    }

    /// The first value of `field`, if it was heard.
    pub fn get(&self, field: &str) -> Option<&str> {
        self.all(field).next()
    }

    /// Every value of `field`.
    pub fn all<'a>(&'a self, field: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(name, _)| *name == field).map(|(_, value)| value.as_str())
    }

    /// Every field and value.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(field, value)| (*field, value.as_str()))
    }

    /// Whether nothing was said.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Facts {
    /// One key a field, in order of first saying; a field said more than once has a list.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (at, (field, value)) in self.0.iter().enumerate() {
            let before = self.0.iter().take(at);
            if before.clone().any(|(name, _)| name == field) {
                continue;
            }
            let values: Vec<&str> = self.all(field).collect();
            match values.as_slice() {
                [_] => map.serialize_entry(field, value)?,
                _ => map.serialize_entry(field, &values)?,
            }
        }
        map.end()
    }
}

/// Bytes as text for people: UTF-8 where it is, otherwise replaced; controls are cut off at the ends and
/// become `·` inside.
pub fn text(bytes: &[u8]) -> String {
    let bytes = bytes.get(..LONGEST_VALUE * 2).unwrap_or(bytes);
    let clean: String = String::from_utf8_lossy(bytes)
        .chars()
        .map(|c| if c.is_control() || is_directional(c) { '\u{b7}' } else { c })
        .collect();
    clean.trim_matches(|c: char| c == '\u{b7}' || c.is_whitespace()).to_owned()
}

/// Characters that reorder the text around them: a banner must not rewrite a report.
fn is_directional(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().take(LONGEST_VALUE / 2).fold(String::new(), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_said_twice_is_a_list() {
        let facts = Facts::default()
            .with("ike.vendor_id", "aa")
            .with("ike.version", 1)
            .with("ike.vendor_id", "bb");
        assert_eq!(
            serde_json::to_string(&facts).unwrap(),
            r#"{"ike.vendor_id":["aa","bb"],"ike.version":"1"}"#
        );
    }

    #[test]
    fn hostile_text_is_cut_and_made_visible() {
        let facts = Facts::default()
            .with_text("a.b", b"\x1b[31mred\x07\r\n")
            .with("c.d", "\u{95a2}".repeat(2000));
        assert_eq!(facts.get("a.b"), Some("[31mred"));
        assert!(facts.get("c.d").is_some_and(|value| value.len() <= LONGEST_VALUE));
    }

    #[test]
    fn nobody_can_say_more_than_the_bound() {
        let facts = (0..10_000).fold(Facts::default(), |facts, n| facts.with("x.y", n));
        assert_eq!(facts.iter().count(), MOST_FACTS);
    }
}
