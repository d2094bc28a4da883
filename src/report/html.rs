//! A page for people: self-contained, without scripts, for the screen, the telephone and A4.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Write},
    sync::LazyLock,
};

use minijinja::{Environment, UndefinedBehavior, syntax::SyntaxConfig, value::Serde};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{
    Language, Report, Words, assessed, cut, networks, restricted,
    sent::{self, size},
    show::percent,
    text::{detail, period},
    unknown,
    words::grouped,
};
use crate::{
    assess::Assessment,
    correlate::{CoverageState, Direction, FromOutside, Grid, Kind, Point, mechanism::Mechanism},
    inventory::Change,
};

const STYLE: &str = include_str!("html/style.css");

/// How many columns of one value are shown; a device may call itself anything.
const LONGEST: usize = 240;

/// How many values of one kind, and how many reasons, a point shows.
const MOST_VALUES: usize = 24;
const MOST_REASONS: usize = 30;

/// How many values a cell of the table shows.
const MOST_IN_CELL: usize = 3;

/// How many of those that were asked most, and of those that were spared, are shown.
const MOST_ASKED: usize = 20;
const MOST_SPARED: usize = 12;

/// How many points the map draws side by side, and how far apart.
const DOTS: usize = 15;
const DOT_STEP: usize = 18;

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(syntax.expect("the usual delimiters do not clash"));
    for (name, source) in [
        (
            "report.html",
            concat!(include_str!("html/macros.html"), include_str!("html/report.html")),
        ),
        ("point.html", concat!(include_str!("html/macros.html"), include_str!("html/point.html"))),
        ("map.html", concat!(include_str!("html/macros.html"), include_str!("html/map.html"))),
    ] {
        environment.add_template(name, source).expect("the templates are rendered by tests");
    }
    environment
});

/// Everything the page shows, as text that is safe to look at; the templates escape it for HTML.
#[derive(Serialize)]
struct Page<'a> {
    w: &'a BTreeMap<String, BTreeMap<String, String>>,
    style: String,
    style_hash: String,
    version: &'static str,
    facility: String,
    run: String,
    period: String,
    sections: Vec<&'static str>,
    lead: Vec<String>,
    numbers: Vec<Number<'a>>,
    map: Option<Map<'a>>,
    grades: Vec<GradeCount>,
    changes: Option<Vec<ChangeLine<'a>>>,
    points: Vec<PointView<'a>>,
    assessed: bool,
    /// What the column is called that says what is open to the outside, where somebody looked.
    restricted: Option<&'a str>,
    unrecognised: Option<Unknown>,
    coverage: Vec<CoverageLine<'a>>,
    networks: Option<networks::Table<'a>>,
    sent: Option<Sent<'a>>,
    silent: bool,
    asked: bool,
    inputs: Vec<InputLine>,
    glossary: Vec<Term<'a>>,
}

#[derive(Serialize)]
struct Number<'a> {
    label: &'a str,
    count: String,
    unit: &'a str,
    note: &'a str,
    alert: bool,
}

#[derive(Serialize)]
struct Map<'a> {
    height: usize,
    turn_in: &'static str,
    turn_out: &'static str,
    inside: Vec<Letter>,
    outside: Vec<Letter>,
    rows: Vec<MapRow<'a>>,
}

#[derive(Serialize)]
struct Letter {
    text: String,
    y: i32,
}

#[derive(Serialize)]
struct MapRow<'a> {
    kind: &'a str,
    count: usize,
    y: usize,
    r#in: bool,
    out: bool,
    dots: Vec<Dot>,
}

#[derive(Serialize)]
struct Dot {
    x: usize,
    y: usize,
    id: String,
    grade: &'static str,
}

#[derive(Serialize)]
struct GradeCount {
    name: &'static str,
    count: usize,
}

#[derive(Serialize)]
struct ChangeLine<'a> {
    name: &'static str,
    again: bool,
    id: String,
    kind: &'a str,
    detail: String,
}

#[derive(Serialize)]
struct PointView<'a> {
    id: String,
    kind: &'a str,
    kind_plain: &'a str,
    grade: &'static str,
    confidence: String,
    direction: &'a str,
    inbound: bool,
    short_inside: Vec<String>,
    short_outside: Vec<String>,
    short_services: Vec<String>,
    addresses: Vec<String>,
    macs: Vec<String>,
    outside: Vec<String>,
    lines: Vec<String>,
    services: Vec<String>,
    product: String,
    names: Vec<String>,
    restriction_short: String,
    restriction: Vec<Restricted>,
    because: Vec<Reason>,
    more: String,
    assessed_short: String,
    assessed: Option<Assessed>,
}

