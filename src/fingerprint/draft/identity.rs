//! What would tell whose box it is: learnt from the fields that name, and found in any text.

use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, Ipv6Addr},
    ops::Range,
    sync::LazyLock,
};

use regex::Regex;

use super::{Named, Seen, common::is_everybodys};

/// Endings of fields whose values name a box, a place, a person or an institution, or are one box's alone.
const NAMING: &[&str] = &[
    ".host",
    ".host_name",
    ".hostname",
    ".sysname",
    ".system_name",
    ".device",
    ".identity",
    ".domain",
    ".vtp_domain",
    ".ddns_name",
    ".location",
    ".syslocation",
    ".contact",
    ".serial",
    ".asset",
    ".friendly_name",
    ".instance",
    ".interface_alias",
    ".port_description",
    ".workgroup",
    ".computer",
    ".user",
    ".usn",
    ".san",
    ".address",
    ".chassis",
    ".id",
    ".software_id",
    ".engineid",
    ".engineid.text",
    ".engineid.mac",
    ".engineid.address",
    ".mac",
    ".outside",
    ".name",
    ".group",
    ".certificate_subject",
    ".client_certificate",
    ".sha256",
    ".host_key",
    ".public_address",
    ".private_address",
    ".nas_identifier",
    ".concentrator",
    ".interface",
    ".community",
    ".ssid",
];

/// Fields that end so and name something else.
const OTHERWISE: [&str; 4] =
    ["http.cookie.name", "http.header.name", "ike.group", "snmp.interface"];

/// Fields in which only a maker writes, so that a word of them is no name of a place.
const OF_MAKERS: [&str; 6] =
    ["snmp.model", "upnp.model", "upnp.model_number", "lldp.model", "mdns.model", "cdp.platform"];

/// Fields of a certificate's subject.
const OF_SUBJECTS: [&str; 4] =
    ["tls.cert.subject", "tls.cert.subject.cn", "tls.cert.subject.o", "tls.cert.subject.ou"];

/// The fewest letters of a part of a name that is searched for by itself.
const SHORTEST_PART: usize = 4;

/// The fewest letters of a name that is found inside of words, too.
const SHORTEST_INSIDE: usize = 6;

/// What a part of a text is, other than words of the product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name of a box, a place, a person, an institution; an address of any sort.
    Name,
    /// A number or a word that is one box's alone; the letters before its digits may be the maker's.
    Serial,
    /// A date, a time, a telephone number.
    Date,
}

/// What tells whose box it is.
#[derive(Debug, Default)]
pub(super) struct Identity {
    /// Names as they were told, and their parts, in lower case.
    names: BTreeSet<String>,
    /// Words that are the product's, in lower case.
    products: BTreeSet<String>,
}

macro_rules! pattern {
    ($name:ident, $text:expr) => {
        static $name: LazyLock<Regex> = LazyLock::new(|| Regex::new($text).expect("tests read it"));
    };
}

