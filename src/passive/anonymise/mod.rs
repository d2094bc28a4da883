//! A capture without a hospital's addresses and names, that makes the same points.
//!
//! 1. What was heard in it tells names ([`name`]), and its packets tell addresses.
//! 2. Each gets another by a key ([`address`]); all are of the same length.
//! 3. They are replaced in headers (`packet`) and wherever else they stand (`text`), and checksums follow.
//!
//! What is encrypted, packed or written in base64 is not looked into.

pub mod address;
mod file;
mod name;
mod packet;
mod text;

use std::{
    collections::BTreeMap,
    io::{self, Read as _},
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
};

use ipnetwork::IpNetwork;

pub use address::Addresses;
pub use name::Rules;

use self::{
    file::File,
    name::Names,
    packet::{Layout, Rewriter},
    text::{Finder, Known},
};
use super::{Replay, capture::Fault};
use crate::{
    observe::{Mac, Transport},
    scope::Vantage,
    wire::{ethernet, ipv4, ipv6},
};

/// The largest capture that is taken into memory, in bytes.
const LARGEST_CAPTURE: u64 = 1 << 30;

/// Keys of a plan whose values name the facility or a person.
const NAMING_KEYS: [&str; 6] = ["name", "facility", "id", "authorisation", "contact", "key"];

/// The key of a plan that says from where the run looked.
const VANTAGE: &str = "vantage";

/// Fields that look like addresses and are none.
const VERSIONS: [&str; 4] = [".version", ".firmware", ".software", ".build"];

/// Why a capture cannot be anonymised.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be read.
    #[error("{}: cannot be read ({source})", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It does not fit into memory.
    #[error("{}: holds more than {LARGEST_CAPTURE} bytes; cut it into parts first, for example with `editcap -c`", .0.display())]
    TooLarge(PathBuf),
    /// A key that could be guessed.
    #[error("{}: a key of {found} bytes can be guessed; it needs {least} at least, for example from `head -c 32 /dev/urandom`", path.display())]
    ShortKey {
        /// The file.
        path: PathBuf,
        /// How long the key is.
        found: usize,
        /// How long it has to be.
        least: usize,
    },
}

/// A capture without addresses and names.
#[derive(Debug)]
pub struct Anonymous {
    /// The capture, in the format that it had, not compressed.
    pub bytes: Vec<u8>,
    /// Where reading ended early, and why; what follows is left out.
    pub fault: Option<Fault>,
    /// Every address that was replaced, and by which.
    pub addresses: BTreeMap<IpAddr, IpAddr>,
    /// Every hardware address that was replaced, and by which.
    pub macs: BTreeMap<Mac, Mac>,
    /// Every name that was replaced, and by which, in lower case.
    pub names: BTreeMap<String, String>,
}

/// Reads the capture at `path` into memory, unpacked.
pub fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let unreadable = |source| Error::Unreadable { path: path.to_owned(), source };
    let file = std::fs::read(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    let unpack: Box<dyn io::Read> = match file.as_slice() {
        [0x1f, 0x8b, ..] => Box::new(flate2::read::MultiGzDecoder::new(file.as_slice())),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            Box::new(zstd::stream::read::Decoder::new(file.as_slice()).map_err(unreadable)?)
        }
        _ => Box::new(file.as_slice()),
    };
    unpack.take(LARGEST_CAPTURE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST_CAPTURE {
        return Err(Error::TooLarge(path.to_owned()));
    }
    Ok(bytes)
}

