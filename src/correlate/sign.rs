//! What one observation says about a connection point.
//!
//! The rules are values in lists: which protocols make which kind of point, heard from which side.

use std::net::IpAddr;

use super::{Direction, Kind, Service, answer::Answers};
use crate::{
    fingerprint::Evidence,
    observe::{Confidence, Endpoint, Observation, Side},
    scope::Inside,
};

/// A sign of a connection point.
#[derive(Debug, Clone)]
pub(super) struct Sign<'a> {
    /// Whose point it is: the inside end that the sign is about.
    pub about: Endpoint,
    /// What kind of point it makes; none when it only adds to one that other signs make.
    pub kind: Option<Kind>,
    /// The rule, as reports name it.
    pub evidence: String,
    /// The field that was read.
    pub field: String,
    /// Its value.
    pub value: String,
    /// What was observed.
    pub observation: &'a Observation,
    /// How likely the sign alone makes the point, 0 to 1.
    pub weight: f64,
    /// The packet alone shows the point.
    pub proves: bool,
    /// Which way connections are opened.
    pub direction: Direction,
    /// What is served or dialled.
    pub service: Option<Service>,
    /// The outside address that it shows: one that is dialled where there is a service, otherwise the box's own.
    pub outside: Option<IpAddr>,
}

/// Protocols that make a point of whoever answers in them, or dials out in them.
struct Trade {
    protocols: &'static [&'static str],
    /// The point of who answers inside, and its rule.
    answers: (Kind, &'static str),
    /// The point of who dials outside, and its rule.
    dials: Option<(Kind, &'static str)>,
}

static TRADES: &[Trade] = &[
    Trade {
        protocols: &[
            "ike",
            "openvpn",
            "wireguard",
            "l2tp",
            "l2tpv3",
            "pptp",
            "sstp",
            "softether",
            "anyconnect",
            "forticlient",
            "cisco_vpn",
        ],
        answers: (Kind::VpnGateway, "answers_vpn"),
        dials: Some((Kind::VpnClient, "dials_vpn")),
    },
    Trade {
        protocols: &["rdp", "rdp_udp", "vnc", "ica", "x11", "xdmcp", "nomachine", "spice"],
        answers: (Kind::RemoteDesktop, "answers_remote_desktop"),
        dials: None,
    },
    Trade {
        protocols: &[
            "teamviewer",
            "anydesk",
            "rustdesk",
            "radmin",
            "splashtop",
            "dameware",
            "pcanywhere",
            "screenconnect",
        ],
        answers: (Kind::RemoteControl, "answers_remote_control"),
        dials: Some((Kind::RemoteControl, "dials_remote_control")),
    },
    Trade {
        protocols: &["tailscale", "zerotier", "tinc", "nebula", "n2n"],
        answers: (Kind::OverlayNetwork, "overlay_member"),
        dials: Some((Kind::OverlayNetwork, "overlay_member")),
    },
    Trade {
        protocols: &["socks", "proxy_tunnel"],
        answers: (Kind::ProxyRelay, "relays"),
        dials: Some((Kind::ProxyRelay, "relays")),
    },
];

/// Protocols that carry whole packets, whose inside end with an outside one is a way out.
static TUNNELS: &[(&str, Kind)] = &[
    ("esp", Kind::VpnClient),
    ("ah", Kind::VpnClient),
    ("gre", Kind::VpnClient),
    ("ipip", Kind::VpnClient),
    ("etherip", Kind::VpnClient),
    ("vxlan", Kind::VpnClient),
    ("geneve", Kind::VpnClient),
    ("6in4", Kind::Ipv6Exit),
    ("teredo", Kind::Ipv6Exit),
    ("ayiya", Kind::Ipv6Exit),
];

/// Protocols of a shell, which is a point only when its other end is outside.
const SHELLS: [&str; 2] = ["ssh", "telnet"];

/// What a signature's role makes of whoever it names, and which way connections go.
static ROLES: &[(&str, Kind, Direction)] = &[
    ("vpn-gateway", Kind::VpnGateway, Direction::In),
    ("firewall", Kind::VpnGateway, Direction::In),
    ("mobile-router", Kind::MobileRouter, Direction::Out),
    ("remote-desktop", Kind::RemoteDesktop, Direction::In),
    ("remote-control", Kind::RemoteControl, Direction::In),
    ("outbound-agent", Kind::OutboundAgent, Direction::Out),
    ("overlay-network", Kind::OverlayNetwork, Direction::Out),
    ("proxy", Kind::ProxyRelay, Direction::In),
];

/// Fields in which a client names the service that it wants.
const NAMES_OF_SERVICES: [&str; 5] =
    ["dns.query", "tls.sni", "quic.sni", "http.host", "http.connect"];

/// Fields that tell a product, but not what it serves.
const OF_NO_SERVICE: [&str; 2] = ["mac.oui", "ntlm.os_build"];

/// How much a reading of this confidence weighs.
fn weight(confidence: Confidence) -> f64 {
    match confidence {
        Confidence::Weak => 0.35,
        Confidence::Firm => 0.8,
        Confidence::Certain => 0.95,
    }
}

/// How much a question weighs that nobody was heard to answer: less than makes more than a hint.
const UNANSWERED: f64 = 0.4;

/// What `observation` alone says, by its protocol and side, and by whether it had an answer.
pub(super) fn of_protocol<'a>(
    observation: &'a Observation,
    inside: &Inside,
    answers: &Answers,
) -> Vec<Sign<'a>> {
    let o = observation;
    let is_inside = |end: &Endpoint| end.ip.is_some_and(|ip| inside.contains(ip));
    let far = o.listener.as_ref();
    let outward = far.filter(|far| far.ip.is_some_and(|ip| inside.is_outside(ip)));
    let mut signs = Vec::new();
    let (field, value) = telling(o);
    let mut add = |about: Endpoint,
                   kind,
                   evidence: &str,
                   weight: f64,
                   proves,
                   direction,
                   outside: Option<IpAddr>| {
        // What listens is told by its own port, what dials by the port it dials.
        let listens = direction == Direction::In || evidence == "relays";
        let dialled = || outside_port(o, inside).or(about.port);
        let port = if listens { about.port } else { dialled() };
        signs.push(Sign {
            about,
            kind: Some(kind),
            evidence: evidence.to_owned(),
            field: field.clone(),
            value: value.clone(),
            observation: o,
            weight,
            proves,
            direction,
            service: Some(Service {
                transport: about.transport,
                port,
                protocol: o.protocol.to_owned(),
            }),
            outside,
        });
    };
    let sure = weight(o.confidence);
    let shown = o.confidence >= Confidence::Firm;
    let unanswered = sure * UNANSWERED;
    let two_way = |outward: &Endpoint| outward.ip.is_some_and(|ip| answers.speaks(o.protocol, ip));
    for trade in TRADES.iter().filter(|trade| trade.protocols.contains(&o.protocol)) {
        let (kind, rule) = trade.answers;
        match (o.side, is_inside(&o.speaker), far) {
            // It answers inside, whoever asks.
            (Side::Server, true, _) => add(o.speaker, kind, rule, sure, shown, Direction::In, None),
            // It answers outside: whoever asked it from inside dials out, and was let.
            (Side::Server, false, Some(far)) if is_inside(far) => {
                if let Some((kind, rule)) = trade.dials {
                    add(*far, kind, rule, sure, shown, Direction::Out, o.speaker.ip);
                }
            }
            (Side::Client, true, Some(_)) => {
                if let (Some((kind, rule)), Some(outward)) = (trade.dials, outward) {
                    let answered = outward.ip.is_some_and(|ip| answers.answers(o.protocol, ip));
                    let (rule, sure) =
                        if answered { (rule, sure * 0.8) } else { ("asks_outside", unanswered) };
                    add(o.speaker, kind, rule, sure, false, Direction::Out, outward.ip);
                }
            }
            // Somebody outside asks somebody inside: no answer, no proof. Whoever asks everybody shows nothing.
            (Side::Client, false, Some(far)) if is_inside(far) => {
                let talks = far.ip.is_some_and(|ip| answers.speaks(o.protocol, ip));
                if !talks && !o.speaker.ip.is_some_and(|ip| answers.sweeps(ip)) {
                    let rule = "asked_from_outside";
                    add(*far, kind, rule, unanswered, false, Direction::In, None);
                }
            }
            (Side::Peer, true, _) => match (trade.dials, outward) {
                (Some((kind, rule)), Some(outward)) => {
                    let (rule, sure, shown) = if two_way(outward) {
                        (rule, sure, shown)
                    } else {
                        ("asks_outside", unanswered, false)
                    };
                    add(o.speaker, kind, rule, sure, shown, Direction::Out, outward.ip);
                }
                _ => add(o.speaker, kind, rule, sure * 0.6, false, Direction::Both, None),
            },
            _ => {}
        }
    }
    if let Some((_, kind)) = TUNNELS.iter().find(|(name, _)| *name == o.protocol)
        && is_inside(&o.speaker)
        && let Some(outward) = outward
    {
        let (rule, sure, shown) = if two_way(outward) {
            ("tunnel_endpoint", sure, shown)
        } else {
            ("asks_outside", unanswered, false)
        };
        add(o.speaker, *kind, rule, sure, shown, Direction::Out, outward.ip);
    }
    if SHELLS.contains(&o.protocol) {
        match (o.side, is_inside(&o.speaker), outward) {
            (Side::Server, true, Some(_)) => {
                add(
                    o.speaker,
                    Kind::RemoteShell,
                    "shell_from_outside",
                    sure,
                    shown,
                    Direction::In,
                    None,
                );
            }
            // A shell that is dialled outward can carry a tunnel back in; that it does cannot be seen.
            (Side::Client, true, Some(outward)) => {
                add(
                    o.speaker,
                    Kind::ProxyRelay,
                    "dials_shell",
                    0.4,
                    false,
                    Direction::Out,
                    outward.ip,
                );
            }
            _ => {}
        }
    }
    // Within a building nobody wraps a shell into TLS: it is made to pass what only lets the web pass.
    let wrapped = o.speaker.ip.is_some_and(|ip| answers.inside_tls(ip, o.speaker.port));
    if SHELLS.contains(&o.protocol) && o.side == Side::Server && is_inside(&o.speaker) && wrapped {
        let (kind, rule) = (Kind::RemoteShell, "shell_inside_tls");
        add(o.speaker, kind, rule, sure * 0.8, false, Direction::In, None);
    }
    if o.protocol == "http" && o.side == Side::Client {
        for field in ["http.connect", "http.absolute"] {
            let relay = far.filter(|far| is_inside(far) && o.facts.get(field).is_some());
            if let Some(relay) = relay {
                add(*relay, Kind::ProxyRelay, "relays", UNANSWERED, false, Direction::Out, None);
            }
        }
    }
    signs
}

