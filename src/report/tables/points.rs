//! The list of external connection points: what was found, what is written down, and room for what nobody knows yet.

use std::collections::BTreeSet;

use super::{Cell, Column, Row, Table, Tone, day};
use crate::{
    assess::{Answer, Assessment},
    correlate::{Direction, Grade, Kind, Point, Product},
    import::{self, Entry},
    inventory::{Review, ReviewState},
    report::{Report, Words, assessed, restricted, text::period},
};

/// How many numbers of vulnerabilities a cell names.
const MOST_NAMED: usize = 12;

/// A point, and all that is known of it.
struct About<'a, 'r> {
    point: &'a Point,
    report: &'r Report<'a>,
    words: &'static Words,
    written: Option<&'a Entry>,
    review: Option<&'a Review>,
    assessment: Option<&'a Assessment>,
}

/// A column of the list.
struct Heading {
    /// Its key in the word lists (section `column_heading`).
    key: &'static str,
    width: u16,
    /// Whether people know it where we do not.
    open: bool,
    cell: fn(&About<'_, '_>) -> Cell,
}

/// A column that people fill in, unless it is written down somewhere.
const fn written(key: &'static str, width: u16, cell: fn(&About<'_, '_>) -> Cell) -> Heading {
    Heading { key, width, open: true, cell }
}

/// A column that is never empty.
const fn found(key: &'static str, width: u16, cell: fn(&About<'_, '_>) -> Cell) -> Heading {
    Heading { key, width, open: false, cell }
}

#[expect(
    clippy::redundant_closure_for_method_calls,
    reason = "a method of a type with lifetimes is no function for all of them"
)]
const COLUMNS: &[Heading] = &[
    found("id", 12, |about| Cell::of(&about.point.id)),
    written("name", 20, |about| {
        about.wrote(import::Column::Name).or(|| Cell::lines(&about.point.names))
    }),
    found("kind", 18, |about| Cell::of(about.words.kind(about.point.kind))),
    written("place", 18, |about| about.wrote(import::Column::Place)),
    written("department", 12, |about| about.wrote(import::Column::Department)),
    written("system", 14, |about| about.wrote(import::Column::System)),
    written("partner", 16, |about| about.wrote(import::Column::Partner)),
    written("purpose", 14, |about| about.wrote(import::Column::Purpose)),
    written("line", 22, |about| about.line()),
    written("carrier", 14, |about| about.carrier()),
    written("line_number", 14, |about| about.wrote(import::Column::LineNumber)),
    written("vendor", 12, |about| {
        about.product(|product| Some(product.vendor.clone()), import::Column::Vendor)
    }),
    written("model", 16, |about| {
        about.product(|product| Some(model(product)), import::Column::Model)
    }),
    written("serial", 14, |about| about.wrote(import::Column::Serial)),
    written("version", 10, |about| {
        about.product(|product| product.version.clone(), import::Column::Version)
    }),
    written("address", 16, |about| {
        let told = about.point.addresses.iter().map(ToString::to_string);
        Cell::lines(told).or(|| about.wrote(import::Column::Address))
    }),
    written("mac", 18, |about| {
        let told = about.point.macs.iter().map(ToString::to_string);
        Cell::lines(told).or(|| about.wrote(import::Column::Mac))
    }),
    written("vlan", 8, |about| about.wrote(import::Column::Vlan)),
    written("outside", 16, |about| about.outside()),
    found("far_end", 16, |about| {
        let own = about.own();
        let far = about.point.outside.iter().filter(|address| !own.contains(address));
        Cell::lines(far.map(ToString::to_string)).or(Cell::dash)
    }),
    written("method", 18, |about| {
        let services = about.point.services.iter().map(|one| about.words.service(one));
        Cell::lines(services).or(|| about.wrote(import::Column::Method))
    }),
    found("direction", 10, |about| Cell::of(about.words.direction(about.point.direction))),
    written("connected", 10, |about| about.wrote(import::Column::Connected)),
    written("restriction", 26, |about| about.restriction()),
    written("authentication", 14, |about| about.wrote(import::Column::Authentication)),
    written("logging", 10, |about| about.wrote(import::Column::Logging)),
    written("support", 22, |about| about.support()),
    found("exploited", 18, |about| about.exploited()),
    written("owner", 14, |about| about.wrote(import::Column::Owner)),
    written("manager", 14, |about| about.wrote(import::Column::Manager)),
    written("boundary", 16, |about| about.wrote(import::Column::Boundary)),
    written("contact", 16, |about| about.wrote(import::Column::Contact)),
    found("register", 18, |about| about.register()),
    found("evidence", 12, |about| about.evidence()),
    found("grade", 12, |about| Cell::of(about.words.grade(about.point.grade))),
    found("confidence", 8, |about| {
        Cell::of(&format!("{:.0}%", (about.point.confidence * 100.0).clamp(0.0, 100.0)))
    }),
    found("checked", 12, |about| about.checked()),
    written("verdict", 14, |about| match about.review {
        Some(review) => Cell::of(about.words.get("verdict", review.state.name())),
        None => Cell::default(),
    }),
    written("action", 26, |about| {
        about.review.map(|one| decided(one, about.words)).unwrap_or_default()
    }),
    written("note", 20, |about| about.wrote(import::Column::Note)),
];

