//! What tells of the line behind a gateway, as data: `lines/access-lines.toml`.

use std::{collections::BTreeSet, net::IpAddr, sync::LazyLock};

use ipnetwork::IpNetwork;
use serde::Deserialize;

use crate::{observe::Confidence, scope::inside::is_nowhere};

/// The list that comes with the program.
const LIST: &str = include_str!("../../../lines/access-lines.toml");

/// The name of the list, for errors.
const NAME: &str = "access-lines.toml";

/// The sort of a line of which nothing is known.
pub(super) const UNKNOWN: &str = "unknown";

/// The sort of a line into a network that is closed to others.
pub(super) const CLOSED: &str = "closed_network";

/// The sort of a line on which PPPoE is spoken.
pub(super) const PPPOE: &str = "pppoe";

/// How wide a line can be, in bytes: the least that every host takes (RFC 791), and what a frame carries.
const WIDTHS: std::ops::RangeInclusive<u32> = 576..=1500;

/// What is wrong with a list of lines.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum Error {
    /// It is no TOML, or not in the shape of a list.
    #[error("{NAME}:{line}: {problem}; the list that comes with the program shows the shape")]
    Malformed {
        /// The line, from 1.
        line: usize,
        /// What the TOML reader says.
        problem: String,
    },
    /// An entry says what cannot be.
    #[error("{NAME}: {entry}: {problem} `{value}`; {remedy}")]
    Entry {
        /// Which one.
        entry: String,
        /// What is wrong.
        problem: &'static str,
        /// With what.
        value: String,
        /// What to do.
        remedy: &'static str,
    },
}

/// What the other end of a line belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reach {
    /// The Internet.
    Internet,
    /// A network that is closed to others.
    Closed,
    /// Mobile telephony.
    Mobile,
    /// A tunnel over another line.
    Tunnel,
}

/// Lines, and what tells of them.
#[derive(Debug, Default)]
pub struct AccessLines {
    types: Vec<Type>,
    mtus: Vec<Width>,
    networks: Vec<Network>,
    concentrators: Vec<Concentrator>,
}

