//! The first page: whose it is, the numbers that matter, and what to do first.

use super::{chapter, facility, named, note, paragraph, shown};
use crate::{
    assess::{Answer, Outcome, Proposal},
    correlate::{CoverageState, FromOutside, Grade, Grid, Point, mechanism::Mechanism},
    report::{
        Language, Report, networks,
        pdf::block::{Block, Figure, Look, Text},
        text::period,
        words::grouped,
    },
};

/// How many numbers stand on the first page.
const MOST_FIGURES: usize = 6;

/// How many things to do it names.
const MOST_STEPS: usize = 6;

pub(super) fn blocks(report: &Report<'_>) -> Vec<Block> {
    let (run, words) = (report.run, report.words);
    let colon = words.get("language", "colon");
    let line = |label, value: &str| format!("{}{colon}{value}", words.get("label", label));
    let made_by = format!("Sekisho {}", env!("CARGO_PKG_VERSION"));
    let steps = steps(report);
    let mut blocks = vec![
        Block::Cover {
            title: words.get("heading", "title").to_owned(),
            facility: facility(report),
            lines: vec![
                line("period", &period(run.began, run.ended, words)),
                [line("run", &shown(&run.id)), line("made_by", &made_by)].join("   "),
            ],
            mark: words.get("heading", "confidential").to_owned(),
        },
        chapter(words.get("heading", "summary"), "summary"),
        Block::Figures(figures(report)),
    ];
    blocks.extend(lead(report).into_iter().map(paragraph));
    let heading = words.get("paper", "first").to_owned();
    blocks.push(Block::Heading { level: 2, words: heading, anchor: "first".to_owned() });
    if steps.is_empty() {
        blocks.push(paragraph(words.get("paper", "first_none")));
    } else {
        blocks.push(Block::List(steps));
    }
    blocks.push(note(words.get("paper", "first_note")));
    let heading = words.get("heading", "contents").to_owned();
    blocks.push(Block::Heading { level: 2, words: heading, anchor: "contents".to_owned() });
    blocks.push(Block::Contents);
    blocks
}

/// The few sentences that matter most.
fn lead(report: &Report<'_>) -> Vec<String> {
    let words = report.words;
    let found = report.run.points.len();
    let mut lead = words.counted("summary", "found", found);
    let space = if words.language() == Language::Japanese { "" } else { " " };
    if found > 0 {
        lead = [
            lead,
            words.counted("summary", "inbound", report.inbound()),
            words.counted("summary", "weak", report.unsure()),
        ]
        .join(space);
    }
    vec![lead, words.get("summary", "caveat").to_owned()]
}

/// The numbers that matter most, those first that this report alone can tell.
fn figures(report: &Report<'_>) -> Vec<Figure> {
    let words = report.words;
    let figure = |(section, label, note): (&str, &str, &str), unit, count: usize, alert| Figure {
        label: words.get(section, label).to_owned(),
        count: grouped(u64::try_from(count).unwrap_or(u64::MAX)),
        unit: words.get("summary", unit).to_owned(),
        note: words.get(section, note).to_owned(),
        alert: alert && count > 0,
    };
    let of_summary = |label, note| ("summary", label, note);
    let mut figures = vec![
        figure(of_summary("points", "points_note"), "places", report.run.points.len(), false),
        figure(of_summary("inbound_label", "inbound_note"), "places", report.inbound(), true),
    ];
    if !report.meaning.assessments.is_empty() {
        let label = ("paper", "exploited_label", "exploited_note");
        let mut figure = figure(label, "places", affected(report).len(), true);
        // What could not be told must not read as safe.
        let unclear = unclear(report).len();
        if unclear > 0 {
            figure.note = words.counted("paper", "exploited_open", unclear);
        }
        figures.push(figure);
    }
    if report.meaning.reconciliation.is_some() {
        let label = ("paper", "undeclared_label", "undeclared_note");
        figures.push(figure(label, "places", undeclared(report).len(), true));
    }
    figures.push(figure(of_summary("check_label", "check_note"), "places", report.unsure(), false));
    // A way to find exits counts once, whatever the number of networks.
    let lines = report.run.coverage.iter();
    let lines = lines.filter(|line| Mechanism::place(&line.subject).is_none());
    let unseen = lines.filter(|line| line.state != CoverageState::Measured).count()
        + networks::unseen(&Grid::of(&report.run.coverage));
    figures.push(figure(of_summary("partial_label", "partial_note"), "items", unseen, false));
    if let Some(changes) = report.changes {
        figures.push(figure(
            of_summary("changed_label", "changed_note"),
            "items",
            changes.len(),
            false,
        ));
    }
    let outbound = of_summary("outbound_label", "outbound_note");
    figures.push(figure(outbound, "places", report.outbound(), false));
    figures.truncate(MOST_FIGURES);
    figures
}

