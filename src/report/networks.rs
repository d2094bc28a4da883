//! Networks against the ways to find exits, in words: a few lines for the terminal, a table and its key for the page.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Words, cut, visible, words::grouped};
use crate::correlate::{
    CoverageState, Grid,
    grid::{Cell, Gap, Row, Summary},
    mechanism::{MECHANISMS, Mechanism, NO_INTERFACE},
};

/// How many networks a line names in which something did not run; where there are more it names none.
const MOST_NAMED: usize = 3;

/// How many networks are named that were not looked at at all.
const MOST_DARK: usize = 16;

/// How many rows the page shows; a run looks at fewer networks.
const MOST_ROWS: usize = 256;

/// How many columns of one cell are shown.
const LONGEST: usize = 60;

/// A line for each mechanism with gaps, and before them one for those that ran everywhere.
pub(super) fn lines(grid: &Grid<'_>, words: &Words) -> Vec<(CoverageState, String)> {
    let summaries = grid.summaries();
    let others = !grid.dark.is_empty();
    let whole = summaries.iter().filter(|one| one.gaps.is_empty() && one.networks > 0);
    let whole: Vec<&str> = whole.map(|one| words.get("mechanism", one.mechanism.name)).collect();
    let mut lines = Vec::new();
    if let Some(said) = dark(grid, words) {
        lines.push((CoverageState::NotMeasured, said));
    }
    if !whole.is_empty() {
        let names = whole.join(words.get("language", "comma"));
        let said = words.fill("networks", "ran", &[("mechanisms", &names)]);
        lines.push((CoverageState::Measured, said));
    }
    for one in summaries.iter().filter(|one| !one.gaps.is_empty()) {
        let partial = one.gaps.iter().any(|gap| gap.partial);
        let state = if partial { CoverageState::Partial } else { CoverageState::NotMeasured };
        let values = [
            ("mechanism", words.get("mechanism", one.mechanism.name)),
            ("gaps", &gaps(one, others, words)),
            ("open", words.get("mechanism_open", one.mechanism.name)),
        ];
        lines.push((state, words.fill("networks", "line", &values)));
    }
    lines
}

/// How many mechanisms did not run, or not to their end, in some network; the networks that were not looked at at all
/// count once.
pub(super) fn unseen(grid: &Grid<'_>) -> usize {
    let mechanisms = grid.summaries().iter().filter(|one| !one.gaps.is_empty()).count();
    mechanisms + usize::from(!grid.dark.is_empty())
}

/// Which networks were not looked at, if there are any.
fn dark(grid: &Grid<'_>, words: &Words) -> Option<String> {
    let count = grid.dark.len();
    let mut names: Vec<String> = grid.dark.iter().take(MOST_DARK).map(|name| named(name)).collect();
    if count > MOST_DARK {
        let more = (count - MOST_DARK).to_string();
        names.push(words.fill("label", "more", &[("count", &more)]));
    }
    let values = [
        ("count", &*count.to_string()),
        ("total", &grid.networks().to_string()),
        ("names", &names.join(words.get("language", "comma"))),
        ("reason", words.get("reason", NO_INTERFACE)),
        ("open", words.get("mechanism_open", "forward")),
    ];
    (count > 0).then(|| words.fill("networks", "dark", &values))
}

/// Where a mechanism did not run, and why.
fn gaps(one: &Summary<'_>, others: bool, words: &Words) -> String {
    let gap = |gap: &Gap<'_>| {
        let reason = reason(gap, one.mechanism, words);
        let place = place(gap, one.networks, others, words);
        words.fill("networks", "gap", &[("place", &place), ("reason", &reason)])
    };
    let all: Vec<String> = one.gaps.iter().map(gap).collect();
    all.join(words.get("networks", "between"))
}

/// In which networks, by their names where they are few; there are `others` where dark ones are told apart.
fn place(gap: &Gap<'_>, total: usize, others: bool, words: &Words) -> String {
    let count = gap.networks.len();
    if count >= total {
        return words.counted("networks", if others { "every_other" } else { "every" }, total);
    }
    let names: Vec<String> = gap.networks.iter().take(MOST_NAMED).map(|name| named(name)).collect();
    let key = if count > MOST_NAMED { "many" } else { "some" };
    let values = [
        ("count", &*count.to_string()),
        ("total", &total.to_string()),
        ("names", &names.join(words.get("language", "comma"))),
    ];
    words.fill("networks", key, &values)
}

/// A network as a report shows it; several have a space between them, where a line may end.
fn named(network: &str) -> String {
    if network.is_empty() { "—".to_owned() } else { cut(&network.replace(',', ", "), LONGEST) }
}

/// Why a mechanism did not run, as a clause.
fn reason(gap: &Gap<'_>, mechanism: &Mechanism, words: &Words) -> String {
    let key = key(gap.partial, gap.reason);
    match words.find("reason", key) {
        Some(_) => words.fill("reason", key, &[("tier", &mechanism.tier.to_string())]),
        None => cut(gap.reason, LONGEST),
    }
}

/// The same in a word or two, for a cell.
fn word(partial: bool, reason: &str, mechanism: &Mechanism, words: &Words) -> String {
    let key = key(partial, reason);
    match words.find("reason_short", key) {
        Some(_) => words.fill("reason_short", key, &[("tier", &mechanism.tier.to_string())]),
        None => cut(reason, 12),
    }
}

/// What a reason is called in the word lists, where a line says none.
const fn key(partial: bool, reason: &str) -> &str {
    match (reason.is_empty(), partial) {
        (true, true) => "not_to_its_end",
        (true, false) => "not_said",
        _ => reason,
    }
}