/// A sort of line, which something tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Told<'a> {
    /// How particular that is.
    pub confidence: Confidence,
    /// The sort.
    pub kind: &'a str,
    /// Whose line it is, where that is told, too.
    pub carrier: Option<&'a str>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    #[serde(rename = "type", default)]
    types: Vec<Type>,
    #[serde(rename = "mtu", default)]
    mtus: Vec<Width>,
    #[serde(rename = "network", default)]
    networks: Vec<Network>,
    #[serde(rename = "concentrator", default)]
    concentrators: Vec<Concentrator>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Type {
    id: String,
    reach: Reach,
    ja: String,
    en: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Width {
    mtu: u32,
    #[serde(rename = "type")]
    kind: String,
    confidence: Confidence,
    source: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Network {
    #[serde(rename = "type")]
    kind: String,
    carrier: Option<String>,
    confidence: Confidence,
    prefixes: Vec<IpNetwork>,
    source: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Concentrator {
    contains: String,
    #[serde(rename = "type")]
    kind: String,
    carrier: Option<String>,
    confidence: Confidence,
    source: String,
}

static BUILT_IN: LazyLock<AccessLines> =
    LazyLock::new(|| AccessLines::parse(LIST).expect("the list is checked by a test"));

impl AccessLines {
    /// The list that comes with the program.
    pub fn built_in() -> &'static Self {
        &BUILT_IN
    }

    /// Reads a list, and refuses one that contradicts itself, names nothing, or has no source.
    fn parse(text: &str) -> Result<Self, Error> {
        let list: List = toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start));
            let line = before.map_or(0, |before| before.matches('\n').count()) + 1;
            Error::Malformed { line, problem: error.message().to_owned() }
        })?;
        let List { types, mtus, networks, concentrators } = list;
        let lines = Self { types, mtus, networks, concentrators };
        lines.check_types()?;
        lines.check_widths()?;
        lines.check_networks()?;
        lines.check_concentrators()?;
        Ok(lines)
    }

    /// What people call a sort of line, in Japanese or in English.
    pub fn words(&self, kind: &str, japanese: bool) -> Option<&str> {
        let known = self.types.iter().find(|known| known.id == kind)?;
        Some(if japanese { &known.ja } else { &known.en })
    }

    /// What the other end of a sort of line belongs to, by name: `internet`, `closed`, `mobile` or `tunnel`.
    pub fn reaches(&self, kind: &str) -> Option<&'static str> {
        Some(match self.reach(kind)? {
            Reach::Internet => "internet",
            Reach::Closed => "closed",
            Reach::Mobile => "mobile",
            Reach::Tunnel => "tunnel",
        })
    }

    /// What the other end of a sort of line belongs to.
    pub(super) fn reach(&self, kind: &str) -> Option<Reach> {
        self.types.iter().find(|known| known.id == kind).map(|known| known.reach)
    }

    /// What a line with this MTU, in bytes, usually is.
    pub(super) fn of_mtu(&self, mtu: u32) -> Option<Told<'_>> {
        let known = self.mtus.iter().find(|known| known.mtu == mtu)?;
        Some(Told { confidence: known.confidence, kind: &known.kind, carrier: None })
    }

    /// Whether an MTU is usual for one sort of line, so that no link within a building has it.
    pub(super) fn is_particular(&self, mtu: u32) -> bool {
        self.of_mtu(mtu).is_some_and(|told| told.confidence >= Confidence::Firm)
    }

    /// What a line with this address is; the longest prefix counts.
    pub(super) fn of_address(&self, address: IpAddr) -> Option<Told<'_>> {
        let matches = |network: &Network| {
            let holding = network.prefixes.iter().filter(|prefix| prefix.contains(address));
            holding.map(IpNetwork::prefix).max()
        };
        let best = self.networks.iter().filter_map(|known| Some((matches(known)?, known)));
        let (_, known) = best.max_by_key(|(length, _)| *length)?;
        let carrier = known.carrier.as_deref();
        Some(Told { confidence: known.confidence, kind: &known.kind, carrier })
    }

    /// What a line is whose concentrator calls itself so.
    pub(super) fn of_concentrator(&self, name: &str) -> Option<Told<'_>> {
        let name = name.to_lowercase();
        let known = self.concentrators.iter().find(|known| name.contains(&known.contains))?;
        let carrier = known.carrier.as_deref();
        Some(Told { confidence: known.confidence, kind: &known.kind, carrier })
    }

    fn check_types(&self) -> Result<(), Error> {
        let mut seen = BTreeSet::new();
        for known in &self.types {
            let entry = format!("type {}", known.id);
            let spelt =
                known.id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
            if known.id.is_empty() || !spelt {
                return Err(wrong(&entry, "the id", &known.id, "write it in snake case"));
            }
            if !seen.insert(&known.id) {
                return Err(wrong(&entry, "a second type", &known.id, "leave one"));
            }
            for words in [&known.ja, &known.en] {
                has_words(&entry, "the words", words)?;
            }
        }
        for needed in [UNKNOWN, CLOSED, PPPOE] {
            if !seen.contains(&needed.to_owned()) {
                return Err(wrong("types", "there is no", needed, "add it"));
            }
        }
        Ok(())
    }

    fn check_widths(&self) -> Result<(), Error> {
        let mut seen = BTreeSet::new();
        for known in &self.mtus {
            let entry = format!("mtu {}", known.mtu);
            let value = known.mtu.to_string();
            if !WIDTHS.contains(&known.mtu) {
                return Err(wrong(&entry, "no line is as wide as", &value, "write 576 to 1500"));
            }
            if !seen.insert(known.mtu) {
                return Err(wrong(&entry, "a second entry for", &value, "leave one"));
            }
            self.check(&entry, &known.kind, &known.source)?;
        }
        Ok(())
    }

    fn check_networks(&self) -> Result<(), Error> {
        let mut seen: Vec<(IpNetwork, String)> = Vec::new();
        for (place, known) in (1..).zip(&self.networks) {
            let entry = format!("network {place} ({})", known.kind);
            self.check(&entry, &known.kind, &known.source)?;
            if let Some(carrier) = &known.carrier {
                has_words(&entry, "the carrier", carrier)?;
            }
            if known.prefixes.is_empty() {
                return Err(wrong(&entry, "no prefixes", "", "add some, or take it out"));
            }
            for prefix in &known.prefixes {
                let value = prefix.to_string();
                if prefix.network() != prefix.ip() {
                    return Err(wrong(&entry, "bits beyond the prefix", &value, "clear them"));
                }
                let private = match prefix.network() {
                    IpAddr::V4(v4) => v4.is_private(),
                    IpAddr::V6(v6) => v6.is_unique_local(),
                };
                if private || is_nowhere(prefix.network()) || prefix.prefix() < 8 {
                    let remedy = "name a network of the carrier's";
                    return Err(wrong(&entry, "no carrier's network is", &value, remedy));
                }
                let twice = seen.iter().find(|(other, _)| overlap(*other, *prefix));
                if let Some((other, _)) = twice {
                    let value = format!("{prefix} and {other}");
                    return Err(wrong(&entry, "prefixes overlap:", &value, "leave one"));
                }
                seen.push((*prefix, entry.clone()));
            }
        }
        Ok(())
    }

    fn check_concentrators(&self) -> Result<(), Error> {
        for known in &self.concentrators {
            let entry = format!("concentrator {}", known.contains);
            self.check(&entry, &known.kind, &known.source)?;
            if known.contains.len() < 4 || known.contains.to_lowercase() != known.contains {
                let remedy = "write four letters or more, in lower case";
                return Err(wrong(&entry, "too little to go by:", &known.contains, remedy));
            }
            if let Some(carrier) = &known.carrier {
                has_words(&entry, "the carrier", carrier)?;
            }
        }
        Ok(())
    }

    /// Checks what every entry has: a sort that there is, and a source.
    fn check(&self, entry: &str, kind: &str, source: &str) -> Result<(), Error> {
        if !self.types.iter().any(|known| known.id == kind) {
            return Err(wrong(entry, "there is no type", kind, "add it, or name another"));
        }
        has_words(entry, "the source", source)
    }
}

