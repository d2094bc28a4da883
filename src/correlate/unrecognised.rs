//! Boxes at the edge that no signature names, and everything they said about themselves.
//!
//! What a box says of others is left out: whom it talks with, what names are asked for, and whatever may be a
//! person's. The list of what it said is a sort of portrait; a signature can be drafted from it.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use serde::{Deserialize, Serialize};

use super::question::Question;
use crate::{
    fingerprint::{self, Evidence, Sayer},
    observe::{Confidence, Mac, Observation, PacketId, Side, Transport},
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

/// Whether evidence explains a service. A web server that any box may run does not explain the page it gives; a shell is
/// all that its program gives.
pub(super) fn explains(o: &Observation, evidence: &Evidence<'_>) -> bool {
    evidence.confidence >= Confidence::Firm && (!evidence.generic || o.protocol != "http")
}

/// Why whoever said this looks like a box at the edge; `explained` says that a signature knows what was said.
pub(super) fn reason(o: &Observation, explained: bool) -> Option<Reason> {
    let number = |field| o.facts.get(field).and_then(|value| value.parse::<usize>().ok());
    let says = |field, word| o.facts.all(field).any(|value| value == word);
    match o.protocol {
        "ethernet" => {
            (number("ethernet.inside_forwarded") >= Some(FEWEST_JOINED)).then_some(Reason::Forwards)
        }
        "forward" => {
            let question = Question::of(o)?;
            let itself = question.destination.is_ipv4() && question.answers_from().is_some();
            itself.then_some(Reason::Forwards)
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
    "forward.",
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        correlate::{Conclusion, Heard, conclude},
        fingerprint::{Matcher, Signatures},
        observe::{Endpoint, Facts},
        scope::Inside,
        time::Timestamp,
    };

    /// What 192.168.0.`last` says on a port.
    fn says(
        last: u8,
        protocol: &'static str,
        port: u16,
        side: Side,
        facts: &[(&'static str, &str)],
    ) -> Observation {
        let end = |last, port| Endpoint {
            ip: Some(IpAddr::from([192, 168, 0, last])),
            mac: None,
            port: Some(port),
            transport: Transport::Tcp,
        };
        Observation {
            at: Timestamp::default(),
            packet: PacketId { file: 0, number: last.into() },
            heard: crate::observe::Heard::Overheard,
            speaker: end(last, port),
            listener: Some(end(250, 40_000)),
            protocol,
            side,
            confidence: Confidence::Certain,
            facts: facts
                .iter()
                .fold(Facts::default(), |all, (field, value)| all.with(field, value)),
        }
    }

    fn page(last: u8, facts: &[(&'static str, &str)]) -> Observation {
        says(last, "http", 80, Side::Server, facts)
    }

    fn concluded(heard: &[Observation]) -> Conclusion {
        let signatures = Signatures::built_in().unwrap();
        conclude(&Heard {
            observations: heard,
            inside: &Inside::inferred([]),
            vantages: &[],
            matcher: &Matcher::new(&signatures),
            packet: &|id| format!("a.pcap#{}", id.number),
        })
    }

    fn listed(heard: &[Observation]) -> Vec<(String, Vec<Reason>)> {
        let boxes = concluded(heard).unrecognised.into_iter();
        let address = |one: &Unrecognised| one.addresses.first().unwrap().to_string();
        boxes.map(|one| (address(&one), one.why.into_iter().collect())).collect()
    }

    #[test]
    fn an_unknown_box_that_asks_for_a_login_is_listed_and_a_computer_is_not() {
        let heard = [
            page(
                1,
                &[
                    ("http.status", "200"),
                    ("http.title", "EdgeGate X20"),
                    ("http.header.server", "lighttpd/1.4.59"),
                ],
            ),
            page(2, &[("http.status", "401"), ("http.wwwauth.realm", "EdgeGate")]),
            says(3, "telnet", 23, Side::Server, &[("telnet.banner", "EdgeGate login:")]),
            page(
                4,
                &[
                    ("http.status", "200"),
                    ("http.title", "Ward list"),
                    ("http.header.server", "Microsoft-IIS/10.0"),
                ],
            ),
            page(
                5,
                &[
                    ("http.status", "200"),
                    ("http.title", "Duty roster"),
                    ("http.header.server", "nginx"),
                ],
            ),
            says(6, "ssh", 22, Side::Server, &[("ssh.banner", "OpenSSH_9.2p1 Debian-2")]),
            page(7, &[("http.status", "200"), ("http.title", "SoftEther VPN Server")]),
        ];
        assert_eq!(
            listed(&heard),
            [
                ("192.168.0.1".to_owned(), vec![Reason::WebPage]),
                ("192.168.0.2".to_owned(), vec![Reason::LoginPage]),
                ("192.168.0.3".to_owned(), vec![Reason::CommandLine]),
            ]
        );
    }

    #[test]
    fn a_point_that_no_signature_names_is_listed_under_its_own_name() {
        let heard = [says(1, "pptp", 1723, Side::Server, &[("pptp.vendor", "Acme")])];
        let concluded = concluded(&heard);
        let [point] = &*concluded.points else { panic!("{:?}", concluded.points) };
        let [one] = &*concluded.unrecognised else { panic!("{:?}", concluded.unrecognised) };
        assert_eq!((&one.id, one.why.first()), (&point.id, Some(&Reason::MakesPoint)));
        assert_eq!(one.foremost().map(|said| &*said.value), Some("Acme"));
        assert_eq!(one.said[0].observation, "a.pcap#1");
    }

    #[test]
    fn a_program_that_any_box_may_run_does_not_name_the_box() {
        let heard = [
            page(1, &[("http.status", "200"), ("http.title", "EdgeGate X20")]),
            says(1, "ssh", 22, Side::Server, &[("ssh.banner", "dropbear_2022.83")]),
            says(
                1,
                "snmp",
                161,
                Side::Server,
                &[("snmp.engineid.pen", "8072"), ("snmp.sysobjectid", "1.3.6.1.4.1.8072.3.2.10")],
            ),
        ];
        assert_eq!(listed(&heard), [("192.168.0.1".to_owned(), vec![Reason::WebPage])]);
    }

    #[test]
    fn what_is_others_or_may_be_a_persons_is_not_kept() {
        let heard = [
            page(1, &[("http.title", "EdgeGate setup")]),
            says(
                1,
                "vnc",
                5900,
                Side::Server,
                &[("vnc.desktop", "Dr Yamada"), ("vnc.banner", "RFB 003.008")],
            ),
            says(1, "hl7", 2575, Side::Server, &[("hl7.sending_facility", "WARD3")]),
            says(
                1,
                "dns",
                53,
                Side::Server,
                &[("dns.query", "a.example"), ("dns.answer", "192.0.2.1")],
            ),
            says(
                1,
                "http",
                50_000,
                Side::Client,
                &[("http.host", "b.example"), ("http.header.user_agent", "Browser")],
            ),
            says(
                1,
                "snmp",
                161,
                Side::Server,
                &[("snmp.community", "other"), ("snmp.sysname", "gw")],
            ),
            says(
                1,
                "dhcp",
                67,
                Side::Server,
                &[("dhcp.address", "192.168.0.99"), ("dhcp.host_name", "PC-YAMADA")],
            ),
            says(1, "dhcp", 68, Side::Client, &[("dhcp.vendor_class", "EdgeGate")]),
        ];
        let concluded = concluded(&heard);
        let fields: BTreeSet<&str> =
            concluded.unrecognised[0].said.iter().map(|said| &*said.field).collect();
        let kept = ["dhcp.vendor_class", "http.title", "snmp.sysname", "vnc.banner"];
        assert_eq!(fields, kept.into());
    }

    #[test]
    fn boxes_that_say_the_same_stand_together_and_those_that_say_nothing_do_not() {
        let same = [("http.title", "EdgeGate setup")];
        let mut heard: Vec<Observation> = (1..=9).map(|last| page(last, &same)).collect();
        heard.extend((11..=12).map(|last| says(last, "vnc", 5900, Side::Server, &[])));
        let concluded = concluded(&heard);
        let groups = Unrecognised::groups(&concluded.unrecognised);
        assert_eq!(groups.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 9]);
    }

    #[test]
    fn a_box_that_says_too_much_keeps_what_tells_most_and_it_is_told() {
        let long = "x".repeat(1000);
        let mut heard: Vec<Observation> = (0..40_u16)
            .map(|n| says(1, "telnet", 1000 + n, Side::Server, &[("telnet.options", &long)]))
            .collect();
        heard.push(page(1, &[("http.title", "EdgeGate setup")]));
        let concluded = concluded(&heard);
        let said = &concluded.unrecognised[0].said;
        assert_eq!(said[0].value, "EdgeGate setup");
        assert!(said.iter().map(|said| said.value.len()).sum::<usize>() <= MOST_BYTES);
        assert_eq!(concluded.not_kept, 1);
        assert!(
            super::super::coverage::of_boxes(1)
                .is_some_and(|line| line.subject == "boxes_not_kept")
        );
        assert_eq!(super::super::coverage::of_boxes(0), None);
    }
}
