//! What listens, and from where it may be reached.

use std::collections::{BTreeMap, BTreeSet};

use super::{Rule, about, beside};
use crate::{
    assess::{Ground, Matter, Suggestion::No, Suggestion::ToConfirm, edition::Library},
    correlate::{FromOutside, Kind, Point, Restriction},
};

/// A version of file sharing that must not be spoken any more, as [`crate::correlate::Access`] names it.
const OLD_SHARING: &str = "SMB 1";

/// How that is called in the word lists (section `ground_service`).
const SHARING: &str = "smb1";

/// Kinds that stand at the edge: a page of such a box is its portal, or the one by which it is managed.
const AT_THE_EDGE: [Kind; 8] = [
    Kind::InternetGateway,
    Kind::VpnGateway,
    Kind::VpnClient,
    Kind::ClosedNetworkGateway,
    Kind::MaintenanceRouter,
    Kind::MobileRouter,
    Kind::RemoteDesktop,
    Kind::RemoteControl,
];

/// Services that servers and terminals seldom need.
pub(super) const NEEDLESS_SERVICES: Rule = Rule {
    name: "needless_services",
    whole: false,
    findings: &["needless_service"],
    find: needless,
};

/// What answers outside.
pub(super) const SOURCE_RESTRICTION: Rule = Rule {
    name: "source_restriction",
    findings: &[
        "open_from_outside",
        "other_open_from_outside",
        "not_asked_from_outside",
        "silent_from_outside",
        "not_looked_from_outside",
        "outside_not_known",
    ],
    whole: true,
    find: restriction,
};

/// Every point: all are to be chosen with care, and watched.
pub(super) const EVERY_POINT: Rule = Rule {
    name: "every_point",
    whole: false,
    findings: &["points_to_watch", "no_point_seen"],
    find: |matter| {
        let all = about(ToConfirm, "points_to_watch", matter.points, &[]);
        vec![all.unwrap_or_else(|| beside(ToConfirm, "no_point_seen", &[]))]
    },
};

fn needless(matter: &Matter<'_>) -> Vec<Ground> {
    let known = &Library::built_in().services.needless;
    let needless = |protocol: &str| known.iter().find(|name| *name == protocol);
    let mut services: BTreeMap<&str, (BTreeSet<&str>, usize)> = BTreeMap::new();
    for point in matter.points.iter().copied() {
        let listens = point.sides.services.iter().filter(|seen| seen.listens);
        // A point that an earlier release kept says nothing of who listens.
        let kept = point.services.iter().filter(|_| point.sides.services.is_empty());
        let listens = listens.map(|seen| &seen.service).chain(kept);
        for name in listens.filter_map(|service| needless(&service.protocol)) {
            services.entry(name).or_default().0.insert(&point.id);
        }
        let spoken = point.sides.access.iter().flat_map(|access| &access.versions);
        if spoken.into_iter().any(|version| version == OLD_SHARING) {
            services.entry(SHARING).or_default().0.insert(&point.id);
        }
    }
    for host in matter.hosts.iter().filter(|host| host.point.is_none()) {
        let names: BTreeSet<&String> =
            host.services.iter().filter_map(|service| needless(&service.protocol)).collect();
        for name in names {
            services.entry(name).or_default().1 += 1;
        }
    }
    services
        .into_iter()
        .map(|(service, (points, hosts))| Ground {
            suggestion: No,
            finding: "needless_service".to_owned(),
            values: BTreeMap::from([
                ("service".to_owned(), service.to_owned()),
                ("count".to_owned(), (points.len() + hosts).to_string()),
            ]),
            points: points.into_iter().map(str::to_owned).collect(),
        })
        .collect()
}

/// Whether an open service is one by which somebody comes in, or manages the box.
pub(in crate::assess) fn is_entry(point: &Point, one: &Restriction) -> bool {
    let services = &Library::built_in().services;
    let page = services.page.contains(&one.service.protocol) && AT_THE_EDGE.contains(&point.kind);
    page || services.entry.contains(&one.service.protocol)
}

/// Whether a way into a point is open to the outside.
pub(in crate::assess) fn is_open(point: &Point) -> bool {
    let open = |one: &Restriction| one.answer == FromOutside::Open && is_entry(point, one);
    point.sides.restriction.iter().any(open)
}

fn restriction(matter: &Matter<'_>) -> Vec<Ground> {
    if !matter.outside {
        return vec![beside(ToConfirm, "not_looked_from_outside", &[])];
    }
    let with = |is: &dyn Fn(&Point, &Restriction) -> bool| -> Vec<&Point> {
        let any = |point: &Point| point.sides.restriction.iter().any(|one| is(point, one));
        matter.points.iter().copied().filter(|point| any(point)).collect()
    };
    let open = with(&|point, one| one.answer == FromOutside::Open && is_entry(point, one));
    let other = with(&|point, one| one.answer == FromOutside::Open && !is_entry(point, one));
    let silent = with(&|point, one| one.answer == FromOutside::NotAnswered && is_entry(point, one));
    let not_asked = with(&|point, one| one.answer == FromOutside::NotAsked && is_entry(point, one));
    // Of a way in whose address outside nobody knows nothing can be said.
    let unknown =
        |point: &&Point| point.sides.restriction.is_empty() && AT_THE_EDGE.contains(&point.kind);
    let unknown: Vec<&Point> = matter.points.iter().copied().filter(unknown).collect();
    [
        about(No, "open_from_outside", &open, &[]),
        about(ToConfirm, "other_open_from_outside", &other, &[]),
        about(ToConfirm, "silent_from_outside", &silent, &[]),
        about(ToConfirm, "not_asked_from_outside", &not_asked, &[]),
        about(ToConfirm, "outside_not_known", &unknown, &[]),
    ]
    .into_iter()
    .flatten()
    .collect()
}