/// The table of the page.
#[derive(Serialize)]
pub(super) struct Table<'a> {
    count: String,
    dark: String,
    columns: Vec<&'a str>,
    rows: Vec<RowView>,
    more: String,
    marks: Vec<Sign<'a>>,
    short: Vec<Short>,
    mechanisms: Vec<MechanismView<'a>>,
}

#[derive(Serialize)]
struct RowView {
    network: String,
    vantage: String,
    /// The day of an earlier run, where it is of one.
    day: String,
    /// Why the whole row is empty, where it is.
    dark: String,
    cells: Vec<CellView>,
}

#[derive(Serialize)]
struct CellView {
    mark: &'static str,
    class: &'static str,
    word: String,
}

/// A mark and what it says.
#[derive(Serialize)]
struct Sign<'a> {
    mark: &'static str,
    says: &'a str,
}

/// A word of a cell and what it stands for.
#[derive(Serialize)]
struct Short {
    mark: &'static str,
    word: String,
    says: String,
}

#[derive(Serialize)]
struct MechanismView<'a> {
    name: &'a str,
    plain: &'a str,
    ran: String,
    asked: String,
    whole: bool,
    open: String,
}

/// The table, if any line tells of a mechanism.
pub(super) fn table<'a>(grid: &Grid<'_>, words: &'a Words) -> Option<Table<'a>> {
    if grid.rows.is_empty() {
        return None;
    }
    let mut short = BTreeMap::new();
    let shown = grid.rows.iter().take(MOST_ROWS);
    let rows: Vec<RowView> = shown
        .map(|row| row_view(row, grid.dark.contains(&row.name()), words, &mut short))
        .collect();
    let used = |mark: &str| rows.iter().flat_map(|row| &row.cells).any(|cell| cell.mark == mark);
    let marks = MARKS
        .iter()
        .filter(|(mark, _)| used(mark))
        .map(|(mark, key)| Sign { mark, says: words.get("networks", key) })
        .collect();
    let more = grid.rows.len().saturating_sub(MOST_ROWS);
    let more = (more > 0).then(|| words.fill("label", "more", &[("count", &more.to_string())]));
    Some(Table {
        count: words.counted("networks", "count", grid.networks()),
        dark: dark(grid, words).map(|said| visible(&said).into_owned()).unwrap_or_default(),
        columns: MECHANISMS.iter().map(|one| words.get("mechanism", one.name)).collect(),
        marks,
        short: short.into_iter().map(|((mark, word), says)| Short { mark, word, says }).collect(),
        more: more.unwrap_or_default(),
        mechanisms: grid
            .summaries()
            .iter()
            .map(|one| mechanism_view(one, !grid.dark.is_empty(), words))
            .collect(),
        rows,
    })
}

/// The marks, and the keys of what they say.
const MARKS: &[(&str, &str)] = &[
    ("●", "mark_ran"),
    ("◐", "mark_partly"),
    ("○", "mark_nobody"),
    ("–", "mark_not"),
    ("?", "mark_untold"),
];

/// The words of cells, with the marks that they stand under, and what they say.
type Key = BTreeMap<(&'static str, String), String>;

fn row_view(row: &Row<'_>, dark: bool, words: &Words, short: &mut Key) -> RowView {
    let network = row.network.map(named).unwrap_or_default();
    let vantage = row.vantage.map(|name| cut(name, LONGEST)).unwrap_or_default();
    let day = row.day.map(|day| cut(day, LONGEST)).unwrap_or_default();
    if dark {
        let dark = words.get("reason", NO_INTERFACE).to_owned();
        return RowView { network, vantage, day, dark, cells: Vec::new() };
    }
    let cells = row.cells.iter().zip(&MECHANISMS).map(|(cell, mechanism)| {
        let (mark, class) = match cell {
            Cell::Ran(_) => ("●", "ran"),
            Cell::Partly(_) => ("◐", "partly"),
            Cell::Nobody(_) => ("○", "nobody"),
            Cell::Not(_) => ("–", "not"),
            Cell::Elsewhere => ("", "elsewhere"),
            Cell::Untold => ("?", "not"),
        };
        let word = match (cell, cell.gap()) {
            // Who only listens asks nobody.
            (Cell::Ran(line), _) if mechanism.tier > 0 => {
                line.count.map(grouped).unwrap_or_default()
            }
            (Cell::Untold, _) | (_, None) => String::new(),
            (_, Some((partial, why))) => {
                let word = word(partial, why, mechanism, words);
                let gap = Gap { partial, reason: why, networks: Vec::new() };
                short.entry((mark, word.clone())).or_insert_with(|| reason(&gap, mechanism, words));
                word
            }
        };
        CellView { mark, class, word }
    });
    RowView { network, vantage, day, dark: String::new(), cells: cells.collect() }
}

fn mechanism_view<'a>(one: &Summary<'_>, others: bool, words: &'a Words) -> MechanismView<'a> {
    let (ran, total) = (one.ran.to_string(), one.networks.to_string());
    let values = [("asked", &*grouped(one.asked)), ("answered", &grouped(one.answered))];
    let open = words.get("mechanism_open", one.mechanism.name);
    let gaps = gaps(one, others, words);
    MechanismView {
        name: words.get("mechanism", one.mechanism.name),
        plain: words.get("mechanism_plain", one.mechanism.name),
        ran: words.fill("networks", "ran_in", &[("count", &ran), ("total", &total)]),
        asked: if one.asked > 0 && one.mechanism.tier > 0 {
            words.fill("networks", "asked", &values)
        } else {
            String::new()
        },
        whole: one.gaps.is_empty(),
        open: if one.gaps.is_empty() {
            words.get("networks", "whole").to_owned()
        } else {
            let said = words.fill("networks", "open", &[("gaps", &gaps), ("open", open)]);
            capital(&visible(&said))
        },
    }
}

/// `text` with its first letter as at the beginning of a sentence.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}