/// What its version means.
#[derive(Serialize)]
struct Assessed {
    alert: bool,
    affected: Vec<Affected>,
    asks: Vec<Open>,
    not_in_range: String,
    support: Vec<String>,
}

#[derive(Serialize)]
struct Affected {
    id: String,
    known: String,
}

#[derive(Serialize)]
struct Open {
    answer: String,
    plain: String,
    about: String,
}

/// A service, and whether it answers outside.
#[derive(Serialize)]
struct Restricted {
    line: String,
    open: bool,
}

#[derive(Serialize)]
struct Reason {
    sentence: String,
    packet: String,
    field: String,
}

/// Boxes that no signature names.
#[derive(Serialize)]
struct Unknown {
    count: String,
    rows: Vec<UnknownRow>,
    more: String,
    draft: String,
}

#[derive(Serialize)]
struct UnknownRow {
    id: String,
    addresses: String,
    why: String,
    said: String,
}

#[derive(Serialize)]
struct CoverageLine<'a> {
    state: &'a str,
    partial: bool,
    subject: String,
    count: String,
    detail: String,
    meaning: &'a str,
}

#[derive(Serialize)]
struct Sent<'a> {
    sums: String,
    busiest: Vec<Busy>,
    more: String,
    spared: Vec<Spared<'a>>,
}

#[derive(Serialize)]
struct Busy {
    address: String,
    packets: String,
    bytes: String,
    answers: String,
    probes: String,
}

#[derive(Serialize)]
struct Spared<'a> {
    subject: &'a str,
    detail: String,
}

#[derive(Serialize)]
struct InputLine {
    name: String,
    packets: String,
    bytes: String,
}

#[derive(Serialize)]
struct Term<'a> {
    name: &'a str,
    plain: &'a str,
}

/// Writes the report as one HTML file.
pub fn write_html(report: &Report<'_>, out: &mut impl Write) -> io::Result<()> {
    let template = TEMPLATES.get_template("report.html").map_err(io::Error::other)?;
    let page = template.render(Serde(page(report))).map_err(io::Error::other)?;
    out.write_all(page.trim_start().as_bytes())?;
    out.write_all(b"\n")
}

fn page<'a>(report: &Report<'a>) -> Page<'a> {
    let (run, words) = (report.run, report.words);
    let style = STYLE.replace("CONFIDENTIAL", words.get("heading", "confidential"));
    let points = report.points();
    let networks = networks::table(&Grid::of(&run.coverage), words);
    let mut sections = vec!["summary"];
    if report.changes.is_some() {
        sections.push("changes");
    }
    if !points.is_empty() {
        sections.extend(["points", "details"]);
    }
    if !run.unrecognised.is_empty() {
        sections.push("unrecognised");
    }
    sections.push("coverage");
    if networks.is_some() {
        sections.push("networks");
    }
    if report.asked.is_some() {
        sections.push("sent");
    }
    sections.extend(["method", "glossary"]);
    let mut grades = report.tally(|point| point.grade);
    grades.reverse();
    Page {
        w: words.list(),
        style_hash: base64(&Sha256::digest(style.as_bytes())),
        style,
        version: env!("CARGO_PKG_VERSION"),
        facility: run
            .facility
            .as_deref()
            .map_or_else(|| words.get("label", "no_facility").to_owned(), shown),
        run: shown(&run.id),
        period: period(run.began, run.ended, words),
        sections,
        lead: lead(report),
        numbers: numbers(report),
        map: map(&points, words),
        grades: grades
            .into_iter()
            .map(|(grade, count)| GradeCount { name: grade.name(), count })
            .collect(),
        changes: report
            .changes
            .map(|changes| changes.iter().map(|change| change_line(change, words)).collect()),
        points: points
            .iter()
            .map(|point| point_view(point, report.assessed(point), words))
            .collect(),
        assessed: !report.meaning.assessments.is_empty(),
        restricted: report.is_restricted().then(|| words.get("label", "restriction")),
        unrecognised: unrecognised(report),
        coverage: coverage(report),
        networks,
        sent: sent(report),
        silent: run.coverage.iter().any(|line| line.subject == "listens_only"),
        asked: run.coverage.iter().any(|line| line.subject == "questions_asked"),
        inputs: run
            .inputs
            .iter()
            .map(|input| InputLine {
                name: shown(&input.name),
                packets: grouped(input.packets),
                bytes: size(input.bytes),
            })
            .collect(),
        glossary: glossary(report),
    }
}

