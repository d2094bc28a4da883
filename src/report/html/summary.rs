//! The sheet for whoever decides: what this is, the few numbers that matter, what to do first, how sure it is, and what was
//! not looked at.

use serde::Serialize;

use super::{LONGEST, Named, named, sentences};
use crate::{
    assess::{Answer, Assessment, Proposal},
    correlate::{CoverageState, FromOutside, Grid, Point, mechanism::Mechanism},
    report::{Report, assessed, cut, networks, words::grouped},
};

/// How many things to do first are told, and how many that were not looked at: they have to fit on a sheet.
const MOST_FIRST: usize = 5;
const MOST_UNSEEN: usize = 5;

/// How many networks are named that were not looked at.
const MOST_NETWORKS: usize = 4;

/// How many points something to do first names.
const MOST_POINTS: usize = 6;

#[derive(Serialize)]
pub(super) struct Summary<'a> {
    what: String,
    lead: String,
    /// What follows from it, where there is anything.
    lead_more: String,
    numbers: Vec<Number<'a>>,
    first: Vec<First>,
    sure: Vec<String>,
    unseen: Vec<String>,
    unseen_more: String,
}

#[derive(Serialize)]
struct Number<'a> {
    label: &'a str,
    count: String,
    unit: &'a str,
    note: String,
    alert: bool,
}

/// Something to do first.
#[derive(Serialize)]
struct First {
    what: String,
    why: Vec<String>,
    points: Vec<Named>,
    more: String,
}

pub(super) fn summary<'a>(report: &Report<'a>) -> Summary<'a> {
    let (unseen, more) = unseen(report);
    let words = report.words;
    Summary {
        what: match &report.run.facility {
            Some(facility) => words.fill("page", "what", &[("facility", &cut(facility, 80))]),
            None => words.get("page", "what_unnamed").to_owned(),
        },
        lead: words.counted("summary", "found", report.run.points.len()),
        lead_more: lead(report),
        numbers: numbers(report),
        first: first(report),
        sure: sure(report),
        unseen,
        unseen_more: if more > 0 {
            words.fill("page", "unseen_more", &[("count", &more.to_string())])
        } else {
            String::new()
        },
    }
}

/// The points that somebody still has to look at, of which `is` holds.
fn open<'a>(report: &Report<'a>, is: impl Fn(&Point) -> bool) -> Vec<&'a String> {
    let points = report.points().into_iter();
    points
        .filter(|point| !report.is_suppressed(&point.id) && is(point))
        .map(|point| &point.id)
        .collect()
}

fn undeclared<'a>(report: &Report<'a>) -> Vec<&'a String> {
    open(report, |point| report.register(&point.id) == Some("undeclared"))
}

fn exploited<'a>(report: &Report<'a>) -> Vec<&'a String> {
    open(report, |point| report.assessed(point).is_some_and(assessed::is_exploited))
}

/// Those with a weakness of which no exploitation is known.
fn affected<'a>(report: &Report<'a>) -> Vec<&'a String> {
    open(report, |point| {
        report
            .assessed(point)
            .is_some_and(|one| one.count(Answer::Affected) > 0 && !assessed::is_exploited(one))
    })
}

fn ended<'a>(report: &Report<'a>) -> Vec<&'a String> {
    open(report, |point| report.assessed(point).is_some_and(Assessment::has_ended))
}

/// The points of which proof, version or register is open, and about which nobody decided.
fn unanswered<'a>(report: &Report<'a>) -> Vec<&'a String> {
    open(report, |point| {
        let version = report.assessed(point).is_some_and(|assessment| assessment.asks() > 0);
        let register = matches!(report.register(&point.id), Some("undeclared" | "mismatch"));
        let weak = point.grade <= crate::correlate::Grade::Inferred;
        report.review(&point.id).is_none() && (version || register || weak)
    })
}

/// Which way the points lead.
fn lead(report: &Report<'_>) -> String {
    let words = report.words;
    if report.run.points.is_empty() {
        return String::new();
    }
    let inbound = words.counted("summary", "inbound", report.inbound());
    // It follows another sentence.
    let before = String::new();
    sentences(&[before, inbound, words.counted("page", "outbound", report.outbound())], words)
}

