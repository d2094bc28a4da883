//! Finding addresses and names in payloads, in every form in which protocols write them.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::{IpAddr, Ipv4Addr},
    ops::Range,
};

use aho_corasick::{AhoCorasick, Input, MatchKind};

use super::{address::Addresses, name::Names};
use crate::observe::Mac;

/// What carries a conversation and one of its ports; 0 for neither, where there are none.
pub(super) type Place = (u8, u16);

/// What is searched for.
pub(super) struct Finder {
    addresses: Addresses,
    /// Texts, whatever their case.
    text: AhoCorasick,
    texts: Vec<Text>,
    /// Numbers, as they are.
    binary: AhoCorasick,
    numbers: Vec<Number>,
}

/// A text, what stands for it in lower case, and how it is written.
struct Text {
    here: String,
    there: String,
    form: Form,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Plain,
    /// Two bytes a character, the lower first.
    Utf16,
    /// As a name in NetBIOS (RFC 1001, 14.1).
    Halves,
}

/// A number, what stands for it, and where alone it means that; everywhere when nowhere is said.
struct Number {
    here: Vec<u8>,
    there: Vec<u8>,
    places: BTreeSet<Place>,
    /// Followed by anything but a digit.
    is_address: bool,
}

/// What is known of a capture.
#[derive(Default)]
pub(super) struct Known {
    /// Every address that has a packet or is told.
    pub addresses: BTreeSet<IpAddr>,
    /// Every hardware address.
    pub macs: BTreeSet<Mac>,
    /// Where messages tell addresses of IPv4.
    pub told: BTreeMap<Ipv4Addr, BTreeSet<Place>>,
    /// Serial numbers of certificates.
    pub serials: BTreeSet<Vec<u8>>,
}

/// Where any address may be told: names and leases.
const TELLS_ANY: [u16; 8] = [53, 67, 68, 137, 138, 5353, 546, 547];

impl Finder {
    /// Searches for what is `known` and for `names`.
    pub(super) fn new(addresses: Addresses, known: &Known, names: &Names, key: &[u8]) -> Self {
        let mut texts = BTreeMap::new();
        for (here, there) in names.iter() {
            texts.insert(here.to_owned(), there.to_owned());
        }
        let mut halves = HashMap::new();
        for (here, there) in names.iter().filter(|(here, _)| here.len() <= 15 && here.is_ascii()) {
            halves.insert(halved(here), halved(there));
        }
        let mut numbers = Vec::new();
        for address in &known.addresses {
            let there = addresses.ip(*address);
            if there == *address {
                continue;
            }
            match (*address, there) {
                (IpAddr::V4(here), IpAddr::V4(there)) => {
                    texts.insert(here.to_string(), there.to_string());
                    let mut places = known.told.get(&here).cloned().unwrap_or_default();
                    places.extend(TELLS_ANY.map(|port| (17, port)));
                    let (here, there) = (here.octets().to_vec(), there.octets().to_vec());
                    numbers.push(Number { here, there, places, is_address: true });
                }
                (IpAddr::V6(here), IpAddr::V6(there)) => {
                    texts.insert(here.to_string(), there.to_string());
                    numbers.push(everywhere(&here.octets(), &there.octets()));
                }
                _ => {}
            }
        }
        for mac in &known.macs {
            let there = addresses.mac(*mac);
            if there == *mac {
                continue;
            }
            let text = |mac: Mac, between: &str| mac.to_string().replace(':', between);
            for between in [":", "-", ""] {
                texts.insert(text(*mac, between), text(there, between));
            }
            // So many zeros mean something else as often.
            if !is_mostly_zero(*mac) {
                numbers.push(everywhere(&mac.0, &there.0));
            }
        }
        for serial in &known.serials {
            let digest = names_bytes(serial, key);
            let there: Vec<u8> = serial
                .iter()
                .zip(digest.iter().cycle())
                .enumerate()
                .map(|(at, (byte, random))| if at == 0 { *byte } else { *random })
                .collect();
            numbers.push(everywhere(serial, &there));
        }
        let mut all = Vec::new();
        for (here, there) in texts {
            all.push(Text { here: here.clone(), there: there.clone(), form: Form::Utf16 });
            all.push(Text { here, there, form: Form::Plain });
        }
        let halves = halves.into_iter().collect::<BTreeMap<_, _>>();
        all.extend(halves.into_iter().map(|(here, there)| Text {
            here,
            there,
            form: Form::Halves,
        }));
        let patterns = all.iter().map(|text| match text.form {
            Form::Utf16 => utf16(&text.here),
            _ => text.here.as_bytes().to_vec(),
        });
        let text = searched(patterns, true);
        let binary = searched(numbers.iter().map(|number| number.here.clone()), false);
        Self { addresses, text, texts: all, binary, numbers }
    }

    /// What stands for addresses.
    pub(super) fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// What in `bytes`, said at one of `places`, is to be replaced by what.
    pub(super) fn found(&self, bytes: &[u8], places: &[Place]) -> Vec<(Range<usize>, Vec<u8>)> {
        let mut found: Vec<(Range<usize>, Vec<u8>)> = Vec::new();
        let mut at = 0;
        while let Some(hit) = self.text.find(Input::new(bytes).range(at..)) {
            at = hit.start() + 1;
            let Some(text) = self.texts.get(hit.pattern().as_usize()) else { continue };
            let written = bytes.get(hit.range()).unwrap_or_default();
            if let Some(there) = text.replaced(bytes, hit.range(), written) {
                at = hit.end();
                found.push((hit.range(), there));
            }
        }
        let mut at = 0;
        while let Some(hit) = self.binary.find(Input::new(bytes).range(at..)) {
            at = hit.start() + 1;
            let Some(number) = self.numbers.get(hit.pattern().as_usize()) else { continue };
            let means = !number.is_address || places.iter().any(|p| number.places.contains(p));
            let overlaps = |(range, _): &(Range<usize>, Vec<u8>)| {
                range.start < hit.end() && hit.start() < range.end
            };
            if means && !found.iter().any(overlaps) {
                at = hit.end();
                found.push((hit.range(), number.there.clone()));
            }
        }
        found
    }

