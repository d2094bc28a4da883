//! What people said of a point, held against what was seen of it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    correlate::{Kind, Point},
    import::{
        Column, Entry,
        declared::{is_withdrawn, no},
    },
    time::Timestamp,
};

/// Something that was said of a point and that what was seen of it contradicts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Contradiction {
    /// The point.
    pub point: String,
    /// What is contradicted.
    pub sort: Contradicted,
    /// The column in which it was said.
    pub column: Column,
    /// What was written there.
    pub written: String,
    /// Who said it; none where the form does not say.
    pub said_by: Option<String>,
    /// What contradicts it: the name of a kind of point, or when it was seen.
    pub found: String,
}

/// Which statement is contradicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Contradicted {
    /// No remote maintenance, and a way for it was found.
    NoRemoteMaintenance,
    /// Taken away, and seen since.
    Withdrawn,
}

impl Contradicted {
    /// Every sort.
    pub const ALL: [Self; 2] = [Self::NoRemoteMaintenance, Self::Withdrawn];

    /// The name in JSON and in the word lists (section `contradiction`).
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoRemoteMaintenance => "no_remote_maintenance",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// What was said of a point.
#[derive(Debug, Clone, Copy)]
pub struct Said<'a> {
    /// The line of the form.
    pub entry: &'a Entry,
    /// When it was taken in.
    pub at: Timestamp,
    /// When the last run began that saw the point; none where none did.
    pub seen: Option<Timestamp>,
}

/// What `points` contradict of what was said: `said` by the points' names, and `vendors`, what each vendor said of all
/// that it looks after. A vendor that said there is no remote maintenance is held against its own points: those whose
/// partner it is, or whose product it makes.
pub fn contradictions(
    points: &[Point],
    said: &BTreeMap<&str, Said<'_>>,
    vendors: &[&Entry],
) -> Vec<Contradiction> {
    let mut found = Vec::new();
    for point in points {
        let own = said.get(point.id.as_str());
        let answer = own.and_then(|said| said.entry.get(Column::RemoteMaintenance));
        let denies = |entry: &Entry| entry.get(Column::RemoteMaintenance).is_some_and(no);
        let vendor =
            || vendors.iter().copied().find(|entry| denies(entry) && is_of(point, own, entry));
        // What was said of the point itself counts more than what its vendor said of all.
        let denial = match (own, answer) {
            (Some(said), Some(_)) => Some(said.entry).filter(|entry| denies(entry)),
            _ => vendor(),
        };
        let is_way_in = is_remote(point.kind) && own.is_none_or(|said| said.seen.is_some());
        found.extend(denial.filter(|_| is_way_in).map(|entry| {
            let written = entry.get(Column::RemoteMaintenance).unwrap_or_default().to_owned();
            Contradiction {
                point: point.id.clone(),
                sort: Contradicted::NoRemoteMaintenance,
                column: Column::RemoteMaintenance,
                written,
                said_by: by(entry),
                found: point.kind.name().to_owned(),
            }
        }));
        let since = own.filter(|said| is_withdrawn(said.entry));
        let since =
            since.and_then(|said| Some((said.entry, said.seen.filter(|seen| *seen > said.at)?)));
        found.extend(since.map(|(entry, seen)| Contradiction {
            point: point.id.clone(),
            sort: Contradicted::Withdrawn,
            column: Column::Status,
            written: entry.get(Column::Status).unwrap_or_default().to_owned(),
            said_by: by(entry),
            found: seen.to_string(),
        }));
    }
    found.sort();
    found
}

/// Who said what stands in an entry.
fn by(entry: &Entry) -> Option<String> {
    let who = entry.get(Column::Partner).or_else(|| entry.get(Column::AnsweredBy));
    who.map(str::to_owned)
}

/// Whether a vendor's answer for all that it looks after is about this point.
fn is_of(point: &Point, said: Option<&Said<'_>>, vendor: &Entry) -> bool {
    let Some(name) = vendor.get(Column::Partner) else { return false };
    let partner = said.and_then(|said| said.entry.get(Column::Partner));
    let maker = point.product.as_ref().map(|product| product.vendor.as_str());
    // Whoever looks after it answers for it; its maker does where nobody else is named.
    partner.or(maker).is_some_and(|known| is_same(known, name))
}

/// Whether two names of firms are the same, however their legal form and their case are written.
fn is_same(one: &str, other: &str) -> bool {
    let bare = |name: &str| -> String {
        let mut name = name.to_lowercase();
        for form in ["株式会社", "有限会社", "合同会社", "(株)", "(有)", "co.,ltd.", "inc."]
        {
            name = name.replace(form, "");
        }
        name.chars().filter(|c| c.is_alphanumeric()).collect()
    };
    let (one, other) = (bare(one), bare(other));
    !one.is_empty() && one == other
}

