//! Ways by which something is maintained, and other ways out that nobody may control.

use super::{REMOTE, Rule, TUNNELS, about, beside, by_kind};
use crate::{
    assess::{Ground, Suggestion::ToConfirm, purpose},
    correlate::{Kind, Point},
};

/// Kinds that lead out beside the way that the house controls.
const BESIDE: [Kind; 6] = [
    Kind::MobileRouter,
    Kind::DualHomedHost,
    Kind::OverlayNetwork,
    Kind::ProxyRelay,
    Kind::Ipv6Exit,
    Kind::DialUp,
];

/// The equipment by which a vendor may come in, to be laid beside the vendors' answers.
pub(super) const REMOTE_MAINTENANCE: Rule = Rule {
    name: "remote_maintenance",
    whole: false,
    findings: &["remote_maintenance_seen", "remote_maintenance_explained", "remote_not_seen"],
    find: |matter| {
        let (explained, open): (Vec<&Point>, Vec<&Point>) = matter
            .of_kinds(&REMOTE)
            .into_iter()
            .partition(|point| matter.explained.contains(point.id.as_str()));
        let mut found: Vec<Ground> = by_kind(&open)
            .into_iter()
            .filter_map(|(kind, points)| {
                let kind = [("kind", kind.name().to_owned())];
                about(ToConfirm, "remote_maintenance_seen", &points, &kind)
            })
            .collect();
        found.extend(about(ToConfirm, "remote_maintenance_explained", &explained, &[]));
        if found.is_empty() {
            found.push(beside(ToConfirm, "remote_not_seen", &[]));
        }
        found
    },
};

/// What disclosure statements have to say something about.
pub(super) const DISCLOSURE: Rule = Rule {
    name: "disclosure",
    whole: false,
    findings: &["disclosure_to_compare"],
    find: |matter| {
        let points = matter.of_kinds(&REMOTE);
        about(ToConfirm, "disclosure_to_compare", &points, &[]).into_iter().collect()
    },
};

/// Whether maintenance has accounts of its own: no network shows that.
pub(super) const ACCOUNTS: Rule = Rule {
    name: "maintenance_accounts",
    whole: false,
    findings: &["maintenance_accounts_to_ask"],
    find: |matter| {
        let points = matter.of_kinds(&REMOTE);
        about(ToConfirm, "maintenance_accounts_to_ask", &points, &[]).into_iter().collect()
    },
};

/// Whether maintenance is logged, and seldom used ways that a log would show.
pub(super) const LOGS: Rule = Rule {
    name: "maintenance_logs",
    whole: false,
    findings: &["maintenance_logs_to_ask", "seldom_used"],
    find: |matter| {
        let points = matter.of_kinds(&REMOTE);
        let is_stale = |point: &&Point| matter.stale.contains_key(&point.id);
        let stale: Vec<&Point> = points.iter().copied().filter(is_stale).collect();
        let asked = about(ToConfirm, "maintenance_logs_to_ask", &points, &[]);
        asked.into_iter().chain(about(ToConfirm, "seldom_used", &stale, &[])).collect()
    },
};

/// Whether tunnels could reach each other through the house.
pub(super) const BETWEEN_TUNNELS: Rule = Rule {
    name: "between_tunnels",
    whole: false,
    findings: &["several_tunnels"],
    find: |matter| {
        let points = matter.of_kinds(&TUNNELS);
        let several = if points.len() > 1 { points } else { Vec::new() };
        about(ToConfirm, "several_tunnels", &several, &[]).into_iter().collect()
    },
};

/// Ways out beside the one that the house controls.
pub(super) const UNCONTROLLED_ROUTES: Rule = Rule {
    name: "uncontrolled_routes",
    whole: false,
    findings: &["uncontrolled_route"],
    find: |matter| {
        by_kind(&matter.of_kinds(&BESIDE))
            .into_iter()
            .filter_map(|(kind, points)| {
                let kind = [("kind", kind.name().to_owned())];
                about(ToConfirm, "uncontrolled_route", &points, &kind)
            })
            .collect()
    },
};

/// How far carriers secure the lines that were found.
pub(super) const CHANNEL: Rule = Rule {
    name: "channel",
    whole: false,
    findings: &["closed_line", "line_not_known"],
    find: |matter| {
        let line = |point: &Point| purpose::line(point, matter.written(&point.id));
        let closed = |point: &&&Point| {
            line(point).is_some_and(|line| line == purpose::CLOSED || line == purpose::LEASED)
        };
        let closed: Vec<&Point> = matter.points.iter().filter(closed).copied().collect();
        let gateways = [
            Kind::InternetGateway,
            Kind::ClosedNetworkGateway,
            Kind::MaintenanceRouter,
            Kind::VpnGateway,
            Kind::Ipv6Exit,
        ];
        let mut unknown = matter.of_kinds(&gateways);
        unknown.retain(|point| line(point).is_none());
        let closed = about(ToConfirm, "closed_line", &closed, &[]);
        closed.into_iter().chain(about(ToConfirm, "line_not_known", &unknown, &[])).collect()
    },
};
