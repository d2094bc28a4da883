//! Says what was found: to people in words, to programs in JSON.
//!
//! One format a file; [`words`] is the only place that writes Japanese or English. The same run gives
//! the same bytes. What a device says about itself is never trusted: [`visible`] shows characters that
//! would move the cursor or turn the text around, and each format escapes the rest its own way.

mod assessed;
pub mod checklist;
mod csv;
pub mod decided;
pub mod diagram;
pub mod diff;
pub mod forms;
pub mod hosts;
pub mod html;
pub mod json;
mod junit;
mod markdown;
mod meaning;
mod networks;
mod news;
mod nmap;
pub mod observations;
pub mod pdf;
mod prometheus;
pub mod register;
mod restricted;
pub mod sent;
mod sheet;
pub mod show;
mod syslog;
mod tables;
pub mod text;
pub mod unknown;
pub mod words;
mod xml;

pub use checklist::{write_checklist, write_plan};
pub use decided::write_decided;
pub use diagram::{write_drawio, write_svg};
pub use diff::{Diff, write_diff, write_diff_json};
pub use forms::{FormFormat, write_forms};
pub use html::write_html;
pub use json::{write_json, write_line, write_plain};
pub use news::News;
pub use observations::write_observations;
pub use pdf::write_pdf;
pub use prometheus::write_prometheus;
pub use register::{write_readings, write_reconciliation, write_reconciliation_json};
pub use sent::write_ledger;
pub use show::{write_assessment, write_point};
pub use syslog::syslog_lines;
pub use text::{Look, write_text};
pub use unknown::write_unrecognised;
pub use words::{Language, Words};

use std::{
    borrow::Cow,
    cmp::Reverse,
    fmt::Write as _,
    io::{self, Write},
};

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::{
    assess::{Assessment, Found, Meaning, Mismatch, Outcome},
    correlate::{Direction, Grade, Point},
    import::Entry,
    inventory::{Change, Memory, Review, Run},
    passive::asked::Asked,
    time::{Day, Timestamp},
};

/// What a report is made of.
#[derive(Debug, Clone, Copy)]
pub struct Report<'a> {
    /// The run, its points under the names the inventory keeps.
    pub run: &'a Run,
    /// What it changes in what was known; `None` where nothing was known.
    pub changes: Option<&'a [Change]>,
    /// What was sent to whom, where the run is a recording that was just read; an inventory keeps only the sums.
    pub asked: Option<&'a Asked>,
    /// What its points mean.
    pub meaning: &'a Meaning,
    /// What is known of them beyond this run, and what people said to them.
    pub memory: &'a Memory,
    /// The language.
    pub words: &'static Words,
}

/// A format a report can be written in.
pub struct Format {
    /// Its name on the command line.
    pub name: &'static str,
    /// The file it goes to, in a folder of reports; `{lang}` stands for the language.
    pub file: &'static str,
    /// Writes it.
    pub write: fn(&Report<'_>, &mut dyn Write) -> io::Result<()>,
}

/// Every format; some are several files.
pub static FORMATS: &[Format] = &[
    Format {
        name: "html",
        file: "report.{lang}.html",
        write: |report, mut out| write_html(report, &mut out),
    },
    Format {
        name: "json",
        file: "points.json",
        write: |report, mut out| write_json(report, &mut out),
    },
    Format { name: "json", file: "hosts.json", write: |report, out| hosts::write(report, out) },
    Format {
        name: "text",
        file: "report.{lang}.txt",
        write: |report, mut out| write_text(report, Look::plain(), &mut out),
    },
    Format { name: "xlsx", file: "report.{lang}.xlsx", write: sheet::write },
    Format { name: "csv", file: "points.{lang}.csv", write: csv::write_points },
    Format { name: "csv", file: REGISTER, write: csv::write_register },
    Format { name: "markdown", file: "report.{lang}.md", write: markdown::write },
    Format { name: "junit", file: "changes.junit.xml", write: junit::write },
    Format { name: "nmap", file: "nmap.xml", write: nmap::write },
    Format {
        name: pdf::NAME,
        file: "report.{lang}.pdf",
        write: |report, out| write_pdf(report, out),
    },
    Format {
        name: "svg",
        file: "diagram.{lang}.svg",
        write: |report, mut out| write_svg(report, &mut out),
    },
    Format {
        name: "drawio",
        file: "diagram.{lang}.drawio",
        write: |report, mut out| write_drawio(report, &mut out),
    },
];

/// The comparison with the register as CSV.
const REGISTER: &str = "register.{lang}.csv";

impl Format {
    /// The format named `name`.
    pub fn named(name: &str) -> Option<&'static Self> {
        FORMATS.iter().find(|format| format.name == name)
    }

