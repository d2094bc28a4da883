//! What the register, forms and advisories say: what is written down, what is mended, who is responsible.

use std::collections::BTreeSet;

use super::{Rule, about, beside};
use crate::{
    assess::{
        Answer, Found, Ground, Known, Matter, Outcome, Suggestion::No, Suggestion::ToConfirm,
        SupportAnswer,
    },
    correlate::Point,
    import::Column,
};

/// How many numbers of vulnerabilities are filled into words.
const MOST_NUMBERS: usize = 3;

/// Whether the register knows what was found.
pub(super) const REGISTER: Rule = Rule {
    name: "register",
    whole: false,
    findings: &[
        "register_not_loaded",
        "undeclared",
        "register_differs",
        "declared_not_seen",
        "hosts_not_in_register",
        "register_matches",
    ],
    find: register,
};

/// Whether what is known to be mended is mended.
pub(super) const PATCHES: Rule = Rule {
    name: "patches",
    whole: false,
    findings: &[
        "exploited",
        "support_ended",
        "vulnerable",
        "version_to_ask",
        "support_to_ask",
        "nothing_known",
        "not_in_range",
    ],
    find: patches,
};

/// Whether it is written down where responsibilities meet.
pub(super) const RESPONSIBILITY: Rule = Rule {
    name: "responsibility",
    whole: false,
    findings: &["responsibility_not_written", "responsibility_written"],
    find: responsibility,
};

fn register(matter: &Matter<'_>) -> Vec<Ground> {
    let Some(register) = matter.reconciliation else {
        return vec![beside(ToConfirm, "register_not_loaded", &[])];
    };
    let (declared, undeclared): (Vec<&Point>, Vec<&Point>) =
        matter.points.iter().partition(|point| matter.written(&point.id).is_some());
    let differing: Vec<&str> = register
        .lines
        .iter()
        .filter_map(|line| match &line.outcome {
            Outcome::Mismatch { found: Found::Point(point) | Found::Host(point), .. } => {
                Some(point.as_str())
            }
            _ => None,
        })
        .collect();
    let (differ, same): (Vec<&Point>, Vec<&Point>) =
        declared.iter().partition(|point| differing.contains(&point.id.as_str()));
    let missing = register
        .lines
        .iter()
        .filter(|line| matches!(line.outcome, Outcome::NotSeen { .. }))
        .count();
    let listed: BTreeSet<&str> = register
        .lines
        .iter()
        .filter_map(|line| match line.outcome.found()? {
            Found::Host(host) => Some(host.as_str()),
            Found::Point(_) => None,
        })
        .collect();
    let unlisted = matter
        .hosts
        .iter()
        .filter(|host| host.point.is_none())
        .filter(|host| {
            let first = host.addresses.first().map(ToString::to_string);
            let names = first.into_iter().chain(host.macs.first().map(ToString::to_string));
            names.into_iter().all(|name| !listed.contains(name.as_str()))
        })
        .count();
    let mut found: Vec<Ground> = Vec::new();
    found.extend(about(No, "undeclared", &undeclared, &[]));
    let lines = [("lines", differing.len().to_string())];
    if differing.is_empty() {
        found.extend(about(ToConfirm, "register_matches", &same, &[]));
    } else {
        let of_points = about(No, "register_differs", &differ, &lines);
        found.push(of_points.unwrap_or_else(|| beside(No, "register_differs", &lines)));
    }
    for (count, finding) in [(missing, "declared_not_seen"), (unlisted, "hosts_not_in_register")] {
        if count > 0 {
            found.push(beside(ToConfirm, finding, &[("count", count.to_string())]));
        }
    }
    found
}

fn patches(matter: &Matter<'_>) -> Vec<Ground> {
    let mut sorts: [(&str, crate::assess::Suggestion, Vec<&Point>); 7] = [
        ("exploited", No, Vec::new()),
        ("support_ended", No, Vec::new()),
        ("vulnerable", No, Vec::new()),
        ("version_to_ask", ToConfirm, Vec::new()),
        ("support_to_ask", ToConfirm, Vec::new()),
        ("nothing_known", ToConfirm, Vec::new()),
        ("not_in_range", ToConfirm, Vec::new()),
    ];
    let mut numbers: BTreeSet<&str> = BTreeSet::new();
    for point in matter.points.iter().copied() {
        let mut is = Vec::new();
        if let Some(assessment) = matter.assessments.of(&point.id) {
            let affected = assessment.exploited.iter().filter(|one| one.answer == Answer::Affected);
            let (exploited, others): (Vec<_>, Vec<_>) =
                affected.partition(|one| one.known.contains(&Known::Kev));
            numbers.extend(exploited.iter().map(|one| one.id.as_str()));
            let unknown = [SupportAnswer::VersionNotVisible, SupportAnswer::NotKnown];
            let support = assessment.support.iter().any(|one| unknown.contains(&one.answer));
            let told = [
                ("exploited", !exploited.is_empty()),
                ("support_ended", assessment.has_ended()),
                ("vulnerable", exploited.is_empty() && !others.is_empty()),
                ("version_to_ask", assessment.asks() > 0),
                ("support_to_ask", support && !assessment.has_ended()),
            ];
            is.extend(told.into_iter().filter(|(_, so)| *so).map(|(finding, _)| finding));
            if is.is_empty() {
                is.push("not_in_range");
            }
        } else {
            is.push("nothing_known");
        }
        for (finding, _, points) in &mut sorts {
            if is.contains(finding) {
                points.push(point);
            }
        }
    }
    let named: Vec<&str> = numbers.iter().copied().take(MOST_NUMBERS).collect();
    let numbers = [("numbers", named.join(", "))];
    let values = |finding: &str| if finding == "exploited" { &numbers[..] } else { &[] };
    sorts
        .iter()
        .filter_map(|(finding, suggestion, points)| {
            about(*suggestion, finding, points, values(finding))
        })
        .collect()
}

fn responsibility(matter: &Matter<'_>) -> Vec<Ground> {
    let says = |point: &&&Point| {
        let entry = matter.written(&point.id);
        entry.is_some_and(|entry| {
            entry.get(Column::Boundary).is_some() || entry.get(Column::Manager).is_some()
        })
    };
    let (written, not): (Vec<&Point>, Vec<&Point>) =
        matter.points.iter().partition(|point| says(point));
    // Where nothing was loaded, it may be written down all the same.
    let gravest = if matter.is_written() { No } else { ToConfirm };
    let not = about(gravest, "responsibility_not_written", &not, &[]);
    not.into_iter().chain(about(ToConfirm, "responsibility_written", &written, &[])).collect()
}
