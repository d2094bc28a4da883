//! What a run found as test cases, for whatever shows those of a build: points that are undeclared or new, and changes, fail;
//! what could not be measured is an error; what somebody decided about is skipped, with the reason.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use super::{
    Report, networks,
    tables::{self, day},
    text,
    xml::Element,
};
use crate::{
    correlate::{CoverageState, Grid, Point, grid::Summary, mechanism::Mechanism},
    inventory::{Change, Review},
};

/// What came of a test case.
enum Verdict {
    Passed,
    /// Why it fails: a word for programs, and a sentence.
    Failed(&'static str, String),
    /// Why nothing can be said.
    Error(&'static str, String),
    Skipped(String),
}

/// A test case.
struct Case {
    /// What it belongs to, with dots.
    class: String,
    name: String,
    verdict: Verdict,
    /// What there is to say besides.
    said: String,
}

/// Writes the test cases.
pub(super) fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let suites =
        [("points", points(report)), ("changes", changes(report)), ("coverage", coverage(report))];
    let count = |of: fn(&Verdict) -> bool| {
        let cases = suites.iter().flat_map(|(_, cases)| cases);
        cases.filter(|case| of(&case.verdict)).count()
    };
    let root = Element::new("testsuites")
        .with("name", report.words.get("heading", "title"))
        .with("tests", count(|_| true).to_string())
        .with("failures", count(is_failure).to_string())
        .with("errors", count(is_error).to_string())
        .with("time", "0");
    let suites = (0..).zip(&suites).map(|(id, (key, cases))| suite(report, id, key, cases));
    root.children(suites).write(out)
}

const fn is_failure(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Failed(..))
}

const fn is_error(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Error(..))
}

const fn is_skipped(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Skipped(_))
}

fn suite(report: &Report<'_>, id: usize, key: &str, cases: &[Case]) -> Element {
    let run = report.run;
    let count = |of: fn(&Verdict) -> bool| {
        cases.iter().filter(|case| of(&case.verdict)).count().to_string()
    };
    // RFC 3339 without the part of the second and the zone, which the usual schema does not take.
    let ended: String = run.ended.to_string().chars().take(19).collect();
    let property =
        |name, value: &str| Element::new("property").with("name", name).with("value", value);
    let properties = [
        property("run", &run.id),
        property("facility", run.facility.as_deref().unwrap_or_default()),
        property("version", env!("CARGO_PKG_VERSION")),
    ];
    Element::new("testsuite")
        .with("name", report.words.get("junit", key))
        .with("tests", cases.len().to_string())
        .with("failures", count(is_failure))
        .with("errors", count(is_error))
        .with("skipped", count(is_skipped))
        .with("time", "0")
        .with("timestamp", ended)
        .with("hostname", "sekisho")
        .with("id", id.to_string())
        .with("package", "sekisho")
        .child(Element::new("properties").children(properties))
        .children(cases.iter().map(case))
}

fn case(case: &Case) -> Element {
    let element = Element::new("testcase")
        .with("name", &case.name)
        .with("classname", &case.class)
        .with("time", "0");
    let told = |name, kind, message: &String| {
        Element::new(name).with("message", message).with("type", kind).text(case.said.clone())
    };
    match &case.verdict {
        Verdict::Passed if case.said.is_empty() => element,
        Verdict::Passed => element.child(Element::new("system-out").text(case.said.clone())),
        Verdict::Failed(kind, message) => element.child(told("failure", kind, message)),
        Verdict::Error(kind, message) => element.child(told("error", kind, message)),
        Verdict::Skipped(reason) => element.child(Element::new("skipped").with("message", reason)),
    }
}

/// A case for each point.
fn points(report: &Report<'_>) -> Vec<Case> {
    report.points().into_iter().map(|point| of_point(report, point)).collect()
}

fn of_point(report: &Report<'_>, point: &Point) -> Case {
    let words = report.words;
    let is_new = |change: &Change| matches!(change, Change::Appeared { id, .. } if *id == point.id);
    let verdict = if let Some(review) = suppressed(report, &point.id) {
        Verdict::Skipped(decided(report, review))
    } else if report.register(&point.id) == Some("undeclared") {
        Verdict::Failed("undeclared", words.get("junit", "undeclared").to_owned())
    } else if report.changes.is_some_and(|changes| changes.iter().any(is_new)) {
        Verdict::Failed("appeared", words.get("junit", "appeared").to_owned())
    } else {
        Verdict::Passed
    };
    let address = point.addresses.iter().next().map(ToString::to_string);
    let address = address.or_else(|| point.macs.iter().next().map(ToString::to_string));
    let name = [Some(point.id.clone()), Some(words.kind(point.kind).to_owned()), address];
    let name: Vec<String> = name.into_iter().flatten().collect();
    let because = point.because.iter().take(3);
    let because = because.map(|one| format!("{} [{}]", words.because(one), one.observation));
    let said: Vec<String> = tables::actions(report, point).into_iter().chain(because).collect();
    Case {
        class: format!("point.{}", point.kind.name()),
        name: name.join(" "),
        verdict,
        said: said.join("\n"),
    }
}