impl About<'_, '_> {
    /// What is written down in a column of a register or of a form.
    fn wrote(&self, column: import::Column) -> Cell {
        self.written.and_then(|entry| entry.get(column)).map(Cell::of).unwrap_or_default()
    }

    /// What a signature names, or else what is written down.
    fn product(&self, part: fn(&Product) -> Option<String>, column: import::Column) -> Cell {
        let told = self.point.product.as_ref().and_then(part);
        Cell::lines(told).or(|| self.wrote(column))
    }

    /// Its own addresses outside: those that it was seen to have, and those of its lines.
    fn own(&self) -> BTreeSet<&std::net::IpAddr> {
        let Point { sides, lines, .. } = self.point;
        let of_lines = lines.iter().filter_map(|line| line.outside.as_ref());
        let own = sides.claims.iter().chain(&sides.faces).chain(of_lines);
        let mut own: BTreeSet<&std::net::IpAddr> = own.collect();
        // Who only lets others in dials nobody.
        if self.point.direction == Direction::In {
            own.extend(&self.point.outside);
        }
        own
    }

    fn outside(&self) -> Cell {
        let own = self.own().into_iter().map(ToString::to_string);
        Cell::lines(own).or(|| self.wrote(import::Column::Outside))
    }

    fn line(&self) -> Cell {
        let told = self.point.lines.iter().map(|line| self.words.line(line));
        Cell::lines(told).or(|| self.wrote(import::Column::Line))
    }

    fn carrier(&self) -> Cell {
        let told: BTreeSet<&String> =
            self.point.lines.iter().filter_map(|line| line.carrier.as_ref()).collect();
        Cell::lines(told).or(|| self.wrote(import::Column::Carrier))
    }

    fn restriction(&self) -> Cell {
        let told = self.point.sides.restriction.iter();
        let told = Cell::lines(told.map(|one| restricted::line(one, self.words)));
        let from_outside = self.point.direction != Direction::Out;
        told.or(|| self.wrote(import::Column::Restriction))
            .or(|| if from_outside { Cell::default() } else { Cell::dash() })
    }

    fn support(&self) -> Cell {
        let told = self.assessment.map(|one| assessed::told(one, self.words).support);
        let written = self.written.and_then(|entry| entry.get(import::Column::SupportUntil));
        let written = written
            .map(|until| self.words.fill("column_heading", "written_until", &[("value", until)]));
        Cell::lines(written.into_iter().chain(told.into_iter().flatten()))
    }

    fn exploited(&self) -> Cell {
        let short = assessed::short(self.assessment, self.words);
        let known = self.assessment.map(|one| &one.exploited).into_iter().flatten();
        let affected: Vec<&str> =
            known.filter(|one| one.answer == Answer::Affected).map(|one| &*one.id).collect();
        let more = affected.len().saturating_sub(MOST_NAMED).to_string();
        let more = (affected.len() > MOST_NAMED)
            .then(|| self.words.fill("label", "more", &[("count", &more)]));
        let named = affected.into_iter().take(MOST_NAMED).map(str::to_owned);
        Cell::lines([short].into_iter().chain(named).chain(more))
    }

    /// What the register says of it, and where it says something else than was found.
    fn register(&self) -> Cell {
        let Some(state) = self.report.register(&self.point.id) else { return Cell::dash() };
        let state = self.words.get("declared", state).to_owned();
        let differs = self.report.mismatches(&self.point.id);
        let differs = differs.map(|one| super::register::difference(one, self.words));
        Cell::lines([state].into_iter().chain(differs))
    }

    /// How it was found out.
    fn evidence(&self) -> Cell {
        let of = |key| self.words.get("evidence_sort", key);
        let state = self.report.register(&self.point.id);
        let subject = |name: &str| self.report.run.coverage.iter().any(|line| line.subject == name);
        let told = matches!(self.point.kind, Kind::DeclaredLine | Kind::DialUp);
        let mut said = Vec::new();
        if !told {
            let active = subject("questions_asked");
            said.extend(active.then(|| of("active")));
            said.extend((!active || subject("listens_only")).then(|| of("passive")));
        }
        said.extend(matches!(state, Some("matched" | "mismatch")).then(|| of("document")));
        said.extend((told || state == Some("declared_not_seen")).then(|| of("hearing")));
        Cell::lines(said)
    }