/// Replaces addresses and names in `capture`, in which `heard` was heard. The same key replaces the same in every
/// capture; `rules` says which signatures a fact fulfils, so that products are recognised afterwards as before.
pub fn anonymise(capture: &[u8], heard: &Replay, key: &[u8], rules: Rules<'_>) -> Anonymous {
    let names = Names::new(&heard.observations, key, rules);
    let mut addresses = Addresses::new(key);
    let mut known = known(heard);
    // A first look, for the addresses in headers.
    for (link_type, range) in &File::read(capture, &|text, _| text.to_owned()).packets_in() {
        known.headers(*link_type, range);
    }
    for address in &known.addresses {
        addresses.learn(*address);
    }
    let words = |text: &str, is_plan: bool| words(text, is_plan, &addresses, &names);
    let file = File::read(capture, &words);
    let finder = Finder::new(addresses.clone(), &known, &names, key);
    let mut rewriter = Rewriter::new(&finder, &known, &file.bytes);
    for (link_type, range) in &file.packets {
        rewriter.packet(*link_type, range.clone());
    }
    let bytes = rewriter.finish();
    let replaced = known.addresses.iter().map(|here| (*here, addresses.ip(*here)));
    let macs = known.macs.iter().map(|here| (*here, addresses.mac(*here)));
    Anonymous {
        bytes,
        fault: file.fault,
        addresses: replaced.filter(|(here, there)| here != there).collect(),
        macs: macs.filter(|(here, there)| here != there).collect(),
        names: names.iter().map(|(here, there)| (here.to_owned(), there.to_owned())).collect(),
    }
}

impl File {
    /// Each packet with its link layer.
    fn packets_in(&self) -> Vec<(i32, &[u8])> {
        let bytes = |range: &std::ops::Range<usize>| self.bytes.get(range.clone());
        self.packets.iter().map(|(link, range)| (*link, bytes(range).unwrap_or_default())).collect()
    }
}

