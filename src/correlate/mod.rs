//! Which connection points the observations make, and why.
//!
//! 1. [`device`] joins the addresses that are one box.
//! 2. [`sign`] and [`edge`] say what each observation alone tells about a point, and signatures name
//!    products.
//! 3. [`edge`] also says what all that was asked of a box, and of those beside it, tells about ways out, and which
//!    lines are behind it.
//! 4. [`weigh`] makes one point of all the signs about one box.
//! 5. [`join`] makes one point of those that were seen of one box from inside and from outside; [`restriction`] says
//!    what of it is open there.
//! 6. [`unrecognised`] keeps what boxes at the edge said that no signature names.
//! 7. [`coverage`] says what was measured, and [`grid`] which [`mechanism`] ran in which network.

pub mod access;
mod announced;
mod answer;
pub mod coverage;
pub mod declared;
mod device;
mod edge;
pub mod grid;
pub mod host;
pub mod join;
pub mod mechanism;
mod noted;
mod place;
pub mod point;
mod question;
pub mod restriction;
pub mod sides;
mod sign;
pub mod unrecognised;
mod view;
mod weigh;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

pub use crate::scope::Vantage;
pub use access::Access;
pub use edge::AccessLines;
pub use grid::Grid;
pub use host::Host;
pub use point::{
    Because, Coverage, CoverageState, Direction, Grade, Kind, Line, Point, Product, Service,
};
pub use restriction::{FromOutside, Inquiry, Restriction};
pub use sides::{Seen, Sides};
pub use unrecognised::{Reason, Said, Unrecognised};

use crate::{
    fingerprint::{Evidence, Matcher},
    observe::{self, Endpoint, Observation, PacketId, Side},
    scope::{Inside, inside::is_nowhere},
};
use access::Accesses;
use answer::Answers;
use device::{Device, Devices};
use edge::{Lines, Ways};
use host::Hearing;
use sides::Identities;
use sign::Sign;
use unrecognised::{Found, Sayings};
use view::Views;

/// What was heard, and what it is measured against.
pub struct Heard<'a> {
    /// What was said.
    pub observations: &'a [Observation],
    /// What counts as inside.
    pub inside: &'a Inside,
    /// From where each file was heard, by its number; those that are missing from inside.
    pub vantages: &'a [Vantage],
    /// The signatures.
    pub matcher: &'a Matcher<'a>,
    /// How reports name a packet.
    pub packet: &'a dyn Fn(PacketId) -> String,
}

/// What follows from what was heard.
#[derive(Debug, Default)]
pub struct Conclusion {
    /// The connection points, in the order of their kinds and addresses.
    pub points: Vec<Point>,
    /// The boxes at the edge that no signature names, in the order of their addresses.
    pub unrecognised: Vec<Unrecognised>,
    /// Every box inside that was heard, in the order of their addresses.
    pub hosts: Vec<Host>,
    /// How many of these lost something that they said, or everything, to the bounds.
    pub not_kept: usize,
}

/// What is known about one box while observations are read.
#[derive(Default)]
struct About<'o, 's> {
    signs: Vec<Sign<'o>>,
    named: Vec<Evidence<'s>>,
    reasons: BTreeSet<Reason>,
    /// Something says that it is made for mobile telephony.
    mobile: bool,
}

/// The connection points, in the order of their kinds and addresses.
pub fn points(heard: &Heard<'_>) -> Vec<Point> {
    conclude(heard).points
}

