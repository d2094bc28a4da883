//! Boxes at the edge that no signature names, and everything they said about themselves.
//!
//! What a box says of others is left out: whom it talks with, what names are asked for, and whatever may be a
//! person's. The list of what it said is a sort of portrait; a signature can be drafted from it.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use serde::{Deserialize, Serialize};

use crate::{
    fingerprint::{self, Sayer},
    observe::{Mac, Observation, PacketId, Side, Transport},
};

/// How many boxes are kept of a run.
const MOST_BOXES: usize = 4096;

/// How many facts are kept of a box.
const MOST_FACTS: usize = 256;

/// How many bytes of values are kept of a box.
const MOST_BYTES: usize = 16 << 10;

/// A box at the edge that no signature names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unrecognised {
    /// Stable name, made as a point's is; the same where the box makes a point.
    pub id: String,
    /// Its addresses on the inside.
    pub addresses: BTreeSet<IpAddr>,
    /// Its hardware addresses.
    pub macs: BTreeSet<Mac>,
    /// Why it looks like a box at the edge, the strongest first. Never empty.
    pub why: BTreeSet<Reason>,
    /// What it said, what tells most first; at most 256 facts.
    pub said: Vec<Said>,
}

/// One fact that a box told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Said {
    /// The protocol's name.
    pub protocol: String,
    /// What carried it.
    pub transport: Transport,
    /// The box's port, where it listens on one.
    pub port: Option<u16>,
    /// The field.
    pub field: String,
    /// Its value.
    pub value: String,
    /// The first packet that shows it: file name, `#`, and the packet's number.
    pub observation: String,
}

/// Why a box looks like one at the edge. A closed list, the strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It makes a connection point.
    MakesPoint,
    /// It hands packets on between networks of the inside.
    Forwards,
    /// It exchanges routes, or stands in for another router.
    Routes,
    /// It tells its neighbours that it is a router.
    SaysRouter,
    /// Its management agent tells of lines, of several networks, or of a router.
    ManagesLines,
    /// It offers a command line.
    CommandLine,
    /// Its web page wants somebody to log in.
    LoginPage,
    /// It has a web page of its own that no computer's web server gives.
    WebPage,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 8] = [
        Self::MakesPoint,
        Self::Forwards,
        Self::Routes,
        Self::SaysRouter,
        Self::ManagesLines,
        Self::CommandLine,
        Self::LoginPage,
        Self::WebPage,
    ];

    /// The name in JSON and in the word lists.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MakesPoint => "makes_point",
            Self::Forwards => "forwards",
            Self::Routes => "routes",
            Self::SaysRouter => "says_router",
            Self::ManagesLines => "manages_lines",
            Self::CommandLine => "command_line",
            Self::LoginPage => "login_page",
            Self::WebPage => "web_page",
        }
    }
}

impl Unrecognised {
    /// The facts that a signature could be made of, each once: boxes that say the same are of one make.
    pub fn look(&self) -> BTreeSet<(&str, &str)> {
        let tells = |said: &&Said| fingerprint::telling(&said.field).is_some();
        self.said.iter().filter(tells).map(|said| (&*said.field, &*said.value)).collect()
    }

    /// The fact that tells most, if any tells what the box is.
    pub fn foremost(&self) -> Option<&Said> {
        self.said.iter().find(|said| fingerprint::telling(&said.field).is_some())
    }

    /// Boxes in groups that say the same, the strongest reason first, then by address. A box that said nothing
    /// telling is a group of its own.
    pub fn groups(boxes: &[Self]) -> Vec<Vec<&Self>> {
        let mut ordered: Vec<&Self> = boxes.iter().collect();
        ordered.sort_by(|a, b| {
            let rank = |one: &Self| (one.why.first().copied(), one.addresses.first().copied());
            rank(a).cmp(&rank(b)).then_with(|| a.id.cmp(&b.id))
        });
        let mut groups: Vec<Vec<&Self>> = Vec::new();
        let mut places: BTreeMap<BTreeSet<(&str, &str)>, usize> = BTreeMap::new();
        for one in ordered {
            let look = one.look();
            let known = places.get(&look).filter(|_| !look.is_empty());
            if let Some(group) = known.and_then(|place| groups.get_mut(*place)) {
                group.push(one);
            } else {
                places.insert(look, groups.len());
                groups.push(vec![one]);
            }
        }
        groups
    }
}

/// Protocols in which only routers speak.
const OF_ROUTERS: [&str; 10] =
    ["ospf", "eigrp", "bgp", "isis", "vrrp", "hsrp", "glbp", "carp", "pim", "nhrp"];

/// How many inside networks a box hands packets on for before it forwards.
const FEWEST_JOINED: usize = 2;