/// The few sentences that matter most.
fn lead(report: &Report<'_>) -> Vec<String> {
    let words = report.words;
    let found = report.run.points.len();
    let mut lead = vec![words.counted("summary", "found", found)];
    if found > 0 {
        let inbound = words.counted("summary", "inbound", report.inbound());
        let weak = words.counted("summary", "weak", report.unsure());
        let space = if words.language() == Language::Japanese { "" } else { " " };
        lead.push(format!("{inbound}{space}{weak}"));
    }
    lead.push(words.get("summary", "caveat").to_owned());
    lead
}

/// The few numbers that matter most.
fn numbers<'a>(report: &Report<'a>) -> Vec<Number<'a>> {
    let words: &'static Words = report.words;
    let number = |label, note, unit, count: usize, alert| Number {
        label: words.get("summary", label),
        count: grouped(u64::try_from(count).unwrap_or(u64::MAX)),
        unit: words.get("summary", unit),
        note: words.get("summary", note),
        alert: alert && count > 0,
    };
    // A way to find exits counts once, whatever the number of networks.
    let lines = report.run.coverage.iter();
    let lines = lines.filter(|line| Mechanism::place(&line.subject).is_none());
    let unseen = lines.filter(|line| line.state != CoverageState::Measured).count()
        + networks::unseen(&Grid::of(&report.run.coverage));
    let mut numbers = vec![
        number("points", "points_note", "places", report.run.points.len(), false),
        number("inbound_label", "inbound_note", "places", report.inbound(), true),
        number("outbound_label", "outbound_note", "places", report.outbound(), false),
        number("check_label", "check_note", "places", report.unsure(), false),
    ];
    if let Some(changes) = report.changes {
        numbers.push(number("changed_label", "changed_note", "items", changes.len(), false));
    }
    numbers.push(number("partial_label", "partial_note", "items", unseen, false));
    numbers
}

/// The inside on the left, the outside on the right, and a road for each kind between them.
fn map<'a>(points: &[&Point], words: &'a Words) -> Option<Map<'a>> {
    let mut kinds: BTreeMap<Kind, Vec<&Point>> = BTreeMap::new();
    for point in points {
        kinds.entry(point.kind).or_default().push(point);
    }
    let mut top = 10;
    let mut rows = Vec::new();
    for (kind, points) in kinds {
        let y = top + 30;
        let dots = points.iter().enumerate().map(|(at, point)| {
            let (line, place) = (at / DOTS, at % DOTS);
            let in_line = (points.len() - line * DOTS).min(DOTS);
            Dot {
                x: 200 + place * DOT_STEP - (in_line - 1) * DOT_STEP / 2,
                y: y + line * DOT_STEP,
                id: shown(&point.id),
                grade: point.grade.name(),
            }
        });
        rows.push(MapRow {
            kind: words.kind(kind),
            count: points.len(),
            y,
            r#in: points.iter().any(|point| point.direction != Direction::Out),
            out: points.iter().any(|point| point.direction != Direction::In),
            dots: dots.collect(),
        });
        top = y + (points.len() - 1) / DOTS * DOT_STEP + 16;
    }
    if rows.is_empty() {
        return None;
    }
    let upright = words.language() == Language::Japanese;
    Some(Map {
        height: (top + 10).max(if upright { 130 } else { 150 }),
        turn_in: if upright { "" } else { "rotate(-90)" },
        turn_out: if upright { "" } else { "rotate(90)" },
        inside: letters(words.get("label", "hospital"), upright),
        outside: letters(words.get("label", "world"), upright),
        rows,
    })
}

/// A label for a wall: letter under letter in Japanese, else one turned line.
fn letters(label: &str, upright: bool) -> Vec<Letter> {
    if !upright {
        return vec![Letter { text: label.to_owned(), y: 5 }];
    }
    let half = i32::try_from(label.chars().count()).unwrap_or_default() * 17 / 2;
    (0..)
        .zip(label.chars())
        .map(|(at, letter)| Letter { text: letter.to_string(), y: at * 17 - half + 14 })
        .collect()
}