/// The connection points, and the boxes at the edge that no signature names.
pub fn conclude(heard: &Heard<'_>) -> Conclusion {
    let Heard { observations, inside, vantages, matcher, packet } = *heard;
    let views = Views::new(observations, inside, vantages);
    let (mut identities, mut accesses) = (Identities::default(), Accesses::default());
    let mut devices = Devices::new(observations, inside);
    let mut about: BTreeMap<Device, About<'_, '_>> = BTreeMap::new();
    let answers = Answers::new(observations, inside);
    let named = announced::Named::new(observations);
    let resolvers = resolvers(observations);
    let is_resolver = |end: &Endpoint| end.ip.is_some_and(|ip| resolvers.contains(&ip));
    let ways = Ways::new(observations, &mut devices, inside);
    let lines = Lines::new(observations, &mut devices, &ways, inside);
    let mut hearing = Hearing::default();
    for observation in observations {
        let inside = views.inside(observation);
        if is_inside(observation, inside)
            && let Some(device) = device_of(&mut devices, &observation.speaker, observation)
        {
            identities.note(device, observation);
            if !views.vantage(observation).is_outside() {
                hearing.note(device, observation, inside);
            }
            accesses.note(device, observation, &views);
        }
        let from_outside = views.is_from_outside(observation);
        let outside = sign::of_outside(observation).filter(|_| from_outside);
        let own = sign::of_protocol(observation, inside, &answers).into_iter().chain(outside);
        let announced = announced::signs(observation, inside, &named);
        for sign in own.chain(edge::signs(observation, inside)).chain(announced) {
            if let Some(device) = device_of(&mut devices, &sign.about, observation) {
                about.entry(device).or_default().signs.push(sign);
            }
        }
        let maker = maker(observation);
        let maker = maker.as_ref().map(|mac| ("mac.oui", mac.as_str()));
        let mut explained = false;
        for (field, value) in observation.facts.iter().chain(maker) {
            for evidence in matcher.evidence(field, value) {
                explained |= unrecognised::explains(observation, &evidence);
                let sign =
                    sign::of_signature(observation, field, value, &evidence, inside, is_resolver);
                let Some(sign) = sign else { continue };
                if let Some(device) = device_of(&mut devices, &sign.about, observation) {
                    let known = about.entry(device).or_default();
                    known.signs.push(sign);
                    known.mobile |= evidence.role == MOBILE && evidence.collection.is_none();
                    known.named.push(evidence);
                }
            }
        }
        if is_inside(observation, inside)
            && let Some(reason) = unrecognised::reason(observation, explained)
            && let Some(device) = device_of(&mut devices, &observation.speaker, observation)
        {
            about.entry(device).or_default().reasons.insert(reason);
        }
    }
    for (device, sign) in edge::verdicts(observations, &ways, &mut devices, inside) {
        about.entry(device).or_default().signs.push(sign);
    }
    let addresses = devices.addresses();
    let mut identities = unique(identities, &addresses, &views);
    let mut points: Vec<(Device, Point)> = Vec::new();
    let mut unknown = BTreeMap::new();
    for (device, known) in about {
        let Some((ips, macs)) = addresses.get(&device) else { continue };
        let About { signs, named, mut reasons, mobile } = known;
        hearing.name(device, weigh::any_product(&named));
        let signs = in_view_of_ways(signs, device, mobile, &ways, &lines);
        let told = identities.remove(&device).unwrap_or_default();
        let mut sides = sides::of_signs(&signs, ips, told, &views);
        sides.access = accesses.take(device);
        let (ips, outside) = &apart(ips, inside);
        let mut point = weigh::point(ips, macs, signs, &named, packet);
        if let Some(point) = &mut point {
            point.lines = lines.of(device, packet);
            point.outside.extend(outside);
            point.outside.extend(point.lines.iter().filter_map(|line| line.outside));
            // Of a box in another network than the hospital's no address is inside; it has one all the same.
            if point.addresses.is_empty() {
                point.addresses = ways.in_its_network(device);
            }
            sides.claims.extend(outside);
            sides.claims.extend(point.lines.iter().filter_map(|line| line.outside));
            sides::add(point, sides, &views);
        }
        reasons.extend(point.as_ref().map(|_| Reason::MakesPoint));
        if !reasons.is_empty() && !weigh::is_named(point.as_ref().map(|point| point.kind), &named) {
            let known = Unrecognised {
                id: weigh::id(ips, macs),
                addresses: weigh::shown(ips, macs),
                macs: macs.clone(),
                why: reasons,
                said: Vec::new(),
            };
            unknown.insert(device, Found { known, sayings: Sayings::default() });
        }
        points.extend(point.map(|point| (device, point)));
    }
    points.sort_by(|(_, a), (_, b)| {
        (a.kind, &a.addresses, &a.macs).cmp(&(b.kind, &b.addresses, &b.macs))
    });
    let (makers, mut points): (Vec<Device>, Vec<Point>) = points.into_iter().unzip();
    part_names(&mut points, &mut unknown, &makers);
    let ids = points.iter().map(|point| point.id.clone());
    let makers: BTreeMap<Device, String> = makers.into_iter().zip(ids).collect();
    let points = join::join(points);
    let hosts = hearing.hosts(&addresses, &makers, &points, inside);
    for observation in observations.iter().filter(|one| is_inside(one, views.inside(one))) {
        if let Some(device) = device_of(&mut devices, &observation.speaker, observation)
            && let Some(found) = unknown.get_mut(&device)
        {
            found.sayings.add(observation);
        }
    }
    let (unrecognised, not_kept) = unrecognised::kept(unknown.into_values().collect(), packet);
    Conclusion { points, unrecognised, hosts, not_kept }
}