pattern!(EMAIL, r"[\w.+-]+@[\w.-]+");
pattern!(UUID, r"\b[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\b");
pattern!(
    HARDWARE,
    r"\b[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}\b|\b[0-9A-Fa-f]{4}(?:\.[0-9A-Fa-f]{4}){2}\b|\b[0-9A-Fa-f]{12}\b"
);
pattern!(SIX, r"[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}");
pattern!(FOUR, r"\b[0-9]{1,3}(?:\.[0-9]{1,3}){3}\b");
pattern!(DOMAIN, r"\b[A-Za-z0-9_](?:[A-Za-z0-9_-]*\.)+[A-Za-z]{2,}\b");
pattern!(
    PLACE,
    r"[\p{Han}\p{Hiragana}\p{Katakana}ー々A-Za-z0-9０-９]*(?:病院|医院|クリニック|診療|医療|療養|法人|大学|病棟|外来|手術|検査|受付|医局|薬局|薬剤|放射線|救急|事務|透析|健診|内科|外科|[0-9０-９]階)[\p{Han}\p{Hiragana}\p{Katakana}ー々A-Za-z0-9０-９]*"
);
// Before the word for a hospital stand names, with capitals where it has one.
pattern!(
    INSTITUTION,
    r"(?x)
    (?:\p{Lu}[\p{L}'.-]*\s+){0,6}\b[\p{L}\p{N}_-]*
        (?:[Hh]osp|HOSP|[Cc]linic|CLINIC|[Bb]you?in|BYOU?IN|[Ss]hinryo|[Mm]edical\s+[Cc]ent|MEDICAL\s+CENT|[Uu]niversit|[Dd]aigaku)
        [\p{L}\p{N}_-]*(?:\s+(?:of|for|at)\s+\p{L}[\p{L}'.-]*)*
    | (?:\p{Ll}[\p{L}'.-]*\s+){0,4}\b(?:hospital|clinic|byoin|medical\s+center|university)\b"
);
// A person behind what the person is, and a part of a house by its ending.
pattern!(
    PERSON,
    r"(?:院長|理事長|部長|課長|室長|科長|技師長|師長|係長|主任|担当者?|連絡先|問い?合わ?せ先?|責任者|管理者|氏名)[ 　:：／/]*[\p{Han}\p{Hiragana}\p{Katakana}ー々]{1,12}(?:[ 　][\p{Han}\p{Hiragana}\p{Katakana}ー々]{1,6}){0,2}"
);
pattern!(
    PART_OF_HOUSE,
    r"[\p{Han}\p{Hiragana}\p{Katakana}ー々A-Za-z0-9]*\p{Han}(?:課|部|室|科|会|係|センター|ｾﾝﾀｰ)(?:[ 　][\p{Han}々]{1,4}(?:[ 　][\p{Han}々]{1,4})?)?"
);
// A clinic's name in Latin letters, cut short.
pattern!(
    CUT_SHORT,
    r"(?i)\b[\p{L}\p{N}_]+[-_](?:iin|byoin|ho?s?p|cl|clinic|kai)\b|\b(?:\p{L}+\s+){0,2}\p{L}+\s+ho?s?p\.?(?:\s|$)"
);
pattern!(FLOOR, r"\b[BＢ]?[0-9]{1,2}F\b");
pattern!(
    DATE,
    r"(?xi)
    \b[0-9]{4}[-/.年][0-9]{1,2}[-/.月][0-9]{1,2}日?
    | \b[0-9]{1,2}/[0-9]{1,2}/[0-9]{2,4}\b
    | \b[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?\b
    | \b(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,?\s+)?(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?\s+[0-9]{1,2}\b(?:,?\s+[0-9]{4}\b)?
    | \b[0-9]{1,2}[\s-](?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)[\s-][0-9]{2,4}\b
    | \b(?:19|20)[0-9]{6}\b"
);
pattern!(TELEPHONE, r"\+[0-9][0-9 ()-]{7,}[0-9]|\b0[0-9]{1,4}[-(][0-9]{1,4}[-)][0-9]{3,4}\b");
pattern!(
    TOLD_PLACE,
    r"(?i)\b(?:loc|location|place|site|contact|owner|dept|department|room|sysname|hostname|host|user)\s*[=:]\s*([^;,|<>()]+)"
);
pattern!(
    TOLD_SERIAL,
    r"(?i)\b(?:s/n|sn|ser|serial(?:\s+(?:no|number))?)\.?(?:\s*[=:#-]\s*|\s+)(?:n\s)?([0-9A-Z-]*[0-9][0-9A-Z-]*)"
);
pattern!(UNAME, r"^Linux (\S+)");
pattern!(TOKEN, r"\b[0-9A-Za-z]+(?:[-_][0-9A-Za-z]+)*\b");
pattern!(VERSIONED, r"(?i)(?:v|ver|version|rev|revision|release|build|firmware|fw|os|/)[ .:_-]*$");

/// Endings of names that are no domains.
const FILES: [&str; 16] = [
    "asp", "aspx", "cgi", "css", "gif", "htm", "html", "ico", "jar", "jpg", "js", "jsp", "net",
    "php", "png", "xml",
];

/// Parts of a name that hosts are called by, in lower case.
const OF_HOSTS: [&str; 24] = [
    "gw", "rt", "fw", "sv", "srv", "svr", "sw", "ap", "pc", "ws", "nas", "pacs", "ris", "his",
    "emr", "icu", "er", "ope", "ward", "floor", "host", "vpn", "dmz", "lan",
];

/// Those of them that makers do not use in names of products.
const SURELY_OF_HOSTS: [&str; 8] = ["gw", "rt", "fw", "sv", "srv", "svr", "sw", "pc"];

impl Identity {
    /// Learns from what was seen; what a person `named` is the product's.
    pub(super) fn of(seen: &Seen<'_>, named: &Named<'_>) -> Self {
        let mut identity = Self::default();
        let given = [named.vendor, named.product].into_iter().flatten();
        let written = seen.facts.iter().filter(|(_, field, _)| OF_MAKERS.contains(field));
        for text in given.chain(written.map(|(.., value)| *value)) {
            identity.products.extend(words(text).map(str::to_lowercase));
        }
        for secret in seen.secrets {
            identity.learn(secret);
        }
        for mac in seen.macs {
            for between in [":", "-", ""] {
                identity.names.insert(mac.to_string().replace(':', between));
            }
        }
        let naming = |field: &str| {
            NAMING.iter().any(|ending| field.ends_with(ending)) && !OTHERWISE.contains(&field)
        };
        for (_, _, value) in seen.facts.iter().filter(|(_, field, _)| naming(field)) {
            identity.learn(value);
        }
        // What a certificate says of its owner is a maker's where another field agrees, and otherwise a hospital's.
        let written: BTreeSet<String> = seen
            .facts
            .iter()
            .filter(|(_, field, _)| !field.starts_with("tls.") && super::telling(field).is_some())
            .flat_map(|(.., value)| words(value))
            .map(str::to_lowercase)
            .filter(|word| !identity.names.contains(word))
            .collect();
        let subjects = seen.facts.iter().filter(|(_, field, _)| OF_SUBJECTS.contains(field));
        for (_, field, value) in subjects {
            let value = if *field == "tls.cert.subject" {
                subject_names(value)
            } else {
                (*value).to_owned()
            };
            let agreed = |word: &str| {
                let word = word.to_lowercase();
                written.contains(&word) || identity.products.contains(&word)
            };
            if !words(&value).any(|word| !is_everybodys(word) && agreed(word)) {
                identity.learn(&value);
            }
        }
        identity
    }

    /// Remembers a name and its parts.
    fn learn(&mut self, name: &str) {
        let whole = name.trim().to_lowercase();
        let parts =
            words(&whole).filter(|word| word.chars().count() >= SHORTEST_PART || !word.is_ascii());
        let mut parts: Vec<String> = parts.map(str::to_owned).collect();
        // The first label of a domain's name is the host's.
        if !whole.contains(' ') {
            parts.extend(whole.split('.').next().map(str::to_owned));
        }
        // What stands before the word for a hospital is its name, and may stand alone elsewhere.
        for ending in ["病院", "医院", "クリニック", "診療所", "医療センター"] {
            let before = whole.split(ending).next().filter(|before| whole.len() > before.len());
            parts.extend(before.map(|before| before.trim().to_owned()));
        }
        parts
            .retain(|part| !part.chars().all(|c| c.is_ascii_digit()) || part.len() > SHORTEST_PART);
        parts.push(whole);
        parts.retain(|part| {
            part.chars().count() >= 2
                && !is_everybodys(part)
                && !self.products.contains(part.as_str())
                && part.parse::<u16>().is_err()
                && !matches!(part.as_str(), "true" | "false")
        });
        self.names.extend(parts);
    }

    /// Whether anything that identifies stands in a text.
    pub(super) fn is_in(&self, text: &str) -> bool {
        let lower = text.to_lowercase();
        self.names.iter().any(|name| found(&lower, name).next().is_some())
    }

    /// Whether a text has a part that tells a name, or is one box's alone.
    pub(super) fn tells_whose(&self, text: &str) -> bool {
        self.is_in(text) || !self.spans(text).is_empty()
    }

    /// Whether a text is the name or address of a host, rather than a maker's words.
    pub(super) fn is_host(&self, text: &str) -> bool {
        let is_address = text.parse::<std::net::IpAddr>().is_ok();
        is_address
            || self.domains(text).next().is_some()
            || self.names.contains(&text.to_lowercase())
    }

    /// The parts of a text that identify, or are one box's alone, in their order; none overlaps another.
    pub(super) fn spans(&self, text: &str) -> Vec<(Range<usize>, Kind)> {
        let mut spans: Vec<(Range<usize>, Kind)> = Vec::new();
        let mut add = |range: Range<usize>, kind| {
            if !range.is_empty() {
                spans.push((range, kind));
            }
        };
        let lower = text.to_lowercase();
        // A letter may be longer in lower case; then nothing of this text can be trusted.
        if lower.len() == text.len() {
            let mut names: Vec<&String> = self.names.iter().collect();
            names.sort_by_key(|name| std::cmp::Reverse(name.len()));
            for name in names {
                for range in found(&lower, name) {
                    add(range, Kind::Name);
                }
            }
        } else {
            add(0..text.len(), Kind::Name);
        }
        for hit in INSTITUTION.find_iter(text) {
            add(self.without_products(text, hit.range()), Kind::Name);
        }
        for pattern in
            [&EMAIL, &UUID, &HARDWARE, &PLACE, &PERSON, &PART_OF_HOUSE, &CUT_SHORT, &FLOOR]
        {
            for hit in pattern.find_iter(text) {
                add(hit.range(), Kind::Name);
            }
        }
        for (pattern, kind) in
            [(&UNAME, Kind::Name), (&TOLD_PLACE, Kind::Name), (&TOLD_SERIAL, Kind::Serial)]
        {
            for captures in pattern.captures_iter(text) {
                if let Some(told) = captures.get(1) {
                    add(told.start()..told.start() + told.as_str().trim_end().len(), kind);
                }
            }
        }
        for hit in SIX.find_iter(text).filter(|hit| hit.as_str().parse::<Ipv6Addr>().is_ok()) {
            add(hit.range(), Kind::Name);
        }
        for hit in DATE.find_iter(text).chain(TELEPHONE.find_iter(text)) {
            add(hit.range(), Kind::Date);
        }
        for hit in FOUR.find_iter(text) {
            let before = text.get(..hit.start()).unwrap_or_default();
            let private = hit
                .as_str()
                .parse::<Ipv4Addr>()
                .is_ok_and(|ip| ip.is_private() || ip.is_link_local());
            if private || !VERSIONED.is_match(before) {
                add(hit.range(), Kind::Name);
            }
        }
        for range in self.domains(text) {
            add(range, Kind::Name);
        }
        for hit in TOKEN.find_iter(text) {
            if let Some(kind) = token(hit.as_str()) {
                add(hit.range(), kind);
            }
        }
        apart(spans)
    }

    /// A part of a text without the product's words that it begins with.
    fn without_products(&self, text: &str, range: Range<usize>) -> Range<usize> {
        let found = text.get(range.clone()).unwrap_or_default();
        let mut from = 0;
        for (at, _) in found.match_indices(' ') {
            let first = found.get(from..at).unwrap_or_default().trim();
            if !first.is_empty() && !self.products.contains(&first.to_lowercase()) {
                break;
            }
            from = at + 1;
        }
        range.start + from..range.end
    }

    /// Names of domains in a text that are not the maker's.
    fn domains<'t>(&'t self, text: &'t str) -> impl Iterator<Item = Range<usize>> {
        DOMAIN
            .find_iter(text)
            .filter(|hit| {
                let lower = hit.as_str().to_lowercase();
                let mut labels = lower.rsplit('.');
                let file = labels
                    .next()
                    .is_none_or(|last| FILES.contains(&last) && lower.matches('.').count() == 1);
                let makers = labels.any(|label| self.products.contains(label));
                // A sentence may go on without a space.
                let sentence = hit.as_str().rsplit('.').next().is_some_and(is_capitalised);
                !file && !makers && !sentence
            })
            .map(|hit| hit.range())
    }
}

/// Parts of a text, those that overlap as one; then it is a name, unless both are of one kind.
fn apart(mut spans: Vec<(Range<usize>, Kind)>) -> Vec<(Range<usize>, Kind)> {
    spans.sort_by_key(|(range, _)| (range.start, range.end));
    let mut apart: Vec<(Range<usize>, Kind)> = Vec::new();
    for (range, kind) in spans {
        match apart.last_mut().filter(|(known, _)| range.start < known.end) {
            Some((known, of)) => {
                let same = *of == kind || range.end <= known.end && *of == Kind::Date;
                *of = if same { *of } else { Kind::Name };
                known.end = known.end.max(range.end);
            }
            None => apart.push((range, kind)),
        }
    }
    apart
}

/// Whether a word has one capital, its first letter.
fn is_capitalised(word: &str) -> bool {
    let mut letters = word.chars();
    letters.next().is_some_and(char::is_uppercase) && letters.all(char::is_lowercase)
}

/// What a word of letters and digits is, if it is one box's alone.
fn token(word: &str) -> Option<Kind> {
    let digits = word.chars().filter(char::is_ascii_digit).count();
    let letters = word.chars().filter(char::is_ascii_alphabetic).count();
    let parted = word.contains(['-', '_']);
    let lower = word.to_lowercase();
    let hexadecimal = word.chars().all(|c| c.is_ascii_hexdigit());
    let parts: Vec<&str> = lower
        .split(['-', '_'])
        .map(|part| part.trim_end_matches(|c: char| c.is_ascii_digit()))
        .collect();
    if digits > 0 && letters > 0 && parts.iter().any(|part| OF_HOSTS.contains(part)) {
        return Some(Kind::Name);
    }
    // `KINEN-FW`: what a place calls its firewall.
    if parted && parts.iter().any(|part| SURELY_OF_HOSTS.contains(part)) {
        return Some(Kind::Name);
    }
    // Makers write models in capitals; hosts are called in small letters, but `2-way` is no host.
    let begins = word.starts_with(|c: char| c.is_ascii_alphabetic());
    if digits > 0 && letters > 0 && parted && begins && lower == word {
        return Some(Kind::Name);
    }
    let long = !parted && word.len() >= 9 && digits >= 4;
    let hash = hexadecimal && word.len() >= 8 && digits > 0 && letters > 0;
    let counted = letters == 0 && !parted && word.len() >= 7;
    let mixed = !parted && !begins && letters > 0 && word.len() >= 6 && digits >= 3;
    (long || hash || counted || mixed).then_some(Kind::Serial)
}

/// The values of a certificate's subject, without the names of its parts.
fn subject_names(subject: &str) -> String {
    let values = subject.split(", ").filter_map(|part| part.split_once('='));
    let telling =
        values.filter(|(kind, _)| matches!(*kind, "CN" | "O" | "OU" | "L" | "emailAddress"));
    telling.map(|(_, value)| value).collect::<Vec<_>>().join(" ")
}

/// The words of a text.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != 'ー').filter(|word| !word.is_empty())
}

/// Where `name` stands in `text`, both in lower case: short names only as words of their own.
fn found<'t>(text: &'t str, name: &'t str) -> impl Iterator<Item = Range<usize>> {
    let inside = name.chars().count() >= SHORTEST_INSIDE || !name.is_ascii();
    text.match_indices(name).map(|(at, found)| at..at + found.len()).filter(move |range| {
        let before = text.get(..range.start).and_then(|before| before.chars().next_back());
        let after = text.get(range.end..).and_then(|after| after.chars().next());
        let alone = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
        inside || alone(before) && alone(after)
    })
}
