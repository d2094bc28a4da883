//! How services guard what passes and whom they let in: logins, certificates, versions of TLS.

use std::collections::{BTreeMap, BTreeSet};

use super::{Rule, TUNNELS, about};
use crate::{
    assess::{Suggestion::No, Suggestion::ToConfirm, edition::Library},
    correlate::{Access, Kind, Point},
};

/// Kinds by which a person comes in from outside.
const ENTRIES: [Kind; 4] =
    [Kind::VpnGateway, Kind::RemoteDesktop, Kind::RemoteControl, Kind::RemoteShell];

/// Logins, and whether anything hints at a second factor.
pub(super) const SECOND_FACTOR: Rule = Rule {
    name: "second_factor",
    whole: false,
    findings: &["login_page", "login_page_with_hint", "entry_to_ask"],
    find: |matter| {
        let hint = |access: &Access| access.client_certificate || access.sign_on;
        let has = |point: &Point, is: &dyn Fn(&Access) -> bool| {
            point.sides.access.iter().any(|access| access.login && is(access))
        };
        let with = |is: &dyn Fn(&Access) -> bool| -> Vec<&Point> {
            matter.points.iter().copied().filter(|point| has(point, is)).collect()
        };
        let (bare, hinted) = (with(&|access| !hint(access)), with(&hint));
        let mut entries = matter.of_kinds(&ENTRIES);
        entries.retain(|point| !has(point, &|_| true));
        [
            about(ToConfirm, "login_page", &bare, &[]),
            about(ToConfirm, "login_page_with_hint", &hinted, &[]),
            about(ToConfirm, "entry_to_ask", &entries, &[]),
        ]
        .into_iter()
        .flatten()
        .collect()
    },
};

/// Whether both ends of a way in confirm each other.
pub(super) const MUTUAL_AUTHENTICATION: Rule = Rule {
    name: "mutual_authentication",
    whole: false,
    findings: &["client_certificate_asked", "authentication_not_visible"],
    find: |matter| {
        let asks = |point: &&Point| {
            point.sides.access.iter().any(|access: &Access| access.client_certificate)
        };
        let asking: Vec<&Point> = matter.points.iter().copied().filter(asks).collect();
        let mut others = matter.of_kinds(&TUNNELS);
        others.retain(|point| !asks(point));
        let asked = about(ToConfirm, "client_certificate_asked", &asking, &[]);
        let not = about(ToConfirm, "authentication_not_visible", &others, &[]);
        asked.into_iter().chain(not).collect()
    },
};

/// VPN over TLS: what proves itself, portals, and pages of VPN equipment that may be one.
pub(super) const SSL_VPN: Rule = Rule {
    name: "ssl_vpn",
    whole: false,
    findings: &["ssl_vpn_portal", "vpn_page"],
    find: |matter| {
        let services = &Library::built_in().services;
        let proves = |point: &&Point| {
            let listens = point.sides.services.iter().filter(|seen| seen.listens);
            listens.into_iter().any(|seen| services.over_tls.contains(&seen.service.protocol))
        };
        let portal = |point: &&Point| {
            let pages = point.because.iter().filter(|why| {
                ["http.", "tls.cert."].iter().any(|field| why.field.starts_with(field))
            });
            pages.into_iter().any(|why| {
                let value = why.value.to_lowercase();
                services.portal.iter().any(|word| value.contains(word))
            })
        };
        let pages = |point: &&Point| point.sides.access.iter().any(|access| access.login);
        let gateways = matter.of_kinds(&[Kind::VpnGateway]);
        let (portals, others): (Vec<&Point>, Vec<&Point>) =
            gateways.into_iter().partition(|point| proves(point) || portal(point));
        let pages: Vec<&Point> = others.into_iter().filter(pages).collect();
        let portals = about(No, "ssl_vpn_portal", &portals, &[]);
        portals.into_iter().chain(about(ToConfirm, "vpn_page", &pages, &[])).collect()
    },
};

/// In which versions of TLS services spoke, the oldest first.
pub(super) const TLS_VERSIONS: Rule = Rule {
    name: "tls_versions",
    whole: false,
    findings: &["tls_old", "tls_1_2", "tls_1_3"],
    find: |matter| {
        let old = &Library::built_in().services.old;
        let mut versions: BTreeMap<&str, Vec<&Point>> = BTreeMap::new();
        let mut ends: [Vec<&Point>; 2] = [Vec::new(), Vec::new()];
        for point in matter.points.iter().copied() {
            let spoken: BTreeSet<&str> = point
                .sides
                .access
                .iter()
                .flat_map(|access| &access.versions)
                .map(String::as_str)
                .filter(|version| ["SSL", "TLS", "DTLS"].iter().any(|tls| version.starts_with(tls)))
                .collect();
            for version in spoken.iter().filter(|version| old.iter().any(|old| old == **version)) {
                versions.entry(version).or_default().push(point);
            }
            let newest = |wanted: &str| spoken.iter().any(|version| version.ends_with(wanted));
            match &mut ends {
                [_, newer] if newest("1.3") => newer.push(point),
                [older, _] if newest("1.2") => older.push(point),
                _ => {}
            }
        }
        let old = versions.into_iter().filter_map(|(version, points)| {
            about(No, "tls_old", &points, &[("version", version.to_owned())])
        });
        let [older, newer] = &ends;
        old.chain(about(ToConfirm, "tls_1_2", older, &[]))
            .chain(about(ToConfirm, "tls_1_3", newer, &[]))
            .collect()
    },
};

/// Services that send passwords in clear.
pub(super) const PLAIN_TEXT: Rule = Rule {
    name: "plain_text",
    whole: false,
    findings: &["plain_service", "plain_login"],
    find: |matter| {
        let plain = &Library::built_in().services.plain;
        let mut services: BTreeMap<&str, Vec<&Point>> = BTreeMap::new();
        for point in matter.points.iter().copied() {
            for seen in point.sides.services.iter().filter(|seen| seen.listens) {
                if let Some(name) = plain.iter().find(|name| **name == seen.service.protocol) {
                    services.entry(name).or_default().push(point);
                }
            }
        }
        // A page within TLS spoke some version of it on the same port.
        let in_clear = |access: &Access| access.login && access.versions.is_empty();
        let pages = |point: &&Point| point.sides.access.iter().any(in_clear);
        let pages: Vec<&Point> = matter.points.iter().copied().filter(pages).collect();
        let by_service = services.into_iter().filter_map(|(service, points)| {
            about(No, "plain_service", &points, &[("service", service.to_owned())])
        });
        by_service.chain(about(ToConfirm, "plain_login", &pages, &[])).collect()
    },
};