/// What each box alone tells of itself.
fn unique(
    mut identities: Identities,
    boxes: &BTreeMap<Device, device::Addresses>,
    views: &Views<'_>,
) -> BTreeMap<Device, BTreeSet<String>> {
    for (device, (_, macs)) in boxes.iter().filter(|(_, (_, macs))| !macs.is_empty()) {
        identities.note_macs(*device, macs);
    }
    identities.unique(|device| {
        boxes.get(&device).is_some_and(|(ips, macs)| {
            macs.is_empty() && !ips.is_empty() && views.faces(ips).len() == ips.len()
        })
    })
}

/// The role of products that are made for mobile telephony.
const MOBILE: &str = "mobile-router";

/// The signs about a box as they count once it is known how the box forwards.
fn in_view_of_ways<'o>(
    signs: Vec<Sign<'o>>,
    device: Device,
    mobile: bool,
    ways: &Ways<'o>,
    lines: &Lines<'o>,
) -> Vec<Sign<'o>> {
    // What was sent to a box that we asked was our own questions.
    let explained = |sign: &Sign<'_>| sign.evidence == edge::IS_SENT && ways.was_asked(device);
    let router = ways.forwards(device);
    // A way to the Internet that a packet shows also leads to whatever else was spoken with over it.
    let to_the_internet = signs.iter().any(|sign| {
        sign.proves && sign.kind == Some(Kind::InternetGateway) && sign.evidence == edge::EGRESS
    });
    let mut signs: Vec<Sign<'o>> = signs
        .into_iter()
        .filter(|sign| !explained(sign))
        .map(|sign| if router { edge::of_a_router(sign) } else { sign })
        .map(|sign| if to_the_internet { edge::of_an_exit(sign) } else { sign })
        .collect();
    if ways.leads_out(device, &signs) {
        let line = lines.mobile(device).or_else(|| lines.shared(device).filter(|_| mobile));
        signs.extend(line);
    }
    signs
}

/// The addresses of a box apart: those on the inside, and, where there are such, its own ones outside.
fn apart(ips: &BTreeSet<IpAddr>, inside: &Inside) -> (BTreeSet<IpAddr>, BTreeSet<IpAddr>) {
    let (outer, inner): (BTreeSet<IpAddr>, BTreeSet<IpAddr>) =
        ips.iter().partition(|ip| inside.is_outside(**ip));
    if inner.is_empty() { (outer, inner) } else { (inner, outer) }
}

/// Whether who speaks is inside: by its address, or because only its hardware address is known.
fn is_inside(observation: &Observation, inside: &Inside) -> bool {
    let speaker = observation.speaker;
    speaker.ip.map_or(speaker.mac.is_some(), |ip| inside.contains(ip))
}

/// Gives every point a name of its own, and every unknown box, which has that of the point it makes. Two boxes
/// seldom have the same one by chance, but somebody could see to it, and an inventory takes no two alike.
fn part_names(points: &mut [Point], unknown: &mut BTreeMap<Device, Found<'_>>, makers: &[Device]) {
    let mut taken = BTreeSet::new();
    let mut part = |id: &mut String| {
        while !taken.insert(id.clone()) {
            *id = weigh::name(id);
        }
    };
    for (point, device) in points.iter_mut().zip(makers) {
        part(&mut point.id);
        if let Some(found) = unknown.get_mut(device) {
            found.known.id.clone_from(&point.id);
        }
    }
    let makers: BTreeSet<&Device> = makers.iter().collect();
    for (_, found) in unknown.iter_mut().filter(|(device, _)| !makers.contains(device)) {
        part(&mut found.known.id);
    }
}

/// The box that an end of an observation is.
fn device_of(devices: &mut Devices, end: &Endpoint, of: &Observation) -> Option<Device> {
    let was_asked = of.heard == observe::Heard::Replied && end.ip == of.speaker.ip;
    match (end.ip, end.mac.filter(|mac| !mac.is_zero())) {
        // On its own link, an address that is not routed is whoever's hardware address sent it.
        (Some(ip), Some(mac)) if is_nowhere(ip) => Some(devices.with_mac(mac)),
        (Some(IpAddr::V6(v6)), None) if v6.is_unicast_link_local() => {
            Some(devices.with_ip(v6.into()))
        }
        // A machine that somebody on it asked what it is.
        (Some(ip), None) if ip.is_loopback() && was_asked => Some(devices.with_ip(ip)),
        // What a machine says to itself, and what groups hear, is no box that could be found.
        (Some(ip), None) if is_nowhere(ip) => None,
        (Some(ip), _) => Some(devices.with_ip(ip)),
        (None, Some(mac)) => Some(devices.with_mac(mac)),
        (None, None) => None,
    }
}