/// Words of a page, a path or a description that belong to a box with a line or a login, in lower case.
const OF_A_LOGIN: [&str; 22] = [
    "login",
    "log in",
    "logon",
    "log on",
    "signin",
    "sign in",
    "password",
    "admin",
    "setup",
    "setting",
    "config",
    "router",
    "gateway",
    "firewall",
    "vpn",
    "ログイン",
    "ログオン",
    "認証",
    "管理",
    "設定",
    "ルータ",
    "ゲートウェイ",
];

/// Words of a description that belong to a box with a line, in lower case.
const OF_A_LINE: [&str; 13] = [
    "router",
    "gateway",
    "firewall",
    "vpn",
    "broadband",
    "security appliance",
    "utm",
    "lte",
    "adsl",
    "isdn",
    "modem",
    "ルータ",
    "ゲートウェイ",
];

/// Why whoever said this looks like a box at the edge; `explained` says that a signature knows what was said.
pub(super) fn reason(o: &Observation, explained: bool) -> Option<Reason> {
    let number = |field| o.facts.get(field).and_then(|value| value.parse::<usize>().ok());
    let says = |field, word| o.facts.all(field).any(|value| value == word);
    match o.protocol {
        "ethernet" => {
            (number("ethernet.inside_forwarded") >= Some(FEWEST_JOINED)).then_some(Reason::Forwards)
        }
        protocol if OF_ROUTERS.contains(&protocol) => Some(Reason::Routes),
        "lldp" => says("lldp.capability", "router").then_some(Reason::SaysRouter),
        "cdp" => says("cdp.capability", "router").then_some(Reason::SaysRouter),
        "ndp" => (number("ndp.lifetime") > Some(0)).then_some(Reason::SaysRouter),
        "icmp" => o
            .facts
            .get("icmp.router")
            .or_else(|| o.facts.get("icmp.gateway"))
            .map(|_| Reason::SaysRouter),
        _ if o.side != Side::Server || explained => None,
        "telnet" | "ssh" => Some(Reason::CommandLine),
        "snmp" => manages_lines(o).then_some(Reason::ManagesLines),
        "http" => web(o),
        _ => None,
    }
}

/// Whether an agent tells of what leaves a site.
fn manages_lines(o: &Observation) -> bool {
    let described = o.facts.all("snmp.sysdescr").any(|text| has_one_of(text, &OF_A_LINE));
    let addresses = o.facts.all("snmp.address").filter_map(|text| text.parse::<IpAddr>().ok());
    let networks: BTreeSet<[u8; 2]> = addresses
        .filter_map(|address| match address {
            IpAddr::V4(v4) if !v4.is_loopback() => Some([v4.octets()[0], v4.octets()[1]]),
            _ => None,
        })
        .collect();
    described || networks.len() > 1 || o.facts.get("snmp.interface_type").is_some()
}

/// What a web page shows of the box behind it.
fn web(o: &Observation) -> Option<Reason> {
    let named = |field| o.facts.get(field).is_some();
    let asks = |field| o.facts.all(field).any(|text| has_one_of(text, &OF_A_LOGIN));
    let login = ["http.title", "http.header.location", "http.redirect"].into_iter().any(asks);
    if named("http.wwwauth.realm") || login {
        return Some(Reason::LoginPage);
    }
    let served = o.facts.get("http.status").is_none_or(|status| status.starts_with('2'));
    let server = o.facts.get("http.header.server").unwrap_or_default();
    let computers = fingerprint::sayer("http.header.server", server) == Some(Sayer::Computer);
    (named("http.title") && served && !computers).then_some(Reason::WebPage)
}

fn has_one_of(text: &str, words: &[&str]) -> bool {
    let text = text.to_lowercase();
    words.iter().any(|word| text.contains(word))
}

/// Protocols in which whoever asks tells what it is itself.
const OWN_QUESTIONS: [&str; 11] = [
    "dhcp",
    "dhcpv6",
    "ike",
    "openvpn",
    "wireguard",
    "l2tp",
    "l2tpv3",
    "pptp",
    "ssh",
    "sstp",
    "mndp",
];

