//! A page for people: self-contained, without scripts, for the screen, the telephone and A4.
//!
//! First the sheet for whoever decides ([`summary`]), then the drawing, the list and a sheet for each point ([`point`]), then
//! what the points mean ([`register`], [`checklist`], [`plan`]), what changed ([`change`]) and what was looked at
//! ([`coverage`]). A section that has nothing to say is left out. The templates beside these files escape all that they show.

mod appendix;
mod change;
mod checklist;
mod coverage;
mod plan;
mod point;
mod register;
mod summary;

use std::{
    collections::BTreeMap,
    io::{self, Write},
    sync::LazyLock,
};

use minijinja::{Environment, UndefinedBehavior, syntax::SyntaxConfig, value::Serde};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{Language, Report, Words, cut, decided, diagram, networks, text::period};
use crate::correlate::Grid;

const STYLE: &str = include_str!("html/style.css");

/// How many columns of one value are shown; a device may call itself anything.
const LONGEST: usize = 240;

/// How many rows a table shows that people wrote, or that name points.
const MOST_ROWS: usize = 2000;

/// How many points a cell names.
const MOST_NAMED: usize = 12;

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(syntax.expect("the usual delimiters do not clash"));
    macro_rules! templates {
        ($($name:literal),*) => {
            [$(($name, concat!(include_str!("html/macros.html"), include_str!(concat!("html/", $name))))),*]
        };
    }
    for (name, source) in templates!(
        "report.html",
        "summary.html",
        "points.html",
        "point.html",
        "register.html",
        "checklist.html",
        "plan.html",
        "change.html",
        "coverage.html",
        "appendix.html"
    ) {
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
    contents: Vec<Section<'a>>,
    summary: summary::Summary<'a>,
    /// The drawing, as it is put into the page.
    diagram: Option<String>,
    points: point::Points<'a>,
    register: Option<register::Register<'a>>,
    checklists: Vec<checklist::Edition<'a>>,
    guideline: Vec<checklist::Article<'a>>,
    plan: Option<plan::Plan<'a>>,
    changes: Option<Vec<change::Line<'a>>>,
    decided: Vec<change::Decided<'a>>,
    unrecognised: Option<coverage::Unknown>,
    coverage: Vec<coverage::Line<'a>>,
    networks: Option<networks::Table<'a>>,
    sent: Option<coverage::Sent<'a>>,
    silent: bool,
    asked: bool,
    inputs: Vec<coverage::Input>,
    glossary: Vec<appendix::Term<'a>>,
    sources: Vec<appendix::Source>,
    /// Where the log ends, and what that is for; empty without an inventory.
    ending: Vec<String>,
}

/// A section and its heading.
#[derive(Serialize)]
struct Section<'a> {
    id: &'static str,
    name: &'a str,
}

/// A point that something names, and whether the page has its sheet.
#[derive(Serialize)]
struct Named {
    id: String,
    here: bool,
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
    let facility =
        run.facility.as_deref().map_or_else(|| words.get("label", "no_facility").to_owned(), shown);
    let style = style(&facility, words);
    let covered = |subject: &str| run.coverage.iter().any(|line| line.subject == subject);
    let mut page = Page {
        w: words.list(),
        style_hash: base64(&Sha256::digest(style.as_bytes())),
        style,
        version: env!("CARGO_PKG_VERSION"),
        facility,
        run: shown(&run.id),
        period: period(run.began, run.ended, words),
        contents: Vec::new(),
        summary: summary::summary(report),
        diagram: diagram::inline(report),
        points: point::points(report),
        register: register::register(report),
        checklists: checklist::editions(report),
        guideline: checklist::guideline(report),
        plan: plan::plan(report),
        changes: report.changes.map(|changes| change::lines(changes, report)),
        decided: change::decided(report),
        unrecognised: coverage::unrecognised(report),
        coverage: coverage::lines(report),
        networks: networks::table(&Grid::of(&run.coverage), words),
        sent: coverage::sent(report),
        silent: covered("listens_only"),
        asked: covered("questions_asked"),
        inputs: coverage::inputs(run),
        glossary: appendix::glossary(report),
        sources: appendix::sources(report),
        ending: decided::ending(report).into_iter().flatten().collect(),
    };
    let sections = [
        ("summary", true),
        ("diagram", page.diagram.is_some()),
        ("points", !run.points.is_empty()),
        ("details", !run.points.is_empty()),
        ("register", page.register.is_some()),
        ("checklist", !page.checklists.is_empty()),
        ("guideline", !page.guideline.is_empty()),
        ("plan", page.plan.is_some()),
        ("changes", page.changes.is_some()),
        ("decided", !page.decided.is_empty()),
        ("unrecognised", page.unrecognised.is_some()),
        ("coverage", true),
        ("networks", page.networks.is_some()),
        ("sent", page.sent.is_some()),
        ("method", true),
        ("appendix", true),
    ];
    page.contents = sections
        .into_iter()
        .filter(|(_, is)| *is)
        .map(|(id, _)| Section {
            id,
            name: words.find("page", id).unwrap_or_else(|| words.get("heading", id)),
        })
        .collect();
    page
}

/// The style, with what stands at the edges of printed pages: the facility's name is cut short and cannot leave its quotes.
fn style(facility: &str, words: &Words) -> String {
    let quoted = |text: &str| -> String {
        cut(text, 60)
            .chars()
            .map(|c| if matches!(c, '"' | '\\' | '<' | '>') { ' ' } else { c })
            .collect()
    };
    format!("{STYLE}{}", diagram::STYLE)
        .replace("CONFIDENTIAL", &quoted(words.get("heading", "confidential")))
        .replace("FACILITY", &quoted(facility))
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

/// The first few of several points, with how many more there are.
fn named<'p>(
    points: impl IntoIterator<Item = &'p String>,
    report: &Report<'_>,
) -> (Vec<Named>, String) {
    let mut points = points.into_iter();
    let named = points.by_ref().take(MOST_NAMED).map(|id| Named {
        here: report.run.points.iter().any(|point| point.id == *id),
        id: shown(id),
    });
    let named: Vec<Named> = named.collect();
    (named, more_of(points.count(), report.words))
}

/// Sentences one after the other, as the language sets them.
fn sentences(all: &[String], words: &Words) -> String {
    all.join(if words.language() == Language::Japanese { "" } else { " " })
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

    #[test]
    fn a_facility_cannot_leave_the_quotes_of_the_style() {
        let style = style("\"} body { display: none } </style>\\", Words::of(Language::English));
        assert!(!style.contains("</style>") && !style.contains("\"} body"));
    }
}
