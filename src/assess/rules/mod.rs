//! What a run shows for an item or an article: one rule each way of looking. Which rule belongs to which item is data.
//!
//! No rule says that an item is fulfilled. What was not seen is something to ask about.

mod guarded;
mod known;
mod maintained;
mod reached;

use std::collections::BTreeMap;

pub(super) use reached::is_open;

use super::{Ground, Matter, Suggestion};
use crate::correlate::{Kind, Point};

/// How much of a text that somebody wrote is filled into words, in characters.
const LONGEST: usize = 60;

/// A way of looking at what a run found.
pub(super) struct Rule {
    /// Its name in `checklists/`.
    pub name: &'static str,
    /// Every finding that it may have: keys of the word lists (section `ground`).
    pub findings: &'static [&'static str],
    /// It looks at all that was found, whatever an item is about.
    pub whole: bool,
    /// Looks.
    pub find: fn(&Matter<'_>) -> Vec<Ground>,
}

/// What is told where a rule found nothing: that is not the same as nothing being there.
pub(super) const NOTHING: &str = "nothing_seen";

/// Every rule.
pub(super) static RULES: &[Rule] = &[
    known::REGISTER,
    known::PATCHES,
    known::RESPONSIBILITY,
    maintained::REMOTE_MAINTENANCE,
    maintained::DISCLOSURE,
    maintained::ACCOUNTS,
    maintained::LOGS,
    maintained::BETWEEN_TUNNELS,
    maintained::UNCONTROLLED_ROUTES,
    maintained::CHANNEL,
    guarded::SECOND_FACTOR,
    guarded::MUTUAL_AUTHENTICATION,
    guarded::SSL_VPN,
    guarded::TLS_VERSIONS,
    guarded::PLAIN_TEXT,
    reached::NEEDLESS_SERVICES,
    reached::SOURCE_RESTRICTION,
    reached::EVERY_POINT,
];

/// Kinds through which a vendor may maintain something from outside.
const REMOTE: [Kind; 10] = [
    Kind::VpnGateway,
    Kind::VpnClient,
    Kind::MaintenanceRouter,
    Kind::MobileRouter,
    Kind::RemoteDesktop,
    Kind::RemoteControl,
    Kind::OutboundAgent,
    Kind::OverlayNetwork,
    Kind::DialUp,
    Kind::DeclaredLine,
];

/// Kinds that are tunnels, or their ends.
const TUNNELS: [Kind; 4] =
    [Kind::VpnGateway, Kind::VpnClient, Kind::MaintenanceRouter, Kind::OverlayNetwork];

/// The rule of a name.
pub(super) fn named(name: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.name == name)
}

/// Every finding that some rule may have: the keys of the word lists (section `ground`), in their order.
pub fn findings() -> Vec<&'static str> {
    let mut all: Vec<&str> = RULES.iter().flat_map(|rule| rule.findings).copied().collect();
    all.push(NOTHING);
    all.sort_unstable();
    all.dedup();
    all
}

/// A finding about points; none where there are none. How many they are is filled in as `count`.
fn about(
    suggestion: Suggestion,
    finding: &str,
    points: &[&Point],
    values: &[(&str, String)],
) -> Option<Ground> {
    points.first()?;
    let mut named: Vec<String> = points.iter().map(|point| point.id.clone()).collect();
    named.sort();
    named.dedup();
    let count = ("count", named.len().to_string());
    Some(Ground {
        suggestion,
        finding: finding.to_owned(),
        points: named,
        values: filled(values.iter().cloned().chain([count])),
    })
}

/// A finding that is about no point.
fn beside(suggestion: Suggestion, finding: &str, values: &[(&str, String)]) -> Ground {
    let values = filled(values.iter().cloned());
    Ground { suggestion, finding: finding.to_owned(), points: Vec::new(), values }
}

fn filled<'v>(values: impl Iterator<Item = (&'v str, String)>) -> BTreeMap<String, String> {
    values.map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The beginning of a text that somebody wrote.
pub(super) fn short(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

/// For each kind, the points of it.
fn by_kind<'p>(points: &[&'p Point]) -> BTreeMap<Kind, Vec<&'p Point>> {
    let mut kinds: BTreeMap<Kind, Vec<&Point>> = BTreeMap::new();
    for point in points {
        kinds.entry(point.kind).or_default().push(point);
    }
    kinds
}
