//! A network as it stands in a text file: tables, and what is wrong with them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use ipnetwork::{IpNetwork, Ipv6Network};
use serde::{Deserialize, de::IgnoredAny};

use super::{
    network::{Ends, Hides},
    routing::End,
    script::{Saying, Then},
};
use crate::observe::Mac;

/// Why a file is no network.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not TOML, or a key or value is not what stands there.
    #[error("{file}: {message}")]
    Malformed {
        /// The file.
        file: String,
        /// Line, value and what was expected.
        message: String,
    },
    /// A value that does not go with the others.
    #[error("{file}: line {line}: `{value}` {reason}")]
    Wrong {
        /// The file.
        file: String,
        /// The line on which the value first stands, from 1; 0 when it could not be told.
        line: usize,
        /// What stands there.
        value: String,
        /// What is wrong, and the fix.
        reason: String,
    },
}

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// What network this is, and where its answers come from.
    pub(super) origin: String,
    /// Whether the one who scans it may send frames.
    #[serde(default = "yes")]
    pub(super) frames: bool,
    #[serde(default)]
    pub(super) segment: Vec<SegmentTable>,
    #[serde(default)]
    pub(super) class: Vec<HostTable>,
    #[serde(default)]
    pub(super) host: Vec<HostTable>,
    #[serde(default)]
    pub(super) farm: Vec<HostTable>,
    #[serde(default)]
    pub(super) line: Vec<LineTable>,
    #[serde(default)]
    pub(super) outside: Vec<OutsideTable>,
    /// The facility file that a test scans it with.
    #[serde(default)]
    #[expect(
        dead_code,
        reason = "only tests read it; it is named here so that it is no unknown key"
    )]
    pub(super) facility: Option<IgnoredAny>,
    /// From where it is looked at.
    #[serde(default)]
    #[expect(
        dead_code,
        reason = "only tests read it; it is named here so that it is no unknown key"
    )]
    pub(super) vantage: Option<IgnoredAny>,
    /// What a test awaits.
    #[serde(default)]
    #[expect(
        dead_code,
        reason = "only tests read it; it is named here so that it is no unknown key"
    )]
    pub(super) expect: Option<IgnoredAny>,
}

/// One link.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SegmentTable {
    pub(super) name: String,
    pub(super) prefixes: Vec<IpNetwork>,
    /// Our foot on it.
    pub(super) interface: Option<InterfaceTable>,
    /// The router that leads to it, where we have no foot on it.
    pub(super) behind: Option<IpAddr>,
}

/// Our foot on a link.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InterfaceTable {
    pub(super) name: String,
    pub(super) mac: Mac,
    pub(super) addresses: Vec<IpAddr>,
}

