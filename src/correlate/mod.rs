//! Which connection points the observations make, and why.
//!
//! 1. [`device`] joins the addresses that are one box.
//! 2. [`sign`] and [`edge`] say what each observation alone tells about a point, and signatures name
//!    products.
//! 3. [`weigh`] makes one point of all the signs about one box.

mod answer;
pub mod coverage;
mod device;
mod edge;
mod noted;
pub mod point;
mod sign;
mod weigh;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

pub use point::{
    Because, Coverage, CoverageState, Direction, Grade, Kind, Point, Product, Service,
};

use crate::{
    fingerprint::{Evidence, Matcher},
    observe::{self, Endpoint, Observation, PacketId, Side},
    scope::{Inside, inside::is_nowhere},
};
use answer::Answers;
use device::{Device, Devices};
use sign::Sign;

/// What was heard, and what it is measured against.
pub struct Heard<'a> {
    /// What was said.
    pub observations: &'a [Observation],
    /// What counts as inside.
    pub inside: &'a Inside,
    /// The signatures.
    pub matcher: &'a Matcher<'a>,
    /// How reports name a packet.
    pub packet: &'a dyn Fn(PacketId) -> String,
}

/// The connection points, in the order of their kinds and addresses.
pub fn points(heard: &Heard<'_>) -> Vec<Point> {
    let Heard { observations, inside, matcher, packet } = *heard;
    let mut devices = Devices::new(observations, inside);
    let mut about: BTreeMap<Device, (Vec<Sign<'_>>, Vec<Evidence<'_>>)> = BTreeMap::new();
    let answers = Answers::new(observations, inside);
    let resolvers = resolvers(observations);
    let is_resolver = |end: &Endpoint| end.ip.is_some_and(|ip| resolvers.contains(&ip));
    for observation in observations {
        let own = sign::of_protocol(observation, inside, &answers);
        for sign in own.into_iter().chain(edge::signs(observation, inside)) {
            if let Some(device) = device_of(&mut devices, &sign) {
                about.entry(device).or_default().0.push(sign);
            }
        }
        let maker = maker(observation);
        let maker = maker.as_ref().map(|mac| ("mac.oui", mac.as_str()));
        for (field, value) in observation.facts.iter().chain(maker) {
            for evidence in matcher.evidence(field, value) {
                let sign =
                    sign::of_signature(observation, field, value, &evidence, inside, is_resolver);
                let Some(sign) = sign else { continue };
                if let Some(device) = device_of(&mut devices, &sign) {
                    let (signs, named) = about.entry(device).or_default();
                    signs.push(sign);
                    named.push(evidence);
                }
            }
        }
    }
    let mut addresses = devices.addresses();
    let mut points: Vec<Point> = about
        .into_iter()
        .filter_map(|(device, (signs, named))| {
            let (addresses, macs) = addresses.remove(&device)?;
            weigh::point(addresses, macs, signs, &named, packet)
        })
        .collect();
    points.sort_by(|a, b| (a.kind, &a.addresses, &a.macs).cmp(&(b.kind, &b.addresses, &b.macs)));
    part_names(&mut points);
    points
}

/// Gives every point a name of its own. Two boxes seldom have the same one by chance, but somebody could see
/// to it, and an inventory takes no two alike.
fn part_names(points: &mut [Point]) {
    let mut taken = BTreeSet::new();
    for point in points {
        while !taken.insert(point.id.clone()) {
            point.id = weigh::name(&point.id);
        }
    }
}

/// The box that a sign is about.
fn device_of(devices: &mut Devices, sign: &Sign<'_>) -> Option<Device> {
    let end = &sign.about;
    let was_asked =
        sign.observation.heard == observe::Heard::Replied && end.ip == sign.observation.speaker.ip;
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
            matcher: &Matcher::new(&signatures),
            packet: &|id| id.number.to_string(),
        });
        assert_eq!(points.len(), 3);
        for point in &mut points {
            point.id = "p00000000".to_owned();
        }
        part_names(&mut points);
        let names: BTreeSet<&str> = points.iter().map(|point| point.id.as_str()).collect();
        assert_eq!(names.len(), 3);
        assert!(names.contains("p00000000") && names.iter().all(|name| name.len() == 9));
    }
}