    /// The names of all formats, each once, in their order.
    pub fn names() -> Vec<&'static str> {
        let mut names = Vec::new();
        for format in FORMATS {
            if !names.contains(&format.name) {
                names.push(format.name);
            }
        }
        names
    }

    /// Whether a report has anything to say in it: there is no comparison where no register was loaded.
    pub fn applies(&self, report: &Report<'_>) -> bool {
        self.file != REGISTER || report.meaning.reconciliation.is_some()
    }

    /// Why it cannot be written on this system; none where it can.
    pub fn lacks(&self) -> Option<&'static pdf::Error> {
        if self.name == pdf::NAME { pdf::typeface().err() } else { None }
    }

    /// The file it goes to, in `language`.
    pub fn file_name(&self, language: Language) -> String {
        self.file.replace("{lang}", language.code())
    }
}

impl<'a> Report<'a> {
    /// The points in the order every format lists them: by kind, the best proof first, then by name.
    pub fn points(&self) -> Vec<&'a Point> {
        let mut points: Vec<&Point> = self.run.points.iter().collect();
        points.sort_by(|a, b| {
            (a.kind, Reverse(a.grade), &a.id).cmp(&(b.kind, Reverse(b.grade), &b.id))
        });
        points
    }

    /// How many points there are of each thing `key` tells of them, in the order of that.
    fn tally<K: Ord + Copy>(&self, key: impl Fn(&Point) -> K) -> Vec<(K, usize)> {
        let mut tally = std::collections::BTreeMap::new();
        for point in &self.run.points {
            *tally.entry(key(point)).or_insert(0) += 1;
        }
        tally.into_iter().collect()
    }

    /// What the version of a point means; none where nothing is known of its product.
    fn assessed(&self, point: &Point) -> Option<&'a Assessment> {
        self.meaning.assessments.of(&point.id)
    }

    /// The day that the report is of: on it reviews stand and dates are held.
    pub fn day(&self) -> Option<Day> {
        Day::of(self.run.ended)
    }

    /// What somebody decided about a point, where that stands.
    pub fn review(&self, point: &str) -> Option<&'a Review> {
        self.memory.points.get(point)?.standing(self.day())
    }

    /// Whether somebody decided that nobody has to look at a point. It is shown all the same.
    pub fn is_suppressed(&self, point: &str) -> bool {
        self.review(point).is_some_and(|review| review.state.suppresses())
    }

    /// What people wrote down of a point: the register, or else a form.
    pub fn written(&self, point: &str) -> Option<&'a Entry> {
        let register = self.meaning.reconciliation.as_ref();
        let line = register.and_then(|register| register.of(point).next()).map(|line| &line.entry);
        line.or_else(|| self.memory.points.get(point)?.declared.as_ref())
    }

    /// What the register says of a point: `matched`, `mismatch`, `undeclared`, `declared_not_seen` for one that only a
    /// form tells of; none where there is no register.
    pub fn register(&self, point: &str) -> Option<&'static str> {
        let declared = || self.memory.points.get(point)?.declared.as_ref();
        let Some(register) = &self.meaning.reconciliation else {
            return declared().map(|_| "declared_not_seen");
        };
        let of_it = |line: &&crate::assess::Reconciled| {
            line.outcome.found().is_some_and(|found| *found == Found::Point(point.to_owned()))
        };
        match register.of(point).find(of_it).map(|line| &line.outcome) {
            Some(Outcome::Mismatch { .. }) => Some("mismatch"),
            Some(_) => Some("matched"),
            None if declared().is_some() => Some("declared_not_seen"),
            None => Some("undeclared"),
        }
    }

    /// In what the register says something else of a point than was found.
    pub fn mismatches(&self, point: &str) -> impl Iterator<Item = &'a Mismatch> {
        let register = self.meaning.reconciliation.as_ref();
        let lines = register.into_iter().flat_map(move |register| register.of(point));
        lines.flat_map(|line| match &line.outcome {
            Outcome::Mismatch { fields, .. } => fields.as_slice(),
            _ => &[],
        })
    }

    /// What people said of a point and the network contradicts, as sentences.
    fn contradicted(&self, point: &str) -> impl Iterator<Item = String> {
        let words = self.words;
        let of_it = self.meaning.contradictions.iter().filter(move |one| one.point == point);
        of_it.map(|one| words.contradiction(one))
    }

    /// When the first and the last run began that saw a point, where an inventory knows it.
    pub fn seen(&self, point: &str) -> Option<(Timestamp, Timestamp)> {
        let seen = &self.memory.points.get(point)?.seen;
        Some((seen.first()?.1, seen.last()?.1))
    }

    /// Whether somebody ever decided something about a point, even if that stands no more.
    fn was_reviewed(&self, point: &str) -> bool {
        self.memory.points.get(point).is_some_and(|known| !known.reviews.is_empty())
    }

    /// Whether somebody looked from outside at a point of it.
    fn is_restricted(&self) -> bool {
        self.run.points.iter().any(|point| !point.sides.restriction.is_empty())
    }

    /// How many points let the outside in.
    fn inbound(&self) -> usize {
        self.count(|point| point.direction != Direction::Out)
    }

    /// How many points reach out.
    fn outbound(&self) -> usize {
        self.count(|point| point.direction != Direction::In)
    }

    /// How many points somebody has to look at before they can be called points.
    fn unsure(&self) -> usize {
        self.count(|point| point.grade <= Grade::Inferred)
    }

    fn count(&self, is: impl Fn(&Point) -> bool) -> usize {
        self.run.points.iter().filter(|point| is(point)).count()
    }
}

