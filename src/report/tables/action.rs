//! Why somebody has to do something about a point.

use crate::{
    correlate::{Grade, Point},
    inventory::Change,
    report::Report,
};

/// The reasons, the gravest first; none where nobody has to, or where somebody decided so.
pub(in crate::report) fn actions(report: &Report<'_>, point: &Point) -> Vec<String> {
    if report.is_suppressed(&point.id) {
        return Vec::new();
    }
    let words = report.words;
    let assessment = report.assessed(point);
    let affected = assessment.map_or(0, |one| one.count(crate::assess::Answer::Affected));
    let state = report.register(&point.id);
    let is_new = |change: &Change| matches!(change, Change::Appeared { id, .. } if *id == point.id);
    let reasons = [
        ("affected", affected > 0),
        ("ended", assessment.is_some_and(crate::assess::Assessment::has_ended)),
        ("undeclared", state == Some("undeclared")),
        ("appeared", report.changes.is_some_and(|changes| changes.iter().any(is_new))),
        ("ask", assessment.is_some_and(|one| one.asks() > 0)),
        ("mismatch", state == Some("mismatch")),
        ("weak", point.grade <= Grade::Inferred),
        ("stale", report.meaning.stale.contains_key(&point.id)),
        ("expired", report.review(&point.id).is_none() && report.was_reviewed(&point.id)),
    ];
    let reasons = reasons.into_iter().filter(|(_, holds)| *holds);
    reasons.map(|(key, _)| words.counted("action", key, affected)).collect()
}
