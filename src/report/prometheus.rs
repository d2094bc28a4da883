//! The run in numbers, as Prometheus collects them from a text file: counts by kind, and whether the night went well. No
//! text that a device said is in it.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{self, Write},
};

use super::{News, Report, cut};
use crate::{
    assess::Answer,
    correlate::{CoverageState, Kind, Point},
};

/// How many columns of the facility's name a label has.
const LONGEST_LABEL: usize = 120;

/// Writes the numbers of a run that ended with `exit`. What is not known, such as undeclared points where no register
/// was loaded, has no line: nothing here reads as zero that was not counted.
pub fn write_prometheus(report: &Report<'_>, exit: u8, out: &mut impl Write) -> io::Result<()> {
    let run = report.run;
    let facility = label(run.facility.as_deref().unwrap_or_default());
    let mut text = String::new();
    let mut family = |name: &str, help: &str, lines: &[(String, f64)]| {
        if lines.is_empty() {
            return;
        }
        let _ = writeln!(text, "# HELP sekisho_{name} {help}\n# TYPE sekisho_{name} gauge");
        for (more, value) in lines {
            let _ = writeln!(text, "sekisho_{name}{{facility=\"{facility}\"{more}}} {value}");
        }
    };
    let one = |value: f64| vec![(String::new(), value)];
    let some = |value: Option<f64>| value.map(one).unwrap_or_default();

    let mut kinds: BTreeMap<Kind, usize> = Kind::ALL.iter().map(|kind| (*kind, 0)).collect();
    run.points.iter().for_each(|point| *kinds.entry(point.kind).or_default() += 1);
    let kinds: Vec<_> = kinds
        .iter()
        .map(|(kind, count)| (format!(",kind=\"{}\"", kind.name()), number(*count)))
        .collect();
    family("points", "Connection points, by kind.", &kinds);
    let count =
        |is: &dyn Fn(&Point) -> bool| number(run.points.iter().filter(|point| is(point)).count());
    let registered = report.meaning.reconciliation.is_some();
    let undeclared = || count(&|point| report.register(&point.id) == Some("undeclared"));
    family(
        "points_undeclared",
        "Connection points that are not in the register.",
        &some(registered.then(undeclared)),
    );
    let assessed = !report.meaning.assessments.is_empty();
    let exploited = || {
        count(&|point| report.assessed(point).is_some_and(|one| one.count(Answer::Affected) > 0))
    };
    family(
        "points_exploited",
        "Connection points of a version with a vulnerability that is known to be exploited.",
        &some(assessed.then(exploited)),
    );
    let unclear = || {
        count(&|point| {
            let assessment = report.assessed(point);
            assessment.is_some_and(|one| one.asks() > 0 && one.count(Answer::Affected) == 0)
        })
    };
    family(
        "points_unclear",
        "Connection points whose version is not visible or not clear: nobody can say yet whether they are exploited.",
        &some(assessed.then(unclear)),
    );
    family(
        "points_suppressed",
        "Connection points that a review puts aside.",
        &one(count(&|point| report.is_suppressed(&point.id))),
    );
    let news = News::of(report);
    let changes: Vec<_> = ["appeared", "changed", "seen_again", "not_seen"]
        .map(|name| (format!(",change=\"{name}\""), number(news.count(name))))
        .into();
    family("changes", "What is new in the last run.", &changes);
    let seconds = |at: crate::time::Timestamp| decimal(at.nanoseconds()) / 1e9;
    family("run_timestamp_seconds", "When the last run ended.", &one(seconds(run.ended)));
    let lasted = decimal(run.ended.since(run.began)) / 1e9;
    family("run_duration_seconds", "How long the last run took.", &one(lasted));
    let sent = run.coverage.iter().filter(|line| line.subject == "packets_sent");
    let sent: Option<u64> = sent.map(|line| line.count).sum();
    let asked =
        report.asked.is_some() || run.coverage.iter().any(|line| line.subject == "packets_sent");
    #[expect(clippy::cast_precision_loss, reason = "a run sends fewer packets than a float counts")]
    let sent = asked.then(|| sent.unwrap_or_default() as f64);
    family("packets_sent", "Packets that the last run sent.", &some(sent));
    let partial = run.coverage.iter().filter(|line| line.state == CoverageState::Partial).count();
    family("coverage_partial", "What the last run measured in part only.", &one(number(partial)));
    family(
        "exit_code",
        "How the last run ended: 0 nothing new, 1 news, 2 partial, 3 something to mend.",
        &one(f64::from(exit)),
    );
    out.write_all(text.as_bytes())
}

/// A value of a label, as the text format escapes it.
fn label(text: &str) -> String {
    cut(text, LONGEST_LABEL).replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[expect(clippy::cast_precision_loss, reason = "a hospital has fewer points than a float counts")]
const fn number(count: usize) -> f64 {
    count as f64
}

#[expect(clippy::cast_precision_loss, reason = "a microsecond more or less does not matter here")]
const fn decimal(nanoseconds: i64) -> f64 {
    nanoseconds as f64
}