fn change_line<'a>(change: &Change, words: &'a Words) -> ChangeLine<'a> {
    ChangeLine {
        name: change.name(),
        again: matches!(change, Change::NotSeen { again: true, .. }),
        id: shown(change.id()),
        kind: words.kind(change.kind()),
        detail: cut(&detail(change, words), LONGEST * 2),
    }
}

fn point_view<'a>(
    point: &Point,
    assessment: Option<&Assessment>,
    words: &'a Words,
) -> PointView<'a> {
    let addresses = point.addresses.iter().map(ToString::to_string);
    let macs = point.macs.iter().map(ToString::to_string);
    let outside = point.outside.iter().map(ToString::to_string);
    let services = point.services.iter().map(|service| restricted::service(service, point, words));
    let mut because: Vec<Reason> = point
        .because
        .iter()
        .map(|because| Reason {
            sentence: cut(&words.because(because), LONGEST * 2),
            packet: shown(&words.packet(&because.observation)),
            field: shown(&because.field),
        })
        .collect();
    let more = because.len().saturating_sub(MOST_REASONS);
    because.truncate(MOST_REASONS);
    PointView {
        id: shown(&point.id),
        kind: words.kind(point.kind),
        kind_plain: words.get("kind_plain", point.kind.name()),
        grade: point.grade.name(),
        confidence: percent(point.confidence),
        direction: words.direction(point.direction),
        inbound: point.direction != Direction::Out,
        short_inside: if point.addresses.is_empty() {
            some(macs.clone(), MOST_IN_CELL, words)
        } else {
            some(addresses.clone(), MOST_IN_CELL, words)
        },
        short_outside: some(outside.clone(), MOST_IN_CELL, words),
        short_services: some(
            point.services.iter().map(|service| words.service(service)),
            MOST_IN_CELL,
            words,
        ),
        addresses: some(addresses, MOST_VALUES, words),
        macs: some(macs, MOST_VALUES, words),
        outside: some(outside, MOST_VALUES, words),
        lines: some(point.lines.iter().map(|line| words.line(line)), MOST_VALUES, words),
        services: some(services, MOST_VALUES, words),
        product: point.product.as_ref().map(|p| shown(&p.to_string())).unwrap_or_default(),
        names: some(point.names.iter().cloned(), MOST_VALUES, words),
        restriction_short: shown(&restricted::short(point, words)),
        restriction: point
            .sides
            .restriction
            .iter()
            .map(|one| Restricted {
                line: shown(&restricted::line(one, words)),
                open: one.answer == FromOutside::Open,
            })
            .collect(),
        because,
        more: more_of(more, words),
        assessed_short: shown(&assessed::short(assessment, words)),
        assessed: assessment.map(|assessment| assessed_view(assessment, words)),
    }
}

fn assessed_view(assessment: &Assessment, words: &Words) -> Assessed {
    let told = assessed::told(assessment, words);
    let affected = told
        .affected
        .iter()
        .map(|(id, known)| Affected { id: shown(id), known: cut(known, LONGEST * 2) });
    let asks = told.asks.iter().map(|ask| Open {
        answer: shown(&ask.answer),
        plain: shown(&ask.plain),
        about: cut(&ask.about, LONGEST * 2),
    });
    Assessed {
        alert: !told.affected.is_empty(),
        affected: affected.collect(),
        asks: asks.collect(),
        not_in_range: told.not_in_range.as_deref().map(shown).unwrap_or_default(),
        support: told.support.iter().map(|one| cut(one, LONGEST * 2)).collect(),
    }
}

/// The first few of several values, and a line that says how many more there are.
fn some(several: impl ExactSizeIterator<Item = String>, most: usize, words: &Words) -> Vec<String> {
    let more = several.len().saturating_sub(most);
    let mut kept: Vec<String> = several.take(most).map(|one| shown(&one)).collect();
    if more > 0 {
        kept.push(more_of(more, words));
    }
    kept
}

fn more_of(more: usize, words: &Words) -> String {
    if more == 0 {
        String::new()
    } else {
        words.fill("label", "more", &[("count", &more.to_string())])
    }
}

