//! What a service says to what: bytes with places for parts of the question, rules, pages.

use std::{io::Write as _, ops::Range, sync::Arc, time::Duration};

use rustls::ServerConfig;

/// The most bytes of one saying after it was repeated.
const MOST_BYTES: usize = 32 << 20;

/// Bytes to be said, some of which may be the question's own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Saying(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Bytes(Arc<[u8]>),
    /// These bytes of the question; an end beyond it means its end.
    Asked(Range<usize>),
}

impl Saying {
    /// These bytes, whatever the question.
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self(vec![Part::Bytes(bytes.into())])
    }

    /// Reads hexadecimal digits, spaces among them, and places like `{0..8}` or `{12..}` that stand for these bytes
    /// of the question.
    pub(super) fn parse_hex(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('{') {
            let (place, behind) = behind
                .split_once('}')
                .ok_or_else(|| format!("`{{{behind}` has no end; write a place as {{0..8}}"))?;
            let digits = digits(before)?;
            if !digits.is_empty() {
                parts.push(Part::Bytes(digits.into()));
            }
            parts.push(Part::Asked(range(place)?));
            rest = behind;
        }
        let digits = digits(rest)?;
        if !digits.is_empty() {
            parts.push(Part::Bytes(digits.into()));
        }
        Ok(Self(parts))
    }

    /// The same, `times` times over.
    pub(super) fn repeated(&self, times: usize) -> Result<Self, String> {
        let length: usize = self.say(&[]).len();
        if length.saturating_mul(times) > MOST_BYTES {
            return Err(format!("{length} bytes {times} times are more than {MOST_BYTES}"));
        }
        Ok(Self(vec![Part::Bytes(self.say(&[]).repeat(times).into())]))
    }

    /// The same, packed with gzip.
    pub(super) fn packed(&self) -> Result<Self, String> {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        let packed = packer.write_all(&self.say(&[])).and_then(|()| packer.finish());
        packed.map(|bytes| Self::of(&bytes)).map_err(|error| error.to_string())
    }

    /// What is said in answer to `question`.
    pub(super) fn say(&self, question: &[u8]) -> Vec<u8> {
        let mut said = Vec::new();
        for part in &self.0 {
            match part {
                Part::Bytes(bytes) => said.extend_from_slice(bytes),
                Part::Asked(range) => {
                    let end = range.end.min(question.len());
                    said.extend_from_slice(question.get(range.start..end).unwrap_or_default());
                }
            }
        }
        said
    }
}

fn digits(text: &str) -> Result<Vec<u8>, String> {
    let text: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    if text.len() % 2 == 1 {
        return Err(format!("{} hexadecimal digits are no whole bytes", text.len()));
    }
    text.chunks(2)
        .map(|pair| {
            let pair: String = pair.iter().collect();
            u8::from_str_radix(&pair, 16).map_err(|_| format!("`{pair}` is no hexadecimal byte"))
        })
        .collect()
}

fn range(place: &str) -> Result<Range<usize>, String> {
    let wrong = || format!("`{{{place}}}` is no place; write {{0..8}} or {{12..}}");
    let (from, to) = place.split_once("..").ok_or_else(wrong)?;
    let from = from.trim().parse().map_err(|_| wrong())?;
    let to = match to.trim() {
        "" => usize::MAX,
        to => to.parse().map_err(|_| wrong())?,
    };
    if from > to { Err(wrong()) } else { Ok(from..to) }
}

/// What follows what was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Then {
    /// Nothing.
    #[default]
    Stay,
    /// The stream ends.
    Close,
    /// The stream breaks off.
    Reset,
    /// TLS begins.
    Tls,
}

/// One answer to one kind of question.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Rule {
    /// How the question begins.
    pub(super) begins: Vec<u8>,
    /// What stands somewhere in it.
    pub(super) contains: Vec<u8>,
    /// The how-manieth question of the conversation it is, from 1.
    pub(super) turn: Option<u32>,
    /// What is said.
    pub(super) answer: Saying,
    /// How often.
    pub(super) times: u32,
    /// How long the service thinks about it.
    pub(super) after: Duration,
    /// What follows.
    pub(super) then: Then,
}