fn has_words(entry: &str, what: &'static str, words: &str) -> Result<(), Error> {
    let empty = words.trim().is_empty() || words.chars().any(char::is_control);
    if empty { Err(wrong(entry, what, words, "write what it is in a few words")) } else { Ok(()) }
}

fn overlap(one: IpNetwork, other: IpNetwork) -> bool {
    one.contains(other.network()) || other.contains(one.network())
}

fn wrong(entry: &str, problem: &'static str, value: &str, remedy: &'static str) -> Error {
    Error::Entry { entry: entry.to_owned(), problem, value: value.to_owned(), remedy }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPES: &str = r#"
[[type]]
id = "unknown"
reach = "internet"
ja = "不明"
en = "unknown"
[[type]]
id = "closed_network"
reach = "closed"
ja = "閉域網"
en = "closed"
[[type]]
id = "pppoe"
reach = "internet"
ja = "PPPoE"
en = "PPPoE"
"#;

    fn refused(more: &str) -> String {
        AccessLines::parse(&format!("{TYPES}{more}")).unwrap_err().to_string()
    }

    #[test]
    fn the_list_that_comes_with_the_program_is_in_order() {
        let list = AccessLines::parse(LIST).unwrap();
        assert!(list.mtus.len() > 10 && list.networks.len() > 8);
        for known in &list.types {
            assert!(list.words(&known.id, true).is_some() && list.reach(&known.id).is_some());
        }
    }

    #[test]
    fn an_mtu_an_address_and_a_name_tell_a_line() {
        let list = AccessLines::built_in();
        let told = list.of_mtu(1454).unwrap();
        assert_eq!((told.kind, told.confidence), ("flets_pppoe", Confidence::Firm));
        assert!(list.is_particular(1454) && !list.is_particular(1500) && !list.is_particular(1453));
        let told = list.of_address("49.98.160.9".parse().unwrap()).unwrap();
        assert_eq!((told.kind, told.carrier), ("mobile", Some("NTTドコモ")));
        assert_eq!(list.of_address("100.64.0.1".parse().unwrap()).unwrap().kind, "carrier_nat");
        assert_eq!(list.of_address("240b:11:1::1".parse().unwrap()).unwrap().kind, "ipoe");
        assert_eq!(list.of_address("203.0.113.1".parse().unwrap()), None);
        assert_eq!(list.of_concentrator("BAS-FLETS-01").unwrap().kind, "flets_pppoe");
        assert_eq!(list.of_concentrator("bras1"), None);
        assert_eq!(list.words("no such", false), None);
    }

    #[test]
    fn nonsense_is_refused_with_the_entry_and_the_remedy() {
        let mtu = |mtu: u32| {
            format!(
                "[[mtu]]\nmtu = {mtu}\ntype = \"pppoe\"\nconfidence = \"weak\"\nsource = \"x\"\n"
            )
        };
        let network = |prefixes: &str| {
            let head = "[[network]]\ntype = \"pppoe\"\nconfidence = \"weak\"\nsource = \"x\"\n";
            format!("{head}prefixes = [{prefixes}]\n")
        };
        let cases = [
            ("x = 1".to_owned(), "access-lines.toml:17: unknown field `x`"),
            (mtu(1501), "mtu 1501: no line is as wide as `1501`; write 576 to 1500"),
            (mtu(1454) + &mtu(1454), "mtu 1454: a second entry for `1454`; leave one"),
            (mtu(1454).replace("pppoe", "ppoe"), "there is no type `ppoe`"),
            (mtu(1454).replace("\"x\"", "\" \""), "mtu 1454: the source"),
            (mtu(1454).replace("weak", "sure"), "unknown variant"),
            (network(""), "no prefixes"),
            (network("\"203.0.113.1/24\""), "bits beyond the prefix `203.0.113.1/24`"),
            (network("\"10.0.0.0/8\""), "no carrier's network is `10.0.0.0/8`"),
            (network("\"fd00::/16\""), "no carrier's network is"),
            (network("\"1.0.0.0/4\""), "bits beyond the prefix"),
            (network("\"16.0.0.0/4\""), "no carrier's network is"),
            (network("\"203.0.113.0/24\", \"203.0.113.8/29\""), "prefixes overlap"),
            (network("\"203.0.113.0/24\"") + &network("\"203.0.0.0/16\""), "prefixes overlap"),
            (network("\"x\""), "access-lines.toml"),
            (
                "[[concentrator]]\ncontains = \"BAS\"\ntype = \"pppoe\"\nconfidence = \"weak\"\nsource = \"x\"\n"
                    .to_owned(),
                "too little to go by: `BAS`",
            ),
            (TYPES.to_owned(), "a second type `unknown`"),
            (
                "[[type]]\nid = \"A b\"\nreach = \"internet\"\nja = \"x\"\nen = \"x\"\n".to_owned(),
                "the id `A b`; write it in snake case",
            ),
        ];
        for (more, said) in cases {
            let refused = refused(&more);
            assert!(refused.contains(said), "{more}\n{refused}");
        }
        let without = AccessLines::parse("").unwrap_err().to_string();
        assert_eq!(without, "access-lines.toml: types: there is no `unknown`; add it");
    }
}