/// The few numbers that matter most.
fn numbers<'a>(report: &Report<'a>) -> Vec<Number<'a>> {
    let words = report.words;
    let number = |key: &'static str, note: String, unit, count: usize, alert| Number {
        label: words.get("page_number", key),
        count: grouped(u64::try_from(count).unwrap_or(u64::MAX)),
        unit: words.get("summary", unit),
        note,
        alert: alert && count > 0,
    };
    let note = |key: &str| words.get("page_number", key).to_owned();
    let decided = report.run.points.iter().filter(|point| report.is_suppressed(&point.id)).count();
    let points_note = if decided > 0 {
        words.fill("page_number", "points_note", &[("count", &decided.to_string())])
    } else {
        words.get("summary", "points_note").to_owned()
    };
    let mut urgent = exploited(report);
    urgent.extend(affected(report));
    urgent.extend(ended(report));
    urgent.sort_unstable();
    urgent.dedup();
    let mut numbers = vec![
        number("points", points_note, "places", report.run.points.len(), false),
        number("inbound", note("inbound_note"), "places", report.inbound(), true),
    ];
    if let Some(register) = &report.meaning.reconciliation {
        let said = words.fill(
            "page_number",
            "undeclared_note",
            &[("register", &cut(&register.register, 24))],
        );
        numbers.push(number("undeclared", said, "places", undeclared(report).len(), true));
    }
    numbers.push(number("urgent", note("urgent_note"), "places", urgent.len(), true));
    numbers.push(number("answer", note("answer_note"), "places", unanswered(report).len(), false));
    if let Some(changes) = report.changes {
        numbers.push(number("changed", note("changed_note"), "items", changes.len(), false));
    }
    if numbers.len() < 6 {
        numbers.push(number(
            "unseen",
            note("unseen_note"),
            "items",
            how_many_unseen(report),
            false,
        ));
    }
    numbers
}

/// What is told as not looked at: a way to find exits counts once, whatever the number of networks.
fn how_many_unseen(report: &Report<'_>) -> usize {
    let lines = report.run.coverage.iter();
    lines
        .filter(|line| Mechanism::place(&line.subject).is_none())
        .filter(|line| line.state != CoverageState::Measured)
        .count()
        + networks::unseen(&Grid::of(&report.run.coverage))
}

/// What to do first: the plan's order of work, or where there is no plan, what the points themselves call for.
fn first(report: &Report<'_>) -> Vec<First> {
    let words = report.words;
    let groups = report.meaning.plan.groups.iter().filter(|group| group.proposal != Proposal::Keep);
    let planned = groups.take(MOST_FIRST).map(|group| {
        let count = group.points.len().to_string();
        let what = cut(&words.purpose(&group.purpose), LONGEST);
        let values = [("what", what.as_str()), ("count", count.as_str())];
        let why = group.reasons.iter().take(2);
        let (points, more) = few(&group.points.iter().collect::<Vec<_>>(), report);
        First {
            what: words.fill("page_first", group.proposal.name(), &values),
            why: why.map(|why| words.why(why)).collect(),
            points,
            more,
        }
    });
    let planned: Vec<First> = planned.collect();
    if !planned.is_empty() {
        return planned;
    }
    let answers = |wanted: FromOutside| {
        move |point: &Point| point.sides.restriction.iter().any(|one| one.answer == wanted)
    };
    let answered = open(report, answers(FromOutside::Open));
    let inbound = if answered.is_empty() {
        open(report, |point| point.direction != crate::correlate::Direction::Out)
    } else {
        Vec::new()
    };
    let hidden = |point: &Point| report.assessed(point).is_some_and(|one| one.asks() > 0);
    let weak = |point: &Point| point.grade <= crate::correlate::Grade::Inferred;
    let register = report.meaning.reconciliation.as_ref();
    let things = [
        ("exploited", exploited(report)),
        ("affected", affected(report)),
        ("open", answered),
        ("ended", ended(report)),
        ("undeclared", register.map(|_| undeclared(report)).unwrap_or_default()),
        ("version", open(report, hidden)),
        ("inbound", inbound),
        ("unsure", open(report, weak)),
    ];
    let mut first: Vec<First> = things
        .into_iter()
        .filter(|(_, points)| !points.is_empty())
        .take(MOST_FIRST)
        .map(|(key, points)| {
            let what = words.fill("page_first", key, &[("count", &points.len().to_string())]);
            let (points, more) = few(&points, report);
            First { what, why: Vec::new(), points, more }
        })
        .collect();
    if first.len() < MOST_FIRST && how_many_unseen(report) > 0 {
        let what = words.get("page_first", "unseen").to_owned();
        first.push(First { what, why: Vec::new(), points: Vec::new(), more: String::new() });
    }
    first
}

