//! How what was observed becomes the text that a foreign rule reads.
//!
//! Other tools match what was said, byte by byte. Facts are kept on one line, without what begins and ends every such
//! message, so a foreign rule is tried on what was said as far as it can be told from the fact.

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;

use crate::fingerprint::matcher::plain;

/// A field that a foreign rule can be tried on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reading {
    /// The field.
    pub field: &'static str,
    /// What was said before the value, one of these.
    pub begins: &'static [&'static str],
    /// What was said after it.
    pub ends: &'static str,
    /// Whether the rules read bytes, each as the letter of its number.
    pub bytes: bool,
}

/// A field whose values are what the rules read.
pub(super) const fn of(field: &'static str) -> Reading {
    Reading { field, begins: &[""], ends: "", bytes: false }
}

/// Fields that hold distinguished names, which are shown with a space after commas.
const NAMES: [&str; 2] = ["tls.cert.subject", "tls.cert.issuer"];

impl Reading {
    /// The texts that a value of the field may have been, the likeliest first.
    pub(super) fn texts(&self, value: &str) -> Vec<String> {
        let value = value.trim();
        let mut values = vec![plain(value).into_owned()];
        // Where a line ended the value shows a middle dot a letter.
        if value.contains(is_shown_control) {
            let lines = value.replace("\u{b7}\u{b7}", "\r\n").replace(is_shown_control, "\n");
            values.push(lines.clone());
            values.push(lines.replace("\r\n", "\n").replace('\n', "\r\n"));
        }
        if NAMES.contains(&self.field) {
            values.push(unspaced(value));
        }
        let mut texts: Vec<String> = Vec::new();
        for begin in self.begins {
            for value in &values {
                let whole = format!("{begin}{value}{}", self.ends);
                let text = if self.bytes {
                    letters(whole.as_bytes())
                } else {
                    composed(&whole).into_owned()
                };
                if !texts.contains(&text) {
                    texts.push(text);
                }
            }
        }
        texts
    }
}

fn is_shown_control(letter: char) -> bool {
    letter.is_control() || letter == '\u{b7}'
}

/// A distinguished name without the spaces after its commas, but those of its values.
fn unspaced(name: &str) -> String {
    let mut out = String::new();
    let mut escaped = false;
    let mut letters = name.chars().peekable();
    while let Some(letter) = letters.next() {
        out.push(letter);
        if letter == ',' && !escaped && letters.peek() == Some(&' ') {
            letters.next();
        }
        escaped = letter == '\\' && !escaped;
    }
    out
}

/// Bytes as letters, each by its number.
pub(super) fn letters(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// The same text with its letters and their marks put together (NFC), so that texts that look alike are alike.
pub(super) fn composed(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    ComposingNormalizerBorrowed::new_nfc().normalize(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_put_back_as_it_may_have_been() {
        let banner = Reading { begins: &["220 "], ends: "\r\n", ..of("ftp.banner") };
        assert_eq!(
            banner.texts(" gate\u{b7}\u{b7}ready "),
            ["220 gate  ready\r\n", "220 gate\r\nready\r\n"]
        );
        assert_eq!(of("telnet.banner").texts("a\u{b7}b"), ["a b", "a\nb", "a\r\nb"]);
        let name = r"CN=gate, O=Acme\, Inc., C=JP";
        assert_eq!(of("tls.cert.subject").texts(name), [name, r"CN=gate,O=Acme\, Inc.,C=JP"]);
    }

    #[test]
    fn bytes_are_letters_by_their_number() {
        let reading = Reading { bytes: true, ..of("ssh.banner") };
        assert_eq!(reading.texts("caf\u{e9}"), ["caf\u{c3}\u{a9}"]);
        assert_eq!(letters(&[0xff, 0x41]), "\u{ff}A");
    }

    #[test]
    fn letters_and_their_marks_are_put_together() {
        assert_eq!(of("http.title").texts("\u{30cf}\u{309a}"), ["\u{30d1}"]);
        assert_eq!(composed("e\u{301}"), "\u{e9}");
    }
}