/// What could not be seen comes first: nobody looks for it otherwise.
fn coverage<'a>(report: &Report<'a>) -> Vec<CoverageLine<'a>> {
    let words: &'static Words = report.words;
    let of_run = report.run.coverage.iter();
    let of_run = of_run.filter(|line| Mechanism::place(&line.subject).is_none());
    let mut lines: Vec<_> = of_run.collect();
    lines.sort_by_key(|line| match line.state {
        CoverageState::NotMeasured => 0,
        CoverageState::Partial => 1,
        CoverageState::Measured => 2,
    });
    lines
        .into_iter()
        .map(|line| CoverageLine {
            state: words.coverage_state(line.state),
            partial: line.state != CoverageState::Measured,
            subject: shown(words.get("coverage", &line.subject)),
            count: line.count.map(grouped).unwrap_or_default(),
            detail: line
                .detail
                .as_deref()
                .map(|detail| shown(&sent::detail(&line.subject, detail, words)))
                .unwrap_or_default(),
            meaning: words.find("coverage_plain", &line.subject).unwrap_or_default(),
        })
        .collect()
}

/// Boxes that no signature names, those that matter most first.
fn unrecognised(report: &Report<'_>) -> Option<Unknown> {
    let rows = unknown::rows(report);
    if rows.is_empty() {
        return None;
    }
    Some(Unknown {
        count: unknown::how_many(report.run.unrecognised.len(), rows.len(), report.words),
        draft: shown(&unknown::what_to_do(&rows, report.words)),
        more: more_of(rows.len().saturating_sub(unknown::MOST_GROUPS), report.words),
        rows: rows
            .iter()
            .take(unknown::MOST_GROUPS)
            .map(|row| UnknownRow {
                id: shown(&row.id),
                addresses: shown(&row.addresses),
                why: shown(&row.why),
                said: shown(&row.said),
            })
            .collect(),
    })
}

/// What was sent, and who was asked nothing.
fn sent<'a>(report: &Report<'a>) -> Option<Sent<'a>> {
    let words: &'static Words = report.words;
    let asked = report.asked?;
    let busy = |(address, entry): (std::net::IpAddr, &crate::passive::asked::Entry)| Busy {
        address: address.to_string(),
        packets: grouped(entry.packets),
        bytes: size(entry.bytes),
        answers: grouped(entry.answers),
        probes: shown(&sent::probes(asked, entry)),
    };
    let more = usize::try_from(asked.addresses()).unwrap_or(usize::MAX).saturating_sub(MOST_ASKED);
    let spared = report
        .run
        .coverage
        .iter()
        .filter(|line| matches!(&*line.subject, "not_allowed" | "left_alone"))
        .take(MOST_SPARED)
        .map(|line| Spared {
            subject: words.find("coverage", &line.subject).unwrap_or_default(),
            detail: line
                .detail
                .as_deref()
                .map(|detail| shown(&sent::detail(&line.subject, detail, words)))
                .unwrap_or_default(),
        });
    Some(Sent {
        sums: sent::sums(asked, words),
        busiest: sent::busiest(asked, MOST_ASKED).into_iter().map(busy).collect(),
        more: more_of(more, words),
        spared: spared.collect(),
    })
}

/// The words this report uses: general ones, the grades, and the kinds that were found.
fn glossary<'a>(report: &Report<'a>) -> Vec<Term<'a>> {
    let words: &'static Words = report.words;
    let restricted = report.is_restricted().then_some("restriction");
    let general = ["point", "inside", "grade", "confidence", "packet", "mac"].into_iter();
    let general = general.chain(restricted).map(|term| {
        let plain = words.list().get("term").and_then(|terms| terms.get(&format!("{term}_plain")));
        Term { name: words.get("term", term), plain: plain.map_or("", String::as_str) }
    });
    let kinds: BTreeSet<Kind> = report.run.points.iter().map(|point| point.kind).collect();
    let kinds = kinds
        .into_iter()
        .map(|kind| Term { name: words.kind(kind), plain: words.get("kind_plain", kind.name()) });
    general.chain(kinds).collect()
}

/// `text` as the page may show it.
fn shown(text: &str) -> String {
    cut(text, LONGEST)
}

/// Bytes in base 64, as a content security policy names a hash.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let letter = |bits: u32| {
        let place = usize::try_from(bits & 63).unwrap_or_default();
        LETTERS.get(place).map_or('=', |letter| char::from(*letter))
    };
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = (0..3)
            .fold(0, |bits, at| bits << 8 | u32::from(chunk.get(at).copied().unwrap_or_default()));
        for at in 0..4 {
            text.push(if at > chunk.len() { '=' } else { letter(bits >> (18 - 6 * at)) });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_named_in_base_64() {
        let cases =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("fooba", "Zm9vYmE=")];
        for (bytes, text) in cases {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }
}
