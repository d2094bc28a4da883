//! The words reports are written in: two lists with the same keys.

use std::{borrow::Cow, collections::BTreeMap, str::FromStr, sync::LazyLock};

use super::cut;
use crate::{
    assess::Contradiction,
    correlate::{AccessLines, Because, CoverageState, Direction, Grade, Kind, Line, Service},
    time::Timestamp,
};

/// A language reports are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// Japanese.
    Japanese,
    /// English.
    English,
}

impl Language {
    /// Every language, the usual one first.
    pub const ALL: [Self; 2] = [Self::Japanese, Self::English];

    /// The code on the command line, in file names and in HTML.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Japanese => "ja",
            Self::English => "en",
        }
    }
}

impl FromStr for Language {
    type Err = String;

    fn from_str(code: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|language| language.code() == code)
            .ok_or_else(|| format!("`{code}` is no language of ours; use ja or en"))
    }
}

/// The list of one language.
#[derive(Debug)]
pub struct Words {
    language: Language,
    list: BTreeMap<String, BTreeMap<String, String>>,
}

/// The files of each language: one for all, and one a topic that has many words of its own.
macro_rules! files {
    ($code:literal) => {
        &[
            include_str!(concat!("words/", $code, ".toml")),
            include_str!(concat!("words/forms.", $code, ".toml")),
            include_str!(concat!("words/meaning.", $code, ".toml")),
            include_str!(concat!("words/page.", $code, ".toml")),
            include_str!(concat!("words/paper.", $code, ".toml")),
            include_str!(concat!("words/register.", $code, ".toml")),
            include_str!(concat!("words/review.", $code, ".toml")),
            include_str!(concat!("words/tables.", $code, ".toml")),
        ]
    };
}

static JAPANESE: LazyLock<Words> = LazyLock::new(|| Words::parse(Language::Japanese, files!("ja")));
static ENGLISH: LazyLock<Words> = LazyLock::new(|| Words::parse(Language::English, files!("en")));

impl Words {
    /// The list of `language`.
    pub fn of(language: Language) -> &'static Self {
        match language {
            Language::Japanese => &JAPANESE,
            Language::English => &ENGLISH,
        }
    }

    fn parse(language: Language, files: &[&str]) -> Self {
        let mut list = BTreeMap::new();
        for text in files {
            let sections: BTreeMap<String, BTreeMap<String, String>> =
                toml::from_str(text).expect("the lists are read by tests");
            for (section, words) in sections {
                let twice = list.insert(section, words);
                assert!(twice.is_none(), "a section stands in one file");
            }
        }
        Self { language, list }
    }

    /// The language.
    pub const fn language(&self) -> Language {
        self.language
    }

    /// Every section with its keys and words.
    pub const fn list(&self) -> &BTreeMap<String, BTreeMap<String, String>> {
        &self.list
    }

    /// The words for `key` in `section`, if there are any.
    pub fn find(&self, section: &str, key: &str) -> Option<&str> {
        self.list.get(section)?.get(key).map(String::as_str)
    }

    /// The words for `key` in `section`; the key itself where the list has none, as for a subject or a
    /// protocol that is newer than the list.
    pub fn get<'a>(&'a self, section: &str, key: &'a str) -> &'a str {
        self.find(section, key).unwrap_or(key)
    }

    /// The words for `key` in `section` with each `{name}` filled in. What is filled in is not looked
    /// at again, so a device cannot name itself `{value}` and be expanded.
    pub fn fill(&self, section: &str, key: &str, values: &[(&str, &str)]) -> String {
        fill(self.get(section, key), values)
    }

    /// The words for a number: those of `key_none` and `key_one` where they say it better.
    pub fn counted(&self, section: &str, key: &str, count: usize) -> String {
        let special = match count {
            0 => self.find(section, &format!("{key}_none")),
            1 => self.find(section, &format!("{key}_one")),
            _ => None,
        };
        let count = grouped(u64::try_from(count).unwrap_or(u64::MAX));
        fill(special.unwrap_or_else(|| self.get(section, key)), &[("count", &count)])
    }

    /// What a kind of point is called.
    pub fn kind(&self, kind: Kind) -> &str {
        self.get("kind", kind.name())
    }

    /// What a grade is called.
    pub fn grade(&self, grade: Grade) -> &str {
        self.get("grade", grade.name())
    }

    /// What a direction is called.
    pub fn direction(&self, direction: Direction) -> &str {
        self.get("direction", direction.name())
    }

    /// What a state of coverage is called.
    pub fn coverage_state(&self, state: CoverageState) -> &str {
        self.get("coverage_state", state.name())
    }

    /// What people call a protocol.
    pub fn protocol<'a>(&'a self, name: &'a str) -> Cow<'a, str> {
        match self.find("protocol", name) {
            Some(word) => word.into(),
            None => name.to_uppercase().replace('_', "-").into(),
        }
    }

    /// A service as people say it: `SSH tcp/22`, or `IPsec ESP` where there is no port.
    pub fn service(&self, service: &Service) -> String {
        let protocol = self.protocol(&service.protocol);
        match service.port {
            Some(port) => format!("{protocol} {}/{port}", service.transport.name()),
            None => protocol.into_owned(),
        }
    }

    /// A line as people say it: its sort, whose it is, how wide, and its two ends.
    pub fn line(&self, line: &Line) -> String {
        let japanese = self.language == Language::Japanese;
        let sort = AccessLines::built_in().words(&line.kind, japanese).unwrap_or(&line.kind);
        let carrier = line.carrier.as_ref().map(|carrier| {
            format!("{}{carrier}{}", self.get("language", "open"), self.get("language", "close"))
        });
        let mut said = vec![format!("{sort}{}", carrier.unwrap_or_default())];
        let rest = [
            ("mtu", line.mtu.map(|mtu| mtu.to_string())),
            ("outside", line.outside.map(|address| address.to_string())),
            ("next_hop", line.next_hop.map(|address| address.to_string())),
        ];
        for (key, value) in rest {
            said.extend(value.map(|value| self.fill("line", key, &[("value", &value)])));
        }
        said.join(self.get("language", "comma"))
    }

    /// A because as a sentence.
    pub fn because(&self, because: &Because) -> String {
        let value = if because.value.is_empty() { "—" } else { &because.value };
        let values =
            [("value", value), ("field", &because.field), ("rule", because.evidence.as_str())];
        match self.find("evidence", &because.evidence) {
            Some(sentence) => fill(sentence, &values),
            None => self.fill("sentence", "signature", &values),
        }
    }

    /// Where the packet is that shows something, or where it is written: `clinic.pcap#12`, `lines.xlsx#回線!12`,
    /// `lines.toml!12` in words.
    pub fn packet(&self, observation: &str) -> String {
        let written = observation.rsplit_once('!').filter(|(_, cell)| {
            cell.ends_with(|c: char| c.is_ascii_digit())
                && cell.bytes().all(|b| b.is_ascii_alphanumeric())
        });
        if let Some((place, cell)) = written {
            return match place.rsplit_once('#') {
                Some((file, sheet)) => self.fill(
                    "sentence",
                    "sheet",
                    &[("file", file), ("sheet", sheet), ("cell", cell)],
                ),
                None => self.fill("sentence", "row", &[("file", place), ("cell", cell)]),
            };
        }
        match observation.rsplit_once('#') {
            Some((file, number)) => {
                self.fill("sentence", "packet", &[("file", file), ("number", number)])
            }
            None => observation.to_owned(),
        }
    }

    /// What people said and the network contradicts, as a sentence that is safe to look at.
    pub fn contradiction(&self, one: &Contradiction) -> String {
        let found = self.find("kind", &one.found).unwrap_or(&one.found);
        let by = one.said_by.as_deref().unwrap_or_else(|| self.get("contradiction", "somebody"));
        let values = [
            ("point", cut(&one.point, 40)),
            ("by", cut(by, 60)),
            ("written", cut(&one.written, 80)),
            ("found", cut(found, 60)),
        ];
        let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
        self.fill("contradiction", one.sort.name(), &values)
    }
}