/// A host, a farm of hosts that are alike, or a class that they take after.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct HostTable {
    /// What it is, for people; of a class, its name.
    #[serde(default)]
    pub(super) name: String,
    /// Whom it takes after.
    pub(super) class: Option<String>,
    #[serde(default)]
    pub(super) addresses: Vec<IpAddr>,
    /// The first address of a farm.
    pub(super) first: Option<IpAddr>,
    /// How many hosts a farm has.
    pub(super) count: Option<u32>,
    /// Its hardware address; of a farm, the first one's.
    pub(super) mac: Option<Mac>,
    /// It answers ARP and neighbour discovery.
    pub(super) resolves: Option<bool>,
    /// It answers echo requests.
    pub(super) echo: Option<bool>,
    /// What its closed ports do.
    pub(super) closed: Option<Closed>,
    pub(super) ttl: Option<u8>,
    /// Milliseconds there and back.
    pub(super) latency: Option<u32>,
    /// Every nth packet to it is lost.
    pub(super) loses: Option<u64>,
    /// It misses the first datagrams to each of its UDP ports.
    pub(super) misses: Option<u64>,
    /// What it says comes this many times.
    pub(super) repeats: Option<u32>,
    /// After this many packets it is slow, after twice as many silent.
    pub(super) distress: Option<u64>,
    /// One packet that is not ARP or neighbour discovery silences it.
    pub(super) fragile: Option<bool>,
    /// Of a hundred packets to it, and of a hundred from it, so many are lost.
    pub(super) loss: Option<u8>,
    /// What it does with packets for its addresses elsewhere.
    pub(super) ends: Option<Ends>,
    /// What it keeps from being seen of itself.
    pub(super) hides: Option<Hides>,
    /// It answers ARP for what it has a route to by another way.
    pub(super) proxies: Option<bool>,
    /// It drops what comes from a source that it would not answer by the same way.
    pub(super) checks_sources: Option<bool>,
    /// Though it does not forward, it says of IPv6 for others that it has no route.
    pub(super) refuses_ipv6: Option<bool>,
    /// How many bytes behind the header of a packet its errors quote.
    pub(super) quotes: Option<usize>,
    pub(super) errors: Option<ErrorsTable>,
    /// Its addresses on networks that are not ours.
    #[serde(default)]
    pub(super) elsewhere: Vec<IpAddr>,
    /// Addresses that it answers for with another hardware address.
    #[serde(default)]
    pub(super) acts_as: Vec<ActsTable>,
    /// Where it forwards to; an empty list for its own links alone.
    pub(super) forwards: Option<Vec<RouteTable>>,
    #[serde(default)]
    pub(super) announces: Vec<AnnounceTable>,
    pub(super) offers: Option<OfferTable>,
    pub(super) advertises: Option<AdvertiseTable>,
    /// The name of the access concentrator that answers at it.
    pub(super) concentrator: Option<String>,
    #[serde(default)]
    pub(super) tcp: Vec<ServiceTable>,
    #[serde(default)]
    pub(super) udp: Vec<ServiceTable>,
}

/// How errors are rationed, to each destination apart.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ErrorsTable {
    /// Milliseconds for which one is saved up.
    pub(super) every: u32,
    /// How many may be saved up.
    #[serde(default = "one")]
    pub(super) burst: u32,
}

/// An address that a host answers for with another hardware address, such as a virtual router's.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ActsTable {
    pub(super) address: IpAddr,
    pub(super) mac: Mac,
}

/// Where a host forwards to: one of `by`, `line` and `ends`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RouteTable {
    pub(super) to: IpNetwork,
    /// The host that leads on.
    pub(super) by: Option<IpAddr>,
    /// The name of the line out of the house.
    pub(super) line: Option<String>,
    /// It leads nowhere.
    pub(super) ends: Option<End>,
}

/// A line out of the house.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LineTable {
    pub(super) name: String,
    /// The host's addresses on it.
    pub(super) near: Vec<IpAddr>,
    /// The outside router's.
    pub(super) far: Vec<IpAddr>,
    /// The outside router's name.
    pub(super) router: String,
    #[serde(default)]
    pub(super) translates: bool,
    pub(super) mtu: Option<u16>,
    /// Milliseconds there and back.
    #[serde(default)]
    pub(super) latency: u32,
    #[serde(default)]
    pub(super) loss: u8,
}

/// A router outside.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OutsideTable {
    pub(super) name: String,
    /// What it has a route to.
    pub(super) behind: Vec<IpNetwork>,
    /// Addresses behind it that answer echo requests.
    #[serde(default)]
    pub(super) answers: Vec<IpAddr>,
    /// Who answers STUN behind it.
    pub(super) responder: Option<SocketAddr>,
    /// It sends no errors.
    #[serde(default)]
    pub(super) silent: bool,
    #[serde(default)]
    pub(super) drops_options: bool,
    pub(super) quotes: Option<usize>,
}

/// A frame that a host says again and again.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AnnounceTable {
    /// Milliseconds in between.
    pub(super) every: u32,
    /// The whole frame.
    pub(super) frame: Bytes,
    /// The segment, where the host stands on several.
    pub(super) on: Option<String>,
}

/// What a server of addresses offers.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OfferTable {
    pub(super) address: Ipv4Addr,
    /// Options beside the kind of message and the server's name.
    #[serde(default)]
    pub(super) options: Bytes,
}