/// What observations tell of addresses.
fn known(heard: &Replay) -> Known {
    let mut known = Known::default();
    for observation in &heard.observations {
        let ends = [Some(observation.speaker), observation.listener];
        let mut places = Vec::new();
        for end in ends.into_iter().flatten() {
            known.addresses.extend(end.ip);
            known.macs.extend(end.mac);
            places.push(match end.transport {
                Transport::Tcp => (6, end.port.unwrap_or_default()),
                Transport::Udp => (17, end.port.unwrap_or_default()),
                Transport::Ip => (0, 0),
                Transport::Ethernet => (255, 0),
            });
        }
        for (field, value) in observation.facts.iter() {
            if VERSIONS.iter().any(|ending| field.ends_with(ending)) {
                continue;
            }
            if let Ok(mac) = value.parse() {
                known.macs.insert(mac);
            }
            if field.ends_with(".serial")
                && let Some(bytes) = unhex(value).filter(|bytes| bytes.len() >= 8)
            {
                known.serials.insert(bytes);
            }
            for address in value.split([' ', ',', '/', '-', ';']).filter_map(address_in) {
                known.addresses.insert(address);
                if let IpAddr::V4(v4) = address {
                    known.told.entry(v4).or_default().extend(places.iter().copied());
                }
            }
        }
    }
    known
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.replace(':', "");
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

/// The address that a word is, with a port or without.
fn address_in(word: &str) -> Option<IpAddr> {
    word.parse().ok().or_else(|| word.parse::<SocketAddr>().ok().map(|end| end.ip()))
}

impl Known {
    /// Notes the addresses in a packet's headers.
    fn headers(&mut self, link_type: i32, bytes: &[u8]) {
        let layout = Layout::of(link_type, bytes);
        let macs = layout.macs.iter().filter_map(|at| bytes.get(*at..)?.first_chunk::<6>());
        self.macs.extend(macs.map(|mac| Mac(*mac)).filter(|mac| !mac.is_group() && !mac.is_zero()));
        let Some((kind, at)) = layout.network else { return };
        let bytes = bytes.get(at..).unwrap_or_default();
        match kind {
            ethernet::IPV4 => {
                if let Ok(packet) = ipv4::Packet::parse(bytes) {
                    self.addresses.extend([packet.source, packet.destination].map(IpAddr::V4));
                }
            }
            ethernet::IPV6 => {
                if let Ok(packet) = ipv6::Packet::parse(bytes) {
                    self.addresses.extend([packet.source, packet.destination].map(IpAddr::V6));
                }
            }
            ethernet::ARP => {
                if let Ok(arp) = crate::wire::arp::Arp::parse(bytes) {
                    self.addresses.extend([arp.sender, arp.target].map(IpAddr::V4));
                }
            }
            _ => {}
        }
    }
}

/// What a comment is to say: with other addresses, and names, and of a plan without whose it is.
fn words(text: &str, is_plan: bool, addresses: &Addresses, names: &Names) -> String {
    let plan = is_plan.then(|| serde_json::from_str::<serde_json::Value>(text).ok()).flatten();
    match plan {
        Some(mut plan) => {
            replace_in(&mut plan, false, addresses, names);
            plan.to_string()
        }
        None => line(text, addresses, names),
    }
}

fn replace_in(value: &mut serde_json::Value, names_it: bool, addresses: &Addresses, names: &Names) {
    use serde_json::Value;
    match value {
        Value::String(text) if names_it => "-".clone_into(text),
        Value::String(text) => *text = line(text, addresses, names),
        Value::Array(values) => {
            for value in values {
                replace_in(value, names_it, addresses, names);
            }
        }
        Value::Object(values) => {
            for (key, value) in values {
                if key == VANTAGE {
                    *value = place(value.as_str().unwrap_or_default()).into();
                    continue;
                }
                let names_it = NAMING_KEYS.contains(&key.as_str()) && !value.is_object();
                replace_in(value, names_it, addresses, names);
            }
        }
        _ => {}
    }
}

/// From where a run looked, without the name of a place in the facility, or of a line outside.
fn place(name: &str) -> String {
    let vantage = name.parse::<Vantage>().unwrap_or_default();
    match (vantage.is_usual(), vantage.is_outside()) {
        (true, _) => vantage.to_string(),
        (_, true) => Vantage::outside().to_string(),
        _ => "place".to_owned(),
    }
}

/// A line with other addresses and names.
fn line(text: &str, addresses: &Addresses, names: &Names) -> String {
    let plain = |word: &str| {
        if let Ok(address) = word.parse::<IpAddr>() {
            addresses.ip(address).to_string()
        } else if let Ok(end) = word.parse::<SocketAddr>() {
            SocketAddr::new(addresses.ip(end.ip()), end.port()).to_string()
        } else if let Some((Ok(first), Ok(last))) = word
            .split_once('-')
            .map(|(first, last)| (first.parse::<IpAddr>(), last.parse::<IpAddr>()))
        {
            format!("{}-{}", addresses.ip(first), addresses.ip(last))
        } else if word.contains('/')
            && let Ok(network) = word.parse::<IpNetwork>()
        {
            addresses.network(network).to_string()
        } else if let Ok(mac) = word.parse::<Mac>() {
            addresses.mac(mac).to_string()
        } else {
            names.replaced(word)
        }
    };
    // What is said of one network: `forward@10.10.1.0/24,10.10.2.0/24@eth1`. Interfaces keep their names.
    let word = |word: &str| match word.split_once('@') {
        Some((subject, place)) if place.contains('/') => {
            let (networks, vantage) = match place.split_once('@') {
                Some((networks, vantage)) => (networks, format!("@{vantage}")),
                None => (place, String::new()),
            };
            let networks: Vec<String> = networks.split(',').map(plain).collect();
            format!("{subject}@{}{vantage}", networks.join(","))
        }
        _ => plain(word),
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_the_facility_is_not_named_and_a_side_is() {
        for (name, shown) in [
            ("inside", "inside"),
            ("outside", "outside"),
            ("outside-carrier", "outside"),
            ("ward-3", "place"),
            ("no place", "inside"),
        ] {
            assert_eq!(place(name), shown, "{name}");
        }
    }
}