/// `template` with each `{name}` replaced by its value, in one pass.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let value = after
            .split_once('}')
            .and_then(|(name, tail)| Some((values.iter().find(|(n, _)| *n == name)?.1, tail)));
        if let Some((value, tail)) = value {
            filled.push_str(value);
            rest = tail;
        } else {
            filled.push('{');
            rest = after;
        }
    }
    filled.push_str(rest);
    filled
}

/// A number with its thousands apart: `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut apart = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            apart.push(',');
        }
        apart.push(digit);
    }
    apart
}

/// A moment for people, in Japan's time whatever the machine's is: `2026-04-01 09:30:05`.
pub fn moment(moment: Timestamp) -> String {
    let offset = jiff::tz::Offset::constant(9);
    match jiff::Timestamp::from_nanosecond(moment.nanoseconds().into()) {
        Ok(moment) => offset.to_datetime(moment).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => moment.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::assess::{Answer, Condition, Ends, Known, SupportAnswer};

    /// Section, key, and the names of what is filled in.
    fn keys(language: Language) -> BTreeSet<(String, String, Vec<String>)> {
        Words::of(language)
            .list()
            .iter()
            .flat_map(|(section, words)| {
                words.iter().map(move |(key, word)| {
                    let mut names: Vec<String> = word
                        .split('{')
                        .skip(1)
                        .filter_map(|part| Some(part.split_once('}')?.0.to_owned()))
                        .collect();
                    names.sort();
                    (section.clone(), key.clone(), names)
                })
            })
            .collect()
    }

    #[test]
    fn both_lists_have_the_same_keys_and_placeholders() {
        assert_eq!(keys(Language::Japanese), keys(Language::English));
    }

    #[test]
    fn every_value_of_the_closed_lists_has_words() {
        for words in Language::ALL.map(Words::of) {
            for kind in Kind::ALL {
                assert!(words.find("kind", kind.name()).is_some(), "{kind:?}");
                assert!(words.find("kind_plain", kind.name()).is_some(), "{kind:?}");
            }
            for grade in Grade::ALL {
                assert!(words.find("grade", grade.name()).is_some(), "{grade:?}");
                assert!(words.find("grade_plain", grade.name()).is_some(), "{grade:?}");
            }
            for direction in Direction::ALL {
                assert!(words.find("direction", direction.name()).is_some(), "{direction:?}");
            }
            for state in CoverageState::ALL {
                assert!(words.find("coverage_state", state.name()).is_some(), "{state:?}");
            }
            for answer in crate::correlate::FromOutside::ALL {
                assert!(words.find("restriction", answer.name()).is_some(), "{answer:?}");
                assert!(words.find("restriction_short", answer.name()).is_some(), "{answer:?}");
            }
            for reason in crate::correlate::Reason::ALL {
                assert!(words.find("why", reason.name()).is_some(), "{reason:?}");
            }
            for facet in crate::inventory::Facet::ALL {
                assert!(words.find("facet", facet.name()).is_some(), "{facet:?}");
            }
            for answer in Answer::ALL {
                assert!(words.find("answer", answer.name()).is_some(), "{answer:?}");
                assert!(words.find("answer_plain", answer.name()).is_some(), "{answer:?}");
            }
            for condition in Condition::ALL {
                assert!(words.find("condition", condition.name()).is_some(), "{condition:?}");
            }
            for known in Known::ALL {
                assert!(words.find("known", known.name()).is_some(), "{known:?}");
            }
            for answer in SupportAnswer::ALL {
                assert!(words.find("support_answer", answer.name()).is_some(), "{answer:?}");
            }
            for what in crate::inventory::What::ALL {
                assert!(words.find("line_taken", what.name()).is_some(), "{what:?}");
            }
            for sort in crate::assess::Contradicted::ALL {
                assert!(words.find("contradiction", sort.name()).is_some(), "{sort:?}");
            }
            for ends in Ends::ALL {
                assert!(words.find("ends", ends.name()).is_some(), "{ends:?}");
            }
            let (subjects, plain) = (&words.list()["coverage"], &words.list()["coverage_plain"]);
            assert!(subjects.keys().eq(plain.keys()));
        }
    }

    #[test]
    fn a_line_reads_well_in_both_languages() {
        let line = Line {
            kind: "flets_pppoe".into(),
            carrier: Some("NTT東日本".into()),
            mtu: Some(1454),
            outside: Some([203, 0, 113, 2].into()),
            next_hop: None,
            because: Vec::new(),
        };
        let english = "FLET'S with PPPoE (NTT東日本), MTU 1454, near end 203.0.113.2";
        assert_eq!(Words::of(Language::English).line(&line), english);
        let japanese = "フレッツの PPPoE 接続（NTT東日本）、MTU 1454、手前側 203.0.113.2";
        assert_eq!(Words::of(Language::Japanese).line(&line), japanese);
        let later = Line { kind: "laser".into(), carrier: None, mtu: None, outside: None, ..line };
        assert_eq!(Words::of(Language::English).line(&later), "laser");
    }

    #[test]
    fn every_verdict_about_a_way_out_has_a_sentence() {
        let rules = [
            "access_line_offered",
            "answers_for_second_network",
            "egress",
            "expired_on_the_way",
            "foreign_prefix",
            "forwards_and_rejects",
            "forwards_probe",
            "forwards_without_route",
            "hides",
            "line_mtu",
            "line_segments",
            "mapped_address",
            "mobile_line",
            "names_second_network",
            "next_hop_outside",
            "owns_outside_address",
            "owns_second_address",
            "proxy_arp",
            "record_route",
            "relayed_by",
            "routed_without_nat",
            "routes_to",
            "several_lines",
            "shares_line",
        ];
        for words in Language::ALL.map(Words::of) {
            for rule in rules {
                assert!(words.find("evidence", rule).is_some(), "{rule}");
            }
        }
    }

    #[test]
    fn every_sentence_of_evidence_shows_its_value() {
        for words in Language::ALL.map(Words::of) {
            for (rule, sentence) in &words.list()["evidence"] {
                assert!(sentence.contains("{value}"), "{rule}: {sentence}");
            }
        }
    }

    #[test]
    fn it_is_said_where_something_is_written() {
        let words = Words::of(Language::Japanese);
        assert_eq!(words.packet("a.pcap#12"), "a.pcap の 12 番目のパケット");
        assert_eq!(words.packet("v.xlsx#回線!12"), "v.xlsx の「回線」シート、12");
        assert_eq!(words.packet("v.xlsx#回線!E7"), "v.xlsx の「回線」シート、E7");
        assert_eq!(words.packet("lines.toml!3"), "lines.toml の 3 行目");
        assert_eq!(words.packet("strange!name.pcap#3"), "strange!name.pcap の 3 番目のパケット");
    }

    #[test]
    fn what_is_filled_in_is_not_filled_again() {
        let values = [("value", "{field}"), ("field", "x")];
        assert_eq!(fill("a {value} b {field} {other} {", &values), "a {field} b x {other} {");
    }

    #[test]
    fn numbers_and_moments_read_well() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(moment(Timestamp::new(1_775_003_405, 7)), "2026-04-01 09:30:05");
    }
}