/// What a router of IPv6 tells when it is asked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AdvertiseTable {
    pub(super) lifetime: u16,
    #[serde(default)]
    pub(super) prefixes: Vec<Ipv6Network>,
    pub(super) mtu: Option<u32>,
}

/// What closed ports do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Closed {
    /// They refuse: a reset, or an ICMP error.
    #[default]
    Reset,
    /// They are silent.
    Drop,
}

/// What listens on one port, or on several alike.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ServiceTable {
    #[serde(default)]
    pub(super) port: u16,
    #[serde(default)]
    pub(super) ports: Vec<u16>,
    #[serde(default)]
    pub(super) greets: Bytes,
    #[serde(default)]
    pub(super) greets_after: u32,
    #[serde(default)]
    pub(super) rule: Vec<RuleTable>,
    #[serde(default)]
    pub(super) inside: Vec<RuleTable>,
    pub(super) tls: Option<TlsTable>,
    /// Header lines of every page.
    #[serde(default)]
    pub(super) headers: Vec<String>,
    #[serde(default)]
    pub(super) page: Vec<PageTable>,
    pub(super) drips: Option<Bytes>,
    /// Milliseconds between drips.
    pub(super) every: Option<u32>,
    #[serde(default)]
    pub(super) otherwise: Then,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleTable {
    #[serde(default)]
    pub(super) begins: Bytes,
    #[serde(default)]
    pub(super) contains: Bytes,
    pub(super) turn: Option<u32>,
    #[serde(default)]
    pub(super) answer: Bytes,
    #[serde(default = "one")]
    pub(super) times: u32,
    #[serde(default)]
    pub(super) after: u32,
    #[serde(default)]
    pub(super) then: Then,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TlsTable {
    /// The certificate's name among the keys.
    pub(super) certificate: String,
    /// Both versions when none is named.
    #[serde(default)]
    pub(super) versions: Vec<Version>,
    #[serde(default)]
    pub(super) on_request: bool,
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) enum Version {
    #[serde(rename = "1.2")]
    Two,
    #[serde(rename = "1.3")]
    Three,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PageTable {
    pub(super) path: String,
    pub(super) method: Option<String>,
    #[serde(default = "ok")]
    pub(super) status: u16,
    #[serde(default)]
    pub(super) reason: String,
    /// Header lines of this page alone. `Content-Length` is added unless it is given.
    #[serde(default)]
    pub(super) headers: Vec<String>,
    #[serde(default)]
    pub(super) body: Bytes,
    #[serde(default)]
    pub(super) after: u32,
    #[serde(default)]
    pub(super) then: Then,
}

fn yes() -> bool {
    true
}

fn one() -> u32 {
    1
}

fn ok() -> u16 {
    200
}

/// Bytes: a text, or a table that says how they are written.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(try_from = "Written")]
pub(super) struct Bytes(pub(super) Saying);

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Text(String),
    Table(WrittenTable),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenTable {
    text: Option<String>,
    hex: Option<String>,
    /// The name of a character encoding, of a text.
    encoding: Option<String>,
    times: Option<usize>,
    #[serde(default)]
    gzip: bool,
}

impl TryFrom<Written> for Bytes {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let table = match written {
            Written::Text(text) => return Ok(Self(Saying::of(text.as_bytes()))),
            Written::Table(table) => table,
        };
        let mut saying = match (table.text, table.hex, table.encoding) {
            (Some(text), None, None) => Saying::of(text.as_bytes()),
            (Some(text), None, Some(label)) => {
                let encoding = encoding_rs::Encoding::for_label(label.as_bytes());
                let encoding =
                    encoding.ok_or(format!("`{label}` is no encoding; write \"shift_jis\""))?;
                Saying::of(&encoding.encode(&text).0)
            }
            (None, Some(digits), None) => Saying::parse_hex(&digits)?,
            _ => {
                return Err(
                    "bytes are given as `text`, with or without `encoding`, or as `hex`".into()
                );
            }
        };
        if let Some(times) = table.times {
            saying = saying.repeated(times)?;
        }
        if table.gzip {
            saying = saying.packed()?;
        }
        Ok(Self(saying))
    }
}
