//! Makes a plan: each point by the first reason to do something about it, then by purpose, vendor and line.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use super::{Answer, Group, Known, Matter, Plan, Proposal, Stale, Why, purpose, rules};
use crate::correlate::{Kind, Point};

/// Why something is to be done about a point, in the order of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    /// A vulnerability of it is known to be exploited.
    Exploited,
    /// Its maker mends nothing any more.
    OutOfSupport,
    /// A vulnerability of it was published, and is not known to be exploited.
    Vulnerable,
    /// A way in is open to the outside.
    Open,
    /// It leads over a telephone line, and these end.
    Telephone,
    /// Nobody says whose it is.
    OwnerUnknown,
    /// It is seldom used.
    Stale,
    /// It passes by the way out that the house controls.
    Beside,
    /// Others like it could be one.
    Merge,
    /// Nothing speaks for changing it.
    Keep,
}

/// What could become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sort {
    /// Vendors' lines for maintenance.
    Maintenance,
    /// Ways to the Internet.
    Exit,
}

/// What is known of a point for a plan.
struct Profile<'a> {
    point: &'a Point,
    step: Step,
    proposal: Proposal,
    sort: Option<Sort>,
    /// Another stands in for it: they are two on purpose.
    standby: bool,
    purpose: String,
    vendor: Option<String>,
    line: Option<&'static str>,
    /// Everything that speaks for doing something about it.
    reasons: Vec<&'static str>,
}

/// Every reason that a plan may give: the keys of the word lists (section `plan_reason`).
pub const REASONS: [&str; 21] = [
    "exploited",
    "support_ended",
    "vulnerable",
    "open_from_outside",
    "telephone_line_ends",
    "owner_unknown",
    "seldom_used",
    "passes_by",
    "into_one_gateway",
    "one_to_one",
    "mobile_replaced",
    "duplicate_exits",
    "for_purpose",
    "closed_line_stays",
    "standby_pair",
    "allow_by_destination",
    "from_inside_only",
    "only_one",
    "as_it_is",
    "risk_accepted",
    "nothing_written",
];

/// The rule of correlation that shows one of two routers which stand in for each other.
const STANDBY: &str = "virtual_router";

impl Plan {
    /// The proposal for the points that were found.
    pub fn of(matter: &Matter<'_>) -> Self {
        let mut profiles: Vec<Profile<'_>> =
            matter.points.iter().map(|point| profile(point, matter)).collect();
        profiles.sort_by(|a, b| a.point.id.cmp(&b.point.id));
        alone_stay(&mut profiles);
        let mut grouped: BTreeMap<_, Vec<Profile<'_>>> = BTreeMap::new();
        for one in profiles {
            // What becomes one is one group, whosever it is; and where nobody knows whose it is, the maker tells nothing.
            let apart = one.sort.is_none();
            let known = apart && one.step != Step::OwnerUnknown;
            let key = (
                one.step,
                one.proposal,
                one.sort,
                apart.then(|| one.purpose.clone()),
                known.then(|| one.vendor.clone()).flatten(),
                known.then_some(one.line).flatten(),
            );
            grouped.entry(key).or_default().push(one);
        }
        let mut ordered: Vec<(Step, Group)> =
            grouped.into_iter().map(|((step, ..), of)| (step, group(step, &of, matter))).collect();
        ordered.sort_by_key(|(step, group)| {
            let saved = group.points.len() - group.after;
            (*step, Reverse(saved), Reverse(group.points.len()), group.points.clone())
        });
        let groups: Vec<Group> =
            (1..).zip(ordered).map(|(order, (_, group))| Group { order, ..group }).collect();
        Self {
            before: groups.iter().map(|group| group.points.len()).sum(),
            after: groups.iter().map(|group| group.after).sum(),
            groups,
        }
    }
}

