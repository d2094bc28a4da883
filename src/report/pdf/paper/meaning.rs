//! What the points mean: against the register, the checklist and the guideline, and how they could become fewer.

use super::{LONGEST, cell, chapter, more, named, note, paragraph, shown, table};
use crate::{
    assess::{Found, Ground, Outcome, Reconciled, Suggestion},
    import::{Column, Entry},
    report::{
        Language, Report, Words, cut,
        pdf::block::{Block, Look, Text, VERMILION},
    },
};

/// How many lines of a register are shown one by one.
const MOST_LINES: usize = 400;

/// How many grounds of an item are shown.
const MOST_GROUNDS: usize = 12;

/// How many groups of a plan are shown.
const MOST_GROUPS: usize = 100;

pub(super) fn register(report: &Report<'_>) -> Vec<Block> {
    let words = report.words;
    let contradicted = contradicted(report);
    let Some(register) = &report.meaning.reconciliation else {
        let heading = || chapter(words.get("paper", "register"), "register");
        let is_any = !contradicted.is_empty();
        return is_any.then(heading).into_iter().chain(contradicted).collect();
    };
    let count = |name| register.lines.iter().filter(|line| line.outcome.name() == name).count();
    let undeclared = report.points().into_iter().map(|point| &*point.id);
    let undeclared: Vec<&str> =
        undeclared.filter(|id| report.register(id) == Some("undeclared")).collect();
    let values = [
        ("register", &*shown(&register.register)),
        ("lines", &register.lines.len().to_string()),
        ("matched", &count("matched").to_string()),
        ("mismatch", &count("mismatch").to_string()),
        ("not_seen", &count("not_seen").to_string()),
        ("undeclared", &undeclared.len().to_string()),
    ];
    let mut blocks = vec![
        chapter(words.get("paper", "register"), "register"),
        paragraph(words.fill("paper", "register_sums", &values)),
    ];
    blocks.extend(contradicted);
    if !undeclared.is_empty() {
        let names = named(undeclared.iter().copied(), words);
        let label = words.get("paper", "register_undeclared");
        blocks.push(paragraph(format!("{label}{}{names}", words.get("language", "colon"))));
    }
    // What agrees needs no line of its own; the workbook has them all.
    let open: Vec<&Reconciled> = register
        .lines
        .iter()
        .filter(|line| !matches!(line.outcome, Outcome::Matched { .. }))
        .collect();
    if open.is_empty() {
        return blocks;
    }
    let rows = open.iter().take(MOST_LINES).map(|line| {
        vec![place(&line.entry), called(&line.entry), outcome(line, words), differs(line, words)]
    });
    let columns = [
        ("paper", "row", 12.0),
        ("paper", "line_of", 32.0),
        ("paper", "outcome", 20.0),
        ("label", "detail", 36.0),
    ];
    blocks.push(table(words, &columns, rows.collect()));
    if open.len() > MOST_LINES {
        blocks.push(note(more(open.len() - MOST_LINES, words)));
    }
    blocks
}

/// What somebody said and the network contradicts; nothing where there is none.
fn contradicted(report: &Report<'_>) -> Vec<Block> {
    let (words, all) = (report.words, &report.meaning.contradictions);
    if all.is_empty() {
        return Vec::new();
    }
    let look = Look::CELL.in_colour(VERMILION);
    let rows = all.iter().take(MOST_LINES).map(|one| {
        vec![vec![super::point(&one.point)], vec![Text::new(words.contradiction(one), look)]]
    });
    let columns = [("label", "id", 18.0), ("paper", "contradicted", 82.0)];
    let mut blocks = vec![table(words, &columns, rows.collect())];
    if all.len() > MOST_LINES {
        blocks.push(note(more(all.len() - MOST_LINES, words)));
    }
    blocks
}

/// Where a line stands in its file.
fn place(entry: &Entry) -> Vec<Text> {
    let mut said = vec![Text::cell(entry.row.to_string())];
    said.extend(entry.sheet.as_deref().map(|sheet| Text::new(cut(sheet, 40), Look::NOTE)));
    said
}

/// What a line is about.
fn called(entry: &Entry) -> Vec<Text> {
    let of = |column| entry.get(column).map(shown);
    let name = [Column::Name, Column::AssetNumber, Column::HostName, Column::Sort];
    let name = name.into_iter().find_map(of).map(|name| Text::new(name, Look::CELL.strong()));
    let rest = [Column::Place, Column::Address, Column::Line, Column::Partner];
    let rest: Vec<String> = rest.into_iter().filter_map(of).collect();
    let rest = (!rest.is_empty()).then(|| Text::new(cut(&rest.join(" / "), LONGEST), Look::NOTE));
    name.into_iter().chain(rest).collect()
}

/// What came of a line.
fn outcome(line: &Reconciled, words: &Words) -> Vec<Text> {
    let look = Look::CELL.strong().in_colour(VERMILION);
    let mut said = vec![Text::new(words.get("outcome", line.outcome.name()), look)];
    match line.outcome.found() {
        Some(Found::Point(id)) => said.push(super::point(id)),
        Some(Found::Host(address)) => said.push(Text::cell(shown(address))),
        None => {}
    }
    said
}

/// What differs, or why it was not seen.
fn differs(line: &Reconciled, words: &Words) -> Vec<Text> {
    match &line.outcome {
        Outcome::NotSeen { reason } => cell(words.get("unseen", reason.name())),
        Outcome::Mismatch { fields, .. } => fields
            .iter()
            .map(|field| {
                let values = [
                    ("column", words.get("column", field.column.name())),
                    ("written", &*cut(&field.written, 80)),
                    ("found", &cut(&field.found, 80)),
                ];
                Text::cell(words.fill("paper", "differs", &values))
            })
            .collect(),
        Outcome::Matched { .. } => Vec::new(),
    }
}