/// `text` with characters that a terminal or a page would obey, and those that cannot be seen, written
/// out: `\u{1b}` for escape, `\u{202e}` for the character that turns text around.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(commands) {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if commands(c) {
            let _ = write!(shown, "{}", c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown.into()
}

/// Whether `c` moves, turns or hides text rather than being part of it.
pub(crate) fn commands(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{feff}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{fffe}'..='\u{ffff}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// `text` made [`visible`] and cut to `columns` of a terminal, where a full-width character takes two.
pub fn cut(text: &str, columns: usize) -> String {
    // Enough for the widest case; the rest of an endless name is never looked at.
    let end = text.floor_char_boundary(columns.saturating_mul(16).max(64));
    let (head, tail) = text.split_at(end);
    let shown = visible(head);
    if tail.is_empty() && shown.width() <= columns {
        return shown.into_owned();
    }
    let mut kept = String::new();
    let mut used = 1;
    for c in shown.chars() {
        used += c.width().unwrap_or_default();
        if used > columns {
            break;
        }
        kept.push(c);
    }
    kept.push('…');
    kept
}

/// `text` in lines of at most `columns`, broken at spaces, and anywhere in Japanese or in a word that
/// is too long. No line begins with a closing mark.
pub(super) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(20);
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for c in text.chars() {
        let width = c.width().unwrap_or_default();
        let closing = matches!(c, '。' | '、' | '）' | '」' | '：' | ',' | '.' | ')' | '”' | 'ー');
        if used + width > columns && !closing {
            // A Latin word moves down whole, if it is short enough.
            let start = line.trim_end_matches(|c: char| c.is_ascii_graphic());
            let start = start.trim_end_matches(['（', '「', '“']).len();
            let keep = (c.is_ascii_graphic() && start > 0 && line.len() - start < columns / 2)
                .then_some(start);
            let word = keep.map(|at| line.split_off(at)).unwrap_or_default();
            lines.push(line.trim_end().to_owned());
            line = word;
            used = line.width();
            if c == ' ' {
                continue;
            }
        }
        line.push(c);
        used += width;
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_are_commands_are_shown() {
        assert_eq!(visible("\u{1b}[31m関所\u{202e}\r\n"), "\\u{1b}[31m関所\\u{202e}\\u{d}\\u{a}");
        assert!(matches!(visible("関所 sekisho"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_cut_counts_full_width_characters_twice() {
        assert_eq!(cut("関所記念病院", 12), "関所記念病院");
        assert_eq!(cut("関所記念病院", 11), "関所記念病…");
        assert_eq!(cut("関所記念病院", 10), "関所記念…");
        assert_eq!(cut(&"x".repeat(10_000), 5), "xxxx…");
        assert_eq!(cut("", 5), "");
    }
}