    /// The day on which it was seen last.
    fn checked(&self) -> Cell {
        let known = self.report.memory.points.get(&self.point.id);
        let last = known.and_then(|known| known.seen.last()).map(|(_, began)| *began);
        Cell::of(&day(last.unwrap_or(self.report.run.ended)))
    }
}

/// A product's name and model.
fn model(product: &Product) -> String {
    let (name, model) = (&*product.name, product.model.as_deref().unwrap_or_default());
    if model.contains(name) { model.to_owned() } else { format!("{name} {model}") }
}

/// What somebody decided: why, who, when, and until when.
fn decided(review: &Review, words: &Words) -> Cell {
    let (at, until) = (day(review.at), review.until.map(|day| day.to_string()));
    let by = [("name", &*review.reviewer), ("day", &at)];
    let until = until.map(|until| words.fill("verdict", "until", &[("day", &until)]));
    let by = words.fill("verdict", "by", &by);
    Cell::lines([review.reason.clone(), by].into_iter().chain(until))
}

/// What can be decided about a point, with how it looks.
pub(super) fn verdicts(column: Column, words: &Words) -> Column {
    let choices = ReviewState::ALL.map(|state| words.get("verdict", state.name()).to_owned());
    let tones = [
        ("confirmed", Tone::Strong),
        ("false_positive", Tone::Faint),
        ("explained_by_vendor", Tone::Good),
        ("accepted_risk", Tone::Warn),
        ("closed", Tone::Faint),
    ];
    Column { choices: choices.into(), ..column.tones("verdict", &tones, words) }
}

/// The list.
pub(in crate::report) fn table(report: &Report<'_>) -> Table {
    let words = report.words;
    let columns = COLUMNS.iter().map(|heading| {
        let column = Column::new(heading.key, heading.width, words);
        let column = if heading.open { column.open() } else { column };
        match heading.key {
            "verdict" => verdicts(column, words),
            "grade" => column.tones("grade", &GRADES, words),
            "register" => column.tones("declared", &DECLARED, words),
            "exploited" => Column { tones: exploited(words), ..column },
            _ => column,
        }
    });
    let mut table = Table::new("points", columns.collect());
    table.notes = notes(report);
    for point in report.points() {
        let about = About {
            point,
            report,
            words,
            written: report.written(&point.id),
            review: report.review(&point.id),
            assessment: report.assessed(point),
        };
        let cells = COLUMNS.iter().map(|heading| (heading.cell)(&about)).collect();
        table.add(Row { cells, point: Some(point.id.clone()), heads: false });
    }
    Table { fixed: 2, link: Some(0), pages: 3, large: true, ..table }
}

const GRADES: [(&str, Tone); 4] = [
    (Grade::Proved.name(), Tone::Strong),
    (Grade::Corroborated.name(), Tone::Good),
    (Grade::Inferred.name(), Tone::Warn),
    (Grade::Hint.name(), Tone::Faint),
];

/// How the answers about the register look.
pub(super) const DECLARED: [(&str, Tone); 4] = [
    ("matched", Tone::Good),
    ("mismatch", Tone::Warn),
    ("undeclared", Tone::Bad),
    ("declared_not_seen", Tone::Warn),
];

/// How the answers about vulnerabilities look.
fn exploited(words: &Words) -> Vec<(String, Tone)> {
    let affected = words.fill("assessment", "affected", &[("count", "")]);
    let word = |key| words.get("assessment", key).to_owned();
    vec![
        (affected.trim().to_owned(), Tone::Bad),
        (word("ended"), Tone::Bad),
        (word("ask"), Tone::Warn),
        (word("not_known"), Tone::Faint),
    ]
}

/// What stands above the list: whose it is, of when, how many, and what the colour means.
fn notes(report: &Report<'_>) -> Vec<String> {
    let (run, words) = (report.run, report.words);
    let facility = run.facility.as_deref().unwrap_or(words.get("label", "no_facility"));
    let colon = words.get("language", "colon");
    let said = |key: &str, value: &str| {
        Cell::of(&format!("{}{colon}{value}", words.get("label", key))).join("")
    };
    let head = [
        said("facility", facility),
        said("period", &period(run.began, run.ended, words)),
        said("run", &run.id),
    ];
    vec![
        head.join("　"),
        words.counted("summary", "found", run.points.len()),
        words.get("sheet_note", "fill_in").to_owned(),
    ]
}
