//! The checklist, the guideline and the plan: as a short block of a report, and whole.

use std::io::{self, Write};

use super::{Look, Report, Words, cut, visible, wrap};
use crate::assess::{Checked, Ground, Group, Plan, Suggestion};

/// How many points of one ground are named.
const MOST_NAMED: usize = 8;

/// How many steps of the plan a report tells beside the counts.
const MOST_STEPS: usize = 2;

/// Writes how many items of each edition need an answer, and the beginning of the plan; nothing where there is neither.
pub(super) fn summary(report: &Report<'_>, look: Look, out: &mut impl Write) -> io::Result<()> {
    let (words, meaning) = (report.words, report.meaning);
    if !meaning.checklists.is_empty() {
        writeln!(out, "{}", look.strong(words.get("checklist", "heading")))?;
        for checked in &meaning.checklists {
            said(&counts(checked, words), 2, look, out)?;
        }
        said(words.get("checklist", "more"), 2, look, out)?;
        writeln!(out)?;
    }
    if meaning.plan.groups.is_empty() {
        return Ok(());
    }
    writeln!(out, "{}", look.strong(words.get("plan", "heading")))?;
    said(&plan_counts(&meaning.plan, words), 2, look, out)?;
    for (at, group) in meaning.plan.groups.iter().take(MOST_STEPS).enumerate() {
        let key = if at == 0 { "first" } else { "next" };
        let what = brief(group, words);
        said(&words.fill("plan", key, &[("what", &what)]), 2, look, out)?;
    }
    writeln!(out)
}

/// Writes every item of the editions, and every article of the guideline, with what was found.
pub fn write_checklist(report: &Report<'_>, look: Look, out: &mut impl Write) -> io::Result<()> {
    let (words, meaning) = (report.words, report.meaning);
    let japanese = words.language() == super::Language::Japanese;
    let colon = words.get("language", "colon");
    for checked in &meaning.checklists {
        writeln!(out, "{}", look.strong(&counts(checked, words)))?;
        writeln!(out)?;
        for item in &checked.items {
            let text = if japanese { &item.ja } else { &item.en };
            let unsure = (!item.number_certain).then_some("number_to_confirm");
            let head = format!("{} {text}", numbered(&item.number, unsure, words));
            let suggestion = words.suggestion(item.suggestion);
            said(&format!("{head}{colon}{suggestion}"), 0, look, out)?;
            let list = |values: &[String]| values.join(words.get("language", "comma"));
            let sheets: Vec<String> = item
                .sheets
                .iter()
                .map(|sheet| words.get("checklist_sheet", sheet).to_owned())
                .collect();
            let sheets = words.fill("checklist", "sheets", &[("sheets", &list(&sheets))]);
            said(&sheets, 4, look, out)?;
            if !item.articles.is_empty() {
                let articles = list(&item.articles);
                let articles = words.fill("checklist", "articles", &[("articles", &articles)]);
                said(&articles, 4, look, out)?;
            }
            if item.suggestion == Suggestion::NotByNetwork {
                said(words.get("suggestion_plain", item.suggestion.name()), 4, look, out)?;
            }
            grounds(&item.grounds, words, look, out)?;
        }
        writeln!(out)?;
    }
    writeln!(out, "{}", look.strong(words.get("checklist", "guideline")))?;
    writeln!(out)?;
    for article in &meaning.articles {
        let text = if japanese { &article.ja } else { &article.en };
        let unsure = (!article.certain).then_some("gist_to_confirm");
        said(&format!("{} {text}", numbered(&article.number, unsure, words)), 0, look, out)?;
        grounds(&article.grounds, words, look, out)?;
    }
    writeln!(out)?;
    said(words.get("checklist", "never_yes"), 0, look, out)
}

