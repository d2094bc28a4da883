//! The terminal: a table of points, what could not be seen, and the sum of it.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr as _;

use super::{
    Report, Words, assessed, checklist, cut, decided, networks, register, restricted, sent,
    unknown, visible,
    words::{grouped, moment},
    wrap,
};
use crate::{
    correlate::{Coverage, Grade, Grid, Point, mechanism::Mechanism},
    inventory::{Change, Difference, Facet},
};

/// Below this width a table helps nobody, and points are written as blocks.
const NARROWEST_TABLE: usize = 84;

/// The same where a column tells what versions mean.
const NARROWEST_ASSESSED: usize = 106;

/// How much more where a column tells what is open to the outside.
const RESTRICTED_WIDTH: usize = 14;

/// How many of those that were sent the most are named.
const MOST_ASKED: usize = 5;

/// Between two columns.
const GAP: usize = 2;

/// How the terminal looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// How many columns there are.
    pub columns: usize,
    /// Whether weight may be shown by escape sequences.
    pub colour: bool,
}

impl Look {
    /// For files and pipes: 120 columns, no colour.
    pub const fn plain() -> Self {
        Self { columns: 120, colour: false }
    }

    /// For an output that is a terminal or not: `COLUMNS` and `NO_COLOR` count.
    pub fn of(terminal: bool) -> Self {
        let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        Self {
            columns: columns.unwrap_or(Self::plain().columns).clamp(40, 1000),
            colour: terminal && !no_colour && !dumb,
        }
    }

    /// `text` bold.
    pub(super) fn strong(self, text: &str) -> String {
        self.wrap("1", text)
    }

    /// `text` faint.
    pub(super) fn faint(self, text: &str) -> String {
        self.wrap("2", text)
    }

    /// `text` as strong as its proof.
    pub(super) fn graded(self, grade: Grade, text: &str) -> String {
        match grade {
            Grade::Proved | Grade::Corroborated => self.strong(text),
            Grade::Inferred => text.to_owned(),
            Grade::Hint => self.faint(text),
        }
    }

    fn wrap(self, code: &str, text: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// Writes the points of a run as a table, with what changed and what could not be seen.
pub fn write_text(report: &Report<'_>, look: Look, out: &mut impl Write) -> io::Result<()> {
    let points = report.points();
    if !points.is_empty() {
        let assessed = !report.meaning.assessments.is_empty();
        let narrowest = if assessed { NARROWEST_ASSESSED } else { NARROWEST_TABLE };
        let more = if report.is_restricted() { RESTRICTED_WIDTH } else { 0 };
        let list = if look.columns < narrowest + more { blocks } else { table::<_> };
        let (decided, open): (Vec<&Point>, Vec<&Point>) =
            points.into_iter().partition(|point| report.is_suppressed(&point.id));
        if !open.is_empty() {
            list(report, &open, look, out)?;
            writeln!(out)?;
        }
        // What nobody has to look at is shown all the same, and told apart.
        if !decided.is_empty() {
            writeln!(
                out,
                "{}",
                look.strong(&cut(report.words.get("review", "suppressed"), look.columns))
            )?;
            list(report, &decided, look, out)?;
            writeln!(out)?;
        }
    }
    changes(report, look, out)?;
    register::summary(report, look, out)?;
    unknown::summary(report, look, out)?;
    covered(report, look, out)?;
    sent(report, look, out)?;
    checklist::summary(report, look, out)?;
    summary(report, look, out)
}

/// What was measured, and what was not: a line each, and one for each way to find exits whatever the number of networks.
fn covered(report: &Report<'_>, look: Look, out: &mut impl Write) -> io::Result<()> {
    let (words, lines) = (report.words, &report.run.coverage);
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(out, "{}", look.strong(&cut(words.get("heading", "coverage"), look.columns)))?;
    let grid = networks::lines(&Grid::of(lines), words);
    let states = lines.iter().map(|line| line.state).chain(grid.iter().map(|(state, _)| *state));
    let width = states.map(|state| words.coverage_state(state).width()).max().unwrap_or_default();
    let room = look.columns.saturating_sub(width + 2 * GAP);
    for line in lines.iter().filter(|line| Mechanism::place(&line.subject).is_none()) {
        let state = pad(words.coverage_state(line.state), width);
        writeln!(out, "  {state}  {}", cut(&coverage(line, words), room))?;
    }
    for (state, said) in grid {
        let mut state = pad(words.coverage_state(state), width);
        // What is not excluded stands last, and is the point of it: nothing is cut off.
        for line in wrap(&visible(&said), room) {
            writeln!(out, "  {state}  {line}")?;
            state = " ".repeat(width);
        }
    }
    writeln!(out)
}

/// What was sent, and to whom the most.
fn sent(report: &Report<'_>, look: Look, out: &mut impl Write) -> io::Result<()> {
    let words = report.words;
    let Some(asked) = report.asked else { return Ok(()) };
    writeln!(out, "{}", look.strong(&cut(words.get("heading", "sent"), look.columns)))?;
    for line in wrap(&sent::sums(asked, words), look.columns.saturating_sub(2)) {
        writeln!(out, "  {line}")?;
    }
    let busiest = sent::busiest(asked, MOST_ASKED);
    let rows: Vec<[String; 3]> = busiest
        .iter()
        .map(|(address, entry)| {
            [address.to_string(), grouped(entry.packets), sent::probes(asked, entry)]
        })
        .collect();
    let [address, packets] = [0, 1].map(|at| {
        rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.width()).max().unwrap_or_default()
    });
    for [to, sent, probes] in &rows {
        let said = format!("  {}  {sent:>packets$}  {probes}", pad(to, address));
        writeln!(out, "{}", cut(said.trim_end(), look.columns))?;
    }
    writeln!(out)
}

/// What a line of coverage says, on one line.
pub(super) fn coverage(line: &Coverage, words: &Words) -> String {
    let (subject, colon) = (words.get("coverage", &line.subject), words.get("language", "colon"));
    let detail = line.detail.as_deref().filter(|detail| !detail.is_empty());
    let detail = detail.map(|detail| sent::detail(&line.subject, detail, words));
    match (line.count.map(grouped), detail) {
        (Some(count), Some(detail)) => {
            bracketed(&format!("{subject}{colon}{count}"), &detail, words)
        }
        (Some(said), None) => format!("{subject}{colon}{said}"),
        (None, Some(said)) => format!("{subject}{colon}{said}"),
        (None, None) => subject.to_owned(),
    }
}

/// `text`, and `more` in the language's brackets.
pub(super) fn bracketed(text: &str, more: &str, words: &Words) -> String {
    format!("{text}{}{more}{}", words.get("language", "open"), words.get("language", "close"))
}

/// The sign in front of a point: the emptier, the weaker its proof.
pub(super) const fn mark(grade: Grade) -> &'static str {
    match grade {
        Grade::Proved => "●",
        Grade::Corroborated => "◐",
        Grade::Inferred => "○",
        Grade::Hint => "?",
    }
}

