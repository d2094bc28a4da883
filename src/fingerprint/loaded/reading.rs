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
    /// What may have been said around the value: in one of these ways.
    pub around: &'static [Around],
    /// Whether the rules read bytes, each as the letter of its number.
    pub bytes: bool,
}

/// What was said before and after a value. Where several stand together, all of them may have been, and only a rule that
/// matches each does not depend on what is not known.
pub(super) type Around = &'static [(&'static str, &'static str)];

/// A field whose values are what the rules read.
pub(super) const fn of(field: &'static str) -> Reading {
    Reading { field, around: &[&[("", "")]], bytes: false }
}

/// Fields that hold distinguished names, which are shown with a space after commas.
const NAMES: [&str; 2] = ["tls.cert.subject", "tls.cert.issuer"];

impl Reading {
    /// The texts that a value of the field may have been, the likeliest first. Of each, a rule must match every one.
    pub(super) fn texts(&self, value: &str) -> Vec<Vec<String>> {
        let mut values = Vec::new();
        // Facts have no controls; whoever gives some gives the text as it was.
        if value.contains(char::is_control) {
            values.push(value.to_owned());
        }
        let value = value.trim();
        values.push(plain(value).into_owned());
        // Where a line ended a fact shows a middle dot a letter.
        if value.contains(DOT) {
            let lines = value.replace("\u{b7}\u{b7}", "\r\n").replace(DOT, "\n");
            let both = lines.replace("\r\n", "\n").replace('\n', "\r\n");
            values.extend([lines, both]);
        }
        if NAMES.contains(&self.field) {
            values.push(unspaced(value));
        }
        let mut texts: Vec<Vec<String>> = Vec::new();
        for around in self.around {
            for value in &values {
                let whole = around.iter().map(|(before, after)| {
                    let whole = format!("{before}{value}{after}");
                    if self.bytes {
                        letters(whole.as_bytes())
                    } else {
                        composed(&whole).into_owned()
                    }
                });
                let whole = whole.collect();
                if !texts.contains(&whole) {
                    texts.push(whole);
                }
            }
        }
        texts
    }

    /// A value without what is likeliest to have been said around it.
    pub(super) fn bare<'t>(&self, text: &'t str) -> &'t str {
        let (before, after) =
            self.around.first().and_then(|around| around.first()).copied().unwrap_or_default();
        let text = text.strip_prefix(before).unwrap_or(text);
        text.strip_suffix(after).unwrap_or(text)
    }
}

/// What a fact shows where a control was.
const DOT: char = '\u{b7}';

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
        let banner = Reading { around: &[&[("220 ", "\r\n")]], ..of("ftp.banner") };
        assert_eq!(
            banner.texts(" gate\u{b7}\u{b7}ready "),
            [["220 gate  ready\r\n"], ["220 gate\r\nready\r\n"]]
        );
        assert_eq!(of("telnet.banner").texts("a\r\nb\r"), [["a\r\nb\r"], ["a  b"]]);
        assert_eq!(banner.bare("220 gate\r\n"), "gate");
        assert_eq!(of("telnet.banner").texts("a\u{b7}b"), [["a b"], ["a\nb"], ["a\r\nb"]]);
        let name = r"CN=gate, O=Acme\, Inc., C=JP";
        assert_eq!(of("tls.cert.subject").texts(name), [[name], [r"CN=gate,O=Acme\, Inc.,C=JP"]]);
        let header = Reading { around: &[&[("1 ", "."), ("2 ", ".")], &[("3", "")]], ..of("x") };
        assert_eq!(header.texts("v"), [vec!["1 v.", "2 v."], vec!["3v"]]);
    }

    #[test]
    fn bytes_are_letters_by_their_number() {
        let reading = Reading { bytes: true, ..of("ssh.banner") };
        assert_eq!(reading.texts("caf\u{e9}"), [["caf\u{c3}\u{a9}"]]);
        assert_eq!(letters(&[0xff, 0x41]), "\u{ff}A");
    }

    #[test]
    fn letters_and_their_marks_are_put_together() {
        assert_eq!(of("http.title").texts("\u{30cf}\u{309a}"), [["\u{30d1}"]]);
        assert_eq!(composed("e\u{301}"), "\u{e9}");
    }
}