/// Writes the plan in the order of the work, each step with its reasons and its points.
pub fn write_plan(report: &Report<'_>, look: Look, out: &mut impl Write) -> io::Result<()> {
    let (words, plan) = (report.words, &report.meaning.plan);
    writeln!(out, "{}", look.strong(words.get("plan", "heading")))?;
    if plan.groups.is_empty() {
        return said(words.get("plan", "none"), 2, look, out);
    }
    said(&plan_counts(plan, words), 2, look, out)?;
    writeln!(out)?;
    for group in &plan.groups {
        let values = [
            ("order", group.order.to_string()),
            ("proposal", words.proposal(group.proposal).to_owned()),
            ("purpose", words.purpose(&group.purpose)),
            ("count", group.points.len().to_string()),
            ("after", group.after.to_string()),
        ];
        let values: Vec<(&str, &str)> =
            values.iter().map(|(name, value)| (*name, value.as_str())).collect();
        for line in wrap(&words.fill("plan", "step", &values), look.columns) {
            writeln!(out, "{}", look.strong(&line))?;
        }
        said(words.get("proposal_plain", group.proposal.name()), 4, look, out)?;
        if let Some(vendor) = &group.vendor {
            let vendor = cut(vendor, look.columns);
            said(&words.fill("plan", "vendor", &[("vendor", &vendor)]), 4, look, out)?;
        }
        if let Some(line) = &group.line {
            let line = words.line_sort(line);
            said(&words.fill("plan", "line", &[("line", line)]), 4, look, out)?;
        }
        for why in &group.reasons {
            said(&format!("- {}", words.why(why)), 4, look, out)?;
        }
        // A plan is worked through: every point is named.
        let all = group.points.join(words.get("language", "comma"));
        said(&words.fill("checklist", "points", &[("points", &all)]), 4, look, out)?;
    }
    writeln!(out)?;
    said(words.get("plan", "caveat"), 0, look, out)
}

/// How many items of an edition have which suggestion.
fn counts(checked: &Checked, words: &Words) -> String {
    let numbers = Suggestion::ALL.map(|one| (one.name(), checked.count(one).to_string()));
    let numbers = numbers.iter().map(|(name, number)| (*name, number.as_str()));
    let values: Vec<(&str, &str)> =
        numbers.chain([("edition", checked.edition.as_str())]).collect();
    words.fill("checklist", "count", &values)
}

/// How many points there are before and after the plan, and in how many steps.
fn plan_counts(plan: &Plan, words: &Words) -> String {
    let [before, after, groups] =
        [plan.before, plan.after, plan.groups.len()].map(|number| number.to_string());
    words.fill("plan", "counts", &[("before", &before), ("after", &after), ("groups", &groups)])
}

/// A step on one line: what is proposed, and the first reason.
fn brief(group: &Group, words: &Words) -> String {
    let why = group.reasons.first().map(|why| words.why(why)).unwrap_or_default();
    let proposal = words.proposal(group.proposal);
    words.fill("plan", "group", &[("proposal", proposal), ("why", &why)])
}

/// A number, and in brackets that it is not certain.
fn numbered(number: &str, unsure: Option<&str>, words: &Words) -> String {
    let unsure = unsure.map(|key| words.get("checklist", key));
    unsure.map_or_else(|| number.to_owned(), |unsure| super::text::bracketed(number, unsure, words))
}

/// What was found, a sentence each, with some of the points that show it.
fn grounds(grounds: &[Ground], words: &Words, look: Look, out: &mut impl Write) -> io::Result<()> {
    for ground in grounds {
        let mut sentence = format!("- {}", words.ground(ground));
        if !ground.points.is_empty() {
            let named = ground.points.iter().take(MOST_NAMED).cloned();
            let more = ground.points.len().saturating_sub(MOST_NAMED);
            let more = (more > 0)
                .then(|| words.fill("checklist", "points_more", &[("count", &more.to_string())]));
            let named: Vec<String> = named.chain(more).collect();
            let named = named.join(words.get("language", "comma"));
            sentence = super::text::bracketed(&sentence, &named, words);
        }
        said(&sentence, 4, look, out)?;
    }
    Ok(())
}

/// Writes a text in as many lines as it takes, indented.
fn said(text: &str, indent: usize, look: Look, out: &mut impl Write) -> io::Result<()> {
    let room = look.columns.saturating_sub(indent);
    for line in wrap(&visible(text), room) {
        writeln!(out, "{}{line}", " ".repeat(indent))?;
    }
    Ok(())
}