impl Rule {
    /// Whether this answers `question`, the `turn`th of its conversation.
    pub(super) fn answers(&self, question: &[u8], turn: u32) -> bool {
        question.starts_with(&self.begins)
            && self.turn.is_none_or(|wanted| wanted == turn)
            && memchr::memmem::find(question, &self.contains).is_some()
    }
}

/// A page of a web server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Page {
    /// The method that it is for; none for any.
    pub(super) method: Option<String>,
    /// Its path, with its query if that matters.
    pub(super) path: String,
    /// What the answer begins with, up to the empty line.
    pub(super) head: Vec<u8>,
    /// The page.
    pub(super) body: Vec<u8>,
    /// How long the server thinks about it.
    pub(super) after: Duration,
    /// What follows.
    pub(super) then: Then,
}

/// TLS before or within a conversation.
#[derive(Debug, Clone)]
pub(super) struct Encryption {
    /// Certificate, key and versions.
    pub(super) config: Arc<ServerConfig>,
    /// It begins when a rule says so, not with the conversation.
    pub(super) on_request: bool,
}

/// What listens on one port.
#[derive(Debug, Clone, Default)]
pub(super) struct Service {
    /// What it says before it is asked.
    pub(super) greets: Saying,
    /// How long that takes.
    pub(super) greets_after: Duration,
    /// What it says to what, before TLS where there is TLS on request.
    pub(super) rules: Vec<Rule>,
    /// What it says inside TLS on request.
    pub(super) inside: Vec<Rule>,
    /// Its pages.
    pub(super) pages: Vec<Page>,
    /// What it answers for every other page.
    pub(super) missing: Option<Box<Page>>,
    /// TLS.
    pub(super) encryption: Option<Encryption>,
    /// What it says again and again without being asked, and how often.
    pub(super) drips: Option<(Saying, Duration)>,
    /// What follows a question that it has no answer to.
    pub(super) otherwise: Then,
}

/// Something said, and what follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Uttered {
    /// What.
    pub(super) bytes: Vec<u8>,
    /// How long the service thinks about it.
    pub(super) after: Duration,
    /// What follows.
    pub(super) then: Then,
}

impl Service {
    /// What it says to a datagram, the `turn`th of its conversation.
    pub(super) fn answer(&self, question: &[u8], turn: u32) -> Vec<Uttered> {
        reply(&self.rules, question, turn).unwrap_or_default()
    }
}

/// What the first rule that answers `question` says; none when no rule does.
pub(super) fn reply(rules: &[Rule], question: &[u8], turn: u32) -> Option<Vec<Uttered>> {
    let rule = rules.iter().find(|rule| rule.answers(question, turn))?;
    let once = |last: bool| Uttered {
        bytes: rule.answer.say(question),
        after: rule.after,
        then: if last { rule.then } else { Then::Stay },
    };
    Some((1..=rule.times).map(|time| once(time == rule.times)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_takes_over_parts_of_the_question() {
        let saying = Saying::parse_hex("40 {1..3} 0000 {3..} ff").unwrap();
        assert_eq!(saying.say(&[9, 1, 2, 3, 4]), [0x40, 1, 2, 0, 0, 3, 4, 0xff]);
        assert_eq!(saying.say(&[9]), [0x40, 0, 0, 0xff], "what is not there is left out");
    }

    #[test]
    fn wrong_digits_are_told_with_the_fix() {
        assert!(Saying::parse_hex("4g").unwrap_err().contains("`4g` is no hexadecimal byte"));
        assert!(Saying::parse_hex("{8..1}").unwrap_err().contains("write {0..8}"));
        assert!(Saying::parse_hex("{8").unwrap_err().contains("no end"));
        assert!(Saying::parse_hex("123").unwrap_err().contains("no whole bytes"));
    }

    #[test]
    fn what_is_repeated_has_a_limit() {
        let saying = Saying::of(b"ab");
        assert_eq!(saying.repeated(3).unwrap().say(&[]), b"ababab");
        assert!(saying.repeated(1 << 30).is_err());
    }
}