/// The first few points of a thing to do, as links.
fn few(points: &[&String], report: &Report<'_>) -> (Vec<Named>, String) {
    let (points_named, _) = named(points.iter().copied().take(MOST_POINTS), report);
    let more = points.len().saturating_sub(MOST_POINTS);
    (points_named, super::more_of(more, report.words))
}

/// How sure all of this is.
fn sure(report: &Report<'_>) -> Vec<String> {
    let words = report.words;
    if report.run.points.is_empty() {
        return vec![words.get("page_sure", "nothing").to_owned()];
    }
    let grades = report.tally(|point| point.grade);
    let grades: Vec<String> = grades
        .iter()
        .rev()
        .map(|(grade, count)| format!("{} {count}", words.grade(*grade)))
        .collect();
    let grades = grades.join(words.get("language", "comma"));
    let weak = report.unsure();
    let firm = if weak == 0 {
        words.get("page_sure", "all_firm").to_owned()
    } else {
        words.fill("page_sure", "some_weak", &[("count", &weak.to_string())])
    };
    let told = words.fill("page_sure", "grades", &[("grades", &grades)]);
    let mut sure = vec![sentences(&[told, firm], words)];
    if !report.meaning.assessments.is_empty() {
        sure.push(words.get("page_sure", "versions").to_owned());
    }
    sure
}

/// What was not looked at, the first few, and how many more there are.
fn unseen(report: &Report<'_>) -> (Vec<String>, usize) {
    let words = report.words;
    let lines = report.run.coverage.iter();
    let mut lines: Vec<_> = lines
        .filter(|line| Mechanism::place(&line.subject).is_none())
        .filter(|line| line.state != CoverageState::Measured)
        .collect();
    lines.sort_by_key(|line| std::cmp::Reverse(line.state));
    let own = lines.iter().map(|line| {
        let subject = words.get("coverage", &line.subject);
        let values = [("subject", subject), ("state", words.coverage_state(line.state))];
        cut(&words.fill("page", "short_for", &values), 120)
    });
    let grid = Grid::of(&report.run.coverage);
    let comma = words.get("language", "comma");
    let mut all = Vec::new();
    if !grid.dark.is_empty() {
        let names: Vec<&str> = grid.dark.iter().take(MOST_NETWORKS).copied().collect();
        let values = [
            ("count", grid.dark.len().to_string()),
            ("total", grid.networks().to_string()),
            ("names", cut(&names.join(comma), 120)),
        ];
        let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
        all.push(words.fill("page", "unseen_networks", &values));
    }
    let ways: Vec<&str> = grid
        .summaries()
        .iter()
        .filter(|one| !one.gaps.is_empty())
        .map(|one| words.get("mechanism", one.mechanism.name))
        .collect();
    if !ways.is_empty() {
        let names = [("names", ways.join(comma))];
        let names = names.each_ref().map(|(name, value)| (*name, value.as_str()));
        all.push(words.fill("page", "unseen_ways", &names));
    }
    all.extend(own);
    let more = all.len().saturating_sub(MOST_UNSEEN);
    (all.into_iter().take(MOST_UNSEEN).collect(), more)
}
