//! Names for names: of the same length, written the same way, the same everywhere.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
};

use sha2::{Digest as _, Sha256};

use crate::observe::Observation;

/// Endings of fields whose values name a box, a person or an institution.
const NAMING: &[&str] = &[
    ".host",
    ".host_name",
    ".hostname",
    ".system_name",
    ".name",
    ".domain",
    ".vtp_domain",
    ".dns_computer",
    ".dns_domain",
    ".dns_tree",
    ".computer",
    ".workgroup",
    ".realm",
    ".serial",
    ".subject",
    ".subject.cn",
    ".subject.o",
    ".subject.ou",
    ".certificate_subject",
    ".contact",
    ".location",
    ".ddns_name",
    ".user",
];

/// Fields that end so and name something else.
const OTHERWISE: &[&str] = &["http.cookie.name", "http.header.name"];

/// Words that are everybody's, or a protocol's: to replace them would hide nothing and break messages.
const EVERYBODYS: &[&str] = &[
    "com",
    "org",
    "net",
    "edu",
    "gov",
    "int",
    "info",
    "local",
    "localhost",
    "localdomain",
    "lan",
    "home",
    "internal",
    "intranet",
    "corp",
    "example",
    "test",
    "invalid",
    "arpa",
    "addr",
    "www",
    "mail",
    "http",
    "https",
    "host",
    "hosts",
    "name",
    "names",
    "server",
    "servers",
    "service",
    "services",
    "client",
    "user",
    "users",
    "admin",
    "administrator",
    "root",
    "guest",
    "workgroup",
    "domain",
    "unknown",
    "none",
    "null",
    "true",
    "false",
    "default",
    "gateway",
    "router",
    "switch",
    "firewall",
    "device",
    "inc",
    "ltd",
    "llc",
    "corporation",
    "company",
    "the",
    "and",
    "for",
    "certificate",
    "cert",
    "authority",
    "self",
    "signed",
    "root",
    "intermediate",
    "encrypt",
    "version",
    "content",
    "type",
    "length",
    "date",
    "accept",
    "connection",
    "close",
    "keep",
    "alive",
    "get",
    "post",
    "head",
    "options",
    "title",
    "html",
    "body",
    "script",
    "linux",
    "windows",
    "unix",
    "ipv4",
    "ipv6",
    "tcp",
    "udp",
    "dns",
    "ssh",
    "tls",
    "ssl",
    "vpn",
    "ike",
    "udap",
    "group",
    "public",
    "private",
    "system",
    "network",
    "networks",
    "security",
    "web",
    "management",
    "remote",
    "desktop",
    "control",
    "session",
    "access",
    "login",
    "password",
    "msbrowse",
    "upnp",
    "schemas",
    "xmlsoap",
    "basicdevice",
    "rootdevice",
    "internetgatewaydevice",
];

/// Names and what stands for them.
#[derive(Debug, Default, Clone)]
pub(super) struct Names(BTreeMap<String, String>);

/// Which rules a fact fulfils: a product must be recognised afterwards as before.
pub type Rules<'a> = &'a dyn Fn(&str, &str) -> Vec<String>;

impl Names {
    /// The names that `observations` tell, with what stands for them by `key`.
    pub(super) fn new(observations: &[Observation], key: &[u8], rules: Rules<'_>) -> Self {
        let facts: BTreeSet<(&str, &str)> =
            observations.iter().flat_map(|observation| observation.facts.iter()).collect();
        let protocols: BTreeSet<&str> =
            crate::observe::PROTOCOLS.iter().map(|protocol| protocol.name).collect();
        let mut names = Self::default();
        let named = facts.iter().filter(|(field, value)| is_naming(field) && !is_address(value));
        for (field, value) in named {
            let is_serial = field.ends_with(".serial");
            for word in words(value) {
                let lower = word.to_lowercase();
                let is_number = !is_serial && word.chars().all(|c| c.is_ascii_digit());
                let is_everybodys =
                    EVERYBODYS.contains(&lower.as_str()) || protocols.contains(lower.as_str());
                if word.chars().count() >= 4 && !is_number && !is_everybodys {
                    let other = pseudonym(&lower, key, |_| true);
                    names.0.entry(lower).or_insert(other);
                }
            }
        }
        // A name that tells the product may change only so far that it goes on telling it.
        for (field, value) in facts {
            let known = rules(field, value);
            if known.is_empty() {
                continue;
            }
            if rules(field, &names.replaced(value)) != known {
                let held = names.held(value);
                for word in &held {
                    let other = pseudonym(word, key, |c| c.is_ascii_digit());
                    names.0.insert(word.clone(), other);
                }
                if rules(field, &names.replaced(value)) != known {
                    names.0.retain(|word, _| !held.contains(word));
                }
            }
        }
        names.0.retain(|word, other| word != other);
        names
    }