/// What could become one stays where there is no other like it, or where all are two on purpose.
fn alone_stay(profiles: &mut [Profile<'_>]) {
    for sort in [Sort::Maintenance, Sort::Exit] {
        let is = |one: &&mut Profile<'_>| one.step == Step::Merge && one.sort == Some(sort);
        let mut of: Vec<&mut Profile<'_>> = profiles.iter_mut().filter(is).collect();
        let alone = of.len() == 1;
        if alone || of.iter().all(|one| one.standby) {
            for one in &mut of {
                (one.step, one.proposal, one.sort) = (Step::Keep, Proposal::Keep, None);
                one.reasons.push(if one.standby { "standby_pair" } else { "only_one" });
            }
        }
    }
}

fn profile<'a>(point: &'a Point, matter: &Matter<'_>) -> Profile<'a> {
    let written = matter.written(&point.id);
    let purpose = purpose::purpose(point, written);
    let line = purpose::line(point, written);
    let steps = steps(point, matter, line);
    let first = steps.first().copied();
    let reasons = steps.iter().map(|(_, reason)| *reason).collect();
    let mut profile = Profile {
        point,
        step: Step::Keep,
        proposal: Proposal::Keep,
        sort: None,
        standby: point.because.iter().any(|because| because.evidence == STANDBY),
        vendor: purpose::vendor(point, written),
        line,
        purpose,
        reasons,
    };
    if let Some((step, _)) = first {
        profile.step = step;
        profile.proposal = match step {
            Step::Open if is_operated(point.kind) => Proposal::Close,
            Step::OwnerUnknown => Proposal::Ask,
            Step::Stale | Step::Beside => Proposal::Close,
            _ => Proposal::Renew,
        };
    } else if let Some(sort) = sort(point, &profile) {
        (profile.step, profile.proposal) = (Step::Merge, Proposal::Merge);
        profile.sort = Some(sort);
    } else {
        profile.reasons.push(stays(point, &profile));
    }
    if matter.accepted.contains(point.id.as_str()) {
        profile.reasons.push("risk_accepted");
    }
    profile
}

/// What speaks for doing something about a point, the most urgent first, each with its reason.
fn steps(point: &Point, matter: &Matter<'_>, line: Option<&str>) -> Vec<(Step, &'static str)> {
    let assessment = matter.assessments.of(&point.id);
    let affected = || {
        let known = assessment.into_iter().flat_map(|assessment| &assessment.exploited);
        known.filter(|one| one.answer == Answer::Affected)
    };
    let exploited = affected().any(|one| one.known.contains(&Known::Kev));
    let owner = matter.written(&point.id).is_some() || matter.explained.contains(point.id.as_str());
    let beside =
        matches!(point.kind, Kind::DualHomedHost | Kind::OverlayNetwork | Kind::ProxyRelay);
    [
        (exploited, Step::Exploited, "exploited"),
        (assessment.is_some_and(super::Assessment::has_ended), Step::OutOfSupport, "support_ended"),
        (!exploited && affected().next().is_some(), Step::Vulnerable, "vulnerable"),
        (rules::is_open(point), Step::Open, "open_from_outside"),
        (line == Some(purpose::TELEPHONE), Step::Telephone, "telephone_line_ends"),
        (matter.is_written() && !owner, Step::OwnerUnknown, "owner_unknown"),
        (matter.stale.contains_key(&point.id), Step::Stale, "seldom_used"),
        (beside, Step::Beside, "passes_by"),
    ]
    .into_iter()
    .filter(|(so, ..)| *so)
    .map(|(_, step, reason)| (step, reason))
    .collect()
}

/// Whether somebody operates a machine over it: that has no business being open to the outside.
const fn is_operated(kind: Kind) -> bool {
    matches!(kind, Kind::RemoteDesktop | Kind::RemoteControl | Kind::RemoteShell)
}

/// What a point could become one with.
fn sort(point: &Point, profile: &Profile<'_>) -> Option<Sort> {
    let closed = matches!(profile.line, Some(purpose::CLOSED | purpose::LEASED));
    let of_partners = purpose::OF_PARTNERS.contains(&profile.purpose.as_str());
    if closed || of_partners {
        return None;
    }
    match point.kind {
        Kind::InternetGateway | Kind::Ipv6Exit => Some(Sort::Exit),
        Kind::MaintenanceRouter | Kind::VpnClient | Kind::VpnGateway | Kind::MobileRouter => {
            Some(Sort::Maintenance)
        }
        Kind::DeclaredLine if profile.purpose == purpose::INTERNET => Some(Sort::Exit),
        Kind::DeclaredLine if profile.line.is_some() => Some(Sort::Maintenance),
        _ => None,
    }
}

/// Why a point stays as it is.
fn stays(point: &Point, profile: &Profile<'_>) -> &'static str {
    let closed = matches!(profile.line, Some(purpose::CLOSED | purpose::LEASED));
    if closed || purpose::OF_PARTNERS.contains(&profile.purpose.as_str()) {
        return "closed_line_stays";
    }
    match point.kind {
        Kind::OutboundAgent => "allow_by_destination",
        Kind::RemoteControl | Kind::RemoteDesktop | Kind::RemoteShell => "from_inside_only",
        _ => "as_it_is",
    }
}

/// Points that are told together; their place among the others is set later.
fn group(step: Step, of: &[Profile<'_>], matter: &Matter<'_>) -> Group {
    let count = of.len();
    let proposal = of.first().map_or(Proposal::Keep, |one| one.proposal);
    let sort = of.first().and_then(|one| one.sort);
    let after = match proposal {
        Proposal::Close => 0,
        Proposal::Merge => of.iter().filter(|one| one.standby).count().max(1),
        Proposal::Renew | Proposal::Ask | Proposal::Keep => count,
    };
    let common = if sort == Some(Sort::Exit) { purpose::INTERNET } else { purpose::MAINTENANCE };
    let purpose = same(of.iter().map(|one| Some(one.purpose.clone())));
    Group {
        order: 0,
        purpose: purpose.unwrap_or_else(|| common.to_owned()),
        vendor: same(of.iter().map(|one| one.vendor.clone())),
        line: same(of.iter().map(|one| one.line.map(str::to_owned))),
        points: of.iter().map(|one| one.point.id.clone()).collect(),
        proposal,
        after,
        reasons: reasons(step, sort, of, matter),
    }
}

/// What all say; none where they differ.
fn same(mut values: impl Iterator<Item = Option<String>>) -> Option<String> {
    let first = values.next()??;
    values.all(|value| value.as_ref() == Some(&first)).then_some(first)
}

fn reasons(step: Step, sort: Option<Sort>, of: &[Profile<'_>], matter: &Matter<'_>) -> Vec<Why> {
    let mut reasons = Vec::new();
    let mut add = |reason: &str, values: &[(&str, String)]| {
        let values = values.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        reasons.push(Why { reason: reason.to_owned(), values: values.collect() });
    };
    let count = |number: usize| ("count", number.to_string());
    if step == Step::Merge {
        let vendors: BTreeSet<&str> = of.iter().filter_map(|one| one.vendor.as_deref()).collect();
        if sort == Some(Sort::Exit) {
            add("duplicate_exits", &[count(of.len())]);
            let standby = of.iter().filter(|one| one.standby).count();
            if standby > 0 {
                add("standby_pair", &[count(standby)]);
            }
        } else {
            let vendors = ("vendors", vendors.len().to_string());
            add("into_one_gateway", &[count(of.len()), vendors]);
            add("one_to_one", &[]);
        }
        let mobile = of.iter().filter(|one| one.line == Some(purpose::MOBILE)).count();
        if mobile > 0 {
            add("mobile_replaced", &[count(mobile)]);
        }
        let mut purposes: BTreeMap<&str, usize> = BTreeMap::new();
        for one in of {
            *purposes.entry(&one.purpose).or_default() += 1;
        }
        if purposes.len() > 1 {
            for (purpose, number) in purposes {
                add("for_purpose", &[("purpose", purpose.to_owned()), count(number)]);
            }
        }
    }
    for reason in REASONS {
        let number = of.iter().filter(|one| one.reasons.contains(&reason)).count();
        if number > 0 {
            let mut values = vec![count(number)];
            if reason == "seldom_used" {
                values.extend(seldom(of, matter.stale));
            }
            add(reason, &values);
        }
    }
    if step == Step::Merge && !matter.is_written() {
        add("nothing_written", &[]);
    }
    reasons
}

/// The numbers of the one that was seen most often among those that are seldom used.
fn seldom(of: &[Profile<'_>], stale: &BTreeMap<String, Stale>) -> Vec<(&'static str, String)> {
    let known = of.iter().filter_map(|one| stale.get(&one.point.id));
    let most = known.max_by_key(|stale| (stale.seen, stale.runs));
    let told = |stale: &Stale| {
        vec![
            ("seen", stale.seen.to_string()),
            ("runs", stale.runs.to_string()),
            ("days", stale.days.to_string()),
        ]
    };
    most.map(told).unwrap_or_default()
}