pub(super) fn checklist(report: &Report<'_>) -> Vec<Block> {
    let words = report.words;
    let Some(checked) = report.meaning.checklists.first() else { return Vec::new() };
    let asked = |item: &&crate::assess::Item| item.suggestion != Suggestion::NotByNetwork;
    let rows = checked.items.iter().filter(asked).map(|item| {
        let look = match item.suggestion {
            Suggestion::No => Look::CELL.strong().in_colour(VERMILION),
            Suggestion::ToConfirm | Suggestion::NotByNetwork => Look::CELL.strong(),
        };
        vec![
            cell(&item.number),
            cell(in_language(&item.ja, &item.en, words)),
            vec![Text::new(words.get("suggestion", item.suggestion.name()), look)],
            grounds(&item.grounds, words),
        ]
    });
    let rows: Vec<_> = rows.collect();
    let others: Vec<&str> = checked
        .items
        .iter()
        .filter(|item| item.suggestion == Suggestion::NotByNetwork)
        .map(|item| &*item.number)
        .collect();
    let heading = words.fill("paper", "checklist", &[("edition", &cut(&checked.edition, 20))]);
    let mut blocks = vec![
        chapter(&heading, "checklist"),
        paragraph(words.get("paper", "checklist_plain")),
        table(words, &columns_of_items(), rows),
    ];
    if !others.is_empty() {
        let label = words.get("suggestion", Suggestion::NotByNetwork.name());
        let names = cut(&others.join(words.get("language", "comma")), LONGEST * 4);
        blocks.push(note(format!("{label}{}{names}", words.get("language", "colon"))));
    }
    blocks
}

pub(super) fn guideline(report: &Report<'_>) -> Vec<Block> {
    let words = report.words;
    if report.meaning.articles.is_empty() {
        return Vec::new();
    }
    let rows = report.meaning.articles.iter().map(|article| {
        let said = if article.grounds.is_empty() {
            vec![Text::new(words.get("paper", "nothing_found"), Look::NOTE)]
        } else {
            grounds(&article.grounds, words)
        };
        vec![cell(&article.number), cell(in_language(&article.ja, &article.en, words)), said]
    });
    let columns = [("paper", "article", 12.0), ("paper", "asks", 40.0), ("paper", "found", 48.0)];
    vec![
        chapter(words.get("paper", "guideline"), "guideline"),
        table(words, &columns, rows.collect()),
    ]
}

const fn columns_of_items() -> [(&'static str, &'static str, f32); 4] {
    [
        ("paper", "item", 11.0),
        ("paper", "asks", 34.0),
        ("paper", "suggestion", 15.0),
        ("paper", "found", 40.0),
    ]
}

fn in_language<'a>(ja: &'a str, en: &'a str, words: &Words) -> &'a str {
    if words.language() == Language::Japanese { ja } else { en }
}

/// What was found, with the points that show it.
fn grounds(grounds: &[Ground], words: &Words) -> Vec<Text> {
    let mut said = Vec::new();
    for ground in grounds.iter().take(MOST_GROUNDS) {
        said.push(Text::cell(cut(&words.ground(ground), LONGEST * 2)));
        if !ground.points.is_empty() {
            said.push(Text::new(
                named(ground.points.iter().map(String::as_str), words),
                Look::NOTE,
            ));
        }
    }
    if grounds.len() > MOST_GROUNDS {
        said.push(Text::new(more(grounds.len() - MOST_GROUNDS, words), Look::NOTE));
    }
    said
}

pub(super) fn plan(report: &Report<'_>) -> Vec<Block> {
    let (words, plan) = (report.words, &report.meaning.plan);
    if plan.groups.is_empty() {
        return Vec::new();
    }
    let rows = plan.groups.iter().take(MOST_GROUPS).map(|group| {
        let purpose = words.purpose(&group.purpose);
        let line = group.line.as_deref().map(|line| words.line_sort(line));
        let what = [Some(&*purpose), group.vendor.as_deref(), line];
        let mut what = what.into_iter().flatten();
        let mut about =
            vec![Text::new(what.next().map(shown).unwrap_or_default(), Look::CELL.strong())];
        about.extend(what.map(|one| Text::new(shown(one), Look::NOTE)));
        about.push(Text::new(named(group.points.iter().map(String::as_str), words), Look::NOTE));
        let counts =
            [("before", &*group.points.len().to_string()), ("after", &group.after.to_string())];
        let reasons = group.reasons.iter();
        let reasons = reasons.map(|why| words.why(why));
        vec![
            cell(group.order.to_string()),
            about,
            vec![
                Text::new(words.get("proposal", group.proposal.name()), Look::CELL.strong()),
                Text::new(words.fill("paper", "counts", &counts), Look::NOTE),
            ],
            reasons.map(|why| Text::cell(cut(&why, LONGEST))).collect(),
        ]
    });
    let columns = [
        ("paper", "order", 8.0),
        ("paper", "group", 33.0),
        ("paper", "proposal", 20.0),
        ("paper", "reasons", 39.0),
    ];
    let counts = [("before", &*plan.before.to_string()), ("after", &plan.after.to_string())];
    let mut blocks = vec![
        chapter(words.get("paper", "plan"), "plan"),
        paragraph(words.fill("paper", "plan_plain", &counts)),
        table(words, &columns, rows.collect()),
    ];
    if plan.groups.len() > MOST_GROUPS {
        blocks.push(note(more(plan.groups.len() - MOST_GROUPS, words)));
    }
    blocks
}
