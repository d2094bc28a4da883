//! The list of points, and a sheet for each that somebody can read aloud: who, where, what it is, why, what it means, what
//! the register says, what was decided, since when it is known, and what to ask the vendor.

use serde::Serialize;

use super::{LONGEST, sentences, shown, some};
use crate::{
    assess::{Answer, Assessment, Outcome, SupportAnswer},
    correlate::{Direction, FromOutside, Kind, Point},
    import::Column,
    report::{Report, Words, assessed, cut, restricted, show::percent},
    time::Day,
};

/// How many values of one kind, and how many reasons, a point shows.
const MOST_VALUES: usize = 24;
const MOST_REASONS: usize = 30;

/// How many values a cell of the table shows.
const MOST_IN_CELL: usize = 3;

/// How many decisions, and how many rows of the register, a sheet shows.
const MOST_DECISIONS: usize = 12;
const MOST_DECLARED: usize = 8;

/// The points in the order of every format; those that somebody has to look at apart from those about which somebody decided.
#[derive(Serialize)]
pub(super) struct Points<'a> {
    all: Vec<View<'a>>,
    /// Which columns the list has beside the usual ones.
    assessed: bool,
    restricted: bool,
    register: bool,
}

/// A point as its row and its sheet show it.
#[derive(Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a look of its own")]
struct View<'a> {
    id: String,
    kind: &'a str,
    kind_plain: &'a str,
    grade: &'static str,
    direction: &'a str,
    inbound: bool,
    suppressed: bool,
    short_inside: Vec<String>,
    short_outside: Vec<String>,
    short_services: Vec<String>,
    product: String,
    product_short: String,
    restriction_short: String,
    assessed_short: String,
    alert: bool,
    register_short: &'a str,
    unregistered: bool,
    /// Who, where and what, as sentences.
    story: String,
    addresses: Vec<String>,
    macs: Vec<String>,
    outside: Vec<String>,
    lines: Vec<String>,
    services: Vec<String>,
    names: Vec<String>,
    restriction: Vec<Restricted>,
    because: Vec<Reason>,
    more: String,
    assessed: Option<Assessed>,
    /// What the register, or a form, says.
    written: Option<Written>,
    /// What of it, or of what a vendor said of all its points, was seen to be otherwise.
    contradicted: Vec<String>,
    decisions: Vec<Decision>,
    since: Vec<String>,
    asks: Vec<String>,
}

/// What its version means.
#[derive(Serialize)]
struct Assessed {
    affected: Vec<(String, String)>,
    asks: Vec<Open>,
    not_in_range: String,
    support: Vec<String>,
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

/// What people wrote of a point.
#[derive(Serialize)]
struct Written {
    said: Vec<String>,
    alert: bool,
    differs: Vec<String>,
    columns: Vec<String>,
}

/// What somebody decided.
#[derive(Serialize)]
struct Decision {
    stands: bool,
    said: String,
    reason: String,
    until: String,
}

pub(super) fn points<'a>(report: &Report<'a>) -> Points<'a> {
    let mut points = report.points();
    points.sort_by_key(|point| report.is_suppressed(&point.id));
    Points {
        all: points.iter().map(|point| view(point, report)).collect(),
        assessed: !report.meaning.assessments.is_empty(),
        restricted: report.is_restricted(),
        register: report.meaning.reconciliation.is_some(),
    }
}

fn view<'a>(point: &'a Point, report: &Report<'a>) -> View<'a> {
    let words: &'static Words = report.words;
    let assessment = report.assessed(point);
    let addresses = point.addresses.iter().map(ToString::to_string);
    let macs = point.macs.iter().map(ToString::to_string);
    let outside = point.outside.iter().map(ToString::to_string);
    let services = point.services.iter().map(|service| restricted::service(service, point, words));
    let lines: Vec<String> = point.lines.iter().map(|line| words.line(line)).collect();
    let mut because: Vec<Reason> = point
        .because
        .iter()
        .take(MOST_REASONS)
        .map(|because| Reason {
            sentence: cut(&words.because(because), LONGEST * 2),
            packet: shown(&words.packet(&because.observation)),
            field: shown(&because.field),
        })
        .collect();
    because.truncate(MOST_REASONS);
    let register = report.register(&point.id);
    let sorts = point.lines.iter().map(|line| {
        let bare =
            crate::correlate::Line { mtu: None, outside: None, next_hop: None, ..line.clone() };
        words.line(&bare)
    });
    let out_there: Vec<String> = outside.clone().chain(sorts).collect();
    View {
        id: shown(&point.id),
        kind: words.kind(point.kind),
        kind_plain: words.get("kind_plain", point.kind.name()),
        grade: point.grade.name(),
        direction: words.direction(point.direction),
        inbound: point.direction != Direction::Out,
        suppressed: report.is_suppressed(&point.id),
        short_inside: if point.addresses.is_empty() {
            some(macs.clone(), MOST_IN_CELL, words)
        } else {
            some(addresses.clone(), MOST_IN_CELL, words)
        },
        short_outside: some(out_there.into_iter(), MOST_IN_CELL, words),
        short_services: some(
            point.services.iter().map(|service| words.service(service)),
            MOST_IN_CELL,
            words,
        ),
        product: point.product.as_ref().map(|p| shown(&p.to_string())).unwrap_or_default(),
        product_short: point.product.as_ref().map(|p| cut(&p.to_string(), 64)).unwrap_or_default(),
        restriction_short: shown(&restricted::short(point, words)),
        assessed_short: shown(&assessed::short(assessment, words)),
        alert: assessment.is_some_and(|one| one.count(Answer::Affected) > 0 || one.has_ended()),
        register_short: register.map(|key| words.get("page_state", key)).unwrap_or_default(),
        unregistered: matches!(register, Some("undeclared" | "mismatch")),
        story: story(point, words),
        addresses: some(addresses, MOST_VALUES, words),
        macs: some(macs, MOST_VALUES, words),
        outside: some(outside, MOST_VALUES, words),
        lines: some(lines.into_iter(), MOST_VALUES, words),
        services: some(services, MOST_VALUES, words),
        names: some(point.names.iter().cloned(), MOST_VALUES, words),
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
        more: super::more_of(point.because.len().saturating_sub(MOST_REASONS), words),
        assessed: assessment.map(|assessment| assessed_view(assessment, words)),
        written: written(point, report),
        contradicted: report.contradicted(&point.id).take(MOST_DECLARED).collect(),
        decisions: decisions(point, report),
        since: since(point, report),
        asks: asks(point, report),
    }
}