    /// The longest thing that is searched for, in bytes.
    pub(super) fn longest(&self) -> usize {
        self.text.max_pattern_len().max(self.binary.max_pattern_len())
    }
}

impl Text {
    /// What is to stand at `range` of `bytes`, unless something else than the text stands there.
    fn replaced(&self, bytes: &[u8], range: Range<usize>, written: &[u8]) -> Option<Vec<u8>> {
        let step = if self.form == Form::Utf16 { 2 } else { 1 };
        let before = range.start.checked_sub(step).and_then(|at| bytes.get(at)).copied();
        let after = bytes.get(range.end).copied().unwrap_or_default();
        let is_address = self.here.parse::<Ipv4Addr>().is_ok();
        // A longer number, or one with more parts, is another.
        let goes_on = |byte: u8| byte.is_ascii_digit();
        if is_address && (before.is_some_and(goes_on) || goes_on(after)) {
            return None;
        }
        let mut there = match self.form {
            Form::Utf16 => utf16(&self.there),
            _ => self.there.as_bytes().to_vec(),
        };
        if self.form == Form::Halves {
            return Some(there);
        }
        for (there, written) in there.iter_mut().zip(written) {
            if written.is_ascii_uppercase() {
                there.make_ascii_uppercase();
            }
        }
        (there.len() == written.len()).then_some(there)
    }
}

fn searched(patterns: impl Iterator<Item = Vec<u8>>, any_case: bool) -> AhoCorasick {
    let mut builder = AhoCorasick::builder();
    builder.match_kind(MatchKind::LeftmostLongest).ascii_case_insensitive(any_case);
    builder.build(patterns).expect("addresses and names are fewer than an automaton has room for")
}

fn everywhere(here: &[u8], there: &[u8]) -> Number {
    let (here, there) = (here.to_vec(), there.to_vec());
    Number { here, there, places: BTreeSet::new(), is_address: false }
}

/// Whether a hardware address could be many other things.
fn is_mostly_zero(mac: Mac) -> bool {
    mac.0.iter().map(|byte| u8::from(*byte == 0)).sum::<u8>() >= 4
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// A name in NetBIOS, as capitals, without its padding.
fn halved(name: &str) -> String {
    let halves = |byte: u8| [byte >> 4, byte & 15].map(|half| char::from(b'A' + half));
    name.to_ascii_uppercase().bytes().flat_map(halves).collect()
}

fn names_bytes(bytes: &[u8], key: &[u8]) -> Vec<u8> {
    use sha2::{Digest as _, Sha256};
    Sha256::new().chain_update("serial").chain_update(key).chain_update(bytes).finalize().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::{
        Confidence, Endpoint, Facts, Heard, Observation, PacketId, Side, Transport,
    };

    fn finder() -> Finder {
        let told = Observation {
            at: crate::time::Timestamp::default(),
            packet: PacketId::default(),
            heard: Heard::Overheard,
            speaker: Endpoint { ip: None, mac: None, port: None, transport: Transport::Udp },
            listener: None,
            protocol: "nbns",
            side: Side::Server,
            confidence: Confidence::Certain,
            facts: Facts::default().with("nbns.name", "PACS01"),
        };
        let names = Names::new(&[told], b"key", &|_, _| Vec::new());
        let mut known = Known::default();
        known.addresses.insert("192.168.21.34".parse().unwrap());
        known.told.insert([192, 168, 21, 34].into(), [(6, 135)].into());
        known.macs.insert("00:11:22:33:44:55".parse().unwrap());
        Finder::new(Addresses::new(b"key"), &known, &names, b"key")
    }

    /// The parts of `bytes` that are found.
    fn found(bytes: &[u8], places: &[Place]) -> Vec<String> {
        let found = finder().found(bytes, places);
        assert!(found.iter().all(|(range, there)| range.len() == there.len()));
        found
            .iter()
            .map(|(range, _)| String::from_utf8_lossy(&bytes[range.clone()]).into())
            .collect()
    }

    #[test]
    fn a_name_is_found_in_every_form() {
        assert_eq!(found(b"\x06pacs01\x05local", &[]), ["pacs01"]);
        assert_eq!(found(&utf16("at PACS01."), &[]).len(), 1);
        let halves = format!(" {}CA", halved("pacs01"));
        assert_eq!(found(halves.as_bytes(), &[]), [halved("PACS01")]);
        assert_eq!(halved("Fred"), "EGFCEFEE");
    }

    #[test]
    fn an_address_is_no_part_of_a_longer_one_and_a_number_only_where_it_was_told() {
        assert_eq!(found(b"http://192.168.21.34:80/ 192.168.21.340", &[]), ["192.168.21.34"]);
        assert_eq!(found(b"mac=00-11-22-33-44-55", &[]), ["00-11-22-33-44-55"]);
        let number = [9, 192, 168, 21, 34, 9];
        assert_eq!(found(&number, &[(6, 80)]).len(), 0);
        assert_eq!(found(&number, &[(6, 40_000), (6, 135)]).len(), 1);
    }
}