/// What a column shows of a point, its heading, and how narrow it may become.
struct Column {
    heading: &'static str,
    narrowest: usize,
    cell: fn(&Point, &Report<'_>) -> String,
}

/// What the version of a point means; only where that is known of some point.
const ASSESSED: Column = Column {
    heading: "exploited_short",
    narrowest: 15,
    cell: |point, report| assessed::short(report.assessed(point), report.words),
};

/// What is open to the outside; only where somebody looked from there.
const RESTRICTED: Column = Column {
    heading: "restriction",
    narrowest: 12,
    cell: |point, report| restricted::short(point, report.words),
};

const COLUMNS: &[Column] = &[
    Column {
        heading: "id",
        narrowest: 11,
        cell: |point, _| format!("{} {}", mark(point.grade), point.id),
    },
    Column {
        heading: "kind",
        narrowest: 16,
        cell: |point, report| report.words.kind(point.kind).to_owned(),
    },
    Column {
        heading: "grade",
        narrowest: 8,
        cell: |point, report| report.words.grade(point.grade).to_owned(),
    },
    Column { heading: "inside", narrowest: 13, cell: |point, _| inside(point) },
    Column {
        heading: "outside",
        narrowest: 10,
        cell: |point, _| first_of(point.outside.iter().map(ToString::to_string)),
    },
    Column {
        heading: "services",
        narrowest: 10,
        cell: |point, report| {
            let words = report.words;
            point
                .services
                .iter()
                .map(|service| words.service(service))
                .collect::<Vec<_>>()
                .join(words.get("language", "comma"))
        },
    },
    Column { heading: "product", narrowest: 8, cell: |point, _| product(point) },
];

/// Where a point is on the inside: its first address, or else its hardware address.
fn inside(point: &Point) -> String {
    if point.addresses.is_empty() {
        first_of(point.macs.iter().map(ToString::to_string))
    } else {
        first_of(point.addresses.iter().map(ToString::to_string))
    }
}

fn product(point: &Point) -> String {
    point.product.as_ref().map(ToString::to_string).unwrap_or_default()
}

/// The first of several, and how many more there are.
fn first_of(mut several: impl ExactSizeIterator<Item = String>) -> String {
    let Some(first) = several.next() else { return String::new() };
    match several.len() {
        0 => first,
        more => format!("{first} +{more}"),
    }
}

/// The columns of a report.
fn columns(report: &Report<'_>) -> Vec<&'static Column> {
    let more = (!report.meaning.assessments.is_empty()).then_some(&ASSESSED);
    let restricted = report.is_restricted().then_some(&RESTRICTED);
    COLUMNS.iter().chain(restricted).chain(more).collect()
}

fn table<W: Write>(
    report: &Report<'_>,
    points: &[&Point],
    look: Look,
    out: &mut W,
) -> io::Result<()> {
    let words = report.words;
    let columns = columns(report);
    let rows: Vec<Vec<String>> = points
        .iter()
        .map(|point| {
            columns.iter().map(|column| cut(&(column.cell)(point, report), look.columns)).collect()
        })
        .collect();
    let headings: Vec<&str> =
        columns.iter().map(|column| words.get("label", column.heading)).collect();
    let mut widths: Vec<usize> = headings
        .iter()
        .enumerate()
        .map(|(at, heading)| {
            let cells = rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.width());
            cells.max().unwrap_or_default().max(heading.width())
        })
        .collect();
    // The widest gives way first, until all fit or none can give more.
    let gaps = GAP * (columns.len() - 1);
    while widths.iter().sum::<usize>() + gaps > look.columns {
        let widest = widths
            .iter_mut()
            .zip(&columns)
            .filter(|(width, column)| **width > column.narrowest)
            .max_by_key(|(width, _)| **width);
        match widest {
            Some((width, _)) => *width -= 1,
            None => break,
        }
    }
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let cells: Vec<String> =
            cells.zip(&widths).map(|(cell, width)| pad(&cut(cell, *width), *width)).collect();
        cells.join("  ").trim_end().to_owned()
    };
    writeln!(out, "{}", look.faint(&line(&mut headings.iter().copied())))?;
    for (point, row) in points.iter().zip(&rows) {
        writeln!(out, "{}", look.graded(point.grade, &line(&mut row.iter().map(String::as_str))))?;
        because(point, words, look, out)?;
        reviewed(point, report, look, out)?;
    }
    Ok(())
}