/// The points that `is` holds of and that nobody has put aside.
fn points<'a>(report: &Report<'a>, is: impl Fn(&Point) -> bool) -> Vec<&'a str> {
    let points = report.points().into_iter();
    points
        .filter(|point| is(point) && !report.is_suppressed(&point.id))
        .map(|point| &*point.id)
        .collect()
}

/// Points of a version with an exploited vulnerability.
fn affected<'a>(report: &Report<'a>) -> Vec<&'a str> {
    let is =
        |point: &Point| report.assessed(point).is_some_and(|one| one.count(Answer::Affected) > 0);
    points(report, is)
}

/// Points of which it could not be told whether they are affected.
fn unclear<'a>(report: &Report<'a>) -> Vec<&'a str> {
    let is = |point: &Point| {
        let assessment = report.assessed(point);
        assessment.is_some_and(|one| one.asks() > 0 && one.count(Answer::Affected) == 0)
    };
    points(report, is)
}

/// Points that nobody wrote down.
fn undeclared<'a>(report: &Report<'a>) -> Vec<&'a str> {
    points(report, |point| report.register(&point.id) == Some("undeclared"))
}

/// What to do first, the most urgent first.
fn steps(report: &Report<'_>) -> Vec<Text> {
    let (words, meaning) = (report.words, report.meaning);
    let mut steps = Vec::new();
    let mut step = |key: &str, points: &[&str]| {
        if !points.is_empty() {
            let said = words.counted("paper", key, points.len());
            let names = named(points.iter().copied(), words);
            steps.push(format!("{said}{}{names}", words.get("language", "colon")));
        }
    };
    step("do_exploited", &affected(report));
    step("do_undeclared", &undeclared(report));
    let open =
        |point: &Point| point.sides.restriction.iter().any(|one| one.answer == FromOutside::Open);
    step("do_open", &points(report, open));
    step("do_ask", &unclear(report));
    let ended =
        |point: &Point| report.assessed(point).is_some_and(crate::assess::Assessment::has_ended);
    step("do_ended", &points(report, ended));
    step("do_stale", &points(report, |point| meaning.stale.contains_key(&point.id)));
    let weak = |point: &Point| point.grade <= Grade::Inferred && report.review(&point.id).is_none();
    step("do_weak", &points(report, weak));
    let lines = meaning.reconciliation.iter().flat_map(|register| &register.lines);
    let missing = lines.filter(|line| matches!(line.outcome, Outcome::NotSeen { .. })).count();
    if missing > 0 {
        steps.push(words.counted("paper", "do_missing", missing));
    }
    let plan = &meaning.plan;
    if plan.groups.iter().any(|group| group.proposal != Proposal::Keep) && plan.after < plan.before
    {
        let values = [("before", &*plan.before.to_string()), ("after", &plan.after.to_string())];
        steps.push(words.fill("paper", "do_plan", &values));
    }
    steps.truncate(MOST_STEPS);
    steps.into_iter().map(|step| Text::new(step, Look::BODY)).collect()
}