/// Who it is, where it is and what it does, as sentences.
fn story(point: &Point, words: &Words) -> String {
    let say = |key: &str, values: &[(&str, &str)]| words.fill("page_sheet", key, values);
    let place = if let Some(address) = point.addresses.first() {
        say("at_address", &[("value", &address.to_string())])
    } else if let Some(mac) = point.macs.first() {
        say("at_mac", &[("value", &mac.to_string())])
    } else if let Some(outside) = point.outside.first() {
        say("at_outside", &[("value", &outside.to_string())])
    } else if matches!(point.kind, Kind::DeclaredLine | Kind::DialUp) {
        say("at_declared", &[])
    } else {
        say("at_nowhere", &[])
    };
    let product = point.product.as_ref();
    let product = product.map(|one| say("product", &[("value", &cut(&one.to_string(), 80))]));
    let values = [
        ("place", place.as_str()),
        ("product", product.as_deref().unwrap_or_default()),
        ("kind", words.kind(point.kind)),
    ];
    let way = match point.direction {
        Direction::In => "way_in",
        Direction::Out => "way_out",
        Direction::Both => "way_both",
    };
    let confidence = percent(point.confidence);
    let sure = [("grade", words.grade(point.grade)), ("confidence", confidence.as_str())];
    let plain = words.get("grade_plain", point.grade.name()).to_owned();
    sentences(&[say("who", &values), say(way, &[]), say("sure", &sure), plain], words)
}

fn assessed_view(assessment: &Assessment, words: &Words) -> Assessed {
    let told = assessed::told(assessment, words);
    let affected = told.affected.iter().map(|(id, known)| (shown(id), cut(known, LONGEST * 2)));
    let asks = told.asks.iter().map(|ask| Open {
        answer: shown(&ask.answer),
        plain: shown(&ask.plain),
        about: cut(&ask.about, LONGEST * 2),
    });
    Assessed {
        affected: affected.collect(),
        asks: asks.collect(),
        not_in_range: told.not_in_range.as_deref().map(shown).unwrap_or_default(),
        support: told.support.iter().map(|one| cut(one, LONGEST * 2)).collect(),
    }
}

/// What the register, or a form, says of a point.
fn written(point: &Point, report: &Report<'_>) -> Option<Written> {
    let words = report.words;
    let say = |key: &str, values: &[(&str, &str)]| words.fill("page_sheet", key, values);
    let state = report.register(&point.id)?;
    let (mut said, mut differs) = (Vec::new(), Vec::new());
    if let Some(register) = &report.meaning.reconciliation {
        for line in register.of(&point.id).take(MOST_DECLARED) {
            if let Outcome::Matched { by, .. } | Outcome::Mismatch { by, .. } = &line.outcome {
                let by: Vec<&str> = by.iter().map(|by| words.get("by", by.name())).collect();
                let by = by.join(words.get("language", "comma"));
                said.push(say(
                    "register_row",
                    &[("row", &line.entry.row.to_string()), ("by", &by)],
                ));
            }
            if let Outcome::Mismatch { fields, .. } = &line.outcome {
                differs.extend(fields.iter().map(|field| {
                    let column = words.get("column", field.column.name());
                    let (is, was) = (shown(&field.found), shown(&field.written));
                    let values =
                        [("column", column), ("written", was.as_str()), ("found", is.as_str())];
                    cut(&say("differs", &values), LONGEST * 2)
                }));
            }
        }
        if state == "undeclared" {
            let values = [("register", cut(&register.register, 60))];
            let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
            said.push(say("register_undeclared", &values));
        }
    }
    if state == "declared_not_seen" {
        said.push(say("register_form", &[]));
    }
    let columns = report.written(&point.id).into_iter().flat_map(|entry| {
        entry.written.iter().map(|(column, value)| {
            let values =
                [("column", words.get("column", column.name())), ("value", &*shown(value))];
            say("written", &values)
        })
    });
    Some(Written {
        said,
        alert: matches!(state, "undeclared" | "mismatch"),
        differs,
        columns: some(columns.collect::<Vec<_>>().into_iter(), MOST_VALUES, words),
    })
}

