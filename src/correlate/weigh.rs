//! Signs about one box to one point.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use sha2::{Digest, Sha256};

use super::{Because, Direction, Grade, Kind, Point, Product, Sides, sign::Sign};
use crate::{
    fingerprint::{self, Evidence},
    observe::{Mac, PacketId},
    scope::inside::is_nowhere,
};

/// How many reasons a point keeps for each kind of evidence.
const MOST_REASONS: usize = 6;

/// How sure a product must be to be named.
const SUREST_GUESS: f64 = 0.5;

/// How many names a point keeps.
const MOST_NAMES: usize = 8;

/// Fields in which a box names itself.
pub(super) const NAMES: [&str; 12] = [
    "nbns.name",
    "dcerpc.host",
    "ntlm.computer",
    "ntlm.dns_computer",
    "mdns.host",
    "dhcp.host_name",
    "snmp.sysname",
    "lldp.system_name",
    "cdp.device",
    "mndp.identity",
    "l2tp.host_name",
    "pptp.host_name",
];

/// Which roles of signatures can be the product of which kind of point; the first that is found counts.
fn roles(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::InternetGateway
        | Kind::ClosedNetworkGateway
        | Kind::MaintenanceRouter
        | Kind::Ipv6Exit => &["firewall", "vpn-gateway", "router", "mobile-router"],
        Kind::MobileRouter => &["mobile-router", "router"],
        Kind::VpnGateway => &["vpn-gateway", "firewall", "router"],
        Kind::VpnClient => &["vpn-gateway", "overlay-network", "router", "firewall"],
        Kind::RemoteDesktop => &["remote-desktop", "remote-control"],
        Kind::RemoteControl => &["remote-control", "remote-desktop"],
        Kind::OutboundAgent => &["outbound-agent", "remote-control"],
        Kind::OverlayNetwork => &["overlay-network", "vpn-gateway"],
        Kind::ProxyRelay => &["proxy", "remote-shell"],
        Kind::RemoteShell => &["remote-shell"],
        Kind::DualHomedHost | Kind::DialUp | Kind::DeclaredLine => &[],
    }
}

/// The point that `signs` make of the box with these addresses, if they make one.
pub(super) fn point(
    addresses: &BTreeSet<IpAddr>,
    macs: &BTreeSet<Mac>,
    mut signs: Vec<Sign<'_>>,
    named: &[Evidence<'_>],
    packet: &dyn Fn(PacketId) -> String,
) -> Option<Point> {
    signs.sort_by(|a, b| {
        let strength = b.proves.cmp(&a.proves).then(b.weight.total_cmp(&a.weight));
        strength
            .then_with(|| a.observation.packet.cmp(&b.observation.packet))
            .then_with(|| (&a.evidence, &a.value).cmp(&(&b.evidence, &b.value)))
    });
    let kind = kind(&signs)?;
    let supports = |sign: &&Sign<'_>| sign.kind.is_some();
    let confidence = likelihood(signs.iter().filter(supports));
    let mut direction = None;
    for sign in signs.iter().filter(supports) {
        direction = match direction {
            Some(known) if known != sign.direction => Some(Direction::Both),
            _ => Some(sign.direction),
        };
    }
    // What speaks for the kind is told first; what only names a product or another service, after it.
    let serves = |sign: &Sign<'_>| match sign.kind {
        Some(other) if other == kind => 0,
        Some(_) => 1,
        None => 2,
    };
    signs.sort_by_key(serves);
    let outside: BTreeSet<IpAddr> = signs.iter().filter_map(|sign| sign.outside).collect();
    let services = signs.iter().filter_map(|sign| sign.service.clone()).collect();
    Some(Point {
        id: id(addresses, macs),
        kind,
        grade: grade(&signs),
        confidence: (confidence * 1000.0).round() / 1000.0,
        direction: direction.unwrap_or(Direction::Both),
        addresses: shown(addresses, macs),
        macs: macs.clone(),
        outside,
        services,
        product: product(kind, named),
        names: names(&signs),
        lines: Vec::new(),
        because: because(&signs, packet),
        sides: Sides::default(),
    })
}

/// The addresses of a box that reports show.
pub(super) fn shown(addresses: &BTreeSet<IpAddr>, macs: &BTreeSet<Mac>) -> BTreeSet<IpAddr> {
    let tells =
        |ip: &&IpAddr| !is_nowhere(**ip) || ip.is_ipv6() || ip.is_loopback() && macs.is_empty();
    addresses.iter().filter(tells).copied().collect()
}

/// The role whose products are programs that any box may run: to know one is not to know the box, unless the program
/// itself is what makes the point.
const PROGRAMS: &str = "remote-shell";