/// A case for each change of a point that was known.
fn changes(report: &Report<'_>) -> Vec<Case> {
    let changes = report.changes.unwrap_or_default().iter();
    changes.filter_map(|change| of_change(report, change)).collect()
}

fn of_change(report: &Report<'_>, change: &Change) -> Option<Case> {
    let words = report.words;
    let failed = |kind: &'static str| Verdict::Failed(kind, words.get("junit", kind).to_owned());
    let verdict = match change {
        // A case of its point.
        Change::Appeared { .. } => return None,
        // What somebody called closed, or no point, was seen all the same.
        Change::SeenAgain { .. } => failed("seen_again"),
        _ if suppressed(report, change.id()).is_some() => {
            let review = suppressed(report, change.id())?;
            Verdict::Skipped(decided(report, review))
        }
        Change::Changed { .. } => failed("changed"),
        Change::NotSeen { again: false, .. } => failed("not_seen"),
        // It was told when it was missed first.
        Change::NotSeen { again: true, .. } => Verdict::Passed,
    };
    let name = format!(
        "{} {}{}{}",
        change.id(),
        words.kind(change.kind()),
        words.get("language", "colon"),
        words.get("change", change.name())
    );
    let said = text::detail(change, words);
    Some(Case { class: format!("change.{}", change.name()), name, verdict, said })
}

/// A case for each thing that was to be measured, whatever the number of networks. Its name holds no number, so that it is
/// the same from run to run.
fn coverage(report: &Report<'_>) -> Vec<Case> {
    let (words, lines) = (report.words, &report.run.coverage);
    let of_run = lines.iter().filter(|line| Mechanism::place(&line.subject).is_none());
    let mut told = BTreeMap::new();
    for line in of_run.clone() {
        *told.entry(&line.subject).or_insert(0) += 1;
    }
    let of_run = of_run.map(|line| {
        let subject = words.get("coverage", &line.subject);
        let several = told.get(&line.subject).is_some_and(|count| *count > 1);
        let detail = line.detail.as_deref().filter(|_| several).unwrap_or_default();
        let plain = words.find("coverage_plain", &line.subject).unwrap_or_default();
        let said = format!("{}\n{plain}", text::coverage(line, words));
        let name = format!("{subject} {detail}").trim_end().to_owned();
        measured(format!("coverage.{}", line.subject), name, line.state, said, report)
    });
    of_run.chain(networks(report)).collect()
}

/// A case for each way to find exits.
fn networks(report: &Report<'_>) -> Vec<Case> {
    let words = report.words;
    let grid = Grid::of(&report.run.coverage);
    let lines = networks::lines(&grid, words);
    let of_mechanism = |one: &Summary<'_>| {
        let name = words.get("mechanism", one.mechanism.name);
        let state = if one.gaps.is_empty() {
            CoverageState::Measured
        } else if one.gaps.iter().any(|gap| gap.partial) {
            CoverageState::Partial
        } else {
            CoverageState::NotMeasured
        };
        let said = lines.iter().find(|(_, said)| said.starts_with(name));
        let said = said.map(|(_, said)| said.clone()).unwrap_or_default();
        let class = format!("coverage.{}", one.mechanism.name);
        measured(class, name.to_owned(), state, said, report)
    };
    grid.summaries().iter().map(of_mechanism).collect()
}

fn measured(
    class: String,
    name: String,
    state: CoverageState,
    said: String,
    report: &Report<'_>,
) -> Case {
    let words = report.words;
    let verdict = match state {
        // What was measured needs no explanation.
        CoverageState::Measured => {
            return Case { class, name, verdict: Verdict::Passed, said: String::new() };
        }
        CoverageState::Partial => {
            Verdict::Error("partial", words.get("junit", "partial").to_owned())
        }
        CoverageState::NotMeasured => {
            Verdict::Skipped(words.get("junit", "not_measured").to_owned())
        }
    };
    Case { class, name, verdict, said }
}

/// The decision by which nobody has to look at a point.
fn suppressed<'a>(report: &Report<'a>, point: &str) -> Option<&'a Review> {
    report.review(point).filter(|review| review.state.suppresses())
}

fn decided(report: &Report<'_>, review: &Review) -> String {
    let values = [
        ("state", report.words.get("verdict", review.state.name())),
        ("reason", &*review.reason),
        ("name", &*review.reviewer),
        ("day", &*day(review.at)),
    ];
    report.words.fill("junit", "suppressed", &values)
}