    /// Every name and what stands for it, in lower case.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, other)| (name.as_str(), other.as_str()))
    }

    /// `text` with every name in it replaced.
    pub(super) fn replaced(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let found = self.longest_at(rest);
            let length = found.map_or(first.len_utf8(), |(name, _)| name.len());
            let (here, behind) = rest.split_at(length);
            match found {
                Some((_, other)) => out.push_str(&as_written(here, other)),
                None => out.push_str(here),
            }
            rest = behind;
        }
        out
    }

    /// The longest name that `text` begins with.
    fn longest_at(&self, text: &str) -> Option<(&str, &str)> {
        let begins = |(name, _): &(&str, &str)| {
            text.get(..name.len()).is_some_and(|head| head.to_lowercase() == **name)
        };
        self.iter().filter(begins).max_by_key(|(name, _)| name.len())
    }

    fn held(&self, text: &str) -> Vec<String> {
        let lower = text.to_lowercase();
        self.0.keys().filter(|name| lower.contains(name.as_str())).cloned().collect()
    }
}

fn is_naming(field: &str) -> bool {
    NAMING.iter().any(|ending| field.ends_with(ending)) && !OTHERWISE.contains(&field)
}

/// Whether a value is an address, with a port or without.
fn is_address(value: &str) -> bool {
    let bare = value.trim_start_matches('[').trim_end_matches(']');
    bare.parse::<IpAddr>().is_ok() || value.parse::<SocketAddr>().is_ok()
}

/// The words of a value: labels of a domain, values of a certificate's subject.
fn words(value: &str) -> impl Iterator<Item = &str> {
    value.split(|c: char| c.is_ascii() && !c.is_ascii_alphanumeric() && c != '-' && c != '_')
}

/// `other` with capitals where `here` has them.
pub(super) fn as_written(here: &str, other: &str) -> String {
    let same = |(here, other): (char, char)| {
        if here.is_ascii_uppercase() { other.to_ascii_uppercase() } else { other }
    };
    here.chars().zip(other.chars()).map(same).collect()
}

/// A word of the same shape, in which those characters differ that `may`.
fn pseudonym(word: &str, key: &[u8], may: impl Fn(char) -> bool) -> String {
    let digest = Sha256::new().chain_update("name").chain_update(key).chain_update(word).finalize();
    let mut random =
        digest.iter().cycle().zip(0_u32..).map(|(byte, n)| u32::from(*byte) + 7 * (n / 32));
    word.chars()
        .map(|c| {
            let random = random.next().unwrap_or_default();
            let from = |first: char, count: u32| {
                char::from_u32(u32::from(first) + random % count).unwrap_or(first)
            };
            match c {
                _ if !may(c) => c,
                'a'..='z' => from('a', 26),
                '0'..='9' => from('0', 10),
                _ if c.len_utf8() == 3 => from('\u{4e00}', 256),
                _ if c.len_utf8() == 2 => from('\u{e0}', 16),
                other => other,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::{Confidence, Endpoint, Facts, Heard, PacketId, Side, Transport};

    fn heard(facts: &[(&'static str, &str)]) -> Observation {
        Observation {
            at: crate::time::Timestamp::default(),
            packet: PacketId::default(),
            heard: Heard::Overheard,
            speaker: Endpoint { ip: None, mac: None, port: None, transport: Transport::Udp },
            listener: None,
            protocol: "ntlm",
            side: Side::Server,
            confidence: Confidence::Certain,
            facts: facts
                .iter()
                .fold(Facts::default(), |facts, (field, value)| facts.with(field, value)),
        }
    }

    #[test]
    fn a_name_is_replaced_as_it_is_written_and_in_its_length() {
        let told = heard(&[("ntlm.dns_computer", "pacs01.kinen.local"), ("ntlm.domain", "KINEN")]);
        let names = Names::new(&[told], b"key", &|_, _| Vec::new());
        let there = names.replaced("PACS01.Kinen.local and kinen");
        assert_eq!(there.len(), 28);
        assert!(!there.to_lowercase().contains("kinen") && !there.contains("PACS01"), "{there}");
        assert!(there.contains(".local and "));
        assert_eq!(there[7..12].to_lowercase(), there[23..]);
    }

    #[test]
    fn what_tells_the_product_changes_only_where_it_tells_no_more() {
        let told =
            heard(&[("tls.cert.subject.cn", "GATE60F0042"), ("tls.cert.name", "gateway7-kinen")]);
        let rules = |_: &str, value: &str| {
            if value.starts_with("GATE60") || value.starts_with("gateway7") {
                vec!["a".to_owned()]
            } else {
                Vec::new()
            }
        };
        let names = Names::new(&[told], b"some key", &rules);
        for value in ["GATE60F0042", "gateway7-kinen"] {
            assert_eq!(rules("", &names.replaced(value)), rules("", value), "{value}");
        }
    }
}