/// Whether signatures name a box, by more than what is spoken, its network card, or a program that it runs.
pub(super) fn is_named(kind: Option<Kind>, named: &[Evidence<'_>]) -> bool {
    fingerprint::combine(named).iter().any(|ranked| {
        let program =
            ranked.role == PROGRAMS && !kind.is_some_and(|kind| roles(kind).contains(&PROGRAMS));
        !ranked.generic && !program && ranked.confidence >= SUREST_GUESS
    })
}

/// What the box calls itself, in the strongest signs.
fn names(signs: &[Sign<'_>]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let said = signs
        .iter()
        .flat_map(|sign| NAMES.iter().flat_map(|field| sign.observation.facts.all(field)));
    for name in said {
        if names.len() >= MOST_NAMES {
            break;
        }
        names.insert(name.to_owned());
    }
    names
}

/// The kind whose signs weigh most. Of those that a packet shows, the more particular one: whoever forwards
/// may also serve, and what it serves is the nearer door.
fn kind(signs: &[Sign<'_>]) -> Option<Kind> {
    let mut kinds: BTreeMap<Kind, Vec<&Sign<'_>>> = BTreeMap::new();
    for sign in signs {
        if let Some(kind) = sign.kind {
            kinds.entry(kind).or_default().push(sign);
        }
    }
    let rank = |kind: Kind, signs: &[&Sign<'_>]| {
        let shown = signs.iter().any(|sign| sign.proves);
        let strong = likelihood(signs.iter().copied()) >= 0.6;
        // A way out that no packet shows is no nearer than anything that the box serves.
        let near = if shown || kind != Kind::InternetGateway { nearness(kind) } else { 1 };
        (shown || strong, near, shown)
    };
    kinds.iter().max_by_key(|(kind, signs)| rank(**kind, signs)).map(|(kind, _)| *kind)
}

/// How particular a kind is, where a box could be called several.
pub(super) fn nearness(kind: Kind) -> u8 {
    match kind {
        Kind::MobileRouter => 9,
        Kind::VpnGateway => 8,
        Kind::RemoteControl => 7,
        Kind::RemoteDesktop | Kind::OverlayNetwork => 6,
        Kind::VpnClient | Kind::OutboundAgent => 5,
        Kind::MaintenanceRouter | Kind::ClosedNetworkGateway | Kind::DualHomedHost => 4,
        Kind::InternetGateway => 3,
        Kind::ProxyRelay => 2,
        Kind::Ipv6Exit | Kind::RemoteShell => 1,
        Kind::DialUp | Kind::DeclaredLine => 0,
    }
}

/// How likely signs that do not depend on each other are right together. The same rule over and over counts
/// once, with its strongest.
fn likelihood<'a, 's: 'a>(signs: impl Iterator<Item = &'a Sign<'s>>) -> f64 {
    let mut rules: BTreeMap<&str, f64> = BTreeMap::new();
    for sign in signs {
        let known = rules.entry(&sign.evidence).or_insert(0.0);
        *known = known.max(sign.weight);
    }
    1.0 - rules.values().map(|weight| 1.0 - weight).product::<f64>()
}

fn grade(signs: &[Sign<'_>]) -> Grade {
    let supporting: Vec<&Sign<'_>> = signs.iter().filter(|sign| sign.kind.is_some()).collect();
    let rules: BTreeSet<&str> = supporting.iter().map(|sign| sign.evidence.as_str()).collect();
    let strongest = supporting.iter().map(|sign| sign.weight).fold(0.0, f64::max);
    if supporting.iter().any(|sign| sign.proves) {
        Grade::Proved
    } else if rules.len() >= 2 && strongest >= 0.5 {
        Grade::Corroborated
    } else if strongest >= 0.5 {
        Grade::Inferred
    } else {
        Grade::Hint
    }
}

fn product(kind: Kind, named: &[Evidence<'_>]) -> Option<Product> {
    let mut ranked = fingerprint::combine(named);
    // A network card's maker alone is no product.
    ranked.retain(|ranked| ranked.confidence >= SUREST_GUESS);
    let best = |own: bool| {
        let of = |role: &&str| {
            ranked.iter().find(|ranked| ranked.role == *role && ranked.collection.is_none() == own)
        };
        roles(kind).iter().find_map(of)
    };
    // Other people's knowledge is heard where our own names nothing, or only what is spoken.
    let own = best(true);
    let best = own
        .filter(|own| !own.generic)
        .or_else(|| best(false).filter(|best| !best.generic))
        .or(own)?;
    Some(Product {
        vendor: best.vendor.clone().into_owned(),
        name: best.product.clone().into_owned(),
        model: best.model.clone(),
        version: best.version.clone(),
    })
}

/// Which product a box is, whatever it is for: the surest that is more than what is spoken, our own knowledge first.
pub(super) fn any_product(named: &[Evidence<'_>]) -> Option<Product> {
    let mut ranked = fingerprint::combine(named);
    ranked.retain(|one| !one.generic && one.confidence >= SUREST_GUESS && !one.product.is_empty());
    let best = ranked.iter().find(|one| one.collection.is_none()).or(ranked.first())?;
    Some(Product {
        vendor: best.vendor.clone().into_owned(),
        name: best.product.clone().into_owned(),
        model: best.model.clone(),
        version: best.version.clone(),
    })
}

fn because(signs: &[Sign<'_>], packet: &dyn Fn(PacketId) -> String) -> Vec<Because> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut reasons = Vec::new();
    let mut seen = BTreeSet::new();
    for sign in signs {
        let count = counts.entry(&sign.evidence).or_default();
        if *count >= MOST_REASONS || !seen.insert((&sign.evidence, &sign.field, &sign.value)) {
            continue;
        }
        *count += 1;
        reasons.push(Because {
            evidence: sign.evidence.clone(),
            field: sign.field.clone(),
            value: sign.value.clone(),
            observation: packet(sign.observation.packet),
        });
    }
    reasons
}

/// A name that stays as long as what identifies the box does: its lowest own hardware address, or its lowest
/// address.
pub(super) fn id(addresses: &BTreeSet<IpAddr>, macs: &BTreeSet<Mac>) -> String {
    // Virtual routers' hardware addresses come after those that a box was built with.
    let own = macs.iter().find(|mac| !mac.is_virtual_router()).or(macs.first());
    let identity = match (own, addresses.first()) {
        (Some(mac), _) => mac.to_string(),
        (None, Some(address)) => address.to_string(),
        (None, None) => String::new(),
    };
    name(&identity)
}

/// The name of a point that `identity` identifies: `p` and eight hexadecimal digits.
pub(super) fn name(identity: &str) -> String {
    let digest = Sha256::digest(identity.as_bytes());
    digest.iter().take(4).fold("p".to_owned(), |id, byte| format!("{id}{byte:02x}"))
}