/// The hardware address that shows who made the speaker, where the observation is about that address.
fn maker(observation: &Observation) -> Option<String> {
    let about_it = matches!(observation.protocol, "arp" | "ethernet");
    observation.speaker.mac.filter(|_| about_it).map(|mac| mac.to_string())
}

/// Who answers name questions, and so asks others' questions.
fn resolvers(observations: &[Observation]) -> BTreeSet<IpAddr> {
    let answers = |o: &&Observation| o.protocol == "dns" && o.side == Side::Server;
    observations.iter().filter(answers).filter_map(|o| o.speaker.ip).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_whose_names_collide_are_told_apart() {
        let signatures = crate::fingerprint::Signatures::built_in().unwrap();
        let end = |last| Endpoint {
            ip: Some(IpAddr::from([192, 168, 0, last])),
            mac: None,
            port: Some(3389),
            transport: crate::observe::Transport::Tcp,
        };
        let heard: Vec<Observation> = (1..=3)
            .map(|last| Observation {
                at: crate::time::Timestamp::default(),
                packet: PacketId { file: 0, number: last.into() },
                heard: crate::observe::Heard::Overheard,
                speaker: end(last),
                listener: Some(end(9)),
                protocol: "rdp",
                side: Side::Server,
                confidence: crate::observe::Confidence::Certain,
                facts: crate::observe::Facts::default().with("rdp.selected", "hybrid"),
            })
            .collect();
        let mut points = points(&self::Heard {
            observations: &heard,
            inside: &Inside::inferred([]),
            vantages: &[],
            matcher: &Matcher::new(&signatures),
            packet: &|id| id.number.to_string(),
        });
        assert_eq!(points.len(), 3);
        for point in &mut points {
            point.id = "p00000000".to_owned();
        }
        let makers: Vec<Device> = (0..points.len()).map(Device::at).collect();
        part_names(&mut points, &mut BTreeMap::new(), &makers);
        let names: BTreeSet<&str> = points.iter().map(|point| point.id.as_str()).collect();
        assert_eq!(names.len(), 3);
        assert!(names.contains("p00000000") && names.iter().all(|name| name.len() == 9));
    }

    fn points_of(observations: &[Observation]) -> Vec<Point> {
        let signatures = crate::fingerprint::Signatures::built_in().unwrap();
        points(&self::Heard {
            observations,
            inside: &Inside::inferred([]),
            vantages: &[],
            matcher: &Matcher::new(&signatures),
            packet: &|id| id.number.to_string(),
        })
    }

    fn said(side: Side, port: u16, protocol: &'static str, facts: observe::Facts) -> Observation {
        let end = |last, port| Endpoint {
            ip: Some(IpAddr::from([192, 168, 0, last])),
            mac: None,
            port: Some(port),
            transport: observe::Transport::Tcp,
        };
        let (speaks, hears) = if side == Side::Server { (port, 50_000) } else { (50_000, port) };
        Observation {
            at: crate::time::Timestamp::default(),
            packet: PacketId { file: 0, number: 1 },
            heard: observe::Heard::Overheard,
            speaker: end(1, speaks),
            listener: Some(end(9, hears)),
            protocol,
            side,
            confidence: observe::Confidence::Certain,
            facts,
        }
    }

    #[test]
    fn the_system_of_a_file_server_is_no_way_out() {
        let build = observe::Facts::default().with("ntlm.os_build", "10.0.17763");
        assert_eq!(points_of(&[said(Side::Server, 445, "smb", build)]), []);
    }

    #[test]
    fn who_looks_for_a_vpn_by_its_name_is_its_client() {
        let asks = observe::Facts::default().with("tls.sni", "vpn123456789.softether.net");
        let found = points_of(&[said(Side::Client, 443, "tls", asks)]);
        let kinds: Vec<Kind> = found.iter().map(|point| point.kind).collect();
        assert_eq!(kinds, [Kind::VpnClient]);
    }
}