/// Whether a point of this kind is a way to maintain something from afar.
const fn is_remote(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::VpnGateway
            | Kind::VpnClient
            | Kind::MaintenanceRouter
            | Kind::MobileRouter
            | Kind::RemoteDesktop
            | Kind::RemoteControl
            | Kind::OutboundAgent
            | Kind::OverlayNetwork
            | Kind::RemoteShell
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::correlate::{Because, Direction, Grade, Product, Sides};

    fn point(id: &str, kind: Kind, vendor: Option<&str>) -> Point {
        Point {
            id: id.into(),
            kind,
            grade: Grade::Proved,
            confidence: 0.9,
            direction: Direction::Out,
            addresses: BTreeSet::new(),
            macs: BTreeSet::new(),
            outside: BTreeSet::new(),
            services: BTreeSet::new(),
            product: vendor.map(|vendor| Product {
                vendor: vendor.into(),
                name: "EdgeGate".into(),
                model: None,
                version: None,
            }),
            names: BTreeSet::new(),
            lines: Vec::new(),
            because: vec![Because {
                evidence: "dials_remote_service".into(),
                field: "tls.sni".into(),
                value: "relay.example.net".into(),
                observation: "a.pcap#1".into(),
            }],
            sides: Sides::default(),
        }
    }

    fn entry(written: &[(Column, &str)]) -> Entry {
        let written = written.iter().map(|(column, text)| (*column, (*text).to_owned())).collect();
        Entry { written, ..Entry::default() }
    }

    fn said(entry: &Entry, seen: Option<i64>) -> Said<'_> {
        Said { entry, at: Timestamp::new(100, 0), seen: seen.map(|at| Timestamp::new(at, 0)) }
    }

    #[test]
    fn who_says_no_remote_maintenance_and_has_an_agent_is_contradicted() {
        let points =
            [point("p1", Kind::OutboundAgent, None), point("p2", Kind::InternetGateway, None)];
        for answer in ["なし", "無", "no", "いいえ"] {
            let denies = entry(&[(Column::RemoteMaintenance, answer), (Column::Partner, "Acme")]);
            let by_name = [("p1", said(&denies, Some(50))), ("p2", said(&denies, Some(50)))].into();
            let found = contradictions(&points, &by_name, &[]);
            let [one] = found.as_slice() else { panic!("{found:?}") };
            assert_eq!((&*one.point, &*one.found, &*one.written), ("p1", "outbound_agent", answer));
            assert_eq!(one.said_by.as_deref(), Some("Acme"));
        }
        for answer in ["あり", "yes", "不明"] {
            let entry = entry(&[(Column::RemoteMaintenance, answer)]);
            assert_eq!(contradictions(&points, &[("p1", said(&entry, Some(50)))].into(), &[]), []);
        }
    }

    #[test]
    fn what_nobody_saw_contradicts_nobody() {
        let points = [point("p1", Kind::MobileRouter, None)];
        let denies = entry(&[(Column::RemoteMaintenance, "なし")]);
        assert_eq!(contradictions(&points, &[("p1", said(&denies, None))].into(), &[]), []);
    }

    #[test]
    fn a_vendor_that_denies_is_held_against_its_own_points_only() {
        let points = [
            point("p1", Kind::VpnGateway, Some("Acme")),
            point("p2", Kind::VpnGateway, Some("Other Works")),
            point("p3", Kind::VpnGateway, Some("Acme")),
        ];
        let vendor =
            entry(&[(Column::Partner, "株式会社ＡＣＭＥ"), (Column::RemoteMaintenance, "なし")]);
        assert_eq!(
            contradictions(&points, &BTreeMap::new(), &[&vendor]),
            [],
            "full width is not folded here"
        );
        let vendor =
            entry(&[(Column::Partner, "株式会社ACME"), (Column::RemoteMaintenance, "なし")]);
        // Of the third it said itself that there is.
        let admits = entry(&[(Column::RemoteMaintenance, "あり")]);
        let found = contradictions(&points, &[("p3", said(&admits, Some(1)))].into(), &[&vendor]);
        assert_eq!(found.iter().map(|one| &*one.point).collect::<Vec<_>>(), ["p1"]);
        // Somebody else looks after the first.
        let other = entry(&[(Column::Partner, "関所電機")]);
        assert_eq!(
            contradictions(&points[..1], &[("p1", said(&other, Some(1)))].into(), &[&vendor]),
            []
        );
    }

    #[test]
    fn what_was_taken_away_and_is_seen_since_is_told() {
        let points = [point("p1", Kind::InternetGateway, None)];
        let gone = entry(&[(Column::Status, "撤去済み")]);
        let found = |seen| contradictions(&points, &[("p1", said(&gone, seen))].into(), &[]);
        assert_eq!((found(None), found(Some(99)), found(Some(100))), (vec![], vec![], vec![]));
        let since = found(Some(101));
        let [one] = since.as_slice() else { panic!("{since:?}") };
        assert_eq!((one.sort, one.column), (Contradicted::Withdrawn, Column::Status));
        assert_eq!(one.found, "1970-01-01T00:01:41Z");
    }
}
