//! Points for programs: `sekisho.points/1`.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Write},
    net::IpAddr,
};

use serde::Serialize;
use serde_json::ser::{CharEscape, CompactFormatter, Formatter, PrettyFormatter};

use super::{Report, commands};
use crate::{
    assess::{
        Article, Assessment, Checked, Contradiction, Mismatch, Plan, Reconciliation, Stale,
        Suggestion,
    },
    correlate::{
        Access, Because, Coverage, Direction, Grade, Inquiry, Kind, Line, Point, Product,
        Restriction, Service, Unrecognised, Vantage,
    },
    import::Column,
    inventory::{Change, Head, Input, Review, Standing},
    observe::Mac,
    time::Timestamp,
};

/// The name of the format; a change that could break a reader changes the number.
const SCHEMA: &str = "sekisho.points/1";

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    facility: Option<&'a str>,
    run: &'a str,
    began: Timestamp,
    ended: Timestamp,
    vantages: &'a BTreeSet<Vantage>,
    inputs: &'a [Input],
    coverage: &'a [Coverage],
    changes: Option<&'a [Change]>,
    hosts: usize,
    reconciliation: Option<&'a Reconciliation>,
    points: Vec<Row<'a>>,
    unrecognised: &'a [Unrecognised],
    asked_from_outside: &'a [Inquiry],
    checklists: &'a [Checked],
    guideline: &'a [Article],
    plan: &'a Plan,
    #[serde(skip_serializing_if = "<[Contradiction]>::is_empty")]
    contradictions: &'a [Contradiction],
    log_head: Option<&'a Head>,
}

/// An item of the checklist for which a point shows something.
#[derive(Serialize)]
struct ItemRow<'a> {
    edition: &'a str,
    item: &'a str,
    suggestion: Suggestion,
}

#[derive(Serialize)]
struct ServiceRow<'a> {
    #[serde(flatten)]
    service: &'a Service,
    seen_from: Vec<&'a Vantage>,
}

#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    kind: Kind,
    grade: Grade,
    confidence: f64,
    direction: Direction,
    addresses: &'a BTreeSet<IpAddr>,
    macs: &'a BTreeSet<Mac>,
    outside: &'a BTreeSet<IpAddr>,
    services: Vec<ServiceRow<'a>>,
    seen_from: &'a BTreeSet<Vantage>,
    restriction: &'a [Restriction],
    access: &'a [Access],
    product: Option<&'a Product>,
    names: &'a BTreeSet<String>,
    lines: &'a [Line],
    because: &'a [Because],
    exploited: Option<Vec<&'a str>>,
    assessment: Option<&'a Assessment>,
    register: Option<&'static str>,
    mismatches: Vec<&'a Mismatch>,
    written: Option<&'a BTreeMap<Column, String>>,
    review: Option<ReviewRow<'a>>,
    first_seen: Option<Timestamp>,
    last_seen: Option<Timestamp>,
    checklist: Vec<ItemRow<'a>>,
    stale: Option<&'a Stale>,
}

/// The last decision about a point.
#[derive(Serialize)]
struct ReviewRow<'a> {
    #[serde(flatten)]
    review: &'a Review,
    /// Whether it stands on the report's day.
    standing: bool,
}

impl<'a> Row<'a> {
    fn of(point: &'a Point, report: &Report<'a>) -> Self {
        let (assessment, meaning) = (report.assessed(point), report.meaning);
        let (first_seen, last_seen) = report.seen(&point.id).unzip();
        let reviews = report.memory.points.get(&point.id).map(|known| &known.reviews);
        let review = reviews.and_then(|reviews| reviews.last());
        let items = meaning.items_of(&point.id).into_iter();
        let items = items.map(|(edition, item, suggestion)| ItemRow { edition, item, suggestion });
        Self {
            id: &point.id,
            kind: point.kind,
            grade: point.grade,
            confidence: (point.confidence * 1000.0).round() / 1000.0,
            direction: point.direction,
            addresses: &point.addresses,
            macs: &point.macs,
            outside: &point.outside,
            services: point
                .services
                .iter()
                .map(|service| ServiceRow {
                    service,
                    seen_from: point.sides.of_service(service).into_iter().flatten().collect(),
                })
                .collect(),
            seen_from: &point.sides.seen_from,
            restriction: &point.sides.restriction,
            access: &point.sides.access,
            product: point.product.as_ref(),
            names: &point.names,
            lines: &point.lines,
            because: &point.because,
            exploited: assessment.and_then(Assessment::affected),
            assessment,
            // That something is written otherwise is told by `mismatches`.
            register: report.register(&point.id).map(|state| match state {
                "mismatch" => "matched",
                state => state,
            }),
            mismatches: report.mismatches(&point.id).collect(),
            written: report.written(&point.id).map(|entry| &entry.written),
            review: review.map(|review| ReviewRow {
                review,
                standing: review.standing(report.day()) != Standing::Over,
            }),
            first_seen,
            last_seen,
            checklist: items.collect(),
            stale: meaning.stale.get(&point.id),
        }
    }
}

/// Writes the points of a run as one JSON document.
pub fn write_json(report: &Report<'_>, out: &mut impl Write) -> io::Result<()> {
    let run = report.run;
    let document = Document {
        schema: SCHEMA,
        facility: run.facility.as_deref(),
        run: &run.id,
        began: run.began,
        ended: run.ended,
        vantages: &run.vantages,
        inputs: &run.inputs,
        coverage: &run.coverage,
        changes: report.changes,
        hosts: run.hosts.len(),
        reconciliation: report.meaning.reconciliation.as_ref(),
        points: report.points().into_iter().map(|point| Row::of(point, report)).collect(),
        unrecognised: &run.unrecognised,
        asked_from_outside: &run.inquiries,
        checklists: &report.meaning.checklists,
        guideline: &report.meaning.articles,
        plan: &report.meaning.plan,
        contradictions: &report.meaning.contradictions,
        log_head: report.memory.head.as_ref(),
    };
    write_plain(&document, out)
}

/// Writes a value as JSON, without anything that a terminal would obey.
pub fn write_plain(value: &impl Serialize, out: &mut impl Write) -> io::Result<()> {
    let format = Plain(PrettyFormatter::new());
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut *out, format))?;
    out.write_all(b"\n")
}

/// Writes a value as JSON on one line, without anything that a terminal would obey.
pub fn write_line(value: &impl Serialize, out: &mut impl Write) -> io::Result<()> {
    let format = Plain(CompactFormatter);
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut *out, format))?;
    out.write_all(b"\n")
}

/// Writes characters that a terminal would obey as `\u` escapes too, so that JSON can be looked at.
#[derive(Clone)]
pub(super) struct Plain<F>(pub(super) F);

impl<F: Formatter> Formatter for Plain<F> {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        out: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, c)) = rest.char_indices().find(|(_, c)| commands(*c)) {
            let (before, after) = rest.split_at(at);
            self.0.write_string_fragment(out, before)?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}")?;
            }
            rest = after.get(c.len_utf8()..).unwrap_or_default();
        }
        self.0.write_string_fragment(out, rest)
    }

    fn write_char_escape<W: ?Sized + Write>(
        &mut self,
        out: &mut W,
        escape: CharEscape,
    ) -> io::Result<()> {
        self.0.write_char_escape(out, escape)
    }

    fn begin_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_array(out)
    }

    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array(out)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(out, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array_value(out)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object(out)
    }

    fn end_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object(out)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(out, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object_value(out)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object_value(out)
    }
}