/// What an answer shows that came to a question from outside, whatever it says: that this service is open there. It
/// adds to a point that other signs make.
pub(super) fn of_outside(observation: &Observation) -> Option<Sign<'_>> {
    let o = observation;
    let (field, value) = telling(o);
    (o.side == Side::Server).then(|| Sign {
        about: o.speaker,
        kind: None,
        evidence: "answers_outside".to_owned(),
        field,
        value,
        observation: o,
        weight: 0.0,
        proves: false,
        direction: Direction::In,
        service: Some(Service {
            transport: o.speaker.transport,
            port: o.speaker.port,
            protocol: o.protocol.to_owned(),
        }),
        outside: None,
    })
}

/// What a signature's match on `observation` says. `is_resolver` tells whose name questions are others'.
pub(super) fn of_signature<'a>(
    observation: &'a Observation,
    field: &str,
    value: &str,
    evidence: &Evidence<'_>,
    inside: &Inside,
    is_resolver: impl Fn(&Endpoint) -> bool,
) -> Option<Sign<'a>> {
    let speaker = observation.speaker;
    let local = speaker.ip.map_or(speaker.mac.is_some(), |ip| inside.contains(ip));
    let names_service = NAMES_OF_SERVICES.contains(&field);
    let asks = observation.side == Side::Client;
    if !local || names_service && (!asks || field == "dns.query" && is_resolver(&speaker)) {
        return None;
    }
    let role = ROLES.iter().find(|(role, ..)| *role == evidence.role);
    // Whoever made a network card also made others, the system that signs somebody in serves more than one thing, and
    // other people's words are no proof: alone they make no point.
    let makes = !OF_NO_SERVICE.contains(&field)
        && evidence.collection.is_none()
        && (names_service || !asks);
    let kind = role.map(|(_, kind, _)| *kind).filter(|_| makes);
    // Who looks for a VPN by its name is not that VPN.
    let kind = kind.map(|kind| match kind {
        Kind::VpnGateway if names_service => Kind::VpnClient,
        kind => kind,
    });
    let direction = match role {
        Some(_) if names_service => Direction::Out,
        Some((_, _, direction)) => *direction,
        None => Direction::In,
    };
    let listens = !names_service && observation.side == Side::Server && speaker.port.is_some();
    Some(Sign {
        about: speaker,
        kind,
        evidence: evidence.rule.to_owned(),
        field: field.to_owned(),
        value: value.to_owned(),
        observation,
        // A name or a banner names the product; that the product is in use as such is one step more.
        weight: weight(evidence.confidence) * 0.8,
        proves: false,
        direction,
        service: listens.then(|| Service {
            transport: speaker.transport,
            port: speaker.port,
            protocol: observation.protocol.to_owned(),
        }),
        outside: None,
    })
}

/// The port of the outside end.
fn outside_port(o: &Observation, inside: &Inside) -> Option<u16> {
    let outside = |end: &Endpoint| end.ip.is_some_and(|ip| inside.is_outside(ip));
    [Some(o.speaker), o.listener].into_iter().flatten().find(outside)?.port
}

/// Endings of fields that people recognise a box by, the best first.
const TELLING: [&str; 14] = [
    ".banner",
    ".title",
    ".subject",
    ".server",
    ".vendor_text",
    ".vendor",
    ".software",
    ".host",
    ".name",
    ".selected",
    ".mode",
    ".exchange",
    ".security",
    ".method",
];

/// The fact that tells a reader most: one that names the box, else the first, else the protocol itself.
fn telling(o: &Observation) -> (String, String) {
    let named =
        TELLING.iter().find_map(|ending| o.facts.iter().find(|(field, _)| field.ends_with(ending)));
    let (field, value) =
        named.or_else(|| o.facts.iter().next()).unwrap_or((o.protocol, o.protocol));
    (field.to_owned(), value.to_owned())
}