/// What was decided about a point, the last first.
fn decisions(point: &Point, report: &Report<'_>) -> Vec<Decision> {
    let words = report.words;
    let Some(known) = report.memory.points.get(&point.id) else { return Vec::new() };
    let standing = known.standing(report.day());
    let reviews = known.reviews.iter().rev().take(MOST_DECISIONS).enumerate();
    reviews
        .map(|(at, review)| {
            let stands = at == 0 && standing.is_some();
            let key = if stands { "decision_stands" } else { "decision_over" };
            let values = [
                ("state", words.get("review_state", review.state.name())),
                ("reviewer", &*cut(&review.reviewer, 60)),
                ("day", &*Day::of(review.at).map(|day| day.to_string()).unwrap_or_default()),
            ];
            let until = review.until.map(|until| until.to_string());
            let until =
                until.map(|until| words.fill("page_sheet", "decision_until", &[("until", &until)]));
            let reason = cut(&review.reason, LONGEST * 2);
            Decision {
                stands,
                said: words.fill("page_sheet", key, &values),
                reason: words.fill("page_sheet", "decision_reason", &[("reason", &reason)]),
                until: until.unwrap_or_default(),
            }
        })
        .collect()
}

/// Since when a point is known, and how seldom it was seen.
fn since(point: &Point, report: &Report<'_>) -> Vec<String> {
    let words = report.words;
    let mut said = Vec::new();
    let seen = report.memory.points.get(&point.id).map(|known| known.seen.as_slice());
    match seen {
        Some([(_, first), rest @ ..]) if !rest.is_empty() => {
            let day = Day::of(*first).map(|day| day.to_string()).unwrap_or_default();
            let count = (rest.len() + 1).to_string();
            said.push(words.fill("page_sheet", "since_first", &[("day", &day), ("count", &count)]));
        }
        Some([_]) => said.push(words.get("page_sheet", "since_new").to_owned()),
        _ => {}
    }
    if let Some(stale) = report.meaning.stale.get(&point.id) {
        let values = [
            ("days", stale.days.to_string()),
            ("runs", stale.runs.to_string()),
            ("seen", stale.seen.to_string()),
        ];
        let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
        said.push(words.fill("page_sheet", "since_stale", &values));
    }
    said
}

/// What to ask the vendor about a point: what neither the traffic nor the papers tell.
fn asks(point: &Point, report: &Report<'_>) -> Vec<String> {
    let words = report.words;
    let entry = report.written(&point.id);
    let is_written = |column| entry.is_some_and(|entry| entry.get(column).is_some());
    let assessment = report.assessed(point);
    let affected: Vec<&str> = assessment
        .map(|one| {
            let affected = one.exploited.iter().filter(|one| one.answer == Answer::Affected);
            affected.take(4).map(|one| one.id.as_str()).collect()
        })
        .unwrap_or_default();
    let support = assessment.is_none_or(|one| {
        one.has_ended()
            || one.support.iter().all(|one| {
                matches!(one.answer, SupportAnswer::NotKnown | SupportAnswer::VersionNotVisible)
            })
    });
    let remote = !matches!(
        point.kind,
        Kind::InternetGateway
            | Kind::Ipv6Exit
            | Kind::DualHomedHost
            | Kind::DeclaredLine
            | Kind::DialUp
    );
    let edge = point.kind.is_at_edge() && point.kind != Kind::VpnGateway;
    let version = point.product.as_ref().is_none_or(|product| product.version.is_none())
        || assessment.is_some_and(|one| one.asks() > 0);
    let stale = report.meaning.stale.contains_key(&point.id);
    let inbound = point.direction != Direction::Out;
    let boxed = !matches!(point.kind, Kind::DialUp | Kind::DeclaredLine);
    let questions = [
        ("purpose", !is_written(Column::Purpose)),
        ("used", stale),
        ("exploited", !affected.is_empty()),
        ("version", boxed && version),
        ("support", boxed && support && !is_written(Column::SupportUntil)),
        ("source", inbound && !is_written(Column::Restriction)),
        ("factors", inbound && remote && !is_written(Column::Authentication)),
        ("log", remote && !is_written(Column::Logging)),
        ("line", edge && !is_written(Column::LineNumber)),
        ("register", report.register(&point.id) == Some("undeclared")),
    ];
    let ids = affected.join(words.get("language", "comma"));
    let asked = questions.into_iter().filter(|(_, open)| *open);
    asked.map(|(key, _)| words.fill("page_ask", key, &[("ids", &cut(&ids, 120))])).collect()
}