/// Beginnings of fields that are others', or may be a person's: names that were asked for or answered, who talks
/// with whom, users, patients, screens.
const OF_OTHERS: &[&str] = &[
    "arp.",
    "bgp.reached",
    "bgp.withdrawn",
    "dhcp.address",
    "dhcp.client",
    "dhcp.full_name",
    "dhcp.relay",
    "dhcp.requested",
    "dhcpv6.address",
    "dhcpv6.client",
    "dhcpv6.prefix",
    "dicom.",
    "dns.answer",
    "dns.query",
    "ethernet.",
    "hl7.",
    "http.absolute",
    "http.authorization",
    "http.connect",
    "http.host",
    "http.path",
    "http.proxy_authorization",
    "icmp.quoted",
    "icmpv6.quoted",
    "llmnr.",
    "mdns.query",
    "mqtt.",
    "nat_pmp.client",
    "nat_pmp.mapping",
    "nbns.query",
    "ntlm.",
    "ppp.",
    "radius.",
    "rdp.client",
    "rdp.cookie",
    "rip.route",
    "sip.contact",
    "sip.host",
    "sip.received",
    "sip.via",
    "smb.called",
    "smb.calling",
    "snmp.community",
    "socks.destination",
    "socks.password",
    "stun.mapped",
    "stun.peer",
    "stun.relayed",
    "tls.sni",
    "vnc.desktop",
    "xdmcp.",
];

/// Of fields that begin as others', those that are the box's own.
const OWN: [&str; 2] = ["dicom.implementation", "dicom.implementation_version"];

/// Whether a fact is about the box that told it.
fn is_own(o: &Observation, field: &str) -> bool {
    let told = o.side != Side::Client || OWN_QUESTIONS.contains(&o.protocol);
    // Who gives addresses speaks of others.
    let leases = matches!(o.protocol, "dhcp" | "dhcpv6") && o.side == Side::Server;
    let lease = leases && !field.ends_with(".server") && !field.ends_with(".router");
    let others = OF_OTHERS.iter().any(|beginning| field.starts_with(beginning));
    told && !lease && (!others || OWN.contains(&field))
}

/// What one box said: how telling it is and where it stands, and the first packet that shows it.
#[derive(Debug, Default)]
pub(super) struct Sayings<'o>(BTreeMap<Place<'o>, PacketId>);

/// A fact, in the order in which facts are kept.
type Place<'o> = (usize, &'o str, Transport, Option<u16>, &'o str, &'o str);

impl<'o> Sayings<'o> {
    /// Adds what an observation tells of its speaker.
    pub(super) fn add(&mut self, o: &'o Observation) {
        let port = o.speaker.port.filter(|_| o.side != Side::Client);
        for (field, value) in o.facts.iter().filter(|(field, _)| is_own(o, field)) {
            let rank = fingerprint::telling(field).unwrap_or(usize::MAX);
            let place = (rank, o.protocol, o.speaker.transport, port, field, value);
            let first = self.0.entry(place).or_insert(o.packet);
            *first = o.packet.min(*first);
        }
    }

    /// What is kept of it, and whether that is all.
    fn kept(self, packet: &dyn Fn(PacketId) -> String) -> (Vec<Said>, bool) {
        let mut said = Vec::new();
        let mut bytes = 0;
        let all = self.0.len();
        for ((_, protocol, transport, port, field, value), at) in self.0 {
            bytes += value.len();
            if said.len() >= MOST_FACTS || bytes > MOST_BYTES {
                break;
            }
            said.push(Said {
                protocol: protocol.to_owned(),
                transport,
                port,
                field: field.to_owned(),
                value: value.to_owned(),
                observation: packet(at),
            });
        }
        let whole = said.len() == all;
        (said, whole)
    }
}

/// A box that is going to be kept.
pub(super) struct Found<'o> {
    /// Its name, addresses and reasons, with nothing said.
    pub known: Unrecognised,
    /// What it said.
    pub sayings: Sayings<'o>,
}

/// The boxes that are kept, in the order of their addresses, and how many lost something or everything to the bounds.
pub(super) fn kept(
    mut found: Vec<Found<'_>>,
    packet: &dyn Fn(PacketId) -> String,
) -> (Vec<Unrecognised>, usize) {
    // Where there are too many, those that matter most are kept.
    found.sort_by(|a, b| {
        let rank = |one: &Found<'_>| one.known.why.first().copied();
        rank(a).cmp(&rank(b)).then_with(|| order(&a.known).cmp(&order(&b.known)))
    });
    let mut lost = found.len().saturating_sub(MOST_BOXES);
    found.truncate(MOST_BOXES);
    let mut boxes: Vec<Unrecognised> = found
        .into_iter()
        .map(|Found { known, sayings }| {
            let (said, whole) = sayings.kept(packet);
            lost += usize::from(!whole);
            Unrecognised { said, ..known }
        })
        .collect();
    boxes.sort_by(|a, b| order(a).cmp(&order(b)));
    (boxes, lost)
}

fn order(one: &Unrecognised) -> (&BTreeSet<IpAddr>, &BTreeSet<Mac>, &str) {
    (&one.addresses, &one.macs, &one.id)
}