fn blocks<W: Write>(
    report: &Report<'_>,
    points: &[&Point],
    look: Look,
    out: &mut W,
) -> io::Result<()> {
    let words = report.words;
    for point in points {
        let head = format!(
            "{} {}  {}  {}",
            mark(point.grade),
            point.id,
            words.kind(point.kind),
            words.grade(point.grade)
        );
        writeln!(out, "{}", look.graded(point.grade, &cut(&head, look.columns)))?;
        for column in columns(report).into_iter().skip(3) {
            let cell = (column.cell)(point, report);
            if !cell.is_empty() {
                let heading = words.get("label", column.heading);
                let said = format!("  {heading}{}{cell}", words.get("language", "colon"));
                writeln!(out, "{}", cut(&said, look.columns))?;
            }
        }
        because(point, words, look, out)?;
        reviewed(point, report, look, out)?;
    }
    Ok(())
}

/// The lines behind a point, and its strongest because, on one line each; the packet's number is never cut off.
fn because(point: &Point, words: &Words, look: Look, out: &mut impl Write) -> io::Result<()> {
    for line in &point.lines {
        let (label, colon) = (words.get("label", "lines"), words.get("language", "colon"));
        writeln!(out, "{}", cut(&format!("  = {label}{colon}{}", words.line(line)), look.columns))?;
    }
    let Some(because) = point.because.first() else { return Ok(()) };
    let (file, number) = because.observation.rsplit_once('#').unwrap_or((&because.observation, ""));
    let packet = cut(file, look.columns / 4);
    let packet = if number.is_empty() { packet } else { format!("{packet}#{}", cut(number, 20)) };
    let room = look.columns.saturating_sub(packet.width() + 7);
    let sentence = cut(&words.because(because), room);
    writeln!(out, "{}", look.faint(&format!("  └ {sentence} [{packet}]")))
}

/// What was decided about a point.
fn reviewed(
    point: &Point,
    report: &Report<'_>,
    look: Look,
    out: &mut impl Write,
) -> io::Result<()> {
    let Some(said) = decided::last(&point.id, report) else { return Ok(()) };
    let lines = wrap(&said, look.columns.saturating_sub(4));
    lines
        .iter()
        .enumerate()
        .try_for_each(|(at, line)| writeln!(out, "{}{line}", if at == 0 { "  » " } else { "    " }))
}

fn changes(report: &Report<'_>, look: Look, out: &mut impl Write) -> io::Result<()> {
    let words = report.words;
    let Some(changes) = report.changes else { return Ok(()) };
    if changes.is_empty() {
        return Ok(());
    }
    writeln!(out, "{}", look.strong(words.get("heading", "changes")))?;
    for change in changes {
        let sign = sign(change);
        let about = detail(change, words);
        let said = format!(
            "  {sign} {}  {}  {}{}{about}",
            change.id(),
            words.kind(change.kind()),
            words.get("change", change.name()),
            if about.is_empty() { "" } else { words.get("language", "colon") },
        );
        writeln!(out, "{}", cut(&said, look.columns))?;
    }
    writeln!(out)
}

/// The sign of a change at the beginning of a line.
pub(super) const fn sign(change: &Change) -> char {
    match change {
        Change::Appeared { .. } => '+',
        Change::SeenAgain { .. } => '!',
        Change::Changed { .. } => '~',
        Change::NotSeen { .. } => '-',
    }
}

/// What a change is about, beyond its point.
pub(super) fn detail(change: &Change, words: &Words) -> String {
    match change {
        Change::Appeared { .. } => String::new(),
        Change::SeenAgain { state, decided, what, .. } => {
            let day = moment(*decided);
            let day = day.split(' ').next().unwrap_or_default();
            let values = [("state", words.get("review_state", state.name())), ("day", day)];
            let mut said = vec![words.fill("review", "again", &values)];
            said.extend(what.iter().map(|one| difference(one, words)));
            said.join(words.get("language", "comma"))
        }
        Change::Changed { what, .. } => {
            let said: Vec<String> = what.iter().map(|one| difference(one, words)).collect();
            said.join(words.get("language", "comma"))
        }
        Change::NotSeen { last_seen, .. } => {
            format!("{} {last_seen}", words.get("label", "last_seen"))
        }
    }
}

/// One thing that is different, what was before what is.
pub(super) fn difference(difference: &Difference, words: &Words) -> String {
    let said = |values: &[String]| {
        let named = named(difference.facet, values, words);
        if named.is_empty() { "—".into() } else { named.join(", ") }
    };
    let facet = words.get("facet", difference.facet.name());
    format!("{facet} {} → {}", said(&difference.before), said(&difference.now))
}

/// The values of a facet as people say them.
pub(super) fn named<'a>(facet: Facet, values: &'a [String], words: &'a Words) -> Vec<&'a str> {
    let section = match facet {
        Facet::Kind => "kind",
        Facet::Grade => "grade",
        Facet::Direction => "direction",
        _ => "",
    };
    values.iter().map(|value| words.get(section, value)).collect()
}

fn summary(report: &Report<'_>, look: Look, out: &mut impl Write) -> io::Result<()> {
    let (run, words) = (report.run, report.words);
    let facility = run.facility.as_deref().unwrap_or(words.get("label", "no_facility"));
    let period = period(run.began, run.ended, words);
    writeln!(out, "{}", cut(&bracketed(facility, &period, words), look.columns))?;
    let found = words.counted("summary", "found", run.points.len());
    for line in wrap(&found, look.columns) {
        writeln!(out, "{}", look.strong(&line))?;
    }
    let mut grades = report.tally(|point| point.grade);
    grades.reverse();
    let kinds = report.tally(|point| point.kind);
    let tallies = [
        grades.iter().map(|(grade, n)| format!("{} {n}", words.grade(*grade))).collect::<Vec<_>>(),
        kinds.iter().map(|(kind, n)| format!("{} {n}", words.kind(*kind))).collect(),
    ];
    for tally in tallies.iter().filter(|tally| !tally.is_empty()) {
        let said = tally.join(words.get("language", "comma"));
        for line in wrap(&said, look.columns.saturating_sub(2)) {
            writeln!(out, "  {line}")?;
        }
    }
    for said in decided::sums(report).into_iter().chain(decided::head(report)) {
        for line in wrap(&said, look.columns.saturating_sub(2)) {
            writeln!(out, "  {line}")?;
        }
    }
    for line in wrap(words.get("summary", "caveat"), look.columns) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// From when to when, in Japan's time.
pub(super) fn period(
    began: crate::time::Timestamp,
    ended: crate::time::Timestamp,
    words: &Words,
) -> String {
    let (began, ended) = (moment(began), moment(ended));
    // The same day is said once.
    let ended = match (began.split_once(' '), ended.split_once(' ')) {
        (Some((day, _)), Some((same, clock))) if day == same => clock,
        _ => ended.as_str(),
    };
    let to = if words.language() == super::Language::Japanese { "～" } else { " – " };
    format!("{began}{to}{ended} JST")
}

/// `text` and as many spaces as it takes to fill `columns`.
pub(super) fn pad(text: &str, columns: usize) -> String {
    let spaces = columns.saturating_sub(visible(text).width());
    format!("{text}{}", " ".repeat(spaces))
}
